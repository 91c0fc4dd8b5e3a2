//! Replicated components: copies are listed wherever the originals are, and nothing refers to removed ones.

use std::path::Path;

use fallover::scenario::fix::replicas::{Originals, Sized};
use fallover::scenario::{load, load_text};
use serde_json::Value;

fn foobar(pattern: &str, n: usize) -> Sized {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/foobar.json");
    let loaded = load(&path, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let originals = Originals::of(&loaded, pattern).expect("there are some");
    originals.sized(n).expect("is a scenario")
}

fn names(of: &Value) -> Vec<&str> {
    of.as_array()
        .expect("is a list")
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

#[test]
fn a_host_is_copied_with_everything_on_it() {
    let four = foobar("server*", 4);
    assert_eq!(four.names, ["server1", "server2", "server1-2", "server2-2"]);
    let typed = four.loaded.typed();
    assert_eq!(
        names(&typed["nodes"]["haproxy"]["servers"]),
        ["nginx1", "nginx2", "nginx1-2", "nginx2-2"]
    );
    // A node that calls only its own host has a copy that calls the copy's host.
    assert_eq!(names(&typed["nodes"]["nginx1-2"]["upstreams"]), ["app1-2"]);
    assert_eq!(names(&typed["nodes"]["nginx1"]["upstreams"]), ["app1"]);
    assert_eq!(typed["nodes"]["app2-2"]["host"], "server2-2");
    assert_eq!(typed["nodes"]["app2-2"]["database"], typed["nodes"]["app2"]["database"]);
    assert!(
        typed["hosts"]["server1-2"].get("address").is_none(),
        "an address is one machine's"
    );
}

#[test]
fn as_many_as_there_are_change_nothing_and_fewer_leave_no_trace() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/foobar.json");
    let loaded = load(&path, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(foobar("server*", 2).loaded.plan.digest, loaded.plan.digest);
    let one = foobar("server*", 1);
    assert_eq!(one.names, ["server1"]);
    let text = one.loaded.typed().to_string();
    for gone in ["server2", "nginx2", "app2"] {
        assert!(!text.contains(&format!("\"{gone}\"")), "{gone} in {text}");
    }
}

#[test]
fn a_database_gets_a_member_and_loses_one() {
    let three = foobar("db2", 2);
    let members = |sized: &Sized| sized.loaded.plan.databases[0].members.len();
    assert_eq!(members(&three), 3);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/foobar.json");
    let loaded = load(&path, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(
        Originals::of(&loaded, "db*")
            .expect("two")
            .sized(1)
            .map(|s| members(&s)),
        Ok(1)
    );
}

/// Two servers that each call both applications: every server calls a copy of an application, and a copy of a server
/// calls all.
#[test]
fn where_everybody_asks_everybody_the_copy_does_too() {
    let text = r#"{
      "clients": { "c": { "arrivals": { "poisson": 1 }, "entry": "lb" } },
      "hosts": { "h1": {}, "h2": {} },
      "network": { "links": [{ "from": "h1", "to": "h2", "latency": "1ms" }] },
      "common_causes": { "rack": { "targets": ["h1", "h2"], "lifetime": { "mtbf": "1y", "mttr": "1h" } } },
      "faults": [{ "at": "1s", "target": "a2", "effect": "crash" }],
      "nodes": {
        "lb": { "kind": "load-balancer", "servers": [{ "node": "w1", "weight": 30 }, { "node": "w2", "id": 7 }] },
        "w1": { "kind": "web", "host": "h1", "upstreams": ["a1", { "node": "a2", "backup": true }] },
        "w2": { "kind": "web", "host": "h2", "upstreams": ["a2", { "node": "a1", "backup": true }] },
        "a1": { "kind": "app", "host": "h1" }, "a2": { "kind": "app", "host": "h2" }
      }
    }"#;
    let loaded = load_text("mesh.json", text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let sized = |n| {
        Originals::of(&loaded, "h*")
            .expect("two")
            .sized(n)
            .expect("is a scenario")
    };
    let three = sized(3).loaded.typed();
    assert_eq!(three["nodes"]["lb"]["servers"][2]["weight"], 30);
    for web in ["w1", "w2", "w1-2"] {
        let upstreams = three["nodes"][web]["upstreams"].as_array().expect("is a list");
        assert_eq!(upstreams.len(), 3, "{web}");
        assert!(upstreams.iter().any(|u| u == "a1-2" || u["node"] == "a1-2"), "{web}");
    }
    assert_eq!(three["network"]["links"][1]["from"], "h1-2");
    assert_eq!(names(&three["common_causes"]["rack"]["targets"]), ["h1", "h2", "h1-2"]);
    let one = sized(1).loaded.typed();
    assert_eq!(one["nodes"]["w1"]["upstreams"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (
            one["faults"].as_array().map(Vec::len),
            one["network"]["links"].as_array().map(Vec::len)
        ),
        (Some(0), Some(0))
    );
    assert_eq!(names(&one["common_causes"]["rack"]["targets"]), ["h1"]);
}
