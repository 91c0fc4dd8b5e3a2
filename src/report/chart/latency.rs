//! Draws the latency distribution: how long the fastest half waited, and how long the slowest thousandth.
//!
//! Percentiles run horizontally, stretched towards the tail, where the problems are.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Rect, text_width};
use super::panel::{Curve, LABEL_TEXT, Panel, widest_label, widest_tick};
use crate::analysis::result::{Distribution, Metrics};
use crate::report::units;
use crate::report::view::RunView;

const TITLE: f64 = 24.0;
const FOOT: f64 = 44.0;
/// With fewer requests than this beyond a percentile, its value is not meaningful.
const ENOUGH: f64 = 10.0;

/// The axis begins at this quantile.
const FIRST: f64 = 0.01;

/// One distribution with a name.
pub struct Source<'a> {
    pub label: String,
    pub colour: usize,
    pub metrics: &'a Metrics,
    /// Whether it covers every class of the only run.
    pub is_whole: bool,
}

/// What to draw: for one run the total and each class, for several runs a curve each. Empty if nothing succeeded.
pub fn sources<'a>(runs: &[RunView<'a>]) -> Vec<Source<'a>> {
    let mut sources = Vec::new();
    match runs {
        [one] => {
            let classes = &one.run.classes.0;
            let whole = if classes.len() > 1 { "all" } else { "" };
            sources.push(Source {
                label: whole.into(),
                colour: 0,
                metrics: &one.run.metrics,
                is_whole: true,
            });
            let split = classes.iter().filter(|_| classes.len() > 1).enumerate();
            sources.extend(split.map(|(i, (name, m))| Source {
                label: name.clone(),
                colour: i + 1,
                metrics: m,
                is_whole: false,
            }));
        }
        several => sources.extend(several.iter().enumerate().map(|(i, view)| Source {
            label: view.name.into(),
            colour: i,
            metrics: &view.run.metrics,
            is_whole: false,
        })),
    }
    sources.retain(|s| is_drawable(&s.metrics.distribution));
    sources
}

/// Draws into an area of any size. There must be at least one source.
pub fn draw(canvas: &mut Canvas<'_>, sources: &[Source<'_>], area: Rect) {
    let tail = sources.iter().map(|s| last_percentile(s.metrics)).fold(0.0, f64::max);
    let x = Axis::percentiles(tail);
    let curves: Vec<Curve> = sources
        .iter()
        .map(|s| curve(canvas, s, last_percentile(s.metrics)))
        .collect();
    let values = || {
        curves
            .iter()
            .flat_map(|c| &c.middle)
            .flatten()
            .copied()
            .filter(|v| *v > 0.0)
    };
    let y = Axis::latency(values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));

    let room = widest_label(canvas, sources.iter().map(|s| s.label.as_str()), area.width() * 0.3);
    let left = area.left + widest_tick(canvas, &y) + 8.0;
    let plot = Rect {
        left,
        top: area.top + TITLE,
        right: area.right - room,
        bottom: area.bottom - FOOT,
    };
    let panel = Panel {
        area: plot,
        x: &x,
        y: &y,
    };
    canvas.text(
        "Latency by percentile",
        left,
        area.top + TITLE / 2.0 + 1.0,
        Anchor::Start,
        canvas.bold(12.5),
    );
    for tick in &x.ticks {
        let at = panel.at(tick.at, 0.0).0;
        canvas.path(&[(at, plot.top), (at, plot.bottom)], canvas.colours.grid, 1.0);
    }
    panel.rule(canvas);
    panel.foot(canvas);
    canvas.text(
        "of the answered requests took at most this long",
        plot.left,
        plot.bottom + 33.0,
        Anchor::Start,
        canvas.quiet(11.0),
    );
    curves.iter().for_each(|c| panel.line(canvas, c));
    // With several scenarios it would be unclear whose percentiles these are.
    if let Some(whole) = sources.iter().find(|s| s.is_whole) {
        mark_percentiles(canvas, &panel, whole);
    }
    panel.end_labels(canvas, &curves, room);
}

