//! The presentation of results: text on a terminal, JSON, CSV, and pictures.
//!
//! A result document becomes a format-free [`document::Report`] or a chart; renderers turn those into bytes, and
//! [`sink`] alone writes files. Nothing here simulates, and nothing looks at a node's kind.

pub mod answer;
pub mod availability;
pub mod busy;
pub mod capacity;
pub mod chart;
pub mod compare;
pub mod csv;
pub mod document;
pub mod handout;
pub mod headline;
pub mod html;
pub mod inspection;
pub mod json;
pub mod origin;
pub mod pages;
pub mod pdf;
pub mod periods;
pub mod progress;
pub mod review;
pub mod sink;
pub mod sparkline;
pub mod spof;
pub mod summary;
pub mod sweep;
pub mod swings;
pub mod terminal;
pub mod text;
pub mod timeline;
pub mod units;
pub mod verify;
pub mod view;

use crate::analysis::result::{Answer, Document};
use document::{Block, Span, Tone};

/// The report of a result of any command; it begins by saying whether the result is complete.
pub fn words(document: &Document) -> document::Report {
    let mut report = findings(document);
    if !document.envelope.complete {
        let says = Span::new(Tone::Bad, summary::incomplete(document));
        report.blocks.insert(0, Block::Note(says));
    }
    report
}

/// The findings. A new analysis adds its report here.
fn findings(document: &Document) -> document::Report {
    match &document.answer {
        Answer::Run(_) | Answer::Runs(_) => summary::summary(document),
        Answer::Compare(_) => compare::report(document),
        Answer::Sweep(_) => sweep::report(document),
        Answer::Spof(found) => spof::report(document, found, spof::MOST_ROWS),
        Answer::Capacity(capacity) => capacity::report(document, capacity),
        Answer::Review(_) => review::report(document),
        Answer::Availability(found) => availability::report(document, found, availability::MOST_ROWS),
        Answer::Verify(found) => verify::report(document, found),
        Answer::Validate(found) => inspection::validation(found),
        Answer::Explain(found) => inspection::explanation(document, found),
    }
}
