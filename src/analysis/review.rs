//! The document of `review`: the envelope that every command writes, and the findings.

use serde::Serialize;

use super::result::{Caveat, Engine, SCHEMA_VERSION, ScenarioId};
use crate::scenario::plan::{Plan, Warmup};
use crate::scenario::review::Finding;

/// What was found, for scripts and for the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// The version of the format.
    pub schema_version: u32,
    /// `review`.
    pub command: &'static str,
    /// A review is never half done.
    pub complete: bool,
    /// Which scenario.
    pub scenario: ScenarioId,
    /// Nothing was drawn: null.
    pub seed: Option<u64>,
    /// Nothing was simulated: 0.
    pub replications: u32,
    /// As the scenario says.
    pub duration_s: f64,
    /// As the scenario says; null where a run would have to find it.
    pub warmup_s: Option<f64>,
    /// The worst first.
    pub findings: Vec<Finding>,
    /// What one should know before believing them.
    pub caveats: Vec<Caveat>,
    /// About the program that made it.
    pub engine: Engine,
}

impl Document {
    /// The findings on a plan, which took so long by the clock on the wall.
    pub fn new(plan: &Plan, findings: Vec<Finding>, wall_s: f64) -> Document {
        Document {
            schema_version: SCHEMA_VERSION,
            command: "review",
            complete: true,
            scenario: ScenarioId {
                name: plan.name.clone(),
                digest: plan.digest.clone(),
            },
            seed: None,
            replications: 0,
            duration_s: plan.duration.seconds(),
            warmup_s: match plan.warmup {
                Warmup::Fixed(span) => Some(span.seconds()),
                Warmup::Auto => None,
            },
            findings,
            caveats: vec![Caveat {
                code: "review.unsimulated".into(),
                message: "Nothing was simulated: loads are means at the scenario's highest planned rate, and say \
                          nothing of queues."
                    .into(),
            }],
            engine: Engine {
                version: env!("CARGO_PKG_VERSION").into(),
                threads: 1,
                events: 0,
                wall_s,
                events_per_s: 0.0,
            },
        }
    }
}
