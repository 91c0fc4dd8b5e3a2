//! The cost of whole scenarios: nanoseconds of CPU for each request and each event, and events for each request.
//!
//! `cargo bench --bench scenarios`, or with `-- WORD` the cases whose name contains the word. Rounds are interleaved,
//! so that a busy moment of the machine affects all cases alike: compare ratios within one run.

#[path = "scenarios/by_hand.rs"]
mod by_hand;

use std::fs;
use std::path::Path;
use std::time::Instant;

use fallover::base::time::Span;
use fallover::model::recorder::Wanted;
use fallover::model::world::{self, Order};
use fallover::scenario::plan::Plan;
use fallover::scenario::{load, load_text};
use serde_json::{Map, json};

const ROUNDS: usize = 5;
const BARE: &str = "foobar, no time-outs";
const ARMED: &str = "foobar, all armed";

struct Case {
    name: &'static str,
    work: Work,
}

enum Work {
    /// A run of a scenario, with lifetimes or without.
    Scenario(Box<Plan>, bool),
    /// A program written for this case only: returns the numbers of requests and of events.
    ByHand(fn() -> (u64, u64)),
}

fn main() {
    let word = std::env::args()
        .skip(1)
        .find(|a| !a.starts_with('-'))
        .unwrap_or_default();
    let mut cases = cases();
    cases.retain(|case| case.name.contains(&word));
    let mut rounds = vec![Vec::new(); cases.len()];
    let mut counts = vec![(0.0, 0.0); cases.len()];
    for _ in 0..ROUNDS {
        for (i, case) in cases.iter().enumerate() {
            let (ns, requests, events) = measure(case);
            rounds[i].push(ns / events as f64);
            counts[i] = (requests as f64, events as f64);
        }
    }
    println!("CPU time of one thread, {ROUNDS} interleaved rounds: the median, and the range of ns/event\n");
    println!(
        "{:<24} {:>10} {:>11} {:>9} {:>17} {:>14}",
        "scenario", "requests", "ns/request", "ns/event", "range", "events/request"
    );
    for ((case, rounds), &(requests, events)) in cases.iter().zip(&rounds).zip(&counts) {
        let (least, median, most) = spread(rounds);
        println!(
            "{:<24} {requests:>10} {:>11.1} {median:>9.1} {:>17} {:>14.2}",
            case.name,
            median * events / requests,
            format!("{least:.1} to {most:.1}"),
            events / requests
        );
    }
    compare(&cases, &rounds, &counts);
}

/// The cost of armed time-outs and failures that hardly ever act: ratios for each request, round by round.
fn compare(cases: &[Case], rounds: &[Vec<f64>], counts: &[(f64, f64)]) {
    let at = |name| cases.iter().position(|c| c.name == name);
    let (Some(bare), Some(armed)) = (at(BARE), at(ARMED)) else {
        return;
    };
    let a_request = |i: usize, round: usize| rounds[i][round] * counts[i].1 / counts[i].0;
    let ratios: Vec<f64> = (0..ROUNDS).map(|r| a_request(armed, r) / a_request(bare, r)).collect();
    let (least, median, most) = spread(&ratios);
    println!("\n{ARMED} over {BARE}: {median:.2} ({least:.2} to {most:.2})");
}

/// Minimum, median and maximum.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1])
}

