//! The event list, the clock, and the slab for everything in flight.
//!
//! It knows nothing of requests, nodes or HTTP: it could simulate a car wash.
//!
//! # The ordering contract
//!
//! Events are ordered by **time**, then **class**, then **insertion number**. The class decides what happens first at
//! one instant (the model defines the classes); the insertion number decides the rest: first scheduled, first out. No
//! tie is broken by an address, a hash or a thread. `tests` in [`calendar`] compare this with a sorted list.

pub mod alarms;
pub mod calendar;
#[cfg_attr(feature = "slow-twins", path = "twins/heap.rs")]
pub mod heap;
#[cfg_attr(feature = "slow-twins", path = "twins/ladder.rs")]
pub mod ladder;
pub mod slab;
