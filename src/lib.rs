//! fallover: does your stack fail over, or fall over?
//!
//! A scenario is compiled to an immutable **Plan**. A Plan and a seed give a **Run**. Many Runs give a **Study**. A Study
//! gives **Findings**. Findings are printed. The modules stand in the order of their dependencies; each may use those
//! above it and none below (`tests/tidy.rs` holds this).

pub mod base;

pub mod analysis;
pub mod report;
