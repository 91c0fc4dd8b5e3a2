//! The nodes that a call may reach with some nodes lost and everything reacted.

use crate::base::ids::{DatabaseId, NodeId};
use crate::base::time::Span;
use crate::scenario::plan::{self, Algorithm, LoadBalancer, Plan, Target, Upstream, Web, WebBalance};

/// The remaining paths.
#[derive(Copy, Clone)]
pub struct Ways<'p> {
    pub plan: &'p Plan,
    pub is_lost: &'p dyn Fn(NodeId) -> bool,
}

/// One of several servers for a request.
#[derive(Copy, Clone)]
pub struct Server {
    pub node: NodeId,
    pub weight: u32,
    backup: bool,
    /// Maximum number of requests.
    pub most: Option<u32>,
}

/// The servers in use.
pub struct Serving {
    pub servers: Vec<Server>,
    /// Whether requests are shared by what is free and not by weight alone.
    pub adapts: bool,
}

impl Ways<'_> {
    pub fn is_up(&self, node: NodeId) -> bool {
        !(self.is_lost)(node)
    }

    /// The node that a call reaches: for a virtual IP, the first living member.
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
        // A server without a free slot is passed over for another.
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

    /// Backups serve if no other server does.
    fn serving(&self, all: Vec<Server>) -> Vec<Server> {
        let living = |backup: bool| -> Vec<Server> {
            let serves = |s: &&Server| s.backup == backup && s.weight > 0 && self.is_up(s.node);
            all.iter().filter(serves).copied().collect()
        };
        let active = living(false);
        if active.is_empty() { living(true) } else { active }
    }

    /// The primary after all promotions.
    pub fn primary(&self, id: DatabaseId) -> Option<NodeId> {
        self.plan.databases[id.index()].writer(|m| self.is_up(m))
    }

    /// The members that serve reads, in turn.
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

    /// How long a request waits for a server, and whether some server is slower than the time-out. The time is the mean
    /// by weight. It is a lower bound if requests go by what is free, or if a server is slower than the time-out: how
    /// often such a request is retried or abandoned is not known beforehand.
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
