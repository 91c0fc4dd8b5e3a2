//! What a state loses, and what each way into it and back loses besides: from the structure, from the trials, else by rule.

use super::lives::Mortal;
use super::occupancy::States;
use super::trials::{Count, Course, Trial, add};
use crate::analysis::spof::{Lasts, lost_of_usual};
use crate::base::ids::ClassId;
use crate::base::random::Streams;
use crate::model::structure::{State, is_cut};
use crate::scenario::plan::Plan;
use crate::stats::interval;

/// The trials of everything that is simulated.
#[derive(Debug, Default)]
pub struct Trials {
    /// With everything up, one for each set of times.
    pub bases: Vec<Trial>,
    /// Of each loss, with the index of its baseline.
    pub losses: Vec<(Trial, usize)>,
}

impl Trials {
    /// How many replications all have.
    pub fn replications(&self) -> usize {
        let losses = self.losses.iter().map(|(trial, _)| trial);
        let all = self.bases.iter().chain(losses);
        all.map(Trial::replications).min().unwrap_or(0)
    }

    fn of(&self, down: &[usize]) -> Option<&(Trial, usize)> {
        self.losses.iter().find(|(trial, _)| trial.parts == down)
    }

    /// The one that has seen most.
    fn base(&self) -> &Trial {
        let longest = |a: &&Trial, b: &&Trial| a.seconds().total_cmp(&b.seconds());
        self.bases.iter().max_by(longest).expect("there is a baseline")
    }
}

/// Prices, by all replications or by all but one.
pub struct Prices<'a> {
    plan: &'a Plan,
    trials: &'a Trials,
    /// By lifetime and slice: is it still down by then?
    still_down: Vec<Vec<f64>>,
    /// By lifetime: the trial of its component.
    trial_of: Vec<Option<usize>>,
    /// By lifetime: how long it is down, on the average.
    down_s: Vec<f64>,
}

