//! What must be absent, checked by reading the source: the order of the modules, and access to the outside world.
//!
//! Each absence is one small test. Lines of a file's own tests (from `#[cfg(test)]` on) are exempt, except for module
//! dependencies.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module and those it may use, as `lib.rs` lists them in the order of their dependencies.
const ORDER: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("engine", &["base"]),
    ("stats", &["base"]),
    ("scenario", &["base"]),
    ("failure", &["base", "scenario"]),
    ("model", &["base", "engine", "stats", "scenario", "failure"]),
    ("study", &["base", "engine", "stats", "scenario", "failure", "model"]),
    (
        "analysis",
        &["base", "engine", "stats", "scenario", "failure", "model", "study"],
    ),
    (
        "report",
        &[
            "base", "engine", "stats", "scenario", "failure", "model", "study", "analysis",
        ],
    ),
    (
        "cli",
        &[
            "base", "engine", "stats", "scenario", "failure", "model", "study", "analysis", "report",
        ],
    ),
];

/// A limit on a file's lines is arbitrary, but a longer file is usually two.
const LONGEST: usize = 600;

/// Longer files, each with its maximum number of lines: a ratchet that only goes down.
const LONG: &[(&str, usize)] = &[];

struct Source {
    /// Relative to the root of the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// `model` for `src/model/node/app.rs`; the crate's own files belong to no module.
    fn module(&self) -> &str {
        let rest = self.path.strip_prefix("src/").unwrap_or_default();
        rest.split(['/', '.']).next().unwrap_or_default()
    }

    /// Numbered lines without comments, up to the file's own tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(i, line)| (i + 1, line));
        lines
            .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
            .map(|(i, line)| (i, before_comment(line)))
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.ends_with("/conformance.rs")
    }
}

fn before_comment(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).expect("the source is there");
        for path in entries.map(|e| e.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(read(root, path));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 50, "this is not the whole source");
    found
}

fn read(root: &Path, path: PathBuf) -> Source {
    let text = fs::read_to_string(&path).expect("readable");
    let path = path
        .strip_prefix(root)
        .expect("under the root")
        .to_string_lossy()
        .replace('\\', "/");
    Source { path, text }
}

/// Asserts that no line of code is `wrong`, except in files where it is `allowed`.
fn nobody(what: &str, allowed: impl Fn(&Source) -> bool, wrong: impl Fn(&str) -> bool) {
    let mut found = Vec::new();
    for source in sources().iter().filter(|s| !allowed(s) && !s.is_test()) {
        found.extend(
            source
                .code()
                .filter(|(_, l)| wrong(l))
                .map(|(i, l)| format!("{}:{i}: {}", source.path, l.trim())),
        );
    }
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

fn has_any(line: &str, words: &[&str]) -> bool {
    words.iter().any(|word| line.contains(word))
}

#[test]
fn a_module_uses_only_those_above_it() {
    let mut found = Vec::new();
    for source in sources() {
        let Some((name, above)) = ORDER.iter().find(|(name, _)| *name == source.module()) else {
            continue;
        };
        for (i, line) in source.text.lines().enumerate() {
            for used in before_comment(line).split("crate::").skip(1) {
                let used = used
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap_or_default();
                if used != *name && ORDER.iter().any(|(module, _)| *module == used) && !above.contains(&used) {
                    found.push(format!("{}:{}: {}", source.path, i + 1, line.trim()));
                }
            }
        }
    }
    assert!(
        found.is_empty(),
        "a module uses one that is not above it:\n{}",
        found.join("\n")
    );
}

#[test]
fn every_module_has_its_place_in_the_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lib = fs::read_to_string(root.join("src/lib.rs")).expect("readable");
    let declared: Vec<&str> = lib
        .lines()
        .filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let order: Vec<&str> = ORDER
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| declared.contains(name))
        .collect();
    assert_eq!(
        declared, order,
        "lib.rs lists the modules in the order of their dependencies"
    );
}

#[test]
fn no_file_grows_beyond_what_fits_a_head() {
    for source in sources() {
        let lines = source.text.lines().count();
        let most = LONG
            .iter()
            .find(|(path, _)| *path == source.path)
            .map_or(LONGEST, |(_, most)| *most);
        assert!(
            lines <= most,
            "{} has {lines} lines; {most} are allowed: it may be two files by now",
            source.path
        );
    }
}

