//! The program from outside: exit statuses, and what goes to which stream.

use assert_cmd::Command;

fn fallover(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("fallover").unwrap();
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
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
    assert_eq!(fallover(&["explain", "nowhere.json"]).0, 3);
    assert_eq!(fallover(&["frobnicate"]).0, 2);
    assert_eq!(fallover(&["--version"]).0, 0);
}

#[test]
fn json_output_is_json_and_nothing_else() {
    let (status, out, _) = fallover(&["explain", "--json", "scenarios/lb-failure.json"]);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, document["scenario"]["name"].as_str()), (0, Some("lb-failure")));
    let (_, out, _) = fallover(&["validate", "--json", "scenarios/foobar.json"]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&out).unwrap()["files"][0]["ok"],
        true
    );
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
