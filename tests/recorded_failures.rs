//! HAProxy's reaction to failing servers (`recordings/2a…`, `2b…`, `2c…`), replayed in the simulator.
//!
//! Checks: the time until a failure and a return are detected. Windows: the fate of the requests between failure and
//! verdict, with the checks in the recorded phase.

mod support;

use fallover::model::recorder::Row;
use serde_json::{Value, json};
use support::haproxy::{Asked, Stack, code, in_order, response_ms, server_of, strings};

// --- checks ---------------------------------------------------------------------------------------------------------

const CHECKS: &str = include_str!("recordings/2a_health_check_times.json");

/// How long a running check lasts, and the theoretical time until DOWN and until UP: (from, to), seconds.
struct Theory {
    down: (f64, f64),
    up: (f64, f64),
}

fn theory(name: &str) -> (Theory, f64) {
    // The first failed check begins within `inter`; then fall - 1 more, each `inter` (or `fastinter` while the state is
    // in doubt) after the end of the previous one. A hanging check lasts `timeout check`, or `inter`. The quirk of
    // 2.6.12 makes c4 and c8 last up to min(inter, 1 s), as 2c shows, so they get that here.
    let (inter, fast, fall, rise, lasts) = match name {
        "c1_l4_i500_f3_r2" => (0.5, 0.5, 3.0, 2.0, 0.0),
        "c3_http503_i200_f2_r2" => (0.2, 0.2, 2.0, 2.0, 0.0),
        "c4_hang_i500_tcheck300_f3_r2" => (0.5, 0.5, 3.0, 2.0, 0.5),
        "c5_hang_i500_notimeoutcheck_f2_r2" => (0.5, 0.5, 2.0, 2.0, 0.5),
        "c8_hang_i1000_fast250_tcheck400_f3_r2" => (1.0, 0.25, 3.0, 2.0, 1.0),
        other => panic!("no theory of {other}"),
    };
    let down = lasts + (fall - 1.0) * (fast + lasts);
    let up = (rise - 1.0) * fast;
    let theory = Theory {
        down: (down, down + inter),
        up: (up, up + inter + lasts),
    };
    (theory, lasts)
}

/// Seconds from the failure to DOWN and from the return to UP, for many servers.
fn simulated(case: &Value, lasts: f64) -> (Vec<f64>, Vec<f64>) {
    const SERVERS: usize = 200;
    let options = case["server_options"].as_str().expect("text");
    let effect = match case["failure_mode"].as_str() {
        Some("refuse") => "crash",
        Some("fail") => "errors",
        _ => "hang",
    };
    // Long enough for every check to be back in its steady rhythm. The returns are spread over 2 s, which is a whole
    // number of check rounds in every case: the phase of the round that a return meets is uniform.
    let fails = 5.0;
    let returns = |i: usize| 20.0 + 2.0 * i as f64 / SERVERS as f64;
    let stack = Stack {
        backend: (0..SERVERS).map(|i| format!("server s{i} x {options}")).collect(),
        workers: vec![],
        asked: vec![Asked {
            at: 0.5,
            service: 0.0,
            ..Asked::default()
        }],
        faults: (0..SERVERS)
            .map(|i| (fails, returns(i) - fails, format!("s{i}"), effect.to_owned()))
            .collect(),
        more: json!({}),
        duration: 30.0,
    };
    let mut stack = stack;
    if lasts > 0.0 {
        stack.backend.push(format!("timeout check {}ms", lasts * 1e3));
    }
    let (_, record) = stack.run(0.0);
    let times = |what: &str, from: &dyn Fn(usize) -> f64| {
        let events = record.events.iter().filter(|e| e.what == what);
        let server = |target: &str| {
            target
                .strip_prefix("lb/s")
                .expect("a server")
                .parse()
                .expect("a number")
        };
        events
            .map(|e| e.at.seconds() - from(server(&e.target)))
            .collect::<Vec<f64>>()
    };
    let (down, up) = (times("down", &|_| fails), times("up", &returns));
    assert_eq!((down.len(), up.len()), (SERVERS, SERVERS));
    (down, up)
}

