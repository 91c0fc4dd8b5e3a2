//! The prices: what a state loses while it lasts, and what each failure loses in transition. They come from the
//! structure, from trials, or by rule.

use super::lives::Mortal;
use super::occupancy::States;
use super::trials::{Count, Course, LAST_SLICES, LASTING_SLICES, SLICES, Trial, add, sum};
use crate::analysis::spof::{Lasts, Outages, Seen, Slice, Slices, grows, lost_of_usual};
use crate::base::ids::ClassId;
use crate::model::structure::{State, is_cut};
use crate::scenario::plan::Plan;
use crate::stats::interval;

/// All trials.
#[derive(Debug, Default)]
pub struct Trials {
    /// Baselines, one per set of times.
    pub bases: Vec<Trial>,
    /// Losses, each with the index of its baseline.
    pub losses: Vec<(Trial, usize)>,
    /// Outages that end before everything has reacted, shortest first.
    pub brief: Vec<Trial>,
}

impl Trials {
    /// Replications that all trials have.
    pub fn replications(&self) -> usize {
        let losses = self.losses.iter().map(|(trial, _)| trial);
        let all = self.bases.iter().chain(losses).chain(&self.brief);
        all.map(Trial::replications).min().unwrap_or(0)
    }

    /// The brief outages of a component.
    fn brief(&self, part: usize) -> impl Iterator<Item = &Trial> {
        self.brief.iter().filter(move |trial| trial.parts == [part])
    }

    fn of(&self, down: &[usize]) -> Option<usize> {
        self.losses.iter().position(|(trial, _)| trial.parts == down)
    }

    /// The longest baseline.
    fn base(&self) -> &Trial {
        let longest = |a: &&Trial, b: &&Trial| a.seconds().total_cmp(&b.seconds());
        self.bases.iter().max_by(longest).expect("there is a baseline")
    }
}

/// Prices from all replications or with one left out.
pub struct Prices<'a> {
    plan: &'a Plan,
    trials: &'a Trials,
    /// By lifetime: the weight of each part of its outages, and their mean duration.
    lasts: Vec<(Outages, f64)>,
    /// By lifetime: the trial of its component.
    trial_of: Vec<Option<usize>>,
    /// By trial of a loss: whether the second half of the measurement lost more than the first. Then only that half
    /// counts as steady state.
    grew: Vec<bool>,
}

impl<'a> Prices<'a> {
    /// With the replications simulated so far.
    pub fn new(plan: &'a Plan, mortals: &[Mortal], trials: &'a Trials) -> Prices<'a> {
        let trial_of: Vec<Option<usize>> = mortals.iter().map(|m| trials.of(&[m.part])).collect();
        let grew = |(trial, base): &(Trial, usize)| {
            let of = |trial: &Trial| more_and_more(trial, plan.classes.len(), 0..LASTING_SLICES);
            of(trial) && !of(&trials.bases[*base])
        };
        let grew: Vec<bool> = trials.losses.iter().map(grew).collect();
        let lasts = |life: usize| {
            let mean_s = mortals[life].means.map_or(f64::INFINITY, |m| m.down_s);
            let has_brief = !mortals[life].planned && trials.brief(mortals[life].part).next().is_some();
            let trial = trial_of[life].map_or(trials.base(), |t| &trials.losses[t].0);
            let mut reacting = Slices::even(SLICES, trial.slice_s());
            if trial_of[life].is_some_and(|t| grew[t]) {
                reacting = reacting.then(LASTING_SLICES / 2, trial.lasting_slice_s());
            }
            let ending = Slices::even(LAST_SLICES, trial.last_slice_s());
            let brief_to_s = has_brief.then_some(trial.times.brief_to().seconds());
            (Lasts::drawn(plan, life).outages(&reacting, &ending, brief_to_s), mean_s)
        };
        Prices {
            plan,
            trials,
            lasts: (0..mortals.len()).map(lasts).collect(),
            trial_of,
            grew,
        }
    }

    /// Number of replications.
    pub fn replications(&self) -> usize {
        self.trials.replications()
    }

    /// Number of states simulated.
    pub fn simulations(&self) -> usize {
        self.trials.losses.len() + 1
    }

    /// The steady-state loss of each class in this state, if simulated; from all replications or with one left out.
    pub fn simulated(&self, down: &[usize], cut: &[bool], without: Option<usize>) -> Option<Vec<f64>> {
        if down.is_empty() {
            let base = self.trials.base();
            return Some((0..cut.len()).map(|c| ratio(base, c, without, Course::whole)).collect());
        }
        let t = self.trials.of(down)?;
        let of = |class: usize| match cut[class] {
            true => 1.0,
            false => ratio(&self.trials.losses[t].0, class, without, |c| self.lasting(t, c)),
        };
        Some((0..cut.len()).map(of).collect())
    }

    /// The part of a trial's course that counts as steady state.
    fn lasting(&self, trial: usize, course: &Course) -> Count {
        // For several components down nothing else accounts for the reaction, so no slice is dropped.
        let alone = self.trials.losses[trial].0.parts.len() == 1;
        let late = if self.grew[trial] && alone {
            LASTING_SLICES / 2
        } else {
            0
        };
        sum(&course.lasting[late..])
    }

    /// Transient loss of a failure of this lifetime by class, in seconds of its requests.
    pub fn passing_s(&self, life: usize, cut: &[bool], without: Option<usize>) -> Vec<f64> {
        let Some(t) = self.trial_of[life] else {
            return vec![0.0; self.plan.classes.len()];
        };
        let (trial, base) = &self.trials.losses[t];
        let base = &self.trials.bases[*base];
        let of = |class: usize| {
            let lasting = match cut[class] {
                true => 1.0,
                false => ratio(trial, class, without, |c| self.lasting(t, c)),
            };
            let excess = lasting - ratio(base, class, without, |c| self.lasting(t, c));
            let (failing, usual) = (trial.course(class, without), base.course(class, without));
            let (outages, mean_s) = &self.lasts[life];
            let per_s = usual.whole().0 / base.counted_s();
            let brief = self.trials.brief(trial.parts[0]);
            let brief: Vec<Course> = brief.map(|trial| trial.course(class, without)).collect();
            let lost = passing(outages, (excess, per_s), (&failing, &brief), &usual, self.grew[t]);
            if per_s > 0.0 {
                // A failure loses no less than nothing in total.
                (lost / per_s).max(-excess.max(0.0) * mean_s)
            } else {
                0.0
            }
        };
        (0..self.plan.classes.len()).map(of).collect()
    }

    /// Whether a failure leaves requests in flight that no time-out ends.
    pub fn leaves_stuck(&self, life: usize) -> bool {
        let trial = self.trial_of[life].map(|t| &self.trials.losses[t]);
        trial.is_some_and(|(trial, base)| trial.stuck > self.trials.bases[*base].stuck)
    }

    /// Whether the loss keeps growing to the end of the measurement.
    pub fn still_grows(&self, life: usize) -> bool {
        let late = |t: usize| {
            let trial = &self.trials.losses[t].0;
            more_and_more(trial, self.plan.classes.len(), LASTING_SLICES / 2..LASTING_SLICES)
        };
        self.trial_of[life].is_some_and(|t| self.grew[t] && late(t))
    }

    /// Whether more than the baseline is lost at the end of the watch, beyond three standard deviations of a count.
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

    /// Requests of the baseline and how many were lost, for one class or all.
    pub fn everything_up(&self, class: Option<usize>) -> Count {
        let base = self.trials.base();
        let wanted = (0..self.plan.classes.len()).filter(|c| class.is_none_or(|class| class == *c));
        wanted.map(|c| base.course(c, None).whole()).fold((0.0, 0.0), add)
    }

    /// If the baseline lost nothing: the largest share that may be lost nevertheless. Otherwise zero.
    pub fn unseen(&self, class: Option<usize>) -> f64 {
        match self.everything_up(class) {
            (offered, lost) if lost <= 0.0 && offered > 0.0 => 1.0 - interval::never_failed(offered as u64),
            _ => 0.0,
        }
    }
}

