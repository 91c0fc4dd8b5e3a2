//! MSER-5: how much of the start of a series to leave out.
//!
//! Averages of five, then the cut that makes the standard error of what remains smallest (White, Cobb and Spratt, 2000).
//! A cut in the second half of the series means that it never settled.

/// How many leading observations to leave out; `None` where the series never settles or is too short to say.
pub fn mser5(series: &[f64]) -> Option<usize> {
    let batches: Vec<f64> = series.chunks_exact(5).map(|c| c.iter().sum::<f64>() / 5.0).collect();
    if batches.len() < 10 {
        return None;
    }
    // From the back, so that each cut costs one step.
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    for (cut, value) in batches.iter().enumerate().rev() {
        n += 1.0;
        sum += value;
        squares += value * value;
        // The last few batches alone look steady by chance.
        if n < 5.0 {
            continue;
        }
        let error = (squares - sum * sum / n).max(0.0) / (n * n);
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

    #[test]
    fn what_never_settles_says_so() {
        assert_eq!(mser5(&noise(1000, |i| i as f64)), None);
        assert_eq!(mser5(&[1.0; 20]), None);
        // Five batches of five are enough to be believed: the first five alone are wild.
        let wild_then_steady: Vec<f64> = (0..50).map(|i| if i < 25 { f64::from(i * i) } else { 1.0 }).collect();
        assert_eq!(mser5(&wild_then_steady), Some(25));
    }
}
