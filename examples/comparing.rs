//! Does `compare` keep its word? Designs that are equal in law, and designs that differ by 5 % in p99, 200 times each.
//!
//! `cargo run --release --example comparing`; ends with status 1 where either is right less than 95 times in 100.

use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use fallover::analysis::compare::{Compare, Verdict, compare};
use fallover::scenario::load_text;
use fallover::scenario::plan::Plan;
use fallover::study::{self, Count, Settings, Watch};

const SEEDS: u64 = 200;

/// Poisson arrivals at 100 a second at servers of exponential service. The names key the draws.
fn design(name: &str, mean_us: u32, workers: &str) -> Plan {
    let text = format!(
        r#"{{ "duration": "70s", "warmup": "10s",
              "clients": {{ "from-{name}": {{ "arrivals": {{ "poisson": "100/s" }}, "entry": "{name}" }} }},
              "nodes": {{ "{name}": {{ "kind": "app", {workers}
                          "work": {{ "*": {{ "io": {{ "exponential": {{ "mean": "{mean_us}us" }} }} }} }} }} }} }}"#
    );
    load_text("design.json", &text, &[]).expect("is right").plan
}

fn compared(plans: &[Plan], seed: u64) -> Compare {
    let settings = Settings {
        seed,
        replications: Count::Fixed(20),
        lifetimes: false,
        rows: false,
        logs: false,
        threads: 0,
    };
    let watch = Watch {
        stop: &AtomicBool::new(false),
        progress: &|_, _| {},
        visit: &mut |_, _, _| Ok(()),
    };
    let studies = study::run_side_by_side(plans, &settings, watch).expect("the books balance");
    compare(&[("a".into(), Vec::new()), ("b".into(), Vec::new())], plans, &studies)
}

fn main() -> ExitCode {
    let queue = "\"workers\": 1,";
    let equal = [design("left", 5000, queue), design("right", 5000, queue)];
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
