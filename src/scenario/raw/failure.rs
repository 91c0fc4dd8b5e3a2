//! What goes wrong, who notices, and what was promised.
//!
//! What may be typed, and nothing about what it does.

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
    /// How long it lasts. Omitted: for good.
    #[serde(rename = "for")]
    pub lasts: Option<Duration>,
    /// The component: a host, node, database member, zone, common cause, virtual IP, database, or a link "a->b".
    pub target: Option<String>,
    /// What happens to it.
    pub effect: Effect,
    /// With `slow`: everything takes so many times as long.
    pub factor: Option<f64>,
    /// With `errors` and `drop`: the share that is hit. With `empty`: the same, and all if omitted.
    pub ratio: Option<Ratio>,
    /// With `partition`: hosts, zones or nodes on one side.
    pub from: Option<Brief<Names>>,
    /// With `partition`: hosts, zones or nodes on the other side.
    pub to: Option<Brief<Names>>,
    /// With `set`: keys of the target and their new values.
    pub set: Option<Named<Value>>,
}

/// What a fault does.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It dies.
    Crash,
    /// It stands still: accepts, and answers nothing.
    Hang,
    /// It is slower.
    Slow,
    /// Some of its answers are errors.
    Errors,
    /// Some of its answers, or all, never come: it closes the connection instead. Its checks pass.
    Empty,
    /// Some of the calls to it vanish.
    Drop,
    /// Nothing passes between two sides.
    Partition,
    /// Taken out of its balancers by hand.
    Maint,
    /// Gets no new requests from its balancers.
    Drain,
    /// Settings change.
    Set,
}

/// A name, or several.
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

/// An event that takes several components at once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommonCause {
    /// The components it takes.
    pub targets: Vec<String>,
    /// How often it comes, and how long its repair takes. Omitted: only `faults` bring it.
    pub lifetime: Option<Lifetime>,
}

/// How a failure comes to a person's notice.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitoring {
    /// A probe so often.
    #[serde(default = "seconds::<60>")]
    pub interval: Duration,
    /// An alarm after so many failures in a row.
    #[serde(default = "whole::<1>")]
    pub failures: u32,
    /// From the alarm to a person's pocket.
    #[serde(default = "always::<0>")]
    pub notify: Dist,
    /// From the pocket to the keyboard.
    #[serde(default = "always::<0>")]
    pub respond: Dist,
    /// Nobody watches: users call.
    pub none: Option<Unmonitored>,
}

/// Nobody watches.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmonitored {
    /// Until somebody calls.
    pub notice: Dist,
}

/// What the service promises.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// At least this share of requests succeeds.
    pub availability: Option<Ratio>,
    /// At most this share of requests fails.
    pub error_ratio: Option<Ratio>,
    /// Half of the requests are faster.
    pub p50: Option<Duration>,
    /// 95 % of the requests are faster.
    pub p95: Option<Duration>,
    /// 99 % of the requests are faster.
    pub p99: Option<Duration>,
    /// 99.9 % of the requests are faster.
    pub p999: Option<Duration>,
    /// The same for single classes.
    #[serde(default)]
    pub classes: Named<ClassSlo>,
}

/// What the service promises for one class.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassSlo {
    /// At least this share of requests succeeds.
    pub availability: Option<Ratio>,
    /// At most this share of requests fails.
    pub error_ratio: Option<Ratio>,
    /// Half of the requests are faster.
    pub p50: Option<Duration>,
    /// 95 % of the requests are faster.
    pub p95: Option<Duration>,
    /// 99 % of the requests are faster.
    pub p99: Option<Duration>,
    /// 99.9 % of the requests are faster.
    pub p999: Option<Duration>,
}
