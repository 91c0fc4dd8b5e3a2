//! The model: requests that flow through nodes, and what failures do to both. A Plan and a seed give a Run, always the
//! same one.
//!
//! Read [`event`] for everything that can happen, then `dispatch` in [`world`], then one [`node`]. The model does no
//! I/O, reads no wall clock and starts no thread.

pub mod balance;
pub mod bin;
mod calls;
mod closing;
pub mod context;
pub mod directory;
pub mod event;
pub mod flows;
pub mod host;
pub mod node;
pub mod packed;
mod prefetch;
pub mod probe;
pub mod rate_limit;
pub mod recorder;
pub mod request;
pub mod retry;
mod roles;
mod settings;
mod short;
pub mod signal;
pub mod station;
pub mod structure;
mod trouble;
pub mod wire;
pub mod world;
