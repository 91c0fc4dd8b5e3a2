//! A scrambled Sobol sequence, and variance-based sensitivity indices from it. `sweep` uses it.
//!
//! Direction numbers: Joe and Kuo (2008). Scrambling: Owen's, by hashing from the lowest bit up (Laine and Karras,
//! 2011). Estimators: first-order by Saltelli et al. (2010), total by Jansen (1999); intervals by the bootstrap over
//! rows.

use crate::base::random::{Draw, below, mix};
use crate::stats::interval::CONFIDENCE;

/// Dimensions of the sequence.
pub const DIMENSIONS: usize = 20;
/// Most inputs: each takes two dimensions.
pub const INPUTS: usize = DIMENSIONS / 2;

/// For each dimension after the first: the inner coefficients of its primitive polynomial, and its initial numbers.
const DIRECTIONS: [(u32, &[u32]); DIMENSIONS - 1] = [
    (0, &[1]),
    (1, &[1, 3]),
    (1, &[1, 3, 1]),
    (2, &[1, 1, 1]),
    (1, &[1, 1, 3, 3]),
    (4, &[1, 3, 5, 13]),
    (2, &[1, 1, 5, 5, 17]),
    (4, &[1, 1, 5, 5, 5]),
    (7, &[1, 1, 7, 11, 19]),
    (11, &[1, 1, 5, 1, 1]),
    (13, &[1, 1, 1, 3, 11]),
    (14, &[1, 3, 5, 5, 31]),
    (1, &[1, 3, 3, 9, 7, 49]),
    (13, &[1, 1, 1, 15, 21, 21]),
    (16, &[1, 3, 1, 13, 27, 49]),
    (19, &[1, 1, 1, 15, 7, 5]),
    (22, &[1, 3, 1, 15, 13, 25]),
    (25, &[1, 1, 5, 5, 19, 61]),
    (1, &[1, 3, 7, 11, 23, 15, 103]),
];

/// A coordinate of a point before scrambling, as a 32-bit fraction.
fn raw(index: u32, dimension: usize) -> u32 {
    let Some((coefficients, first)) = dimension.checked_sub(1).map(|d| DIRECTIONS[d]) else {
        return index.reverse_bits();
    };
    let degree = first.len();
    let mut v = [0u32; 32];
    for i in 0..32 {
        v[i] = match first.get(i) {
            Some(m) => m << (31 - i),
            None => {
                let inner = (1..degree).filter(|k| coefficients >> (degree - 1 - k) & 1 == 1);
                let inner = inner.fold(0, |x, k| x ^ v[i - k]);
                inner ^ v[i - degree] ^ (v[i - degree] >> degree)
            }
        };
    }
    (0..32).filter(|bit| index >> bit & 1 == 1).fold(0, |x, bit| x ^ v[bit])
}

/// Owen's scrambling: a hash of the higher bits decides whether a bit is flipped.
fn scrambled(x: u32, seed: u32) -> u32 {
    let mut x = x.reverse_bits().wrapping_add(seed);
    for factor in [0x6c50_b47c_u32, 0xb82f_1e52, 0xc7af_e638, 0x8d22_f6e6] {
        x ^= x.wrapping_mul(factor);
    }
    x.reverse_bits()
}

/// A coordinate of the scrambled sequence, between 0 and 1.
pub fn coordinate(index: u32, dimension: usize, seed: u64) -> f64 {
    let key = mix(mix(seed, 0x50b0), dimension as u64);
    (f64::from(scrambled(raw(index, dimension), key as u32)) + 0.5) / 4_294_967_296.0
}

/// Evaluations per row of the design: one point of each matrix, then the first with each input replaced by the
/// second's.
pub const fn evaluations(inputs: usize) -> usize {
    inputs + 2
}

