//! YAML to the same tree as JSON, by means of `serde-saphyr`, which gives the place of every value.
//!
//! Its budget (events, depth, aliases) keeps a small file from becoming a large tree.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::Spanned;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};

use super::json::Entries;
use super::tree::{Entry, Origin, Tree, Value};
use crate::base::limits::NESTING;
use crate::scenario::problem::{Place, Problem, Spot};

/// The number of values that aliases may add to a file.
const REPLAYED: usize = 100_000;

/// The tree of a YAML text. Reading stops at a syntax error; duplicate keys are collected in `problems`.
pub fn parse(text: &str, problems: &mut Vec<Problem>) -> Result<Tree, Problem> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: NESTING, max_documents: 1, max_nodes: 250_000 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: REPLAYED },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Merge,
        strict_booleans: true,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Node>>(text, options) {
        Ok(root) => Ok(tree(root, problems)),
        Err(error) => Err(problem(&error)),
    }
}

/// A YAML value before its places have been settled.
enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Object(Vec<(Spanned<String>, Spanned<Node>)>),
}

fn tree(node: Spanned<Node>, problems: &mut Vec<Problem>) -> Tree {
    let origin = Origin::File(spot(&node.referenced));
    let value = match node.value {
        Node::Scalar(value) => value,
        Node::List(elements) => Value::List(elements.into_iter().map(|e| tree(e, problems)).collect()),
        Node::Object(pairs) => {
            let mut entries = Entries::default();
            for (key, value) in pairs {
                let spot = spot(&key.referenced);
                let value = tree(value, problems);
                entries.add(
                    Entry {
                        key: key.value,
                        origin: Origin::File(spot),
                        value,
                    },
                    spot,
                    problems,
                );
            }
            Value::Object(entries.list)
        }
    };
    Tree { value, origin }
}

fn spot(location: &serde_saphyr::Location) -> Spot {
    let whole = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    Spot {
        line: whole(location.line()),
        column: whole(location.column()),
        length: whole(location.span().len()),
    }
}

fn problem(error: &serde_saphyr::Error) -> Problem {
    let place = error.location().map_or(Place::File, |location| {
        Place::Spot(Spot {
            length: 1,
            ..spot(&location)
        })
    });
    // Its messages end with the place, which is printed separately here.
    let message = error.to_string();
    let message = message.lines().next().unwrap_or("this is no YAML");
    let end = message.find(" at line ").unwrap_or(message.len());
    let said = &message[..end];
    let plainly = PLAINLY.iter().find(|(theirs, _)| said.contains(theirs));
    Problem::new(
        place,
        format!("not readable as YAML: {}", plainly.map_or(said, |(_, ours)| ours)),
    )
}

/// Messages of the YAML reader, and their meaning to the author of the file.
const PLAINLY: [(&str, &str); 5] = [
    (
        "Documents",
        "a scenario is one document; leave out everything from the second `---` on",
    ),
    (
        "alias replay limit",
        "its aliases stand for more values than a scenario may have",
    ),
    ("budget breached", "it holds more, or nests deeper, than a scenario may"),
    ("null into string", "a key is empty"),
    ("non-finite float", "a number must be finite"),
];

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Number(value.into())))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Number(value.into())))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number must be finite"))?;
        Ok(Node::Scalar(Value::Number(number)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Node::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = access.next_entry()? {
            pairs.push(pair);
        }
        Ok(Node::Object(pairs))
    }
}
