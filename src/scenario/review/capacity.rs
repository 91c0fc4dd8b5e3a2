//! Whether the load fits: with everything up, and after one loss. Waiting and retries come on top, so the real load is
//! higher.

use std::collections::{BTreeMap, BTreeSet};

use super::demand::{Resource, Use, uses};
use super::words::{list, rate};
use super::{Desk, Finding, Severity};
use crate::base::ids::{DatabaseId, HostId, NodeId};
use crate::scenario::plan::{Kind, Node, Plan};

/// More work than capacity, with everything up.
pub fn overload(desk: &Desk<'_>) -> Vec<Finding> {
    let finding = |used: Use| {
        let message = format!("The load does not fit with everything up: {}.", used.says());
        let fix = format!("{}, or another one beside it", used.enough(desk.plan));
        Finding::new("capacity.overload", Severity::Critical, &used.component, message, fix)
    };
    let all = uses(desk.plan, &|_| false).into_iter();
    all.filter(Use::is_over).map(finding).collect()
}

/// The loss of one of several overloads the rest. For each role only the worst case is reported.
pub fn one_lost(desk: &Desk<'_>) -> Vec<Finding> {
    let plan = desk.plan;
    let fits: Vec<Use> = uses(plan, &|_| false).into_iter().filter(|u| !u.is_over()).collect();
    let mut worst: BTreeMap<(u64, Resource), (String, Use)> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    // The loss of a host with one node is that of the node, and is reported under the host's name.
    for (name, nodes) in losses(plan).into_iter().filter(|(_, nodes)| seen.insert(nodes.clone())) {
        for used in uses(plan, &|n| nodes.contains(&n)) {
            let is_new = used.is_over()
                && fits
                    .iter()
                    .any(|u| u.what == used.what && u.component == used.component);
            let known = worst.get(&(used.role, used.what)).map_or(0.0, |(_, u)| u.ratio());
            if is_new && used.ratio() > known * (1.0 + 1e-9) {
                worst.insert((used.role, used.what), (name.clone(), used));
            }
        }
    }
    let finding = |(lost, used): (String, Use)| {
        let message = format!(
            "One lost is too many: without it {} has {}, and {}.",
            used.component,
            used.says(),
            match used.what {
                Resource::Limit => "turns the rest away",
                _ => "a queue that only grows",
            }
        );
        let fix = format!(
            "{} and as much for its siblings, or one more of them",
            used.enough(plan)
        );
        Finding::new("capacity.one-lost", Severity::Critical, &lost, message, fix)
    };
    worst.into_values().map(finding).collect()
}

/// Losses whose load goes to siblings: named hosts with everything on them, and single nodes.
fn losses(plan: &Plan) -> Vec<(String, Vec<NodeId>)> {
    let has_sibling = |id: &NodeId| {
        let node = plan.node(*id);
        plan.nodes.iter().filter(|n| n.draws == node.draws).count() > 1
    };
    let hosts = plan.hosts.iter().enumerate().filter(|(_, h)| h.named);
    let mut losses: Vec<(String, Vec<NodeId>)> = hosts
        .map(|(i, h)| (h.name.clone(), plan.nodes_on(HostId::new(i)).collect::<Vec<_>>()))
        .filter(|(_, nodes)| nodes.iter().any(&has_sibling))
        .collect();
    let nodes = (0..plan.nodes.len()).map(NodeId::new).filter(has_sibling);
    losses.extend(nodes.map(|n| (plan.node(n).name.clone(), vec![n])));
    losses
}

/// Applications may open more connections than the database accepts; it refuses further ones.
pub fn pool(desk: &Desk<'_>) -> Vec<Finding> {
    let plan = desk.plan;
    let finding = |(i, database): (usize, &crate::scenario::plan::Database)| {
        let id = DatabaseId::new(i);
        let callers: Vec<(&str, Option<u32>)> = plan.nodes.iter().filter_map(|n| connections(n, id)).collect();
        let most = database.members.iter().filter_map(|m| match &plan.node(*m).kind {
            Kind::Member(member) => Some(member.max_connections),
            _ => None,
        });
        let most = most.min()?;
        let all: Option<u64> = callers.iter().map(|(_, n)| n.map(u64::from)).sum();
        if callers.is_empty() || all.is_some_and(|all| all <= u64::from(most)) {
            return None;
        }
        let names = list(callers.iter().map(|(name, _)| *name));
        let opened = all.map_or("connections without limit".to_owned(), |n| format!("{n} connections"));
        let message = format!(
            "{names} may open {opened} to one member, which takes {most} and refuses the rest ({} arrive on a good day).",
            rate(
                database.members.iter().map(|m| desk.traffic.of_node(*m)).sum(),
                "queries"
            )
        );
        let share = (most as usize / callers.len()).max(1);
        let fix = format!(
            "nodes.{}.pool={share} and likewise for the others, or a larger nodes.{}.max_connections",
            callers[0].0, database.name
        );
        Some(Finding::warning("capacity.pool", &database.name, message, fix))
    };
    plan.databases.iter().enumerate().filter_map(finding).collect()
}

/// An application of this database, and the maximum number of connections it may open; `None` = unlimited.
fn connections(node: &Node, database: DatabaseId) -> Option<(&str, Option<u32>)> {
    match &node.kind {
        Kind::App(app) if app.database == Some(database) => {
            let most = match (app.pool, node.workers) {
                (Some(pool), Some(workers)) => Some(pool.min(workers)),
                (pool, workers) => pool.or(workers),
            };
            Some((&node.name, most))
        }
        _ => None,
    }
}
