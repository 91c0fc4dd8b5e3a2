//! `availability`: how much of its requests does the service answer over years, and what costs the rest?
//!
//! Two time scales. How long which components are down together is exact, or walked through period by period; what each such
//! state loses is found once, by simulating requests in it; and what a failure loses in passing, until everything has reacted
//! and after the repair, comes from the same simulations.

mod account;
mod caveats;
mod lives;
mod occupancy;
mod prices;
mod sample;
mod study;
mod trials;

use super::result::{Caveat, Estimate, Ordered, SloResult};
use super::topology::Topology;
use crate::base::time::Span;
use crate::scenario::plan::{Measure, Monitoring, Plan};
use crate::stats::interval::{self, CONFIDENCE, Interval};
use account::{Account, Map, Outages, Sum, YEAR_MIN};
pub use account::{EVERYTHING_UP, SEVERAL};
use lives::{Mortal, mortal};
use occupancy::{Occupancy, States};
use serde::{Deserialize, Serialize};
pub use study::{Asked, Found, MOST_CHANGES, answer, changes, is_immortal};

/// What `availability` finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Availability {
    /// The stretch of time that it is about.
    pub horizon_s: f64,
    /// Share of the requests that are answered.
    pub availability: Estimate,
    /// The share that the structure alone would answer, in the long run: exact. Null where a mean time does not exist.
    pub structural: Option<f64>,
    /// What is lost, in minutes of all requests.
    pub downtime_min_per_year: Estimate,
    /// Mean seconds from the end of an outage to the next; null where none was met. An outage: more than 40 % is lost.
    pub mtbf_s: Option<f64>,
    /// Mean seconds that an outage lasts.
    pub mttr_s: Option<f64>,
    /// By class.
    pub classes: Ordered<ClassAvailability>,
    /// Cause → minutes a year, the dearest first; their sum is `downtime_min_per_year`.
    pub by_cause: Ordered<Estimate>,
    /// What single periods of this length came to.
    pub periods: Periods,
    /// What the numbers rest on.
    pub states: StatesResult,
    /// Components that nothing uses.
    pub unused: Vec<String>,
    /// What was promised, and what became of it.
    pub slo: Vec<SloResult>,
    /// What stands where, and who asks whom.
    #[serde(default)]
    pub topology: Topology,
}

/// The same of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassAvailability {
    /// Share of its requests that are answered.
    pub availability: Estimate,
    /// The share that the structure alone would answer.
    pub structural: Option<f64>,
    /// What is lost, in minutes of its requests.
    pub downtime_min_per_year: Estimate,
    /// From the end of an outage to the next.
    pub mtbf_s: Option<f64>,
    /// How long an outage lasts.
    pub mttr_s: Option<f64>,
}

/// Periods that were drawn one by one: no two years are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Periods {
    /// How many.
    pub count: u32,
    /// Minutes a year: 5 % of the periods came to less.
    pub p5_min_per_year: f64,
    /// Half of them came to less.
    pub p50_min_per_year: f64,
    /// 95 % of them came to less.
    pub p95_min_per_year: f64,
    /// Their mean: a second way to the same number.
    pub mean_min_per_year: Estimate,
}

/// What the numbers rest on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatesResult {
    /// `exact`, or `simulated` where something ages or a mean does not exist.
    pub method: String,
    /// Sets of components that are down together.
    pub known: usize,
    /// Of those, priced by simulating requests.
    pub simulated: usize,
    /// The most that may be missing because the other states are priced by a rule, in minutes a year.
    pub by_rule_min_per_year: f64,
    /// The most that may be missing because states with too many components down were not looked at, in minutes a year.
    pub unexplored_min_per_year: f64,
}

/// Both ends of the estimate of what is lost.
fn estimate(found: Interval) -> Estimate {
    let bound = |sign: f64| found.half.map(|half| found.value + sign * half);
    Estimate {
        value: Some(found.value),
        lo: bound(-1.0),
        hi: bound(1.0),
        confidence: CONFIDENCE,
    }
}

/// A share that is lost, and may be more by what nobody can have seen, in minutes a year; never below none.
fn minutes(lost: Interval, unseen: f64) -> Estimate {
    let found = beyond(estimate(scaled(lost, YEAR_MIN)), unseen * YEAR_MIN);
    Estimate {
        lo: found.lo.map(|lo| lo.max(0.0)),
        ..found
    }
}

/// The upper end farther out by what does not depend on the rest.
fn beyond(found: Estimate, unseen: f64) -> Estimate {
    let farther = |(value, hi): (f64, f64)| value + libm::hypot(hi - value, unseen);
    Estimate {
        hi: found.value.zip(found.hi).map(farther),
        ..found
    }
}

/// What is left of a share that is lost, and may be more by what nobody can have seen.
fn left(lost: Interval, unseen: f64) -> Estimate {
    let found = beyond(estimate(lost), unseen);
    let of = |lost: Option<f64>| lost.map(|l| (1.0 - l).clamp(0.0, 1.0));
    Estimate {
        value: of(found.value),
        lo: of(found.hi),
        hi: of(found.lo),
        confidence: CONFIDENCE,
    }
}

fn scaled(found: Interval, factor: f64) -> Interval {
    Interval {
        value: found.value * factor,
        half: found.half.map(|h| h * factor),
    }
}
