//! Draws the page that answers at a glance: the numbers that matter, how things went over time, how long people waited.
//!
//! Its height follows from what there is to say; its width is the caller's.

use super::canvas::{Anchor, Canvas, Font, Rect, fitted, text_width, wrapped};
use super::theme::Theme;
use super::{latency, timeline};
use crate::analysis::result::{Document, Metrics, SloResult};
use crate::report::summary::{incomplete, objective, seed, subtitle};
use crate::report::timeline::timeline as timeline_of;
use crate::report::units;
use crate::report::view::{RunView, runs};

const MARGIN: f64 = 24.0;
const HEAD: f64 = 58.0;
const TILE_HEIGHT: f64 = 78.0;
const TILE_GAP: f64 = 12.0;
const LEAST_TILE: f64 = 168.0;
const ROW: f64 = 26.0;
const COLUMN: f64 = 156.0;
const MOST_ROWS: usize = 12;
const LINE: f64 = 18.0;
const TIMELINE_HEIGHT: f64 = 470.0;
const LATENCY_HEIGHT: f64 = 340.0;
/// For the line that says why there is no picture.
const NOTHING_HEIGHT: f64 = 40.0;
/// From this width on, the two pictures stand side by side.
const SIDE_BY_SIDE: f64 = 1000.0;
const MOST_CAVEATS: usize = 3;
const CAVEAT_TEXT: f64 = 12.0;

/// One number that matters.
struct Tile {
    name: &'static str,
    value: String,
    note: String,
    met: Option<bool>,
}

/// How high the page must be to hold it all at this width.
pub fn height(document: &Document, width: f64) -> f64 {
    let runs = runs(document);
    let head = HEAD + if document.envelope.complete { 0.0 } else { LINE };
    let numbers = match runs.as_slice() {
        [one] => {
            let rows = tiles(one).len().div_ceil(tiles_in_a_row(width)) as f64;
            rows * (TILE_HEIGHT + TILE_GAP)
        }
        several => (several.len().min(MOST_ROWS + 1) + 1) as f64 * ROW,
    };
    let (over_time, waits) = picture_heights(&runs);
    let pictures = match width >= SIDE_BY_SIDE {
        true => over_time.max(waits),
        false => over_time + MARGIN + waits,
    };
    // Only the size of a font decides where lines break.
    let font = Font {
        size: CAVEAT_TEXT,
        bold: false,
        colour: Theme::Light.colours().ink,
    };
    let caveats = caveat_lines(document, font, width - 2.0 * MARGIN).len() as f64 * LINE;
    MARGIN + head + numbers + MARGIN + pictures + MARGIN + caveats + LINE + MARGIN / 2.0
}

/// Draws the page.
pub fn draw(canvas: &mut Canvas<'_>, document: &Document, width: f64, height: f64) {
    let runs = runs(document);
    let page = Rect {
        left: MARGIN,
        top: MARGIN,
        right: width - MARGIN,
        bottom: height,
    };
    let below_head = head(canvas, document, &runs, page);
    let below_numbers = match runs.as_slice() {
        [one] => tile_rows(canvas, &tiles(one), page, below_head),
        several => scenario_rows(canvas, several, page, below_head),
    };
    let below_pictures = pictures(
        canvas,
        &runs,
        Rect {
            top: below_numbers + MARGIN,
            ..page
        },
    );
    foot(
        canvas,
        document,
        Rect {
            top: below_pictures + MARGIN,
            ..page
        },
    );
}

fn head(canvas: &mut Canvas<'_>, document: &Document, runs: &[RunView<'_>], page: Rect) -> f64 {
    let title = if runs.len() > 1 {
        format!("{} scenarios", runs.len())
    } else {
        document.envelope.scenario.name.clone()
    };
    let font = canvas.bold(20.0);
    canvas.text(
        &fitted(&title, font, page.width()),
        page.left,
        page.top + 10.0,
        Anchor::Start,
        font,
    );
    let how = wrapped(&subtitle(document), canvas.quiet(12.5), page.width(), 1).concat();
    canvas.text(&how, page.left, page.top + 35.0, Anchor::Start, canvas.quiet(12.5));
    if document.envelope.complete {
        return page.top + HEAD;
    }
    let font = Font {
        colour: canvas.colours.bad,
        ..canvas.bold(12.5)
    };
    let text = fitted(&incomplete(document), font, page.width());
    canvas.text(&text, page.left, page.top + 35.0 + LINE, Anchor::Start, font);
    page.top + HEAD + LINE
}

