//! Draws the stack the usual way: clients on the left, callees to the right, hosts as frames around their nodes, flows
//! on the arrows, and failed or limiting components marked in a colour and in words.

mod graph;
mod layout;

use super::canvas::{Anchor, Canvas, Font, Rect, fitted, plain, text_width};
use super::{Drawing, theme::Ink};
use crate::analysis::result::Document;
use crate::report::text::shorten_name;
use crate::report::units;
use graph::{Arrow, Frame, Mark, Node};
pub use graph::{Graph, graph};
use layout::{BOX, HOST_PAD, Layout, Towards, layout};

const NAME: f64 = 11.5;
const LEAST_NAME: f64 = 9.0;
const SMALL: f64 = 9.5;
/// Zones use the line colours from this one on; the first is the colour of arrows.
const ZONES: usize = 2;
/// Height of a line of an arrow's label.
const LINE: f64 = 11.0;
/// Positions along an arrow at which its label may stand.
const PLACES: [f64; 9] = [0.5, 0.35, 0.65, 0.28, 0.72, 0.2, 0.8, 0.12, 0.88];
/// Boxes are made to hold names of this many characters.
const NAME_COLUMNS: usize = 16;
/// Height of a legend below the stack.
const LEGEND: f64 = 20.0;
/// A picture narrower than this is for paper, where a pixel is smaller than on a screen.
const PAPER: f64 = 800.0;
/// The smallest text scale before the stack is drawn from top to bottom, on a screen and on paper.
const LEAST_SCALE: (f64, f64) = (0.7, 0.92);

/// The stack of a result, drawn `room` wide.
pub fn drawing(graph: Graph, room: f64) -> Drawing<'static> {
    let words = words_of_boxes(&graph);
    let fits = |found: &Layout| (room / found.width).min(1.0);
    let mut found = layout(&graph, Towards::Right, room, words);
    let least = if room < PAPER { LEAST_SCALE.1 } else { LEAST_SCALE.0 };
    if fits(&found) < least {
        let down = layout(&graph, Towards::Down, room, words);
        if fits(&down) > 1.1 * fits(&found) {
            found = down;
        }
    }
    // Where the columns do not fit, everything is drawn smaller.
    let scale = fits(&found);
    let below = if graph.zones.is_empty() { 0.0 } else { LEGEND };
    Drawing {
        how: how(&graph),
        height: found.height * scale + 10.0 + below,
        draw: Box::new(move |canvas, area| {
            let corner = (
                area.left + ((area.width() - found.width * scale) / 2.0).max(0.0),
                area.top + 4.0,
            );
            canvas.zoomed(scale, corner, |canvas| draw(canvas, &graph, &found));
            legend(
                canvas,
                &graph.zones,
                (area.left, area.top + 4.0 + found.height * scale + LEGEND / 2.0 + 2.0),
            );
        }),
    }
}

/// Width of the widest name, up to what boxes are made to hold, in legible letters.
fn words_of_boxes(graph: &Graph) -> f64 {
    let name = Font {
        bold: true,
        ..plain(f64::midpoint(NAME, LEAST_NAME))
    };
    let of = |node: &Node| {
        let shown = shorten_name(&node.name, NAME_COLUMNS);
        let first = node.says.last().map_or(0.0, |says| text_width(says, plain(SMALL)));
        text_width(&shown, name).max(first)
    };
    graph.boxes.iter().map(of).fold(0.0, f64::max)
}

/// The colours of the zones.
fn legend(canvas: &mut Canvas<'_>, zones: &[String], (mut x, y): (f64, f64)) {
    let font = canvas.quiet(SMALL);
    for (i, zone) in zones.iter().enumerate() {
        swatch(canvas, i, (x, y));
        canvas.text(zone, x + 12.0, y, Anchor::Start, font);
        x += 12.0 + text_width(zone, font) + 14.0;
    }
}

