//! How often 95 % intervals hold the truth, over many seeds: `cargo run --release --example coverage [SEEDS [REPLICATIONS]]`
//! (default 1000 seeds, and as many replications each as the program does where nobody says how many).
//!
//! Ends with status 1 if any lies outside 93.2 to 96.8 %: with 1000 seeds, that is 2.6 standard errors to each side.

#[path = "../tests/support/alone.rs"]
mod alone;
#[path = "../tests/support/coverage.rs"]
mod cases;

use std::process::ExitCode;

use cases::{cases, covered};
use fallover::study::REPLICATIONS;

/// Simulated seconds of a replication.
const SECONDS: u32 = 120;

fn main() -> ExitCode {
    let given: Vec<u64> = std::env::args().skip(1).filter_map(|n| n.parse().ok()).collect();
    let seeds = given.first().copied().unwrap_or(1000);
    let replications = given.get(1).map_or(REPLICATIONS, |n| *n as u32);
    let mut all_hold = true;
    for case in cases(SECONDS) {
        for ((what, _, _), count) in case.truths.iter().zip(covered(&case, seeds, replications)) {
            let share = 100.0 * count as f64 / seeds as f64;
            let good = (93.2..=96.8).contains(&share);
            all_hold &= good;
            println!(
                "{:26} {what:14} {share:5.1} %{}",
                case.name,
                if good { "" } else { "  OUTSIDE 93.2 to 96.8 %" }
            );
        }
    }
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
