//! Faults, monitoring and service-level objectives.
//!
//! Declares the format only, not the behaviour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::dist::{Dist, always};
use super::hosts::Lifetime;
use super::units::{Brief, Duration, Named, Ratio, Short, seconds, whole};

/// A fault at a set time.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When it begins.
    pub at: Duration,
    /// How long it lasts. Omitted: permanently.
    #[serde(rename = "for")]
    pub lasts: Option<Duration>,
    /// The component: a host, node, database member, zone, common cause, virtual IP, database, or a link "a->b".
    pub target: Option<String>,
    /// What happens to the target.
    pub effect: Effect,
    /// With `slow`: the factor on all times.
    pub factor: Option<f64>,
    /// With `errors`, `drop` and `empty`: the share affected. Omitted with `empty`: all.
    pub ratio: Option<Ratio>,
    /// With `partition`: the hosts, zones or nodes on one side.
    pub from: Option<Brief<Names>>,
    /// With `partition`: the hosts, zones or nodes on the other side.
    pub to: Option<Brief<Names>>,
    /// With `set`: the keys of the target and their new values.
    pub set: Option<Named<Value>>,
}

/// What a fault does.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It dies.
    Crash,
    /// It hangs: it accepts requests and answers nothing.
    Hang,
    /// It is slower.
    Slow,
    /// Some of its answers are errors.
    Errors,
    /// It closes the connection instead of sending some or all of its answers. Its checks pass.
    Empty,
    /// Some of the calls to it are lost.
    Drop,
    /// Nothing passes between two sides.
    Partition,
    /// It is taken out of its balancers by hand.
    Maint,
    /// It gets no new requests from its balancers.
    Drain,
    /// Settings change.
    Set,
}

/// One name or several.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Names(pub Vec<String>);

impl Short for Names {
    type Long = Vec<String>;
    const NAME: &'static str = "Names";
    const LIST: bool = true;
    const EXPECTED: &'static str = "a name, or a list of names";

    fn long(names: Vec<String>) -> Names {
        Names(names)
    }

    fn text(text: &str) -> Result<Names, String> {
        Ok(Names(vec![text.to_owned()]))
    }
}

/// An event that takes down several components at once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommonCause {
    /// The components it takes down.
    pub targets: Vec<String>,
    /// How often it occurs, and how long its repair takes. Omitted: it occurs only in `faults`.
    pub lifetime: Option<Lifetime>,
}

/// How a person learns of a failure.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitoring {
    /// The interval between probes.
    #[serde(default = "seconds::<60>")]
    pub interval: Duration,
    /// The number of consecutive failed probes that raise the alarm.
    #[serde(default = "whole::<1>")]
    pub failures: u32,
    /// Time from the alarm until a person receives it.
    #[serde(default = "always::<0>")]
    pub notify: Dist,
    /// Time from receiving the alarm until the person starts work.
    #[serde(default = "always::<0>")]
    pub respond: Dist,
    /// No monitoring: users report failures.
    pub none: Option<Unmonitored>,
}

/// No monitoring.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmonitored {
    /// Time until a user reports the failure.
    pub notice: Dist,
}

/// Service-level objectives.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// The least share of requests that must succeed.
    pub availability: Option<Ratio>,
    /// The largest share of requests that may fail.
    pub error_ratio: Option<Ratio>,
    /// The longest median latency.
    pub p50: Option<Duration>,
    /// The longest 95th percentile of latency.
    pub p95: Option<Duration>,
    /// The longest 99th percentile of latency.
    pub p99: Option<Duration>,
    /// The longest 99.9th percentile of latency.
    pub p999: Option<Duration>,
    /// The objectives of single classes.
    #[serde(default)]
    pub classes: Named<ClassSlo>,
}

/// Service-level objectives of one class.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassSlo {
    /// The least share of requests that must succeed.
    pub availability: Option<Ratio>,
    /// The largest share of requests that may fail.
    pub error_ratio: Option<Ratio>,
    /// The longest median latency.
    pub p50: Option<Duration>,
    /// The longest 95th percentile of latency.
    pub p95: Option<Duration>,
    /// The longest 99th percentile of latency.
    pub p99: Option<Duration>,
    /// The longest 99.9th percentile of latency.
    pub p999: Option<Duration>,
}
