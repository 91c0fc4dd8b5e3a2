//! How long a request holds each resource, without waiting. Where requests are shared by weight this is the mean; where
//! they go to free servers it is the minimum over the servers.

use std::collections::BTreeMap;

use super::graph;
use super::ways::{Server, Ways};
use crate::base::dist::Dist;
use crate::base::ids::{ClassId, DatabaseId, HostId, NodeId};
use crate::scenario::plan::{App, Kind, Node, Plan, READ, Target, Tls, WRITE, Web, Work};

/// Holding times by node, then by class.
#[derive(Clone, Debug)]
pub struct Held {
    /// Seconds from the call to the answer.
    answers: Vec<Vec<f64>>,
    /// Seconds for which an application holds a connection to its database.
    queries: Vec<Vec<f64>>,
    /// The host with the scarcer cores and the CPU seconds on it: the node's own, or that of its only upstream. If both
    /// share a host, the sum.
    cpu: Vec<Vec<(HostId, f64)>>,
    /// The share of a second's capacity that a request takes, apart from those cores: of the node's workers, or of its
    /// only upstream. The inverse of a rate; 0 where there is no limit.
    taken: Vec<Vec<f64>>,
    /// By node: how long a semi-sync primary holds a worker while it waits for an acknowledgement.
    acknowledged: Vec<f64>,
    /// Whether anything is slower than its callers' time-out. Times are then lower bounds, not means.
    pub cut: bool,
}

impl Held {
    pub fn of(ways: Ways<'_>) -> Held {
        let plan = ways.plan;
        let nothing = || plan.nodes.iter().map(|n| vec![0.0; n.work.len()]).collect();
        let mut held = Held {
            answers: nothing(),
            queries: nothing(),
            cpu: plan.nodes.iter().map(|n| vec![(n.host, 0.0); n.work.len()]).collect(),
            taken: nothing(),
            acknowledged: vec![0.0; plan.nodes.len()],
            cut: false,
        };
        for database in (0..plan.databases.len()).map(DatabaseId::new) {
            if let Some(primary) = ways.primary(database) {
                held.acknowledged[primary.index()] = acknowledged_s(ways, database, primary);
            }
        }
        // Callees come before callers.
        for id in graph::in_order(plan).into_iter().rev() {
            let node = plan.node(id);
            for (class, work) in node.work.iter().enumerate() {
                if let Kind::App(app) = &node.kind {
                    let (queries_s, cut) = held.queries_s(ways, node, app, ClassId::new(class));
                    held.queries[id.index()][class] = queries_s;
                    held.cut |= cut;
                }
                let (behind_s, cut) = held.behind_s(ways, id, class);
                held.answers[id.index()][class] = own_s(plan, node, work) + behind_s;
                held.cut |= cut;
                let mut cpu = (node.host, cpu_s(node, work) / plan.hosts[node.host.index()].speed);
                let mut taken = match node.workers {
                    Some(workers) => held.worker_s(plan, id, class) / f64::from(workers),
                    None => 0.0,
                };
                if let Some((next, share)) = only_next(node, class) {
                    let (there, its_cpu) = held.cpu[next.index()][class];
                    let behind = (there, share * its_cpu);
                    taken = taken.max(share * held.taken[next.index()][class]);
                    if there == node.host {
                        cpu.1 += behind.1;
                    } else {
                        // The scarcer cores may be shared by several servers; the others limit only this one.
                        let part = |(host, cpu): (HostId, f64)| cpu / cores(plan, host);
                        let (less, more) = if part(cpu) < part(behind) {
                            (cpu, behind)
                        } else {
                            (behind, cpu)
                        };
                        taken = taken.max(part(less));
                        cpu = more;
                    }
                }
                held.cpu[id.index()][class] = cpu;
                held.taken[id.index()][class] = taken;
            }
        }
        held
    }

    /// How long a worker is held: for the node's own work, and in an application until it answers.
    pub fn worker_s(&self, plan: &Plan, id: NodeId, class: usize) -> f64 {
        let node = plan.node(id);
        match &node.kind {
            Kind::App(_) => self.answers[id.index()][class],
            Kind::Member(_) if class == WRITE => own_s(plan, node, &node.work[class]) + self.acknowledged[id.index()],
            _ => own_s(plan, node, &node.work[class]),
        }
    }

    /// Seconds from a call to its answer, including the network in both directions.
    pub fn call_s(&self, plan: &Plan, from: NodeId, to: NodeId, class: usize) -> f64 {
        let answers = self.answers[to.index()].get(class);
        trip_s(plan, plan.node(from), plan.node(to)) + answers.copied().unwrap_or(0.0)
    }

    /// How long a request of an application holds a connection to its database.
    pub fn pooled_s(&self, id: NodeId, class: usize) -> f64 {
        self.queries[id.index()][class]
    }

