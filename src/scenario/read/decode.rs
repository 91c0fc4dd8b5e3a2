//! A tree decoded into the structs of `raw`, with every problem reported and not only the first.
//!
//! Serde stops at its first error. So the offending place is cut out of the tree and the decoding begins again, until
//! nothing is wrong any more; what is left is decoded, so that the checks that follow can speak as well.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor};

use super::tree::{Entry, Origin, Path, Step, Tree, Value};
use crate::scenario::problem::{MOST, did_you_mean, or};

/// The key whose value says which variant an object is, for enums that call themselves by it (see [`TAG`]).
///
/// Serde's own `tag` attribute copies an object before it looks at it, and the places are lost.
pub const TAG: &str = "kind";

/// Something that could not be decoded.
#[derive(Debug)]
pub struct Fault {
    /// Where.
    pub origin: Origin,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What a tree was decoded into.
pub struct Decoded<T> {
    /// As much of it as is right; `None` where nothing was left.
    pub value: Option<T>,
    /// What has been cut out, because it was wrong or because something in it was missing.
    pub pruned: BTreeSet<Path>,
    /// What was wrong.
    pub faults: Vec<Fault>,
}

/// Decodes all that can be. What cannot is cut out of the tree.
pub fn decode<T: DeserializeOwned>(tree: &mut Tree) -> Decoded<T> {
    let mut done = Decoded {
        value: None,
        pruned: BTreeSet::new(),
        faults: Vec::new(),
    };
    // Every turn cuts something out, so this ends; the bound keeps a hopeless file from taking long.
    while done.faults.len() < MOST {
        let error = match T::deserialize(Decoder { tree }) {
            Ok(value) => {
                done.value = Some(value);
                break;
            }
            Err(error) => error,
        };
        let path = Path(error.steps.iter().rev().cloned().collect());
        if !follows(&error, &path, &done.pruned) {
            let origin = if error.key {
                tree.origin_of_key(&path)
            } else {
                tree.origin_of(&path)
            };
            done.faults.push(error.what.into_fault(origin));
        }
        if path.0.is_empty() || !prune(tree, &path) {
            break;
        }
        note(&mut done.pruned, path);
    }
    done
}

/// Remembers what has been cut out. An element of a list leaves its number to the next one, so only that the list has lost
/// one is remembered, under a number that no element has.
fn note(pruned: &mut BTreeSet<Path>, mut path: Path) {
    if let Some(Step::Index(_)) = path.0.last() {
        pruned.retain(|p| !p.0.starts_with(&path.0));
        path.0.pop();
        path = path.index(usize::MAX);
    }
    pruned.insert(path);
}

/// Is this error only the consequence of what has been cut out of the object it is about?
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

/// Cuts out what the path leads to; false where there is nothing.
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

/// An error on its way up: each level adds the step that led to it.
#[derive(Debug)]
struct Error {
    steps: Vec<Step>,
    key: bool,
    what: What,
}

/// What serde found wrong.
#[derive(Debug)]
enum What {
    Said(String),
    Missing(&'static str),
    Unknown {
        what: &'static str,
        word: String,
        known: &'static [&'static str],
    },
}

impl What {
    fn into_fault(self, origin: Origin) -> Fault {
        let (message, hint) = match self {
            What::Said(message) => match message.split_once("; ") {
                Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
                None => (message, None),
            },
            What::Missing(field) => (format!("\"{field}\" is missing here"), None),
            What::Unknown { what, word, known } => {
                let names: Vec<String> = known.iter().map(|k| format!("\"{k}\"")).collect();
                let all = (!names.is_empty() && names.len() <= 30).then(|| format!("expected {}", or(&names)));
                (
                    format!("unknown {what} \"{word}\""),
                    did_you_mean(&word, known.iter().copied()).or(all),
                )
            }
        };
        Fault { origin, message, hint }
    }
}

impl Error {
    fn new(what: What) -> Error {
        Error {
            steps: Vec::new(),
            key: false,
            what,
        }
    }

