//! How long outages last, and what follows for their price. Many outages end before everything has reacted: then a part
//! of the transient loss does not occur. `judge` uses this to price a loss.

use super::single_points;
use crate::analysis::reliability::{self, Life};
use crate::base::random::Streams;
use crate::base::time::Span;
use crate::failure::Timeline;
use crate::scenario::plan::{Component, Course, Lifetime, Plan};

/// The distribution of an outage's duration, in seconds.
pub struct Lasts {
    /// Sampled durations, shortest first.
    sorted: Vec<f64>,
    /// Cumulative sums of `sorted`, starting with zero.
    sums: Vec<f64>,
}

/// A part of an outage in slices: the reaction counted from the crash, the end counted back from the repair.
pub struct Slices {
    /// Bounds of the slices, in seconds.
    bounds_s: Vec<f64>,
}

impl Slices {
    /// This many slices of equal length.
    pub fn even(count: usize, each_s: f64) -> Slices {
        Slices { bounds_s: vec![0.0] }.then(count, each_s)
    }

    /// Appends this many more.
    pub fn then(mut self, count: usize, each_s: f64) -> Slices {
        let end_s = self.end_s();
        self.bounds_s.extend((1..=count).map(|i| end_s + i as f64 * each_s));
        self
    }

    fn end_s(&self) -> f64 {
        self.bounds_s.last().copied().unwrap_or_default()
    }

    /// Start and end of each slice.
    fn each(&self) -> impl Iterator<Item = (f64, f64)> {
        self.bounds_s.windows(2).map(|bounds| (bounds[0], bounds[1]))
    }
}

/// All outages of a loss: brief ones, simulated one by one, and the rest, priced from the parts of a long outage.
pub struct Outages {
    /// Durations of the simulated brief outages, in seconds; each stands for equally many.
    brief: Vec<f64>,
    /// The share of all outages that they stand for.
    share: f64,
    rest: Weights,
    /// The share of the rest that outlasts the reaction.
    outlasts: f64,
}

/// The simulated loss of an outage, compared with the baseline.
pub struct Seen<'a> {
    /// The steady-state loss: share lost while the outage lasts.
    pub excess: f64,
    /// Lost of the requests in flight at the crash.
    pub before: f64,
    /// Lost of the requests from the repair on.
    pub returning: f64,
    /// Whether the loss grew for longer than the reaction. Then only an outage as long leaves this backlog at the
    /// repair.
    pub grew: bool,
    /// During detection and fail-over.
    pub reacting: &'a [Slice],
    /// Just before the repair, last slice first.
    pub ending: &'a [Slice],
    /// Total loss of each brief outage.
    pub brief: &'a [f64],
    /// Requests per second in the baseline, in the unit of the losses.
    pub per_s: f64,
}

impl Outages {
    /// Mean loss of an outage beyond the steady-state share over its whole duration.
    pub fn beyond_lasting(&self, seen: &Seen<'_>) -> f64 {
        let returning = if seen.grew { self.outlasts } else { 1.0 } * seen.returning;
        let rest = seen.before + returning + self.rest.beyond_lasting(seen.excess, seen.reacting, seen.ending);
        let lost = self.brief.iter().zip(seen.brief);
        let beyond = lost.map(|(lasts_s, lost)| lost - seen.excess * lasts_s * seen.per_s);
        let brief = beyond.sum::<f64>() / self.brief.len().max(1) as f64;
        self.share * brief + (1.0 - self.share) * rest
    }
}

/// Weight of each slice, given that the outage may end before it.
#[derive(Default)]
struct Weights {
    /// By slice of the reaction: the expected part of it in which the outage still lasts.
    reacting: Vec<f64>,
    /// By slice of the end: the expected part of it in which the outage has begun.
    ending: Vec<f64>,
    /// By pair of end slice and reaction slice: how much they coincide. Empty if nearly all outages last longer.
    over: Vec<f64>,
}

impl Weights {
    /// Loss beyond the steady-state share `excess`: the reaction loses more or less than it, and requests retried until
    /// the repair are saved.
    fn beyond_lasting(&self, excess: f64, reacting: &[Slice], ending: &[Slice]) -> f64 {
        let weighed = |slices: &[Slice], weights: &[f64]| -> f64 {
            let both = slices.iter().zip(weights);
            both.map(|(slice, weight)| weight * slice.beyond(excess)).sum()
        };
        let apart = weighed(reacting, &self.reacting) + weighed(ending, &self.ending);
        if excess < TOO_LITTLE {
            return apart;
        }
        // Requests that arrive during the reaction and are retried until the repair: the same share of their transient
        // loss is saved.
        let over = self.over.chunks_exact(reacting.len().max(1));
        let both = ending.iter().zip(over).map(|(last, over)| {
            let lasting = excess * last.asked;
            let saved = if lasting > 0.0 {
                last.beyond(excess) / lasting
            } else {
                0.0
            };
            saved * weighed(reacting, over)
        });
        apart + both.sum::<f64>()
    }
}

