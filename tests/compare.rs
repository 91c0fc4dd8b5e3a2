//! `compare` and `sweep`: their findings for designs with a known difference, and the commands from outside.

mod program;
mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use fallover::analysis::compare::{self as findings, Compare, Difference, Verdict};
use fallover::base::time::Span;
use fallover::scenario::plan::{Plan, Warmup};
use fallover::study::{Settings, Study, Watch, run_side_by_side};
use program::{document, fallover};
use serde_json::Value;
use support::{alone, plan, queues};

const STUDY: &str = "scenarios/roundrobin-vs-leastconn.json";

/// M/M/1 with a service of this mean, at 100 a second.
fn queue(name: &str, mean_us: u32) -> Plan {
    plan(&queues::queue(name, mean_us, queues::ONE))
}

fn compared(plans: &[Plan], seed: u64, replications: u32) -> Compare {
    alone::compared(plans, &Settings::plain(seed, replications))
}

fn of<'c>(found: &'c Compare, metric: &str) -> &'c Difference {
    found
        .differences
        .iter()
        .find(|d| d.metric == metric)
        .expect("is compared")
}

/// Equal in law, not in draws: each of 12 comparisons errs with at most 5 %, so more than 4 wrong ones happen less than
/// twice in 10,000 runs of this test. (`cargo run --release --example comparing` does it 200 times.)
#[test]
fn theory_equal_designs_show_no_difference() {
    let plans = [queue("left", 5000), queue("right", 5000)];
    let errs = |seed: &u64| {
        let found = compared(&plans, *seed, 10);
        found
            .differences
            .iter()
            .any(|d| d.verdict != Verdict::NoDifferenceShown)
    };
    let wrong = (1..=12).filter(errs).count();
    assert!(wrong <= 4, "{wrong} of 12 comparisons found what is not there");
}

/// Ten replications of nine seconds at 80 %: each replication's p99 depends on its few busy moments, and the
/// replications vary less than the error of the overall p99. Of 60 intervals for a difference of zero, each with 95 %
/// coverage, fewer than 50 contain it less than once in 10,000 runs of this test.
#[test]
fn theory_a_difference_of_quantiles_is_no_surer_than_its_replications() {
    let short = |name: &str| {
        let mut plan = queue(name, 8000);
        plan.duration = Span::from_seconds(10.0);
        plan.warmup = Warmup::Fixed(Span::SECOND);
        plan
    };
    let plans = [short("left"), short("right")];
    let holds = |seed: &u64| {
        let found = compared(&plans, *seed, 10);
        let p99 = of(&found, "latency_s.p99").difference;
        p99.lo.zip(p99.hi).is_some_and(|(lo, hi)| lo <= 0.0 && 0.0 <= hi)
    };
    let held = (1..=60).filter(holds).count();
    assert!(held >= 50, "{held} of 60 intervals hold the truth");
}

/// The latency of M/M/∞ is its service time: exponential, so that p99 is ln 100 means, and 5 % longer where the mean
/// is.
///
/// A p99 of 120,000 independent requests has a standard deviation of 0.62 % (√(0.99 · 0.01 / n) over the density
/// there), the difference of two 0.88 %: 5 % is 5.7 of them, and the strictest step of Holm's method requires 2.9.
#[test]
fn theory_a_true_difference_of_five_percent_is_found() {
    let free = |name: &str, mean_us| plan(&queues::queue(name, mean_us, ""));
    let found = compared(&[free("left", 5000), free("right", 5250)], 1, 20);
    let p99 = of(&found, "latency_s.p99");
    assert_eq!(p99.verdict, Verdict::ABetter);
    let value = p99.difference.value.expect("has a value");
    let (truth, deviation) = (100f64.ln() * 0.000_25, 0.0088 * 100f64.ln() * 0.005);
    assert!((value - truth).abs() < 4.0 * deviation, "{value} for {truth}");
}

