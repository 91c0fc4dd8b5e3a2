//! `run`: what happened, as estimates with intervals, against the SLO, with the caveats a colleague would give.

use super::result::{
    Caveat, Distribution, Estimate, Happening, HostResult, Latency, Metrics, NodeResult, Ordered, Requests, Run,
    Series, SloResult, Timeline, Wait,
};
use crate::model::recorder::{Bin, ClassRecord, bin_of};
use crate::model::request::Outcome;
use crate::scenario::plan::{Measure, Objective, Plan};
use crate::stats::interval::{self, CONFIDENCE, Interval};
use crate::study::Study;
use crate::study::sample::{self, Outcomes, QUANTILES, Sample, Spread};

/// What a study says about its plan.
pub fn run(plan: &Plan, study: &Study) -> Run {
    let window_s = plan.duration.seconds() - study.warmup.seconds();
    let samples = &study.samples;
    let mut pooled = ClassRecord::default();
    study.pooled.iter().for_each(|c| pooled.merge(c));
    let class = |(c, class): (usize, &crate::scenario::plan::Class)| {
        let outcomes: Vec<&Outcomes> = samples.iter().map(|s| &s.classes[c]).collect();
        (class.name.clone(), metrics(&outcomes, &study.pooled[c], window_s))
    };
    let all: Vec<&Outcomes> = samples.iter().map(|s| &s.all).collect();
    Run {
        metrics: metrics(&all, &pooled, window_s),
        classes: Ordered(plan.classes.iter().enumerate().map(class).collect()),
        nodes: Ordered(
            plan.nodes
                .iter()
                .enumerate()
                .map(|(i, n)| (n.name.clone(), node(samples, i)))
                .collect(),
        ),
        // A host that only a node implies is no component of its own: the node's row says all there is.
        hosts: Ordered(
            plan.hosts
                .iter()
                .enumerate()
                .filter(|(_, h)| h.named)
                .map(|(i, h)| (h.name.clone(), host(samples, i)))
                .collect(),
        ),
        timeline: timeline(plan, samples),
        events: study.events.iter().map(happening).collect(),
        slo: plan.slo.iter().map(|o| objective(o, samples)).collect(),
    }
}

fn happening(note: &crate::model::recorder::Note) -> Happening {
    Happening {
        at_s: note.at.seconds(),
        what: note.what.clone(),
        target: note.target.clone(),
    }
}

// --- estimates ------------------------------------------------------------------------------------------------------

/// An interval as results give it, kept within bounds.
fn estimate(interval: Option<Interval>, least: f64, most: f64) -> Estimate {
    let bound = |sign: f64| interval.and_then(|i| i.half.map(|h| (i.value + sign * h).clamp(least, most)));
    Estimate {
        value: interval.map(|i| i.value),
        lo: bound(-1.0),
        hi: bound(1.0),
        confidence: CONFIDENCE,
    }
}

/// What cannot be negative.
fn amount(interval: Option<Interval>) -> Estimate {
    estimate(interval, 0.0, f64::INFINITY)
}

/// What lies between 0 and 1.
fn share(interval: Option<Interval>) -> Estimate {
    estimate(interval, 0.0, 1.0)
}

fn mean_of(values: impl Iterator<Item = f64>) -> Option<Interval> {
    interval::mean(&values.collect::<Vec<f64>>())
}

fn metrics(outcomes: &[&Outcomes], pooled: &ClassRecord, window_s: f64) -> Metrics {
    let each = || outcomes.iter().copied();
    let throughput = mean_of(each().map(|o| o.succeeded as f64 / window_s));
    let some = |spread: Latency| spread.mean.value.map(|_| spread);
    Metrics {
        requests: Requests {
            offered: pooled.offered(),
            succeeded: pooled.succeeded(),
            failed: pooled.failed(),
            unfinished: pooled.unfinished(),
        },
        availability: share(sample::availability(each())),
        throughput_per_s: amount(throughput),
        latency_s: latency(&each().map(|o| &o.latency).collect::<Vec<_>>()),
        render_s: some(latency(&each().map(|o| &o.render).collect::<Vec<_>>())),
        page_s: some(latency(&each().map(|o| &o.page).collect::<Vec<_>>())),
        outcomes: outcomes_of(pooled),
        distribution: distribution(pooled),
    }
}

fn latency(spreads: &[&Spread]) -> Latency {
    let each = || spreads.iter().copied();
    let quantile = |i| amount(sample::quantile(each(), i));
    Latency {
        mean: amount(sample::mean(each())),
        p50: quantile(0),
        p90: quantile(1),
        p95: quantile(2),
        p99: quantile(3),
        p999: quantile(4),
        max: amount(mean_of(each().filter_map(|s| s.max_s))),
    }
}

