//! The Plan: a scenario with everything resolved.
//!
//! Names are ids, units are nanoseconds, defaults are values. The Plan has been checked, and nothing after this module
//! checks it again. [`crate::scenario::load`] builds it, and every replication shares it. No run changes it; analyses
//! simulate clones with other faults, loads and durations. An `Option` means "there is none" (no time-out, no check),
//! never "use the default".

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
    /// Its summary in one sentence.
    pub summary: String,
    /// A digest of the scenario as loaded. Clones that an analysis changes keep it.
    pub digest: String,
    /// Simulated time of one replication.
    pub duration: Span,
    /// Whether a run starts in the steady state, with DNS caches of random age, instead of empty.
    pub midlife: bool,
    /// Length of the load within which each replication starts at another moment; zero means at the start.
    pub begins_within: Span,
    /// Until then only a small share of wishes is made: enough to detect what is down from the start, without building
    /// a backlog. Set only by analyses.
    pub hushed: Span,
    /// The warm-up that estimates leave out.
    pub warmup: Warmup,
    /// The end of the run that counts and latencies leave out; the timeline shows it. Set only by analyses that watch
    /// what follows their measurement.
    pub cooldown: Span,
    /// Request classes, in the scenario's order.
    pub classes: Vec<Class>,
    /// Sources of load, in the scenario's order.
    pub sources: Vec<Source>,
    /// Hosts: first those named, in the scenario's order, then one for each node without a host, under the node's name.
    pub hosts: Vec<Host>,
    /// Zones named by hosts.
    pub zones: Vec<Zone>,
    /// Nodes in the scenario's order; members of a database take the place of the database.
    pub nodes: Vec<Node>,
    /// Databases as a whole.
    pub databases: Vec<Database>,
    /// Virtual IPs.
    pub vips: Vec<Vip>,
    /// The network between hosts.
    pub network: Network,
    /// Faults at set times.
    pub faults: Vec<Fault>,
    /// Everything that can fail, with or without a lifetime.
    pub components: Vec<Component>,
    /// Random failures (`--failures`), and maintenance.
    pub lifetimes: Vec<Lifetime>,
    /// How a failure is noticed by a person.
    pub monitoring: Monitoring,
    /// How many failures can be repaired at once; `None` = all.
    pub repair_crews: Option<u32>,
    /// The objectives of the service.
    pub slo: Vec<Objective>,
    /// Legal but probably unintended settings; printed before a run.
    pub warnings: Vec<String>,
}

/// The warm-up that estimates leave out.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Warmup {
    /// This much.
    Fixed(Span),
    /// As found by MSER-5.
    Auto,
}

/// A class of requests.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its share of all requests; the shares sum to 1.
    pub share: f64,
    /// The keys its requests ask for (hashed by `uri` and `hdr`).
    pub keys: Option<Keys>,
    /// Its share of all requests, including those made by page views.
    pub mix: f64,
    /// Size of a request and of its answer.
    pub bytes: Bytes,
    /// Smaller values are served first in a balancer's queue.
    pub priority: i32,
    /// Milliseconds added to its time of arrival in a balancer's queue.
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

/// A key set and the skew of its popularity.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Number of keys.
    pub count: u32,
    /// Zipf exponent; 0 means equally popular.
    pub zipf: f64,
}

/// A source of load.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its name as a number, from which its clients' addresses follow.
    pub label: u64,
    /// Its load.
    pub load: Load,
    /// Where its requests go first.
    pub entry: Entry,
    /// How long a client waits for an answer, from the moment it wants it.
    pub timeout: Option<Span>,
    /// How long it waits for a connection.
    pub connect_timeout: Span,
    /// What a client does after a failure.
    pub retry: Option<Retry>,
    /// Least time for which a resolver's answer is cached.
    pub min_ttl: Span,
    /// The requests of a page view: the first alone, then all others at once. Empty if each request is its own view.
    pub page: Vec<ClassId>,
    /// How long the browser renders a page; reported separately.
    pub render: Option<Dist>,
}

