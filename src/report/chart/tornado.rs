//! The tornado chart of a sweep: how far each input moves an output, the largest on top.

use super::axis::Axis;
use super::bars::{Bars, Part, Row};
use super::theme::Ink;
use super::{Drawing, PictureError};
use crate::analysis::result::{Answer, Document};
use crate::report::compare::name;
use crate::report::swings::{Moves, Swing, moves, worded};

/// Outputs are drawn one below the other, and a page holds no more than these.
const MOST_OUTPUTS: usize = 3;
const BETWEEN: f64 = 14.0;

/// The tornado of a sweep.
pub fn tornado(document: &Document) -> Result<Drawing<'static>, PictureError> {
    let nothing = |why: &str| Err(PictureError::Nothing("tornado", why.into()));
    let Answer::Sweep(sweep) = &document.answer else {
        return nothing("it draws what `fallover sweep` found");
    };
    let charts: Vec<Bars> = moves(sweep).iter().take(MOST_OUTPUTS).map(bars).collect();
    if charts.is_empty() {
        return nothing(match &sweep.sensitivity {
            Some(_) => "points are missing, or nothing moves what was asked for",
            None => "no input takes two values in the points that are finished, or none moves p99 or availability",
        });
    }
    let how = match sweep.sensitivity {
        Some(_) => {
            "From the mean in the lowest quarter of an input to that in the highest; share: its part of the variance."
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

fn bars(moves: &Moves) -> Bars {
    let Moves {
        metric, mean, swings, ..
    } = moves;
    let ends = || swings.iter().flat_map(|s| [s.low, s.high]).chain(*mean);
    let (lo, hi) = (
        ends().fold(f64::INFINITY, f64::min),
        ends().fold(f64::NEG_INFINITY, f64::max),
    );
    let says = metric.clone();
    let row = |s: &Swing| Row {
        name: s.input.clone(),
        parts: vec![Part::new(s.low, s.high, Ink::Line(0))],
        says: s.beside.clone(),
        ..Row::default()
    };
    Bars {
        title: format!("What moves {}", name(metric)),
        rows: swings.iter().map(row).collect(),
        axis: Axis::between(lo, hi, 5, move |v| worded(&says, v)),
        marks: mean
            .map(|m| (m, format!("mean {}", worded(metric, m))))
            .into_iter()
            .collect(),
        legend: Vec::new(),
        more: "inputs",
    }
}
