//! Designs side by side: the difference of each headline metric, replication by replication.
//!
//! Equal replications of both designs have the same arrivals and demands, so their common noise cancels in the
//! difference (common random numbers; Law, *Simulation Modeling and Analysis*, 11.2).

use super::Study;
use super::sample::{Outcomes, QUANTILES, Sample};
use crate::model::recorder::ClassRecord;
use crate::scenario::plan::Plan;
use crate::stats::interval::{self, Interval};

/// A headline metric.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Succeeded over succeeded and failed.
    Availability,
    /// Succeeded per second.
    Throughput,
    /// Mean latency of successes.
    Mean,
    /// The quantile of this index among those of a sample.
    Quantile(usize),
}

impl Measure {
    /// All of them, with their names in the result document.
    pub const ALL: [(Measure, &'static str); 6] = [
        (Measure::Availability, "availability"),
        (Measure::Throughput, "throughput_per_s"),
        (Measure::Mean, "latency_s.mean"),
        (Measure::Quantile(0), "latency_s.p50"),
        (Measure::Quantile(2), "latency_s.p95"),
        (Measure::Quantile(3), "latency_s.p99"),
    ];

    /// Whether more is better.
    pub fn more_is_better(self) -> bool {
        matches!(self, Measure::Availability | Measure::Throughput)
    }

    /// One replication's numerator and denominator; `None` if it has no value.
    fn of(self, outcomes: &Outcomes, measured_s: f64) -> Option<(f64, f64)> {
        let one = |value: f64| (value, 1.0);
        match self {
            Measure::Availability => {
                let ended = outcomes.succeeded + outcomes.failed;
                Some((outcomes.succeeded as f64, ended as f64))
            }
            Measure::Throughput => (measured_s > 0.0).then(|| one(outcomes.succeeded as f64 / measured_s)),
            Measure::Mean => Some((outcomes.latency.sum_s, outcomes.latency.count as f64)),
            // From all replications pooled, see `Design::quantile`.
            Measure::Quantile(_) => None,
        }
    }
}

/// A design and its study.
#[derive(Copy, Clone)]
pub struct Design<'a> {
    /// The design.
    pub plan: &'a Plan,
    /// Its study.
    pub study: &'a Study,
}

/// The difference of one metric between two designs, b − a.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Difference {
    /// The value of a.
    pub a: f64,
    /// The value of b.
    pub b: f64,
    /// b − a.
    pub interval: Interval,
    /// The p-value; `None` for a single replication.
    pub p: Option<f64>,
    /// Variance with independent runs over the actual variance; `None` if the difference does not vary.
    pub variance_ratio: Option<f64>,
}

impl Difference {
    /// Widens the interval to at least this half-width; `n` replications.
    fn no_narrower(self, least: f64, n: usize) -> Difference {
        let half = self.interval.half.map(|half| half.max(least));
        Difference {
            interval: Interval { half, ..self.interval },
            p: half.and_then(|half| interval::chance(self.interval.value, half, n)),
            ..self
        }
    }

    /// Half-width over the value of a; infinite while there is no interval.
    fn precision(&self) -> f64 {
        match self.interval.half {
            Some(0.0) => 0.0,
            Some(half) if self.a != 0.0 => half / self.a.abs(),
            _ => f64::INFINITY,
        }
    }
}

/// Plans with their studies.
pub fn designs<'a>(plans: &'a [Plan], studies: &'a [Study]) -> Vec<Design<'a>> {
    let pairs = plans.iter().zip(studies);
    pairs.map(|(plan, study)| Design { plan, study }).collect()
}

impl<'a> Design<'a> {
    fn measured_s(&self, sample: &Sample) -> f64 {
        sample.measured_s(self.plan.duration.seconds(), self.study.warmup.seconds())
    }

    /// The `i`-th pooled quantile, and each replication's contribution to its error.
    fn quantile(&self, i: usize, class: Option<usize>) -> Option<(f64, Vec<f64>)> {
        let outcomes = self
            .study
            .samples
            .iter()
            .map(|s| class.map_or(&s.all, |c| &s.classes[c]));
        let (each, counts): (Vec<_>, Vec<_>) = outcomes.map(|o| (&o.latency.profile, o.latency.count)).unzip();
        let of = |record: &ClassRecord| interval::quantile_linearised(&record.latency, &each, &counts, QUANTILES[i]);
        class.map_or_else(|| of(&self.study.all()), |c| of(&self.study.pooled[c]))
    }

    /// A metric of this design alone, for all requests or a class.
    pub fn value(self, measure: Measure, class: Option<&str>) -> Option<f64> {
        let class = match class {
            Some(name) => Some(self.class(name)?),
            None => None,
        };
        if let Measure::Quantile(i) = measure {
            return Some(self.quantile(i, class)?.0);
        }
        let pairs: Vec<(f64, f64)> = self.readings(measure, class).flatten().collect();
        Some(interval::ratio(&pairs)?.value)
    }

