//! Single points of failure, and designs with only one host or zone.

use super::SinglePoint;
use super::words::{list, number, percent, plural};
use super::{Desk, Finding, Severity};
use crate::base::ids::{HostId, NodeId};
use crate::scenario::plan::{Kind, Node, Plan, Promotion};

/// Components whose loss makes a class fail completely.
pub fn single_points(desk: &Desk<'_>) -> Vec<Finding> {
    let told_elsewhere: Vec<&str> = [sole_host(desk.plan), sole_zone(desk.plan)]
        .into_iter()
        .flatten()
        .collect();
    let cuts = desk
        .cuts
        .iter()
        .filter(|c| !told_elsewhere.contains(&c.component.as_str()));
    cuts.map(|cut| single_point(desk, cut)).collect()
}

fn single_point(desk: &Desk<'_>, cut: &SinglePoint) -> Finding {
    let plan = desk.plan;
    let (id, what, fix) = if let Some(at) = plan.nodes.iter().position(|n| n.name == cut.component) {
        of_node(plan, NodeId::new(at))
    } else if let Some(at) = plan.hosts.iter().position(|h| h.named && h.name == cut.component) {
        of_host(plan, HostId::new(at))
    } else if plan.zones.iter().any(|z| z.name == cut.component) {
        let fix = format!(
            "put stand-ins on hosts of another zone (hosts.*.zone other than \"{}\")",
            cut.component
        );
        ("spof.zone", "The zone holds what exists nowhere else.".to_owned(), fix)
    } else if plan.network.links.iter().any(|l| l.name == cut.component) {
        let fix = "put stand-ins where this link is not needed (hosts.*.zone, nodes.*.host)".to_owned();
        ("spof.link", "There is no way around this link.".to_owned(), fix)
    } else {
        let fix = format!(
            "take stand-ins out of its reach (common_causes.{}.targets)",
            cut.component
        );
        (
            "spof.common-cause",
            "One event takes everything that could stand in.".to_owned(),
            fix,
        )
    };
    let message = format!("{what} While it is down, {}", who_fails(desk, cut));
    Finding::new(id, Severity::Critical, &cut.component, message, fix)
}

/// `every request fails (400/s)`; `every request of class write fails (56/s, 14 % of all)`.
fn who_fails(desk: &Desk<'_>, cut: &SinglePoint) -> String {
    let total = desk.traffic.total();
    let rate: f64 = cut.classes.iter().map(|c| desk.traffic.offered[c.index()]).sum();
    let is_all = cut.classes.len() == desk.plan.classes.len();
    let names = list(cut.classes.iter().map(|c| desk.plan.classes[c.index()].name.as_str()));
    let who = if is_all {
        String::new()
    } else {
        format!(" of class {names}")
    };
    // The rate of users without a think time is not known beforehand.
    let how_many = match rate > 0.0 {
        false => String::new(),
        true if is_all => format!(" ({}/s)", number(rate)),
        true => format!(" ({}/s, {} of all)", number(rate), percent(rate / total)),
    };
    format!("every request{who} fails{how_many}.")
}

