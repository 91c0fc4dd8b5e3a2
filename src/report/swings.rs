//! How far each input of a sweep moves an output, for the picture of it and for the sentence.
//!
//! Of `--sensitivity`, from the mean in the lowest quarter of the input's stretch to that in the highest. Of a grid, from the
//! lowest to the highest mean over all points that share a value of the input.

use super::units;
use crate::analysis::result::Estimate;
use crate::analysis::sweep::{Input, Output, Point, Sweep};

/// Of a grid, which does not say what its reader cares about.
const OF_A_GRID: [&str; 2] = ["latency_s.p99", "availability"];

/// Wider than this an interval leaves a share of the variance open.
const WIDE: f64 = 0.5;

/// An output, and what moves it, the input that moves it most first.
pub struct Moves {
    /// The dotted name of the output.
    pub metric: String,
    /// Its mean.
    pub mean: Option<f64>,
    /// One an input.
    pub swings: Vec<Swing>,
    /// Is it known which comes first? Not where no share of the variance is told from none.
    pub ranked: bool,
    /// Is the first told from the second too?
    pub sure: bool,
}

/// An input, where it takes the output, and what is said beside it.
pub struct Swing {
    /// Its path.
    pub input: String,
    /// Where the output stands at the one end.
    pub low: f64,
    /// And at the other.
    pub high: f64,
    /// Both in words.
    pub says: String,
    /// The same beside a bar: what may go where room is short, at the end.
    pub beside: String,
    /// What the order goes by: a share of the variance, or how far it moves.
    weight: f64,
}

/// Every output that an input moves as far as a reader can see.
pub fn moves(sweep: &Sweep) -> Vec<Moves> {
    let all: Vec<Moves> = match &sweep.sensitivity {
        Some(found) => found.outputs.iter().map(of_sensitivity).collect(),
        None => OF_A_GRID.iter().map(|metric| of_grid(sweep, metric)).collect(),
    };
    let is_seen = |m: &Moves| {
        let word = |v| worded(&m.metric, v);
        m.swings.iter().any(|s| word(s.low) != word(s.high))
    };
    let mut all: Vec<Moves> = all.into_iter().filter(is_seen).collect();
    for moves in &mut all {
        moves.swings.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        moves.mean = moves.mean.filter(|v| v.is_finite());
    }
    all
}

fn of_sensitivity(output: &Output) -> Moves {
    let swings = output.effects.iter().filter_map(|e| {
        // A share that could be any is none to be told.
        let is_known = |total: &Estimate| total.lo.zip(total.hi).is_some_and(|(lo, hi)| hi - lo <= WIDE);
        let share = e.total.value.filter(|v| v.is_finite() && is_known(&e.total));
        let share = share.map(|v| units::trimmed(v.clamp(0.0, 1.0) * 100.0, 0));
        let (low, high) = e.low.zip(e.high)?;
        let ends = format!("{} → {}", worded(&output.metric, low), worded(&output.metric, high));
        let (beside, says) = match share {
            Some(share) => (
                format!("{ends} · share {share} %"),
                format!("{ends}, {share} % of the variance"),
            ),
            None => (ends.clone(), ends),
        };
        Some(Swing {
            input: e.path.clone(),
            low,
            high,
            beside,
            says,
            weight: e.total.value.filter(|v| v.is_finite()).unwrap_or(0.0),
        })
    });
    // The two largest shares, each with its interval.
    let mut totals: Vec<&Estimate> = output.effects.iter().map(|e| &e.total).collect();
    totals.sort_by(|a, b| b.value.unwrap_or(0.0).total_cmp(&a.value.unwrap_or(0.0)));
    let is_sure = match totals.as_slice() {
        [first, second, ..] => first.lo.zip(second.hi).is_some_and(|(lo, hi)| lo > hi),
        _ => true,
    };
    Moves {
        metric: output.metric.clone(),
        mean: output.mean,
        swings: swings.collect(),
        sure: is_sure,
        ranked: output.effects.iter().any(|e| e.total.lo.is_some_and(|lo| lo > 0.0)),
    }
}

fn of_grid(sweep: &Sweep, metric: &str) -> Moves {
    let of = |p: &Point| p.estimates.get(metric).and_then(|e| e.value).filter(|v| v.is_finite());
    let swings = sweep.inputs.iter().filter_map(|input| {
        let mut values: Vec<(String, f64, f64)> = Vec::new();
        for point in &sweep.points {
            let Some((y, x)) = of(point).zip(value_at(point, input)) else {
                continue;
            };
            match values.iter_mut().find(|(value, ..)| *value == x) {
                Some((_, sum, n)) => (*sum, *n) = (*sum + y, *n + 1.0),
                None => values.push((x, y, 1.0)),
            }
        }
        let means = || values.iter().map(|(x, sum, n)| (x, sum / n));
        let low = means().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let high = means().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let (from, to) = (worded(metric, low.1), worded(metric, high.1));
        let says = format!("{from} at {} → {to} at {}", low.0, high.0);
        (values.len() > 1).then(|| Swing {
            beside: format!("{from} → {to} · {} → {}", low.0, high.0),
            input: input.path.clone(),
            low: low.1,
            high: high.1,
            says,
            weight: high.1 - low.1,
        })
    });
    let swings = swings.collect();
    let all: Vec<f64> = sweep.points.iter().filter_map(of).collect();
    let mean = (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64);
    Moves {
        metric: metric.to_owned(),
        mean,
        swings,
        ranked: true,
        sure: true,
    }
}

/// A value in the unit of its metric.
pub fn worded(metric: &str, value: f64) -> String {
    match metric {
        m if m.ends_with("availability") || m.ends_with("ratio") => units::percent(value),
        m if m.contains("latency_s") || m.ends_with("_s") && !m.ends_with("per_s") => units::signed_latency(value),
        _ => units::trimmed(value, 2),
    }
}

/// The value of an input at a point as somebody would say it: `400/s`, `300 ms`, `32`, and not `400.0` or `0.3`.
pub fn value_at(point: &Point, input: &Input) -> Option<String> {
    let value = point.inputs.get(&input.column)?;
    Some(match (value.as_str(), value.as_f64()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(number)) => say_input(input, number),
        _ => value.to_string(),
    })
}

/// A value of an input as it is read.
pub fn say_input(input: &Input, number: f64) -> String {
    // Without the dust of binary fractions.
    let typed = format!("{number:.11e}").parse::<f64>().unwrap_or(number);
    match input.column.strip_prefix(&input.path) {
        Some("_s") => units::span(number),
        Some("_per_s") => format!("{typed}/s"),
        _ => typed.to_string(),
    }
}
