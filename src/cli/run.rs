//! `fallover run`: what happens? All replications of all scenarios share one thread pool.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::exit::Failure;
use super::options::{Reading, Simulating, Writing};
use super::simulate::{failed, now, stop_on_interrupt};
use crate::analysis::result::{Answer, Document, Engine, Envelope, NamedRun, Runs, SCHEMA_VERSION};
use crate::analysis::run as findings;
use crate::model::recorder::{Row, RunRecord};
use crate::report::csv::{RequestRow, RequestWriter};
use crate::report::progress;
use crate::report::sink::{AtomicFile, Output};
use crate::scenario::plan::Plan;
use crate::study::{self, Settings, Study, Watch};

/// What happens? Runs scenarios and says what the clients saw
#[derive(Debug, Args)]
pub struct Run {
    /// Scenario files, JSON or YAML; several: a row and a line in the chart each
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
    /// Write a row for every request, in every replication
    #[arg(long, value_name = "FILE.csv")]
    requests: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) writing: Writing,
    #[command(flatten)]
    simulating: Simulating,
}

impl Run {
    /// Loads, simulates, and reports what happened.
    pub fn run(mut self) -> Result<(), Failure> {
        // All errors in the input are reported before the simulation begins.
        let outputs = self.outputs()?;
        self.reading.set.extend(self.simulating.sets());
        let mut plans = self
            .reading
            .plans(&self.scenarios, &self.writing, self.requests.as_deref())?;
        if let Some(path) = self.requests.as_deref().filter(|p| !is_table(p)) {
            let message = "--requests writes a table; give it a name that ends in .csv";
            return Err(Failure::BadInput(format!("{}: {message}", path.display())));
        }
        tell_apart(&mut plans, &self.scenarios);
        // The user may interrupt as soon as the estimated duration is printed.
        let stop = stop_on_interrupt();
        if !self.writing.quiet {
            self.simulating.say_how_long(&plans);
        }
        let began = now();
        let studies = self.simulate(&plans, stop)?;
        let document = self.document(&plans, &studies, began.elapsed().as_secs_f64());
        self.writing.deliver(&document, &outputs)?;
        self.simulating.verdict(&document, studies.iter().any(|s| !s.complete))
    }

    fn outputs(&self) -> Result<Vec<Output>, Failure> {
        if self.requests.is_some() && self.scenarios.len() > 1 {
            let message = "--requests takes one scenario: rows of several would not say whose they are";
            return Err(Failure::BadInput(message.into()));
        }
        self.writing.outputs()
    }

    // --- simulating -------------------------------------------------------------------------------------------------

    fn simulate(&self, plans: &[Plan], stop: &AtomicBool) -> Result<Vec<Study>, Failure> {
        let mut rows = match &self.requests {
            Some(path) => Some(Rows::create(path, &plans[0])?),
            None => None,
        };
        let settings = Settings {
            rows: self.requests.is_some(),
            ..self.simulating.settings()
        };
        let bar = progress::bar(0, "replications", self.writing.quiet);
        let watch = Watch {
            stop,
            progress: &|done, total| {
                bar.set_length(total);
                bar.set_position(done);
            },
            visit: &mut |plan, replication, record| match &mut rows {
                Some(rows) => rows.write(&plans[plan], replication, record),
                None => Ok(()),
            },
        };
        let studies = study::run(plans, &settings, watch).map_err(failed)?;
        bar.finish_and_clear();
        // As with results: if nothing was finished, an earlier run's file stays.
        let is_empty = studies.iter().all(|s| s.done() == 0);
        if let Some(rows) = rows.filter(|_| !is_empty) {
            rows.commit()?;
        }
        Ok(studies)
    }

    // --- telling ----------------------------------------------------------------------------------------------------

    fn document(&self, plans: &[Plan], studies: &[Study], wall_s: f64) -> Document {
        let runs: Vec<NamedRun> = plans.iter().zip(studies).map(|(p, s)| findings::named(p, s)).collect();
        let events: u64 = studies.iter().map(|s| s.events_taken).sum();
        let first = runs[0].clone();
        let (answer, caveats) = match runs.len() {
            1 => (Answer::Run(Box::new(first.run)), first.caveats),
            _ => (Answer::Runs(Runs { runs }), Vec::new()),
        };
        Document {
            envelope: Envelope {
                schema_version: SCHEMA_VERSION,
                command: "run".into(),
                options: self.writing.typed.clone(),
                complete: studies.iter().all(|s| s.complete && !s.overflowed()),
                scenario: first.scenario,
                seed: Some(self.simulating.seed),
                replications: first.replications,
                duration_s: first.duration_s,
                warmup_s: Some(first.warmup_s),
            },
            answer,
            caveats,
            engine: Engine::this(self.simulating.threads(), events, wall_s),
        }
    }
}

/// Adds the file name to scenarios with the same name, so that tables and charts can distinguish them.
fn tell_apart(plans: &mut [Plan], files: &[PathBuf]) {
    let names: Vec<String> = plans.iter().map(|p| p.name.clone()).collect();
    let is_shared = |name: &String| names.iter().filter(|n| *n == name).count() > 1;
    for ((plan, file), name) in plans.iter_mut().zip(files).zip(&names) {
        if is_shared(name) {
            plan.name = format!("{name} ({})", file.display());
        }
    }
}

/// The file of `--requests`, written as replications finish.
struct Rows {
    path: PathBuf,
    writer: RequestWriter<AtomicFile>,
}

impl Rows {
    fn create(path: &Path, plan: &Plan) -> Result<Rows, Failure> {
        let nodes: Vec<String> = plan.nodes.iter().map(|n| n.name.clone()).collect();
        let file = AtomicFile::at(path)?;
        let writer = RequestWriter::new(file, &nodes).map_err(|e| Failure::Unreadable(e.to_string()))?;
        Ok(Rows {
            path: path.into(),
            writer,
        })
    }

    fn write(&mut self, plan: &Plan, replication: u32, record: &RunRecord) -> io::Result<()> {
        record.rows.iter().try_for_each(|row| {
            self.writer
                .write(&named(plan, replication, row))
                .map_err(io::Error::from)
        })
    }

    fn commit(self) -> Result<(), Failure> {
        let failed = |e: String| Failure::Unreadable(format!("{}: {e}", self.path.display()));
        let file = self.writer.finish().map_err(|e| failed(e.to_string()))?;
        Ok(file.commit()?)
    }
}

/// A row with names in place of indices.
fn named(plan: &Plan, replication: u32, row: &Row) -> RequestRow {
    let seconds = |span: &crate::base::time::Span| span.seconds();
    RequestRow {
        replication,
        id: row.id,
        class: plan.classes[row.class.index()].name.clone(),
        client: plan.source(row.source).name.clone(),
        arrived_s: row.arrived.seconds(),
        finished_s: row.finished.map(|t| t.seconds()),
        latency_s: row.finished.map(|t| t.since(row.arrived).seconds()),
        outcome: row.outcome.name().into(),
        attempts: row.attempts,
        server: row.server.map(|s| plan.node(s).name.clone()),
        waits: (0..plan.nodes.len())
            .map(|n| row.waits.get(&crate::base::ids::NodeId::new(n)).map(seconds))
            .collect(),
    }
}

/// May a table be written there? Yes if its name says so, or if it is a pipe or a device.
fn is_table(path: &Path) -> bool {
    let is_csv = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    is_csv || path.metadata().is_ok_and(|m| !m.is_file())
}
