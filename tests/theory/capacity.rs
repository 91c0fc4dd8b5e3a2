//! The knee against stations with a known knee.

use super::support::alone::knee;
use super::support::plan;
use super::{agrees, exponential, open, poisson, station};
use fallover::analysis::capacity::{Capacity, Verdict};
use fallover::analysis::theory::{erlang_b, erlang_c};
use fallover::scenario::plan::Measure;

const MU: f64 = 100.0;

/// The knee of a scenario with this promise.
fn capacity(json: &str, measure: Measure, target: f64) -> Capacity {
    knee(&plan(json), measure, target, 1)
}

/// Where a rising function crosses zero.
fn root(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if f(middle) > 0.0 { high = middle } else { low = middle }
    }
    low
}

#[test]
fn theory_knee_of_m_m_1() {
    // P99 of the time in the system is ln 100 / (mu - lambda).
    let found = capacity(
        &open(200, &poisson(20.0), "s", &station("s", 1, &exponential(1.0 / MU))),
        Measure::Latency(0.99),
        0.1,
    );
    let theory = MU - 100f64.ln() / 0.1;
    agrees("knee", found.knee.knee_per_s, theory);
    agrees("ratio", found.knee.knee_ratio, theory / 20.0);
    assert_eq!(found.knee.limited_by.expect("something breaks").objective, "promised");
    assert!((found.bound.expect("workers").rate_per_s - MU).abs() < 1e-6);
}

#[test]
fn theory_knee_of_m_m_3() {
    // The time in the system is a wait, which is zero or exponential, and a service.
    let beyond = |lambda: f64, t: f64| {
        let (a, spare) = (lambda / MU, 3.0 * MU - lambda);
        let must_wait = erlang_c(3, a);
        let both = must_wait * (spare * (-MU * t).exp() - MU * (-spare * t).exp()) / (spare - MU);
        (1.0 - must_wait) * (-MU * t).exp() + both
    };
    let theory = root(|lambda| beyond(lambda, 0.08) - 0.01, 1.0, 299.0);
    let found = capacity(
        &open(100, &poisson(400.0), "s", &station("s", 3, &exponential(1.0 / MU))),
        Measure::Latency(0.99),
        0.08,
    );
    // It is below the present load: the search goes down.
    assert!(theory < 300.0);
    agrees("knee", found.knee.knee_per_s, theory);
}

#[test]
fn theory_knee_where_a_full_queue_turns_away() {
    // Erlang's loss: there is no queue, so only availability can break.
    let theory = root(|lambda| erlang_b(10, lambda / MU) - 0.01, 1.0, 1000.0);
    let station = r#""s": { "kind": "app", "workers": 10, "queue": 0, "work": { "*": { "io": { "exponential": { "mean": "10ms" } } } } }"#;
    let found = capacity(&open(100, &poisson(100.0), "s", station), Measure::Availability, 0.99);
    agrees("knee", found.knee.knee_per_s, theory);
    assert_eq!(
        found.knee.limited_by.expect("something breaks").component.as_deref(),
        Some("s")
    );
}

#[test]
fn a_burst_that_outlasts_the_runs_carries_nothing_for_long() {
    let limited = r#""f": { "kind": "firewall", "to": "s", "limit": { "rate": 50, "burst": 100000 } }, "s": { "kind": "app", "work": { "*": { "io": "1ms" } } }"#;
    let found = capacity(&open(60, &poisson(30.0), "f", limited), Measure::Availability, 0.99);
    assert_eq!(found.knee.verdict, Verdict::Found);
    let (knee, theory) = (found.knee.knee_per_s.value.expect("a knee"), 50.0 / 0.99);
    assert!((knee / theory - 1.0).abs() < 1e-9, "{knee}, not {theory}");
    let limit = found.knee.limited_by.expect("something breaks");
    assert_eq!(
        (limit.objective.as_str(), limit.component.as_deref()),
        ("promised", Some("f"))
    );
}

#[test]
fn what_no_load_meets_and_what_every_load_meets() {
    let station = station("s", 1, r#""10ms""#);
    let found = capacity(&open(20, &poisson(5.0), "s", &station), Measure::Latency(0.5), 0.009);
    assert_eq!(found.knee.verdict, Verdict::NoLoad);
    assert_eq!(found.knee.knee_per_s.value, Some(0.0));
    let endless = r#""s": { "kind": "app", "work": { "*": { "io": "10ms" } } }"#;
    let found = capacity(&open(20, &poisson(5.0), "s", endless), Measure::Latency(0.99), 0.02);
    assert_eq!(
        (found.knee.verdict, found.knee.knee_per_s.value),
        (Verdict::EveryLoad, None)
    );
    assert!(found.tried_per_s[1] > 100.0 * 5.0);
}

#[test]
fn a_backlog_that_no_promise_sees_is_seen() {
    // Nobody gives up and every request is eventually served: the availability is 1 at any load.
    let found = capacity(
        &open(100, &poisson(20.0), "s", &station("s", 1, r#""10ms""#)),
        Measure::Availability,
        0.99,
    );
    assert_eq!(found.knee.limited_by.expect("something breaks").objective, "stability");
    let knee = found.knee.knee_per_s.value.expect("a knee");
    // With 1 to 3 % too much load, a hundredth of the arrivals stays unanswered.
    assert!((0.99 * MU..1.06 * MU).contains(&knee), "{knee}");
}
