//! What every other module may use: time, ids, random streams, distributions, limits, lists of names.
//!
//! It knows nothing of requests, nodes or failures.

pub mod dist;
pub mod ids;
pub mod limits;
pub mod random;
pub mod time;
pub mod words;
