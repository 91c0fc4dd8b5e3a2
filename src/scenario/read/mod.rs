//! From bytes to typed values: text → a tree with places → `--set` edits → the structs of `raw`.
//!
//! It knows formats and places; what the keys of a scenario mean is none of its business.

pub mod decode;
mod deserializer;
pub mod edit;
pub mod json;
pub mod tree;
pub mod yaml;
