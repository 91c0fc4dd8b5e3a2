//! Simulation against closed forms, through the scenario format.
//!
//! A `theory_*` test compares with a number from queueing or reliability theory. Its tolerance is computed: the
//! half-width of the study's own interval, widened from 95 % to about four standard errors, so that a right program fails
//! one test in some ten thousand seeds, and a wrong one by a few per cent fails at once.

mod support;

use fallover::analysis::result::Estimate;
use support::run;

/// Four standard errors instead of the two-and-a-bit of a 95 % interval with 19 degrees of freedom.
const WIDER: f64 = 4.0 / 2.093;

#[track_caller]
fn agrees(what: &str, estimate: Estimate, theory: f64) {
    let (value, hi) = (estimate.value.expect("a value"), estimate.hi.expect("an interval"));
    let tolerance = WIDER * (hi - value).max(value - estimate.lo.unwrap_or(value));
    assert!(
        (value - theory).abs() <= tolerance,
        "{what}: simulated {value:.6} ± {tolerance:.6}, theory {theory:.6}"
    );
    assert!(
        tolerance < 0.1 * theory.abs().max(1e-3),
        "{what}: the run is too short to say anything (± {tolerance})"
    );
}

/// One server with so many workers, arrivals and service as given.
fn station(arrivals: &str, workers: u32, queue: &str, service: &str) -> String {
    format!(
        r#"{{ "duration": "2000s", "warmup": "100s",
            "clients": {{ "c": {{ "arrivals": {arrivals}, "entry": "s" }} }},
            "nodes": {{ "s": {{ "kind": "app", "workers": {workers}, {queue} "work": {{ "*": {{ "io": {service} }} }} }} }} }}"#
    )
}

#[test]
fn theory_m_m_1() {
    // rho = 0.8, mu = 100: W = 1/(mu - lambda); quantile p of W: -ln(1-p)/(mu - lambda).
    let run = run(
        &station(
            r#"{ "poisson": "80/s" }"#,
            1,
            "",
            r#"{ "exponential": { "mean": "10ms" } }"#,
        ),
        20,
        1,
    );
    let latency = &run.metrics.latency_s;
    agrees("mean", latency.mean, 0.05);
    agrees("p50", latency.p50, 0.05 * 2f64.ln());
    agrees("p99", latency.p99, 0.05 * 100f64.ln());
    let node = run.nodes.get("s").unwrap();
    agrees("utilisation", node.utilization_ratio, 0.8);
    agrees("queue length", node.queue_length, 0.8 * 0.8 / 0.2);
    agrees("wait", node.wait_s.mean, 0.04);
    agrees("throughput", run.metrics.throughput_per_s, 80.0);
}