/// Requests of a slice of an outage: the baseline's, and how many more are lost than in the baseline.
#[derive(Copy, Clone, Debug, Default)]
pub struct Slice {
    /// Requests in the baseline.
    pub asked: f64,
    /// Lost beyond the baseline.
    pub lost: f64,
}

impl Slice {
    /// Lost beyond the steady-state share.
    pub(super) fn beyond(self, lasting: f64) -> f64 {
        self.lost - lasting * self.asked
    }
}

/// If a larger share of outages outlasts the reaction and the retries, the two are taken never to overlap.
const SELDOM: f64 = 0.999;
/// Below this steady-state loss, the share saved by retries cannot be estimated.
const TOO_LITTLE: f64 = 0.05;

/// Number of sampled durations per outage.
const DRAWS: usize = 10_000;
/// Number of durations that represent all brief outages. Each represents equally many and is their mean, so that a loss
/// proportional to the duration is exact.
const BRIEF: usize = 5;
/// Share of outages that end before everything has reacted, above which outages count as often brief. For exponential
/// durations: a mean below four reaction times.
const OFTEN: f64 = 0.22;

/// By component: whether its outages are often brief, requests are retried long enough, and something else could take
/// over. What a repair saves then cannot be derived from a long outage.
pub struct OftenBrief(Vec<bool>);

impl OftenBrief {
    /// For the plan's components.
    pub fn of(plan: &Plan) -> OftenBrief {
        let is_quick = |(component, life): (&Component, Option<Life>)| {
            let reaction_s = plan.reaction(&component.hits).seconds();
            let may_be = life.is_some() && reaction_s > 0.0 && !plan.tries(&component.hits).is_zero();
            let lasts = may_be.then(|| Lasts::of_one(plan, component)).flatten();
            lasts.is_some_and(|lasts| lasts.beyond(reaction_s) < 1.0 - OFTEN)
        };
        let components = plan.components.iter().zip(reliability::lives(plan));
        let mut all: Vec<bool> = components.map(is_quick).collect();
        if all.contains(&true) {
            let points = single_points(plan);
            for (is_brief, component) in all.iter_mut().zip(&plan.components) {
                *is_brief &= points.iter().all(|p| p.component != component.name);
            }
        }
        OftenBrief(all)
    }

    /// Durations at which brief outages of this component are simulated, up to `most`; none if they are not often
    /// brief.
    pub fn lengths(&self, plan: &Plan, part: usize, most: Span) -> Vec<Span> {
        let lasts = self.0[part]
            .then(|| Lasts::of_one(plan, &plan.components[part]))
            .flatten();
        let lengths = lasts.map_or(Vec::new(), |lasts| lasts.brief(most.seconds()));
        lengths.into_iter().map(Span::from_seconds).collect()
    }
}

impl Lasts {
    /// For the loss of these components, whose mean duration is given.
    pub fn of(plan: &Plan, parts: &[&Component], mean_s: f64) -> Lasts {
        let one = match parts {
            [part] => Lasts::of_one(plan, part),
            _ => None,
        };
        one.unwrap_or_else(|| Lasts::exponential(mean_s))
    }

    /// For the failures of a component, if it has a lifetime.
    fn of_one(plan: &Plan, part: &Component) -> Option<Lasts> {
        let fails = |l: &Lifetime| l.name == part.name && matches!(l.course, Course::Failures { .. });
        Some(Lasts::drawn(plan, plan.lifetimes.iter().position(fails)?))
    }

    /// For several components that are down together.
    fn exponential(mean_s: f64) -> Lasts {
        let quantile = |i: usize| -mean_s * libm::log1p(-(i as f64 + 0.5) / DRAWS as f64);
        Lasts::new((0..DRAWS).map(quantile).collect())
    }

    /// For one lifetime, sampled independently of the study's seed.
    pub fn drawn(plan: &Plan, life: usize) -> Lasts {
        let drawn = Timeline::down_times(plan, &Streams::new(0, 0), life, DRAWS);
        let mut sorted: Vec<f64> = drawn.iter().map(|d| d.seconds()).collect();
        sorted.sort_by(f64::total_cmp);
        Lasts::new(sorted)
    }

    fn new(sorted: Vec<f64>) -> Lasts {
        let mut sums = vec![0.0];
        sums.extend(sorted.iter().scan(0.0, |sum, d| {
            *sum += d;
            Some(*sum)
        }));
        Lasts { sorted, sums }
    }