type Words = (&'static str, String, String);

fn of_node(plan: &Plan, node: NodeId) -> Words {
    let name = &plan.node(node).name;
    let alone = |what: &str| format!("It is the only {what} in its place.");
    let beside = |what: &str| {
        format!(
            "a second {what} on another host, and both as members of a virtual-ip that is asked in the place of \"{name}\""
        )
    };
    match &plan.node(node).kind {
        Kind::Dns(_) => {
            let fix = format!("a second resolver, and both in clients.*.entry: [\"{name}\", …]");
            ("spof.resolver", alone("resolver"), fix)
        }
        Kind::Firewall(_) => ("spof.firewall", alone("firewall"), beside("firewall")),
        Kind::LoadBalancer(_) => ("spof.balancer", alone("load balancer"), beside("load-balancer")),
        Kind::Web(_) => ("spof.web", alone("web server"), another(plan, node, "web")),
        Kind::App(_) => ("spof.app", alone("application server"), another(plan, node, "app")),
        Kind::Member(member) => of_member(plan, &plan.databases[member.database.index()], name),
    }
}

/// Another node in its callers' lists, or a balancer in front of both.
fn another(plan: &Plan, node: NodeId, kind: &str) -> String {
    let name = &plan.node(node).name;
    let lists = |n: &Node, id: NodeId| match &n.kind {
        Kind::LoadBalancer(_) if plan.asks(id).contains(&node) => Some(format!("nodes.{}.servers", n.name)),
        Kind::Web(_) if plan.asks(id).contains(&node) => Some(format!("nodes.{}.upstreams", n.name)),
        _ => None,
    };
    let found = plan
        .nodes
        .iter()
        .enumerate()
        .find_map(|(i, n)| lists(n, NodeId::new(i)));
    match found {
        Some(list) => format!("another {kind} on another host, beside \"{name}\" in {list}"),
        None => format!("another {kind} on another host, and a load-balancer whose servers are both"),
    }
}

fn of_member(plan: &Plan, database: &crate::scenario::plan::Database, name: &str) -> Words {
    let at = format!("nodes.{}", database.name);
    let has_stand_in = database.members.len() > 1;
    let is_primary = plan.node(database.first()).name == name;
    match database.failover {
        Promotion::Manual if has_stand_in && is_primary => (
            "spof.database",
            "It alone takes writes, and nobody promotes another.".to_owned(),
            format!("{at}.failover={{\"detect\": \"5s\", \"promote\": \"3s\"}}"),
        ),
        _ if has_stand_in => (
            "spof.database",
            "No other member is asked for what it holds.".to_owned(),
            format!("{at}.read_from=\"any\", or another member in {at}.members"),
        ),
        _ => (
            "spof.database",
            "It is the only copy of the data.".to_owned(),
            format!(
                "another member on another host in {at}.members, and {at}.failover={{\"detect\": \"5s\", \"promote\": \"3s\"}}"
            ),
        ),
    }
}

fn of_host(plan: &Plan, host: HostId) -> Words {
    let names = list(plan.nodes_on(host).map(|n| plan.node(n).name.as_str()));
    let fix = format!("a stand-in for {names} on another host (nodes.*.host)");
    ("spof.host", format!("It carries {names}."), fix)
}

/// Everything is on one host.
pub fn one_host(desk: &Desk<'_>) -> Vec<Finding> {
    let count = carried(desk.plan).count();
    let finding = |name: &str| {
        let message = format!(
            "Everything runs on it, {} in all: its loss is the loss of the service ({}/s).",
            plural(count, "node"),
            number(desk.traffic.total())
        );
        let fix = "a second host, and a stand-in for each node on it (nodes.*.host)";
        Finding::new("spof.one-host", Severity::Critical, name, message, fix)
    };
    sole_host(desk.plan).into_iter().map(finding).collect()
}

/// Everything is in one zone.
pub fn one_zone(desk: &Desk<'_>) -> Vec<Finding> {
    let finding = |name: &str| {
        let mut hosts: Vec<_> = carried(desk.plan).map(|n| n.host).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let message = format!(
            "All {} stand in it: a power cut there is the loss of the service ({}/s).",
            plural(hosts.len(), "host"),
            number(desk.traffic.total())
        );
        let fix = "another zone for half of each pair (hosts.*.zone)";
        Finding::new("spof.one-zone", Severity::Critical, name, message, fix)
    };
    sole_zone(desk.plan).into_iter().map(finding).collect()
}

/// All nodes except resolvers, which are usually run by somebody else.
fn carried(plan: &Plan) -> impl Iterator<Item = &Node> {
    plan.nodes.iter().filter(|n| !matches!(n.kind, Kind::Dns(_)))
}

/// The host that carries all nodes, if there is only one.
fn sole_host(plan: &Plan) -> Option<&str> {
    let host = &plan.hosts[carried(plan).next()?.host.index()];
    let is_here = |n: &Node| plan.hosts[n.host.index()].name == host.name;
    (host.named && carried(plan).count() > 1 && carried(plan).all(is_here)).then_some(&host.name)
}

/// The zone that contains all hosts, if there is only one.
fn sole_zone(plan: &Plan) -> Option<&str> {
    let used = || carried(plan).map(|n| &plan.hosts[n.host.index()]);
    let zone = used().next()?.zone?;
    let is_split = carried(plan).any(|n| n.host != carried(plan).next().map_or(n.host, |first| first.host));
    (is_split && used().all(|h| h.zone == Some(zone))).then(|| plan.zones[zone.index()].name.as_str())
}
