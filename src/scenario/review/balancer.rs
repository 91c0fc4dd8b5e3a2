//! Balancers that do not detect, or do not react to, the loss of a server.

use super::ways::Ways;
use super::words::{list, number, percent, plural, rate, time};
use super::{Desk, Finding, Severity};
use crate::base::ids::NodeId;
use crate::scenario::plan::{Check, Kind, LoadBalancer, Node, Target, Web};

/// Balancers with several servers, and their load.
fn balancers<'d>(desk: &'d Desk<'_>) -> impl Iterator<Item = (&'d str, &'d LoadBalancer, f64)> {
    desk.plan.nodes.iter().filter_map(|node| match &node.kind {
        Kind::LoadBalancer(b) if b.servers.len() > 1 => Some((&*node.name, b, load(desk, node))),
        _ => None,
    })
}

/// The load on a node, or the load it would have after taking over from a sibling: a standby has no load of its own.
fn load(desk: &Desk<'_>, node: &Node) -> f64 {
    let siblings = desk
        .plan
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, n)| n.draws == node.draws);
    siblings
        .map(|(i, _)| desk.traffic.of_node(NodeId::new(i)))
        .fold(0.0, f64::max)
}

/// Time for a check to take out a server whose process is dead and refuses at once: the wait for the next check, then
/// `fall` failures.
pub fn notices_after_s(check: &Check) -> f64 {
    check.inter.seconds() + f64::from(check.fall.saturating_sub(1)) * check.fastinter.seconds()
}

/// The same in words, and for a server whose machine is dead: each failure is then known only after the check's
/// time-out.
pub fn notices_after(check: &Check) -> String {
    let refused_s = notices_after_s(check);
    let silent_s = refused_s + f64::from(check.fall) * check.timeout.seconds();
    format!("{} ({} where its machine is dead)", time(refused_s), time(silent_s))
}

/// A dead server keeps its share of requests.
pub fn no_check(desk: &Desk<'_>) -> Vec<Finding> {
    let blind = balancers(desk).filter(|(_, b, _)| b.check.is_none());
    let finding = |(name, balancer, load): (&str, &LoadBalancer, f64)| {
        let (least, most, _) = shares(desk, balancer);
        let share = format!(
            "{} of the requests ({}/s)",
            span(percent(least), percent(most)),
            span(number(load * least), number(load * most))
        );
        let (severity, message) = if redispatches(balancer) {
            let message = format!("No checks: a dead server goes on getting {share}, each of which has to be retried.");
            (Severity::Warning, message)
        } else {
            let message =
                format!("No checks: a dead server goes on getting {share}, and they fail until it is repaired.");
            (Severity::Critical, message)
        };
        let fix = format!("nodes.{name}.check={{\"inter\": \"2s\", \"fall\": 3, \"rise\": 2}}");
        Finding::new("spof.no-check", severity, name, message, fix)
    };
    blind.map(finding).collect()
}

/// The least and the largest share of requests per serving server by weight, and the number of serving servers.
fn shares(desk: &Desk<'_>, balancer: &LoadBalancer) -> (f64, f64, usize) {
    let all_up = Ways {
        plan: desk.plan,
        is_lost: &|_| false,
    };
    let weights: Vec<f64> = all_up
        .servers(balancer)
        .servers
        .iter()
        .map(|s| f64::from(s.weight))
        .collect();
    let all: f64 = weights.iter().sum::<f64>().max(1.0);
    let least = weights.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let most = weights.iter().copied().fold(0.0, f64::max);
    (least / all, most / all, weights.len())
}

/// `10 % to 90 %`, or a single value if both are the same.
fn span(least: String, most: String) -> String {
    match least == most {
        true => least,
        false => format!("{least} to {most}"),
    }
}

fn redispatches(balancer: &LoadBalancer) -> bool {
    balancer.redispatch && balancer.retries > 0
}

