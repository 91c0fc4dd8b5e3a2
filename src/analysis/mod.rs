//! What a study means: estimates with intervals, SLOs, caveats.

pub mod availability;
pub mod cuts;
pub mod reliability;
pub mod result;
pub mod review;
pub mod run;
pub mod spof;
pub mod theory;
pub mod verify;
