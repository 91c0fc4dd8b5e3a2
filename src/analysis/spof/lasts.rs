//! How long an outage lasts: many are over before everything has reacted to them.

use super::single_points;
use crate::analysis::reliability::{self, Life};
use crate::base::random::Streams;
use crate::base::time::Span;
use crate::failure::Timeline;
use crate::scenario::plan::{Component, Course, Lifetime, Plan};

/// How long an outage lasts, in seconds.
pub struct Lasts {
    /// One by one, the shortest first.
    sorted: Vec<f64>,
    /// Of so many of the first.
    sums: Vec<f64>,
}

/// A part of an outage in slices: of the reaction from the crash on, of its end from the repair back.
pub struct Slices {
    /// Where each begins, and the last ends, in seconds.
    bounds_s: Vec<f64>,
}

impl Slices {
    /// So many, so long each.
    pub fn even(count: usize, each_s: f64) -> Slices {
        Slices { bounds_s: vec![0.0] }.then(count, each_s)
    }

    /// And so many others behind them.
    pub fn then(mut self, count: usize, each_s: f64) -> Slices {
        let end_s = self.end_s();
        self.bounds_s.extend((1..=count).map(|i| end_s + i as f64 * each_s));
        self
    }

    fn end_s(&self) -> f64 {
        self.bounds_s.last().copied().unwrap_or_default()
    }

    /// From when to when each is.
    fn each(&self) -> impl Iterator<Item = (f64, f64)> {
        self.bounds_s.windows(2).map(|bounds| (bounds[0], bounds[1]))
    }
}

/// All outages of a loss: brief ones, which are simulated as they are, and the rest, which are priced by the parts of a long one.
pub struct Outages {
    /// How long those are that are simulated, in seconds; each stands for as many.
    brief: Vec<f64>,
    /// The share of all outages that they stand for.
    share: f64,
    rest: Weights,
    /// The share of the rest that outlasts the reaction.
    outlasts: f64,
}

/// What was simulated of a loss, beside the same requests with everything up.
pub struct Seen<'a> {
    /// The share that is lost as long as it lasts.
    pub excess: f64,
    /// Lost of those that came before the crash,
    pub before: f64,
    /// and of those that come from the repair on.
    pub returning: f64,
    /// Did the loss build up for longer than anything reacts? Then there is as much to be worked off only after an outage that is as long.
    pub grew: bool,
    /// While everything reacts.
    pub reacting: &'a [Slice],
    /// Just before the repair, the last first.
    pub ending: &'a [Slice],
    /// Lost in all by each brief outage.
    pub brief: &'a [f64],
    /// Requests a second with everything up, as all that is lost is counted.
    pub per_s: f64,
}

impl Outages {
    /// What an outage loses on the average beyond what it would if as much of what is asked were lost for all of its length.
    pub fn beyond_lasting(&self, seen: &Seen<'_>) -> f64 {
        let returning = if seen.grew { self.outlasts } else { 1.0 } * seen.returning;
        let rest = seen.before + returning + self.rest.beyond_lasting(seen.excess, seen.reacting, seen.ending);
        let lost = self.brief.iter().zip(seen.brief);
        let beyond = lost.map(|(lasts_s, lost)| lost - seen.excess * lasts_s * seen.per_s);
        let brief = beyond.sum::<f64>() / self.brief.len().max(1) as f64;
        self.share * brief + (1.0 - self.share) * rest
    }
}

/// How much each slice of an outage counts, which may be over by then.
#[derive(Default)]
struct Weights {
    /// By slice of the reaction: for how much of it is it still down?
    reacting: Vec<f64>,
    /// By slice of the end: for how much of it was it down already?
    ending: Vec<f64>,
    /// By slice of the end and of the reaction: how often one is the other; empty where outages last longer.
    over: Vec<f64>,
}

