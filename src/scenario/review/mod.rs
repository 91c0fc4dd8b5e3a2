//! What a senior engineer would say on reading the scenario, without simulating.
//!
//! Each rule is a small function that looks at the Plan and what follows from it by arithmetic; `RULES` lists them.
//! `docs/review.md` says of each why it is one. It refuses to guess: where a number is not known, a rule says nothing.

mod balancer;
mod capacity;
mod database;
mod demand;
pub mod graph;
mod held;
mod monitoring;
mod retries;
mod security;
mod spof;
mod timeouts;
mod traffic;
mod ways;
mod words;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use self::demand::{Bottleneck, bottleneck};
use self::traffic::Traffic;
use super::plan::Plan;
use crate::base::ids::ClassId;

/// How bad it is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// One failure is an outage, or anybody may read along: mend it before going live.
    Critical,
    /// It will hurt on a bad day.
    Warning,
    /// It would be better otherwise.
    Advice,
}

/// A component whose loss alone is an outage: found by the structure, which this module does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct SinglePoint {
    /// Its name: a host, node, database member, zone, link or common cause.
    pub component: String,
    /// The classes of which no request succeeds without it.
    pub classes: Vec<ClassId>,
}

/// One thing to be said about a design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule, for scripts: `family.rule`.
    pub id: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about, by the scenario's name for it.
    pub component: String,
    /// What is wrong, with the number behind it. It does not begin with the component's name.
    pub message: String,
    /// What to change, in the scenario's own keys.
    pub fix: String,
}

impl Finding {
    fn warning(id: &'static str, component: &str, message: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding::new(id, Severity::Warning, component, message, fix)
    }

    fn new(
        id: &'static str,
        severity: Severity,
        component: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Finding {
        Finding {
            id: Cow::Borrowed(id),
            severity,
            component: component.to_owned(),
            message: message.into(),
            fix: fix.into(),
        }
    }
}

/// What lies on the reviewer's desk.
struct Desk<'p> {
    plan: &'p Plan,
    cuts: &'p [SinglePoint],
    /// How many requests a second come to each node while all is well.
    traffic: Traffic,
}

/// A rule and everything it has to say.
type Rule = fn(&Desk<'_>) -> Vec<Finding>;

/// In the order in which they are told, within a severity.
const RULES: [Rule; 21] = [
    spof::single_points,
    spof::one_host,
    spof::one_zone,
    database::no_promotion,
    database::async_replication,
    balancer::no_check,
    balancer::no_redispatch,
    balancer::shallow_check,
    security::no_firewall,
    security::no_tls,
    monitoring::none,
    monitoring::slow,
    capacity::overload,
    capacity::one_lost,
    capacity::pool,
    database::silent_member,
    retries::multiply,
    timeouts::nesting,
    timeouts::silent_server,
    timeouts::slow_check,
    timeouts::ttl,
];

/// Everything to be said, the worst first. `cuts` are the single points of failure.
pub fn review(plan: &Plan, cuts: &[SinglePoint]) -> Vec<Finding> {
    let desk = Desk {
        plan,
        cuts,
        traffic: Traffic::of(plan, &|_| false),
    };
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&desk)).collect();
    findings.sort_by_key(|f| f.severity);
    findings
}
