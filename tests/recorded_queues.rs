//! HAProxy's queueing (`recordings/3…`), and whole traces request by request (`recordings/4…`), replayed in the
//! simulator.

mod support;

use fallover::model::recorder::{Row, RunRecord};
use fallover::model::request::Outcome;
use fallover::scenario::plan::Plan;
use serde_json::{Value, json};
use support::haproxy::{Asked, Stack, code, in_order, response_ms, server_of, strings};

// --- scripts --------------------------------------------------------------------------------------------------------

const SCRIPTS: &str = include_str!("recordings/3_queueing.json");

/// Milliseconds that the real chain adds to every stay on a server and to every answer (the recordings' README).
const SLOT_MS: f64 = 0.8;
const ANSWER_MS: f64 = 0.8;

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// The milliseconds that `set-priority-offset` adds to the arrival time of a script's request.
fn offset(row: &Value) -> i64 {
    let header = row[2]["X-Off"].as_str();
    header.map_or(0, |text| text.parse().expect("a number"))
}

fn scripted(case: &Value) -> Stack {
    let asked = |row: &Value| Asked {
        at: number(&row[0]) / 1e3,
        service: (number(&row[1]) + SLOT_MS) / 1e3,
        patience: row[3].as_f64().map(|ms| ms / 1e3),
        offset: offset(row) as i32,
    };
    let script = case["script"].as_array().unwrap();
    let effect = |word: &str| if word == "kill" { "crash" } else { "maint" };
    let fault = |e: &Value| {
        let (what, server) = (e[1].as_str().unwrap(), e[2].as_str().unwrap());
        (number(&e[0]) / 1e3, 15.0, server.to_owned(), effect(what).to_owned())
    };
    let mut faults: Vec<_> = case["events"].as_array().unwrap().iter().map(fault).collect();
    faults.dedup();
    Stack {
        backend: strings(&case["backend"]),
        workers: vec![],
        asked: script.iter().map(asked).collect(),
        faults,
        // `option abortonclose` takes effect only if the front end has it too: here abandoned requests are not removed.
        more: json!({ "abandoned": "finish" }),
        duration: 20.0,
    }
}

/// A hash may prefer a different server than HAProxy's: the same script with the names swapped.
fn exchanged(mut stack: Stack) -> Stack {
    for (_, _, server, _) in &mut stack.faults {
        *server = if server == "s1" { "s2".into() } else { "s1".into() };
    }
    stack
}

/// Requires equal codes, servers and order, and times within 10 ms of one of two runs.
fn same(name: &str, case: &Value, plan: &Plan, record: &RunRecord, names: [&str; 2]) {
    let rows = in_order(record);
    let real = case["rows"].as_array().unwrap();
    for (i, (row, real)) in rows.iter().zip(real).enumerate() {
        let status = match &real[0] {
            Value::Number(n) => n.to_string(),
            other => other.as_str().unwrap().to_owned(),
        };
        assert_eq!(code(row.outcome), status, "{name}: request {i}");
        if status == "200" {
            assert_eq!(
                renamed(server_of(plan, row), names),
                real[1].as_str().unwrap(),
                "{name}: request {i}"
            );
        }
        let off = |real: &Value| response_ms(row) + ANSWER_MS - number(real);
        let (first, second) = (off(&real[2]), off(&real[3]));
        assert!(
            first.abs().min(second.abs()) <= 10.0,
            "{name}: request {i} took {first} ms more"
        );
    }
    // A row ends when its client gives up, so when a server reached it shows only in the times of the others.
    let answered = |(i, _): &(usize, String)| rows[*i].outcome != Outcome::ClientTimeout;
    let real: Vec<_> = real_order(case).into_iter().filter(answered).collect();
    let ours = order(plan, &rows, names);
    assert_eq!(by_tie(case, ours), by_tie(case, real), "{name}: order at the servers");
}

/// Sorts requests due in the same millisecond by number, because two real runs differ there.
fn by_tie(case: &Value, mut order: Vec<(usize, String)>) -> Vec<(usize, String)> {
    let due = |id: usize| number(&case["script"][id][0]) as i64 + offset(&case["script"][id]);
    order
        .chunk_by_mut(|a, b| due(a.0) == due(b.0))
        .for_each(<[(usize, String)]>::sort_unstable);
    order
}

