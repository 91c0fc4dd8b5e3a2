//! Decodes a tree into the structs of `raw`, and reports every problem instead of only the first.
//!
//! Serde stops at its first error. The offending part is therefore cut out of the tree and decoding starts again, until
//! there is no error. What remains is decoded, so that later checks can report their problems too.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, DeserializeOwned, Expected, Unexpected};

use super::deserializer::{Decoder, TAG};
use super::tree::{Origin, Path, Step, Tree, Value};
use crate::scenario::problem::{MOST, did_you_mean, expected, nearest};

/// A part that could not be decoded.
#[derive(Debug)]
pub struct Fault {
    /// Where.
    pub origin: Origin,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The result of decoding a tree.
pub struct Decoded<T> {
    /// The valid parts; `None` if nothing is left.
    pub value: Option<T>,
    /// The paths that were cut out, because they were wrong or incomplete.
    pub pruned: BTreeSet<Path>,
    /// The problems.
    pub faults: Vec<Fault>,
}

/// Names used elsewhere, each with the name here.
pub struct Glossary {
    /// Fields and words.
    pub words: &'static [(&'static str, &'static str)],
    /// Kinds of tagged objects.
    pub kinds: &'static [(&'static str, &'static str)],
    /// Fields that are objects, as `field` or `parent.field`, each with an example.
    pub shapes: &'static [(&'static str, &'static str)],
    /// Objects whose keys are names chosen by the user.
    pub named: &'static [&'static str],
}

/// Decodes all valid parts, and cuts the others out of the tree.
pub fn decode<T: DeserializeOwned>(tree: &mut Tree, glossary: &Glossary) -> Decoded<T> {
    let mut done = Decoded {
        value: None,
        pruned: BTreeSet::new(),
        faults: Vec::new(),
    };
    // Every pass cuts something out, so this ends. The bound limits the time for a hopeless file.
    while done.faults.len() < MOST {
        let error = match T::deserialize(Decoder { tree }) {
            Ok(value) => {
                done.value = Some(value);
                break;
            }
            Err(error) => error,
        };
        let path = Path(error.steps.iter().rev().cloned().collect());
        let kind = error.what.meant_kind(glossary);
        if !follows(&error, &path, &done.pruned) {
            let origin = if error.key {
                tree.origin_of_key(&path)
            } else {
                tree.origin_of(&path)
            };
            let renamed = call_it_here(&error.what, tree.find_mut(&path), glossary);
            let goes_on = renamed.is_some();
            let written = error.what.written_here(&path, glossary);
            let mut fault = error.what.into_fault(origin, glossary);
            fault.hint = renamed.or(written).or(fault.hint);
            done.faults.push(fault);
            if goes_on {
                continue;
            }
        }
        if !(kind.is_some_and(|kind| replace(tree, &path, kind)) || prune(tree, &path)) {
            break;
        }
        note(&mut done.pruned, path);
    }
    done
}

/// If a missing field is present under a name used elsewhere, renames it, so that the rest of the object can be
/// checked. Returns the hint for it, if there is such a field.
fn call_it_here(what: &What, object: Option<&mut Tree>, glossary: &Glossary) -> Option<String> {
    let (What::Missing(field), Value::Object(entries)) = (what, &mut object?.value) else {
        return None;
    };
    let is_called = |key: &str| called_here(glossary.words, key, &[*field]).is_some();
    let entry = entries.iter_mut().find(|e| is_called(&e.key))?;
    let typed = std::mem::replace(&mut entry.key, (*field).to_owned());
    Some(format!("what stands there as \"{typed}\" is called \"{field}\" here"))
}

/// Records a path that was cut out. After that, later elements of a list have other indices, so only the loss of an
/// element is recorded, under an index that no element has.
fn note(pruned: &mut BTreeSet<Path>, mut path: Path) {
    if let Some(Step::Index(_)) = path.0.last() {
        pruned.retain(|p| !p.0.starts_with(&path.0));
        path.0.pop();
        path = path.index(usize::MAX);
    }
    pruned.insert(path);
}

