//! The Plan: a scenario after everything has been settled.
//!
//! Names have become ids, units nanoseconds, defaults values. Nothing here is a question any more, so nobody after this
//! module checks again. Built once by [`crate::scenario::load`], shared by every replication, never changed.
//! An `Option` in here means "there is none" (no time-out, no check), never "use the default".

mod edges;
mod faults;
mod kinds;
mod load;

use std::collections::BTreeMap;
use std::iter;

use crate::base::dist::Dist;
use crate::base::ids::{ClassId, HostId, LinkId, NodeId, SourceId, VipId, ZoneId};
use crate::base::time::{Span, Time};

pub use faults::*;
pub use kinds::*;

/// Everything a run needs to know.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The scenario's own name, or its file's.
    pub name: String,
    /// What it teaches, in a sentence.
    pub summary: String,
    /// A digest of the resolved scenario: equal exactly when the Plans are.
    pub digest: String,
    /// Simulated time of one replication.
    pub duration: Span,
    /// Does a run begin in the midst of the stack's life, with names in caches that are as old as it happens, and not with empty ones?
    pub midlife: bool,
    /// A run begins at some moment of so much of the load, each replication at another; zero: at its start.
    pub begins_within: Span,
    /// Until then most wishes are not made: what is gone from the start is noticed, and nothing piles up meanwhile. No scenario says so: it
    /// is for an analysis of what is left.
    pub hushed: Span,
    /// How much of its start is left out of the estimates.
    pub warmup: Warmup,
    /// How much of its end the counts and latencies leave out; the timeline shows it. No scenario says so: it is for an
    /// analysis that watches what comes after what it measures.
    pub cooldown: Span,
    /// Request classes, in the scenario's order.
    pub classes: Vec<Class>,
    /// Sources of load, in the scenario's order.
    pub sources: Vec<Source>,
    /// Hosts: first those named, in the scenario's order, then one for each node without a host, under the node's name.
    pub hosts: Vec<Host>,
    /// Zones named by hosts.
    pub zones: Vec<Zone>,
    /// Nodes in the scenario's order; the members of a database stand where the database stands.
    pub nodes: Vec<Node>,
    /// Databases as a whole.
    pub databases: Vec<Database>,
    /// Virtual IPs.
    pub vips: Vec<Vip>,
    /// What lies between hosts.
    pub network: Network,
    /// Faults at set times.
    pub faults: Vec<Fault>,
    /// Everything that can break, whether or not the scenario says how often.
    pub components: Vec<Component>,
    /// What breaks by itself (`--failures`), and what is taken down for maintenance.
    pub lifetimes: Vec<Lifetime>,
    /// How a failure comes to a person's notice.
    pub monitoring: Monitoring,
    /// How many failures can be repaired at once; `None` = all.
    pub repair_crews: Option<u32>,
    /// What the service promises.
    pub slo: Vec<Objective>,
    /// Things in the scenario that are legal and probably not meant; printed before a run.
    pub warnings: Vec<String>,
}

/// How much of a run's start the estimates leave out.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Warmup {
    /// This much.
    Fixed(Span),
    /// As much as MSER-5 finds.
    Auto,
}

/// A class of requests.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its share of all requests; the shares sum to 1.
    pub share: f64,
    /// The keys that its requests ask for (`uri` and `hdr` hash them).
    pub keys: Option<Keys>,
    /// Its share of all requests, with those that page views bring.
    pub mix: f64,
    /// Size of a request of it and of its answer.
    pub bytes: Bytes,
    /// Smaller is served first in a balancer's queue.
    pub priority: i32,
    /// Milliseconds by which it counts as having come later into a balancer's queue.
    pub priority_offset: i32,
}

/// Size of a request and of its answer.
#[derive(Copy, Clone, Debug, Default)]
pub struct Bytes {
    /// Bytes to the server.
    pub request: u64,
    /// Bytes back.
    pub response: u64,
}

/// A set of keys and how unevenly they are asked for.
#[derive(Clone, Debug)]
pub struct Keys {
    /// How many there are.
    pub count: u32,
    /// Zipf exponent; 0 = all alike.
    pub zipf: f64,
}

/// A source of load.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its name as a number, for the addresses of its clients.
    pub label: u64,
    /// When requests come.
    pub load: Load,
    /// Where they go first.
    pub entry: Entry,
    /// How long a client waits for the answer, from the wish on.
    pub timeout: Option<Span>,
    /// How long it waits for a connection.
    pub connect_timeout: Span,
    /// What a client does about a failure.
    pub retry: Option<Retry>,
    /// No answer of a resolver is kept for less.
    pub min_ttl: Span,
    /// What a page view fetches: the first alone, and when it is answered all others at once. Empty = a request is a view.
    pub page: Vec<ClassId>,
    /// How long the browser renders a page; reported apart.
    pub render: Option<Dist>,
}

