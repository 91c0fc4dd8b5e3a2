//! No allocation per request: once tables and queues have grown to their size, a run reuses its memory.

#![allow(unsafe_code, reason = "an allocator is unsafe by its trait; this one only counts")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use fallover::base::time::Span;
use fallover::model::recorder::Wanted;
use fallover::model::world::{self, Order};
use serde_json::{Value, json};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The requests and allocations of one run of this length.
fn count(scenario: &Value, seconds: u32) -> (u64, u64) {
    let mut scenario = scenario.clone();
    scenario["duration"] = json!(seconds);
    scenario["warmup"] = json!(0);
    let plan = support::plan(&scenario.to_string());
    let order = Order {
        seed: 1,
        replication: 0,
        warmup: Span::ZERO,
        lifetimes: false,
        wanted: Wanted::default(),
    };
    let before = COUNT.load(Ordering::Relaxed);
    let run = world::run(&plan, &order, &|_| false);
    let allocations = COUNT.load(Ordering::Relaxed) - before;
    let record = run.expect("the books balance").expect("nobody stops it");
    (record.classes.iter().map(|c| c.offered()).sum(), allocations)
}

/// A single test, because the allocator counts for all threads. A longer run may allocate more only for tables that
/// double and for histogram rows of rare durations: far less than one allocation for each hundred requests.
#[test]
fn a_longer_run_allocates_next_to_nothing_more() {
    let scenarios = [
        include_str!("../benches/scenarios/mm1.json"),
        include_str!("../benches/scenarios/small-stack.json"),
        include_str!("../scenarios/foobar.json"),
        include_str!("../scenarios/lb-failure.json"),
    ];
    for text in scenarios {
        let scenario: Value = serde_json::from_str(text).expect("a scenario");
        let (few, short) = count(&scenario, 20);
        let (many, long) = count(&scenario, 400);
        assert!(many > 15 * few, "{}: {few} and {many} requests", scenario["name"]);
        let more = long.saturating_sub(short);
        assert!(
            more * 100 < many - few,
            "{}: {short} allocations for {few} requests, {long} for {many}",
            scenario["name"]
        );
        println!(
            "{}: {short} allocations for {few} requests, {long} for {many}",
            scenario["name"]
        );
    }
}
