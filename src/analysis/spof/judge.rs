//! Turns the simulations of a loss into its verdict, course and price (minutes of downtime per year).

use super::course::{CUT_SHORT, Passing, course, courses_without_one, grows, pooled, wanted_and_lost};
use super::lab::Runs;
use super::lasts::{Lasts, Outages, Seen, Slices};
use super::question::{Doubts, Effect, Question, Trial};
use super::{Priced, Verdict};
use crate::analysis::reliability::{Exact, Importance, Life};
use crate::analysis::result::{Estimate, Run, USUAL_AVAILABILITY};
use crate::analysis::run as findings;
use crate::base::ids::ClassId;
use crate::model::structure::{State, is_cut};
use crate::scenario::plan::{Component, Measure, Plan};
use crate::stats::interval::{self, CONFIDENCE, Interval};
use crate::study::sample::Sample;

/// Additional share lost that counts as a missed availability, whatever is promised.
const NOTEWORTHY: f64 = 0.01;
/// The kind of a loss of two components.
pub(super) const PAIR: &str = "pair";

/// Orders by price, highest first; without prices, by share lost.
pub(super) fn worse(a: &Priced, b: &Priced) -> std::cmp::Ordering {
    let cost = |p: &Priced| p.downtime_min_per_year.unwrap_or(-1.0);
    let lost = |p: &Priced| p.lost_ratio.value.unwrap_or(0.0);
    (cost(b).total_cmp(&cost(a)))
        .then(lost(b).total_cmp(&lost(a)))
        .then(a.verdict.cmp(&b.verdict))
        .then(a.name.cmp(&b.name))
}

/// What a loss is called; a crash needs no addition.
pub fn titled(name: &str, effect: &str) -> String {
    match effect {
        "crash" => name.to_owned(),
        effect => format!("{name} {effect}"),
    }
}

/// Everything that a price is computed from.
pub(super) struct Judge<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) runs: &'a Runs,
    pub(super) lives: &'a [Option<Life>],
}

/// The additional runs that settle doubts about the first ones.
pub(super) struct Settled<'a> {
    pub(super) doubts: &'a Doubts,
    pub(super) runs: &'a Runs,
}

impl Settled<'_> {
    /// Whether every doubt about this loss has been simulated.
    pub(super) fn is_settled(&self, loss: usize) -> bool {
        let doubts = [self.doubts.light[loss], self.doubts.longer[loss]];
        doubts.into_iter().flatten().all(|trial| self.runs.has(trial))
    }
}

