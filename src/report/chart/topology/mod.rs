//! Draws the stack as people draw it: clients to the left, what they ask to the right, hosts as boxes around their nodes,
//! flows on the arrows, and what failed, or limits, in a colour and in words.

mod graph;
mod layout;

use super::canvas::{Anchor, Canvas, Font, Rect, fitted, text_width};
use super::{Drawing, theme::Ink};
use crate::analysis::result::Document;
use crate::report::units;
use graph::{Arrow, Frame, Mark, Node};
pub use graph::{Graph, graph};
use layout::{BOX, GAP, HOST_PAD, Layout, layout};

const NAME: f64 = 11.5;
const LEAST_NAME: f64 = 9.0;
const SMALL: f64 = 9.5;
/// Zones have the colours of lines from here on: the first is that of arrows.
const ZONES: usize = 2;
/// Of a line of an arrow's words.
const LINE: f64 = 11.0;
/// Places along an arrow at which its words may stand.
const PLACES: [f64; 7] = [0.5, 0.35, 0.65, 0.22, 0.78, 0.12, 0.88];

/// The stack of a result, on so much room.
pub fn drawing(graph: Graph, room: f64) -> Drawing<'static> {
    let found = layout(&graph, room);
    // Where the columns do not fit, the whole is drawn smaller.
    let scale = (room / found.width).min(1.0);
    Drawing {
        how: how(&graph),
        height: found.height * scale + 10.0,
        draw: Box::new(move |canvas, area| {
            let corner = (
                area.left + ((area.width() - found.width * scale) / 2.0).max(0.0),
                area.top + 4.0,
            );
            canvas.zoomed(scale, corner, |canvas| draw(canvas, &graph, &found));
        }),
    }
}

/// The stack of a result that has one.
pub fn of(document: &Document, room: f64) -> Option<Drawing<'static>> {
    graph(document).map(|graph| drawing(graph, room))
}

fn how(graph: &Graph) -> String {
    let flows = graph.arrows.iter().any(|a| a.per_s.is_some());
    let names = graph.arrows.iter().any(|a| a.names);
    let mut standing = graph.boxes.iter().filter_map(|b| graph.frames.get(b.frame?));
    let zones = standing.any(|f| f.zone.is_some());
    let mut how = vec!["Who asks whom"];
    if flows {
        how.push("good answers a second, and their share");
    }
    if names {
        how.push("dashed: only says where");
    }
    if zones {
        how.push("frames of a colour: hosts of one zone");
    }
    how.join(" · ")
}

fn draw(canvas: &mut Canvas<'_>, graph: &Graph, found: &Layout) {
    let mut taken: Vec<Rect> = found.boxes.clone();
    for (frame, area) in graph.frames.iter().zip(&found.frames) {
        if let Some(area) = area {
            taken.push(host(canvas, frame, *area));
        }
    }
    let most = graph.arrows.iter().filter_map(|a| a.per_s).fold(0.0, f64::max);
    for (arrow, corners) in graph.arrows.iter().zip(&found.arrows) {
        line(canvas, arrow, corners, most);
    }
    for (node, area) in graph.boxes.iter().zip(&found.boxes) {
        self::node(canvas, node, *area);
    }
    // The widest arrows are named first.
    let mut order: Vec<usize> = (0..graph.arrows.len()).collect();
    order.sort_by(|a, b| {
        graph.arrows[*b]
            .per_s
            .unwrap_or(0.0)
            .total_cmp(&graph.arrows[*a].per_s.unwrap_or(0.0))
    });
    for i in order {
        words(canvas, &graph.arrows[i], &found.arrows[i], &mut taken);
    }
}

/// What is marked has a frame of its mark's ink, and so wide.
fn outline(canvas: &mut Canvas<'_>, area: Rect, mark: Option<&Mark>, plain: Ink, width: f64) {
    let (ink, width) = mark.map_or((plain, 1.0), |mark| (mark.ink, width));
    canvas.frame(area, canvas.colours.of(ink), width);
}

/// Gives back where its name stands.
fn host(canvas: &mut Canvas<'_>, frame: &Frame, area: Rect) -> Rect {
    canvas.fill(area, canvas.colours.tile, 1.0);
    let plain = frame.zone.map_or(Ink::Grid, |zone| Ink::Line(ZONES + zone));
    outline(canvas, area, frame.mark.as_ref(), plain, 1.8);
    let (font, room) = (canvas.quiet(SMALL), area.width() - 2.0 * HOST_PAD);
    let (left, y) = (area.left + HOST_PAD, area.top + 10.0);
    let mut end = left;
    if let Some(mark) = &frame.mark {
        let bold = marked(canvas, mark);
        // What the host says of itself goes before the longest words of its mark.
        let beside = |own: &String| {
            let room = room - 5.0 - text_width(own, font);
            mark.says.iter().find(|says| text_width(says, bold) <= room).cloned()
        };
        let says = frame.says.iter().find_map(beside);
        let says = says.unwrap_or_else(|| fitting(&mark.says, bold, room * 0.6));
        end += text_width(&says, bold) + 5.0;
        canvas.text(&says, left, y, Anchor::Start, bold);
    }
    let name = fitting(&frame.says, font, area.right - HOST_PAD - end);
    canvas.text(&name, end, y, Anchor::Start, font);
    Rect {
        top: area.top,
        bottom: area.top + 18.0,
        right: end + text_width(&name, font),
        left,
    }
}

