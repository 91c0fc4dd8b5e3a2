//! The program from outside: exit statuses, output streams, files and documents.
//!
//! No test here depends on the clock, except that an interrupt must not be ignored for minutes.

mod program;

use std::collections::BTreeMap;
use std::path::PathBuf;

use program::{document, fallover, program, values};
use serde_json::{Value, json};
use tempfile::TempDir;

const FOOBAR: &str = "scenarios/foobar.json";

/// A short run of the example.
const BRIEF: [&str; 8] = [
    "run",
    FOOBAR,
    "--replications",
    "3",
    "--duration",
    "12s",
    "--warmup",
    "2s",
];

fn brief(more: &[&str]) -> Vec<&'static str> {
    BRIEF
        .iter()
        .chain(more)
        .map(|s| &*String::leak((*s).to_owned()))
        .collect()
}

/// A temporary directory with a file in it.
fn scratch(name: &str, content: impl AsRef<[u8]>) -> (TempDir, String) {
    let directory = tempfile::tempdir().expect("makes a directory");
    let path = directory.path().join(name);
    std::fs::write(&path, content).expect("writes");
    let path = path.to_str().expect("is text").to_owned();
    (directory, path)
}

#[test]
fn validate_says_one_line_a_file() {
    let (status, out, err) = fallover(&["validate", "scenarios/foobar.json", "scenarios/lb-pair.json"]);
    assert_eq!(status, 0);
    assert_eq!(
        out,
        "scenarios/foobar.json: OK (7 nodes, 5 hosts, 0 warnings)\nscenarios/lb-pair.json: OK (9 nodes, 6 hosts, 0 warnings)\n"
    );
    assert_eq!(err, "");
}

#[test]
fn validate_looks_at_all_files_and_warns_on_standard_error() {
    let set = "nodes.haproxy.servers=[\"nginx1\"]";
    let (status, out, err) = fallover(&["validate", "--set", set, "scenarios/foobar.json", "nowhere.json"]);
    assert_eq!(status, 3);
    assert_eq!(
        out,
        "scenarios/foobar.json: OK (7 nodes, 5 hosts, 2 warnings)\nnowhere.json: 1 problem\n"
    );
    assert!(
        err.contains("scenarios/foobar.json: warning: no client's requests can reach \"nginx2\""),
        "{err}"
    );
    assert!(err.contains("nowhere.json: cannot read it: "), "{err}");
}

#[test]
fn bad_input_is_status_2_and_outranks_a_missing_file() {
    let (status, out, err) = fallover(&[
        "explain",
        "scenarios/foobar.json",
        "--set",
        "nodes.haproxy.algoritm=first",
    ]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(
        err.contains("unknown field \"algoritm\"; did you mean \"algorithm\"?"),
        "{err}"
    );
    assert_eq!(
        fallover(&["validate", "nowhere.json", "--set", "x=1", "scenarios/foobar.json"]).0,
        2
    );
    for scenarios in [["nowhere.json", "Cargo.toml"], ["Cargo.toml", "nowhere.json"]] {
        assert_eq!(fallover(&["run", scenarios[0], scenarios[1]]).0, 2);
    }
    assert_eq!(fallover(&["explain", "nowhere.json"]).0, 3);
    assert_eq!(fallover(&["frobnicate"]).0, 2);
    assert_eq!(fallover(&["--version"]).0, 0);
}

#[test]
fn simulations_of_failures_last_as_long_as_asked_and_no_shorter_than_they_must() {
    let scenario = r#"{ "duration": "20s", "nodes": { "s": { "kind": "app", "lifetime": { "mtbf": "30d", "mttr": "1h" } } },
        "clients": { "c": { "arrivals": { "poisson": 20 }, "entry": "s" } }, "slo": { "availability": 0.999 } }"#;
    let (_directory, path) = scratch("lone.json", scenario);
    for command in ["spof", "availability"] {
        let brief = [command, &path, "--replications", "2", "--json"];
        let times = ["--duration", "2m", "--warmup", "17s", "--show-warmup"];
        let (status, out, err) = fallover(&[&brief[..], &times].concat());
        let found: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {err}"));
        assert_eq!((status, &found["duration_s"]), (0, &120.0.into()), "{command}");
        let caveats = found["caveats"].as_array().expect("is a list");
        let shown = caveats.iter().find(|c| c["code"] == "warmup.shown").expect("is shown");
        let message = shown["message"].as_str().expect("is text");
        assert!(
            message.contains("MSER-5") && message.contains("the 20 s that"),
            "{message}"
        );
        for (option, says) in [
            (&["--duration", "20s"][..], "too short"),
            (&["--batch-means"], "comes once in each simulation"),
        ] {
            let (status, out, err) = fallover(&[&brief[..], option].concat());
            assert_eq!((status, out.as_str()), (2, ""), "{command} {option:?}");
            assert!(err.contains(says), "{command} {option:?}: {err}");
        }
    }
}

