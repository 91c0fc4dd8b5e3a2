//! `--set PATH=VALUE`: changes to a scenario's tree before it is decoded.
//!
//! Follows a path through the tree. The decoder checks whether a key exists in the format. Setting a key of a missing
//! component is an error here, since its name must be mistyped.

use super::tree::{Entry, Origin, Tree, Value};
use crate::scenario::problem::{Place, Problem, did_you_mean};

/// Objects whose keys are names chosen by the user: setting a part of an entry does not create the entry.
const NAMED: [&str; 7] = [
    "requests",
    "clients",
    "hosts",
    "zones",
    "nodes",
    "common_causes",
    "members",
];

/// Lists: a part of a missing list cannot be set.
const LISTS: [&str; 5] = ["faults", "servers", "upstreams", "answers", "calls"];

/// Lists that accept a plain name for `{ "node": name }`.
const SHORT: [&str; 2] = ["servers", "upstreams"];

/// Applies the edit with this number.
pub fn apply(tree: &mut Tree, set: &str, number: usize) -> Result<(), Problem> {
    let problem = |message: String| Problem::new(Place::Set(set.to_owned()), message);
    let Some((path, value)) = set.split_once('=') else {
        return Err(problem("there is no \"=\" in it".into()).hint("write --set PATH=VALUE"));
    };
    let (path, value) = (path.trim(), value.trim());
    if path.is_empty() || path.split('.').any(str::is_empty) {
        return Err(problem("a part of the path is empty".into()).hint("write --set nodes.NAME.KEY=VALUE"));
    }
    let json = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
    let edit = Edit {
        whole: path,
        origin: Origin::Set(number),
        value: Tree::from_json(json, Origin::Set(number)),
    };
    edit.descend(tree, path, "").map_err(|(message, hint)| Problem {
        hint,
        ..problem(message)
    })
}

/// The problem, and perhaps a hint.
type Wrong = (String, Option<String>);

struct Edit<'a> {
    whole: &'a str,
    origin: Origin,
    value: Tree,
}

impl Edit<'_> {
    /// Sets the value at the `rest` of the path; `parent` is the key that led here.
    fn descend(self, here: &mut Tree, rest: &str, parent: &str) -> Result<(), Wrong> {
        match &mut here.value {
            Value::Object(entries) => self.into_object(entries, rest, parent),
            Value::List(elements) => self.into_list(elements, rest, parent),
            _ => {
                let above = self.whole[..self.whole.len() - rest.len()].trim_end_matches('.');
                Err((
                    format!("{above} is a single value: there is no \"{rest}\" in it"),
                    Some("set it as a whole".into()),
                ))
            }
        }
    }

    fn into_object(self, entries: &mut Vec<Entry>, rest: &str, parent: &str) -> Result<(), Wrong> {
        let (key, below) = split(rest, entries.iter().map(|e| e.key.as_str()));
        let found = entries.iter_mut().find(|e| e.key == key);
        match (found, below) {
            (Some(entry), None) => entry.value = self.value,
            (Some(entry), Some(below)) => return self.descend(&mut entry.value, below, key),
            (None, Some(_)) if NAMED.contains(&parent) => {
                let hint = did_you_mean(key, entries.iter().map(|e| e.key.as_str()));
                return Err((format!("there is no \"{key}\" in \"{parent}\""), hint));
            }
            (None, Some(below)) if self.is_list(key, parent, rest) => {
                let message = format!("there is no {key:?} here, so there is no \"{below}\" in it");
                return Err((message, Some(format!("set it as a whole: {key}=[…]"))));
            }
            (None, below) => {
                let value = Tree {
                    value: Value::Object(Vec::new()),
                    origin: self.origin,
                };
                entries.push(Entry {
                    key: key.to_owned(),
                    origin: self.origin,
                    value,
                });
                let Some(entry) = entries.last_mut() else { return Ok(()) };
                match below {
                    None => entry.value = self.value,
                    Some(below) => return self.descend(&mut entry.value, below, key),
                }
            }
        }
        Ok(())
    }

    /// Whether this missing key would hold a list. A class or a client may have the same name.
    fn is_list(&self, key: &str, parent: &str, rest: &str) -> bool {
        let is_of_node = || self.whole == format!("nodes.{parent}.{rest}");
        LISTS.contains(&key)
            && if key == "faults" {
                parent.is_empty()
            } else {
                is_of_node()
            }
    }

    fn into_list(self, elements: &mut [Tree], rest: &str, parent: &str) -> Result<(), Wrong> {
        let names: Vec<String> = elements.iter().filter_map(|e| name_of(e).map(str::to_owned)).collect();
        let (key, below) = split(rest, names.iter().map(String::as_str));
        let by_name = elements.iter().position(|e| name_of(e) == Some(key));
        let by_index = || key.parse().ok().filter(|index| *index < elements.len());
        let Some(index) = by_name.or_else(by_index) else {
            let hint = did_you_mean(key, names.iter().map(String::as_str));
            return Err((
                format!(
                    "there is no element \"{key}\" in \"{parent}\", a list of {}",
                    elements.len()
                ),
                hint,
            ));
        };
        let element = &mut elements[index];
        let Some(below) = below else {
            *element = self.value;
            return Ok(());
        };
        if let (Value::Text(_), true) = (&element.value, SHORT.contains(&parent)) {
            lengthen(element);
        }
        self.descend(element, below, key)
    }
}

/// `"name"` becomes `{ "node": "name" }`.
fn lengthen(element: &mut Tree) {
    let origin = element.origin;
    let name = Tree {
        value: std::mem::replace(&mut element.value, Value::Null),
        origin,
    };
    element.value = Value::Object(vec![Entry {
        key: "node".into(),
        origin,
        value: name,
    }]);
}

/// The name of a list element: its `node`, or the element itself if it is a plain name.
fn name_of(element: &Tree) -> Option<&str> {
    element.text().or_else(|| element.get("node").and_then(Tree::text))
}

/// The first key of a path, and the rest. Names may contain dots, so the longest known name that fits wins.
fn split<'p, 'k>(path: &'p str, known: impl Iterator<Item = &'k str>) -> (&'p str, Option<&'p str>) {
    let fits = |key: &&str| {
        path.strip_prefix(*key)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let end = known.filter(fits).map(str::len).max();
    let end = end.unwrap_or_else(|| path.find('.').unwrap_or(path.len()));
    (&path[..end], path.get(end + 1..))
}
