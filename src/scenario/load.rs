//! From a file to a Plan.
//!
//! Reads the scenario and the traces it names, and nothing else.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path as FilePath, PathBuf};

use super::compile::{Context, place};
use super::plan::Plan;
use super::problem::{Place, Problem, Problems};
use super::raw::settle::settle;
use super::raw::{CALLED_OTHERWISE, KINDS_CALLED_OTHERWISE, NAMED, SHAPES, Scenario};
use super::read::decode::Glossary;
use super::read::tree::{Entry, Origin, Tree, Value};
use super::read::{decode, edit, json, yaml};
use crate::base::limits;
use crate::base::random::{label, mix};

/// A valid scenario.
#[derive(Debug)]
pub struct Loaded {
    /// The Plan.
    pub plan: Plan,
    /// What was typed, with every default filled in.
    pub resolved: Scenario,
    /// The places where it was typed.
    pub(super) tree: Tree,
    /// The file, as typed.
    pub file: String,
    /// The traces that were read.
    pub traces: Vec<PathBuf>,
    /// The `--set` options, as typed.
    pub sets: Vec<String>,
}

impl Loaded {
    /// The scenario as typed, with `--set` options, without defaults.
    pub fn typed(&self) -> serde_json::Value {
        self.tree.to_json()
    }
}

/// Loads a scenario from a file, with `--set` options applied.
pub fn load(file: &FilePath, sets: &[String]) -> Result<Loaded, Problems> {
    let name = file.display().to_string();
    let one = |problem| Problems::new(&name, "", vec![problem]);
    let mut bytes = Vec::new();
    let read = std::fs::File::open(file).and_then(|f| f.take(limits::FILE_BYTES as u64 + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(one(Problem::unreadable(
            Place::File,
            format!("cannot read it: {error}"),
        )));
    }
    if bytes.len() > limits::FILE_BYTES {
        let message = format!(
            "larger than {} MiB, which is the limit of a scenario",
            limits::FILE_BYTES >> 20
        );
        return Err(one(Problem::new(Place::File, message)));
    }
    let text = String::from_utf8(bytes).map_err(|_| one(Problem::new(Place::File, "this is not UTF-8 text")))?;
    load_text(&name, &text, sets)
}

/// Loads a scenario from its text. The name determines the format (`.json`, `.yaml`, `.yml`; otherwise the text
/// decides) and where its traces are.
pub fn load_text(file: &str, text: &str, sets: &[String]) -> Result<Loaded, Problems> {
    let mut problems = Vec::new();
    let mut tree = match parse(file, text, &mut problems) {
        Ok(tree) => tree,
        Err(problem) => {
            problems.push(problem);
            return Err(Problems::new(file, text, problems));
        }
    };
    for (number, set) in sets.iter().enumerate() {
        if let Err(problem) = edit::apply(&mut tree, set, number) {
            problems.push(problem);
        }
    }
    // In a `set`, null is a value: unlimited.
    let nulls = tree.drop_nulls(&|path| path.is_like(&["faults", "*", "set"]));
    let declared = declared(&tree);
    let glossary = Glossary {
        words: CALLED_OTHERWISE,
        kinds: KINDS_CALLED_OTHERWISE,
        shapes: SHAPES,
        named: NAMED,
    };
    let decoded = decode::decode::<Scenario>(&mut tree, &glossary);
    for fault in decoded.faults {
        problems.push(Problem {
            hint: fault.hint,
            ..Problem::new(place(fault.origin, sets), fault.message)
        });
    }
    let Some(mut resolved) = decoded.value else {
        return Err(Problems::new(file, text, problems));
    };
    let path = FilePath::new(file);
    settle(
        &mut resolved,
        &path.file_stem().map_or(file.into(), |s| s.to_string_lossy()),
    );
    let folder = path.parent().unwrap_or(FilePath::new(""));
    let mut context = Context::new(&resolved, (&tree, sets), &decoded.pruned, declared, folder);
    let plan = context.plan();
    problems.append(&mut context.problems);
    let (read, traces) = (std::mem::take(&mut context.read), std::mem::take(&mut context.traces));
    match plan {
        Some(mut plan) if problems.is_empty() => {
            plan.digest = digest(&resolved, &read);
            plan.warnings
                .extend(nulls.iter().filter_map(|entry| emptied(entry, text)));
            Ok(Loaded {
                plan,
                resolved,
                tree,
                file: file.to_owned(),
                traces,
                sets: sets.to_vec(),
            })
        }
        _ => Err(Problems::new(file, text, problems)),
    }
}

/// The warning for a key with an empty value; none if null was typed. In YAML, a section whose content is all commented
/// out becomes null unintentionally.
fn emptied(entry: &Entry, text: &str) -> Option<String> {
    let Origin::File(spot) = entry.value.origin else {
        return None;
    };
    let line = text.lines().nth(spot.line as usize - 1).unwrap_or_default();
    let rest: String = line.chars().skip(spot.column as usize - 1).collect();
    let typed = rest.starts_with('~') || rest.to_lowercase().starts_with("null");
    let Origin::File(key) = entry.origin else { return None };
    let said = format!(
        "line {}: \"{}\" is empty and counts for nothing; give it a value, or write null if none is meant",
        key.line, entry.key
    );
    (!typed).then_some(said)
}

fn parse(file: &str, text: &str, problems: &mut Vec<Problem>) -> Result<Tree, Problem> {
    if text.len() > limits::FILE_BYTES {
        let message = format!(
            "larger than {} MiB, which is the limit of a scenario",
            limits::FILE_BYTES >> 20
        );
        return Err(Problem::new(Place::File, message));
    }
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Err(Problem::new(Place::File, "the file is empty"));
    }
    if is_yaml(file, text) {
        yaml::parse(text, problems)
    } else {
        json::parse(text, problems)
    }
}