#[test]
fn json_output_is_json_and_nothing_else() {
    let envelope = |document: &serde_json::Value, command: &str| {
        assert_eq!(
            (&document["schema_version"], &document["command"]),
            (&1.into(), &command.into())
        );
        let rest = [
            "complete",
            "seed",
            "replications",
            "duration_s",
            "warmup_s",
            "caveats",
            "engine",
        ];
        for field in rest {
            assert!(document.get(field).is_some(), "{command}: {field}");
        }
        assert_eq!(document["scenario"]["name"], "lb-failure", "{command}");
    };
    for command in ["explain", "validate"] {
        let (status, out, err) = fallover(&[command, "--json", "scenarios/lb-failure.json"]);
        assert_eq!((status, err.as_str()), (0, ""), "{command}");
        envelope(&serde_json::from_str(&out).expect("is JSON"), command);
        let quiet = fallover(&[command, "--quiet", "scenarios/lb-failure.json"]);
        assert_eq!(quiet, (0, String::new(), String::new()), "{command}");
    }
    let (status, out, _) = fallover(&["validate", "--json", "nowhere.json", "scenarios/foobar.json"]);
    let document: serde_json::Value = serde_json::from_str(&out).expect("is JSON");
    assert_eq!((status, &document["scenario"]["name"]), (3, &"nowhere.json".into()));
    assert_eq!(
        (&document["files"][0]["ok"], &document["files"][1]["ok"]),
        (&false.into(), &true.into())
    );
}

#[test]
fn what_is_not_simulated_is_written_to_files_too() {
    let folder = tempfile::tempdir().expect("makes a directory");
    for command in ["explain", "validate"] {
        for kind in ["json", "pdf", "html", "svg", "png"] {
            let path = folder.path().join(format!("{command}.{kind}"));
            let path = path.to_str().expect("is text");
            let (status, out, err) = fallover(&[command, "scenarios/foobar.json", "-q", "-o", path]);
            assert_eq!((status, out.as_str(), err.as_str()), (0, "", ""), "{path}");
            assert!(std::fs::metadata(path).expect("is there").len() > 400, "{path}");
        }
        let json = folder.path().join(format!("{command}.json"));
        let page = folder.path().join("again.html");
        let again = [
            "report",
            json.to_str().expect("is text"),
            "-o",
            page.to_str().expect("is text"),
        ];
        assert_eq!(fallover(&again).0, 0, "{command}: a report reads it");
    }
    let (status, _, err) = fallover(&["explain", "scenarios/foobar.json", "-o", "scenarios/foobar.json"]);
    assert_eq!(status, 2, "{err}");
}

#[test]
fn an_output_never_replaces_a_scenario_a_trace_or_another_output() {
    let scenario = r#"{ "duration": "10s", "nodes": { "s": { "kind": "app" } },
        "clients": { "c": { "arrivals": { "trace": "times.csv" }, "entry": "s" } } }"#;
    let (folder, path) = scratch("mine.json", scenario);
    let at = |name: &str| folder.path().join(name).to_str().expect("is text").to_owned();
    std::fs::write(at("times.csv"), "at_s\n1\n2\n").expect("writes");
    let out = at("out.json");
    for outputs in [
        vec!["-o", &path],
        vec!["--requests", &at("times.csv")],
        vec!["--requests", &path],
        vec!["-o", &out, "-o", &out],
    ] {
        let (status, _, err) = fallover(&[vec!["run", &path], outputs.clone()].concat());
        assert_eq!(status, 2, "{outputs:?} {err}");
        assert!(err.contains("write to another file"), "{err}");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("reads"), scenario);
    assert!(!std::path::Path::new(&out).exists());
    assert_eq!(fallover(&["run", &path, "-q", "-o", &out]).0, 0);
}

#[test]
fn scenarios_of_one_name_are_told_apart() {
    let (folder, path) = scratch("other.json", std::fs::read(FOOBAR).expect("reads"));
    let run = [
        "run",
        FOOBAR,
        &path,
        "--replications",
        "2",
        "--duration",
        "5s",
        "--warmup",
        "0",
    ];
    let names: Vec<Value> = document(&run)["runs"]
        .as_array()
        .expect("several")
        .iter()
        .map(|r| r["scenario"]["name"].clone())
        .collect();
    assert_ne!(names[0], names[1]);
    drop(folder);
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let (status, out, _) = fallover(&["completions", shell]);
        assert!(
            status == 0 && out.contains("validate") && out.contains("explain"),
            "{shell}"
        );
    }
}

// --- the result document --------------------------------------------------------------------------------------------

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .expect("is an object")
        .keys()
        .map(String::as_str)
        .collect()
}

fn assert_estimate(value: &Value, what: &str) {
    assert_eq!(keys(value), ["value", "lo", "hi", "confidence"], "{what}");
    assert_eq!(value["confidence"], 0.95, "{what}");
    if let (Some(v), Some(lo), Some(hi)) = (value["value"].as_f64(), value["lo"].as_f64(), value["hi"].as_f64()) {
        assert!(lo <= v && v <= hi, "{what}: {value}");
    }
}

