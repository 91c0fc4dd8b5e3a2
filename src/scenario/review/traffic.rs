//! How many requests a second come to each node: the sources' rates, shared out along the ways that requests take.
//!
//! Retries and failures are left out: this is the load of a good day, or of one on which something is lost and everybody
//! has noticed.

use std::rc::Rc;

use super::graph;
use super::held::{Held, proxied};
use crate::base::ids::{ClassId, DatabaseId, NodeId};
use crate::scenario::plan::{
    self, Algorithm, App, Arrivals, Database, Entry, Kind, Load, LoadBalancer, Plan, Promotion, READ, ReadFrom, Source,
    Target, Upstream, WRITE, Web, WebBalance,
};

/// Requests a second.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// By class, from all sources together.
    pub offered: Vec<f64>,
    /// By node, then by class, as far as the node's own rate limit lets it in; of a database member, by [`READ`] and [`WRITE`].
    pub rates: Vec<Vec<f64>>,
    /// By node: what comes, let in or not.
    pub asked: Vec<f64>,
    /// How long it holds what it needs, whatever is lost.
    pub held: Rc<Held>,
    /// Does a balancer share by what is free, and not by weight alone? Then the shares here are those that its servers can best bear.
    pub adapts: bool,
}

impl Traffic {
    /// The load on what is left when some nodes are lost.
    pub fn of(plan: &Plan, is_lost: &dyn Fn(NodeId) -> bool) -> Traffic {
        Traffic::under(plan, Rc::new(Held::of(plan)), is_lost, true)
    }

    /// The same load when some nodes are lost.
    pub fn without(&self, plan: &Plan, is_lost: &dyn Fn(NodeId) -> bool) -> Traffic {
        Traffic::under(plan, Rc::clone(&self.held), is_lost, true)
    }

    /// The same as if there were no rate limits: all of it grows with what the clients ask.
    pub fn unlimited(plan: &Plan, is_lost: &dyn Fn(NodeId) -> bool) -> Traffic {
        Traffic::under(plan, Rc::new(Held::of(plan)), is_lost, false)
    }

    fn under(plan: &Plan, held: Rc<Held>, is_lost: &dyn Fn(NodeId) -> bool, limited: bool) -> Traffic {
        let rates = plan.nodes.iter().map(|n| vec![0.0; n.work.len()]).collect();
        let mut flow = Flow {
            plan,
            is_lost,
            held: &held,
            rates,
            adapts: false,
        };
        let mut asked = vec![0.0; plan.nodes.len()];
        let mut offered = vec![0.0; plan.classes.len()];
        for source in &plan.sources {
            let by_class = arrivals(plan, source);
            offered.iter_mut().zip(&by_class).for_each(|(sum, rate)| *sum += rate);
            flow.enter(source, &by_class);
        }
        for node in graph::in_order(plan) {
            let rates = &mut flow.rates[node.index()];
            let all: f64 = rates.iter().sum();
            asked[node.index()] = all;
            if let Some(most) = limit(&plan.node(node).kind).filter(|most| limited && all > *most) {
                rates.iter_mut().for_each(|rate| *rate *= most / all);
            }
            flow.pass_on(node);
        }
        Traffic {
            offered,
            rates: flow.rates,
            asked,
            adapts: flow.adapts,
            held,
        }
    }

    /// Everything that comes to a node.
    pub fn of_node(&self, node: NodeId) -> f64 {
        self.rates[node.index()].iter().sum()
    }

    /// What clients ask for in all.
    pub fn total(&self) -> f64 {
        self.offered.iter().sum()
    }

    /// Writes a second on a database's primary.
    pub fn writes(&self, database: &Database) -> f64 {
        let rates = &self.rates[database.members[database.primary].index()];
        rates.get(WRITE).copied().unwrap_or(0.0)
    }
}

/// What a source asks for a second, by class. Of users who do not think nobody can say without their answers, and nothing of gaps
/// without a mean.
fn arrivals(plan: &Plan, source: &Source) -> Vec<f64> {
    let asks = match &source.load {
        Load::Closed { think: gap, .. }
        | Load::Open {
            arrivals: Arrivals::Renewal { gap },
            ..
        } => gap.mean_s().is_some_and(|mean| mean > 0.0),
        Load::Open { .. } => true,
    };
    let rate = source.requests_per_s(plan.duration.seconds());
    let shares = source.mix(&plan.classes);
    shares
        .iter()
        .map(|share| if asks { rate * share } else { 0.0 })
        .collect()
}

struct Flow<'p> {
    plan: &'p Plan,
    is_lost: &'p dyn Fn(NodeId) -> bool,
    held: &'p Held,
    rates: Vec<Vec<f64>>,
    adapts: bool,
}

/// One of several that a request may go to.
#[derive(Copy, Clone)]
struct Server {
    node: NodeId,
    weight: u32,
    backup: bool,
    /// Requests at once.
    most: Option<u32>,
}

