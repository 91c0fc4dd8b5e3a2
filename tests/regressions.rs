//! Worlds in which something was once wrong: found by the swarm (`tests/worlds`), shrunk, and worked out by hand.

mod support;

use fallover::model::recorder::RunRecord;
use fallover::model::request::Outcome::{self, *};
use support::{endings, record};

#[track_caller]
fn departures(record: &RunRecord, expected: &[(f64, Outcome)]) {
    let found = endings(&record.rows);
    let same = |(f, e): (&(f64, Outcome), &(f64, Outcome))| (f.0 - e.0).abs() < 1e-6 && f.1 == e.1;
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(same),
        "{found:?}, not {expected:?}"
    );
}

/// Eight requests 0.1 s apart at `entry`; `s` is an application with a second for each job, and one worker unless
/// `server` says otherwise.
fn eight(entry: &str, nodes: &str, server: &str, extra: &str) -> RunRecord {
    let workers = if server.contains("workers") {
        ""
    } else {
        r#", "workers": 1"#
    };
    record(&format!(
        r#"{{ "duration": "60s",
            "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/eight.csv" }}, "entry": "{entry}" }} }},
            "nodes": {{ {nodes}
                "s": {{ "kind": "app", "work": {{ "*": {{ "io": "1s" }} }} {workers} {server} }} }}
            {extra} }}"#
    ))
}

fn served_and_then_reset(first: &[f64], reset: f64) -> Vec<(f64, Outcome)> {
    let rest = std::iter::repeat_n((reset, Reset), 8 - first.len());
    first.iter().map(|t| (*t, Ok)).chain(rest).collect()
}

