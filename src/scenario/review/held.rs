//! How long a request holds what it needs, at least: without waiting, by the nearest way.

use super::graph;
use crate::base::dist::Dist;
use crate::base::ids::{ClassId, DatabaseId, NodeId};
use crate::scenario::plan::{App, Kind, Node, Plan, READ, Target, Tls, WRITE, Web, Work};

/// By node, then by class.
#[derive(Clone, Debug)]
pub struct Held {
    /// From the call to the answer, in seconds.
    answers: Vec<Vec<f64>>,
    /// How much time of its scarcest resource a request takes, as a share of all there is: of the node's workers, of its host's cores,
    /// and of the one upstream behind it. The inverse of what the node can carry; 0 where there is no limit.
    scarcest: Vec<Vec<f64>>,
}

impl Held {
    pub fn of(plan: &Plan) -> Held {
        let nothing = || plan.nodes.iter().map(|n| vec![0.0; n.work.len()]).collect();
        let mut held = Held {
            answers: nothing(),
            scarcest: nothing(),
        };
        let mut cpu: Vec<Vec<f64>> = nothing();
        // Who is called comes before who calls.
        for id in graph::in_order(plan).into_iter().rev() {
            let node = plan.node(id);
            for (class, work) in node.work.iter().enumerate() {
                held.answers[id.index()][class] = own_s(plan, node, work) + held.behind_s(plan, id, class);
                let host = &plan.hosts[node.host.index()];
                let mut here = cpu_s(node, work) / host.speed;
                let mut most = match node.workers {
                    Some(workers) => held.worker_s(plan, id, class) / f64::from(workers),
                    None => 0.0,
                };
                if let Some((next, share)) = only_next(node, class) {
                    most = most.max(share * held.scarcest[next.index()][class]);
                    if plan.node(next).host == node.host {
                        here += share * cpu[next.index()][class];
                    }
                }
                cpu[id.index()][class] = here;
                held.scarcest[id.index()][class] = host.cores.map_or(most, |cores| most.max(here / f64::from(cores)));
            }
        }
        held
    }

    /// How long a worker is held: for the node's own work, and by an application until it answers.
    pub fn worker_s(&self, plan: &Plan, id: NodeId, class: usize) -> f64 {
        let node = plan.node(id);
        match &node.kind {
            Kind::App(_) => self.answers[id.index()][class],
            _ => own_s(plan, node, &node.work[class]),
        }
    }

    /// From a call to its answer, over the network and back.
    pub fn call_s(&self, plan: &Plan, from: NodeId, to: NodeId, class: usize) -> f64 {
        let answers = self.answers[to.index()].get(class);
        trip_s(plan, plan.node(from), plan.node(to)) + answers.copied().unwrap_or(0.0)
    }

    /// What part of all that a server can do a request of this class takes, given at most so many at once; 0 = there is no limit.
    pub fn taken(&self, plan: &Plan, from: NodeId, to: NodeId, class: usize, most: Option<u32>) -> f64 {
        let by_slots = most.map_or(0.0, |most| self.call_s(plan, from, to, class) / f64::from(most));
        by_slots.max(self.scarcest[to.index()][class])
    }

    /// How long a node waits for what it asks.
    fn behind_s(&self, plan: &Plan, id: NodeId, class: usize) -> f64 {
        let one_of = |nodes: Vec<NodeId>| {
            let calls = nodes.into_iter().map(|n| self.call_s(plan, id, n, class));
            calls.min_by(|a, b| a.total_cmp(b)).unwrap_or(0.0)
        };
        let one_for = |target: &Target| one_of(plan.members(*target));
        let node = plan.node(id);
        match &node.kind {
            Kind::App(app) => {
                queries_s(plan, node, app, ClassId::new(class)) + app.calls.iter().map(one_for).sum::<f64>()
            }
            Kind::Firewall(firewall) => one_for(&firewall.to),
            Kind::LoadBalancer(balancer) => one_of(balancer.servers.iter().map(|s| s.node).collect()),
            Kind::Web(web) => proxied(web, class) * one_of(web.upstreams.iter().map(|u| u.node).collect()),
            Kind::Dns(_) | Kind::Member(_) => 0.0,
        }
    }
}

/// The share of a class that a web server passes on.
pub fn proxied(web: &Web, class: usize) -> f64 {
    match web.serves[class] {
        true => 0.0,
        false => 1.0 - web.cache.map_or(0.0, |c| c.hit),
    }
}

/// The one node that a web server passes requests to, and how many of them.
fn only_next(node: &Node, class: usize) -> Option<(NodeId, f64)> {
    match &node.kind {
        Kind::Web(web) => match web.upstreams.as_slice() {
            [one] => Some((one.node, proxied(web, class))),
            _ => None,
        },
        _ => None,
    }
}

pub fn mean_s(dist: &Dist) -> f64 {
    dist.mean_s().unwrap_or(0.0)
}

/// CPU of a request at a node, its TLS handshake included.
pub fn cpu_s(node: &Node, work: &Work) -> f64 {
    let tls = match &node.kind {
        Kind::LoadBalancer(balancer) => balancer.tls.as_ref(),
        Kind::Web(web) => web.tls.as_ref(),
        _ => None,
    };
    let of = |t: &Tls| t.resumption * mean_s(&t.resumed) + (1.0 - t.resumption) * mean_s(&t.handshake);
    mean_s(&work.cpu) + tls.map_or(0.0, of)
}

fn own_s(plan: &Plan, node: &Node, work: &Work) -> f64 {
    cpu_s(node, work) / plan.hosts[node.host.index()].speed + mean_s(&work.io)
}

/// How long an application has a connection to its database for a request.
pub fn queries_s(plan: &Plan, node: &Node, app: &App, class: ClassId) -> f64 {
    let Some(database) = app.database else { return 0.0 };
    let queries = app.queries(class);
    let query = |op| query_s(plan, node, database, op);
    f64::from(queries.read) * query(READ) + f64::from(queries.write) * query(WRITE)
}

/// How long a query takes at least, to the nearest member and back.
fn query_s(plan: &Plan, from: &Node, database: DatabaseId, op: usize) -> f64 {
    let members = plan.databases[database.index()].members.iter().map(|m| plan.node(*m));
    let takes = members.map(|m| trip_s(plan, from, m) + m.work.get(op).map_or(0.0, |w| own_s(plan, m, w)));
    takes.min_by(|a, b| a.total_cmp(b)).unwrap_or(0.0)
}

/// There and back.
fn trip_s(plan: &Plan, from: &Node, to: &Node) -> f64 {
    let way = |a, b| plan.network.latency(a, b).seconds();
    way(from.host, to.host) + way(to.host, from.host)
}
