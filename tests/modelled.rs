//! Checks `docs/modelled.md`: every row has one of three statuses and names tests that exist, and every feature of the
//! format has a row.
//!
//! Whether a test really covers its row is for people to judge. The lists of required entries come from the product
//! itself.

use std::path::Path;

use fallover::scenario::schema;
use serde_json::Value;

const PAGE: &str = include_str!("../docs/modelled.md");

const STATUSES: [&str; 3] = ["modelled", "approximated", "not modelled"];

/// A row of a table in the document.
struct Row {
    /// Its line on the page, from 1.
    line: usize,
    section: &'static str,
    behaviour: &'static str,
    status: &'static str,
    how: &'static str,
    held_by: &'static str,
}

/// The rows of all sections; the text before the first section is about the page itself.
fn rows() -> Vec<Row> {
    let (mut section, mut rows) = ("", Vec::new());
    for (line, text) in (1..).zip(PAGE.lines()) {
        if let Some(title) = text.strip_prefix("## ") {
            section = title;
        } else if text.starts_with('|') && !section.is_empty() && !is_head(text) {
            rows.push(row(line, section, text));
        }
    }
    assert!(
        rows.len() > 100,
        "docs/modelled.md has only {} rows: put the tables back",
        rows.len()
    );
    rows
}

fn is_head(text: &str) -> bool {
    text.starts_with("|---") || text == "| Behaviour | Status | How | Held by |"
}

fn row(line: usize, section: &'static str, text: &'static str) -> Row {
    let cells: Vec<&str> = text.split('|').map(str::trim).collect();
    let ["", behaviour, status, how, held_by, ""] = cells[..] else {
        panic!("docs/modelled.md:{line}: write the four cells Behaviour, Status, How and Held by, and no | inside one")
    };
    Row {
        line,
        section,
        behaviour,
        status,
        how,
        held_by,
    }
}

/// The text in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Asserts that no row is wrong. `wrong` describes the error in a row, and `advice` the remedy.
#[track_caller]
fn no_row(advice: &str, wrong: impl Fn(&Row) -> Option<String>) {
    let said = |row: Row| Some(format!("docs/modelled.md:{}: {}", row.line, wrong(&row)?));
    let found: Vec<String> = rows().into_iter().filter_map(said).collect();
    assert!(found.is_empty(), "{advice}:\n{}", found.join("\n"));
}

// --- statuses and tests ---------------------------------------------------------------------------------------------

#[test]
fn every_status_is_one_of_three() {
    let advice = "write \"modelled\", \"approximated\" or \"not modelled\" as the status, and how";
    no_row(advice, |row| {
        let known = STATUSES.contains(&row.status) && !row.how.is_empty();
        (!known).then(|| format!("\"{}\", {}", row.status, row.how))
    });
}

#[test]
fn what_is_modelled_names_a_test() {
    let advice = "name a test under Held by, as `file::test_name`; where there is none, write one";
    no_row(advice, |row| {
        let bare = row.status != "not modelled" && quoted(row.held_by).next().is_none();
        bare.then(|| row.behaviour.to_owned())
    });
}

#[test]
fn every_test_that_is_named_exists() {
    let advice = "name a test that exists, as `tests/tiers.rs::name` or `src/model/retry.rs::tests::name`";
    no_row(advice, |row| {
        let problems: Vec<String> = quoted(row.held_by).filter_map(problem).collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    });
}

/// The error in the name of a test, if any.
fn problem(named: &str) -> Option<String> {
    let (Some((file, _)), Some((_, name))) = (named.split_once("::"), named.rsplit_once("::")) else {
        return Some(format!("{named} has no ::"));
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let Ok(text) = std::fs::read_to_string(path) else {
        return Some(format!("there is no file {file}"));
    };
    // A helper of that name tests nothing.
    let is_test = |(at, _): (usize, &str)| text[..at].trim_end().ends_with("#[test]");
    let found = text.match_indices(&format!("fn {name}(")).any(is_test);
    (!found).then(|| format!("there is no test {name} in {file}"))
}

// --- what must be there ---------------------------------------------------------------------------------------------

/// The words of a schema declaration; for nodes, the kinds.
fn words(declaration: &str) -> Vec<String> {
    let schema = serde_json::to_value(schema()).unwrap();
    let choices = schema["$defs"][declaration]["oneOf"].as_array();
    let choices =
        choices.unwrap_or_else(|| panic!("{declaration} is no choice in the schema: name it as it is called now"));
    choices.iter().flat_map(words_of).collect()
}

fn words_of(choice: &Value) -> Vec<String> {
    let text = |word: &Value| word.as_str().expect("a word is text").to_owned();
    match (choice.get("const"), choice.get("enum").and_then(Value::as_array)) {
        (Some(word), _) => vec![text(word)],
        (None, Some(words)) => words.iter().map(text).collect(),
        (None, None) => vec![text(&choice["properties"]["kind"]["const"])],
    }
}

/// Each word must be the behaviour of a row, in backticks; in this section, because Nginx and HAProxy have some words
/// in common.
#[track_caller]
fn are_there(what: &str, section: Option<&str>, words: &[String]) {
    let rows = rows();
    let here = |row: &&Row| section.is_none_or(|section| row.section == section);
    let there: Vec<&str> = rows.iter().filter(here).flat_map(|row| quoted(row.behaviour)).collect();
    let missing: Vec<&String> = words.iter().filter(|w| !there.contains(&w.as_str())).collect();
    assert!(
        missing.is_empty(),
        "add a row to docs/modelled.md, section {}, with the {what} {missing:?} in backticks under Behaviour",
        section.unwrap_or("of your choice")
    );
}

#[test]
fn every_algorithm_is_on_the_page() {
    let (haproxy, nginx) = (words("Algorithm"), words("Balance"));
    assert!(haproxy.len() >= 8 && nginx.len() >= 3, "the lists are in the schema");
    are_there("algorithm", Some("HAProxy balancing algorithms"), &haproxy);
    are_there("algorithm", Some("Nginx upstreams"), &nginx);
}

#[test]
fn every_fault_and_every_kind_of_node_is_on_the_page() {
    let (faults, kinds) = (words("Effect"), words("Node"));
    assert!(faults.len() >= 10 && kinds.len() >= 7, "the lists are in the schema");
    are_there("fault", Some("Faults"), &faults);
    are_there("kind of node", None, &kinds);
}