/// The point of evaluation `which` of a row, in the order of [`evaluations`].
pub fn point(row: u32, which: usize, inputs: usize, seed: u64) -> Vec<f64> {
    let of_second = |input: usize| which == 1 || which == input + 2;
    let dimension = |input: usize| if of_second(input) { inputs + input } else { input };
    (0..inputs).map(|i| coordinate(row, dimension(i), seed)).collect()
}

/// An input's share of the output's variance.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Index {
    /// First-order index: value, lower and upper bound.
    pub first: (f64, f64, f64),
    /// Total index, including interactions.
    pub total: (f64, f64, f64),
}

const RESAMPLES: usize = 1000;

/// The indices of all inputs, from rows of [`evaluations`] values; `None` if the output does not vary.
pub fn indices(rows: &[Vec<f64>], inputs: usize, seed: u64) -> Option<Vec<Index>> {
    let all: Vec<&Vec<f64>> = rows.iter().collect();
    let value: Vec<(f64, f64)> = (0..inputs).map(|i| estimate(&all, i)).collect::<Option<_>>()?;
    let mut draw = Draw::keyed(mix(seed, 0xb007));
    let mut first = vec![Vec::with_capacity(RESAMPLES); inputs];
    let mut total = first.clone();
    for _ in 0..RESAMPLES {
        let pick = |_| &rows[below(&mut draw, rows.len() as u64) as usize];
        let again: Vec<&Vec<f64>> = (0..rows.len()).map(pick).collect();
        for i in 0..inputs {
            // A resample without variance is skipped.
            if let Some((s, t)) = estimate(&again, i) {
                first[i].push(s);
                total[i].push(t);
            }
        }
    }
    let between = |value: f64, resamples: &mut Vec<f64>| {
        resamples.sort_by(f64::total_cmp);
        let last = resamples.len().saturating_sub(1) as f64;
        let at = |p: f64| resamples.get(libm::round(p * last) as usize).copied().unwrap_or(value);
        let tail = (1.0 - CONFIDENCE) / 2.0;
        (value, at(tail), at(1.0 - tail))
    };
    let of = |i: usize| Index {
        first: between(value[i].0, &mut first[i]),
        total: between(value[i].1, &mut total[i]),
    };
    Some((0..inputs).map(of).collect())
}

