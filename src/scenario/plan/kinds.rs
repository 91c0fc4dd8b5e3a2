//! Nodes: the resolved settings of each kind.

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
    /// How long a client keeps the answer that there is no address. `None` = `ttl`, also when a fault changes that.
    pub negative_ttl: Option<Span>,
    /// How long a lookup takes.
    pub lookup: Dist,
    /// How long a client waits for this resolver.
    pub timeout: Span,
    /// Its check on the answers; `None` = it gives out all of them.
    pub failover: Option<Check>,
}

/// A packet filter.
#[derive(Clone, Debug)]
pub struct Firewall {
    /// The node behind it.
    pub to: Target,
    /// Size of the state table; `None` = unlimited.
    pub connections: Option<u32>,
    /// The rate limit on new requests.
    pub limit: Option<RateLimit>,
}

/// A token bucket: `rate` per second, `burst` at once.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// Tokens per second.
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
    /// Its health checks; `None` = servers are always believed up.
    pub check: Option<Check>,
    /// The number of further attempts after a failed connection.
    pub retries: u32,
    /// `option redispatch`: a retry may go to another server.
    pub redispatch: bool,
    /// `retry-on`: the outcomes that are retried.
    pub retry_on: Vec<RetryOn>,
    /// `timeout connect`.
    pub connect_timeout: Span,
    /// `timeout queue`.
    pub queue_timeout: Span,
    /// `timeout server`.
    pub server_timeout: Option<Span>,
    /// `maxconn` of the front end; further requests wait outside.
    pub maxconn: Option<u32>,
    /// `backlog`: maximum number of requests waiting outside.
    pub backlog: u32,
    /// `fullconn`: the load at which a server reaches its `maxconn`; `None` where no server has a `minconn`.
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
    /// TLS termination at the balancer.
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
    /// Whether its table is laid out beforehand, so that a weight can only change to 0.
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
    /// The node.
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
    /// Consecutive failures until down.
    pub fall: u32,
    /// Consecutive successes until up.
    pub rise: u32,
    /// The time after which a check of a silent target fails.
    pub timeout: Span,
    /// Whether a check also asks what is behind the server.
    pub deep: bool,
}

/// An outcome that `retry-on` retries.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RetryOn {
    /// `conn-failure`: the connection was refused or not answered.
    ConnFailure,
    /// `empty-response`: the connection broke without an answer, as when the server dies.
    EmptyResponse,
    /// `response-timeout`.
    ResponseTimeout,
    /// `503` and the like: an error answer.
    Error,
}

/// `observe`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Observe {
    /// Connections only.
    Layer4,
    /// Connections and answers.
    Layer7,
}

/// `on-error`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Bring the next check forward to `fastinter`.
    FastInter,
    /// Count the errors as a failed check.
    FailCheck,
    /// One more failure takes the server down.
    SuddenDeath,
    /// Mark the server down.
    MarkDown,
}

/// TLS termination.
#[derive(Clone, Debug)]
pub struct Tls {
    /// CPU time of a full handshake.
    pub handshake: Dist,
    /// Share of connections that resume an earlier session.
    pub resumption: f64,
    /// CPU time of a resumed handshake.
    pub resumed: Dist,
}

/// Nginx.
#[derive(Clone, Debug)]
pub struct Web {
    /// By class: whether it is answered here.
    pub serves: Vec<bool>,
    /// The upstreams of all other classes.
    pub upstreams: Vec<Upstream>,
    /// How requests are spread over the upstreams.
    pub balance: WebBalance,
    /// `worker_connections`.
    pub connections: u32,
    /// TLS termination.
    pub tls: Option<Tls>,
    /// `proxy_next_upstream_tries`; 1 = no other upstream.
    pub tries: u32,
    /// `proxy_next_upstream`: the failures after which it tries another.
    pub next_on: NextOn,
    /// `proxy_cache`.
    pub cache: Option<Cache>,
    /// `limit_req`.
    pub limit_req: Option<LimitReq>,
    /// `limit_conn`: maximum number of requests of one client.
    pub limit_conn: Option<u32>,
    /// `proxy_connect_timeout`.
    pub connect_timeout: Span,
    /// `proxy_read_timeout`.
    pub read_timeout: Option<Span>,
}

/// A cache: the hit ratio when warm, and the time to warm up.
#[derive(Copy, Clone, Debug)]
pub struct Cache {
    /// Hit ratio among the requests to be proxied, when warm.
    pub hit: f64,
    /// How long an answer stays in it, and how long an empty cache takes to fill. Zero = at once.
    pub ttl: Span,
}

impl Cache {
    /// Whether it answers some requests however long there is no upstream.
    pub fn outlasts(self) -> bool {
        self.hit >= 1.0 || self.hit > 0.0 && self.ttl.is_zero()
    }
}

/// `proxy_next_upstream`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct NextOn {
    /// `error`: the connection was refused or reset.
    pub error: bool,
    /// `timeout`: the connection or the answer did not come in time.
    pub timeout: bool,
    /// `http_5xx`: an error answer.
    pub answer: bool,
}

/// `limit_req` in Nginx's own units.
#[derive(Clone, Debug)]
pub struct LimitReq {
    /// Thousandths of a request per second (`rate` × 1000).
    pub rate: u64,
    /// `burst`, in requests.
    pub burst: u64,
    /// Requests of the burst that are not delayed; with `nodelay`, all.
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
    /// The node.
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
    /// The database it queries.
    pub database: Option<DatabaseId>,
    /// The queries of a request, by class.
    pub queries: Vec<Queries>,
    /// Nodes called in order after the queries.
    pub calls: Vec<Target>,
    /// Database connections; `None` = as many as there are workers.
    pub pool: Option<u32>,
    /// The longest time a connection may take.
    pub connect_timeout: Span,
    /// The longest time an answer may take.
    pub query_timeout: Option<Span>,
    /// How long a database member is skipped after it failed to connect.
    pub avoid: Span,
    /// How a failed query or call is retried.
    pub retry: Option<Retry>,
    /// The circuit breaker: one for the database, and one for each node it calls.
    pub breaker: Option<Breaker>,
}

impl App {
    /// Whether it asks nobody, whatever the request.
    pub fn only_works(&self) -> bool {
        self.database.is_none() && self.calls.is_empty()
    }

    /// The queries of a request of this class.
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
    /// The number of failures after which it opens.
    pub failures: u32,
    /// The time within which these failures must occur.
    pub window: Span,
    /// How long it stays open.
    pub open: Span,
}

/// The queries of a request of one class.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub struct Queries {
    /// Number of reads; they precede the writes.
    pub read: u32,
    /// Number of writes.
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