/// The same requests with the same demands: a small change of the service time is visible through the noise that both
/// share.
#[test]
fn common_random_numbers_pay() {
    let found = compared(&[queue("left", 5000), queue("left", 5050)], 1, 10);
    let ratio = of(&found, "latency_s.mean").variance_ratio.expect("varies");
    assert!(ratio > 5.0, "{ratio}");
    let apart = compared(&[queue("left", 5000), queue("right", 5050)], 1, 10);
    // Independent runs: the ratio is 1 in the mean, and F(9, 9) exceeds 10 less than once in 1,000.
    assert!(of(&apart, "latency_s.mean").variance_ratio.expect("varies") < 10.0);
}

#[test]
fn a_design_against_itself_is_no_difference_and_no_nan() {
    let found = compared(&[queue("left", 5000), queue("left", 5000)], 1, 3);
    assert_eq!(found.differences.len(), 12);
    for d in &found.differences {
        assert_eq!(
            (d.verdict, d.difference.value),
            (Verdict::NoDifferenceShown, Some(0.0)),
            "{}",
            d.metric
        );
        assert!(d.difference.lo.is_some_and(|lo| lo <= 0.0) && d.difference.hi.is_some_and(|hi| hi >= 0.0));
    }
    // Nothing failed in either, but that does not prove them equal.
    assert!(of(&found, "availability").difference.hi > Some(0.0));
}

#[test]
fn one_replication_shows_nothing() {
    let found = compared(&[queue("left", 5000), queue("left", 9000)], 1, 1);
    let p99 = of(&found, "latency_s.p99");
    assert_eq!((p99.verdict, p99.difference.lo), (Verdict::NoDifferenceShown, None));
    assert!(p99.difference.value > Some(0.0));
}

/// Every fourth request takes long, and one design rejects those: its answers are quick.
#[test]
fn a_design_that_answers_less_is_not_taken_for_quicker() {
    let shop = |workers: &str| {
        plan(&format!(
            r#"{{ "duration": "60s", "requests": {{ "page": {{ "share": 3 }}, "search": {{}} }},
            "clients": {{ "c": {{ "arrivals": {{ "poisson": 40 }}, "entry": "a" }} }},
            "nodes": {{ "a": {{ "kind": "web", "serves": ["page"], "upstreams": ["s"], "work": {{ "page": {{ "io": "1ms" }} }} }},
                "s": {{ "kind": "app", {workers} "work": {{ "search": {{ "io": "200ms" }} }} }} }} }}"#
        ))
    };
    let codes = |plans: &[Plan]| -> Vec<String> {
        let caveats = findings::caveats(&compared(plans, 1, 10));
        caveats.into_iter().map(|c| c.code).collect()
    };
    let (all, few) = (shop(""), shop(r#""workers": 1, "queue": 0,"#));
    assert!(codes(&[all.clone(), few]).contains(&"latency.of_fewer".to_owned()));
    // Twice as fast with the same availability: no caveat.
    assert!(!codes(&[queue("left", 5000), queue("left", 2500)]).contains(&"latency.of_fewer".to_owned()));
}

/// An interrupt in the middle of a replication leaves all designs with equally many, because differences need the same
/// requests.
#[test]
fn whoever_stops_it_leaves_as_many_replications_of_each() {
    let plans = [queue("left", 5000), queue("left", 6000), queue("left", 7000)];
    for threads in [1, 3] {
        let settings = Settings {
            threads,
            ..Settings::plain(1, 20)
        };
        let stop = AtomicBool::new(false);
        let mut seen = 0;
        let watch = Watch {
            stop: &stop,
            progress: &|_, _| {},
            visit: &mut |_, _, _| {
                seen += 1;
                stop.store(seen >= 4, Ordering::Relaxed);
                Ok(())
            },
        };
        let studies = run_side_by_side(&plans, &settings, watch).expect("the books balance");
        let done: Vec<u32> = studies.iter().map(Study::done).collect();
        assert!(done[0] >= 2 && done.iter().all(|d| *d == done[0]), "{done:?}");
    }
}

// --- from outside ---------------------------------------------------------------------------------------------------

const BRIEF: [&str; 6] = ["--replications", "3", "--duration", "20s", "--warmup", "5s"];
const VARY: &str = "nodes.haproxy.algorithm=roundrobin,leastconn";

fn asked<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[command, STUDY][..], &BRIEF, more].concat()
}

