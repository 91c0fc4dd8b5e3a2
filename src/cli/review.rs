//! `fallover review`: what a senior engineer would say on reading the scenario. Nothing is simulated.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use super::exit::{self, Failure, MISSED};
use super::files::Files;
use super::options::{Reading, Writing};
use crate::analysis::review::Document;
use crate::analysis::spof::single_points;
use crate::report::sink::Output;
use crate::report::terminal::Terminal;
use crate::report::{json, review as words};
use crate::scenario::Loaded;
use crate::scenario::review::{Severity, review};

/// Review the design without simulating it: what a senior engineer would say on reading it
#[derive(Debug, Args)]
pub struct Review {
    /// The scenario file, JSON or YAML
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    writing: Writing,
    /// End with status 99 on a critical finding
    #[arg(long)]
    check: bool,
}

impl Review {
    /// Loads, reviews, and says what was found.
    pub fn run(self) -> Result<(), Failure> {
        let outputs = self.outputs()?;
        let loaded = self.load()?;
        #[expect(
            clippy::disallowed_methods,
            reason = "for `engine.wall_s`, which may differ from run to run"
        )]
        let began = Instant::now();
        let findings = review(&loaded.plan, &single_points(&loaded.plan));
        let document = Document::new(&loaded.plan, findings, began.elapsed().as_secs_f64());
        self.print(&document)?;
        for output in &outputs {
            let written = output.write_json(&document);
            written.map_err(|e| Failure::Unreadable(e.to_string()))?;
        }
        let is_critical = document.findings.iter().any(|f| f.severity == Severity::Critical);
        match self.check && is_critical {
            true => Err(Failure::Status(MISSED)),
            false => Ok(()),
        }
    }

    fn outputs(&self) -> Result<Vec<Output>, Failure> {
        let parse = |path: &PathBuf| {
            if !is_json(path) {
                let message = format!("{}: review writes .json only so far", path.display());
                return Err(Failure::BadInput(message));
            }
            Output::parse(path).map_err(|e| Failure::Unreadable(e.to_string()))
        };
        self.writing.output.iter().map(parse).collect()
    }

    /// The scenario, which no output may replace.
    fn load(&self) -> Result<Loaded, Failure> {
        let loaded = self.reading.load(&self.scenario)?;
        let mut files = Files::default();
        files.reads(&self.scenario, "the scenario under review");
        loaded
            .traces
            .iter()
            .for_each(|t| files.reads(t, "a trace of the scenario"));
        self.writing.output.iter().try_for_each(|path| files.writes(path))?;
        if !self.writing.quiet {
            let say = |w: &String| exit::note(&format!("{}: warning: {w}", self.scenario.display()));
            loaded.plan.warnings.iter().for_each(say);
        }
        Ok(loaded)
    }

    fn print(&self, document: &Document) -> Result<(), Failure> {
        if self.writing.json {
            let mut bytes = Vec::new();
            json::write(document, &mut bytes).map_err(|e| Failure::Unreadable(e.to_string()))?;
            exit::print(&String::from_utf8_lossy(&bytes))
        } else if !self.writing.quiet {
            exit::print(&Terminal::of_stdout().render(&words::report(document)))
        } else {
            Ok(())
        }
    }
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"))
}
