//! What it takes to make a result again: the scenario by its digest, the program, and the command.

use super::document::{Fact, Span};
use super::units;
use super::view::runs;
use crate::analysis::compare::Compare;
use crate::analysis::result::{Answer, Document};
use crate::analysis::sweep::{Input, Sweep};

/// Facts for the end of a page.
pub fn origin(document: &Document) -> Vec<Fact> {
    let envelope = &document.envelope;
    let one = |text: String| vec![Span::plain(text)];
    let mut facts = Vec::new();
    match &document.answer {
        Answer::Runs(several) => {
            let each = several.runs.iter().map(|r| &r.scenario);
            let each = each.map(|s| Span::plain(format!("{} (digest {})", s.name, s.digest)));
            facts.push(Fact::new("Scenarios", each.collect()));
        }
        _ => {
            facts.push(Fact::new("Scenario", one(envelope.scenario.name.clone())));
            facts.push(Fact::new("Digest", one(envelope.scenario.digest.clone())));
        }
    }
    if envelope.seed.is_some() {
        let each = units::span(envelope.duration_s);
        let simulated = format!("{} × {each}", envelope.replications);
        facts.push(Fact::new("Simulated", one(simulated)));
    }
    facts.extend(envelope.seed.map(|seed| Fact::new("Seed", one(seed.to_string()))));
    let program = format!("fallover {}", document.engine.version);
    facts.push(Fact::new("Program", one(program)));
    facts.push(Fact::new("Command", one(command(document))));
    facts
}

/// The command, as far as the result knows it; what `--set` changed is part of the scenario and of its digest.
fn command(document: &Document) -> String {
    let envelope = &document.envelope;
    let scenarios = match &document.answer {
        Answer::Compare(found) if found.changes.iter().any(|(_, sets)| !sets.is_empty()) => 1,
        Answer::Verify(_) => 0,
        Answer::Validate(found) => found.files.len(),
        _ => runs(document).len().max(1),
    };
    let mut words = vec!["fallover".to_owned(), envelope.command.clone()];
    words.extend(std::iter::repeat_n("SCENARIO".to_owned(), scenarios));
    match &document.answer {
        Answer::Compare(found) => words.extend(designs(found)),
        Answer::Sweep(found) => words.extend(inputs(found)),
        Answer::Availability(found) => words.push(format!("--horizon {}s", found.horizon_s)),
        Answer::Capacity(found) => {
            let sizes = found
                .sizing
                .iter()
                .filter_map(|s| Some((s, s.sizes.first()?, s.sizes.last()?)));
            words.extend(sizes.map(|(s, from, to)| {
                format!(
                    "--replicas {}",
                    quoted(&format!("{}={}..{}", s.of, from.replicas, to.replicas))
                )
            }));
        }
        _ => {}
    }
    if let Some(seed) = envelope.seed {
        words.push(format!("--seed {seed} --replications {}", envelope.replications));
    }
    words.join(" ")
}

/// A design for each that is no file of its own. One alone is compared with the scenario as it stands.
fn designs(found: &Compare) -> Vec<String> {
    let changed = found.changes.iter().filter(|(_, sets)| !sets.is_empty());
    changed
        .map(|(label, sets)| format!("--with {}", quoted(&format!("{label}: {}", sets.join("; ")))))
        .collect()
}

fn inputs(found: &Sweep) -> Vec<String> {
    let values = |input: &Input| match &input.range {
        Some([from, to]) => format!("{from}..{to}"),
        None => input.values.join(","),
    };
    let vary = |input: &Input| format!("--vary {}", quoted(&format!("{}={}", input.path, values(input))));
    let mut words: Vec<String> = found.inputs.iter().map(vary).collect();
    if let Some(sensitivity) = &found.sensitivity {
        words.push(format!("--sensitivity --samples {}", sensitivity.samples));
        words.extend(
            sensitivity
                .metrics
                .iter()
                .map(|m| format!("--output-metric {}", quoted(m))),
        );
    }
    words.extend(found.shard.map(|shard| format!("--shard {}/{}", shard.index, shard.of)));
    words
}

/// A word that a shell takes as it stands.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "=.,:/_-+%@".contains(c);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