#[test]
fn least_connections_win_where_a_server_is_slow_and_it_is_said_in_a_sentence() {
    let (status, out, _) = fallover(&["compare", STUDY, "--vary", VARY, "--check", "--duration", "60s"]);
    // Lines are broken to the width of a terminal.
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        out.contains("leastconn cuts p99 by") && out.contains("availability: no difference shown."),
        "{out}"
    );
    assert_eq!(status, 99, "round robin misses its promise");
    let found = document(&["compare", STUDY, "--vary", VARY, "--duration", "60s"]);
    assert_eq!(found["command"], "compare");
    let variants: Vec<&String> = found["variants"].as_object().expect("is a map").keys().collect();
    assert_eq!(variants, ["roundrobin", "leastconn"]);
    for part in ["metrics", "classes", "nodes", "hosts", "timeline", "events", "slo"] {
        assert!(found["variants"]["leastconn"].get(part).is_some(), "{part}");
    }
    let first = &found["differences"][0];
    assert_eq!(
        (&first["metric"], &first["a"], &first["b"]),
        (&"availability".into(), &"roundrobin".into(), &"leastconn".into())
    );
    assert_eq!(found["differences"][5]["verdict"], "b_better");
}

/// Where requests hardly ever meet, arrivals and demands are the only noise, and both designs share them.
#[test]
fn common_random_numbers_pay_five_times_on_the_shipped_study_and_it_is_printed() {
    let light = [
        &["compare", STUDY, "--vary", VARY, "--set", "hosts.slow.speed=1"][..],
        &["--set", "clients.browsers.arrivals.poisson=30/s"],
        &["--duration", "40s", "--warmup", "10s", "--replications", "10"],
    ]
    .concat();
    let found = document(&light);
    let ratio = |metric: &str| {
        let differences = found["differences"].as_array().expect("is a list");
        let found = differences.iter().find(|d| d["metric"] == metric);
        found.expect("is compared")["variance_ratio"].as_f64().expect("varies")
    };
    let (mean, p99) = (ratio("latency_s.mean"), ratio("latency_s.p99"));
    assert!(mean.min(p99) >= 5.0, "{mean} times for the mean, {p99} for the p99");
    let (_, out, _) = fallover(&light);
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = out.split_once("common random numbers pay: independent runs would have ");
    let mut words = said.expect("is said").1.split(' ');
    for ratio in [mean, p99] {
        let number: f64 = words.find_map(|w| w.parse().ok()).expect("is a number");
        assert!((number - ratio).abs() <= 0.5, "{number} for {ratio}");
    }
}

#[test]
fn designs_come_from_values_from_labels_and_from_files() {
    let labels = |more: &[&str]| -> Vec<String> {
        let found = document(&asked("compare", more));
        found["variants"]
            .as_object()
            .expect("is a map")
            .keys()
            .cloned()
            .collect()
    };
    let change = "even: hosts.slow.speed=1; nodes.haproxy.algorithm=leastconn";
    assert_eq!(labels(&["--with", change]), ["roundrobin-vs-leastconn", "even"]);
    assert_eq!(labels(&["--with", change, "--with", "now:"]), ["even", "now"]);
    assert_eq!(
        labels(&["scenarios/lb-pair.json"]),
        ["roundrobin-vs-leastconn", "lb-pair"]
    );
}

#[test]
fn threads_change_no_byte_of_a_comparison() {
    let text = |threads: &str| {
        let mut found = document(&asked("compare", &["--vary", VARY, "--threads", threads]));
        found.as_object_mut().expect("is a map").remove("engine");
        found.to_string()
    };
    assert_eq!(text("1"), text("4"));
}