#[test]
fn caller_and_called_may_die_at_the_same_instant() {
    // The server dies first: when the balancer would hear of it, its part of the request is gone as well.
    let both = r#", "common_causes": { "rack": { "targets": ["lb", "s"] } },
        "faults": [{ "at": "2.5s", "target": "rack", "effect": "crash" }]"#;
    let lb = r#""lb": { "kind": "load-balancer", "servers": ["s"] },"#;
    departures(&eight("lb", lb, "", both), &served_and_then_reset(&[1.0, 2.0], 2.5));
    let reversed = both.replace(r#"["lb", "s"]"#, r#"["s", "lb"]"#);
    departures(
        &eight("lb", lb, "", &reversed),
        &served_and_then_reset(&[1.0, 2.0], 2.5),
    );
}

#[test]
fn a_worker_that_is_handed_on_and_refused_is_not_lost() {
    // The balancer dies and its requests are abandoned one after the other. The first one's worker passes to the
    // second, which is abandoned before it is notified, and so on to the last.
    let crash = r#", "faults": [{ "at": "2.5s", "for": "1s", "target": "lb", "effect": "crash" }]"#;
    let lb = r#""lb": { "kind": "load-balancer", "servers": ["s"] },"#;
    let record = eight("lb", lb, r#", "abandoned": "stop""#, crash);
    departures(&record, &served_and_then_reset(&[1.0, 2.0], 2.5));
    let busy = record.nodes[1].tally.utilization.unwrap() * 60.0;
    assert!((busy - 2.5).abs() < 1e-9, "idle from the crash on: {busy}");
}

#[test]
fn those_who_wait_outside_a_balancer_die_with_it() {
    let crash = r#", "faults": [{ "at": "2.5s", "target": "lb", "effect": "crash" }]"#;
    let lb = r#""lb": { "kind": "load-balancer", "servers": ["s"], "maxconn": 1, "backlog": 10 },"#;
    let record = eight("lb", lb, "", crash);
    departures(&record, &served_and_then_reset(&[1.0, 2.0], 2.5));
    // 2 waits from 0.1 to 1, 3 from 0.2 to 2, the others from 0.3 … 0.7 to 2.5.
    let waits = 0.9 + 1.8 + 5.0 * 2.5 - (0.3 + 0.4 + 0.5 + 0.6 + 0.7);
    assert!(
        (record.nodes[0].wait.sum_s() - waits).abs() < 1e-6,
        "{}",
        record.nodes[0].wait.sum_s()
    );
}

#[test]
fn those_whom_limit_req_holds_back_die_with_their_server() {
    // Two a second: the first passes, the second would be let in at 0.5, the third at 1 … The crash comes first.
    let crash = r#", "faults": [{ "at": "0.35s", "target": "web", "effect": "crash" }]"#;
    let web = r#""web": { "kind": "web", "serves": ["default"], "limit_req": { "rate": "2/s", "burst": 20 } },"#;
    let mut expected = vec![(0.0, Ok), (0.35, Reset), (0.35, Reset), (0.35, Reset)];
    expected.extend([0.4, 0.5, 0.6, 0.7].map(|t| (t, Refused)));
    departures(&eight("web", web, "", crash), &expected);
}

#[test]
fn who_is_turned_away_is_not_among_those_who_waited() {
    // One in service, one waits from 0.1 to 1; six are rejected and do not count as zeros in the mean.
    let record = eight("s", "", r#", "queue": 1"#, "");
    let wait = &record.nodes[0].wait;
    assert_eq!((record.nodes[0].tally.refused, wait.count()), (6, 2));
    assert!((wait.mean_s().unwrap() - 0.45).abs() < 1e-6, "{wait:?}");
}

#[test]
fn utilisation_counts_the_workers_there_are() {
    // Eight seconds of work. Four workers from 2 s on: 1 and 2 are done by 2; 3 to 6 run from 2 to 3; 7 and 8 until 4.
    let more = r#", "faults": [{ "at": "2s", "for": "8s", "target": "s", "effect": "set", "set": { "workers": 4 } }]"#;
    let record = eight("s", "", "", more);
    let expected = [1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 4.0, 4.0].map(|t| (t, Ok));
    departures(&record, &expected);
    let (busy, workers) = (8.0, 60.0 + 3.0 * 8.0);
    assert!((record.nodes[0].tally.utilization.unwrap() - busy / workers).abs() < 1e-9);
    // Fewer: workers above the new number finish their jobs, and count as workers until then.
    let fewer = r#", "faults": [{ "at": "0.75s", "target": "s", "effect": "set", "set": { "workers": 1 } }]"#;
    let record = eight("s", "", r#", "workers": 8"#, fewer);
    // All eight until 1 s, then one less every 100 ms, and one from 1.6 s on.
    let workers = 8.0 + 0.1 * (7.0 + 6.0 + 5.0 + 4.0 + 3.0 + 2.0) + 58.4;
    assert!((record.nodes[0].tally.utilization.unwrap() - busy / workers).abs() < 1e-9);
}

#[test]
fn an_answer_that_comes_too_late_is_not_taken_for_the_next_one() {
    // The request of 1 s reaches `fast` at 1.002, when both nodes already hang, and the web server's time-out of 1 s
    // expires unnoticed. When they resume at 3, `fast` has its answer ready at the very moment at which the web server
    // notices its time-out, hangs up and calls `slow`: there at 3.001, done at 3.501, back at 3.502 and at the client
    // at 3.503.
    let scenario = r#"{ "duration": "10s", "network": { "latency": "1ms" },
        "clients": { "c": { "arrivals": { "trace": "tests/data/steady.csv" }, "entry": "web" } },
        "nodes": { "fast": { "kind": "app" },
                   "slow": { "kind": "app", "work": { "*": { "io": "500ms" } } },
                   "web": { "kind": "web", "upstreams": ["fast", { "node": "slow", "backup": true }],
                            "timeouts": { "read": "1s" } } },
        "common_causes": { "both": { "targets": ["fast", "web"] } },
        "faults": [{ "at": "1.0015s", "for": "1.9985s", "target": "both", "effect": "hang" }] }"#;
    let row = &record(scenario).rows[0];
    assert_eq!(row.outcome, Ok);
    let finished = row.finished.unwrap().seconds();
    assert!((finished - 3.503).abs() < 1e-9, "{finished}");
}

// --- found by a reviewer with the contract in hand -------------------------------------------------------------------

/// A write waits from 1.01 for the replica that a partition hides, until the partition ends at 1.5; semi-sync stays on.
#[test]
fn a_commit_that_waits_is_released_when_the_partition_ends() {
    let found = record(
        r#"{ "duration": "5500ms", "clients": { "c": { "arrivals": { "uniform": 1 }, "entry": "a" } },
          "hosts": { "ha": {}, "h1": {}, "h2": {} },
          "nodes": { "a": { "kind": "app", "host": "ha", "database": "db", "queries": { "*": { "write": 1 } } },
            "db": { "kind": "database", "members": { "db1": { "host": "h1" }, "db2": { "host": "h2" } }, "primary": "db1",
              "work": { "write": { "io": "10ms" } }, "replication": { "mode": "semi-sync", "timeout": "5s" } } },
          "faults": [{ "at": "500ms", "for": "1s", "effect": "partition", "from": "h1", "to": "h2" }] }"#,
    );
    departures(&found, &[(1.5, Ok), (2.01, Ok), (3.01, Ok), (4.01, Ok), (5.01, Ok)]);
}

/// The acknowledgement of a replica takes its own way back.
#[test]
fn a_semi_synchronous_commit_takes_the_way_there_and_the_way_back() {
    let found = record(
        r#"{ "duration": "1500ms", "clients": { "c": { "arrivals": { "uniform": 1 }, "entry": "a" } },
          "hosts": { "ha": {}, "h1": {}, "h2": {} },
          "network": { "links": [{ "from": "h1", "to": "h2", "latency": "1ms" }, { "from": "h2", "to": "h1", "latency": "100ms" }] },
          "nodes": { "a": { "kind": "app", "host": "ha", "database": "db", "queries": { "*": { "write": 1 } } },
            "db": { "kind": "database", "members": { "db1": { "host": "h1" }, "db2": { "host": "h2" } }, "primary": "db1",
              "work": { "write": { "io": "10ms" } }, "replication": { "mode": "semi-sync", "timeout": "5s" } } } }"#,
    );
    departures(&found, &[(1.111, Ok)]);
}

/// A firewall does not change how silence is detected: behind it too the connect time-out applies, not the one for the
/// answer.
#[test]
fn a_dead_host_behind_a_firewall_is_unreachable_after_the_connect_time_out() {
    for node in [
        r#""kind": "app", "calls": ["f"], "timeouts": { "connect": "5s", "query": "1s" }"#,
        r#""kind": "load-balancer", "retries": 0, "servers": ["f"], "timeouts": { "connect": "5s", "server": "1s" }"#,
        r#""kind": "web", "upstreams": ["f"], "timeouts": { "connect": "5s", "read": "1s" }"#,
    ] {
        let found = record(&format!(
            r#"{{ "duration": "19s", "clients": {{ "c": {{ "arrivals": {{ "uniform": 0.1 }}, "entry": "n" }} }},
              "hosts": {{ "hn": {{}}, "hf": {{}}, "hx": {{}} }},
              "nodes": {{ "n": {{ "host": "hn", {node} }}, "f": {{ "kind": "firewall", "host": "hf", "to": "x" }},
                "x": {{ "kind": "app", "host": "hx" }} }},
              "faults": [{{ "at": "0s", "target": "hx", "effect": "crash" }}] }}"#
        ));
        departures(&found, &[(15.0, Unreachable)]);
    }
}

