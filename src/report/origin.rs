//! What is needed to reproduce a result: the scenario's digest, the program, and the command.

use super::document::{Fact, Span};
use super::units;
use super::view::runs;
use crate::analysis::result::{Answer, Document};

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

/// The command that makes it again from the same files.
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
    words.extend(envelope.options.iter().map(|word| quoted(word)));
    if let Answer::Sweep(found) = &document.answer {
        words.extend(found.shard.map(|shard| format!("--shard {}/{}", shard.index, shard.of)));
    }
    words.extend(envelope.seed.map(|seed| format!("--seed {seed}")));
    // Default counts may change with the program, so counts are spelled out. The number of batches was typed, or is the
    // default.
    let counts = |word: &String| ["--replications", "--precision", "--batch-means"].contains(&word.as_str());
    let is_counted = envelope.seed.is_some() && !matches!(document.answer, Answer::Verify(_));
    if is_counted && !envelope.options.iter().any(counts) {
        words.push(format!("--replications {}", envelope.replications));
    }
    words.join(" ")
}

/// A word that a shell takes literally.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "=.,:/_-+%@".contains(c);
    match word.chars().all(is_plain) && !word.is_empty() {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
