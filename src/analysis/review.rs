//! The document of `review`: the envelope that every command writes, and the findings.

use serde::{Deserialize, Serialize};

use super::result::{Answer, Caveat, Document, Engine, Envelope};
use crate::scenario::plan::Plan;
use crate::scenario::review::Finding;

/// The findings, for scripts and for the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Worst first.
    pub findings: Vec<Finding>,
}

/// The findings on a plan, with the wall-clock time.
pub fn document(plan: &Plan, findings: Vec<Finding>, wall_s: f64) -> Document {
    Document {
        envelope: Envelope::unsimulated("review", Some(plan), &plan.name),
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
