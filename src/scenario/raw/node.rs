//! Nodes: the kinds, the settings shared by all serving kinds, and the small kinds.
//!
//! Declares the format only, not the behaviour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::app::{App, Database};
use super::balancer::{Check, LoadBalancer};
use super::dist::{Dist, always};
use super::hosts::{Lifetime, Maintenance};
use super::units::{Duration, Named, Rate, on, seconds};
use super::web::Web;

/// A node that requests pass through.
// The name `kind` tells our decoder to look for the variant under that key (see `read::deserializer`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "kind", rename_all = "kebab-case")]
#[schemars(tag = "kind", rename = "Node")]
pub enum Node {
    /// A DNS resolver.
    Dns(Dns),
    /// A packet filter.
    Firewall(Firewall),
    /// An address held by the first living one of several nodes (keepalived, VRRP).
    VirtualIp(VirtualIp),
    /// HAProxy.
    LoadBalancer(Box<LoadBalancer>),
    /// Nginx.
    Web(Box<Web>),
    /// An application server.
    App(Box<App>),
    /// MySQL: a primary and its replicas.
    Database(Box<Database>),
}

impl Node {
    /// The kind, as typed.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Dns(_) => "dns",
            Node::Firewall(_) => "firewall",
            Node::VirtualIp(_) => "virtual-ip",
            Node::LoadBalancer(_) => "load-balancer",
            Node::Web(_) => "web",
            Node::App(_) => "app",
            Node::Database(_) => "database",
        }
    }

    /// The settings shared by all serving kinds; `None` for a virtual IP and a database, which are roles.
    pub fn serving(&self) -> Option<Serving<'_>> {
        match self {
            Node::Dns(node) => Some(node.serving()),
            Node::Firewall(node) => Some(node.serving()),
            Node::LoadBalancer(node) => Some(node.serving()),
            Node::Web(node) => Some(node.serving()),
            Node::App(node) => Some(node.serving()),
            Node::VirtualIp(_) | Node::Database(_) => None,
        }
    }
}

/// Writes `kind` beside the settings, as it is typed.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let settings = match self {
            Node::Dns(node) => serde_json::to_value(node),
            Node::Firewall(node) => serde_json::to_value(node),
            Node::VirtualIp(node) => serde_json::to_value(node),
            Node::LoadBalancer(node) => serde_json::to_value(node),
            Node::Web(node) => serde_json::to_value(node),
            Node::App(node) => serde_json::to_value(node),
            Node::Database(node) => serde_json::to_value(node),
        };
        let mut whole = serde_json::Map::new();
        whole.insert("kind".into(), self.kind().into());
        match settings.map_err(serde::ser::Error::custom)? {
            serde_json::Value::Object(settings) => whole.extend(settings),
            other => {
                return Err(serde::ser::Error::custom(format!(
                    "settings are an object, not {other}"
                )));
            }
        }
        whole.serialize(serializer)
    }
}

/// The settings shared by all serving kinds.
#[derive(Copy, Clone, Debug)]
pub struct Serving<'a> {
    /// Its host.
    pub host: Option<&'a str>,
    /// Requests in service at once.
    pub workers: Option<u32>,
    /// Places in the queue.
    pub queue: Option<u32>,
    /// The cost of a request, by class.
    pub work: &'a Named<Work>,
    /// How it fails.
    pub lifetime: Option<&'a Lifetime>,
    /// Its planned downtime.
    pub maintenance: Option<&'a Maintenance>,
    /// What happens to work whose caller gave up.
    pub abandoned: Option<Abandoned>,
}

/// Declares the settings of a serving kind: its own, and the shared ones.
macro_rules! serving {
    ($(#[$doc:meta])* pub struct $Name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $Name {
            /// The host it runs on. Omitted: a host of its own, with unlimited cores.
            pub host: Option<String>,
            /// Maximum number of requests in service. Omitted: unlimited.
            pub workers: Option<u32>,
            /// Maximum number of requests that wait for a worker. Omitted: unlimited.
            pub queue: Option<u32>,
            /// The cost of a request here, by class; "*" = every class not named.
            #[serde(default)]
            pub work: $crate::scenario::raw::units::Named<$crate::scenario::raw::node::Work>,
            $($own)*
            /// How it fails and is repaired.
            pub lifetime: Option<$crate::scenario::raw::hosts::Lifetime>,
            /// Its planned downtime.
            pub maintenance: Option<$crate::scenario::raw::hosts::Maintenance>,
            /// What happens to work whose caller gave up. Default: `finish` for `app`, else `stop`.
            pub abandoned: Option<$crate::scenario::raw::node::Abandoned>,
        }

        impl $Name {
            /// The settings shared by all serving kinds.
            pub fn serving(&self) -> $crate::scenario::raw::node::Serving<'_> {
                $crate::scenario::raw::node::Serving {
                    host: self.host.as_deref(),
                    workers: self.workers,
                    queue: self.queue,
                    work: &self.work,
                    lifetime: self.lifetime.as_ref(),
                    maintenance: self.maintenance.as_ref(),
                    abandoned: self.abandoned,
                }
            }
        }
    };
}
pub(super) use serving;

/// The cost of serving one request.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// CPU demand; the host's cores are shared fairly between everything that runs there.
    #[serde(default = "always::<0>")]
    pub cpu: Dist,
    /// Time that holds the worker but no core.
    #[serde(default = "always::<0>")]
    pub io: Dist,
}

/// What happens to work whose caller gave up.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Abandoned {
    /// It continues, and its answer is dropped.
    Finish,
    /// It stops, and everything it holds is released at once.
    Stop,
}

serving! {
    /// A DNS resolver.
    pub struct Dns {
        /// The nodes in its answers, rotated by one at each lookup.
        pub answers: Vec<String>,
        /// How long a client keeps an answer, even if it has become wrong.
        #[serde(default = "seconds::<300>")]
        pub ttl: Duration,
        /// How long a client keeps the answer that there is no address: the minimum of the zone's SOA record. Omitted:
        /// `ttl`.
        pub negative_ttl: Option<Duration>,
        /// How long a lookup takes.
        #[serde(default = "always::<0>")]
        pub lookup: Dist,
        /// How long a client waits for this resolver.
        #[serde(default = "seconds::<5>")]
        pub timeout: Duration,
        /// A check on the answers: nodes that are down are not given out.
        pub failover: Option<DnsFailover>,
    }
}

/// A resolver's check on its answers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsFailover {
    /// The health check.
    pub check: Check,
}

serving! {
    /// A packet filter.
    pub struct Firewall {
        /// The node behind it.
        pub to: String,
        /// Size of the state table. Omitted: unlimited.
        pub connections: Option<u32>,
        /// A rate limit on new requests.
        pub limit: Option<Limit>,
    }
}

/// A token bucket.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Requests per second.
    pub rate: Rate,
    /// The largest burst. Default: the requests of one second, at least 1.
    pub burst: Option<u32>,
}

/// An address held by the first living one of several nodes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualIp {
    /// The nodes that may hold it, in order of preference.
    pub members: Vec<String>,
    /// Time from the death of the holder until the next one answers.
    #[serde(default = "always::<3>")]
    pub failover: Dist,
    /// Whether the preferred member takes it back when it returns.
    #[serde(default = "on")]
    pub preempt: bool,
}