/// First-order and total index of an input; `None` if the output does not vary.
fn estimate(rows: &[&Vec<f64>], input: usize) -> Option<(f64, f64)> {
    let n = rows.len() as f64;
    let sum = |of: &dyn Fn(&Vec<f64>) -> f64| rows.iter().map(|r| of(r)).sum::<f64>();
    let mean = sum(&|r| r[0] + r[1]) / (2.0 * n);
    let square = |x: f64| x * x;
    let variance = sum(&|r| square(r[0] - mean) + square(r[1] - mean)) / (2.0 * n);
    let first = sum(&|r| (r[1] - mean) * (r[input + 2] - r[0])) / n;
    let total = sum(&|r| square(r[0] - r[input + 2])) / (2.0 * n);
    // Variation within the rounding of the mean does not count.
    (variance > square(1e-12 * mean)).then(|| (first / variance, total / variance))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first 2^k points of each coordinate lie one in each of 2^k equal cells, scrambled or not, and pairs of the
    /// first two coordinates one in each elementary box.
    #[test]
    fn theory_the_sequence_is_stratified() {
        for dimension in 0..DIMENSIONS {
            for seed in [0, 7] {
                let mut seen = [false; 256];
                (0..256).for_each(|i| seen[(coordinate(i, dimension, seed) * 256.0) as usize] = true);
                assert!(seen.iter().all(|s| *s), "dimension {dimension}");
            }
        }
        for (a, b) in [(1, 256), (4, 64), (16, 16), (64, 4), (256, 1)] {
            let mut seen = [false; 256];
            for i in 0..256 {
                let cell = |d, n: usize| (coordinate(i, d, 3) * n as f64) as usize;
                seen[cell(0, a) * b + cell(1, b)] = true;
            }
            assert!(seen.iter().all(|s| *s), "{a} by {b}");
        }
    }

    /// No two dimensions are correlated, as a wrong direction number would make them.
    #[test]
    fn theory_dimensions_are_uncorrelated() {
        let n = 4096u32;
        let of = |d| (0..n).map(move |i| coordinate(i, d, 11) - 0.5);
        for a in 0..DIMENSIONS {
            for b in 0..a {
                let correlation = 12.0 * of(a).zip(of(b)).map(|(x, y)| x * y).sum::<f64>() / f64::from(n);
                // Independent draws would have a standard deviation of 1/64.
                assert!(correlation.abs() < 4.0 / 64.0, "{a} and {b}: {correlation}");
            }
        }
    }

    fn found(inputs: usize, rows: u32, f: &dyn Fn(&[f64]) -> f64) -> Vec<Index> {
        let row = |r| (0..evaluations(inputs)).map(|w| f(&point(r, w, inputs, 1))).collect();
        let rows: Vec<Vec<f64>> = (0..rows).map(row).collect();
        indices(&rows, inputs, 1).expect("it varies")
    }

    fn holds((value, lo, hi): (f64, f64, f64), truth: f64, what: &str) {
        // The bootstrap treats rows as independent, which widens its intervals.
        assert!(
            lo <= truth && truth <= hi && (value - truth).abs() < 0.03,
            "{what}: {value} [{lo}, {hi}] for {truth}"
        );
    }

    /// Ishigami and Homma (1990) with a = 7, b = 0.1: variance and shares in closed form.
    #[test]
    fn theory_ishigami() {
        let pi = std::f64::consts::PI;
        let f = |u: &[f64]| {
            let x: Vec<f64> = u.iter().map(|u| pi * (2.0 * u - 1.0)).collect();
            let s = libm::sin(x[1]);
            libm::sin(x[0]) * (1.0 + 0.1 * x[2] * x[2] * x[2] * x[2]) + 7.0 * s * s
        };
        let (p4, p8) = (libm::pow(pi, 4.0), libm::pow(pi, 8.0));
        let v1 = 0.5 * (1.0 + 0.1 * p4 / 5.0) * (1.0 + 0.1 * p4 / 5.0);
        let (v2, v13) = (49.0 / 8.0, 0.01 * p8 * 8.0 / 225.0);
        let v = v1 + v2 + v13;
        let indices = found(3, 2048, &f);
        for (i, (first, total)) in [(v1, v1 + v13), (v2, v2), (0.0, v13)].into_iter().enumerate() {
            holds(indices[i].first, first / v, &format!("first {i}"));
            holds(indices[i].total, total / v, &format!("total {i}"));
        }
    }

    /// Sobol's g-function with a = 0, 1, 4.5, 9, 99.
    #[test]
    fn theory_the_g_function() {
        let a = [0.0, 1.0, 4.5, 9.0, 99.0];
        let f = |u: &[f64]| {
            u.iter()
                .zip(a)
                .map(|(u, a)| ((4.0 * u - 2.0).abs() + a) / (1.0 + a))
                .product::<f64>()
        };
        let parts = a.map(|a| 1.0 / (3.0 * (1.0 + a) * (1.0 + a)));
        let whole: f64 = parts.iter().map(|p| 1.0 + p).product::<f64>() - 1.0;
        let indices = found(5, 2048, &f);
        for (i, part) in parts.into_iter().enumerate() {
            holds(indices[i].first, part / whole, &format!("first {i}"));
            holds(
                indices[i].total,
                part * (1.0 + whole) / (1.0 + part) / whole,
                &format!("total {i}"),
            );
        }
    }

    #[test]
    fn what_does_not_vary_has_no_indices() {
        assert_eq!(indices(&vec![vec![2.0; 4]; 8], 2, 1), None);
    }
}
