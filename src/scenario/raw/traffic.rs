//! Requests and where they come from: classes, clients, arrivals.
//!
//! What may be typed, and nothing about what it does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dist::Dist;
use super::units::{Brief, Duration, Named, Rate, Ratio, Short};

/// A class of requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// How many of all requests, relative to the other classes.
    #[serde(default = "super::units::one")]
    pub share: f64,
    /// Size of a request and of its answer, which takes time where the network has a `bandwidth`. Omitted: none.
    pub bytes: Option<Bytes>,
    /// The keys that its requests ask for; `uri` and `hdr` hash them.
    pub keys: Option<Keys>,
    /// Smaller is served first in a balancer's queue.
    #[serde(default)]
    pub priority: i32,
    /// `set-priority-offset`: in a balancer's queue, and among equal priorities, it counts as having come so many
    /// milliseconds later, or earlier where it is negative.
    #[serde(default)]
    pub priority_offset: i32,
}

/// Size of a request and of its answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bytes {
    /// Bytes to the server.
    #[serde(default)]
    pub request: u64,
    /// Bytes back.
    #[serde(default)]
    pub response: u64,
}

/// A set of keys and how unevenly they are asked for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// How many there are.
    pub count: u32,
    /// Zipf exponent; 0 = all alike.
    #[serde(default)]
    pub zipf: f64,
}

/// A source of load: open (`arrivals`) or closed (`users` and `think`).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// When requests come, whatever happens to them.
    pub arrivals: Option<Arrivals>,
    /// How many clients an open source draws from; each has its own DNS cache. Default 1000.
    pub population: Option<u32>,
    /// How many users ask, wait, think and ask again.
    pub users: Option<u32>,
    /// How long they think.
    pub think: Option<Dist>,
    /// The node that is asked first, or a list of resolvers tried in order.
    pub entry: Brief<Entry>,
    /// No answer of a resolver is kept for less, whatever its `ttl` says: browsers and runtimes overstay short ones.
    #[serde(default = "super::units::seconds::<0>")]
    pub min_ttl: Duration,
    /// How long a client waits, from the wish on. Omitted: for ever.
    pub timeout: Option<Duration>,
    /// What a client does about a failure, as long as its `timeout`, which counts from the wish, allows. Omitted: nothing.
    pub retry: Option<Retry>,
    /// What a page view fetches, by class: one request of the first class named, and when it is answered all others at
    /// once. An arrival is then a view, and a user thinks after one. Omitted: a view is one request, its class by `share`.
    pub page: Option<Named<u32>>,
    /// How long the browser renders a page, once all of it is there; reported apart from latency.
    pub render: Option<Dist>,
}

/// Where clients go first.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Entry {
    /// One node of any kind, or several resolvers.
    pub nodes: Vec<String>,
    /// Was it typed as a list?
    #[serde(skip)]
    pub list: bool,
}

impl Short for Entry {
    type Long = Vec<String>;
    const NAME: &'static str = "Entry";
    const LIST: bool = true;
    const EXPECTED: &'static str = "the name of a node, or a list of names of resolvers";

    fn long(nodes: Vec<String>) -> Entry {
        Entry { nodes, list: true }
    }

    fn text(text: &str) -> Result<Entry, String> {
        Ok(Entry {
            nodes: vec![text.to_owned()],
            list: false,
        })
    }
}

/// What a client does about a failure.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Further attempts after the first.
    pub max: u32,
    /// Pause before the first of them.
    #[serde(default = "super::units::seconds::<0>")]
    pub backoff: Duration,
    /// Each further pause is so many times longer.
    #[serde(default = "two")]
    pub factor: f64,
    /// No pause is longer.
    pub cap: Option<Duration>,
    /// The share of a pause that is drawn: 0 = none, 1 = all of it.
    #[serde(default = "all")]
    pub jitter: Ratio,
    /// Retries allowed per request, over all clients of the source. Omitted: as many as they like.
    pub budget: Option<Ratio>,
}

fn two() -> f64 {
    2.0
}

fn all() -> Ratio {
    Ratio(1.0)
}

/// When requests come.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// Independent of each other, at this rate.
    Poisson(Rate),
    /// Evenly spaced, at this rate.
    Uniform(Rate),
    /// With independent gaps.
    Renewal(Dist),
    /// Poisson at a rate that runs straight from point to point, and stays at the last.
    Profile(Vec<(Duration, Rate)>),
    /// Poisson at a rate that jumps between states.
    Mmpp(Mmpp),
    /// Recorded: a CSV file with a column `at_s`, optional `class`, and any further columns in seconds.
    Trace(String),
}

/// Poisson at a rate that jumps between states, in the order of the list and round again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mmpp {
    /// The states.
    pub states: Vec<MmppState>,
}

/// A state.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MmppState {
    /// The rate in it.
    pub rate: Rate,
    /// How long it lasts on average (exponential).
    pub mean: Duration,
}