fn assert_metrics(metrics: &Value, what: &str) {
    let count = |name: &str| metrics["requests"][name].as_u64().expect("is a count");
    let sum = count("succeeded") + count("failed") + count("unfinished");
    assert_eq!(count("offered"), sum, "{what}");
    let outcomes = metrics["outcomes"].as_object().expect("is an object");
    let all: u64 = outcomes.values().map(|n| n.as_u64().expect("is a count")).sum();
    assert_eq!(all, count("offered"), "{what}");
    assert_eq!(metrics["outcomes"]["ok"], count("succeeded"), "{what}");
    assert_eq!(metrics["outcomes"]["unfinished"], count("unfinished"), "{what}");
    assert_estimate(&metrics["availability"], what);
    assert_estimate(&metrics["throughput_per_s"], what);
    for spread in ["latency_s", "render_s", "page_s"] {
        if let Some(spread) = metrics.get(spread) {
            assert_eq!(
                keys(spread),
                ["mean", "p50", "p90", "p95", "p99", "p999", "max"],
                "{what}"
            );
            keys(spread)
                .iter()
                .for_each(|leaf| assert_estimate(&spread[leaf], what));
        }
    }
}

#[test]
fn the_document_is_as_promised() {
    let d = document(&brief(&[]));
    for key in [
        "schema_version",
        "command",
        "complete",
        "scenario",
        "seed",
        "replications",
        "duration_s",
        "warmup_s",
        "metrics",
        "classes",
        "nodes",
        "hosts",
        "timeline",
        "events",
        "slo",
        "caveats",
        "engine",
    ] {
        assert!(d.get(key).is_some(), "{key} is missing");
    }
    assert_eq!(
        (&d["schema_version"], &d["command"], &d["complete"]),
        (&json!(1), &json!("run"), &json!(true))
    );
    assert_eq!(keys(&d["scenario"]), ["name", "digest"]);
    assert_eq!((&d["seed"], &d["replications"]), (&json!(1), &json!(3)));
    assert_eq!((&d["duration_s"], &d["warmup_s"]), (&json!(12.0), &json!(2.0)));
    assert_metrics(&d["metrics"], "metrics");
    assert!(d["metrics"].get("page_s").is_some(), "the browsers render");
    assert_eq!(keys(&d["classes"]), ["static", "read", "write"]);
    let offered = |m: &Value| m["requests"]["offered"].as_u64().expect("is a count");
    let classes = keys(&d["classes"]).into_iter().map(|c| &d["classes"][c]);
    assert_eq!(classes.clone().map(offered).sum::<u64>(), offered(&d["metrics"]));
    classes.for_each(|class| assert_metrics(class, "a class"));

    let nodes = [
        "dns",
        "haproxy",
        "nginx1",
        "nginx2",
        "app1",
        "app2",
        "mysql-primary",
        "mysql-replica",
    ];
    assert_eq!(keys(&d["nodes"]), nodes);
    for name in nodes {
        let node = &d["nodes"][name];
        for count in ["arrived", "served", "refused"] {
            assert!(node[count].is_u64(), "{name}.{count}");
        }
        for leaf in ["utilization_ratio", "queue_length", "up_ratio"] {
            assert_estimate(&node[leaf], name);
        }
        assert_eq!(keys(&node["wait_s"]), ["mean", "p99"]);
        assert_estimate(&node["wait_s"]["mean"], name);
        assert_estimate(&node["wait_s"]["p99"], name);
    }
    assert_eq!(keys(&d["hosts"]), ["edge", "server1", "server2", "db1", "db2"]);
    for host in keys(&d["hosts"]) {
        assert_estimate(&d["hosts"][host]["cpu_ratio"], host);
        assert_estimate(&d["hosts"][host]["up_ratio"], host);
    }
    let bins = (12.0 / d["timeline"]["bin_s"].as_f64().expect("is a number")).ceil() as usize;
    for series in [
        "availability",
        "throughput_per_s",
        "failed_per_s",
        "latency_p50_s",
        "latency_p99_s",
    ] {
        for line in ["median", "lo", "hi"] {
            assert_eq!(
                values(&d["timeline"]["series"][series][line]).len(),
                bins,
                "{series}.{line}"
            );
        }
    }
    assert_eq!(d["events"], json!([]));
    assert_eq!(d["slo"].as_array().map(Vec::len), Some(2));
    for slo in d["slo"].as_array().expect("is a list") {
        assert_eq!(keys(slo), ["objective", "target", "observed", "met"]);
        assert_estimate(&slo["observed"], "an objective");
    }
    assert_eq!(
        keys(&d["engine"]),
        ["version", "threads", "events", "wall_s", "events_per_s"]
    );
}

#[test]
fn one_replication_gives_no_intervals() {
    let d = document(
        &brief(&[])[..2]
            .iter()
            .copied()
            .chain(["--replications", "1", "--duration", "31s"])
            .collect::<Vec<_>>(),
    );
    for estimate in [
        &d["metrics"]["availability"],
        &d["metrics"]["latency_s"]["p99"],
        &d["nodes"]["app1"]["up_ratio"],
    ] {
        assert!(
            estimate["value"].is_f64() && estimate["lo"].is_null() && estimate["hi"].is_null(),
            "{estimate}"
        );
    }
}

#[test]
fn several_files_give_a_list_of_runs() {
    let mut arguments = brief(&[]);
    arguments.insert(2, "scenarios/lb-pair.json");
    let d = document(&arguments);
    assert!(d.get("metrics").is_none());
    let runs = d["runs"].as_array().expect("is a list");
    let names: Vec<&str> = runs
        .iter()
        .map(|r| r["scenario"]["name"].as_str().expect("is text"))
        .collect();
    assert_eq!(names, ["foobar", "lb-pair"]);
    runs.iter().for_each(|r| assert_metrics(&r["metrics"], "a run"));
    // Alone or among others: the same bytes.
    let alone = document(&brief(&[]));
    for part in [
        "metrics", "classes", "nodes", "hosts", "timeline", "events", "slo", "caveats", "scenario",
    ] {
        assert_eq!(runs[0][part], alone[part], "{part}");
    }
}