    fn said(message: impl Into<String>) -> Error {
        Error::new(What::Said(message.into()))
    }

    fn below(mut self, step: Step) -> Error {
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
        Error::said(format!(
            "expected {}, found {}",
            plain(&expected.to_string()),
            words(&found)
        ))
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
            what: "word",
            word: word.to_owned(),
            known,
        })
    }
}

/// What was expected, in the words of the file rather than of Rust.
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
        "a map" | "enum" => "an object".into(),
        _ if expected.starts_with("struct ") => "an object".into(),
        _ if expected.starts_with("enum ") => "a word or an object with one key".into(),
        _ => expected.to_owned(),
    }
}

/// What was found, in the words of the file rather than of Rust.
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
        other => other.to_string(),
    }
}

#[derive(Copy, Clone)]
struct Decoder<'t> {
    tree: &'t Tree,
}

impl<'de> de::Deserializer<'de> for Decoder<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.tree.value {
            Value::Null | Value::Pruned => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Number(n) => match (n.as_u64(), n.as_i64()) {
                (Some(n), _) => visitor.visit_u64(n),
                (_, Some(n)) => visitor.visit_i64(n),
                // Whole numbers may be written `1e3`.
                _ => match n.as_f64().unwrap_or(f64::NAN) {
                    x if (0.0..9e15).contains(&x) && x == libm::floor(x) => visitor.visit_u64(x as u64),
                    x => visitor.visit_f64(x),
                },
            },
            Value::Text(text) => visitor.visit_str(text),
            Value::List(elements) => {
                let mut elements = Elements {
                    left: elements.iter(),
                    index: 0,
                };
                let value = visitor.visit_seq(&mut elements)?;
                // Only a tuple leaves something unread.
                match elements.next() {
                    None => Ok(value),
                    Some(_) => Err(Error::said(format!("expected only {} elements", elements.index))),
                }
            }
            Value::Object(entries) => object(entries, None, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.tree.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.tree.value {
            // Serde would take a list of the fields in their order.
            Value::List(_) => Err(de::Error::invalid_type(Unexpected::Seq, &"an object")),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.tree.value {
            Value::Text(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            Value::Object(_) if name == TAG => {
                let Some(tag) = self.tree.get(TAG) else {
                    return Err(Error::new(What::Missing(TAG)));
                };
                visitor
                    .visit_enum(Variant {
                        tag,
                        content: self.tree,
                        skip: Some(TAG),
                    })
                    .map_err(|e| tagged(e, variants))
            }
            Value::Object(entries) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Keyed { entry }),
                _ => Err(Error::said(format!("expected one key, found {}", entries.len()))),
            },
            _ => Err(de::Error::invalid_type(
                unexpected(self.tree),
                &"a word or an object with one key",
            )),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// "unknown word" reads better as "unknown kind" where it is one.
fn tagged(mut error: Error, variants: &'static [&'static str]) -> Error {
    if let What::Unknown { what, known, .. } = &mut error.what
        && std::ptr::eq(*known, variants)
    {
        *what = TAG;
    }
    error
}

fn unexpected(tree: &Tree) -> Unexpected<'_> {
    match &tree.value {
        Value::Null | Value::Pruned => Unexpected::Unit,
        Value::Bool(b) => Unexpected::Bool(*b),
        Value::Number(n) => Unexpected::Float(n.as_f64().unwrap_or(f64::NAN)),
        Value::Text(s) => Unexpected::Str(s),
        Value::List(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}

/// Visits an object; a key that the visitor left unread is one too many.
fn object<'t, V: Visitor<'t>>(entries: &'t [Entry], skip: Option<&str>, visitor: V) -> Result<V::Value, Error> {
    let mut entries = Entries {
        left: entries,
        skip,
        value: None,
    };
    let value = visitor.visit_map(&mut entries)?;
    match entries.next() {
        None => Ok(value),
        Some(entry) => {
            let error = Error::said("only one key may stand here");
            Err(Error { key: true, ..error }.below(Step::Key(entry.key.clone())))
        }
    }
}

struct Entries<'t, 's> {
    left: &'t [Entry],
    skip: Option<&'s str>,
    value: Option<&'t Entry>,
}

impl<'t> Entries<'t, '_> {
    fn next(&mut self) -> Option<&'t Entry> {
        let (first, left) = self.left.split_first()?;
        self.left = left;
        if self.skip == Some(first.key.as_str()) {
            self.next()
        } else {
            Some(first)
        }
    }
}

impl<'t> de::MapAccess<'t> for Entries<'t, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'t>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.value = self.next();
        let Some(entry) = self.value else { return Ok(None) };
        let key = seed.deserialize(entry.key.as_str().into_deserializer());
        key.map(Some)
            .map_err(|e: Error| Error { key: true, ..e }.below(Step::Key(entry.key.clone())))
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<S::Value, Error> {
        match self.value.take() {
            Some(entry) => value_of(entry, seed),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }
}

fn value_of<'t, S: DeserializeSeed<'t>>(entry: &'t Entry, seed: S) -> Result<S::Value, Error> {
    seed.deserialize(Decoder { tree: &entry.value })
        .map_err(|e| e.below(Step::Key(entry.key.clone())))
}

struct Elements<'t> {
    left: std::slice::Iter<'t, Tree>,
    index: usize,
}

