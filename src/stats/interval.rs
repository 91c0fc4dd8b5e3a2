//! Confidence intervals over independent replications.
//!
//! Student's t for a mean; the same on linearised residuals for a ratio of sums (Law, *Simulation Modeling and
//! Analysis*, 9.4; Cochran, *Sampling Techniques*, 6); a quantile is that of all replications together. A share that never failed gets the exact binomial bound instead
//! of an interval of no width.

use super::sketch::{Profile, Sketch};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// How often the intervals of this program hold the truth.
pub const CONFIDENCE: f64 = 0.95;

/// An estimate with its half-width; the width is `None` where one replication gives none.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Half the width of the interval.
    pub half: Option<f64>,
}

/// An estimate between bounds that need not be equally far from it; `None` where one replication gives none.
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
    /// Half the width over the value; infinite where there is no width yet.
    pub fn relative(&self) -> f64 {
        match self.bounds.map(|(lo, hi)| (hi - lo) / 2.0) {
            // Zero, exactly, every time.
            Some(0.0) => 0.0,
            Some(half) if self.value != 0.0 => half / self.value.abs(),
            _ => f64::INFINITY,
        }
    }
}

/// The factor on the standard error of the mean of `n` observations.
pub fn student_t(n: usize) -> Option<f64> {
    let freedom = n.checked_sub(1).filter(|f| *f > 0)? as f64;
    StudentsT::new(0.0, 1.0, freedom)
        .ok()
        .map(|t| t.inverse_cdf(0.5 + CONFIDENCE / 2.0))
}

/// How often chance alone would show a mean of `n` observations as far from zero as this one, by the half-width of its
/// interval; `None` where there are too few to tell.
pub fn chance(value: f64, half: f64, n: usize) -> Option<f64> {
    let factor = student_t(n)?;
    if half == 0.0 {
        return Some(if value == 0.0 { 1.0 } else { 0.0 });
    }
    let t = StudentsT::new(0.0, 1.0, (n - 1) as f64).ok()?;
    Some(2.0 * t.cdf(-(value / half * factor).abs()))
}

/// Which of these differences still count as shown when so many were looked at (Holm, 1979): the family's error stays
/// within one minus the confidence.
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

/// The mean of observations, one a replication; `None` of nothing.
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

/// The ratio of two sums, one pair a replication; `None` where the lower sum is zero.
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

/// What all replications together say, with its interval by the jackknife (Tukey, 1958): from what they say with one of them left out, one
/// after the other. For what is no mean over replications, such as sums of ratios.
pub fn jackknife(all: f64, without: &[f64]) -> Interval {
    let n = without.len() as f64;
    let pseudo: Vec<f64> = without.iter().map(|w| n * all - (n - 1.0) * w).collect();
    Interval {
        value: all,
        half: mean(&pseudo).and_then(|i| i.half),
    }
}

/// The quantile `p` of all replications together, with its interval by Woodruff's method (1952): how sure one is of the
/// share below it, from how that share differs between replications, read back as values.
///
/// A mean of each replication's own quantile is biased, the more so the shorter they are, and more replications do not
/// mend that; this is biased by as much as one replication as long as all of them together. The interval follows the
/// skew of the tail.
pub fn quantile(pooled: &Sketch, each: &[&Profile], counts: &[u64], p: f64) -> Option<Between> {
    let value = pooled.quantile_s(p)?;
    let below = |(profile, n): (&&Profile, &u64)| (profile.up_to(value), *n as f64);
    let shares: Vec<(f64, f64)> = each.iter().zip(counts).map(below).collect();
    let bounds = ratio(&shares).and_then(|share| share.half).and_then(|half| {
        let at = pooled.quantiles_s(&[(p - half).max(0.0), (p + half).min(1.0)]);
        at[0].zip(at[1])
    });
    Some(Between { value, bounds })
}

/// The least share that is still plausible after `n` successes and no failure (Clopper and Pearson, 1934).
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
        // 0.05 / 4, / 3, / 2, / 1: the third fails, so the fourth is not looked at.
        assert_eq!(
            shown(&[Some(0.04), Some(0.001), None, Some(0.03), Some(0.016)]),
            [false, true, false, false, true]
        );
        assert_eq!(shown(&[]), [false; 0]);
    }

    #[test]
    fn theory_a_quantile_is_read_at_the_bounds_of_its_share() {
        // Two replications of a hundred, ms 1..100 and 11..110: of the values up to 60 ms the one has 60 and the other 50.
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
        let same = quantile(&pooled, &[&pooled.profile(); 4], &[200; 4], 0.548).unwrap();
        assert_eq!(same.bounds, Some((same.value, same.value)));
        assert_eq!(quantile(&a, &[&a.profile()], &[100], 0.5).unwrap().bounds, None);
        assert_eq!(quantile(&Sketch::default(), &[], &[], 0.5), None);
    }

    #[test]
    fn theory_the_rule_of_three() {
        // With 97.5 % on one side it is a rule of 3.69.
        assert!((1.0 - never_failed(1000) - 3.689e-3).abs() < 1e-5);
        assert_eq!(never_failed(0), 0.0);
    }
}
