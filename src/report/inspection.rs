//! The reports of `validate` and `explain`, for pages. A terminal has its own: one line for each file, or for each
//! value.

use super::document::{Block, Column, Point, Report, Span, Table, Tone};
use super::summary::plural;
use crate::analysis::inspection::{Checked, Explanation, Validation};
use crate::analysis::result::Document;
use serde_json::Value;

/// Whether the files are valid, and what is wrong with each.
pub fn validation(found: &Validation) -> Report {
    let row = |file: &Checked| {
        let (tone, verdict) = verdict(file);
        vec![Span::plain(file.file.as_str()), Span::new(tone, verdict)]
    };
    let table = Table {
        columns: vec![Column::left("file"), Column::left("")],
        rows: found.files.iter().map(row).collect(),
        footnote: String::new(),
    };
    let mut blocks = vec![Block::Table(table)];
    for file in &found.files {
        let said = |tone: Tone, says: &String| {
            Block::Point(Point {
                head: vec![Span::new(tone, file.file.as_str())],
                body: says.clone(),
                remedy: String::new(),
            })
        };
        blocks.extend(file.problems.iter().map(|p| said(Tone::Bad, p)));
        blocks.extend(file.warnings.iter().map(|w| said(Tone::Caution, w)));
    }
    Report {
        title: "Is the file right?".into(),
        subtitle: right_of(found),
        blocks,
    }
}

/// `1 of 2 files is right`.
pub fn right_of(found: &Validation) -> String {
    let right = found.files.iter().filter(|f| f.ok).count();
    let verb = if right == 1 { "is" } else { "are" };
    format!("{right} of {} {verb} right", plural(found.files.len() as u32, "file"))
}

/// `OK (7 nodes, 5 hosts, 0 warnings)` or `2 problems`, in the style of `haproxy -c`.
pub fn verdict(file: &Checked) -> (Tone, String) {
    match file.ok {
        true => {
            let warnings = plural(file.warnings.len() as u32, "warning");
            let (nodes, hosts) = (plural(file.nodes, "node"), plural(file.hosts, "host"));
            (Tone::Good, format!("OK ({nodes}, {hosts}, {warnings})"))
        }
        false => (Tone::Bad, plural(file.problems.len() as u32, "problem")),
    }
}

/// Every value in force.
pub fn explanation(document: &Document, found: &Explanation) -> Report {
    let row = |s: &crate::analysis::inspection::Explained| {
        let tone = if s.is_typed() { Tone::Plain } else { Tone::Quiet };
        [s.path.clone(), shown(&s.value), s.source.clone()]
            .map(|text| Span::new(tone, text))
            .to_vec()
    };
    let table = Table {
        columns: ["setting", "value", "from"].map(Column::left).to_vec(),
        rows: found.settings.iter().map(row).collect(),
        footnote: String::new(),
    };
    let notes = found
        .warnings
        .iter()
        .map(|w| Block::Note(Span::new(Tone::Caution, w.as_str())));
    Report {
        title: document.envelope.scenario.name.clone(),
        subtitle: typed_of(found),
        blocks: notes.chain([Block::Table(table)]).collect(),
    }
}

/// How many values were set explicitly.
pub fn typed_of(found: &Explanation) -> String {
    let typed = found.settings.iter().filter(|s| s.is_typed()).count();
    let all = plural(found.settings.len() as u32, "value");
    format!("{all} in force: {typed} typed, the others defaults")
}

/// Strings without quotes, `none` for a missing value, anything else as JSON.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "[]".into(),
        other => other.to_string(),
    }
}