fn tiles(view: &RunView<'_>) -> Vec<Tile> {
    let Metrics {
        requests,
        availability,
        throughput_per_s,
        latency_s,
        ..
    } = &view.run.metrics;
    let promise = |name: &str| view.run.slo.iter().find(|s| s.objective == name);
    let tile = |name, value, slo: Option<&SloResult>, otherwise: String| Tile {
        name,
        value,
        note: slo.map_or(otherwise, |s| match s.met {
            _ if view.is_empty() => format!("not measured against {}", objective(s).0),
            true => format!("✓ {}", objective(s).0),
            false => format!("✗ missed {}", objective(s).0),
        }),
        met: slo.filter(|_| !view.is_empty()).map(|s| s.met),
    };
    let failed = format!("of {} requests", units::count(requests.offered));
    let nines = availability.value.and_then(units::nines);
    let nines = nines.or_else(|| units::at_least(availability)).unwrap_or_default();
    vec![
        tile(
            "Available",
            units::percent_estimate(availability),
            promise("availability"),
            nines,
        ),
        tile("Failed", units::count(requests.failed), None, failed),
        tile(
            "Answered",
            units::rate_estimate(throughput_per_s),
            None,
            "requests per second".into(),
        ),
        tile(
            "Latency, median",
            units::latency_estimate(&latency_s.p50),
            promise("p50"),
            String::new(),
        ),
        tile(
            "Latency, p99",
            units::latency_estimate(&latency_s.p99),
            promise("p99"),
            String::new(),
        ),
    ]
}

fn tiles_in_a_row(width: f64) -> usize {
    (((width - 2.0 * MARGIN + TILE_GAP) / (LEAST_TILE + TILE_GAP)) as usize).clamp(1, 5)
}

fn tile_rows(canvas: &mut Canvas<'_>, tiles: &[Tile], page: Rect, top: f64) -> f64 {
    let in_a_row = tiles_in_a_row(page.width() + 2.0 * MARGIN);
    let width = (page.width() - (in_a_row - 1) as f64 * TILE_GAP) / in_a_row as f64;
    for (i, tile) in tiles.iter().enumerate() {
        let left = page.left + (i % in_a_row) as f64 * (width + TILE_GAP);
        let top = top + (i / in_a_row) as f64 * (TILE_HEIGHT + TILE_GAP);
        draw_tile(
            canvas,
            tile,
            Rect {
                left,
                top,
                right: left + width,
                bottom: top + TILE_HEIGHT,
            },
        );
    }
    top + tiles.len().div_ceil(in_a_row) as f64 * (TILE_HEIGHT + TILE_GAP)
}

fn draw_tile(canvas: &mut Canvas<'_>, tile: &Tile, area: Rect) {
    let (left, room) = (area.left + 14.0, area.width() - 28.0);
    canvas.fill(area, canvas.colours.tile, 1.0);
    canvas.text(tile.name, left, area.top + 17.0, Anchor::Start, canvas.quiet(12.0));
    let colour = match tile.met {
        Some(false) => canvas.colours.bad,
        _ => canvas.colours.ink,
    };
    let mut font = Font {
        colour,
        ..canvas.bold(22.0)
    };
    while font.size > 12.0 && text_width(&tile.value, font) > room {
        font.size -= 1.0;
    }
    canvas.text(
        &fitted(&tile.value, font, room),
        left,
        area.top + 40.0,
        Anchor::Start,
        font,
    );
    let note_colour = match tile.met {
        Some(true) => canvas.colours.good,
        Some(false) => canvas.colours.bad,
        None => canvas.colours.quiet,
    };
    let font = Font {
        colour: note_colour,
        ..canvas.quiet(11.5)
    };
    canvas.text(
        &fitted(&tile.note, font, room),
        left,
        area.top + 63.0,
        Anchor::Start,
        font,
    );
}

