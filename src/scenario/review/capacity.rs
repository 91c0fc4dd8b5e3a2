//! Whether the load fits: with everything up, and on what is left when one is lost. By the utilisation law: busy share =
//! arrival rate × mean demand / capacity. Waiting, retries and calls of other nodes come on top, so the truth is worse.

use std::collections::BTreeMap;

use super::traffic::Traffic;
use super::words::{list, number, percent, plural, rate};
use super::{Desk, Finding, Severity};
use crate::base::dist::Dist;
use crate::base::ids::{DatabaseId, HostId, NodeId};
use crate::scenario::plan::{Kind, Node, Plan, READ, WRITE, Work};

/// How busy one resource is.
#[derive(Clone, Debug)]
struct Use {
    /// A host for its cores, a node for its workers.
    component: String,
    /// `cores` or `workers`.
    what: &'static str,
    /// How many there are.
    count: u32,
    /// Busy ones; more than `count` means that the load does not fit.
    busy: f64,
    /// Resources of one kind in one role bear the same number.
    role: u64,
}

impl Use {
    fn ratio(&self) -> f64 {
        self.busy / f64::from(self.count)
    }

    fn is_over(&self) -> bool {
        self.ratio() > 1.0
    }

    /// The key that says how many there are, and a number that would do for three quarters of busyness.
    fn enough(&self, plan: &Plan) -> String {
        let needed = (self.busy / 0.75).ceil();
        match self.what {
            "cores" => format!("hosts.{}.cores={needed}", self.component),
            _ => {
                let member = plan.nodes.iter().find(|n| n.name == self.component);
                let database = member.and_then(|n| match &n.kind {
                    Kind::Member(m) => Some(&plan.databases[m.database.index()].name),
                    _ => None,
                });
                format!("nodes.{}.workers={needed}", database.unwrap_or(&self.component))
            }
        }
    }
}

/// The resource that is used up first as the load grows: its component, `cores` or `workers`, and how busy it is now.
pub fn bottleneck(plan: &Plan, is_lost: &dyn Fn(NodeId) -> bool) -> Option<(String, &'static str, f64)> {
    let uses = uses(plan, &Traffic::of(plan, is_lost));
    let busiest = uses.into_iter().max_by(|a, b| a.ratio().total_cmp(&b.ratio()))?;
    let ratio = busiest.ratio();
    (ratio > 0.0).then_some((busiest.component, busiest.what, ratio))
}

fn mean_s(dist: &Dist) -> f64 {
    dist.mean_s().unwrap_or(0.0)
}

fn uses(plan: &Plan, traffic: &Traffic) -> Vec<Use> {
    let hosts = plan.hosts.iter().enumerate().filter_map(|(i, host)| {
        let host_id = HostId::new(i);
        let demand = |n: NodeId| sum(plan, traffic, n, |w| mean_s(&w.cpu));
        Some(Use {
            component: host.name.clone(),
            what: "cores",
            count: host.cores?,
            busy: plan.nodes_on(host_id).map(demand).sum::<f64>() / host.speed,
            role: plan.nodes_on(host_id).map(|n| plan.node(n).draws).min()?,
        })
    });
    let nodes = plan.nodes.iter().enumerate().filter_map(|(i, node)| {
        Some(Use {
            component: node.name.clone(),
            what: "workers",
            count: node.workers?,
            busy: busy_workers(plan, traffic, NodeId::new(i)),
            role: node.draws,
        })
    });
    hosts.chain(nodes).collect()
}

/// Rate × demand over the classes of a node.
fn sum(plan: &Plan, traffic: &Traffic, node: NodeId, demand: impl Fn(&Work) -> f64) -> f64 {
    let rates = traffic.rates[node.index()].iter();
    rates
        .zip(&plan.node(node).work)
        .map(|(rate, work)| rate * demand(work))
        .sum()
}