#[test]
fn a_precision_is_that_of_the_difference() {
    let precision = [
        "compare",
        STUDY,
        "--duration",
        "20s",
        "--warmup",
        "5s",
        "--vary",
        VARY,
        "--precision",
        "0.4",
    ];
    let found = document(&precision);
    for d in found["differences"].as_array().expect("is a list") {
        let (lo, hi) = (
            d["difference"]["lo"].as_f64().expect("a bound"),
            d["difference"]["hi"].as_f64().expect("a bound"),
        );
        assert!(
            (hi - lo) / 2.0 <= 0.4001 * d["a_value"].as_f64().expect("a value"),
            "{d}"
        );
    }
}

#[test]
fn what_is_wrong_is_said_and_where() {
    for (command, more, says) in [
        ("compare", vec![], "nothing to compare"),
        (
            "compare",
            vec!["--vary", "nodes.haproxy.algorithm=leastconn"],
            "one design alone",
        ),
        (
            "compare",
            vec!["--vary", "nodes.haproxy.algorithm=leastconn,leastconn"],
            "leastconn is there twice",
        ),
        (
            "compare",
            vec!["--with", "a:", "--with", "a: nodes.haproxy.algorithm=leastconn"],
            "two designs are called \"a\"",
        ),
        (
            "compare",
            vec!["--vary", "nodes.haprox.algorithm=a,b"],
            "did you mean \"haproxy\"?",
        ),
        (
            "compare",
            vec!["--with", "bad: hosts.slow.cores=\"many\""],
            "design \"bad\" does not load",
        ),
        ("compare", vec!["--vary", "nodes.app1.workers=1..30"], "more than 20"),
        (
            "compare",
            vec!["--vary", VARY, "scenarios/lb-pair.json"],
            "change one scenario",
        ),
        (
            "sweep",
            vec!["--vary", "hosts.slow.speed=fast"],
            "hosts.slow.speed=fast",
        ),
        (
            "sweep",
            vec![
                "--vary",
                "nodes.app1.workers=1..10000",
                "--vary",
                "nodes.app2.workers=1..1000",
            ],
            "10,000,000 points",
        ),
        (
            "sweep",
            vec!["--vary", "hosts.slow.speed=lin(1,2,10000000)"],
            "10,000,000 points × 3 replications: about ",
        ),
        (
            "sweep",
            vec!["--vary", "hosts.slow.speed=1,2", "--vary", "hosts.slow.speed=3"],
            "twice",
        ),
        (
            "sweep",
            vec!["--vary", "hosts.slow.speed=1,2", "--shard", "3/2"],
            "1 ≤ I ≤ N",
        ),
        (
            "sweep",
            vec!["--vary", "hosts.slow.speed=1,2", "--sensitivity"],
            "no stretch",
        ),
        (
            "sweep",
            vec![
                "--vary",
                "hosts.slow.speed=0.5..1",
                "--sensitivity",
                "--output-metric",
                "latency_s.p98",
            ],
            "latency_s.p9",
        ),
    ] {
        let (status, out, err) = fallover(&asked(command, &more));
        assert_eq!((status, out.as_str()), (2, ""), "{more:?}: {err}");
        assert!(err.contains(says), "{more:?}: {err}");
    }
}

// --- sweep ----------------------------------------------------------------------------------------------------------

const GRID: [&str; 4] = ["--vary", VARY, "--vary", "hosts.slow.speed=lin(0.5,1,3)"];

fn sweep(folder: &std::path::Path, name: &str, more: &[&str]) -> (i32, String) {
    let (csv, json) = (folder.join(format!("{name}.csv")), folder.join(format!("{name}.json")));
    let outputs = [
        "-o",
        csv.to_str().expect("is text"),
        "-o",
        json.to_str().expect("is text"),
        "--quiet",
    ];
    let (status, _, err) = fallover(&asked("sweep", &[&GRID[..], &outputs, more].concat()));
    (status, err)
}

fn without_engine(path: std::path::PathBuf) -> Value {
    let mut document: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("reads")).expect("is JSON");
    document.as_object_mut().expect("is a map").remove("engine");
    document
}

