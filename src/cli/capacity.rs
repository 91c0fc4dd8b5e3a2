//! `fallover capacity`: how much load before the SLO breaks, what breaks first, and what is left when a component is lost.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::exit::{self, Failure, INTERRUPTED, MISSED};
use super::options::{Reading, Simulating, Writing};
use super::simulate::{failed, now, stop_on_interrupt};
use crate::analysis::capacity::{self as finding, End, Found, Question};
use crate::analysis::result::{Answer, Document, Engine, Envelope, SCHEMA_VERSION, ScenarioId};
use crate::report::progress;
use crate::scenario::plan::Plan;
use crate::study::{self, Count, Settings, Watch};

/// How much load before the SLO breaks, what breaks first, and how much is left with each component lost?
#[derive(Debug, Args)]
pub struct Capacity {
    /// The scenario, JSON or YAML; it must say what it promises (`slo`)
    scenario: PathBuf,
    /// Only the knee: no curve, and no component lost
    #[arg(long)]
    knee_only: bool,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    writing: Writing,
    #[command(flatten)]
    simulating: Simulating,
}

impl Capacity {
    /// Loads, searches, and says how much it carries.
    pub fn run(mut self) -> Result<(), Failure> {
        let outputs = self.writing.outputs()?;
        self.reading.set.extend(self.simulating.sets());
        let plan = self.reading.plan(&self.scenario, &self.writing)?;
        let question = self.question(plan)?;
        let stop = stop_on_interrupt();
        let began = now();
        let found = match self.search(&question, stop) {
            Ok(found) => found,
            Err(End::Failed(failure)) => return Err(failed(failure)),
            Err(End::Stopped) => {
                exit::note("interrupted before there was a knee");
                return Err(Failure::Status(INTERRUPTED));
            }
        };
        let complete = found.complete;
        let carries = found.capacity.knee.knee_ratio.value.is_none_or(|ratio| ratio >= 1.0);
        let document = self.document(&question.plan, found, began.elapsed().as_secs_f64());
        self.writing.deliver(&document, &outputs)?;
        match (complete, self.simulating.check && !carries) {
            (false, _) => {
                exit::note("interrupted: what was finished is in the result, which is marked incomplete");
                Err(Failure::Status(INTERRUPTED))
            }
            (true, true) => Err(Failure::Status(MISSED)),
            (true, false) => Ok(()),
        }
    }

    fn question(&self, plan: Plan) -> Result<Question, Failure> {
        if plan.slo.is_empty() {
            let message = format!(
                "{}: it promises nothing, so no load is too much; add an \"slo\", such as --set slo.p99=300ms",
                self.scenario.display()
            );
            return Err(Failure::BadInput(message));
        }
        if plan.requests_per_s() <= 0.0 {
            let message = format!("{}: it has no load that could be scaled", self.scenario.display());
            return Err(Failure::BadInput(message));
        }
        Ok(Question {
            plan,
            replications: self.simulating.replications.unwrap_or(study::REPLICATIONS),
            precision: self.simulating.precision,
            whole: self.simulating.duration.is_some() || self.simulating.failures,
            all: !self.knee_only,
        })
    }

    fn search(&self, question: &Question, stop: &AtomicBool) -> Result<Found, End> {
        let settings = self.simulating.settings();
        let bar = progress::bar(0, "replications", self.writing.quiet);
        let mut ask = |what: &str, plan: &Plan, replications: u32| {
            bar.set_message(format!("replications for {what}"));
            let before = bar.position();
            bar.inc_length(u64::from(replications));
            let watch = Watch {
                stop,
                progress: &|done, _| bar.set_position(before + done),
                visit: &mut |_, _, _| Ok(()),
            };
            let settings = Settings {
                replications: Count::Fixed(replications),
                ..settings.clone()
            };
            let studies = study::run(std::slice::from_ref(plan), &settings, watch)?;
            Ok(studies.into_iter().next().expect("one a plan"))
        };
        let found = finding::answer(question, &mut ask);
        bar.finish_and_clear();
        found
    }

    fn document(&self, plan: &Plan, found: Found, wall_s: f64) -> Document {
        let (replications, duration_s, warmup_s) = found.effort;
        Document {
            envelope: Envelope {
                schema_version: SCHEMA_VERSION,
                command: "capacity".into(),
                complete: found.complete,
                scenario: ScenarioId::of(plan),
                seed: Some(self.simulating.seed),
                replications,
                duration_s,
                warmup_s: Some(warmup_s),
            },
            caveats: found.caveats,
            answer: Answer::Capacity(Box::new(found.capacity)),
            engine: Engine::this(self.simulating.threads(), found.events, wall_s),
        }
    }
}
