//! What a study means: estimates with intervals, SLOs, caveats.

pub mod result;
pub mod run;