/// When requests come.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Clone, Debug)]
pub enum Load {
    /// They come whatever happens to them, each from one of so many clients.
    Open { arrivals: Arrivals, population: u32 },
    /// So many users, each thinking between answer and next wish.
    Closed { users: u32, think: Dist },
}

/// The arrival process of an open source. Rates are per second.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// Poisson.
    Poisson { rate: f64 },
    /// Evenly spaced, the first one spacing after the start.
    Uniform { spacing: Span },
    /// Independent gaps.
    Renewal { gap: Dist },
    /// Poisson whose rate runs straight from point to point, and stays at the last.
    Profile { points: Vec<(Time, f64)> },
    /// Poisson whose rate jumps between states, staying in each for an exponential time; the next is the next in the list.
    Mmpp { states: Vec<(f64, Span)> },
    /// Recorded, in order of time.
    Trace { rows: Vec<TraceRow> },
}

/// One recorded arrival.
#[derive(Clone, Debug)]
pub struct TraceRow {
    /// When.
    pub at: Time,
    /// Of which class; `None`: drawn by share.
    pub class: Option<ClassId>,
    /// The values of [`Dist::Trace`], by its number. Columns have the same number in every trace of a plan.
    pub values: Box<[Span]>,
}

/// Where requests of a source go first.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Resolvers, asked in this order.
    Resolvers(Vec<NodeId>),
    /// Straight to a node.
    Node(Target),
}

/// What can be called: a node, or an address that stands for one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// This node.
    Node(NodeId),
    /// Whoever holds this virtual IP when the call arrives.
    Vip(VipId),
}

/// A retry policy.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Further attempts after the first.
    pub max: u32,
    /// Pause before the first of them.
    pub backoff: Span,
    /// Each further pause is this many times longer.
    pub factor: f64,
    /// No pause is longer.
    pub cap: Option<Span>,
    /// The share of the pause that is drawn: 0 = always whole, 1 = anything from nothing to whole.
    pub jitter: f64,
    /// Retries allowed per request, over all requests of the caller; `None` = as many as they like.
    pub budget: Option<f64>,
}

/// A machine: cores that everything on it shares.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name; a node's, where the host is implied by it.
    pub name: String,
    /// Was it named in the scenario? Only those are components of their own.
    pub named: bool,
    /// Its cores; `None` = as many as there is work.
    pub cores: Option<u32>,
    /// How much faster than the reference its cores are.
    pub speed: f64,
    /// The zone it stands in.
    pub zone: Option<ZoneId>,
    /// Its address, for people.
    pub address: Option<String>,
}

/// Hosts that fail together.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its name.
    pub name: String,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// What it is and does.
    pub kind: Kind,
    /// Where it runs.
    pub host: HostId,
    /// Requests in service at once; `None` = unlimited.
    pub workers: Option<u32>,
    /// Places to wait; `None` = unlimited.
    pub queue: Option<u32>,
    /// What a request costs here, by class; of a database member, by [`READ`] and [`WRITE`].
    pub work: Vec<Work>,
    /// What becomes of work whose caller gave up.
    pub abandoned: Abandoned,
    /// Names the draws of this node's work: nodes that stand in for one another share it, so that a request costs the
    /// same whichever of them serves it (see [`crate::base::random`]).
    pub draws: u64,
}

/// Index into a database member's `work`: what a read costs.
pub const READ: usize = 0;
/// Index into a database member's `work`: what a write costs.
pub const WRITE: usize = 1;

/// What serving one request costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Demand on the host's cores.
    pub cpu: Dist,
    /// Time that holds the worker and no core.
    pub io: Dist,
}

impl Work {
    /// Nothing at all.
    pub const NONE: Work = Work {
        cpu: Dist::ZERO,
        io: Dist::ZERO,
    };

    /// Does it cost nothing?
    pub fn is_none(&self) -> bool {
        self.cpu.is_zero() && self.io.is_zero()
    }
}

/// What becomes of work whose caller gave up.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// It goes on, and its answer is dropped.
    Finish,
    /// It stops, and everything it holds is free at once.
    Stop,
}

/// A database as a whole: who is asked what.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its members, in order.
    pub members: Vec<NodeId>,
    /// Which of them takes the writes at the start: an index into `members`.
    pub primary: usize,
    /// Who may be read from.
    pub read_from: ReadFrom,
    /// How far the replicas are behind.
    pub lag: Dist,
    /// How long a replica works on one write before it begins with the next.
    pub apply: Dist,
    /// `semi-sync`: the primary waits for a replica, at most this long; `None` = async.
    pub semi_sync: Option<Span>,
    /// Who promotes a replica when the primary dies.
    pub failover: Promotion,
}

impl Database {
    /// The member that takes the writes at the start.
    pub fn first(&self) -> NodeId {
        self.members[self.primary]
    }

