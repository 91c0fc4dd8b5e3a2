//! The settings of application servers and databases.
//!
//! What may be typed, and nothing about what it does.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};

use super::dist::{Dist, always};
use super::hosts::{Lifetime, Maintenance};
use super::node::{Abandoned, Work, serving};
use super::traffic::Retry;
use super::units::{Brief, Duration, Named, Short, seconds, whole};

serving! {
    /// An application server. It holds its worker throughout, also while it waits for the database.
    pub struct App {
        /// The database it asks.
        pub database: Option<String>,
        /// What a request asks of it, by class; "*" = every class not named.
        #[serde(default)]
        pub queries: Named<Queries>,
        /// Nodes called in order after the queries.
        #[serde(default)]
        pub calls: Vec<String>,
        /// Database connections. Omitted: as many as there are workers.
        pub pool: Option<u32>,
        /// Time-outs.
        #[serde(default)]
        pub timeouts: Timeouts,
        /// A database member that failed to connect is skipped for so long, unless none else is left.
        #[serde(default = "seconds::<0>")]
        pub avoid: Duration,
        /// What it does about a query or a call that failed, the worker held meanwhile. Omitted: the request fails.
        pub retry: Option<Retry>,
        /// A circuit breaker before the database, and one before each node it calls. Omitted: none.
        pub breaker: Option<Breaker>,
    }
}

/// What a request asks of the database.
#[derive(Copy, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Queries {
    /// Reads, asked first.
    #[serde(default)]
    pub read: u32,
    /// Writes.
    #[serde(default)]
    pub write: u32,
}

/// Time-outs of an application server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// How long a connection may take.
    #[serde(default = "seconds::<5>")]
    pub connect: Duration,
    /// How long an answer may take. Omitted: for ever.
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

/// A circuit breaker: while it is open, what would be asked fails at once with `error`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// It opens after so many failures.
    pub failures: u32,
    /// Within this time.
    pub window: Duration,
    /// And stays open for so long; then one request may try, and decides.
    pub open: Duration,
}

/// MySQL. `workers`, `queue` and `max_connections` are per member.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The servers.
    pub members: Named<Member>,
    /// Which of them takes the writes. Default: the first.
    pub primary: Option<String>,
    /// Which of them reads go to.
    #[serde(default)]
    pub read_from: ReadFrom,
    /// Connections at once; above it, refused.
    #[serde(default = "whole::<151>")]
    pub max_connections: u32,
    /// How the replicas follow the primary.
    #[serde(default)]
    pub replication: Replication,
    /// Who promotes a replica when the primary dies: "manual" = nobody.
    #[serde(default)]
    pub failover: Brief<Failover>,
    /// Queries in service at once. Omitted: unlimited.
    pub workers: Option<u32>,
    /// Places to wait for a worker. Omitted: unlimited.
    pub queue: Option<u32>,
    /// What a `read` and a `write` cost; "*" = both.
    #[serde(default)]
    pub work: Named<Work>,
    /// What becomes of a query whose caller gave up.
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
    /// The host it runs on. Omitted: one of its own, with as many cores as there is work.
    pub host: Option<String>,
    /// How it breaks and is repaired.
    pub lifetime: Option<Lifetime>,
    /// When it is taken down on purpose.
    pub maintenance: Option<Maintenance>,
}

/// Which members reads go to.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReadFrom {
    /// All, in turn.
    Any,
    /// The primary.
    #[default]
    Primary,
    /// The replicas, in turn.
    Replicas,
}

/// How the replicas follow the primary.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replication {
    /// Does the primary wait for a replica?
    #[serde(default)]
    pub mode: Mode,
    /// How long a write is on its way to the replicas. They arrive in order: of lags that differ, the longest hold up the others.
    #[serde(default = "always::<0>")]
    pub lag: Dist,
    /// How long a replica works on one write before it begins with the next: under load the lag grows as a queue does.
    #[serde(default = "always::<0>")]
    pub apply: Dist,
    /// With `semi-sync`: how long the primary waits at most. Default 10 s, as MySQL.
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

/// Does the primary wait for a replica?
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// No.
    #[default]
    Async,
    /// Until one has the write: a round trip over the network. `lag` then counts only while no replica answers.
    SemiSync,
}

/// Who promotes a replica.
#[derive(Clone, Debug)]
pub enum Failover {
    /// Nobody.
    Manual,
    /// A watcher.
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
    /// How long it takes to notice.
    pub detect: Dist,
    /// How long it takes to promote.
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