/// Every cause that occurred, and `ok` and `unfinished` always.
fn outcomes_of(pooled: &ClassRecord) -> Ordered<u64> {
    let always = [Outcome::Ok as usize, Outcome::Unfinished as usize];
    let named = Outcome::NAMES.iter().zip(pooled.outcomes).enumerate();
    let kept = named.filter(|(i, (_, n))| *n > 0 || always.contains(i));
    Ordered(kept.map(|(_, (name, n))| ((*name).to_owned(), n)).collect())
}

/// Points of the distribution, denser towards the tail, where the interest is.
fn distribution(pooled: &ClassRecord) -> Distribution {
    if pooled.latency.count() == 0 {
        return Distribution::default();
    }
    let mut ratio: Vec<f64> = (0..=98).map(|i| f64::from(i) / 100.0).collect();
    ratio.extend((0..=18).map(|i| 0.985 + f64::from(i) * 0.0005));
    ratio.extend([0.995, 0.996, 0.997, 0.998, 0.9985, 0.999, 0.9995, 0.9999, 0.99999, 1.0]);
    ratio.sort_by(f64::total_cmp);
    ratio.dedup();
    let found = pooled.latency.quantiles_s(&ratio);
    Distribution {
        latency_s: found.into_iter().map(|q| q.unwrap_or(0.0)).collect(),
        ratio,
    }
}

fn node(samples: &[Sample], i: usize) -> NodeResult {
    let each = || samples.iter().map(|s| &s.nodes[i]);
    let waits: Vec<&Spread> = each().map(|n| &n.wait).collect();
    NodeResult {
        arrived: each().map(|n| n.arrived).sum(),
        served: each().map(|n| n.served).sum(),
        refused: each().map(|n| n.refused).sum(),
        utilization_ratio: share(mean_of(each().filter_map(|n| n.utilization))),
        queue_length: amount(mean_of(each().map(|n| n.queue_length))),
        wait_s: Wait {
            mean: amount(sample::mean(waits.iter().copied())),
            p99: amount(sample::quantile(waits.iter().copied(), 3)),
        },
        up_ratio: share(mean_of(each().map(|n| n.up))),
    }
}

fn host(samples: &[Sample], i: usize) -> HostResult {
    HostResult {
        cpu_ratio: share(mean_of(samples.iter().filter_map(|s| s.hosts[i].0))),
        up_ratio: share(mean_of(samples.iter().map(|s| s.hosts[i].1))),
    }
}

// --- timeline -------------------------------------------------------------------------------------------------------

/// A name, and what a curve shows of the bin with this number; `None` where there is nothing to show.
type Curve<'a> = (&'a str, &'a dyn Fn(usize, &Bin) -> Option<f64>);

fn timeline(plan: &Plan, samples: &[Sample]) -> Timeline {
    let bin_s = bin_of(plan.duration).seconds();
    let bins = samples.first().map_or(0, |s| s.bins.len());
    // The last bin may be shorter than the others.
    let width = |b: usize| {
        bin_s
            .min(plan.duration.seconds() - b as f64 * bin_s)
            .max(f64::MIN_POSITIVE)
    };
    let availability = |_: usize, b: &Bin| {
        let ended = b.succeeded + b.failed;
        (ended > 0).then(|| f64::from(b.succeeded) / f64::from(ended))
    };
    let throughput = |i: usize, b: &Bin| Some(f64::from(b.succeeded) / width(i));
    let failed = |i: usize, b: &Bin| Some(f64::from(b.failed) / width(i));
    let curves: [Curve; 5] = [
        ("availability", &availability),
        ("throughput_per_s", &throughput),
        ("failed_per_s", &failed),
        ("latency_p50_s", &|_, b| b.p50_s),
        ("latency_p99_s", &|_, b| b.p99_s),
    ];
    let curve = |(name, value): &Curve| {
        let at = |b: usize| {
            samples
                .iter()
                .filter_map(|s| value(b, &s.bins[b]))
                .collect::<Vec<f64>>()
        };
        ((*name).to_owned(), series((0..bins).map(at)))
    };
    Timeline {
        bin_s,
        series: Ordered(curves.iter().map(curve).collect()),
    }
}

/// Median and 5–95 % band of each bin.
fn series(bins: impl Iterator<Item = Vec<f64>>) -> Series {
    let mut series = Series::default();
    for mut values in bins {
        values.sort_by(f64::total_cmp);
        let at = |p: f64| {
            let last = values.len().checked_sub(1)?;
            Some(values[(p * last as f64).round() as usize])
        };
        series.median.push(at(0.5));
        series.lo.push(at(0.05));
        series.hi.push(at(0.95));
    }
    series
}

// --- promises and caveats -------------------------------------------------------------------------------------------

