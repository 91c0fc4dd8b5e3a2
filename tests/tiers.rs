//! Retries, circuit breakers, semi-synchronous commits and resolvers that check, compared with timelines worked out by
//! hand.

mod support;

use fallover::model::recorder::{Row, RunRecord};
use fallover::model::request::Outcome::{self, *};
use support::{endings, record};

#[track_caller]
fn departures(scenario: &str, expected: &[(f64, Outcome)]) -> RunRecord {
    let record = record(scenario);
    let found = endings(&record.rows);
    let same = |(found, expected): (&(f64, Outcome), &(f64, Outcome))| {
        (found.0 - expected.0).abs() < 1e-6 && found.1 == expected.1
    };
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(found.iter().zip(expected).all(same), "{found:?}, not {expected:?}");
    record
}

fn notes(record: &RunRecord, what: &str) -> Vec<f64> {
    let events = record.events.iter().filter(|e| e.what == what);
    events.map(|e| e.at.seconds()).collect()
}

// --- applications ---------------------------------------------------------------------------------------------------

/// A client, an application, and a service that takes 100 ms; `trace` says when requests come.
fn calling(trace: &str, app: &str, faults: &str) -> String {
    format!(
        r#"{{ "duration": "60s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/{trace}.csv" }}, "entry": "a" }} }},
        "nodes": {{ "a": {{ "kind": "app", "calls": ["s"] {app} }},
                   "s": {{ "kind": "app", "work": {{ "*": {{ "io": "100ms" }} }} }} }},
        "faults": [{faults}] }}"#
    )
}

#[test]
fn an_application_tries_again_with_growing_pauses() {
    let retry = r#", "retry": { "max": 3, "backoff": "1s", "factor": 2, "jitter": 0 }"#;
    // Refused at 1, again at 2, 4 and 8.
    let dead = r#"{ "at": "0s", "target": "s", "effect": "crash" }"#;
    let record = departures(&calling("at-one", retry, dead), &[(8.0, Refused)]);
    assert_eq!(record.nodes[1].tally.refused, 4);
    assert_eq!(record.classes[0].attempts, 1, "the client tried once");
    // Back at 3: the third attempt, at 4, is answered.
    let back = r#"{ "at": "0s", "for": "3s", "target": "s", "effect": "crash" }"#;
    departures(&calling("at-one", retry, back), &[(4.1, Ok)]);
    departures(&calling("at-one", "", back), &[(1.0, Refused)]);
}

#[test]
fn an_open_circuit_fails_at_once_and_tries_once() {
    // Requests at 1, 2.5, 4, 5.5, 7, 8.5 and 10; dead until 8. Two failures within 5 s open the breaker for 4 s, at
    // 2.5 s: 4 and 5.5 fail without a call. 7 is the trial, and fails: open until 11, so 8.5 and 10 fail although the
    // service is back.
    let breaker = r#", "breaker": { "failures": 2, "window": "5s", "open": "4s" }"#;
    let dead = r#"{ "at": "0s", "for": "8s", "target": "s", "effect": "crash" }"#;
    let expected = [
        (1.0, Refused),
        (2.5, Refused),
        (4.0, Error),
        (5.5, Error),
        (7.0, Refused),
        (8.5, Error),
        (10.0, Error),
    ];
    let record = departures(&calling("steady", breaker, dead), &expected);
    assert_eq!(record.nodes[1].tally.arrived, 3);
    // Open for 2 s only: 4 fails at once; 5.5 is the trial; 7 fails at once; 8.5 is the trial and closes it.
    let breaker = breaker.replace("4s", "2s");
    let expected = [
        (1.0, Refused),
        (2.5, Refused),
        (4.0, Error),
        (5.5, Refused),
        (7.0, Error),
        (8.6, Ok),
        (10.1, Ok),
    ];
    departures(&calling("steady", &breaker, dead), &expected);
}

