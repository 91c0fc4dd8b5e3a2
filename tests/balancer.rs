//! The less common directives of load balancers, checked against timelines worked out by hand.

mod support;

use fallover::model::recorder::{Row, RunRecord};
use fallover::model::request::Outcome::{self, *};
use fallover::scenario::load_text;
use fallover::scenario::plan::Kind;
use serde_json::{Value, json};
use support::haproxy::{Asked, Stack, in_order, response_ms, server_of};
use support::{endings, plan, record};

/// Evenly spaced requests, each a millisecond of work, at these servers.
fn stack(backend: &[&str], per_s: f64, seconds: f64, faults: &[(f64, f64, &str, &str)], more: Value) -> Stack {
    Stack {
        backend: backend.iter().map(|l| (*l).to_owned()).collect(),
        workers: vec![],
        asked: (0..(per_s * seconds) as u32)
            .map(|i| Asked {
                at: f64::from(i) / per_s,
                service: 0.001,
                ..Asked::default()
            })
            .collect(),
        faults: faults
            .iter()
            .map(|f| (f.0, f.1, f.2.to_owned(), f.3.to_owned()))
            .collect(),
        more,
        duration: seconds + 5.0,
    }
}

fn first_event(record: &RunRecord, what: &str) -> f64 {
    let event = record.events.iter().find(|e| e.what == what);
    event.expect("it happens").at.seconds()
}

#[test]
fn a_server_that_comes_up_starts_slowly() {
    let backend = [
        "balance roundrobin",
        "server s1 x check inter 500ms fall 2 rise 2 slowstart 4s",
        "server s2 x check inter 500ms fall 2 rise 2",
    ];
    let more = json!({ "servers": [{ "node": "s1", "slowstart": "4s" }, "s2"] });
    let stack = stack(&backend, 200.0, 16.0, &[(2.0, 3.0, "s1", "crash")], more);
    let (plan, record) = stack.run(0.0);
    let up = first_event(&record, "up");
    let share = |from: f64, to: f64| {
        let rows = in_order(&record);
        let inside: Vec<&&Row> = rows
            .iter()
            .filter(|r| (up + from..up + to).contains(&r.arrived.seconds()))
            .collect();
        inside.iter().filter(|r| server_of(&plan, r) == "s1").count() as f64 / inside.len() as f64
    };
    // 1, 5, 9, 13 and 16 sixteenths of the weight next to a full one; two of 200 requests may fall on the edges.
    for (second, sixteenths) in [1.0, 5.0, 9.0, 13.0, 16.0].into_iter().enumerate() {
        let (found, expected) = (
            share(second as f64, second as f64 + 1.0),
            sixteenths / (16.0 + sixteenths),
        );
        assert!(
            (found - expected).abs() <= 0.0101,
            "second {second}: {found}, not {expected}"
        );
    }
}

#[test]
fn a_table_laid_out_beforehand_knows_no_slow_start() {
    let backend = [
        "balance static-rr",
        "server s1 x check inter 500ms fall 2 rise 2",
        "server s2 x check inter 500ms fall 2 rise 2",
    ];
    let more = json!({ "servers": [{ "node": "s1", "slowstart": "4s" }, "s2"] });
    let stack = stack(&backend, 200.0, 10.0, &[(2.0, 3.0, "s1", "crash")], more);
    let (plan, record) = stack.run(0.0);
    let up = first_event(&record, "up");
    let rows = in_order(&record);
    let after = rows.iter().filter(|r| (up..up + 1.0).contains(&r.arrived.seconds()));
    let (mine, all) = after.fold((0, 0), |(mine, all), r| {
        (mine + u32::from(server_of(&plan, r) == "s1"), all + 1)
    });
    assert!(mine.abs_diff(all / 2) <= 1, "{mine} of {all}");
}

#[test]
fn the_limit_follows_the_load_up_to_fullconn() {
    // One server, minconn 1, maxconn 4, fullconn 8; a second a job; eight requests arrive one right after the other.
    // With n open, max(1, n·4/8) may be served: request n is let in at once where that exceeds those served already.
    // n = 1: limit 1, served. 2: limit 1, waits. From then on newcomers queue behind it. When 1 leaves at 1 s, eight
    // are open: the limit is 4, so 2–5 start. At 2 s, 2 leaves with seven open (limit 3): nobody starts, three are at
    // work; 3 leaves with six open (limit 3): 6 starts beside 4 and 5; 4 leaves with five open (limit 2): nobody; 5
    // leaves with four open (limit 2): 7 starts beside 6. At 3 s, 6 leaves with three open (limit 1): nobody; 7 with
    // two: 8 starts.
    let scenario = r#"{ "duration": "20s", "clients": { "c": { "arrivals": { "trace": "tests/data/rush.csv" }, "entry": "lb" } },
        "nodes": { "lb": { "kind": "load-balancer", "fullconn": 8, "timeouts": { "queue": "10s" },
                           "servers": [{ "node": "s", "minconn": 1, "maxconn": 4 }] },
                   "s": { "kind": "app", "work": { "*": { "io": "1s" } } } } }"#;
    let ends: Vec<f64> = endings(&record(scenario).rows)
        .into_iter()
        .map(|e| e.0.round())
        .collect();
    assert_eq!(ends, [1.0, 2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 4.0]);
}

