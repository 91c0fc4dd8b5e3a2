//! The call graph: the paths that requests can take, whatever is down.

use crate::base::ids::NodeId;
use crate::scenario::plan::{Entry, Plan, Source, Target};

/// The first nodes that a source's requests reach after name resolution: what is open to the public.
pub fn doors(plan: &Plan, source: &Source) -> Vec<NodeId> {
    let named: Vec<Target> = match &source.entry {
        Entry::Node(target) => vec![*target],
        Entry::Resolvers(list) => list.iter().flat_map(|r| plan.addresses(*r)).collect(),
    };
    unique(named.into_iter().flat_map(|t| plan.members(t)))
}

/// Every node that requests can reach, callers before callees. A scenario has no cycles.
pub fn in_order(plan: &Plan) -> Vec<NodeId> {
    let mut seen = vec![false; plan.nodes.len()];
    let mut order = Vec::new();
    // In reverse, since the order is reversed at the end: siblings come out in the scenario's order.
    let all: Vec<NodeId> = plan.sources.iter().flat_map(|s| doors(plan, s)).collect();
    for door in all.into_iter().rev() {
        visit(plan, door, &mut seen, &mut order);
    }
    order.reverse();
    order
}

fn visit(plan: &Plan, node: NodeId, seen: &mut [bool], order: &mut Vec<NodeId>) {
    if std::mem::replace(&mut seen[node.index()], true) {
        return;
    }
    for asked in plan.asks(node).into_iter().rev() {
        visit(plan, asked, seen, order);
    }
    order.push(node);
}

/// Without duplicates, in order of first occurrence.
pub fn unique(nodes: impl IntoIterator<Item = NodeId>) -> Vec<NodeId> {
    let mut kept: Vec<NodeId> = Vec::new();
    for node in nodes {
        if !kept.contains(&node) {
            kept.push(node);
        }
    }
    kept
}
