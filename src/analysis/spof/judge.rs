//! What the simulations of a loss say: its verdict, its course, its price.

use super::question::{BASELINES, Effect, Loss, PER_LOSS, Question, Reactions, Times};
use super::{ImportanceResult, Priced, Verdict};
use crate::analysis::reliability::{Exact, Importance, Life};
use crate::analysis::result::{Estimate, Run};
use crate::analysis::run as findings;
use crate::base::ids::ClassId;
use crate::base::time::Span;
use crate::model::recorder::{Bin, bin_of};
use crate::model::structure::{State, is_cut};
use crate::scenario::plan::{Component, Measure, Plan};
use crate::stats::interval::{self, CONFIDENCE, Interval};
use crate::study::Study;
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

/// All that a price is made of.
pub(super) struct Judge<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) studies: &'a [Study],
    pub(super) reactions: &'a Reactions,
    pub(super) lives: &'a [Option<Life>],
    pub(super) exact: Option<&'a Exact>,
}

impl Judge<'_> {
    pub(super) fn price(&self, loss: usize) -> Priced {
        let plan = self.question.plan;
        let parts: Vec<&Component> = self.question.losses[loss]
            .parts
            .iter()
            .map(|c| &plan.components[*c])
            .collect();
        let first = BASELINES + PER_LOSS * loss;
        let (lasting, passing) = (first, first + 1);
        let state = State::without(plan, parts.iter().copied());
        let effect = self.question.losses[loss].effect;
        let is_lost = |class: &usize| effect == Effect::Crash && is_cut(plan, &state, ClassId::new(*class));
        let cuts: Vec<String> = (0..plan.classes.len())
            .filter(is_lost)
            .map(|c| plan.classes[c].name.clone())
            .collect();
        let run = self.run(lasting);
        let course = self.course(passing);
        let bins = self.measured_bins();
        let lost = lost_ratio(&self.studies[lasting].samples, bins.clone());
        // Beyond what is lost with everything up.
        let usual = lost_ratio(&self.studies[0].samples, bins);
        let excess = (lost.value.unwrap_or(0.0) - usual.value.unwrap_or(0.0)).max(0.0);
        Priced {
            name: parts.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(" + "),
            kind: if parts.len() > 1 { PAIR } else { parts[0].kind.name() }.into(),
            effect: effect.name().into(),
            single_point: parts.len() == 1 && !cuts.is_empty(),
            verdict: self.verdict(&cuts, lasting),
            cuts,
            lost_ratio: lost,
            p99_s: run.metrics.latency_s.p99,
            detected_s: self.reactions.mean_s(passing),
            recovered_s: course.recovered_s,
            recovers: course.recovered_s.is_some(),
            lost_at_crash: course.lost_at_crash,
            lost_writes: mean(self.studies[passing].samples.iter().map(|s| s.lost_writes as f64)),
            downtime_min_per_year: self.downtime(loss, &course, excess),
            importance: self.importance(loss),
        }
    }

    /// The bins in which a state that lasts is measured.
    fn measured_bins(&self) -> std::ops::Range<usize> {
        let Times { crash, settle, measure } = self.question.times;
        let bin_s = bin_of(self.question.plans[0].duration).seconds();
        let at = |span: Span| libm::ceil(span.seconds() / bin_s) as usize;
        at(crash + settle)..at(crash + settle + measure)
    }

    fn run(&self, plan: usize) -> Run {
        findings::run(&self.question.plans[plan], &self.studies[plan])
    }

    /// What is missed at the full load and kept at a tenth of it is a matter of load.
    fn verdict(&self, cuts: &[String], lasting: usize) -> Verdict {
        if !cuts.is_empty() {
            return Verdict::Outage;
        }
        let plan = self.question.plan;
        let missed_now = missed(plan, &self.run(lasting), &self.run(0));
        let missed_light = missed(plan, &self.run(lasting + 2), &self.run(2));
        let drifts = drifts(&self.studies[lasting].samples, &self.studies[0].samples);
        if drifts || missed_now.iter().any(|m| !missed_light.contains(m)) {
            Verdict::Overload
        } else if !missed_now.is_empty() {
            Verdict::Degraded
        } else {
            Verdict::None
        }
    }

    fn importance(&self, loss: usize) -> Option<ImportanceResult> {
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
        } = self.exact?.importance[part]?;
        Some(ImportanceResult {
            birnbaum,
            fussell_vesely,
            raw,
            rrw,
        })
    }

    /// Minutes a year: what the crash and the way back lose, and what is lost in between, so many times a year.
    fn downtime(&self, loss: usize, course: &Passing, excess: f64) -> Option<f64> {
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
        let settle_s = self.question.times.settle.seconds();
        let reacting = course.lost_reacting_s * (down_s / settle_s).min(1.0);
        let lost_s = course.lost_before_s + reacting + excess * (down_s - settle_s).max(0.0) + course.lost_returning_s;
        Some(per_year * lost_s / 60.0)
    }

    /// What an outage that ends does over time, beside the baseline.
    fn course(&self, passing: usize) -> Passing {
        let Times { crash, settle, .. } = self.question.times;
        let bin_s = bin_of(self.question.plans[passing].duration).seconds();
        let at = |span: Span| libm::round(span.seconds() / bin_s) as usize;
        let (outage, base) = (pooled(&self.studies[passing].samples), pooled(&self.studies[1].samples));
        let lost = |from: usize, to: usize| {
            let both = outage.iter().zip(&base).take(to).skip(from);
            both.map(|(o, b)| o.lost - b.lost).sum::<f64>()
        };
        let runs = self.studies[passing].samples.len().max(1) as f64;
        let (down, up, end) = (at(crash), at(crash + settle), outage.len());
        let per_s = base.iter().map(|b| b.offered).sum::<f64>() / (end as f64 * bin_s);
        let seconds = |lost: f64| if per_s > 0.0 { lost.max(0.0) / per_s } else { 0.0 };
        let back = recovery(&outage, &base, up).map(|bin| (bin - up) as f64 * bin_s);
        Passing {
            lost_at_crash: lost(0, down).max(0.0) / runs,
            lost_before_s: seconds(lost(0, down)),
            lost_reacting_s: seconds(lost(down, up)),
            lost_returning_s: seconds(lost(up, end)),
            recovered_s: back,
        }
    }
}