/// Whether this error only follows from what has been cut out of its object.
fn follows(error: &Error, path: &Path, pruned: &BTreeSet<Path>) -> bool {
    match error.what {
        What::Missing(field) => pruned.contains(&path.key(field)),
        What::Unknown { .. } => false,
        What::Said(_) => {
            !error.key
                && pruned
                    .iter()
                    .any(|p| p.0.len() == path.0.len() + 1 && p.0.starts_with(&path.0))
        }
    }
}

/// Replaces the kind that was typed by the one that was meant, so that the rest of the object is checked too.
fn replace(tree: &mut Tree, path: &Path, kind: &str) -> bool {
    let found = tree.find_mut(path);
    found.map(|tree| tree.value = Value::Text(kind.to_owned())).is_some()
}

/// Cuts out the value at a path. Returns false if there is none.
fn prune(tree: &mut Tree, path: &Path) -> bool {
    let Some((last, before)) = path.0.split_last() else {
        return false;
    };
    let Some(parent) = tree.find_mut(&Path(before.to_vec())) else {
        return false;
    };
    match (&mut parent.value, last) {
        (Value::Object(entries), Step::Key(key)) => {
            let before = entries.len();
            entries.retain(|e| e.key != *key);
            entries.len() < before
        }
        (Value::List(elements), Step::Index(index)) => {
            let element = elements
                .iter_mut()
                .filter(|e| !matches!(e.value, Value::Pruned))
                .nth(*index);
            element.map(|e| e.value = Value::Pruned).is_some()
        }
        _ => false,
    }
}

/// An error on its way up: each level adds its step to the path.
#[derive(Debug)]
pub struct Error {
    /// The path to its origin, last step first.
    steps: Vec<Step>,
    /// Whether it is about the last key rather than its value.
    pub key: bool,
    /// What was wrong.
    pub what: What,
}

const WORD: &str = "word";
const NO_OBJECT: &str = "expected an object";

/// The error that serde found.
#[derive(Debug)]
pub enum What {
    /// In words.
    Said(String),
    /// A required field.
    Missing(&'static str),
    Unknown {
        what: &'static str,
        word: String,
        known: &'static [&'static str],
    },
}

