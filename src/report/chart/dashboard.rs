//! Draws the page that answers at a glance: the headline numbers, then the pictures that answer the command's question.
//!
//! Its height follows from its content; its width is the caller's.

use super::canvas::{Anchor, Canvas, Font, Rect, fitted, lean, paint, plain, text_width, wrapped};
use super::curve::curve;
use super::theme::Theme;
use super::{Drawing, LINE, MARGIN, Name, captions, drawing};
use crate::analysis::result::{Answer, Document};
use crate::report::answer::Conclusions;
use crate::report::document::{Block, Number, Point, Span, Tone, in_a_row};
use crate::report::headline::numbers;
use crate::report::summary::{incomplete, seed, verdict};
use crate::report::text::quoted;
use crate::report::units;
use crate::report::view::{RunView, runs, telling};
use crate::report::words;

const HEAD: f64 = 58.0;
const TILE_HEIGHT: f64 = 78.0;
const TILE_GAP: f64 = 12.0;
const LEAST_TILE: f64 = 168.0;
const ROW: f64 = 26.0;
const COLUMN: f64 = 156.0;
const MOST_ROWS: usize = 12;
/// From this width on, two pictures stand side by side, and the first gets more of the width.
const SIDE_BY_SIDE: f64 = 1000.0;
const LARGER: f64 = 0.6;
const BETWEEN: f64 = 26.0;
const MOST_CAVEATS: usize = 4;
const CAVEAT_TEXT: f64 = 12.0;
/// A caveat ends with what to do, so only extremely long names may cut it.
const MOST_CAVEAT_LINES: usize = 4;
/// More than this cannot be read at a glance.
const MOST_FINDINGS: usize = 10;
const SENTENCE_TEXT: f64 = 14.0;
const SENTENCE_LINE: f64 = 21.0;

/// The pictures of a result in rows: those that answer its command's question, as far as the result has them.
pub fn rows(document: &Document) -> Vec<Vec<Name>> {
    let rows: &[&[Name]] = match &document.answer {
        Answer::Run(_) => &[&[Name::Topology], &[Name::Timeline, Name::Latency]],
        Answer::Runs(_) => &[&[Name::Timeline, Name::Latency], &[Name::Nines]],
        Answer::Compare(_) => &[&[Name::Topology], &[Name::Difference], &[Name::Timeline, Name::Latency]],
        Answer::Capacity(_) => &[&[Name::Knee, Name::Utilization], &[Name::Topology]],
        Answer::Spof(_) => &[&[Name::Topology], &[Name::Spof]],
        Answer::Availability(_) => &[&[Name::Nines], &[Name::Spof], &[Name::Topology]],
        // With a single input the curve has already shown the effect.
        Answer::Sweep(sweep) if sweep.inputs.len() == 1 && curve(document).is_ok() => &[&[Name::Curve]],
        Answer::Sweep(_) => &[&[Name::Curve], &[Name::Tornado]],
        Answer::Review(_) | Answer::Verify(_) | Answer::Validate(_) | Answer::Explain(_) => &[],
    };
    rows.iter().map(|row| row.to_vec()).collect()
}

/// A picture with its position.
struct Placed<'d> {
    drawing: Drawing<'d>,
    area: Rect,
}

