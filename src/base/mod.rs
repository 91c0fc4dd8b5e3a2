//! What every other module may use: time, ids, random streams, distributions, limits, lists of names.
//!
//! It refuses to know what a request, a node or a failure is.

pub mod dist;
pub mod ids;
pub mod limits;
pub mod random;
pub mod time;
pub mod words;
