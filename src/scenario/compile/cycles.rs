//! The graph of calls between nodes: no cycles, and a warning for nodes that nobody calls.
//!
//! Its vertices are names rather than numbers, since virtual IPs and databases are vertices too.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use crate::scenario::raw::node::Node;
use crate::scenario::read::tree::Path;

/// The names that a node calls.
pub fn calls(node: &Node) -> Vec<&str> {
    match node {
        Node::Dns(dns) => dns.answers.iter().map(String::as_str).collect(),
        Node::Firewall(firewall) => vec![&firewall.to],
        Node::VirtualIp(vip) => vip.members.iter().map(String::as_str).collect(),
        Node::LoadBalancer(balancer) => balancer.servers.iter().map(|s| s.0.node.as_str()).collect(),
        Node::Web(web) => web.upstreams.iter().map(|u| u.0.node.as_str()).collect(),
        Node::App(app) => app.calls.iter().chain(&app.database).map(String::as_str).collect(),
        Node::Database(_) => Vec::new(),
    }
}

/// Reports every cycle once, and warns of nodes that no client reaches.
pub fn check(cx: &mut Context) {
    let raw = cx.raw;
    let graph: BTreeMap<&str, Vec<&str>> = raw.nodes.iter().map(|(name, node)| (name, calls(node))).collect();
    let mut done = BTreeSet::new();
    for name in raw.nodes.names() {
        if let Some(cycle) = walk(&graph, name, &mut done) {
            let members = cycle.join(" -> ");
            let hint = "a request would go round for ever";
            cx.hint(
                &Path::to("nodes").key(cycle[0]),
                format!("the nodes {members} form a cycle"),
                hint,
            );
        }
    }
    unreached(cx, &graph);
}

/// Depth-first search from one node, without recursion since chains may be long. It returns the first cycle met, with
/// its first member repeated at the end.
fn walk<'a>(
    graph: &BTreeMap<&'a str, Vec<&'a str>>,
    start: &'a str,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<&'a str>> {
    let mut trail: Vec<(&str, usize)> = vec![(start, 0)];
    let mut on_trail = BTreeSet::from([start]);
    let mut found = None;
    while let Some((name, next)) = trail.last_mut() {
        let name = *name;
        let callee = graph
            .get(name)
            .filter(|_| !done.contains(name))
            .and_then(|callees| callees.get(*next))
            .copied();
        *next += 1;
        match callee {
            None => {
                done.insert(name);
                on_trail.remove(name);
                trail.pop();
            }
            Some(callee) if on_trail.contains(callee) => {
                let from = trail.iter().position(|(n, _)| *n == callee).unwrap_or(0);
                let cycle = trail[from..].iter().map(|(n, _)| *n).chain([callee]).collect();
                found.get_or_insert(cycle);
            }
            Some(callee) if !done.contains(callee) => {
                trail.push((callee, 0));
                on_trail.insert(callee);
            }
            Some(_) => {}
        }
    }
    found
}

fn unreached(cx: &mut Context, graph: &BTreeMap<&str, Vec<&str>>) {
    let raw = cx.raw;
    let mut open: Vec<&str> = raw
        .clients
        .iter()
        .flat_map(|(_, c)| c.entry.0.nodes.iter().map(String::as_str))
        .collect();
    // A fault may point a resolver elsewhere.
    let sets = raw
        .faults
        .iter()
        .filter_map(|f| f.set.as_ref())
        .flat_map(|set| set.iter());
    let answers = sets
        .filter(|(key, _)| *key == "answers")
        .filter_map(|(_, names)| names.as_array());
    open.extend(answers.flatten().filter_map(|name| name.as_str()));
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(graph.get(name).into_iter().flatten());
        }
    }
    for name in raw.nodes.names().filter(|name| !reached.contains(name)) {
        cx.warn(format!("no client's requests can reach \"{name}\""));
    }
}