#[test]
fn the_smaller_priority_is_served_first() {
    let scenario = |priorities: [i32; 2]| {
        format!(
            r#"{{ "duration": "20s",
            "requests": {{ "batch": {{ "priority": {} }}, "person": {{ "priority": {} }} }},
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/two-classes.csv" }}, "entry": "lb" }} }},
            "nodes": {{ "lb": {{ "kind": "load-balancer", "timeouts": {{ "queue": "10s" }}, "servers": [{{ "node": "s", "maxconn": 1 }}] }},
                       "s": {{ "kind": "app", "work": {{ "*": {{ "io": "1s" }} }} }} }} }}"#,
            priorities[0], priorities[1]
        )
    };
    // Batch, batch, person, batch, person, a tenth apart: the first is served at once; then both persons, then the
    // other batch jobs.
    let ends = |s: &str| endings(&record(s).rows).into_iter().map(|e| e.0).collect::<Vec<f64>>();
    assert_eq!(ends(&scenario([5, -1])), [1.0, 4.0, 2.0, 5.0, 3.0]);
    assert_eq!(ends(&scenario([0, 0])), [1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn live_traffic_marks_a_server_down_at_the_fifth_failed_connection() {
    let backend = |on_error: &str| {
        ["s1", "s2"].map(|s| {
            format!("server {s} x check inter 60s fastinter 200ms fall 3 rise 2 observe layer4 error-limit 5 on-error {on_error}")
        })
    };
    let run = |on_error: &str| {
        let lines = backend(on_error);
        let lines = [
            "balance roundrobin",
            "option redispatch",
            "retries 3",
            &lines[0],
            &lines[1],
        ];
        stack(&lines, 100.0, 10.0, &[(3.0, 4.0, "s1", "crash")], json!({})).run(0.0)
    };
    let down = |on_error: &str| first_event(&run(on_error).1, "down") - 3.0;
    // The redispatch uses up the turn of s2, so every request tries s1 first: the first at 3.00, the fifth at 3.04.
    assert!((down("mark-down") - 0.04).abs() < 1e-9);
    // After the fifth failure, one more failed check marks the server down. The next check is brought forward by nearly
    // a minute to 0.24, but five more errors come first.
    assert!((down("sudden-death") - 0.09).abs() < 1e-9);
    // Two more checks follow the one brought forward.
    assert!((down("fastinter") - 0.64).abs() < 1e-9);
    // Every fifth error counts as a failed check: the fifteenth error is the third.
    assert!((down("fail-check") - 0.14).abs() < 1e-9);
    assert_eq!(
        run("mark-down").1.nodes[1].tally.refused,
        5,
        "then nobody asks it any more"
    );
}

/// Requests that arrived in this window and met an unavailable server: outcome, arrival and end.
fn held(record: &RunRecord, from: f64, until: f64) -> Vec<(Outcome, f64, f64)> {
    let rows = in_order(record).into_iter();
    let away = rows.filter(|r| (from..until).contains(&r.arrived.seconds()) && response_ms(r) > 2.0);
    away.map(|r| {
        let arrived = r.arrived.seconds();
        (r.outcome, arrived, arrived + response_ms(r) / 1e3)
    })
    .collect()
}

#[test]
fn sessions_on_a_server_that_is_marked_down_end_or_are_retried() {
    let server = |s: &str, check: &str| format!("server {s} x {check} on-marked-down shutdown-sessions");
    let run = |check: &str, retry_on: &str, faults: &[(f64, f64, &str, &str)]| {
        let (s1, s2) = (server("s1", check), server("s2", check));
        let lines = ["balance roundrobin", "option redispatch", retry_on, &s1, &s2];
        stack(&lines, 100.0, 6.0, faults, json!({})).run(0.0).1
    };
    let checks = "check inter 400ms fall 2 rise 2";
    let hangs = (3.0, 4.0, "s1", "hang");
    for (retry_on, outcome, later) in [
        ("", Reset, 0.0),
        // The other server takes a millisecond.
        ("retry-on empty-response", Ok, 0.001),
        ("retry-on conn-failure", Reset, 0.0),
    ] {
        let record = run(checks, retry_on, &[hangs]);
        let down = first_event(&record, "down");
        let held = held(&record, 3.0, down);
        // Until then, every second one of a hundred requests a second.
        assert!((held.len() as f64 - (down - 3.0) * 50.0).abs() <= 1.0, "{}", held.len());
        for (ended, _, at) in held {
            assert_eq!(ended, outcome, "{retry_on}");
            assert!((at - down - later).abs() < 1e-6, "{retry_on}: at {at}, down at {down}");
        }
    }
    // Maintenance does the same at once, even if the hang is still undetected.
    let record = run("", "", &[hangs, (3.105, 1.0, "s1", "maint")]);
    let held = held(&record, 3.0, 3.105);
    assert!(held.len() == 5 || held.len() == 6, "{}", held.len());
    for (ended, _, at) in held {
        assert_eq!(ended, Reset);
        assert!((at - 3.105).abs() < 1e-6, "{at}");
    }
}

/// A session that is shut down while it has no connection continues unchanged, until it gets its next connection, which
/// ends it.
#[test]
fn a_session_that_pauses_is_shut_down_with_its_next_connection() {
    let server = |s: &str| format!("server {s} x check inter 500ms fall 3 rise 2 on-marked-down shutdown-sessions");
    let (s1, s2) = (server("s1"), server("s2"));
    let run = |retries: &str, more: &str| {
        let lines = ["balance roundrobin", retries, more, &s1, &s2];
        let record = stack(&lines, 100.0, 8.0, &[(3.0, 4.0, "s1", "crash")], json!({}))
            .run(0.0)
            .1;
        let down = first_event(&record, "down");
        let held = held(&record, 3.0, down);
        assert!((held.len() as f64 - (down - 3.0) * 50.0).abs() <= 1.0, "{}", held.len());
        (held, down)
    };
    for (retries, pauses) in [("retries 1", 1.0), ("retries 3", 3.0)] {
        for more in ["", "retry-on all-retryable-errors"] {
            for (ended, arrived, at) in run(retries, more).0 {
                assert!((at - arrived - pauses).abs() < 1e-6, "{arrived} to {at}");
                // The server is back at 7.
                assert_eq!(ended, if at < 7.0 { Refused } else { Reset }, "at {at}");
            }
        }
    }
    // With redispatch, the first try after DOWN goes to another server and connects there.
    let s3 = server("s3");
    let lines = [
        "balance uri",
        "hash-type consistent",
        "option redispatch",
        "retries 3",
        &s1,
        &s2,
        &s3,
    ];
    let record = stack(&lines, 100.0, 8.0, &[(3.0, 4.0, "s1", "crash")], json!({}))
        .run(0.0)
        .1;
    let down = first_event(&record, "down");
    let held = held(&record, 3.0, down);
    assert!(!held.is_empty());
    for (ended, arrived, at) in held {
        assert_eq!(ended, Reset);
        assert!(
            (at - arrived - (down - arrived).ceil()).abs() < 1e-6,
            "{arrived} to {at}, down at {down}"
        );
    }
}

#[test]
fn retry_on_says_what_is_tried_again() {
    // One request in service, on the first of two servers, when that server dies.
    let ends = |retry_on: &str, fault: &str| {
        let scenario = format!(
            r#"{{ "duration": "20s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/at-one.csv" }}, "entry": "lb" }} }},
            "nodes": {{ "lb": {{ "kind": "load-balancer", "servers": ["a", "b"], "redispatch": true, "retries": 2,
                               "timeouts": {{ "server": "3s" }} {retry_on} }},
                       "a": {{ "kind": "app", "work": {{ "*": {{ "io": "1s" }} }} }},
                       "b": {{ "kind": "app", "work": {{ "*": {{ "io": "1s" }} }} }} }},
            "faults": [{{ "target": "a", {fault} }}] }}"#
        );
        endings(&record(&scenario).rows)[0]
    };
    let dies = r#""at": "1.5s", "effect": "crash""#;
    let hangs = r#""at": "1.5s", "effect": "hang""#;
    let errs = r#""at": "0s", "effect": "errors", "ratio": 1"#;
    let refuses = r#""at": "0s", "effect": "crash""#;
    let expect = |retry_on: &str, fault: &str, expected: (f64, Outcome)| {
        assert_eq!(ends(retry_on, fault), expected, "{retry_on} {fault}");
    };
    // It arrives at 1.
    expect("", refuses, (2.0, Ok));
    expect("", dies, (1.5, Reset));
    expect("", hangs, (4.0, ServerTimeout));
    expect("", errs, (2.0, Error));
    let on = |word: &str| format!(r#", "retry_on": ["{word}"]"#);
    expect(&on("empty-response"), dies, (2.5, Ok));
    expect(&on("response-timeout"), hangs, (5.0, Ok));
    expect(&on("503"), errs, (3.0, Ok));
    // A list replaces the default.
    expect(&on("503"), refuses, (1.0, Refused));
    for fault in [dies, errs, refuses, hangs] {
        assert_eq!(ends(&on("all-retryable-errors"), fault).1, Ok);
    }
}

#[test]
fn a_retry_on_the_same_server_after_a_lost_connection_holds_no_slot() {
    // Three requests arrive at 1 s at a server with one slot and one second of work, which fails everything begun
    // before 3 s.
    let ends = |fault: &str| {
        let scenario = format!(
            r#"{{ "duration": "20s", "clients": {{
                "c1": {{ "arrivals": {{ "trace": "tests/data/at-one.csv" }}, "entry": "lb" }},
                "c2": {{ "arrivals": {{ "trace": "tests/data/at-one.csv" }}, "entry": "lb" }},
                "c3": {{ "arrivals": {{ "trace": "tests/data/at-one.csv" }}, "entry": "lb" }} }},
            "nodes": {{ "lb": {{ "kind": "load-balancer", "servers": [{{ "node": "a", "maxconn": 1 }}], "retries": 3,
                           "retry_on": ["all-retryable-errors"] }},
                       "a": {{ "kind": "app", "workers": 9, "work": {{ "*": {{ "io": "1s" }} }} }} }},
            "faults": [{{ "at": "0s", "for": "2500ms", "target": "a", "effect": "{fault}", "ratio": 1 }}] }}"#
        );
        endings(&record(&scenario).rows)
    };
    // At 2 the first fails: the second enters, and the first retries next to it without a slot. Both are answered at 3,
    // and only then is there a slot for the third.
    assert_eq!(ends("empty"), [(3.0, Ok), (3.0, Ok), (4.0, Ok)]);
    // After an answer the connection still exists, and so does its slot.
    assert_eq!(ends("errors"), [(3.0, Ok), (4.0, Ok), (5.0, Ok)]);
}

