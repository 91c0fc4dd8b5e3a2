//! One replication, reduced to the numbers that estimates need.

use super::Study;
use crate::model::bin::Bin;
use crate::model::recorder::{Batch, Budget, ClassRecord, HostRecord, NodeRecord, NodeTally, RunRecord};
use crate::stats::interval::{self, Between, Interval};
use crate::stats::sketch::{Profile, Sketch};

/// The quantiles reported for every latency.
pub const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

/// One replication, or one batch of it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// All requests.
    pub all: Outcomes,
    /// By class.
    pub classes: Vec<Outcomes>,
    /// By node.
    pub nodes: Vec<NodeSample>,
    /// By host: busy cores over cores, and share of the time up.
    pub hosts: Vec<(Option<f64>, f64)>,
    /// The timeline.
    pub bins: Vec<Bin>,
    /// Good answers received in the measured part, including those to earlier requests.
    pub answered: u64,
    /// Writes lost at promotions.
    pub lost_writes: u64,
    /// Replica lag at each write, by database.
    pub lags: Vec<Spread>,
    /// If the run ended early: when, in seconds, and which limit it reached.
    pub overflowed: Option<(f64, Budget)>,
    /// Length of a batch, if this is one.
    pub batch_s: Option<f64>,
}

impl Sample {
    /// Length of the measured part of a run planned to last `duration_s`; 0 if it ended before.
    pub fn measured_s(&self, duration_s: f64, warmup_s: f64) -> f64 {
        self.batch_s
            .unwrap_or_else(|| (self.lasted_s(duration_s) - warmup_s).max(0.0))
    }

    /// Actual length of a run planned to last `duration_s`.
    pub fn lasted_s(&self, duration_s: f64) -> f64 {
        self.overflowed.map_or(duration_s, |(at_s, _)| at_s)
    }
}

/// Outcomes of some requests.
#[derive(Clone, Debug)]
pub struct Outcomes {
    /// Answered.
    pub succeeded: u64,
    /// Not answered.
    pub failed: u64,
    /// Still in flight at the end.
    pub unfinished: u64,
    /// Latency of successes.
    pub latency: Spread,
    /// The browser's rendering time.
    pub render: Spread,
    /// Time from the wish to the rendered page.
    pub page: Spread,
}

/// A sketch, reduced.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    /// Number of values.
    pub count: u64,
    /// Sum in seconds.
    pub sum_s: f64,
    /// At [`QUANTILES`]; `None` if empty.
    pub quantiles_s: Option<[f64; 5]>,
    /// The largest.
    pub max_s: Option<f64>,
    /// The coarse distribution.
    pub profile: Profile,
}

/// The sample of one node.
#[derive(Clone, Debug)]
pub struct NodeSample {
    /// Its counters.
    pub tally: NodeTally,
    /// Waiting times.
    pub wait: Spread,
}

impl Spread {
    /// A sketch, reduced.
    pub fn of(sketch: &Sketch) -> Spread {
        let found: Option<Vec<f64>> = sketch.quantiles_s(&QUANTILES).into_iter().collect();
        Spread {
            count: sketch.count(),
            sum_s: sketch.sum_s(),
            quantiles_s: found.and_then(|q| q.try_into().ok()),
            max_s: sketch.max_s(),
            profile: sketch.profile(),
        }
    }
}

impl Outcomes {
    fn of(record: &ClassRecord) -> Outcomes {
        Outcomes {
            succeeded: record.succeeded(),
            failed: record.failed(),
            unfinished: record.unfinished(),
            latency: Spread::of(&record.latency),
            render: Spread::of(&record.render),
            page: Spread::of(&record.page),
        }
    }
}

impl Sample {
    /// Reduces a run.
    pub fn of(record: &RunRecord) -> Sample {
        Sample::made(record, (&record.classes, &record.nodes, &record.hosts))
    }

    /// Reduces the batches of a run, each this long.
    pub fn batches(record: &RunRecord, batch_s: f64) -> Vec<Sample> {
        let of = |(i, batch): (usize, &Batch)| Sample {
            batch_s: Some(batch_s),
            answered: batch.classes.iter().map(ClassRecord::succeeded).sum(),
            lost_writes: if i == 0 { record.lost_writes.iter().sum() } else { 0 },
            ..Sample::made(record, (&batch.classes, &batch.nodes, &batch.hosts))
        };
        record.batches.iter().enumerate().map(of).collect()
    }