#[test]
fn a_query_that_failed_gives_its_connection_back_while_it_pauses() {
    // One connection. The first request finds the only member dead at 1 and pauses for 10 s; the second comes at 1.6,
    // when the member is back, and finds the connection free.
    let scenario = r#"{ "duration": "60s",
        "clients": { "c": { "arrivals": { "trace": "tests/data/pair.csv" }, "entry": "a" } },
        "nodes": { "a": { "kind": "app", "database": "db", "pool": 1, "queries": { "*": { "write": 1 } },
                          "retry": { "max": 1, "backoff": "10s", "jitter": 0 } },
                   "db": { "kind": "database", "members": { "m": {} }, "work": { "write": { "io": "1s" } } } },
        "faults": [{ "at": "0s", "for": "1.5s", "target": "m", "effect": "crash" }] }"#;
    departures(scenario, &[(12.0, Ok), (2.6, Ok)]);
}

// --- databases ------------------------------------------------------------------------------------------------------

/// Writes at 1, 2.5, 4, 5.5, 7, 8.5 and 10, 100 ms each, to a primary with a replica.
fn replicated(replication: &str, faults: &str) -> String {
    format!(
        r#"{{ "duration": "60s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/steady.csv" }}, "entry": "a" }} }},
        "nodes": {{ "a": {{ "kind": "app", "database": "db", "queries": {{ "*": {{ "write": 1 }} }} }},
                   "db": {{ "kind": "database", "members": {{ "p": {{}}, "r": {{}} }}, "primary": "p",
                           "replication": {replication}, "work": {{ "write": {{ "io": "100ms" }} }} }} }},
        "faults": [{faults}] }}"#
    )
}

#[test]
fn the_first_commit_without_a_replica_waits_and_the_others_do_not() {
    let semi_sync = r#"{ "mode": "semi-sync", "timeout": "1s" }"#;
    let dead = r#"{ "at": "2s", "for": "4s", "target": "r", "effect": "crash" }"#;
    let expected = [
        (1.1, Ok),
        (3.6, Ok),
        (4.1, Ok),
        (5.6, Ok),
        (7.1, Ok),
        (8.6, Ok),
        (10.1, Ok),
    ];
    let record = departures(&replicated(semi_sync, dead), &expected);
    assert_eq!(notes(&record, "semi-sync off"), [3.6]);
    assert_eq!(
        notes(&record, "semi-sync on"),
        [7.1],
        "with the first commit that finds it back"
    );
    // A hang is silent like a crash; back at 3, the replica acknowledges the pending writes.
    let hung = r#"{ "at": "2s", "for": "1s", "target": "r", "effect": "hang" }"#;
    let record = departures(
        &replicated(semi_sync, hung),
        &[
            (1.1, Ok),
            (3.0, Ok),
            (4.1, Ok),
            (5.6, Ok),
            (7.1, Ok),
            (8.6, Ok),
            (10.1, Ok),
        ],
    );
    assert!(notes(&record, "semi-sync off").is_empty());
}

