//! `run`: the results of a study as estimates with intervals, compared with the SLO, and caveats. Most other analyses
//! build on it.

use super::availability;
use super::result::{
    Caveat, Distribution, Estimate, Happening, HostResult, Latency, Metrics, NamedRun, NodeResult, Ordered, PeakUse,
    Requests, Run, ScenarioId, Series, SloResult, Timeline, Wait,
};
use super::statistics;
use super::topology::Topology;
use super::waterfall::waterfall;
use crate::base::limits;
use crate::model::bin::{Bin, bin_of};
use crate::model::recorder::{Budget, ClassRecord, EVENTS};
use crate::model::request::Outcome;
use crate::scenario::plan::{Database, Measure, Monitoring, Objective, Plan};
use crate::scenario::review::bottleneck;
use crate::stats::interval::{self, Between, CONFIDENCE, Interval};
use crate::stats::sketch::Sketch;
use crate::study::Study;
use crate::study::sample::{self, Outcomes, QUANTILES, Sample, Spread};

/// The results of a study of this plan.
pub fn run(plan: &Plan, study: &Study) -> Run {
    let samples = &study.samples;
    let window = |s: &Sample| s.measured_s(plan.duration.seconds(), study.warmup.seconds());
    let windows: Vec<f64> = samples.iter().map(window).collect();
    // A run that ended before its warm-up measured nothing.
    let measured: Vec<&Sample> = samples.iter().filter(|s| window(s) > 0.0).collect();
    let pooled = study.all();
    let class = |(c, class): (usize, &crate::scenario::plan::Class)| {
        let outcomes: Vec<&Outcomes> = samples.iter().map(|s| &s.classes[c]).collect();
        (
            class.name.clone(),
            metrics(&outcomes, &study.pooled[c], (&windows, study.lifetimes)),
        )
    };
    let all: Vec<&Outcomes> = samples.iter().map(|s| &s.all).collect();
    Run {
        metrics: metrics(&all, &pooled, (&windows, study.lifetimes)),
        classes: Ordered(plan.classes.iter().enumerate().map(class).collect()),
        nodes: Ordered(
            plan.nodes
                .iter()
                .enumerate()
                .map(|(i, n)| (n.name.clone(), node(&measured, &study.waits[i], i)))
                .collect(),
        ),
        // A host implied by a node is not a component of its own; the node's row covers it.
        hosts: Ordered(
            plan.hosts
                .iter()
                .enumerate()
                .filter(|(_, h)| h.named)
                .map(|(i, h)| (h.name.clone(), host(&measured, i)))
                .collect(),
        ),
        lag_s: lags(plan, study),
        timeline: timeline(plan, study),
        events: study.events.iter().map(happening).collect(),
        slo: plan.slo.iter().map(|o| objective(o, study, &pooled)).collect(),
        topology: Topology::of(plan, Some(study)),
        waterfall: waterfall(plan, study),
        peak: (plan.moments().len() > 1).then(|| peak(plan)).flatten(),
    }
}

fn peak(plan: &Plan) -> Option<PeakUse> {
    let used = bottleneck(plan, &|_| false)?.used;
    Some(PeakUse {
        ratio: used.ratio(),
        what: used.what.all().into(),
        component: used.component,
    })
}

