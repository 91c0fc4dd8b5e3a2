//! How busy every limited resource is, without simulation. By the utilisation law, the number busy = arrival rate ×
//! mean holding time. Times exclude waiting, so a resource found busy is at least as busy in reality.

use super::graph;
use super::held::cpu_s;
use super::traffic::{Traffic, limit};
use super::words::{number, percent, plural, rate};
use crate::base::ids::{ClassId, NodeId};
use crate::scenario::plan::{Kind, Node, Plan, Server, Work};

/// A resource with a limit.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Of a host.
    Cores,
    /// Of a node.
    Workers,
    /// Connections of an application to its database.
    Pool,
    /// `maxconn` of a balancer's server.
    Slots,
    /// Requests per second that a rate limit admits.
    Limit,
}

impl Resource {
    /// The resource in words, plural.
    pub fn all(self) -> &'static str {
        match self {
            Resource::Cores => "cores",
            Resource::Workers => "workers",
            Resource::Pool => "pooled connections",
            Resource::Slots => "maxconn slots",
            Resource::Limit => "rate limit",
        }
    }

    /// The resource in words, singular.
    pub fn one(self) -> &'static str {
        self.all().trim_end_matches('s')
    }
}

/// The utilisation of one resource.
#[derive(Clone, Debug)]
pub struct Use {
    /// A host for cores, otherwise a node.
    pub component: String,
    /// The resource.
    pub what: Resource,
    /// Its capacity.
    pub count: f64,
    /// The number busy; above `count` the load does not fit.
    pub busy: f64,
    /// The same number for resources of one kind in one role.
    pub role: u64,
}

impl Use {
    /// Utilisation: `busy` / `count`.
    pub fn ratio(&self) -> f64 {
        self.busy / self.count
    }

    /// Whether the load exceeds the capacity.
    pub fn is_over(&self) -> bool {
        self.ratio() > 1.0
    }

    /// `1.2 of work on 1 worker (120 %)`.
    pub fn says(&self) -> String {
        let share = percent(self.ratio());
        match self.what {
            Resource::Limit => format!(
                "{} through a limit of {}/s ({share})",
                rate(self.busy, "requests"),
                number(self.count)
            ),
            what => {
                let all = plural(self.count as usize, what.one());
                format!("{} of work on {all} ({share})", number(self.busy))
            }
        }
    }