fn objective(objective: &Objective, samples: &[Sample]) -> SloResult {
    let outcomes: Vec<&Outcomes> = match objective.class {
        Some(class) => samples.iter().map(|s| &s.classes[class.index()]).collect(),
        None => samples.iter().map(|s| &s.all).collect(),
    };
    let each = || outcomes.iter().copied();
    let observed = match objective.measure {
        Measure::Availability => share(sample::availability(each())),
        Measure::ErrorRatio => {
            let flipped = sample::availability(each()).map(|i| Interval {
                value: 1.0 - i.value,
                ..i
            });
            share(flipped)
        }
        Measure::Latency(p) => {
            let index = QUANTILES.iter().position(|q| *q == p).unwrap_or(0);
            amount(sample::quantile(each().map(|o| &o.latency), index))
        }
    };
    let at_least = objective.measure == Measure::Availability;
    // Where nothing succeeded there is no latency, and a promise about it is not kept.
    let met = observed.value.is_some_and(|v| {
        if at_least {
            v >= objective.target
        } else {
            v <= objective.target
        }
    });
    SloResult {
        objective: objective.name.clone(),
        target: objective.target,
        observed,
        met,
    }
}

/// What one should know before believing the numbers.
pub fn caveats(plan: &Plan, study: &Study, run: &Run) -> Vec<Caveat> {
    let mut caveats = Vec::new();
    let mut say = |code: String, message: String| caveats.push(Caveat { code, message });
    for result in run.slo.iter().filter(|s| straddles(s)) {
        say(
            format!("slo.straddles.{}", result.objective),
            format!(
                "{}: the interval reaches across the target, so met or missed may be chance; more replications would tell",
                result.objective
            ),
        );
    }
    for (name, ratio, what) in saturated(plan, study, run) {
        say(
            format!("unstable.{name}"),
            format!(
                "{name} is offered {ratio:.2} of its {what}: its queue never settles, so the numbers describe this run's length only"
            ),
        );
    }
    if study.unsettled {
        say("warmup.unsettled".into(), "no steady state was found within the run, so nothing was left out as warm-up; a longer duration may settle".into());
    }
    if !study.precise {
        say(
            "precision.missed".into(),
            format!(
                "the precision asked for was not reached within {} replications",
                study.samples.len()
            ),
        );
    }
    if let Some(at) = study.samples.iter().filter_map(|s| s.overflowed_s).reduce(f64::min) {
        say(
            "overflow".into(),
            format!(
                "too many requests were in flight at once: a replication ended early, after {at:.0} s; the system is far beyond what it can carry"
            ),
        );
    }
    let unfinished = run.metrics.requests.unfinished as f64 / run.metrics.requests.offered.max(1) as f64;
    if unfinished > 0.01 {
        say(
            "unfinished".into(),
            format!(
                "{:.1} % of the requests were still inside at the end, and no availability or latency counts them",
                100.0 * unfinished
            ),
        );
    }
    if let Some(few) = few_in_tail(study) {
        say(
            "tail.thin".into(),
            format!(
                "about {few:.0} requests a replication lie beyond the p99.9: it is a guess; a longer duration would firm it up"
            ),
        );
    }
    caveats
}

fn straddles(slo: &SloResult) -> bool {
    let Estimate {
        lo: Some(lo),
        hi: Some(hi),
        ..
    } = slo.observed
    else {
        return false;
    };
    lo < slo.target && slo.target < hi
}

/// Nodes and hosts that get more than they can do: full all the time, with a queue that is longer at the end than on
/// the average, or more arrivals than departures.
fn saturated<'a>(plan: &'a Plan, study: &Study, run: &Run) -> Vec<(&'a str, f64, &'static str)> {
    let mut found = Vec::new();
    for (i, node) in plan.nodes.iter().enumerate() {
        let result = &run.nodes.0[i].1;
        let at_end = study
            .samples
            .iter()
            .map(|s| s.nodes[i].queue_at_end as f64)
            .sum::<f64>()
            / study.samples.len().max(1) as f64;
        let full = result.utilization_ratio.value.is_some_and(|u| u > 0.98);
        let growing = at_end > 1.5 * result.queue_length.value.unwrap_or(0.0) + 10.0;
        let turned_away = result.refused as f64 > 0.01 * result.arrived as f64;
        if full && (growing || turned_away) {
            found.push((
                node.name.as_str(),
                result.arrived as f64 / (result.served.max(1)) as f64,
                "capacity",
            ));
        }
    }
    for (i, host) in plan.hosts.iter().enumerate() {
        if run
            .hosts
            .get(&host.name)
            .and_then(|h| h.cpu_ratio.value)
            .is_some_and(|c| c > 0.995)
        {
            let here = plan.nodes.iter().enumerate().filter(|(_, n)| n.host.index() == i);
            let (arrived, served) = here
                .map(|(n, _)| &run.nodes.0[n].1)
                .fold((0, 0), |s, n| (s.0 + n.arrived, s.1 + n.served));
            found.push((host.name.as_str(), arrived as f64 / served.max(1) as f64, "cores"));
        }
    }
    found
}

fn few_in_tail(study: &Study) -> Option<f64> {
    let per_run = study.samples.iter().map(|s| s.all.succeeded as f64).sum::<f64>() / study.samples.len().max(1) as f64;
    (per_run > 0.0 && per_run < 10_000.0).then_some(per_run / 1000.0)
}