impl Judge<'_> {
    /// The full result for a loss.
    pub(super) fn price(&self, loss: usize, settled: &Settled<'_>, exact: Option<&Exact>) -> Priced {
        let plan = self.question.plan;
        let parts = self.parts(loss);
        let trial = &self.question.trials[loss];
        let effect = self.question.losses[loss].effect;
        let cuts: Vec<String> = self.cuts(loss).map(|c| plan.classes[c].name.clone()).collect();
        // The longer watch, if there was one.
        let longer = settled.doubts.longer[loss].map(|trial| (trial, settled.runs));
        let (watched, seen_by) = longer.unwrap_or((*trial, self.runs));
        let course = course(watched, seen_by);
        let rate = self.rate(loss, watched, &course);
        let cost = rate.as_ref().map(|rate| rate.minutes(&course, self.excess(loss)));
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
            downtime_within_min_per_year: rate
                .and_then(|rate| self.cost_within(loss, (cost?, rate), (watched, seen_by))),
            importance: self.importance(loss, exact),
            fix: None,
        }
    }

    /// Minutes per year, from the first runs only.
    pub(super) fn cost(&self, loss: usize) -> Option<f64> {
        let trial = self.question.trials[loss];
        let course = course(trial, self.runs);
        self.rate(loss, trial, &course)
            .map(|rate| rate.minutes(&course, self.excess(loss)))
    }

    /// Its half-width by the jackknife, since it is not a mean over replications.
    fn cost_within(&self, loss: usize, (cost, rate): (f64, Rate), (watched, seen_by): (Trial, &Runs)) -> Option<f64> {
        let courses = courses_without_one(watched, seen_by);
        let excesses = self.excesses_without_one(loss);
        // After an interruption there may be fewer of the longer runs.
        if courses.len() != excesses.len() {
            return None;
        }
        let both = courses.iter().zip(excesses);
        let without: Vec<f64> = both.map(|(course, excess)| rate.minutes(course, excess)).collect();
        interval::jackknife(cost, &without).half
    }

    /// The steady-state loss: share of all requests lost in the measured part, above the baseline.
    pub(super) fn excess(&self, loss: usize) -> f64 {
        let trial = &self.question.trials[loss];
        let base = lost_ratio(&self.runs.studies[trial.base].samples, measured_bins(trial)).value;
        (self.lost_ratio(loss).value.unwrap_or(0.0) - base.unwrap_or(0.0)).max(0.0)
    }

    /// The same for the jackknife: one value per replication left out.
    fn excesses_without_one(&self, loss: usize) -> Vec<f64> {
        let trial = &self.question.trials[loss];
        let without_one = |plan: usize| -> Vec<f64> {
            let counts = lost_and_wanted(&self.runs.studies[plan].samples, measured_bins(trial));
            let all = counts.iter().fold((0.0, 0.0), |s, c| (s.0 + c.0, s.1 + c.1));
            let without = |c: &(f64, f64)| (all.0 - c.0) / (all.1 - c.1);
            let share = |c: &(f64, f64)| if all.1 > c.1 { without(c) } else { 0.0 };
            counts.iter().map(share).collect()
        };
        let cut = self.cut_instead(
            &lost_ratio(&self.runs.studies[trial.loss].samples, measured_bins(trial)),
            loss,
        );
        let both = without_one(trial.loss).into_iter().zip(without_one(trial.base));
        both.map(|(lost, usual)| (cut.unwrap_or(lost) - usual).max(0.0))
            .collect()
    }

    /// Share of requests without an answer in the measured part.
    fn lost_ratio(&self, loss: usize) -> Estimate {
        let trial = &self.question.trials[loss];
        let found = lost_ratio(&self.runs.studies[trial.loss].samples, measured_bins(trial));
        match self.cut_instead(&found, loss) {
            Some(cut) => Estimate {
                value: Some(cut),
                lo: found.lo,
                hi: found.hi.map(|_| cut),
                ..found
            },
            None => found,
        }
    }

    /// A cut class gets no answer before the repair, but retransmitted answers may arrive after it. If they bring the
    /// measured share below the cut share, the cut share counts.
    fn cut_instead(&self, found: &Estimate, loss: usize) -> Option<f64> {
        let plan = self.question.plan;
        let cut: f64 = self.cuts(loss).map(|c| plan.classes[c].mix).sum();
        found.hi.or(found.value).is_some_and(|most| most < cut).then_some(cut)
    }

    /// Transient loss beyond the steady state, in seconds of all requests: during detection, fail-over and recovery.
    pub(super) fn in_passing_s(&self, loss: usize) -> f64 {
        self.passing_s(loss, &course(self.question.trials[loss], self.runs))
    }

    fn passing_s(&self, loss: usize, course: &Passing) -> f64 {
        let excess = self.excess(loss);
        let beyond: f64 = course.reacting.iter().map(|bin| bin.beyond(excess)).sum();
        beyond.max(0.0) + course.lost_returning_s
    }

    /// Whether the verdict may depend on the load.
    pub(super) fn may_be_load(&self, loss: usize) -> bool {
        self.cuts(loss).next().is_none() && !self.complaints(loss).is_empty()
    }

    /// Whether requests from before the repair are still in flight at the end because no time-out ends them.
    pub(super) fn leaves_stuck(&self, loss: usize) -> bool {
        let trial = self.question.trials[loss];
        let [.., up] = trial.times.bins();
        let inside = |plan: usize| -> u64 {
            let samples = self.runs.studies[plan].samples.iter();
            let bins = samples.flat_map(|s| s.bins.iter().take(up));
            bins.map(|b| u64::from(b.offered - b.succeeded - b.failed)).sum()
        };
        let patient = self.question.plan.sources.iter().any(|s| s.timeout.is_none());
        patient && inside(trial.loss) > inside(trial.base)
    }

    /// Whether the second half of the measured part loses more than the first.
    pub(super) fn still_grows(&self, loss: usize) -> bool {
        still_grows(&self.question.trials[loss], self.runs)
    }

    /// Whether the stack has not recovered when the watch ends.
    pub(super) fn is_not_back(&self, loss: usize) -> bool {
        course(self.question.trials[loss], self.runs).recovered_s.is_none()
    }

    /// The components of the loss, and the effect if it is not a crash.
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

    /// Objectives missed while it is down.
    fn complaints(&self, loss: usize) -> Vec<String> {
        let question = self.question;
        let trial = &question.trials[loss];
        let missed = missed(question.plan, &self.run(trial.loss), &self.run(trial.base));
        with_drift(missed, self.runs, trial)
    }

    /// Objectives missed at the light load of a doubt, compared with the baseline at full load. The few requests of a
    /// light run may include a slow one by chance, and an objective missed at light load does not depend on the load.
    fn complaints_of_light(&self, loss: usize, settled: &Settled<'_>) -> Vec<String> {
        let Some(trial) = settled.doubts.light[loss].as_ref() else {
            return Vec::new();
        };
        let light = findings::run(&settled.doubts.plans[trial.loss], &settled.runs.studies[trial.loss]);
        let usual = self.run(self.question.trials[loss].base);
        with_drift(missed(self.question.plan, &light, &usual), settled.runs, trial)
    }

    /// An objective missed at full load and kept at a tenth of it is a matter of load.
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

    fn importance(&self, loss: usize, exact: Option<&Exact>) -> Option<Importance> {
        match self.crashed(loss)? {
            [part] => exact?.importance[*part],
            _ => None,
        }
    }

    /// The components that crash; `None` for other effects.
    fn crashed(&self, loss: usize) -> Option<&[usize]> {
        let loss = &self.question.losses[loss];
        (loss.effect == Effect::Crash).then_some(&loss.parts[..])
    }

    /// Frequency and duration of the outage. Only crashes have a lifetime; other effects have no known frequency.
    fn rate(&self, loss: usize, trial: Trial, course: &Passing) -> Option<Rate> {
        let lives: Vec<Life> = self
            .crashed(loss)?
            .iter()
            .map(|c| self.lives[*c])
            .collect::<Option<_>>()?;
        // Two components are down together as often as one fails during the other's repair, until the shorter repair
        // ends.
        let together: f64 = lives.iter().map(|l| l.unavailability()).product();
        let down_s = 1.0 / lives.iter().map(|l| 1.0 / l.down_s.max(1e-9)).sum::<f64>();
        let slices = |count: usize| Slices::even(count, course.bin_s);
        let lasts = Lasts::of(self.question.plan, &self.parts(loss), down_s);
        Some(Rate {
            per_year: 365.0 * 86_400.0 * together / down_s,
            down_s,
            grew: trial.grew,
            outages: lasts.outages(
                &slices(course.reacting.len()),
                &slices(course.ending.len()),
                (trial.brief > 0).then_some(trial.brief_to.seconds()),
            ),
        })
    }
}

