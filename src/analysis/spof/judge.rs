//! What the simulations of a loss say: its verdict, its course, its price.

use super::lab::Runs;
use super::lasts::Lasts;
use super::question::{Doubts, Effect, Loss, Question, Times, Trial};
use super::{ImportanceResult, Priced, Verdict};
use crate::analysis::reliability::{Exact, Importance, Life};
use crate::analysis::result::{Estimate, Run};
use crate::analysis::run as findings;
use crate::base::ids::ClassId;
use crate::base::time::Span;
use crate::model::bin::Bin;
use crate::model::structure::{State, is_cut};
use crate::scenario::plan::{Component, Measure, Plan};
use crate::stats::interval::{self, CONFIDENCE, Interval};
use crate::study::sample::Sample;

/// A stack that keeps no promise anyway is worse off when it loses so much more.
const NOTEWORTHY: f64 = 0.01;
/// An availability that nobody has promised is this.
const USUAL_AVAILABILITY: f64 = 0.999;
/// The kind of what is two components.
pub(super) const PAIR: &str = "pair";

/// The dearest first; where there is no price, the one that loses most.
pub(super) fn worse(a: &Priced, b: &Priced) -> std::cmp::Ordering {
    let cost = |p: &Priced| p.downtime_min_per_year.unwrap_or(-1.0);
    let lost = |p: &Priced| p.lost_ratio.value.unwrap_or(0.0);
    (cost(b).total_cmp(&cost(a)))
        .then(lost(b).total_cmp(&lost(a)))
        .then(a.verdict.cmp(&b.verdict))
        .then(a.name.cmp(&b.name))
}

/// What a loss is called: nobody says of the dead that they crashed.
pub fn titled(name: &str, effect: &str) -> String {
    match effect {
        "crash" => name.to_owned(),
        effect => format!("{name} {effect}"),
    }
}

/// All that a price is made of.
pub(super) struct Judge<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) runs: &'a Runs,
    pub(super) lives: &'a [Option<Life>],
}

/// What was found out about what the first answers left open.
pub(super) struct Settled<'a> {
    pub(super) doubts: &'a Doubts,
    pub(super) runs: &'a Runs,
}

impl Settled<'_> {
    /// Is nothing left open about this loss?
    pub(super) fn is_settled(&self, loss: usize) -> bool {
        let doubts = [self.doubts.light[loss], self.doubts.longer[loss]];
        doubts.into_iter().flatten().all(|trial| self.runs.has(trial))
    }
}

