//! Runs the simulations of a question and keeps their results.

use std::sync::atomic::{AtomicBool, Ordering};

use super::question::{Question, TimesWanted, Trial};
use crate::model::recorder::RunRecord;
use crate::scenario::plan::Plan;
use crate::stats::interval;
use crate::study::{self, Count, Failure, Settings, Study, Watch};

/// Runs plans and counts the effort.
pub struct Lab<'a> {
    /// How to run. Logs are always kept, and lifetimes never act.
    pub settings: Settings,
    /// Requested times.
    pub wish: TimesWanted,
    /// Set by the user to stop early.
    pub stop: &'a AtomicBool,
    /// Progress: what is being done, simulations finished, and simulations in total.
    pub progress: &'a (dyn Fn(&str, u64, u64) + Sync),
    /// Events simulated so far.
    pub events: u64,
    /// Whether a simulation ended early because too many requests were in flight.
    pub overflowed: bool,
}

impl Lab<'_> {
    /// Whether a stop was requested.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Runs plans.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn run(&mut self, what: &str, plans: &[Plan], count: Count) -> Result<Runs, Failure> {
        let mut reactions = Reactions {
            first_s: vec![Vec::new(); plans.len()],
        };
        let settings = Settings {
            replications: count,
            logs: true,
            lifetimes: false,
            ..self.settings.clone()
        };
        let watch = Watch {
            stop: self.stop,
            progress: &|done, total| (self.progress)(what, done, total),
            visit: &mut |at, _, record| {
                reactions.see(at, &plans[at], record);
                Ok(())
            },
        };
        let studies = study::run(plans, &settings, watch)?;
        self.events += studies.iter().map(|s| s.events_taken).sum::<u64>();
        self.overflowed |= studies.iter().any(Study::overflowed);
        Ok(Runs { studies, reactions })
    }

    /// The number of replications a question needs: as given, or what its baselines need for the requested precision. A
    /// loss gets as many as its baseline, since the two are compared replication by replication.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn replications(&mut self, question: &Question<'_>) -> Result<u32, Failure> {
        match self.settings.replications {
            Count::Fixed(n) => Ok(n),
            count @ Count::Precision(_) => {
                let baselines = &question.plans[..question.baselines];
                let runs = self.run("the undisturbed stack", baselines, count)?;
                Ok(runs.studies.iter().map(|s| s.done()).max().unwrap_or(1))
            }
        }
    }
}

/// The results of some plans.
pub struct Runs {
    /// One per plan.
    pub studies: Vec<Study>,
    pub(super) reactions: Reactions,
}

impl Runs {
    /// Removes and returns the results of the first plans.
    pub(super) fn take(&mut self, plans: usize) -> Runs {
        Runs {
            studies: self.studies.drain(..plans).collect(),
            reactions: Reactions {
                first_s: self.reactions.first_s.drain(..plans).collect(),
            },
        }
    }

    /// Whether everything of this trial was simulated.
    pub(super) fn has(&self, trial: Trial) -> bool {
        let any = |plan: usize| !self.studies[plan].samples.is_empty();
        any(trial.base) && any(trial.loss) && trial.brief_plans().all(any)
    }

    /// Truncates to the replications that all started plans have. They differ only after an interruption.
    pub(super) fn even(self) -> Runs {
        let done = self.studies.iter().map(|s| s.done()).filter(|done| *done > 0);
        match (done.clone().min(), done.max()) {
            (Some(least), Some(most)) if least < most => self.first(least),
            _ => self,
        }
    }

    /// Only the first replications, for comparison with a study that has no more.
    pub(super) fn first(&self, replications: u32) -> Runs {
        let mut studies = self.studies.clone();
        for study in &mut studies {
            study.samples.truncate(replications as usize);
        }
        let mut reactions = self.reactions.clone();
        for first_s in &mut reactions.first_s {
            first_s.truncate(replications as usize);
        }
        Runs { studies, reactions }
    }
}

/// From the event logs, by plan: the time of the first reaction to the crash in each replication.
#[derive(Clone)]
pub(super) struct Reactions {
    first_s: Vec<Vec<Option<f64>>>,
}

impl Reactions {
    fn see(&mut self, at: usize, plan: &Plan, record: &RunRecord) {
        let Some(crash) = plan.faults.first().map(|f| f.at) else {
            return self.first_s[at].push(None);
        };
        let acts = |what: &str| what == "down" || what == "takes over" || what.starts_with("promoted");
        let first = record.events.iter().find(|e| e.at >= crash && acts(&e.what));
        self.first_s[at].push(first.map(|e| e.at.since(crash).seconds()));
    }

    /// The mean over replications in which something reacted.
    pub(super) fn mean_s(&self, plan: usize) -> Option<f64> {
        let known: Vec<f64> = self.first_s[plan].iter().flatten().copied().collect();
        interval::mean(&known).map(|i| i.value)
    }
}