/// Frequency and durations of an outage, independent of what is lost.
struct Rate {
    per_year: f64,
    down_s: f64,
    outages: Outages,
    grew: bool,
}

impl Rate {
    /// Minutes per year: steady-state loss over the outage, plus transient loss, times the outages per year.
    fn minutes(&self, course: &Passing, excess: f64) -> f64 {
        let beyond = self.outages.beyond_lasting(&Seen {
            excess,
            before: course.lost_before_s,
            returning: course.lost_returning_s,
            grew: self.grew,
            reacting: &course.reacting,
            ending: &course.ending,
            brief: &course.brief_s,
            per_s: 1.0,
        });
        // A stack that does not recover by itself is taken to need help for as long again.
        let stuck = course.lost_at_end * self.down_s;
        self.per_year * ((excess * self.down_s + beyond).max(0.0) + stuck) / 60.0
    }
}

/// The bins of the measured steady state.
fn measured_bins(trial: &Trial) -> std::ops::Range<usize> {
    let [_, settled, measured, _] = trial.times.bins();
    settled..measured
}

/// Whether the second half of the measured part loses more than the first.
pub(super) fn still_grows(trial: &Trial, runs: &Runs) -> bool {
    let bins = measured_bins(trial);
    let half = bins.start.midpoint(bins.end);
    let of = |plan: usize| {
        let counts = |bins| lost_and_wanted(&runs.studies[plan].samples, bins).into_iter();
        let both = counts(bins.start..half).zip(counts(half..bins.end));
        let halves: Vec<[(f64, f64); 2]> = both.map(|(b, t)| [(b.1, b.0), (t.1, t.0)]).collect();
        grows(&halves)
    };
    of(trial.loss) && !of(trial.base)
}

