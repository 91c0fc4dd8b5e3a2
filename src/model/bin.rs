//! The bins of a timeline: requests by time of arrival, with their outcome.

use crate::base::time::Span;

/// Most bins of a timeline.
const BINS: u64 = 300;

/// Width of a timeline's bins: a round number of seconds, or a round fraction of one, that gives at most 300 bins.
pub fn bin_of(duration: Span) -> Span {
    let least = duration.nanos().div_ceil(BINS).max(1);
    let mut unit = 1_000u64;
    loop {
        for step in [1, 2, 5] {
            if unit.saturating_mul(step) >= least {
                return Span::from_nanos(unit * step);
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// One bin of the timeline.
#[derive(Clone, Debug, Default)]
pub struct Bin {
    /// Requests that arrived in it.
    pub offered: u32,
    /// Those of them that succeeded.
    pub succeeded: u32,
    /// Those of them that failed.
    pub failed: u32,
    /// Requests that page views of this bin did not make, because their document failed.
    pub unasked: u32,
    /// Median latency of those that succeeded.
    pub p50_s: Option<f64>,
    /// 99th percentile of the same.
    pub p99_s: Option<f64>,
}
