//! A scenario as it was typed: values and keys, each with its place.
//!
//! The common form of JSON, YAML and `--set`. It has no types beyond JSON's.

use std::fmt;

use serde_json::Number;

use crate::scenario::problem::Spot;

/// The origin of a key or a value.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The file.
    File(Spot),
    /// The `--set` of this number.
    Set(usize),
}

/// A value and its origin.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The value.
    pub value: Value,
    /// Its origin.
    pub origin: Origin,
}

/// The types of values.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`. In an object it counts as an absent key.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// Keys and values, in order, without duplicate keys.
    Object(Vec<Entry>),
    /// An invalid value that has been reported and is not checked again.
    Pruned,
}

/// A key of an object, with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The origin of the key.
    pub origin: Origin,
    /// Its value.
    pub value: Tree,
}

/// One step down a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// To the value of this key.
    Key(String),
    /// To this element, not counting pruned ones.
    Index(usize),
}

/// A path down a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The path to a top-level key.
    pub fn to(key: &str) -> Path {
        Path::default().key(key)
    }

    /// The path, extended by a key.
    pub fn key(&self, key: &str) -> Path {
        self.step(Step::Key(key.to_owned()))
    }

    /// The path, extended by an element.
    pub fn index(&self, index: usize) -> Path {
        self.step(Step::Index(index))
    }

    /// Whether it has this shape; `*` stands for any one step.
    pub fn is_like(&self, shape: &[&str]) -> bool {
        let fits = |(step, wanted): (&Step, &&str)| match step {
            _ if *wanted == "*" => true,
            Step::Key(key) => key == wanted,
            Step::Index(_) => false,
        };
        self.0.len() == shape.len() && self.0.iter().zip(shape).all(fits)
    }

    /// The key it ends with; empty if it ends with an element.
    pub fn name(&self) -> &str {
        match self.0.last() {
            Some(Step::Key(key)) => key,
            _ => "",
        }
    }

    fn step(&self, step: Step) -> Path {
        let mut steps = self.0.clone();
        steps.push(step);
        Path(steps)
    }
}

/// Dotted, as `--set` takes it.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            let dot = if i == 0 { "" } else { "." };
            match step {
                Step::Key(key) => write!(f, "{dot}{key}")?,
                Step::Index(index) => write!(f, "{dot}{index}")?,
            }
        }
        Ok(())
    }
}

impl Tree {
    /// The value of a key; `None` if this is no object or has no such key.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        self.entry(key).map(|entry| &entry.value)
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Object(entries) => entries.iter().find(|e| e.key == key),
            _ => None,
        }
    }

    /// The keys of an object, in order; none if this is no object.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let entries = match &self.value {
            Value::Object(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|e| e.key.as_str())
    }

    /// The text, if this is a string.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is neither a list nor an object.
    pub fn is_scalar(&self) -> bool {
        !matches!(self.value, Value::List(_) | Value::Object(_))
    }

    /// The origin of the value at a path, or of the last one that exists along it. For a list or an object it is that
    /// of its key.
    pub fn origin_of(&self, path: &Path) -> Origin {
        let (mut here, mut origin) = (self, self.origin);
        for step in &path.0 {
            match step {
                Step::Key(key) => {
                    let Some(entry) = here.entry(key) else { break };
                    here = &entry.value;
                    let is_set = matches!(here.origin, Origin::Set(_));
                    origin = if here.is_scalar() || is_set {
                        here.origin
                    } else {
                        entry.origin
                    };
                }
                Step::Index(index) => {
                    let Some(element) = here.element(*index) else { break };
                    here = element;
                    origin = here.origin;
                }
            }
        }
        origin
    }

    /// The origin of the last key of a path.
    pub fn origin_of_key(&self, path: &Path) -> Origin {
        let Some((Step::Key(last), before)) = path.0.split_last() else {
            return self.origin_of(path);
        };
        let parent = self.find(&Path(before.to_vec()));
        parent
            .and_then(|tree| tree.entry(last))
            .map_or_else(|| self.origin_of(path), |entry| entry.origin)
    }

    /// The value at a path.
    pub fn find(&self, path: &Path) -> Option<&Tree> {
        path.0.iter().try_fold(self, |here, step| match step {
            Step::Key(key) => here.get(key),
            Step::Index(index) => here.element(*index),
        })
    }

    fn element(&self, index: usize) -> Option<&Tree> {
        match &self.value {
            Value::List(elements) => elements.iter().filter(|e| !matches!(e.value, Value::Pruned)).nth(index),
            _ => None,
        }
    }

    /// The value at a path, mutable.
    pub fn find_mut(&mut self, path: &Path) -> Option<&mut Tree> {
        path.0
            .iter()
            .try_fold(self, |here, step| match (step, &mut here.value) {
                (Step::Key(key), Value::Object(entries)) => {
                    entries.iter_mut().find(|e| e.key == *key).map(|entry| &mut entry.value)
                }
                (Step::Index(index), Value::List(elements)) => elements
                    .iter_mut()
                    .filter(|e| !matches!(e.value, Value::Pruned))
                    .nth(*index),
                _ => None,
            })
    }

    /// Removes the keys whose value is `null`, except in objects for which `keeps` holds.
    pub fn drop_nulls(&mut self, keeps: &dyn Fn(&Path) -> bool) -> Vec<Entry> {
        let mut dropped = Vec::new();
        self.drop_nulls_at(&Path::default(), keeps, &mut dropped);
        dropped
    }

    fn drop_nulls_at(&mut self, path: &Path, keeps: &dyn Fn(&Path) -> bool, dropped: &mut Vec<Entry>) {
        match &mut self.value {
            Value::Object(entries) => {
                if !keeps(path) {
                    dropped.extend(entries.extract_if(.., |e| matches!(e.value.value, Value::Null)));
                }
                for entry in entries {
                    entry.value.drop_nulls_at(&path.key(&entry.key), keeps, dropped);
                }
            }
            Value::List(elements) => {
                for (i, element) in elements.iter_mut().enumerate() {
                    element.drop_nulls_at(&path.index(i), keeps, dropped);
                }
            }
            _ => {}
        }
    }

    /// Plain JSON, without pruned values.
    pub fn to_json(&self) -> serde_json::Value {
        let there = |tree: &&Tree| !matches!(tree.value, Value::Pruned);
        match &self.value {
            Value::Null | Value::Pruned => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Number(n) => n.clone().into(),
            Value::Text(s) => s.as_str().into(),
            Value::List(elements) => elements.iter().filter(there).map(Tree::to_json).collect(),
            Value::Object(entries) => {
                let entries = entries.iter().filter(|e| there(&&e.value));
                serde_json::Value::Object(entries.map(|e| (e.key.clone(), e.value.to_json())).collect())
            }
        }
    }

    /// A tree of plain JSON with a single origin. Whoever parsed the JSON limits its nesting.
    pub fn from_json(json: serde_json::Value, origin: Origin) -> Tree {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(b) => Value::Bool(b),
            serde_json::Value::Number(n) => Value::Number(n),
            serde_json::Value::String(s) => Value::Text(s),
            serde_json::Value::Array(a) => Value::List(a.into_iter().map(|v| Tree::from_json(v, origin)).collect()),
            serde_json::Value::Object(o) => {
                let entry = |(key, v)| Entry {
                    key,
                    origin,
                    value: Tree::from_json(v, origin),
                };
                Value::Object(o.into_iter().map(entry).collect())
            }
        };
        Tree { value, origin }
    }
}
