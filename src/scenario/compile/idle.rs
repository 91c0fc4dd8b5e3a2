//! Warns of keys that have no effect in this scenario, and names what each would need.

use super::Context;
use crate::scenario::raw::app::App;
use crate::scenario::raw::balancer::{Algorithm, LoadBalancer};
use crate::scenario::raw::failure::Fault;
use crate::scenario::raw::node::Node;
use crate::scenario::read::tree::Path;

/// Warns of all of them.
pub fn warn(cx: &mut Context) {
    let raw = cx.raw;
    let mut found = classes_and_clients(cx);
    for (name, node) in raw.nodes.iter().filter(|(name, node)| !is_changed(cx, name, node)) {
        found.extend(
            of_node(node)
                .into_iter()
                .map(|(keys, needs)| (at(&["nodes", name], keys), needs)),
        );
    }
    // A host that only has a cost is counted by `capacity --replicas`.
    for (name, _) in raw.hosts.iter().filter(|(_, host)| host.cost.is_none()) {
        if !raw.nodes.iter().any(|(_, node)| stands_on(node, name)) {
            found.push((at(&["hosts", name], ""), "no node runs on it"));
        }
    }
    for (path, needs) in found {
        if cx.tree.find(&path).is_some() {
            cx.warn(format!("{path} has no effect: {needs}"));
        }
    }
}

/// Dotted keys of a node that have no effect if present, and the reason.
type Idle = Vec<(&'static str, &'static str)>;

fn at(steps: &[&str], below: &str) -> Path {
    let below = below.split('.').filter(|step| !step.is_empty());
    steps
        .iter()
        .copied()
        .chain(below)
        .fold(Path::default(), |path, step| path.key(step))
}

/// Whether a fault changes a setting of the node or of one of its members; a key without effect now may then have one
/// later.
fn is_changed(cx: &Context, name: &str, node: &Node) -> bool {
    let is_member =
        |target: &str| matches!(node, Node::Database(d) if d.members.names().any(|member| member == target));
    let sets = |f: &Fault| f.set.is_some() && f.target.as_deref().is_some_and(|t| t == name || is_member(t));
    cx.raw.faults.iter().any(sets)
}

fn classes_and_clients(cx: &Context) -> Vec<(Path, &'static str)> {
    let raw = cx.raw;
    let balancers = || {
        raw.nodes.iter().filter_map(|(_, node)| match node {
            Node::LoadBalancer(balancer) => Some(balancer),
            _ => None,
        })
    };
    let hashes = balancers().any(|b| matches!(b.algorithm, Algorithm::Uri | Algorithm::Hdr));
    let has_bandwidth = raw.network.bandwidth.is_some() || raw.network.links.iter().any(|l| l.bandwidth.is_some());
    let mut found = Vec::new();
    for class in raw.requests.names() {
        let mut unless = |is_used: bool, key: &str, needs| {
            if !is_used {
                found.push((at(&["requests", class], key), needs));
            }
        };
        unless(hashes, "keys", "no balancer hashes them (`algorithm` `uri` or `hdr`)");
        unless(
            has_bandwidth,
            "bytes",
            "neither the network nor a link has a `bandwidth`",
        );
        unless(
            balancers().next().is_some(),
            "priority",
            "only a load balancer's queue goes by it",
        );
        unless(
            balancers().next().is_some(),
            "priority_offset",
            "only a load balancer's queue goes by it",
        );
    }
    let names = |node: &String| {
        raw.nodes
            .iter()
            .any(|(name, n)| name == node && matches!(n, Node::Dns(_)))
    };
    for (name, _) in raw.clients.iter().filter(|(_, c)| !c.entry.0.nodes.iter().any(names)) {
        found.push((at(&["clients", name], "min_ttl"), "its `entry` is no resolver"));
    }
    found
}

fn of_node(node: &Node) -> Idle {
    let mut found = match node {
        Node::App(app) => of_app(app),
        Node::LoadBalancer(balancer) => of_balancer(balancer),
        _ => Idle::new(),
    };
    let workers = match node {
        Node::Database(database) => database.workers,
        _ => node.serving().and_then(|s| s.workers),
    };
    if workers.is_none() {
        found.push(("queue", "without `workers` nobody waits for one"));
    }
    found
}

fn of_app(app: &App) -> Idle {
    let asks_nobody = app.database.is_none() && app.calls.is_empty();
    let mut found = Idle::new();
    if app.database.is_none() {
        found.push(("avoid", "there is no `database`"));
    }
    for key in ["timeouts", "retry", "breaker"] {
        if asks_nobody {
            found.push((key, "there is neither a `database` nor `calls`"));
        }
    }
    found
}

fn of_balancer(balancer: &LoadBalancer) -> Idle {
    let servers = || balancer.servers.iter().map(|s| &s.0);
    let all = [
        (servers().any(|s| s.backup), "allbackups", "no server is a `backup`"),
        (
            balancer.maxconn.is_some(),
            "backlog",
            "without `maxconn` nobody waits outside",
        ),
        (
            balancer.observe.is_some(),
            "error_limit",
            "without `observe` no errors are counted",
        ),
    ];
    let idle = all.into_iter().filter(|(is_used, ..)| !is_used);
    idle.map(|(_, key, needs)| (key, needs)).collect()
}

fn stands_on(node: &Node, host: &str) -> bool {
    match node {
        Node::Database(database) => database.members.iter().any(|(_, m)| m.host.as_deref() == Some(host)),
        _ => node.serving().is_some_and(|s| s.host == Some(host)),
    }
}
