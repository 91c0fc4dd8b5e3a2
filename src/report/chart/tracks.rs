//! Panels of curves above one another on one axis.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Rect};
use super::panel::{Curve, Panel, TICK_TEXT, widest_label, widest_tick};
use super::timeline::stack;

const TITLE: f64 = 24.0;
const FOOT: f64 = 42.0;

/// A panel and its curves.
pub(super) struct Track {
    pub title: &'static str,
    pub axis: Axis,
    pub curves: Vec<Curve>,
}

/// Several panels on one axis.
pub(super) struct Tracks<'a> {
    pub x: &'a Axis,
    /// The label of the axis.
    pub foot: &'a str,
    pub tracks: &'a [Track],
}

/// The panels' areas.
pub(super) struct Places {
    pub panels: Vec<Rect>,
    /// Width for the names at the ends of curves.
    room: f64,
}

impl Track {
    /// Does any of its curves have anything to show?
    pub(super) fn is_known(&self) -> bool {
        let mut values = self.curves.iter().flat_map(|c| &c.middle).flatten();
        values.any(|v| v.is_finite())
    }
}

/// The smallest and the largest value of some curves.
pub(super) fn reach(curves: &[Curve]) -> (f64, f64) {
    span(curves.iter().flat_map(|c| &c.middle))
}

/// An axis for latencies. Bands count too, but up to twice the height of the curves at most: a wide band must not hide
/// the line.
pub(super) fn latency_axis(curves: &[Curve]) -> Axis {
    let (least, most) = reach(curves);
    let (_, widest) = span(curves.iter().flat_map(|c| &c.band).flat_map(|b| &b.hi));
    Axis::latency(least, most.max(widest.min(2.0 * most)))
}

/// An axis for availability, with bands as above.
pub(super) fn availability_axis(curves: &[Curve]) -> Axis {
    let (least, _) = reach(curves);
    let (widest, _) = span(curves.iter().flat_map(|c| &c.band).flat_map(|b| &b.lo));
    Axis::availability(least.min(widest.max(1.0 - 2.0 * (1.0 - least))))
}

fn span<'v>(values: impl Iterator<Item = &'v Option<f64>>) -> (f64, f64) {
    let all = values.flatten().copied().filter(|v| v.is_finite());
    all.fold((f64::INFINITY, 0.0_f64), |(lo, hi), v| (lo.min(v), hi.max(v)))
}

impl Tracks<'_> {
    /// The panels in this area, below a space of `above`.
    pub(super) fn places(&self, canvas: &Canvas<'_>, area: Rect, above: f64) -> Places {
        let ticks = self.tracks.iter().map(|t| widest_tick(canvas, &t.axis));
        let labels = self.tracks.iter().flat_map(|t| &t.curves).map(|c| c.label.as_str());
        let room = widest_label(canvas, labels, area.width() * 0.25);
        let whole = Rect {
            left: area.left + ticks.fold(0.0, f64::max) + 8.0,
            top: area.top + above,
            right: area.right - room,
            bottom: area.bottom - FOOT,
        };
        Places {
            panels: stack(whole, self.tracks.len()),
            room,
        }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, places: &Places) {
        for (i, (area, track)) in places.panels.iter().zip(self.tracks).enumerate() {
            let (x, y) = (self.x, &track.axis);
            let panel = Panel { area: *area, x, y };
            let at = area.top - TITLE / 2.0;
            canvas.text_on_patch(track.title, area.left, at, Anchor::Start, canvas.bold(12.5));
            panel.rule(canvas);
            track.curves.iter().for_each(|c| panel.band(canvas, c));
            track.curves.iter().for_each(|c| panel.line(canvas, c));
            panel.end_labels(canvas, &track.curves, places.room);
            if i + 1 == places.panels.len() {
                panel.foot(canvas);
                let font = canvas.quiet(TICK_TEXT);
                canvas.text(self.foot, area.left, area.bottom + 33.0, Anchor::Start, font);
            }
        }
    }
}