/// A session that is shut down and retries lets the next one in the queue enter, which is not shut down with it.
#[test]
fn who_comes_in_for_a_session_that_is_shut_down_is_let_be() {
    let record = record(
        r#"{ "duration": "60s", "clients": {
                "c1": { "arrivals": { "trace": "tests/data/at-one.csv" }, "entry": "lb" },
                "c2": { "arrivals": { "trace": "tests/data/at-one.csv" }, "entry": "lb" } },
            "nodes": { "lb": { "kind": "load-balancer", "algorithm": "source", "servers": [{ "node": "a", "maxconn": 1 }], "retries": 3,
                           "timeouts": { "queue": "60s" }, "retry_on": ["empty-response"], "on_marked_down": "shutdown-sessions" },
                       "a": { "kind": "app", "work": { "*": { "io": "10s" } } } },
            "faults": [{ "at": "2s", "target": "a", "effect": "maint" }] }"#,
    );
    // The first, the second in its place, and the first again.
    assert_eq!(record.nodes[1].tally.arrived, 3, "{:?}", endings(&record.rows));
}

/// A balancer in front of Nginx, an application and a database; what its checks see of the nodes behind a server.
#[test]
fn a_deep_check_sees_what_stands_behind_a_server() {
    let down = |target: &str, deep: bool| {
        let scenario = format!(
            r#"{{ "duration": "30s", "clients": {{ "c": {{ "arrivals": {{ "poisson": 1 }}, "entry": "lb" }} }},
            "nodes": {{ "lb": {{ "kind": "load-balancer", "servers": ["w1", "w2"], "check": {{ "inter": "1s", "deep": {deep} }} }},
                       "w1": {{ "kind": "web", "upstreams": ["a1"] }}, "w2": {{ "kind": "web", "upstreams": ["a2"] }},
                       "a1": {{ "kind": "app", "database": "db" }}, "a2": {{ "kind": "app", "database": "db" }},
                       "db": {{ "kind": "database", "members": {{ "p": {{}}, "r": {{}} }}, "primary": "p" }} }},
            "faults": [{{ "at": "10s", "target": "{target}", "effect": "crash" }}] }}"#
        );
        let record = record(&scenario);
        let events = record.events.iter().filter(|e| e.what == "down");
        events.map(|e| e.target.clone()).collect::<Vec<String>>()
    };
    assert_eq!(down("a1", false), Vec::<String>::new());
    assert_eq!(down("a1", true), ["lb/w1"]);
    assert_eq!(down("p", true), Vec::<String>::new(), "the replica can be read");
    assert_eq!(down("db", true).len(), 2, "nobody can");
}