impl Judge<'_> {
    /// Everything about a loss.
    pub(super) fn price(&self, loss: usize, settled: &Settled<'_>, exact: Option<&Exact>) -> Priced {
        let plan = self.question.plan;
        let parts = self.parts(loss);
        let trial = &self.question.trials[loss];
        let effect = self.question.losses[loss].effect;
        let cuts: Vec<String> = self.cuts(loss).map(|c| plan.classes[c].name.clone()).collect();
        let (course, cost) = self.course_and_cost(loss, settled);
        Priced {
            name: self.names(loss),
            kind: if parts.len() > 1 { PAIR } else { parts[0].kind.name() }.into(),
            effect: effect.name().into(),
            single_point: parts.len() == 1 && !cuts.is_empty(),
            verdict: self.verdict(loss, settled),
            cuts,
            lost_ratio: self.lost_ratio(loss),
            p99_s: self.run(trial.loss).metrics.latency_s.p99,
            detected_s: self.runs.reactions.mean_s(trial.loss),
            recovered_s: course.recovered_s,
            recovers: course.recovered_s.is_some(),
            lost_at_crash: course.lost_at_crash,
            lost_in_passing_s: self.passing_s(loss, &course),
            lost_writes: mean(
                self.runs.studies[trial.loss]
                    .samples
                    .iter()
                    .map(|s| s.lost_writes as f64),
            ),
            downtime_min_per_year: cost,
            importance: self.importance(loss, exact),
            fix: None,
        }
    }

    /// Minutes a year, and nothing else, from the first answers alone.
    pub(super) fn cost(&self, loss: usize) -> Option<f64> {
        self.downtime(loss, &course(self.question.trials[loss], self.runs))
    }

    /// Share of all requests that is lost to it, beyond what is lost anyway.
    pub(super) fn excess(&self, loss: usize) -> f64 {
        let trial = &self.question.trials[loss];
        let base = lost_ratio(&self.runs.studies[trial.base].samples, measured_bins(trial)).value;
        (self.lost_ratio(loss).value.unwrap_or(0.0) - base.unwrap_or(0.0)).max(0.0)
    }

    /// The share without an answer. A class that is cut gets none before the repair, though answers that met a cut link are sent
    /// again and come after it: where these make it less, what is cut counts.
    fn lost_ratio(&self, loss: usize) -> Estimate {
        let plan = self.question.plan;
        let trial = &self.question.trials[loss];
        let found = lost_ratio(&self.runs.studies[trial.loss].samples, measured_bins(trial));
        let cut: f64 = self.cuts(loss).map(|c| plan.classes[c].mix).sum();
        match found.hi.or(found.value) {
            Some(most) if most < cut => Estimate {
                value: Some(cut),
                lo: found.lo,
                hi: found.hi.map(|_| cut),
                ..found
            },
            _ => found,
        }
    }

    /// Seconds of all requests that are lost while everything reacts, and on the way back, beyond the share that lasts.
    pub(super) fn in_passing_s(&self, loss: usize) -> f64 {
        self.passing_s(loss, &course(self.question.trials[loss], self.runs))
    }

    fn passing_s(&self, loss: usize, course: &Passing) -> f64 {
        let excess = self.excess(loss);
        let beyond: f64 = course.reacting.iter().map(|bin| bin.beyond_s(excess)).sum();
        beyond.max(0.0) + course.lost_returning_s
    }

    /// May the verdict depend on the load?
    pub(super) fn may_be_load(&self, loss: usize) -> bool {
        self.cuts(loss).next().is_none() && !self.complaints(loss).is_empty()
    }

    /// Are requests still inside at the end that came before the repair, though nobody gives them up?
    pub(super) fn leaves_stuck(&self, loss: usize) -> bool {
        let trial = self.question.trials[loss];
        let up = libm::round((trial.times.crash + trial.times.down()).seconds() / trial.times.bin_s()) as usize;
        let inside = |plan: usize| -> u64 {
            let samples = self.runs.studies[plan].samples.iter();
            let bins = samples.flat_map(|s| s.bins.iter().take(up));
            bins.map(|b| u64::from(b.offered - b.succeeded - b.failed)).sum()
        };
        let patient = self.question.plan.sources.iter().any(|s| s.timeout.is_none());
        patient && inside(trial.loss) > inside(trial.base)
    }

    /// Is it not as before when the watch ends?
    pub(super) fn is_not_back(&self, loss: usize) -> bool {
        course(self.question.trials[loss], self.runs).recovered_s.is_none()
    }

    /// All components of the loss, and how they fail where that is not death.
    pub(super) fn title(&self, loss: usize) -> String {
        titled(&self.names(loss), self.question.losses[loss].effect.name())
    }

    fn names(&self, loss: usize) -> String {
        let names: Vec<&str> = self.parts(loss).iter().map(|c| c.name.as_str()).collect();
        names.join(" + ")
    }

    /// The first component of the loss.
    pub(super) fn name(&self, loss: usize) -> &str {
        self.parts(loss).first().map_or("", |c| c.name.as_str())
    }

    fn parts(&self, loss: usize) -> Vec<&Component> {
        let components = &self.question.plan.components;
        self.question.losses[loss]
            .parts
            .iter()
            .map(|c| &components[*c])
            .collect()
    }

    /// The classes that the loss cuts.
    fn cuts(&self, loss: usize) -> impl Iterator<Item = usize> {
        let plan = self.question.plan;
        let state = State::without(plan, self.parts(loss));
        let is_death = self.question.losses[loss].effect == Effect::Crash;
        (0..plan.classes.len()).filter(move |class| is_death && is_cut(plan, &state, ClassId::new(*class)))
    }

    fn run(&self, plan: usize) -> Run {
        findings::run(&self.question.plans[plan], &self.runs.studies[plan])
    }

    /// What is missed while it is down.
    fn complaints(&self, loss: usize) -> Vec<String> {
        let question = self.question;
        let trial = &question.trials[loss];
        let missed = missed(question.plan, &self.run(trial.loss), &self.run(trial.base));
        with_drift(missed, self.runs, trial)
    }

    /// What is missed at the light load of a doubt. What the baseline keeps is known from the full load: of the few requests of a
    /// light one the slowest may be too slow by chance, and what is missed without load is no matter of load for that.
    fn complaints_of_light(&self, loss: usize, settled: &Settled<'_>) -> Vec<String> {
        let Some(trial) = settled.doubts.light[loss].as_ref() else {
            return Vec::new();
        };
        let light = findings::run(&settled.doubts.plans[trial.loss], &settled.runs.studies[trial.loss]);
        let usual = self.run(self.question.trials[loss].base);
        with_drift(missed(self.question.plan, &light, &usual), settled.runs, trial)
    }

    /// What is missed at the full load and kept at a tenth of it is a matter of load.
    fn verdict(&self, loss: usize, settled: &Settled<'_>) -> Verdict {
        if self.cuts(loss).next().is_some() {
            return Verdict::Outage;
        }
        let missed_now = self.complaints(loss);
        let missed_light = self.complaints_of_light(loss, settled);
        match missed_now.iter().find(|m| !missed_light.contains(m)) {
            Some(_) => Verdict::Overload,
            None if missed_now.is_empty() && !loses_newcomers(self.question.trials[loss], self.runs) => Verdict::None,
            None => Verdict::Degraded,
        }
    }

    /// As it was watched for longer, where it was.
    fn course_and_cost(&self, loss: usize, settled: &Settled<'_>) -> (Passing, Option<f64>) {
        let first = course(self.question.trials[loss], self.runs);
        let longer = settled.doubts.longer[loss].map(|trial| course(trial, settled.runs));
        let course = longer.unwrap_or(first);
        let cost = self.downtime(loss, &course);
        (course, cost)
    }

    fn importance(&self, loss: usize, exact: Option<&Exact>) -> Option<ImportanceResult> {
        let Loss {
            parts,
            effect: Effect::Crash,
        } = &self.question.losses[loss]
        else {
            return None;
        };
        let [part] = parts[..] else {
            return None;
        };
        let Importance {
            birnbaum,
            fussell_vesely,
            raw,
            rrw,
        } = exact?.importance[part]?;
        Some(ImportanceResult {
            birnbaum,
            fussell_vesely,
            raw,
            rrw,
        })
    }

    /// Minutes a year: what the crash and the way back lose, and what is lost in between, so many times a year.
    fn downtime(&self, loss: usize, course: &Passing) -> Option<f64> {
        // How often something is slow or wrong, no lifetime says.
        let Loss {
            parts,
            effect: Effect::Crash,
        } = &self.question.losses[loss]
        else {
            return None;
        };
        let lives: Vec<Life> = parts.iter().map(|c| self.lives[*c]).collect::<Option<_>>()?;
        // A pair is down together as long as the shorter repair, as often as one fails while the other is down.
        let together: f64 = lives.iter().map(|l| l.unavailability()).product();
        let down_s = 1.0 / lives.iter().map(|l| 1.0 / l.down_s.max(1e-9)).sum::<f64>();
        let per_year = 365.0 * 86_400.0 * together / down_s;
        let lasts = Lasts::of(self.question.plan, self.parts(loss), down_s);
        let excess = self.excess(loss);
        let bins = course.reacting.iter().enumerate();
        let reacting: f64 = bins
            .map(|(i, bin)| bin.beyond_s(excess) * lasts.beyond((i as f64 + 0.5) * course.bin_s))
            .sum();
        // Who still tries when the repair comes is not lost as those before.
        let ending: f64 = course.ending.iter().map(|bin| bin.beyond_s(excess)).sum();
        let down = excess * lasts.mean_s() + reacting + ending;
        // Who does not come back by itself is down as long again, until somebody has helped.
        let stuck = course.lost_at_end * down_s;
        let lost_s = course.lost_before_s + down.max(0.0) + course.lost_returning_s + stuck;
        Some(per_year * lost_s / 60.0)
    }
}

