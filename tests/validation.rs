//! The live kit's list of cases is complete, and its table has a row for each. The kit itself needs real servers: see
//! `validation/README.md`.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("reads")
}

fn cases() -> Vec<Value> {
    serde_json::from_str(&read("validation/cases.json")).expect("cases.json is a list")
}

fn word<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("{case} has no {key}"))
}

#[test]
fn cases_have_names_of_their_own() {
    let cases = cases();
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    let names: HashSet<&str> = cases.iter().map(|c| word(c, "name")).collect();
    assert_eq!(names.len(), cases.len(), "two cases of one name");
}

/// One measurement is an anecdote: an algorithm tested with a failure is tested three times with it, at different
/// loads.
#[test]
fn the_main_algorithms_meet_every_failure_three_times() {
    let cases = cases();
    let mut times: HashMap<[&str; 3], usize> = HashMap::new();
    for case in &cases {
        *times
            .entry([word(case, "server"), word(case, "algorithm"), word(case, "failure")])
            .or_default() += 1;
    }
    let main = [
        ("haproxy", ["roundrobin", "leastconn", "random"].as_slice()),
        ("nginx", ["roundrobin", "least_conn"].as_slice()),
    ];
    for (server, algorithms) in main {
        for algorithm in algorithms {
            for failure in ["none", "kill", "hang"] {
                let n = times.get(&[server, algorithm, failure]).copied().unwrap_or(0);
                assert!(n >= 3, "{server} {algorithm} {failure}: {n} cases");
            }
        }
    }
}

#[test]
fn the_table_has_a_row_for_each_case() {
    let table = read("docs/validation.md");
    for case in cases() {
        let name = word(&case, "name");
        assert!(
            table.lines().any(|l| l.starts_with(&format!("| `{name}`"))),
            "docs/validation.md has no row for {name}: run `validation/run --write-docs`"
        );
    }
}
