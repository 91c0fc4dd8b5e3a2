//! `fallover review`: what a senior engineer would say on reading the scenario. Nothing is simulated.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Failure, MISSED};
use super::options::{Reading, Writing};
use super::simulate::now;
use crate::analysis;
use crate::analysis::spof::single_points;
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
    pub(super) writing: Writing,
    /// End with status 99 on a critical finding
    #[arg(long)]
    check: bool,
}

impl Review {
    /// Loads the scenario, reviews it, and prints the findings.
    pub fn run(self) -> Result<(), Failure> {
        let outputs = self.writing.outputs()?;
        let plan = self.reading.plan(&self.scenario, &self.writing)?;
        let began = now();
        let findings = review(&plan, &single_points(&plan));
        let is_critical = findings.iter().any(|f| f.severity == Severity::Critical);
        let mut document = analysis::review::document(&plan, findings, began.elapsed().as_secs_f64());
        document.envelope.options.clone_from(&self.writing.typed);
        self.writing.deliver(&document, &outputs)?;
        match self.check && is_critical {
            true => Err(Failure::Status(MISSED)),
            false => Ok(()),
        }
    }
}
