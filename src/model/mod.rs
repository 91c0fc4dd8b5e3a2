//! The model: what the components of a stack do, event by event.

pub mod balance;
pub mod rate_limit;
