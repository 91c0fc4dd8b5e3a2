//! Hosts, zones and the network.
//!
//! Declares the format only, not the behaviour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dist::Life;
use super::units::{Duration, Rate, Ratio, bytes, one, seconds};

/// A machine.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Number of cores, shared by everything on the host. Omitted: unlimited.
    pub cores: Option<u32>,
    /// Speed of its cores relative to the reference.
    #[serde(default = "one")]
    pub speed: f64,
    /// The zone it is in.
    pub zone: Option<String>,
    /// Its address, for display.
    pub address: Option<String>,
    /// How it fails and is repaired.
    pub lifetime: Option<Lifetime>,
    /// Its planned downtime.
    pub maintenance: Option<Maintenance>,
    /// Its cost, in any unit; `capacity --replicas` adds up the costs.
    pub cost: Option<f64>,
}

/// A zone: hosts that fail together.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// How it fails and is repaired.
    pub lifetime: Option<Lifetime>,
    /// Its planned downtime.
    pub maintenance: Option<Maintenance>,
}

/// How a component fails and is repaired. A plain duration is the mean of an exponential.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifetime {
    /// Time up until it fails.
    pub mtbf: Life,
    /// Hands-on repair time, once somebody has noticed the failure.
    pub mttr: Life,
}

/// Planned downtime.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// The period, from one downtime to the next.
    pub every: Duration,
    /// How long each downtime lasts.
    #[serde(rename = "for")]
    pub lasts: Duration,
}

/// The network between hosts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// One-way latency between different hosts.
    #[serde(default = "seconds::<0>")]
    pub latency: Duration,
    /// Share of messages lost and retransmitted.
    #[serde(default = "none")]
    pub loss: Ratio,
    /// Bytes per second, for each message as if it were alone. Omitted: message size takes no time.
    #[serde(default, deserialize_with = "bytes")]
    pub bandwidth: Option<Rate>,
    /// Links that differ from these defaults.
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
    /// The sending host or zone.
    pub from: String,
    /// The receiving host or zone.
    pub to: String,
    /// One-way latency. Omitted: the network's.
    pub latency: Option<Duration>,
    /// Share of messages lost and retransmitted. Omitted: the network's.
    pub loss: Option<Ratio>,
    /// Bytes per second. Omitted: the network's.
    #[serde(default, deserialize_with = "bytes")]
    pub bandwidth: Option<Rate>,
    /// How it fails and is repaired.
    pub lifetime: Option<Lifetime>,
}
