//! From a scenario file to a [`plan::Plan`].
//!
//! `read` makes a tree in which every value knows its line, applies `--set` and decodes it. `raw` declares what may be
//! typed. `compile` checks it and builds the Plan. `vary` makes variants of a scenario, `review` finds weaknesses
//! without simulation, and `fix` proposes changes. This module does not know what the model does with a Plan.

mod compile;
mod explain;
pub mod fix;
mod load;
pub mod plan;
pub mod problem;
pub mod raw;
mod read;
pub mod review;
pub mod vary;

pub use explain::{Setting, Source};
pub use load::{Loaded, load, load_text};
pub use raw::schema;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod typed_anything;
