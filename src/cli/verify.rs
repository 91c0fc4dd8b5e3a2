//! `fallover verify`: is this program right on this machine?

use clap::Args;

use super::exit::{Failure, INTERNAL, INTERRUPTED, note};
use super::options::Writing;
use super::simulate::{default_threads, failed, now, stop_on_interrupt};
use crate::analysis::result::Answer;
use crate::analysis::verify::{self, STEPS};
use crate::report::progress;

/// Is this program right on this machine? Theory, determinism, conservation, recordings
#[derive(Debug, Args)]
pub struct Verify {
    /// Where all randomness comes from
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    seed: u64,
    /// How many threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096), allow_negative_numbers = true)]
    threads: Option<u32>,
    #[command(flatten)]
    writing: Writing,
}

impl Verify {
    /// Runs all checks; ends with status 70 if any fails.
    pub fn run(self) -> Result<(), Failure> {
        let outputs = self.writing.outputs()?;
        for path in &self.writing.output {
            super::files::Files::default().writes(path)?;
        }
        let threads = self.threads.map_or_else(default_threads, |t| t as usize);
        let stop = stop_on_interrupt();
        let began = now();
        let bar = progress::bar(STEPS as u64, "checks", self.writing.quiet);
        let found = verify::verify(self.seed, threads, stop, &|| bar.inc(1));
        bar.finish_and_clear();
        let mut document = found.map_err(|failure| match failure {
            verify::Failure::Study(failure) => failed(failure),
            verify::Failure::Stopped => {
                note("interrupted: there is no verdict without all of the checks");
                Failure::Status(INTERRUPTED)
            }
        })?;
        document.engine.took(began.elapsed().as_secs_f64());
        self.writing.deliver(&document, &outputs)?;
        match &document.answer {
            Answer::Verify(verification) if !verification.passed => Err(Failure::Status(INTERNAL)),
            _ => Ok(()),
        }
    }
}
