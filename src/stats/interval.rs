//! Confidence intervals over independent replications; used by `study` and all of `analysis`.
//!
//! A mean has Student's t. A ratio of sums has the same on linearised residuals (Law, *Simulation Modeling and
//! Analysis*, 9.4; Cochran, *Sampling Techniques*, 6). A quantile is that of all replications pooled. A share is never
//! narrower than the binomial law allows, however well replications agree.

use super::sketch::{Profile, Sketch};
use statrs::distribution::{Beta, ContinuousCDF, Gamma, Normal, StudentsT};

/// Confidence level of all intervals.
pub const CONFIDENCE: f64 = 0.95;

/// An estimate with its half-width; `None` for a single replication.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Half the width of the interval.
    pub half: Option<f64>,
}

/// An estimate with possibly asymmetric bounds; `None` for a single replication.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Between {
    /// The estimate.
    pub value: f64,
    /// The bounds.
    pub bounds: Option<(f64, f64)>,
}

impl From<Interval> for Between {
    fn from(interval: Interval) -> Between {
        Between {
            value: interval.value,
            bounds: interval.half.map(|h| (interval.value - h, interval.value + h)),
        }
    }
}

impl Between {
    /// Half the width over the value; infinite while there are no bounds.
    pub fn relative(&self) -> f64 {
        match self.bounds.map(|(lo, hi)| (hi - lo) / 2.0) {
            // Exactly zero in every replication.
            Some(0.0) => 0.0,
            Some(half) if self.value != 0.0 => half / self.value.abs(),
            _ => f64::INFINITY,
        }
    }
}

/// The factor of Student's t on the standard error of the mean of `n` observations.
pub fn student_t(n: usize) -> Option<f64> {
    let freedom = n.checked_sub(1).filter(|f| *f > 0)? as f64;
    StudentsT::new(0.0, 1.0, freedom)
        .ok()
        .map(|t| t.inverse_cdf(0.5 + CONFIDENCE / 2.0))
}

/// The p-value of a mean of `n` observations with this half-width, against zero; `None` if there are too few.
pub fn chance(value: f64, half: f64, n: usize) -> Option<f64> {
    let factor = student_t(n)?;
    if half == 0.0 {
        return Some(if value == 0.0 { 1.0 } else { 0.0 });
    }
    let t = StudentsT::new(0.0, 1.0, (n - 1) as f64).ok()?;
    Some(2.0 * t.cdf(-(value / half * factor).abs()))
}

/// Which differences are significant among several tests (Holm, 1979): the family-wise error stays within one minus the
/// confidence.
pub fn shown(chances: &[Option<f64>]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..chances.len()).filter(|i| chances[*i].is_some()).collect();
    let chance = |i: usize| chances[i].unwrap_or(1.0);
    order.sort_by(|a, b| chance(*a).total_cmp(&chance(*b)));
    let mut shown = vec![false; chances.len()];
    for (rank, i) in order.iter().enumerate() {
        if chance(*i) > (1.0 - CONFIDENCE) / (order.len() - rank) as f64 {
            break;
        }
        shown[*i] = true;
    }
    shown
}

/// The mean of observations, one per replication; `None` if there are none.
pub fn mean(values: &[f64]) -> Option<Interval> {
    let n = values.len() as f64;
    (!values.is_empty()).then(|| {
        let mean = values.iter().sum::<f64>() / n;
        let half = student_t(values.len()).map(|t| {
            let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
            t * libm::sqrt(squares / (n - 1.0) / n)
        });
        Interval { value: mean, half }
    })
}

/// The ratio of two sums, one pair per replication; `None` if the denominator is zero.
pub fn ratio(pairs: &[(f64, f64)]) -> Option<Interval> {
    let (above, below) = pairs.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
    (below > 0.0).then(|| {
        let value = above / below;
        let residuals: Vec<f64> = pairs.iter().map(|p| p.0 - value * p.1).collect();
        let half = mean(&residuals)
            .and_then(|i| i.half)
            .map(|h| h * pairs.len() as f64 / below);
        Interval { value, half }
    })
}

/// An estimate from all replications pooled, with its interval by the jackknife (Tukey, 1958): `without` has the
/// estimates with one replication left out. For estimates that are not means over replications, such as sums of ratios.
pub fn jackknife(all: f64, without: &[f64]) -> Interval {
    let n = without.len() as f64;
    let pseudo: Vec<f64> = without.iter().map(|w| n * all - (n - 1.0) * w).collect();
    Interval {
        value: all,
        half: mean(&pseudo).and_then(|i| i.half),
    }
}