/// Retries go back to the server that has just failed.
pub fn no_redispatch(desk: &Desk<'_>) -> Vec<Finding> {
    let stubborn = balancers(desk).filter(|(_, b, _)| !redispatches(b));
    let finding = |(name, balancer, load): (&str, &LoadBalancer, f64)| {
        let (least, most, serving) = shares(desk, balancer);
        let until = match &balancer.check {
            Some(check) => format!("for up to {}, until the checks notice", notices_after(check)),
            None => "for as long as it is down".to_owned(),
        };
        let retries = match balancer.retries {
            0 => "It never retries".to_owned(),
            1 => "Its one retry goes to the same server".to_owned(),
            n => format!("Its {n} retries go to the same server"),
        };
        let message = format!(
            "{retries}, though {} could answer: when one dies, {} requests/s fail {until}.",
            plural(serving.max(2) - 1, "other"),
            span(number(load * least), number(load * most))
        );
        let fix = match balancer.retries {
            0 => format!("nodes.{name}.retries=3 and nodes.{name}.redispatch=true"),
            _ => format!("nodes.{name}.redispatch=true"),
        };
        Finding::warning("spof.no-redispatch", name, message, fix)
    };
    stubborn.map(finding).collect()
}

/// A deep check fails with whatever the applications ask. If all ask the same node, all servers go down at once.
fn shared_risk(desk: &Desk<'_>, upstreams: &[NodeId]) -> String {
    // A database is up while any of its members answers, and a virtual IP while any member holds it.
    let asks = |node: &NodeId| -> Vec<NodeId> {
        let Kind::App(app) = &desk.plan.node(*node).kind else {
            return Vec::new();
        };
        let called = app.calls.iter().filter_map(|target| match target {
            Target::Node(node) => Some(*node),
            Target::Vip(_) => None,
        });
        let members = app.database.map(|d| &desk.plan.databases[d.index()].members);
        let alone = members.filter(|m| m.len() == 1).into_iter().flatten().copied();
        called.chain(alone).collect()
    };
    let Some((first, rest)) = upstreams.split_first() else {
        return String::new();
    };
    let shared = asks(first)
        .into_iter()
        .find(|asked| rest.iter().all(|other| asks(other).contains(asked)));
    shared.map_or(String::new(), |asked| {
        let name = &desk.plan.node(asked).name;
        format!(" (mind that deep checks then take all servers down with {name:?}, which all of them ask)")
    })
}

/// A shallow check passes for a web server that is up, though the application behind it is not.
pub fn shallow_check(desk: &Desk<'_>) -> Vec<Finding> {
    let shallow = balancers(desk).filter(|(_, b, _)| b.check.as_ref().is_some_and(|c| !c.deep));
    let finding = |(name, balancer, _): (&str, &LoadBalancer, f64)| {
        let narrow = balancer
            .servers
            .iter()
            .map(|s| s.node)
            .filter_map(|n| match &desk.plan.node(n).kind {
                Kind::Web(web) => only_upstream(web).map(|upstream| (n, upstream)),
                _ => None,
            });
        let (webs, upstreams): (Vec<NodeId>, Vec<NodeId>) = narrow.unzip();
        let name_of = |n: &NodeId| desk.plan.node(*n).name.as_str();
        let first = webs.first()?;
        let lost = desk.traffic.of_node(*upstreams.first()?);
        let message = format!(
            "Its checks ask {} and not what stands behind: with {} dead, they stay green and {} go on failing.",
            list(webs.iter().map(name_of)),
            name_of(upstreams.first()?),
            rate(lost, "requests")
        );
        let fix = format!(
            "list a second application in nodes.{}.upstreams, or nodes.{name}.check.deep=true{}",
            name_of(first),
            shared_risk(desk, &upstreams)
        );
        Some(Finding::warning("spof.shallow-check", name, message, fix))
    };
    shallow.filter_map(finding).collect()
}

fn only_upstream(web: &Web) -> Option<NodeId> {
    match web.upstreams.as_slice() {
        [one] => Some(one.node),
        _ => None,
    }
}