/// The bins in which the state that lasts is measured.
fn measured_bins(trial: &Trial) -> std::ops::Range<usize> {
    let Times {
        crash, settle, measure, ..
    } = trial.times;
    let bin_s = trial.times.bin_s();
    let at = |span: Span| libm::ceil(span.seconds() / bin_s) as usize;
    at(crash + settle)..at(crash + settle + measure)
}

/// What an outage that ends does over time, beside the baseline.
fn course(trial: Trial, runs: &Runs) -> Passing {
    let Times {
        crash, settle, measure, ..
    } = trial.times;
    let bin_s = trial.times.bin_s();
    let at = |span: Span| libm::round(span.seconds() / bin_s) as usize;
    let samples = &runs.studies[trial.loss].samples;
    let (outage, base) = (pooled(samples), pooled(&runs.studies[trial.base].samples));
    // Where nobody asks in a bin, it is as in the whole stretch.
    let share = |from: usize, to: usize| {
        let bins = outage.iter().take(to).skip(from);
        let (asked, lost) = bins.fold((0.0, 0.0), |sum, o| (sum.0 + o.offered, sum.1 + o.lost));
        if asked > 0.0 { lost / asked } else { 1.0 }
    };
    let lost_with = |unasked: f64, from: usize, to: usize| {
        let both = outage.iter().zip(&base).take(to).skip(from);
        both.map(|(o, b)| o.lost_of_usual(b, unasked) - b.lost).sum::<f64>()
    };
    let lost = |from: usize, to: usize| lost_with(share(from, to), from, to);
    let (down, settled, measured, up, end) = (
        at(crash),
        at(crash + settle),
        at(crash + settle + measure),
        at(crash + trial.times.down()),
        outage.len(),
    );
    let per_s = base.iter().map(|b| b.offered).sum::<f64>() / (end as f64 * bin_s);
    let seconds = |lost: f64| if per_s > 0.0 { lost.max(0.0) / per_s } else { 0.0 };
    let slices = |from: usize, to: usize| -> Vec<Slice> {
        let unasked = share(from, to);
        let slice = |bin: usize| match base.get(bin) {
            Some(usual) if per_s > 0.0 => Slice {
                lost_s: lost_with(unasked, bin, bin + 1) / per_s,
                asked_s: usual.offered / per_s,
            },
            _ => Slice::default(),
        };
        (from..to).map(slice).collect()
    };
    let back = recovery(&outage, &base, up).map(|bin| (bin - up) as f64 * bin_s);
    let last = end - (end - up) / 4;
    let lost_at_end = seconds(lost(last, end)) / ((end - last).max(1) as f64 * bin_s);
    Passing {
        lost_at_crash: lost(0, down).max(0.0) / samples.len().max(1) as f64,
        lost_before_s: seconds(lost(0, down)),
        reacting: slices(down, settled),
        ending: slices(measured, up),
        bin_s,
        lost_returning_s: seconds(lost(up, end)),
        lost_at_end: if back.is_none() { lost_at_end } else { 0.0 },
        recovered_s: back,
    }
}

