//! What an outage that ends does over time: what is lost before anything reacts, while it does, and on the way back.

use super::lab::Runs;
use super::lasts::Slice;
use super::question::Trial;
use crate::model::bin::Bin;
use crate::stats::interval;
use crate::study::sample::Sample;

/// An outage that ends and the same time without it, bin by bin over all replications.
struct Both {
    trial: Trial,
    outage: Vec<Pooled>,
    /// Outages that are over before everything has reacted.
    brief: Vec<Vec<Pooled>>,
    base: Vec<Pooled>,
    replications: usize,
}

/// What an outage that ends does over time, beside the baseline.
pub(super) fn course(trial: Trial, runs: &Runs) -> Passing {
    let both = Both::new(trial, runs);
    both.passing(both.recovered_s())
}

/// The same by all replications but one, for each of them in turn.
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

    /// The requests of a replication are counted so many times more.
    fn count(&mut self, runs: &Runs, replication: usize, times: f64) {
        let sample = |plan: usize| &runs.studies[plan].samples[replication];
        take(&mut self.outage, sample(self.trial.loss), times);
        take(&mut self.base, sample(self.trial.base), times);
        for (bins, plan) in self.brief.iter_mut().zip(self.trial.brief_plans()) {
            take(bins, sample(plan), times);
        }
    }

    /// From the repair until all is as before.
    fn recovered_s(&self) -> Option<f64> {
        let [.., up] = self.trial.times.bins();
        recovery(&self.outage, &self.base, up).map(|bin| (bin - up) as f64 * self.trial.times.bin_s())
    }

    fn passing(&self, recovered_s: Option<f64>) -> Passing {
        let bin_s = self.trial.times.bin_s();
        let (outage, base) = (&self.outage, &self.base);
        let [down, settled, measured, up] = self.trial.times.bins();
        let end = outage.len();
        // Where nobody asks in a bin, it is as in the whole stretch.
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

/// An outage that ends.
pub(super) struct Passing {
    pub(super) lost_at_crash: f64,
    /// In seconds of all requests: of those that came before the crash, while everything reacted, just before the repair, and after it.
    pub(super) lost_before_s: f64,
    pub(super) reacting: Vec<Slice>,
    pub(super) ending: Vec<Slice>,
    pub(super) bin_s: f64,
    pub(super) lost_returning_s: f64,
    /// By brief outage: lost in all.
    pub(super) brief_s: Vec<f64>,
    /// Share of the requests still lost when the watch ends, where it does not recover.
    pub(super) lost_at_end: f64,
    pub(super) recovered_s: Option<f64>,
}

/// A bin of the timeline, over all replications.
#[derive(Clone, Default)]
pub(super) struct Pooled {
    offered: f64,
    pub(super) lost: f64,
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

/// Is more lost of these than of those before them, both as (asked, lost), by replication? By a tenth, and twice what an interval of the
/// difference is wide on either side: losses come in heaps, so their count alone says less than it seems to.
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

/// Requests that somebody wanted, and those of them without an answer: a page whose document fails loses all that it names.
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

/// The requests of a replication are counted so many times more.
fn take(bins: &mut [Pooled], sample: &Sample, times: f64) {
    for (sum, bin) in bins.iter_mut().zip(&sample.bins) {
        let (wanted, lost) = wanted_and_lost(bin);
        sum.offered += times * wanted;
        sum.lost += times * lost;
    }
}

/// The last requests of a run are lost for want of time, in every design alike.
pub(super) const CUT_SHORT: usize = 2;

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
