//! Replicas: who promotes one, and what it has not got yet.

use super::words::{number, rate, time};
use super::{Desk, Finding, Severity};
use crate::base::ids::{ClassId, NodeId};
use crate::scenario::plan::{App, Database, Kind, Node, Promotion, ReadFrom};

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

/// A member that says nothing holds every worker that asks it until the time-out to connect, again and again.
pub fn silent_member(desk: &Desk<'_>) -> Vec<Finding> {
    let nodes = desk.plan.nodes.iter().enumerate();
    let apps = nodes.filter_map(|(i, node)| match &node.kind {
        Kind::App(app) if app.avoid.is_zero() => Some((node, app, NodeId::new(i))),
        _ => None,
    });
    apps.filter_map(|(node, app, id)| silenced(desk, node, app, id))
        .collect()
}

fn silenced(desk: &Desk<'_>, node: &Node, app: &App, id: NodeId) -> Option<Finding> {
    let database = &desk.plan.databases[app.database?.index()];
    let readers = match database.read_from {
        ReadFrom::Any => database.members.len(),
        ReadFrom::Primary => 1,
        ReadFrom::Replicas => database.members.len() - 1,
    };
    let rates = desk.traffic.rates[id.index()].iter().enumerate();
    let reads: f64 = rates
        .map(|(class, rate)| rate * f64::from(app.queries(ClassId::new(class)).read))
        .sum();
    if readers < 2 || reads <= 0.0 {
        return None;
    }
    let (met, connect_s) = (reads / readers as f64, app.connect_timeout.seconds());
    let held = met * connect_s;
    let (severity, of) = match node.workers {
        Some(workers) if held > f64::from(workers) => (Severity::Warning, format!(" of its {workers}")),
        Some(workers) => (Severity::Advice, format!(" of its {workers}")),
        None => (Severity::Advice, String::new()),
    };
    let message = format!(
        "A read that meets a database member whose machine is dead waits {} to connect: {} would want {} workers{of}.",
        time(connect_s),
        rate(met, "reads"),
        number(held)
    );
    let fix = format!(
        "nodes.{0}.avoid=\"10s\", and nodes.{0}.timeouts.connect=\"1s\"",
        node.name
    );
    Some(Finding::new(
        "capacity.silent-member",
        severity,
        &node.name,
        message,
        fix,
    ))
}