#[test]
fn a_sweep_is_a_tidy_table_and_any_division_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("makes a directory");
    let at = |name: &str| folder.path().join(name);
    assert_eq!(sweep(folder.path(), "whole", &[]).0, 0);
    let table = std::fs::read_to_string(at("whole.csv")).expect("reads");
    let head = "point,nodes.haproxy.algorithm,hosts.slow.speed,replications,offered,succeeded,failed,unfinished,slo_met,availability,";
    assert!(table.starts_with(head), "{table}");
    assert_eq!(table.lines().count(), 7);
    assert!(table.lines().nth(2).expect("a row").starts_with("1,roundrobin,0.75,3,"));
    assert!(
        !at("whole.csv.partial").exists(),
        "the journal goes when the work is done"
    );
    let mut merge = vec!["merge".to_owned()];
    for shard in ["2/4", "1/4", "4/4", "3/4"] {
        let name = shard.replace('/', "of");
        assert_eq!(sweep(folder.path(), &name, &["--shard", shard]).0, 0);
        merge.push(at(&format!("{name}.json")).display().to_string());
    }
    let incomplete: Vec<&str> = merge[..4].iter().map(String::as_str).collect();
    let (status, _, err) = fallover(&incomplete);
    assert!(
        status == 2 && err.contains("1 of 6 points are missing; not there, or not whole: shard 3/4"),
        "{err}"
    );
    // The file has been edited: one point too many, or an impossible shard.
    for (was, is) in [("\"of\": 4", "\"of\": 0"), ("\"size\": 6", "\"size\": 1")] {
        let text = std::fs::read_to_string(at("2of4.json")).expect("reads");
        let damaged = text.replace(was, is);
        assert_ne!(text, damaged, "{was}");
        std::fs::write(at("damaged.json"), damaged).expect("writes");
        let (status, _, err) = fallover(&["merge", &at("damaged.json").display().to_string()]);
        assert!(status == 2 && err.contains("damaged"), "{is}: {err}");
    }
    let outputs = ["merged.csv", "merged.json"].map(|name| at(name).display().to_string());
    merge.extend(outputs.iter().flat_map(|o| ["-o".to_owned(), o.clone()]));
    merge.push("--quiet".into());
    let (status, _, err) = fallover(&merge.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(status, 0, "{err}");
    assert_eq!(std::fs::read_to_string(at("merged.csv")).expect("reads"), table);
    assert_eq!(without_engine(at("merged.json")), without_engine(at("whole.json")));
}

/// Parts made with different options are not parts of one sweep.
#[test]
fn parts_made_with_other_options_are_not_merged() {
    let folder = tempfile::tempdir().expect("makes a directory");
    let file = |name: &str| folder.path().join(format!("{name}.json")).display().to_string();
    let made = |name: &str, more: &[&str]| {
        assert_eq!(sweep(folder.path(), name, more).0, 0);
        file(name)
    };
    let first = made("first", &["--shard", "1/2"]);
    for (name, option, says) in [
        ("batches", "--batch-means", "with other options than"),
        ("failures", "--failures", "with other options than"),
    ] {
        let second = made(name, &["--shard", "2/2", option]);
        let (status, _, err) = fallover(&["merge", &first, &second]);
        assert!(status == 2 && err.contains(says) && err.contains(option), "{err}");
    }
}

