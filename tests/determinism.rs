//! Same binary, same scenario, same seed: the same bytes, whatever the number of threads. And what a seed means for one
//! part of a scenario does not change when another part does.

mod support;

use fallover::analysis::run as findings;
use fallover::base::time::Time;
use fallover::model::recorder::Row;
use fallover::scenario::plan::Plan;
use support::{plan, record, record_with, study_of};

/// Everything that draws: arrivals of every kind, lookups, checks, balancing, loss, back-off, faults and lifetimes.
const BUSY: &str = r#"{
    "duration": "20s", "warmup": "2s",
    "requests": { "static": { "share": 3, "keys": { "count": 50, "zipf": 1.1 } }, "read": {}, "write": { "share": 0.5 } },
    "clients": {
        "browsers": { "arrivals": { "poisson": "150/s" }, "entry": "dns", "timeout": "2s",
                      "retry": { "max": 2, "backoff": "50ms" }, "render": { "lognormal": { "mean": "80ms", "cv": 0.5 } } },
        "robots": { "arrivals": { "mmpp": { "states": [{ "rate": "80/s", "mean": "1s" }, { "rate": "1/s", "mean": "2s" }] } },
                    "entry": "vip", "timeout": "1s" },
        "staff": { "users": 20, "think": { "exponential": { "mean": "500ms" } }, "entry": "vip", "timeout": "1s" } },
    "hosts": { "h1": { "cores": 2 }, "h2": { "cores": 2, "lifetime": { "mtbf": "10s", "mttr": "1s" } } },
    "network": { "latency": "1ms", "loss": 0.01 },
    "nodes": {
        "dns": { "kind": "dns", "answers": ["vip"], "ttl": "3s", "lookup": { "exponential": { "mean": "5ms" } } },
        "vip": { "kind": "virtual-ip", "members": ["lb1", "lb2"], "failover": "1s" },
        "lb1": { "kind": "load-balancer", "servers": ["w1", "w2"], "algorithm": "random", "redispatch": true,
                 "check": { "inter": "500ms", "fall": 2, "rise": 1 }, "timeouts": { "connect": "200ms", "server": "1s" },
                 "lifetime": { "mtbf": "6s", "mttr": "2s" } },
        "lb2": { "kind": "load-balancer", "servers": ["w1", "w2"], "algorithm": "leastconn", "timeouts": { "server": "1s" } },
        "w1": { "kind": "web", "host": "h1", "serves": ["static"], "upstreams": ["a1", "a2"],
                "work": { "*": { "cpu": "200us" } }, "tls": { "handshake": "1ms", "resumption": 0.7 } },
        "w2": { "kind": "web", "host": "h2", "serves": ["static"], "upstreams": ["a1", "a2"], "balance": "least_conn",
                "work": { "*": { "cpu": "200us" } } },
        "a1": { "kind": "app", "host": "h1", "workers": 8, "queue": 30, "database": "db",
                "queries": { "read": { "read": 2 }, "write": { "read": 1, "write": 1 } },
                "work": { "*": { "cpu": { "lognormal": { "mean": "4ms", "cv": 1 } } } } },
        "a2": { "kind": "app", "host": "h2", "workers": 8, "queue": 30, "database": "db",
                "queries": { "read": { "read": 2 }, "write": { "read": 1, "write": 1 } },
                "work": { "*": { "cpu": { "lognormal": { "mean": "4ms", "cv": 1 } } } } },
        "db": { "kind": "database", "members": { "m1": {}, "m2": { "lifetime": { "mtbf": "8s", "mttr": "1s" } } },
                "read_from": "any", "failover": { "detect": "500ms", "promote": "200ms" },
                "replication": { "lag": { "exponential": { "mean": "50ms" } } },
                "work": { "*": { "io": { "exponential": { "mean": "3ms" } } } } } },
    "faults": [{ "at": "5s", "for": "2s", "target": "a1", "effect": "errors", "ratio": 0.3 },
               { "at": "8s", "for": "3s", "target": "w2", "effect": "drop", "ratio": 0.5 },
               { "at": "12s", "for": "2s", "target": "h1", "effect": "slow", "factor": 3 }] }"#;

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
    // Rows and the log are on in `record_with`, and off in a study, but for the log of replication 0.
    let plan = plan(BUSY);
    let study = study_of(&plan, 1, 5, 1, true);
    let record = record_with(BUSY, 5, true);
    assert_eq!(study.samples[0].all.succeeded, record.outcomes()[0]);
    assert_eq!(study.events_taken, record.events_taken);
}

// --- common random numbers ------------------------------------------------------------------------------------------

/// What arrives: when, what, from whom.
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

/// Plenty of room everywhere, so that a request takes what its own draws say and nothing else.
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
