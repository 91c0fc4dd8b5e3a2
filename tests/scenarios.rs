//! The shipped scenarios: each is valid, each matches the schema, and the schema next to them is the program's.

use std::path::PathBuf;

use fallover::scenario::load_text;
use fallover::scenario::{load, schema};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Every scenario of the directory, with its text.
fn shipped() -> Vec<(PathBuf, String)> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let scenario = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.ends_with(".json") && name != "scenario.schema.json"
    };
    let mut files: Vec<PathBuf> = files.filter(scenario).collect();
    files.sort();
    files
        .into_iter()
        .map(|file| (file.clone(), std::fs::read_to_string(&file).unwrap()))
        .collect()
}

/// Keys that have no effect where they stand, each in a scenario that has all of them; and none of these warnings where
/// they have one.
#[test]
fn keys_without_effect_are_named() {
    let warned = |hosts: &str, network: &str, balancer: &str, app: &str| {
        let text = format!(
            r#"{{ "duration": "10s", "network": {{ {network} }}, "hosts": {{ {hosts} }},
              "requests": {{ "a": {{ "keys": {{ "count": 10 }}, "bytes": {{ "response": 1000 }}, "priority": 1 }} }},
              "clients": {{ "c": {{ "arrivals": {{ "poisson": 5 }}, "entry": "x", "min_ttl": "1s" }} }},
              "nodes": {{ {balancer} "y": {{ "kind": "app", {app} "queue": 3, "host": "h" }} }} }}"#
        );
        let warnings = load_text("x.json", &text, &[]).expect("it is right").plan.warnings;
        let paths = warnings.iter().filter_map(|w| w.split_once(" has no effect: "));
        paths.map(|(path, _)| path.to_owned()).collect::<Vec<_>>()
    };
    let balancer = r#""x": { "kind": "load-balancer", "servers": ["y"], "backlog": 5, "error_limit": 3, "allbackups": true, "fullconn": 9 },"#;
    let app = r#""avoid": "1s", "timeouts": { "query": "1s" }, "retry": { "max": 1 },"#;
    let balanced = [
        "requests.a.keys",
        "requests.a.bytes",
        "clients.c.min_ttl",
        "nodes.x.allbackups",
        "nodes.x.backlog",
        "nodes.x.error_limit",
        "nodes.y.avoid",
        "nodes.y.timeouts",
        "nodes.y.retry",
        "nodes.y.queue",
        "hosts.idle",
    ];
    assert_eq!(warned(r#""h": {}, "idle": {}"#, "", balancer, app), balanced);
    let used = r#""x": { "kind": "load-balancer", "algorithm": "uri", "servers": [{ "node": "y", "minconn": 1, "maxconn": 2 }, { "node": "z", "backup": true }],
        "maxconn": 9, "backlog": 5, "check": {}, "observe": "layer4", "error_limit": 3, "allbackups": true, "fullconn": 9 },
        "z": { "kind": "app" },"#;
    let works = r#""workers": 1, "calls": ["z"], "timeouts": { "query": "1s" }, "retry": { "max": 1 },"#;
    assert_eq!(
        warned(r#""h": {}"#, r#""bandwidth": 1e6"#, used, works),
        ["clients.c.min_ttl"]
    );
}

/// HAProxy's own files use milliseconds without a unit, and Nginx does not cache the answer to a POST.
#[test]
fn what_products_mean_otherwise_is_said() {
    let warned = |lb: &str, cache: &str, op: &str| {
        let text = format!(
            r#"{{ "duration": "10s", "clients": {{ "c": {{ "arrivals": {{ "poisson": 5 }}, "entry": "lb" }} }},
              "nodes": {{ "lb": {{ "kind": "load-balancer", "servers": ["w"] {lb} }},
                "w": {{ "kind": "web", "upstreams": ["a"] {cache} }},
                "a": {{ "kind": "app", "database": "db", "queries": {{ "*": {{ "{op}": 1 }} }} }},
                "db": {{ "kind": "database", "members": {{ "m": {{}} }} }} }} }}"#
        );
        load_text("x.json", &text, &[])
            .expect("it is right")
            .plan
            .warnings
            .join("\n")
    };
    let cache = r#", "cache": { "hit": 0.5, "ttl": "1m" }"#;
    let millis = r#", "check": { "inter": 2000, "fall": 3 }, "timeouts": { "connect": 5, "server": 50000 }"#;
    let says = warned(millis, "", "write");
    assert!(
        says.contains("nodes.lb.check.inter: 2000 without a unit is 2000 seconds"),
        "{says}"
    );
    assert_eq!(says.matches("without a unit").count(), 2, "{says}");
    assert_eq!(
        warned(
            r#", "check": { "inter": "2000ms" }, "timeouts": { "server": 50 }"#,
            cache,
            "read"
        ),
        ""
    );
    assert!(warned("", cache, "write").contains("the cache answers its share of \"default\" too"));
}

