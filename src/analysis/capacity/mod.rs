//! `capacity`: the highest load at which the SLO holds (the knee), what breaks first, and the knee after the loss of
//! each component. A trial is the simulation of one load. Called by the command `capacity`.

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

/// What `capacity` finds. Loads are of all sources together; a profile counts with its highest rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// The scenario's present load.
    pub present_per_s: f64,
    /// Whether the number of users was scaled. `knee_ratio` is then relative to the present users, who ask less often
    /// the longer they wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// The present number of users, if they wait for their answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u32>,
    /// The knee and what breaks there.
    #[serde(flatten)]
    pub knee: Knee,
    /// The lowest and the highest load tried.
    pub tried_per_s: [f64; 2],
    /// Utilization of everything with a limit, at `utilization_per_s`: hosts by cores, nodes by workers.
    pub utilization: Ordered<Estimate>,
    /// The load at which utilization was measured: the trial nearest to the knee, or to today's load without a knee.
    #[serde(default)]
    pub utilization_per_s: f64,
    /// The limit that no queueing can exceed: the resource that is exhausted first, by mean demand.
    pub bound: Option<Bound>,
    /// Goodput beyond the knee; null without a knee.
    pub beyond: Option<Beyond>,
    /// Latency, goodput and availability against the load.
    pub curve: Vec<Point>,
    /// The knee with each component lost, for components that are used.
    pub n_minus_1: Ordered<Knee>,
    /// How many replicas are enough, if asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizing: Option<Sizing>,
    /// The components and who calls whom.
    #[serde(default)]
    pub topology: Topology,
}

/// The highest load at which every objective holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// Whether it was found.
    pub verdict: Verdict,
    /// The knee. Zero if no load holds; null with a lower bound if every load tried holds.
    pub knee_per_s: Estimate,
    /// The knee as a multiple of the present load.
    pub knee_ratio: Estimate,
    /// What breaks first; null if nothing does.
    pub limited_by: Option<Limit>,
}

impl Knee {
    /// Whether the knee is at or above the present load.
    pub fn carries_the_present(&self) -> bool {
        self.verdict == Verdict::EveryLoad || self.knee_ratio.value.is_some_and(|ratio| ratio >= 1.0)
    }
}

/// Whether a knee was found.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Found, between loads that hold and loads that do not.
    #[default]
    Found,
    /// The SLO is missed at every load tried, or by structure at any load.
    NoLoad,
    /// The SLO holds at every load tried.
    EveryLoad,
}

/// What breaks first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// The objective as the scenario names it; `stability` if a backlog grows that no objective sees.
    pub objective: String,
    /// The component with least headroom there; null if none is near its limit.
    pub component: Option<String>,
}

/// The operational law: throughput is at most the bottleneck's capacity divided by a request's demand for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The highest sustainable rate.
    pub rate_per_s: f64,
    /// The resource that is exhausted first.
    pub component: String,
    /// `cores`, `workers`, `pooled connections`, `maxconn slots` or `rate limit`.
    pub resource: String,
}

/// Goodput at loads beyond the knee.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beyond {
    /// Its shape.
    pub shape: Shape,
    /// The highest goodput.
    pub peak_per_s: f64,
    /// The goodput at the highest load of the curve.
    pub last_per_s: f64,
    /// That load.
    pub last_offered_per_s: f64,
}

/// How goodput develops beyond the knee.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// It still rises with the load: the SLO broke before anything was saturated.
    Rises,
    /// The excess is refused or waits; the rest is served as before.
    Plateau,
    /// Some of the work is wasted: goodput drops.
    Sags,
    /// Most of the work is wasted.
    Collapses,
}

/// A point of the curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The load.
    pub rate_per_s: f64,
    /// The load as a multiple of the present one.
    pub load_ratio: f64,
    /// Whether every objective holds.
    pub holds: bool,
    /// Number of replications.
    #[serde(default)]
    pub replications: u32,
    /// Simulated time.
    #[serde(default)]
    pub duration_s: f64,
    /// What clients see, without the distribution.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// A capacity with its caveats.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The answer.
    pub capacity: Capacity,
    /// The caveats.
    pub caveats: Vec<Caveat>,
    /// Replications, simulated time and warm-up of the longest trial at the knee.
    pub effort: (u32, f64, f64),
    /// Events simulated.
    pub events: u64,
    /// Whether everything asked for was finished.
    pub complete: bool,
}
