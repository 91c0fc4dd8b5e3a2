//! The document of `review`: the envelope that every command writes, and the findings.

use serde::{Deserialize, Serialize};

use super::result::{Answer, Caveat, Document, Engine, Envelope, SCHEMA_VERSION, ScenarioId};
use crate::scenario::plan::{Plan, Warmup};
use crate::scenario::review::Finding;

/// What was found, for scripts and for the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// The findings on a plan, which took so long by the clock on the wall.
pub fn document(plan: &Plan, findings: Vec<Finding>, wall_s: f64) -> Document {
    Document {
        envelope: Envelope {
            schema_version: SCHEMA_VERSION,
            command: "review".into(),
            complete: true,
            scenario: ScenarioId::of(plan),
            seed: None,
            replications: 0,
            duration_s: plan.duration.seconds(),
            warmup_s: match plan.warmup {
                Warmup::Fixed(span) => Some(span.seconds()),
                Warmup::Auto => None,
            },
        },
        answer: Answer::Review(Review { findings }),
        caveats: vec![Caveat {
            code: "review.unsimulated".into(),
            message: "Nothing was simulated: loads are means at the scenario's highest planned rate, and say \
                      nothing of queues."
                .into(),
        }],
        engine: Engine::this(1, 0, wall_s),
    }
}
