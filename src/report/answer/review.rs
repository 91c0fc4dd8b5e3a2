//! The conclusions of `review`: how much was found, and the remedies of the worst findings.

use super::{Conclusions, MOST};
use crate::analysis::review::Review;
use crate::report::document::{Span, Tone};
use crate::report::summary::plural;
use crate::scenario::review::Severity;

/// What a `review` result says.
pub fn conclusions(review: &Review) -> Conclusions {
    let critical: Vec<_> = review
        .findings
        .iter()
        .filter(|f| f.severity == Severity::Critical)
        .collect();
    let found = match (critical.len(), review.findings.len()) {
        (_, 0) => Span::new(Tone::Good, "Nothing to say against this design on reading it."),
        (0, n) => Span::plain(format!("Nothing critical; {} below.", plural(n as u32, "finding"))),
        (n, all) => Span::new(
            Tone::Bad,
            format!(
                "{n} critical among {}: each alone can end the service, or open it.",
                plural(all as u32, "finding")
            ),
        ),
    };
    let say = |f: &&crate::scenario::review::Finding| Span::plain(format!("{}: {}", f.component, f.fix));
    Conclusions {
        found: vec![found],
        to_do: critical.iter().take(MOST).map(say).collect(),
        ..Conclusions::default()
    }
}
