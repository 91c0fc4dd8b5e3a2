//! Options that commands share, in groups that commands flatten into their own.
//!
//! Only what the user typed. Each command sets the defaults that depend on the scenario.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args};

use super::exit::Failure;
use super::simulate::default_threads;
use crate::base::limits;
use crate::scenario::raw::units::Duration;
use crate::scenario::{Loaded, load};
use crate::study::{self, Count, Settings};

/// How a scenario is read.
#[derive(Clone, Debug, Args)]
pub struct Reading {
    /// Change the scenario before it is read: PATH is dotted, VALUE is JSON or else text (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

impl Reading {
    /// Loads a scenario with these options.
    pub fn load(&self, file: &std::path::Path) -> Result<Loaded, Failure> {
        load(file, &self.set).map_err(Failure::from)
    }
}

/// Where results go.
#[derive(Clone, Debug, Args)]
pub struct Writing {
    /// Print the result document on standard output, and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Write the result to a file as well; its extension says how (repeatable)
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// No progress and no table; errors and --json remain
    #[arg(long, short = 'q')]
    pub quiet: bool,
    /// What was typed that decides about the result: for the result.
    #[arg(skip)]
    pub typed: Vec<String>,
}

/// Options that only affect presentation, destination or speed, or that a result records anyway. All others belong to
/// the result.
const NOT_OF_THE_RESULT: [&str; 9] = [
    "output", "quiet", "json", "threads", "check", "requests", "yes", "seed", "shard",
];

/// The typed options that affect the result, as they stand on the command line, one word each.
pub fn typed(command: &clap::Command, matches: &ArgMatches) -> Vec<String> {
    let is_typed = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        !NOT_OF_THE_RESULT.contains(&id) && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let mut words = Vec::new();
    for arg in command.get_arguments().filter(|a| !a.is_positional()).filter(is_typed) {
        let option = format!("--{}", arg.get_long().expect("every option has a long name"));
        if !arg.get_action().takes_values() {
            words.push(option);
            continue;
        }
        for occurrence in matches.get_raw_occurrences(arg.get_id().as_str()).into_iter().flatten() {
            let values: Vec<String> = occurrence.map(|v| v.to_string_lossy().into_owned()).collect();
            words.extend([option.clone(), values.join(",")]);
        }
    }
    words
}

/// How a simulation is done.
#[derive(Clone, Debug, Args)]
pub struct Simulating {
    /// Where all randomness comes from
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = seed)]
    pub seed: u64,
    /// How many independent replications [default: 20]
    #[arg(long, value_name = "N", value_parser = replications)]
    #[arg(conflicts_with = "precision", allow_negative_numbers = true)]
    pub replications: Option<u32>,
    /// Instead of a count: until each headline interval's relative half-width is at most R
    #[arg(long, value_name = "R", value_parser = precision, allow_negative_numbers = true)]
    pub precision: Option<f64>,
    /// Simulated time of one replication, instead of the scenario's
    #[arg(long, value_name = "D", value_parser = duration, allow_hyphen_values = true)]
    pub duration: Option<Duration>,
    /// How much of its start is left out of the estimates, instead of the scenario's; "auto" = detected
    #[arg(long, value_name = "D", value_parser = warmup, allow_hyphen_values = true)]
    pub warmup: Option<String>,
    /// One run instead of replications, cut into as many batches of equal length
    #[arg(long, conflicts_with = "precision")]
    pub batch_means: bool,
    /// Show how the run settles, and where MSER-5 would cut it
    #[arg(long)]
    pub show_warmup: bool,
    /// How many threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096), allow_negative_numbers = true)]
    pub threads: Option<u32>,
    /// Let lifetimes act too, not only the scheduled faults
    #[arg(long)]
    pub failures: bool,
    /// End with status 99 if an SLO of the scenario is missed
    #[arg(long)]
    pub check: bool,
}

impl Simulating {
    /// The settings of the study, without those that only `run` has.
    pub fn settings(&self) -> Settings {
        let replications = match (self.precision, self.replications) {
            (Some(precision), _) => Count::Precision(precision),
            (None, count) => Count::Fixed(count.unwrap_or(study::REPLICATIONS)),
        };
        Settings {
            seed: self.seed,
            replications,
            lifetimes: self.failures,
            rows: false,
            logs: false,
            batches: self
                .batch_means
                .then(|| self.replications.unwrap_or(study::REPLICATIONS)),
            show_warmup: self.show_warmup,
            threads: self.threads.unwrap_or(0) as usize,
        }
    }

    /// The resulting number of threads.
    pub fn threads(&self) -> usize {
        self.threads.map_or_else(default_threads, |t| t as usize)
    }

    /// The `--set` options equivalent to `--duration` and `--warmup`, so that they are checked like the scenario's own
    /// values.
    pub fn sets(&self) -> Vec<String> {
        let duration = self.duration.map(|d| format!("duration={}", d.0));
        let warmup = self.warmup.as_ref().map(|w| format!("warmup={w}"));
        duration.into_iter().chain(warmup).collect()
    }
}

/// A duration; a bare number is seconds.
pub fn span(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map(Duration::from_seconds);
    seconds.unwrap_or_else(|_| Duration::parse(text))
}

/// The same, greater than zero.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration = span(text)?;
    if duration.0.is_zero() {
        Err("it must be above zero".into())
    } else {
        Ok(duration)
    }
}

fn warmup(text: &str) -> Result<String, String> {
    match text {
        "auto" => Ok(text.to_owned()),
        _ => span(text).map(|_| text.to_owned()),
    }
}

/// For commands that simulate one failure at a time and always have lifetimes active.
pub fn of_failures(argument: clap::Arg) -> clap::Arg {
    match argument.get_id().as_str() {
        "duration" => argument.help("Simulated time of one replication [default: long enough for every reaction]"),
        "warmup" => argument
            .help("How long it is before the failure comes, in whole tens of seconds; \"auto\" = as MSER-5 finds it"),
        // Options that they would reject are hidden from their help.
        "failures" | "batch_means" => argument.hide(true),
        _ => argument,
    }
}

fn seed(text: &str) -> Result<u64, String> {
    let most = u64::MAX;
    text.parse()
        .map_err(|_| format!("it must be a whole number from 0 to {most}, such as 1"))
}

fn replications(text: &str) -> Result<u32, String> {
    let most = limits::REPLICATIONS;
    let count = text.parse().ok().filter(|n| (1..=most).contains(n));
    count.ok_or_else(|| format!("it must be a whole number from 1 to {most}, such as 20"))
}

fn precision(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(r) if r > 0.0 && r < 1.0 => Ok(r),
        _ => Err("it must lie between 0 and 1, such as 0.05".into()),
    }
}