/// The number of writes that died with the primary, and when the replica was promoted.
fn failed_over(replication: &str, faults: &str) -> (u64, Vec<f64>) {
    let scenario = replicated(replication, faults);
    let failover = r#""primary": "p", "failover": { "detect": "1s", "promote": "1s" },"#;
    let record = record(&scenario.replace(r#""primary": "p","#, failover));
    let promoted = record.events.iter().filter(|e| e.what.starts_with("promoted"));
    (record.lost_writes[0], promoted.map(|e| e.at.seconds()).collect())
}

#[test]
fn a_replica_works_on_one_write_after_the_other() {
    // Commits at 1.1, 2.6 … 10.1; the primary dies at 12, and is replaced at 14 at the earliest. Writes that the
    // replica has received are safe, but it applies them first: seven writes of 5 s each from 1.1 on.
    let dies = r#"{ "at": "12s", "target": "p", "effect": "crash" }"#;
    assert_eq!(failed_over(r#"{ "apply": "5s" }"#, dies), (0, vec![36.1]));
    // A lag of 5 s is the same for all: the replica has those of 6.1, 7.6, 9.1 and 10.6.
    assert_eq!(failed_over(r#"{ "lag": "5s" }"#, dies), (3, vec![14.0]));
    // The last would have arrived at 12.1; six of 5 s from 3.1 on.
    assert_eq!(failed_over(r#"{ "lag": "2s", "apply": "5s" }"#, dies), (1, vec![33.1]));
    // An acknowledged write is received, but not applied any sooner.
    assert_eq!(
        failed_over(r#"{ "mode": "semi-sync", "apply": "5s" }"#, dies),
        (0, vec![36.1])
    );
}

#[test]
fn a_replica_that_does_not_follow_receives_nothing() {
    // Commits at 1.1, 2.6, 4.1; the primary dies at 5.
    let dies = r#"{ "at": "5s", "target": "p", "effect": "crash" }"#;
    let lost = |replication: &str, replica: &str| failed_over(replication, &format!("{replica}, {dies}")).0;
    let until = |at: &str, lasts: &str, effect: &str| {
        format!(r#"{{ "at": "{at}", "for": "{lasts}", "target": "r", "effect": "{effect}" }}"#)
    };
    let cut = r#"{ "at": "2s", "effect": "partition", "from": "p", "to": "r" }"#;
    for effect in ["crash", "hang"] {
        // The replica comes back before the primary dies and catches up, or after, and has what it had.
        assert_eq!(lost("{}", &until("500ms", "4s", effect)), 0);
        assert_eq!(lost("{}", &until("500ms", "5s", effect)), 3);
        assert_eq!(lost("{}", &until("2s", "4s", effect)), 2);
    }
    assert_eq!(lost("{}", cut), 2);
    // Semi-sync has given up waiting.
    let hasty = r#"{ "mode": "semi-sync", "timeout": "200ms" }"#;
    assert_eq!(lost(hasty, &until("500ms", "5s", "crash")), 3);
    assert_eq!(lost(hasty, cut), 2);
}

#[test]
fn the_replica_that_has_most_is_promoted() {
    // r is away from 0.5 to 4.9 s and the primary dies at 4.8: s has acknowledged all three.
    let scenario = replicated(
        r#"{ "mode": "semi-sync" }"#,
        r#"{ "at": "500ms", "for": "4.4s", "target": "r", "effect": "crash" }, { "at": "4.8s", "target": "p", "effect": "crash" }"#,
    );
    let scenario = scenario.replace(r#""r": {}"#, r#""r": {}, "s": {}"#).replace(
        r#""primary": "p","#,
        r#""primary": "p", "failover": { "detect": "1s", "promote": "1s" },"#,
    );
    let record = record(&scenario);
    let promoted = record
        .events
        .iter()
        .find(|e| e.what.starts_with("promoted"))
        .expect("one is");
    assert_eq!((promoted.target.as_str(), record.lost_writes[0]), ("s", 0));
}

#[test]
fn what_a_replica_has_acknowledged_does_not_die_with_the_primary() {
    let lost = |mode: &str| {
        let replication = format!(r#"{{ "mode": "{mode}", "lag": "5s" }}"#);
        let scenario = replicated(&replication, r#"{ "at": "3s", "target": "p", "effect": "crash" }"#);
        let scenario = scenario.replace(
            r#""primary": "p","#,
            r#""primary": "p", "failover": { "detect": "1s", "promote": "1s" },"#,
        );
        record(&scenario).lost_writes[0]
    };
    // The writes of 1 and 2.5 are on no replica at 3.
    assert_eq!((lost("async"), lost("semi-sync")), (2, 0));
}

// --- web servers ----------------------------------------------------------------------------------------------------

/// A web server before an application that takes 1 s, asked 400 times.
fn proxied(web: &str, faults: &str) -> RunRecord {
    record(&format!(
        r#"{{ "duration": "100s",
        "clients": {{ "c": {{ "arrivals": {{ "uniform": 10 }}, "population": 1, "entry": "w" }} }},
        "nodes": {{ "w": {{ "kind": "web", "upstreams": ["a"] {web} }},
                   "a": {{ "kind": "app", "work": {{ "*": {{ "io": "1s" }} }} }} }},
        "faults": [{faults}] }}"#
    ))
}

/// The share of requests that arrived within these seconds and were proxied to the application.
fn share_proxied(record: &RunRecord, from: f64, to: f64) -> f64 {
    let inside: Vec<_> = record
        .rows
        .iter()
        .filter(|r| (from..to).contains(&r.arrived.seconds()) && r.outcome == Ok)
        .collect();
    let slow = inside
        .iter()
        .filter(|r| r.finished.unwrap().since(r.arrived).seconds() > 0.5);
    slow.count() as f64 / inside.len() as f64
}

#[test]
fn a_cache_answers_its_share_and_is_cold_after_a_crash() {
    let warm = proxied(r#", "cache": { "hit": 0.8 }"#, "");
    // Four standard deviations of a share of 0.2 among 1,000.
    assert!((share_proxied(&warm, 0.0, 99.0) - 0.2).abs() < 4.0 * (0.16f64 / 990.0).sqrt());
    let crash = r#"{ "at": "50s", "for": "1s", "target": "w", "effect": "crash" }"#;
    let cold = proxied(r#", "cache": { "hit": 0.8, "ttl": "20s" }"#, crash);
    // Once the first answer is there, after a second, a share of exp(-t/5 s) is still proxied: the test uses its mean
    // over the interval. Entries fetched at first become stale after 20 s, and the share settles.
    let mean = |from: f64, to: f64| 5.0 / (to - from) * ((-from / 5.0).exp() - (-to / 5.0).exp());
    for start in [0.0, 51.0] {
        for (from, to, share) in [
            (0.0, 1.0, 1.0),
            (1.0, 6.0, mean(1.0, 6.0)),
            (6.0, 16.0, mean(6.0, 16.0)),
        ] {
            let found = share_proxied(&cold, start + from, start + to);
            let deviation = (share * (1.0 - share) / (10.0 * (to - from))).sqrt();
            assert!(
                (found - share).abs() <= 4.0 * deviation,
                "{start} {from}: {found}, not {share}"
            );
        }
    }
}

/// Five of seven `worker_connections` are free. A request delayed by `limit_req` holds one, and real Nginx 1.22
/// answered the first four, 0, 1, 2 and 3 s late, and closed the others.
#[test]
fn what_limit_req_delays_holds_one_connection() {
    let web = |more: &str| {
        let scenario = format!(
            r#"{{ "duration": "20s",
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/seven.csv" }}, "population": 1, "entry": "w" }} }},
            "nodes": {{ "w": {{ "kind": "web", "connections": 7, "upstreams": ["a"] {more} }},
                       "a": {{ "kind": "app", "work": {{ "*": {{ "io": "10ms" }} }} }} }} }}"#
        );
        let rows = record(&scenario).rows;
        let latency = |r: &Row| (r.finished.expect("it ends").since(r.arrived).seconds() * 1000.0).round();
        rows.iter().map(|r| (latency(r), r.outcome)).collect::<Vec<_>>()
    };
    let served = [(10.0, Ok), (1009.0, Ok), (2008.0, Ok), (3007.0, Ok)];
    let limited = web(r#", "limit_req": { "rate": "1/s", "burst": 10 }"#);
    assert_eq!(limited[..4], served);
    assert_eq!(limited[4..], [(0.0, Refused); 3]);
    // Two proxied requests leave one connection: a client is accepted but gets a 500, because there is none for the
    // upstream.
    let odd = web("");
    assert_eq!(odd[..2], [(10.0, Ok); 2]);
    assert_eq!(odd[2..], [(0.0, Error); 5]);
}

/// While nothing answers, cache entries become stale within one `ttl`; afterwards they are fetched again on request.
#[test]
fn a_cache_goes_stale_while_nobody_is_behind_it() {
    let crash = r#"{ "at": "50s", "for": "20s", "target": "a", "effect": "crash" }"#;
    let run = proxied(r#", "cache": { "hit": 0.8, "ttl": "20s" }"#, crash);
    // Of the requests in each ten seconds: the mean of a share that falls linearly from 0.8 to 0, and of 1 -
    // exp(-t/5 s), once the first answer is there, after a second.
    let back = |from: f64, to: f64| 1.0 - 0.5 * ((-from / 5.0f64).exp() - (-to / 5.0f64).exp());
    let first = back(0.0, 10.0) - 0.1 * (1.0 + 5.0 * ((-0.2f64).exp() - 1.0));
    for (from, share) in [(50.0, 0.6), (60.0, 0.2), (70.0, first), (80.0, back(10.0, 20.0))] {
        let asked = run
            .rows
            .iter()
            .filter(|r| (from..from + 10.0).contains(&r.arrived.seconds()));
        let at_once = |r: &&Row| r.outcome == Ok && r.finished.unwrap().since(r.arrived).seconds() < 0.5;
        let (asked, kept) = (asked.clone().count() as f64, asked.filter(at_once).count() as f64);
        let deviation = (share * (1.0 - share) / asked).sqrt();
        assert!(
            (kept / asked - share).abs() <= 4.0 * deviation,
            "{from}: {kept} of {asked}, not {share}"
        );
    }
}

/// The client leaves after a second, long before the web server notices the silent upstream: nothing is fetched all the
/// same.
#[test]
fn a_cache_does_not_fill_or_stay_warm_where_clients_leave_first() {
    for (fault_at, from, share) in [("0s", 0.0, 0.0), ("50s", 71.0, 0.0)] {
        let run = record(&format!(
            r#"{{ "duration": "100s",
            "clients": {{ "c": {{ "timeout": "1s", "arrivals": {{ "uniform": 10 }}, "entry": "w" }} }},
            "nodes": {{ "w": {{ "kind": "web", "upstreams": ["a"], "cache": {{ "hit": 0.8, "ttl": "20s" }} }},
                       "a": {{ "kind": "app", "work": {{ "*": {{ "io": "1ms" }} }} }} }},
            "faults": [{{ "at": "{fault_at}", "target": "a", "effect": "hang" }}] }}"#
        ));
        let asked = run.rows.iter().filter(|r| r.arrived.seconds() >= from);
        let served = asked.clone().filter(|r| r.outcome == Ok).count() as f64;
        assert_eq!(served / asked.count() as f64, share, "the fault at {fault_at}");
    }
}

/// Two servers alternate and one answers with errors: a missing key is fetched at the second attempt, so two thirds are
/// cached, and half of the others are served.
#[test]
fn a_cache_before_a_half_dead_tier_keeps_what_the_other_half_brings() {
    for at in ["10s", "300s"] {
        let run = record(&format!(
            r#"{{ "duration": "1000s",
            "clients": {{ "c": {{ "arrivals": {{ "poisson": 20 }}, "entry": "w" }} }},
            "nodes": {{ "w": {{ "kind": "web", "upstreams": ["lb"], "cache": {{ "hit": 0.8, "ttl": "20s" }} }},
                       "lb": {{ "kind": "load-balancer", "servers": ["a", "b"] }},
                       "a": {{ "kind": "app", "work": {{ "*": {{ "io": "1ms" }} }} }},
                       "b": {{ "kind": "app", "work": {{ "*": {{ "io": "1ms" }} }} }} }},
            "faults": [{{ "at": "{at}", "target": "a", "effect": "errors", "ratio": 1 }}] }}"#
        ));
        let asked = run.rows.iter().filter(|r| r.arrived.seconds() >= 400.0);
        let served = asked.clone().filter(|r| r.outcome == Ok).count() as f64;
        let (share, asked) = (5.0 / 6.0, asked.count() as f64);
        let deviation = (share * (1.0 - share) / asked).sqrt();
        let found = served / asked;
        assert!(
            (found - share).abs() < 4.0 * deviation,
            "{found} with the fault at {at}"
        );
    }
}

#[test]
fn one_client_may_have_so_many_requests_at_once() {
    // Ten a second, 1 s each, one client: four are let in, the others rejected until the first is back.
    let limited = proxied(r#", "limit_conn": 4"#, "");
    let outcomes: Vec<Outcome> = limited.rows.iter().take(20).map(|r| r.outcome).collect();
    for (i, outcome) in outcomes.into_iter().enumerate() {
        let expected = if i % 10 < 4 { Ok } else { Rejected };
        assert_eq!(outcome, expected, "request {i}");
    }
}

/// A web server before two applications, the first of which answers with errors until 2.2 s; a request at 1, 2.5, 4, ….
fn with_errors(web: &str) -> Vec<Outcome> {
    let scenario = format!(
        r#"{{ "duration": "20s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/steady.csv" }}, "entry": "w" }} }},
        "nodes": {{ "w": {{ "kind": "web", "upstreams": ["a", "b"] {web} }},
                   "a": {{ "kind": "app" }}, "b": {{ "kind": "app" }} }},
        "faults": [{{ "at": 0, "for": "2.2s", "target": "a", "effect": "errors", "ratio": 1 }},
                   {{ "at": 0, "for": "2.2s", "target": "b", "effect": "errors", "ratio": 1 }}] }}"#
    );
    record(&scenario).rows.iter().map(|r| r.outcome).collect()
}

#[test]
fn an_error_that_is_passed_on_is_an_answer_like_any_other() {
    // Both answer with an error. The first passes the request on, and counts; the second is the last available: its
    // error is passed on and does not count, so there is always one to try.
    let all = [Error, Ok, Ok, Ok, Ok, Ok, Ok];
    assert_eq!(with_errors(r#", "next_upstream": ["error", "http_500"]"#), all);
    assert_eq!(with_errors(""), all);
}

#[test]
fn next_upstream_says_what_is_tried_elsewhere_and_how_often() {
    let asked = |web: &str, effect: &str| {
        let scenario = format!(
            r#"{{ "duration": "20s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/at-one.csv" }}, "entry": "w" }} }},
            "nodes": {{ "w": {{ "kind": "web", "upstreams": ["a", "b", "d"], "timeouts": {{ "read": "1s" }} {web} }},
                       "a": {{ "kind": "app" }}, "b": {{ "kind": "app" }}, "d": {{ "kind": "app" }} }},
            "faults": [{{ "at": 0, "target": "a", "effect": {effect} }}, {{ "at": 0, "target": "b", "effect": {effect} }}] }}"#
        );
        endings(&record(&scenario).rows)[0]
    };
    let errors = r#""errors", "ratio": 1"#;
    let on = |words: &str| format!(r#", "next_upstream": {words}"#);
    assert_eq!(asked("", r#""crash""#), (1.0, Ok));
    assert_eq!(asked(&on(r#"["timeout"]"#), r#""crash""#), (1.0, Refused));
    assert_eq!(asked(&on(r#"["off"]"#), r#""crash""#), (1.0, Refused));
    assert_eq!(asked("", errors), (1.0, Error));
    assert_eq!(asked(&on(r#"["http_503"]"#), errors), (1.0, Ok));
    assert_eq!(asked("", r#""hang""#), (3.0, Ok));
    assert_eq!(asked(&on(r#"["error"]"#), r#""hang""#), (2.0, ServerTimeout));
    assert_eq!(
        asked(r#", "next_upstream_tries": 2"#, r#""hang""#),
        (3.0, ServerTimeout)
    );
}

/// A failure that may be made good is dropped while another upstream is sought. None is available, because the other is
/// out: a 502, whatever the failure was (real Nginx 1.22: 502 after 351 ms). The failure of the last try itself is
/// passed on.
#[test]
fn a_search_that_finds_nobody_is_a_bad_gateway() {
    let scenario = r#"{ "duration": "20s", "clients": { "c": { "arrivals": { "trace": "tests/data/eight.csv" }, "entry": "w" } },
        "nodes": { "w": { "kind": "web", "timeouts": { "read": "350ms" },
                          "upstreams": [{ "node": "a", "fail_timeout": "9s" }, { "node": "b", "fail_timeout": "9s" }] },
                   "a": { "kind": "app" }, "b": { "kind": "app" } },
        "faults": [{ "at": 0, "target": "a", "effect": "hang" }, { "at": 0, "target": "b", "effect": "crash" }] }"#;
    let ends = endings(&record(scenario).rows);
    // The first request finds the other upstream out, because the second request has failed there meanwhile. A request
    // that arrives before either is known to be out goes to the hanging one as its last try.
    assert_eq!(ends[..2], [(0.35, NoServer), (0.45, ServerTimeout)]);
    assert_eq!(ends[7], (0.7, NoServer));
}

#[test]
fn an_applications_own_time_out_is_not_nginxs() {
    // The query exceeds the application's time-out, and the application answers with an error in good time.
    let scenario = r#"{ "duration": "20s", "clients": { "c": { "arrivals": { "trace": "tests/data/at-one.csv" }, "entry": "w" } },
        "nodes": { "w": { "kind": "web", "upstreams": ["a", "b"] },
                   "a": { "kind": "app", "database": "db", "timeouts": { "query": "1s" }, "queries": { "*": { "read": 1 } } },
                   "b": { "kind": "app" },
                   "db": { "kind": "database", "members": { "m": {} }, "work": { "*": { "io": "5s" } } } } }"#;
    departures(scenario, &[(2.0, ServerTimeout)]);
}

// --- databases ------------------------------------------------------------------------------------------------------

/// Reads every 1.5 s from 1 s on, 10 ms each, at two members on machines of their own.
fn reads(app: &str, database: &str, faults: &str) -> RunRecord {
    record(&format!(
        r#"{{ "duration": "60s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/steady.csv" }}, "entry": "app" }} }},
        "hosts": {{ "d1": {{}}, "d2": {{}} }},
        "nodes": {{ "app": {{ "kind": "app", "database": "db", "queries": {{ "*": {{ "read": 1 }} }} {app} }},
                   "db": {{ "kind": "database", "primary": "one", "work": {{ "*": {{ "io": "1s" }} }} {database},
                           "members": {{ "one": {{ "host": "d1" }}, "two": {{ "host": "d2" }} }} }} }},
        "faults": [{faults}] }}"#
    ))
}

#[test]
fn reads_go_where_read_from_says() {
    let asked = |from: &str| {
        let record = reads("", &format!(r#", "read_from": "{from}""#), "");
        (record.nodes[1].tally.arrived, record.nodes[2].tally.arrived)
    };
    assert_eq!(asked("primary"), (7, 0));
    assert_eq!(asked("replicas"), (0, 7));
    assert_eq!(asked("any"), (4, 3));
}

#[test]
fn a_member_that_said_nothing_is_avoided() {
    // The machine of `two` dies at 2: a read that goes to it waits 500 ms before it tries `one`, and takes 1 s there.
    let dead = r#"{ "at": "2s", "target": "d2", "effect": "crash" }"#;
    let slow = |avoid: &str| {
        let app = format!(r#", "timeouts": {{ "connect": "500ms" }} {avoid}"#);
        let record = reads(&app, r#", "read_from": "any""#, dead);
        let took = record
            .rows
            .iter()
            .map(|r| r.finished.unwrap().since(r.arrived).seconds());
        took.map(|t| t > 1.4).collect::<Vec<bool>>()
    };
    // In turn: 1 at `one`, 2.5 at `two`, which is silent, so at `one`; then it is `two`'s turn again, and so on.
    assert_eq!(slow(""), [false, true, true, true, true, true, true]);
    // Avoided for 4 s after the silence: until 7 s; the read at 7 finds it silent again, and it is avoided until
    // 11.5 s.
    let found = slow(r#", "avoid": "4s""#);
    assert_eq!(found, [false, true, false, false, true, false, false]);
}

#[test]
fn a_query_dies_with_its_member() {
    let dies = r#"{ "at": "1.5s", "for": "200ms", "target": "one", "effect": "crash" }"#;
    let record = reads("", r#", "read_from": "primary""#, dies);
    let ends: Vec<_> = endings(&record.rows).into_iter().take(2).collect();
    assert_eq!(ends, [(1.5, Reset), (3.5, Ok)]);
}

// --- the network ----------------------------------------------------------------------------------------------------

#[test]
fn a_link_has_a_latency_of_its_own_and_can_be_cut() {
    let scenario = |faults: &str| {
        format!(
            r#"{{ "duration": "20s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/at-one.csv" }}, "entry": "a" }} }},
            "hosts": {{ "h1": {{}}, "h2": {{}} }},
            "network": {{ "latency": "1ms", "links": [{{ "from": "h1", "to": "h2", "latency": "20ms" }},
                                                      {{ "from": "h2", "to": "h1", "latency": "30ms" }}] }},
            "nodes": {{ "a": {{ "kind": "app", "host": "h1", "calls": ["s"], "timeouts": {{ "connect": "2s" }} }},
                       "s": {{ "kind": "app", "host": "h2" }} }},
            "faults": [{faults}] }}"#
        )
    };
    // The client's two legs of 1 ms, and one over each link.
    departures(&scenario(""), &[(1.052, Ok)]);
    let cut = r#"{ "at": 0, "target": "h1->h2", "effect": "partition" }"#;
    departures(&scenario(cut), &[(3.002, Unreachable)]);
}

// --- resolvers ------------------------------------------------------------------------------------------------------

#[test]
fn a_resolver_that_checks_gives_out_no_dead_address() {
    let scenario = |failover: &str| {
        format!(
            r#"{{ "duration": "60s",
            "clients": {{ "c": {{ "arrivals": {{ "uniform": 1 }}, "entry": "dns" }} }},
            "nodes": {{ "dns": {{ "kind": "dns", "answers": ["a", "b"], "ttl": 0 {failover} }},
                       "a": {{ "kind": "app" }}, "b": {{ "kind": "app" }} }},
            "faults": [{{ "at": "10s", "for": "30s", "target": "a", "effect": "crash" }},
                       {{ "at": "20s", "for": "5s", "target": "b", "effect": "crash" }}] }}"#
        )
    };
    let asked = |failover: &str| {
        let record = record(&scenario(failover));
        let (down, up) = (notes(&record, "down"), notes(&record, "up"));
        (record.nodes[1].tally.refused, down.len(), up.len())
    };
    // Clients try the next address themselves: a dead one costs them a refused connection. Half of 30 lookups begin
    // with a; of the five while both are dead, two or three more come to it second.
    assert!((17..=18).contains(&asked("").0));
    let (refused, down, up) = asked(r#", "failover": { "check": { "inter": "1s", "fall": 2, "rise": 1 } }"#);
    // Until it is marked down; and while both are down, when both are returned again.
    assert!(refused <= 2 + 4, "{refused}");
    assert_eq!((down, up), (2, 2));
}
