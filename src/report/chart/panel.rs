//! A panel: a frame with a grid, and curves with bands, labelled at their ends instead of by a legend.
//!
//! Maps values to pixels through two axes and knows nothing of their meaning.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Rect, fitted, text_width};
use super::labels::spread;
use crate::report::units::measured;
use plotters::style::RGBColor;

pub(super) const TICK_TEXT: f64 = 11.0;
pub(super) const LABEL_TEXT: f64 = 12.0;
/// Height of a label at the end of a curve.
const LABEL_GAP: f64 = 15.0;

/// Maps values to pixels.
pub struct Panel<'a> {
    pub area: Rect,
    pub x: &'a Axis,
    pub y: &'a Axis,
}

/// A curve in values, with gaps, and its band.
pub struct Curve {
    pub label: String,
    pub colour: RGBColor,
    pub x: Vec<f64>,
    pub middle: Vec<Option<f64>>,
    pub band: Option<Band>,
}

/// The range of most replications, for each value of the curve.
pub struct Band {
    pub lo: Vec<Option<f64>>,
    pub hi: Vec<Option<f64>>,
}

impl Panel<'_> {
    /// The position of a pair of values.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let left = self.area.left + self.x.place(x) * self.area.width();
        (left, self.area.bottom - self.y.place(y) * self.area.height())
    }

    /// Horizontal grid lines, with their labels on the left.
    pub fn rule(&self, canvas: &mut Canvas<'_>) {
        let mut last = f64::INFINITY;
        for tick in &self.y.ticks {
            let y = self.area.bottom - self.y.place(tick.at) * self.area.height();
            canvas.path(&[(self.area.left, y), (self.area.right, y)], canvas.colours.grid, 1.0);
            // A low panel drops labels rather than letting them touch.
            if last - y >= TICK_TEXT * 1.2 {
                canvas.text(
                    &tick.label,
                    self.area.left - 8.0,
                    y,
                    Anchor::End,
                    canvas.quiet(TICK_TEXT),
                );
                last = y;
            }
        }
    }

    /// The labels along the bottom, without those that would touch.
    pub fn foot(&self, canvas: &mut Canvas<'_>) {
        let font = canvas.quiet(TICK_TEXT);
        let mut free_from = f64::NEG_INFINITY;
        for tick in &self.x.ticks {
            let x = self.area.left + self.x.place(tick.at) * self.area.width();
            canvas.path(
                &[(x, self.area.bottom), (x, self.area.bottom + 4.0)],
                canvas.colours.quiet,
                1.0,
            );
            let half = text_width(&tick.label, font) / 2.0;
            if x - half > free_from {
                canvas.text(&tick.label, x, self.area.bottom + 15.0, Anchor::Middle, font);
                free_from = x + half + 6.0;
            }
        }
    }

    /// The band, lightly shaded, wherever both of its edges are known.
    pub fn band(&self, canvas: &mut Canvas<'_>, curve: &Curve) {
        let Some(Band { lo, hi }) = &curve.band else { return };
        let edges: Vec<Option<(f64, f64)>> = lo
            .iter()
            .zip(hi)
            .map(|(lo, hi)| measured(*lo).zip(measured(*hi)))
            .collect();
        for run in unbroken(&edges) {
            let along = |pick: fn((f64, f64)) -> f64| {
                run.clone()
                    .filter_map(|i| Some(self.at(*curve.x.get(i)?, pick(edges[i]?))))
                    .collect::<Vec<_>>()
            };
            let (mut outline, upper) = (along(|e| e.0), along(|e| e.1));
            outline.extend(upper.into_iter().rev());
            canvas.area(&outline, curve.colour, 0.18);
        }
    }

    /// The curve itself; a single value between two gaps is a dot.
    pub fn line(&self, canvas: &mut Canvas<'_>, curve: &Curve) {
        let values: Vec<Option<f64>> = curve.middle.iter().map(|v| measured(*v)).collect();
        for run in unbroken(&values) {
            let points: Vec<_> = run
                .filter_map(|i| Some(self.at(*curve.x.get(i)?, values[i]?)))
                .collect();
            match points.as_slice() {
                [(x, y)] => canvas.dot(*x, *y, 1.6, curve.colour),
                points => canvas.path(points, curve.colour, 1.8),
            }
        }
    }

    /// The curves' names, in their colours, to the right of their ends.
    pub fn end_labels(&self, canvas: &mut Canvas<'_>, curves: &[Curve], room: f64) {
        let mut ends: Vec<(&Curve, (f64, f64))> = curves.iter().filter_map(|c| Some((c, self.end_of(c)?))).collect();
        self.inner_labels(canvas, curves, &mut ends);
        let fitting = ((self.area.height() / LABEL_GAP) as usize + 1).max(1);
        let shown = if ends.len() > fitting { fitting - 1 } else { ends.len() };
        let mut wanted: Vec<f64> = ends[..shown].iter().map(|(_, end)| end.1).collect();
        if shown < ends.len() {
            wanted.push(self.area.bottom);
        }
        let heights = spread(&wanted, LABEL_GAP, self.area.top, self.area.bottom);
        let left = self.area.right + 12.0;
        for ((curve, end), y) in ends.iter().zip(&heights).take(shown) {
            let mut font = canvas.bold(LABEL_TEXT);
            font.colour = curve.colour;
            if curve.label.is_empty() {
                continue;
            }
            // The connection from a curve that ends early to its name is dashed, so that it does not look like part of
            // the curve.
            let way = [(end.0 + 2.0, end.1), (left - 3.0, *y)];
            match end.0 > self.area.right - LABEL_GAP {
                true => canvas.path(&way, curve.colour, 0.7),
                false => canvas.dashes(&way, curve.colour, 0.7),
            }
            canvas.text(&fitted(&curve.label, font, room - 12.0), left, *y, Anchor::Start, font);
        }
        if let Some(y) = heights.get(shown) {
            let text = format!("+{} more", ends.len() - shown);
            canvas.text(&text, left, *y, Anchor::Start, canvas.quiet(LABEL_TEXT));
        }
    }

    /// Puts the names of curves that end early at their ends, where they cover nothing. `ends` keeps the others.
    fn inner_labels(&self, canvas: &mut Canvas<'_>, curves: &[Curve], ends: &mut Vec<(&Curve, (f64, f64))>) {
        let mut taken: Vec<Rect> = Vec::new();
        ends.retain(|(curve, (x, y))| {
            let mut font = canvas.bold(LABEL_TEXT);
            font.colour = curve.colour;
            let beside = |up: f64| Rect {
                left: x + 6.0,
                top: y + (up - 0.5) * LABEL_GAP,
                right: x + 6.0 + text_width(&curve.label, font),
                bottom: y + (up + 0.5) * LABEL_GAP,
            };
            let is_free = |r: &Rect| self.is_free(curves, r) && !taken.iter().any(|t| t.meets(r));
            let is_early = *x <= self.area.right - LABEL_GAP && !curve.label.is_empty();
            let place = [0.0, -0.6, 0.6]
                .map(beside)
                .into_iter()
                .find(|r| is_early && is_free(r));
            if let Some(r) = place {
                let middle = f64::midpoint(r.top, r.bottom);
                canvas.text_on_patch(&curve.label, r.left, middle, Anchor::Start, font);
                taken.push(r);
            }
            place.is_none()
        });
    }

    /// Is this area free of curves and of the panel's edges?
    fn is_free(&self, curves: &[Curve], area: &Rect) -> bool {
        let is_crossed = |curve: &Curve| {
            let values: Vec<Option<f64>> = curve.middle.iter().map(|v| measured(*v)).collect();
            let pairs = values.windows(2).zip(curve.x.windows(2));
            let ends = pairs.filter_map(|(y, x)| Some((self.at(x[0], y[0]?), self.at(x[1], y[1]?))));
            ends.into_iter().any(|(a, b)| area.is_crossed(a, b))
        };
        area.right < self.area.right
            && area.top >= self.area.top - LABEL_GAP / 2.0
            && area.bottom <= self.area.bottom
            && !curves.iter().any(is_crossed)
    }

    fn end_of(&self, curve: &Curve) -> Option<(f64, f64)> {
        let (x, y) = curve
            .x
            .iter()
            .zip(&curve.middle)
            .rev()
            .find_map(|(x, y)| Some((*x, measured(*y)?)))?;
        Some(self.at(x, y))
    }
}

