//! What a senior engineer would say after reading the scenario, without simulation.
//!
//! Each rule is a small function of the Plan and of simple arithmetic on it; `RULES` lists them. `docs/review.md` gives
//! the reason for each. Where a number is unknown, a rule says nothing instead of guessing.

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

/// The severity of a finding.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// One failure is an outage, or traffic can be read by anybody: to be fixed before going live.
    Critical,
    /// It causes harm on a bad day.
    Warning,
    /// An improvement.
    Advice,
}

/// A component whose loss alone is an outage. It comes from the structure analysis, which this module does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct SinglePoint {
    /// Its name: a host, node, database member, zone, link or common cause.
    pub component: String,
    /// The classes that fail completely without it.
    pub classes: Vec<ClassId>,
}

/// One finding about a design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule, for scripts: `family.rule`.
    pub id: Cow<'static, str>,
    /// Its severity.
    pub severity: Severity,
    /// The component it is about, by its name in the scenario.
    pub component: String,
    /// What is wrong, with the relevant number. It does not begin with the component's name.
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

/// The input of the rules.
struct Desk<'p> {
    plan: &'p Plan,
    cuts: &'p [SinglePoint],
    /// Requests per second at each node with everything up.
    traffic: Traffic,
}

/// A rule: all its findings.
type Rule = fn(&Desk<'_>) -> Vec<Finding>;

/// In the order of the report, within a severity.
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

/// All findings, the most severe first. `cuts` are the single points of failure.
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