    /// By replication: requests answered, and requests in flight at the end.
    fn counts(self, class: Option<usize>) -> impl Iterator<Item = (f64, f64)> + use<'a> {
        let of = move |s: &'a Sample| class.map_or(&s.all, |c| &s.classes[c]);
        let outcomes = self.study.samples.iter().map(of);
        outcomes.map(|o| (o.succeeded as f64, o.unfinished as f64))
    }

    fn measured_in_all_s(&self) -> f64 {
        self.study.samples.iter().map(|s| self.measured_s(s)).sum()
    }

    fn class(&self, name: &str) -> Option<usize> {
        self.plan.classes.iter().position(|c| c.name == name)
    }

    fn readings(self, measure: Measure, class: Option<usize>) -> impl Iterator<Item = Option<(f64, f64)>> + use<'a> {
        let of = move |s: &Sample| {
            let outcomes = class.map_or(&s.all, |c| &s.classes[c]);
            measure.of(outcomes, self.measured_s(s))
        };
        self.study.samples.iter().map(of)
    }
}

/// What can be compared: all requests, then each class that both designs have.
pub fn scopes<'a>(a: Design<'a>, b: Design<'a>) -> Vec<Option<&'a str>> {
    let shared = a.plan.classes.iter().map(|c| c.name.as_str());
    let shared = shared.filter(|name| b.class(name).is_some()).map(Some);
    std::iter::once(None).chain(shared).collect()
}

/// The difference of one metric, for all requests or a class; `None` if a design has no value.
pub fn difference(a: Design<'_>, b: Design<'_>, measure: Measure, class: Option<&str>) -> Option<Difference> {
    let (of_a, of_b) = match class {
        Some(name) => (Some(a.class(name)?), Some(b.class(name)?)),
        None => (None, None),
    };
    if let Measure::Quantile(i) = measure {
        return Some(from_errors(a.quantile(i, of_a)?, b.quantile(i, of_b)?));
    }
    let both = a.readings(measure, of_a).zip(b.readings(measure, of_b));
    let (left, right): (Vec<_>, Vec<_>) = both.filter_map(|(a, b)| a.zip(b)).unzip();
    let found = of_pairs(&left, &right)?;
    let least = match measure {
        Measure::Availability => known_share(&left, &right, a.study.lifetimes || b.study.lifetimes),
        Measure::Throughput => known_rate(a.counts(of_a).zip(b.counts(of_b)), a.measured_in_all_s()),
        Measure::Mean | Measure::Quantile(_) => 0.0,
    };
    Some(found.no_narrower(least, left.len()))
}

/// Least half-width of a difference of shares: the further failures that are plausible, by the number that only one
/// design has, over the requests. With lifetimes and no failure yet, a replication counts as one trial.
fn known_share(a: &[(f64, f64)], b: &[(f64, f64)], lifetimes: bool) -> f64 {
    let failed = |pair: &(f64, f64)| pair.1 - pair.0;
    let apart: f64 = a.iter().zip(b).map(|(a, b)| (failed(a) - failed(b)).abs()).sum();
    let asked = |pairs: &[(f64, f64)]| pairs.iter().map(|p| p.1).sum::<f64>();
    let perfect = a.iter().chain(b).all(|pair| failed(pair) == 0.0);
    match lifetimes && perfect {
        true => 1.0 - interval::never_failed(a.len() as u64),
        false => interval::more_events(apart) / asked(a).min(asked(b)).max(1.0),
    }
}

/// The same for rates. Requests in flight at the end are in no rate, and their number may differ between the designs.
fn known_rate(counts: impl Iterator<Item = ((f64, f64), (f64, f64))>, measured_s: f64) -> f64 {
    let sums = counts.fold((0.0, 0.0, 0.0), |sum, (a, b)| {
        (sum.0 + (b.0 - a.0).abs(), sum.1 + b.1 - a.1, sum.2 + a.0.max(b.0))
    });
    let (apart, inside, answered) = sums;
    (interval::more_events(apart) + inside.abs().min(EDGE * answered)) / measured_s.max(1e-9)
}

/// The difference of two ratios of sums, one pair each per replication, by linearised residuals.
fn of_pairs(a: &[(f64, f64)], b: &[(f64, f64)]) -> Option<Difference> {
    Some(from_errors(interval::linearised(a)?, interval::linearised(b)?))
}

/// The difference of two estimates, from each replication's contributions to their errors.
fn from_errors((value_a, rest_a): (f64, Vec<f64>), (value_b, rest_b): (f64, Vec<f64>)) -> Difference {
    let n = rest_a.len();
    let rest: Vec<f64> = rest_b.iter().zip(&rest_a).map(|(b, a)| b - a).collect();
    // A difference within rounding counts as none.
    let value = match value_b - value_a {
        slight if slight.abs() <= ROUNDING * value_a.abs().max(value_b.abs()) => 0.0,
        value => value,
    };
    let squares = |rest: &[f64], centre: f64| rest.iter().map(|r| (r - centre) * (r - centre)).sum::<f64>();
    let spread = |rest: &[f64]| squares(rest, rest.iter().sum::<f64>() / n as f64);
    let (apart, paired) = (spread(&rest_a) + spread(&rest_b), spread(&rest));
    let half = interval::student_t(n).map(|t| t * libm::sqrt(squares(&rest, 0.0) / (n - 1) as f64 / n as f64));
    Difference {
        a: value_a,
        b: value_b,
        interval: Interval { value, half },
        p: half.and_then(|half| interval::chance(value, half, n)),
        variance_ratio: (n > 1 && paired > 0.0).then(|| apart / paired),
    }
}

