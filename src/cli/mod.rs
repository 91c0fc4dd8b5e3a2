//! The command line: one file for each command, and the options that commands share.
//!
//! Results go to standard output, everything else to standard error. The work itself is done elsewhere.

mod availability;
mod capacity;
mod compare;
mod completions;
mod deliver;
pub mod exit;
mod explain;
mod files;
pub mod options;
mod report;
mod review;
mod run;
mod schema;
mod simulate;
mod spof;
mod sweep;
mod validate;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::exit::{Failure, INTERNAL, UNREADABLE};
use self::options::Writing;

/// Does your stack fail over, or fall over? Simulates a web stack event by event, and injects failures.
#[derive(Debug, Parser)]
#[command(name = "fallover", version, arg_required_else_help = true, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What happens? Runs scenarios and says what the clients saw
    Run(run::Run),
    /// Which design is better, by how much, and is the difference real?
    Compare(compare::Compare),
    /// A grid of runs: every combination of values, to a table; or which input moves the result most
    Sweep(sweep::Sweep),
    /// Put the shards of a sweep together
    Merge(sweep::Merge),
    /// How much load before the SLO breaks, what breaks first, and how much is left with each component lost?
    Capacity(capacity::Capacity),
    /// What are the single points of failure, what does each cost, and what can the rest not carry?
    Spof(spof::Spof),
    /// Turn results into a report to hand on: PDF, HTML, PNG or SVG
    Report(report::Report),
    /// How much of its requests does the service answer over years, and what costs the rest?
    Availability(availability::Availability),
    /// Say whether scenarios are right, one line each
    Validate(validate::Validate),
    /// Show the resolved scenario: every value in force, and where it came from
    Explain(explain::Explain),
    /// Review the design without simulating it: what a senior engineer would say on reading it
    Review(review::Review),
    /// Is this program right on this machine? Theory, determinism, conservation, recordings
    Verify(verify::Verify),
    /// Print the JSON Schema of the scenario format
    Schema,
    /// Print completions for a shell
    Completions(completions::Completions),
}

impl Cli {
    fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
        let mut command = Cli::command();
        let matches = command.try_get_matches_from_mut(arguments)?;
        let mut cli = Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut command))?;
        if let (Some((name, its)), Some(writing)) = (matches.subcommand(), cli.command.writing()) {
            let command = command.find_subcommand(name).expect("it was parsed");
            writing.typed = options::typed(command, its);
        }
        Ok(cli)
    }
}

impl Command {
    /// The part of a command that records the typed options, if its result can be reproduced from them.
    fn writing(&mut self) -> Option<&mut Writing> {
        match self {
            Command::Run(run) => Some(&mut run.writing),
            Command::Compare(compare) => Some(&mut compare.writing),
            Command::Sweep(sweep) => Some(&mut sweep.writing),
            Command::Capacity(capacity) => Some(&mut capacity.writing),
            Command::Spof(spof) => Some(&mut spof.writing),
            Command::Availability(availability) => Some(&mut availability.writing),
            Command::Review(review) => Some(&mut review.writing),
            Command::Validate(validate) => Some(&mut validate.writing),
            Command::Explain(explain) => Some(&mut explain.writing),
            // Their output was determined elsewhere, or is not a result; `verify` has no option but its seed.
            Command::Merge(_) | Command::Report(_) | Command::Verify(_) | Command::Schema | Command::Completions(_) => {
                None
            }
        }
    }

    fn run(self) -> Result<(), Failure> {
        match self {
            Command::Run(run) => run.run(),
            Command::Compare(compare) => compare.run(),
            Command::Sweep(sweep) => sweep.run(),
            Command::Merge(merge) => merge.run(),
            Command::Capacity(capacity) => capacity.run(),
            Command::Spof(spof) => spof.run(),
            Command::Report(report) => report.run(),
            Command::Availability(availability) => availability.run(),
            Command::Validate(validate) => validate.run(),
            Command::Explain(explain) => explain.run(),
            Command::Review(review) => review.run(),
            Command::Verify(verify) => verify.run(),
            Command::Schema => schema::run(),
            Command::Completions(completions) => completions.run(),
        }
    }
}

/// Runs a command line and returns its exit status.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // clap prints errors, help and version itself, and ends with status 2 or 0.
    let cli = match Cli::read(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let status = match error.print() {
                Err(failed) if failed.kind() != std::io::ErrorKind::BrokenPipe && !error.use_stderr() => {
                    exit::note(&format!("cannot write to standard output: {failed}"));
                    UNREADABLE
                }
                _ => error.exit_code() as u8,
            };
            return ExitCode::from(status);
        }
    };
    match std::panic::catch_unwind(|| cli.command.run()) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            failure.print();
            ExitCode::from(failure.status())
        }
        Err(_) => {
            exit::note("this is a mistake in fallover, not in your scenario; please report the message above");
            ExitCode::from(INTERNAL)
        }
    }
}
