//! The problems of a scenario: what, where, and what to do about it.
//!
//! All problems of a file are collected before any is shown. This file knows nothing of scenarios.

use std::fmt;

use crate::base::words::few;

/// After this many problems the rest of a file is not checked.
pub const MOST: usize = 50;

/// A stretch of the scenario's text. Lines and columns count from 1, columns in characters.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The line.
    pub line: u32,
    /// The column of the first character.
    pub column: u32,
    /// The number of characters.
    pub length: u32,
}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the file as a whole.
    File,
    /// At this stretch of its text.
    Spot(Spot),
    /// In the text of this `--set`.
    Set(String),
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether a file could not be read, as opposed to what it says.
    pub unreadable: bool,
}

impl Problem {
    /// What is wrong, and what to do instead.
    fn says(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }

    /// A problem with what was typed.
    pub fn new(place: Place, message: impl Into<String>) -> Problem {
        Problem {
            place,
            message: message.into(),
            hint: None,
            unreadable: false,
        }
    }

    /// A file that could not be read.
    pub fn unreadable(place: Place, message: impl Into<String>) -> Problem {
        Problem {
            unreadable: true,
            ..Problem::new(place, message)
        }
    }

    /// Adds advice.
    pub fn hint(self, hint: impl Into<String>) -> Problem {
        Problem {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// All problems of a scenario, in the order of its text; at least one.
#[derive(Clone, Debug)]
pub struct Problems {
    /// The file's name, as typed.
    pub file: String,
    /// Its text, to quote from; empty where it could not be read.
    pub text: String,
    /// What is wrong.
    pub list: Vec<Problem>,
}

impl Problems {
    /// These problems of this file, sorted by their place in the text, without duplicates.
    pub fn new(file: &str, text: &str, mut list: Vec<Problem>) -> Problems {
        list.sort();
        list.dedup();
        Problems {
            file: file.to_owned(),
            text: text.to_owned(),
            list,
        }
    }

    /// The messages without places, for generated scenarios.
    pub fn messages(&self) -> String {
        self.list.iter().map(Problem::says).collect::<Vec<_>>().join("; ")
    }

    /// One line for each problem: where, what, and what to do.
    pub fn each(&self) -> Vec<String> {
        let line = |p: &Problem| match &p.place {
            Place::File => p.says(),
            Place::Spot(spot) => format!("{}:{}: {}", spot.line, spot.column, p.says()),
            Place::Set(set) => format!("--set {set}: {}", p.says()),
        };
        self.list.iter().map(line).collect()
    }

    /// Whether all problems are files that could not be read.
    pub fn is_unreadable(&self) -> bool {
        self.list.iter().all(|p| p.unreadable)
    }
}

impl std::error::Error for Problems {}

/// In the format of compilers: `file:line:column: message; hint`, then the line with the place underlined.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.list.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            match &problem.place {
                Place::File => write!(f, "{}: ", self.file)?,
                Place::Spot(spot) => write!(f, "{}:{}:{}: ", self.file, spot.line, spot.column)?,
                Place::Set(set) => write!(f, "{}: --set {set}: ", self.file)?,
            }
            f.write_str(&problem.says())?;
            if let Place::Spot(spot) = &problem.place {
                quote(f, &self.text, *spot)?;
            }
        }
        if self.list.len() >= MOST {
            write!(
                f,
                "\n{}: the rest was not looked at after {} problems",
                self.file,
                self.list.len()
            )?;
        }
        Ok(())
    }
}

/// The line with carets under the spot. Lines too long for a terminal are cut around it.
fn quote(f: &mut fmt::Formatter<'_>, text: &str, spot: Spot) -> fmt::Result {
    const BEFORE: usize = 60;
    const WIDTH: usize = 100;
    let Some(line) = text.lines().nth(spot.line as usize - 1) else {
        return Ok(());
    };
    let column = spot.column as usize - 1;
    let start = column.saturating_sub(BEFORE);
    let shown: String = line
        .chars()
        .skip(start)
        .take(WIDTH)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let room = shown.chars().count().saturating_sub(column - start);
    let carets = "^".repeat((spot.length as usize).min(room).max(1));
    let number = spot.line.to_string();
    let gutter = " ".repeat(number.len());
    write!(
        f,
        "\n {gutter} |\n {number} | {}\n {gutter} | {}{carets}",
        shown.trim_end(),
        " ".repeat(column - start)
    )
}

/// `did you mean "x"?`, with all nearest candidates; `None` if none is near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = nearest(word, candidates)
        .iter()
        .map(|c| format!("\"{c}\""))
        .take(6)
        .collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", few(&names, names.len(), "or")))
}

/// `expected "a", "b" or "c"`, unless there are too many.
pub fn expected<'a>(known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = known.into_iter().map(|k| format!("\"{k}\"")).collect();
    (1..=30)
        .contains(&names.len())
        .then(|| format!("expected {}", few(&names, names.len(), "or")))
}

/// The nearest candidates; none if none is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    // A third of the word may differ. That permits a transposition in a short word, but no unrelated word.
    let most = (word.chars().count().max(3) / 3).max(1);
    let lower = word.to_lowercase();
    let mut near: Vec<(usize, &str)> = Vec::new();
    for candidate in candidates {
        let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
        if distance <= most && distance < lower.chars().count() && !near.iter().any(|(_, c)| *c == candidate) {
            near.push((distance, candidate));
        }
    }
    let best = near.iter().map(|(d, _)| *d).min();
    near.into_iter()
        .filter(|(d, _)| Some(*d) == best)
        .map(|(_, c)| c)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_all_given() {
        assert_eq!(
            did_you_mean("algoritm", ["algorithm", "servers"]).unwrap(),
            "did you mean \"algorithm\"?"
        );
        assert_eq!(
            did_you_mean("app3", ["app1", "app2"]).unwrap(),
            "did you mean \"app1\" or \"app2\"?"
        );
        assert_eq!(did_you_mean("TTL", ["ttl"]).unwrap(), "did you mean \"ttl\"?");
        assert_eq!(did_you_mean("colour", ["servers", "check"]), None);
    }

    #[test]
    fn a_problem_quotes_its_line() {
        let spot = Spot {
            line: 2,
            column: 3,
            length: 4,
        };
        let problem = Problem::new(Place::Spot(spot), "no such thing").hint("try another");
        let text = Problems::new("x.json", "{\n  \"ab\": 1\n}", vec![problem]).to_string();
        assert_eq!(
            text,
            "x.json:2:3: no such thing; try another\n   |\n 2 |   \"ab\": 1\n   |   ^^^^"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("{}X{}", "a".repeat(5000), "b".repeat(5000));
        let spot = Spot {
            line: 1,
            column: 5001,
            length: 1,
        };
        let text = Problems::new("x", &line, vec![Problem::new(Place::Spot(spot), "here")]).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[2].chars().count() < 120);
        assert_eq!(lines[2].find('X'), lines[3].find('^'));
    }
}