/// The quantile `p` of all replications pooled, with its interval by Woodruff's method (1952): the interval of the
/// share below the value, converted back to values.
///
/// The mean of the replications' own quantiles would be biased, more so for shorter runs, and more replications would
/// not help. The pooled quantile has only the bias of one run as long as all together. The interval follows the skew of
/// the tail.
pub fn quantile(pooled: &Sketch, each: &[&Profile], counts: &[u64], p: f64) -> Option<Between> {
    let value = pooled.quantile_s(p)?;
    let bounds = ratio(&below(value, each, counts))
        .and_then(|share| share.half)
        .and_then(|half| {
            let at = pooled.quantiles_s(&[(p - half).max(0.0), (p + half).min(1.0)]);
            at[0].zip(at[1])
        });
    Some(Between { value, bounds })
}

/// By replication: the number of observations below a value, and of all.
fn below(value: f64, each: &[&Profile], counts: &[u64]) -> Vec<(f64, f64)> {
    let both = each.iter().zip(counts);
    both.map(|(profile, n)| (profile.up_to(value), *n as f64)).collect()
}

/// The pooled quantile and each replication's contribution to its error: the error of its share below the value, times
/// the slope of the value over the share's interval.
pub fn quantile_linearised(pooled: &Sketch, each: &[&Profile], counts: &[u64], p: f64) -> Option<(f64, Vec<f64>)> {
    let value = pooled.quantile_s(p)?;
    let shares = below(value, each, counts);
    let (_, mut errors) = linearised(&shares)?;
    let half = ratio(&shares).and_then(|share| share.half).unwrap_or(0.0);
    let (from, to) = ((p - half).max(0.0), (p + half).min(1.0));
    let ends = pooled.quantiles_s(&[from, to]);
    let moves = ends[0].zip(ends[1]).map_or(0.0, |(lo, hi)| hi - lo);
    let per_share = if to > from { moves / (to - from) } else { 0.0 };
    errors.iter_mut().for_each(|e| *e *= -per_share);
    Some((value, errors))
}

/// A ratio of sums and each replication's contribution to its error; the contributions have mean 0.
pub fn linearised(pairs: &[(f64, f64)]) -> Option<(f64, Vec<f64>)> {
    let value = ratio(pairs)?.value;
    let mean = pairs.iter().map(|p| p.1).sum::<f64>() / pairs.len() as f64;
    Some((value, pairs.iter().map(|p| (p.0 - value * p.1) / mean).collect()))
}

/// A share from `(hits, of)` by replication. Its bounds are those of Student's t or of the binomial law (Clopper and
/// Pearson, 1934), whichever are wider, since a few replications may agree by chance. For clustered hits the sample
/// size is reduced (Korn and Graubard, 1998). `trials` is the number of independent trials to assume if none or all
/// were hits.
pub fn share(pairs: &[(u64, u64)], trials: u64) -> Option<Between> {
    let (hits, of) = pairs.iter().fold((0, 0), |sum, p| (sum.0 + p.0, sum.1 + p.1));
    let found = ratio(&pairs.iter().map(|p| (p.0 as f64, p.1 as f64)).collect::<Vec<_>>())?;
    let bounds = found.half.map(|half| {
        let (value, error) = (found.value, half / student_t(pairs.len()).unwrap_or(1.0));
        let heaps = match value * (1.0 - value) / of as f64 {
            alone if alone > 0.0 => (error * error / alone).max(1.0),
            _ => of as f64 / trials.max(1) as f64,
        };
        let (lo, hi) = binomial(hits as f64 / heaps, (of - hits) as f64 / heaps);
        (lo.min(value - half), hi.max(value + half))
    });
    Some(Between {
        value: found.value,
        bounds,
    })
}

/// The plausible range of a share, given hits and misses.
fn binomial(hits: f64, misses: f64) -> (f64, f64) {
    if hits < misses {
        let (lo, hi) = binomial(misses, hits);
        return (1.0 - hi, 1.0 - lo);
    }
    let (least, most) = rare(misses, hits);
    (1.0 - most, 1.0 - least)
}

/// Above `MANY` of the rarer outcome use Wilson's approximation (1927). Below it, once the total exceeds `MANY_IN_ALL`,
/// use the Poisson law, because inverting the binomial is slow or does not terminate.
const MANY: f64 = 1e3;
const MANY_IN_ALL: f64 = 1e5;

