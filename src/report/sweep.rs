//! The points of a sweep as a table for a terminal and as CSV, and in words which input moves an output most.

use std::io;

use serde_json::Value;

use super::document::{Block, Column, Report, Span, Table, Tone};
use super::summary::{caveats, judged, plural, seed, unshown};
use super::swings::value_at;
use super::units::{self, NOTHING};
use crate::analysis::result::{Answer, Document, Estimate};
use crate::analysis::sweep::{Output, Point, Sweep};
use crate::scenario::vary::ends;

/// How many points fit a screen.
const MOST_POINTS: usize = 40;

/// The report of a `sweep` document.
pub fn report(document: &Document) -> Report {
    let mut blocks = Vec::new();
    let (mut how, Answer::Sweep(sweep)) = (String::new(), &document.answer) else {
        return Report {
            title: String::new(),
            subtitle: String::new(),
            blocks,
        };
    };
    if let Some(shard) = sweep.shard {
        how = format!(", shard {}/{}", shard.index, shard.of);
    }
    match &sweep.sensitivity {
        Some(sensitivity) => blocks.extend(sensitivity.outputs.iter().flat_map(effects)),
        None => blocks.push(Block::Table(points(sweep))),
    }
    blocks.extend(caveats(document, &[], usize::MAX));
    Report {
        title: format!("{}: what moves it?", document.envelope.scenario.name),
        subtitle: format!(
            "{} × {}, {}{how}",
            plural(sweep.points.len() as u32, "point"),
            plural(document.envelope.replications, "replication"),
            seed(document)
        ),
        blocks,
    }
}

fn points(sweep: &Sweep) -> Table {
    let heads = ends(&sweep.inputs.iter().map(|i| i.path.as_str()).collect::<Vec<_>>(), 2);
    let mut columns: Vec<Column> = heads.into_iter().map(Column::left).collect();
    let metrics = [("available", 0), ("throughput", 1), ("p50", 2), ("p99", 3)];
    columns.extend(metrics.map(|(head, rank)| Column::right(head).rank(rank)));
    let promised = sweep.points.iter().any(|p| p.slo_met.is_some());
    columns.extend(promised.then(|| Column::left("SLO")));
    let row = |p: &Point| {
        let of = |name: &str| p.estimates.get(name);
        let say = |name: &str, as_text: fn(&Estimate) -> String| Span::plain(of(name).map_or(NOTHING.into(), as_text));
        let input = |i| Span::new(Tone::Strong, value_at(p, i).unwrap_or_else(|| NOTHING.into()));
        let mut cells: Vec<Span> = sweep.inputs.iter().map(input).collect();
        cells.extend([
            say("availability", units::percent_estimate),
            say("throughput_per_s", units::rate_estimate),
            say("latency_s.p50", units::latency_estimate),
            say("latency_s.p99", units::latency_estimate),
        ]);
        let kept = match p.slo_met {
            Some(met) => judged(met, p.slo_open, if met { "met" } else { "missed" }),
            None => Span::plain(NOTHING),
        };
        cells.extend(promised.then_some(kept));
        cells
    };
    Table {
        columns,
        rows: sweep.points.iter().take(MOST_POINTS).map(row).collect(),
        footnote: unshown(sweep.points.len(), MOST_POINTS, "point"),
    }
}

fn effects(output: &Output) -> Vec<Block> {
    let number = |v: Option<f64>| v.map_or(NOTHING.into(), |v| in_units(&output.metric, v));
    let heading = format!(
        "What moves {} (mean {}, standard deviation {})",
        output.metric,
        number(output.mean),
        number(output.deviation)
    );
    let columns = vec![
        Column::left("input"),
        Column::right("total"),
        Column::right("by itself"),
        Column::right("lowest quarter").rank(1),
        Column::right("highest quarter").rank(1),
    ];
    let row = |e: &crate::analysis::sweep::Effect| {
        vec![
            Span::new(Tone::Strong, e.path.clone()),
            Span::plain(index(&e.total)),
            Span::plain(index(&e.first)),
            Span::plain(number(e.low)),
            Span::plain(number(e.high)),
        ]
    };
    let rows: Vec<Vec<Span>> = output.effects.iter().map(row).collect();
    let body = match rows.is_empty() {
        true => Block::Note(Span::new(
            Tone::Quiet,
            "It does not vary, or was measured nowhere: nothing moves it.",
        )),
        false => Block::Table(Table {
            columns,
            rows,
            footnote: String::new(),
        }),
    };
    vec![Block::Heading(heading), body]
}

