//! A tree as serde expects it.
//!
//! Errors carry the path to their origin, each level adding its step. This file does not know the types that are
//! decoded.

use serde::de::{self, DeserializeSeed, IntoDeserializer, Unexpected, Visitor};

use super::decode::{Error, What};
use super::tree::{Entry, Step, Tree, Value};

/// The key whose value selects the variant of an object, for enums that rename themselves to it.
///
/// Serde's own `tag` attribute copies an object before inspecting it, and thereby loses the places.
pub const TAG: &str = "kind";

/// Decodes one value.
#[derive(Copy, Clone)]
pub struct Decoder<'t> {
    /// The value.
    pub tree: &'t Tree,
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
                // Only a tuple leaves elements unread.
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
            // Serde would accept a list of the fields in order.
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

/// Says "unknown kind" instead of "unknown word" where it is a kind.
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

/// Visits an object; a key that the visitor left unread is an unknown key.
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
            Err(error.at_key(&entry.key))
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
        key.map(Some).map_err(|e: Error| e.at_key(&entry.key))
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

/// An object with its variant under a key of its own.
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

/// An object with a single key, which is the variant.
struct Keyed<'t> {
    entry: &'t Entry,
}

impl<'t> de::EnumAccess<'t> for Keyed<'t> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let at_key = |e: Error| e.at_key(&self.entry.key);
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