    /// Probability that an outage lasts longer.
    fn beyond(&self, seconds: f64) -> f64 {
        1.0 - self.shorter(seconds) as f64 / self.sorted.len().max(1) as f64
    }

    /// Number of samples that last no longer.
    fn shorter(&self, seconds: f64) -> usize {
        self.sorted.partition_point(|d| *d <= seconds)
    }

    /// Mean duration, with each outage cut off at `most_s`.
    fn mean_to(&self, most_s: f64) -> f64 {
        let shorter = self.shorter(most_s);
        let longer = (self.sorted.len() - shorter) as f64;
        (self.sums[shorter] + longer * most_s) / self.sorted.len() as f64
    }

    /// Representative durations of the outages up to `most_s`, in seconds.
    fn brief(&self, most_s: f64) -> Vec<f64> {
        let shorter = self.shorter(most_s);
        let part = |i: usize| i * shorter / BRIEF..(i + 1) * shorter / BRIEF;
        let mean = |part: std::ops::Range<usize>| (self.sums[part.end] - self.sums[part.start]) / part.len() as f64;
        match self.sorted[..shorter] {
            [first, .., last] if first < last => (0..BRIEF).map(part).filter(|p| !p.is_empty()).map(mean).collect(),
            [first, ..] => vec![first],
            [] => Vec::new(),
        }
    }

    /// The weight of each part of an outage, with outages up to `brief_to_s` simulated one by one.
    pub fn outages(&self, reacting: &Slices, ending: &Slices, brief_to_s: Option<f64>) -> Outages {
        let shorter = brief_to_s.map_or(0, |most_s| self.shorter(most_s));
        let rest = Lasts::new(self.sorted[shorter..].to_vec());
        Outages {
            brief: brief_to_s.map_or(Vec::new(), |most_s| self.brief(most_s)),
            share: shorter as f64 / self.sorted.len() as f64,
            rest: rest.weights(reacting, ending),
            outlasts: rest.beyond(reacting.end_s()),
        }
    }

    /// Expected share of this time in which the outage still lasts.
    fn share_of(&self, from_s: f64, to_s: f64) -> f64 {
        (self.mean_to(to_s) - self.mean_to(from_s)) / (to_s - from_s)
    }

    fn weights(&self, reacting: &Slices, ending: &Slices) -> Weights {
        if self.sorted.is_empty() {
            return Weights::default();
        }
        let shares = |of: &Slices| of.each().map(|(from_s, to_s)| self.share_of(from_s, to_s)).collect();
        let ends_late = self.beyond(reacting.end_s() + ending.end_s()) > SELDOM;
        let over = |(from_s, to_s): (f64, f64)| {
            let at = move |age_s: f64| self.share_of(age_s + from_s, age_s + to_s);
            let part = move |began_s: f64, ended_s: f64| (to_s - from_s) / (ended_s - began_s);
            reacting
                .each()
                .map(move |(began_s, ended_s)| part(began_s, ended_s) * (at(began_s) - at(ended_s)))
        };
        Weights {
            reacting: shares(reacting),
            ending: shares(ending),
            over: match ends_late {
                true => Vec::new(),
                false => ending.each().flat_map(over).collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One request per second for this long, with this share lost.
    fn lost(seconds: usize, lost: f64) -> Vec<Slice> {
        vec![Slice { asked: 1.0, lost }; seconds]
    }

    /// The loss of a ten-second outage whose steady-state loss is everything.
    fn priced(each_s: usize, reacting: &[Slice], ending: &[Slice]) -> f64 {
        let outage = Lasts::new(vec![10.0]);
        let slices = |of: &[Slice]| Slices::even(of.len(), each_s as f64);
        let weights = outage.weights(&slices(reacting), &slices(ending));
        10.0 + each_s as f64 * weights.beyond_lasting(1.0, reacting, ending)
    }

    #[test]
    fn an_outage_that_ends_in_a_slice_counts_as_far_as_it_goes() {
        // Half of the requests of ten seconds, however long a slice is.
        for each_s in [1, 2, 4, 7, 100] {
            let reacting = lost(100 / each_s + 1, 0.5);
            assert!((priced(each_s, &reacting, &[]) - 5.0).abs() < 1e-9, "{each_s}");
        }
    }

    #[test]
    fn who_tries_until_the_repair_is_saved_of_what_is_lost_by_then() {
        // Requests of the last four seconds are saved.
        assert!((priced(1, &lost(100, 1.0), &lost(4, 0.0)) - 6.0).abs() < 1e-9);
        assert!((priced(1, &lost(100, 0.5), &lost(4, 0.0)) - 3.0).abs() < 1e-9);
        assert!(priced(1, &lost(100, 0.5), &lost(30, 0.0)).abs() < 1e-9, "or ever");
    }
}
