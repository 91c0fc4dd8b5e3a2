//! MSER-5: how much of the start of a series to leave out.
//!
//! Averages groups of five, then cuts where the standard error of the rest is smallest (White, Cobb and Spratt, 2000).
//! A cut in the second half of the series means that it never settled.

/// Bound on the relative rounding error of a sum of some thousand values.
const ROUNDING: f64 = 1e-12;

/// The number of leading observations to leave out; `None` if the series never settles or is too short.
pub fn mser5(series: &[f64]) -> Option<usize> {
    let batches: Vec<f64> = series.chunks_exact(5).map(|c| c.iter().sum::<f64>() / 5.0).collect();
    if batches.len() < 10 {
        return None;
    }
    // Values are taken relative to the mean, so that a steady series is not dominated by rounding; differences within
    // rounding count as equal.
    let mean = batches.iter().sum::<f64>() / batches.len() as f64;
    let dust = (ROUNDING * mean) * (ROUNDING * mean);
    // From the end, so that each cut costs one step.
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    for (cut, value) in batches.iter().enumerate().rev() {
        let value = value - mean;
        n += 1.0;
        sum += value;
        squares += value * value;
        // The last few batches alone may look steady by chance.
        if n < 5.0 {
            continue;
        }
        let error = ((squares - sum * sum / n) / (n * n)).max(dust);
        if error <= best.0 {
            best = (error, cut);
        }
    }
    (best.1 <= batches.len() / 2).then_some(best.1 * 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::{Draw, unit};

    fn noise(n: usize, start: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut rng = Draw::keyed(1);
        (0..n).map(|i| start(i) + unit(&mut rng)).collect()
    }

    #[test]
    fn a_transient_is_cut_and_steady_noise_is_not() {
        assert!(mser5(&noise(1000, |_| 0.0)).unwrap() < 100);
        let cut = mser5(&noise(1000, |i| if i < 200 { 20.0 - i as f64 / 10.0 } else { 0.0 })).unwrap();
        assert!((150..260).contains(&cut), "{cut}");
    }

    /// A constant latency is steady from the start, despite rounding in its averages.
    #[test]
    fn what_never_changes_is_not_cut() {
        for latency in [0.001, 0.1 + 0.2, 0.007_3, 1.0 / 3.0, 1234.567] {
            for uneven in 0..50 {
                // Averages of one value over different counts: off in the last bits.
                let average = |i: usize| {
                    (0..1 + (i * 7 + uneven) % 13).map(|_| latency).sum::<f64>() / (1 + (i * 7 + uneven) % 13) as f64
                };
                let series: Vec<f64> = (0..2999).map(average).collect();
                assert_eq!(mser5(&series), Some(0), "{latency} {uneven}");
            }
        }
    }

    #[test]
    fn what_never_settles_says_so() {
        assert_eq!(mser5(&noise(1000, |i| i as f64)), None);
        assert_eq!(mser5(&[1.0; 20]), None);
        // Five batches suffice; the first five alone are wild.
        let wild_then_steady: Vec<f64> = (0..50).map(|i| if i < 25 { f64::from(i * i) } else { 1.0 }).collect();
        assert_eq!(mser5(&wild_then_steady), Some(25));
    }
}
