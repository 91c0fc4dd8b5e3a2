//! Replicas: promotion, and writes that have not reached them.

use super::words::{number, rate, time};
use super::{Desk, Finding, Severity};
use crate::base::dist::Dist;
use crate::base::ids::{ClassId, NodeId};
use crate::base::random::Draw;
use crate::scenario::plan::{App, Database, Kind, Node, Promotion};

/// Databases with a replica and with writes, and their writes per second.
fn replicated<'d>(desk: &'d Desk<'_>) -> impl Iterator<Item = (&'d Database, f64)> {
    let databases = desk.plan.databases.iter().filter(|d| d.members.len() > 1);
    databases
        .map(|d| (d, desk.traffic.writes(d)))
        .filter(|(_, writes)| *writes > 0.0)
}

/// A replica that is never promoted.
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
        Finding::warning("spof.no-promotion", &database.name, message, fix)
    };
    manual.map(finding).collect()
}

/// Commits that no replica has received are lost with the primary.
pub fn async_replication(desk: &Desk<'_>) -> Vec<Finding> {
    let finding = |(database, writes): (&Database, f64)| {
        if database.lag.is_zero() || database.semi_sync.is_some() {
            return None;
        }
        let (about, order) = match database.lag {
            Dist::Constant(_) => ("about", ""),
            // Without a variance, the longest of a few thousand lags say nothing about the longest possible.
            Dist::Pareto { alpha, .. } if alpha <= 2.0 => ("at least", ", in order"),
            _ => ("about", ", in order"),
        };
        let way = database.lag.mean_s().map_or("long".into(), time);
        let message = format!(
            "Replication is asynchronous: a fail-over loses {about} {} acknowledged writes ({}, each {way} on its way to the replicas{order}).",
            number(not_arrived(&database.lag, writes)),
            rate(writes, "writes"),
        );
        let fix = format!("nodes.{}.replication.mode=\"semi-sync\"", database.name);
        Some(Finding::warning("spof.async-replication", &database.name, message, fix))
    };
    replicated(desk).filter_map(finding).collect()
}

/// Number of lags drawn to estimate the tail.
const DRAWN: u64 = 20_000;

/// Number of Poisson writes that have not arrived at the replicas. Writes arrive in order, so a write of age u has not
/// arrived if its own lag is longer than u, or if the lag of any earlier write exceeds that write's age. The
/// probability is 1 - P(lag <= u) exp(-writes × E[(lag - u)+]).
fn not_arrived(lag: &Dist, writes: f64) -> f64 {
    let drawn = |i: u64| lag.sample(&mut Draw::keyed(i)).seconds();
    let mut lags: Vec<f64> = match lag {
        Dist::Constant(lag) => return writes * lag.seconds(),
        // Only requests have columns of a trace; a lag has none.
        Dist::Trace(_) => return 0.0,
        _ => (0..DRAWN).map(drawn).collect(),
    };
    lags.sort_by(f64::total_cmp);
    let n = lags.len() as f64;
    // From the longest lag down, `beyond` is E[(lag - u)+].
    let (mut beyond, mut age) = (0.0, 0.0);
    for (i, pair) in lags.windows(2).enumerate().rev() {
        let (width, longer) = (pair[1] - pair[0], (n - 1.0 - i as f64) / n);
        let middle = beyond + longer * width / 2.0;
        age += width * (1.0 - (1.0 - longer) * libm::exp(-writes * middle));
        beyond += longer * width;
    }
    writes * (age + lags[0])
}

/// A silent member holds every worker that asks it until the connect time-out, again and again.
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
    let is_read = |m: &&NodeId| database.reads_from(**m, database.first());
    let readers = database.members.iter().filter(is_read).count();
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
    let sooner = match connect_s > 1.0 {
        true => format!(", and nodes.{}.timeouts.connect=\"1s\"", node.name),
        false => String::new(),
    };
    let fix = format!("nodes.{}.avoid=\"10s\"{sooner}", node.name);
    Some(Finding::new(
        "capacity.silent-member",
        severity,
        &node.name,
        message,
        fix,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Span;

    /// Exponential lags of mean m, with L = rate × m: L (ln L + γ) + 1, apart from an exponential integral that is
    /// negligible here.
    #[test]
    fn theory_the_slowest_hold_up_the_others() {
        const GAMMA: f64 = 0.577_215_664_9;
        let m = Span::from_millis(500);
        for writes in [20.0, 100.0, 1000.0] {
            let (found, load) = (not_arrived(&Dist::exponential(m), writes), writes * 0.5);
            let expected = load * (libm::log(load) + GAMMA) + 1.0;
            // The result depends on the lag that one write in L exceeds. The number of drawn lags beyond it has a
            // standard deviation of its square root. The bound is four standard deviations of its logarithm, which is
            // the lag in units of the mean.
            let doubt = 4.0 / libm::sqrt(DRAWN as f64 / load) / (libm::log(load) + GAMMA);
            assert!(
                (found / expected - 1.0).abs() < doubt,
                "{writes}: {found}, not {expected}"
            );
        }
        assert_eq!(not_arrived(&Dist::Constant(m), 10.0), 5.0);
    }
}