#[test]
fn only_the_engine_knows_how_many_threads_there_were() {
    let on = |threads: &str| {
        let (_, out, _) = fallover(&brief(&["--json", "--threads", threads]));
        out.split("\"engine\"").next().expect("has a beginning").to_owned()
    };
    assert_eq!(on("1"), on("2"));
    let mut other = document(&brief(&["--seed", "2"]));
    assert_eq!(other["seed"], 2);
    other["seed"] = json!(1);
    assert_ne!(other["metrics"], document(&brief(&[]))["metrics"]);
}

#[test]
fn precision_replaces_the_count() {
    let d = document(&[
        "run",
        "scenarios/roundrobin-vs-leastconn.json",
        "--precision",
        "0.2",
        "--duration",
        "20s",
        "--warmup",
        "5s",
        "--set",
        "nodes.haproxy.algorithm=leastconn",
    ]);
    assert!(d["replications"].as_u64() >= Some(10));
    for estimate in ["mean", "p50", "p95", "p99"].map(|q| &d["metrics"]["latency_s"][q]) {
        let side = |s: &str| estimate[s].as_f64().expect("is a number");
        assert!((side("hi") - side("value")) / side("value") <= 0.2, "{estimate}");
    }
    assert_eq!(
        fallover(&brief(&["--precision", "0.1"])).0,
        2,
        "a count and a precision contradict each other"
    );
}

#[test]
fn a_warm_up_can_be_looked_for() {
    let options = ["--replications", "2", "--duration", "30s", "--warmup", "auto"];
    let d = document(&[&["run", FOOBAR], &options[..]].concat());
    let warmup = d["warmup_s"].as_f64().expect("is a number");
    assert!((0.0..=15.0).contains(&warmup), "{warmup}");
    let crowd = document(&[
        "run",
        "scenarios/flash-crowd.json",
        "--replications",
        "1",
        "--warmup",
        "auto",
    ]);
    let caveats = crowd["caveats"].to_string();
    assert!(
        caveats.contains("warmup.unsettled") && caveats.contains("by design"),
        "{caveats}"
    );
}

#[test]
fn a_missed_promise_is_status_99_only_if_asked() {
    let crash = [
        "run",
        "scenarios/lb-failure.json",
        "--replications",
        "1",
        "--duration",
        "70s",
        "-q",
    ];
    assert_eq!(fallover(&crash), (0, String::new(), String::new()));
    assert_eq!(fallover(&[&crash[..], &["--check"]].concat()).0, 99);
    assert_eq!(fallover(&brief(&["--check"])).0, 0);
    let (status, _, says) = fallover(&brief(&["--check", "--set", "slo=null"]));
    assert!(status == 0 && says.contains("nothing to check"), "{status} {says}");
    // The steady-state loss counts as well, and so does the baseline.
    let lone = r#"{ "duration": "20s", "clients": { "c": { "arrivals": { "uniform": 20 }, "entry": "a" } }, "slo": { "p99": "15ms" },
        "nodes": { "a": { "kind": "load-balancer", "servers": ["x", { "node": "y", "backup": true }], "check": {}, "redispatch": true },
            "x": { "kind": "app", "work": { "*": { "io": "10ms" } } }, "y": { "kind": "app", "work": { "*": { "io": "IO" } } } } }"#;
    for (io, promise, expected) in [
        ("10ms", "slo.p99=15ms", 99),
        ("10ms", "slo.p99=5ms", 99),
        ("20ms", "slo.p99=15ms", 99),
    ] {
        let (_folder, path) = scratch("lone.json", lone.replace("IO", io));
        // The balancer itself can be lost: without an answer no latency promise is kept.
        let spof = ["spof", &path, "--replications", "1", "-q", "--set", promise];
        assert_eq!(fallover(&spof).0, 0);
        assert_eq!(
            fallover(&[&spof[..], &["--check"]].concat()).0,
            expected,
            "{io} {promise}"
        );
    }
    let several = [&crash[..], &[FOOBAR, "--check"]].concat();
    assert_eq!(fallover(&several).0, 99, "one of several is enough");
}

#[test]
fn lifetimes_act_only_if_asked() {
    let short = [
        "--set",
        "hosts.server1.lifetime={\"mtbf\": \"3s\", \"mttr\": \"1s\"}",
        "--set",
        "nodes.haproxy.lifetime={\"mtbf\": \"3s\", \"mttr\": \"1s\"}",
    ];
    let calm = document(&brief(&short));
    assert_eq!(
        (&calm["events"], &calm["metrics"]["requests"]["failed"]),
        (&json!([]), &json!(0))
    );
    let stormy = document(&brief(&[&short[..], &["--failures", "--seed", "3"]].concat()));
    let events = stormy["events"].as_array().expect("is a list");
    let count = |what: &str, target: &str| {
        events
            .iter()
            .filter(|e| e["what"] == what && e["target"] == target)
            .count()
    };
    for target in ["server1", "haproxy"] {
        let (fails, repaired) = (count("fails", target), count("repaired", target));
        assert!(fails > 0 && fails - repaired <= 1, "{target}: {fails} {repaired}");
    }
    assert!(stormy["metrics"]["requests"]["failed"].as_u64() > Some(0));
    assert!(stormy["nodes"]["haproxy"]["up_ratio"]["value"].as_f64() < Some(1.0));
}

