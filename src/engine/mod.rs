//! The event list, the clock, and the slab that everything in flight lives in.
//!
//! It has never heard of a request, a node or HTTP: it could simulate a car wash.
//!
//! # The ordering contract
//!
//! Events come out by **time**, then **class**, then **insertion number**. The class settles what happens first at one
//! instant (the model says which classes there are); the insertion number settles the rest: first scheduled, first
//! out. No tie is ever broken by an address, a hash or a thread. `tests` in [`calendar`] hold this against a sorted list.

pub mod alarms;
pub mod calendar;
#[cfg_attr(feature = "slow-twins", path = "twins/heap.rs")]
pub mod heap;
#[cfg_attr(feature = "slow-twins", path = "twins/ladder.rs")]
pub mod ladder;
pub mod slab;
