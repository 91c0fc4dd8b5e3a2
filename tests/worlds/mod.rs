//! Hostile worlds: one seed draws a whole stack with load, policies, time-outs and overlapping faults, runs it with
//! every invariant checked, and runs it once more healed, when it must come to rest.
//!
//! Shared by `tests/swarm.rs`, which runs a few thousand, and `examples/swarm.rs`, which runs a million or one again.
#![allow(dead_code, reason = "the test and the example use their own parts")]

pub mod build;
pub mod bytes;
pub mod invariants;
pub mod marks;

use std::panic::{AssertUnwindSafe, catch_unwind};

use build::Rules;
use fallover::base::random::{Draw, below, unit};
use fallover::base::time::Span;
use fallover::model::recorder::{RunRecord, Wanted};
use fallover::model::world::{self, Order};
use fallover::scenario::load_text;
use fallover::scenario::plan::Plan;
use marks::Marks;

/// Length of a tape: more numbers than any world reads.
const TAPE: usize = 260;

/// The result of one seed.
pub struct Seen {
    /// The marks of its world.
    pub marks: Marks,
    /// The digest of both worlds together; equal for equal runs.
    pub digest: u64,
}

/// What went wrong, and in which scenario.
pub struct Broken {
    pub what: String,
    pub scenario: String,
}

/// The tape of a seed. The share of zeros differs between seeds: in many worlds most features are off.
pub fn tape(seed: u64) -> Vec<u16> {
    let mut draw = Draw::keyed(seed);
    let plain = [0.0, 0.0, 0.3, 0.6, 0.85][below(&mut draw, 5) as usize];
    let mut number = || match unit(&mut draw) < plain {
        true => 0,
        false => below(&mut draw, 1 << 16) as u16,
    };
    (0..TAPE).map(|_| number()).collect()
}

/// Runs the worlds of a seed.
pub fn try_seed(seed: u64) -> Result<Seen, Broken> {
    try_tape(&tape(seed), seed)
}

/// Runs the worlds of a tape, with this seed for the draws inside.
pub fn try_tape(tape: &[u16], seed: u64) -> Result<Seen, Broken> {
    let hostile = build::scenario(tape, Rules::Anything);
    let (mut marks, one) = guarded(&hostile, |plan| hostile_world(plan, seed))?;
    let healed = build::scenario(tape, Rules::LeftAlone);
    let (rest, two) = guarded(&healed, |plan| healed_world(plan, seed))?;
    marks.add(&rest);
    let digest = one ^ two.rotate_left(1);
    Ok(Seen { marks, digest })
}

/// The smallest similar tape whose worlds still fail: sets numbers to 0 as long as they do.
pub fn shrink(seed: u64) -> Broken {
    let mut tape = tape(seed);
    let mut broken = None;
    for width in [64, 16, 4, 1] {
        for at in (0..TAPE).step_by(width) {
            let before = tape.clone();
            tape[at..(at + width).min(TAPE)].fill(0);
            match try_tape(&tape, seed) {
                Err(smaller) => broken = Some(smaller),
                Ok(_) => tape = before,
            }
        }
    }
    broken
        .or_else(|| try_tape(&tape, seed).err())
        .unwrap_or_else(|| panic!("seed {seed} breaks nothing"))
}

/// Treats a panic as another kind of failure.
fn guarded<T>(scenario: &str, run: impl FnOnce(&Plan) -> Result<T, String>) -> Result<T, Broken> {
    let whole = || {
        let loaded =
            load_text("swarm.json", scenario, &[]).map_err(|problems| format!("it does not load: {problems}"))?;
        run(&loaded.plan)
    };
    let panicked = |cause: Box<dyn std::any::Any + Send>| {
        let text = cause.downcast_ref::<String>().map(String::as_str);
        format!(
            "panic: {}",
            text.or(cause.downcast_ref::<&str>().copied()).unwrap_or("?")
        )
    };
    let outcome = catch_unwind(AssertUnwindSafe(whole)).unwrap_or_else(|cause| Err(panicked(cause)));
    outcome.map_err(|what| Broken {
        what,
        scenario: scenario.to_owned(),
    })
}

fn hostile_world(plan: &Plan, seed: u64) -> Result<(Marks, u64), String> {
    let record = record(plan, seed)?;
    invariants::hold(plan, &record, seed)?;
    if record_digest(&record) != record_digest(&self::record(plan, seed)?) {
        return Err("the same seed twice, and two different runs".into());
    }
    Ok((Marks::of(plan, &record), record_digest(&record)))
}

/// With a time-out on everything, no new arrivals and no failures, a world is soon empty.
fn healed_world(plan: &Plan, seed: u64) -> Result<(Marks, u64), String> {
    let record = record(plan, seed)?;
    invariants::hold(plan, &record, seed)?;
    invariants::is_empty(plan, &record)?;
    Ok((Marks::of(plan, &record), record_digest(&record)))
}

/// A digest of everything that happened to every request: two runs with the same digest did the same.
fn record_digest(record: &RunRecord) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for row in &record.rows {
        let ended = row.finished.map(|t| t.nanos());
        let server = row.server.map(|s| s.index());
        (
            row.id,
            row.arrived.nanos(),
            ended,
            row.outcome as u8,
            row.attempts,
            server,
        )
            .hash(&mut hasher);
        row.waits
            .iter()
            .for_each(|(n, w)| (n.index(), w.nanos()).hash(&mut hasher));
    }
    for note in &record.events {
        (note.at.nanos(), &note.what, &note.target).hash(&mut hasher);
    }
    hasher.finish()
}

fn record(plan: &Plan, seed: u64) -> Result<RunRecord, String> {
    let order = Order {
        seed,
        replication: 0,
        warmup: Span::ZERO,
        lifetimes: true,
        wanted: Wanted {
            rows: true,
            events: true,
            ..Wanted::default()
        },
    };
    match world::run(plan, &order, &|_| false) {
        Ok(record) => Ok(record.expect("nobody stops it")),
        Err(imbalance) => Err(imbalance.to_string()),
    }
}