    /// Who takes the writes once every promotion is done: a dead primary's place goes to the first living member, if anybody sees to it.
    pub fn writer(&self, is_up: impl Fn(NodeId) -> bool) -> Option<NodeId> {
        let is_automatic = matches!(self.failover, Promotion::Automatic { .. });
        let others = self.members.iter().copied().filter(|_| is_automatic);
        iter::once(self.first()).chain(others).find(|m| is_up(*m))
    }

    /// May a member be read from, while this one takes the writes?
    pub fn reads_from(&self, member: NodeId, primary: NodeId) -> bool {
        match self.read_from {
            ReadFrom::Any => true,
            ReadFrom::Primary => member == primary,
            ReadFrom::Replicas => member != primary,
        }
    }
}

/// Who may be read from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// Every member, in turn.
    Any,
    /// The primary only.
    Primary,
    /// The replicas only, in turn.
    Replicas,
}

/// Who promotes a replica.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Clone, Debug)]
pub enum Promotion {
    /// Nobody: writes fail until the primary is back.
    Manual,
    /// A watcher: so long to notice, so long to promote.
    Automatic { detect: Dist, promote: Dist },
}

/// A virtual IP.
#[derive(Clone, Debug)]
pub struct Vip {
    /// Its name.
    pub name: String,
    /// Who may hold it, in order of preference.
    pub members: Vec<NodeId>,
    /// From the death of the holder until the next one answers.
    pub failover: Dist,
    /// Does the preferred member take it back?
    pub preempt: bool,
}

/// What lies between hosts.
#[derive(Clone, Debug)]
pub struct Network {
    /// One way, between different hosts.
    pub latency: Span,
    /// Share of messages lost and sent again.
    pub loss: f64,
    /// Bytes a second; `None` = no message takes longer for its size.
    pub bandwidth: Option<f64>,
    /// Links that differ from this.
    pub links: Vec<Link>,
    /// The link that a message from one host to another takes, where it is not the default.
    pub routes: BTreeMap<(HostId, HostId), LinkId>,
}

impl Network {
    /// How long a message travels from one host to another, one way.
    pub fn latency(&self, from: HostId, to: HostId) -> Span {
        match self.routes.get(&(from, to)) {
            _ if from == to => Span::ZERO,
            Some(link) => self.links[link.index()].latency,
            None => self.latency,
        }
    }
}

/// A link in one direction.
#[derive(Clone, Debug)]
pub struct Link {
    /// `from->to`.
    pub name: String,
    /// One way.
    pub latency: Span,
    /// Share of messages lost and sent again.
    pub loss: f64,
    /// Bytes a second; `None` = no message takes longer for its size.
    pub bandwidth: Option<f64>,
}

/// One promise.
#[derive(Clone, Debug)]
pub struct Objective {
    /// As the scenario wrote it: `availability`, `p99`, `classes.read.p99`, …
    pub name: String,
    /// The class it is about; `None` = all requests.
    pub class: Option<ClassId>,
    /// What is measured.
    pub measure: Measure,
    /// The bound: at least, for availability; at most, for the rest. Seconds or a share.
    pub target: f64,
}

/// What a promise is about.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Measure {
    /// Share of requests that succeed.
    Availability,
    /// Share of requests that fail.
    ErrorRatio,
    /// This quantile of the latency of those that succeed.
    Latency(f64),
}

impl Plan {
    /// May a repair have to wait for one that is under way?
    pub fn repairs_wait(&self) -> bool {
        let failures = self.lifetimes.iter().filter(|l| l.is_failure()).count();
        self.repair_crews.is_some_and(|crews| (crews as usize) < failures)
    }

    /// About how many health checks a second there are while all is well.
    pub fn probes_per_s(&self) -> f64 {
        let of = |node: &Node| match &node.kind {
            Kind::LoadBalancer(balancer) => {
                let rate = |check: &Check| balancer.servers.len() as f64 / check.inter.seconds().max(1e-9);
                balancer.check.as_ref().map_or(0.0, rate)
            }
            Kind::Dns(dns) => {
                let rate = |check: &Check| dns.answers.len() as f64 / check.inter.seconds().max(1e-9);
                dns.failover.as_ref().map_or(0.0, rate)
            }
            _ => 0.0,
        };
        self.nodes.iter().map(of).sum()
    }

    /// The source with this id.
    pub fn source(&self, id: SourceId) -> &Source {
        &self.sources[id.index()]
    }

    /// The node with this id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The name of what a call is addressed to.
    pub fn target_name(&self, target: Target) -> &str {
        match target {
            Target::Node(node) => &self.node(node).name,
            Target::Vip(vip) => &self.vips[vip.index()].name,
        }
    }

    /// The nodes that run on a host.
    pub fn nodes_on(&self, host: HostId) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes
            .iter()
            .enumerate()
            .filter(move |(_, n)| n.host == host)
            .map(|(i, _)| NodeId::new(i))
    }
}