/// How a source makes requests.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Clone, Debug)]
pub enum Load {
    /// Requests arrive independently of their answers, each from one of `population` clients.
    Open { arrivals: Arrivals, population: u32 },
    /// Users who think between an answer and the next wish.
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
    /// Poisson with a piecewise-linear rate, constant after the last point.
    Profile { points: Vec<(Time, f64)> },
    /// Poisson with a rate that jumps between states in list order, staying in each for an exponential time.
    Mmpp { states: Vec<(f64, Span)> },
    /// Recorded, in order of time.
    Trace { rows: Vec<TraceRow> },
}

/// One recorded arrival.
#[derive(Clone, Debug)]
pub struct TraceRow {
    /// The time.
    pub at: Time,
    /// The class; `None` if it is drawn by share.
    pub class: Option<ClassId>,
    /// The values of [`Dist::Trace`] by column. Columns have the same number in every trace of a plan.
    pub values: Box<[Span]>,
}

/// Where requests of a source go first.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Resolvers, tried in this order.
    Resolvers(Vec<NodeId>),
    /// Straight to a node.
    Node(Target),
}

/// What can be called: a node, or an address that stands for one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// This node.
    Node(NodeId),
    /// The holder of this virtual IP when the call arrives.
    Vip(VipId),
}

/// A retry policy.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Most retries after the first attempt.
    pub max: u32,
    /// Pause before the first retry.
    pub backoff: Span,
    /// The factor by which each further pause grows.
    pub factor: f64,
    /// Longest pause.
    pub cap: Option<Span>,
    /// The random share of the pause: 0 = none, 1 = all of it.
    pub jitter: f64,
    /// Retries allowed per request, averaged over all requests of the caller; `None` = unlimited.
    pub budget: Option<f64>,
}

/// A machine: cores that everything on it shares.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name; the node's name if implied by a node.
    pub name: String,
    /// Whether the scenario names it. Only named hosts are components of their own.
    pub named: bool,
    /// Its cores; `None` = unlimited.
    pub cores: Option<u32>,
    /// Speed of its cores relative to the reference.
    pub speed: f64,
    /// Its zone.
    pub zone: Option<ZoneId>,
    /// Its address, for display.
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
    /// Its host.
    pub host: HostId,
    /// Requests in service at once; `None` = unlimited.
    pub workers: Option<u32>,
    /// Places in the queue; `None` = unlimited.
    pub queue: Option<u32>,
    /// Cost of a request by class; for a database member, by [`READ`] and [`WRITE`].
    pub work: Vec<Work>,
    /// What happens to work whose caller gave up.
    pub abandoned: Abandoned,
    /// Keys the draws of this node's work. Nodes that replace one another share it, so that a request costs the same on
    /// each of them (see [`crate::base::random`]).
    pub draws: u64,
}

/// Index into a database member's `work`: the cost of a read.
pub const READ: usize = 0;
/// Index into a database member's `work`: the cost of a write.
pub const WRITE: usize = 1;

/// The cost of serving one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Demand on the host's cores.
    pub cpu: Dist,
    /// Time that holds the worker and no core.
    pub io: Dist,
}

impl Work {
    /// No cost.
    pub const NONE: Work = Work {
        cpu: Dist::ZERO,
        io: Dist::ZERO,
    };

    /// Whether it costs nothing.
    pub fn is_none(&self) -> bool {
        self.cpu.is_zero() && self.io.is_zero()
    }
}

/// What happens to work whose caller gave up.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Abandoned {
    /// It continues, and its answer is dropped.
    Finish,
    /// It stops, and everything it holds is released at once.
    Stop,
}

