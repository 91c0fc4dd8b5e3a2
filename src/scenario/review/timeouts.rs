//! Nested time-outs: an inner one should be shorter than an outer one.

use super::balancer::{notices_after, notices_after_s};
use super::monitoring::{budget, percent_exact};
use super::words::{number, time};
use super::{Desk, Finding, graph};
use crate::base::ids::NodeId;
use crate::scenario::plan::{App, Course, Kind, Plan, Target};

/// How long a caller waits, and which caller it is.
#[derive(Clone, Debug)]
struct Patience<'p> {
    whose: &'p str,
    seconds: f64,
}

/// The shortest time-out of any caller before each node; `None` where none has a limit.
fn patience(plan: &Plan) -> Vec<Option<Patience<'_>>> {
    let mut least: Vec<Option<Patience<'_>>> = vec![None; plan.nodes.len()];
    for source in &plan.sources {
        let limit = source.timeout.map(|t| Patience {
            whose: &source.name,
            seconds: t.seconds(),
        });
        for door in graph::doors(plan, source) {
            tighten(&mut least[door.index()], limit.clone());
        }
    }
    for node in graph::in_order(plan) {
        let own = waits(plan, node).and_then(|w| w.seconds).map(|seconds| Patience {
            whose: &plan.node(node).name,
            seconds,
        });
        let mut inside = least[node.index()].clone();
        tighten(&mut inside, own);
        for asked in plan.asks(node) {
            tighten(&mut least[asked.index()], inside.clone());
        }
    }
    least
}

fn tighten<'p>(least: &mut Option<Patience<'p>>, limit: Option<Patience<'p>>) {
    let known = least.as_ref().map_or(f64::INFINITY, |l| l.seconds);
    if let Some(limit) = limit.filter(|l| l.seconds < known) {
        *least = Some(limit);
    }
}

/// How long a node waits for an answer, and the key that sets it.
struct Wait {
    seconds: Option<f64>,
    key: &'static str,
}

fn waits(plan: &Plan, node: NodeId) -> Option<Wait> {
    let (span, key) = match &plan.node(node).kind {
        Kind::LoadBalancer(balancer) => (balancer.server_timeout, "timeouts.server"),
        Kind::Web(web) if !web.upstreams.is_empty() => (web.read_timeout, "timeouts.read"),
        Kind::App(app) if asks_anybody(app) => (app.query_timeout, "timeouts.query"),
        _ => return None,
    };
    Some(Wait {
        seconds: span.map(|s| s.seconds()),
        key,
    })
}

fn asks_anybody(app: &App) -> bool {
    app.database.is_some() || !app.calls.is_empty()
}

/// An inner time-out longer than an outer one: work for a caller that has left.
pub fn nesting(desk: &Desk<'_>) -> Vec<Finding> {
    let plan = desk.plan;
    let outer = patience(plan);
    let finding = |node: NodeId| {
        let (wait, outer) = (waits(plan, node)?, outer[node.index()].as_ref()?);
        if wait.seconds.is_some_and(|s| s <= outer.seconds) {
            return None;
        }
        let long = wait
            .seconds
            .map_or("without limit".to_owned(), |s| format!("up to {}", time(s)));
        let message = format!(
            "Waits {long} for an answer, but the time-out of {} is {}: the rest of the wait is for nobody.",
            outer.whose,
            time(outer.seconds)
        );
        let name = &plan.node(node).name;
        let fix = format!("nodes.{name}.{}={}", wait.key, shorter(outer.seconds));
        Some(Finding::warning("timeouts.nesting", name, message, fix))
    };
    graph::in_order(plan).into_iter().filter_map(finding).collect()
}

/// Four fifths of it, in the scenario's notation.
fn shorter(seconds: f64) -> String {
    match seconds * 0.8 {
        s if s >= 1.0 => format!("\"{}s\"", number(s)),
        s => format!("\"{}ms\"", number(s * 1e3)),
    }
}