/// Transient loss of a failure, in requests, compared with the baseline.
fn passing(
    outages: &Outages,
    (excess, per_s): (f64, f64),
    (failing, brief): (&Course, &[Course]),
    usual: &Course,
    grew: bool,
) -> f64 {
    let more = |failing: &Course, of: fn(&Course) -> Count| lost_of_usual(of(failing), of(usual), 1.0) - of(usual).1;
    let slices_of = |failing: &Course, of: fn(&Course) -> &[Count]| -> Vec<Slice> {
        // A slice without requests gets the share of the whole stretch.
        let (asked, lost) = of(failing).iter().copied().fold((0.0, 0.0), add);
        let share = if asked > 0.0 { lost / asked } else { 1.0 };
        let slice = |(f, u): (&Count, &Count)| Slice {
            asked: u.0,
            lost: lost_of_usual(*f, *u, share) - u.1,
        };
        of(failing).iter().zip(of(usual)).map(slice).collect()
    };
    let slices = |of: fn(&Course) -> &[Count]| slices_of(failing, of);
    let everything = |failing: &Course| {
        let parts: [fn(&Course) -> &[Count]; 3] = [|c| &c.reacting, |c| &c.lasting, |c| &c.ending];
        let inside: f64 = parts
            .iter()
            .flat_map(|of| slices_of(failing, *of))
            .map(|s| s.lost)
            .sum();
        more(failing, |c| c.before) + inside + more(failing, |c| c.returning)
    };
    let mut reacting = slices(|c| &c.reacting);
    if grew {
        reacting.extend(slices(|c| &c.lasting[..LASTING_SLICES / 2]));
    }
    let brief: Vec<f64> = brief.iter().map(everything).collect();
    outages.beyond_lasting(&Seen {
        excess,
        before: more(failing, |c| c.before),
        returning: more(failing, |c| c.returning),
        grew,
        reacting: &reacting,
        ending: &slices(|c| &c.ending),
        brief: &brief,
        per_s,
    })
}

/// Whether the second half of these measured slices loses more than the first.
fn more_and_more(trial: &Trial, classes: usize, slices: std::ops::Range<usize>) -> bool {
    let half = slices.start.midpoint(slices.end);
    let all = |replication: usize, slices: std::ops::Range<usize>| {
        let of = |class: usize| sum(&trial.course_in(class, replication).lasting[slices.clone()]);
        (0..classes).map(of).fold((0.0, 0.0), add)
    };
    let both = |r: usize| [all(r, slices.start..half), all(r, half..slices.end)];
    grows(&(0..trial.replications()).map(both).collect::<Vec<_>>())
}

/// Lost over offered; if the other replications have no request of the class, over all replications.
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
