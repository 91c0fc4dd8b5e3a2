//! How often 95 % intervals contain a known truth: one study for each seed, each of a few replications.

use fallover::analysis::result::{Estimate, Run};
use fallover::analysis::run as findings;
use fallover::scenario::load_text;
use fallover::study::{Count, Settings};

use super::alone::alone;

/// A scenario with known answers.
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// The scenario.
    pub json: String,
    /// Do lifetimes act?
    pub failures: bool,
    /// Its known values.
    pub truths: Vec<Truth>,
}

/// A metric, where it is in the result, and its true value.
pub type Truth = (&'static str, fn(&Run) -> Estimate, f64);

/// For each truth, the number of seeds whose interval contains it.
pub fn covered(case: &Case, seeds: u64, replications: Count) -> Vec<u64> {
    let plan = load_text("case.json", &case.json, &[]).expect("is right").plan;
    let mut counts = vec![0; case.truths.len()];
    for seed in 1..=seeds {
        let settings = Settings {
            replications,
            lifetimes: case.failures,
            ..Settings::plain(seed, 1)
        };
        let run = findings::run(&plan, &alone(&plan, &settings));
        for (count, (_, measured, truth)) in counts.iter_mut().zip(&case.truths) {
            *count += u64::from(holds(measured(&run), *truth));
        }
    }
    counts
}

/// All cases, with replications of `seconds` seconds.
pub fn cases(seconds: u32) -> Vec<Case> {
    vec![
        m_m_1("M/M/1 at 0.5", seconds, 50.0),
        m_m_1("M/M/1 at 0.8", seconds, 80.0),
        m_g_1_ps(seconds),
        failing(seconds),
    ]
}

fn world(seconds: u32, rate: f64, entry: &str, nodes: &str) -> String {
    let warmup = f64::from(seconds) / 10.0;
    format!(
        r#"{{ "duration": {seconds}, "warmup": {warmup},
              "clients": {{ "c": {{ "arrivals": {{ "poisson": {rate} }}, "entry": "{entry}" }} }}, {nodes} }}"#
    )
}

fn mean(run: &Run) -> Estimate {
    run.metrics.latency_s.mean
}

fn m_m_1(name: &'static str, seconds: u32, rate: f64) -> Case {
    let nodes = r#""nodes": { "s": { "kind": "app", "workers": 1, "work": { "*": { "io": { "exponential": { "mean": "10ms" } } } } } }"#;
    // The time in the system is exponential with the rate mu - lambda.
    let time = 1.0 / (100.0 - rate);
    // Requests still in flight at the end are not answered: the mean number in flight, out of all that arrive in the
    // nine tenths measured.
    let answered = rate - rate * time / (0.9 * f64::from(seconds));
    Case {
        name,
        json: world(seconds, rate, "s", nodes),
        failures: false,
        truths: vec![
            ("mean", mean, time),
            ("p50", |r| r.metrics.latency_s.p50, time * 2f64.ln()),
            ("p99", |r| r.metrics.latency_s.p99, time * 100f64.ln()),
            ("throughput", |r| r.metrics.throughput_per_s, answered),
            ("utilisation", |r| r.nodes.0[0].1.utilization_ratio, rate / 100.0),
        ],
    }
}

/// The mean under processor sharing equals that of M/M/1, whatever the distribution of the work.
fn m_g_1_ps(seconds: u32) -> Case {
    let nodes = r#""hosts": { "h": { "cores": 1 } },
        "nodes": { "s": { "kind": "app", "host": "h", "work": { "*": { "cpu": { "lognormal": { "mean": "10ms", "cv": 2 } } } } } }"#;
    Case {
        name: "M/G/1-PS at 0.7",
        json: world(seconds, 70.0, "s", nodes),
        failures: false,
        truths: vec![("mean", mean, 0.01 / 0.3), ("cpu", |r| r.hosts.0[0].1.cpu_ratio, 0.7)],
    }
}

/// Two in series, each up 10 of 11 seconds on average, and requests that take no time: they find both up as often as
/// both are.
fn failing(seconds: u32) -> Case {
    let lifetime = r#""lifetime": { "mtbf": "10s", "mttr": "1s" }"#;
    let nodes = format!(
        r#""nodes": {{ "a": {{ "kind": "app", "calls": ["b"], {lifetime} }}, "b": {{ "kind": "app", {lifetime} }} }}"#
    );
    let up = 10.0 / 11.0;
    Case {
        name: "two that fail, in a row",
        json: world(seconds, 20.0, "a", &nodes),
        failures: true,
        truths: vec![
            ("availability", |r| r.metrics.availability, up * up),
            ("throughput", |r| r.metrics.throughput_per_s, 20.0 * up * up),
            ("up", |r| r.nodes.0[0].1.up_ratio, up),
        ],
    }
}

/// Does the interval contain the truth?
pub fn holds(estimate: Estimate, truth: f64) -> bool {
    matches!((estimate.lo, estimate.hi), (Some(lo), Some(hi)) if lo <= truth && truth <= hi)
}
