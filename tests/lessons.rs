//! The claims in the summaries of the shipped scenarios, checked against their runs.
//!
//! Each scenario is a lesson. A new scenario needs a test here, or the first test fails.

mod program;

use std::path::Path;

use program::{document, fallover, values};
use serde_json::Value;

/// The scenarios that have a test below.
const LESSONS: [&str; 13] = [
    "capacity-spof",
    "common-cause",
    "db-primary-failure",
    "dns-ttl",
    "flash-crowd",
    "foobar-fixed",
    "foobar",
    "gray-failure",
    "lb-failure",
    "lb-pair",
    "retry-storm",
    "roundrobin-vs-leastconn",
    "zone-loss",
];

fn run(name: &str, options: &[&str]) -> Value {
    let file = format!("scenarios/{name}.json");
    document(&[&["run", &file], options].concat())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The share of failed requests.
fn lost(document: &Value) -> f64 {
    let requests = &document["metrics"]["requests"];
    number(&requests["failed"]) / number(&requests["offered"])
}

/// The bins of a series that lie wholly between two moments.
fn between(document: &Value, series: &str, from_s: f64, to_s: f64) -> Vec<Option<f64>> {
    let bin = number(&document["timeline"]["bin_s"]);
    let all = values(&document["timeline"]["series"][series]["median"]);
    all[(from_s / bin).ceil() as usize..(to_s / bin).floor() as usize].to_vec()
}

fn mean(values: &[Option<f64>]) -> f64 {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    known.iter().sum::<f64>() / known.len() as f64
}

#[test]
fn every_scenario_has_its_lesson_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name());
    let mut names: Vec<String> = names.map(|n| n.to_string_lossy().into_owned()).collect();
    names.retain(|n| n.ends_with(".json") && n != "scenario.schema.json");
    names.sort();
    assert_eq!(names, LESSONS.map(|n| format!("{n}.json")));
}

#[test]
fn foobar_serves_everybody_within_its_promises() {
    let d = run("foobar", &["--replications", "3", "--duration", "2m"]);
    assert_eq!(d["metrics"]["requests"]["failed"], 0);
    assert!(d["slo"].as_array().unwrap().iter().all(|s| s["met"] == true));
    let median = |class: &str| number(&d["classes"][class]["latency_s"]["p50"]["value"]);
    assert!(median("static") < median("read") && median("read") < median("write"));
    for member in ["mysql-primary", "mysql-replica"] {
        assert!(number(&d["nodes"][member]["served"]) > 0.0);
    }
}