/// An outage that ends.
struct Passing {
    lost_at_crash: f64,
    /// In seconds of all requests: of those that came before the crash, while everything reacted, bin by bin, and after the repair.
    lost_before_s: f64,
    reacting: Vec<Slice>,
    bin_s: f64,
    /// Of those that came just before the repair.
    ending: Vec<Slice>,
    lost_returning_s: f64,
    /// Share of the requests still lost when the watch ends, where it does not recover.
    lost_at_end: f64,
    recovered_s: Option<f64>,
}

/// A bin of an outage, in seconds of all requests as they come with everything up.
#[derive(Copy, Clone, Debug, Default)]
struct Slice {
    lost_s: f64,
    asked_s: f64,
}

impl Slice {
    /// Beyond the share that lasts.
    fn beyond_s(self, lasting: f64) -> f64 {
        self.lost_s - lasting * self.asked_s
    }
}

/// A bin of the timeline, over all replications.
#[derive(Clone, Default)]
struct Pooled {
    offered: f64,
    lost: f64,
    /// Mean over replications of the medians.
    p50_s: f64,
}

impl Pooled {
    /// What is lost of what is asked with everything up.
    fn lost_of_usual(&self, usual: &Pooled, unasked: f64) -> f64 {
        lost_of_usual((self.offered, self.lost), (usual.offered, usual.lost), unasked)
    }
}