/// The page as SVG.
pub fn svg(document: &Document, width: f64, theme: Theme) -> String {
    let views = runs(document);
    let room = width - 2.0 * MARGIN;
    let page = Rect {
        left: MARGIN,
        top: MARGIN,
        right: width - MARGIN,
        bottom: MARGIN,
    };
    let below_head = page.top + HEAD + if document.envelope.complete { 0.0 } else { LINE };
    let tiles = numbers(document);
    let below_numbers = below_head
        + match views.len() {
            0 | 1 => {
                tiles.len().div_ceil(in_a_row(tiles.len(), tiles_in_a_row(width))) as f64 * (TILE_HEIGHT + TILE_GAP)
            }
            n => (n.min(MOST_ROWS + 1) + 1) as f64 * ROW,
        };
    let says = sentences(document, room);
    let below_sentences = below_numbers + says.len() as f64 * SENTENCE_LINE;
    let (placed, below_pictures) = place(document, page, below_sentences + 14.0);
    let caveats = caveat_lines(document, room);
    let height = (below_pictures + caveats.len() as f64 * LINE + LINE + MARGIN / 2.0).ceil();
    let title = captions(document).0;
    paint(width, height, theme, &title, |canvas| {
        head(canvas, document, page);
        match views.len() {
            0 | 1 => tile_rows(canvas, &tiles, page, below_head),
            _ => scenario_rows(canvas, &views, page, below_head),
        }
        for (i, (line, tone)) in says.iter().enumerate() {
            let font = Font {
                colour: canvas.colours.said(*tone),
                ..canvas.ink(SENTENCE_TEXT)
            };
            let y = below_numbers + (i as f64 + 0.7) * SENTENCE_LINE;
            canvas.text(line, page.left, y, Anchor::Start, font);
        }
        for Placed { drawing, area } in placed {
            (drawing.draw)(canvas, area);
        }
        foot(canvas, document, &caveats, page, below_pictures);
    })
}

/// Places pictures below one another, or two side by side where there is space. Pictures with nothing to show leave no
/// gap.
fn place<'d>(document: &'d Document, page: Rect, top: f64) -> (Vec<Placed<'d>>, f64) {
    let wide = page.width() + 2.0 * MARGIN >= SIDE_BY_SIDE;
    let given = |name: &Name| drawing(document, *name, page.width()).is_ok();
    let mut placed = Vec::new();
    let mut y = top;
    for row in rows(document) {
        let names: Vec<Name> = row.into_iter().filter(given).collect();
        let side_by_side = wide && names.len() == 2;
        let middle = page.left + page.width() * LARGER;
        let (mut tallest, mut below) = (0.0_f64, 0.0);
        for (i, name) in names.into_iter().enumerate() {
            let (left, right) = match (side_by_side, i) {
                (true, 0) => (page.left, middle - MARGIN / 2.0),
                (true, _) => (middle + MARGIN / 2.0, page.right),
                (false, _) => (page.left, page.right),
            };
            let Ok(drawing) = drawing(document, name, right - left) else {
                continue;
            };
            let top = if side_by_side { y } else { y + below };
            below += drawing.height + BETWEEN;
            tallest = tallest.max(drawing.height + BETWEEN);
            let area = Rect {
                left,
                top,
                right,
                bottom: top + drawing.height,
            };
            placed.push(Placed { drawing, area });
        }
        y += if side_by_side { tallest } else { below };
    }
    // Pictures side by side end at the same height.
    let tops: Vec<(f64, f64)> = placed.iter().map(|p| (p.area.top, p.area.bottom)).collect();
    for p in &mut placed {
        let same = tops.iter().filter(|t| t.0 == p.area.top);
        p.area.bottom = same.map(|t| t.1).fold(p.area.bottom, f64::max);
    }
    (placed, y)
}

fn head(canvas: &mut Canvas<'_>, document: &Document, page: Rect) {
    let (title, subtitle) = captions(document);
    let font = canvas.bold(20.0);
    let title = fitted(&title, font, page.width());
    canvas.text(&title, page.left, page.top + 10.0, Anchor::Start, font);
    let how = wrapped(&subtitle, canvas.quiet(12.5), page.width(), 1).concat();
    canvas.text(&how, page.left, page.top + 35.0, Anchor::Start, canvas.quiet(12.5));
    if !document.envelope.complete {
        let font = Font {
            colour: canvas.colours.bad,
            ..canvas.bold(12.5)
        };
        let text = wrapped(&incomplete(document), font, page.width(), 1).concat();
        canvas.text(&text, page.left, page.top + 35.0 + LINE, Anchor::Start, font);
    }
}

// --- numbers --------------------------------------------------------------------------------------------------------

fn tiles_in_a_row(width: f64) -> usize {
    (((width - 2.0 * MARGIN + TILE_GAP) / (LEAST_TILE + TILE_GAP)) as usize).clamp(1, 6)
}

