//! The conclusions of `availability`: the number, the promise, and the most expensive causes.

use super::{Conclusions, MOST};
use crate::analysis::availability::Availability;
use crate::analysis::result::SloResult;
use crate::report::document::{Span, Tone};
use crate::report::units;

/// What an `availability` result says.
///
/// `never_failing` names the components that count as never failing because they have no lifetime.
pub fn conclusions(availability: &Availability, never_failing: Option<&str>) -> Conclusions {
    let nines = availability.availability.value.and_then(units::nines);
    let nines = nines.map_or(String::new(), |n| format!(" ({n})"));
    let mut found = vec![Span::plain(format!(
        "{}{nines} of the requests are answered over {}; {} a year are lost.",
        units::percent_estimate(&availability.availability),
        units::span(availability.horizon_s),
        units::minutes_estimate(&availability.downtime_min_per_year)
    ))];
    found.extend(never_failing.map(|names| {
        let says = format!("That counts as never failing what has no `lifetime`: {names}.");
        Span::new(Tone::Caution, says)
    }));
    for slo in availability.slo.iter().take(2 * MOST) {
        let (tone, verdict) = match (slo.met, slo.may_be_chance()) {
            (true, true) => (
                Tone::Caution,
                "kept, which may be chance: the interval reaches below it",
            ),
            (false, true) => (
                Tone::Caution,
                "missed, which may be chance: the interval reaches above it",
            ),
            (true, false) => (Tone::Good, "kept"),
            (false, false) => (Tone::Bad, "missed"),
        };
        let says = format!(
            "The promise {} ≥ {} is {verdict}.",
            slo.objective,
            units::percent(slo.target)
        );
        found.insert(0, Span::new(tone, says));
    }
    let total = availability.downtime_min_per_year.value.unwrap_or(0.0);
    let causes = availability
        .by_cause
        .iter()
        .filter_map(|(name, e)| Some((name, e.value?)));
    let dear: Vec<(&str, f64)> = causes
        .filter(|(_, m)| *m > 0.01 * total && total > 0.0)
        .take(MOST)
        .collect();
    let say = |(name, minutes): &(&str, f64)| format!("{name} ({:.0} %)", 100.0 * minutes / total);
    let dear: Vec<String> = dear.iter().map(say).collect();
    let mut to_do = Vec::new();
    if !dear.is_empty() {
        found.push(Span::plain(format!("What costs most of it: {}.", dear.join(", "))));
        to_do.push(Span::plain(
            "Begin with what costs most: `fallover spof` tries the changes against each loss and says what each saves.",
        ));
    }
    if availability.slo.iter().any(SloResult::may_be_chance) {
        to_do.insert(
            0,
            Span::plain(
                "More replications (`--replications`), or `--precision 0.1`, would tell whether the promise is kept.",
            ),
        );
    }
    if never_failing.is_some() {
        let says = "Give what is counted as never failing a `lifetime` (`mtbf` and `mttr`), and ask again.";
        to_do.insert(0, Span::plain(says));
    }
    Conclusions {
        found,
        to_do,
        ..Conclusions::default()
    }
}