// --- files ----------------------------------------------------------------------------------------------------------

#[test]
fn files_are_written_beside_the_table_and_quiet_says_nothing() {
    let directory = tempfile::tempdir().expect("makes a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("is text").to_owned();
    let (json, png, svg) = (path("x.json"), path("x.png"), path("x.svg"));
    let (status, out, err) = fallover(&brief(&["-o", &json, "-o", &png, "-o", &svg]));
    assert_eq!((status, err.as_str()), (0, ""), "in a pipe there is no progress");
    assert!(out.starts_with("foobar\n3 replications × 12 s"), "{out}");
    let read = |p: &str| std::fs::read(p).expect("reads");
    assert_eq!(
        serde_json::from_slice::<Value>(&read(&json)).expect("is JSON")["command"],
        "run"
    );
    assert!(read(&png).starts_with(b"\x89PNG") && read(&svg).starts_with(b"<svg"));
    assert_eq!(
        std::fs::read_dir(directory.path()).expect("lists").count(),
        3,
        "nothing else is left"
    );
    assert_eq!(fallover(&brief(&["-q"])), (0, String::new(), String::new()));
    let (_, out, _) = fallover(&brief(&["-q", "--json"]));
    assert!(out.starts_with('{'));
}

#[test]
fn the_rows_agree_with_the_counts() {
    let directory = tempfile::tempdir().expect("makes a directory");
    let path = directory.path().join("rows.csv").to_str().expect("is text").to_owned();
    let d = document(&brief(&["--requests", &path, "--set", "clients.browsers.timeout=30ms"]));
    let mut reader = csv::Reader::from_path(&path).expect("opens");
    let head: Vec<String> = reader
        .headers()
        .expect("has a head")
        .iter()
        .map(str::to_owned)
        .collect();
    let fixed = [
        "replication",
        "id",
        "class",
        "client",
        "arrived_s",
        "finished_s",
        "latency_s",
        "outcome",
        "attempts",
        "server",
    ];
    let waits = keys(&d["nodes"]).into_iter().map(|n| format!("{n}.wait_s"));
    assert_eq!(
        head,
        fixed.map(str::to_owned).into_iter().chain(waits).collect::<Vec<_>>()
    );
    let (mut outcomes, mut early) = (BTreeMap::<String, u64>::new(), 0);
    let mut latencies = Vec::new();
    for row in reader.records().map(|r| r.expect("is a row")) {
        let number = |i: usize| row[i].parse::<f64>().ok();
        let (arrived, finished, latency) = (number(4).expect("arrived"), number(5), number(6));
        assert_eq!(finished.is_none(), &row[7] == "unfinished");
        if let (Some(finished), Some(latency)) = (finished, latency) {
            assert!((finished - arrived - latency).abs() < 1e-9);
        }
        if arrived < 2.0 {
            early += 1;
            continue;
        }
        *outcomes.entry(row[7].to_owned()).or_default() += 1;
        if &row[7] == "ok" {
            latencies.extend(latency);
        }
    }
    assert!(early > 0, "rows of the warm-up are there too");
    let counted = d["metrics"]["outcomes"].as_object().expect("is an object").iter();
    let counted: BTreeMap<String, u64> = counted
        .map(|(name, n)| (name.clone(), n.as_u64().expect("is a count")))
        .filter(|(_, n)| *n > 0)
        .collect();
    assert_eq!(outcomes, counted);
    assert!(counted.contains_key("client_timeout"));
    let mean = latencies.iter().sum::<f64>() / latencies.len() as f64;
    let said = d["metrics"]["latency_s"]["mean"]["value"]
        .as_f64()
        .expect("is a number");
    assert!((mean / said - 1.0).abs() < 1e-9, "{mean} {said}");
}

/// A request abandoned in the queue has waited too, in the rows and in the node's mean.
#[test]
fn the_rows_know_what_those_waited_who_were_given_up() {
    let text = r#"{ "duration": "2s", "clients": { "b": { "arrivals": { "uniform": "20/s" }, "entry": "a", "timeout": "100ms" } },
        "nodes": { "a": { "kind": "app", "workers": 1, "abandoned": "stop", "work": { "*": { "io": "80ms" } } } } }"#;
    let (folder, path) = scratch("late.json", text);
    let rows = folder.path().join("rows.csv").to_str().expect("is text").to_owned();
    let d = document(&["run", &path, "--replications", "1", "--requests", &rows]);
    let mut reader = csv::Reader::from_path(&rows).expect("opens");
    let at = reader
        .headers()
        .expect("has a head")
        .iter()
        .position(|h| h == "a.wait_s")
        .expect("is there");
    let all: Vec<f64> = reader
        .records()
        .map(|r| r.expect("is a row")[at].parse().expect("has waited"))
        .collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let said = d["nodes"]["a"]["wait_s"]["mean"]["value"]
        .as_f64()
        .expect("is a number");
    assert!(
        all.len() == 40 && (mean / said - 1.0).abs() < 1e-9,
        "{mean} of {} {said}",
        all.len()
    );
}