/// One is let in and one waits outside. The SYNs of the others are dropped and retransmitted every second, the sixth
/// time after two. A connection that is then accepted waits 2 s for the answer; the wait for a connection is at most
/// 6 s.
#[test]
fn who_is_heard_at_last_waits_for_the_answer_from_then_on() {
    let found = record(
        r#"{ "duration": "60s", "clients": { "c": { "arrivals": { "trace": "tests/data/eight.csv" }, "entry": "a" } },
          "nodes": { "a": { "kind": "app", "calls": ["b"], "timeouts": { "connect": "6s", "query": "2s" } },
            "b": { "kind": "load-balancer", "servers": ["x"], "maxconn": 1, "backlog": 0 },
            "x": { "kind": "app", "work": { "*": { "io": "100s" } } } } }"#,
    );
    let in_time = [2.0, 2.1, 4.2, 4.3, 6.4, 6.5].map(|t| (t, ServerTimeout));
    let never = [6.6, 6.7].map(|t| (t, Unreachable));
    departures(&found, &[&in_time[..], &never].concat());
}

/// No event occurs between the last arrival and the end of the run, but the time still counts as waiting.
#[test]
fn who_waits_at_the_end_has_waited_until_then() {
    // The first is served for 100 s; the others wait from 0.1 … 0.7 s to the end, at 60 s.
    let run = record(
        r#"{ "duration": "60s", "clients": { "c": { "arrivals": { "trace": "tests/data/eight.csv" }, "entry": "s" } },
            "nodes": { "s": { "kind": "app", "workers": 1, "work": { "*": { "io": "100s" } } } } }"#,
    );
    let node = &run.nodes[0];
    let waits = 7.0 * 60.0 - (0.1 + 0.2 + 0.3 + 0.4 + 0.5 + 0.6 + 0.7);
    assert!((node.wait.sum_s() - waits).abs() < 1e-6, "{}", node.wait.sum_s());
    assert!(
        (node.tally.queue_length * 60.0 - waits).abs() < 1e-6,
        "{:?}",
        node.tally
    );
}