#[test]
fn checks_see_failures_and_returns_when_haproxys_do() {
    let recording: Value = serde_json::from_str(CHECKS).unwrap();
    for (name, case) in recording["observations"].as_object().unwrap() {
        let (theory, lasts) = theory(name);
        let (down, up) = simulated(case, lasts);
        // Extremes are noisier where 2.6.12 ends a hanging check early (the recordings' own bound).
        let slack = if name.starts_with("c4") || name.starts_with("c8") {
            0.12
        } else {
            0.03
        };
        for (what, ours, (from, to)) in [("down", &down, theory.down), ("up", &up, theory.up)] {
            let real: Vec<f64> = serde_json::from_value(case[format!("{what}_after_ms")].clone()).unwrap();
            let real: Vec<f64> = real.iter().map(|ms| ms / 1e3).collect();
            for time in ours {
                assert!(
                    (from - 1e-6..=to + 1e-6).contains(time),
                    "{name}: {what} after {time} s"
                );
            }
            for time in &real {
                assert!(
                    (from - slack..=to + slack).contains(time),
                    "{name}: really {what} after {time} s"
                );
            }
            let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
            let off = mean(ours) / mean(&real) - 1.0;
            assert!(
                off.abs() < 0.1,
                "{name}: {what} after {} s, really {}",
                mean(ours),
                mean(&real)
            );
        }
    }
}

/// Checks of a server that hangs (`recordings/2c…`), those with durations that the quirk of 2.6.12 does not affect.
const HANGING: &str = include_str!("recordings/2c_hanging_check_durations.json");

/// The most by which a real check and its pause exceed their nominal duration.
const MORE_A_CHECK: f64 = 0.003;

#[test]
fn hanging_checks_last_and_follow_each_other_as_haproxys_do() {
    let recording: Value = serde_json::from_str(HANGING).unwrap();
    for case in recording["observations"].as_array().unwrap() {
        let options = case["server_options"].as_str().unwrap();
        let starts: Vec<f64> = serde_json::from_value(case["check_starts_ms"].clone()).unwrap();
        let inter = match options.split_whitespace().nth(2).unwrap() {
            "500ms" => 0.5,
            "1s" => 1.0,
            "2s" => 2.0,
            other => panic!("{other}"),
        };
        let timeout = case["timeout_check_ms"].as_f64().map(|ms| ms / 1e3);
        let lasts = timeout.unwrap_or(inter);
        let mut backend = vec![format!("server s1 x {options}")];
        backend.extend(timeout.map(|s| format!("timeout check {}ms", s * 1e3)));
        let (fails, hangs) = (5.0, case["hang_ends_ms"].as_f64().unwrap() / 1e3);
        let stack = Stack {
            backend,
            workers: vec![],
            asked: vec![Asked {
                at: 0.5,
                service: 0.0,
                ..Asked::default()
            }],
            faults: vec![(fails, hangs, "s1".into(), "hang".into())],
            more: json!({}),
            duration: 40.0,
        };
        // `fall 3`: two whole rounds after the first failed check began, and the duration of one more check.
        let down = starts[0] / 1e3 + 2.0 * (inter + lasts) + lasts;
        let (_, record, later) = stack.run_in_phase(down, inter);
        // The last recorded check is the second that passed (`rise 2`); from there back to the first that failed, every
        // round was a little longer than nominal.
        let up = record.events.iter().find(|e| e.what == "up").expect("it is seen");
        let late = starts.last().unwrap() / 1e3 - (up.at.seconds() - later - fails);
        let most = MORE_A_CHECK * starts.len() as f64;
        assert!(
            (-MORE_A_CHECK..=most).contains(&late),
            "{options}, timeout check {timeout:?}: up {late} s before the real one"
        );
    }
}

// --- windows --------------------------------------------------------------------------------------------------------

