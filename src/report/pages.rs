//! The report of `run` for a page that is passed on: complete where the terminal's is short, with pictures in between.

use super::answer::Conclusions;
use super::busy::{hosts, nodes};
use super::chart::Name;
use super::document::{Block, Column, Report, Span, Table};
use super::headline::numbers;
use super::summary::{causes_of_each, caveats, details, lags, latencies, objectives, scenarios, subtitle};
use super::units;
use super::view::{RunView, runs};
use crate::analysis::result::{Document, Happening};

/// A page holds more rows than a screen, but nobody reads a hundred pages of them. Longer lists say how many rows are
/// left out.
pub(super) const MOST_ROWS: usize = 250;
/// The log of a flapping run is long, and nobody reads more lines than this.
const MOST_EVENTS: usize = 100;

/// The report of a `run`, of one scenario or of several.
pub fn pages(document: &Document) -> Report {
    let runs = runs(document);
    let (title, between, rest) = match runs.as_slice() {
        [one] if one.replications == 0 => (one.name.to_owned(), Vec::new(), Vec::new()),
        [one] => (
            one.name.to_owned(),
            vec![Block::Numbers(numbers(document))],
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
    let notes = caveats(document, &runs, MOST_ROWS);
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
    let mut blocks = vec![Block::Picture(Name::Topology), Block::Picture(Name::Timeline)];
    if !run.slo.is_empty() {
        blocks.push(Block::Heading("What was promised".into()));
        blocks.push(Block::Table(objectives(view, MOST_ROWS)));
    }
    blocks.push(Block::Picture(Name::Latency));
    if run.metrics.requests.succeeded > 0 {
        blocks.push(Block::Table(latencies(&run.metrics, &run.classes, MOST_ROWS)));
    }
    blocks.push(Block::Picture(Name::Waterfall));
    let mut details = details(&run.metrics);
    details.extend(lags(run, MOST_ROWS));
    if !details.is_empty() {
        blocks.push(Block::Heading("What became of the requests".into()));
        blocks.push(Block::Facts(details));
    }
    let tables = [nodes(&run.nodes, MOST_ROWS), hosts(&run.hosts, MOST_ROWS)];
    let tables = tables
        .into_iter()
        .filter(|t| !view.is_empty() && !t.rows.is_empty() && t.columns.len() > 1);
    let tables: Vec<Block> = tables.map(Block::Table).collect();
    if !tables.is_empty() {
        blocks.push(Block::Picture(Name::Utilization));
        blocks.push(Block::Heading("Who was busy".into()));
        blocks.extend(tables);
    }
    blocks.extend(log(view));
    blocks
}

fn several_scenarios(views: &[RunView<'_>]) -> Vec<Block> {
    let mut blocks = vec![
        Block::Table(scenarios(views, MOST_ROWS)),
        Block::Picture(Name::Timeline),
        Block::Picture(Name::Latency),
        Block::Picture(Name::Nines),
    ];
    let causes = causes_of_each(views, MOST_ROWS);
    if !causes.is_empty() {
        blocks.push(Block::Heading("Failed by cause".into()));
        blocks.push(Block::Facts(causes));
    }
    blocks
}

/// The events of the first replication.
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