#[test]
fn tls_at_a_balancer_costs_its_cpu() {
    let scenario = r#"{ "duration": "10s", "clients": { "c": { "arrivals": { "trace": "tests/data/at-one.csv" }, "entry": "lb" } },
        "nodes": { "lb": { "kind": "load-balancer", "servers": ["s"], "tls": { "handshake": "200ms", "resumption": 0 } },
                   "s": { "kind": "app", "work": { "*": { "io": "1s" } } } } }"#;
    assert_eq!(endings(&record(scenario).rows), [(2.2, Ok)]);
}

#[test]
fn contradictions_get_haproxys_answer() {
    let warnings = |settings: &str| {
        let scenario = format!(
            r#"{{ "clients": {{ "c": {{ "arrivals": {{ "poisson": 1 }}, "entry": "lb" }} }},
            "nodes": {{ "lb": {{ "kind": "load-balancer", {settings} }}, "a": {{ "kind": "app" }}, "b": {{ "kind": "app" }} }},
            "faults": [{{ "at": 1, "target": "a", "effect": "set", "set": {{ "weight": 5 }} }}] }}"#
        );
        plan(&scenario).warnings.join("\n")
    };
    for (settings, says) in [
        (
            r#""servers": [{ "node": "a", "backup": true }, { "node": "b", "backup": true }]"#,
            "every server is a backup",
        ),
        (
            r#""servers": [{ "node": "a", "slowstart": "4s" }, "b"]"#,
            "slowstart acts only after maintenance",
        ),
        (r#""servers": ["a", "b"], "observe": "layer4""#, "observe needs checks"),
        (
            r#""servers": ["a", "b"], "on_error": "mark-down""#,
            "without observe it does nothing",
        ),
        (
            r#""servers": ["a", "b"], "redispatch": true, "retries": 0"#,
            "retries are 0",
        ),
        (
            r#""servers": [{ "node": "a", "maxqueue": 5 }, "b"]"#,
            "never has a queue",
        ),
        (r#""servers": ["a", "b"], "draws": 3"#, "under another it does nothing"),
        (r#""servers": ["a", "b"], "fullconn": 10"#, "fullconn does nothing"),
        (
            r#""servers": [{ "node": "a", "minconn": 5, "maxconn": 2 }, "b"], "fullconn": 10"#,
            "is taken for the server's maxconn",
        ),
        (r#""servers": ["a"], "redispatch": true"#, "there is only one server"),
        (
            r#""servers": ["a", "b"], "algorithm": "static-rr""#,
            "a weight cannot become 5 under this algorithm",
        ),
    ] {
        assert!(warnings(settings).contains(says), "{settings}: {}", warnings(settings));
    }
}

/// HAProxy's own configuration errors are errors, and so is a check of a node that cannot be checked. `maxconn` 0 means
/// "no limit", as in HAProxy.
#[test]
fn what_haproxy_refuses_is_an_error() {
    let of = |settings: &str| {
        let text = format!(
            r#"{{ "clients": {{ "c": {{ "arrivals": {{ "poisson": 1 }}, "entry": "lb" }} }},
            "nodes": {{ "lb": {{ "kind": "load-balancer", {settings} }}, "a": {{ "kind": "app" }}, "b": {{ "kind": "app" }},
                       "ip": {{ "kind": "virtual-ip", "members": ["a", "b"] }} }} }}"#
        );
        load_text("x.json", &text, &[])
    };
    for (settings, says) in [
        (r#""servers": ["a"], "check": { "fall": 0 }"#, "fall must be at least 1"),
        (r#""servers": ["a"], "check": { "rise": 0 }"#, "rise must be at least 1"),
        (
            r#""servers": [{ "node": "a", "weight": 257 }]"#,
            "weight 257 is above 256, which is the limit",
        ),
        (r#""servers": ["ip"], "check": {}"#, "\"ip\" is a virtual-ip"),
        (
            r#""servers": ["a"] }, "d": { "kind": "app", "check": {}"#,
            "unknown field \"check\"",
        ),
    ] {
        let said = of(settings).map(|_| ()).unwrap_err().to_string();
        assert!(said.contains(says), "{settings}: {said}");
    }
    let plan = of(r#""servers": [{ "node": "a", "maxconn": 0 }]"#)
        .unwrap_or_else(|p| panic!("{p}"))
        .plan;
    let unlimited = |n: &fallover::scenario::plan::Node| matches!(&n.kind, Kind::LoadBalancer(lb) if lb.servers[0].maxconn.is_none());
    assert!(plan.nodes.iter().any(unlimited));
}

/// Two servers, one of which is affected by `faults`; one request at 1 that takes 100 ms.
fn two(balancer: &str, faults: &str) -> Vec<(f64, Outcome)> {
    let scenario = format!(
        r#"{{ "duration": "20s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/at-one.csv" }}, "entry": "lb" }} }},
        "hosts": {{ "h1": {{}}, "h2": {{}} }},
        "nodes": {{ "lb": {{ "kind": "load-balancer", "servers": ["a", "b"] {balancer} }},
                   "a": {{ "kind": "app", "host": "h1", "work": {{ "*": {{ "io": "100ms" }} }} }},
                   "b": {{ "kind": "app", "host": "h2", "work": {{ "*": {{ "io": "100ms" }} }} }} }},
        "faults": [{faults}] }}"#
    );
    endings(&record(&scenario).rows)
}

#[test]
fn a_hash_keeps_to_its_server_until_the_last_retry() {
    let ends = |dead: &str| {
        let faults = format!(r#"{{ "at": "0s", "target": "{dead}", "effect": "crash" }}"#);
        two(r#", "algorithm": "source", "retries": 3, "redispatch": true"#, &faults)[0]
    };
    // Its server refuses at 1, 2 and 3, and the last retry goes to the other server at once: real HAProxy 2.6.12 with
    // `hash-type consistent` took 2.107 s. If the other server is dead, nothing changes.
    let mut both = [ends("a"), ends("b")];
    both.sort_by(|x, y| x.0.total_cmp(&y.0));
    assert_eq!(both, [(1.1, Ok), (3.1, Ok)]);
}

#[test]
fn a_redispatch_with_nowhere_else_to_go_waits_a_second() {
    let faults = r#"{ "at": "0s", "for": "1.5s", "target": "a", "effect": "crash" },
                    { "at": "0s", "target": "b", "effect": "maint" }"#;
    assert_eq!(two(r#", "redispatch": true"#, faults), [(2.1, Ok)]);
    // If the connect time-out is shorter, it is the pause: tries at 1, 1.3 and 1.6.
    let hasty = r#", "redispatch": true, "timeouts": { "connect": "300ms" }"#;
    assert!((two(hasty, faults)[0].0 - 1.7).abs() < 1e-9);
}

/// Where `option redispatch` does not move at once, it is considered at each failure: the last retry moves, and so does
/// a request whose server is known to be down. A request that arrived before the server was known to be down tries it
/// once more (real HAProxy 2.6.12: 2.014 and 1.01 s). If no server is left, the request fails (503 after 1.001 s).
#[test]
fn a_redispatch_is_thought_of_at_each_failure() {
    let ends = |b: &str, limit: u32, faults: &str| {
        let scenario = format!(
            r#"{{ "duration": "20s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/pair.csv" }}, "entry": "lb" }} }},
            "nodes": {{ "lb": {{ "kind": "load-balancer", "redispatch": true, "servers": ["a", {{ "node": "b" {b} }}],
                                 "check": {{ "inter": "60s" }}, "observe": "layer4", "error_limit": {limit}, "on_error": "mark-down" }},
                       "a": {{ "kind": "app" }}, "b": {{ "kind": "app" }} }},
            "faults": [{{ "at": 0, "target": "a", "effect": "crash" }} {faults}] }}"#
        );
        endings(&record(&scenario).rows)
    };
    // The second request causes the second error, which marks the server down during the first request's pause.
    assert_eq!(ends(r#", "backup": true"#, 2, ""), [(3.0, Ok), (2.6, Ok)]);
    let nobody = r#", { "at": 0, "target": "b", "effect": "maint" }"#;
    assert_eq!(ends("", 1, nobody), [(2.0, NoServer), (1.6, NoServer)]);
}

/// An error that a retry makes good does not count against the server, except a connection error (real HAProxy 2.6.12
/// never marked it down).
#[test]
fn an_error_that_is_asked_again_is_no_error_to_observe() {
    let downs = |retry_on: &str| {
        let scenario = format!(
            r#"{{ "duration": "20s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/eight.csv" }}, "entry": "lb" }} }},
            "nodes": {{ "lb": {{ "kind": "load-balancer", "redispatch": true, "servers": ["a", "b"], "retry_on": [{retry_on}],
                                 "check": {{ "inter": "60s" }}, "observe": "layer7", "error_limit": 2, "on_error": "mark-down" }},
                       "a": {{ "kind": "app" }}, "b": {{ "kind": "app" }} }},
            "faults": [{{ "at": 0, "target": "a", "effect": "errors", "ratio": 1 }}] }}"#
        );
        record(&scenario).events.iter().filter(|e| e.what == "down").count()
    };
    assert_eq!((downs(r#""503""#), downs(r#""conn-failure""#)), (0, 1));
}

/// `leastconn` updates its order only when a slot is taken or released, not when a request queues: until then one queue
/// fills up (real HAProxy 2.6.12: 1 2 1 1 1 2 2 2).
#[test]
fn leastconn_fills_one_line_before_the_next() {
    let scenario = r#"{ "duration": "20s",
        "clients": { "c": { "arrivals": { "trace": "tests/data/thirties.csv" }, "entry": "lb" } },
        "nodes": { "lb": { "kind": "load-balancer", "algorithm": "leastconn",
                           "servers": [{ "node": "a", "maxconn": 1, "maxqueue": 3 }, { "node": "b", "maxconn": 1, "maxqueue": 3 }] },
                   "a": { "kind": "app", "work": { "*": { "io": "300ms" } } },
                   "b": { "kind": "app", "work": { "*": { "io": "300ms" } } } } }"#;
    let record = record(scenario);
    let mut rows: Vec<&Row> = record.rows.iter().collect();
    rows.sort_by_key(|r| r.id);
    let servers: Vec<usize> = rows
        .iter()
        .map(|r| r.server.expect("was sent to one").index())
        .collect();
    assert_eq!(servers, [1, 2, 1, 1, 1, 2, 2, 2]);
}

/// A request that a backup refuses retries there after a second, whether or not another backup exists, and goes to that
/// one with its last try: real HAProxy 2.6.12 took 3.017 s.
#[test]
fn backups_do_not_count_as_somewhere_else_to_go() {
    let scenario = r#"{ "duration": "20s",
        "clients": { "c": { "arrivals": { "trace": "tests/data/one.csv" }, "entry": "lb" } },
        "nodes": { "lb": { "kind": "load-balancer", "redispatch": true, "allbackups": true,
                           "servers": ["a", { "node": "b", "backup": true }, { "node": "c", "backup": true }] },
                   "a": { "kind": "app" }, "b": { "kind": "app" }, "c": { "kind": "app" } },
        "faults": [{ "at": "0s", "target": "a", "effect": "maint" }, { "at": "0s", "target": "b", "effect": "crash" }] }"#;
    assert_eq!(endings(&record(scenario).rows), [(3.0, Ok)]);
}

/// With a `maxqueue`, requests wait at the server that `leastconn` has chosen, though the other may be free sooner;
/// beyond it they wait at the backend. Real HAProxy 2.6.12 took 0.594, 0.193 and 0.289 s for the last three.
#[test]
fn leastconn_with_a_maxqueue_binds_who_waits_to_a_server() {
    let scenario = r#"{ "duration": "20s",
        "clients": { "c": { "arrivals": { "trace": "tests/data/uneven.csv" }, "entry": "lb" } },
        "nodes": { "lb": { "kind": "load-balancer", "algorithm": "leastconn",
                           "servers": [{ "node": "a", "maxconn": 1, "maxqueue": 1 }, { "node": "b", "maxconn": 1, "maxqueue": 1 }] },
                   "a": { "kind": "app", "work": { "*": { "io": { "trace": "svc" } } } },
                   "b": { "kind": "app", "work": { "*": { "io": { "trace": "svc" } } } } } }"#;
    // a: until 0.6, then the third until 0.7. b: until 0.205, then the fourth, and the fifth from the backend's queue.
    let ends: Vec<f64> = endings(&record(scenario).rows).iter().map(|e| e.0).collect();
    assert_eq!(ends, [0.6, 0.205, 0.7, 0.305, 0.405]);
}

#[test]
fn a_machine_that_says_nothing_costs_the_connect_time_out() {
    let faults = r#"{ "at": "0s", "target": "h1", "effect": "crash" }"#;
    let ends = two(r#", "redispatch": true, "timeouts": { "connect": "2s" }"#, faults);
    assert_eq!(ends, [(3.1, Ok)]);
}

#[test]
fn a_full_queue_of_a_hash_fails_at_once_even_with_redispatch() {
    // All from one source: one is served, one queues, and the third is rejected although the other server is idle.
    let scenario = r#"{ "duration": "20s",
        "clients": { "c": { "arrivals": { "trace": "tests/data/rush.csv" }, "population": 1, "entry": "lb" } },
        "nodes": { "lb": { "kind": "load-balancer", "algorithm": "source", "redispatch": true, "timeouts": { "queue": "10s" },
                           "servers": [{ "node": "a", "maxconn": 1, "maxqueue": 1 }, { "node": "b", "maxconn": 1, "maxqueue": 1 }] },
                   "a": { "kind": "app", "work": { "*": { "io": "1s" } } },
                   "b": { "kind": "app", "work": { "*": { "io": "1s" } } } } }"#;
    let ends = endings(&record(scenario).rows);
    let outcomes: Vec<Outcome> = ends.iter().map(|e| e.1).collect();
    assert_eq!(outcomes[..2], [Ok, Ok], "{ends:?}");
    assert!(outcomes[2..].iter().all(|o| *o == QueueFull), "{ends:?}");
    assert!(ends[2..].iter().all(|e| e.0 < 0.001), "at once: {ends:?}");
}

#[test]
fn who_gives_up_in_the_line_leaves_it() {
    let mut stack = stack(&["server s1 x maxconn 1"], 1.0, 3.0, &[], json!({}));
    let patiences = [None, Some(0.5), None];
    for (i, (asked, patience)) in stack.asked.iter_mut().zip(patiences).enumerate() {
        *asked = Asked {
            at: i as f64 / 10.0,
            service: 1.0,
            patience,
            ..Asked::default()
        };
    }
    // One at a time: the second gave up at 0.6, so the third begins when the first is done.
    let (_, record) = stack.run(0.0);
    let ends: Vec<_> = in_order(&record)
        .iter()
        .map(|r| (r.finished.unwrap().seconds(), r.outcome))
        .collect();
    assert_eq!(ends, [(1.0, Ok), (0.6, ClientTimeout), (2.0, Ok)]);
}

/// Checked against HAProxy 2.6.12: `s2 ready` gave it the two waiting requests and two newcomers before one had to
/// wait.
#[test]
fn those_fetched_by_a_server_that_comes_up_hold_no_slot() {
    let backend = ["balance roundrobin", "server s1 x maxconn 1", "server s2 x maxconn 2"];
    let mut stack = stack(&backend, 1.0, 6.0, &[(0.0, 2.5, "s2", "maint")], json!({}));
    for asked in &mut stack.asked {
        asked.service = 10.0;
    }
    stack.duration = 30.0;
    let (plan, record) = stack.run(0.0);
    let rows = in_order(&record);
    let servers: Vec<&str> = rows.iter().map(|r| server_of(&plan, r)).collect();
    assert_eq!(servers, ["s1", "s2", "s2", "s2", "s2", "s1"]);
    let waited: Vec<f64> = rows.iter().map(|r| (response_ms(r) - 10_000.0).round()).collect();
    assert_eq!(waited, [0.0, 1500.0, 500.0, 0.0, 0.0, 5000.0]);
}

/// Eight arrive, a tenth of a second apart, and are let in one at a time, for 800 ms each. Two may wait in the kernel's
/// queue, which is full when it is longer than `backlog`. The packets of the others are dropped and sent again every
/// second: at 1.3 s the fourth and at 1.6 s the seventh find a place, at 2.4 s the fifth, at 3.5 s the sixth, at 4.7 s
/// the eighth.
#[test]
fn beyond_the_backlog_connections_are_tried_again() {
    let world = |patience: &str| {
        format!(
            r#"{{ "duration": "30s",
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/eight.csv" }}, "entry": "lb" {patience} }} }},
            "nodes": {{ "lb": {{ "kind": "load-balancer", "servers": ["s"], "maxconn": 1, "backlog": 1 }},
                "s": {{ "kind": "app", "work": {{ "*": {{ "io": "800ms" }} }} }} }} }}"#
        )
    };
    let ends = |patience: &str| {
        let ends = endings(&record(&world(patience)).rows);
        let ends = ends.into_iter().map(|(at, how)| ((at * 1e3).round() as u64, how));
        ends.collect::<Vec<_>>()
    };
    let patient = [
        (800, Ok),
        (1600, Ok),
        (2400, Ok),
        (3200, Ok),
        (4800, Ok),
        (5600, Ok),
        (4000, Ok),
        (6400, Ok),
    ];
    assert_eq!(ends(""), patient);
    // Connections that were never accepted reached no server. The others were let in or queued, and were not answered
    // in time.
    let hasty = [
        (800, Ok),
        (1600, Ok),
        (2400, Ok),
        (2800, ClientTimeout),
        (2900, ClientTimeout),
        (3000, Unreachable),
        (3100, ClientTimeout),
        (3200, Unreachable),
    ];
    assert_eq!(ends(r#", "timeout": "2500ms""#), hasty);
}

/// Linux retransmits the SYN ten times, five times after 1 s and then after 2, 4, … 32 s, and gives up 64 s after the
/// last: at 131 s.
#[test]
fn a_connection_that_nobody_hears_is_given_up_after_ten_further_tries() {
    let world = r#"{ "duration": "500s",
        "clients": { "c": { "arrivals": { "trace": "tests/data/eight.csv" }, "entry": "lb", "timeout": "400s" } },
        "nodes": { "lb": { "kind": "load-balancer", "servers": ["s"], "maxconn": 1, "backlog": 1 },
            "s": { "kind": "app", "work": { "*": { "io": "300s" } } } } }"#;
    let ends = endings(&record(world).rows);
    let ends: Vec<_> = ends
        .into_iter()
        .map(|(at, how)| ((at * 10.0).round() as u64, how))
        .collect();
    // One is served, two wait in the kernel's queue, and the SYNs of the others are dropped.
    let mut expected = vec![(3000, Ok), (4001, ClientTimeout), (4002, ClientTimeout)];
    expected.extend((3..8).map(|i| (1310 + i, Unreachable)));
    assert_eq!(ends, expected);
}

/// A server that closes connections instead of answering, while its checks pass: the client gets a reset, unless the
/// balancer tries another server.
#[test]
fn an_empty_answer_is_a_reset_unless_it_is_tried_again() {
    let world = |more: &str| {
        format!(
            r#"{{ "duration": "9500ms",
            "clients": {{ "c": {{ "arrivals": {{ "uniform": "1/s" }}, "entry": "lb" }} }},
            "nodes": {{ "lb": {{ "kind": "load-balancer", "servers": ["a", "b"], "redispatch": true,
                    "check": {{ "inter": "500ms", "fall": 1 }} {more} }},
                "a": {{ "kind": "app", "work": {{ "*": {{ "io": "10ms" }} }} }},
                "b": {{ "kind": "app", "work": {{ "*": {{ "io": "10ms" }} }} }} }},
            "faults": [{{ "at": "1500ms", "target": "a", "effect": "empty" }}] }}"#
        )
    };
    let ends = |more: &str| endings(&record(&world(more)).rows);
    let (told, tried) = (ends(""), ends(r#", "retry_on": ["empty-response"]"#));
    let reset = told.iter().filter(|end| end.1 == Outcome::Reset).count();
    assert_eq!(reset, 4, "those at 3 s, 5 s, 7 s and 9 s: {told:?}");
    assert!(tried.iter().all(|end| end.1 == Outcome::Ok), "{tried:?}");
    // A second attempt uses up the other server's turn, so from 3 s on every request tries the broken one first.
    let twice = tried.iter().filter(|end| (end.0.fract() - 0.020).abs() < 1e-6).count();
    assert_eq!(twice, 7, "{tried:?}");
}