#[test]
fn every_scenario_compiles_without_warnings_and_says_what_it_teaches() {
    assert!(shipped().len() >= 6);
    for (file, _) in shipped() {
        let loaded = load(&file, &[]).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(loaded.plan.warnings, Vec::<String>::new(), "{}", file.display());
        assert!(loaded.plan.summary.len() > 20, "{}", file.display());
        assert_eq!(loaded.plan.name, file.file_stem().unwrap().to_string_lossy());
    }
}

#[test]
fn every_scenario_agrees_with_the_schema() {
    let schema = serde_json::to_value(schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (file, text) in shipped() {
        let scenario: Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&scenario)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
        if loaded_name(&scenario) != "foobar" {
            assert_eq!(scenario["$schema"], "scenario.schema.json", "{}", file.display());
        }
    }
}

fn loaded_name(scenario: &Value) -> &str {
    scenario["name"].as_str().unwrap()
}

/// The schema must also reject, or an editor would not help.
#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let schema = serde_json::to_value(schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let (file, text) = shipped()
        .into_iter()
        .find(|(file, _)| file.ends_with("foobar.json"))
        .unwrap();
    let edits = [
        "nodes.haproxy.algorithm=\"roundrobbin\"",
        "nodes.haproxy.algoritm=\"roundrobin\"",
        "nodes.haproxy.kind=\"loadbalancer\"",
        "nodes.app1.workers=-1",
        "network.latency=\"200 parsecs\"",
        "clients.browsers.arrivals={\"poisson\": \"fast\"}",
        "clients.browsers.render={\"lognorml\": {\"mean\": \"1s\", \"cv\": 1}}",
        "slo.availability=1.5",
    ];
    for edit in edits {
        let (path, value) = edit.split_once('=').unwrap();
        let mut scenario: Value = serde_json::from_str(&text).unwrap();
        let mut here = &mut scenario;
        for key in path.split('.') {
            here = &mut here[key];
        }
        *here = serde_json::from_str(value).unwrap();
        assert!(!validator.is_valid(&scenario), "the schema accepts {edit}");
        assert!(load(&file, &[edit.to_owned()]).is_err(), "the program accepts {edit}");
    }
}

#[test]
fn the_schema_beside_the_scenarios_is_current() {
    let current = format!("{:#}\n", serde_json::to_value(schema()).unwrap());
    let shipped = std::fs::read_to_string(folder().join("scenario.schema.json")).unwrap();
    assert!(
        shipped == current,
        "run: fallover schema > scenarios/scenario.schema.json"
    );
}

#[test]
fn foobar_is_the_contracts_own() {
    let foobar = std::fs::read(folder().join("foobar.json")).unwrap();
    // FNV-1a, spelled out: this test must not depend on a library.
    let digest = foobar.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    assert_eq!(
        (foobar.len(), digest),
        (3565, 0x56ee_254e_5e5b_3b25),
        "foobar.json is fixed by the public interface: make another scenario instead"
    );
}

/// A recording much shorter or longer than the run, and a database that nobody calls, are seldom intended.
#[test]
fn what_is_seldom_meant_is_warned_of() {
    let warnings = |duration: &str, app: &str| {
        let text = format!(
            r#"{{ "duration": "{duration}", "clients": {{ "c": {{ "arrivals": {{ "trace": "tests/data/steady.csv" }}, "entry": "a" }} }},
            "nodes": {{ "a": {{ "kind": "app", "database": "db" {app} }}, "db": {{ "kind": "database", "members": {{ "m": {{}} }} }} }} }}"#
        );
        load_text("x.json", &text, &[])
            .expect("is right")
            .plan
            .warnings
            .join("\n")
    };
    let asks = r#", "queries": { "*": { "read": 1 } }"#;
    // Seven rows, from 1 to 10 s.
    assert_eq!(warnings("12s", asks), "");
    assert!(warnings("60s", asks).contains("the last row comes at 10s, and the run goes on until 1m"));
    assert!(warnings("5s", asks).contains("4 of 7 rows come after the end of the run at 5s"));
    assert!(warnings("12s", "").contains("the database is never asked"));
}

/// Users in step, and a latency promise that no answer can break, are seldom intended either.
#[test]
fn users_in_step_and_promises_that_nothing_can_break_are_warned_of() {
    let warnings = |users: u32, think: &str, p99: &str| {
        let text = format!(
            r#"{{ "clients": {{ "c": {{ "users": {users}, "think": {think}, "timeout": "10s", "entry": "a" }} }},
            "nodes": {{ "a": {{ "kind": "app" }} }}, "slo": {{ "p99": {p99} }} }}"#
        );
        load_text("x.json", &text, &[])
            .expect("is right")
            .plan
            .warnings
            .join("\n")
    };
    let spread = r#"{ "exponential": { "mean": "5s" } }"#;
    assert_eq!(warnings(200, spread, r#""300ms""#), "");
    assert_eq!(warnings(1, r#""5s""#, r#""300ms""#), "");
    assert!(warnings(200, r#""5s""#, r#""300ms""#).contains("200 users who all think 5s begin in the same instant"));
    assert!(
        warnings(200, spread, "300").contains("slo.p99: 5m is never missed, since every client gives up after 10s")
    );
}
