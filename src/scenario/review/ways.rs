//! Whom a call may reach when some nodes are lost and everybody has noticed.

use crate::base::ids::{DatabaseId, NodeId};
use crate::base::time::Span;
use crate::scenario::plan::{self, Algorithm, LoadBalancer, Plan, Target, Upstream, Web, WebBalance};

/// The ways that are left.
#[derive(Copy, Clone)]
pub struct Ways<'p> {
    pub plan: &'p Plan,
    pub is_lost: &'p dyn Fn(NodeId) -> bool,
}

/// One of several that a request may go to.
#[derive(Copy, Clone)]
pub struct Server {
    pub node: NodeId,
    pub weight: u32,
    backup: bool,
    /// Requests at once.
    pub most: Option<u32>,
}

/// Those of them that serve.
pub struct Serving {
    pub servers: Vec<Server>,
    /// Do requests go by what is free, and not by weight alone?
    pub adapts: bool,
}

impl Ways<'_> {
    pub fn is_up(&self, node: NodeId) -> bool {
        !(self.is_lost)(node)
    }

    /// Whom a call reaches: of a virtual IP, the first member that lives.
    pub fn holder(&self, target: Target) -> Option<NodeId> {
        self.plan.members(target).into_iter().find(|n| self.is_up(*n))
    }

    pub fn servers(&self, balancer: &LoadBalancer) -> Serving {
        let server = |s: &plan::Server| Server {
            node: s.node,
            weight: s.weight,
            backup: s.backup,
            most: s.maxconn,
        };
        let serving = self.serving(balancer.servers.iter().map(server).collect());
        // Where one has no slot left another is asked.
        let adapts = match balancer.algorithm {
            Algorithm::Random { draws } => draws > 1,
            Algorithm::LeastConn | Algorithm::First => true,
            Algorithm::RoundRobin | Algorithm::StaticRr => serving.iter().any(|s| s.most.is_some()),
            Algorithm::Hash { .. } => false,
        };
        Serving::new(serving, adapts)
    }

    pub fn upstreams(&self, web: &Web) -> Serving {
        let upstream = |u: &Upstream| Server {
            node: u.node,
            weight: u.weight,
            backup: u.backup,
            most: u.max_conns,
        };
        let serving = self.serving(web.upstreams.iter().map(upstream).collect());
        let adapts = web.balance == WebBalance::LeastConn || serving.iter().any(|u| u.most.is_some());
        Serving::new(serving, adapts)
    }

    /// Backups serve when nobody else does.
    fn serving(&self, all: Vec<Server>) -> Vec<Server> {
        let living = |backup: bool| -> Vec<Server> {
            let serves = |s: &&Server| s.backup == backup && s.weight > 0 && self.is_up(s.node);
            all.iter().filter(serves).copied().collect()
        };
        let active = living(false);
        if active.is_empty() { living(true) } else { active }
    }

    /// Who takes the writes once every promotion is done.
    pub fn primary(&self, id: DatabaseId) -> Option<NodeId> {
        self.plan.databases[id.index()].writer(|m| self.is_up(m))
    }

    /// Who takes the reads, in turn.
    pub fn readers(&self, id: DatabaseId) -> Vec<NodeId> {
        let database = &self.plan.databases[id.index()];
        let primary = self.primary(id).unwrap_or(database.first());
        let members = database.members.iter().copied();
        let is_asked = |m: &NodeId| self.is_up(*m) && database.reads_from(*m, primary);
        members.filter(is_asked).collect()
    }
}

impl Serving {
    fn new(servers: Vec<Server>, adapts: bool) -> Serving {
        let adapts = adapts && servers.len() > 1;
        Serving { servers, adapts }
    }

    /// How long a request waits for one of them, on the average by weight; where it goes by what is free, at least so long. Also where one is
    /// slower than anybody waits: then it is tried elsewhere, or left alone, and nobody can say beforehand how often. Is it so?
    pub fn waits_s(&self, timeout: Option<Span>, of: impl Fn(NodeId) -> f64) -> (f64, bool) {
        let each: Vec<(f64, f64)> = self.servers.iter().map(|s| (f64::from(s.weight), of(s.node))).collect();
        let cut = timeout.is_some_and(|most| each.iter().any(|(_, s)| *s > most.seconds()));
        if self.adapts || cut {
            let least = each.iter().map(|(_, s)| *s).min_by(f64::total_cmp);
            let most = timeout.map_or(f64::INFINITY, Span::seconds);
            return (least.unwrap_or(0.0).min(most), cut);
        }
        let (sum, all) = each
            .iter()
            .fold((0.0, 0.0), |(sum, all), (weight, s)| (sum + weight * s, all + weight));
        (if all > 0.0 { sum / all } else { 0.0 }, false)
    }
}
