//! How long an outage lasts: many are over before everything has reacted to them.

use crate::base::random::Streams;
use crate::failure::Timeline;
use crate::scenario::plan::{Component, Course, Lifetime, Plan};

/// How long an outage lasts.
pub enum Lasts {
    /// Seconds, drawn and in order, and their true mean.
    Drawn(Vec<f64>, f64),
    /// Exponential, with this mean: of several components that are down together.
    Exponential(f64),
}

/// An outage's length is drawn so many times, to know how often it is over before everything has reacted.
const DRAWS: usize = 2_000;

impl Lasts {
    /// Of the loss of these components, which lasts so long on the average.
    pub fn of(plan: &Plan, parts: Vec<&Component>, mean_s: f64) -> Lasts {
        let fails = |name: &str| {
            let is_it = |l: &Lifetime| l.name == name && matches!(l.course, Course::Failures { .. });
            plan.lifetimes.iter().position(is_it)
        };
        let [part] = parts[..] else {
            return Lasts::Exponential(mean_s);
        };
        let Some(life) = fails(&part.name) else {
            return Lasts::Exponential(mean_s);
        };
        // How long repairs take does not depend on the study's seed.
        Lasts::drawn(plan, &Streams::new(0, 0), life, mean_s)
    }

    /// Of one lifetime, which lasts so long on the average.
    pub fn drawn(plan: &Plan, streams: &Streams, life: usize, mean_s: f64) -> Lasts {
        let drawn = Timeline::down_times(plan, streams, life, DRAWS);
        let mut drawn: Vec<f64> = drawn.iter().map(|d| d.seconds()).collect();
        drawn.sort_by(f64::total_cmp);
        Lasts::Drawn(drawn, mean_s)
    }

    /// Probability that it lasts longer.
    pub fn beyond(&self, seconds: f64) -> f64 {
        match self {
            Lasts::Drawn(drawn, _) => 1.0 - drawn.partition_point(|d| *d <= seconds) as f64 / drawn.len() as f64,
            Lasts::Exponential(mean_s) => libm::exp(-seconds / mean_s.max(1e-9)),
        }
    }

    /// Its mean.
    pub fn mean_s(&self) -> f64 {
        match self {
            Lasts::Drawn(_, mean_s) | Lasts::Exponential(mean_s) => *mean_s,
        }
    }
}
