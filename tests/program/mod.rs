//! Runs the program from outside and returns its output and exit status.
#![allow(dead_code, reason = "each test binary uses its own part")]

use assert_cmd::Command;
use serde_json::Value;

/// The program, in the project's own directory.
pub fn program() -> Command {
    let mut command = Command::cargo_bin("fallover").expect("is built");
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// Exit status, standard output, standard error.
pub fn fallover(arguments: &[&str]) -> (i32, String, String) {
    let output = program().args(arguments).output().expect("starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("is text");
    let status = output.status.code().expect("ends by itself");
    (status, text(output.stdout), text(output.stderr))
}

/// The result document of a command that must succeed.
pub fn document(arguments: &[&str]) -> Value {
    let (status, out, err) = fallover(&[arguments, &["--json"]].concat());
    assert_eq!(status, 0, "{arguments:?}: {err}");
    serde_json::from_str(&out).expect("is JSON and nothing else")
}

/// A list of numbers with gaps.
pub fn values(list: &Value) -> Vec<Option<f64>> {
    list.as_array().expect("is a list").iter().map(Value::as_f64).collect()
}
