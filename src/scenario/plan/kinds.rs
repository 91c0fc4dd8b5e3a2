//! What a node is: the settled settings of each kind.

use super::{Retry, Target};
use crate::base::dist::Dist;
use crate::base::ids::{ClassId, DatabaseId, NodeId};
use crate::base::time::Span;

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
    /// How long a client keeps the answer that there is no address; `None` = as long as any other, also when a fault changes that.
    pub negative_ttl: Option<Span>,
    /// How long a lookup takes.
    pub lookup: Dist,
    /// How long a client waits for this resolver.
    pub timeout: Span,
    /// How it finds out which answers are down; `None` = it gives out all of them.
    pub failover: Option<Check>,
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
    /// `retry-on`: what is retried.
    pub retry_on: Vec<RetryOn>,
    /// `timeout connect`.
    pub connect_timeout: Span,
    /// `timeout queue`.
    pub queue_timeout: Span,
    /// `timeout server`.
    pub server_timeout: Option<Span>,
    /// Frontend `maxconn`; beyond it, requests wait outside.
    pub maxconn: Option<u32>,
    /// `backlog`: the most that wait outside.
    pub backlog: u32,
    /// `fullconn`: the load at which a server's `maxconn` is reached; `None` where no server has a `minconn`.
    pub fullconn: Option<u32>,
    /// `option allbackups`.
    pub allbackups: bool,
    /// `observe layer4` or `layer7`.
    pub observe: Option<Observe>,
    /// `error-limit`.
    pub error_limit: u32,
    /// `on-error`.
    pub on_error: OnError,
    /// `on-marked-down shutdown-sessions`.
    pub shutdown_sessions: bool,
    /// TLS at the balancer.
    pub tls: Option<Tls>,
}

/// A balancing algorithm of HAProxy.
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
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

impl Algorithm {
    /// Is its table laid out beforehand, so that no weight can change but to nothing?
    pub fn is_static(self) -> bool {
        matches!(self, Algorithm::StaticRr | Algorithm::Hash { consistent: false, .. })
    }
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
    /// `conn-failure`: the connection was refused, or nobody answered it.
    ConnFailure,
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
    /// `proxy_cache`.
    pub cache: Option<Cache>,
    /// `limit_req`.
    pub limit_req: Option<LimitReq>,
    /// `limit_conn`: requests of one client at once.
    pub limit_conn: Option<u32>,
    /// `proxy_connect_timeout`.
    pub connect_timeout: Span,
    /// `proxy_read_timeout`.
    pub read_timeout: Option<Span>,
}

/// A cache: what a warm one answers, and how long a cold one takes to be warm.
#[derive(Copy, Clone, Debug)]
pub struct Cache {
    /// Share of the requests that would be proxied.
    pub hit: f64,
    /// How long an answer stays in it; an empty one is full after so long. Zero = at once.
    pub ttl: Span,
}

impl Cache {
    /// Does it answer some requests however long there is nobody behind it?
    pub fn outlasts(self) -> bool {
        self.hit >= 1.0 || self.hit > 0.0 && self.ttl.is_zero()
    }
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
    /// `ip_hash`.
    IpHash,
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
    /// What it does about a query or a call that failed.
    pub retry: Option<Retry>,
    /// When it stops asking: one before the database, one before each node it calls.
    pub breaker: Option<Breaker>,
}

impl App {
    /// Does it ask nobody, whatever the request?
    pub fn only_works(&self) -> bool {
        self.database.is_none() && self.calls.is_empty()
    }

    /// What a request of this class asks of the database.
    pub fn queries(&self, class: ClassId) -> Queries {
        match self.database {
            Some(_) => self.queries[class.index()],
            None => Queries::default(),
        }
    }
}

/// A circuit breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    /// It opens after so many failures …
    pub failures: u32,
    /// … within this time …
    pub window: Span,
    /// … and stays open for so long.
    pub open: Span,
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
