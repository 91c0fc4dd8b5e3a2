//! `fallover spof`: what are the single points of failure, and what does each loss do and cost?

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::exit::{self, Failure, INTERRUPTED};
use super::options::{Reading, Simulating, Writing};
use super::simulate::{failed, now, stop_on_interrupt};
use crate::analysis::result::{Answer, Caveat, Document, Engine, Envelope, SCHEMA_VERSION, ScenarioId};
use crate::analysis::spof::{self as finding, Effect, Question, Reactions};
use crate::report::progress;
use crate::scenario::plan::Plan;
use crate::study::{self, Count, Settings, Study, Watch};

/// What are the single points of failure, what does each cost, and what can the rest not carry?
#[derive(Debug, Args)]
pub struct Spof {
    /// The scenario, JSON or YAML
    scenario: PathBuf,
    /// Look for cut sets of up to N components
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=6))]
    order: u32,
    /// Also price every pair that cuts a class together, and every pair of hosts
    #[arg(long)]
    pairs: bool,
    /// How components fail, of crash, slow (ten times), errors (every second answer) and hang, separated by commas
    #[arg(long, value_name = "EFFECT,…", value_delimiter = ',', default_value = "crash", value_parser = effect)]
    effects: Vec<Effect>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    writing: Writing,
    #[command(flatten)]
    simulating: Simulating,
}

impl Spof {
    /// Loads, takes everything away in turn, and says what that does.
    pub fn run(self) -> Result<(), Failure> {
        let outputs = self.writing.outputs()?;
        let plan = self.plan()?;
        let stop = stop_on_interrupt();
        let began = now();
        let question = Question::new(&plan, &self.effects(), self.pairs);
        let mut reactions = Reactions::new(&question);
        let studies = self.simulate(&question, &mut reactions, stop)?;
        if stop.load(Ordering::Relaxed) {
            exit::note("interrupted: without all of the simulations there is nothing to compare");
            return Err(Failure::Status(INTERRUPTED));
        }
        let spof = finding::answer(&question, &studies, &reactions, self.order as usize);
        let events: u64 = studies.iter().map(|s| s.events_taken).sum();
        let wall_s = began.elapsed().as_secs_f64();
        let base = &question.plans[0];
        let document = Document {
            envelope: Envelope {
                schema_version: SCHEMA_VERSION,
                command: "spof".into(),
                complete: !studies.iter().any(Study::overflowed),
                scenario: ScenarioId::of(&plan),
                seed: Some(self.simulating.seed),
                replications: studies[0].samples.len() as u32,
                duration_s: base.duration.seconds(),
                warmup_s: Some(studies[0].warmup.seconds()),
            },
            caveats: finding::caveats(&plan, &spof)
                .into_iter()
                .chain(overflow(&studies))
                .collect(),
            answer: Answer::Spof(spof),
            engine: Engine::this(self.simulating.threads(), events, wall_s),
        };
        self.writing.deliver(&document, &outputs)
    }

    /// Each once, in the order of their list.
    fn effects(&self) -> Vec<Effect> {
        let mut effects = self.effects.clone();
        effects.sort();
        effects.dedup();
        effects
    }

    fn plan(&self) -> Result<Plan, Failure> {
        if self.simulating.precision.is_some() {
            return Err(Failure::BadInput(
                "spof takes --replications, not --precision, so far".into(),
            ));
        }
        if self.simulating.duration.is_some() || self.simulating.warmup.is_some() {
            let message = "spof chooses its own times: long enough for every check and fail-over to act";
            return Err(Failure::BadInput(message.into()));
        }
        self.reading.plan(&self.scenario, &self.writing)
    }

    fn simulate(
        &self,
        question: &Question<'_>,
        seen: &mut Reactions,
        stop: &AtomicBool,
    ) -> Result<Vec<Study>, Failure> {
        let settings = Settings {
            logs: true,
            lifetimes: false,
            ..self.simulating.settings()
        };
        let Count::Fixed(replications) = settings.replications else {
            unreachable!("a precision has been refused")
        };
        let total = u64::from(replications) * question.plans.len() as u64;
        let bar = progress::bar(total, "replications", self.writing.quiet);
        let watch = Watch {
            stop,
            progress: &|done, total| {
                bar.set_length(total);
                bar.set_position(done);
            },
            visit: &mut |plan, _, record| {
                seen.see(plan, record);
                Ok(())
            },
        };
        let studies = study::run(&question.plans, &settings, watch).map_err(failed)?;
        bar.finish_and_clear();
        Ok(studies)
    }
}

fn effect(text: &str) -> Result<Effect, String> {
    let found = Effect::NAMES.into_iter().find(|(_, name)| *name == text);
    found
        .map(|(effect, _)| effect)
        .ok_or("it is crash, slow, errors or hang".into())
}

fn overflow(studies: &[Study]) -> Option<Caveat> {
    let message = "in some simulations too many requests were inside at once, and they ended early; what is said of those \
                   losses covers only the time before";
    studies.iter().any(Study::overflowed).then(|| Caveat {
        code: "overflow".into(),
        message: message.into(),
    })
}