/// What is lost of what would have been asked with everything up, both as (asked, lost). Users who get errors ask more often, and those who
/// wait for ever no more: shares count, not how often somebody asks in vain. Where nobody asks at all, this share is lost.
pub fn lost_of_usual(failing: (f64, f64), usual: (f64, f64), unasked: f64) -> f64 {
    match failing {
        (asked, lost) if asked == usual.0 => lost,
        (asked, lost) if asked > 0.0 => lost / asked * usual.0,
        _ => unasked * usual.0,
    }
}

/// Requests that somebody wanted, and those of them without an answer: a page whose document fails loses all that it names.
fn wanted_and_lost(bin: &Bin) -> (f64, f64) {
    let wanted = f64::from(bin.offered + bin.unasked);
    (wanted, wanted - f64::from(bin.succeeded))
}

fn pooled(samples: &[Sample]) -> Vec<Pooled> {
    let bins = samples.first().map_or(0, |s| s.bins.len());
    let pool = |b: usize| {
        let of: Vec<&Bin> = samples.iter().filter_map(|s| s.bins.get(b)).collect();
        let counts = of.iter().map(|bin| wanted_and_lost(bin));
        let medians: Vec<f64> = of.iter().filter_map(|bin| bin.p50_s).collect();
        Pooled {
            offered: counts.clone().map(|c| c.0).sum(),
            lost: counts.map(|c| c.1).sum(),
            p50_s: interval::mean(&medians).map_or(0.0, |i| i.value),
        }
    };
    (0..bins).map(pool).collect()
}

/// The last requests of a run are lost for want of time, in every design alike.
const CUT_SHORT: usize = 2;

/// The first bin from `repaired` on after which all is as in the baseline; `None` if it is not so at the end.
fn recovery(outage: &[Pooled], base: &[Pooled], repaired: usize) -> Option<usize> {
    let end = outage.len().saturating_sub(CUT_SHORT);
    let is_bad = |b: &usize| {
        let (o, n) = (&outage[*b], &base[*b]);
        // Three standard deviations of a count, so that chance alone is seldom taken for an outage.
        o.lost > n.lost + 3.0 * libm::sqrt(n.lost) + 0.01 * n.offered || o.p50_s > 1.5 * n.p50_s + 1e-3
    };
    let last_bad = (repaired..end).rev().find(is_bad);
    match last_bad {
        None => Some(repaired),
        // The tail is long; whoever is not back in its first nine tenths does not come back.
        Some(bin) if bin + (end - repaired) / 10 >= end => None,
        Some(bin) => Some(bin + 1),
    }
}

