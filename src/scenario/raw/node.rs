//! Nodes: the kinds there are, what all that serve have in common, and the small kinds.
//!
//! What may be typed, and nothing about what it does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::app::{App, Database};
use super::balancer::{Check, LoadBalancer};
use super::dist::{Dist, always};
use super::hosts::{Lifetime, Maintenance};
use super::units::{Duration, Named, Rate, on, seconds};
use super::web::Web;

/// A node: something that requests pass through.
// The name `kind` tells our decoder to look for the variant under that key (see `read::deserializer`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename = "kind", rename_all = "kebab-case")]
#[schemars(tag = "kind", rename = "Node")]
pub enum Node {
    /// A resolver.
    Dns(Dns),
    /// A packet filter.
    Firewall(Firewall),
    /// An address that the first living one of several nodes holds (keepalived, VRRP).
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

    /// What it has in common with all that serve; `None` for a virtual IP and a database, which are roles.
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

/// `kind` beside the settings, as it is typed.
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

/// What all nodes that serve have in common.
#[derive(Copy, Clone, Debug)]
pub struct Serving<'a> {
    /// The host it is on.
    pub host: Option<&'a str>,
    /// Requests in service at once.
    pub workers: Option<u32>,
    /// Places to wait.
    pub queue: Option<u32>,
    /// What a request costs, by class.
    pub work: &'a Named<Work>,
    /// How it breaks.
    pub lifetime: Option<&'a Lifetime>,
    /// When it is taken down on purpose.
    pub maintenance: Option<&'a Maintenance>,
    /// What becomes of work whose caller gave up.
    pub abandoned: Option<Abandoned>,
}

/// Declares the settings of a kind that serves: its own, and those that all have in common.
macro_rules! serving {
    ($(#[$doc:meta])* pub struct $Name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $Name {
            /// The host it runs on. Omitted: one of its own, with as many cores as there is work.
            pub host: Option<String>,
            /// Requests in service at once. Omitted: unlimited.
            pub workers: Option<u32>,
            /// Places to wait for a worker. Omitted: unlimited.
            pub queue: Option<u32>,
            /// What a request costs here, by class; "*" = every class not named.
            #[serde(default)]
            pub work: $crate::scenario::raw::units::Named<$crate::scenario::raw::node::Work>,
            $($own)*
            /// How it breaks and is repaired.
            pub lifetime: Option<$crate::scenario::raw::hosts::Lifetime>,
            /// When it is taken down on purpose.
            pub maintenance: Option<$crate::scenario::raw::hosts::Maintenance>,
            /// What becomes of work whose caller gave up. Default: `finish` for `app`, else `stop`.
            pub abandoned: Option<$crate::scenario::raw::node::Abandoned>,
        }

        impl $Name {
            /// What it has in common with all that serve.
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

/// What serving one request costs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Demand on the host's cores, shared fairly between all that runs there.
    #[serde(default = "always::<0>")]
    pub cpu: Dist,
    /// Time that holds the worker and no core.
    #[serde(default = "always::<0>")]
    pub io: Dist,
}

/// What becomes of work whose caller gave up.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Abandoned {
    /// It goes on, and its answer is dropped.
    Finish,
    /// It stops, and everything it holds is free at once.
    Stop,
}

serving! {
    /// A resolver.
    pub struct Dns {
        /// The nodes it answers with, rotated by one at each lookup.
        pub answers: Vec<String>,
        /// How long a client keeps an answer, stale or not.
        #[serde(default = "seconds::<300>")]
        pub ttl: Duration,
        /// How long a client keeps the answer that there is no address: the minimum of the zone's SOA. Omitted: `ttl`.
        pub negative_ttl: Option<Duration>,
        /// How long a lookup takes.
        #[serde(default = "always::<0>")]
        pub lookup: Dist,
        /// How long a client waits for this resolver.
        #[serde(default = "seconds::<5>")]
        pub timeout: Duration,
        /// A check on the answers: what is down is not given out.
        pub failover: Option<DnsFailover>,
    }
}

/// A resolver that checks what it answers with.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsFailover {
    /// How it finds out.
    pub check: Check,
}

serving! {
    /// A packet filter.
    pub struct Firewall {
        /// The node behind it.
        pub to: String,
        /// Size of the state table. Omitted: unlimited.
        pub connections: Option<u32>,
        /// How many new requests it lets through.
        pub limit: Option<Limit>,
    }
}

/// A token bucket.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Requests a second.
    pub rate: Rate,
    /// Requests at once. Default: a second's worth, at least 1.
    pub burst: Option<u32>,
}

/// An address that the first living one of several nodes holds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualIp {
    /// Who may hold it, in order of preference.
    pub members: Vec<String>,
    /// From the death of the holder until the next one answers.
    #[serde(default = "always::<3>")]
    pub failover: Dist,
    /// Does the preferred member take it back when it returns?
    #[serde(default = "on")]
    pub preempt: bool,
}