/// A scenario is an object, which in JSON begins with a brace. That decides where the name does not, as with a pipe.
fn is_yaml(file: &str, text: &str) -> bool {
    let lower = file.to_lowercase();
    let named = |endings: &[&str]| endings.iter().any(|e| lower.ends_with(e));
    let begins_with_brace = || text.trim_start_matches('\u{feff}').trim_start().starts_with('{');
    named(&[".yaml", ".yml"]) || !named(&[".json"]) && !begins_with_brace()
}

/// All names declared in the file, including those of invalid parts, so that none is reported as unknown.
fn declared(tree: &Tree) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for key in ["hosts", "zones", "nodes", "common_causes"] {
        names.extend(tree.get(key).into_iter().flat_map(Tree::keys).map(str::to_owned));
    }
    for key in ["hosts", "nodes"] {
        let Some(Value::Object(entries)) = tree.get(key).map(|t| &t.value) else {
            continue;
        };
        for entry in entries {
            names.extend(
                entry
                    .value
                    .get("members")
                    .into_iter()
                    .flat_map(Tree::keys)
                    .map(str::to_owned),
            );
            names.extend(entry.value.get("zone").and_then(Tree::text).map(str::to_owned));
        }
    }
    names
}

/// Equal exactly if all values in force are equal. Layout, comments and explicit defaults make no difference.
fn digest(resolved: &Scenario, read: &[u8]) -> String {
    let json = serde_json::to_string(resolved).unwrap_or_default();
    let hash = |seed: u64| {
        let words = json.as_bytes().chunks(8).chain(read.chunks(8)).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        words.fold(mix(seed, json.len() as u64), mix)
    };
    format!("{:016x}{:016x}", hash(label("scenario")), hash(label("digest")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In YAML, a section whose content is all commented out is warned of; a typed `null` is not.
    #[test]
    fn an_emptied_section_is_warned_of() {
        let text = |check: &str| {
            format!(
                "clients: {{ b: {{ arrivals: {{ poisson: 1 }}, entry: lb }} }}\nnodes:\n  lb:\n    kind: load-balancer\n    servers: [a, b]\n    check:{check}\n  a: {{ kind: app }}\n  b: {{ kind: app }}\n"
            )
        };
        let warnings = |check: &str| {
            let loaded = load_text("x.yaml", &text(check), &[]).unwrap_or_else(|problems| panic!("{problems}"));
            loaded.plan.warnings
        };
        let said = "line 6: \"check\" is empty and counts for nothing; give it a value, or write null if none is meant";
        assert_eq!(warnings(""), [said]);
        assert_eq!(warnings("  # { inter: 1s }"), [said]);
        for typed in [" null", " ~", " {}", " { inter: 1s }"] {
            assert_eq!(warnings(typed), Vec::<String>::new(), "{typed}");
        }
    }
}
