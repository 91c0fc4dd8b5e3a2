//! How far each input of a sweep moves an output, for the picture and for the sentence.
//!
//! With `--sensitivity`: from the mean in the lowest quarter of the input's range to that in the highest. For a grid:
//! from the lowest to the highest mean over all points that share a value of the input.

use super::units;
use crate::analysis::result::Estimate;
use crate::analysis::sweep::{Input, Output, Point, Sweep};

/// The outputs of a grid, where the user names none.
const OF_A_GRID: [&str; 2] = ["latency_s.p99", "availability"];

/// If its interval is wider than this, a share of the variance counts as unknown.
const WIDE: f64 = 0.5;

/// An output and the inputs that move it, the most influential first.
pub struct Moves {
    /// The dotted name of the output.
    pub metric: String,
    /// Its mean.
    pub mean: Option<f64>,
    /// One for each input.
    pub swings: Vec<Swing>,
    /// Is the first place certain? Not where no share of the variance is distinguishable from zero.
    pub ranked: bool,
    /// Is the first input also distinguishable from the second?
    pub sure: bool,
}

/// An input, the range through which it moves the output, and its description.
pub struct Swing {
    /// Its path.
    pub input: String,
    /// The output at one end.
    pub low: f64,
    /// The output at the other end.
    pub high: f64,
    /// Both in words.
    pub says: String,
    /// The same next to a bar, with the part that may be dropped at the end.
    pub beside: String,
    /// The sort key: a share of the variance, or how far it moves.
    weight: f64,
}

/// Every output that an input moves visibly.
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
        // A share whose interval is too wide is unknown.
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

/// A value in its metric's unit.
pub fn worded(metric: &str, value: f64) -> String {
    match metric {
        m if m.ends_with("availability") || m.ends_with("ratio") => units::percent(value),
        m if m.contains("latency_s") || m.ends_with("_s") && !m.ends_with("per_s") => units::signed_latency(value),
        _ => units::trimmed(value, 2),
    }
}

/// The value of an input at a point as people say it: `400/s`, `300 ms`, `32`, and not `400.0` or `0.3`.
pub fn value_at(point: &Point, input: &Input) -> Option<String> {
    let value = point.inputs.get(&input.column)?;
    Some(match (value.as_str(), value.as_f64()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(number)) => say_input(input, number),
        _ => value.to_string(),
    })
}

/// A value of an input as people say it.
pub fn say_input(input: &Input, number: f64) -> String {
    // Without the rounding noise of binary fractions.
    let typed = format!("{number:.11e}").parse::<f64>().unwrap_or(number);
    match input.column.strip_prefix(&input.path) {
        Some("_s") => units::span(number),
        Some("_per_s") => format!("{typed}/s"),
        _ => typed.to_string(),
    }
}