/// Share of answers in flight at the end, above which they are a backlog rather than an effect of where the run is cut.
const EDGE: f64 = 0.01;
/// Relative difference below which two values count as equal.
const ROUNDING: f64 = 1e-9;

/// The largest half-width of a difference, relative to the first design's value, over all pairs, metrics and classes.
pub fn worst_precision(designs: &[Design<'_>]) -> f64 {
    let mut worst: f64 = 0.0;
    for (i, a) in designs.iter().enumerate() {
        for b in &designs[i + 1..] {
            for class in scopes(*a, *b) {
                let all = Measure::ALL.iter().filter_map(|(m, _)| difference(*a, *b, *m, class));
                worst = all.map(|d| d.precision()).fold(worst, f64::max);
            }
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_a_shared_noise_cancels() {
        // b is a plus a half; the noise is shared except for a tenth.
        let a: Vec<(f64, f64)> = [1.0, 4.0, 2.0, 5.0, 3.0].map(|v| (v, 1.0)).to_vec();
        let own = [0.1, -0.1, 0.0, -0.1, 0.1];
        let b: Vec<(f64, f64)> = a.iter().zip(own).map(|(a, o)| (a.0 + 0.5 + o, 1.0)).collect();
        let found = of_pairs(&a, &b).unwrap();
        assert!((found.interval.value - 0.5).abs() < 1e-12);
        // s² of the own noise is 0.01: t(4; 0.975) √(0.01 / 5).
        assert!((found.interval.half.unwrap() - 2.776_445 * (0.01f64 / 5.0).sqrt()).abs() < 1e-6);
        // Σ(a − ā)² = 10, Σ(b − b̄)² = 10 + 0.04 + 2 Σ(a − ā)o = 10.04 − 2·0.5 … by hand: Σ(a−3)o = −0.2 −0.1 −0.2 + 0
        // = −0.5.
        assert!((found.variance_ratio.unwrap() - (10.0 + 10.04 - 1.0) / 0.04).abs() < 1e-6);
        // t = 0.5 / √0.002 = 11.18 with 4 degrees of freedom: p = 3.65e-4.
        assert!((found.p.unwrap() - 3.65e-4).abs() < 2e-5, "{:?}", found.p);
    }

    #[test]
    fn what_is_the_same_is_no_difference() {
        let a = [(3.0, 2.0), (5.0, 3.0)];
        let found = of_pairs(&a, &a).unwrap();
        assert_eq!((found.interval.value, found.interval.half), (0.0, Some(0.0)));
        assert_eq!((found.p, found.variance_ratio), (Some(1.0), None));
        assert_eq!(of_pairs(&a, &[(0.0, 0.0), (0.0, 0.0)]), None);
        let alone = of_pairs(&[(1.0, 1.0)], &[(2.0, 1.0)]).unwrap();
        assert_eq!((alone.interval.half, alone.p), (None, None));
    }

    #[test]
    fn what_is_left_of_rounding_is_no_difference() {
        let (a, b) = ([(0.1, 1.0), (0.1, 1.0)], [(0.1 + 1e-15, 1.0), (0.1 + 2e-15, 1.0)]);
        let found = of_pairs(&a, &b).unwrap();
        assert_eq!((found.interval.value, found.p), (0.0, Some(1.0)));
    }

    #[test]
    fn theory_no_share_is_known_better_than_its_failures_were_counted() {
        let (a, b) = ([(500.0, 500.0), (500.0, 500.0)], [(1e4, 1e4), (1e4, 1e4)]);
        assert!((known_share(&a, &b, false) - 3.689e-3).abs() < 1e-5);
        // With lifetimes a replication is one trial: 1 - 0.025^(1/2).
        assert!((known_share(&a, &b, true) - 0.8419).abs() < 1e-4);
        // One failure in only one design: up to 5.572 are plausible.
        let once = [(1e4, 1e4), (1e4 - 1.0, 1e4)];
        assert!((known_share(&a, &once, false) - 4.572e-3).abs() < 1e-5);
    }

    #[test]
    fn theory_who_is_inside_at_the_end_is_no_difference_of_rates() {
        // Each replication of b answers one more and ends with one less in flight: two more in twenty seconds, and 5.22
        // plausible.
        let counts = [((1000.0, 3.0), (1001.0, 2.0)); 2];
        assert!((known_rate(counts.into_iter(), 20.0) - (2.0 + 5.2247) / 20.0).abs() < 1e-4);
        // Half of the arrivals in flight is a backlog and counts.
        let backlog = [((500.0, 500.0), (1000.0, 0.0)); 2];
        assert!(known_rate(backlog.into_iter(), 20.0) < 100.0 / 20.0);
    }
}