/// The percentiles that promises use, with their values.
fn mark_percentiles(canvas: &mut Canvas<'_>, panel: &Panel<'_>, source: &Source<'_>) {
    let latency = &source.metrics.latency_s;
    let font = canvas.bold(LABEL_TEXT);
    let mut taken: Vec<Rect> = Vec::new();
    for (share, name, estimate) in [
        (0.5, "p50", latency.p50),
        (0.95, "p95", latency.p95),
        (0.99, "p99", latency.p99),
    ] {
        let Some(value) = estimate.value.filter(|v| v.is_finite()) else {
            continue;
        };
        let (x, y) = panel.at(share, value);
        canvas.dot(x, y, 3.4, canvas.colours.line(source.colour));
        let text = format!("{name} {}", units::latency(value));
        let width = text_width(&text, font);
        // The curve rises to the right, so there is space below and to the right of a point, or above and to the left.
        // Where the curve is flat, neighbouring labels are there: then further below, and in the corner of the plot,
        // below and to the left.
        let places = [
            (x + 6.0, y + 11.0),
            (x - 4.0 - width, y - 13.0),
            (x + 6.0, y + 28.0),
            (x + 6.0, y + 45.0),
            (x - 4.0 - width, y + 13.0),
            (x - 4.0 - width, y + 30.0),
        ];
        let area = |(left, middle): (f64, f64)| Rect {
            left: left - 2.0,
            top: middle - 8.0,
            right: left + width + 2.0,
            bottom: middle + 8.0,
        };
        let inside = |r: &Rect| {
            let plot = &panel.area;
            r.left >= plot.left && r.right < plot.right && r.top >= plot.top && r.bottom < plot.bottom
        };
        let free = |r: &Rect| {
            let meets = |t: &Rect| r.left < t.right && t.left < r.right && r.top < t.bottom && t.top < r.bottom;
            inside(r) && !taken.iter().any(meets)
        };
        if let Some(place) = places.into_iter().find(|place| free(&area(*place))) {
            canvas.text_on_patch(&text, place.0, place.1, Anchor::Start, font);
            taken.push(area(place));
        }
    }
}

/// The known points up to the tail, and the tail itself.
fn curve(canvas: &Canvas<'_>, source: &Source<'_>, tail: f64) -> Curve {
    let known = &source.metrics.distribution;
    let mut x: Vec<f64> = known.ratio.iter().copied().filter(|r| *r < tail).collect();
    let mut middle: Vec<Option<f64>> = known.latency_s[..x.len()].iter().copied().map(Some).collect();
    x.push(tail);
    middle.push(quantile(known, tail));
    // The very fastest answers would stretch the axis by decades and are of no interest.
    let first = quantile(known, FIRST);
    middle
        .iter_mut()
        .for_each(|v| *v = v.zip(first).map(|(v, first)| v.max(first)));
    Curve {
        label: source.label.clone(),
        colour: canvas.colours.line(source.colour),
        x,
        middle,
        band: None,
    }
}

/// The last percentile with enough requests beyond it to be meaningful.
fn last_percentile(metrics: &Metrics) -> f64 {
    let n = (metrics.requests.succeeded as f64).max(1.0);
    (1.0 - ENOUGH / n).clamp(0.99, 0.9999)
}

fn is_drawable(d: &Distribution) -> bool {
    let finite = d.latency_s.iter().chain(&d.ratio).all(|v| v.is_finite());
    let rising = d.ratio.is_sorted();
    d.ratio.len() == d.latency_s.len() && d.ratio.len() > 1 && finite && rising && d.latency_s.iter().any(|v| *v > 0.0)
}

/// The latency that this share of answers does not exceed, interpolated between known points.
fn quantile(d: &Distribution, share: f64) -> Option<f64> {
    let above = d.ratio.partition_point(|r| *r < share);
    let Some(below) = above.checked_sub(1) else {
        return d.latency_s.first().copied();
    };
    let (Some(r1), Some(x1)) = (d.ratio.get(above), d.latency_s.get(above)) else {
        return d.latency_s.last().copied();
    };
    let (r0, x0) = (d.ratio[below], d.latency_s[below]);
    Some(if *r1 > r0 {
        x0 + (x1 - x0) * (share - r0) / (r1 - r0)
    } else {
        *x1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_points_that_are_known() {
        let d = Distribution {
            ratio: vec![0.0, 0.5, 1.0],
            latency_s: vec![1.0, 2.0, 4.0],
        };
        let at = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| quantile(&d, share).expect("is known"));
        assert_eq!(at, [1.0, 1.5, 2.0, 3.0, 4.0]);
    }
}
