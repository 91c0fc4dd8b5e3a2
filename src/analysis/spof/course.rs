//! The course of an outage that ends: what is lost before the crash, during detection and fail-over, while it lasts,
//! and during recovery. Everything is compared bin by bin with the baseline.

use super::lab::Runs;
use super::lasts::Slice;
use super::question::Trial;
use crate::model::bin::Bin;
use crate::stats::interval;
use crate::study::sample::Sample;

/// The bins of an outage that ends and of its baseline, pooled over all replications.
struct Both {
    trial: Trial,
    outage: Vec<Pooled>,
    /// Brief outages, which end before everything has reacted.
    brief: Vec<Vec<Pooled>>,
    base: Vec<Pooled>,
    replications: usize,
}

/// The course of a trial's outage, compared with the baseline.
pub(super) fn course(trial: Trial, runs: &Runs) -> Passing {
    let both = Both::new(trial, runs);
    both.passing(both.recovered_s())
}

/// The same for the jackknife: one course per replication left out.
pub(super) fn courses_without_one(trial: Trial, runs: &Runs) -> Vec<Passing> {
    let mut both = Both::new(trial, runs);
    let recovered_s = both.recovered_s();
    let samples = |plan: usize| &runs.studies[plan].samples;
    let paired = samples(trial.loss).len().min(samples(trial.base).len());
    both.replications -= both.replications.min(1);
    let without = |r: usize| {
        both.count(runs, r, -1.0);
        let passing = both.passing(recovered_s);
        both.count(runs, r, 1.0);
        passing
    };
    (0..paired).map(without).collect()
}

impl Both {
    fn new(trial: Trial, runs: &Runs) -> Both {
        let samples = |plan: usize| runs.studies[plan].samples.as_slice();
        Both {
            trial,
            outage: pooled(samples(trial.loss)),
            brief: trial.brief_plans().map(|plan| pooled(samples(plan))).collect(),
            base: pooled(samples(trial.base)),
            replications: samples(trial.loss).len(),
        }
    }

    /// Adds a replication's counts, multiplied by `times`; minus one leaves it out.
    fn count(&mut self, runs: &Runs, replication: usize, times: f64) {
        let sample = |plan: usize| &runs.studies[plan].samples[replication];
        take(&mut self.outage, sample(self.trial.loss), times);
        take(&mut self.base, sample(self.trial.base), times);
        for (bins, plan) in self.brief.iter_mut().zip(self.trial.brief_plans()) {
            take(bins, sample(plan), times);
        }
    }

    /// Time from the repair until the stack is back at the baseline.
    fn recovered_s(&self) -> Option<f64> {
        let [.., up] = self.trial.times.bins();
        recovery(&self.outage, &self.base, up).map(|bin| (bin - up) as f64 * self.trial.times.bin_s())
    }

    fn passing(&self, recovered_s: Option<f64>) -> Passing {
        let bin_s = self.trial.times.bin_s();
        let (outage, base) = (&self.outage, &self.base);
        let [down, settled, measured, up] = self.trial.times.bins();
        let end = outage.len();
        // A bin without requests gets the share of the whole stretch.
        let share = |outage: &[Pooled], from: usize, to: usize| {
            let bins = outage.iter().take(to).skip(from);
            let (asked, lost) = bins.fold((0.0, 0.0), |sum, o| (sum.0 + o.offered, sum.1 + o.lost));
            if asked > 0.0 { lost / asked } else { 1.0 }
        };
        let lost_of = |outage: &[Pooled], from: usize, to: usize| {
            let unasked = share(outage, from, to);
            let both = outage.iter().zip(base).take(to).skip(from);
            both.map(|(o, b)| o.lost_of_usual(b, unasked) - b.lost).sum::<f64>()
        };
        let lost = |from: usize, to: usize| lost_of(outage, from, to);
        let per_s = base.iter().map(|b| b.offered).sum::<f64>() / (end as f64 * bin_s);
        let seconds = |lost: f64| if per_s > 0.0 { lost.max(0.0) / per_s } else { 0.0 };
        let slices = |from: usize, to: usize| -> Vec<Slice> {
            let unasked = share(outage, from, to);
            let slice = |bin: usize| match outage.get(bin).zip(base.get(bin)) {
                Some((failing, usual)) if per_s > 0.0 => Slice {
                    lost: (failing.lost_of_usual(usual, unasked) - usual.lost) / per_s,
                    asked: usual.offered / per_s,
                },
                _ => Slice::default(),
            };
            (from..to).map(slice).collect()
        };
        let mut ending = slices(measured, up);
        ending.reverse();
        let last = end - (end - up) / 4;
        let lost_at_end = seconds(lost(last, end)) / ((end - last).max(1) as f64 * bin_s);
        Passing {
            lost_at_crash: lost(0, down).max(0.0) / self.replications.max(1) as f64,
            lost_before_s: seconds(lost(0, down)),
            reacting: slices(down, settled),
            ending,
            bin_s,
            lost_returning_s: seconds(lost(up, end)),
            brief_s: self.brief.iter().map(|brief| seconds(lost_of(brief, 0, end))).collect(),
            lost_at_end: if recovered_s.is_none() { lost_at_end } else { 0.0 },
            recovered_s,
        }
    }
}

