//! The house keeps its order: rooms use those above them, and what must stay absent is absent.
//!
//! It reads the source as text. What a compiler can see is held by `clippy.toml` instead.

use std::path::{Path, PathBuf};

/// The rooms, each of which may use itself and those before it.
const ROOMS: [&str; 10] = [
    "base", "engine", "stats", "scenario", "failure", "model", "study", "analysis", "report", "cli",
];

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

/// Every file of a room, with the part of it that is no test.
fn room(name: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name),
        &mut found,
    );
    assert!(!found.is_empty(), "there is no room {name}");
    for (_, text) in &mut found {
        let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
        text.truncate(end);
    }
    found
}

/// The lines of a room that are no comments and contain one of these.
fn lines_with(name: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in room(name) {
        for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}: {}", path.display(), line.trim()));
            }
        }
    }
    found
}

#[test]
fn rooms_use_only_those_above_them() {
    for (i, name) in ROOMS.iter().enumerate() {
        let below: Vec<String> = ROOMS[i + 1..].iter().map(|room| format!("crate::{room}")).collect();
        let below: Vec<&str> = below.iter().map(String::as_str).collect();
        assert_eq!(
            lines_with(name, &below),
            Vec::<String>::new(),
            "{name} uses a room below it"
        );
    }
}

#[test]
fn the_list_of_rooms_is_that_of_the_library() {
    let library = include_str!("../src/lib.rs");
    let declared = library
        .lines()
        .filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'));
    assert_eq!(declared.collect::<Vec<_>>(), ROOMS);
}

#[test]
fn the_engine_has_never_heard_of_a_request() {
    let words = ["equest", "node", "Node", "Http", "http", "crate::model"];
    assert_eq!(lines_with("engine", &words), Vec::<String>::new());
}

#[test]
fn the_model_does_no_io_and_knows_no_clock_or_thread() {
    let words = ["std::fs", "std::io", "std::time", "std::thread", "rayon", "println!"];
    for name in ["base", "engine", "stats", "failure", "model"] {
        assert_eq!(lines_with(name, &words), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn only_the_study_knows_threads() {
    for name in ROOMS.iter().filter(|room| **room != "study") {
        assert_eq!(
            lines_with(name, &["rayon::", "thread::spawn"]),
            Vec::<String>::new(),
            "{name}"
        );
    }
}

#[test]
fn failure_cannot_touch_a_node() {
    assert_eq!(lines_with("failure", &["crate::model", "Kind::"]), Vec::<String>::new());
}

#[test]
fn analysis_and_report_never_look_at_a_kind() {
    for name in ["analysis", "report"] {
        assert_eq!(
            lines_with(name, &["plan::Kind", "Kind::"]),
            Vec::<String>::new(),
            "{name}"
        );
    }
}

/// Two honest sentences on top: what this file is, and what it refuses to know.
#[test]
fn every_file_says_what_it_is() {
    for name in ROOMS {
        for (path, text) in room(name) {
            assert!(text.starts_with("//! "), "{} does not say what it is", path.display());
        }
    }
}