fn tile_rows(canvas: &mut Canvas<'_>, tiles: &[Number], page: Rect, top: f64) {
    let in_a_row = in_a_row(tiles.len(), tiles_in_a_row(page.width() + 2.0 * MARGIN));
    let width = (page.width() - (in_a_row - 1) as f64 * TILE_GAP) / in_a_row as f64;
    for (i, tile) in tiles.iter().enumerate() {
        let left = page.left + (i % in_a_row) as f64 * (width + TILE_GAP);
        let top = top + (i / in_a_row) as f64 * (TILE_HEIGHT + TILE_GAP);
        let area = Rect {
            left,
            top,
            right: left + width,
            bottom: top + TILE_HEIGHT,
        };
        draw_tile(canvas, tile, area);
    }
}

fn draw_tile(canvas: &mut Canvas<'_>, tile: &Number, area: Rect) {
    let (left, room) = (area.left + 14.0, area.width() - 28.0);
    canvas.fill(area, canvas.colours.tile, 1.0);
    let small = canvas.quiet(12.0);
    canvas.text(
        &fitted(tile.name, small, room),
        left,
        area.top + 17.0,
        Anchor::Start,
        small,
    );
    let mut font = Font {
        colour: match tile.note.tone {
            Tone::Bad => canvas.colours.bad,
            _ => canvas.colours.ink,
        },
        ..canvas.bold(22.0)
    };
    // A value that does not fit in the smallest letters is shortened, then drawn as large as it fits.
    let smallest = Font { size: 12.0, ..font };
    let value = lean(&tile.value, smallest, room);
    while font.size > smallest.size && text_width(&value, font) > room {
        font.size -= 1.0;
    }
    canvas.text(&value, left, area.top + 40.0, Anchor::Start, font);
    let font = Font {
        colour: canvas.colours.said(tile.note.tone),
        ..canvas.quiet(11.5)
    };
    canvas.text(
        &lean(&tile.note.text, font, room),
        left,
        area.top + 63.0,
        Anchor::Start,
        font,
    );
}

/// One row for each scenario, in the colour of its lines if it has any. A narrow page shows only the most important
/// columns.
fn scenario_rows(canvas: &mut Canvas<'_>, views: &[RunView<'_>], page: Rect, top: f64) {
    const HEADS: [&str; 6] = ["SLO", "available", "p99", "failed", "median", "answered"];
    let shown = ((page.width() * 0.72 / COLUMN) as usize).clamp(1, HEADS.len());
    let right_of = |i: usize| page.right - (shown - 1 - i) as f64 * COLUMN;
    let (small, plain, drawn) = (canvas.quiet(11.5), canvas.ink(13.0), telling(views));
    for (i, head) in HEADS.iter().take(shown).enumerate() {
        canvas.text(head, right_of(i), top + ROW / 2.0, Anchor::End, small);
    }
    for (n, view) in views.iter().take(MOST_ROWS).enumerate() {
        let y = top + (n as f64 + 1.5) * ROW;
        let above = y - ROW / 2.0;
        canvas.path(&[(page.left, above), (page.right, above)], canvas.colours.grid, 1.0);
        let line = drawn.iter().position(|d| d.name == view.name);
        let font = Font {
            colour: line.map_or(canvas.colours.ink, |n| canvas.colours.line(n)),
            ..canvas.bold(13.0)
        };
        let room = right_of(0) - COLUMN - page.left;
        canvas.text(&fitted(view.name, font, room), page.left, y, Anchor::Start, font);
        let m = &view.run.metrics;
        let cells = [
            verdict(view),
            Span::plain(units::percent_estimate(&m.availability)),
            Span::plain(units::latency_estimate(&m.latency_s.p99)),
            Span::plain(units::count(m.requests.failed)),
            Span::plain(units::latency_estimate(&m.latency_s.p50)),
            Span::plain(units::rate_estimate(&m.throughput_per_s)),
        ];
        for (i, cell) in cells.iter().take(shown).enumerate() {
            let font = Font {
                colour: canvas.colours.said(cell.tone),
                ..plain
            };
            canvas.text(&lean(&cell.text, font, COLUMN - 8.0), right_of(i), y, Anchor::End, font);
        }
    }
    if views.len() > MOST_ROWS {
        let text = format!("… and {} more", views.len() - MOST_ROWS);
        let y = top + (MOST_ROWS as f64 + 1.5) * ROW;
        canvas.text(&text, page.left, y, Anchor::Start, small);
    }
}

