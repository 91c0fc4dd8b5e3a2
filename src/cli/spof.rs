//! `fallover spof`: what are the single points of failure, and what does each loss do and cost?

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Args;

use super::exit::{self, Failure, INTERRUPTED};
use super::files::Files;
use super::options::{Reading, Simulating, Writing};
use super::simulate::{failed, stop_on_interrupt};
use crate::analysis::result::{Caveat, Document, Engine, SCHEMA_VERSION, ScenarioId};
use crate::analysis::spof::{self as finding, Effect, Question, Reactions};
use crate::report::chart::Look;
use crate::report::sink::Output;
use crate::report::terminal::Terminal;
use crate::report::{json, progress, spof as words};
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
        let outputs = self.outputs()?;
        let plan = self.plan()?;
        let stop = stop_on_interrupt();
        #[expect(
            clippy::disallowed_methods,
            reason = "for `engine.wall_s`, which may differ from run to run"
        )]
        let began = Instant::now();
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
            schema_version: SCHEMA_VERSION,
            command: "spof".into(),
            complete: !studies.iter().any(Study::overflowed),
            scenario: ScenarioId {
                name: plan.name.clone(),
                digest: plan.digest.clone(),
            },
            seed: self.simulating.seed,
            replications: studies[0].samples.len() as u32,
            duration_s: base.duration.seconds(),
            warmup_s: studies[0].warmup.seconds(),
            run: None,
            runs: None,
            caveats: finding::caveats(&plan, &spof)
                .into_iter()
                .chain(overflow(&studies))
                .collect(),
            spof: Some(spof),
            engine: Engine {
                version: env!("CARGO_PKG_VERSION").into(),
                threads: self.simulating.threads(),
                events,
                wall_s,
                events_per_s: events as f64 / wall_s.max(1e-9),
            },
        };
        self.hand_over(&document, &outputs)
    }

    /// Each once, in the order of their list.
    fn effects(&self) -> Vec<Effect> {
        let mut effects = self.effects.clone();
        effects.sort();
        effects.dedup();
        effects
    }

    fn outputs(&self) -> Result<Vec<Output>, Failure> {
        let parse = |path: &PathBuf| {
            if path.extension().is_none_or(|e| !e.eq_ignore_ascii_case("json")) {
                let message = format!("{}: spof writes .json only so far", path.display());
                return Err(Failure::BadInput(message));
            }
            Output::parse(path).map_err(|e| Failure::Unreadable(e.to_string()))
        };
        self.writing.output.iter().map(parse).collect()
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
        let loaded = self.reading.load(&self.scenario)?;
        let mut files = Files::default();
        files.reads(&self.scenario, "the scenario");
        loaded
            .traces
            .iter()
            .for_each(|t| files.reads(t, "a trace of this scenario"));
        self.writing
            .output
            .iter()
            .try_for_each(|path: &PathBuf| files.writes(Path::new(path)))?;
        if !self.writing.quiet {
            let name = self.scenario.display();
            loaded
                .plan
                .warnings
                .iter()
                .for_each(|w| exit::note(&format!("{name}: warning: {w}")));
        }
        Ok(loaded.plan)
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

    fn hand_over(&self, document: &Document, outputs: &[Output]) -> Result<(), Failure> {
        for output in outputs {
            output
                .write(document, &Look::default())
                .map_err(|e| Failure::Unreadable(e.to_string()))?;
        }
        if self.writing.json {
            let mut bytes = Vec::new();
            json::write(document, &mut bytes).map_err(|e| Failure::Unreadable(e.to_string()))?;
            return exit::print(&String::from_utf8_lossy(&bytes));
        }
        if self.writing.quiet {
            return Ok(());
        }
        exit::print(&Terminal::of_stdout().render(&words::report(document)))
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
