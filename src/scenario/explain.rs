//! Every value in force, and its origin: the file, a `--set`, or a default.
//!
//! Walks the settled and the typed scenario side by side. The only key known by name is `node`.

use std::fmt;

use serde_json::Value as Json;

use super::load::Loaded;
use super::read::tree::{Origin, Path, Tree, Value};

/// A value in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its path, dotted as for `--set`.
    pub path: String,
    /// In the form a scenario uses; `null` = none.
    pub value: Json,
    /// Its origin.
    pub source: Source,
}

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Source {
    /// This line of the file.
    File { file: String, line: u32 },
    /// This `--set`.
    Set(String),
    /// A default.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File { file, line } => write!(f, "{file}:{line}"),
            Source::Set(set) => write!(f, "--set {set}"),
            Source::Default => f.write_str("default"),
        }
    }
}

impl Loaded {
    /// All settings, in the order of the format.
    pub fn explain(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        // What has been decoded can be encoded; otherwise there would be nothing to explain.
        let resolved = serde_json::to_value(&self.resolved).unwrap_or_default();
        self.descend(&resolved, Some(&self.tree), &Path::default(), &mut settings);
        settings
    }

    fn descend(&self, value: &Json, typed: Option<&Tree>, path: &Path, settings: &mut Vec<Setting>) {
        match (value, typed.map(|t| &t.value)) {
            // A constant is shown as it is typed.
            (Json::Object(keys), None | Some(Value::Text(_) | Value::Number(_))) if keys.contains_key("constant") => {
                self.descend(&keys["constant"], typed, path, settings);
            }
            (Json::Object(keys), None | Some(Value::Object(_))) if !keys.is_empty() => {
                for (key, value) in keys {
                    self.descend(value, typed.and_then(|t| t.get(key)), &path.key(key), settings);
                }
            }
            // `"name"` for `{ "node": "name" }`: only the name was typed.
            (Json::Object(keys), Some(_)) if keys.contains_key("node") => {
                for (key, value) in keys {
                    self.descend(value, typed.filter(|_| key == "node"), &path.key(key), settings);
                }
            }
            (Json::Array(elements), None | Some(Value::List(_))) if elements.iter().any(Json::is_object) => {
                for (i, value) in elements.iter().enumerate() {
                    // Elements of lists of servers are addressed by the names of their nodes, as in `--set`.
                    let name = value.get("node").and_then(Json::as_str);
                    let below = name.map_or_else(|| path.index(i), |name| path.key(name));
                    self.descend(
                        value,
                        typed.and_then(|t| t.find(&Path::default().index(i))),
                        &below,
                        settings,
                    );
                }
            }
            _ => settings.push(Setting {
                path: path.to_string(),
                value: value.clone(),
                source: self.source(typed),
            }),
        }
    }

    fn source(&self, typed: Option<&Tree>) -> Source {
        match typed.map(|t| t.origin) {
            None => Source::Default,
            Some(Origin::File(spot)) => Source::File {
                file: self.file.clone(),
                line: spot.line,
            },
            Some(Origin::Set(number)) => Source::Set(self.sets.get(number).cloned().unwrap_or_default()),
        }
    }
}
