//! Which key a request asks for.

use crate::scenario::plan::Keys;

/// Zipf's law: key k, counted from 0, is requested in proportion to 1 / (k + 1)^s.
#[derive(Debug)]
pub struct Zipf {
    count: u32,
    exponent: f64,
    /// Cumulative weights of the first keys.
    first: Vec<f64>,
    /// The weight of all keys.
    total: f64,
}

/// Number of weights summed one by one. The others are integrated, each from half a place before it to half a place
/// after. By the midpoint rule the error is s(s + 1) / 24 over the square of a thousand: less than a millionth.
const FIRST: u32 = 1000;

impl Zipf {
    /// The law for a key set.
    pub fn new(keys: &Keys) -> Zipf {
        let weight = |sum: &mut f64, k: u32| {
            *sum += libm::pow(f64::from(k) + 1.0, -keys.zipf);
            Some(*sum)
        };
        let mut law = Zipf {
            count: keys.count,
            exponent: keys.zipf,
            first: (0..keys.count.min(FIRST)).scan(0.0, weight).collect(),
            total: 0.0,
        };
        let rest = law.rest(f64::from(keys.count.max(FIRST)) + 0.5);
        law.total = law.first.last().unwrap_or(&0.0) + rest;
        law
    }

    /// Maps a number from 0 to 1 to a key.
    pub fn key(&self, word: f64) -> u64 {
        let aim = word * self.total;
        let key = self.first.partition_point(|sum| *sum <= aim);
        if key < self.first.len() || self.count <= FIRST {
            return key.min(self.first.len().saturating_sub(1)) as u64;
        }
        let place = self.place(aim - self.first[key - 1]);
        (place.round() as u64).clamp(u64::from(FIRST) + 1, u64::from(self.count)) - 1
    }

    /// The integrated weight behind the first keys, up to a place counted from 1.
    fn rest(&self, place: f64) -> f64 {
        let (from, e) = (f64::from(FIRST) + 0.5, 1.0 - self.exponent);
        if e.abs() < 1e-9 {
            return libm::log(place / from);
        }
        (libm::pow(place, e) - libm::pow(from, e)) / e
    }

    /// The inverse of `rest`: the place up to which this much weight lies.
    fn place(&self, rest: f64) -> f64 {
        let (from, e) = (f64::from(FIRST) + 0.5, 1.0 - self.exponent);
        if e.abs() < 1e-9 {
            return from * libm::exp(rest);
        }
        libm::pow(libm::pow(from, e) + rest * e, 1.0 / e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evenly spaced numbers find each key in proportion to its weight.
    #[test]
    fn theory_every_key_has_its_share_by_the_law() {
        const WORDS: u32 = 100_000;
        for (count, zipf) in [
            (1, 1.0),
            (10, 0.0),
            (10, 2.0),
            (1000, 1.0),
            (1001, 1.0),
            (5000, 0.0),
            (50_000, 0.7),
            (50_000, 1.0),
            (50_000, 1.3),
        ] {
            let law = Zipf::new(&Keys { count, zipf });
            let weight = |k: u32| libm::pow(f64::from(k) + 1.0, -zipf);
            let total: f64 = (0..count).map(weight).sum();
            let mut found: Vec<u64> = (0..WORDS)
                .map(|i| law.key((f64::from(i) + 0.5) / f64::from(WORDS)))
                .collect();
            assert!(found.is_sorted());
            for k in [0, 1, 2, 9, 500, 998, 999, 1000, 1001, 4000, 49_999]
                .into_iter()
                .filter(|k| *k < count)
            {
                let below = found.partition_point(|f| *f < u64::from(k)) as f64 / f64::from(WORDS);
                let truth = (0..k).map(weight).sum::<f64>() / total;
                // Half a word is the grid's error; the integral's is far smaller than another whole one.
                assert!(
                    (below - truth).abs() < 1.5 / f64::from(WORDS),
                    "{count} {zipf} {k}: {below} for {truth}"
                );
            }
            assert!(found.pop().is_some_and(|last| last < u64::from(count)));
        }
    }

    #[test]
    fn extremes_stay_inside() {
        for (count, zipf) in [
            (1, 0.0),
            (1, 10.0),
            (u32::MAX, 0.0),
            (u32::MAX, 1.0),
            (u32::MAX, 10.0),
            (0, 1.0),
        ] {
            let law = Zipf::new(&Keys { count, zipf });
            for word in [0.0, 0.5, 1.0 - f64::EPSILON] {
                assert!(
                    law.key(word) <= u64::from(count.saturating_sub(1)),
                    "{count} {zipf} {word}"
                );
            }
        }
    }
}
