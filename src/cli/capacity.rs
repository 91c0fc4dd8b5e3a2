//! `fallover capacity`: how much load before the SLO breaks, what breaks first, and the capacity left after each loss.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::exit::{self, Failure, INTERRUPTED, MISSED};
use super::options::{Reading, Simulating, Writing};
use super::simulate::{failed, now, stop_on_interrupt};
use crate::analysis::capacity::{self as finding, End, Found, Question, Stack};
use crate::analysis::result::{Answer, Document, Engine, Envelope, SCHEMA_VERSION, ScenarioId};
use crate::report::progress;
use crate::scenario::fix::replicas::Originals;
use crate::scenario::plan::Plan;
use crate::scenario::vary::Axis;
use crate::study::{self, Count, Settings, Watch};

/// How much load before the SLO breaks, what breaks first, and how much is left with each component lost?
#[derive(Debug, Args)]
pub struct Capacity {
    /// The scenario, JSON or YAML; it must say what it promises (`slo`)
    scenario: PathBuf,
    /// Only the knee: no curve, and no component lost
    #[arg(long)]
    knee_only: bool,
    /// How many are enough? Hosts whose name fits (`*` = anything), with all that is on them, in each number: "server*=1..8"
    #[arg(long, value_name = "PATTERN=1..8", value_parser = Axis::parse)]
    replicas: Option<Axis>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) writing: Writing,
    #[command(flatten)]
    simulating: Simulating,
}

/// Each number is a search of its own, and nobody reads a longer table.
const MOST_SIZES: u64 = 64;
/// More copies of one component than this make a different kind of design.
const MOST_REPLICAS: usize = 1_000;

impl Capacity {
    /// Loads the scenario, searches for the knee, and reports the capacity.
    pub fn run(mut self) -> Result<(), Failure> {
        let outputs = self.writing.outputs()?;
        self.reading.set.extend(self.simulating.sets());
        let plan = self.reading.plan(&self.scenario, &self.writing)?;
        let question = Question {
            stacks: self.stacks()?,
            ..self.question(plan)?
        };
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
        let carries = match &found.capacity.sizing {
            Some(sizing) => sizing.fewest.is_some(),
            None => found.capacity.knee.knee_ratio.value.is_none_or(|ratio| ratio >= 1.0),
        };
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
            one_run: self.simulating.batch_means,
            all: !self.knee_only && self.replicas.is_none(),
            sized: self.replicas.as_ref().map_or(String::new(), |axis| axis.path.clone()),
            stacks: Vec::new(),
        })
    }

    /// A design for each number of `--replicas`. Errors in any of them are reported before the search begins.
    fn stacks(&self) -> Result<Vec<Stack>, Failure> {
        let Some(axis) = &self.replicas else {
            return Ok(Vec::new());
        };
        let bad = |message: String| Failure::BadInput(format!("--replicas {}: {message}", axis.path));
        let n = axis.count();
        if n > MOST_SIZES {
            return Err(bad(format!(
                "{n} numbers are more than {MOST_SIZES}, and each is a search"
            )));
        }
        let originals = Originals::of(&self.reading.load(&self.scenario)?, &axis.path).map_err(bad)?;
        let stack = |value: &str| {
            let n = value.parse().ok().filter(|n| (1..=MOST_REPLICAS).contains(n));
            let n = n.ok_or_else(|| bad(format!("{value:?} is no number of them from 1 to {MOST_REPLICAS}")))?;
            let sized = originals.sized(n).map_err(bad)?;
            Ok(Stack {
                replicas: n as u32,
                losable: sized.names.into_iter().take(originals.names.len()).collect(),
                plan: sized.loaded.plan,
                cost: sized.cost,
            })
        };
        axis.values().map(|v| stack(&v)).collect()
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
                batches: settings.batches.map(|_| replications),
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
                options: self.writing.typed.clone(),
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
