//! A handout: one result or several, each as a report with what is needed to reproduce it, under one title.
//!
//! The renderers of pages (`pdf`, `html`) start from here. What they share is decided here.

use super::answer::Conclusions;
use super::chart;
use super::document::{Block, Fact, Report, Span};
use super::headline::numbers;
use super::origin::origin;
use super::pages::MOST_ROWS;
use super::summary::incomplete;
use super::text::{kept_together, quoted};
use super::{availability, findings, pages, spof};
use crate::analysis::result::{Answer, Document};

/// One report, of one result or several.
pub struct Handout<'a> {
    /// What it is about.
    pub title: String,
    /// The date as given by the user; the program never reads a clock.
    pub date: Option<String>,
    /// One for each result.
    pub parts: Vec<Part<'a>>,
}

/// The part about one result.
pub struct Part<'a> {
    /// The result, for its pictures.
    pub document: &'a Document,
    /// Title, subtitle, and the blocks in order of importance.
    pub report: Report,
    /// Why the result is not what was asked for, if it is not.
    pub warning: Option<String>,
    /// How the result was made.
    pub origin: Vec<Fact>,
}

impl<'a> Handout<'a> {
    /// The handout of these results, in this order.
    pub fn of(documents: &'a [Document], date: Option<String>) -> Handout<'a> {
        let parts: Vec<Part<'_>> = documents.iter().map(Part::of).collect();
        let title = match parts.as_slice() {
            [one] => one.report.title.clone(),
            several => format!("{} results", several.len()),
        };
        Handout { title, date, parts }
    }
}

impl<'a> Part<'a> {
    fn of(document: &'a Document) -> Part<'a> {
        let mut report = match &document.answer {
            Answer::Run(_) | Answer::Runs(_) => pages::pages(document),
            Answer::Spof(found) => with_conclusions(spof::report(document, found, MOST_ROWS), document),
            Answer::Availability(found) => with_conclusions(availability::report(document, found, MOST_ROWS), document),
            _ => with_conclusions(findings(document), document),
        };
        let prose = |text: &str| kept_together(&quoted(text));
        for block in &mut report.blocks {
            match block {
                Block::Answer(sentences) => sentences.iter_mut().for_each(|s| s.text = prose(&s.text)),
                Block::Note(sentence) => sentence.text = prose(&sentence.text),
                Block::Point(point) => {
                    point.body = prose(&point.body);
                    point.remedy = prose(&point.remedy);
                }
                _ => {}
            }
        }
        Part {
            document,
            report,
            warning: (!document.envelope.complete).then(|| incomplete(document)),
            origin: origin(document),
        }
    }
}

/// The conclusions, the main picture and the facts behind it; then the other pictures, and the rest.
fn with_conclusions(mut report: Report, document: &Document) -> Report {
    let mut pictures = chart::dashboard_of(document).concat().into_iter().map(Block::Picture);
    let numbers = numbers(document);
    let numbers = (!numbers.is_empty()).then_some(Block::Numbers(numbers));
    let mut blocks = Conclusions::of(document).blocks(numbers.into_iter().collect());
    blocks.extend(pictures.next());
    let facts = report
        .blocks
        .iter()
        .take_while(|block| matches!(block, Block::Facts(_)));
    let facts = facts.count();
    blocks.extend(report.blocks.drain(..facts));
    blocks.extend(pictures);
    if let Answer::Compare(_) = document.answer {
        // The sentences about the pairs are already among the conclusions.
        report.blocks.retain(|block| !matches!(block, Block::Point(_)));
    }
    blocks.append(&mut report.blocks);
    Report { blocks, ..report }
}

/// A result's entry in the table of contents: the question, the warning or the first finding, the first advice.
pub(super) fn gist(part: &Part<'_>) -> Vec<(&'static str, String)> {
    let said = Conclusions::of(part.document);
    let first = |sentences: &[Span]| sentences.first().map(|s| quoted(&s.text));
    // A table of contents has no numbers below it.
    let warning = part
        .warning
        .as_ref()
        .map(|w| w.replace("the numbers below", "the numbers"));
    let found = warning.or_else(|| first(&said.found));
    let lines = [
        ("Asked", Some(quoted(&said.asked))),
        ("Found", found.or_else(|| Some(part.report.subtitle.clone()))),
        ("To do", first(&said.to_do)),
    ];
    lines
        .into_iter()
        .filter_map(|(what, text)| Some((what, text?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contents_point_to_no_numbers_below() {
        let text = include_str!("../../tests/data/results/spof.json");
        let document = Document::read(text).expect("is a result");
        let part = Part::of(&document);
        assert!(part.warning.as_ref().is_some_and(|w| w.contains("numbers below")));
        let says: Vec<String> = gist(&part).into_iter().map(|(_, text)| text).collect();
        assert!(
            says[1].starts_with("INCOMPLETE") && !says[1].contains("below"),
            "{says:?}"
        );
    }
}
