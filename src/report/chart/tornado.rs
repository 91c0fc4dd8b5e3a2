//! The tornado of a sweep: how far each input moves an output, the one that moves it most on top.
//!
//! Of `--sensitivity`, from the mean in the lowest quarter of the input's stretch to that in the highest. Of a grid, from the
//! lowest to the highest mean over all points that share a value of the input.

use super::axis::Axis;
use super::bars::{Bars, Part, Row};
use super::rows::signed_latency;
use super::theme::Ink;
use super::{Drawing, PictureError};
use crate::analysis::result::{Answer, Document};
use crate::analysis::sweep::{Output, Point, Sweep};
use crate::report::units;

/// One after the other, and no more than a page can hold.
const MOST_OUTPUTS: usize = 3;
const BETWEEN: f64 = 14.0;
/// Of a grid, which does not say what its reader cares about.
const OF_A_GRID: [&str; 2] = ["latency_s.p99", "availability"];

/// The tornado of a sweep.
pub fn tornado(document: &Document) -> Result<Drawing<'static>, PictureError> {
    let nothing = |why: &str| Err(PictureError::Nothing("tornado", why.into()));
    let Answer::Sweep(sweep) = &document.answer else {
        return nothing("it draws what `fallover sweep` found");
    };
    let charts: Vec<Bars> = match &sweep.sensitivity {
        Some(found) => found.outputs.iter().filter_map(of_sensitivity).collect(),
        None => OF_A_GRID.iter().filter_map(|metric| of_grid(sweep, metric)).collect(),
    };
    let charts: Vec<Bars> = charts.into_iter().take(MOST_OUTPUTS).collect();
    if charts.is_empty() {
        return nothing(match &sweep.sensitivity {
            Some(_) => "points are missing, or nothing moves what was asked for",
            None => "no input takes two values in the points that are finished, or none moves p99 or availability",
        });
    }
    let how = match sweep.sensitivity {
        Some(_) => {
            "From the mean in the lowest quarter of an input to that in the highest. %: its share of the variance."
        }
        None => "From the value of an input with the lowest mean over all others to that with the highest.",
    };
    let height = charts.iter().map(Bars::height).sum::<f64>() + BETWEEN * (charts.len() - 1) as f64;
    Ok(Drawing {
        how: how.into(),
        height,
        draw: Box::new(move |canvas, area| {
            let mut area = area;
            for bars in &charts {
                bars.draw(canvas, area);
                area.top += bars.height() + BETWEEN;
            }
        }),
    })
}

/// An input, where it takes the output, and what is said beside it.
struct Swing {
    input: String,
    low: f64,
    high: f64,
    says: String,
}

fn of_sensitivity(output: &Output) -> Option<Bars> {
    let swings = output.effects.iter().filter_map(|e| {
        let share = e
            .total
            .value
            .filter(|v| v.is_finite())
            .map(|v| format!(" · {} %", units::trimmed(v * 100.0, 0)));
        let (low, high) = e.low.zip(e.high)?;
        let says = format!(
            "{} → {}{}",
            worded(&output.metric, low),
            worded(&output.metric, high),
            share.unwrap_or_default()
        );
        Some(Swing {
            input: e.path.clone(),
            low,
            high,
            says,
        })
    });
    bars(&output.metric, swings.collect(), output.mean)
}

fn of_grid(sweep: &Sweep, metric: &str) -> Option<Bars> {
    let of = |p: &Point| p.estimates.get(metric).and_then(|e| e.value).filter(|v| v.is_finite());
    let swings = sweep.inputs.iter().filter_map(|input| {
        let mut values: Vec<(String, f64, f64)> = Vec::new();
        for point in &sweep.points {
            let Some((y, x)) = of(point).zip(point.inputs.get(&input.column)) else {
                continue;
            };
            let x = x.as_str().map_or_else(|| x.to_string(), str::to_owned);
            match values.iter_mut().find(|(value, ..)| *value == x) {
                Some((_, sum, n)) => (*sum, *n) = (*sum + y, *n + 1.0),
                None => values.push((x, y, 1.0)),
            }
        }
        let means = || values.iter().map(|(x, sum, n)| (x, sum / n));
        let low = means().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let high = means().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let says = format!(
            "{} at {} → {} at {}",
            worded(metric, low.1),
            low.0,
            worded(metric, high.1),
            high.0
        );
        (values.len() > 1).then(|| Swing {
            input: input.path.clone(),
            low: low.1,
            high: high.1,
            says,
        })
    });
    let swings: Vec<Swing> = swings.collect();
    let all: Vec<f64> = sweep.points.iter().filter_map(of).collect();
    let mean = (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64);
    bars(metric, swings, mean)
}

/// Nothing where no input moves it as far as a reader could see.
fn bars(metric: &str, mut swings: Vec<Swing>, mean: Option<f64>) -> Option<Bars> {
    if swings.iter().all(|s| worded(metric, s.low) == worded(metric, s.high)) {
        return None;
    }
    swings.sort_by(|a, b| (b.high - b.low).abs().total_cmp(&(a.high - a.low).abs()));
    let mean = mean.filter(|v| v.is_finite());
    let ends = || swings.iter().flat_map(|s| [s.low, s.high]).chain(mean);
    let (lo, hi) = (
        ends().fold(f64::INFINITY, f64::min),
        ends().fold(f64::NEG_INFINITY, f64::max),
    );
    let says = metric.to_owned();
    let row = |s: &Swing| Row {
        name: s.input.clone(),
        parts: vec![Part {
            from: s.low,
            to: s.high,
            ink: Ink::Line(0),
        }],
        says: s.says.clone(),
        ..Row::default()
    };
    Some(Bars {
        title: format!("What moves {metric}"),
        rows: swings.iter().map(row).collect(),
        axis: Axis::between(lo, hi, 5, move |v| worded(&says, v)),
        marks: mean
            .map(|m| (m, format!("mean {}", worded(metric, m))))
            .into_iter()
            .collect(),
        legend: Vec::new(),
        more: "inputs",
    })
}

/// A value in the unit of its metric.
fn worded(metric: &str, value: f64) -> String {
    match metric {
        m if m.ends_with("availability") || m.ends_with("ratio") => units::percent(value),
        m if m.contains("latency_s") || m.ends_with("_s") && !m.ends_with("per_s") => signed_latency(value),
        _ => units::trimmed(value, 2),
    }
}