/// Whether requests that arrive after the failure are lost, even if only during detection. Those in flight at the crash
/// are counted separately.
fn loses_newcomers(trial: Trial, runs: &Runs) -> bool {
    let [from, ..] = trial.times.bins();
    let lost = |plan: usize| {
        let bins = pooled(&runs.studies[plan].samples);
        let end = bins.len().saturating_sub(CUT_SHORT);
        bins.iter().take(end).skip(from).map(|b| b.lost).sum::<f64>()
    };
    // More than twice the baseline's loss, plus three standard deviations of a count.
    let anyway = lost(trial.base);
    lost(trial.loss) > 2.0 * anyway + 3.0 * libm::sqrt(anyway)
}

/// The missed objectives, plus `DRIFTS` if latency keeps growing.
fn with_drift(mut missed: Vec<String>, runs: &Runs, trial: &Trial) -> Vec<String> {
    let samples = |plan: usize| runs.studies[plan].samples.as_slice();
    if drifts(samples(trial.loss), samples(trial.base), measured_bins(trial)) {
        missed.push(DRIFTS.into());
    }
    missed
}

/// Objectives missed that the baseline keeps. Availability is always among those checked.
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

/// Name for latency that keeps growing during the steady state.
const DRIFTS: &str = "settling";

/// Whether latency keeps growing, relative to the baseline, whose load may vary too.
fn drifts(samples: &[Sample], base: &[Sample], measured: std::ops::Range<usize>) -> bool {
    let growth = |sample: &Sample| {
        let part = &sample.bins[measured.start.min(sample.bins.len())..measured.end.min(sample.bins.len())];
        let bins: Vec<f64> = part.iter().filter_map(|b| b.p50_s).collect();
        let (n, fifth) = (bins.len(), bins.len() / 5);
        let mean = |part: &[f64]| interval::mean(part).map_or(0.0, |i| i.value);
        // The last fifth against the previous one, and that against the one before: a fluctuation does not pass both.
        let growth = |to: usize| mean(&bins[to - fifth..to]) - mean(&bins[to - 2 * fifth..to - fifth]);
        growth(n).min(growth(n - fifth))
    };
    let typical = mean(base.iter().filter_map(|s| s.all.latency.quantiles_s).map(|q| q[0]));
    let differences: Vec<f64> = samples.iter().zip(base).map(|(s, b)| growth(s) - growth(b)).collect();
    interval::mean(&differences).is_some_and(|i| i.value - i.half.unwrap_or(f64::INFINITY) > 0.5 * typical)
}

/// Requests of these bins without an answer, including those still in flight, and all requests; by replication.
fn lost_and_wanted(samples: &[Sample], bins: std::ops::Range<usize>) -> Vec<(f64, f64)> {
    let of = |sample: &Sample| {
        let bins = sample.bins.iter().take(bins.end).skip(bins.start);
        bins.map(wanted_and_lost)
            .fold((0.0, 0.0), |sum, (wanted, lost)| (sum.0 + lost, sum.1 + wanted))
    };
    samples.iter().map(of).collect()
}

/// The share without an answer.
fn lost_ratio(samples: &[Sample], bins: std::ops::Range<usize>) -> Estimate {
    let pairs = lost_and_wanted(samples, bins);
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