/// An answer meets a partition, and its host dies before the partition ends: nothing is left to retransmit it.
#[test]
fn a_dead_machine_sends_nothing_again() {
    let ends = |crash: &str| {
        let run = record(&format!(
            r#"{{ "duration": "120s", "hosts": {{ "h": {{}}, "g": {{}} }},
              "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/at-one.csv" }}, "entry": "lb", "timeout": "100s" }} }},
              "nodes": {{ "lb": {{ "kind": "load-balancer", "host": "h", "servers": ["s"] }},
                "s": {{ "kind": "app", "host": "g", "work": {{ "*": {{ "io": "2s" }} }} }} }},
              "faults": [{{ "at": "2s", "for": "38s", "effect": "partition", "from": "h", "to": "g" }} {crash}] }}"#
        ));
        endings(&run.rows)[0].1
    };
    assert_eq!(ends(""), Ok);
    assert_eq!(
        ends(r#", { "at": "20s", "target": "g", "effect": "crash" }"#),
        ClientTimeout
    );
    // A host that is back before the partition ends has forgotten the answer.
    let back = r#", { "at": "20s", "for": "5s", "target": "g", "effect": "crash" }"#;
    assert_eq!(ends(back), ClientTimeout);
}

/// A call abandoned on its way to a hung node does not exist when it would arrive.
#[test]
fn what_is_given_up_on_its_way_does_not_arrive_at_a_hung_node() {
    let run = record(
        r#"{ "duration": "20s", "network": { "latency": "500ms" }, "hosts": { "h": {}, "g": {} },
          "clients": { "c": { "arrivals": { "trace": "tests/data/eight.csv" }, "entry": "lb" } },
          "nodes": { "lb": { "kind": "load-balancer", "host": "h", "servers": ["s"], "retries": 0, "timeouts": { "server": "100ms" } },
            "s": { "kind": "app", "host": "g", "work": { "*": { "io": "1s" } } } },
          "faults": [{ "at": "0s", "for": "10s", "target": "s", "effect": "hang" }] }"#,
    );
    assert_eq!(run.nodes[1].tally.arrived, 0);
}

/// A read goes to the only working replica, whatever its position among many.
#[test]
fn a_read_finds_the_last_of_forty_members() {
    let members: Vec<String> = (0..40).map(|i| format!(r#""m{i}": {{}}"#)).collect();
    let dead: Vec<String> = (0..39)
        .map(|i| format!(r#"{{ "at": "0s", "target": "m{i}", "effect": "crash" }}"#))
        .collect();
    let run = record(&format!(
        r#"{{ "duration": "60s", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/eight.csv" }}, "entry": "a" }} }},
          "nodes": {{ "a": {{ "kind": "app", "database": "db", "queries": {{ "*": {{ "read": 1 }} }} }},
            "db": {{ "kind": "database", "members": {{ {} }}, "read_from": "any" }} }}, "faults": [{}] }}"#,
        members.join(", "),
        dead.join(", ")
    ));
    assert!(
        endings(&run.rows).iter().all(|end| end.1 == Ok),
        "{:?}",
        endings(&run.rows)
    );
}

/// A client's address does not change when another source is added before its own.
#[test]
fn a_source_more_changes_no_address() {
    let picks = |first: &str| {
        let run = record(&format!(
            r#"{{ "duration": "60s", "clients": {{ {first} "c": {{ "arrivals": {{ "uniform": 1 }}, "population": 50, "entry": "lb" }} }},
              "nodes": {{ "lb": {{ "kind": "load-balancer", "algorithm": "source", "servers": ["x", "y", "z"] }},
                "x": {{ "kind": "app" }}, "y": {{ "kind": "app" }}, "z": {{ "kind": "app" }} }} }}"#
        ));
        [1, 2, 3].map(|node| run.nodes[node].tally.arrived)
    };
    let alone = picks("");
    assert!(alone.iter().all(|n| *n > 0), "{alone:?}");
    assert_eq!(
        alone,
        picks(r#""idle": { "arrivals": { "uniform": 0.001 }, "entry": "lb" },"#)
    );
}
