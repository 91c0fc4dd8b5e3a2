//! All randomness of the program comes from here.
//!
//! There are two kinds of source, both pinned by name, so that a seed keeps its meaning:
//!
//! * a [`Stream`] belongs to an entity and a purpose ("the arrivals of `browsers`"): a Xoshiro256++ generator seeded
//!   from (seed, replication, entity's name, purpose). Adding a node leaves every other stream unchanged.
//! * a [`Draw`] belongs to a request ("what the application work of request 17 costs"): a counter-mode SplitMix64 keyed
//!   by the request's own number and a label. Two designs under comparison then give the same request the same demand,
//!   whichever server it lands on, which makes their difference easier to measure.

use rand::rand_core::{Infallible, TryRng};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A sequence of random words for one entity and one purpose.
pub type Stream = Xoshiro256PlusPlus;

/// What a stream is for. Part of its key, so two purposes of one entity share no randomness.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Times of arrival.
    Arrivals = 1,
    /// Properties of a request: class, client, key, and the number that keys the request's own draws.
    Requests,
    /// Times of health checks.
    Checks,
    /// Draws of a balancing algorithm.
    Balance,
    /// Times to failure and times to repair.
    Lifetime,
    /// Duration of a fail-over.
    Failover,
}

/// The key of one replication, from which every stream and draw in it is derived.
#[derive(Copy, Clone, Debug)]
pub struct Streams {
    key: u64,
    turn: u64,
}

impl Streams {
    /// The randomness of one replication of a study with this seed.
    pub fn new(seed: u64, replication: u32) -> Streams {
        Streams {
            key: mix(mix(0x0066_616c_6c6f_7665, seed), u64::from(replication)),
            // Weyl's sequence, with another start for every seed.
            turn: mix(0x0070_6861_7365, seed).wrapping_add(u64::from(replication).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        }
    }

    /// A number from 0 to 1 for this replication; those of successive replications are evenly spread.
    pub fn turn(&self) -> f64 {
        self.turn as f64 / 18_446_744_073_709_551_616.0
    }

    /// The stream of the named entity for one purpose.
    pub fn stream(&self, entity: &str, purpose: Purpose) -> Stream {
        Stream::seed_from_u64(self.key_of(entity, purpose))
    }

    /// The key of the named entity for one purpose, for draws that are keyed individually.
    pub fn key_of(&self, entity: &str, purpose: Purpose) -> u64 {
        mix(mix(self.key, label(entity)), purpose as u64)
    }
}

/// A number for a name: FNV-1a, written out so that it never changes.
pub const fn label(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        i += 1;
    }
    hash
}

/// Combines two keys: a 128-bit product folded in half, which spreads every bit of both over the result.
#[inline]
pub const fn mix(a: u64, b: u64) -> u64 {
    let x = a ^ 0x9e37_79b9_7f4a_7c15;
    let y = b ^ 0xd1b5_4a32_d192_ed03;
    let product = (x as u128).wrapping_mul(y as u128);
    let folded = (product >> 64) as u64 ^ product as u64;
    finish(folded ^ a.rotate_left(32) ^ b)
}

/// The output function of SplitMix64 (Steele, Lea and Flood, 2014).
#[inline]
const fn finish(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A short sequence of random words for one key; cheap enough to make one per draw.
#[derive(Clone, Debug)]
pub struct Draw {
    state: u64,
}

impl Draw {
    /// The draw for this key.
    #[inline]
    pub fn keyed(key: u64) -> Draw {
        Draw { state: key }
    }

    #[inline]
    fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        finish(self.state)
    }
}

impl TryRng for Draw {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.word() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.word())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

/// A uniform number in [0, 1) with 53 random bits.
#[inline]
pub fn unit(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// A uniform whole number below `n` (Lemire's multiply-shift; its bias is below n / 2^64, invisible in any run).
#[inline]
pub fn below(rng: &mut impl Rng, n: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(n)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_lie_evenly_however_many_they_are() {
        for (seed, count) in [(1, 4), (2, 5), (3, 16), (4, 33), (5, 100)] {
            let mut turns: Vec<f64> = (0..count).map(|r| Streams::new(seed, r).turn()).collect();
            turns.sort_by(f64::total_cmp);
            turns.push(1.0 + turns[0]);
            let widest = turns.windows(2).map(|w| w[1] - w[0]).fold(0.0, f64::max);
            // At most three gap sizes; the widest is below 1 + 1/φ of the mean if the count is a Fibonacci number, and
            // always below φ².
            assert!(widest * f64::from(count) < 2.619, "{count}: {widest}");
        }
        assert_ne!(Streams::new(1, 0).turn(), Streams::new(2, 0).turn());
    }

    #[test]
    fn a_stream_depends_on_every_part_of_its_key() {
        let word =
            |seed, replication, entity, purpose| Streams::new(seed, replication).stream(entity, purpose).next_u64();
        let base = word(1, 0, "browsers", Purpose::Arrivals);
        assert_eq!(base, word(1, 0, "browsers", Purpose::Arrivals));
        assert_ne!(base, word(2, 0, "browsers", Purpose::Arrivals));
        assert_ne!(base, word(1, 1, "browsers", Purpose::Arrivals));
        assert_ne!(base, word(1, 0, "robots", Purpose::Arrivals));
        assert_ne!(base, word(1, 0, "browsers", Purpose::Requests));
    }

    /// Draws of neighbouring keys look independent: the first unit of 100,000 consecutive keys has the mean and lag-one
    /// correlation of independent uniforms, within four standard errors.
    #[test]
    fn theory_draws_of_neighbouring_keys_are_independent() {
        let n = 100_000;
        let units: Vec<f64> = (0..n).map(|i| unit(&mut Draw::keyed(mix(42, i)))).collect();
        let mean = units.iter().sum::<f64>() / n as f64;
        let sd_of_mean = (1.0 / 12.0 / n as f64).sqrt();
        assert!((mean - 0.5).abs() < 4.0 * sd_of_mean, "mean {mean}");
        let lag: f64 = units.windows(2).map(|w| (w[0] - 0.5) * (w[1] - 0.5)).sum::<f64>() / n as f64;
        assert!(lag.abs() < 4.0 / 12.0 / (n as f64).sqrt(), "lag-one covariance {lag}");
    }

    #[test]
    fn golden_the_generators_are_pinned() {
        assert_eq!(label(""), 0xcbf2_9ce4_8422_2325, "FNV-1a's published value");
        assert_eq!(label("a"), 0xaf63_dc4c_8601_ec8c, "FNV-1a's published value");
        assert_eq!(
            Draw::keyed(0).next_u64(),
            0xe220_a839_7b1d_cdaf,
            "SplitMix64's published first word for seed 0"
        );
    }
}
