//! Is `compare` right as often as it claims? Designs that are equal in law, and designs that differ by 5 % in p99, 200
//! times each.
//!
//! `cargo run --release --example comparing`; ends with status 1 where either is right less than 95 times in 100.

#[path = "../tests/support/alone.rs"]
mod alone;
#[path = "../tests/support/queues.rs"]
mod queues;

use std::process::ExitCode;

use fallover::analysis::compare::{Compare, Verdict};
use fallover::scenario::load_text;
use fallover::scenario::plan::Plan;
use fallover::study::Settings;

const SEEDS: u64 = 200;

fn design(name: &str, mean_us: u32, workers: &str) -> Plan {
    let text = queues::queue(name, mean_us, workers);
    load_text("design.json", &text, &[]).expect("is right").plan
}

fn compared(plans: &[Plan], seed: u64) -> Compare {
    alone::compared(plans, &Settings::plain(seed, 20))
}

fn main() -> ExitCode {
    let equal = [design("left", 5000, queues::ONE), design("right", 5000, queues::ONE)];
    let slower = [design("left", 5000, ""), design("right", 5250, "")];
    let is_none = |c: &Compare| c.differences.iter().all(|d| d.verdict == Verdict::NoDifferenceShown);
    let is_found = |c: &Compare| {
        let p99 = c.differences.iter().find(|d| d.metric == "latency_s.p99");
        p99.is_some_and(|d| d.verdict == Verdict::ABetter)
    };
    let silent = (1..=SEEDS).filter(|s| is_none(&compared(&equal, *s))).count();
    println!("equal in law (M/M/1 at 0.5): no difference shown in {silent} of {SEEDS}");
    let found = (1..=SEEDS).filter(|s| is_found(&compared(&slower, *s))).count();
    println!("p99 5 % longer (M/M/∞): found in {found} of {SEEDS}");
    match silent.min(found) as f64 >= 0.95 * SEEDS as f64 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
