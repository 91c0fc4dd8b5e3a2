//! What a decision-maker reads first: what was asked, what was found, and what to do about it, in sentences.
//!
//! Every sentence is read off the result. None passes a judgement that the numbers below it do not show.

mod asked;
mod availability;
mod capacity;
mod compare;
mod review;
mod room;
mod run;
mod spof;
mod sweep;

use super::document::{Block, Span};
use super::headline::never_failing;
use super::view::runs;
use crate::analysis::result::{Answer, Document};

pub use spof::{costliest, loses_much, worst_survived};

/// How many sentences of one kind fit on a first page.
const MOST: usize = 3;

/// What was asked, what was found, and what to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conclusions {
    /// The question.
    pub asked: String,
    /// The most important first.
    pub found: Vec<Span>,
    /// What the result suggests; may be empty.
    pub to_do: Vec<Span>,
}

impl Conclusions {
    /// The conclusions of a result of any command. A new analysis adds its sentences here.
    pub fn of(document: &Document) -> Conclusions {
        let conclusions = match &document.answer {
            Answer::Run(_) | Answer::Runs(_) => run::conclusions(&runs(document), &document.caveats),
            Answer::Spof(found) => spof::conclusions(found, document.envelope.complete),
            Answer::Availability(found) => availability::conclusions(found, never_failing(document)),
            Answer::Review(found) => review::conclusions(found),
            Answer::Compare(found) => compare::conclusions(found, &runs(document)),
            Answer::Capacity(found) => {
                let faults_act = document.caveats.iter().any(|c| c.code == "load.faults");
                capacity::conclusions(found, document.envelope.complete, faults_act)
            }
            Answer::Sweep(found) => sweep::conclusions(found, document.envelope.complete),
            // Their reports begin with the verdict.
            Answer::Verify(_) | Answer::Validate(_) | Answer::Explain(_) => Conclusions::default(),
        };
        Conclusions {
            asked: asked::asked(document),
            ..conclusions
        }
    }

    /// The blocks of a page, with `between` between the findings and the advice.
    pub fn blocks(self, between: Vec<Block>) -> Vec<Block> {
        let under = |heading: &str, sentences: Vec<Span>| match sentences.is_empty() {
            true => Vec::new(),
            false => vec![Block::Heading(heading.into()), Block::Answer(sentences)],
        };
        let mut blocks = under("What was asked", vec![Span::plain(self.asked)]);
        blocks.extend(under("What was found", self.found));
        blocks.extend(between);
        blocks.extend(under("What to do", self.to_do));
        blocks
    }
}