/// A row a scenario, in the colour of its lines; a narrow page shows only what matters most.
fn scenario_rows(canvas: &mut Canvas<'_>, views: &[RunView<'_>], page: Rect, top: f64) -> f64 {
    const HEADS: [&str; 5] = ["available", "p99", "failed", "median", "answered"];
    let shown = ((page.width() * 0.72 / COLUMN) as usize).clamp(1, HEADS.len());
    let right_of = |i: usize| page.right - (shown - 1 - i) as f64 * COLUMN;
    let (small, plain) = (canvas.quiet(11.5), canvas.ink(13.0));
    for (i, head) in HEADS.iter().take(shown).enumerate() {
        canvas.text(head, right_of(i), top + ROW / 2.0, Anchor::End, small);
    }
    for (n, view) in views.iter().take(MOST_ROWS).enumerate() {
        let y = top + (n as f64 + 1.5) * ROW;
        canvas.path(
            &[(page.left, y - ROW / 2.0), (page.right, y - ROW / 2.0)],
            canvas.colours.grid,
            1.0,
        );
        let font = Font {
            colour: canvas.colours.line(n),
            ..canvas.bold(13.0)
        };
        let room = right_of(0) - COLUMN - page.left;
        canvas.text(&fitted(view.name, font, room), page.left, y, Anchor::Start, font);
        let m = &view.run.metrics;
        let cells = [
            units::percent_estimate(&m.availability),
            units::latency_estimate(&m.latency_s.p99),
            units::count(m.requests.failed),
            units::latency_estimate(&m.latency_s.p50),
            units::rate_estimate(&m.throughput_per_s),
        ];
        for (i, cell) in cells.iter().take(shown).enumerate() {
            canvas.text(&fitted(cell, plain, COLUMN - 8.0), right_of(i), y, Anchor::End, plain);
        }
    }
    let mut rows = views.len().min(MOST_ROWS) + 1;
    if views.len() > MOST_ROWS {
        let text = format!("… and {} more", views.len() - MOST_ROWS);
        canvas.text(&text, page.left, top + (rows as f64 + 0.5) * ROW, Anchor::Start, small);
        rows += 1;
    }
    top + rows as f64 * ROW
}

/// The two pictures, side by side where there is room. What cannot be drawn says so in its place.
fn pictures(canvas: &mut Canvas<'_>, runs: &[RunView<'_>], page: Rect) -> f64 {
    let (over_time_height, waits_height) = picture_heights(runs);
    let (over_time, waits, bottom) = if page.width() + 2.0 * MARGIN >= SIDE_BY_SIDE {
        let middle = page.left + page.width() * 0.6;
        let bottom = page.top + over_time_height.max(waits_height);
        let area = Rect { bottom, ..page };
        (
            Rect {
                right: middle - MARGIN / 2.0,
                ..area
            },
            Rect {
                left: middle + MARGIN / 2.0,
                ..area
            },
            bottom,
        )
    } else {
        let between = page.top + over_time_height;
        let (top, bottom) = (between + MARGIN, between + MARGIN + waits_height);
        (
            Rect {
                bottom: between,
                ..page
            },
            Rect { top, bottom, ..page },
            bottom,
        )
    };
    let nothing = |canvas: &mut Canvas<'_>, area: Rect, text: &str| {
        let font = canvas.quiet(13.0);
        canvas.text(
            &fitted(text, font, area.width()),
            area.left,
            area.top + 20.0,
            Anchor::Start,
            font,
        );
    };
    match timeline_of(runs) {
        Some(found) => timeline::draw(canvas, &found, over_time),
        None => nothing(canvas, over_time, "No timeline: nothing was measured over time."),
    }
    match latency::sources(runs) {
        none if none.is_empty() => nothing(canvas, waits, "No latencies: no request succeeded."),
        sources => latency::draw(canvas, &sources, waits),
    }
    bottom
}

/// What the timeline and the distribution need in height; little where there is nothing to draw.
fn picture_heights(runs: &[RunView<'_>]) -> (f64, f64) {
    let over_time = if timeline_of(runs).is_some() {
        TIMELINE_HEIGHT
    } else {
        NOTHING_HEIGHT
    };
    let waits = if latency::sources(runs).is_empty() {
        NOTHING_HEIGHT
    } else {
        LATENCY_HEIGHT
    };
    (over_time, waits)
}

fn foot(canvas: &mut Canvas<'_>, document: &Document, area: Rect) {
    let mut y = area.top + LINE / 2.0;
    for line in caveat_lines(document, canvas.ink(CAVEAT_TEXT), area.width()) {
        canvas.text(&line, area.left, y, Anchor::Start, canvas.ink(CAVEAT_TEXT));
        y += LINE;
    }
    let source = format!(
        "fallover {} · scenario {} · {}",
        document.engine.version,
        document.envelope.scenario.digest,
        seed(document)
    );
    let font = canvas.quiet(11.0);
    canvas.text(&fitted(&source, font, area.width()), area.left, y, Anchor::Start, font);
}

fn caveat_lines(document: &Document, font: Font, room: f64) -> Vec<String> {
    let runs = runs(document);
    let own = runs
        .iter()
        .flat_map(|v| v.caveats.iter().map(|c| format!("! {}: {}", v.name, c.message)));
    let shared = document.caveats.iter().map(|c| format!("! {}", c.message));
    shared
        .chain(own)
        .take(MOST_CAVEATS)
        .flat_map(|text| wrapped(&text, font, room, 2))
        .collect()
}