/// "No host, zone or process can stop it alone any more: the loss of any costs seconds."
#[test]
fn foobar_repaired_survives_the_loss_of_anything() {
    // Three, so that a bin's median is one of them: with the whole zone down a queue overflows now and then, for half a
    // second.
    let options = ["--replications", "3", "--duration", "90s"];
    let d = run("foobar-fixed", &options);
    assert_eq!(d["metrics"]["requests"]["failed"], 0);
    assert!(d["slo"].as_array().unwrap().iter().all(|s| s["met"] == true));
    for lost in ["dns1", "edge1", "haproxy1", "server1", "app1", "db1", "east"] {
        let faults = format!(r#"faults=[{{"at": "30s", "target": "{lost}", "effect": "crash"}}]"#);
        let d = run("foobar-fixed", &[&options[..], &["--set", &faults]].concat());
        let settled = between(&d, "availability", 60.0, 90.0);
        assert!(settled.iter().all(|a| *a == Some(1.0)), "without {lost}: {settled:?}");
        assert!(self::lost(&d) < 0.15, "without {lost}: {}", self::lost(&d));
    }
}

/// "The application is fine and nobody reaches it"; and with two balancers, "three seconds of errors instead of thirty,
/// and the clients never ask DNS again".
#[test]
fn a_second_balancer_saves_nine_tenths_of_what_the_crash_costs() {
    let alone = run("lb-failure", &["--replications", "4"]);
    let pair = run("lb-pair", &["--replications", "4"]);
    for (d, until) in [(&alone, 90.0), (&pair, 63.0)] {
        assert!(between(d, "availability", 11.0, 59.0).iter().all(|a| *a == Some(1.0)));
        // A request in the last second may be looking up the name while the outage ends.
        assert!(
            between(d, "availability", 60.0, until - 1.0)
                .iter()
                .all(|a| *a == Some(0.0))
        );
        assert!(
            between(d, "availability", until + 1.0, 179.0)
                .iter()
                .all(|a| *a == Some(1.0))
        );
    }
    let saved = lost(&pair) / lost(&alone);
    assert!((0.08..0.12).contains(&saved), "{saved}");
    // Thirty seconds of a hundred and seventy.
    assert!((lost(&alone) - 30.0 / 170.0).abs() < 0.01, "{}", lost(&alone));
    for app in ["app1", "app2"] {
        assert_eq!(alone["nodes"][app]["up_ratio"]["value"], 1.0);
    }
    assert_eq!(alone["nodes"]["dns"]["arrived"], pair["nodes"]["dns"]["arrived"]);
}

/// "Round robin gives it a third of the load and lets it fill up"; leastconn "notices without being told".
#[test]
fn least_connections_spares_the_slow_server() {
    let robin = run("roundrobin-vs-leastconn", &["--replications", "6"]);
    let least = run(
        "roundrobin-vs-leastconn",
        &["--replications", "6", "--set", "nodes.haproxy.algorithm=leastconn"],
    );
    let p99 = |d: &Value, bound: &str| number(&d["metrics"]["latency_s"]["p99"][bound]);
    assert!(2.0 * p99(&least, "hi") < p99(&robin, "lo"), "clearly lower");
    let share = |d: &Value, app: &str| {
        let served = |app: &str| number(&d["nodes"][app]["served"]);
        served(app) / (served("app1") + served("app2") + served("app3"))
    };
    assert!((share(&robin, "app3") - 1.0 / 3.0).abs() < 0.002);
    assert!(share(&least, "app3") < 0.27, "{}", share(&least, "app3"));
    let (slow, fast) = (
        &robin["hosts"]["slow"]["cpu_ratio"],
        &robin["hosts"]["fast1"]["cpu_ratio"],
    );
    assert!(number(&slow["value"]) > 0.85 && number(&fast["value"]) < 0.5);
}

/// "Writes fail for that long, and reads that meet the dead member go on to the other one."
#[test]
fn without_a_primary_writes_fail_and_reads_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let rows = directory.path().join("rows.csv");
    let d = run(
        "db-primary-failure",
        &["--replications", "1", "--requests", rows.to_str().unwrap()],
    );
    let events = d["events"].as_array().unwrap();
    let promoted = events
        .iter()
        .find(|e| e["what"].as_str().unwrap().starts_with("promoted"));
    let promoted = number(&promoted.expect("the replica is promoted")["at_s"]);
    // "Notices in about 5 s and promotes in about 3 s."
    assert!((64.0..74.0).contains(&promoted), "{promoted}");
    let (mut failing, mut after, mut reads) = (0, 0, 0);
    for row in csv::Reader::from_path(&rows).unwrap().records() {
        let row = row.unwrap();
        let (class, arrived, outcome) = (&row[2], row[4].parse::<f64>().unwrap(), &row[7]);
        // A request in flight when the primary dies, or when its successor takes over, may go either way.
        match class {
            "write" if arrived > 60.0 && arrived < promoted - 1.0 => {
                assert_ne!(outcome, "ok", "a write at {arrived} s");
                failing += 1;
            }
            "write" if arrived > promoted && outcome != "unfinished" => {
                assert_eq!(outcome, "ok", "a write at {arrived} s");
                after += 1;
            }
            "read" if arrived > 60.0 && outcome != "unfinished" => {
                assert_eq!(outcome, "ok", "a read at {arrived} s");
                reads += 1;
            }
            _ => {}
        }
    }
    assert!(
        failing > 100 && after > 1000 && reads > 10_000,
        "{failing} {after} {reads}"
    );
}

