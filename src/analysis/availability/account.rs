//! The account: how long each state lasts times its steady-state loss, plus how often each failure occurs times its
//! transient loss. It joins the slow time scale (`occupancy`) and the fast one (`prices`).

use std::collections::BTreeMap;

use super::lives::Mortal;
use super::occupancy::{Occupancy, States};
use super::prices::Prices;
use crate::scenario::plan::Plan;

/// Minutes in a year of 365 days.
pub const YEAR_MIN: f64 = 365.0 * 24.0 * 60.0;
/// The cause of what is lost with everything up.
pub const EVERYTHING_UP: &str = "everything up";
/// The cause of what three or more components lose together, beyond their individual losses.
pub const SEVERAL: &str = "three or more at once";
/// A class is out while a larger share of it than this is lost.
const OUT: f64 = 0.4;

/// What is known of the states before any simulation.
#[derive(Copy, Clone)]
pub struct Map<'a> {
    pub states: &'a States,
    /// By state and class: whether it is cut.
    pub cuts: &'a [Vec<bool>],
    /// For states not simulated, the state simulated in their place.
    pub stand_ins: &'a BTreeMap<usize, usize>,
}

/// Everything that an account is computed from.
pub struct Account<'a> {
    pub plan: &'a Plan,
    pub mortals: &'a [Mortal],
    pub states: &'a States,
    /// By state and class: whether it is cut.
    pub cuts: &'a [Vec<bool>],
    stand_ins: &'a BTreeMap<usize, usize>,
    pub prices: &'a Prices<'a>,
    /// By state and class: the share lost.
    loss: Vec<Vec<f64>>,
    /// By state: whether that comes from a simulation or the structure, not from the rule.
    known: Vec<bool>,
    /// By lifetime and class: transient loss per failure, in seconds.
    passing_s: Vec<Vec<f64>>,
}

/// Total loss, from all replications or with one left out.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// By class: the share of its requests lost.
    pub classes: Vec<f64>,
    /// The share of all requests lost.
    pub all: f64,
    /// By cause, in minutes of all requests per year.
    pub causes: BTreeMap<String, f64>,
}

/// How often a class, or the service, goes out, and for what share of the time.
#[derive(Copy, Clone, Debug, Default)]
pub struct Outages {
    /// How often an outage begins, per second.
    pub per_s: f64,
    /// Share of the time.
    pub share: f64,
}

impl<'a> Account<'a> {
    /// With prices from all replications.
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
            // The rule for states not simulated: a cut class is lost; otherwise the components' individual losses add
            // up, at most to everything.
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

    /// The share lost per class in a state, if the state or its stand-in was simulated.
    fn simulated(&self, state: usize, without: Option<usize>) -> Option<Vec<f64>> {
        let seen = self.stand_ins.get(&state).copied().unwrap_or(state);
        self.prices
            .simulated(&self.states.all[seen], &self.cuts[state], without)
    }

    /// The share of all requests lost in a state.
    pub fn lost_in(&self, state: usize) -> f64 {
        self.weigh(&self.loss[state])
    }

    /// By component and class: its individual loss, beyond what is lost with everything up.
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

    /// Mean over the classes, weighted by their share of requests.
    fn weigh(&self, classes: &[f64]) -> f64 {
        self.plan.classes.iter().zip(classes).map(|(c, x)| c.mix * x).sum()
    }

    /// Share of all requests lost by structure alone.
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

    /// Everything lost, from all replications of the trials or with one left out.
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

    /// By lifetime and class: failures per second, each weighted by what can still be lost: the share answered before
    /// the failure times the share answered after it, relative to the component failing alone.
    fn weights(&self, occupancy: &Occupancy) -> Vec<Vec<f64>> {
        let mut weights = vec![vec![0.0; self.plan.classes.len()]; self.mortals.len()];
        let answered = |state: usize, class: usize| 1.0 - self.loss[state][class];
        for entry in &occupancy.entries {
            let alone = self.states.find(&[self.mortals[entry.life].part]).unwrap_or(entry.to);
            for (class, weight) in weights[entry.life].iter_mut().enumerate() {
                let after = answered(entry.to, class) / answered(alone, class).max(1e-9);
                // If the class is out even with this component alone down, its transient loss occurs before and after
                // the outage.
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

    /// Attributes a state's loss: each component gets its individual loss, and their combination the rest.
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

    /// A component's individual loss over all requests, beyond what is lost with everything up.
    fn alone_all(&self, part: usize) -> f64 {
        let of = |down: &[usize]| self.states.find(down).map_or(0.0, |s| self.weigh(&self.loss[s]));
        of(&[part]) - of(&[])
    }

    /// A component may fail and be maintained: splits its loss in proportion to the unavailability of each.
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

    /// The share of all requests lost in one period.
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

    /// Outages of a class, or of the service as a whole with `None`.
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

    /// Connected states with several components down that were not simulated, with the most that the rule may miss
    /// there, as a share of all requests; worst first.
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
