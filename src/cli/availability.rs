//! `fallover availability`: how much of its requests does the service answer over years, and what costs the rest?

use std::path::PathBuf;

use clap::Args;

use super::exit::{self, Failure, INTERRUPTED, MISSED};
use super::options::{Reading, Simulating, Writing, duration, of_failures};
use super::simulate::{failed, now, stop_on_interrupt};
use crate::analysis::availability::{self as finding, Asked, Found};
use crate::analysis::result::{Answer, Document, Engine, Envelope, SCHEMA_VERSION, ScenarioId};
use crate::report::progress;
use crate::scenario::plan::Plan;
use crate::scenario::raw::units::Duration;
use crate::study::Settings;

/// The warning of `--check` where no availability is promised.
const NO_PROMISE: &str = "warning: --check had nothing to check: the scenario promises no availability; give it one, such as --set slo.availability=0.999";

/// How much of its requests does the service answer over years, and what costs the rest?
#[derive(Debug, Args)]
#[command(mut_args(of_failures))]
pub struct Availability {
    /// The scenario, JSON or YAML
    scenario: PathBuf,
    /// Over how long a time, everything new at its start
    #[arg(long, value_name = "D", value_parser = duration, allow_hyphen_values = true, default_value = "10y")]
    horizon: Duration,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) writing: Writing,
    #[command(flatten)]
    simulating: Simulating,
}

impl Availability {
    /// Loads the scenario, walks through the years, simulates every state that matters, and reports the result.
    pub fn run(self) -> Result<(), Failure> {
        let outputs = self.writing.outputs()?;
        let plan = self.plan()?;
        let stop = stop_on_interrupt();
        let began = now();
        let (wish, shown) = self.simulating.timing(&plan, stop)?;
        let asked = Asked {
            horizon: self.horizon.0,
            settings: Settings {
                show_warmup: false,
                ..self.simulating.settings()
            },
            wish,
        };
        let bar = progress::bar(0, "replications", self.writing.quiet);
        let progress = |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        };
        let found = finding::answer(&plan, &asked, stop, &progress).map_err(failed)?;
        bar.finish_and_clear();
        let Some(mut found) = found else {
            exit::note("interrupted before every component had been taken away once: there is nothing to say yet");
            return Err(Failure::Status(INTERRUPTED));
        };
        found.caveats.extend(shown);
        let interrupted = stop.load(std::sync::atomic::Ordering::Relaxed);
        let kept = found.complete && found.availability.slo.iter().all(|s| s.met);
        let promises_nothing = found.availability.slo.is_empty();
        let document = self.document(&plan, found, began.elapsed().as_secs_f64());
        self.writing.deliver(&document, &outputs)?;
        if interrupted {
            exit::note("interrupted: what was finished is in the result, which is marked incomplete");
            return Err(Failure::Status(INTERRUPTED));
        }
        if self.simulating.check && promises_nothing {
            exit::note(NO_PROMISE);
        }
        match self.simulating.check && !kept {
            true => Err(Failure::Status(MISSED)),
            false => Ok(()),
        }
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let plan = self.reading.plan(&self.scenario, &self.writing)?;
        if finding::is_immortal(&plan) {
            let message = format!(
                "{}: nothing that is used ever fails here; give the components that can fail a `lifetime`, such as \
                 \"lifetime\": {{ \"mtbf\": \"90d\", \"mttr\": \"1h\" }} (see docs/availability.md)",
                self.scenario.display()
            );
            return Err(Failure::BadInput(message));
        }
        let changes = finding::changes(&plan, self.horizon.0);
        if changes > finding::MOST_CHANGES {
            let message = format!(
                "{}: about {changes:.0} failures and repairs within {}, more than {:.0}; give a shorter --horizon",
                self.scenario.display(),
                self.horizon.0,
                finding::MOST_CHANGES
            );
            return Err(Failure::BadInput(message));
        }
        Ok(plan)
    }

    fn document(&self, plan: &Plan, found: Found, wall_s: f64) -> Document {
        Document {
            envelope: Envelope {
                schema_version: SCHEMA_VERSION,
                command: "availability".into(),
                options: self.writing.typed.clone(),
                complete: found.complete,
                scenario: ScenarioId::of(plan),
                seed: Some(self.simulating.seed),
                replications: found.replications,
                duration_s: found.trial_s,
                warmup_s: Some(found.warmup_s),
            },
            answer: Answer::Availability(Box::new(found.availability)),
            caveats: found.caveats,
            engine: Engine::this(self.simulating.threads(), found.events, wall_s),
        }
    }
}