/// How long a silent server delays the attempt at another one.
pub fn silent_server(desk: &Desk<'_>) -> Vec<Finding> {
    let plan = desk.plan;
    let outer = patience(plan);
    let finding = |node: NodeId| {
        let Kind::LoadBalancer(balancer) = &plan.node(node).kind else {
            return None;
        };
        let outer = outer[node.index()].as_ref()?;
        let tries = if balancer.redispatch { 1 } else { balancer.retries + 1 };
        let connect_s = balancer.connect_timeout.seconds();
        let (silent_s, name) = (connect_s * f64::from(tries), &plan.node(node).name);
        if balancer.servers.len() < 2 || silent_s < outer.seconds {
            return None;
        }
        let product = if tries > 1 {
            format!(" ({tries} × {})", time(connect_s))
        } else {
            String::new()
        };
        let message = format!(
            "A server whose machine is dead costs {}{product} before another could be asked, and the time-out of {} is {}.",
            time(silent_s),
            outer.whose,
            time(outer.seconds)
        );
        let fix = match balancer.redispatch {
            true => format!("nodes.{name}.timeouts.connect=\"1s\""),
            false => format!("nodes.{name}.timeouts.connect=\"1s\" and nodes.{name}.redispatch=true"),
        };
        Some(Finding::warning("timeouts.silent-server", name, message, fix))
    };
    graph::in_order(plan).into_iter().filter_map(finding).collect()
}

/// Clients give up before the balancer detects a dead server.
pub fn slow_check(desk: &Desk<'_>) -> Vec<Finding> {
    let plan = desk.plan;
    let outer = patience(plan);
    let finding = |node: NodeId| {
        let Kind::LoadBalancer(balancer) = &plan.node(node).kind else {
            return None;
        };
        let (check, outer) = (balancer.check.as_ref()?, outer[node.index()].as_ref()?);
        let (notices_s, name) = (notices_after_s(check), &plan.node(node).name);
        if notices_s <= outer.seconds {
            return None;
        }
        let message = format!(
            "Its checks need up to {} to take a dead server out, every {} and {} failures; the time-out of {} is {}.",
            notices_after(check),
            time(check.inter.seconds()),
            check.fall,
            outer.whose,
            time(outer.seconds)
        );
        let inter = shorter(outer.seconds / f64::from(check.fall.max(1)));
        let fix = format!("nodes.{name}.check.inter={inter}, or a smaller check.fall");
        Some(Finding::warning("timeouts.slow-check", name, message, fix))
    };
    graph::in_order(plan).into_iter().filter_map(finding).collect()
}

/// Clients keep an answer longer than the failure it should lead them away from lasts.
pub fn ttl(desk: &Desk<'_>) -> Vec<Finding> {
    let plan = desk.plan;
    let finding = |(at, node): (usize, &crate::scenario::plan::Node)| {
        let Kind::Dns(dns) = &node.kind else { return None };
        let (what, target_s) = recovery_target(plan, NodeId::new(at))?;
        if dns.ttl.seconds() <= target_s {
            return None;
        }
        let message = format!(
            "Clients keep its answers for {}, stale or not; {what}.",
            time(dns.ttl.seconds())
        );
        let ttl = format!("nodes.{}.ttl={}", node.name, shorter(target_s));
        let fix = format!("{ttl}, or answer with a virtual-ip, which moves without DNS");
        Some(Finding::warning("timeouts.ttl", &node.name, message, fix))
    };
    plan.nodes.iter().enumerate().filter_map(finding).collect()
}

/// The time that a resolver's TTL should not exceed: the shortest of the time its own checks take, the repair of an
/// address that it names, and the downtime that the SLO permits per month. None if every answer is a virtual IP and
/// unchecked.
fn recovery_target(plan: &Plan, resolver: NodeId) -> Option<(String, f64)> {
    let Kind::Dns(dns) = &plan.node(resolver).kind else {
        return None;
    };
    let mut targets = Vec::new();
    if let Some(check) = &dns.failover {
        let notices_s = notices_after_s(check);
        targets.push((
            format!("its checks drop a dead one after {}", time(notices_s)),
            notices_s,
        ));
    }
    let direct = dns.answers.iter().filter_map(|answer| match answer {
        Target::Node(node) => Some(plan.node(*node).name.as_str()),
        Target::Vip(_) => None,
    });
    for name in direct.clone() {
        targets.extend(repair_s(plan, name).map(|s| (format!("{name} is repaired in {}", time(s)), s)));
    }
    if direct.count() > 0 {
        targets.extend(budget(plan).map(|(promised, s)| {
            let says = format!(
                "{} availability allows {} of downtime a month",
                percent_exact(promised),
                time(s)
            );
            (says, s)
        }));
    }
    targets.into_iter().min_by(|a, b| a.1.total_cmp(&b.1))
}

fn repair_s(plan: &Plan, name: &str) -> Option<f64> {
    let repair = plan
        .lifetimes
        .iter()
        .filter(|l| l.name == name)
        .find_map(|l| match &l.course {
            Course::Failures { mttr, .. } => mttr.mean_s(),
            Course::Maintenance { .. } => None,
        });
    repair.filter(|s| *s > 0.0)
}