/// As after `kill -9`: the journal holds some points and half of another. The same command resumes, and the result
/// shows no trace of it.
#[test]
fn a_sweep_goes_on_where_it_was_killed() {
    let folder = tempfile::tempdir().expect("makes a directory");
    let at = |name: &str| folder.path().join(name);
    assert_eq!(sweep(folder.path(), "whole", &[]).0, 0);
    let points = without_engine(at("whole.json"))["points"].clone();
    let (csv, journal) = (at("again.csv"), at("again.csv.partial"));
    let start = || {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_fallover"))
            .args(asked("sweep", &GRID))
            .args(["--quiet", "-o", csv.to_str().expect("is text")])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .spawn()
            .expect("starts");
        while child.try_wait().expect("asks").is_none() {
            let lines = std::fs::read_to_string(&journal).map_or(0, |t| t.lines().count());
            if lines >= 3 {
                child.kill().expect("kills");
                child.wait().expect("ends");
            }
            std::thread::yield_now();
        }
    };
    start();
    // The sweep may have finished before it could be killed; a journal remains only if it had not.
    if let Ok(text) = std::fs::read_to_string(&journal) {
        let kept: Vec<Value> = text
            .lines()
            .skip(1)
            .filter_map(|l| serde_json::from_str(l).ok())
            .collect();
        assert_eq!(kept[..], points.as_array().expect("is a list")[..kept.len()]);
        std::fs::write(&journal, format!("{text}no point\n")).expect("writes");
        let (status, err) = sweep(folder.path(), "again", &[]);
        assert_eq!(status, 2);
        assert!(err.contains("again.csv.partial: is damaged; remove it"), "{err}");
        std::fs::write(&journal, format!("{text}{{\"point\": 5, \"inp")).expect("writes");
    }
    let (status, err) = sweep(folder.path(), "again", &[]);
    assert_eq!(status, 0, "{err}");
    let read = |name: &str| std::fs::read_to_string(at(name)).expect("reads");
    assert_eq!(read("again.csv"), read("whole.csv"));
}

#[test]
fn another_sweep_does_not_take_over_a_journal() {
    let folder = tempfile::tempdir().expect("makes a directory");
    std::fs::write(folder.path().join("x.csv.partial"), "of another\n").expect("writes");
    let (status, err) = sweep(folder.path(), "x", &[]);
    assert!(status == 2 && err.contains("another sweep"), "{err}");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("x.csv.partial")).expect("reads"),
        "of another\n"
    );
}

/// Mean latency moves with the speed of the slow server and not with an unused input.
#[test]
fn sensitivity_names_the_input_that_matters() {
    let asked = asked(
        "sweep",
        &[
            "--sensitivity",
            "--samples",
            "8",
            "--vary",
            "hosts.slow.speed=0.6..1.2",
            "--vary",
            "nodes.haproxy.retries=1..5",
            "--output-metric",
            "latency_s.mean",
            "--set",
            "clients.browsers.arrivals.poisson=100/s",
        ],
    );
    let found = document(&asked);
    let output = &found["sensitivity"]["outputs"][0];
    assert_eq!(output["metric"], "latency_s.mean");
    let effects = output["effects"].as_array().expect("is a list");
    assert_eq!(effects[0]["path"], "hosts.slow.speed");
    assert!(effects[0]["total"]["value"].as_f64() > Some(0.5), "{output}");
    assert_eq!(effects[1]["total"]["value"], 0.0, "nothing is ever retried");
    assert!(
        effects[0]["low"].as_f64() > effects[0]["high"].as_f64(),
        "a faster server is faster"
    );
    assert_eq!(found["points"].as_array().expect("is a list").len(), 8 * 4);
}

/// All designs leave out the same warm-up: the longest. A caveat names designs with a shorter one, and faults that are
/// no longer measured.
#[test]
fn a_warmup_that_is_not_a_designs_own_is_told() {
    let scenario = "tests/data/pair.json";
    let crash = r#"faults=[{"at":"10s","for":"5s","target":"lb","effect":"crash"}]"#;
    let question = [
        "compare",
        scenario,
        "--set",
        crash,
        "--vary",
        "warmup=5s,20s",
        "--replications",
        "2",
    ];
    let caveats = &document(&question)["caveats"];
    let told = caveats
        .as_array()
        .expect("is a list")
        .iter()
        .find(|c| c["code"] == "warmup.longest");
    let message = told.expect("is told")["message"].as_str().expect("is text");
    assert!(
        message.contains("20s, 5s too") && message.contains("faults before that"),
        "{message}"
    );

    let short = [
        "compare",
        scenario,
        "--with",
        "short: duration=20s; warmup=1s",
        "--set",
        "warmup=30s",
    ];
    let (status, out, err) = fallover(&short);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(err.contains("\"short\" lasts 20s") && err.contains("30s"), "{err}");
}
