//! The conclusions of `compare`: each pair in one sentence, and which to take.

use super::Conclusions;
use crate::analysis::compare::Compare;
use crate::report::compare::{pairs, sentence};
use crate::report::document::{Point, Span, Tone};

/// How many pairs a first page can carry.
const MOST_PAIRS: usize = 6;

/// What a `compare` result says.
pub fn conclusions(compare: &Compare) -> Conclusions {
    let mut conclusions = Conclusions::default();
    for pair in pairs(compare).into_iter().take(MOST_PAIRS) {
        let said = sentence(pair);
        let (a, b) = (&pair[0].a, &pair[0].b);
        let to_do = match tone(&said) {
            Tone::Good => format!("Take {b} rather than {a}: nothing shown speaks against it."),
            Tone::Bad => format!("Keep {a} rather than {b}."),
            Tone::Caution => format!("{a} or {b} is a choice between what each does better."),
            _ => format!("Between {a} and {b} choose for other reasons: a difference that matters did not show."),
        };
        let found = match said.body.starts_with(b.as_str()) {
            true => said.body.clone(),
            false => format!("{b} against {a}: {}", said.body),
        };
        conclusions.found.push(Span::new(tone(&said), found));
        conclusions.to_do.push(Span::plain(to_do));
    }
    conclusions
}

fn tone(said: &Point) -> Tone {
    said.head.first().map_or(Tone::Plain, |span| span.tone)
}