/// The course of an outage that ends.
pub(super) struct Passing {
    pub(super) lost_at_crash: f64,
    /// These losses are in seconds of all requests: those in flight at the crash, during detection and fail-over
    /// (`reacting`), just before the repair (`ending`), and during recovery (`lost_returning_s`).
    pub(super) lost_before_s: f64,
    pub(super) reacting: Vec<Slice>,
    pub(super) ending: Vec<Slice>,
    pub(super) bin_s: f64,
    pub(super) lost_returning_s: f64,
    /// Total loss of each brief outage.
    pub(super) brief_s: Vec<f64>,
    /// Share of requests still lost when the watch ends, if the stack does not recover.
    pub(super) lost_at_end: f64,
    pub(super) recovered_s: Option<f64>,
}

/// A bin of the timeline, pooled over all replications.
#[derive(Clone, Default)]
pub(super) struct Pooled {
    offered: f64,
    pub(super) lost: f64,
    /// Mean of the replications' medians.
    p50_s: f64,
}

impl Pooled {
    /// See [`lost_of_usual`].
    fn lost_of_usual(&self, usual: &Pooled, unasked: f64) -> f64 {
        lost_of_usual((self.offered, self.lost), (usual.offered, usual.lost), unasked)
    }
}

/// Requests lost, scaled to those of the baseline; both are (asked, lost). Users who get errors ask more often and
/// users who wait ask less, so the share lost counts, not the number. Without requests, the share `unasked` is lost.
pub fn lost_of_usual(failing: (f64, f64), usual: (f64, f64), unasked: f64) -> f64 {
    match failing {
        (asked, lost) if asked == usual.0 => lost,
        (asked, lost) if asked > 0.0 => lost / asked * usual.0,
        _ => unasked * usual.0,
    }
}

/// Whether the loss grows from the first half to the second, both as (asked, lost) by replication. It must exceed a
/// tenth, three standard deviations of a count, and twice the half-width of the difference: losses come in clusters, so
/// a count alone is not significant.
pub fn grows(halves: &[[(f64, f64); 2]]) -> bool {
    let expected = |[before, then]: &[(f64, f64); 2]| match before.0 > 0.0 {
        true => before.1 / before.0 * then.0,
        false => then.1,
    };
    let more: Vec<f64> = halves.iter().map(|both| both[1].1 - expected(both)).collect();
    let usual: f64 = halves.iter().map(expected).sum();
    let all: f64 = more.iter().sum();
    let counts = all > 0.1 * usual && all > 3.0 * libm::sqrt(2.0 * usual + all);
    let scatter = interval::mean(&more).and_then(|found| Some(found.value - 2.0 * found.half?));
    counts && scatter.is_none_or(|least| least > 0.0)
}

/// Requests wanted, and those without an answer. A page whose document fails loses all its resources too.
pub(super) fn wanted_and_lost(bin: &Bin) -> (f64, f64) {
    let wanted = f64::from(bin.offered + bin.unasked);
    (wanted, wanted - f64::from(bin.succeeded))
}

pub(super) fn pooled(samples: &[Sample]) -> Vec<Pooled> {
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

/// Adds a replication's counts, multiplied by `times`.
fn take(bins: &mut [Pooled], sample: &Sample, times: f64) {
    for (sum, bin) in bins.iter_mut().zip(&sample.bins) {
        let (wanted, lost) = wanted_and_lost(bin);
        sum.offered += times * wanted;
        sum.lost += times * lost;
    }
}

/// Bins at the end of a run that are left out: their requests are unfinished in every design.
pub(super) const CUT_SHORT: usize = 2;

/// The first bin from `repaired` on after which all bins match the baseline; `None` if the last ones do not.
fn recovery(outage: &[Pooled], base: &[Pooled], repaired: usize) -> Option<usize> {
    let end = outage.len().saturating_sub(CUT_SHORT);
    let is_bad = |b: &usize| {
        let (o, n) = (&outage[*b], &base[*b]);
        // Three standard deviations of a count, so that noise is rarely taken for an outage.
        o.lost > n.lost + 3.0 * libm::sqrt(n.lost) + 0.01 * n.offered || o.p50_s > 1.5 * n.p50_s + 1e-3
    };
    let last_bad = (repaired..end).rev().find(is_bad);
    match last_bad {
        None => Some(repaired),
        // If the last tenth still differs, the stack does not recover.
        Some(bin) if bin + (end - repaired) / 10 >= end => None,
        Some(bin) => Some(bin + 1),
    }
}