/// Width of an axis's widest label.
pub fn widest_tick(canvas: &Canvas<'_>, axis: &Axis) -> f64 {
    axis.ticks
        .iter()
        .map(|t| text_width(&t.label, canvas.quiet(TICK_TEXT)))
        .fold(0.0, f64::max)
}

/// Width of the widest curve name, at most `most`.
pub fn widest_label<'a>(canvas: &Canvas<'_>, labels: impl Iterator<Item = &'a str>, most: f64) -> f64 {
    labels
        .map(|l| text_width(l, canvas.bold(LABEL_TEXT)) + 16.0)
        .fold(24.0, f64::max)
        .min(most)
}

/// The stretches without gaps.
fn unbroken<T>(values: &[Option<T>]) -> Vec<std::ops::Range<usize>> {
    let mut stretches = Vec::new();
    let mut start = None;
    for i in 0..=values.len() {
        match (values.get(i).is_some_and(Option::is_some), start) {
            (true, None) => start = Some(i),
            (false, Some(from)) => {
                stretches.push(from..i);
                start = None;
            }
            _ => {}
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_break_a_line() {
        assert_eq!(unbroken(&[Some(1), None, Some(2), Some(3)]), [0..1, 2..4]);
        assert!(unbroken::<u8>(&[None, None]).is_empty());
    }
}
