//! Where the two time scales meet: how long each state lasts, times what it loses, and how often each failure comes, times what
//! it loses in passing.

use std::collections::BTreeMap;

use super::lives::Mortal;
use super::occupancy::{Occupancy, States};
use super::prices::Prices;
use crate::scenario::plan::Plan;

/// Minutes in a year of 365 days.
pub const YEAR_MIN: f64 = 365.0 * 24.0 * 60.0;
/// What is lost with everything up.
pub const EVERYTHING_UP: &str = "everything up";
/// What three or more components lose together, beyond what each of them loses.
pub const SEVERAL: &str = "three or more at once";
/// A class is out while more of it than this is lost.
const OUT: f64 = 0.4;

/// What is known of the states before anything is simulated.
#[derive(Copy, Clone)]
pub struct Map<'a> {
    pub states: &'a States,
    /// By state and class: is it cut?
    pub cuts: &'a [Vec<bool>],
    /// Which state is simulated instead of one that is not.
    pub stand_ins: &'a BTreeMap<usize, usize>,
}

/// All that an account is made of.
pub struct Account<'a> {
    pub plan: &'a Plan,
    pub mortals: &'a [Mortal],
    pub states: &'a States,
    /// By state and class: is it cut?
    pub cuts: &'a [Vec<bool>],
    stand_ins: &'a BTreeMap<usize, usize>,
    pub prices: &'a Prices<'a>,
    /// By state and class: the lost share.
    loss: Vec<Vec<f64>>,
    /// By state: does a simulation say so, or the structure?
    known: Vec<bool>,
    /// By lifetime and class: seconds lost in passing.
    passing_s: Vec<Vec<f64>>,
}

/// By all replications, or by all but one.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// By class: the share of its requests that is lost.
    pub classes: Vec<f64>,
    /// Of all requests.
    pub all: f64,
    /// By cause, in minutes a year of all requests.
    pub causes: BTreeMap<String, f64>,
}

/// How often a class, or all, is out, and for how much of the time.
#[derive(Copy, Clone, Debug, Default)]
pub struct Outages {
    /// How often it begins, a second.
    pub per_s: f64,
    /// Share of the time.
    pub share: f64,
}