fn cases() -> Vec<Case> {
    let case = |name, plan, lifetimes| {
        let work = Work::Scenario(Box::new(plan), lifetimes);
        Case { name, work }
    };
    let by_hand = |name, run| {
        let work = Work::ByHand(run);
        Case { name, work }
    };
    let armed = [
        "duration=200s",
        "clients.browsers.timeout=10s",
        "nodes.nginx1.timeouts.read=60s",
        "nodes.nginx2.timeouts.read=60s",
        "nodes.app1.timeouts.query=30s",
        "nodes.app2.timeouts.query=30s",
    ];
    let bare = [
        "duration=200s",
        "clients.browsers.timeout=null",
        "nodes.haproxy.timeouts.server=null",
    ];
    vec![
        by_hand("mm1 by hand, bare", by_hand::bare),
        by_hand("mm1 by hand, counted", by_hand::counted),
        case("mm1", file("benches/scenarios/mm1.json", &["duration=4000s"]), false),
        case(
            "small-stack",
            file("benches/scenarios/small-stack.json", &["duration=400s"]),
            false,
        ),
        case("foobar", file("scenarios/foobar.json", &["duration=200s"]), false),
        case(BARE, file("scenarios/foobar.json", &bare), false),
        case(ARMED, file("scenarios/foobar.json", &armed), true),
        case("a million in flight", million_in_flight(), false),
        case("a thousand nodes", thousand_nodes(), false),
    ]
}

fn file(path: &str, changes: &[&str]) -> Plan {
    let mut changes: Vec<String> = changes.iter().map(|c| (*c).to_owned()).collect();
    changes.push("warmup=0".into());
    match load(Path::new(path), &changes) {
        Ok(loaded) => loaded.plan,
        Err(problems) => panic!("{problems}"),
    }
}

fn text(scenario: &serde_json::Value) -> Plan {
    match load_text("bench.json", &scenario.to_string(), &[]) {
        Ok(loaded) => loaded.plan,
        Err(problems) => panic!("{problems}"),
    }
}

/// 100,000 requests a second that take ten seconds each.
fn million_in_flight() -> Plan {
    text(&json!({
        "duration": "60s",
        "clients": { "c": { "arrivals": { "poisson": "100000/s" }, "entry": "server" } },
        "nodes": { "server": { "kind": "app", "work": { "*": { "io": { "exponential": { "mean": "10s" } } } } } },
    }))
}

/// One balancer before 333 web servers, each before two application servers.
fn thousand_nodes() -> Plan {
    let mut nodes = Map::new();
    let mut webs = Vec::new();
    for i in 0..333 {
        let upstreams = [0, 1].map(|k| format!("app{i}-{k}"));
        for app in &upstreams {
            let work = json!({ "*": { "io": { "exponential": { "mean": "10ms" } } } });
            nodes.insert(app.clone(), json!({ "kind": "app", "workers": 16, "work": work }));
        }
        let work = json!({ "*": { "io": { "exponential": { "mean": "400us" } } } });
        let web = json!({ "kind": "web", "workers": 4, "upstreams": upstreams, "work": work });
        nodes.insert(format!("web{i}"), web);
        webs.push(format!("web{i}"));
    }
    nodes.insert("lb".into(), json!({ "kind": "load-balancer", "servers": webs }));
    text(&json!({
        "duration": "5s",
        "clients": { "c": { "arrivals": { "poisson": "50000/s" }, "entry": "lb" } },
        "nodes": nodes,
    }))
}

/// One run: nanoseconds, requests, events.
fn measure(case: &Case) -> (f64, u64, u64) {
    let (wall, before) = (Instant::now(), on_cpu());
    let (requests, events) = match &case.work {
        Work::Scenario(plan, lifetimes) => simulate(plan, *lifetimes),
        Work::ByHand(run) => run(),
    };
    let ns = match (before, on_cpu()) {
        (Some(before), Some(after)) => after - before,
        _ => wall.elapsed().as_nanos() as f64,
    };
    (ns, requests, events)
}

fn simulate(plan: &Plan, lifetimes: bool) -> (u64, u64) {
    let order = Order {
        seed: 1,
        replication: 0,
        warmup: Span::ZERO,
        lifetimes,
        wanted: Wanted::default(),
    };
    let run = world::run(plan, &order, &|_| false);
    let record = run.expect("the books balance").expect("nobody stops it");
    (record.classes.iter().map(|c| c.offered()).sum(), record.events_taken)
}

/// CPU nanoseconds of this thread, where the system reports them (Linux).
fn on_cpu() -> Option<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}