#[test]
fn what_cannot_be_written_is_said_before_the_work() {
    // A run that would take hours if it started.
    let long = |option: &str, place: &str| {
        let (status, out, err) = fallover(&["run", FOOBAR, "--duration", "10y", option, place]);
        assert_eq!(out, "");
        (status, err)
    };
    for (place, status, says) in [
        ("x.xls", 2, "use .json, .pdf, .html, .png or .svg"),
        ("x", 2, "use .json, .pdf, .html, .png or .svg"),
        ("x.doc", 2, ".pdf"),
        ("nowhere/x.json", 3, "there is no directory nowhere"),
    ] {
        let (found, err) = long("-o", place);
        assert!(
            found == status && err.contains(says) && err.lines().count() == 1,
            "{place}: {found} {err}"
        );
    }
    let (_directory, file) = scratch("x", "");
    let folder = PathBuf::from(&file).with_file_name("x.json");
    std::fs::create_dir(&folder).expect("makes a directory");
    assert_eq!(long("-o", folder.to_str().expect("is text")).0, 3);
    if cfg!(target_os = "linux") {
        // Not even the superuser can create a file there.
        assert_eq!(long("-o", "/proc/x.json").0, 3);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn one_place_that_is_full_does_not_lose_the_others() {
    let directory = tempfile::tempdir().expect("makes a directory");
    let path = directory.path().join("x.json");
    let full = std::fs::File::create("/dev/full").expect("opens");
    let output = std::process::Command::new(assert_cmd::cargo::cargo_bin("fallover"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(brief(&["-o", path.to_str().expect("is text")]))
        .stdout(full)
        .output()
        .expect("starts");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
    assert!(path.exists());
    let full = std::fs::File::create("/dev/full").expect("opens");
    let mut help = std::process::Command::new(assert_cmd::cargo::cargo_bin("fallover"));
    let help = help.arg("--help").stdout(full).status().expect("starts");
    assert_eq!(help.code(), Some(3));
    assert_eq!(fallover(&brief(&["--requests", "/dev/full"])).0, 3);
}

// --- bad input ------------------------------------------------------------------------------------------------------

#[test]
fn files_that_are_no_scenarios_are_turned_away_in_a_line() {
    for (name, content, says) in [
        ("empty.json", Vec::new(), "the file is empty"),
        ("large.json", vec![b' '; 2 << 20], "larger than 1 MiB"),
        ("binary.json", (0..=255).cycle().take(5000).collect(), "not UTF-8"),
        ("list.json", b"[1, 2]".to_vec(), "list.json:1:1"),
        ("deep.json", [b'['; 100_000].to_vec(), "deep.json:1:"),
        ("open.json", b"{\"name\": ".to_vec(), "open.json:1:"),
    ] {
        let (_directory, path) = scratch(name, content);
        let (status, out, err) = fallover(&["run", &path]);
        assert_eq!((status, out.as_str()), (2, ""), "{name}: {err}");
        assert!(err.contains(says) && err.len() < 2000, "{name}: {err}");
    }
    assert_eq!(fallover(&["run", "scenarios"]).0, 3);
    assert_eq!(fallover(&["run", "nowhere.json"]).0, 3);
    assert_eq!(fallover(&["run"]).0, 2);
}

#[test]
fn numbers_beyond_reason_meet_a_limit_that_is_named() {
    for (setting, limit) in [
        ("clients.browsers.arrivals.poisson=1e9", "10000000 per second"),
        (
            "clients.browsers={\"users\": 1000000000, \"think\": \"1s\", \"entry\": \"dns\"}",
            "10000000",
        ),
        ("duration=101y", "100y"),
        ("duration=1e300", "the duration 1e300 is above 100y"),
        (
            "requests.static.share=-1",
            "a share is from 0 to 1000000000, and not -1",
        ),
        (
            "clients.browsers.arrivals={\"mmpp\": {\"states\": [{\"rate\": 1, \"mean\": \"1ns\"}]}}",
            "100000000, the limit",
        ),
        ("nodes.app1.workers=-1", "workers"),
        ("nodes.app1.workers=99999999999999999999", "workers"),
        ("clients.browsers.arrivals.poisson=NaN", "poisson"),
    ] {
        let (status, out, err) = fallover(&["run", FOOBAR, "--set", setting]);
        assert_eq!((status, out.as_str()), (2, ""), "{setting}: {err}");
        assert!(err.contains(limit), "{setting}: {err}");
    }
    for option in [
        ["--replications", "0"],
        ["--replications", "-1"],
        ["--seed", "-1"],
        ["--seed", "1e99"],
        ["--threads", "0"],
        ["--precision", "0"],
        ["--duration", "0"],
        ["--duration", "-1"],
        ["--duration", "-3y"],
        ["--duration", "--json"],
        ["--duration", "soon"],
        ["--duration", "nan"],
        ["--warmup", "-1"],
        ["--warmup", "-5s"],
        ["--warmup", "10m"],
    ] {
        let (status, out, err) = fallover(&[&["run", FOOBAR], &option[..]].concat());
        assert_eq!((status, out.as_str()), (2, ""), "{option:?}: {err}");
        assert!(err.contains(option[1]), "{option:?} is named: {err}");
        assert!(!err.contains("tip:"), "{option:?}: {err}");
    }
}

#[test]
fn yaml_and_standard_input_are_read_too() {
    let yaml = "name: tiny\nduration: 20s\nclients:\n  c: { arrivals: { poisson: 50/s }, entry: app }\nnodes:\n  app: { kind: app, workers: 2, work: { '*': { cpu: 5ms } } }\n";
    let (_directory, path) = scratch("tiny.yaml", yaml);
    let d = document(&["run", &path, "--replications", "2"]);
    assert!(d["metrics"]["requests"]["succeeded"].as_u64() > Some(1500));
    assert_eq!(keys(&d["classes"]), ["default"]);
    if cfg!(unix) {
        let foobar = std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(FOOBAR)).expect("reads");
        let mut command = program();
        let output = command
            .args(["validate", "/dev/stdin"])
            .write_stdin(foobar)
            .output()
            .expect("starts");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "/dev/stdin: OK (7 nodes, 5 hosts, 0 warnings)\n"
        );
    }
}

#[test]
fn names_cannot_steer_the_terminal() {
    let evil = r#"{"name": "a\u001b[31mb\u202ec", "summary": "x\u001b]0;y\u0007", "duration": "5s",
        "clients": {"c": {"arrivals": {"poisson": 50}, "entry": "../../\u001b[2J"}},
        "nodes": {"../../\u001b[2J": {"kind": "app", "work": {"*": {"cpu": "1ms"}}}}}"#;
    let (_directory, path) = scratch("evil.json", evil);
    for command in ["run", "validate", "explain"] {
        let (status, out, err) = fallover(&[command, &path]);
        assert!(status == 0 || status == 2, "{command}: {status}");
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(
            !out.contains(steers) && !err.contains(steers),
            "{command}: {out:?} {err:?}"
        );
    }
}

// --- overload -------------------------------------------------------------------------------------------------------

/// By hand: 3000/s to two servers of four cores; 0.56 × 8 ms + 0.14 × 12 ms for the application, 0.3 × 120 µs + 0.7 ×
/// 80 µs for Nginx. 1500 × 6.252 ms / 4 = 2.34.
#[test]
fn an_overload_is_told_by_its_true_ratio() {
    let d = document(&brief(&["--set", "clients.browsers.arrivals.poisson=3000"]));
    for server in ["server1", "server2"] {
        let caveats = d["caveats"].as_array().expect("is a list").iter();
        let mut caveat = caveats.filter(|c| c["code"] == format!("unstable.{server}"));
        let message = caveat.next().expect("is there")["message"]
            .as_str()
            .expect("is text")
            .to_owned();
        let ratio: f64 = message
            .split(' ')
            .nth(4)
            .expect("has words")
            .parse()
            .expect("a ratio stands there");
        assert!((2.25..2.45).contains(&ratio), "{message}");
        assert!(message.contains("turns away"), "{message}");
    }
}

#[test]
fn a_run_that_ended_early_is_measured_by_how_long_it_lasted() {
    // A million a second, none of which is answered: a run reaches its limit within four seconds.
    let clients = "clients.browsers={\"arrivals\": {\"poisson\": 1000000}, \"entry\": \"haproxy\"}";
    let run = |warmup| {
        document(&[
            "run",
            "scenarios/roundrobin-vs-leastconn.json",
            "--replications",
            "1",
            "--duration",
            "1m",
            "--set",
            clients,
            "--set",
            "nodes.haproxy.work={\"*\": {\"io\": \"1h\"}}",
            "--warmup",
            warmup,
        ])
    };
    let (measured, before) = (run("1s"), run("20s"));
    assert_eq!(measured["complete"], false, "it was to last a minute");
    let caveats = |d: &Value| d["caveats"].to_string();
    assert!(caveats(&measured).contains("overflow") && caveats(&before).contains("nothing was measured"));
    assert_eq!(measured["nodes"]["haproxy"]["up_ratio"]["value"], 1.0);
    assert!(
        before["nodes"]["haproxy"]["up_ratio"]["value"].is_null(),
        "nothing was seen of it"
    );
    assert!(before["metrics"]["throughput_per_s"]["value"].is_null());
    let rates = values(&measured["timeline"]["series"]["throughput_per_s"]["median"]);
    assert!(
        rates.iter().all(Option::is_none),
        "all are inside still, and beyond its end nobody came"
    );
}

// --- interruption ---------------------------------------------------------------------------------------------------

#[cfg(unix)]
mod interrupted {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    fn start(arguments: &[&str]) -> Child {
        Command::new(assert_cmd::cargo::cargo_bin("fallover"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts")
    }

    /// The line with the estimated duration: from then on an interrupt is handled.
    fn announcement(child: &mut Child) -> String {
        let mut line = String::new();
        let stderr = child.stderr.as_mut().expect("is a pipe");
        BufReader::with_capacity(1, stderr).read_line(&mut line).expect("reads");
        line
    }

    fn interrupt(child: &Child) {
        let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(kill.expect("starts").success());
    }

    /// Exit status, standard output.
    fn end(mut child: Child) -> (Option<i32>, String) {
        let began = Instant::now();
        let mut out = String::new();
        child
            .stdout
            .as_mut()
            .expect("is a pipe")
            .read_to_string(&mut out)
            .expect("reads");
        let status = child.wait().expect("ends");
        assert!(began.elapsed() < Duration::from_secs(30), "it was a run of days");
        (status.code(), out)
    }

    #[test]
    fn before_anything_is_finished_there_is_a_document_all_the_same() {
        for options in [
            &[][..],
            &["--warmup", "auto", "--precision", "0.01"],
            &["scenarios/lb-pair.json"],
        ] {
            let mut child = start(&[&["run", FOOBAR, "--duration", "1000d", "--json"], options].concat());
            let said = announcement(&mut child);
            assert!(said.contains("billion events") && said.contains("days"), "{said}");
            interrupt(&child);
            let (status, out) = end(child);
            assert_eq!(status, Some(130));
            let d: Value = serde_json::from_str(&out).expect("is JSON");
            assert_eq!((&d["complete"], &d["replications"]), (&json!(false), &json!(0)));
            let run = d.get("runs").map_or(&d, |runs| &runs[0]);
            assert_metrics(&run["metrics"], "nothing");
            assert!(run["metrics"]["latency_s"]["p99"]["value"].is_null());
            assert!(
                run["slo"]
                    .as_array()
                    .expect("is a list")
                    .iter()
                    .all(|s| s["observed"]["value"].is_null())
            );
        }
    }

    #[test]
    fn people_are_told_that_there_is_nothing_and_pictures_are_drawn() {
        let directory = tempfile::tempdir().expect("makes a directory");
        let path = directory.path().join("x.png").to_str().expect("is text").to_owned();
        let mut child = start(&["run", FOOBAR, "--duration", "1000d", "-o", &path]);
        announcement(&mut child);
        interrupt(&child);
        let (status, out) = end(child);
        assert_eq!(status, Some(130));
        assert!(out.contains("INCOMPLETE") && !out.contains("missed"), "{out}");
        assert!(std::fs::read(&path).expect("reads").starts_with(b"\x89PNG"));
    }

    #[test]
    fn what_was_finished_is_kept() {
        let directory = tempfile::tempdir().expect("makes a directory");
        let rows = directory.path().join("rows.csv");
        let mut child = start(&[
            "run",
            FOOBAR,
            "--replications",
            "100000",
            "--duration",
            "5s",
            "--warmup",
            "0",
            "--json",
            "--requests",
            rows.to_str().expect("is text"),
        ]);
        announcement(&mut child);
        // Rows are written replication by replication, next to the target.
        let written = || {
            let files = std::fs::read_dir(directory.path()).expect("lists");
            files
                .map(|f| f.expect("is there").metadata().map_or(0, |m| m.len()))
                .sum::<u64>()
        };
        while written() < 1_000_000 {
            std::thread::sleep(Duration::from_millis(5));
        }
        interrupt(&child);
        let (status, out) = end(child);
        assert_eq!(status, Some(130));
        let d: Value = serde_json::from_str(&out).expect("is JSON");
        assert_eq!(d["complete"], false);
        assert_metrics(&d["metrics"], "the rest");
        let lines = std::fs::read_to_string(&rows).expect("reads").lines().count() as u64 - 1;
        assert_eq!(d["metrics"]["requests"]["offered"], lines);
        assert!(d["replications"].as_u64() >= Some(1));
    }

    #[test]
    fn two_interrupts_end_it_too() {
        let mut child = start(&["run", FOOBAR, "--duration", "1000d", "-q", "--json"]);
        // A quiet run prints nothing, so interrupt repeatedly until it reacts; before the handler is installed one is
        // enough.
        std::thread::sleep(Duration::from_millis(300));
        interrupt(&child);
        let _ = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .stderr(Stdio::null())
            .status();
        let _ = child.stderr.take();
        let (status, _) = end(child);
        assert!(matches!(status, Some(130) | None), "{status:?}");
    }

    #[test]
    fn a_reader_that_leaves_is_no_failure() {
        let mut child = start(&brief(&["--json"]));
        drop(child.stdout.take());
        let mut said = String::new();
        child
            .stderr
            .take()
            .expect("is a pipe")
            .read_to_string(&mut said)
            .expect("reads");
        assert_eq!((child.wait().expect("ends").code(), said.as_str()), (Some(0), ""));
    }

    #[test]
    fn years_of_health_checks_are_announced_although_hardly_anybody_comes() {
        let mut child = start(&[
            "run",
            FOOBAR,
            "--duration",
            "100y",
            "--replications",
            "1",
            "--set",
            "clients.browsers.arrivals.poisson=1/h",
        ]);
        let said = announcement(&mut child);
        assert!(
            said.contains("billion events") && said.contains("with 1 thread;"),
            "{said}"
        );
        interrupt(&child);
        assert_eq!(end(child).0, Some(130));
    }
}

#[test]
fn rows_go_to_a_table_and_overwrite_nothing_else() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let other = folder.path().join("other.json");
    std::fs::write(&other, "kept").expect("writes");
    let path = other.to_str().expect("is text");
    let (status, _, err) = fallover(&["run", "tests/data/pair.json", "--replications", "1", "--requests", path]);
    assert_eq!(status, 2);
    assert!(err.contains("ends in .csv"), "{err}");
    assert_eq!(std::fs::read_to_string(&other).expect("is there"), "kept");
}