/// The colour of a zone.
fn swatch(canvas: &mut Canvas<'_>, zone: usize, (x, y): (f64, f64)) {
    let area = Rect {
        left: x,
        top: y - 4.0,
        right: x + 8.0,
        bottom: y + 4.0,
    };
    canvas.fill(area, canvas.colours.of(Ink::Line(ZONES + zone)), 1.0);
}

/// The stack of a result that has one.
pub fn of(document: &Document, room: f64) -> Option<Drawing<'static>> {
    graph(document).map(|graph| drawing(graph, room))
}

fn how(graph: &Graph) -> String {
    let flows = graph.arrows.iter().any(|a| a.per_s.is_some());
    let names = graph.arrows.iter().any(|a| a.names);
    let mut how = vec!["Who asks whom"];
    if flows {
        how.push("good answers a second, and their share");
    }
    if names {
        how.push("dashed: only says where");
    }
    if !graph.zones.is_empty() {
        how.push("colours: zones, below");
    }
    how.join(" · ")
}

fn draw(canvas: &mut Canvas<'_>, graph: &Graph, found: &Layout) {
    let mut taken: Vec<Rect> = found.boxes.clone();
    let frames = || graph.frames.iter().zip(&found.frames);
    let frames = || frames().filter_map(|(frame, area)| Some((frame, (*area)?)));
    for (frame, area) in frames() {
        canvas.fill(area, canvas.colours.tile, 1.0);
        let plain = frame.zone.map_or(Ink::Grid, |zone| Ink::Line(ZONES + zone));
        outline(canvas, area, frame.mark.as_ref(), plain, 1.8);
    }
    let most = graph.arrows.iter().filter_map(|a| a.per_s).fold(0.0, f64::max);
    for (arrow, corners) in graph.arrows.iter().zip(&found.arrows) {
        line(canvas, arrow, corners, most, found.towards);
    }
    // Host names are drawn over the arrows that pass there.
    for (frame, area) in frames() {
        taken.push(host(canvas, frame, area));
    }
    for (node, area) in graph.boxes.iter().zip(&found.boxes) {
        self::node(canvas, node, *area);
    }
    // Straight arrows have the fewest label positions, so they come first; within each group, the largest flow first.
    let slope = |i: usize| match (found.arrows[i].first(), found.arrows[i].last(), found.towards) {
        (Some(a), Some(b), Towards::Right) => (a.1 - b.1).abs() > 1.0,
        (Some(a), Some(b), Towards::Down) => (a.0 - b.0).abs() > 1.0,
        _ => false,
    };
    let flow = |i: usize| graph.arrows[i].per_s.unwrap_or(0.0);
    let mut order: Vec<usize> = (0..graph.arrows.len()).collect();
    order.sort_by(|a, b| slope(*a).cmp(&slope(*b)).then(flow(*b).total_cmp(&flow(*a))));
    for i in order {
        words(canvas, &graph.arrows[i], i, found, &mut taken);
    }
}

/// A marked component has a frame in the mark's colour, and a wider one.
fn outline(canvas: &mut Canvas<'_>, area: Rect, mark: Option<&Mark>, plain: Ink, width: f64) {
    let (ink, width) = mark.map_or((plain, 1.0), |mark| (mark.ink, width));
    canvas.frame(area, canvas.colours.of(ink), width);
}