impl<'a> Prices<'a> {
    /// With what the trials have seen so far.
    pub fn new(plan: &'a Plan, mortals: &[Mortal], trials: &'a Trials, seed: u64) -> Prices<'a> {
        let streams = Streams::new(seed, u32::MAX);
        let trial_of = |m: &Mortal| trials.losses.iter().position(|(t, _)| t.parts == [m.part]);
        let trial_of: Vec<Option<usize>> = mortals.iter().map(trial_of).collect();
        let still_down = (0..mortals.len()).map(|life| {
            let lasts = Lasts::drawn(plan, &streams, life, mortals[life].means.map_or(0.0, |m| m.down_s));
            let slice_s = trial_of[life].map_or(1.0, |t| trials.losses[t].0.slice_s());
            let after = |slice: usize| lasts.beyond((slice as f64 + 0.5) * slice_s);
            (0..super::trials::SLICES).map(after).collect()
        });
        Prices {
            plan,
            trials,
            still_down: still_down.collect(),
            down_s: mortals
                .iter()
                .map(|m| m.means.map_or(f64::INFINITY, |l| l.down_s))
                .collect(),
            trial_of,
        }
    }

    /// How many replications there are.
    pub fn replications(&self) -> usize {
        self.trials.replications()
    }

    /// How many states were simulated.
    pub fn simulations(&self) -> usize {
        self.trials.losses.len() + 1
    }

    /// The lost share of each class while this lasts, where a simulation says so; by all replications, or all but one.
    pub fn simulated(&self, down: &[usize], cut: &[bool], without: Option<usize>) -> Option<Vec<f64>> {
        if down.is_empty() {
            let base = self.trials.base();
            return Some((0..cut.len()).map(|c| ratio(base, c, without, Course::whole)).collect());
        }
        let (trial, _) = self.trials.of(down)?;
        let of = |class: usize| match cut[class] {
            true => 1.0,
            false => ratio(trial, class, without, |c| c.lasting),
        };
        Some((0..cut.len()).map(of).collect())
    }

    /// What a failure of this lifetime loses beside what is lost while it lasts, by class, in seconds of its requests.
    pub fn passing_s(&self, life: usize, cut: &[bool], without: Option<usize>) -> Vec<f64> {
        let Some((trial, base)) = self.trial_of[life].map(|t| &self.trials.losses[t]) else {
            return vec![0.0; self.plan.classes.len()];
        };
        let base = &self.trials.bases[*base];
        let of = |class: usize| {
            let lasting = match cut[class] {
                true => 1.0,
                false => ratio(trial, class, without, |c| c.lasting),
            };
            let excess = lasting - ratio(base, class, without, |c| c.lasting);
            let (failing, usual) = (trial.course(class, without), base.course(class, without));
            let lost = self.passing(life, excess, &failing, &usual);
            let offered = usual.whole().0;
            if offered > 0.0 {
                // No failure loses less than nothing.
                (lost * base.counted_s() / offered).max(-excess.max(0.0) * self.down_s[life])
            } else {
                0.0
            }
        };
        (0..self.plan.classes.len()).map(of).collect()
    }

    fn passing(&self, life: usize, excess: f64, failing: &Course, usual: &Course) -> f64 {
        let more = |of: fn(&Course) -> Count| lost_of_usual(of(failing), of(usual), 1.0) - of(usual).1;
        // Where nobody asked in a slice, it is as in the whole reaction.
        let (asked, lost) = failing.reacting.iter().copied().fold((0.0, 0.0), add);
        let share = if asked > 0.0 { lost / asked } else { 1.0 };
        let slices = failing.reacting.iter().zip(&usual.reacting).zip(&self.still_down[life]);
        let reacting = slices.map(|((f, u), still)| still * (lost_of_usual(*f, *u, share) - u.1 - excess * u.0));
        // Who still tries when the repair comes is not lost as those before.
        let ending = more(|c| c.ending) - excess * usual.ending.0;
        more(|c| c.before) + reacting.sum::<f64>() + ending + more(|c| c.returning)
    }

    /// Does a failure leave requests inside that nobody ever gives up?
    pub fn leaves_stuck(&self, life: usize) -> bool {
        let trial = self.trial_of[life].map(|t| &self.trials.losses[t]);
        trial.is_some_and(|(trial, base)| trial.stuck > self.trials.bases[*base].stuck)
    }

    /// Is something still amiss when the way back has been watched to the end? Beyond three standard deviations of a count.
    pub fn stays_down(&self, life: usize) -> bool {
        let Some((trial, base)) = self.trial_of[life].map(|t| &self.trials.losses[t]) else {
            return false;
        };
        let classes = 0..self.plan.classes.len();
        let late = |trial: &Trial| {
            let all = classes.clone().map(|class| trial.course(class, None).late);
            all.fold((0.0, 0.0), add)
        };
        let (with, without) = (late(trial), late(&self.trials.bases[*base]));
        with.1 > without.1 + 3.0 * libm::sqrt(without.1) + 0.01 * with.0
    }

    /// Requests of the baseline, and how many of them were lost; of one class, or of all.
    pub fn everything_up(&self, class: Option<usize>) -> Count {
        let base = self.trials.base();
        let wanted = (0..self.plan.classes.len()).filter(|c| class.is_none_or(|class| class == *c));
        wanted.map(|c| base.course(c, None).whole()).fold((0.0, 0.0), add)
    }

    /// None of the baseline was lost, of a class or of all: the share that may be lost for all that. Else zero.
    pub fn unseen(&self, class: Option<usize>) -> f64 {
        match self.everything_up(class) {
            (offered, lost) if lost <= 0.0 && offered > 0.0 => 1.0 - interval::never_failed(offered as u64),
            _ => 0.0,
        }
    }
}

/// Lost over offered; where the others have none of the class, over all of them.
fn ratio(trial: &Trial, class: usize, without: Option<usize>, of: impl Fn(&Course) -> Count) -> f64 {
    let (offered, lost) = of(&trial.course(class, without));
    match (offered > 0.0, without) {
        (true, _) => lost / offered,
        (false, Some(_)) => ratio(trial, class, None, of),
        (false, None) => 0.0,
    }
}

/// By state: which classes are cut.
pub fn cuts(plan: &Plan, states: &States) -> Vec<Vec<bool>> {
    let of = |down: &Vec<usize>| {
        let state = State::without(plan, down.iter().map(|c| &plan.components[*c]));
        let cut = |class| is_cut(plan, &state, ClassId::new(class));
        (0..plan.classes.len()).map(cut).collect()
    };
    states.all.iter().map(of).collect()
}
