//! Rows with a name, a bar or a dot on a common axis, and the value in words. Most comparisons use them.
//!
//! Knows pixels and words, but not what the rows mean.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Font, Rect, fitted, lean, plain, text_width};
use super::panel::{LABEL_TEXT, Panel, TICK_TEXT};
use super::{Drawing, theme::Ink};
use crate::report::text::leanest;

const TITLE: f64 = 24.0;
const LANE: f64 = 16.0;
const ROW: f64 = 23.0;
const FOOT: f64 = 24.0;
const BAR: f64 = 12.0;
/// More rows than this cannot be compared.
const MOST_ROWS: usize = 24;
/// Share of the width for the names, and for the values in words.
const SIDES: f64 = 0.3;
/// Share of the width for values that have no shorter form.
const MOST_SAID: f64 = 0.45;

/// Rows under a title.
#[derive(Clone, Debug)]
pub struct Bars {
    pub title: String,
    pub rows: Vec<Row>,
    pub axis: Axis,
    /// Values that matter to all rows: a promise, zero.
    pub marks: Vec<(f64, String)>,
    /// What the colours mean, where the words next to the bars do not say it.
    pub legend: Vec<(Ink, &'static str)>,
    /// How to describe the rows that are left out.
    pub more: &'static str,
}

/// One row.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub name: String,
    /// Pieces of the bar, from left to right.
    pub parts: Vec<Part>,
    /// The interval.
    pub reach: Option<(f64, f64)>,
    /// A value without a bar.
    pub dot: Option<f64>,
    /// The value, in words.
    pub says: String,
    pub ink: Ink,
}

/// A piece of a bar.
#[derive(Copy, Clone, Debug)]
pub struct Part {
    pub from: f64,
    pub to: f64,
    pub ink: Ink,
}

impl Part {
    pub fn new(from: f64, to: f64, ink: Ink) -> Part {
        Part { from, to, ink }
    }
}

impl Row {
    /// The interval of an estimate, where it is one.
    pub fn reach(lo: Option<f64>, hi: Option<f64>) -> Option<(f64, f64)> {
        lo.zip(hi)
            .filter(|(lo, hi)| lo.is_finite() && hi.is_finite() && hi > lo)
    }
}

impl Bars {
    /// How high it is.
    pub fn height(&self) -> f64 {
        let rows = self.shown() + usize::from(self.shown() < self.rows.len());
        self.head() + rows as f64 * ROW + FOOT
    }

    fn shown(&self) -> usize {
        Bars::shown_of(self.rows.len())
    }

    /// How many of this many rows are drawn.
    pub fn shown_of(rows: usize) -> usize {
        if rows > MOST_ROWS { MOST_ROWS - 1 } else { rows }
    }

    fn head(&self) -> f64 {
        let lane = |is: bool| if is { LANE } else { 0.0 };
        TITLE + lane(!self.legend.is_empty()) + lane(!self.marks.is_empty())
    }

