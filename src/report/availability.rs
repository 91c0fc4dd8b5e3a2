//! The report of `availability`: first the number, then what costs most, then the basis of the estimate.

use super::document::{Block, Column, Fact, Report, Span, Table, Tone};
use super::summary::{caveats, plural, seed};
use super::units::{self, NOTHING};
use crate::analysis::availability::{Availability, ClassAvailability};
use crate::analysis::result::{Document, Estimate};

/// How many causes fit a screen.
pub const MOST_ROWS: usize = 20;
const YEAR_S: f64 = 365.0 * 86_400.0;

/// The report of an `availability` document, with at most `most` causes.
pub fn report(document: &Document, found: &Availability, most: usize) -> Report {
    let mut blocks = vec![Block::Facts(facts(found))];
    if found.classes.iter().count() > 1 {
        blocks.push(Block::Table(classes(found)));
    }
    blocks.push(Block::Heading("What costs it".into()));
    blocks.push(Block::Table(causes(found, most)));
    blocks.extend(caveats(document, &[], usize::MAX));
    Report {
        title: format!("{}: how available?", document.envelope.scenario.name),
        subtitle: format!(
            "{} of {}, {} each, {}",
            units::span(found.horizon_s),
            plural(found.states.simulated as u32, "state"),
            plural(document.envelope.replications, "replication"),
            seed(document)
        ),
        blocks,
    }
}

fn facts(found: &Availability) -> Vec<Fact> {
    let mut says = vec![Span::new(Tone::Strong, units::percent_estimate(&found.availability))];
    says.extend(found.availability.value.and_then(units::nines).map(Span::plain));
    let mut all = vec![
        Fact::new("Availability", says),
        Fact::plain("Lost a year", units::minutes_estimate(&found.downtime_min_per_year)),
    ];
    if let Some(structural) = found.structural {
        let lost = units::minutes((1.0 - structural) * YEAR_S / 60.0);
        let says = format!(
            "{}, {lost} a year: exact, load and fail-overs left out",
            units::percent(structural)
        );
        all.push(Fact::plain("By structure", says));
    }
    all.push(Fact::new(
        "Outages",
        vec![
            Span::plain(outages(found.mtbf_s, found.mttr_s)),
            Span::new(Tone::Quiet, "more than 40 % of the requests lost"),
        ],
    ));
    let p = &found.periods;
    let of = |minutes: f64| units::minutes(minutes);
    let spread = format!("{} to {} a year", of(p.p5_min_per_year), of(p.p95_min_per_year));
    let whose = format!("nine in ten of {} such periods", units::count(u64::from(p.count)));
    all.push(Fact::new(
        "By luck",
        vec![Span::plain(spread), Span::new(Tone::Quiet, whose)],
    ));
    for slo in &found.slo {
        let (tone, says) = match (slo.met, slo.may_be_chance()) {
            (true, true) => (Tone::Caution, "? kept, may be chance"),
            (false, true) => (Tone::Caution, "? missed, may be chance"),
            (true, false) => (Tone::Good, "kept"),
            (false, false) => (Tone::Bad, "MISSED"),
        };
        let what = format!("{} ≥ {}: {says}", slo.objective, units::percent(slo.target));
        all.push(Fact::new("SLO", vec![Span::new(tone, what)]));
    }
    all
}

/// How often there is an outage, and how long it lasts.
fn outages(mtbf_s: Option<f64>, mttr_s: Option<f64>) -> String {
    match mtbf_s.zip(mttr_s) {
        Some((mtbf, mttr)) => format!("every {}, for {}", about(mtbf + mttr), about(mttr)),
        None => "none met that lasts".into(),
    }
}

/// A long duration to two digits.
pub(super) fn about(seconds: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(YEAR_S, "y"), (86_400.0, "d"), (3_600.0, "h"), (60.0, "min")];
    let found = UNITS.iter().find(|(size, _)| seconds >= *size);
    let (size, unit) = found.copied().unwrap_or((1.0, "s"));
    let value = seconds / size;
    let decimals = if value < 10.0 { 1 } else { 0 };
    format!("{} {unit}", units::trimmed(value, decimals))
}

fn classes(found: &Availability) -> Table {
    let row = |(name, class): (&str, &ClassAvailability)| {
        vec![
            Span::new(Tone::Strong, name),
            Span::plain(units::percent_estimate(&class.availability)),
            Span::plain(
                class
                    .availability
                    .value
                    .and_then(units::nines)
                    .map_or(NOTHING.into(), |said| said.trim_end_matches(" nines").to_owned()),
            ),
            Span::plain(units::minutes_estimate(&class.downtime_min_per_year)),
            Span::plain(class.structural.map_or(NOTHING.into(), units::percent)),
            Span::plain(
                class
                    .mtbf_s
                    .zip(class.mttr_s)
                    .map_or(NOTHING.into(), |(up, down)| about(up + down)),
            ),
            Span::plain(class.mttr_s.map_or(NOTHING.into(), about)),
        ]
    };
    Table {
        columns: vec![
            Column::left("class"),
            Column::right("available"),
            Column::right("nines").rank(2),
            Column::right("lost a year"),
            Column::right("by structure").rank(1),
            Column::right("out every").rank(4),
            Column::right("for").rank(3),
        ],
        rows: found.classes.iter().map(row).collect(),
        footnote: String::new(),
    }
}

fn causes(found: &Availability, most: usize) -> Table {
    let total = found.downtime_min_per_year.value.unwrap_or(0.0);
    let part = |e: &Estimate| match e.value {
        Some(v) if total > 0.0 => format!("{:.1} %", 100.0 * v / total),
        _ => NOTHING.into(),
    };
    // A contribution that rounds to zero is left out.
    let matters = |e: &Estimate| e.value.is_some_and(|v| v > 0.0005 * total);
    let shown: Vec<(&str, &Estimate)> = found.by_cause.iter().filter(|(_, e)| matters(e)).collect();
    let row = |(name, minutes): &(&str, &Estimate)| {
        vec![
            Span::new(Tone::Strong, *name),
            Span::plain(units::minutes_estimate(minutes)),
            Span::plain(part(minutes)),
        ]
    };
    let more = found.by_cause.iter().count() - shown.len().min(most);
    let footnote = match more {
        0 => String::new(),
        more => format!("{} in the JSON", plural(more as u32, "smaller cause")),
    };
    Table {
        columns: vec![
            Column::left("cause"),
            Column::right("lost a year"),
            Column::right("of all").rank(1),
        ],
        rows: shown.iter().take(most).map(row).collect(),
        footnote,
    }
}
