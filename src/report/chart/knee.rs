//! Draws latency, goodput and availability against the load, with the knee, its interval, and the present load.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Rect, text_width};
use super::labels::{Flag, rows};
use super::panel::{Band, Curve, TICK_TEXT};
use super::tracks::{Track, Tracks, availability_axis, latency_axis, reach};
use super::{Drawing, PictureError};
use crate::analysis::capacity::{Capacity, Point};
use crate::analysis::result::{Answer, Document, Estimate};
use crate::report::units;

const ROW: f64 = 16.0;
const HEIGHT: f64 = 520.0;

/// The curve of a `capacity`.
pub fn knee(document: &Document) -> Result<Drawing<'_>, PictureError> {
    let nothing = |why: &str| Err(PictureError::Nothing("knee", why.into()));
    let Answer::Capacity(found) = &document.answer else {
        return nothing("it draws what `fallover capacity` found");
    };
    if found.curve.len() < 2 {
        return nothing("the curve has no two points");
    }
    Ok(Drawing {
        how: "Line: the estimate at each load. Band: its interval. Shaded: the promise is broken.".into(),
        height: HEIGHT,
        draw: Box::new(move |canvas, area| draw(canvas, found, area)),
    })
}

fn draw(canvas: &mut Canvas<'_>, found: &Capacity, area: Rect) {
    let most = found
        .curve
        .iter()
        .map(|p| p.rate_per_s)
        .fold(found.present_per_s, f64::max);
    let load = Axis::between(0.0, most, (area.width() / 110.0) as usize, |v| {
        format!("{}/s", units::trimmed(v, 2))
    });
    let tracks = tracks(canvas, found);
    let tracks = Tracks {
        x: &load,
        foot: "load, requests a second",
        tracks: &tracks,
    };
    let places = tracks.places(canvas, area, 2.0 * ROW);
    let panels = &places.panels;
    let x = |rate: f64| {
        let across = panels.first().map_or((area.left, 0.0), |p| (p.left, p.width()));
        across.0 + load.place(rate) * across.1
    };
    let knee = found
        .knee
        .knee_per_s
        .value
        .filter(|v| v.is_finite() && *v > 0.0 && *v <= most);
    let broken = knee.or_else(|| found.curve.iter().find(|p| !p.holds).map(|p| p.rate_per_s));
    for panel in panels {
        if let Some(from) = broken {
            canvas.fill(
                Rect {
                    left: x(from),
                    ..*panel
                },
                canvas.colours.fault,
                0.08,
            );
        }
        let reach = (found.knee.knee_per_s.lo, found.knee.knee_per_s.hi);
        if let ((Some(lo), Some(hi)), Some(_)) = (reach, knee) {
            canvas.fill(
                Rect {
                    left: x(lo),
                    right: x(hi),
                    ..*panel
                },
                canvas.colours.fault,
                0.2,
            );
        }
    }
    flags(canvas, found, knee, area.top, panels, &x);
    tracks.draw(canvas, &places);
}

/// The labels of the vertical lines: the present load and the knee.
fn flags(
    canvas: &mut Canvas<'_>,
    found: &Capacity,
    knee: Option<f64>,
    top: f64,
    panels: &[Rect],
    x: &dyn Fn(f64) -> f64,
) {
    let now = format!("now {}/s", units::rate(found.present_per_s));
    let mut all = vec![(found.present_per_s, now, canvas.quiet(TICK_TEXT))];
    if let Some(knee) = knee {
        let font = super::canvas::Font {
            colour: canvas.colours.fault,
            ..canvas.bold(TICK_TEXT)
        };
        all.insert(
            0,
            (
                knee,
                format!("knee {}", units::rate_estimate(&found.knee.knee_per_s)),
                font,
            ),
        );
    }
    let flag = |(rate, says, font): &(f64, String, super::canvas::Font)| {
        let (at, width) = (x(*rate), text_width(says, *font) + 8.0);
        match panels.first() {
            Some(p) if at + width > p.right => Flag {
                x: at,
                from: at - width,
                to: at,
            },
            _ => Flag {
                x: at,
                from: at,
                to: at + width,
            },
        }
    };
    let flags: Vec<Flag> = all.iter().map(flag).collect();
    for (((_, says, font), flag), row) in all.iter().zip(&flags).zip(rows(&flags, 2)) {
        let Some(row) = row else { continue };
        let y = top + 2.0 * ROW - (row as f64 + 0.5) * ROW;
        for (i, panel) in panels.iter().enumerate() {
            let from = if i == 0 { y - ROW / 2.0 + 2.0 } else { panel.top };
            canvas.path(&[(flag.x, from), (flag.x, panel.bottom)], font.colour, 1.0);
        }
        let (at, anchor) = if flag.from < flag.x {
            (flag.x - 4.0, Anchor::End)
        } else {
            (flag.x + 4.0, Anchor::Start)
        };
        canvas.text(says, at, y, anchor, *font);
    }
}

fn tracks(canvas: &Canvas<'_>, found: &Capacity) -> Vec<Track> {
    let curve = |label: &str, n: usize, of: &dyn Fn(&Point) -> Estimate| Curve {
        label: label.into(),
        colour: canvas.colours.line(n),
        x: found.curve.iter().map(|p| p.rate_per_s).collect(),
        middle: found.curve.iter().map(|p| of(p).value).collect(),
        band: Some(Band {
            lo: found.curve.iter().map(|p| of(p).lo).collect(),
            hi: found.curve.iter().map(|p| of(p).hi).collect(),
        }),
    };
    let latency = vec![
        curve("p99", 1, &|p| p.metrics.latency_s.p99),
        curve("median", 0, &|p| p.metrics.latency_s.p50),
    ];
    let through = |p: &Point| p.metrics.throughput_per_s;
    let offered = |p: &Point| Estimate {
        value: Some(p.rate_per_s),
        ..Estimate::default()
    };
    let goodput = vec![curve("asked", 6, &offered), curve("answered", 0, &through)];
    let available = vec![curve("", 2, &|p| p.metrics.availability)];
    let all = [
        Track {
            title: "Latency",
            axis: latency_axis(&latency),
            curves: latency,
        },
        Track {
            title: "Goodput, per second",
            axis: Axis::rate(reach(&goodput).1),
            curves: goodput,
        },
        Track {
            title: "Availability",
            axis: availability_axis(&available),
            curves: available,
        },
    ];
    all.into_iter().filter(Track::is_known).collect()
}