    /// Requests of this class per second that each of these servers can carry when all are saturated. Servers on one
    /// host share its cores; those that need least of them come first. `None` if any has no limit.
    pub fn able(&self, plan: &Plan, from: NodeId, servers: &[Server], class: usize) -> Option<Vec<f64>> {
        let host = |i: &usize| self.cpu[servers[*i].node.index()][class].0;
        let cpu = |i: &usize| self.cpu[servers[*i].node.index()][class].1;
        let limit = |i: &usize| {
            let server = &servers[*i];
            let slots = |most: u32| self.call_s(plan, from, server.node, class) / f64::from(most);
            1.0 / (server.most.map_or(0.0, slots)).max(self.taken[server.node.index()][class])
        };
        let mut order: Vec<usize> = (0..servers.len()).collect();
        order.sort_by(|a, b| cpu(a).total_cmp(&cpu(b)).then(host(a).cmp(&host(b))));
        let mut left: BTreeMap<HostId, f64> = BTreeMap::new();
        let mut able = vec![0.0; servers.len()];
        for alike in order.chunk_by(|a, b| cpu(a) == cpu(b) && host(a) == host(b)) {
            let (host, cpu) = (host(&alike[0]), cpu(&alike[0]));
            let room = left.entry(host).or_insert(cores(plan, host));
            // Rounding may have taken slightly more than there was.
            let most = if cpu > 0.0 { room.max(0.0) / cpu } else { f64::INFINITY };
            let alone: Vec<f64> = alike.iter().map(|i| limit(i).min(most)).collect();
            let all: f64 = alone.iter().sum();
            let part = if all > most { most / all } else { 1.0 };
            for (i, alone) in alike.iter().zip(&alone) {
                able[*i] = alone * part;
            }
            *room -= all * part * cpu;
        }
        let is_limited = able.iter().all(|a| a.is_finite()) && able.iter().sum::<f64>() > 0.0;
        is_limited.then_some(able)
    }

    /// How long a node waits for its calls, and whether any call is slower than its time-out.
    fn behind_s(&self, ways: Ways<'_>, id: NodeId, class: usize) -> (f64, bool) {
        let call_s = |to: NodeId| self.call_s(ways.plan, id, to, class);
        let one_for = |target: &Target| ways.holder(*target).map_or(0.0, call_s);
        match &ways.plan.node(id).kind {
            Kind::App(app) => (
                self.pooled_s(id, class) + app.calls.iter().map(one_for).sum::<f64>(),
                false,
            ),
            Kind::Firewall(firewall) => (one_for(&firewall.to), false),
            Kind::LoadBalancer(balancer) => ways.servers(balancer).waits_s(balancer.server_timeout, call_s),
            Kind::Web(web) => {
                let (waits_s, cut) = ways.upstreams(web).waits_s(web.read_timeout, call_s);
                (proxied(web, class) * waits_s, cut)
            }
            Kind::Dns(_) | Kind::Member(_) => (0.0, false),
        }
    }

    /// Total time of the queries, and whether any query is slower than the application's time-out. A read takes the
    /// mean over the readers, which are asked in turn. If a query is cut by the time-out, only the fastest reader's
    /// time is known, and no query takes longer than the time-out.
    fn queries_s(&self, ways: Ways<'_>, node: &Node, app: &App, class: ClassId) -> (f64, bool) {
        let Some(database) = app.database else {
            return (0.0, false);
        };
        let most = app.query_timeout.map_or(f64::INFINITY, |t| t.seconds());
        let query = |member: NodeId, op: usize| {
            let member = ways.plan.node(member);
            let work = member.work.get(op);
            trip_s(ways.plan, node, member) + work.map_or(0.0, |w| own_s(ways.plan, member, w))
        };
        let reads: Vec<f64> = ways.readers(database).iter().map(|m| query(*m, READ)).collect();
        let cut = reads.iter().any(|s| *s > most);
        let read = match cut {
            true => reads.iter().copied().fold(most, f64::min),
            false => reads.iter().sum::<f64>() / reads.len().max(1) as f64,
        };
        let write = ways.primary(database).map_or(0.0, |primary| {
            query(primary, WRITE) + self.acknowledged[primary.index()]
        });
        let queries = app.queries(class);
        let all = f64::from(queries.read) * read + f64::from(queries.write) * write.min(most);
        (all, cut || write > most)
    }
}

/// The number of cores; infinite for a host without a limit.
fn cores(plan: &Plan, host: HostId) -> f64 {
    plan.hosts[host.index()].cores.map_or(f64::INFINITY, f64::from)
}

/// The share of a class that a web server proxies.
pub fn proxied(web: &Web, class: usize) -> f64 {
    match web.serves[class] {
        true => 0.0,
        false => 1.0 - web.cache.map_or(0.0, |c| c.hit),
    }
}

/// The only upstream of a web server, and the share of requests it gets.
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

/// CPU time of a request at a node, including its TLS handshake.
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

/// How long a semi-sync primary waits for the nearest replica. Without a replica it soon stops waiting.
fn acknowledged_s(ways: Ways<'_>, database: DatabaseId, primary: NodeId) -> f64 {
    let database = &ways.plan.databases[database.index()];
    if database.semi_sync.is_none() {
        return 0.0;
    }
    let replicas = database.members.iter().filter(|m| **m != primary && ways.is_up(**m));
    let trips = replicas.map(|m| trip_s(ways.plan, ways.plan.node(primary), ways.plan.node(*m)));
    trips.min_by(f64::total_cmp).unwrap_or(0.0)
}

/// Round trip.
fn trip_s(plan: &Plan, from: &Node, to: &Node) -> f64 {
    let way = |a, b| plan.network.latency(a, b).seconds();
    way(from.host, to.host) + way(to.host, from.host)
}