/// An outage that ends.
struct Passing {
    lost_at_crash: f64,
    /// In seconds of all requests: of those that came before the crash, while everything reacted, and after the repair.
    lost_before_s: f64,
    lost_reacting_s: f64,
    lost_returning_s: f64,
    recovered_s: Option<f64>,
}

/// A bin of the timeline, over all replications.
#[derive(Clone, Default)]
struct Pooled {
    offered: f64,
    lost: f64,
    /// Mean over replications of the medians.
    p50_s: f64,
}

fn pooled(samples: &[Sample]) -> Vec<Pooled> {
    let bins = samples.first().map_or(0, |s| s.bins.len());
    let pool = |b: usize| {
        let of: Vec<&Bin> = samples.iter().filter_map(|s| s.bins.get(b)).collect();
        let medians: Vec<f64> = of.iter().filter_map(|bin| bin.p50_s).collect();
        Pooled {
            offered: of.iter().map(|bin| f64::from(bin.offered)).sum(),
            lost: of.iter().map(|bin| f64::from(bin.offered - bin.succeeded)).sum(),
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

/// Does latency grow as long as the state lasts? Compared with the baseline, whose load may vary too.
fn drifts(samples: &[Sample], base: &[Sample]) -> bool {
    let growth = |sample: &Sample| {
        let bins: Vec<f64> = sample.bins.iter().filter_map(|b| b.p50_s).collect();
        let n = bins.len();
        let mean = |part: &[f64]| interval::mean(part).map_or(0.0, |i| i.value);
        // The last quarter against the one before the last.
        mean(&bins[n - n / 5..]) - mean(&bins[n - 2 * (n / 5)..n - n / 5])
    };
    let typical = mean(base.iter().filter_map(|s| s.all.latency.quantiles_s).map(|q| q[0]));
    let differences: Vec<f64> = samples.iter().zip(base).map(|(s, b)| growth(s) - growth(b)).collect();
    interval::mean(&differences).is_some_and(|i| i.value - i.half.unwrap_or(f64::INFINITY) > 0.5 * typical)
}

/// Share of the requests of these bins without an answer, those still inside at the end included.
fn lost_ratio(samples: &[Sample], bins: std::ops::Range<usize>) -> Estimate {
    let of = |sample: &Sample| {
        let bins = sample.bins.iter().take(bins.end).skip(bins.start);
        bins.fold((0.0, 0.0), |sum, bin| {
            (
                sum.0 + f64::from(bin.offered - bin.succeeded),
                sum.1 + f64::from(bin.offered),
            )
        })
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
