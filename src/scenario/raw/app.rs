//! The settings of application servers and databases.
//!
//! Declares the format only, not the behaviour.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};

use super::dist::{Dist, always};
use super::hosts::{Lifetime, Maintenance};
use super::node::{Abandoned, Work, serving};
use super::traffic::Retry;
use super::units::{Brief, Duration, Named, Short, seconds, whole};

serving! {
    /// An application server. It holds a worker for the whole request, including waits for the database.
    pub struct App {
        /// The database it queries.
        pub database: Option<String>,
        /// The queries a request makes, by class; "*" = every class not named.
        #[serde(default)]
        pub queries: Named<Queries>,
        /// Nodes called in order after the queries.
        #[serde(default)]
        pub calls: Vec<String>,
        /// Size of the database connection pool. Omitted: as many as there are workers.
        pub pool: Option<u32>,
        /// Time-outs.
        #[serde(default)]
        pub timeouts: Timeouts,
        /// How long a database member is skipped after it failed to connect, unless no other member is left.
        #[serde(default = "seconds::<0>")]
        pub avoid: Duration,
        /// How a failed query or call is retried; the worker is held meanwhile. Omitted: the request fails.
        pub retry: Option<Retry>,
        /// A circuit breaker for the database, and one for each node it calls. Omitted: none.
        pub breaker: Option<Breaker>,
    }
}

/// The database queries a request makes.
#[derive(Copy, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Queries {
    /// Number of reads; they precede the writes.
    #[serde(default)]
    pub read: u32,
    /// Number of writes.
    #[serde(default)]
    pub write: u32,
}

/// Time-outs of an application server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// The longest time a connection may take.
    #[serde(default = "seconds::<5>")]
    pub connect: Duration,
    /// The longest time an answer may take. Omitted: no limit.
    pub query: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: seconds::<5>(),
            query: None,
        }
    }
}

/// A circuit breaker: while it is open, calls fail at once with `error`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// The number of failures after which it opens.
    pub failures: u32,
    /// The time within which `failures` must occur.
    pub window: Duration,
    /// How long it stays open. Then one request is let through, and its outcome decides whether it closes.
    pub open: Duration,
}

/// MySQL. `workers`, `queue` and `max_connections` are per member.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The members, by name.
    pub members: Named<Member>,
    /// The member that takes the writes. Default: the first.
    pub primary: Option<String>,
    /// The members that serve reads.
    #[serde(default)]
    pub read_from: ReadFrom,
    /// Maximum number of connections; further ones are refused.
    #[serde(default = "whole::<151>")]
    pub max_connections: u32,
    /// How replicas follow the primary.
    #[serde(default)]
    pub replication: Replication,
    /// How a replica is promoted when the primary dies; "manual" = not at all.
    #[serde(default)]
    pub failover: Brief<Failover>,
    /// Maximum number of queries in service. Omitted: unlimited.
    pub workers: Option<u32>,
    /// Maximum number of queries that wait for a worker. Omitted: unlimited.
    pub queue: Option<u32>,
    /// The cost of a `read` and of a `write`; "*" = both.
    #[serde(default)]
    pub work: Named<Work>,
    /// What happens to a query whose caller gave up.
    #[serde(default = "finish")]
    pub abandoned: Abandoned,
}

fn finish() -> Abandoned {
    Abandoned::Finish
}

/// One server of a database.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The host it runs on. Omitted: a host of its own, with unlimited cores.
    pub host: Option<String>,
    /// How it fails and is repaired.
    pub lifetime: Option<Lifetime>,
    /// Its planned downtime.
    pub maintenance: Option<Maintenance>,
}

/// Which members serve reads.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReadFrom {
    /// All members, in turn.
    Any,
    /// The primary only.
    #[default]
    Primary,
    /// The replicas only, in turn.
    Replicas,
}

/// How replicas follow the primary.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replication {
    /// Whether the primary waits for a replica.
    #[serde(default)]
    pub mode: Mode,
    /// Time until a write reaches the replicas. Writes arrive in order, so a long lag delays those behind it.
    #[serde(default = "always::<0>")]
    pub lag: Dist,
    /// Time a replica takes to apply one write, one after the other. Under load the lag grows as a queue does.
    #[serde(default = "always::<0>")]
    pub apply: Dist,
    /// With `semi-sync`: the longest time the primary waits. Default: 10 s, as in MySQL.
    pub timeout: Option<Duration>,
}

impl Default for Replication {
    fn default() -> Self {
        Replication {
            mode: Mode::Async,
            lag: Dist::zero(),
            apply: Dist::zero(),
            timeout: None,
        }
    }
}

/// Whether the primary waits for a replica.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It does not wait.
    #[default]
    Async,
    /// It waits until one replica has the write: a network round trip. `lag` then counts only while no replica answers.
    SemiSync,
}

/// How a replica is promoted.
#[derive(Clone, Debug)]
pub enum Failover {
    /// Not at all.
    Manual,
    /// By a watcher.
    Automatic(Watcher),
}

impl Default for Brief<Failover> {
    fn default() -> Self {
        Brief(Failover::Manual)
    }
}

/// Promotes a replica when the primary is dead.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Watcher {
    /// Time to detect the failure.
    pub detect: Dist,
    /// Time to promote a replica.
    pub promote: Dist,
}

impl Serialize for Failover {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Failover::Manual => serializer.serialize_str("manual"),
            Failover::Automatic(watcher) => watcher.serialize(serializer),
        }
    }
}

impl Short for Failover {
    type Long = Watcher;
    const NAME: &'static str = "DatabaseFailover";
    const EXPECTED: &'static str = "\"manual\", or an object with \"detect\" and \"promote\"";

    fn long(long: Watcher) -> Failover {
        Failover::Automatic(long)
    }

    fn text(text: &str) -> Result<Failover, String> {
        if text == "manual" {
            Ok(Failover::Manual)
        } else {
            Err(format!("expected {}, found {text:?}", Self::EXPECTED))
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": "manual" })
    }
}