/// The name here of what is called `word` elsewhere.
fn called_here(called: &[(&'static str, &'static str)], word: &str, known: &[&'static str]) -> Option<&'static str> {
    let mut all = called.iter();
    let called = all.find(|(there, here)| there.eq_ignore_ascii_case(word) && known.contains(here));
    called.map(|(_, here)| *here)
}

impl What {
    /// For an unknown kind: the only near one, or the one known elsewhere by this name.
    fn meant_kind(&self, glossary: &Glossary) -> Option<&'static str> {
        match self {
            What::Unknown { what: TAG, word, known } => match nearest(word, known.iter().copied())[..] {
                [kind] => Some(kind),
                [] => called_here(glossary.kinds, word, known),
                _ => None,
            },
            _ => None,
        }
    }

    /// How to write the object for which another value was given.
    fn written_here(&self, path: &Path, glossary: &Glossary) -> Option<String> {
        let is_other = match self {
            What::Said(message) => message.starts_with(NO_OBJECT),
            What::Unknown { what, .. } => *what == WORD,
            What::Missing(_) => false,
        };
        let [.., Step::Key(parent), Step::Key(field)] = &path.0[..] else {
            return None;
        };
        let is_here = |(place, _): &&(&str, &str)| match place.split_once('.') {
            Some(both) => both == (parent.as_str(), field.as_str()),
            // A name chosen by the user is none of these fields.
            None => *place == field && !glossary.named.contains(&parent.as_str()),
        };
        let (_, written) = glossary.shapes.iter().find(is_here).filter(|_| is_other)?;
        Some(format!("write it as {written}"))
    }

    fn into_fault(self, origin: Origin, glossary: &Glossary) -> Fault {
        let (message, hint) = match self {
            What::Said(message) => match message.split_once("; ") {
                Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
                None => (message, None),
            },
            What::Missing(field) => (format!("\"{field}\" is missing here"), None),
            What::Unknown { what, word, known } => {
                let near = did_you_mean(&word, known.iter().copied());
                let elsewhere = if what == TAG { glossary.kinds } else { glossary.words };
                let called = called_here(elsewhere, &word, known);
                let hint = near
                    .or_else(|| called.map(|here| format!("here it is called \"{here}\"")))
                    .or_else(|| expected(known.iter().copied()));
                (format!("unknown {what} \"{word}\""), hint)
            }
        };
        Fault { origin, message, hint }
    }
}

impl Error {
    /// An error at this place.
    pub fn new(what: What) -> Error {
        Error {
            steps: Vec::new(),
            key: false,
            what,
        }
    }

    /// An error in words; a hint may follow after "; ".
    pub fn said(message: impl Into<String>) -> Error {
        Error::new(What::Said(message.into()))
    }

    /// The error, moved to the key of this name rather than its value.
    pub fn at_key(mut self, key: &str) -> Error {
        self.key = true;
        self.below(Step::Key(key.to_owned()))
    }

    /// The error, seen from one level up.
    pub fn below(mut self, step: Step) -> Error {
        self.steps.push(step);
        self
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.what)
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Error {
        Error::new(What::Said(message.to_string()))
    }

    fn invalid_type(found: Unexpected, expected: &dyn Expected) -> Error {
        let expected = plain(&expected.to_string());
        let said = format!("expected {expected}, found {}", words(&found));
        Error::said(match rewritten(&found, &expected) {
            Some(meant) => format!("{said}; write {meant}"),
            None => said,
        })
    }

    fn invalid_value(found: Unexpected, expected: &dyn Expected) -> Error {
        Error::invalid_type(found, expected)
    }

    fn missing_field(field: &'static str) -> Error {
        Error::new(What::Missing(field))
    }

    fn unknown_field(word: &str, known: &'static [&'static str]) -> Error {
        Error::new(What::Unknown {
            what: "field",
            word: word.to_owned(),
            known,
        })
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Error {
        Error::new(What::Unknown {
            what: WORD,
            word: word.to_owned(),
            known,
        })
    }
}

/// What was expected, in terms of the file rather than of Rust.
fn plain(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" | "u64" => {
            let most = match expected {
                "u8" => u64::from(u8::MAX),
                "u16" => u64::from(u16::MAX),
                "u32" => u64::from(u32::MAX),
                _ => u64::MAX,
            };
            format!("a whole number from 0 to {most}")
        }
        "i32" => "a whole number".into(),
        "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list".into(),
        "a map" => "an object".into(),
        "enum" | "newtype variant" => "an object with one key".into(),
        _ if expected.starts_with("struct ") => "an object".into(),
        _ if expected.starts_with("enum ") => "a word or an object with one key".into(),
        _ => expected.to_owned(),
    }
}

/// What was found, in terms of the file rather than of Rust.
fn words(found: &Unexpected) -> String {
    match found {
        Unexpected::Bool(b) => format!("{b}"),
        Unexpected::Unsigned(n) => format!("{n}"),
        Unexpected::Signed(n) => format!("{n}"),
        Unexpected::Float(n) => format!("{n}"),
        Unexpected::Str(s) => format!("{s:?}"),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "an object".into(),
        Unexpected::Unit => "null".into(),
        Unexpected::UnitVariant => "a word".into(),
        other => other.to_string(),
    }
}

/// The share written as `90%`, without the rounding error of the division.
pub fn share_of_percent(text: &str) -> Option<f64> {
    let number = finite(text.strip_suffix('%')?)?;
    Some(libm::round(number * 1e10) / 1e12)
}

fn finite(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|n| n.is_finite())
}

/// A value of the wrong type converted to the right one, where the meaning is plain.
fn rewritten(found: &Unexpected, expected: &str) -> Option<String> {
    let Unexpected::Str(text) = found else { return None };
    match (expected, text.to_lowercase().as_str()) {
        ("a list", _) => {
            let names = text.split([',', ' ']).filter(|name| !name.is_empty());
            let quoted: Vec<String> = names.map(|name| format!("{name:?}")).collect();
            Some(format!("[{}]", quoted.join(", ")))
        }
        ("true or false", "yes" | "on") => Some("true".into()),
        ("true or false", "no" | "off") => Some("false".into()),
        ("a number", _) => share_of_percent(text).or_else(|| finite(text)).map(|n| n.to_string()),
        _ if expected.starts_with("a whole number") => {
            let whole = finite(text).filter(|n| *n >= 0.0 && *n < 1e9 && libm::trunc(*n) == *n);
            whole.map(|n| n.to_string())
        }
        _ => None,
    }
}
