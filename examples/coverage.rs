//! How often 95 % intervals hold the truth, over many seeds: `cargo run --release --example coverage [SEEDS]` (default 1000).
//!
//! Ends with status 1 if any lies outside 93.2 to 96.8 %: with 1000 seeds, that is 2.6 standard errors to each side.

#[path = "../tests/support/coverage.rs"]
mod cases;

use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use cases::{REPLICATIONS, cases, holds};
use fallover::analysis::run as findings;
use fallover::scenario::load_text;
use fallover::study::{self, Count, Settings, Watch};

/// Simulated seconds of a replication: long enough that quantiles are hardly biased.
const SECONDS: u32 = 120;

fn main() -> ExitCode {
    let seeds: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1000);
    let mut all_hold = true;
    for case in cases(SECONDS) {
        let plan = load_text("case.json", &case.json, &[]).expect("is right").plan;
        let mut counts = vec![0u64; case.truths.len()];
        for seed in 1..=seeds {
            let settings = Settings {
                seed,
                replications: Count::Fixed(REPLICATIONS),
                lifetimes: case.failures,
                rows: false,
                logs: false,
                threads: 0,
            };
            let watch = Watch {
                stop: &AtomicBool::new(false),
                progress: &|_, _| {},
                visit: &mut |_, _, _| Ok(()),
            };
            let studies = study::run(std::slice::from_ref(&plan), &settings, watch).expect("the books balance");
            let run = findings::run(&plan, &studies[0]);
            for (count, (_, measured, truth)) in counts.iter_mut().zip(&case.truths) {
                *count += u64::from(holds(measured(&run), *truth));
            }
        }
        for ((what, _, _), count) in case.truths.iter().zip(counts) {
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