    /// The rows as a drawing of their own.
    pub fn drawing(self, how: impl Into<String>) -> Drawing<'static> {
        Drawing {
            how: how.into(),
            height: self.height(),
            draw: Box::new(move |canvas, area| self.draw(canvas, area)),
        }
    }

    /// Draws into this area.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let title = canvas.bold(12.5);
        canvas.text(
            &fitted(&self.title, title, area.width()),
            area.left,
            area.top + 11.0,
            Anchor::Start,
            title,
        );
        self.legend(canvas, area);
        let shown = &self.rows[..self.shown()];
        let widest = |texts: &mut dyn Iterator<Item = &str>, font: Font| {
            texts
                .map(|t| text_width(t, font))
                .fold(0.0, f64::max)
                .min(area.width() * SIDES)
        };
        let names = widest(&mut shown.iter().map(|r| r.name.as_str()), plain(LABEL_TEXT));
        let says = widest(&mut shown.iter().map(|r| r.says.as_str()), plain(LABEL_TEXT));
        // A number cut in half would be wrong, so the shortest form of each value always gets its space.
        let leanest: Vec<String> = shown.iter().map(|r| leanest(&r.says, |_| false)).collect();
        let least = leanest
            .iter()
            .map(|t| text_width(t, plain(LABEL_TEXT)))
            .fold(0.0, f64::max);
        let says = says.max(least.min(area.width() * MOST_SAID));
        let plot = Rect {
            left: area.left + names + 12.0,
            top: area.top + self.head(),
            right: area.right - says - 12.0,
            bottom: area.top + self.head() + shown.len() as f64 * ROW,
        };
        let still = Axis::between(0.0, 1.0, 1, |_| String::new());
        let panel = Panel {
            area: plot,
            x: &self.axis,
            y: &still,
        };
        for tick in &self.axis.ticks {
            let x = panel.at(tick.at, 0.0).0;
            canvas.path(&[(x, plot.top), (x, plot.bottom)], canvas.colours.grid, 1.0);
        }
        panel.foot(canvas);
        self.marks(canvas, &panel);
        for (i, row) in shown.iter().enumerate() {
            let y = plot.top + (i as f64 + 0.5) * ROW;
            draw_row(canvas, row, &panel, y);
            let font = canvas.ink(LABEL_TEXT);
            canvas.text(&fitted(&row.name, font, names), plot.left - 8.0, y, Anchor::End, font);
            let font = Font {
                colour: canvas.colours.of(row.ink),
                ..font
            };
            canvas.text(&lean(&row.says, font, says), plot.right + 10.0, y, Anchor::Start, font);
        }
        if let Some(more) = self.rows.len().checked_sub(shown.len()).filter(|more| *more > 0) {
            let text = format!("… and {more} more {}", self.more);
            canvas.text(
                &text,
                area.left,
                plot.bottom + FOOT + ROW / 2.0,
                Anchor::Start,
                canvas.quiet(TICK_TEXT),
            );
        }
    }

    fn legend(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let (mut x, y, font) = (area.left, area.top + TITLE + LANE / 2.0 - 1.0, canvas.quiet(TICK_TEXT));
        for (ink, says) in &self.legend {
            let swatch = Rect {
                left: x,
                top: y - 4.5,
                right: x + 9.0,
                bottom: y + 4.5,
            };
            canvas.fill(swatch, canvas.colours.of(*ink), 1.0);
            canvas.text(says, x + 13.0, y, Anchor::Start, font);
            x += 13.0 + text_width(says, font) + 14.0;
        }
    }

    /// Vertical lines, with labels above as far as they fit.
    fn marks(&self, canvas: &mut Canvas<'_>, panel: &Panel<'_>) {
        let font = canvas.quiet(TICK_TEXT);
        let (mut free_from, top) = (f64::NEG_INFINITY, panel.area.top);
        let mut marks: Vec<&(f64, String)> = self.marks.iter().collect();
        marks.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at, says) in marks {
            let x = panel.at(*at, 0.0).0;
            canvas.path(&[(x, top - 3.0), (x, panel.area.bottom)], canvas.colours.quiet, 1.2);
            let width = text_width(says, font);
            let left = (x - width / 2.0).min(panel.area.right - width).max(panel.area.left);
            if left > free_from {
                canvas.text(says, left, top - LANE / 2.0 - 3.0, Anchor::Start, font);
                free_from = left + width + 8.0;
            }
        }
    }
}

fn draw_row(canvas: &mut Canvas<'_>, row: &Row, panel: &Panel<'_>, y: f64) {
    let x = |value: f64| panel.at(value, 0.0).0;
    for part in &row.parts {
        let (a, b) = (x(part.from.min(part.to)), x(part.from.max(part.to)));
        // Even the smallest part is visible, unless it is zero.
        let b = if part.from == part.to { b } else { b.max(a + 1.0) };
        let bar = Rect {
            left: a,
            top: y - BAR / 2.0,
            right: b,
            bottom: y + BAR / 2.0,
        };
        canvas.fill(bar, canvas.colours.of(part.ink), 1.0);
    }
    let colour = if row.parts.is_empty() {
        canvas.colours.of(row.ink)
    } else {
        canvas.colours.ink
    };
    if let Some((lo, hi)) = row.reach {
        let (lo, hi) = (x(lo), x(hi));
        canvas.path(&[(lo, y), (hi, y)], colour, 1.6);
        for end in [lo, hi] {
            canvas.path(&[(end, y - 4.0), (end, y + 4.0)], colour, 1.6);
        }
    }
    if let Some(value) = row.dot {
        canvas.dot(x(value), y, 4.0, colour);
    }
}
