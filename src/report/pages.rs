//! The report of `run` for a page that is handed on: complete where the terminal's is short, with pictures between.

use super::answer::Conclusions;
use super::busy::{hosts, nodes};
use super::chart::Name;
use super::document::{Block, Column, Number, Report, Span, Table, Tone};
use super::summary::{causes_of_each, caveats, details, latencies, objective, objectives, scenarios, subtitle};
use super::units;
use super::view::{RunView, runs};
use crate::analysis::result::{Document, Happening, Metrics, SloResult};

/// A page carries all there is.
const ALL: usize = usize::MAX;
/// The log of a run that flaps is long, and after so many lines nobody reads on.
const MOST_EVENTS: usize = 100;

/// The report of a `run`, of one scenario or of several.
pub fn pages(document: &Document) -> Report {
    let runs = runs(document);
    let (title, between, rest) = match runs.as_slice() {
        [one] if one.replications == 0 => (one.name.to_owned(), Vec::new(), Vec::new()),
        [one] => (
            one.name.to_owned(),
            vec![Block::Numbers(numbers(one))],
            one_scenario(one),
        ),
        several => (
            format!("{} scenarios", several.len()),
            Vec::new(),
            several_scenarios(several),
        ),
    };
    let mut blocks = Conclusions::of(document).blocks(between);
    blocks.extend(rest);
    let notes = caveats(document, &runs, ALL);
    if !notes.is_empty() {
        blocks.push(Block::Heading("What to bear in mind".into()));
        blocks.extend(notes);
    }
    Report {
        title,
        subtitle: subtitle(document),
        blocks,
    }
}

fn one_scenario(view: &RunView<'_>) -> Vec<Block> {
    let run = view.run;
    let mut blocks = vec![Block::Picture(Name::Timeline)];
    if !run.slo.is_empty() {
        blocks.push(Block::Heading("What was promised".into()));
        blocks.push(Block::Table(objectives(view, ALL)));
    }
    blocks.push(Block::Picture(Name::Latency));
    if run.metrics.requests.succeeded > 0 {
        blocks.push(Block::Table(latencies(&run.metrics, &run.classes, ALL)));
    }
    let details = details(&run.metrics);
    if !details.is_empty() {
        blocks.push(Block::Heading("What became of the requests".into()));
        blocks.push(Block::Facts(details));
    }
    let tables = [nodes(&run.nodes, ALL), hosts(&run.hosts, ALL)];
    let tables = tables
        .into_iter()
        .filter(|t| !view.is_empty() && !t.rows.is_empty() && t.columns.len() > 1);
    let tables: Vec<Block> = tables.map(Block::Table).collect();
    if !tables.is_empty() {
        blocks.push(Block::Heading("Who was busy".into()));
        blocks.extend(tables);
    }
    blocks.extend(log(view));
    blocks
}

fn several_scenarios(views: &[RunView<'_>]) -> Vec<Block> {
    let mut blocks = vec![
        Block::Table(scenarios(views, ALL)),
        Block::Picture(Name::Timeline),
        Block::Picture(Name::Latency),
    ];
    let causes = causes_of_each(views, ALL);
    if !causes.is_empty() {
        blocks.push(Block::Heading("Failed by cause".into()));
        blocks.push(Block::Facts(causes));
    }
    blocks
}

/// What happened when, of the first replication.
fn log(view: &RunView<'_>) -> Vec<Block> {
    let events = &view.run.events;
    if events.is_empty() {
        return Vec::new();
    }
    let row = |e: &Happening| {
        vec![
            Span::plain(units::clock(e.at_s)),
            Span::plain(&*e.target),
            Span::plain(&*e.what),
        ]
    };
    let table = Table {
        columns: vec![Column::right("at"), Column::left("component"), Column::left("what")],
        rows: events.iter().take(MOST_EVENTS).map(row).collect(),
        footnote: match events.len().checked_sub(MOST_EVENTS).filter(|more| *more > 0) {
            Some(more) => format!("… and {} more events in the JSON result", units::count(more as u64)),
            None => "of the first replication".into(),
        },
    };
    vec![Block::Heading("What happened when".into()), Block::Table(table)]
}

/// The numbers that matter, each beside what was promised of it.
pub fn numbers(view: &RunView<'_>) -> Vec<Number> {
    let Metrics {
        requests,
        availability,
        throughput_per_s,
        latency_s,
        ..
    } = &view.run.metrics;
    let promise = |name: &str| view.run.slo.iter().find(|s| s.objective == name);
    let number = |name, value, slo: Option<&SloResult>, otherwise: String| Number {
        name,
        value,
        note: slo.map_or(Span::new(Tone::Quiet, otherwise), |s| match s.met {
            _ if view.is_empty() => Span::new(Tone::Quiet, format!("not measured against {}", objective(s).0)),
            true => Span::new(Tone::Good, format!("✓ {}", objective(s).0)),
            false => Span::new(Tone::Bad, format!("✗ missed {}", objective(s).0)),
        }),
    };
    let failed = format!("of {} requests", units::count(requests.offered));
    let nines = availability.value.and_then(units::nines);
    let nines = nines.or_else(|| units::at_least(availability)).unwrap_or_default();
    let (available, answered) = (
        units::percent_estimate(availability),
        units::rate_estimate(throughput_per_s),
    );
    let (p50, p99) = (
        units::latency_estimate(&latency_s.p50),
        units::latency_estimate(&latency_s.p99),
    );
    vec![
        number("Available", available, promise("availability"), nines),
        number("Failed", units::count(requests.failed), None, failed),
        number("Answered", answered, None, "requests per second".into()),
        number("Latency, median", p50, promise("p50"), String::new()),
        number("Latency, p99", p99, promise("p99"), String::new()),
    ]
}
