//! fallover: does your stack fail over, or fall over?
//!
//! A scenario is compiled to an immutable **Plan**. A Plan and a seed give a **Run**. Many Runs give a **Study**. A
//! Study gives **Findings**. Findings are printed. The modules stand in the order of their dependencies; each may use
//! those above it and none below (`tests/tidy.rs` checks this).

#![forbid(unsafe_code)]
// The bans in clippy.toml apply to the product only: a test may read a clock or write a file, and an oracle may use any
// arithmetic.
#![cfg_attr(
    not(test),
    warn(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        clippy::dbg_macro,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::unwrap_used
    )
)]

pub mod base;

pub mod engine;

pub mod stats;

pub mod scenario;

pub mod failure;

pub mod model;

pub mod study;

pub mod analysis;

pub mod report;

pub mod cli;
