//! Latency and availability along one input of a sweep, with one line for each combination of the other inputs' values.

use serde_json::Value;

use super::axis::Axis;
use super::canvas::{Canvas, Rect};
use super::panel::{Band, Curve};
use super::tracks::{Track, Tracks, availability_axis, latency_axis};
use super::{Drawing, PictureError};
use crate::analysis::result::{Answer, Document, Estimate};
use crate::analysis::sweep::{Input, Point, Sweep};
use crate::report::swings::{say_input, value_at};
use crate::report::view::MOST_LINES;
use crate::scenario::vary::ends;

const HEIGHT: f64 = 420.0;
/// Height of the first panel's title.
const HEAD: f64 = 28.0;
/// A line needs at least this many points.
const LEAST_POINTS: usize = 3;

/// The points that differ only in the input on the horizontal axis.
struct Line<'s> {
    label: String,
    points: Vec<(f64, &'s Point)>,
}

/// The curves of a sweep.
pub fn curve(document: &Document) -> Result<Drawing<'_>, PictureError> {
    let nothing = |why: &str| Err(PictureError::Nothing("curve", why.into()));
    let sweep = match &document.answer {
        Answer::Sweep(sweep) if sweep.sensitivity.is_none() => sweep,
        _ => return nothing("it draws the grid of a `fallover sweep`"),
    };
    let Some(along) = along(sweep) else {
        return nothing("no input is a number with three values in the points that are finished");
    };
    let lines = lines(sweep, along);
    if lines.len() > MOST_LINES {
        return nothing("the other inputs have more values than lines can be told apart");
    }
    Ok(Drawing {
        how: "Line: the estimate at each value. Band: its interval.".into(),
        height: HEIGHT,
        draw: Box::new(move |canvas, area| draw(canvas, area, along, &lines)),
    })
}

fn number(point: &Point, input: &Input) -> Option<f64> {
    point.inputs.get(&input.column).and_then(Value::as_f64)
}

/// The input with the most numeric values.
fn along(sweep: &Sweep) -> Option<&Input> {
    let values = |input: &Input| {
        let all: Option<Vec<f64>> = sweep.points.iter().map(|p| number(p, input)).collect();
        let mut all = all.unwrap_or_default();
        all.sort_by(f64::total_cmp);
        all.dedup();
        all.len()
    };
    let most = sweep.inputs.iter().rev().max_by_key(|input| values(input))?;
    (values(most) >= LEAST_POINTS).then_some(most)
}

fn lines<'s>(sweep: &'s Sweep, along: &Input) -> Vec<Line<'s>> {
    let others: Vec<&Input> = sweep.inputs.iter().filter(|i| i.path != along.path).collect();
    let paths: Vec<&str> = others.iter().map(|i| i.path.as_str()).collect();
    let ends = ends(&paths, 1);
    let label = |point: &Point| {
        let value = |i: &Input| value_at(point, i).unwrap_or_default();
        match others.as_slice() {
            [] => String::new(),
            several => {
                let said = ends.iter().zip(several).map(|(end, i)| format!("{end} {}", value(i)));
                said.collect::<Vec<_>>().join(", ")
            }
        }
    };
    let mut lines: Vec<Line<'s>> = Vec::new();
    for point in &sweep.points {
        // Too many lines cannot be told apart.
        if lines.len() > MOST_LINES {
            break;
        }
        let Some(x) = number(point, along) else { continue };
        let label = label(point);
        match lines.iter_mut().find(|line| line.label == label) {
            Some(line) => line.points.push((x, point)),
            None => lines.push(Line {
                label,
                points: vec![(x, point)],
            }),
        }
    }
    for line in &mut lines {
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    lines
}

fn draw(canvas: &mut Canvas<'_>, area: Rect, along: &Input, lines: &[Line<'_>]) {
    let values = || lines.iter().flat_map(|l| &l.points).map(|(x, _)| *x);
    let (lo, hi) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), x| (lo.min(x), hi.max(x)));
    let x = Axis::between(lo, hi, (area.width() / 110.0) as usize, |v| say_input(along, v));
    let curves = |metric: &str| -> Vec<Curve> {
        let lines = lines.iter().enumerate();
        lines.map(|(n, line)| along_line(canvas, n, line, metric)).collect()
    };
    let (waits, shares) = (curves("latency_s.p99"), curves("availability"));
    let tracks = [
        Track {
            title: "Latency, p99",
            axis: latency_axis(&waits),
            curves: waits,
        },
        Track {
            title: "Availability",
            axis: availability_axis(&shares),
            curves: shares,
        },
    ];
    let tracks: Vec<Track> = tracks.into_iter().filter(Track::is_known).collect();
    let tracks = Tracks {
        x: &x,
        foot: &along.path,
        tracks: &tracks,
    };
    let places = tracks.places(canvas, area, HEAD);
    tracks.draw(canvas, &places);
}

fn along_line(canvas: &Canvas<'_>, n: usize, line: &Line<'_>, metric: &str) -> Curve {
    let of = |pick: fn(&Estimate) -> Option<f64>| {
        let estimates = line.points.iter().map(|(_, p)| p.estimates.get(metric));
        estimates.map(|e| e.and_then(pick)).collect::<Vec<_>>()
    };
    Curve {
        label: line.label.clone(),
        colour: canvas.colours.line(n),
        x: line.points.iter().map(|(x, _)| *x).collect(),
        middle: of(|e| e.value),
        band: Some(Band {
            lo: of(|e| e.lo),
            hi: of(|e| e.hi),
        }),
    }
}