/// A database as a whole.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its members, in order.
    pub members: Vec<NodeId>,
    /// The initial primary: an index into `members`.
    pub primary: usize,
    /// Which members serve reads.
    pub read_from: ReadFrom,
    /// Replication lag: the time until replicas receive a write.
    pub lag: Dist,
    /// Time a replica takes to apply one write, one after the other.
    pub apply: Dist,
    /// `semi-sync`: longest time the primary waits for a replica; `None` = asynchronous.
    pub semi_sync: Option<Span>,
    /// How a replica is promoted when the primary fails.
    pub failover: Promotion,
}

impl Database {
    /// The initial primary.
    pub fn first(&self) -> NodeId {
        self.members[self.primary]
    }

    /// The primary after all promotions: with automatic fail-over, the first living member replaces a dead primary.
    pub fn writer(&self, is_up: impl Fn(NodeId) -> bool) -> Option<NodeId> {
        let is_automatic = matches!(self.failover, Promotion::Automatic { .. });
        let others = self.members.iter().copied().filter(|_| is_automatic);
        iter::once(self.first()).chain(others).find(|m| is_up(*m))
    }

    /// Whether a member serves reads under this primary.
    pub fn reads_from(&self, member: NodeId, primary: NodeId) -> bool {
        match self.read_from {
            ReadFrom::Any => true,
            ReadFrom::Primary => member == primary,
            ReadFrom::Replicas => member != primary,
        }
    }
}

/// Which members serve reads.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// Every member, in turn.
    Any,
    /// The primary only.
    Primary,
    /// The replicas only, in turn.
    Replicas,
}

/// How a replica is promoted.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Clone, Debug)]
pub enum Promotion {
    /// Not at all: writes fail until the primary is back.
    Manual,
    /// Automatically: a time to detect the failure, and a time to promote.
    Automatic { detect: Dist, promote: Dist },
}

/// A virtual IP.
#[derive(Clone, Debug)]
pub struct Vip {
    /// Its name.
    pub name: String,
    /// Its possible holders, in order of preference.
    pub members: Vec<NodeId>,
    /// Time from the failure of the holder until the next one answers.
    pub failover: Dist,
    /// Whether the preferred member takes it back.
    pub preempt: bool,
}

/// The network between hosts.
#[derive(Clone, Debug)]
pub struct Network {
    /// One way, between different hosts.
    pub latency: Span,
    /// Share of messages lost and retransmitted.
    pub loss: f64,
    /// Bytes per second; `None` = message size does not matter.
    pub bandwidth: Option<f64>,
    /// Links that differ from this default.
    pub links: Vec<Link>,
    /// The link for messages between two hosts, if not the default.
    pub routes: BTreeMap<(HostId, HostId), LinkId>,
}

impl Network {
    /// Travel time of a message from one host to another, one way.
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
    /// Share of messages lost and retransmitted.
    pub loss: f64,
    /// Bytes per second; `None` = message size does not matter.
    pub bandwidth: Option<f64>,
}

/// One objective.
#[derive(Clone, Debug)]
pub struct Objective {
    /// As the scenario writes it: `availability`, `p99`, `classes.read.p99`, …
    pub name: String,
    /// Its class; `None` = all requests.
    pub class: Option<ClassId>,
    /// What is measured.
    pub measure: Measure,
    /// The target: a lower bound for availability, an upper bound for the rest; in seconds or as a share.
    pub target: f64,
}

/// What an objective measures.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Measure {
    /// Share of requests that succeed.
    Availability,
    /// Share of requests that fail.
    ErrorRatio,
    /// This quantile of the latency of successes.
    Latency(f64),
}

impl Plan {
    /// Whether a repair may have to wait for another one.
    pub fn repairs_wait(&self) -> bool {
        let failures = self.lifetimes.iter().filter(|l| l.is_failure()).count();
        self.repair_crews.is_some_and(|crews| (crews as usize) < failures)
    }

    /// Approximate number of health checks per second while everything is up.
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

    /// The name of a target.
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
