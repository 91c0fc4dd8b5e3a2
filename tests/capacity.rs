//! `fallover capacity` from outside: what it refuses, what it says, and what is left when something is lost.

mod program;

use fallover::analysis::result::{Answer, Document};
use program::fallover;

/// Two servers behind a balancer that checks them, each good for 100 a second, and a database nobody can do without.
const PAIR: &str = r#"{
  "duration": "60s", "warmup": "2s",
  "clients": { "c": { "arrivals": { "poisson": 50 }, "entry": "lb", "timeout": "5s" } },
  "hosts": { "h1": { "cores": 1 }, "h2": { "cores": 1 } },
  "nodes": {
    "lb": { "kind": "load-balancer", "servers": ["s1", "s2"], "check": { "inter": "500ms", "fall": 2 }, "redispatch": true,
            "timeouts": { "connect": "100ms" } },
    "s1": { "kind": "app", "host": "h1", "work": { "*": { "cpu": { "exponential": { "mean": "10ms" } } } } },
    "s2": { "kind": "app", "host": "h2", "work": { "*": { "cpu": { "exponential": { "mean": "10ms" } } } } }
  },
  "slo": { "p95": "100ms" }
}"#;

fn written(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("makes a directory");
    let path = folder.path().join("pair.json");
    std::fs::write(&path, text).expect("writes");
    let path = path.to_string_lossy().into_owned();
    (folder, path)
}

#[test]
fn half_is_left_of_two_and_nothing_of_one() {
    let (_folder, path) = written(PAIR);
    let (status, out, err) = fallover(&["capacity", &path, "--json", "--replications", "6"]);
    assert_eq!(status, 0, "{err}");
    let document = Document::read(&out).expect("is a document");
    let Answer::Capacity(capacity) = &document.answer else {
        panic!("a capacity")
    };
    let knee = |e: fallover::analysis::result::Estimate| e.value.expect("a value");
    let whole = knee(capacity.knee.knee_per_s);
    // 95 % of M/M/1-PS at the same load would be within 100 ms at no more than 70 a second a server; and not far below.
    assert!((100.0..150.0).contains(&whole), "{whole}");
    for lost in ["h1", "s2"] {
        let left = knee(capacity.n_minus_1.get(lost).expect("is used").knee_per_s);
        assert!(
            (0.42..0.58).contains(&(left / whole)),
            "{left} of {whole} without {lost}"
        );
    }
    assert_eq!(knee(capacity.n_minus_1.get("lb").expect("is used").knee_per_s), 0.0);
    assert!(capacity.bound.as_ref().expect("cores").rate_per_s > whole);
    assert!((capacity.bound.as_ref().expect("cores").rate_per_s - 200.0).abs() < 1e-6);
    let loads: Vec<f64> = capacity.curve.iter().map(|p| p.rate_per_s).collect();
    assert!(loads.is_sorted() && loads[loads.len() - 1] > 1.99 * whole);
    assert!(capacity.curve[0].holds && !capacity.curve[loads.len() - 1].holds);
}

#[test]
fn threads_do_not_show() {
    let (_folder, path) = written(PAIR);
    let printed = |threads: &str| {
        let few = [
            "--duration",
            "20s",
            "--replications",
            "3",
            "--threads",
            threads,
            "--knee-only",
            "--json",
        ];
        let (_, out, _) = fallover(&[&["capacity", &path][..], &few].concat());
        out.split("\"engine\"").next().map(str::to_owned)
    };
    assert_eq!(printed("1"), printed("3"));
}

#[test]
fn a_check_fails_where_the_present_load_is_too_much() {
    let (_folder, path) = written(PAIR);
    let knee = |rate: &str| {
        let set = format!("clients.c.arrivals={{\"poisson\":{rate}}}");
        fallover(&[
            "capacity",
            &path,
            "--knee-only",
            "--check",
            "--replications",
            "4",
            "--set",
            &set,
        ])
    };
    assert_eq!(knee("60").0, 0);
    let (status, out, _) = knee("180");
    assert_eq!(status, 99, "{out}");
    assert!(out.contains("180/s now, knee at ") && out.contains("p95"), "{out}");
}

#[test]
fn what_is_wrong_is_said_before_the_work() {
    let (_folder, path) = written(PAIR);
    let said = |arguments: &[&str], what: &str| {
        let (status, _, err) = fallover(&[&["capacity", &path], arguments].concat());
        assert_eq!(status, 2, "{err}");
        assert!(err.contains(what), "{err}");
    };
    said(&["--set", "slo=null"], "--set slo.p99=300ms");
    said(&["-o", "x.xls"], ".json");
    let silent = r#"clients.c.arrivals={"poisson":0}"#;
    let (status, _, err) = fallover(&["capacity", &path, "--set", silent]);
    assert_eq!(status, 2, "{err}");
}
