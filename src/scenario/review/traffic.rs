//! Requests per second at each node: the sources' rates, distributed over the paths that requests take.
//!
//! Retries and failures in progress are excluded: this is the load with everything up, or after everything has reacted
//! to a loss.

use super::graph;
use super::held::{Held, proxied};
use super::ways::{Serving, Ways};
use crate::base::ids::{ClassId, NodeId};
use crate::scenario::plan::{App, Arrivals, Database, Entry, Kind, Load, Plan, READ, Source, WRITE};

/// Requests per second.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// By class, over all sources.
    pub offered: Vec<f64>,
    /// By node, then by class, after the node's own rate limit; for a database member, by [`READ`] and [`WRITE`].
    pub rates: Vec<Vec<f64>>,
    /// By node: the requests that reach it, admitted or not.
    pub asked: Vec<f64>,
    /// Holding times.
    pub held: Held,
    /// Whether some balancer shares by what is free and not by weight alone. The shares here are then those that its
    /// servers can carry best.
    pub adapts: bool,
}

impl Traffic {
    /// The load with some nodes lost.
    pub fn of(plan: &Plan, is_lost: &dyn Fn(NodeId) -> bool) -> Traffic {
        Traffic::at(plan, is_lost, &plan.busiest_moment())
    }

    /// The same, at the moment when the sources have these rates.
    pub fn at(plan: &Plan, is_lost: &dyn Fn(NodeId) -> bool, per_s: &[f64]) -> Traffic {
        Traffic::under(Ways { plan, is_lost }, per_s, true)
    }

    /// The same without rate limits: all of it grows with the clients' load.
    pub fn unlimited(plan: &Plan, is_lost: &dyn Fn(NodeId) -> bool, per_s: &[f64]) -> Traffic {
        Traffic::under(Ways { plan, is_lost }, per_s, false)
    }

    fn under(ways: Ways<'_>, per_s: &[f64], limited: bool) -> Traffic {
        let plan = ways.plan;
        let held = Held::of(ways);
        let rates = plan.nodes.iter().map(|n| vec![0.0; n.work.len()]).collect();
        let mut flow = Flow {
            ways,
            held: &held,
            rates,
            adapts: false,
        };
        let mut asked = vec![0.0; plan.nodes.len()];
        let mut offered = vec![0.0; plan.classes.len()];
        for (source, per_s) in plan.sources.iter().zip(per_s) {
            let by_class = arrivals(plan, source, *per_s);
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
        let (rates, adapts) = (flow.rates, flow.adapts);
        Traffic {
            offered,
            rates,
            asked,
            adapts,
            held,
        }
    }

    /// All requests at a node.
    pub fn of_node(&self, node: NodeId) -> f64 {
        self.rates[node.index()].iter().sum()
    }

    /// The total rate of requests from clients.
    pub fn total(&self) -> f64 {
        self.offered.iter().sum()
    }

    /// Writes per second on a database's primary.
    pub fn writes(&self, database: &Database) -> f64 {
        let rates = &self.rates[database.first().index()];
        rates.get(WRITE).copied().unwrap_or(0.0)
    }
}

/// Requests per second of a source, by class. Zero for users without a think time, whose rate depends on the answers,
/// and for gaps without a mean.
fn arrivals(plan: &Plan, source: &Source, rate: f64) -> Vec<f64> {
    let asks = match &source.load {
        Load::Closed { think: gap, .. }
        | Load::Open {
            arrivals: Arrivals::Renewal { gap },
            ..
        } => gap.mean_s().is_some_and(|mean| mean > 0.0),
        Load::Open { .. } => true,
    };
    let shares = source.mix(&plan.classes);
    shares
        .iter()
        .map(|share| if asks { rate * share } else { 0.0 })
        .collect()
}

struct Flow<'p> {
    ways: Ways<'p>,
    held: &'p Held,
    rates: Vec<Vec<f64>>,
    adapts: bool,
}

impl Flow<'_> {
    fn enter(&mut self, source: &Source, by_class: &[f64]) {
        let targets = match &source.entry {
            Entry::Node(target) => vec![*target],
            Entry::Resolvers(list) => match list.iter().find(|r| self.ways.is_up(**r)) {
                Some(resolver) => self.ways.plan.addresses(*resolver),
                None => Vec::new(),
            },
        };
        let doors: Vec<NodeId> = targets.into_iter().filter_map(|t| self.ways.holder(t)).collect();
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
        let plan = self.ways.plan;
        for class in 0..plan.classes.len() {
            let rate = self.rates[node.index()].get(class).copied().unwrap_or(0.0);
            match &plan.node(node).kind {
                Kind::Firewall(firewall) => {
                    if let Some(next) = self.ways.holder(firewall.to) {
                        self.add(next, class, rate);
                    }
                }
                Kind::LoadBalancer(balancer) => self.share(node, &self.ways.servers(balancer), class, rate),
                Kind::Web(web) => self.share(node, &self.ways.upstreams(web), class, rate * proxied(web, class)),
                Kind::App(app) => self.work(app, class, rate),
                Kind::Dns(_) | Kind::Member(_) => {}
            }
        }
    }

    /// Distributes by weight, or by capacity where the balancer sees what is free and all servers have a limit.
    fn share(&mut self, from: NodeId, serving: &Serving, class: usize, rate: f64) {
        let servers = &serving.servers;
        self.adapts |= serving.adapts;
        let able = match serving.adapts {
            true => self.held.able(self.ways.plan, from, servers, class),
            false => None,
        };
        let weights = able.unwrap_or_else(|| servers.iter().map(|s| f64::from(s.weight)).collect());
        let all: f64 = weights.iter().sum();
        for (server, weight) in servers.iter().zip(weights) {
            self.add(server.node, class, rate * weight / all);
        }
    }

    fn work(&mut self, app: &App, class: usize, rate: f64) {
        let queries = app.queries(ClassId::new(class));
        if let Some(database) = app.database {
            let readers = self.ways.readers(database);
            for member in &readers {
                self.add(*member, READ, rate * f64::from(queries.read) / readers.len() as f64);
            }
            if let Some(primary) = self.ways.primary(database) {
                self.add(primary, WRITE, rate * f64::from(queries.write));
            }
        }
        for call in &app.calls {
            if let Some(next) = self.ways.holder(*call) {
                self.add(next, class, rate);
            }
        }
    }
}

/// Requests per second that a rate limit admits.
pub fn limit(kind: &Kind) -> Option<f64> {
    match kind {
        Kind::Firewall(firewall) => firewall.limit.as_ref().map(|l| l.rate),
        Kind::Web(web) => web.limit_req.as_ref().map(|l| l.rate as f64 / 1000.0),
        _ => None,
    }
}
