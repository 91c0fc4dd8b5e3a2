//! The settings of a load balancer: HAProxy's own directives, with `_` for `-`.
//!
//! What may be typed, and nothing about what it does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::node::serving;
use super::units::{Brief, Duration, Short, seconds, whole};
use super::web::Tls;

serving! {
    /// HAProxy.
    pub struct LoadBalancer {
        /// `balance`.
        #[serde(default)]
        pub algorithm: Algorithm,
        /// `hash-type`, for `source`, `uri` and `hdr`.
        #[serde(default)]
        pub hash_type: HashType,
        /// How many servers `random` draws before it takes the least loaded of them.
        #[serde(default = "whole::<2>")]
        pub draws: u32,
        /// The servers: names, or objects.
        pub servers: Vec<Brief<Server>>,
        /// Health checks. Omitted: none, and a server is believed up for ever.
        pub check: Option<Check>,
        /// Further attempts after a failed connection.
        #[serde(default = "whole::<3>")]
        pub retries: u32,
        /// `option redispatch`: a retry may go to another server.
        #[serde(default)]
        pub redispatch: bool,
        /// `retry-on`: what is retried. Omitted: `conn-failure`; a list replaces that.
        #[serde(default)]
        pub retry_on: Vec<RetryOn>,
        /// Time-outs.
        #[serde(default)]
        pub timeouts: Timeouts,
        /// Connections at once; beyond it, requests wait outside. Omitted: unlimited.
        pub maxconn: Option<u32>,
        /// How many connections may wait outside; those beyond it are tried again by their kernels, five times after 1 s and then after 2 s, 4 s and so on.
        /// Default: `maxconn`.
        pub backlog: Option<u32>,
        /// The connections at which a server's `maxconn` is reached, with `minconn`. Default: a tenth of `maxconn`.
        pub fullconn: Option<u32>,
        /// `option allbackups`: use all backups at once, not only the first.
        #[serde(default)]
        pub allbackups: bool,
        /// `observe`: learn from live traffic too.
        pub observe: Option<Observe>,
        /// `error-limit`: errors observed in a row before `on_error` acts.
        #[serde(default = "whole::<10>")]
        pub error_limit: u32,
        /// `on-error`: what it does then.
        #[serde(default)]
        pub on_error: OnError,
        /// `on-marked-down`: what becomes of the requests on a server that is marked down. Omitted: they go on.
        pub on_marked_down: Option<OnMarkedDown>,
        /// TLS termination.
        pub tls: Option<Tls>,
    }
}

/// `balance`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// In turn, by weight; weights can change at run time.
    #[default]
    Roundrobin,
    /// In turn, by weight, round a table laid out beforehand: no `slowstart`.
    #[serde(rename = "static-rr")]
    StaticRr,
    /// The one with the fewest connections.
    Leastconn,
    /// The first with a free place.
    First,
    /// The less loaded of some drawn at random.
    Random,
    /// By a hash of the client.
    Source,
    /// By a hash of the request's key.
    Uri,
    /// By a hash of the request's key.
    Hdr,
}

/// `hash-type`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HashType {
    /// Hash modulo the weight of those that are up: most keys move when one goes.
    #[default]
    MapBased,
    /// A ring: only the keys of the one that goes move.
    Consistent,
}

/// One server of a backend.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The node it is.
    pub node: String,
    /// `id`, for `first`. Default: its place in the list, from 1.
    pub id: Option<u32>,
    /// `weight`, 0 to 256; 0 = gets nothing.
    #[serde(default = "whole::<1>")]
    pub weight: u32,
    /// `maxconn`: requests on it at once; more wait in the balancer. Omitted or 0: unlimited.
    pub maxconn: Option<u32>,
    /// `minconn`: the limit follows the load, from this up to `maxconn` at `fullconn` connections.
    pub minconn: Option<u32>,
    /// `maxqueue`: requests that wait for it at once. Omitted or 0: unlimited.
    pub maxqueue: Option<u32>,
    /// Used only when all others are down.
    #[serde(default)]
    pub backup: bool,
    /// `slowstart`: how long it takes to its full weight after it came up.
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
    /// From the end of one check to the next.
    #[serde(default = "seconds::<2>")]
    pub inter: Duration,
    /// The same while a server is going up or down. Default: `inter`.
    pub fastinter: Option<Duration>,
    /// The same while a server is down. Default: `inter`.
    pub downinter: Option<Duration>,
    /// Failures in a row until it is down.
    #[serde(default = "whole::<3>")]
    pub fall: u32,
    /// Successes in a row until it is up.
    #[serde(default = "whole::<2>")]
    pub rise: u32,
    /// How long a check of a silent server lasts. Default: `inter`.
    pub timeout: Option<Duration>,
    /// Ask what stands behind the server too.
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
    /// The connection was refused, or nobody answered it.
    ConnFailure,
    /// The server died with the request in it.
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
    /// All of these.
    AllRetryableErrors,
}

/// `observe`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Observe {
    /// Connections.
    Layer4,
    /// Answers too.
    Layer7,
}

/// `on-error`.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// Check at `fastinter`.
    Fastinter,
    /// Count as a failed check.
    #[default]
    FailCheck,
    /// One more failed check and it is down, or as many errors again.
    SuddenDeath,
    /// Down.
    MarkDown,
}

/// `on-marked-down`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnMarkedDown {
    /// They end with a 502.
    ShutdownSessions,
}
