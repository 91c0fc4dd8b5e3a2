//! From bytes to typed values: text → a tree with places → `--set` edits → the structs of `raw`.
//!
//! Knows formats and places, but not what the keys of a scenario mean.

pub mod decode;
mod deserializer;
pub mod edit;
pub mod json;
pub mod tree;
pub mod yaml;
