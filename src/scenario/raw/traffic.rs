//! Requests and their sources: classes, clients, arrivals.
//!
//! Declares the format only, not the behaviour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dist::Dist;
use super::units::{Brief, Duration, Named, Rate, Ratio, Short};

/// A class of requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its share of all requests, relative to the other classes.
    #[serde(default = "super::units::one")]
    pub share: f64,
    /// Size of a request and of its answer; it takes time where the network has a `bandwidth`. Omitted: none.
    pub bytes: Option<Bytes>,
    /// The keys that its requests ask for; `uri` and `hdr` hash them.
    pub keys: Option<Keys>,
    /// Priority in a balancer's queue; smaller values are served first.
    #[serde(default)]
    pub priority: i32,
    /// `set-priority-offset`: milliseconds added to the time of arrival in a balancer's queue, among equal priorities.
    /// A negative offset moves requests forward.
    #[serde(default)]
    pub priority_offset: i32,
}

/// Size of a request and of its answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bytes {
    /// Size of the request, in bytes.
    #[serde(default)]
    pub request: u64,
    /// Size of the answer, in bytes.
    #[serde(default)]
    pub response: u64,
}

/// A set of keys and the skew of its popularity.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Number of keys.
    pub count: u32,
    /// Zipf exponent; 0 = all equally popular.
    #[serde(default)]
    pub zipf: f64,
}

/// A source of load: open (`arrivals`) or closed (`users` and `think`).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// When requests arrive, whatever happens to them.
    pub arrivals: Option<Arrivals>,
    /// Number of clients of an open source; each has its own DNS cache. Default: 1000.
    pub population: Option<u32>,
    /// Number of users of a closed source, who ask, wait, think and ask again.
    pub users: Option<u32>,
    /// How long a user thinks.
    pub think: Option<Dist>,
    /// The node asked first, or a list of resolvers tried in order.
    pub entry: Brief<Entry>,
    /// The least time for which a resolver's answer is kept, whatever its `ttl`: browsers and runtimes overstay short
    /// ones.
    #[serde(default = "super::units::seconds::<0>")]
    pub min_ttl: Duration,
    /// How long a client waits, from the moment it wants the answer. Omitted: no limit.
    pub timeout: Option<Duration>,
    /// How a client retries after a failure, as long as its `timeout` allows. Omitted: it does not.
    pub retry: Option<Retry>,
    /// What a page view fetches, by class: first one request of the first class named; when that is answered, all
    /// others at once. An arrival is then a view, and a user thinks after each view. Omitted: a view is one request,
    /// its class drawn by `share`.
    pub page: Option<Named<u32>>,
    /// Time the browser takes to render a page once all of it is there; reported separately from latency.
    pub render: Option<Dist>,
}

/// Where a source's requests go first.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Entry {
    /// One node of any kind, or several resolvers.
    pub nodes: Vec<String>,
    /// Whether it was typed as a list.
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

/// A retry policy.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// The number of further attempts after the first.
    pub max: u32,
    /// Pause before the first of them.
    #[serde(default = "super::units::seconds::<0>")]
    pub backoff: Duration,
    /// The factor by which each further pause grows.
    #[serde(default = "two")]
    pub factor: f64,
    /// The longest pause.
    pub cap: Option<Duration>,
    /// The random share of a pause: 0 = none, 1 = all of it.
    #[serde(default = "all")]
    pub jitter: Ratio,
    /// Retries allowed per request, averaged over all requests of the source or application. Omitted: unlimited.
    pub budget: Option<Ratio>,
}

fn two() -> f64 {
    2.0
}

fn all() -> Ratio {
    Ratio(1.0)
}

/// When requests arrive.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// Independent of each other (Poisson), at this rate.
    Poisson(Rate),
    /// Evenly spaced, at this rate.
    Uniform(Rate),
    /// With independent gaps of this distribution.
    Renewal(Dist),
    /// Poisson, with a rate that changes linearly from point to point and stays at the last.
    Profile(Vec<(Duration, Rate)>),
    /// Poisson, with a rate that jumps between states.
    Mmpp(Mmpp),
    /// Recorded: a CSV file with a column `at_s`, optional `class`, and any further columns in seconds.
    Trace(String),
}

/// Poisson, with a rate that jumps between states in the order of the list, round and round.
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
    /// The rate in this state.
    pub rate: Rate,
    /// Its mean duration (exponential).
    pub mean: Duration,
}
