//! Machines, zones and what lies between them.
//!
//! What may be typed, and nothing about what it does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dist::Life;
use super::units::{Duration, Rate, Ratio, bytes, one, seconds};

/// A machine.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Cores that everything on it shares. Omitted: as many as there is work.
    pub cores: Option<u32>,
    /// How much faster than the reference its cores are.
    #[serde(default = "one")]
    pub speed: f64,
    /// The zone it stands in.
    pub zone: Option<String>,
    /// Its address, for people.
    pub address: Option<String>,
    /// How it breaks and is repaired.
    pub lifetime: Option<Lifetime>,
    /// When it is taken down on purpose.
    pub maintenance: Option<Maintenance>,
    /// What it costs, in any unit; `capacity --replicas` adds it up.
    pub cost: Option<f64>,
}

/// A zone: hosts that fail together.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// How it breaks and is repaired.
    pub lifetime: Option<Lifetime>,
    /// When it is taken down on purpose.
    pub maintenance: Option<Maintenance>,
}

/// How a component breaks and is repaired. A plain duration is the mean of an exponential.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifetime {
    /// Time up until it breaks.
    pub mtbf: Life,
    /// Hands-on repair, once somebody has noticed.
    pub mttr: Life,
}

/// Planned downtime.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// How often.
    pub every: Duration,
    /// How long.
    #[serde(rename = "for")]
    pub lasts: Duration,
}

/// What lies between hosts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// One way, between different hosts.
    #[serde(default = "seconds::<0>")]
    pub latency: Duration,
    /// Share of messages lost and sent again.
    #[serde(default = "none")]
    pub loss: Ratio,
    /// Bytes a second, for each message as if it were alone. Omitted: its size takes no time.
    #[serde(default, deserialize_with = "bytes")]
    pub bandwidth: Option<Rate>,
    /// Links that differ from this.
    #[serde(default)]
    pub links: Vec<Link>,
}

impl Default for Network {
    fn default() -> Self {
        Network {
            latency: seconds::<0>(),
            loss: none(),
            bandwidth: None,
            links: Vec::new(),
        }
    }
}

fn none() -> Ratio {
    Ratio(0.0)
}

/// A link in one direction, between hosts or zones.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// A host or a zone.
    pub from: String,
    /// A host or a zone.
    pub to: String,
    /// One way. Omitted: the network's.
    pub latency: Option<Duration>,
    /// Share of messages lost and sent again. Omitted: the network's.
    pub loss: Option<Ratio>,
    /// Bytes a second. Omitted: the network's.
    #[serde(default, deserialize_with = "bytes")]
    pub bandwidth: Option<Rate>,
    /// How it breaks and is repaired.
    pub lifetime: Option<Lifetime>,
}
