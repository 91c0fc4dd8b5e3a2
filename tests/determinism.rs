//! Same binary, same scenario, same seed: the same bytes, whatever the number of threads. And the draws of one part of
//! a scenario do not depend on another part.

mod support;

use fallover::analysis::run as findings;
use fallover::base::time::Time;
use fallover::model::recorder::Row;
use fallover::scenario::plan::Plan;
use support::{plan, record, record_with, study_of};

/// Everything that uses randomness: arrivals of every kind, lookups, checks, balancing, loss, back-off, faults and
/// lifetimes.
const BUSY: &str = include_str!("../src/analysis/verify/busy.json");

/// The result as it would be written, and the digest of the events behind it.
fn bytes(plan: &Plan, seed: u64, threads: usize) -> (String, u64) {
    let study = study_of(plan, 8, seed, threads, true);
    let run = findings::run(plan, &study);
    let caveats = findings::caveats(plan, &study, &run);
    (
        serde_json::to_string(&(run, caveats)).expect("a result is text"),
        study.digest,
    )
}

#[test]
fn the_number_of_threads_does_not_show() {
    let plan = plan(BUSY);
    let one = bytes(&plan, 1, 1);
    assert!(one.0.contains("\"offered\":"), "there is something to compare");
    for threads in [2, 5] {
        assert!(bytes(&plan, 1, threads) == one, "{threads} threads");
    }
}

#[test]
fn a_seed_means_the_same_twice_and_another_seed_another_run() {
    let plan = plan(BUSY);
    assert!(bytes(&plan, 7, 2) == bytes(&plan, 7, 2));
    let (a, b) = (bytes(&plan, 7, 2), bytes(&plan, 8, 2));
    assert_ne!(a.0, b.0);
    assert_ne!(a.1, b.1);
}

#[test]
fn a_warm_up_that_is_looked_for_is_found_alike_on_any_number_of_threads() {
    let plan = plan(&BUSY.replace(r#""warmup": "2s""#, r#""warmup": "auto""#));
    assert!(bytes(&plan, 3, 1) == bytes(&plan, 3, 4));
}

#[test]
fn what_is_recorded_besides_changes_nothing() {
    // Rows and the log are on in `record_with`, and off in a study, except the log of replication 0.
    let plan = plan(BUSY);
    let study = study_of(&plan, 1, 5, 1, true);
    let record = record_with(BUSY, 5, true);
    assert_eq!(study.samples[0].all.succeeded, record.outcomes()[0]);
    assert_eq!(study.events_taken, record.events_taken);
}

// --- common random numbers ------------------------------------------------------------------------------------------

/// The arrivals: time, source, class and client.
fn arrivals(rows: &[Row]) -> Vec<(Time, usize, usize, u32)> {
    rows.iter()
        .map(|r| (r.arrived, r.source.index(), r.class.index(), r.client))
        .collect()
}

/// Arrivals of the open sources: when a user asks again depends on the answer.
fn open_arrivals(scenario: &str) -> Vec<(Time, usize, usize, u32)> {
    arrivals(&record_with(scenario, 1, true).rows)
        .into_iter()
        .filter(|r| r.1 < 2)
        .collect()
}

#[test]
fn an_unrelated_node_changes_no_arrival() {
    let idle = r#""nodes": { "idle": { "kind": "app", "workers": 1, "lifetime": { "mtbf": "3s", "mttr": "1s" } }, "#;
    assert_eq!(open_arrivals(BUSY), open_arrivals(&BUSY.replace(r#""nodes": {"#, idle)));
}

#[test]
fn a_third_server_changes_no_arrival() {
    let third = BUSY
        .replace(r#""servers": ["w1", "w2"]"#, r#""servers": ["w1", "w2", "w3"]"#)
        .replace(
            r#""w1": {"#,
            r#""w3": { "kind": "web", "serves": ["static"], "upstreams": ["a1"] }, "w1": {"#,
        );
    assert_eq!(open_arrivals(BUSY), open_arrivals(&third));
}

#[test]
fn faults_and_lifetimes_change_no_arrival() {
    let mut quiet: serde_json::Value = serde_json::from_str(BUSY).expect("JSON");
    quiet["faults"] = serde_json::json!([]);
    let quiet = record_with(&quiet.to_string(), 1, false);
    let quiet: Vec<_> = arrivals(&quiet.rows).into_iter().filter(|r| r.1 < 2).collect();
    assert_eq!(open_arrivals(BUSY), quiet);
}

/// Ample capacity everywhere, so that a request's time depends only on its own draws.
fn roomy(algorithm: &str, servers: &str) -> String {
    let server = |name: &str| {
        format!(
            r#""{name}": {{ "kind": "app", "database": "db", "queries": {{ "*": {{ "read": 2, "write": 1 }} }},
                "work": {{ "*": {{ "cpu": {{ "lognormal": {{ "mean": "5ms", "cv": 1 }} }}, "io": {{ "exponential": {{ "mean": "3ms" }} }} }} }} }}"#
        )
    };
    format!(
        r#"{{ "duration": "10s", "requests": {{ "a": {{}}, "b": {{ "share": 2, "keys": {{ "count": 9 }} }} }},
            "clients": {{ "c": {{ "arrivals": {{ "poisson": "200/s" }}, "entry": "lb" }} }},
            "nodes": {{
                "lb": {{ "kind": "load-balancer", "algorithm": "{algorithm}", "servers": {servers},
                         "work": {{ "*": {{ "io": {{ "exponential": {{ "mean": "1ms" }} }} }} }} }},
                {}, {}, {},
                "db": {{ "kind": "database", "members": {{ "m1": {{}}, "m2": {{}} }}, "read_from": "any", "max_connections": 100000,
                         "work": {{ "*": {{ "io": {{ "exponential": {{ "mean": "2ms" }} }} }} }} }} }} }}"#,
        server("s1"),
        server("s2"),
        server("s3")
    )
}

#[test]
fn a_request_asks_for_the_same_whichever_server_it_meets() {
    let latencies = |scenario: &str| -> Vec<_> {
        record(scenario)
            .rows
            .iter()
            .map(|r| (r.arrived, r.class, r.client, r.finished))
            .collect()
    };
    let two = latencies(&roomy("roundrobin", r#"["s1", "s2"]"#));
    assert!(two.len() > 1500);
    for algorithm in ["leastconn", "random", "first", "uri"] {
        assert_eq!(two, latencies(&roomy(algorithm, r#"["s1", "s2"]"#)), "{algorithm}");
    }
    assert_eq!(
        two,
        latencies(&roomy("roundrobin", r#"["s1", "s2", "s3"]"#)),
        "a third server at the end of the list"
    );
    assert_eq!(
        two,
        latencies(&roomy("roundrobin", r#"[{ "node": "s2", "weight": 9 }, "s1"]"#)),
        "in another order"
    );
}

#[test]
fn rows_sum_to_the_counts() {
    let record = record_with(BUSY, 11, true);
    let measured = record.rows.iter().filter(|r| r.arrived.seconds() >= 2.0);
    let mut counts = record.outcomes();
    for row in measured {
        counts[row.outcome as usize] -= 1;
    }
    assert!(counts.iter().all(|c| *c == 0), "{counts:?}");
    let ids: Vec<u64> = record.rows.iter().map(|r| r.id).collect();
    assert_eq!(
        ids,
        (0..record.rows.len() as u64).collect::<Vec<_>>(),
        "numbered in the order of the wishes"
    );
}
