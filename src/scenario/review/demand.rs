//! How busy everything with a limit is, before anything is simulated. By the utilisation law: busy share = arrival rate × mean time
//! held / capacity. Times are the least they can be, without waiting, so what is found busy is so in truth.

use super::graph;
use super::traffic::Traffic;
use crate::base::dist::Dist;
use crate::base::ids::{ClassId, DatabaseId, HostId, NodeId};
use crate::scenario::plan::{App, Kind, Node, Plan, READ, Target, WRITE, Work};

/// What there may be too few of.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Of a host.
    Cores,
    /// Of a node.
    Workers,
    /// Of an application, to its database.
    Pool,
}

impl Resource {
    /// All of them, in words.
    pub fn all(self) -> &'static str {
        match self {
            Resource::Cores => "cores",
            Resource::Workers => "workers",
            Resource::Pool => "pooled connections",
        }
    }

    /// One of them, in words.
    pub fn one(self) -> &'static str {
        self.all().trim_end_matches('s')
    }
}

/// How busy one resource is.
#[derive(Clone, Debug)]
pub struct Use {
    /// A host for its cores, a node for the others.
    pub component: String,
    /// What of it.
    pub what: Resource,
    /// How many there are.
    pub count: u32,
    /// Busy ones; more than `count` means that the load does not fit.
    pub busy: f64,
    /// Resources of one kind in one role bear the same number.
    pub role: u64,
}

impl Use {
    /// Busy ones to all of them.
    pub fn ratio(&self) -> f64 {
        self.busy / f64::from(self.count)
    }

    /// Does the load not fit?
    pub fn is_over(&self) -> bool {
        self.ratio() > 1.0
    }

    /// The key that says how many there are, and a number that would do for three quarters of busyness.
    pub fn enough(&self, plan: &Plan) -> String {
        let needed = (self.busy / 0.75).ceil();
        match self.what {
            Resource::Cores => format!("hosts.{}.cores={needed}", self.component),
            Resource::Pool => format!("nodes.{}.pool={needed}", self.component),
            Resource::Workers => {
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

/// The resource that is used up first as the load grows.
pub fn bottleneck(plan: &Plan, is_lost: &dyn Fn(NodeId) -> bool) -> Option<Use> {
    let uses = uses(plan, &Traffic::of(plan, is_lost)).into_iter();
    let busiest = uses.max_by(|a, b| a.ratio().total_cmp(&b.ratio()));
    busiest.filter(|u| u.busy > 0.0)
}

fn mean_s(dist: &Dist) -> f64 {
    dist.mean_s().unwrap_or(0.0)
}

/// All that has a limit, and how much of it this load takes.
pub fn uses(plan: &Plan, traffic: &Traffic) -> Vec<Use> {
    let hosts = plan.hosts.iter().enumerate().filter_map(|(i, host)| {
        let host_id = HostId::new(i);
        let demand = |n: NodeId| sum(plan, traffic, n, |_, work| mean_s(&work.cpu));
        Some(Use {
            component: host.name.clone(),
            what: Resource::Cores,
            count: host.cores?,
            busy: plan.nodes_on(host_id).map(demand).sum::<f64>() / host.speed,
            role: plan.nodes_on(host_id).map(|n| plan.node(n).draws).min()?,
        })
    });
    let nodes = || plan.nodes.iter().enumerate().map(|(i, node)| (NodeId::new(i), node));
    let of_node = |node: &Node, what, count, busy| Use {
        component: node.name.clone(),
        what,
        count,
        busy,
        role: node.draws,
    };
    let held = held_s(plan);
    let workers = nodes().filter_map(|(id, node)| {
        let busy = sum(plan, traffic, id, |class, _| held[id.index()][class.index()]);
        Some(of_node(node, Resource::Workers, node.workers?, busy))
    });
    let pools = nodes().filter_map(|(id, node)| {
        let Kind::App(app) = &node.kind else { return None };
        let busy = sum(plan, traffic, id, |class, _| queries_s(plan, node, app, class));
        Some(of_node(node, Resource::Pool, app.pool?, busy))
    });
    hosts.chain(workers).chain(pools).collect()
}

/// Rate × demand over the classes of a node.
fn sum(plan: &Plan, traffic: &Traffic, node: NodeId, demand: impl Fn(ClassId, &Work) -> f64) -> f64 {
    let rates = traffic.rates[node.index()].iter();
    let classes = rates.zip(&plan.node(node).work).enumerate();
    classes
        .map(|(class, (rate, work))| rate * demand(ClassId::new(class), work))
        .sum()
}

/// How long a worker is held at least, by node and class: for the node's own work, and by an application for what it asks of others too.
fn held_s(plan: &Plan) -> Vec<Vec<f64>> {
    let mut held: Vec<Vec<f64>> = plan.nodes.iter().map(|n| vec![0.0; n.work.len()]).collect();
    // Who is called comes before who calls.
    for id in graph::in_order(plan).into_iter().rev() {
        let node = plan.node(id);
        let of_class = |(class, work): (usize, &Work)| {
            let asks = match &node.kind {
                Kind::App(app) => {
                    queries_s(plan, node, app, ClassId::new(class)) + calls_s(plan, node, app, class, &held)
                }
                _ => 0.0,
            };
            own_s(plan, node, work) + asks
        };
        held[id.index()] = node.work.iter().enumerate().map(of_class).collect();
    }
    held
}

fn own_s(plan: &Plan, node: &Node, work: &Work) -> f64 {
    mean_s(&work.cpu) / plan.hosts[node.host.index()].speed + mean_s(&work.io)
}

/// How long an application has a connection to its database for a request.
fn queries_s(plan: &Plan, node: &Node, app: &App, class: ClassId) -> f64 {
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

/// How long an application waits at least for the nodes it calls. A balancer or a proxy among them counts as itself only.
fn calls_s(plan: &Plan, node: &Node, app: &App, class: usize, held: &[Vec<f64>]) -> f64 {
    let call = |target: &Target| {
        let takes = plan.members(*target).into_iter().map(|called| {
            let works = held[called.index()].get(class);
            trip_s(plan, node, plan.node(called)) + works.copied().unwrap_or(0.0)
        });
        takes.min_by(|a, b| a.total_cmp(b)).unwrap_or(0.0)
    };
    app.calls.iter().map(call).sum()
}

/// There and back.
fn trip_s(plan: &Plan, from: &Node, to: &Node) -> f64 {
    let way = |a, b| plan.network.latency(a, b).seconds();
    way(from.host, to.host) + way(to.host, from.host)
}
