//! The settings of a web server: Nginx's own directives.
//!
//! Declares the format only, not the behaviour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dist::Dist;
use super::node::serving;
use super::units::{Brief, Duration, Rate, Ratio, Short, seconds, whole};
use crate::base::time::Span;

serving! {
    /// Nginx.
    pub struct Web {
        /// The classes answered here.
        #[serde(default)]
        pub serves: Vec<String>,
        /// Where all other classes go: node names, or objects.
        #[serde(default)]
        pub upstreams: Vec<Brief<Upstream>>,
        /// How requests are spread over the upstreams.
        #[serde(default)]
        pub balance: Balance,
        /// `worker_connections`: a proxied request takes two, a static one takes one, and Nginx itself uses two.
        #[serde(default = "whole::<512>")]
        pub connections: u32,
        /// Idle connections kept to the upstreams. No effect, since a connection costs nothing here.
        pub keepalive: Option<u32>,
        /// `proxy_next_upstream`: the failures after which it tries another upstream.
        #[serde(default = "error_timeout")]
        pub next_upstream: Vec<NextUpstream>,
        /// `proxy_next_upstream_tries`; 0 = unlimited.
        #[serde(default)]
        pub next_upstream_tries: u32,
        /// TLS termination.
        pub tls: Option<Tls>,
        /// `proxy_cache`.
        pub cache: Option<Cache>,
        /// `limit_req`.
        pub limit_req: Option<LimitReq>,
        /// `limit_conn`: maximum number of requests of one client; more are `rejected`. Omitted: no limit.
        pub limit_conn: Option<u32>,
        /// Time-outs.
        #[serde(default)]
        pub timeouts: Timeouts,
    }
}

/// How requests are spread over upstreams.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Smooth weighted round robin.
    #[default]
    #[serde(rename = "roundrobin")]
    RoundRobin,
    /// The upstream with the fewest connections for its weight.
    LeastConn,
    /// By a hash of the client's network, so that a client keeps its server.
    IpHash,
}

/// One server of an upstream.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The name of the node.
    pub node: String,
    /// `weight`.
    #[serde(default = "whole::<1>")]
    pub weight: u32,
    /// Used only when all non-backup servers are down.
    #[serde(default)]
    pub backup: bool,
    /// `max_conns`; 0 = unlimited.
    #[serde(default)]
    pub max_conns: u32,
    /// `max_fails`: failures within `fail_timeout` after which it is skipped; 0 = never.
    #[serde(default = "whole::<1>")]
    pub max_fails: u32,
    /// `fail_timeout`: how long it is skipped, in whole seconds.
    #[serde(default = "seconds::<10>")]
    pub fail_timeout: Duration,
}

impl Short for Upstream {
    type Long = Upstream;
    const NAME: &'static str = "UpstreamOrName";
    const EXPECTED: &'static str = "the name of a node, or an object with \"node\"";

    fn long(long: Upstream) -> Upstream {
        long
    }

    fn text(text: &str) -> Result<Upstream, String> {
        let node = text.to_owned();
        Ok(Upstream {
            node,
            weight: 1,
            backup: false,
            max_conns: 0,
            max_fails: 1,
            fail_timeout: seconds::<10>(),
        })
    }
}

/// A failure after which a web server tries another upstream.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextUpstream {
    /// The connection was refused or reset.
    Error,
    /// The connection or the answer did not come in time.
    Timeout,
    /// An error answer.
    #[serde(rename = "http_500")]
    Http500,
    /// An error answer.
    #[serde(rename = "http_502")]
    Http502,
    /// An error answer.
    #[serde(rename = "http_503")]
    Http503,
    /// An error answer.
    #[serde(rename = "http_504")]
    Http504,
    /// Never try another upstream.
    Off,
}

fn error_timeout() -> Vec<NextUpstream> {
    vec![NextUpstream::Error, NextUpstream::Timeout]
}

/// TLS termination.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// CPU time of a full handshake. Default: 1.5 ms, as with an RSA-2048 certificate.
    #[serde(default = "rsa_2048")]
    pub handshake: Dist,
    /// Share of connections that resume an earlier session.
    #[serde(default = "none")]
    pub resumption: Ratio,
    /// CPU time of a resumed handshake. Default: that of a full one divided by 2.3, as measured with RSA-2048 (1.2 with
    /// ECDSA P-256).
    pub resumed: Option<Dist>,
}

fn rsa_2048() -> Dist {
    Dist::constant(Duration(Span::from_seconds(0.0015)))
}

fn none() -> Ratio {
    Ratio(0.0)
}

/// `proxy_cache`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Share of the requests to be proxied that a warm cache answers.
    pub hit: Ratio,
    /// How long an answer stays in the cache. At the start and after a crash the cache is empty and fills as keys are
    /// requested. While no upstream answers, its content goes stale within this time. Omitted: always warm.
    pub ttl: Option<Duration>,
}

/// `limit_req`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitReq {
    /// Requests per second.
    pub rate: Rate,
    /// The number of requests beyond the rate that are accepted, delayed.
    #[serde(default)]
    pub burst: u32,
    /// Whether none of the burst is delayed.
    #[serde(default)]
    pub nodelay: bool,
    /// How many requests of the burst are not delayed.
    #[serde(default)]
    pub delay: u32,
}

/// Time-outs of a proxy.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// `proxy_connect_timeout`.
    #[serde(default = "seconds::<5>")]
    pub connect: Duration,
    /// `proxy_read_timeout`.
    #[serde(default = "seconds::<60>")]
    pub read: Duration,
    /// `proxy_send_timeout`. No effect, since a sender never stalls here.
    pub send: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: seconds::<5>(),
            read: seconds::<60>(),
            send: None,
        }
    }
}