fn renamed<'a>(server: &'a str, names: [&'a str; 2]) -> &'a str {
    match server {
        "s1" => names[0],
        "s2" => names[1],
        other => other,
    }
}

/// Requests in the order in which servers began to work on them.
fn order(plan: &Plan, rows: &[&Row], names: [&str; 2]) -> Vec<(usize, String)> {
    let lb = plan
        .nodes
        .iter()
        .position(|n| n.name == "lb")
        .map(fallover::base::ids::NodeId::new)
        .unwrap();
    let mut begun: Vec<_> = rows
        .iter()
        .enumerate()
        .filter(|(_, r)| matches!(r.outcome, Outcome::Ok | Outcome::Reset))
        .map(|(i, r)| {
            (
                r.arrived + r.waits.get(&lb).copied().unwrap_or_default(),
                i,
                renamed(server_of(plan, r), names),
            )
        })
        .collect();
    begun.sort();
    begun.into_iter().map(|(_, i, server)| (i, server.to_owned())).collect()
}

fn real_order(case: &Value) -> Vec<(usize, String)> {
    serde_json::from_value(case["order_at_backends"].clone()).unwrap()
}

#[test]
fn queues_are_haproxys() {
    let recording: Value = serde_json::from_str(SCRIPTS).unwrap();
    for case in recording["observations"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let stack = scripted(case);
        if name.starts_with("q6_") {
            full_backlog(name, case, stack);
            continue;
        }
        if name.starts_with("q9_") {
            black_hole(name, case, &stack);
            continue;
        }
        let (plan, record) = stack.run(0.0);
        let first = case["rows"][0][1].as_str().unwrap();
        if server_of(&plan, in_order(&record)[0]) == first {
            same(name, case, &plan, &record, ["s1", "s2"]);
        } else {
            let (plan, record) = exchanged(stack).run(0.0);
            same(name, case, &plan, &record, ["s2", "s1"]);
        }
    }
}

/// Four are let in and five wait in the kernel's queue; the packets of the others are dropped and sent again a second
/// later, in an order that differs between real runs.
fn full_backlog(name: &str, case: &Value, mut stack: Stack) {
    stack.more["maxconn"] = json!(4);
    let (_, record) = stack.run(0.0);
    let ours: Vec<f64> = in_order(&record).iter().map(|r| response_ms(r) + ANSWER_MS).collect();
    let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
    for run in [2, 3] {
        let real: Vec<f64> = case["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| number(&row[run]))
            .collect();
        for (i, (ours, real)) in ours.iter().zip(&real).enumerate() {
            let heard = *real < 1000.0;
            assert_eq!(*ours < 1000.0, heard, "{name}: request {i}");
            assert!(
                !heard || (ours - real).abs() <= 10.0,
                "{name}: request {i} took {ours} ms, not {real}"
            );
        }
        let (ours, real) = (mean(&ours[9..]), mean(&real[9..]));
        assert!((ours / real - 1.0).abs() < 0.05, "{name}: {ours} ms, really {real}");
    }
}

/// A dead server next to a full one drains the queue into failures until the checks detect it.
fn black_hole(name: &str, case: &Value, stack: &Stack) {
    // DOWN fell between the last failure (540 ms) and the next request (570 ms), 255 ms after the crash or slightly
    // later.
    let (plan, record, _) = stack.run_in_phase(0.255, 0.2);
    same(name, case, &plan, &record, ["s1", "s2"]);
}

// --- traces ---------------------------------------------------------------------------------------------------------

const TRACES: &str = include_str!("recordings/4_replays/replays.json");

/// A row of a trace.
struct Replayed {
    at_ms: f64,
    service_ms: f64,
    code: String,
    server: String,
    response_ms: f64,
}

fn rows_of(name: &str) -> Vec<Replayed> {
    let file = format!("{}/tests/recordings/4_replays/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).expect("reads");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |i: usize| cells[i].parse::<f64>().expect("a number");
        Replayed {
            at_ms: number(0),
            service_ms: number(1),
            code: cells[2].into(),
            server: cells[3].into(),
            response_ms: number(4),
        }
    };
    let mut rows: Vec<Replayed> = text.lines().skip(1).map(row).collect();
    rows.sort_by(|a, b| a.at_ms.total_cmp(&b.at_ms));
    rows
}

/// The stack of a trace. `hq`: the wait is in HAProxy, and a slot is held for 0.8 ms longer than the service; `bq`: it
/// is at the server.
fn traced(name: &str, rows: &[Replayed]) -> (Stack, Vec<f64>) {
    let meta: Value = serde_json::from_str(TRACES).unwrap();
    let (params, events) = (&meta["replays"][name]["params"], &meta["replays"][name]["events"]);
    let in_haproxy = name.contains("hq");
    let mut backend = vec![format!("balance {}", params["balance"].as_str().unwrap())];
    backend.extend(
        params["extra"]
            .as_str()
            .unwrap_or("")
            .lines()
            .map(|l| l.trim().to_owned()),
    );
    let servers = params["servers"].as_array().unwrap();
    for server in servers {
        let text = |key: &str| server[key].as_str().unwrap();
        backend.push(format!("server {} x {}", text("name"), text("options")));
    }
    let workers = |s: &Value| {
        if in_haproxy {
            0
        } else {
            s["workers"].as_u64().unwrap() as u32
        }
    };
    let asked = |row: &Replayed| Asked {
        at: row.at_ms / 1e3,
        service: (row.service_ms + if in_haproxy { SLOT_MS } else { 0.0 }) / 1e3,
        ..Asked::default()
    };
    let at = |i: usize| number(&events[i]["t_ms"]) / 1e3;
    let times: Vec<f64> = (0..events.as_array().unwrap().len()).map(at).collect();
    let faults = match times.as_slice() {
        [kill, _, restore, _] => vec![(*kill, restore - kill, "s1".to_owned(), "crash".to_owned())],
        _ => vec![],
    };
    let stack = Stack {
        backend,
        workers: servers.iter().map(workers).collect(),
        asked: rows.iter().map(asked).collect(),
        faults,
        more: json!({}),
        duration: rows.last().unwrap().at_ms / 1e3 + 20.0,
    };
    (stack, times)
}

/// Milliseconds that the real chain adds to every answer of this trace.
fn added(name: &str) -> f64 {
    if name.contains("hq") { ANSWER_MS } else { 1.8 }
}

fn quantile(sorted: &[f64], p: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * p).round() as usize]
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

#[test]
fn a_trace_that_queues_in_haproxy_is_answered_when_haproxy_did() {
    let rows = rows_of("hq_roundrobin");
    for algorithm in ["roundrobin", "leastconn"] {
        let (mut stack, _) = traced("hq_roundrobin", &rows);
        // One queue for all servers: the order of turns does not affect any request's time.
        stack.backend[0] = format!("balance {algorithm}");
        let (_, record) = stack.run(0.0);
        let ours = in_order(&record);
        let off = ours
            .iter()
            .zip(&rows)
            .map(|(o, r)| response_ms(o) + ANSWER_MS - r.response_ms);
        let off = sorted(off);
        let (low, middle, high) = (quantile(&off, 0.01), quantile(&off, 0.5), quantile(&off, 0.99));
        // The difference between two real runs.
        assert!(
            low > -7.0 && middle.abs() < 1.0 && high < 7.0,
            "{algorithm}: {low} {middle} {high}"
        );
    }
}

#[test]
fn a_trace_that_is_spread_in_turn_goes_to_the_same_servers() {
    let name = "bq_w3_1_roundrobin";
    let rows = rows_of(name);
    let (plan, record) = traced(name, &rows).0.run(0.0);
    let ours = in_order(&record);
    let same = ours
        .iter()
        .zip(&rows)
        .filter(|(o, r)| server_of(&plan, o) == r.server)
        .count();
    assert!(same as f64 >= 0.99 * rows.len() as f64, "{same} of {}", rows.len());
    let off = sorted(
        ours.iter()
            .zip(&rows)
            .map(|(o, r)| response_ms(o) + added(name) - r.response_ms),
    );
    let (low, middle, high) = (quantile(&off, 0.01), quantile(&off, 0.5), quantile(&off, 0.99));
    assert!(low > -8.0 && middle.abs() < 1.0 && high < 8.0, "{low} {middle} {high}");
}

#[test]
fn a_trace_by_least_connections_has_the_same_distribution() {
    for name in ["bq_leastconn", "bq_w3_1_leastconn"] {
        let rows = rows_of(name);
        let (_, record) = traced(name, &rows).0.run(0.0);
        let ours = sorted(record.rows.iter().map(|r| response_ms(r) + added(name)));
        let real = sorted(rows.iter().map(|r| r.response_ms));
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        for (what, ours, real, bound) in [
            ("mean", mean(&ours), mean(&real), 0.05),
            ("p90", quantile(&ours, 0.9), quantile(&real, 0.9), 0.06),
            ("p99", quantile(&ours, 0.99), quantile(&real, 0.99), 0.10),
        ] {
            let off = ours / real - 1.0;
            assert!(off.abs() < bound, "{name}: {what} {ours}, really {real}");
        }
    }
}

#[test]
fn a_trace_through_a_failure_loses_as_many_and_waits_as_long() {
    for name in ["fail_hq_roundrobin", "fail_bq_leastconn_noredisp"] {
        let rows = rows_of(name);
        let (stack, times) = traced(name, &rows);
        let [kill, down, _, up] = times[..] else {
            panic!("four events")
        };
        let (_, record, later) = stack.run_in_phase(down - kill, 0.5);
        let ours = in_order(&record);
        for status in ["200", "502", "503"] {
            let (a, b) = (
                ours.iter().filter(|r| code(r.outcome) == status).count() as i64,
                rows.iter().filter(|r| r.code == status).count() as i64,
            );
            assert!((a - b).abs() <= 3, "{name}: {a} answers {status}, really {b}");
        }
        let phases = [(0.0, kill), (kill, down), (down, up), (up, f64::INFINITY)];
        for (from, to) in phases {
            let inside = |at: f64| from <= at && at < to;
            let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
            let real: Vec<f64> = rows
                .iter()
                .filter(|r| inside(r.at_ms / 1e3))
                .map(|r| r.response_ms)
                .collect();
            let mine = ours.iter().filter(|r| inside(r.arrived.seconds() - later));
            let mine: Vec<f64> = mine.map(|r| response_ms(r) + added(name)).collect();
            let (mine, real) = (mean(mine), mean(real));
            assert!(
                (mine / real - 1.0).abs() < 0.08,
                "{name}, from {from} s: {mine} ms, really {real}"
            );
        }
    }
}
