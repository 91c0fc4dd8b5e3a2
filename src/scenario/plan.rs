//! The Plan: a scenario after everything has been settled.
//!
//! Names have become ids, units nanoseconds, defaults values. Nothing here is a question any more, so nobody after this
//! module checks again. Built once by [`crate::scenario::load`], shared by every replication, never changed.
//! An `Option` in here means "there is none" (no time-out, no check), never "use the default".

use std::collections::BTreeMap;

use crate::base::dist::Dist;
use crate::base::ids::{ClassId, DatabaseId, HostId, LinkId, NodeId, SourceId, VipId, ZoneId};
use crate::base::time::{Span, Time};

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
    /// How much of its start is left out of the estimates.
    pub warmup: Warmup,
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
    /// What breaks by itself (`--failures`), and what is taken down for maintenance.
    pub lifetimes: Vec<Lifetime>,
    /// How a failure comes to a person's notice.
    pub monitoring: Monitoring,
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
    /// Smaller is served first in a balancer's queue.
    pub priority: i32,
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
    /// When requests come.
    pub load: Load,
    /// Where they go first.
    pub entry: Entry,
    /// How long a client waits for the answer, from the wish on.
    pub timeout: Option<Span>,
    /// What a client does about a failure.
    pub retry: Option<Retry>,
    /// How long the browser renders an answer; reported apart.
    pub render: Option<Dist>,
}

/// When requests come.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Load {
    /// They come whatever happens to them, each from one of so many clients.
    Open { arrivals: Arrivals, population: u32 },
    /// So many users, each thinking between answer and next wish.
    Closed { users: u32, think: Dist },
}

/// The arrival process of an open source. Rates are per second.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
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

/// A client's retry policy.
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
    /// Retries allowed per request, over all clients of the source; `None` = as many as they like.
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

/// What a node is, with the settings of its kind.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A resolver.
    Dns(Dns),
    /// A packet filter.
    Firewall(Firewall),
    /// HAProxy.
    LoadBalancer(LoadBalancer),
    /// Nginx.
    Web(Web),
    /// An application server.
    App(App),
    /// One member of a database.
    Member(Member),
}

/// A resolver.
#[derive(Clone, Debug)]
pub struct Dns {
    /// The addresses, rotated by one at each lookup.
    pub answers: Vec<Target>,
    /// How long a client keeps an answer.
    pub ttl: Span,
    /// How long a lookup takes.
    pub lookup: Dist,
    /// How long a client waits for this resolver.
    pub timeout: Span,
}

/// A packet filter.
#[derive(Clone, Debug)]
pub struct Firewall {
    /// What stands behind it.
    pub to: Target,
    /// Size of the state table; `None` = unlimited.
    pub connections: Option<u32>,
    /// New requests a second.
    pub limit: Option<RateLimit>,
}

/// A token bucket: `rate` a second, `burst` at once.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// Tokens a second.
    pub rate: f64,
    /// Size of the bucket.
    pub burst: u32,
}

/// HAProxy.
#[derive(Clone, Debug)]
pub struct LoadBalancer {
    /// `balance`.
    pub algorithm: Algorithm,
    /// The backend's servers, in order of declaration.
    pub servers: Vec<Server>,
    /// How it finds out that a server is down; `None` = it believes them up for ever.
    pub check: Option<Check>,
    /// Further attempts after a failed connection.
    pub retries: u32,
    /// `option redispatch`: a retry may go to another server.
    pub redispatch: bool,
    /// `retry-on`: outcomes other than a failed connection that are retried.
    pub retry_on: Vec<RetryOn>,
    /// `timeout connect`.
    pub connect_timeout: Span,
    /// `timeout queue`.
    pub queue_timeout: Span,
    /// `timeout server`.
    pub server_timeout: Option<Span>,
    /// Frontend `maxconn`; beyond it, requests wait outside.
    pub maxconn: Option<u32>,
    /// `fullconn`: the load at which a server's `maxconn` is reached (with `minconn`).
    pub fullconn: Option<u32>,
    /// `option allbackups`.
    pub allbackups: bool,
    /// `observe layer4` or `layer7`.
    pub observe: Option<Observe>,
    /// `error-limit`.
    pub error_limit: u32,
    /// `on-error`.
    pub on_error: OnError,
    /// TLS at the balancer.
    pub tls: Option<Tls>,
}