/// A worker is held for the node's own work, and by an application for its queries too.
fn busy_workers(plan: &Plan, traffic: &Traffic, id: NodeId) -> f64 {
    let node = plan.node(id);
    let own = sum(plan, traffic, id, |w| held_s(plan, node, w));
    let Kind::App(app) = &node.kind else { return own };
    let Some(database) = app.database else { return own };
    let [read, write] = query_s(plan, database);
    let queries = traffic.rates[id.index()].iter().enumerate().map(|(class, rate)| {
        let asked = app.queries(crate::base::ids::ClassId::new(class));
        rate * (f64::from(asked.read) * read + f64::from(asked.write) * write)
    });
    own + queries.sum::<f64>()
}

fn held_s(plan: &Plan, node: &Node, work: &Work) -> f64 {
    mean_s(&work.cpu) / plan.hosts[node.host.index()].speed + mean_s(&work.io)
}

/// How long a read and a write take at least.
fn query_s(plan: &Plan, database: DatabaseId) -> [f64; 2] {
    let database = &plan.databases[database.index()];
    let member = plan.node(database.members[database.primary]);
    [READ, WRITE].map(|op| member.work.get(op).map_or(0.0, |w| held_s(plan, member, w)))
}

/// More work than there is capacity, on a good day.
pub fn overload(desk: &Desk<'_>) -> Vec<Finding> {
    let finding = |used: Use| {
        let message = format!(
            "The load does not fit with everything up: {} of work on {} ({}).",
            number(used.busy),
            plural(used.count as usize, used.what.trim_end_matches('s')),
            percent(used.ratio())
        );
        let fix = format!("{}, or another one beside it", used.enough(desk.plan));
        Finding::new("capacity.overload", Severity::Critical, &used.component, message, fix)
    };
    let all = uses(desk.plan, &desk.traffic).into_iter();
    all.filter(Use::is_over).map(finding).collect()
}

/// The loss of one of several pushes the rest over the edge. Of each role the worst case is told.
pub fn one_lost(desk: &Desk<'_>) -> Vec<Finding> {
    let plan = desk.plan;
    let fits: Vec<String> = uses(plan, &desk.traffic)
        .into_iter()
        .filter(|u| !u.is_over())
        .map(|u| u.component + u.what)
        .collect();
    let mut worst: BTreeMap<(u64, &str), (String, Use)> = BTreeMap::new();
    for (name, nodes) in losses(plan) {
        let traffic = Traffic::of(plan, &|n| nodes.contains(&n));
        for used in uses(plan, &traffic) {
            let is_new = used.is_over() && fits.contains(&(used.component.clone() + used.what));
            let known = worst.get(&(used.role, used.what)).map_or(0.0, |(_, u)| u.ratio());
            if is_new && used.ratio() > known * (1.0 + 1e-9) {
                worst.insert((used.role, used.what), (name.clone(), used));
            }
        }
    }
    let finding = |(lost, used): (String, Use)| {
        let message = format!(
            "One lost is too many: without it {} has {} of work for {} ({}), and a queue that only grows.",
            used.component,
            number(used.busy),
            plural(used.count as usize, used.what.trim_end_matches('s')),
            percent(used.ratio())
        );
        let fix = format!(
            "{} and as much for its siblings, or one more of them",
            used.enough(plan)
        );
        Finding::new("capacity.one-lost", Severity::Critical, &lost, message, fix)
    };
    worst.into_values().map(finding).collect()
}

/// What has a sibling to take its load: hosts by name with all that is on them, and nodes by themselves.
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

/// More connections that applications may open than the database takes: beyond it, it refuses.
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
        Some(Finding::new(
            "capacity.pool",
            Severity::Warning,
            &database.name,
            message,
            fix,
        ))
    };
    plan.databases.iter().enumerate().filter_map(finding).collect()
}

/// An application of this database, and how many connections it may open at once; `None` = as many as it likes.
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
