//! What was typed, turned into what is true: a scenario file becomes a [`plan::Plan`].
//!
//! `read` makes a tree in which every value knows its line, applies `--set` and decodes it; `raw` is what may be typed;
//! `compile` checks it and settles it; `vary` makes several of one; `review` says what a reader would of it, `fix` what may
//! help. It refuses to know what the model does with a Plan.

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