/// "Nobody is turned away, but the slowest 1 % take three times as long, until the crowd is gone. A tenth more would
/// not fit."
#[test]
fn a_crowd_makes_itself_wait_and_is_forgotten_when_it_has_gone() {
    let d = run("flash-crowd", &["--replications", "6"]);
    assert_eq!(d["metrics"]["requests"]["failed"], 0);
    let p99 = |from_s, to_s| mean(&between(&d, "latency_p99_s", from_s, to_s));
    let (before, crowd, after) = (p99(30.0, 60.0), p99(85.0, 120.0), p99(150.0, 180.0));
    assert!((2.3..5.0).contains(&(crowd / before)), "{before} {crowd}");
    assert!((after / before - 1.0).abs() < 0.2, "{before} {after}");
    let rate = |from_s, to_s| mean(&between(&d, "throughput_per_s", from_s, to_s));
    assert!(
        (rate(85.0, 120.0) / rate(30.0, 60.0) - 4.0).abs() < 0.1,
        "it quadruples"
    );

    let arrivals = "clients.browsers.arrivals.profile=[[0,300],[60,300],[80,1320],[120,1320],[150,300]]";
    let more = run("flash-crowd", &["--replications", "2", "--set", arrivals]);
    assert!(number(&more["metrics"]["outcomes"]["queue_full"]) > 0.0);
}

/// "Nothing is cut when one dies, and the other drowns"; "a third server is" redundancy.
#[test]
fn a_server_that_the_other_cannot_replace_is_no_redundancy() {
    let d = run("capacity-spof", &["--replications", "3"]);
    let after = mean(&between(&d, "availability", 70.0, 115.0));
    // A hundred of a hundred and fifty.
    assert!((after - 2.0 / 3.0).abs() < 0.05, "{after}");
    let third = ["--apply", "server:haproxy"];
    let (status, scenario, _) = fallover(&[&["spof", "scenarios/capacity-spof.json"], &third[..]].concat());
    assert_eq!(status, 0);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("third.json");
    std::fs::write(&file, scenario).unwrap();
    let d = document(&["run", file.to_str().unwrap(), "--replications", "3"]);
    assert!(mean(&between(&d, "availability", 70.0, 115.0)) > 0.999);
}

/// "It never comes back. With a retry budget of a tenth it does."
#[test]
fn five_slow_seconds_are_enough_for_a_retry_storm() {
    let last = |options: &[&str]| {
        let d = run("retry-storm", &[&["--replications", "2"], options].concat());
        (
            mean(&between(&d, "availability", 15.0, 29.0)),
            mean(&between(&d, "availability", 140.0, 165.0)),
        )
    };
    assert_eq!(last(&[]), (1.0, 0.0));
    assert_eq!(last(&["--set", "nodes.gateway.retry.budget=0.1"]), (1.0, 1.0));
}

