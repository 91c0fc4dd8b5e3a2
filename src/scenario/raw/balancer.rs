//! The settings of a load balancer: HAProxy's own directives, with `_` for `-`.
//!
//! Declares the format only, not the behaviour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::node::serving;
use super::units::{Brief, Duration, Short, seconds, whole};
use super::web::Tls;

serving! {
    /// HAProxy.
    pub struct LoadBalancer {
        /// `balance`: the balancing algorithm.
        #[serde(default)]
        pub algorithm: Algorithm,
        /// `hash-type`, for `source`, `uri` and `hdr`.
        #[serde(default)]
        pub hash_type: HashType,
        /// The number of servers that `random` draws; it takes the least loaded of them.
        #[serde(default = "whole::<2>")]
        pub draws: u32,
        /// The servers: node names, or objects.
        pub servers: Vec<Brief<Server>>,
        /// Health checks. Omitted: none; servers are always believed up.
        pub check: Option<Check>,
        /// The number of further attempts after a failed connection.
        #[serde(default = "whole::<3>")]
        pub retries: u32,
        /// `option redispatch`: a retry may go to another server.
        #[serde(default)]
        pub redispatch: bool,
        /// `retry-on`: the outcomes that are retried. Omitted: `conn-failure`; a list replaces it.
        #[serde(default)]
        pub retry_on: Vec<RetryOn>,
        /// Time-outs.
        #[serde(default)]
        pub timeouts: Timeouts,
        /// Maximum number of connections; further requests wait outside, in the kernel's accept queue. Omitted:
        /// unlimited.
        pub maxconn: Option<u32>,
        /// How many connections may wait outside. The kernels of further clients try again: five times after 1 s, then
        /// after 2 s, 4 s and so on. Default: `maxconn`.
        pub backlog: Option<u32>,
        /// The number of connections at which a server with `minconn` reaches its `maxconn`. Default: a tenth of
        /// `maxconn`.
        pub fullconn: Option<u32>,
        /// `option allbackups`: use all backups at once instead of only the first.
        #[serde(default)]
        pub allbackups: bool,
        /// `observe`: also watch live traffic for errors.
        pub observe: Option<Observe>,
        /// `error-limit`: consecutive errors in live traffic before `on_error` acts.
        #[serde(default = "whole::<10>")]
        pub error_limit: u32,
        /// `on-error`: the action after `error_limit` errors.
        #[serde(default)]
        pub on_error: OnError,
        /// `on-marked-down`: what happens to the requests on a server that is marked down. Omitted: they continue.
        pub on_marked_down: Option<OnMarkedDown>,
        /// TLS termination.
        pub tls: Option<Tls>,
    }
}

/// `balance`: the balancing algorithm.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Weighted round robin; weights can change at run time.
    #[default]
    Roundrobin,
    /// Weighted round robin over a table laid out beforehand; no `slowstart`.
    #[serde(rename = "static-rr")]
    StaticRr,
    /// The server with the fewest connections.
    Leastconn,
    /// The first server with a free slot.
    First,
    /// The least loaded of several servers drawn at random.
    Random,
    /// By a hash of the client.
    Source,
    /// By a hash of the request's key.
    Uri,
    /// By a hash of the request's key.
    Hdr,
}

/// `hash-type`: how a hash selects a server.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HashType {
    /// Hash modulo the weight of the servers that are up: most keys move when one goes down.
    #[default]
    MapBased,
    /// A hash ring: only the keys of the server that goes down move.
    Consistent,
}

/// One server of a backend.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The name of the node.
    pub node: String,
    /// `id`, for `first`. Default: its position in the list, from 1.
    pub id: Option<u32>,
    /// `weight`, 0 to 256; 0 = no requests.
    #[serde(default = "whole::<1>")]
    pub weight: u32,
    /// `maxconn`: maximum number of requests on it; more wait in the balancer. Omitted or 0: unlimited.
    pub maxconn: Option<u32>,
    /// `minconn`: the limit grows with the load, from this up to `maxconn` at `fullconn` connections.
    pub minconn: Option<u32>,
    /// `maxqueue`: maximum number of requests that wait for it. Omitted or 0: unlimited.
    pub maxqueue: Option<u32>,
    /// Used only when all non-backup servers are down.
    #[serde(default)]
    pub backup: bool,
    /// `slowstart`: the time to reach full weight after it comes up.
    pub slowstart: Option<Duration>,
}

impl Short for Server {
    type Long = Server;
    const NAME: &'static str = "ServerOrName";
    const EXPECTED: &'static str = "the name of a node, or an object with \"node\"";

    fn long(long: Server) -> Server {
        long
    }

    fn text(text: &str) -> Result<Server, String> {
        let (node, weight) = (text.to_owned(), 1);
        Ok(Server {
            node,
            id: None,
            weight,
            maxconn: None,
            minconn: None,
            maxqueue: None,
            backup: false,
            slowstart: None,
        })
    }
}

/// A health check.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Time from the end of one check to the start of the next.
    #[serde(default = "seconds::<2>")]
    pub inter: Duration,
    /// The interval while a server is in transition (going up or down). Default: `inter`.
    pub fastinter: Option<Duration>,
    /// The interval while a server is down. Default: `inter`.
    pub downinter: Option<Duration>,
    /// Consecutive failures after which a server is down.
    #[serde(default = "whole::<3>")]
    pub fall: u32,
    /// Consecutive successes after which a server is up.
    #[serde(default = "whole::<2>")]
    pub rise: u32,
    /// The time after which a check of a silent server fails. Default: `inter`.
    pub timeout: Option<Duration>,
    /// Whether a check also asks what is behind the server.
    #[serde(default)]
    pub deep: bool,
}

/// Time-outs of a balancer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// `timeout connect`.
    #[serde(default = "seconds::<5>")]
    pub connect: Duration,
    /// `timeout queue`. Default: `connect`.
    pub queue: Option<Duration>,
    /// `timeout server`. Omitted: none.
    pub server: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: seconds::<5>(),
            queue: None,
            server: None,
        }
    }
}

/// An outcome that `retry_on` retries.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RetryOn {
    /// The connection was refused or not answered.
    ConnFailure,
    /// The connection broke without an answer, as when the server dies.
    EmptyResponse,
    /// The server did not answer in time.
    ResponseTimeout,
    /// An error answer.
    #[serde(rename = "500")]
    Http500,
    /// An error answer.
    #[serde(rename = "502")]
    Http502,
    /// An error answer.
    #[serde(rename = "503")]
    Http503,
    /// An error answer.
    #[serde(rename = "504")]
    Http504,
    /// All of these outcomes.
    AllRetryableErrors,
}

/// What `observe` watches.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Observe {
    /// Connections only.
    Layer4,
    /// Connections and answers.
    Layer7,
}

/// What `on-error` does.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// Bring the next check forward to `fastinter`.
    Fastinter,
    /// Count the errors as a failed check.
    #[default]
    FailCheck,
    /// One more failed check takes the server down; so do as many errors again.
    SuddenDeath,
    /// Mark the server down.
    MarkDown,
}

/// What `on-marked-down` does.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnMarkedDown {
    /// The requests end with a 502.
    ShutdownSessions,
}
