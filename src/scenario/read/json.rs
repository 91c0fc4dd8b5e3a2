//! JSON to a tree with places.
//!
//! Written here because no JSON library gives the place of every key. Strings and numbers are cut out here and parsed
//! by `serde_json`.

use serde_json::Number;

use super::tree::{Entry, Origin, Tree, Value};
use crate::base::limits::NESTING;
use crate::scenario::problem::{Place, Problem, Spot};

/// The tree of a JSON text. Reading stops at a syntax error; duplicate keys are collected in `problems`.
pub fn parse(text: &str, problems: &mut Vec<Problem>) -> Result<Tree, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        text,
        at: 0,
        known: (0, 1, 1),
        depth: 0,
        problems,
    };
    let tree = reader.value()?;
    reader.space();
    match reader.peek() {
        None => Ok(tree),
        Some(_) => Err(reader.unexpected("nothing more after the scenario's closing brace")),
    }
}

struct Reader<'a> {
    text: &'a str,
    /// The number of bytes read.
    at: usize,
    /// A byte with its line and column. Places are requested in order, so each is counted from the previous one.
    known: (usize, u32, u32),
    depth: usize,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Tree, Problem> {
        self.space();
        match self.peek() {
            Some(b'{') => self.nested(Reader::object),
            Some(b'[') => self.nested(Reader::list),
            Some(b'"') => {
                let (text, spot) = self.string()?;
                Ok(Tree {
                    value: Value::Text(text),
                    origin: Origin::File(spot),
                })
            }
            Some(_) => self.word(),
            None => Err(self.unexpected("a value")),
        }
    }

    fn nested(&mut self, inside: fn(&mut Self) -> Result<Value, Problem>) -> Result<Tree, Problem> {
        let spot = self.spot(self.at, self.at + 1);
        if self.depth == NESTING {
            let message = format!("lists and objects nest deeper than {NESTING} levels, which is the limit");
            return Err(Problem::new(Place::Spot(spot), message));
        }
        self.depth += 1;
        self.at += 1;
        let value = inside(self)?;
        self.at += 1;
        self.depth -= 1;
        Ok(Tree {
            value,
            origin: Origin::File(spot),
        })
    }

    fn object(&mut self) -> Result<Value, Problem> {
        let mut entries = Entries::default();
        loop {
            self.space();
            match self.peek() {
                Some(b'}') if entries.list.is_empty() => break,
                Some(b'"') => {}
                _ => return Err(self.unexpected("a key in double quotes")),
            }
            let (key, spot) = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("\":\" after the key"));
            }
            self.at += 1;
            let value = self.value()?;
            entries.add(
                Entry {
                    key,
                    origin: Origin::File(spot),
                    value,
                },
                spot,
                self.problems,
            );
            if !self.comma(b'}')? {
                break;
            }
        }
        Ok(Value::Object(entries.list))
    }

    fn list(&mut self) -> Result<Value, Problem> {
        let mut elements = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            return Ok(Value::List(elements));
        }
        loop {
            elements.push(self.value()?);
            if !self.comma(b']')? {
                return Ok(Value::List(elements));
            }
        }
    }

    /// Reads a comma, and returns whether there is one more element. Stops before the closing bracket.
    fn comma(&mut self, close: u8) -> Result<bool, Problem> {
        self.space();
        match self.peek() {
            Some(b',') => {
                let comma = self.at;
                self.at += 1;
                self.space();
                if self.peek() == Some(close) {
                    let spot = self.spot(comma, comma + 1);
                    return Err(Problem::new(
                        Place::Spot(spot),
                        "JSON has no comma after the last element",
                    ));
                }
                Ok(true)
            }
            Some(c) if c == close => Ok(false),
            _ => Err(self.unexpected(&format!("\",\" or \"{}\"", close as char))),
        }
    }

    fn string(&mut self) -> Result<(String, Spot), Problem> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        while end < bytes.len() && bytes[end] != b'"' && bytes[end] != b'\n' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        if bytes.get(end) != Some(&b'"') {
            let spot = self.spot(start, start + 1);
            return Err(Problem::new(
                Place::Spot(spot),
                "this string has no closing quote on its line",
            ));
        }
        self.at = end + 1;
        let spot = self.spot(start, self.at);
        match serde_json::from_str(&self.text[start..self.at]) {
            Ok(text) => Ok((text, spot)),
            Err(_) => Err(Problem::new(
                Place::Spot(spot),
                "this string has a control character or an unknown escape",
            )),
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Tree, Problem> {
        let rest = &self.text[self.at..];
        let length = rest
            .find(|c: char| c.is_whitespace() || ",:{}[]\"".contains(c))
            .unwrap_or(rest.len());
        let (start, word) = (self.at, &rest[..length]);
        let value = match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => match serde_json::from_str::<Number>(word) {
                Ok(number) if number.as_f64().is_some_and(f64::is_finite) => Value::Number(number),
                _ => return Err(self.no_word(start, word)),
            },
        };
        self.at += length;
        let spot = self.spot(start, self.at);
        Ok(Tree {
            value,
            origin: Origin::File(spot),
        })
    }

    fn no_word(&mut self, start: usize, word: &str) -> Problem {
        if word.is_empty() {
            return self.unexpected("a value");
        }
        let problem = Problem::new(
            Place::Spot(self.spot(start, start + word.len())),
            format!("{word:?} is no JSON value"),
        );
        if word.starts_with("//") || word.starts_with("/*") || word.starts_with('#') {
            problem.hint("JSON has no comments; a file ending in .yaml may have them")
        } else {
            problem.hint("strings stand in double quotes")
        }
    }

    fn unexpected(&mut self, expected: &str) -> Problem {
        let found = self.text[self.at..].chars().next();
        let spot = self.spot(self.at, self.at + found.map_or(0, char::len_utf8));
        let problem = match found {
            Some(c) => Problem::new(
                Place::Spot(spot),
                format!("expected {expected}, found {:?}", c.to_string()),
            ),
            None => Problem::new(
                Place::Spot(spot),
                format!("expected {expected}, found the end of the file"),
            ),
        };
        match found {
            Some('/' | '#') => problem.hint("JSON has no comments; a file ending in .yaml may have them"),
            _ => problem,
        }
    }

    fn space(&mut self) {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The place of these bytes.
    fn spot(&mut self, start: usize, end: usize) -> Spot {
        let (mut from, mut line, mut column) = self.known;
        if start < from {
            (from, line, column) = (0, 1, 1);
        }
        for c in self.text[from..start].chars() {
            (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        self.known = (start, line, column);
        Spot {
            line,
            column,
            length: self.text[start..end].chars().count().max(1) as u32,
        }
    }
}

/// The entries of an object being read. A set of keys beside the list avoids quadratic time for large objects.
#[derive(Default)]
pub struct Entries {
    /// What has been read, in order.
    pub list: Vec<Entry>,
    keys: std::collections::BTreeMap<String, u32>,
}

impl Entries {
    /// Adds an entry. A duplicate key is a problem, and the first one stays.
    pub fn add(&mut self, entry: Entry, spot: Spot, problems: &mut Vec<Problem>) {
        if let Some(line) = self.keys.get(&entry.key) {
            let message = format!("{:?} is given twice; the first is on line {line}", entry.key);
            problems.push(Problem::new(Place::Spot(spot), message));
        } else {
            self.keys.insert(entry.key.clone(), spot.line);
            self.list.push(entry);
        }
    }
}
