//! Batch means: whether the batches of one run are long enough to count as independent.

/// Whether neighbouring batches are correlated beyond what chance allows in one of twenty series of independent
/// batches.
///
/// Von Neumann's ratio against its normal limit (Fishman, 1978). With fewer than eight batches no test is possible.
pub fn are_correlated(means: &[f64]) -> bool {
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let spread: f64 = means.iter().map(|m| (m - mean) * (m - mean)).sum();
    if means.len() < 8 || spread <= 0.0 {
        return false;
    }
    let steps: f64 = means.windows(2).map(|w| (w[1] - w[0]) * (w[1] - w[0])).sum();
    let likeness = 1.0 - steps / (2.0 * spread);
    likeness > 1.645 * libm::sqrt((n - 2.0) / (n * n - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::{Draw, unit};

    /// Twenty values, each with the share `of_last` from the previous one.
    fn series(seed: u64, of_last: f64) -> Vec<f64> {
        let (mut rng, mut last) = (Draw::keyed(seed), 0.0);
        (0..20)
            .map(|_| {
                last = of_last * last + unit(&mut rng) - 0.5;
                last
            })
            .collect()
    }

    #[test]
    fn theory_one_independent_series_in_twenty_looks_correlated() {
        let count = |of_last: f64| (0..400).filter(|s| are_correlated(&series(*s, of_last))).count();
        // Binomial(400, 0.05): 20 ± 4.4; four deviations to each side.
        assert!((3..=37).contains(&count(0.0)), "{}", count(0.0));
        assert!(count(0.8) > 340, "{}", count(0.8));
    }

    /// For eight batches the limit is 1.645 * sqrt(6 / 63) = 0.508.
    #[test]
    fn the_limit_is_the_one_of_so_many_batches() {
        assert!(
            !are_correlated(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
            "1 - 2 / 4 = 0.5"
        );
        assert!(are_correlated(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.1]), "0.526");
    }

    #[test]
    fn few_or_equal_values_tell_nothing() {
        assert!(!are_correlated(&[1.0, 2.0, 3.0]) && !are_correlated(&[1.0; 20]) && !are_correlated(&[]));
    }
}
