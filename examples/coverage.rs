//! How often 95 % intervals contain the truth, over many seeds: `cargo run --release --example coverage [SEEDS
//! [REPLICATIONS]]` (default: 1000 seeds, and the program's default number of replications). Then once more with as
//! many replications as a precision requires. Knees, which take a search each, use a quarter of the seeds.
//!
//! Ends with status 1 if any coverage is more than 2.6 standard errors off: with 1000 seeds, outside 93.2 to 96.8 %.

#[path = "../tests/support/alone.rs"]
mod alone;
#[path = "../tests/support/coverage.rs"]
mod cases;

use std::process::ExitCode;

use cases::{cases, covered, holds};
use fallover::scenario::load_text;
use fallover::scenario::plan::Measure;
use fallover::study::{Count, REPLICATIONS};

/// Simulated seconds of a replication.
const SECONDS: u32 = 120;

/// The requested relative half-width: it takes some 10 to 40 replications.
const PRECISION: f64 = 0.05;

/// Prints how many of the seeds' intervals contained a truth. Is that number plausible?
fn is_right(case: &str, what: &str, count: u64, seeds: u64) -> bool {
    let share = count as f64 / seeds as f64;
    let error = (0.95 * 0.05 / seeds as f64).sqrt();
    let good = (share - 0.95).abs() <= 2.6 * error;
    let mark = if good { "" } else { "  OUTSIDE" };
    println!("{case:26} {what:14} {:5.1} %{mark}", 100.0 * share);
    good
}

/// How many of the seeds' intervals contain the knee of M/M/1 with a p99 limit of 0.1 s; the time in the system is
/// exponential.
fn knees_covered(seeds: u64) -> u64 {
    let plan = load_text("case.json", &cases(SECONDS)[0].json, &[])
        .expect("is right")
        .plan;
    let truth = 100.0 - 100f64.ln() / 0.1;
    let found = |seed| alone::knee(&plan, Measure::Latency(0.99), 0.1, seed).knee.knee_per_s;
    (1..=seeds).filter(|seed| holds(found(*seed), truth)).count() as u64
}

fn main() -> ExitCode {
    let given: Vec<u64> = std::env::args().skip(1).filter_map(|n| n.parse().ok()).collect();
    let seeds = given.first().copied().unwrap_or(1000);
    let replications = given.get(1).map_or(REPLICATIONS, |n| *n as u32);
    let mut all_hold = true;
    for (title, wanted) in [
        (format!("{replications} replications"), Count::Fixed(replications)),
        (format!("--precision {PRECISION}"), Count::Precision(PRECISION)),
    ] {
        println!("{title}");
        for case in cases(SECONDS) {
            for ((what, _, _), count) in case.truths.iter().zip(covered(&case, seeds, wanted)) {
                all_hold &= is_right(case.name, what, count, seeds);
            }
        }
    }
    let searches = seeds / 4;
    all_hold &= is_right("M/M/1", "knee", knees_covered(searches), searches);
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