    /// The key that sets the capacity, and a value for a utilisation of three quarters.
    pub fn enough(&self, plan: &Plan) -> String {
        let needed = (self.busy / 0.75).ceil();
        match self.what {
            Resource::Cores => format!("hosts.{}.cores={needed}", self.component),
            Resource::Pool => format!("nodes.{}.pool={needed}", self.component),
            Resource::Slots => format!("a maxconn of {needed} for {}", self.component),
            Resource::Limit => format!("a limit of {needed}/s at {}", self.component),
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

/// The resource that saturates first as the load grows.
#[derive(Clone, Debug)]
pub struct Bottleneck {
    /// Its present utilisation.
    pub used: Use,
    /// Whether all load is shared by weight. If so, the limit is firm; otherwise better sharing may carry a little
    /// more.
    pub is_firm: bool,
}

/// The resource that saturates first as the load grows.
pub fn bottleneck(plan: &Plan, is_lost: &dyn Fn(NodeId) -> bool) -> Option<Bottleneck> {
    let moments: Vec<Traffic> = plan
        .moments()
        .iter()
        .map(|per_s| Traffic::unlimited(plan, is_lost, per_s))
        .collect();
    let busiest = worst(moments.iter().map(|traffic| uses_of(plan, traffic)))
        .into_iter()
        .max_by(|a, b| a.ratio().total_cmp(&b.ratio()));
    let is_firm = moments.iter().all(|traffic| !traffic.adapts && !traffic.held.cut);
    busiest
        .filter(|u| u.busy > 0.0)
        .map(|used| Bottleneck { used, is_firm })
}

/// The utilisation of all limited resources with some nodes lost, each at the moment of its highest load.
pub fn uses(plan: &Plan, is_lost: &dyn Fn(NodeId) -> bool) -> Vec<Use> {
    let moments = plan.moments();
    worst(
        moments
            .iter()
            .map(|per_s| uses_of(plan, &Traffic::at(plan, is_lost, per_s))),
    )
}

/// The highest utilisation of each resource over several moments.
fn worst(moments: impl Iterator<Item = Vec<Use>>) -> Vec<Use> {
    let busier = |a: Use, b: Use| if b.busy > a.busy { b } else { a };
    let both = |a: Vec<Use>, b: Vec<Use>| a.into_iter().zip(b).map(|(a, b)| busier(a, b)).collect();
    moments.reduce(both).unwrap_or_default()
}

/// The utilisations under one load.
fn uses_of(plan: &Plan, traffic: &Traffic) -> Vec<Use> {
    // By host: the load of its nodes on its cores, and the lowest role among them.
    let mut on_cores: Vec<(f64, Option<u64>)> = vec![(0.0, None); plan.hosts.len()];
    for (i, node) in plan.nodes.iter().enumerate() {
        let (busy, role) = &mut on_cores[node.host.index()];
        *busy += sum(plan, traffic, NodeId::new(i), |_, work| cpu_s(node, work));
        *role = Some(role.map_or(node.draws, |role| role.min(node.draws)));
    }
    let hosts = plan.hosts.iter().zip(on_cores).filter_map(|(host, (busy, role))| {
        Some(Use {
            component: host.name.clone(),
            what: Resource::Cores,
            count: f64::from(host.cores?),
            busy: busy / host.speed,
            role: role?,
        })
    });
    let nodes = || plan.nodes.iter().enumerate().map(|(i, node)| (NodeId::new(i), node));
    let of_node = |node: &Node, what, count: f64, busy| Use {
        component: node.name.clone(),
        what,
        count,
        busy,
        role: node.draws,
    };
    let held = &traffic.held;
    let workers = nodes().filter_map(|(id, node)| {
        let busy = sum(plan, traffic, id, |class, _| held.worker_s(plan, id, class.index()));
        Some(of_node(node, Resource::Workers, f64::from(node.workers?), busy))
    });
    let pools = nodes().filter_map(|(id, node)| {
        let Kind::App(app) = &node.kind else { return None };
        let busy = sum(plan, traffic, id, |class, _| held.pooled_s(id, class.index()));
        Some(of_node(node, Resource::Pool, f64::from(app.pool?), busy))
    });
    let limits = nodes().filter_map(|(id, node)| {
        let most = limit(&node.kind)?;
        Some(of_node(node, Resource::Limit, most, traffic.asked[id.index()]))
    });
    let servers = nodes().filter_map(|(id, node)| match &node.kind {
        Kind::LoadBalancer(balancer) => Some(balancer.servers.iter().map(move |s| (id, s))),
        _ => None,
    });
    let callers = callers(plan);
    let slots = servers.flatten().filter_map(|(balancer, server): (NodeId, &Server)| {
        // With other callers, the load through this balancer is not known.
        let alone = callers[server.node.index()] == 1;
        let held = |class: ClassId, _: &Work| held.call_s(plan, balancer, server.node, class.index());
        let busy = sum(plan, traffic, server.node, held);
        let most = server.maxconn.filter(|_| alone)?;
        Some(of_node(plan.node(server.node), Resource::Slots, f64::from(most), busy))
    });
    hosts.chain(workers).chain(pools).chain(limits).chain(slots).collect()
}

/// Rate × demand over the classes of a node.
fn sum(plan: &Plan, traffic: &Traffic, node: NodeId, demand: impl Fn(ClassId, &Work) -> f64) -> f64 {
    let rates = traffic.rates[node.index()].iter();
    let classes = rates.zip(&plan.node(node).work).enumerate();
    classes
        .map(|(class, (rate, work))| rate * demand(ClassId::new(class), work))
        .sum()
}

/// By node: the number of its callers. A source counts as one.
fn callers(plan: &Plan) -> Vec<usize> {
    let mut callers = vec![0; plan.nodes.len()];
    let doors = plan.sources.iter().flat_map(|s| graph::doors(plan, s));
    let asked = (0..plan.nodes.len()).flat_map(|n| plan.asks(NodeId::new(n)));
    doors.chain(asked).for_each(|n| callers[n.index()] += 1);
    callers
}
