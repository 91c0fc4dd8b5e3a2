//! Which states with several components down are simulated: the heaviest, and a sample of the others.
//!
//! The sample is stratified (Cochran, 1977). States with equally many components down and the same classes cut form a
//! stratum, from which some are drawn by systematic sampling over its weight. The sum over all states is then estimated
//! without bias, and the variation within a stratum gives its error.

use std::collections::BTreeMap;

use super::account::Account;
use crate::base::random::{Draw, mix, unit};

/// Least share of the total loss that a state, or a stratum, may add for it to be simulated.
const WORTH: f64 = 0.005;
/// Most states simulated individually.
const HEAVIEST: usize = 20;
/// Most states drawn per stratum.
const DRAWN: usize = 8;
/// Most states drawn in total.
const MOST_DRAWN: usize = 48;

/// What is simulated besides everything up and each component alone.
#[derive(Debug, Default)]
pub struct Sample {
    /// The states, by number.
    pub simulated: Vec<usize>,
    /// For states not simulated, the state that stands for them.
    pub stand_ins: BTreeMap<usize, usize>,
    strata: Vec<Stratum>,
}

/// States that the structure cannot tell apart.
#[derive(Debug, Default)]
struct Stratum {
    /// Each with its weight: the share of time that the rule may misjudge.
    states: Vec<(usize, f64)>,
    /// One state per step; a heavy one may occur repeatedly.
    drawn: Vec<usize>,
}

impl Stratum {
    fn weight(&self) -> f64 {
        self.states.iter().map(|s| s.1).sum()
    }

    /// Draws this many states in even steps; each stands for the states of its step.
    fn draw(&mut self, count: usize, turn: f64, stand_ins: &mut BTreeMap<usize, usize>) {
        let step = self.weight() / count as f64;
        let mut ends = 0.0;
        let mut blocks = Vec::new();
        for (state, weight) in &self.states {
            let begins = ends;
            ends += weight;
            // Steps whose point lies in this state.
            while self.drawn.len() < count && (self.drawn.len() as f64 + turn) * step < ends {
                self.drawn.push(*state);
            }
            blocks.push((((begins + ends) / 2.0 / step) as usize).min(count - 1));
        }
        let last = self.states.last().map_or(0, |s| s.0);
        self.drawn.resize(count, last);
        for ((state, _), block) in self.states.iter().zip(blocks) {
            stand_ins.insert(*state, self.drawn[block]);
        }
    }
}

impl Sample {
    /// Chooses from the states not simulated, given heaviest first with the share of time that the rule may misjudge.
    /// `lost` is the total loss known so far.
    pub fn of(hidden: &[(usize, f64)], account: &Account<'_>, lost: f64, seed: u64) -> Sample {
        let worth = |weight: f64| weight > WORTH * lost;
        let heavy = hidden
            .iter()
            .take(HEAVIEST)
            .take_while(|(_, weight)| worth(*weight))
            .count();
        let mut sample = Sample {
            simulated: hidden[..heavy].iter().map(|h| h.0).collect(),
            ..Sample::default()
        };
        let mut strata: BTreeMap<(usize, &[bool]), Stratum> = BTreeMap::new();
        for (state, weight) in &hidden[heavy..] {
            let alike = (account.states.all[*state].len(), account.cuts[*state].as_slice());
            strata.entry(alike).or_default().states.push((*state, *weight));
        }
        let mut strata: Vec<Stratum> = strata.into_values().filter(|s| worth(s.weight())).collect();
        strata.sort_by(|a, b| b.weight().total_cmp(&a.weight()));
        for (number, mut stratum) in strata.into_iter().take(MOST_DRAWN / DRAWN).enumerate() {
            // States with neighbouring numbers have most components in common.
            stratum.states.sort_unstable_by_key(|s| s.0);
            let count = DRAWN.min(stratum.states.len());
            stratum.draw(
                count,
                unit(&mut Draw::keyed(mix(seed, number as u64))),
                &mut sample.stand_ins,
            );
            sample.simulated.extend(&stratum.drawn);
            sample.strata.push(stratum);
        }
        sample.simulated.sort_unstable();
        sample.simulated.dedup();
        for state in &sample.simulated {
            sample.stand_ins.remove(state);
        }
        sample
    }

    /// Standard error of the share of all requests lost, due to the states that others stand for.
    pub fn error(&self, account: &Account<'_>) -> f64 {
        let of = |stratum: &Stratum| {
            let losses: Vec<f64> = stratum.drawn.iter().map(|s| account.lost_in(*s)).collect();
            let n = losses.len() as f64;
            if stratum.drawn.len() == stratum.states.len() || losses.len() < 2 {
                return 0.0;
            }
            let mean = losses.iter().sum::<f64>() / n;
            let variance = losses.iter().map(|l| (l - mean) * (l - mean)).sum::<f64>() / (n - 1.0);
            stratum.weight() * stratum.weight() * variance / n
        };
        libm::sqrt(self.strata.iter().map(of).sum())
    }
}
