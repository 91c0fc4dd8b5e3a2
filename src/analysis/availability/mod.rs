//! `availability`: what share of its requests does the service answer over years, and what costs the rest?
//!
//! There are two time scales. `occupancy` finds how long which components are down together, exactly or by simulated
//! periods. `trials` finds by simulating requests what each such state loses, and what each failure loses in transition
//! (detection, fail-over, recovery). `prices` turns trials into losses per state and failure, and `account` adds them
//! up. A mortal (`lives`) is a component that can go down. Called by the command `availability`.

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
    /// The period considered.
    pub horizon_s: f64,
    /// Share of the requests answered.
    pub availability: Estimate,
    /// The share answered if only the structure mattered, in the long run: exact. Null if a mean time does not exist.
    pub structural: Option<f64>,
    /// Loss in minutes of all requests.
    pub downtime_min_per_year: Estimate,
    /// Mean seconds from the end of an outage to the next; null without outages. In an outage more than 40 % is lost.
    pub mtbf_s: Option<f64>,
    /// Mean seconds an outage lasts.
    pub mttr_s: Option<f64>,
    /// By class.
    pub classes: Ordered<ClassAvailability>,
    /// Cause → minutes per year, largest first; the sum is `downtime_min_per_year`.
    pub by_cause: Ordered<Estimate>,
    /// Results of single periods of this length.
    pub periods: Periods,
    /// How the numbers were obtained.
    pub states: StatesResult,
    /// Components that nothing uses.
    pub unused: Vec<String>,
    /// The objectives and whether they are met.
    pub slo: Vec<SloResult>,
    /// The components and who calls whom.
    #[serde(default)]
    pub topology: Topology,
}

/// The same for one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassAvailability {
    /// Share of its requests answered.
    pub availability: Estimate,
    /// The share answered if only the structure mattered.
    pub structural: Option<f64>,
    /// Loss in minutes of its requests.
    pub downtime_min_per_year: Estimate,
    /// Mean seconds from the end of an outage to the next.
    pub mtbf_s: Option<f64>,
    /// Mean seconds an outage lasts.
    pub mttr_s: Option<f64>,
}

/// Periods simulated one by one, to show how much they differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Periods {
    /// How many.
    pub count: u32,
    /// Minutes per year: 5 % of the periods lost less.
    pub p5_min_per_year: f64,
    /// Half of the periods lost less.
    pub p50_min_per_year: f64,
    /// 95 % of the periods lost less.
    pub p95_min_per_year: f64,
    /// The mean over periods: a second way to the same number; the losses per state are shared.
    pub mean_min_per_year: Estimate,
}

/// How the numbers were obtained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatesResult {
    /// `exact`, or `simulated` if a component ages, a mean does not exist, the horizon is short or repairs wait for crews.
    pub method: String,
    /// Number of sets of components that are down together.
    pub known: usize,
    /// How many of those were simulated with requests.
    pub simulated: usize,
    /// The most that may be missing because other states are priced by a rule, in minutes per year.
    pub by_rule_min_per_year: f64,
    /// The most that may be missing because states with too many components down were left out, in minutes per year.
    pub unexplored_min_per_year: f64,
}

/// The estimate with both ends of its interval.
fn estimate(found: Interval) -> Estimate {
    let bound = |sign: f64| found.half.map(|half| found.value + sign * half);
    Estimate {
        value: Some(found.value),
        lo: bound(-1.0),
        hi: bound(1.0),
        confidence: CONFIDENCE,
    }
}

/// The share lost as minutes per year, with the upper end raised by a loss too rare to be observed; not below zero.
fn minutes(lost: Interval, unseen: f64) -> Estimate {
    let found = beyond(estimate(scaled(lost, YEAR_MIN)), unseen * YEAR_MIN);
    Estimate {
        lo: found.lo.map(|lo| lo.max(0.0)),
        ..found
    }
}

/// Moves the upper end out by an independent uncertainty.
fn beyond(found: Estimate, unseen: f64) -> Estimate {
    let farther = |(value, hi): (f64, f64)| value + libm::hypot(hi - value, unseen);
    Estimate {
        hi: found.value.zip(found.hi).map(farther),
        ..found
    }
}

/// The share answered, with its lower end lowered by a loss too rare to be observed.
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
