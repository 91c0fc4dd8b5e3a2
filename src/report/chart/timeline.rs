//! Draws a timeline: panels above one another on one time axis, with failures shaded and labelled.
//!
//! Lines are medians over replications; bands hold nine out of ten replications.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Font, Rect, fitted, text_width};
use super::labels::{Flag, rows};
use super::panel::{Band, Curve, Panel, TICK_TEXT, widest_label, widest_tick};
use crate::analysis::result::Happening;
use crate::report::periods::Period;
use crate::report::timeline::{Line, Measure, Timeline, Track};

const ROW: f64 = 16.0;
const MOST_ROWS: usize = 4;
/// More flags than this never find space, and searching for it takes time.
const MOST_FLAGS: usize = 40;
const TITLE: f64 = 24.0;
const FOOT: f64 = 26.0;
const BETWEEN: f64 = 12.0;

/// The label and the time of an event's flag.
struct Event {
    at_s: f64,
    text: String,
    is_fault: bool,
}

/// Draws into an area of any size.
pub fn draw(canvas: &mut Canvas<'_>, timeline: &Timeline, area: Rect) {
    let time = Axis::time(timeline.end_s, (area.width() / 90.0) as usize);
    let axes: Vec<Axis> = timeline.tracks.iter().map(value_axis).collect();
    let names = timeline.tracks.iter().flat_map(|t| &t.lines).map(|l| l.label.as_str());
    let left = area.left + axes.iter().map(|a| widest_tick(canvas, a)).fold(0.0, f64::max) + 8.0;
    let room = widest_label(canvas, names, area.width() * 0.25);
    let right = area.right - room;

    let events = events(timeline);
    let flags: Vec<Flag> = events
        .iter()
        .take(MOST_FLAGS)
        .map(|e| flag(canvas, e, timeline.end_s, left, right))
        .collect();
    let places = rows(&flags, MOST_ROWS);
    let unplaced = events.len() - places.iter().flatten().count();
    let lanes = places.iter().flatten().max().map_or(0, |m| m + 1) + usize::from(unplaced > 0);
    let ground = area.top + lanes as f64 * ROW;

    let panels = stack(
        Rect {
            left,
            top: ground,
            right,
            bottom: area.bottom - FOOT,
        },
        timeline.tracks.len(),
    );
    for area in &panels {
        shade(canvas, timeline, *area);
    }
    for ((event, flag), place) in events.iter().zip(&flags).zip(&places) {
        if let Some(row) = place {
            raise(canvas, event, flag, ground - (*row as f64 + 0.5) * ROW, &panels);
        }
    }
    for (((area, axis), track), is_last) in panels.iter().zip(&axes).zip(&timeline.tracks).zip(last(panels.len())) {
        let panel = Panel {
            area: *area,
            x: &time,
            y: axis,
        };
        canvas.text_on_patch(
            &track.title,
            left,
            area.top - TITLE / 2.0,
            Anchor::Start,
            canvas.bold(12.5),
        );
        draw_track(canvas, &panel, track, room, timeline.end_s);
        if is_last {
            panel.foot(canvas);
        }
    }
    if unplaced > 0 {
        let text = format!("… and {unplaced} more events");
        canvas.text(
            &text,
            left,
            area.top + ROW / 2.0,
            Anchor::Start,
            canvas.quiet(TICK_TEXT),
        );
    }
}

fn last(n: usize) -> impl Iterator<Item = bool> {
    (1..=n).map(move |i| i == n)
}

/// The areas of `n` panels below one another, each with space for its title.
pub(super) fn stack(area: Rect, n: usize) -> Vec<Rect> {
    let n = n.max(1);
    let height = (area.height() - (n - 1) as f64 * BETWEEN) / n as f64;
    let panel = |i: usize| {
        let top = area.top + i as f64 * (height + BETWEEN);
        Rect {
            left: area.left,
            top: top + TITLE,
            right: area.right,
            bottom: top + height,
        }
    };
    (0..n).map(panel).collect()
}

fn value_axis(track: &Track) -> Axis {
    let all = || {
        let edges = track
            .lines
            .iter()
            .flat_map(|l| [&l.series.median, &l.series.lo, &l.series.hi]);
        edges.flatten().flatten().copied().filter(|v| v.is_finite())
    };
    let (lowest, highest) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    match track.measure {
        Measure::Availability => Axis::availability(lowest),
        Measure::Latency => Axis::latency(lowest, highest),
        Measure::Rate => Axis::rate(highest),
    }
}

fn draw_track(canvas: &mut Canvas<'_>, panel: &Panel<'_>, track: &Track, room: f64, end_s: f64) {
    let curves: Vec<Curve> = track.lines.iter().map(|line| curve(canvas, line, end_s)).collect();
    panel.rule(canvas);
    curves.iter().for_each(|c| panel.band(canvas, c));
    curves.iter().for_each(|c| panel.line(canvas, c));
    panel.end_labels(canvas, &curves, room);
}