const WINDOWS: &str = include_str!("recordings/2b_failure_windows.json");

fn count(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or(0)
}

/// The number of requests sent to the servers.
fn requests_sent(record: &fallover::model::recorder::RunRecord) -> i64 {
    record.nodes[1..].iter().map(|n| n.tally.arrived as i64).sum()
}

/// Replays one run of a window; `overhead` is the time that the real chain adds to an answer.
fn replay(window: &Value, run: &Value) {
    let name = window["name"].as_str().unwrap();
    let script = &window["script"];
    let ms = |key: &str| script[key].as_f64().unwrap() / 1e3;
    let (fails, returns) = (ms("s1_fails_at_ms"), ms("s1_restored_at_ms"));
    let effect = match script["failure_mode"].as_str().unwrap() {
        "refuse" => "crash",
        "fail" => "errors",
        "hang" => "hang",
        "empty" => "empty",
        other => panic!("{other}"),
    };
    let mut backend = strings(&window["backend"]);
    // 2.6.12 lets a hanging check last as long as `inter`, even with a shorter `timeout check` (2c).
    backend.retain(|line| !line.starts_with("timeout check"));
    let requests = script["n"].as_u64().unwrap();
    let asked = |i: u64| Asked {
        at: i as f64 / script["rate_per_s"].as_f64().unwrap(),
        service: ms("service_ms") + 0.001,
        ..Asked::default()
    };
    let stack = Stack {
        backend,
        workers: vec![],
        asked: (0..requests).map(asked).collect(),
        faults: vec![(fails, returns - fails, "s1".into(), effect.into())],
        more: json!({}),
        duration: 20.0,
    };
    // A real check takes some milliseconds and ours none, so the verdict may fall outside the theoretical interval.
    let earliest = if effect == "hang" { 2.5 } else { 1.0 };
    let down = run["down_ms"].as_f64().filter(|_| !name.contains("observe"));
    let (plan, record, later) = if let Some(down) = down {
        let down = (down / 1e3 - fails).clamp(earliest + 0.001, earliest + 0.499);
        stack.run_in_phase(down, 0.5)
    } else {
        let (plan, record) = stack.run(0.0);
        (plan, record, 0.0)
    };
    if effect == "empty" {
        assert!(
            record.events.iter().all(|e| e.what != "down"),
            "{name}: its checks pass"
        );
        let retries: i64 = requests_sent(&record) - requests as i64;
        assert!(
            (retries - count(run, "retries")).abs() <= 2,
            "{name}: {retries} retries"
        );
    }
    let rows = in_order(&record);
    let near = |what: &str, ours: i64, real: i64| {
        assert!((ours - real).abs() <= 2, "{name}: {ours} {what}, really {real}");
    };
    for status in ["200", "502", "503", "504"] {
        let ours = rows.iter().filter(|r| code(r.outcome) == status).count() as i64;
        near(status, ours, count(&run["codes"], status));
    }
    let failed = record.nodes[1].tally.refused as i64;
    if effect == "crash" && !name.contains("inflight") && !name.contains("retries0") {
        near("connections refused", failed, count(run, "retries"));
    }
    // Until the return only: after seven seconds of checks that take a millisecond each, the real phase has shifted.
    let of_s2 = |r: &&&Row| server_of(&plan, r) == "s2" && r.arrived.seconds() - later < returns;
    let ours = rows.iter().filter(of_s2).count() as i64;
    near("answers of s2", ours, count(&run["servers_before_return"], "s2"));
    let slow = rows.iter().filter(|r| response_ms(r) > 250.0).count() as i64;
    if !name.contains("inflight") {
        near("slow answers", slow, count(run, "slow"));
    }
}

#[test]
fn requests_in_the_failure_window_end_as_with_haproxy() {
    let recording: Value = serde_json::from_str(WINDOWS).unwrap();
    for window in recording["windows"].as_array().unwrap() {
        for run in window["runs"].as_array().unwrap() {
            replay(window, run);
        }
    }
}
