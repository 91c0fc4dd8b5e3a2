//! Recorded behaviour of MariaDB (`recordings/6_mariadb.json`): commits while a semi-synchronous replica is away, and
//! connections beyond `max_connections`, replayed in the simulator.

mod support;

use std::fmt::Write;

use fallover::model::request::Outcome;
use serde_json::{Value, json};
use support::record;

const RECORDING: &str = include_str!("recordings/6_mariadb.json");

/// The most that a commit and its client take in addition to waiting for a replica: loopback on a busy machine.
const NOISE_S: f64 = 0.02;
/// A commit by itself.
const COMMIT_S: f64 = 0.0015;

fn recording() -> Value {
    serde_json::from_str(RECORDING).unwrap()
}

fn seconds(ms: &Value) -> f64 {
    ms.as_f64().expect("a number") / 1e3
}

/// An application that writes to a database at these times.
fn asked(times: &[f64], database: &Value, faults: &Value) -> fallover::model::recorder::RunRecord {
    let folder = tempfile::tempdir().expect("makes a directory");
    let mut text = String::from("at_s\n");
    times.iter().for_each(|at| writeln!(text, "{at:.6}").expect("writes"));
    let file = folder.path().join("t.csv");
    std::fs::write(&file, text).expect("writes");
    let scenario = json!({
        "duration": "30s",
        "clients": { "c": { "arrivals": { "trace": file.to_str().expect("is text") }, "entry": "a" } },
        "nodes": { "a": { "kind": "app", "database": "db", "queries": { "*": { "write": 1 } } }, "db": database },
        "faults": faults,
    });
    record(&scenario.to_string())
}

#[test]
fn commits_wait_for_a_lost_replica_once() {
    for case in recording()["semi_sync"].as_array().unwrap() {
        let rows = case["rows"].as_array().unwrap();
        let times: Vec<f64> = rows.iter().map(|row| seconds(&row[0])).collect();
        // Event times are whole milliseconds: the replica was lost before the commit that waited.
        let (lost, back) = (seconds(&case["lost_ms"]) - 0.001, seconds(&case["back_ms"]));
        let effect = if case["how"] == "sigstop_replica" {
            "hang"
        } else {
            "crash"
        };
        let timeout = seconds(&case["timeout_ms"]);
        let database = json!({ "kind": "database", "members": { "p": {}, "r": {} }, "primary": "p",
            "replication": { "mode": "semi-sync", "timeout": timeout }, "work": { "write": { "io": COMMIT_S } } });
        let faults = json!([{ "at": lost, "for": back - lost, "target": "r", "effect": effect }]);
        let record = asked(&times, &database, &faults);
        let changes: Vec<(f64, &str)> = record
            .events
            .iter()
            .filter_map(|e| Some((e.at.seconds(), e.what.strip_prefix("semi-sync ")?)))
            .collect();
        let mut waits = 0;
        for (row, ours) in rows.iter().zip(&record.rows) {
            assert_eq!(ours.outcome, Outcome::Ok);
            let ended = ours.finished.expect("it ends");
            let (latency, real) = (ended.since(ours.arrived).seconds(), seconds(&row[1]));
            assert!((latency - real).abs() < NOISE_S, "{case}: {latency} s, really {real}");
            waits += usize::from(latency > timeout);
            // The replica took at most this long to reconnect and catch up.
            let at = ours.arrived.seconds();
            if !(back - 0.001..back + 0.1).contains(&at) {
                let ours = changes.iter().rev().find(|(t, _)| *t <= ended.seconds());
                let ours = ours.map_or("on", |(_, what)| *what);
                assert_eq!(ours, row[2].as_str().unwrap().to_lowercase(), "semi-sync at {at} s");
            }
        }
        assert_eq!(waits, 1, "only the first commit waits");
    }
}

#[test]
fn connections_beyond_the_limit_are_refused_at_once() {
    let case = &recording()["max_connections"];
    let held = case["already_connected"].as_u64().unwrap() as usize;
    let attempts = case["attempts"].as_array().unwrap();
    let times: Vec<f64> = (0..held + attempts.len()).map(|i| 1.0 + 0.1 * i as f64).collect();
    let database = json!({ "kind": "database", "members": { "p": {} }, "primary": "p",
        "max_connections": case["max_connections"], "work": { "write": { "io": "20s" } } });
    let record = asked(&times, &database, &json!([]));
    for (row, real) in record.rows[held..].iter().zip(attempts) {
        let expected = if real == "ok" { Outcome::Ok } else { Outcome::Refused };
        assert_eq!(row.outcome, expected);
        assert_eq!(row.finished == Some(row.arrived), real != "ok", "at once");
    }
}

/// Five hundred writes, 30 ms apart. One of them keeps a replica busy until the first row after it was seen: the writes
/// behind it are late, with decreasing delay. Any other write takes the replica a millisecond.
#[test]
fn a_big_transaction_holds_up_the_writes_behind_it() {
    let case = &recording()["lag"];
    let number = |value: &Value| value.as_f64().expect("a number");
    let of = |row: &Value| (number(&row[0]), number(&row[1]), number(&row[2]));
    let mut rows: Vec<(f64, f64, f64)> = case["rows"].as_array().unwrap().iter().map(of).collect();
    let (start, commit) = (number(&case["big"]["start_ms"]), number(&case["big"]["commit_ms"]));
    let behind = rows
        .iter()
        .find(|row| row.0 > commit)
        .expect("there are rows behind it");
    let apply = behind.0 + behind.1 + behind.2 - commit;
    rows.push((start, commit - start, apply));
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let folder = tempfile::tempdir().expect("makes a directory");
    let mut text = String::from(
        "at_s,commit_s,apply_s
",
    );
    for (at, commit, lag) in &rows {
        let apply = if *lag == apply { apply } else { 1.0 };
        writeln!(text, "{:.6},{:.6},{:.6}", at / 1e3, commit / 1e3, apply / 1e3).expect("writes");
    }
    let file = folder.path().join("t.csv");
    std::fs::write(&file, text).expect("writes");
    let scenario = json!({
        "duration": "20s",
        "warmup": 0,
        "clients": { "c": { "arrivals": { "trace": file.to_str().expect("is text") }, "entry": "a" } },
        "nodes": { "a": { "kind": "app", "database": "db", "queries": { "*": { "write": 1 } } },
            "db": { "kind": "database", "members": { "p": {}, "r": {} }, "primary": "p",
                "replication": { "apply": { "trace": "apply_s" } }, "work": { "write": { "io": { "trace": "commit_s" } } } } },
    });
    let lags = &record(&scenario.to_string()).lags[0];
    let mut real: Vec<f64> = rows.iter().map(|row| row.2 / 1e3).collect();
    real.sort_by(f64::total_cmp);
    assert_eq!(lags.count() as usize, real.len());
    // The tolerances of the live kit: the mean within 5 %, late writes within 10 %.
    let near = |what: &str, ours: f64, real: f64, band: f64| {
        assert!((ours / real - 1.0).abs() < band, "{what}: {ours} s, really {real} s");
    };
    near(
        "mean",
        lags.sum_s() / real.len() as f64,
        real.iter().sum::<f64>() / real.len() as f64,
        0.05,
    );
    // Of 500, twelve wait for the big one: from the 98th percentile on.
    for share in [0.98, 0.985, 0.99, 0.995, 1.0] {
        let at = (share * real.len() as f64).ceil() as usize - 1;
        let ours = lags.quantiles_s(&[share])[0].expect("there are lags");
        near(&format!("quantile {share}"), ours, real[at], 0.1);
    }
}