impl<'a> Account<'a> {
    /// With the prices of all replications together.
    pub fn new(plan: &'a Plan, mortals: &'a [Mortal], map: Map<'a>, prices: &'a Prices<'a>) -> Account<'a> {
        let Map {
            states,
            cuts,
            stand_ins,
        } = map;
        let mut account = Account {
            plan,
            mortals,
            states,
            cuts,
            stand_ins,
            prices,
            loss: Vec::new(),
            known: Vec::new(),
            passing_s: Vec::new(),
        };
        let none = vec![false; plan.classes.len()];
        let base = prices.simulated(&[], &none, None).unwrap_or_default();
        let alone = account.alone(&base);
        for (state, (down, cut)) in states.all.iter().zip(cuts).enumerate() {
            let simulated = account.simulated(state, None);
            account.known.push(simulated.is_some() || cut.iter().all(|c| *c));
            // What is cut is lost; else what each loses alone is lost together, as far as there is anything left.
            let by_rule = |class: usize| match cut[class] {
                true => 1.0,
                false => {
                    let excess: f64 = down.iter().filter_map(|c| alone.get(c)).map(|a| a[class]).sum();
                    (base[class] + excess).clamp(0.0, 1.0)
                }
            };
            let loss = simulated.unwrap_or_else(|| (0..cut.len()).map(by_rule).collect());
            account.loss.push(loss);
        }
        let passing = |life: usize| prices.passing_s(life, &account.cuts_of(mortals[life].part), None);
        account.passing_s = (0..mortals.len()).map(passing).collect();
        account
    }

    /// The lost share of each class in a state, where a simulation of it, or of the one that stands for it, says so.
    fn simulated(&self, state: usize, without: Option<usize>) -> Option<Vec<f64>> {
        let seen = self.stand_ins.get(&state).copied().unwrap_or(state);
        self.prices
            .simulated(&self.states.all[seen], &self.cuts[state], without)
    }

    /// The share of all requests that is lost in a state.
    pub fn lost_in(&self, state: usize) -> f64 {
        self.weigh(&self.loss[state])
    }

    /// By component: what it loses alone, by class, beyond what is lost with everything up.
    fn alone(&self, base: &[f64]) -> BTreeMap<usize, Vec<f64>> {
        let of = |mortal: &Mortal| {
            let found = self
                .prices
                .simulated(&[mortal.part], &self.cuts_of(mortal.part), None)?;
            let excess = found.iter().zip(base).map(|(a, b)| (a - b).max(0.0)).collect();
            Some((mortal.part, excess))
        };
        self.mortals.iter().filter_map(of).collect()
    }

    fn cuts_of(&self, part: usize) -> Vec<bool> {
        let at = self.states.find(&[part]);
        at.map_or(vec![false; self.plan.classes.len()], |s| self.cuts[s].clone())
    }

    /// The mean over all requests.
    fn weigh(&self, classes: &[f64]) -> f64 {
        self.plan.classes.iter().zip(classes).map(|(c, x)| c.mix * x).sum()
    }

    /// Share of all requests that the structure alone loses.
    pub fn structural(&self, occupancy: &Occupancy) -> Sum {
        let mut sum = Sum {
            classes: vec![0.0; self.plan.classes.len()],
            ..Sum::default()
        };
        for (state, share) in &occupancy.shares {
            for (class, cut) in sum.classes.iter_mut().zip(&self.cuts[*state]) {
                *class += if *cut { *share } else { 0.0 };
            }
        }
        sum.all = self.weigh(&sum.classes);
        sum
    }

    /// All that is lost, by all replications of the trials or by all but one.
    pub fn sum(&self, occupancy: &Occupancy, without: Option<usize>) -> Sum {
        let mut sum = Sum {
            classes: vec![0.0; self.plan.classes.len()],
            ..Sum::default()
        };
        let mut shares: BTreeMap<usize, f64> = BTreeMap::new();
        for (state, share) in &occupancy.shares {
            *shares.entry(*state).or_default() += share;
        }
        let losses = |state: usize| without.and_then(|r| self.simulated(state, Some(r)));
        let nothing = vec![false; self.plan.classes.len()];
        let base = self.prices.simulated(&[], &nothing, without).unwrap_or_default();
        let usual = self.weigh(&base);
        for (state, share) in shares {
            let found = losses(state);
            let loss = found.as_ref().unwrap_or(&self.loss[state]);
            sum.classes
                .iter_mut()
                .zip(loss)
                .for_each(|(all, lost)| *all += share * lost);
            let minutes = share * YEAR_MIN;
            *sum.causes.entry(EVERYTHING_UP.into()).or_default() += minutes * usual;
            self.blame(state, minutes * (self.weigh(loss) - usual), minutes, &mut sum.causes);
        }
        for (life, weights) in self.weights(occupancy).into_iter().enumerate() {
            let passing_s = match without {
                Some(_) => self
                    .prices
                    .passing_s(life, &self.cuts_of(self.mortals[life].part), without),
                None => self.passing_s[life].clone(),
            };
            let lost: Vec<f64> = weights.iter().zip(&passing_s).map(|(w, s)| w * s).collect();
            sum.classes.iter_mut().zip(&lost).for_each(|(all, lost)| *all += lost);
            *sum.causes.entry(self.mortals[life].cause.clone()).or_default() += YEAR_MIN * self.weigh(&lost);
        }
        sum.all = self.weigh(&sum.classes);
        sum
    }

    /// By lifetime and class: failures a second, each counted as far as there is anything left to lose in passing: of what was
    /// still answered before, and will be after.
    fn weights(&self, occupancy: &Occupancy) -> Vec<Vec<f64>> {
        let mut weights = vec![vec![0.0; self.plan.classes.len()]; self.mortals.len()];
        let answered = |state: usize, class: usize| 1.0 - self.loss[state][class];
        for entry in &occupancy.entries {
            let alone = self.states.find(&[self.mortals[entry.life].part]).unwrap_or(entry.to);
            for (class, weight) in weights[entry.life].iter_mut().enumerate() {
                let after = answered(entry.to, class) / answered(alone, class).max(1e-9);
                // Where it is out even alone, what passes comes before and after.
                let after = if answered(alone, class) > 0.0 {
                    after.min(1.0)
                } else {
                    1.0
                };
                *weight += entry.per_s * answered(entry.from, class) * after;
            }
        }
        weights
    }

    /// Whose doing a state's loss is: what each component loses alone is its own, the rest is that of all together.
    fn blame(&self, state: usize, lost_min: f64, minutes: f64, causes: &mut BTreeMap<String, f64>) {
        let down = &self.states.all[state];
        let alone = |part: &usize| minutes * (self.alone_all(*part)).max(0.0);
        match &down[..] {
            [] => {}
            [part] => self.blame_one(*part, lost_min, causes),
            several => {
                let own: Vec<f64> = several.iter().map(alone).collect();
                let sum: f64 = own.iter().sum();
                let scale = if sum > lost_min { (lost_min / sum).max(0.0) } else { 1.0 };
                for (part, own) in several.iter().zip(&own) {
                    self.blame_one(*part, own * scale, causes);
                }
                let name = |part: &usize| self.plan.components[*part].name.as_str();
                let who = match several {
                    [a, b] => format!("{} + {}", name(a), name(b)),
                    _ => SEVERAL.to_owned(),
                };
                *causes.entry(who).or_default() += lost_min - sum * scale;
            }
        }
    }

    /// What a component loses alone of all requests, beyond what is lost with everything up.
    fn alone_all(&self, part: usize) -> f64 {
        let of = |down: &[usize]| self.states.find(down).map_or(0.0, |s| self.weigh(&self.loss[s]));
        of(&[part]) - of(&[])
    }

    /// A component may fail and be taken down: each by how long that lasts.
    fn blame_one(&self, part: usize, lost_min: f64, causes: &mut BTreeMap<String, f64>) {
        let own = || self.mortals.iter().filter(move |m| m.part == part);
        let share = |m: &Mortal| m.means.map_or(1.0, |l| l.unavailability());
        let all: f64 = own().map(share).sum();
        let count = own().count().max(1) as f64;
        for mortal in own() {
            let part = if all > 0.0 { share(mortal) / all } else { 1.0 / count };
            *causes.entry(mortal.cause.clone()).or_default() += lost_min * part;
        }
    }

    /// The share of all requests that one period lost.
    pub fn period(&self, occupancy: &Occupancy) -> f64 {
        let lasting: f64 = occupancy
            .shares
            .iter()
            .map(|(s, share)| share * self.weigh(&self.loss[*s]))
            .sum();
        let passing = self.weights(occupancy);
        let lost = passing.iter().zip(&self.passing_s).map(|(weights, seconds)| {
            let classes: Vec<f64> = weights.iter().zip(seconds).map(|(w, s)| w * s).collect();
            self.weigh(&classes)
        });
        lasting + lost.sum::<f64>()
    }

    /// How often a class is out, or with `None` the service as a whole.
    pub fn outages(&self, occupancy: &Occupancy, class: Option<usize>) -> Outages {
        let lost = |state: usize| class.map_or_else(|| self.weigh(&self.loss[state]), |c| self.loss[state][c]);
        let is_out = |state: usize| lost(state) > OUT;
        let begins = occupancy.entries.iter().filter(|e| is_out(e.to) && !is_out(e.from));
        Outages {
            per_s: begins.map(|e| e.per_s).sum(),
            share: occupancy
                .shares
                .iter()
                .filter(|(s, _)| is_out(*s))
                .map(|(_, share)| share)
                .sum(),
        }
    }

    /// States with several components down that are connected and that no simulation has looked at, with the most that the
    /// rule may have missed there, as a share of all requests; the worst first.
    pub fn by_rule(&self, occupancy: &Occupancy) -> Vec<(usize, f64)> {
        let mut hidden: BTreeMap<usize, f64> = BTreeMap::new();
        for (state, share) in occupancy.shares.iter().filter(|(s, _)| !self.known[*s]) {
            *hidden.entry(*state).or_default() += share * (1.0 - self.weigh(&self.loss[*state]));
        }
        let mut hidden: Vec<(usize, f64)> = hidden.into_iter().collect();
        hidden.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        hidden
    }
}
