//! How many requests a second come to each node: the sources' rates, shared out along the ways that requests take.
//!
//! Retries and failures are left out: this is the load of a good day, or of one on which something is lost and everybody
//! has noticed.

use super::graph;
use crate::base::ids::{ClassId, DatabaseId, NodeId};
use crate::scenario::plan::{
    App, Arrivals, Database, Entry, Kind, Load, LoadBalancer, Plan, Promotion, READ, ReadFrom, Source, Target, WRITE,
    Web,
};

/// Requests a second.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// By class, from all sources together.
    pub offered: Vec<f64>,
    /// By node, then by class; of a database member, by [`READ`] and [`WRITE`].
    pub rates: Vec<Vec<f64>>,
}

impl Traffic {
    /// The load on what is left when some nodes are lost.
    pub fn of(plan: &Plan, is_lost: &dyn Fn(NodeId) -> bool) -> Traffic {
        let rates = plan.nodes.iter().map(|n| vec![0.0; n.work.len()]).collect();
        let mut flow = Flow { plan, is_lost, rates };
        let mut offered = vec![0.0; plan.classes.len()];
        for source in &plan.sources {
            let by_class = arrivals(plan, source);
            offered.iter_mut().zip(&by_class).for_each(|(sum, rate)| *sum += rate);
            flow.enter(source, &by_class);
        }
        for node in graph::in_order(plan) {
            flow.pass_on(node);
        }
        Traffic {
            offered,
            rates: flow.rates,
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

/// What a source asks for a second, by class: a profile at its height, bursts on average, users as if answers took no time.
fn arrivals(plan: &Plan, source: &Source) -> Vec<f64> {
    let (mix, views) = (source.mix(&plan.classes), source.requests_a_view() as f64);
    let shared = |rate: f64| {
        let rate = if rate.is_finite() { views * rate } else { 0.0 };
        mix.iter().map(|share| rate * share).collect()
    };
    let per = |gap: Option<f64>| gap.map_or(0.0, |s| 1.0 / s);
    match &source.load {
        Load::Closed { users, think } => shared(f64::from(*users) * per(think.mean_s())),
        Load::Open { arrivals, .. } => match arrivals {
            Arrivals::Poisson { rate } => shared(*rate),
            Arrivals::Uniform { spacing } => shared(1.0 / spacing.seconds()),
            Arrivals::Renewal { gap } => shared(per(gap.mean_s())),
            Arrivals::Profile { points } => shared(points.iter().map(|p| p.1).fold(0.0, f64::max)),
            Arrivals::Mmpp { states } => {
                let time: f64 = states.iter().map(|(_, mean)| mean.seconds()).sum();
                shared(states.iter().map(|(rate, mean)| rate * mean.seconds()).sum::<f64>() / time)
            }
            Arrivals::Trace { rows } => {
                let last_s = rows.last().map_or(0.0, |row| row.at.seconds());
                shared(if last_s > 0.0 { rows.len() as f64 / last_s } else { 0.0 })
            }
        },
    }
}

struct Flow<'p> {
    plan: &'p Plan,
    is_lost: &'p dyn Fn(NodeId) -> bool,
    rates: Vec<Vec<f64>>,
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
                Kind::LoadBalancer(balancer) => self.balance(balancer, class, rate),
                Kind::Web(web) => self.proxy(web, class, rate),
                Kind::App(app) => self.work(app, class, rate),
                Kind::Dns(_) | Kind::Member(_) => {}
            }
        }
    }

    fn balance(&mut self, balancer: &LoadBalancer, class: usize, rate: f64) {
        let servers = balancer.servers.iter().map(|s| (s.node, s.weight, s.backup));
        self.share(servers.collect(), class, rate);
    }

    fn proxy(&mut self, web: &Web, class: usize, rate: f64) {
        if web.serves[class] {
            return;
        }
        let missed = 1.0 - web.cache.map_or(0.0, |c| c.hit);
        let upstreams = web.upstreams.iter().map(|u| (u.node, u.weight, u.backup));
        self.share(upstreams.collect(), class, rate * missed);
    }

    /// By weight among those that live; backups serve when nobody else does.
    fn share(&mut self, servers: Vec<(NodeId, u32, bool)>, class: usize, rate: f64) {
        let living = |backup: bool| -> Vec<(NodeId, u32, bool)> {
            let serves = |s: &&(NodeId, u32, bool)| s.2 == backup && s.1 > 0 && self.is_up(s.0);
            servers.iter().filter(serves).copied().collect()
        };
        let mut chosen = living(false);
        if chosen.is_empty() {
            chosen = living(true);
        }
        let weights: f64 = chosen.iter().map(|s| f64::from(s.1)).sum();
        for (node, weight, _) in chosen {
            self.add(node, class, rate * f64::from(weight) / weights);
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
