//! How long an outage lasts before anybody begins the repair.

use super::words::{percent, time};
use super::{Desk, Finding, Severity};
use crate::scenario::plan::{Measure, Monitoring, Plan};

/// The key that these findings are about.
const KEY: &str = "monitoring";
const MONTH_S: f64 = 30.0 * 86_400.0;

/// No monitoring.
pub fn none(desk: &Desk<'_>) -> Vec<Finding> {
    let message = match &desk.plan.monitoring {
        Monitoring::Probes { .. } => return Vec::new(),
        Monitoring::Unsaid => "Nothing is monitored: an outage is noticed when users complain.".to_owned(),
        Monitoring::None { notice } => {
            let after = notice
                .mean_s()
                .map_or_else(String::new, |s| format!(", {} into it on average", time(s)));
            format!("Nothing is monitored: an outage is noticed when users call{after}.")
        }
    };
    let fix = "monitoring={\"interval\": \"15s\", \"failures\": 2, \"notify\": \"10s\", \"respond\": \"5m\"}";
    vec![Finding::new("monitoring.none", Severity::Critical, KEY, message, fix)]
}

/// An outage that waits for its repair longer than the permitted downtime per month breaks the objective before the
/// repair begins.
pub fn slow(desk: &Desk<'_>) -> Vec<Finding> {
    let monitoring = &desk.plan.monitoring;
    let Some(begins_s) = monitoring
        .mean_s()
        .filter(|_| matches!(monitoring, Monitoring::Probes { .. }))
    else {
        return Vec::new();
    };
    let Some((target, budget_s)) = budget(desk.plan).filter(|(_, budget)| begins_s > *budget) else {
        return Vec::new();
    };
    let message = format!(
        "Repair begins about {} into an outage; {} availability allows {} of downtime a month.",
        time(begins_s),
        percent_exact(target),
        time(budget_s)
    );
    let fix = "shorten monitoring.interval, monitoring.notify or monitoring.respond";
    vec![Finding::warning("monitoring.slow", KEY, message, fix)]
}

/// The promised availability, and the downtime per month that it permits.
pub fn budget(plan: &Plan) -> Option<(f64, f64)> {
    let promised = plan.slo.iter().filter_map(|o| match o.measure {
        Measure::Availability => Some(o.target),
        Measure::ErrorRatio => Some(1.0 - o.target),
        Measure::Latency(_) => None,
    });
    let strictest = promised.max_by(f64::total_cmp)?;
    Some((strictest, (1.0 - strictest) * MONTH_S))
}

/// `99.95 %`: nines must not be rounded away.
pub fn percent_exact(share: f64) -> String {
    if share < 0.99 {
        return percent(share);
    }
    let text = format!("{:.6}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}
