//! Statistics: time averages, a quantile sketch, intervals, warm-up.
//!
//! Pure arithmetic that does not know what it measures.

pub mod batches;
pub mod gauge;
pub mod interval;
pub mod knee;
pub mod sketch;
pub mod sobol;
pub mod warmup;
