//! What a study means: estimates with intervals, SLOs, caveats.

pub mod result;
pub mod review;
pub mod run;