impl Flow<'_> {
    fn is_up(&self, node: NodeId) -> bool {
        !(self.is_lost)(node)
    }

    /// Whom a call reaches: of a virtual IP, the first member that lives.
    fn holder(&self, target: Target) -> Option<NodeId> {
        self.plan.members(target).into_iter().find(|n| self.is_up(*n))
    }

    fn enter(&mut self, source: &Source, by_class: &[f64]) {
        let targets = match &source.entry {
            Entry::Node(target) => vec![*target],
            Entry::Resolvers(list) => match list.iter().find(|r| self.is_up(**r)) {
                Some(resolver) => graph::answers(self.plan, *resolver).to_vec(),
                None => Vec::new(),
            },
        };
        let doors: Vec<NodeId> = targets.into_iter().filter_map(|t| self.holder(t)).collect();
        for (class, rate) in by_class.iter().enumerate() {
            for door in &doors {
                self.add(*door, class, rate / doors.len() as f64);
            }
        }
    }

    fn add(&mut self, node: NodeId, index: usize, rate: f64) {
        if let Some(sum) = self.rates[node.index()].get_mut(index) {
            *sum += rate;
        }
    }

    fn pass_on(&mut self, node: NodeId) {
        let plan = self.plan;
        for class in 0..plan.classes.len() {
            let rate = self.rates[node.index()].get(class).copied().unwrap_or(0.0);
            match &plan.node(node).kind {
                Kind::Firewall(firewall) => {
                    if let Some(next) = self.holder(firewall.to) {
                        self.add(next, class, rate);
                    }
                }
                Kind::LoadBalancer(balancer) => self.balance(node, balancer, class, rate),
                Kind::Web(web) => self.proxy(node, web, class, rate),
                Kind::App(app) => self.work(app, class, rate),
                Kind::Dns(_) | Kind::Member(_) => {}
            }
        }
    }

    fn balance(&mut self, id: NodeId, balancer: &LoadBalancer, class: usize, rate: f64) {
        let server = |s: &plan::Server| Server {
            node: s.node,
            weight: s.weight,
            backup: s.backup,
            most: s.maxconn,
        };
        let servers: Vec<Server> = balancer.servers.iter().map(server).collect();
        // Where one has no slot left another is asked.
        let adapts = match balancer.algorithm {
            Algorithm::LeastConn | Algorithm::Random { .. } | Algorithm::First => true,
            Algorithm::RoundRobin | Algorithm::StaticRr => servers.iter().any(|s| s.most.is_some()),
            Algorithm::Hash { .. } => false,
        };
        self.share(id, servers, adapts, class, rate);
    }

    fn proxy(&mut self, id: NodeId, web: &Web, class: usize, rate: f64) {
        let upstream = |u: &Upstream| Server {
            node: u.node,
            weight: u.weight,
            backup: u.backup,
            most: u.max_conns,
        };
        let upstreams: Vec<Server> = web.upstreams.iter().map(upstream).collect();
        let adapts = web.balance == WebBalance::LeastConn || upstreams.iter().any(|u| u.most.is_some());
        self.share(id, upstreams, adapts, class, rate * proxied(web, class));
    }

    /// By weight among those that live; by what each can do where the balancer sees what is free and all have a limit. Backups
    /// serve when nobody else does.
    fn share(&mut self, from: NodeId, servers: Vec<Server>, adapts: bool, class: usize, rate: f64) {
        let living = |backup: bool| -> Vec<Server> {
            let serves = |s: &&Server| s.backup == backup && s.weight > 0 && self.is_up(s.node);
            servers.iter().filter(serves).copied().collect()
        };
        let mut chosen = living(false);
        if chosen.is_empty() {
            chosen = living(true);
        }
        let mut weights: Vec<f64> = chosen.iter().map(|s| f64::from(s.weight)).collect();
        if adapts && chosen.len() > 1 {
            self.adapts = true;
            let taken = |s: &Server| self.held.taken(self.plan, from, s.node, class, s.most);
            let able: Vec<f64> = chosen.iter().map(|s| 1.0 / taken(s)).collect();
            if able.iter().all(|a| a.is_finite()) {
                weights = able;
            }
        }
        let all: f64 = weights.iter().sum();
        for (server, weight) in chosen.iter().zip(weights) {
            self.add(server.node, class, rate * weight / all);
        }
    }

    fn work(&mut self, app: &App, class: usize, rate: f64) {
        let queries = app.queries(ClassId::new(class));
        if let Some(database) = app.database {
            self.read(database, rate * f64::from(queries.read));
            if let Some(primary) = self.primary(database) {
                self.add(primary, WRITE, rate * f64::from(queries.write));
            }
        }
        for call in &app.calls {
            if let Some(next) = self.holder(*call) {
                self.add(next, class, rate);
            }
        }
    }

    /// Who takes the writes once every promotion is done.
    fn primary(&self, id: DatabaseId) -> Option<NodeId> {
        let database = &self.plan.databases[id.index()];
        let first = database.members[database.primary];
        let another = || database.members.iter().copied().find(|m| self.is_up(*m));
        match database.failover {
            _ if self.is_up(first) => Some(first),
            Promotion::Automatic { .. } => another(),
            Promotion::Manual => None,
        }
    }

    fn read(&mut self, id: DatabaseId, rate: f64) {
        let database = &self.plan.databases[id.index()];
        let primary = self.primary(id);
        let is_asked = |m: &NodeId| match database.read_from {
            ReadFrom::Any => true,
            ReadFrom::Primary => Some(*m) == primary,
            ReadFrom::Replicas => *m != primary.unwrap_or(database.members[database.primary]),
        };
        let readers = database.members.iter().copied().filter(|m| self.is_up(*m));
        let readers: Vec<NodeId> = readers.filter(is_asked).collect();
        for member in &readers {
            self.add(*member, READ, rate / readers.len() as f64);
        }
    }
}

/// What a rate limit lets through, a second.
pub fn limit(kind: &Kind) -> Option<f64> {
    match kind {
        Kind::Firewall(firewall) => firewall.limit.as_ref().map(|l| l.rate),
        Kind::Web(web) => web.limit_req.as_ref().map(|l| l.rate as f64 / 1000.0),
        _ => None,
    }
}