/// A balancing algorithm of HAProxy.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Algorithm {
    /// `roundrobin`.
    RoundRobin,
    /// `static-rr`.
    StaticRr,
    /// `leastconn`.
    LeastConn,
    /// `first`.
    First,
    /// `random(draws)`.
    Random { draws: u32 },
    /// `source`, `uri` and `hdr`: by a hash of the client or of the request's key.
    Hash { of: HashOf, consistent: bool },
}

/// What a hash algorithm hashes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum HashOf {
    /// The client.
    Client,
    /// The request's key.
    Key,
}

/// One server of a backend.
#[derive(Clone, Debug)]
pub struct Server {
    /// The node it is.
    pub node: NodeId,
    /// `id`, for `first`.
    pub id: u32,
    /// `weight`, 0 to 256.
    pub weight: u32,
    /// `maxconn`; `None` = unlimited.
    pub maxconn: Option<u32>,
    /// `minconn`.
    pub minconn: Option<u32>,
    /// `maxqueue`; `None` = unlimited.
    pub maxqueue: Option<u32>,
    /// `backup`.
    pub backup: bool,
    /// `slowstart`.
    pub slowstart: Option<Span>,
}

/// A health check.
#[derive(Clone, Debug)]
pub struct Check {
    /// `inter`.
    pub inter: Span,
    /// `fastinter`: in transition.
    pub fastinter: Span,
    /// `downinter`: while down.
    pub downinter: Span,
    /// Failures until down.
    pub fall: u32,
    /// Successes until up.
    pub rise: u32,
    /// How long a check of a silent target lasts.
    pub timeout: Span,
    /// Ask what stands behind the server too.
    pub deep: bool,
}

/// An outcome that `retry-on` retries.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RetryOn {
    /// `empty-response`: the server died with the request in it.
    EmptyResponse,
    /// `response-timeout`.
    ResponseTimeout,
    /// `503` and its like: an error answer.
    Error,
}

/// `observe`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Observe {
    /// Connections.
    Layer4,
    /// Answers too.
    Layer7,
}

/// `on-error`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Check at `fastinter`.
    FastInter,
    /// Count as a failed check.
    FailCheck,
    /// One more failure and it is down.
    SuddenDeath,
    /// Down.
    MarkDown,
}

/// TLS termination.
#[derive(Clone, Debug)]
pub struct Tls {
    /// CPU of a full handshake.
    pub handshake: Dist,
    /// Share of connections that resume.
    pub resumption: f64,
    /// CPU of a resumed handshake.
    pub resumed: Dist,
}

/// Nginx.
#[derive(Clone, Debug)]
pub struct Web {
    /// By class: answered here?
    pub serves: Vec<bool>,
    /// Where the rest goes.
    pub upstreams: Vec<Upstream>,
    /// How it is spread.
    pub balance: WebBalance,
    /// `worker_connections`.
    pub connections: u32,
    /// TLS termination.
    pub tls: Option<Tls>,
    /// `proxy_next_upstream_tries`; 1 = never another.
    pub tries: u32,
    /// `proxy_next_upstream`: what makes it try another.
    pub next_on: NextOn,
    /// `limit_req`.
    pub limit_req: Option<LimitReq>,
    /// `proxy_connect_timeout`.
    pub connect_timeout: Span,
    /// `proxy_read_timeout`.
    pub read_timeout: Option<Span>,
}

/// `proxy_next_upstream`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct NextOn {
    /// `error`: refused or reset.
    pub error: bool,
    /// `timeout`: no connection, or no answer.
    pub timeout: bool,
    /// `http_5xx`: an error answer.
    pub answer: bool,
}

/// `limit_req` in Nginx's own units.
#[derive(Clone, Debug)]
pub struct LimitReq {
    /// Milli-requests a second (`rate` × 1000).
    pub rate: u64,
    /// `burst`, in requests.
    pub burst: u64,
    /// Excess requests served without delay; `nodelay` = all of the burst.
    pub delay: u64,
}

/// How Nginx spreads requests over its upstreams.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum WebBalance {
    /// Smooth weighted round robin.
    RoundRobin,
    /// `least_conn`.
    LeastConn,
}

/// One server of an Nginx upstream.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The node it is.
    pub node: NodeId,
    /// `weight`.
    pub weight: u32,
    /// `backup`.
    pub backup: bool,
    /// `max_conns`; `None` = unlimited.
    pub max_conns: Option<u32>,
    /// `max_fails`; 0 = never skipped.
    pub max_fails: u32,
    /// `fail_timeout`, in whole seconds.
    pub fail_timeout: Span,
}

