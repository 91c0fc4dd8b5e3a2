//! The bins of a timeline: what came in each, and what became of it.

use crate::base::time::Span;

/// Timelines have at most this many bins.
const BINS: u64 = 300;

/// The width of a timeline's bins: a round number of seconds (or a round part of one) that gives at most 300 of them.
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
    /// Requests that came in it.
    pub offered: u32,
    /// Those of them that succeeded.
    pub succeeded: u32,
    /// Those of them that failed.
    pub failed: u32,
    /// Requests that page views which came in it would have brought, had their document been answered.
    pub unasked: u32,
    /// Median latency of those that succeeded.
    pub p50_s: Option<f64>,
    /// 99th percentile of the same.
    pub p99_s: Option<f64>,
}
