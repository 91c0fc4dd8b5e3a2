//! One replication, reduced to the numbers that estimates are made of.

use super::Study;
use crate::model::bin::Bin;
use crate::model::recorder::{Batch, Budget, ClassRecord, HostRecord, NodeRecord, NodeTally, RunRecord};
use crate::stats::interval::{self, Between, Interval};
use crate::stats::sketch::{Profile, Sketch};

/// The quantiles that every latency is reported with.
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
    /// Good answers that clients got in the measured part, whenever they had asked.
    pub answered: u64,
    /// Writes lost at promotions.
    pub lost_writes: u64,
    /// How far replicas were behind with each write, by database.
    pub lags: Vec<Spread>,
    /// When the run ended, in seconds, if that was early, and what it had used up.
    pub overflowed: Option<(f64, Budget)>,
    /// Of a batch: how long it is.
    pub batch_s: Option<f64>,
}

impl Sample {
    /// How long the measured part lasted, of a run that was to last `duration_s`; 0 where it ended before.
    pub fn measured_s(&self, duration_s: f64, warmup_s: f64) -> f64 {
        self.batch_s
            .unwrap_or_else(|| (self.lasted_s(duration_s) - warmup_s).max(0.0))
    }

    /// How long the run lasted, that was to last `duration_s`.
    pub fn lasted_s(&self, duration_s: f64) -> f64 {
        self.overflowed.map_or(duration_s, |(at_s, _)| at_s)
    }
}

/// What became of some requests.
#[derive(Clone, Debug)]
pub struct Outcomes {
    /// Answered.
    pub succeeded: u64,
    /// Not answered.
    pub failed: u64,
    /// Still inside at the end.
    pub unfinished: u64,
    /// Of those that succeeded.
    pub latency: Spread,
    /// The browser's rendering.
    pub render: Spread,
    /// From the wish to the rendered page.
    pub page: Spread,
}

/// A sketch, reduced.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Their sum in seconds.
    pub sum_s: f64,
    /// As [`QUANTILES`]; `None` of nothing.
    pub quantiles_s: Option<[f64; 5]>,
    /// The largest.
    pub max_s: Option<f64>,
    /// Which share lies below what.
    pub profile: Profile,
}

/// One node.
#[derive(Clone, Debug)]
pub struct NodeSample {
    /// In numbers.
    pub tally: NodeTally,
    /// Waiting.
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
    /// A run, reduced.
    pub fn of(record: &RunRecord) -> Sample {
        Sample::made(record, (&record.classes, &record.nodes, &record.hosts))
    }

    /// The batches of a run, each so long, reduced.
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

/// Succeeded over succeeded and failed. Where nothing ever failed, requests were tried one by one, but where components fail (`lifetimes`) all
/// requests of a replication share their luck, and it counts as one.
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

/// Failed over succeeded and failed: what is left of that, from the counts, so that a promise of just so many is kept.
pub fn error_ratio<'a>(samples: impl Iterator<Item = &'a Outcomes>, lifetimes: bool) -> Option<Between> {
    let pairs: Vec<(u64, u64)> = samples.map(|o| (o.failed, o.succeeded + o.failed)).collect();
    interval::share(&pairs, trials(&pairs, lifetimes))
}

/// Mean of a spread over replications: a ratio of sums, since the replications differ in how many they counted.
pub fn mean<'a>(spreads: impl Iterator<Item = &'a Spread>) -> Option<Interval> {
    let pairs: Vec<(f64, f64)> = spreads.map(|s| (s.sum_s, s.count as f64)).collect();
    interval::ratio(&pairs)
}

/// The `i`-th of [`QUANTILES`] of all replications together.
pub fn quantile<'a>(spreads: impl Iterator<Item = &'a Spread>, pooled: &Sketch, i: usize) -> Option<Between> {
    let (each, counts): (Vec<_>, Vec<_>) = spreads.map(|s| (&s.profile, s.count)).unzip();
    interval::quantile(pooled, &each, &counts, QUANTILES[i])
}

/// The largest relative half-width among the headline metrics, of all requests and of each class; infinite where one
/// has none yet.
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
    // A metric that nothing can be said about (no request of the class ever succeeds) never becomes precise.
    all.flatten().map(|i| i.relative()).fold(0.0, f64::max)
}
