//! What may be typed: one struct for each object of a scenario, with the names, meanings and defaults of its keys.
//!
//! Decoding, the JSON Schema, the reference and `explain` all come from these declarations; the doc comment of a field
//! is its description. A default that depends on another key is an `Option` here, and `settle` fills it in.

pub mod app;
pub mod balancer;
pub mod dist;
pub mod failure;
pub mod hosts;
pub mod node;
pub mod settle;
pub mod traffic;
pub mod units;
pub mod web;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use self::failure::{CommonCause, Fault, Monitoring, Slo};
use self::hosts::{Host, Network, Zone};
use self::node::Node;
use self::traffic::{Class, Client};
use self::units::{Brief, Duration, Named, Short, seconds};

/// Names that HAProxy, Nginx or plain English use for keys, and the names here.
pub const CALLED_OTHERWISE: &[(&str, &str)] = &[
    ("balance", "algorithm"),
    ("proxy_pass", "upstreams"),
    ("worker_connections", "connections"),
    ("threads", "workers"),
    ("processes", "workers"),
    ("start", "at"),
    ("type", "kind"),
    ("cpus", "cores"),
    ("db", "database"),
];

/// Names used elsewhere for kinds of nodes, mostly product names, and the names here.
pub const KINDS_CALLED_OTHERWISE: &[(&str, &str)] = &[
    ("haproxy", "load-balancer"),
    ("lb", "load-balancer"),
    ("balancer", "load-balancer"),
    ("nginx", "web"),
    ("apache", "web"),
    ("cdn", "web"),
    ("proxy", "web"),
    ("mysql", "database"),
    ("mariadb", "database"),
    ("postgres", "database"),
    ("postgresql", "database"),
    ("application", "app"),
    ("service", "app"),
    ("resolver", "dns"),
    ("keepalived", "virtual-ip"),
    ("vip", "virtual-ip"),
];

/// Fields that take objects, as `field` or `parent.field`, each with an example. They have no short form here.
pub const SHAPES: &[(&str, &str)] = &[
    ("arrivals", r#"{ "poisson": "80/s" }"#),
    ("check", "{} for the defaults"),
    ("lifetime", r#"{ "mtbf": "30d", "mttr": "1h" }"#),
    ("members", r#"{ "db1": {}, "db2": {} }"#),
    ("queries", r#"{ "*": { "read": 1 } }"#),
    ("retry", r#"{ "max": 1 }"#),
    ("slo", r#"{ "p99": "300ms" }"#),
    ("work", r#"{ "*": { "cpu": "5ms" } }"#),
    ("work.*", r#"{ "cpu": "5ms" }"#),
    (
        "work.cpu",
        r#""work": { "*": { "cpu": "5ms" } }: by request class, "*" being all"#,
    ),
    (
        "work.io",
        r#""work": { "*": { "io": "5ms" } }: by request class, "*" being all"#,
    ),
];

/// Objects whose keys are names chosen by the user; such a key is none of the fields above.
pub const NAMED: &[&str] = &[
    "clients", "hosts", "members", "nodes", "page", "queries", "requests", "work", "zones",
];

/// A web stack, its load and its failures.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Scenario")]
pub struct Scenario {
    /// Location of the schema of this file, for editors.
    #[serde(rename = "$schema", skip_serializing)]
    pub schema: Option<String>,
    /// The scenario's name. Omitted: the file's name.
    pub name: Option<String>,
    /// What the scenario is, or what it teaches, in one sentence.
    #[serde(default)]
    pub summary: String,
    /// Simulated time of one replication, including the warm-up.
    #[serde(default = "seconds::<600>")]
    pub duration: Duration,
    /// The start of the run that estimates leave out; "auto" = detected.
    #[serde(default)]
    pub warmup: Brief<Warmup>,
    /// Request classes. Omitted: one class "default".
    #[serde(default)]
    pub requests: Named<Class>,
    /// Sources of load; at least one.
    #[serde(default)]
    pub clients: Named<Client>,
    /// Machines.
    #[serde(default)]
    pub hosts: Named<Host>,
    /// Zones of hosts; only those with settings of their own need an entry.
    #[serde(default)]
    pub zones: Named<Zone>,
    /// The nodes that requests pass through.
    #[serde(default)]
    pub nodes: Named<Node>,
    /// The network between hosts.
    #[serde(default)]
    pub network: Network,
    /// Faults at set times.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Events that take down several components at once.
    #[serde(default)]
    pub common_causes: Named<CommonCause>,
    /// How a person learns of a failure before repair can begin. Omitted: at once, with a caveat.
    pub monitoring: Option<Monitoring>,
    /// How many failures can be repaired at once, in the order in which they are noticed; `maintenance` needs no crew.
    /// Omitted: all.
    pub repair_crews: Option<u32>,
    /// Service-level objectives.
    #[serde(default)]
    pub slo: Slo,
}

/// The start of a run that estimates leave out.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Warmup {
    /// This long.
    Fixed(Duration),
    /// As detected.
    Auto,
}

impl Default for Brief<Warmup> {
    fn default() -> Self {
        Brief(Warmup::Fixed(seconds::<0>()))
    }
}

impl Serialize for Warmup {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Warmup::Fixed(duration) => duration.serialize(serializer),
            Warmup::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl Short for Warmup {
    type Long = Duration;
    const NAME: &'static str = "Warmup";
    const EXPECTED: &'static str = "a duration, or \"auto\"";

    fn long(long: Duration) -> Warmup {
        Warmup::Fixed(long)
    }

    fn text(text: &str) -> Result<Warmup, String> {
        if text == "auto" {
            Ok(Warmup::Auto)
        } else {
            Duration::parse(text).map(Warmup::Fixed)
        }
    }

    fn number(number: f64) -> Result<Warmup, String> {
        Duration::from_seconds(number).map(Warmup::Fixed)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": "auto" })
    }
}

/// The schema of the scenario format.
pub fn schema() -> Schema {
    schemars::schema_for!(Scenario)
}