fn in_units(metric: &str, value: f64) -> String {
    match metric {
        m if m.contains("latency_s") => units::latency(value),
        m if m.ends_with("availability") => units::percent(value),
        _ => units::trimmed(value, 1),
    }
}

/// An index with its interval, which need not be symmetric: `0.72 (0.61–0.85)`.
///
/// The estimate of a share may be negative although its interval is not; the nearest value inside the interval is
/// shown.
fn index(e: &Estimate) -> String {
    let two = |v: Option<f64>| v.map_or(NOTHING.into(), |v| units::trimmed(v, 2));
    let inside = e.value.map(|v| v.max(e.lo.unwrap_or(v)).min(e.hi.unwrap_or(v)));
    format!("{} ({}–{})", two(inside), two(e.lo), two(e.hi))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // 100.0 is shown as 100.
        Value::Number(n) if n.is_f64() => n.as_f64().map_or_else(|| n.to_string(), |n| n.to_string()),
        other => other.to_string(),
    }
}

// --- CSV ------------------------------------------------------------------------------------------------------------

/// One row for each point: its number, the inputs, replications, counts, then each metric with its bounds.
///
/// # Errors
/// If the document is not a sweep.
pub fn csv(document: &Document) -> io::Result<Vec<u8>> {
    let Answer::Sweep(sweep) = &document.answer else {
        return Err(io::Error::other("only a sweep is a table"));
    };
    // Points may differ in their classes: every metric that any point has gets its columns.
    let mut metrics: Vec<&str> = Vec::new();
    for (name, _) in sweep.points.iter().flat_map(|p| p.estimates.iter()) {
        if !metrics.contains(&name) {
            metrics.push(name);
        }
    }
    let mut out = csv::Writer::from_writer(Vec::new());
    let counts = [
        "replications",
        "offered",
        "succeeded",
        "failed",
        "unfinished",
        "slo_met",
    ];
    let inputs = sweep.inputs.iter().map(|i| i.column.clone());
    let bounds = metrics
        .iter()
        .flat_map(|m| [(*m).to_owned(), format!("{m}.lo"), format!("{m}.hi")]);
    let head = std::iter::once("point".to_owned())
        .chain(inputs)
        .chain(counts.map(str::to_owned))
        .chain(bounds);
    out.write_record(head)?;
    for point in &sweep.points {
        out.write_record(row(point, sweep, &metrics))?;
    }
    out.into_inner().map_err(|e| e.into_error())
}

fn row(point: &Point, sweep: &Sweep, metrics: &[&str]) -> Vec<String> {
    let number = |n: Option<f64>| n.map(|n| n.to_string()).unwrap_or_default();
    let mut cells = vec![point.point.to_string()];
    cells.extend(
        sweep
            .inputs
            .iter()
            .map(|i| point.inputs.get(&i.column).map(text).unwrap_or_default()),
    );
    let r = &point.requests;
    cells.push(point.replications.to_string());
    cells.extend([r.offered, r.succeeded, r.failed, r.unfinished].map(|n| n.to_string()));
    cells.push(point.slo_met.map(|m| m.to_string()).unwrap_or_default());
    for metric in metrics {
        let e = point.estimates.get(metric);
        cells.extend([e.and_then(|e| e.value), e.and_then(|e| e.lo), e.and_then(|e| e.hi)].map(number));
    }
    cells
}
