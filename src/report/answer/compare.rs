//! The conclusions of `compare`: how the promises fared, each pair in one sentence, and which design to take.

use super::run::{all_keep, apart, found_in_each, which};
use super::{Conclusions, MOST};
use crate::analysis::compare::{Compare, Difference};
use crate::report::compare::{loads, sentence, unlike};
use crate::report::document::{Point, Span, Tone};
use crate::report::view::RunView;

/// How many pairs a first page can carry.
const MOST_PAIRS: usize = 6;

/// Below this utilisation nobody waits for long.
const LIGHT: f64 = 0.3;

/// With fewer replications than this, most differences do not show.
const FEW: u32 = 5;

/// What a `compare` result says. Promises decide; between designs that keep equally many, the measured differences do.
pub fn conclusions(compare: &Compare, views: &[RunView<'_>]) -> Conclusions {
    let (promised, all_keep) = (which(views), all_keep(views));
    let few = views.iter().any(|v| v.replications < FEW);
    let advice = |pair: &[Difference], tone: Tone| match (&promised, all_keep) {
        (None, _) => Some(between(pair, tone, few)),
        (Some(_), true) => beyond(pair, tone),
        (Some(_), false) => None,
    };
    let (most, mut found) = match &promised {
        Some(_) => (MOST, found_in_each(views)),
        None => (MOST_PAIRS, Vec::new()),
    };
    let loads = loads(compare);
    found.splice(0..0, unlike(compare).map(|says| Span::new(Tone::Caution, says)));
    let mut to_do: Vec<Span> = promised.iter().cloned().collect();
    let mut any_differs = false;
    for pair in compare.pairs().into_iter().take(most) {
        let said = sentence(pair, &loads);
        let (a, b, tone) = (&pair[0].a, &pair[0].b, tone(&said));
        any_differs |= matches!(tone, Tone::Good | Tone::Bad | Tone::Caution);
        to_do.extend(advice(pair, tone).map(Span::plain));
        found.push(match said.body.starts_with(b.as_str()) {
            true if compare.pairs().len() > 1 => Span::new(tone, format!("Against {a}, {}", said.body)),
            true => Span::new(tone, said.body),
            false => Span::new(tone, format!("{b} against {a}: {}", said.body)),
        });
    }
    to_do.extend(at_light_load(views).filter(|_| !any_differs).map(Span::plain));
    Conclusions {
        found,
        to_do,
        ..Conclusions::default()
    }
}

/// Where hardly anybody waits, designs hardly differ.
fn at_light_load(views: &[RunView<'_>]) -> Option<String> {
    let busy = |v: &RunView<'_>| {
        let nodes = v.run.nodes.iter().filter_map(|(_, n)| n.utilization_ratio.value);
        let hosts = v.run.hosts.iter().filter_map(|(_, h)| h.cpu_ratio.value);
        nodes.chain(hosts).reduce(f64::max)
    };
    let most = views.iter().filter_map(busy).reduce(f64::max).filter(|b| *b < LIGHT)?;
    Some(format!(
        "Nothing is busy for more than {most:.0} % of the time, and who does not wait hardly differs: compare near the knee too (`fallover capacity` says where it is).",
        most = (100.0 * most).ceil()
    ))
}

/// Which of two designs is better when both keep their promises.
fn beyond(pair: &[Difference], tone: Tone) -> Option<String> {
    let (a, b) = (apart(&pair[0].a), apart(&pair[0].b));
    match tone {
        Tone::Good => Some(format!("Beyond what was promised {b} is better than {a}.")),
        Tone::Bad => Some(format!("Beyond what was promised {a} is better than {b}.")),
        _ => None,
    }
}

/// Which of two designs to take when they promise nothing.
fn between(pair: &[Difference], tone: Tone, few: bool) -> String {
    let (a, b) = (apart(&pair[0].a), apart(&pair[0].b));
    match tone {
        Tone::Good => format!("Take {b} rather than {a}: nothing shown speaks against it."),
        Tone::Bad => format!("Keep {a} rather than {b}."),
        Tone::Caution => format!("{a} or {b} is a choice between what each does better."),
        _ if few => format!("More replications (`--replications`) would tell whether {a} and {b} differ."),
        _ => format!("Between {a} and {b} choose for other reasons: a difference that matters did not show."),
    }
}

fn tone(said: &Point) -> Tone {
    said.head.first().map_or(Tone::Plain, |span| span.tone)
}
