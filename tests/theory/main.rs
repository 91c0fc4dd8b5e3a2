//! Simulation against closed forms, through the scenario format.
//!
//! A `theory_*` test compares with a number from queueing or reliability theory. Its tolerance is computed: the
//! half-width of the study's own interval, widened from 95 % to about four standard errors, so that a correct program
//! fails a test about once in ten thousand seeds, and one that is wrong by a few per cent fails at once.

#[path = "../support/mod.rs"]
mod support;

mod arrivals;
mod capacity;
mod clients;
mod networks;
mod queues;
mod reliability;

use fallover::analysis::result::Estimate;
use fallover::stats::interval;
use fallover::study::Study;
use fallover::study::sample::Sample;

/// Four standard errors instead of the 2.093 of a 95 % interval with 19 degrees of freedom.
const WIDER: f64 = 4.0 / 2.093;

/// Replications of most tests; [`WIDER`] assumes this number.
const REPLICATIONS: u32 = 20;

#[track_caller]
fn agrees(what: &str, estimate: Estimate, theory: f64) {
    let (value, hi) = (estimate.value.expect("a value"), estimate.hi.expect("an interval"));
    let tolerance = WIDER * (hi - value).max(value - estimate.lo.unwrap_or(value));
    compares(what, value, tolerance, theory);
}

/// The same for a ratio of two counts of each replication, with an interval of its own.
#[track_caller]
fn ratio_agrees(what: &str, study: &Study, counts: impl Fn(&Sample) -> (f64, f64), theory: f64) {
    let pairs: Vec<(f64, f64)> = study.samples.iter().map(counts).collect();
    let found = interval::ratio(&pairs).expect("something was counted");
    compares(what, found.value, WIDER * found.half.expect("an interval"), theory);
}

#[track_caller]
fn compares(what: &str, value: f64, tolerance: f64, theory: f64) {
    assert!(
        (value - theory).abs() <= tolerance,
        "{what}: simulated {value:.6} ± {tolerance:.6}, theory {theory:.6}"
    );
    assert!(
        tolerance < 0.1 * theory.abs().max(1e-3),
        "{what}: the run is too short to say anything (± {tolerance})"
    );
}

/// A source with these arrivals, and nodes.
fn open(seconds: u32, arrivals: &str, entry: &str, nodes: &str) -> String {
    world(
        seconds,
        &format!(r#""arrivals": {arrivals}, "entry": "{entry}""#),
        nodes,
        "",
    )
}

/// A world whose first twentieth is its warm-up.
fn world(seconds: u32, client: &str, nodes: &str, extra: &str) -> String {
    let warmup = f64::from(seconds) / 20.0;
    format!(
        r#"{{ "duration": {seconds}, "warmup": {warmup}, "clients": {{ "c": {{ {client} }} }}, "nodes": {{ {nodes} }} {extra} }}"#
    )
}

fn poisson(rate: f64) -> String {
    format!(r#"{{ "poisson": {rate} }}"#)
}

fn exponential(mean_s: f64) -> String {
    format!(r#"{{ "exponential": {{ "mean": {mean_s} }} }}"#)
}

/// An application with `workers` workers whose work needs no core.
fn station(name: &str, workers: u32, service: &str) -> String {
    format!(r#""{name}": {{ "kind": "app", "workers": {workers}, "work": {{ "*": {{ "io": {service} }} }} }}"#)
}