impl<'t> Elements<'t> {
    fn next(&mut self) -> Option<&'t Tree> {
        self.left.find(|t| !matches!(t.value, Value::Pruned))
    }
}

impl<'t> de::SeqAccess<'t> for Elements<'t> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(tree) = self.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Decoder { tree })
            .map(Some)
            .map_err(|e| e.below(Step::Index(index)))
    }
}

/// An object whose variant stands under a key of its own.
struct Variant<'t> {
    tag: &'t Tree,
    content: &'t Tree,
    skip: Option<&'static str>,
}

impl<'t> de::EnumAccess<'t> for Variant<'t> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let at_tag = |e: Error| e.below(Step::Key(TAG.to_owned()));
        Ok((seed.deserialize(Decoder { tree: self.tag }).map_err(at_tag)?, self))
    }
}

impl<'t> de::VariantAccess<'t> for Variant<'t> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<S::Value, Error> {
        let entries = match &self.content.value {
            Value::Object(entries) => entries.as_slice(),
            _ => &[],
        };
        seed.deserialize(Content {
            entries,
            skip: self.skip,
        })
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(Decoder { tree: self.content }, visitor)
    }

    fn struct_variant<V: Visitor<'t>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(Decoder { tree: self.content }, visitor)
    }
}

/// An object without the key that named its variant.
struct Content<'t> {
    entries: &'t [Entry],
    skip: Option<&'static str>,
}

impl<'de> de::Deserializer<'de> for Content<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        object(self.entries, self.skip, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// An object of one key, which is the variant.
struct Keyed<'t> {
    entry: &'t Entry,
}

impl<'t> de::EnumAccess<'t> for Keyed<'t> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let at_key = |e: Error| Error { key: true, ..e }.below(Step::Key(self.entry.key.clone()));
        let variant = seed
            .deserialize(self.entry.key.as_str().into_deserializer())
            .map_err(at_key)?;
        Ok((variant, self))
    }
}

impl<'t> de::VariantAccess<'t> for Keyed<'t> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Err(Error::said(format!(
            "\"{}\" is a plain word, with nothing below it",
            self.entry.key
        )))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<S::Value, Error> {
        value_of(self.entry, seed)
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        let step = Step::Key(self.entry.key.clone());
        de::Deserializer::deserialize_any(
            Decoder {
                tree: &self.entry.value,
            },
            visitor,
        )
        .map_err(|e| e.below(step))
    }

    fn struct_variant<V: Visitor<'t>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.tuple_variant(0, visitor)
    }
}
