//! Failure semantics, checked against timelines worked out by hand.
//!
//! Each test states a world small enough for paper, then the expected departures, and requires exactly those.

mod support;

use fallover::base::random::Streams;
use fallover::failure::Timeline;
use fallover::model::request::Outcome::{self, *};
use support::{endings, plan, record};

#[track_caller]
fn departures(scenario: &str, expected: &[(f64, Outcome)]) {
    let found = endings(&record(scenario).rows);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let at = if expected.1 == Unfinished {
            found.0.is_nan()
        } else {
            (found.0 - expected.0).abs() < 1e-6
        };
        assert!(
            at && found.1 == expected.1,
            "request {}: {found:?}, not {expected:?}",
            i + 1
        );
    }
}

/// Recorded arrivals at a FIFO server with one worker, a second for each job.
fn fifo(trace: &str, client: &str, server: &str, extra: &str) -> String {
    format!(
        r#"{{ "duration": "60s",
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/{trace}.csv" }}, "entry": "s" {client} }} }},
            "nodes": {{ "s": {{ "kind": "app", "workers": 1, "work": {{ "*": {{ "io": "1s" }} }} {server} }} }} {extra} }}"#
    )
}

fn fault(text: &str) -> String {
    format!(r#", "faults": [{text}]"#)
}

// --- the process dies -----------------------------------------------------------------------------------------------

#[test]
fn what_is_inside_a_crashed_process_is_reset_at_that_instant() {
    let crash = fault(r#"{ "at": "2.5s", "for": "7.5s", "target": "s", "effect": "crash" }"#);
    let mut expected = vec![(1.0, Ok), (2.0, Ok)];
    expected.extend([(2.5, Reset); 6]);
    departures(&fifo("eight", "", "", &crash), &expected);
}

#[test]
fn a_dead_process_refuses_and_a_restarted_one_serves() {
    let crash = fault(r#"{ "at": "2.5s", "for": "7.5s", "target": "s", "effect": "crash" }"#);
    departures(&fifo("late", "", "", &crash), &[(1.0, Ok), (5.0, Refused), (12.0, Ok)]);
}

#[test]
fn overlapping_crashes_do_not_resurrect() {
    let crashes = fault(
        r#"{ "at": "2s", "for": "8s", "target": "s", "effect": "crash" },
           { "at": "4s", "for": "8s", "target": "s", "effect": "crash" }"#,
    );
    // At 10 the first fault ends; at 11 the second still holds the server down.
    departures(
        &fifo("late", "", "", &crashes),
        &[(1.0, Ok), (5.0, Refused), (11.0, Refused)],
    );
}

#[test]
fn a_permanent_crash_overlapped_by_a_pause_stays_down() {
    let both = fault(
        r#"{ "at": "2s", "target": "s", "effect": "crash" },
           { "at": "3s", "for": "3s", "target": "s", "effect": "hang" }"#,
    );
    departures(
        &fifo("late", "", "", &both),
        &[(1.0, Ok), (5.0, Refused), (11.0, Refused)],
    );
}

// --- the process stands still, or drags -----------------------------------------------------------------------------

#[test]
fn after_a_hang_work_goes_on_where_it_stood() {
    let hang = fault(r#"{ "at": "2.5s", "for": "2.5s", "target": "s", "effect": "hang" }"#);
    // Job 3 has half a second left at 2.5 and gets it from 5 on.
    let expected: Vec<_> = [1.0, 2.0, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5]
        .iter()
        .map(|t| (*t, Ok))
        .collect();
    departures(&fifo("eight", "", "", &hang), &expected);
}

#[test]
fn a_hung_process_takes_calls_in_until_it_is_full() {
    let hang = fault(r#"{ "at": "0.05s", "for": "10s", "target": "s", "effect": "hang" }"#);
    // One in service with 0.95 left, two in the queue, five are rejected.
    let mut expected = vec![(11.0, Ok), (12.0, Ok), (13.0, Ok)];
    expected.extend([0.3, 0.4, 0.5, 0.6, 0.7].map(|t| (t, QueueFull)));
    departures(&fifo("eight", "", r#", "queue": 2"#, &hang), &expected);
}

#[test]
fn slow_stretches_what_is_under_way_too() {
    let slow = fault(r#"{ "at": "2.5s", "for": "2s", "target": "s", "effect": "slow", "factor": 2 }"#);
    // Job 3: 0.5 left, takes 1. Job 4 begins at 3.5, has half done at 4.5, and the rest at full speed.
    let expected: Vec<_> = [1.0, 2.0, 3.5, 5.0, 6.0, 7.0, 8.0, 9.0]
        .iter()
        .map(|t| (*t, Ok))
        .collect();
    departures(&fifo("eight", "", "", &slow), &expected);
}

#[test]
fn slow_stretches_work_on_shared_cores() {
    let scenario = r#"{ "duration": "60s", "hosts": { "h": { "cores": 1 } },
        "clients": { "c": { "arrivals": { "trace": "tests/data/one.csv" }, "entry": "s" } },
        "nodes": { "s": { "kind": "app", "host": "h", "work": { "*": { "cpu": "4s" } } } },
        "faults": [{ "at": "1s", "for": "4s", "target": "h", "effect": "slow", "factor": 4 }] }"#;
    // 1 done in 1, then 1 in 4, then the last 2 at full speed.
    departures(scenario, &[(7.0, Ok)]);
}

#[test]
fn errors_spoil_answers_and_drops_swallow_calls() {
    let errors = fault(r#"{ "at": "3s", "for": "4s", "target": "s", "effect": "errors", "ratio": 1 }"#);
    departures(&fifo("late", "", "", &errors), &[(1.0, Ok), (6.0, Error), (12.0, Ok)]);
    let drop = fault(r#"{ "at": "3s", "for": "4s", "target": "s", "effect": "drop", "ratio": 1 }"#);
    departures(
        &fifo("late", "", "", &drop),
        &[(1.0, Ok), (10.0, Unreachable), (12.0, Ok)],
    );
}

// --- the machine dies -----------------------------------------------------------------------------------------------

fn on_host(client: &str, effect: &str) -> String {
    let hosts = r#", "hosts": { "h": {} }"#;
    let faults = fault(&format!(r#"{{ "at": "0.5s", "for": "7s", "target": "h", {effect} }}"#));
    fifo("late", client, r#", "host": "h""#, &format!("{hosts}{faults}"))
}

#[test]
fn a_dead_host_says_nothing() {
    // Requests inside are lost, and a client without a time-out never learns; a new call waits 5 s for a connection.
    let expected = [(f64::NAN, Unfinished), (10.0, Unreachable), (12.0, Ok)];
    departures(&on_host("", r#""effect": "crash""#), &expected);
}

#[test]
fn a_host_is_up_when_nothing_holds_it_down() {
    let dies =
        |at: &str, lasts: &str| format!(r#"{{ "at": "{at}", "for": "{lasts}", "target": "h", "effect": "crash" }}"#);
    let two = format!("{}, {}", dies("10s", "20s"), dies("20s", "16s"));
    // Down from 10 to 36 of 60 seconds, and its process too.
    let host = r#", "hosts": { "h": {} }"#;
    let record = record(&fifo("late", "", r#", "host": "h""#, &format!("{host}{}", fault(&two))));
    assert!(
        (record.hosts[0].up - 34.0 / 60.0).abs() < 1e-9,
        "{}",
        record.hosts[0].up
    );
}

#[test]
fn a_client_with_patience_learns_when_it_ends() {
    let expected = [(2.0, ClientTimeout), (7.0, Unreachable), (12.0, Ok)];
    departures(&on_host(r#", "timeout": "2s""#, r#""effect": "crash""#), &expected);
}

/// A call that only the primary accepts has no other member to try, even if another has become primary by the time the
/// first is known to be silent.
#[test]
fn a_write_does_not_follow_the_primary() {
    for (queries, more) in [(r#""write": 1"#, ""), (r#""read": 1"#, r#", "read_from": "primary""#)] {
        let scenario = format!(
            r#"{{ "duration": "60s", "hosts": {{ "h": {{}}, "i": {{}} }},
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/late.csv" }}, "entry": "s" }} }},
            "nodes": {{ "s": {{ "kind": "app", "database": "db", "queries": {{ "*": {{ {queries} }} }} }},
              "db": {{ "kind": "database", "members": {{ "p": {{ "host": "h" }}, "r": {{ "host": "i" }} }}, "primary": "p"{more},
                "failover": {{ "detect": "1s", "promote": "1s" }} }} }},
            "faults": [{{ "at": "4s", "target": "h", "effect": "crash" }}] }}"#
        );
        // One before the crash; one after it, whose call is given up after five seconds; one that reaches the new
        // primary.
        departures(&scenario, &[(0.0, Ok), (10.0, Unreachable), (11.0, Ok)]);
    }
}

// --- callers that give up -------------------------------------------------------------------------------------------

#[test]
fn abandoned_work_finishes_or_stops_as_the_node_says() {
    // Patience 1.5 s. Finish: job 1 leaves at 1; job 2 gives up at 1.6, but is served until 2; then job 3 …
    let client = r#", "timeout": "1.5s""#;
    let late = |first: f64| (first + 1.5, ClientTimeout);
    let mut expected = vec![(1.0, Ok)];
    expected.extend((1..8).map(|i| late(f64::from(i) / 10.0)));
    departures(&fifo("eight", client, "", ""), &expected);
    // Stop: job 2 frees the worker at 1.6, job 3 (sent at 0.2) is served until 1.7 … no other job is answered either,
    // but the worker is idle afterwards.
    let stop = record(&fifo("eight", client, r#", "abandoned": "stop""#, ""));
    let finish = record(&fifo("eight", client, "", ""));
    let busy = |r: &fallover::model::recorder::RunRecord| r.nodes[0].tally.utilization.unwrap() * 60.0;
    assert!(
        (busy(&finish) - 8.0).abs() < 1e-9,
        "every job is worked off: {}",
        busy(&finish)
    );
    assert!(
        (busy(&stop) - 2.2).abs() < 1e-9,
        "the last client leaves at 2.2: {}",
        busy(&stop)
    );
}

#[test]
fn retries_back_off_exponentially_and_end() {
    let client = r#", "retry": { "max": 3, "backoff": "1s", "factor": 2, "jitter": 0 }"#;
    let crash = |lasts: &str| {
        fault(&format!(
            r#"{{ "at": "0s", {lasts} "target": "s", "effect": "crash" }}"#
        ))
    };
    // Attempts at 0, 1, 3 and 7.
    departures(&fifo("one", client, "", &crash("")), &[(7.0, Refused)]);
    departures(&fifo("one", client, "", &crash(r#""for": "2.5s","#)), &[(4.0, Ok)]);
    let capped = r#", "retry": { "max": 3, "backoff": "1s", "factor": 2, "cap": "1.5s", "jitter": 0 }"#;
    // Attempts at 0, 1, 2.5 and 4.
    departures(&fifo("one", capped, "", &crash("")), &[(4.0, Refused)]);
}

#[test]
fn a_spent_budget_ends_the_retries() {
    // Ten tokens at first and none added: the first ten retries are paid for, the rest are not.
    let client = r#", "retry": { "max": 2, "backoff": "1s", "jitter": 0, "factor": 1, "budget": 0 }"#;
    let crash = fault(r#"{ "at": "0s", "target": "s", "effect": "crash" }"#);
    let rows = record(&fifo("eight", client, "", &crash)).rows;
    let retries: u32 = rows.iter().map(|r| r.attempts - 1).sum();
    assert_eq!(retries, 10);
}

#[test]
fn attempts_and_work_for_nobody_are_counted() {
    // Patience 0.5 s, 1 s for each job, one worker: no job is answered, and the server works on all that reached it.
    let record = record(&fifo("eight", r#", "timeout": "500ms""#, "", ""));
    assert_eq!(record.outcomes()[ClientTimeout as usize], 8);
    let server = &record.nodes[0].tally;
    assert_eq!((server.arrived, server.served, server.orphaned), (8, 0, 8));
    assert_eq!(record.classes[0].attempts, 8);
    // With 2.5 s of patience jobs 1 and 2 are answered in time; the six others give up, and the server finishes them
    // for nobody.
    let record = support::record(&fifo("eight", r#", "timeout": "2500ms""#, "", ""));
    let server = &record.nodes[0].tally;
    assert_eq!((server.served, server.orphaned), (2, 6));
    // A dead server and one retry: two attempts for each request, and no abandoned work.
    let retry = r#", "retry": { "max": 1, "backoff": "100ms" }"#;
    let dead = fault(r#"{ "at": "0s", "target": "s", "effect": "crash" }"#);
    let record = support::record(&fifo("eight", retry, "", &dead));
    assert_eq!(record.classes[0].attempts, 16);
    assert_eq!(record.nodes[0].tally.orphaned, 0);
}

#[test]
fn attempts_of_all_classes_and_replications_add_up() {
    let run = support::run(
        r#"{ "duration": "60s", "requests": { "a": { "share": 1 }, "b": { "share": 3 } },
            "clients": { "c": { "arrivals": { "poisson": 10 }, "entry": "s", "retry": { "max": 2, "backoff": "10ms" } } },
            "nodes": { "s": { "kind": "app" } },
            "faults": [{ "at": "20s", "for": "10s", "target": "s", "effect": "crash" }] }"#,
        3,
        1,
    );
    let (all, classes) = (&run.metrics, &run.classes.0);
    // In ten of sixty seconds each request is tried three times.
    assert!(all.attempts > all.requests.offered * 5 / 4, "{}", all.attempts);
    assert_eq!(all.attempts, classes.iter().map(|(_, m)| m.attempts).sum::<u64>());
}

// --- balancers ------------------------------------------------------------------------------------------------------

/// A balancer over two one-worker servers that take 100 ms; `settings` are the balancer's.
fn balanced(trace: &str, settings: &str, faults: &str) -> String {
    format!(
        r#"{{ "duration": "60s",
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/{trace}.csv" }}, "entry": "lb" }} }},
            "nodes": {{
                "lb": {{ "kind": "load-balancer", "servers": ["s1", "s2"] {settings} }},
                "s1": {{ "kind": "app", "workers": 1, "work": {{ "*": {{ "io": "100ms" }} }} }},
                "s2": {{ "kind": "app", "workers": 1, "work": {{ "*": {{ "io": "100ms" }} }} }} }}
            {faults} }}"#
    )
}

#[test]
fn without_redispatch_a_refused_request_tries_the_same_server_after_pauses() {
    let dead = fault(r#"{ "at": "0s", "target": "s1", "effect": "crash" }"#);
    // Requests 1, 3, 5, 7 go to s1: refused, and three times more after a second each.
    let expected = [
        (4.0, Refused),
        (2.6, Ok),
        (7.0, Refused),
        (5.6, Ok),
        (10.0, Refused),
        (8.6, Ok),
        (13.0, Refused),
    ];
    departures(&balanced("steady", "", &dead), &expected);
    let expected = [
        (1.0, Refused),
        (2.6, Ok),
        (4.0, Refused),
        (5.6, Ok),
        (7.0, Refused),
        (8.6, Ok),
        (10.0, Refused),
    ];
    departures(&balanced("steady", r#", "retries": 0"#, &dead), &expected);
}

#[test]
fn with_redispatch_the_other_server_answers_at_once() {
    let dead = fault(r#"{ "at": "0s", "target": "s1", "effect": "crash" }"#);
    let expected: Vec<_> = [1.0, 2.5, 4.0, 5.5, 7.0, 8.5, 10.0]
        .iter()
        .map(|t| (t + 0.1, Ok))
        .collect();
    let record = record(&balanced("steady", r#", "redispatch": true"#, &dead));
    let found = endings(&record.rows);
    assert!(
        found
            .iter()
            .zip(&expected)
            .all(|(f, e)| (f.0 - e.0).abs() < 1e-6 && f.1 == e.1),
        "{found:?}"
    );
    // The redispatch consumes the other server's turn: every request tries the dead one first.
    assert_eq!(record.nodes[1].tally.refused, 7);
}

#[test]
fn when_all_servers_are_down_every_request_ends_by_name() {
    let dead = fault(
        r#"{ "at": "0s", "target": "s1", "effect": "crash" }, { "at": "0s", "target": "s2", "effect": "crash" }"#,
    );
    let checks = r#", "retries": 0, "check": { "inter": "1s", "fall": 2, "rise": 1 }"#;
    let rows = endings(&record(&balanced("steady", checks, &dead)).rows);
    // Both are detected by 2 s at the latest (first check within 1 s, second a second later).
    let expected = [Refused, NoServer, NoServer, NoServer, NoServer, NoServer, NoServer];
    assert_eq!(rows.iter().map(|r| r.1).collect::<Vec<_>>(), expected);
    assert!(
        rows.iter()
            .zip([1.0, 2.5, 4.0, 5.5, 7.0, 8.5, 10.0])
            .all(|(r, t)| r.0 == t),
        "all at once: {rows:?}"
    );
}

#[test]
fn a_server_that_returns_is_used_again_after_its_rise() {
    let dead = fault(r#"{ "at": "0s", "for": "4.5s", "target": "s1", "effect": "crash" }"#);
    let checks = r#", "check": { "inter": "1s", "fall": 1, "rise": 2 }"#;
    let record = record(&balanced("steady", checks, &dead));
    let seen: Vec<(&str, f64)> = record
        .events
        .iter()
        .filter(|e| e.target == "lb/s1")
        .map(|e| (e.what.as_str(), e.at.seconds()))
        .collect();
    let [("down", down), ("up", up)] = seen[..] else {
        panic!("{seen:?}")
    };
    assert!((0.0..1.0).contains(&down), "{down}");
    // The first good check falls within a second after the return, the second one a second later.
    assert!((5.5..6.5).contains(&up), "{up}");
}

#[test]
fn maintenance_drain_and_weight_steer_without_a_failure() {
    let servers = |faults: &str| {
        let record = record(&balanced("steady", "", faults));
        assert!(record.rows.iter().all(|r| r.outcome == Ok));
        record
            .rows
            .iter()
            .map(|r| r.server.unwrap().index())
            .collect::<Vec<_>>()
    };
    assert_eq!(servers(""), [1, 2, 1, 2, 1, 2, 1]);
    let maint = servers(&fault(
        r#"{ "at": "2s", "for": "4s", "target": "s2", "effect": "maint" }"#,
    ));
    assert_eq!(maint[1..4], [1, 1, 1], "s2 is out from 2 to 6");
    let drain = servers(&fault(r#"{ "at": "2s", "target": "s1", "effect": "drain" }"#));
    assert_eq!(drain[1..], [2, 2, 2, 2, 2, 2]);
    let weight = servers(&fault(
        r#"{ "at": "2s", "target": "s1", "effect": "set", "set": { "weight": 0 } }"#,
    ));
    assert_eq!(weight[1..], [2, 2, 2, 2, 2, 2]);
}

#[test]
fn of_settings_that_overlap_the_latest_counts_and_the_last_to_end_restores() {
    let servers = |faults: &str| {
        let rows = record(&balanced("steady", "", faults)).rows;
        rows.iter().map(|r| r.server.unwrap().index()).collect::<Vec<_>>()
    };
    // By the server's name and by the balancer's key: the same setting. Out from 2 to 8, requests at 1, 2.5, 4, 5.5, 7,
    // 8.5, 10.
    let faults = servers(&fault(
        r#"{ "at": "2s", "for": "3s", "target": "s1", "effect": "set", "set": { "weight": 0 } },
           { "at": "3s", "for": "5s", "target": "lb", "effect": "set", "set": { "servers.s1.weight": 0 } }"#,
    ));
    assert_eq!(faults[1..5], [2, 2, 2, 2], "the second fault holds from 5 to 8");
    assert!(faults[5..].contains(&1), "s1 is back from 8 on: {faults:?}");

    // Eight workers, but one from 0 to 0.35 and two from 0.05 to 1.05; 1 s for each job, one arrives every 0.1. Jobs 1
    // and 2 start on arrival, 3 when 1 leaves, the rest at 1.05.
    let faults = fault(
        r#"{ "at": "0s", "for": "350ms", "target": "s", "effect": "set", "set": { "workers": 1 } },
           { "at": "50ms", "for": "1s", "target": "s", "effect": "set", "set": { "workers": 2 } }"#,
    );
    let scenario = fifo("eight", "", "", &faults).replace(r#""workers": 1, "work""#, r#""workers": 8, "work""#);
    let mut expected = vec![(1.0, Ok), (1.1, Ok), (2.0, Ok)];
    expected.extend([(2.05, Ok); 5]);
    departures(&scenario, &expected);
}

#[test]
fn slots_queues_and_time_outs() {
    // maxconn 1 on each server, 100 ms for each request: eight requests 100 ms apart keep two servers half busy; nobody
    // waits.
    let one = r#", "timeouts": { "connect": "5s", "queue": "150ms" }"#;
    let scenario = |work: &str| {
        balanced("eight", one, "")
            .replace(r#"["s1", "s2"]"#, r#"[{ "node": "s1", "maxconn": 1 }]"#)
            .replace(r#""100ms" }"#, &format!(r#""{work}" }}"#))
    };
    // 250 ms for each request on one slot, patience 150 ms: 1 served 0–0.25; 2 (0.1) served 0.25–0.5; 3 (0.2) gives up
    // at 0.35; 4 (0.3) gives up at 0.45; 5 (0.4) served 0.5–0.75; 6 (0.5) out at 0.65; 7 (0.6) served 0.75–1; 8 (0.7)
    // out at 0.85.
    let expected = [
        (0.25, Ok),
        (0.5, Ok),
        (0.35, QueueTimeout),
        (0.45, QueueTimeout),
        (0.75, Ok),
        (0.65, QueueTimeout),
        (1.0, Ok),
        (0.85, QueueTimeout),
    ];
    departures(&scenario("250ms"), &expected);
}

#[test]
fn a_server_that_hangs_costs_the_server_time_out() {
    let hang = fault(r#"{ "at": "0s", "target": "s1", "effect": "hang" }"#);
    let settings = r#", "timeouts": { "server": "500ms" }"#;
    let expected = [
        (1.5, ServerTimeout),
        (2.6, Ok),
        (4.5, ServerTimeout),
        (5.6, Ok),
        (7.5, ServerTimeout),
        (8.6, Ok),
        (10.5, ServerTimeout),
    ];
    departures(&balanced("steady", settings, &hang), &expected);
}

#[test]
fn a_black_hole_drains_the_queue_into_failures() {
    // One slot each, and redispatch does not help: s1 dies at once, s2 takes 10 s for each request. Every waiting
    // request is given to s1 as soon as its slot is free, and fails there within the retries.
    let settings = r#", "redispatch": true, "retries": 2"#;
    let dead = fault(r#"{ "at": "0s", "target": "s1", "effect": "crash" }"#);
    let scenario = balanced("eight", settings, &dead)
        .replace(
            r#"["s1", "s2"]"#,
            r#"[{ "node": "s1", "maxconn": 1 }, { "node": "s2", "maxconn": 1 }]"#,
        )
        .replace(r#""100ms" }"#, r#""10s" }"#);
    let rows = endings(&record(&scenario).rows);
    assert_eq!(rows[0], (10.0, Ok), "the first is redispatched to s2, which is free");
    assert!(rows[1..].iter().all(|r| r.1 == Refused), "{rows:?}");
}

// --- a balancer dies, with and without a standby --------------------------------------------------------------------

#[test]
fn without_a_standby_a_dead_balancer_refuses_everybody() {
    let dead = fault(r#"{ "at": "3s", "for": "5s", "target": "lb", "effect": "crash" }"#);
    let expected = [
        (1.1, Ok),
        (2.6, Ok),
        (4.0, Refused),
        (5.5, Refused),
        (7.0, Refused),
        (8.6, Ok),
        (10.1, Ok),
    ];
    departures(&balanced("steady", "", &dead), &expected);
}

fn with_standby(vip: &str, faults: &str) -> String {
    format!(
        r#"{{ "duration": "60s",
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/steady.csv" }}, "entry": "vip" }} }},
            "nodes": {{
                "vip": {{ "kind": "virtual-ip", "members": ["lb1", "lb2"] {vip} }},
                "lb1": {{ "kind": "load-balancer", "servers": ["s"] }},
                "lb2": {{ "kind": "load-balancer", "servers": ["s"] }},
                "s": {{ "kind": "app", "work": {{ "*": {{ "io": "100ms" }} }} }} }}, "faults": [{faults}] }}"#
    )
}

#[test]
fn a_standby_takes_the_address_over_after_its_delay() {
    let dead = r#"{ "at": "3s", "for": "5s", "target": "lb1", "effect": "crash" }"#;
    // Refused until 3 + 3 s; then lb2; at 8 lb1 takes the address back.
    let expected = [
        (1.1, Ok),
        (2.6, Ok),
        (4.0, Refused),
        (5.5, Refused),
        (7.1, Ok),
        (8.6, Ok),
        (10.1, Ok),
    ];
    let scenario = with_standby("", dead);
    departures(&scenario, &expected);
    let served = |r: &fallover::model::recorder::RunRecord| (r.nodes[0].tally.served, r.nodes[1].tally.served);
    assert_eq!(
        served(&record(&scenario)),
        (4, 1),
        "with preempt the preferred one serves again from 8 s on"
    );
    assert_eq!(served(&record(&with_standby(r#", "preempt": false"#, dead))), (2, 3));
}

#[test]
fn a_short_death_is_over_before_anybody_takes_over() {
    let blip = r#"{ "at": "3s", "for": "2s", "target": "lb1", "effect": "crash" }"#;
    let expected = [
        (1.1, Ok),
        (2.6, Ok),
        (4.0, Refused),
        (5.6, Ok),
        (7.1, Ok),
        (8.6, Ok),
        (10.1, Ok),
    ];
    departures(&with_standby("", blip), &expected);
}

#[test]
fn a_role_hit_as_a_whole_is_down_and_comes_back() {
    let both = r#"{ "at": "3s", "for": "5s", "target": "vip", "effect": "crash" }"#;
    let expected = [
        (1.1, Ok),
        (2.6, Ok),
        (4.0, Refused),
        (5.5, Refused),
        (7.0, Refused),
        (8.6, Ok),
        (10.1, Ok),
    ];
    departures(&with_standby("", both), &expected);
}

// --- names ----------------------------------------------------------------------------------------------------------

fn named(dns: &str, faults: &str) -> String {
    format!(
        r#"{{ "duration": "60s",
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/steady.csv" }}, "population": 1, "entry": "dns" }} }},
            "nodes": {{
                "dns": {{ "kind": "dns", "answers": ["a"], "lookup": "50ms" {dns} }},
                "a": {{ "kind": "app", "work": {{ "*": {{ "io": "100ms" }} }} }},
                "b": {{ "kind": "app", "work": {{ "*": {{ "io": "100ms" }} }} }} }}, "faults": [{faults}] }}"#
    )
}

#[test]
fn a_stale_answer_is_used_until_its_ttl_ends() {
    // Looked up at 1 (answer 1.05, valid until 5.05). Only the request at 5.5 sees the change at 3.
    let change = r#"{ "at": "3s", "target": "dns", "effect": "set", "set": { "answers": ["b"] } },
                    { "at": "3s", "target": "a", "effect": "crash" }"#;
    let expected = [
        (1.15, Ok),
        (2.6, Ok),
        (4.0, Refused),
        (5.65, Ok),
        (7.1, Ok),
        (8.6, Ok),
        (10.15, Ok),
    ];
    departures(&named(r#", "ttl": "4s""#, change), &expected);
}

#[test]
fn a_time_to_live_that_is_changed_for_a_while_comes_back() {
    // Looked up at 1, valid until 5.05. The answer of 5.55 is valid for one second only, that of 7.05 for four again.
    let change = r#"{ "at": "5s", "for": "1s", "target": "dns", "effect": "set", "set": { "ttl": "1s" } }"#;
    let expected = [
        (1.15, Ok),
        (2.6, Ok),
        (4.1, Ok),
        (5.65, Ok),
        (7.15, Ok),
        (8.6, Ok),
        (10.1, Ok),
    ];
    departures(&named(r#", "ttl": "4s""#, change), &expected);
}

#[test]
fn a_dead_resolver_hurts_only_those_who_must_ask() {
    let dead = r#"{ "at": "3s", "target": "dns", "effect": "crash" }"#;
    // The answer of 1.05 holds until 5.05; then each lookup fails after its 5 s.
    let expected = [
        (1.15, Ok),
        (2.6, Ok),
        (4.1, Ok),
        (10.5, Unresolved),
        (12.0, Unresolved),
        (13.5, Unresolved),
        (15.0, Unresolved),
    ];
    departures(&named(r#", "ttl": "4s""#, dead), &expected);
    let second = named(r#", "ttl": "4s", "timeout": "1s""#, dead)
        .replace(r#""entry": "dns""#, r#""entry": ["dns", "dns2"]"#)
        .replace(
            r#""a": {"#,
            r#""dns2": { "kind": "dns", "answers": ["a"], "ttl": "60s", "lookup": "10ms" }, "a": {"#,
        );
    let expected = [
        (1.15, Ok),
        (2.6, Ok),
        (4.1, Ok),
        (6.61, Ok),
        (7.1, Ok),
        (8.6, Ok),
        (10.1, Ok),
    ];
    departures(&second, &expected);
}

#[test]
fn a_client_tries_the_next_address_when_one_refuses() {
    let dead = r#"{ "at": "3s", "for": "5s", "target": "a", "effect": "crash" }"#;
    let both = named(r#", "ttl": "60s""#, dead).replace(r#"["a"]"#, r#"["a", "b"]"#);
    let expected: Vec<_> = [1.15, 2.6, 4.1, 5.6, 7.1, 8.6, 10.1].iter().map(|t| (*t, Ok)).collect();
    departures(&both, &expected);
}

// --- databases ------------------------------------------------------------------------------------------------------

fn with_database(app: &str, database: &str, faults: &str) -> String {
    format!(
        r#"{{ "duration": "60s", "requests": {{ "read": {{ "share": 1 }}, "write": {{ "share": 1 }} }},
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/queries.csv" }}, "entry": "app" }} }},
            "hosts": {{ "d1": {{}}, "d2": {{}} }},
            "nodes": {{
                "app": {{ "kind": "app", "database": "db",
                    "queries": {{ "read": {{ "read": 1 }}, "write": {{ "write": 1 }} }} {app} }},
                "db": {{ "kind": "database", "members": {{ "one": {{ "host": "d1" }}, "two": {{ "host": "d2" }} }},
                    "primary": "one", "read_from": "any" {database},
                    "work": {{ "read": {{ "io": "10ms" }}, "write": {{ "io": "20ms" }} }} }} }},
            "faults": [{faults}] }}"#
    )
}

const PRIMARY_DIES: &str = r#"{ "at": "2s", "for": "8s", "target": "one", "effect": "crash" }"#;

#[test]
fn a_dead_primary_costs_the_writes_until_it_is_back() {
    // Reads alternate: the one at 3 goes to `two`. Writes at 3.1 and 8 find the primary dead; the one at 12 does not.
    let expected = [
        (0.01, Ok),
        (1.02, Ok),
        (3.01, Ok),
        (3.1, Refused),
        (8.0, Refused),
        (12.02, Ok),
    ];
    departures(&with_database("", "", PRIMARY_DIES), &expected);
}

#[test]
fn an_automatic_fail_over_brings_the_writes_back_earlier() {
    // Detected at 4, promoted at 7: the new primary takes the write at 8; the old one comes back as a replica.
    let automatic = r#", "failover": { "detect": "2s", "promote": "3s" }"#;
    let expected = [
        (0.01, Ok),
        (1.02, Ok),
        (3.01, Ok),
        (3.1, Refused),
        (8.02, Ok),
        (12.02, Ok),
    ];
    let scenario = with_database("", automatic, PRIMARY_DIES);
    departures(&scenario, &expected);
    let promoted: Vec<_> = record(&scenario)
        .events
        .into_iter()
        .filter(|e| e.what.starts_with("promoted"))
        .collect();
    assert_eq!(promoted.len(), 1);
    assert_eq!((promoted[0].at.seconds(), promoted[0].target.as_str()), (7.0, "two"));
}

/// When a replica was promoted, in seconds.
fn promotions(faults: &str) -> Vec<f64> {
    let automatic = r#", "failover": { "detect": "2s", "promote": "3s" }"#;
    let events = record(&with_database("", automatic, faults)).events;
    let promoted = events.iter().filter(|e| e.what.starts_with("promoted"));
    promoted.map(|e| e.at.seconds()).collect()
}

#[test]
fn a_primary_that_is_back_in_time_calls_its_fail_over_off() {
    let dies =
        |at: &str, lasts: &str| format!(r#"{{ "at": "{at}", "for": "{lasts}", "target": "one", "effect": "crash" }}"#);
    // Back before detection; back during the promotion.
    assert_eq!(promotions(&dies("2s", "1s")), [0.0; 0]);
    assert_eq!(promotions(&dies("2s", "4s")), [0.0; 0]);
    // The next death is detected on its own: 3.5 + 2 + 3, not 2 + 2 + 3.
    let twice = format!("{}, {}", dies("2s", "1s"), dies("3.5s", "20s"));
    assert_eq!(promotions(&twice), [8.5]);
}

#[test]
fn what_happens_to_a_replica_moves_no_role() {
    let primary = r#"{ "at": "2s", "for": "20s", "target": "one", "effect": "crash" }"#;
    let replica = |at: &str| format!(r#"{{ "at": "{at}", "for": "2s", "target": "two", "effect": "crash" }}"#);
    // A replica's own death causes no fail-over; its return or its death during one does not delay it.
    assert_eq!(promotions(&replica("1s")), [0.0; 0]);
    for at in ["1s", "3s"] {
        assert_eq!(promotions(&format!("{primary}, {}", replica(at))), [7.0]);
    }
    // No member can be promoted at 7: a new fail-over begins when one is back, at 9.
    let gone = r#"{ "at": "3s", "for": "6s", "target": "two", "effect": "crash" }"#;
    assert_eq!(promotions(&format!("{primary}, {gone}")), [14.0]);
}

#[test]
fn writes_that_no_replica_has_seen_die_with_the_primary() {
    let lag = r#", "failover": { "detect": "2s", "promote": "3s" }, "replication": { "mode": "async", "lag": "1s" }"#;
    // The write committed at 1.02 reaches the replica at 2.02; the primary dies at 2.
    let lost = record(&with_database("", lag, PRIMARY_DIES));
    assert_eq!(lost.lost_writes, [1]);
    let kept = record(&with_database("", &lag.replace("1s\" }", "0.9s\" }"), PRIMARY_DIES));
    assert_eq!(kept.lost_writes, [0]);
}

#[test]
fn a_read_goes_to_the_next_member_when_one_is_silent() {
    // The replica's machine dies before the read at 3, whose turn it is: 5 s of silence, then the primary.
    let silent = r#"{ "at": "2s", "target": "d2", "effect": "crash" }"#;
    let expected = [(0.01, Ok), (1.02, Ok), (8.01, Ok), (3.12, Ok), (8.02, Ok), (12.02, Ok)];
    departures(&with_database("", "", silent), &expected);
    let quick = r#", "timeouts": { "connect": "500ms" }"#;
    let expected = [(0.01, Ok), (1.02, Ok), (3.51, Ok), (3.12, Ok), (8.02, Ok), (12.02, Ok)];
    departures(&with_database(quick, "", silent), &expected);
}

#[test]
fn connections_beyond_max_connections_are_refused_and_a_pool_waits_instead() {
    let storm = |app: &str| {
        with_database(app, r#", "max_connections": 1"#, "")
            .replace("queries.csv", "eight.csv")
            .replace(r#""10ms""#, r#""150ms""#)
            .replace(r#""20ms""#, r#""150ms""#)
            .replace(
                r#""read": { "share": 1 }, "write": { "share": 1 }"#,
                r#""write": { "share": 1 }"#,
            )
            .replace(r#""read": { "read": 1 }, "#, "")
    };
    // 150 ms for each write, one every 100 ms: the second finds the only connection taken, the third finds it free, …
    let refused = endings(&record(&storm("")).rows);
    let expected: Vec<Outcome> = (0..8).map(|i| if i % 2 == 0 { Ok } else { Refused }).collect();
    assert_eq!(refused.iter().map(|r| r.1).collect::<Vec<_>>(), expected);
    // With a pool of one connection, writes queue in the application: one leaves every 150 ms.
    let pooled = endings(&record(&storm(r#", "pool": 1"#)).rows);
    assert!(
        pooled
            .iter()
            .enumerate()
            .all(|(i, r)| (r.0 - 0.15 * (i + 1) as f64).abs() < 1e-9),
        "{pooled:?}"
    );
}

#[test]
fn a_query_that_takes_too_long_is_given_up_and_worked_off_all_the_same() {
    let app = r#", "timeouts": { "query": "15ms" }"#;
    let expected = [
        (0.01, Ok),
        (1.015, ServerTimeout),
        (3.01, Ok),
        (3.115, ServerTimeout),
        (8.015, ServerTimeout),
        (12.015, ServerTimeout),
    ];
    let scenario = with_database(app, "", "");
    departures(&scenario, &expected);
    // The primary processed all four writes, though their callers had given up.
    assert_eq!(record(&scenario).nodes[1].tally.arrived, 5);
}

// --- the network ----------------------------------------------------------------------------------------------------

#[test]
fn latency_counts_once_each_way_and_a_partition_silences() {
    let scenario = |faults: &str| {
        format!(
            r#"{{ "duration": "60s", "network": {{ "latency": "10ms" }}, "hosts": {{ "h1": {{}}, "h2": {{}} }},
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/late.csv" }}, "entry": "w" }} }},
            "nodes": {{
                "w": {{ "kind": "web", "host": "h1", "upstreams": ["a"], "timeouts": {{ "connect": "2s" }} }},
                "a": {{ "kind": "app", "host": "h2", "work": {{ "*": {{ "io": "100ms" }} }} }} }},
            "faults": [{faults}] }}"#
        )
    };
    departures(&scenario(""), &[(0.14, Ok), (5.14, Ok), (11.14, Ok)]);
    let cut = r#"{ "at": "4s", "for": "5s", "effect": "partition", "from": "h1", "to": "h2" }"#;
    departures(&scenario(cut), &[(0.14, Ok), (7.02, Unreachable), (11.14, Ok)]);
    // An answer that meets a partition is retransmitted: 200 ms later, then 400, 800, … At 5.1 + 0.2 + 0.4 the
    // partition is over.
    let brief = r#"{ "at": "5.05s", "for": "400ms", "effect": "partition", "from": "h1", "to": "h2" }"#;
    departures(&scenario(brief), &[(0.14, Ok), (5.74, Ok), (11.14, Ok)]);
}

/// Linux gives up after fifteen retransmissions: ten after pauses that double from 200 ms, five after two minutes each,
/// so that the last comes 200 ms × (2^10 - 1) + 600 s = 804.6 s after the answer.
#[test]
fn an_answer_that_meets_a_long_cut_is_sent_again_until_tcp_gives_up() {
    let scenario = |lasts: &str| {
        format!(
            r#"{{ "duration": "5h", "hosts": {{ "h1": {{}}, "h2": {{}} }},
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/one.csv" }}, "entry": "w" }} }},
            "nodes": {{
                "w": {{ "kind": "web", "host": "h1", "upstreams": ["a"], "timeouts": {{ "read": "4h" }} }},
                "a": {{ "kind": "app", "host": "h2", "work": {{ "*": {{ "io": "1s" }} }} }} }},
            "faults": [{{ "at": "500ms", "for": "{lasts}", "effect": "partition", "from": "h1", "to": "h2" }}] }}"#
        )
    };
    departures(&scenario("805s"), &[(805.6, Ok)]);
    departures(&scenario("805.2s"), &[(4.0 * 3600.0, ServerTimeout)]);
}

/// A link that drops calls drops checks too.
#[test]
fn a_link_that_drops_calls_fails_the_checks_behind_it() {
    let scenario = r#"{ "duration": "60s", "hosts": { "h1": {}, "h2": {} },
        "network": { "links": [{ "from": "h1", "to": "h2" }] },
        "clients": { "c": { "arrivals": { "uniform": 1 }, "entry": "lb" } },
        "nodes": { "lb": { "kind": "load-balancer", "host": "h1", "servers": ["a"], "check": { "inter": "1s", "fall": 2, "timeout": "500ms" } },
                   "a": { "kind": "app", "host": "h2" } },
        "faults": [{ "at": "10s", "for": "20s", "target": "h1->h2", "effect": "drop", "ratio": 1 }] }"#;
    let events = record(scenario).events;
    let seen: Vec<&str> = events
        .iter()
        .map(|e| e.what.as_str())
        .filter(|w| ["down", "up"].contains(w))
        .collect();
    assert_eq!(seen, ["down", "up"], "{events:?}");
}

// --- firewalls ------------------------------------------------------------------------------------------------------

#[test]
fn a_firewall_turns_away_beyond_its_table_and_its_rate() {
    let scenario = |settings: &str| {
        format!(
            r#"{{ "duration": "60s",
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/eight.csv" }}, "entry": "fw" }} }},
            "nodes": {{ "fw": {{ "kind": "firewall", "to": "s" {settings} }},
                        "s": {{ "kind": "app", "work": {{ "*": {{ "io": "250ms" }} }} }} }} }}"#
        )
    };
    let outcomes = |s: &str| record(s).rows.iter().map(|r| r.outcome).collect::<Vec<_>>();
    // Two entries in the table, 250 ms each: at 0.2 both are taken, at 0.3 the first is free again.
    assert_eq!(
        outcomes(&scenario(r#", "connections": 2"#)),
        [Ok, Ok, Rejected, Ok, Ok, Rejected, Ok, Ok]
    );
    // A bucket of two, five a second: 2 at once, then every second one.
    let limited = outcomes(&scenario(r#", "limit": { "rate": "5/s", "burst": 2 }"#));
    assert_eq!(limited, [Ok, Ok, Ok, Rejected, Ok, Rejected, Ok, Rejected]);
}

#[test]
fn a_firewall_is_no_party_to_a_silence_behind_it() {
    let scenario = r#"{ "duration": "60s", "hosts": { "h": {} }, "network": { "latency": "10ms" },
        "clients": { "c": { "arrivals": { "trace": "tests/data/late.csv" }, "entry": "fw", "timeout": "2s" } },
        "nodes": { "fw": { "kind": "firewall", "to": "s" }, "s": { "kind": "app", "host": "h" } },
        "faults": [{ "at": "1s", "for": "9s", "target": "h", "effect": "crash" }] }"#;
    departures(scenario, &[(0.04, Ok), (7.0, Unreachable), (11.04, Ok)]);
}

// --- web servers ----------------------------------------------------------------------------------------------------

#[test]
fn a_web_server_without_upstreams_answers_everything_itself() {
    let scenario = r#"{ "duration": "60s",
        "clients": { "c": { "arrivals": { "trace": "tests/data/late.csv" }, "entry": "w" } },
        "nodes": { "w": { "kind": "web", "work": { "*": { "io": "100ms" } } } } }"#;
    departures(scenario, &[(0.1, Ok), (5.1, Ok), (11.1, Ok)]);
}

/// A request remembers which upstreams it has tried, and terminates however many there are.
#[test]
fn a_request_that_nobody_of_many_upstreams_takes_ends() {
    for count in [2, 64, 65, 100] {
        let names = || (0..count).map(|i| format!("a{i}"));
        let upstreams: Vec<String> = names()
            .map(|n| format!(r#"{{ "node": "{n}", "max_fails": 0 }}"#))
            .collect();
        let nodes: String = names().map(|n| format!(r#", "{n}": {{ "kind": "app" }}"#)).collect();
        let dies = |n| format!(r#"{{ "at": 0, "target": "{n}", "effect": "crash" }}"#);
        let faults: Vec<String> = names().map(dies).collect();
        let scenario = format!(
            r#"{{ "duration": "60s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/late.csv" }}, "entry": "w" }} }},
                "nodes": {{ "w": {{ "kind": "web", "upstreams": [{}] }} {nodes} }}, "faults": [{}] }}"#,
            upstreams.join(", "),
            faults.join(", ")
        );
        departures(&scenario, &[(0.0, Refused), (5.0, Refused), (11.0, Refused)]);
        // Each request tries each upstream once; beyond 64, the last ones share one entry.
        let asked: u64 = record(&scenario).nodes[1..].iter().map(|n| n.tally.arrived).sum();
        assert_eq!(asked, 3 * count.min(64));
    }
}

#[test]
fn connections_beyond_worker_connections_are_closed_without_an_answer() {
    // Eight requests 100 ms apart, of 150 ms here and 90 ms behind. Nginx uses two connections itself, so three of
    // these five are left: when the third request comes, the first holds two and the second one; at 0.3 s the second
    // holds two and one is free.
    let scenario = |serves: &str| {
        format!(
            r#"{{ "duration": "60s",
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/eight.csv" }}, "entry": "w" }} }},
            "nodes": {{ "w": {{ "kind": "web", "connections": 5, {serves} "upstreams": ["a"],
                              "work": {{ "*": {{ "io": "150ms" }} }} }},
                        "a": {{ "kind": "app", "work": {{ "*": {{ "io": "90ms" }} }} }} }} }}"#
        )
    };
    let outcomes = |s: &str| record(s).rows.iter().map(|r| r.outcome).collect::<Vec<_>>();
    assert_eq!(outcomes(&scenario("")), [Ok, Ok, Refused, Ok, Ok, Refused, Ok, Ok]);
    assert_eq!(
        outcomes(&scenario(r#""serves": ["default"],"#)),
        [Ok; 8],
        "a static one counts one, and is gone sooner"
    );
}

#[test]
fn tls_costs_cpu_full_or_resumed() {
    let scenario = |resumption: &str| {
        format!(
            r#"{{ "duration": "60s", "hosts": {{ "h": {{ "cores": 1 }} }},
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/late.csv" }}, "entry": "w" }} }},
            "nodes": {{ "w": {{ "kind": "web", "host": "h",
                              "tls": {{ "handshake": "20ms", "resumption": {resumption}, "resumed": "5ms" }},
                              "work": {{ "*": {{ "cpu": "10ms" }} }} }} }} }}"#
        )
    };
    departures(&scenario("0"), &[(0.03, Ok), (5.03, Ok), (11.03, Ok)]);
    departures(&scenario("1"), &[(0.015, Ok), (5.015, Ok), (11.015, Ok)]);
    // By default a resumed handshake costs 2.3 times less, and a full one costs 1.5 ms.
    let ratio = |scenario: String| scenario.replace("20ms", "23ms").replace(r#", "resumed": "5ms""#, "");
    departures(&ratio(scenario("1")), &[(0.02, Ok), (5.02, Ok), (11.02, Ok)]);
    let default = |scenario: String| scenario.replace(r#""handshake": "20ms", "#, "");
    departures(&default(scenario("0")), &[(0.0115, Ok), (5.0115, Ok), (11.0115, Ok)]);
}

// --- page views -----------------------------------------------------------------------------------------------------

/// A user thinks 100 ms, requests a page of 10 ms, and then its two images at once, one of which waits 5 ms for the
/// other. The second view meets a dead server: its document is refused, nothing more is requested, and the user thinks.
#[test]
fn a_page_view_ends_with_its_last_request() {
    let world = r#"{ "duration": "460ms", "requests": { "html": {}, "image": {} },
        "clients": { "c": { "users": 1, "think": "100ms", "entry": "s", "page": { "html": 1, "image": 2 } } },
        "nodes": { "s": { "kind": "app", "workers": 1,
            "work": { "html": { "io": "10ms" }, "image": { "io": "5ms" } } } },
        "faults": [{ "at": "200ms", "for": "100ms", "target": "s", "effect": "crash" },
                   { "at": "333ms", "for": "10ms", "target": "s", "effect": "crash" }] }"#;
    let views = [
        (0.110, Ok),
        (0.115, Ok),
        (0.120, Ok),
        (0.220, Refused),
        (0.330, Ok),
        (0.333, Reset),
        (0.333, Reset),
        (0.443, Ok),
        (0.448, Ok),
        (0.453, Ok),
    ];
    departures(world, &views);
    // The first and the last of the four views were complete, after 20 ms each.
    let pages = &record(world).classes[0].page;
    assert_eq!((pages.count(), pages.sum_s(), pages.max_s()), (2, 0.04, Some(0.02)));
}

// --- names ----------------------------------------------------------------------------------------------------------

/// One client sends a request every 2 s. From 3 s to 9 s the name points to `new`, and `old` is switched off. An answer
/// is valid for 1 s, but this client keeps every answer for 5 s: it uses the answer of 2 s until 7 s.
#[test]
fn a_client_that_overstays_goes_to_the_old_address() {
    let world = |min_ttl: &str| {
        format!(
            r#"{{ "duration": "11s",
            "clients": {{ "c": {{ "arrivals": {{ "uniform": 0.5 }}, "population": 1, "entry": "names" {min_ttl} }} }},
            "nodes": {{ "names": {{ "kind": "dns", "answers": ["old"], "ttl": "1s" }},
                "old": {{ "kind": "app" }}, "new": {{ "kind": "app" }} }},
            "faults": [
                {{ "at": "3s", "for": "6s", "target": "names", "effect": "set", "set": {{ "answers": ["new"] }} }},
                {{ "at": "3s", "for": "6s", "target": "old", "effect": "crash" }}] }}"#
        )
    };
    let honest = [(2.0, Ok), (4.0, Ok), (6.0, Ok), (8.0, Ok), (10.0, Ok)];
    departures(&world(""), &honest);
    let overstayed = [(2.0, Ok), (4.0, Refused), (6.0, Refused), (8.0, Ok), (10.0, Refused)];
    // At 8 s it learns of `new`, and uses it until 13 s, when `old` has long been back.
    let stays = world(r#", "min_ttl": "5s""#).replace(
        r#""target": "old", "effect": "crash" }"#,
        r#""target": "old", "effect": "crash" }, { "at": "9s", "target": "new", "effect": "crash" }"#,
    );
    departures(&stays, &overstayed);
}

/// From 3 s to 5 s the name has no address. A client that asks then keeps that answer for `negative_ttl`.
#[test]
fn that_there_is_no_address_is_kept_too() {
    let world = |negative_ttl: &str| {
        format!(
            r#"{{ "duration": "13s",
            "clients": {{ "c": {{ "arrivals": {{ "uniform": 0.5 }}, "population": 1, "entry": "names" }} }},
            "nodes": {{ "names": {{ "kind": "dns", "answers": ["s"], "ttl": "1s" {negative_ttl} }}, "s": {{ "kind": "app" }} }},
            "faults": [{{ "at": "3s", "for": "2s", "target": "names", "effect": "set", "set": {{ "answers": [] }} }}] }}"#
        )
    };
    let short = [
        (2.0, Ok),
        (4.0, Unresolved),
        (6.0, Ok),
        (8.0, Ok),
        (10.0, Ok),
        (12.0, Ok),
    ];
    departures(&world(""), &short);
    let long = [
        (2.0, Ok),
        (4.0, Unresolved),
        (6.0, Unresolved),
        (8.0, Unresolved),
        (10.0, Ok),
        (12.0, Ok),
    ];
    departures(&world(r#", "negative_ttl": "5s""#), &long);
}

// --- who repairs ----------------------------------------------------------------------------------------------------

/// One crew. A failure is noticed after a second, repairs are made in the order of notice, and planned work needs no
/// crew.
#[test]
fn a_crew_repairs_one_after_the_other() {
    let world = |crews: &str| {
        plan(&format!(
            r#"{{ {crews} "monitoring": {{ "none": {{ "notice": "1s" }} }},
            "clients": {{ "c": {{ "arrivals": {{ "poisson": 1 }}, "entry": "all" }} }},
            "nodes": {{ "all": {{ "kind": "app", "calls": ["a", "b", "c"] }},
                "a": {{ "kind": "app", "lifetime": {{ "mtbf": {{ "constant": "10s" }}, "mttr": {{ "constant": "5s" }} }} }},
                "b": {{ "kind": "app", "lifetime": {{ "mtbf": {{ "constant": "12s" }}, "mttr": {{ "constant": "2s" }} }} }},
                "c": {{ "kind": "app", "maintenance": {{ "every": "13s", "for": "3s" }} }} }} }}"#
        ))
    };
    let story = |crews: &str, until_s: f64| {
        let plan = world(crews);
        let mut timeline = Timeline::new(&plan, &Streams::new(1, 0), true);
        let mut told = Vec::new();
        while let Some(at) = timeline.next_at().filter(|at| at.seconds() < until_s) {
            let (what, who) = Timeline::story(&plan, timeline.take().expect("it is due"));
            told.push(format!("{} {who} {what}", at.seconds()));
        }
        told
    };
    let one = [
        "10 a fails",
        "10 c maintenance begins",
        "12 b fails",
        "13 c maintenance ends",
        "16 a repaired", // known at 11
        "18 b repaired", // known at 13, and begun at 16
        "23 c maintenance begins",
        "26 a fails",
        "26 c maintenance ends",
        "30 b fails",
        "32 a repaired",
        "34 b repaired", // known at 31, and begun at 32
    ];
    assert_eq!(story(r#""repair_crews": 1,"#, 35.0), one);
    // With a crew for each, and with unlimited crews, no failure waits.
    let two = story(r#""repair_crews": 2,"#, 35.0);
    assert!(two.contains(&"15 b repaired".to_owned()), "{two:?}");
    assert_eq!(two, story("", 35.0));
}

/// A promoted primary waits for a replica as a newly started one does, even if the dead primary had stopped waiting:
/// the replicas die at 5.05, the primary waits for none from 7.13 on and dies at 7.52; one replica is back at 8.05 and
/// is promoted at 12.52. Its first write, which came at 12.6 or as the client's retry, waits the full two seconds.
#[test]
fn a_promoted_primary_waits_for_a_replica_though_the_dead_one_did_no_more() {
    let crash = |target: &str, at: f64, lasts: f64| {
        format!(r#"{{ "at": {at}, "for": {lasts}, "target": "{target}", "effect": "crash" }}"#)
    };
    let members = r#""members": { "p": {}, "r1": {}, "r2": {} }, "primary": "p""#;
    let roles =
        r#""replication": { "mode": "semi-sync", "timeout": "2s" }, "failover": { "detect": "2s", "promote": "3s" }"#;
    let scenario = |faults: &[String]| {
        format!(
            r#"{{ "duration": 60, "clients": {{ "c": {{ "arrivals": {{ "uniform": "10/s" }}, "entry": "app" }} }},
                "faults": [{}],
                "nodes": {{ "app": {{ "kind": "app", "database": "db", "queries": {{ "*": {{ "write": 1 }} }} }},
                    "db": {{ "kind": "database", {members}, {roles}, "work": {{ "*": {{ "io": "20ms" }} }} }} }} }}"#,
            faults.join(",")
        )
    };
    let given_up = |faults: &[String]| -> Vec<(String, f64)> {
        let events = record(&scenario(faults)).events.into_iter();
        let off = events.filter(|e| e.what == "semi-sync off");
        off.map(|e| (e.target, e.at.seconds())).collect()
    };
    let faults = [crash("r1", 5.05, 3.0), crash("r2", 5.05, 35.0), crash("p", 7.52, 40.0)];
    let off = given_up(&faults);
    assert_eq!(
        off.iter().map(|o| o.0.as_str()).collect::<Vec<_>>(),
        ["p", "r1"],
        "{off:?}"
    );
    assert!(
        (7.05..7.2).contains(&off[0].1) && (14.5..14.7).contains(&off[1].1),
        "{off:?}"
    );
}
