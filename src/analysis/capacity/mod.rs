//! `capacity`: the highest load at which the SLO still holds, what breaks first, and what is left when a component is lost.

mod answer;
mod bound;
mod curve;
mod excess;
mod search;
mod sizes;

use serde::{Deserialize, Serialize};

use super::result::{Caveat, Estimate, Metrics, Ordered};
use super::topology::Topology;

pub use answer::answer;
pub use search::{Ask, End, Question};
pub use sizes::{Size, Sizing, Stack};

/// What `capacity` finds. Loads are of all sources together; a profile counts with its height.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// The load that the scenario has now.
    pub present_per_s: f64,
    /// Was the number of users scaled? `knee_ratio` is then to the users of now, who ask less often the longer they wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// How many users there are today, where they wait for their answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u32>,
    /// The knee: where it is, what breaks there.
    #[serde(flatten)]
    pub knee: Knee,
    /// The least and the largest load that was tried.
    pub tried_per_s: [f64; 2],
    /// How busy everything with a limit is at the knee, and without one at `utilization_per_s`: hosts by their cores, nodes by their workers.
    pub utilization: Ordered<Estimate>,
    /// The load at which that was seen: of those tried, the nearest to the knee, or to today's without a knee.
    #[serde(default)]
    pub utilization_per_s: f64,
    /// What no design of queues can exceed: the resource that is used up first, by its mean demand alone.
    pub bound: Option<Bound>,
    /// What becomes of the goodput beyond the knee; null without a knee.
    pub beyond: Option<Beyond>,
    /// Latency, goodput and availability against the load.
    pub curve: Vec<Point>,
    /// The same with each component lost: those that something uses.
    pub n_minus_1: Ordered<Knee>,
    /// How many are enough; only where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizing: Option<Sizing>,
    /// What stands where, and who asks whom.
    #[serde(default)]
    pub topology: Topology,
}

/// The highest load at which every objective holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// Was it found?
    pub verdict: Verdict,
    /// Where. Zero where no load holds; null, with a lower bound, where every load does.
    pub knee_per_s: Estimate,
    /// The same over the present load.
    pub knee_ratio: Estimate,
    /// What breaks first; null where nothing does.
    pub limited_by: Option<Limit>,
}

impl Knee {
    /// Is it above the present load?
    pub fn carries_the_present(&self) -> bool {
        self.verdict == Verdict::EveryLoad || self.knee_ratio.value.is_some_and(|ratio| ratio >= 1.0)
    }
}

/// Was a knee found?
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Between loads that hold and loads that do not.
    #[default]
    Found,
    /// The SLO is missed however light the load.
    NoLoad,
    /// The SLO is kept however heavy the load, as far as was tried.
    EveryLoad,
}

/// What breaks first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// The objective, as the scenario has it; `stability` where a backlog grows that no objective sees.
    pub objective: String,
    /// The component that has least to spare there; null where none is near its limit.
    pub component: Option<String>,
}

/// The operational law: throughput is at most the capacity of the bottleneck over what a request asks of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// No more than this gets through for long.
    pub rate_per_s: f64,
    /// The resource that is used up first.
    pub component: String,
    /// `cores`, `workers`, `pooled connections`, `maxconn slots` or `rate limit`.
    pub resource: String,
}

/// What becomes of the goodput when more is asked than the knee.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beyond {
    /// What it does.
    pub shape: Shape,
    /// The most that got through.
    pub peak_per_s: f64,
    /// What got through at the largest load of the curve.
    pub last_per_s: f64,
    /// That load.
    pub last_offered_per_s: f64,
}

/// How goodput goes on beyond the knee.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// It still rises with the load: the SLO broke before anything was full.
    Rises,
    /// What is too much is turned away or waits, and the rest is served as before.
    Plateau,
    /// Some of the work is for nobody: less gets through than before.
    Sags,
    /// Most of it is.
    Collapses,
}

/// A point of the curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The load.
    pub rate_per_s: f64,
    /// The same over the present load.
    pub load_ratio: f64,
    /// Does every objective hold?
    pub holds: bool,
    /// By so many replications.
    #[serde(default)]
    pub replications: u32,
    /// Of so much simulated time.
    #[serde(default)]
    pub duration_s: f64,
    /// What the clients see; without the distribution.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// A capacity with what one should know before believing it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The answer.
    pub capacity: Capacity,
    /// The caveats.
    pub caveats: Vec<Caveat>,
    /// Of the last and longest look at the knee: replications, simulated time and warm-up.
    pub effort: (u32, f64, f64),
    /// Events simulated.
    pub events: u64,
    /// Was everything done that was asked for?
    pub complete: bool,
}