/// The same for the rarer outcome.
fn rare(seen: f64, others: f64) -> (f64, f64) {
    let (tail, all) = ((1.0 - CONFIDENCE) / 2.0, seen + others);
    if seen > MANY {
        let z = Normal::standard().inverse_cdf(1.0 - tail);
        let (share, square) = (seen / all, z * z / all);
        let half = z * libm::sqrt((share * (1.0 - share) + square / 4.0) / all);
        return (
            (share + square / 2.0 - half) / (1.0 + square),
            (share + square / 2.0 + half) / (1.0 + square),
        );
    }
    if all > MANY_IN_ALL {
        let least = Gamma::new(seen, 1.0).map_or(0.0, |gamma| gamma.inverse_cdf(tail));
        return (least / all, (seen + more_events(seen)) / all);
    }
    let at = |a: f64, b: f64, p: f64| Beta::new(a, b).map_or(0.0, |beta| beta.inverse_cdf(p));
    let least = if seen > 0.0 { at(seen, others + 1.0, tail) } else { 0.0 };
    let most = match seen > 0.0 {
        true => at(seen + 1.0, others, 1.0 - tail),
        false => 1.0 - libm::exp(libm::log(tail) / all),
    };
    (least, most)
}

/// How many more events than observed are plausible, by the Poisson law.
pub fn more_events(seen: f64) -> f64 {
    let most = Gamma::new(seen + 1.0, 1.0).map(|gamma| gamma.inverse_cdf(0.5 + CONFIDENCE / 2.0));
    most.map_or(0.0, |most| most - seen)
}

