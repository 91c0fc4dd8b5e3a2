//! `fallover spof`: what are the single points of failure, and what is the effect and the cost of each loss?

use std::path::PathBuf;

use clap::Args;

use super::exit::{self, Failure, INTERRUPTED, MISSED};
use super::options::{Reading, Simulating, Writing, of_failures};
use super::simulate::{NOTHING_CHECKED, failed, now, stop_on_interrupt};
use crate::analysis::result::{Answer, Caveat, Document, Engine, Envelope, SCHEMA_VERSION, ScenarioId};
use crate::analysis::spof::{self as finding, Effect, Lab, Options, remedies};
use crate::report::progress;
use crate::scenario::Loaded;
use crate::study::Settings;

const APPLY_PRINTS: &str = "--apply prints the scenario after the fix, and writes no result with -o; send what it prints to a file: > fixed.json";

/// What are the single points of failure, what does each cost, and what can the rest not carry?
#[derive(Debug, Args)]
#[command(mut_args(of_failures))]
pub struct Spof {
    /// The scenario, JSON or YAML
    scenario: PathBuf,
    /// Look for cut sets of up to N components
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=6))]
    order: u32,
    /// Also price every pair that cuts a class together, and every pair of hosts
    #[arg(long)]
    pairs: bool,
    /// How components fail, of crash, slow (ten times), errors (every second answer), hang and drop (every second call is lost), separated by commas
    #[arg(long, value_name = "EFFECT,…", value_delimiter = ',', default_value = "crash", value_parser = effect)]
    effects: Vec<Effect>,
    /// Print the scenario after this fix, one of those that `spof` lists, and simulate nothing (repeatable: one upon the other)
    #[arg(long, value_name = "FIX")]
    apply: Vec<String>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) writing: Writing,
    #[command(flatten)]
    simulating: Simulating,
}

impl Spof {
    /// Loads the scenario, takes each component down in turn, and reports the effect.
    pub fn run(self) -> Result<(), Failure> {
        let outputs = self.writing.outputs()?;
        let loaded = self.reading.one(&self.scenario, &self.writing)?;
        if !self.apply.is_empty() {
            return match outputs.is_empty() {
                true => self.apply(loaded),
                false => Err(Failure::BadInput(APPLY_PRINTS.into())),
            };
        }
        let plan = &loaded.plan;
        let stop = stop_on_interrupt();
        let (wish, shown) = self.simulating.timing(plan, stop)?;
        let began = now();
        let bar = progress::bar(1, "simulations", self.writing.quiet);
        let mut lab = Lab {
            settings: Settings {
                show_warmup: false,
                ..self.simulating.settings()
            },
            wish,
            stop,
            progress: &|what, done, total| {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(format!("simulations: {what}"));
            },
            events: 0,
            overflowed: false,
        };
        let (mut spof, before) = finding::answer(plan, &self.options(), &mut lab).map_err(failed)?;
        let finished = remedies(&loaded, &before, &mut spof, &mut lab).map_err(failed)?;
        bar.finish_and_clear();
        let document = Document {
            envelope: Envelope {
                schema_version: SCHEMA_VERSION,
                command: "spof".into(),
                options: self.writing.typed.clone(),
                complete: finished && !lab.overflowed,
                scenario: ScenarioId::of(plan),
                seed: Some(self.simulating.seed),
                replications: before.replications(),
                duration_s: before.duration_s(),
                warmup_s: Some(before.warmup_s()),
            },
            caveats: finding::caveats(plan, &spof)
                .into_iter()
                .chain(overflow(lab.overflowed))
                .chain(shown)
                .collect(),
            answer: Answer::Spof(Box::new(spof)),
            engine: Engine::this(self.simulating.threads(), lab.events, began.elapsed().as_secs_f64()),
        };
        self.writing.deliver(&document, &outputs)?;
        if !finished {
            exit::note("interrupted: what was finished is in the result; no fix has been tried to the end");
            return Err(Failure::Status(INTERRUPTED));
        }
        match self.simulating.check.then(|| before.keeps_promises()) {
            Some(None) => exit::note(NOTHING_CHECKED),
            Some(Some(false)) => return Err(Failure::Status(MISSED)),
            Some(Some(true)) | None => {}
        }
        Ok(())
    }

    fn apply(&self, loaded: Loaded) -> Result<(), Failure> {
        let scenario = finding::apply(loaded, &self.apply).map_err(|e| Failure::BadInput(e.to_string()))?;
        exit::print(&format!("{scenario:#}\n"))
    }

    /// Each effect once, in the order of the list.
    fn options(&self) -> Options {
        let mut effects = self.effects.clone();
        effects.sort();
        effects.dedup();
        Options {
            effects,
            pairs: self.pairs,
            order: self.order as usize,
        }
    }
}

fn effect(text: &str) -> Result<Effect, String> {
    let found = Effect::NAMES.into_iter().find(|(_, name)| *name == text);
    found
        .map(|(effect, _)| effect)
        .ok_or("it is crash, slow, errors, hang or drop".into())
}

fn overflow(overflowed: bool) -> Option<Caveat> {
    let message = "some simulations outgrew their limits (requests inside at once, steps), and ended early; what is said of those \
                   losses covers only the time before";
    overflowed.then(|| Caveat {
        code: "overflow".into(),
        message: message.into(),
    })
}