/// Are requests lost that come after the failure, be it for as long as nobody has noticed? Those that were inside are the
/// crash's own, and are counted apart.
fn loses_newcomers(trial: Trial, runs: &Runs) -> bool {
    let from = libm::round(trial.times.crash.seconds() / trial.times.bin_s()) as usize;
    let lost = |plan: usize| {
        let bins = pooled(&runs.studies[plan].samples);
        let end = bins.len().saturating_sub(CUT_SHORT);
        bins.iter().take(end).skip(from).map(|b| b.lost).sum::<f64>()
    };
    // Where some are lost anyway, not before they are twice as many, and three standard deviations of a count.
    let anyway = lost(trial.base);
    lost(trial.loss) > 2.0 * anyway + 3.0 * libm::sqrt(anyway)
}

/// What is missed, and latency that goes on growing among it.
fn with_drift(mut missed: Vec<String>, runs: &Runs, trial: &Trial) -> Vec<String> {
    let samples = |plan: usize| runs.studies[plan].samples.as_slice();
    if drifts(samples(trial.loss), samples(trial.base), measured_bins(trial)) {
        missed.push(DRIFTS.into());
    }
    missed
}

/// The objectives that are missed and that the baseline keeps. Availability always is one.
fn missed(plan: &Plan, run: &Run, base: &Run) -> Vec<String> {
    let served = |r: &Run| r.metrics.requests.succeeded as f64 / r.metrics.requests.offered.max(1) as f64;
    let both = run.slo.iter().zip(&base.slo);
    let mut all: Vec<String> = both
        .filter(|(now, before)| before.met && !now.met)
        .map(|(now, _)| now.objective.clone())
        .collect();
    let promised = plan
        .slo
        .iter()
        .any(|o| o.measure == Measure::Availability && o.class.is_none());
    let usual = !promised && served(run) < USUAL_AVAILABILITY && served(base) >= USUAL_AVAILABILITY;
    if usual || served(run) < served(base) - NOTEWORTHY {
        all.push("availability".into());
    }
    all
}

/// Latency that grows as long as the state lasts, among what is missed.
const DRIFTS: &str = "settling";

/// Does it? Compared with the baseline, whose load may vary too.
fn drifts(samples: &[Sample], base: &[Sample], measured: std::ops::Range<usize>) -> bool {
    let growth = |sample: &Sample| {
        let part = &sample.bins[measured.start.min(sample.bins.len())..measured.end.min(sample.bins.len())];
        let bins: Vec<f64> = part.iter().filter_map(|b| b.p50_s).collect();
        let (n, fifth) = (bins.len(), bins.len() / 5);
        let mean = |part: &[f64]| interval::mean(part).map_or(0.0, |i| i.value);
        // The last fifth against the one before, and that against the one before it: what comes and goes does not grow.
        let growth = |to: usize| mean(&bins[to - fifth..to]) - mean(&bins[to - 2 * fifth..to - fifth]);
        growth(n).min(growth(n - fifth))
    };
    let typical = mean(base.iter().filter_map(|s| s.all.latency.quantiles_s).map(|q| q[0]));
    let differences: Vec<f64> = samples.iter().zip(base).map(|(s, b)| growth(s) - growth(b)).collect();
    interval::mean(&differences).is_some_and(|i| i.value - i.half.unwrap_or(f64::INFINITY) > 0.5 * typical)
}

/// Share of the requests of these bins without an answer, those still inside at the end included.
fn lost_ratio(samples: &[Sample], bins: std::ops::Range<usize>) -> Estimate {
    let of = |sample: &Sample| {
        let bins = sample.bins.iter().take(bins.end).skip(bins.start);
        bins.map(wanted_and_lost)
            .fold((0.0, 0.0), |sum, (wanted, lost)| (sum.0 + lost, sum.1 + wanted))
    };
    let pairs: Vec<(f64, f64)> = samples.iter().map(of).collect();
    let found = interval::ratio(&pairs);
    let bound = |sign: f64| found.and_then(|i: Interval| i.half.map(|h| (i.value + sign * h).clamp(0.0, 1.0)));
    Estimate {
        value: found.map(|i| i.value),
        lo: bound(-1.0),
        hi: bound(1.0),
        confidence: CONFIDENCE,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    interval::mean(&values.collect::<Vec<_>>()).map_or(0.0, |i| i.value)
}
