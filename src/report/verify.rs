//! The report of `verify`: the verdict, then a table for each group: the measured values next to the expected ones.

use super::document::{Block, Column, Fact, Report, Span, Table, Tone};
use super::summary::{plural, seed};
use super::units::NOTHING;
use crate::analysis::result::{Document, Estimate};
use crate::analysis::verify::{Check, Verification};

/// The report for a reader.
pub fn report(document: &Document, found: &Verification) -> Report {
    let missed = found.checks.iter().filter(|c| !c.passed).count();
    let verdict = match missed {
        0 => Span::new(Tone::Good, format!("all {} checks hold", found.checks.len())),
        n => Span::new(
            Tone::Bad,
            format!("{n} of {} checks do not hold: please report this", found.checks.len()),
        ),
    };
    let mut blocks = vec![Block::Facts(vec![Fact::new("Verdict", vec![verdict])])];
    let (theory, exact): (Vec<&Check>, Vec<&Check>) = found.checks.iter().partition(|c| c.theory.is_some());
    blocks.push(Block::Table(against_theory(&theory)));
    blocks.push(Block::Table(to_the_letter(&exact)));
    Report {
        title: "Is this program right on this machine?".into(),
        subtitle: format!(
            "fallover {}, {}, {}",
            document.engine.version,
            seed(document),
            plural(document.engine.threads as u32, "thread")
        ),
        blocks,
    }
}

fn mark(check: &Check) -> Span {
    match check.passed {
        true => Span::new(Tone::Good, "✓"),
        false => Span::new(Tone::Bad, "✗ MISSED"),
    }
}

fn against_theory(checks: &[&Check]) -> Table {
    let row = |check: &&Check| {
        vec![
            mark(check),
            Span::plain(check.what.as_str()),
            Span::plain(check.theory.map_or(NOTHING.into(), |t| format!("{t:.5}"))),
            Span::plain(check.simulated.as_ref().map_or(NOTHING.into(), simulated)),
            Span::plain(check.z.map_or(NOTHING.into(), |z| format!("{z:+.1}"))),
        ]
    };
    Table {
        columns: vec![
            Column::left(""),
            Column::left("against theory"),
            Column::right("theory"),
            Column::right("simulated"),
            Column::right("z"),
        ],
        rows: checks.iter().map(row).collect(),
        footnote: "z: the difference in standard errors; times in seconds".into(),
    }
}

fn simulated(estimate: &Estimate) -> String {
    match (estimate.value, estimate.hi) {
        (Some(value), Some(hi)) => format!("{value:.5} ± {:.5}", hi - value),
        (Some(value), None) => format!("{value:.5}"),
        _ => NOTHING.into(),
    }
}

fn to_the_letter(checks: &[&Check]) -> Table {
    let row = |check: &&Check| {
        vec![
            mark(check),
            Span::new(Tone::Quiet, check.group.as_str()),
            Span::plain(check.what.as_str()),
            Span::plain(check.detail.as_str()),
        ]
    };
    Table {
        columns: vec![
            Column::left(""),
            Column::left("to the letter"),
            Column::left(""),
            Column::left("compared"),
        ],
        rows: checks.iter().map(row).collect(),
        footnote: String::new(),
    }
}