    fn made(record: &RunRecord, (classes, nodes, hosts): (&[ClassRecord], &[NodeRecord], &[HostRecord])) -> Sample {
        let mut all = ClassRecord::default();
        classes.iter().for_each(|c| all.merge(c));
        let node = |n: &NodeRecord| NodeSample {
            tally: n.tally,
            wait: Spread::of(&n.wait),
        };
        Sample {
            all: Outcomes::of(&all),
            classes: classes.iter().map(Outcomes::of).collect(),
            nodes: nodes.iter().map(node).collect(),
            hosts: hosts.iter().map(|h| (h.cpu, h.up)).collect(),
            bins: record.bins.clone(),
            answered: record.answered,
            lost_writes: record.lost_writes.iter().sum(),
            lags: record.lags.iter().map(Spread::of).collect(),
            overflowed: record.overflowed.map(|(at, budget)| (at.seconds(), budget)),
            batch_s: None,
        }
    }
}

/// Succeeded over succeeded and failed. If nothing failed, each request counts as a trial; but with `lifetimes` the
/// requests of a replication share its fate, and the replication counts as one.
pub fn availability<'a>(samples: impl Iterator<Item = &'a Outcomes>, lifetimes: bool) -> Option<Between> {
    let pairs: Vec<(u64, u64)> = samples.map(|o| (o.succeeded, o.succeeded + o.failed)).collect();
    interval::share(&pairs, trials(&pairs, lifetimes))
}

fn trials(pairs: &[(u64, u64)], lifetimes: bool) -> u64 {
    match lifetimes {
        true => pairs.len() as u64,
        false => pairs.iter().map(|p| p.1).sum(),
    }
}

/// Failed over succeeded and failed. Computed from the counts, so that a value equal to the objective meets it.
pub fn error_ratio<'a>(samples: impl Iterator<Item = &'a Outcomes>, lifetimes: bool) -> Option<Between> {
    let pairs: Vec<(u64, u64)> = samples.map(|o| (o.failed, o.succeeded + o.failed)).collect();
    interval::share(&pairs, trials(&pairs, lifetimes))
}

/// Mean over replications: a ratio of sums, since replications differ in their counts.
pub fn mean<'a>(spreads: impl Iterator<Item = &'a Spread>) -> Option<Interval> {
    let pairs: Vec<(f64, f64)> = spreads.map(|s| (s.sum_s, s.count as f64)).collect();
    interval::ratio(&pairs)
}

/// The `i`-th of [`QUANTILES`] over all replications pooled.
pub fn quantile<'a>(spreads: impl Iterator<Item = &'a Spread>, pooled: &Sketch, i: usize) -> Option<Between> {
    let (each, counts): (Vec<_>, Vec<_>) = spreads.map(|s| (&s.profile, s.count)).unzip();
    interval::quantile(pooled, &each, &counts, QUANTILES[i])
}

/// The largest relative half-width among the headline metrics, of all requests and of each class; infinite while one
/// has none.
pub fn worst_precision(study: &Study) -> f64 {
    let mut worst = headline(
        study.samples.iter().map(|s| &s.all),
        &study.all().latency,
        study.lifetimes,
    );
    for (class, pooled) in study.pooled.iter().enumerate() {
        let of_class = study.samples.iter().map(|s| &s.classes[class]);
        worst = worst.max(headline(of_class, &pooled.latency, study.lifetimes));
    }
    worst
}

fn headline<'a>(outcomes: impl Iterator<Item = &'a Outcomes> + Clone, pooled: &Sketch, lifetimes: bool) -> f64 {
    let succeeded: Vec<f64> = outcomes.clone().map(|o| o.succeeded as f64).collect();
    let spreads = || outcomes.clone().map(|o| &o.latency);
    let symmetric = [interval::mean(&succeeded), mean(spreads())].map(|i| i.map(Between::from));
    let quantiles = [0, 2, 3].map(|i| quantile(spreads(), pooled, i));
    let availability = availability(outcomes.clone(), lifetimes);
    let all = symmetric.into_iter().chain(quantiles).chain([availability]);
    // A metric without a value (no request of the class ever succeeds) never becomes precise.
    all.flatten().map(|i| i.relative()).fold(0.0, f64::max)
}
