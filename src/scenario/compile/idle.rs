//! Warns of keys that have no effect in this scenario, and names what each would need.

use super::Context;
use crate::scenario::raw::Scenario;
use crate::scenario::raw::app::App;
use crate::scenario::raw::balancer::{Algorithm, LoadBalancer};
use crate::scenario::raw::failure::Fault;
use crate::scenario::raw::node::Node;
use crate::scenario::raw::traffic::Client;
use crate::scenario::read::tree::Path;

/// A key, whether it can have an effect, and what it needs for one.
type Key = (&'static str, bool, &'static str);

/// Warns of all of them.
pub fn warn(cx: &mut Context) {
    let raw = cx.raw;
    let of_classes = raw.requests.names().map(|class| (at("requests", class), of_class(raw)));
    let of_clients = raw
        .clients
        .iter()
        .map(|(name, client)| (at("clients", name), of_client(raw, client)));
    let unchanged = raw.nodes.iter().filter(|(name, node)| !is_changed(raw, name, node));
    let of_nodes = unchanged.map(|(name, node)| (at("nodes", name), of_node(node)));
    let mut idle = Vec::new();
    for (path, keys) in of_classes.chain(of_clients).chain(of_nodes) {
        let unused = keys.into_iter().filter(|(_, is_used, _)| !is_used);
        idle.extend(unused.map(|(key, _, needs)| (path.key(key), needs)));
    }
    // A host that only has a cost is counted by `capacity --replicas`.
    for (name, _) in raw.hosts.iter().filter(|(_, host)| host.cost.is_none()) {
        if !raw.nodes.iter().any(|(_, node)| stands_on(node, name)) {
            idle.push((at("hosts", name), "no node runs on it"));
        }
    }
    for (path, needs) in idle {
        if cx.tree.find(&path).is_some() {
            cx.warn(format!("{path} has no effect: {needs}"));
        }
    }
}

fn at(section: &str, name: &str) -> Path {
    Path::to(section).key(name)
}

/// Whether a fault changes a setting of the node or of one of its members; a key without effect now may then have one
/// later.
fn is_changed(raw: &Scenario, name: &str, node: &Node) -> bool {
    let is_member =
        |target: &str| matches!(node, Node::Database(d) if d.members.names().any(|member| member == target));
    let sets = |f: &Fault| f.set.is_some() && f.target.as_deref().is_some_and(|t| t == name || is_member(t));
    raw.faults.iter().any(sets)
}

fn of_class(raw: &Scenario) -> Vec<Key> {
    let balancers = || {
        raw.nodes.iter().filter_map(|(_, node)| match node {
            Node::LoadBalancer(balancer) => Some(balancer),
            _ => None,
        })
    };
    let hashes = balancers().any(|b| matches!(b.algorithm, Algorithm::Uri | Algorithm::Hdr));
    let queues = balancers().next().is_some();
    let has_bandwidth = raw.network.bandwidth.is_some() || raw.network.links.iter().any(|l| l.bandwidth.is_some());
    vec![
        ("keys", hashes, "no balancer hashes them (`algorithm` `uri` or `hdr`)"),
        (
            "bytes",
            has_bandwidth,
            "neither the network nor a link has a `bandwidth`",
        ),
        ("priority", queues, "only a load balancer's queue goes by it"),
        ("priority_offset", queues, "only a load balancer's queue goes by it"),
    ]
}

fn of_client(raw: &Scenario, client: &Client) -> Vec<Key> {
    let is_resolver = |name: &String| {
        raw.nodes
            .iter()
            .any(|(n, node)| n == name && matches!(node, Node::Dns(_)))
    };
    let asks_names = client.entry.0.nodes.iter().any(is_resolver);
    vec![("min_ttl", asks_names, "its `entry` is no resolver")]
}

fn of_node(node: &Node) -> Vec<Key> {
    let mut keys = match node {
        Node::App(app) => of_app(app),
        Node::LoadBalancer(balancer) => of_balancer(balancer),
        _ => Vec::new(),
    };
    let workers = match node {
        Node::Database(database) => database.workers,
        _ => node.serving().and_then(|s| s.workers),
    };
    keys.push(("queue", workers.is_some(), "without `workers` nobody waits for one"));
    keys
}

fn of_app(app: &App) -> Vec<Key> {
    let asks = app.database.is_some() || !app.calls.is_empty();
    let nobody = "there is neither a `database` nor `calls`";
    vec![
        ("avoid", app.database.is_some(), "there is no `database`"),
        ("timeouts", asks, nobody),
        ("retry", asks, nobody),
        ("breaker", asks, nobody),
    ]
}

fn of_balancer(balancer: &LoadBalancer) -> Vec<Key> {
    let has_backup = balancer.servers.iter().any(|s| s.0.backup);
    vec![
        ("allbackups", has_backup, "no server is a `backup`"),
        (
            "backlog",
            balancer.maxconn.is_some(),
            "without `maxconn` nobody waits outside",
        ),
        (
            "error_limit",
            balancer.observe.is_some(),
            "without `observe` no errors are counted",
        ),
    ]
}

fn stands_on(node: &Node, host: &str) -> bool {
    match node {
        Node::Database(database) => database.members.iter().any(|(_, m)| m.host.as_deref() == Some(host)),
        _ => node.serving().is_some_and(|s| s.host == Some(host)),
    }
}