/// An application server.
#[derive(Clone, Debug)]
pub struct App {
    /// The database it asks; one query list a class, reads first.
    pub database: Option<DatabaseId>,
    /// By class.
    pub queries: Vec<Queries>,
    /// Nodes called in order after the queries.
    pub calls: Vec<Target>,
    /// Database connections; `None` = as many as there are workers.
    pub pool: Option<u32>,
    /// How long a connection may take.
    pub connect_timeout: Span,
    /// How long an answer may take.
    pub query_timeout: Option<Span>,
    /// A database member that failed to connect is skipped for so long.
    pub avoid: Span,
}

/// What a request of one class asks of the database.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub struct Queries {
    /// Reads, asked first.
    pub read: u32,
    /// Writes.
    pub write: u32,
}

/// One member of a database.
#[derive(Clone, Debug)]
pub struct Member {
    /// The database.
    pub database: DatabaseId,
    /// `max_connections`.
    pub max_connections: u32,
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
    /// `semi-sync`: the primary waits for a replica, at most this long; `None` = async.
    pub semi_sync: Option<Span>,
    /// Who promotes a replica when the primary dies.
    pub failover: Promotion,
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
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
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
    /// Links that differ from this.
    pub links: Vec<Link>,
    /// The link that a message from one host to another takes, where it is not the default.
    pub routes: BTreeMap<(HostId, HostId), LinkId>,
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
}

/// A scheduled fault.
#[derive(Clone, Debug)]
pub struct Fault {
    /// When it begins.
    pub at: Time,
    /// How long it lasts; `None` = for good.
    pub lasts: Option<Span>,
    /// What it is, for the event log and the charts.
    pub what: String,
    /// The component that the scenario named.
    pub target: String,
    /// What it does, and to whom.
    pub hits: Vec<Hit>,
}

/// One effect on one place. Down is a count of these, so overlapping faults cannot resurrect anything.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Hit {
    /// The process dies.
    CrashNode(NodeId),
    /// The machine dies, with everything on it.
    CrashHost(HostId),
    /// The process stands still.
    Hang(NodeId),
    /// Everything there takes so many times as long.
    Slow(NodeId, f64),
    /// This share of the answers is an error.
    Errors(NodeId, f64),
    /// This share of the calls to it is dropped without a word.
    Drop(NodeId, f64),
    /// This share of the calls over the link is dropped without a word.
    DropLink(LinkId, f64),
    /// Nothing passes between these hosts, either way.
    Partition { from: Vec<HostId>, to: Vec<HostId> },
    /// Nothing passes this link.
    CutLink(LinkId),
    /// Taken out of its balancers by hand.
    Maint(NodeId),
    /// Gets no new requests from its balancers.
    Drain(NodeId),
    /// Settings changed at run time.
    Set(NodeId, Setting),
}

/// A setting that can change at run time, with its new value. After the fault the old one is back.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A resolver's `answers`.
    Answers(Vec<Target>),
    /// A resolver's `ttl`.
    Ttl(Span),
    /// The weight of the server that is this node, in the balancer [`Hit::Set`] names.
    Weight {
        /// Index into the balancer's servers.
        server: usize,
        /// The new weight.
        weight: u32,
    },
    /// The `maxconn` of a server of the balancer.
    Maxconn {
        /// Index into the balancer's servers.
        server: usize,
        /// The new limit; `None` = unlimited.
        maxconn: Option<u32>,
    },
    /// `workers` of a node.
    Workers(Option<u32>),
}

/// A component that breaks and is repaired, again and again.
#[derive(Clone, Debug)]
pub struct Lifetime {
    /// The component, or the common cause, that breaks.
    pub name: String,
    /// What a failure does.
    pub hits: Vec<Hit>,
    /// How it comes and goes.
    pub course: Course,
}

/// How a component's failures come and go.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Course {
    /// Up for a drawn time, then noticed, then repaired for a drawn time. Only with `--failures`.
    Failures { mtbf: Dist, mttr: Dist },
    /// Down for `lasts` every `every`: planned, so nobody has to notice. Only with `--failures`.
    Maintenance { every: Span, lasts: Span },
}

/// How a failure comes to a person's notice before repair can begin.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Monitoring {
    /// Not said: noticed at once, with a caveat.
    Unsaid,
    /// A probe every `interval`, an alarm after so many failures, then a person.
    Probes {
        interval: Span,
        failures: u32,
        notify: Dist,
        respond: Dist,
    },
    /// Users call.
    None { notice: Dist },
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
    /// The source with this id.
    pub fn source(&self, id: SourceId) -> &Source {
        &self.sources[id.index()]
    }

    /// The node with this id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
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
