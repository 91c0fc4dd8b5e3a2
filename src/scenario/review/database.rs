//! Replicas: who promotes one, and what it has not got yet.

use super::words::{number, rate, time};
use super::{Desk, Finding, Severity};
use crate::scenario::plan::{Database, Promotion};

/// Databases with something to promote and something to lose.
fn replicated<'d>(desk: &'d Desk<'_>) -> impl Iterator<Item = (&'d Database, f64)> {
    let databases = desk.plan.databases.iter().filter(|d| d.members.len() > 1);
    databases
        .map(|d| (d, desk.traffic.writes(d)))
        .filter(|(_, writes)| *writes > 0.0)
}

/// A replica that nobody promotes.
pub fn no_promotion(desk: &Desk<'_>) -> Vec<Finding> {
    let manual = replicated(desk).filter(|(d, _)| matches!(d.failover, Promotion::Manual));
    let finding = |(database, writes): (&Database, f64)| {
        let message = format!(
            "A replica stands by, but no one promotes it: when the primary dies, {} fail until a person acts.",
            rate(writes, "writes")
        );
        let fix = format!(
            "nodes.{}.failover={{\"detect\": \"5s\", \"promote\": \"3s\"}}",
            database.name
        );
        Finding::new("spof.no-promotion", Severity::Warning, &database.name, message, fix)
    };
    manual.map(finding).collect()
}

/// Commits that no replica has yet die with the primary: as many as come in the lag (Little's law).
pub fn async_replication(desk: &Desk<'_>) -> Vec<Finding> {
    let finding = |(database, writes): (&Database, f64)| {
        let lag_s = database
            .lag
            .mean_s()
            .filter(|lag| *lag > 0.0 && database.semi_sync.is_none())?;
        let message = format!(
            "Replication is asynchronous: a fail-over loses about {} acknowledged writes ({}, replicas {} behind).",
            number(writes * lag_s),
            rate(writes, "writes"),
            time(lag_s)
        );
        let fix = format!("nodes.{}.replication.mode=\"semi-sync\"", database.name);
        Some(Finding::new(
            "spof.async-replication",
            Severity::Warning,
            &database.name,
            message,
            fix,
        ))
    };
    replicated(desk).filter_map(finding).collect()
}