// --- words ----------------------------------------------------------------------------------------------------------

/// Findings in words where no picture shows them, and why there is no picture of a run.
fn sentences(document: &Document, room: f64) -> Vec<(String, Tone)> {
    let is_picture = |name: &Name| drawing(document, *name, room).is_ok();
    let missing = |name: Name, says: &str| (!is_picture(&name)).then(|| (says.to_owned(), Tone::Quiet));
    let says: Vec<(String, Tone)> = match &document.answer {
        Answer::Run(_) | Answer::Runs(_) | Answer::Compare(_) => [
            missing(Name::Timeline, "No timeline: nothing was measured over time."),
            missing(Name::Latency, "No latencies: no request succeeded."),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Answer::Review(_) | Answer::Validate(_) => findings(document),
        Answer::Explain(_) => vec![("Every value stands in a .pdf or .html.".into(), Tone::Quiet)],
        _ => {
            let found = Conclusions::of(document).found;
            found.into_iter().map(|s| (quoted(&s.text), s.tone)).collect()
        }
    };
    let lines = |(text, tone): &(String, Tone)| {
        let tone = *tone;
        wrapped(text, plain(SENTENCE_TEXT), room, 3)
            .into_iter()
            .map(move |line| (line, tone))
    };
    says.iter().flat_map(lines).collect()
}

/// The worst findings of a review.
fn findings(document: &Document) -> Vec<(String, Tone)> {
    let blocks = words(document).blocks;
    let points = blocks.into_iter().filter_map(|block| match block {
        Block::Point(point) => Some(point),
        _ => None,
    });
    let says = |point: Point| {
        let tone = point.head.first().map_or(Tone::Plain, |s| s.tone);
        let heads: Vec<String> = point.head.into_iter().map(|s| s.text).collect();
        let joint = if point.body.is_empty() { "" } else { ": " };
        (format!("{}{joint}{}", heads.join(", "), point.body), tone)
    };
    let mut says: Vec<(String, Tone)> = points.map(says).collect();
    let more = says.len().saturating_sub(MOST_FINDINGS);
    says.truncate(MOST_FINDINGS);
    if more > 0 {
        let more = format!("… and {more} more, all with what to change in a .pdf or .html");
        says.push((more, Tone::Quiet));
    }
    says
}

fn foot(canvas: &mut Canvas<'_>, document: &Document, caveats: &[String], page: Rect, top: f64) {
    let mut y = top + LINE / 2.0;
    for line in caveats {
        canvas.text(line, page.left, y, Anchor::Start, canvas.ink(CAVEAT_TEXT));
        y += LINE;
    }
    let seed = document.envelope.seed.map(|_| format!(" · {}", seed(document)));
    let source = format!(
        "fallover {} · scenario {}{}",
        document.engine.version,
        document.envelope.scenario.digest,
        seed.unwrap_or_default()
    );
    let font = canvas.quiet(11.0);
    canvas.text(&fitted(&source, font, page.width()), page.left, y, Anchor::Start, font);
}

fn caveat_lines(document: &Document, room: f64) -> Vec<String> {
    let runs = runs(document);
    let own = runs
        .iter()
        .flat_map(|v| v.caveats.iter().map(|c| format!("! {}: {}", v.name, c.message)));
    let shared = document.caveats.iter().map(|c| format!("! {}", c.message));
    let mut all: Vec<String> = shared.chain(own).collect();
    let more = all.len().saturating_sub(MOST_CAVEATS);
    all.truncate(MOST_CAVEATS);
    all.extend((more > 0).then(|| format!("… and {more} more, all of them in a .pdf or .html")));
    all.into_iter()
        .flat_map(|text| wrapped(&quoted(&text), plain(CAVEAT_TEXT), room, MOST_CAVEAT_LINES))
        .collect()
}