/// Once every request times out, each is retried as often as allowed: the storm sustains itself if that exceeds the
/// server's capacity, 100 requests a second. So `arrivals * (1 + max) > 100`, and with a budget `arrivals * (1 +
/// budget) > 100`.
#[test]
fn theory_a_retry_storm_lasts_beyond_its_threshold() {
    let lasts = |rate: f64, retry: &str| {
        let arrivals = format!(r#"clients.browsers.arrivals={{"poisson": {rate}}}"#);
        let retry = format!("nodes.gateway.retry={retry}");
        let options = [
            "--replications",
            "2",
            "--duration",
            "6m",
            "--set",
            &arrivals,
            "--set",
            &retry,
        ];
        mean(&between(&run("retry-storm", &options), "availability", 250.0, 285.0)) < 0.5
    };
    let once = r#"{"max": 1, "backoff": "100ms"}"#;
    assert!(
        !lasts(43.0, once) && lasts(57.0, once),
        "with one retry the threshold is 50"
    );
    let three = r#"{"max": 3, "backoff": "100ms"}"#;
    assert!(!lasts(21.0, three) && lasts(29.0, three), "with three it is 25");
    let budget = |share: f64| format!(r#"{{"max": 10, "backoff": "100ms", "budget": {share}}}"#);
    assert!(
        !lasts(80.0, &budget(0.15)) && lasts(80.0, &budget(0.35)),
        "at 80 it is a budget of 0.25"
    );
}

/// "It costs a hundred times what its crash would. With retry_on, another server is asked and nothing is lost."
#[test]
fn a_server_that_errs_costs_more_than_one_that_is_dead() {
    let failed = |options: &[&str]| {
        let d = run("gray-failure", &[&["--replications", "3"], options].concat());
        number(&d["metrics"]["requests"]["failed"])
    };
    let crash = r#"faults=[{"at": "40s", "for": "40s", "target": "app1", "effect": "crash"}]"#;
    let (gray, dead) = (failed(&[]), failed(&["--set", crash]));
    assert!(gray > 100.0 * dead && dead > 0.0, "{gray} {dead}");
    assert_eq!(failed(&["--set", r#"nodes.haproxy.retry_on=["500"]"#]), 0.0);
}

/// "Redundancy reaches as far as what is shared."
#[test]
fn two_of_everything_in_one_zone_is_one_of_everything() {
    let dark = |options: &[&str]| {
        let d = run("zone-loss", &[&["--replications", "2"], options].concat());
        lost(&d) * 110.0
    };
    let together = dark(&[]);
    assert!((together - 30.0).abs() < 1.5, "{together} s of requests");
    let apart = dark(&["--set", "hosts.edge2.zone=west", "--set", "hosts.server2.zone=west"]);
    assert!(apart < 6.0, "{apart} s of requests");
}

/// "An outage of ten seconds lasts more than a minute. With a TTL of five seconds it ends five seconds after the
/// change."
#[test]
fn who_asked_just_before_keeps_the_dead_answer_for_its_ttl() {
    let outage_s = |options: &[&str]| {
        let d = run("dns-ttl", &[&["--replications", "2"], options].concat());
        lost(&d) * 170.0
    };
    let minute = outage_s(&[]);
    assert!(minute > 58.0, "{minute}");
    let short = outage_s(&["--set", "nodes.dns.ttl=5s"]);
    assert!((10.0..15.0).contains(&short), "{short}");
}

/// "That one event costs more than all that chance can do; rolled out to one server at a time, it costs nothing."
#[test]
fn one_bad_release_costs_more_than_chance() {
    let (status, out, _) = fallover(&[
        "spof",
        "scenarios/common-cause.json",
        "--replications",
        "2",
        "--json",
        "--pairs",
    ]);
    assert_eq!(status, 0);
    let spof: Value = serde_json::from_str(&out).unwrap();
    let minutes = |list: &str, name: &str| {
        let found = spof[list].as_array().unwrap().iter().find(|p| p["name"] == name);
        number(&found.expect("it is priced")["downtime_min_per_year"])
    };
    let chance = minutes("pairs", "server1 + server2");
    assert!((0.2..3.0).contains(&chance), "{chance}");
    assert!((minutes("components", "release") - 30.0).abs() < 1.0);
    let split = spof["fixes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["id"] == "split:release");
    let saved = number(&split.expect("it helps")["downtime_saved_min_per_year"]);
    assert!((saved - 30.0).abs() < 1.0, "{saved}");
}

/// Several files: a row each.
#[test]
fn all_of_them_run_together() {
    let files = LESSONS.map(|n| format!("scenarios/{n}.json"));
    let mut arguments = vec!["run", "--replications", "1", "--duration", "75s"];
    arguments.extend(files.iter().map(String::as_str));
    let (status, out, err) = fallover(&arguments);
    assert_eq!((status, err.as_str()), (0, ""));
    for name in LESSONS {
        let shown = name.split('-').next_back().unwrap();
        assert!(out.contains(shown), "{name} has a row in\n{out}");
    }
}