#[test]
fn every_file_says_what_it_is() {
    let sources = sources().into_iter().filter(|s| s.path != "src/main.rs");
    let silent: Vec<String> = sources
        .into_iter()
        .filter(|s| !s.text.starts_with("//!"))
        .map(|s| s.path)
        .collect();
    assert!(silent.is_empty(), "a file begins with what it is: {silent:?}");
}

#[test]
fn the_simulation_knows_no_clock_no_thread_and_no_file() {
    let outside = |s: &Source| !["base", "engine", "stats", "failure", "model"].contains(&s.module());
    let words = [
        "std::time",
        "std::thread",
        "std::fs",
        "std::io",
        "std::env",
        "std::net",
        "println!",
        "rayon",
    ];
    nobody("the simulation touches the outside world", outside, |l| {
        has_any(l, &words)
    });
}

#[test]
fn the_engine_has_never_heard_of_a_request() {
    let elsewhere = |s: &Source| s.module() != "engine";
    nobody("the engine could simulate a car wash", elsewhere, |l| {
        has_any(l, &["Request", "NodeId", "HostId", "Frame"])
    });
}

#[test]
fn what_is_found_out_and_printed_does_not_depend_on_the_kind_of_a_node() {
    let elsewhere = |s: &Source| !["analysis", "report"].contains(&s.module());
    nobody("a match on a node's kind", elsewhere, |l| {
        has_any(l, &["Kind::", "plan::Kind"])
    });
}

#[test]
fn only_study_knows_threads() {
    let words = ["std::thread", "rayon", "Mutex", "RwLock", "mpsc", "AtomicU"];
    nobody(
        "threads",
        |s| ["study", "cli"].contains(&s.module()),
        |l| has_any(l, &words),
    );
}

#[test]
fn files_are_written_in_one_place() {
    let words = [
        "File::create",
        "fs::write",
        "OpenOptions",
        "create_dir",
        "rename(",
        "tempfile",
    ];
    nobody(
        "files are written by report/sink.rs alone",
        |s| s.path == "src/report/sink.rs",
        |l| has_any(l, &words),
    );
}

#[test]
fn randomness_is_made_in_one_place() {
    let words = [
        "seed_from_u64",
        "from_seed",
        "SeedableRng",
        "rand_xoshiro",
        "thread_rng",
        "rand::rng",
        "OsRng",
        "RandomState",
    ];
    nobody(
        "randomness comes from base/random.rs alone",
        |s| s.path == "src/base/random.rs",
        |l| has_any(l, &words),
    );
}

#[test]
fn no_order_depends_on_a_hash() {
    // HAProxy's map-based hashing has a type of this name, which is not a hash map.
    let is_ours = |s: &Source| s.path.starts_with("src/model/balance/");
    let words = ["HashMap", "HashSet"];
    nobody("a BTreeMap has an order of its own", is_ours, |l| has_any(l, &words));
    nobody(
        "a BTreeMap has an order of its own",
        |_| false,
        |l| has_any(l, &["collections::Hash", "hash_map::Entry"]),
    );
}

#[test]
fn transcendental_functions_come_from_libm() {
    // The functions of `f64` are the platform's, and platforms differ in the last bit. `sqrt` is exact everywhere, but
    // one rule is easier to remember than two.
    let calls = [
        "ln", "log", "log2", "log10", "ln_1p", "exp", "exp2", "exp_m1", "powf", "powi", "sqrt", "cbrt", "sin", "cos",
        "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "hypot", "mul_add",
    ];
    let wrong = |line: &str| {
        calls
            .iter()
            .any(|call| line.contains(&format!(".{call}(")) || line.contains(&format!("f64::{call}")))
    };
    nobody("the platform's own mathematics", |_| false, wrong);
}

#[test]
fn nothing_in_the_repository_names_a_machine() {
    let homes = ["home", "root", "Users"].map(|folder| format!("/{folder}/"));
    let words: Vec<&str> = homes.iter().map(String::as_str).chain(["C:\\"]).collect();
    nobody("a path of one machine", |_| false, |l| has_any(l, &words));
}