/// A bin is drawn as a step from its beginning to its end, so that an effect begins where its fault does.
fn curve(canvas: &Canvas<'_>, line: &Line, end_s: f64) -> Curve {
    let twice = |values: &[Option<f64>]| values.iter().flat_map(|v| [*v, *v]).collect::<Vec<_>>();
    let bins = 0..line.series.median.len();
    Curve {
        label: line.label.clone(),
        colour: canvas.colours.line(line.colour),
        x: bins
            .flat_map(|i| [i as f64, (i + 1) as f64].map(|bin| (bin * line.bin_s).min(end_s)))
            .collect(),
        middle: twice(&line.series.median),
        band: Some(Band {
            lo: twice(&line.series.lo),
            hi: twice(&line.series.hi),
        }),
    }
}

/// Faults come first, because space is found for the first events first.
fn events(timeline: &Timeline) -> Vec<Event> {
    let warmup = (timeline.warmup_s > 0.0).then(|| Event {
        at_s: 0.0,
        text: "warm-up".into(),
        is_fault: false,
    });
    let fault = |p: &Period| Event {
        at_s: p.from_s,
        text: match p.whose.as_str() {
            "" => format!("{} {}", p.target, p.effect),
            whose => format!("{whose}: {} {}", p.target, p.effect),
        },
        is_fault: true,
    };
    let mark = |m: &Happening| Event {
        at_s: m.at_s,
        text: format!("{} {}", m.target, m.what),
        is_fault: false,
    };
    let open = timeline.open_s.map(|at_s| Event {
        at_s,
        text: "still inside: not known yet".into(),
        is_fault: false,
    });
    let faults = timeline.periods.iter().map(fault);
    faults
        .chain(warmup)
        .chain(open)
        .chain(timeline.marks.iter().map(mark))
        .collect()
}

/// A flag extends to the right of its pole, or to the left where there is no space.
fn flag(canvas: &Canvas<'_>, event: &Event, end_s: f64, left: f64, right: f64) -> Flag {
    let x = left + (event.at_s / end_s).clamp(0.0, 1.0) * (right - left);
    let font = font(canvas, event);
    let width = text_width(&fitted(&event.text, font, (right - left) * 0.45), font) + 8.0;
    if x + width <= right + 20.0 {
        Flag {
            x,
            from: x,
            to: x + width,
        }
    } else {
        Flag {
            x,
            from: x - width,
            to: x,
        }
    }
}

/// The pole passes through the panels from the flag down, but not through the titles between them.
fn raise(canvas: &mut Canvas<'_>, event: &Event, flag: &Flag, y: f64, panels: &[Rect]) {
    let font = font(canvas, event);
    let thickness = if event.is_fault { 1.0 } else { 0.5 };
    for (i, panel) in panels.iter().enumerate() {
        let top = if i == 0 { y - ROW / 2.0 + 2.0 } else { panel.top };
        canvas.path(&[(flag.x, top), (flag.x, panel.bottom)], font.colour, thickness);
    }
    let text = fitted(&event.text, font, flag.to - flag.from - 6.0);
    let (x, anchor) = if flag.from < flag.x {
        (flag.x - 4.0, Anchor::End)
    } else {
        (flag.x + 4.0, Anchor::Start)
    };
    canvas.text(&text, x, y, anchor, font);
}

fn font(canvas: &Canvas<'_>, event: &Event) -> Font {
    let colour = if event.is_fault {
        canvas.colours.fault
    } else {
        canvas.colours.quiet
    };
    Font {
        size: TICK_TEXT,
        bold: event.is_fault,
        colour,
    }
}

fn shade(canvas: &mut Canvas<'_>, timeline: &Timeline, area: Rect) {
    let x = |at_s: f64| area.left + (at_s / timeline.end_s).clamp(0.0, 1.0) * area.width();
    if timeline.warmup_s > 0.0 {
        let warmup = Rect {
            right: x(timeline.warmup_s),
            ..area
        };
        canvas.fill(warmup, canvas.colours.quiet, 0.10);
    }
    if let Some(from) = timeline.open_s {
        let open = Rect { left: x(from), ..area };
        canvas.fill(open, canvas.colours.quiet, 0.18);
    }
    for period in &timeline.periods {
        let from = x(period.from_s);
        // Even the shortest period is visible.
        let to = x(period.to_s).max(from + 1.0);
        canvas.fill(
            Rect {
                left: from,
                right: to,
                ..area
            },
            canvas.colours.fault,
            0.13,
        );
    }
}