/// The smallest plausible share after `n` successes and no failure (Clopper and Pearson, 1934).
pub fn never_failed(n: u64) -> f64 {
    if n == 0 {
        0.0
    } else {
        libm::exp(libm::log((1.0 - CONFIDENCE) / 2.0) / n as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Span;

    #[test]
    fn theory_a_known_sample_gives_the_textbook_interval() {
        // Mean 3, s² = 2.5, t(4; 0.975) = 2.776445.
        let interval = mean(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(interval.value, 3.0);
        assert!((interval.half.unwrap() - 2.776_445 * (2.5f64 / 5.0).sqrt()).abs() < 1e-5);
        assert_eq!(mean(&[7.0]), Some(Interval { value: 7.0, half: None }));
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn theory_a_ratio_with_equal_denominators_is_a_mean() {
        let pairs: Vec<(f64, f64)> = [1.0, 2.0, 3.0, 4.0, 5.0].iter().map(|v| (*v, 2.0)).collect();
        let (ratio, mean) = (ratio(&pairs).unwrap(), mean(&[0.5, 1.0, 1.5, 2.0, 2.5]).unwrap());
        assert_eq!(ratio.value, mean.value);
        assert!((ratio.half.unwrap() - mean.half.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn theory_an_interval_that_just_touches_zero_is_one_chance_in_twenty() {
        for n in [2, 5, 20] {
            assert!((chance(1.3, 1.3, n).unwrap() - 0.05).abs() < 1e-9);
        }
        assert_eq!(
            (chance(0.0, 0.0, 3), chance(0.1, 0.0, 3), chance(1.0, 1.0, 1)),
            (Some(1.0), Some(0.0), None)
        );
    }

    #[test]
    fn theory_holm_steps_down_and_stops_at_the_first_that_fails() {
        // 0.05 / 4, / 3, / 2, / 1: the third fails, so the fourth is not tested.
        assert_eq!(
            shown(&[Some(0.04), Some(0.001), None, Some(0.03), Some(0.016)]),
            [false, true, false, false, true]
        );
        assert_eq!(shown(&[]), [false; 0]);
    }

    #[test]
    fn theory_a_quantile_is_read_at_the_bounds_of_its_share() {
        // Two replications of a hundred, ms 1..100 and 11..110. Up to 60 ms there are 60 and 50 values.
        let sketch = |from: u64| {
            let mut sketch = Sketch::default();
            (from..from + 100).for_each(|ms| sketch.record(Span::from_millis(ms)));
            sketch
        };
        let (a, b) = (sketch(1), sketch(11));
        let mut pooled = a.clone();
        pooled.merge(&b);
        let found = quantile(&pooled, &[&a.profile(), &b.profile()], &[100, 100], 0.548).unwrap();
        assert!((found.value - 0.060).abs() < 1e-4, "{found:?}");
        // Shares 0.6 and 0.5: half-width t(1; 0.975) · 0.1 / 2 = 0.635, beyond both ends.
        let (lo, hi) = found.bounds.unwrap();
        assert!((lo - 0.001).abs() < 1e-4 && (hi - 0.110).abs() < 1e-3, "{found:?}");
        // Over the whole interval of shares, 1 wide, the value moves by 109 ms: a share that is 0.05 off moves it by
        // 5.45 ms. The larger share belongs to the smaller quantile.
        let (value, errors) = quantile_linearised(&pooled, &[&a.profile(), &b.profile()], &[100, 100], 0.548).unwrap();
        assert_eq!(value, found.value);
        assert!(
            (errors[0] + 0.00545).abs() < 1e-4 && (errors[1] - 0.00545).abs() < 1e-4,
            "{errors:?}"
        );
        let same = quantile(&pooled, &[&pooled.profile(); 4], &[200; 4], 0.548).unwrap();
        assert_eq!(same.bounds, Some((same.value, same.value)));
        assert_eq!(quantile(&a, &[&a.profile()], &[100], 0.5).unwrap().bounds, None);
        assert_eq!(quantile(&Sketch::default(), &[], &[], 0.5), None);
    }

    #[test]
    fn theory_few_failures_are_known_no_better_than_the_binomial_law_allows() {
        // Clopper and Pearson's table: 5 of 100 are 1.64 to 11.28 %.
        let (lo, hi) = binomial(5.0, 95.0);
        assert!((lo - 0.0164).abs() < 1e-4 && (hi - 0.1128).abs() < 1e-4, "{lo} {hi}");
        // More failures mean more uncertainty: none, one, two, five in twenty replications of a hundred.
        let bounds = |failed: usize| {
            let pairs: Vec<(u64, u64)> = (0..20).map(|r| (100 - u64::from(r < failed), 100)).collect();
            share(&pairs, 2000).unwrap().bounds.unwrap()
        };
        let lows = [0, 1, 2, 5].map(|failed| bounds(failed).0);
        assert!((lows[0] - never_failed(2000)).abs() < 1e-9);
        assert!(lows.is_sorted_by(|a, b| a > b), "{lows:?}");
        // By symmetry, no success is as certain as no failure.
        assert!((share(&[(0, 1000), (0, 1000)], 2000).unwrap().bounds.unwrap().1 - (1.0 - lows[0])).abs() < 1e-9);
        // Forty failures in one replication count as about one failure in 49, of which up to a tenth may fail: wider
        // than Student's t.
        let heap: Vec<(u64, u64)> = (0..20).map(|r| (if r == 0 { 60 } else { 100 }, 100)).collect();
        let lo = share(&heap, 2000).unwrap().bounds.unwrap().0;
        assert!((lo - (1.0 - 0.108)).abs() < 5e-3, "{lo}");
        assert_eq!(share(&[(1, 2)], 2).unwrap().bounds, None);
    }

    #[test]
    fn theory_of_any_number_the_bounds_meet_where_laws_change() {
        // The bounds hardly change at the switch from one law to another.
        for (seen, all) in [(999.0, 1e6), (10.0, 99_990.0), (1.0, 99_998.0), (0.5, 99_999.0)] {
            let (before, after) = (rare(seen, all - seen), rare(seen + 2.0, all + 20.0 - seen));
            let shift = 4.0 / all;
            assert!(
                (before.0 - after.0).abs() < shift && (before.1 - after.1).abs() < shift,
                "{seen} of {all}"
            );
        }
        for (hits, misses) in [
            (1e9, 0.0),
            (0.0, 1e9),
            (1e9, 1.0),
            (1.0, 1e9),
            (5e8, 5e8),
            (1e7, 10.0),
            (9.9e6, 0.0),
        ] {
            let (lo, hi) = binomial(hits, misses);
            let share = hits / (hits + misses);
            assert!(
                0.0 <= lo && lo <= share && share <= hi && hi <= 1.0 && hi - lo < 1e-4,
                "{lo} {hi}"
            );
        }
    }

    #[test]
    fn theory_events_that_were_not_seen_may_come() {
        // Garwood's table: for none 3.689, one 5.572, five 11.668.
        for (seen, most) in [(0.0, 3.689), (1.0, 5.572), (5.0, 11.668)] {
            assert!((seen + more_events(seen) - most).abs() < 1e-3);
        }
    }

    #[test]
    fn theory_the_rule_of_three() {
        // With 97.5 % on one side the rule of three becomes one of 3.69.
        assert!((1.0 - never_failed(1000) - 3.689e-3).abs() < 1e-5);
        assert_eq!(never_failed(0), 0.0);
    }
}
