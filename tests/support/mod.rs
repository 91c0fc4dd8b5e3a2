//! Helpers of the integration tests: a scenario as text in, a study or a single run out.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod alone;
pub mod haproxy;
pub mod queues;

use std::sync::atomic::AtomicBool;

use alone::alone;
use fallover::analysis::result::Run;
use fallover::analysis::run as findings;
use fallover::analysis::spof::{Effect, Lab, Options, Spof, TimesWanted, answer};
use fallover::model::recorder::{Row, RunRecord, Wanted};
use fallover::model::request::Outcome;
use fallover::model::world::{self, Order};
use fallover::scenario::load_text;
use fallover::scenario::plan::{Plan, Warmup};
use fallover::study::{Settings, Study};

/// The plan of a scenario that must be valid.
pub fn plan(json: &str) -> Plan {
    match load_text("test.json", json, &[]) {
        Ok(loaded) => loaded.plan,
        Err(problems) => panic!("{problems}\n{json}"),
    }
}

/// A study of a scenario.
pub fn study(json: &str, replications: u32, seed: u64) -> (Plan, Study) {
    let plan = plan(json);
    let study = study_of(&plan, replications, seed, 0, false);
    (plan, study)
}

/// A study of a plan on `threads` threads.
pub fn study_of(plan: &Plan, replications: u32, seed: u64, threads: usize, lifetimes: bool) -> Study {
    let settings = Settings {
        lifetimes,
        threads,
        ..Settings::plain(seed, replications)
    };
    alone(plan, &settings)
}

/// The result of `spof` with `replications` replications of each loss.
pub fn spof(plan: &Plan, replications: u32, order: usize) -> Spof {
    let stop = AtomicBool::new(false);
    let found = answer(plan, &crashes(order), &mut lab(replications, &stop)).expect("the books balance");
    found.0
}

/// Crashes of every component, without pairs.
pub fn crashes(order: usize) -> Options {
    Options {
        effects: vec![Effect::Crash],
        pairs: false,
        order,
    }
}

/// Settings of an experiment with `replications` replications of everything.
pub fn lab(replications: u32, stop: &AtomicBool) -> Lab<'_> {
    Lab {
        settings: Settings {
            logs: true,
            ..Settings::plain(1, replications)
        },
        wish: TimesWanted::default(),
        stop,
        progress: &|_, _, _| {},
        events: 0,
        overflowed: false,
    }
}

/// The results of a study of a scenario.
pub fn run(json: &str, replications: u32, seed: u64) -> Run {
    let (plan, study) = study(json, replications, seed);
    findings::run(&plan, &study)
}

/// One replication with a row for every request.
pub fn record(json: &str) -> RunRecord {
    record_with(json, 1, false)
}

/// One replication with this seed, with or without lifetimes.
pub fn record_with(json: &str, seed: u64, lifetimes: bool) -> RunRecord {
    let plan = plan(json);
    let Warmup::Fixed(warmup) = plan.warmup else {
        panic!("a fixed warm-up")
    };
    let wanted = Wanted {
        rows: true,
        events: true,
        ..Wanted::default()
    };
    let order = Order {
        seed,
        replication: 0,
        warmup,
        lifetimes,
        wanted,
    };
    world::run(&plan, &order, &|_| false)
        .expect("the books balance")
        .expect("nobody stops it")
}

/// When each request ended, in seconds, and how.
pub fn endings(rows: &[Row]) -> Vec<(f64, Outcome)> {
    rows.iter()
        .map(|r| (r.finished.map_or(f64::NAN, |t| t.seconds()), r.outcome))
        .collect()
}
