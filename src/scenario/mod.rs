//! A scenario: what was typed, and the Plan it stands for.

pub mod plan;
