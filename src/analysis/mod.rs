//! What a study means: estimates with intervals, SLOs, caveats.

pub mod cuts;
pub mod reliability;
pub mod result;
pub mod review;
pub mod run;
pub mod spof;
pub mod topology;
pub mod waterfall;