/// Writes the name of a host and returns its area.
fn host(canvas: &mut Canvas<'_>, frame: &Frame, area: Rect) -> Rect {
    let font = canvas.quiet(SMALL);
    let (left, y) = (area.left + HOST_PAD, area.top + 10.0);
    let begin = left + if frame.zone.is_some() { 12.0 } else { 0.0 };
    let room = area.right - HOST_PAD - begin;
    let (mut end, mut mark) = (begin, None);
    if let Some(found) = &frame.mark {
        let bold = marked(canvas, found);
        // The host's own details are dropped before the longest form of its mark.
        let beside = |own: &String| {
            let room = room - 5.0 - text_width(own, font);
            found.says.iter().find(|says| text_width(says, bold) <= room).cloned()
        };
        let says = frame.says.iter().find_map(beside);
        let says = says.unwrap_or_else(|| fitting(&found.says, bold, room * 0.6));
        end += text_width(&says, bold) + 5.0;
        mark = Some((says, bold));
    }
    let name = fitting(&frame.says, font, area.right - HOST_PAD - end);
    let place = Rect {
        top: area.top,
        bottom: area.top + 18.0,
        right: end + text_width(&name, font),
        left,
    };
    let over = Rect {
        left: left - 2.0,
        top: area.top + 3.0,
        right: place.right + 2.0,
        bottom: area.top + 17.0,
    };
    canvas.fill(over, canvas.colours.tile, 0.85);
    if let Some(zone) = frame.zone {
        swatch(canvas, zone, (left, y));
    }
    if let Some((says, bold)) = mark {
        canvas.text(&says, begin, y, Anchor::Start, bold);
    }
    canvas.text(&name, end, y, Anchor::Start, font);
    place
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

/// The longest form that fits.
fn fitting(says: &[String], font: Font, room: f64) -> String {
    let found = says.iter().find(|s| text_width(s, font) <= room).or(says.last());
    found.map_or(String::new(), |s| fitted(s, font, room))
}

fn line(canvas: &mut Canvas<'_>, arrow: &Arrow, corners: &[(f64, f64)], most: f64, towards: Towards) {
    let Some((x, y)) = corners.last().copied() else { return };
    let share = arrow
        .per_s
        .filter(|_| most > 0.0)
        .map_or(0.0, |v| (v / most).clamp(0.0, 1.0));
    let colour = arrow.ink.map_or(canvas.colours.line(0), |ink| canvas.colours.of(ink));
    let width = 1.0 + 2.2 * libm::sqrt(share);
    let mut points = corners.to_vec();
    if let Some(end) = points.last_mut() {
        *end = match towards {
            Towards::Right => (x - 4.0, y),
            Towards::Down => (x, y - 4.0),
        };
    }
    match arrow.names {
        true => canvas.dashes(&points, canvas.colours.quiet, 1.0),
        false => canvas.path(&points, colour, width),
    }
    let colour = if arrow.names { canvas.colours.quiet } else { colour };
    let half = 3.0 + width / 2.0;
    let head = match towards {
        Towards::Right => [(x, y), (x - 8.0, y - half), (x - 8.0, y + half)],
        Towards::Down => [(x, y), (x - half, y - 8.0), (x + half, y - 8.0)],
    };
    canvas.area(&head, colour, 1.0);
}

/// The flow's label, placed where it overlaps nothing and no other arrow passes, so that it is clear which arrow it
/// belongs to.
fn words(canvas: &mut Canvas<'_>, arrow: &Arrow, which: usize, found: &Layout, taken: &mut Vec<Rect>) {
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
    let corners = &found.arrows[which];
    // The segments across gaps, the last one first, because it is nearest to the callee. Where the line has no space,
    // the label stands beside it.
    let gaps = corners.chunks_exact(2).rev();
    let on = gaps.clone().flat_map(|gap| PLACES.map(|t| along(gap[0], gap[1], t)));
    let beside = gaps.flat_map(|gap| PLACES.map(|t| along(gap[0], gap[1], t)));
    let beside = beside.flat_map(|(x, y)| [0.5, -0.5].map(|by| (x + by * half.0, y)));
    let places = on.chain(beside).map(|(x, y)| Rect {
        left: x - half.0,
        top: y - half.1,
        right: x + half.0,
        bottom: y + half.1,
    });
    let is_free = |r: &Rect| r.top >= 0.0 && !taken.iter().any(|t| t.meets(r));
    let free: Vec<Rect> = places.filter(is_free).collect();
    let others = found.arrows.iter().enumerate().filter(|(i, _)| *i != which);
    let others: Vec<&[(f64, f64)]> = others.flat_map(|(_, corners)| corners.windows(2)).collect();
    let crossed = |r: &Rect| others.iter().filter(|way| r.is_crossed(way[0], way[1])).count();
    let Some(place) = free.iter().min_by_key(|r| crossed(r)).copied() else {
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