fn node(canvas: &mut Canvas<'_>, node: &Node, area: Rect) {
    let (middle, room) = (f64::midpoint(area.left, area.right), area.width() - 8.0);
    canvas.fill(area, canvas.colours.page, 1.0);
    outline(canvas, area, node.mark.as_ref(), Ink::Quiet, 2.2);
    let down = if node.mark.is_some() { 10.0 } else { BOX / 2.0 - 7.0 };
    let mut font = canvas.bold(NAME);
    while font.size > LEAST_NAME && text_width(&node.name, font) > room {
        font.size -= 0.5;
    }
    canvas.text(
        &fitted(&node.name, font, room),
        middle,
        area.top + down,
        Anchor::Middle,
        font,
    );
    let small = canvas.quiet(SMALL);
    canvas.text(
        &fitting(&node.says, small, room),
        middle,
        area.top + down + 13.0,
        Anchor::Middle,
        small,
    );
    if let Some(mark) = &node.mark {
        let font = marked(canvas, mark);
        let says = fitting(&mark.says, font, room);
        canvas.text(&says, middle, area.top + down + 26.0, Anchor::Middle, font);
    }
}

fn marked(canvas: &Canvas<'_>, mark: &Mark) -> Font {
    Font {
        colour: canvas.colours.of(mark.ink),
        ..canvas.bold(SMALL)
    }
}

/// The most words that fit.
fn fitting(says: &[String], font: Font, room: f64) -> String {
    let found = says.iter().find(|s| text_width(s, font) <= room).or(says.last());
    found.map_or(String::new(), |s| fitted(s, font, room))
}

fn line(canvas: &mut Canvas<'_>, arrow: &Arrow, corners: &[(f64, f64)], most: f64) {
    let Some((x, y)) = corners.last().copied() else { return };
    let share = arrow
        .per_s
        .filter(|_| most > 0.0)
        .map_or(0.0, |v| (v / most).clamp(0.0, 1.0));
    let colour = arrow.ink.map_or(canvas.colours.line(0), |ink| canvas.colours.of(ink));
    let width = 1.0 + 2.2 * libm::sqrt(share);
    let mut points = corners.to_vec();
    if let Some(end) = points.last_mut() {
        end.0 -= 4.0;
    }
    match arrow.names {
        true => canvas.dashes(&points, canvas.colours.quiet, 1.0),
        false => canvas.path(&points, colour, width),
    }
    let colour = if arrow.names { canvas.colours.quiet } else { colour };
    let half = 3.0 + width / 2.0;
    canvas.area(&[(x, y), (x - 8.0, y - half), (x - 8.0, y + half)], colour, 1.0);
}

/// What flows, where there is room for it beside what has been said already.
fn words(canvas: &mut Canvas<'_>, arrow: &Arrow, corners: &[(f64, f64)], taken: &mut Vec<Rect>) {
    let Some(per_s) = arrow.per_s else { return };
    let mut lines = vec![flow(per_s)];
    lines.extend(
        arrow
            .share
            .filter(|s| *s < 0.995)
            .map(|s| format!("{} %", units::trimmed(s * 100.0, 0))),
    );
    let font = canvas.ink(SMALL);
    let width = lines.iter().map(|l| text_width(l, font)).fold(0.0, f64::max);
    let half = (width / 2.0 + 1.5, lines.len() as f64 * LINE / 2.0 + 1.0);
    if width > GAP - 6.0 {
        return;
    }
    // The ways across gaps, the last first: there an arrow comes to what it is about.
    let gaps = corners.chunks_exact(2).rev();
    let places = gaps.flat_map(|gap| PLACES.map(|t| along(gap[0], gap[1], t)));
    let free = places.map(|(x, y)| Rect {
        left: x - half.0,
        top: y - half.1,
        right: x + half.0,
        bottom: y + half.1,
    });
    let Some(place) = free
        .into_iter()
        .find(|r| r.top >= 0.0 && !taken.iter().any(|t| t.meets(r)))
    else {
        return;
    };
    canvas.fill(place, canvas.colours.page, 0.85);
    for (i, says) in lines.iter().enumerate() {
        let y = place.top + 1.0 + (i as f64 + 0.5) * LINE;
        canvas.text(says, f64::midpoint(place.left, place.right), y, Anchor::Middle, font);
    }
    taken.push(place);
}

fn along(a: (f64, f64), b: (f64, f64), t: f64) -> (f64, f64) {
    (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1))
}

/// `405/s`, `3.3/s`, `12.3k/s`.
fn flow(per_s: f64) -> String {
    match per_s {
        v if v >= 9_999.5 => format!("{}k/s", units::trimmed(v / 1000.0, 1)),
        v if v >= 99.5 => format!("{}/s", units::trimmed(v, 0)),
        v => format!("{}/s", units::rate(v)),
    }
}