/// The same with name and caveats, as one of several.
pub fn named(plan: &Plan, study: &Study) -> NamedRun {
    let run = run(plan, study);
    NamedRun {
        scenario: ScenarioId::of(plan),
        replications: study.done(),
        duration_s: plan.duration.seconds(),
        warmup_s: study.warmup.seconds(),
        caveats: caveats(plan, study, &run),
        run,
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

/// An interval as results show it, clamped to bounds.
pub(super) fn estimate(found: Option<impl Into<Between>>, least: f64, most: f64) -> Estimate {
    let found: Option<Between> = found.map(Into::into);
    let bounds = found.and_then(|i| i.bounds);
    Estimate {
        value: found.map(|i| i.value),
        lo: bounds.map(|b| b.0.clamp(least, most)),
        hi: bounds.map(|b| b.1.clamp(least, most)),
        confidence: CONFIDENCE,
    }
}

/// A value that cannot be negative.
fn amount(interval: Option<impl Into<Between>>) -> Estimate {
    estimate(interval, 0.0, f64::INFINITY)
}

/// A value between 0 and 1.
fn share(interval: Option<impl Into<Between>>) -> Estimate {
    estimate(interval, 0.0, 1.0)
}

fn mean_of(values: impl Iterator<Item = f64>) -> Option<Interval> {
    interval::mean(&values.collect::<Vec<f64>>())
}

/// Good answers per second received in the measured part. The reported throughput counts successes among requests that
/// arrived in it, and is lower while a backlog from the warm-up is served first.
pub fn answered_per_s(plan: &Plan, study: &Study) -> Estimate {
    let window = |s: &Sample| s.measured_s(plan.duration.seconds(), study.warmup.seconds());
    let measured = study.samples.iter().map(|s| (s.answered as f64, window(s)));
    amount(mean_of(measured.filter(|m| m.1 > 0.0).map(|(n, window)| n / window)))
}

fn metrics(outcomes: &[&Outcomes], pooled: &ClassRecord, (windows, lifetimes): (&[f64], bool)) -> Metrics {
    let each = || outcomes.iter().copied();
    let measured = each().zip(windows).filter(|(_, window)| **window > 0.0);
    let throughput = mean_of(measured.map(|(o, window)| o.succeeded as f64 / window));
    let some = |spread: Latency| spread.mean.value.map(|_| spread);
    Metrics {
        requests: Requests {
            offered: pooled.offered(),
            succeeded: pooled.succeeded(),
            failed: pooled.failed(),
            unfinished: pooled.unfinished(),
        },
        attempts: pooled.attempts,
        availability: share(sample::availability(each(), lifetimes)),
        throughput_per_s: amount(throughput),
        latency_s: latency(&each().map(|o| &o.latency).collect::<Vec<_>>(), &pooled.latency),
        render_s: some(latency(&each().map(|o| &o.render).collect::<Vec<_>>(), &pooled.render)),
        page_s: some(latency(&each().map(|o| &o.page).collect::<Vec<_>>(), &pooled.page)),
        outcomes: outcomes_of(pooled),
        distribution: distribution(pooled),
    }
}

/// Replica lag at each write, by database; databases without lag are left out.
fn lags(plan: &Plan, study: &Study) -> Ordered<Latency> {
    let of = |(i, database): (usize, &Database)| {
        let pooled = &study.lags[i];
        // Lags are recorded for whole runs, not for batches of one run.
        let runs = study.samples.iter().take(study.done() as usize);
        let spreads: Vec<&Spread> = runs.map(|s| &s.lags[i]).collect();
        let is_behind = pooled.max_s().is_some_and(|max| max > 0.0);
        is_behind.then(|| (database.name.clone(), latency(&spreads, pooled)))
    };
    Ordered(plan.databases.iter().enumerate().filter_map(of).collect())
}

fn latency(spreads: &[&Spread], pooled: &Sketch) -> Latency {
    let each = || spreads.iter().copied();
    let quantile = |i| amount(sample::quantile(each(), pooled, i));
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

/// Every cause that occurred, plus `ok` and `unfinished`.
fn outcomes_of(pooled: &ClassRecord) -> Ordered<u64> {
    let always = [Outcome::Ok as usize, Outcome::Unfinished as usize];
    let named = Outcome::NAMES.iter().zip(pooled.outcomes).enumerate();
    let kept = named.filter(|(i, (_, n))| *n > 0 || always.contains(i));
    Ordered(kept.map(|(_, (name, n))| ((*name).to_owned(), n)).collect())
}

/// Points of the distribution, denser towards the tail.
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

fn node(samples: &[&Sample], waits_pooled: &Sketch, i: usize) -> NodeResult {
    let each = || samples.iter().map(|s| &s.nodes[i].tally);
    let waits: Vec<&Spread> = samples.iter().map(|s| &s.nodes[i].wait).collect();
    NodeResult {
        arrived: each().map(|n| n.arrived).sum(),
        served: each().map(|n| n.served).sum(),
        orphaned: each().map(|n| n.orphaned).sum(),
        refused: each().map(|n| n.refused).sum(),
        utilization_ratio: share(mean_of(each().filter_map(|n| n.utilization))),
        queue_length: amount(mean_of(each().map(|n| n.queue_length))),
        wait_s: Wait {
            mean: amount(sample::mean(waits.iter().copied())),
            p99: amount(sample::quantile(waits.iter().copied(), waits_pooled, 3)),
        },
        up_ratio: share(mean_of(each().map(|n| n.up))),
    }
}

fn host(samples: &[&Sample], i: usize) -> HostResult {
    HostResult {
        cpu_ratio: share(mean_of(samples.iter().filter_map(|s| s.hosts[i].0))),
        up_ratio: share(mean_of(samples.iter().map(|s| s.hosts[i].1))),
    }
}

// --- timeline -------------------------------------------------------------------------------------------------------

/// The value of a curve for one bin of one replication.
type Value<'a> = &'a dyn Fn(&Sample, usize) -> Option<f64>;

/// Number of bins to average a rate over. With only a few requests per bin most bins have none, and the median would be
/// zero.
fn bins_of_a_rate(samples: &[Sample], bins: usize) -> usize {
    const HANDFUL: f64 = 5.0;
    const ENOUGH: f64 = 20.0;
    let offered: u64 = samples.iter().flat_map(|s| &s.bins).map(|b| u64::from(b.offered)).sum();
    let each = offered as f64 / (samples.len() * bins).max(1) as f64;
    match offered {
        0 => 1,
        _ if each >= HANDFUL => 1,
        _ => ((ENOUGH / each).ceil() as usize).min(bins / 10).max(1),
    }
}

fn timeline(plan: &Plan, study: &Study) -> Timeline {
    // Bins are of whole runs, like lags.
    let samples = &study.samples[..study.samples.len().min(study.done() as usize)];
    let bin_s = bin_of(plan.duration).seconds();
    let bins = samples.first().map_or(0, |s| s.bins.len());
    // The last bins miss the slowest requests: a bin with a tenth still in flight is left out. All replications are
    // judged together, since those with nothing in flight are those that refused the most.
    let has_ended = |b: usize| {
        let bins = samples.iter().filter_map(|s| s.bins.get(b));
        let (offered, ended) = bins.fold((0, 0), |(offered, ended), bin| {
            (
                offered + u64::from(bin.offered),
                ended + u64::from(bin.succeeded + bin.failed),
            )
        });
        ended >= offered - offered / 10
    };
    let have_ended: Vec<bool> = (0..bins).map(has_ended).collect();
    // The last bin may be shorter, and a run that ended early has none after its end.
    let width = |s: &Sample, b: usize| bin_s.min(s.lasted_s(plan.duration.seconds()) - b as f64 * bin_s);
    let together = bins_of_a_rate(samples, bins);
    let rate = |s: &Sample, b: usize, of: fn(&Bin) -> u32| {
        let first = b / together * together;
        let ended = (first..bins.min(first + together)).filter(|b| have_ended[*b]);
        let (count, lasted) = ended.fold((0.0, 0.0), |(count, lasted), b| {
            (count + f64::from(of(&s.bins[b])), lasted + width(s, b).max(0.0))
        });
        Some(count / lasted)
    };
    let ended = |b: &Bin| Some(f64::from(b.succeeded + b.failed)).filter(|ended| *ended > 0.0);
    let curves: [(&str, Value<'_>); 5] = [
        ("availability", &|s, b| {
            Some(f64::from(s.bins[b].succeeded) / ended(&s.bins[b])?)
        }),
        ("throughput_per_s", &|s, b| rate(s, b, |bin| bin.succeeded)),
        ("failed_per_s", &|s, b| rate(s, b, |bin| bin.failed)),
        ("latency_p50_s", &|s, b| s.bins[b].p50_s),
        ("latency_p99_s", &|s, b| s.bins[b].p99_s),
    ];
    let curve = |(name, value): &(&str, Value<'_>)| {
        let at = |b: usize| {
            let lived = samples.iter().filter(|s| width(s, b) > 0.0 && have_ended[b]);
            lived.filter_map(|s| value(s, b)).collect::<Vec<f64>>()
        };
        ((*name).to_owned(), series((0..bins).map(at)))
    };
    let settling = study.settling.iter();
    let settling = settling.map(|s| (statistics::SETTLING.to_owned(), statistics::curve(plan, s)));
    Timeline {
        bin_s,
        series: Ordered(curves.iter().map(curve).chain(settling).collect()),
    }
}

/// Median and 5–95 % band of each bin, interpolated: for an even number of values the median is the mean of the middle
/// two.
fn series(bins: impl Iterator<Item = Vec<f64>>) -> Series {
    let mut series = Series::default();
    for mut values in bins {
        values.sort_by(f64::total_cmp);
        let at = |p: f64| {
            let place = p * values.len().checked_sub(1)? as f64;
            let (below, above) = (values[place as usize], values[place.ceil() as usize]);
            Some(below + place.fract() * (above - below))
        };
        series.median.push(at(0.5));
        series.lo.push(at(0.05));
        series.hi.push(at(0.95));
    }
    series
}

// --- objectives and caveats -----------------------------------------------------------------------------------------

fn objective(objective: &Objective, study: &Study, all: &ClassRecord) -> SloResult {
    let samples = &study.samples;
    let (outcomes, pooled): (Vec<&Outcomes>, _) = match objective.class {
        Some(class) => {
            let of_class = samples.iter().map(|s| &s.classes[class.index()]);
            (of_class.collect(), &study.pooled[class.index()])
        }
        None => (samples.iter().map(|s| &s.all).collect(), all),
    };
    let each = || outcomes.iter().copied();
    let observed = match objective.measure {
        Measure::Availability => share(sample::availability(each(), study.lifetimes)),
        Measure::ErrorRatio => share(sample::error_ratio(each(), study.lifetimes)),
        Measure::Latency(p) => {
            let index = QUANTILES.iter().position(|q| *q == p).unwrap_or(0);
            amount(sample::quantile(each().map(|o| &o.latency), &pooled.latency, index))
        }
    };
    let at_least = objective.measure == Measure::Availability;
    // Without successes there is no latency, and an objective about it is missed.
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

/// Caveats to the numbers.
pub fn caveats(plan: &Plan, study: &Study, run: &Run) -> Vec<Caveat> {
    let mut caveats = Vec::new();
    if study.samples.is_empty() {
        return caveats;
    }
    let mut say = |code: String, message: String| caveats.push(Caveat { code, message });
    for result in run.slo.iter().filter(|s| s.may_be_chance()) {
        say(
            format!("slo.straddles.{}", result.objective),
            format!(
                "{}: the interval reaches across the target, so met or missed may be chance; more replications would tell",
                result.objective
            ),
        );
    }
    for (name, message) in saturated(plan, study, run) {
        say(format!("unstable.{name}"), message);
    }
    if study.unsettled {
        say("warmup.unsettled".into(), unsettled(plan).into());
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
    let first = |a: (f64, Budget), b: (f64, Budget)| if b.0 < a.0 { b } else { a };
    if let Some((at, budget)) = study.samples.iter().filter_map(|s| s.overflowed).reduce(first) {
        let measured = match at > study.warmup.seconds() {
            true => "",
            false => ", before the warm-up was over, so that nothing was measured",
        };
        say(
            "overflow".into(),
            format!(
                "{}: a replication ended early, after {at:.3} s{measured}; {}",
                spent(budget),
                instead(budget)
            ),
        );
    } else if run.metrics.requests.offered == 0 {
        say(
            "nothing.offered".into(),
            "no request came within the measured part of the run, so there is nothing to measure; a longer duration or more load would tell".into(),
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
    if let Some(last) = run.events.get(EVENTS - 1) {
        let says = format!(
            "the log of events holds the first {EVENTS}, and ends after {:.0} s",
            last.at_s
        );
        say("events.cut".into(), says);
    }
    let lost: u64 = study.samples.iter().map(|s| s.lost_writes).sum();
    if lost > 0 {
        say(
            "writes.lost".into(),
            format!(
                "on average a run lost {:.1} acknowledged writes, because the primary died before it had passed them to a replica",
                lost as f64 / f64::from(study.done())
            ),
        );
    }
    if study.lifetimes && !plan.lifetimes.is_empty() && plan.monitoring == Monitoring::Unsaid {
        say(
            "monitoring.unsaid".into(),
            "the scenario does not say how a failure comes to anybody's notice, so repair begins at once, which flatters availability; \"monitoring\" says it".into(),
        );
    }
    if study.lifetimes && !plan.lifetimes.is_empty() {
        let simulated = plan.duration.scaled(f64::from(study.done()));
        let failures = availability::changes(plan, simulated) / 2.0;
        if failures < FEW_FAILURES {
            say(
                "failures.few".into(),
                format!(
                    "about {failures:.1} failures are to be expected in all replications together: too few to tell from them how available it is, \
                     whatever the interval says; `fallover availability` is for that"
                ),
            );
        }
    }
    caveats.extend(statistics::caveats(plan, study, run));
    caveats
}

/// With fewer failures than this the interval of the share misses the truth too often.
const FEW_FAILURES: f64 = 30.0;

/// Why no warm-up was found, with advice for this scenario.
fn unsettled(plan: &Plan) -> &'static str {
    if plan.load_varies() {
        "no warm-up was left out: the load changes over time by design, so there is no steady state to find; a fixed warm-up would leave out the start"
    } else if !plan.faults.is_empty() {
        "no warm-up was left out: the faults keep the run from settling; a fixed warm-up would leave out the start"
    } else {
        "no warm-up was left out: the latency did not settle within the first half of the run; a longer duration may, or a fixed warm-up"
    }
}

/// Hosts and nodes that are asked for more than they can do, and the consequence.
///
/// Demand is offered work by the utilisation law: calls that arrived times the mean cost of a call. Counting answers
/// instead would blame a host for requests that its neighbours refused or its clients abandoned.
fn saturated(plan: &Plan, study: &Study, run: &Run) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut full_hosts = Vec::new();
    for (i, host) in plan.hosts.iter().enumerate() {
        let busy = run.hosts.get(&host.name).and_then(|h| h.cpu_ratio.value).unwrap_or(0.0);
        if busy < 0.995 {
            continue;
        }
        full_hosts.push(i);
        let here: Vec<usize> = (0..plan.nodes.len())
            .filter(|n| plan.nodes[*n].host.index() == i)
            .collect();
        let asked = asked_of_host(plan, study, i).filter(|a| *a > 1.02);
        let asked = asked.map_or("all of the CPU it has, all the time".into(), |a| {
            format!("{a:.2} times the CPU it has")
        });
        let consequence = consequence(run, &host.name, &here, "what waits there waits long");
        found.push((
            host.name.clone(),
            format!("{} is asked for {asked}: {consequence}", host.name),
        ));
    }
    for (i, node) in plan.nodes.iter().enumerate() {
        let result = &run.nodes.0[i].1;
        let at_end = study
            .samples
            .iter()
            .map(|s| s.nodes[i].tally.queue_at_end as f64)
            .sum::<f64>();
        let at_end = at_end / study.samples.len().max(1) as f64;
        let full = result.utilization_ratio.value.is_some_and(|u| u > 0.98);
        let growing = at_end > 1.5 * result.queue_length.value.unwrap_or(0.0) + 10.0;
        // If its host has no CPU left, busy workers are only a symptom.
        if full && (growing || turned_away(result) > 0.01) && !full_hosts.contains(&node.host.index()) {
            let asked = result.arrived as f64 / done_by_workers(plan, study, run, i).max(1.0);
            // If hardly any request succeeds, the workers' capacity cannot be observed.
            let asked = match asked < MOST_TO_TELL {
                true => format!("{asked:.2} times what"),
                false => "more than".into(),
            };
            let consequence = consequence(run, &node.name, &[i], "its queue grows as long as the run lasts");
            let message = format!("{} is asked for {asked} its workers can do: {consequence}", node.name);
            found.push((node.name.clone(), message));
        }
    }
    found
}

/// CPU time demanded of a host over the CPU time available; `None` if a mean is unknown.
fn asked_of_host(plan: &Plan, study: &Study, i: usize) -> Option<f64> {
    let host = &plan.hosts[i];
    let cores = f64::from(host.cores?) * host.speed;
    let window = |s: &Sample| s.measured_s(plan.duration.seconds(), study.warmup.seconds());
    let had = cores * study.samples.iter().map(window).sum::<f64>();
    let here = (0..plan.nodes.len()).filter(|n| plan.nodes[*n].host.index() == i);
    let asked: Option<f64> = here
        .flat_map(|n| study.samples.iter().map(move |s| s.nodes[n].tally.cpu_asked_s))
        .sum();
    asked.filter(|_| had > 0.0).map(|asked| asked / had)
}

/// Largest overload factor that is reported as a number.
const MOST_TO_TELL: f64 = 20.0;

/// Work done by a node's workers while all are busy. Workers also wait for calls, so only the measured pace tells their
/// capacity. Work present at the start is counted and work present at the end is not; runs that start empty are
/// credited half of the latter.
fn done_by_workers(plan: &Plan, study: &Study, run: &Run, i: usize) -> f64 {
    let result = &run.nodes.0[i].1;
    let begun = match study.warmup.is_zero() {
        true => f64::from(plan.nodes[i].workers.unwrap_or(0)) * f64::from(study.done()) / 2.0,
        false => 0.0,
    };
    (result.served + result.orphaned) as f64 + begun
}

fn turned_away(node: &NodeResult) -> f64 {
    node.refused as f64 / node.arrived.max(1) as f64
}

/// A full queue refuses the excess and reaches a steady state; an unlimited one grows as long as the run lasts.
fn consequence(run: &Run, of: &str, nodes: &[usize], otherwise: &str) -> String {
    let worst = nodes.iter().map(|n| &run.nodes.0[*n]);
    let worst = worst.max_by(|a, b| turned_away(&a.1).total_cmp(&turned_away(&b.1)));
    match worst {
        Some((name, node)) if turned_away(node) > 0.01 => {
            let (who, share) = (if name == of { "it" } else { name }, 100.0 * turned_away(node));
            format!("{who} turns away {share:.0} % of its calls, and the latencies are of those that got in")
        }
        _ => format!("{otherwise}, so the numbers describe a run of this length only"),
    }
}

fn spent(budget: Budget) -> String {
    match budget {
        Budget::Inside => format!(
            "more than {} million requests were inside at once",
            limits::IN_FLIGHT / 1_000_000
        ),
        Budget::Steps => format!("it took more than {} billion steps", limits::STEPS / 1_000_000_000),
        Budget::Rows => format!(
            "more than {} million rows of requests were kept",
            limits::ROWS / 1_000_000
        ),
    }
}

fn instead(budget: Budget) -> &'static str {
    match budget {
        Budget::Inside => "the system is far beyond what it can carry",
        Budget::Steps => "a shorter duration would do, or less that one request sets off",
        Budget::Rows => "a shorter duration and more replications have as many",
    }
}