impl Weights {
    /// More or less is lost while everything reacts than the share that lasts, which is `excess`, and less by those who still try when
    /// the repair comes.
    fn beyond_lasting(&self, excess: f64, reacting: &[Slice], ending: &[Slice]) -> f64 {
        let weighed = |slices: &[Slice], weights: &[f64]| -> f64 {
            let both = slices.iter().zip(weights);
            both.map(|(slice, weight)| weight * slice.beyond(excess)).sum()
        };
        let apart = weighed(reacting, &self.reacting) + weighed(ending, &self.ending);
        if excess < TOO_LITTLE {
            return apart;
        }
        // Who comes while everything reacts and still tries when the repair comes: as large a share is saved of the more or less that is lost.
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

/// Requests of a slice of an outage, as they come with everything up, and what more of them is lost than with everything up.
#[derive(Copy, Clone, Debug, Default)]
pub struct Slice {
    /// Asked with everything up.
    pub asked: f64,
    /// Lost beyond what is lost with everything up.
    pub lost: f64,
}

impl Slice {
    /// Beyond the share that lasts.
    pub(super) fn beyond(self, lasting: f64) -> f64 {
        self.lost - lasting * self.asked
    }
}

/// Outages of which a larger share outlasts the reaction and those who try are priced as if all did.
const SELDOM: f64 = 0.999;
/// Where no larger share is lost for long, what those save who still try is not seen in it.
const TOO_LITTLE: f64 = 0.05;

/// An outage's length is drawn so many times, to know how often it is over before everything has reacted.
const DRAWS: usize = 10_000;
/// So many lengths stand for all brief outages: each for as many, and as long as those are on the average, so that what is lost of each
/// second is met exactly.
const BRIEF: usize = 5;
/// Outages are often brief if more than this part of them is over before everything has reacted: of exponential ones, if they last less than four
/// reactions on the average.
const OFTEN: f64 = 0.22;

/// By component: are its outages often over before everything has reacted, and does somebody try again for so long, where something else would
/// take over? Whom a repair saves then cannot be told from a long outage.
pub struct OftenBrief(Vec<bool>);

impl OftenBrief {
    /// Of the plan's components.
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

    /// How long those of this component are to be simulated that last no longer than this: none where they are not often brief.
    pub fn lengths(&self, plan: &Plan, part: usize, most: Span) -> Vec<Span> {
        let lasts = self.0[part]
            .then(|| Lasts::of_one(plan, &plan.components[part]))
            .flatten();
        let lengths = lasts.map_or(Vec::new(), |lasts| lasts.brief(most.seconds()));
        lengths.into_iter().map(Span::from_seconds).collect()
    }
}

impl Lasts {
    /// Of the loss of these components, which lasts so long on the average.
    pub fn of(plan: &Plan, parts: &[&Component], mean_s: f64) -> Lasts {
        let one = match parts {
            [part] => Lasts::of_one(plan, part),
            _ => None,
        };
        one.unwrap_or_else(|| Lasts::exponential(mean_s))
    }

    /// Of the failures of a component, if it has a lifetime.
    fn of_one(plan: &Plan, part: &Component) -> Option<Lasts> {
        let fails = |l: &Lifetime| l.name == part.name && matches!(l.course, Course::Failures { .. });
        Some(Lasts::drawn(plan, plan.lifetimes.iter().position(fails)?))
    }

    /// Of several components that are down together.
    fn exponential(mean_s: f64) -> Lasts {
        let quantile = |i: usize| -mean_s * libm::log1p(-(i as f64 + 0.5) / DRAWS as f64);
        Lasts::new((0..DRAWS).map(quantile).collect())
    }

    /// Of one lifetime. How long repairs take does not depend on the study's seed.
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

    /// Probability that it lasts longer.
    fn beyond(&self, seconds: f64) -> f64 {
        1.0 - self.shorter(seconds) as f64 / self.sorted.len().max(1) as f64
    }

    /// How many last no longer.
    fn shorter(&self, seconds: f64) -> usize {
        self.sorted.partition_point(|d| *d <= seconds)
    }

    /// How long it lasts on the average, where no more than this counts.
    fn mean_to(&self, most_s: f64) -> f64 {
        let shorter = self.shorter(most_s);
        let longer = (self.sorted.len() - shorter) as f64;
        (self.sums[shorter] + longer * most_s) / self.sorted.len() as f64
    }

    /// How long brief outages are to be simulated, in seconds: of those that last no longer than this.
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

    /// How much each part of an outage counts, if those are simulated as they are that last no longer than this.
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

    /// The share of a stretch of time in which it still lasts.
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

    /// A request a second for as long as this, of each of which so much is lost.
    fn lost(seconds: usize, lost: f64) -> Vec<Slice> {
        vec![Slice { asked: 1.0, lost }; seconds]
    }

    /// What an outage of ten seconds loses where all is lost for long.
    fn priced(each_s: usize, reacting: &[Slice], ending: &[Slice]) -> f64 {
        let outage = Lasts::new(vec![10.0]);
        let slices = |of: &[Slice]| Slices::even(of.len(), each_s as f64);
        let weights = outage.weights(&slices(reacting), &slices(ending));
        10.0 + each_s as f64 * weights.beyond_lasting(1.0, reacting, ending)
    }

    #[test]
    fn an_outage_that_ends_in_a_slice_counts_as_far_as_it_goes() {
        // Half of what comes, for ten seconds, however long a slice is.
        for each_s in [1, 2, 4, 7, 100] {
            let reacting = lost(100 / each_s + 1, 0.5);
            assert!((priced(each_s, &reacting, &[]) - 5.0).abs() < 1e-9, "{each_s}");
        }
    }

    #[test]
    fn who_tries_until_the_repair_is_saved_of_what_is_lost_by_then() {
        // Whoever comes in the last four seconds.
        assert!((priced(1, &lost(100, 1.0), &lost(4, 0.0)) - 6.0).abs() < 1e-9);
        assert!((priced(1, &lost(100, 0.5), &lost(4, 0.0)) - 3.0).abs() < 1e-9);
        assert!(priced(1, &lost(100, 0.5), &lost(30, 0.0)).abs() < 1e-9, "or ever");
    }
}
