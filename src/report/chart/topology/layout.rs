//! The layout: columns from the clients on, hosts kept whole, arrows short and with few crossings.
//!
//! Pure geometry. A **block** moves as one unit: a host with its boxes, a lone box, or the point where an arrow passes
//! a column. Blocks that share a column never overlap, whatever their order: placement guarantees it.

use super::super::canvas::Rect;
use super::graph::Graph;

/// Height of a box.
pub const BOX: f64 = 44.0;
/// Space above a host's boxes, for its name.
const HOST_HEAD: f64 = 19.0;
/// The same where arrows enter below the name.
const HOST_HEAD_DOWN: f64 = 29.0;
/// Padding around a host's boxes.
pub const HOST_PAD: f64 = 7.0;
const BETWEEN_BOXES: f64 = 7.0;
const BETWEEN_BLOCKS: f64 = 13.0;
/// Height of an arrow that passes a column.
const PASSING: f64 = 10.0;
/// Gap between the boxes of two columns, for arrows and their labels.
const GAP: f64 = 46.0;
/// Extra gap where labelled arrows cross.
const CROSSING: f64 = 22.0;
/// Gap between two rows, where hosts have their names.
const GAP_DOWN: f64 = 66.0;
const MOST_COLUMN: f64 = 240.0;
const LEAST_BOX: f64 = 70.0;
const MOST_BOX: f64 = 156.0;
/// Least width of boxes that stand in rows, so that their labels fit.
const LEAST_BOX_DOWN: f64 = 112.0;
/// The wider a column, the more of it is left for arrows.
const BOX_SHARE: f64 = 0.66;
/// With more arrows across columns than this, separate passages would only make the picture taller.
const MOST_PASSING: usize = 48;
const ROUNDS: usize = 24;

/// All positions, from the top left corner.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub towards: Towards,
    pub width: f64,
    pub height: f64,
    pub boxes: Vec<Rect>,
    pub frames: Vec<Option<Rect>>,
    /// The corners of each arrow.
    pub arrows: Vec<Vec<(f64, f64)>>,
}

/// The direction from caller to callee. The code below is written for columns from left to right; for the other
/// direction, read rows for columns, and left and right for up and down.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Towards {
    #[default]
    Right,
    Down,
}

impl Towards {
    /// How much of its column a box takes, from top to bottom.
    fn across(self, box_width: f64) -> f64 {
        match self {
            Towards::Right => BOX,
            Towards::Down => box_width,
        }
    }

    /// The space a host needs above its boxes, and before its first column.
    fn heads(self) -> (f64, f64) {
        match self {
            Towards::Right => (HOST_HEAD, HOST_PAD),
            Towards::Down => (HOST_PAD, HOST_HEAD_DOWN),
        }
    }

    fn point(self, along: f64, across: f64) -> (f64, f64) {
        match self {
            Towards::Right => (along, across),
            Towards::Down => (across, along),
        }
    }

    fn area(self, from: (f64, f64), to: (f64, f64)) -> Rect {
        let ((left, top), (right, bottom)) = (self.point(from.0, from.1), self.point(to.0, to.1));
        Rect {
            left,
            top,
            right,
            bottom,
        }
    }
}

/// Where the boxes of each column begin, their length, and the total length, in the direction of the arrows.
struct Columns {
    begin: Vec<f64>,
    long: f64,
    whole: f64,
    box_width: f64,
}

/// What moves as one unit.
struct Block {
    columns: (usize, usize),
    height: f64,
    /// Boxes, each with its offset from the top of the block.
    members: Vec<(usize, f64)>,
    frame: Option<usize>,
}

/// A point on an arrow's way: a block and an offset from its top.
type Stop = (usize, f64);

/// The layout for this width; wider only where the columns would not fit. `words` is the text width that a box should
/// hold.
pub fn layout(graph: &Graph, towards: Towards, room: f64, words: f64) -> Layout {
    let columns = columns(graph, towards, room, words);
    let (mut blocks, stops) = blocks(graph, towards, columns.box_width);
    let ways = ways(graph, &mut blocks, &stops);
    let tops = settled(&blocks, &ways, columns.begin.len());
    let (begin, end) = (|c: usize| columns.begin[c], |c: usize| columns.begin[c] + columns.long);
    let mut boxes = vec![Rect::default(); graph.boxes.len()];
    let mut frames = vec![None; graph.frames.len()];
    for (block, top) in blocks.iter().zip(&tops) {
        for (member, down) in &block.members {
            let column = graph.boxes[*member].column;
            let (above, below) = (top + down, top + down + towards.across(columns.box_width));
            boxes[*member] = towards.area((begin(column), above), (end(column), below));
        }
        if let Some(frame) = block.frame {
            let (first, last) = (
                begin(block.columns.0) - towards.heads().1,
                end(block.columns.1) + HOST_PAD,
            );
            frames[frame] = Some(towards.area((first, *top), (last, top + block.height)));
        }
    }
    let arrows = ways.iter().zip(&graph.arrows).map(|(way, arrow)| {
        let first = graph.boxes[arrow.from].column;
        let last = graph.boxes[arrow.to].column;
        let height = |(block, down): &Stop| tops[*block] + down;
        let mut corners = Vec::new();
        for (i, stop) in way.iter().enumerate() {
            // An arrow that passes no other column is straight.
            let column = if i + 1 == way.len() { last } else { first + i };
            if i > 0 {
                corners.push(towards.point(begin(column), height(stop)));
            }
            if i + 1 < way.len() {
                corners.push(towards.point(end(column), height(stop)));
            }
        }
        corners
    });
    let across = blocks
        .iter()
        .zip(&tops)
        .map(|(b, top)| top + b.height)
        .fold(0.0, f64::max);
    let (width, height) = towards.point(columns.whole, across);
    Layout {
        towards,
        width,
        height,
        boxes,
        frames,
        arrows: arrows.collect(),
    }
}

fn columns(graph: &Graph, towards: Towards, room: f64, words: f64) -> Columns {
    let n = graph.boxes.iter().map(|b| b.column + 1).max().unwrap_or(1);
    let text = words + 2.0 * HOST_PAD;
    if towards == Towards::Down {
        // In the first row a host's frame begins above the boxes.
        let begin = (0..n).map(|c| HOST_HEAD_DOWN + c as f64 * (BOX + GAP_DOWN)).collect();
        return Columns {
            begin,
            long: BOX,
            whole: HOST_HEAD_DOWN + n as f64 * (BOX + GAP_DOWN) - GAP_DOWN + HOST_PAD,
            box_width: text.clamp(LEAST_BOX_DOWN, MOST_BOX),
        };
    }
    let more: Vec<f64> = (0..n).map(|c| if crosses(graph, c) { CROSSING } else { 0.0 }).collect();
    let all_more = more.iter().sum::<f64>();
    let least = text.clamp(LEAST_BOX, MOST_BOX) + GAP;
    let column = ((room - all_more) / n as f64).clamp(least, MOST_COLUMN);
    let box_width = (column - GAP).min((column * BOX_SHARE).max(least - GAP)).min(MOST_BOX);
    let used = column * n as f64 + all_more;
    let whole = used.max(room);
    let before = |c: usize| c as f64 * column + more[..c].iter().sum::<f64>();
    let left = (whole - used) / 2.0 + (column - box_width) / 2.0;
    Columns {
        begin: (0..n).map(|c| left + before(c)).collect(),
        long: box_width,
        whole,
        box_width,
    }
}

/// Do labelled arrows to the next column cross?
fn crosses(graph: &Graph, column: usize) -> bool {
    let next = |a: &&super::graph::Arrow| {
        a.per_s.is_some() && graph.boxes[a.from].column == column && graph.boxes[a.to].column == column + 1
    };
    let ways: Vec<(usize, usize)> = graph.arrows.iter().filter(next).map(|a| (a.from, a.to)).collect();
    let crossed = |(from, to): &(usize, usize)| {
        ways.iter()
            .any(|(f, t)| f != from && t != to && ways.contains(&(*from, *t)))
    };
    ways.iter().any(crossed)
}

/// Hosts with their boxes, and boxes without a host; also the point where arrows reach each box.
fn blocks(graph: &Graph, towards: Towards, box_width: f64) -> (Vec<Block>, Vec<Stop>) {
    let mut blocks: Vec<Block> = Vec::new();
    let mut stops = vec![(0, 0.0); graph.boxes.len()];
    for frame in 0..graph.frames.len() {
        let members: Vec<usize> = (0..graph.boxes.len())
            .filter(|b| graph.boxes[*b].frame == Some(frame))
            .collect();
        if !members.is_empty() {
            blocks.push(host(graph, frame, &members, towards, box_width));
        }
    }
    for (i, node) in graph.boxes.iter().enumerate().filter(|(_, node)| node.frame.is_none()) {
        blocks.push(Block {
            columns: (node.column, node.column),
            height: towards.across(box_width),
            members: vec![(i, 0.0)],
            frame: None,
        });
    }
    // The initial order: nearest to the clients first, then the scenario's order.
    blocks.sort_by_key(|b| b.columns.0);
    for (i, block) in blocks.iter().enumerate() {
        block
            .members
            .iter()
            .for_each(|(member, down)| stops[*member] = (i, down + towards.across(box_width) / 2.0));
    }
    (blocks, stops)
}

fn host(graph: &Graph, frame: usize, members: &[usize], towards: Towards, box_width: f64) -> Block {
    let (size, head) = (towards.across(box_width), towards.heads().0);
    let column = |m: &usize| graph.boxes[*m].column;
    let (first, last) = members
        .iter()
        .map(column)
        .fold((usize::MAX, 0), |(lo, hi), c| (lo.min(c), hi.max(c)));
    let of = |c: usize| members.iter().copied().filter(move |m| graph.boxes[*m].column == c);
    let highest = (first..=last).map(|c| of(c).count()).max().unwrap_or(0) as f64;
    let stack = |n: f64| n * size + (n - 1.0) * BETWEEN_BOXES;
    let mut placed = Vec::new();
    for c in first..=last {
        let spare = (stack(highest) - stack(of(c).count() as f64)) / 2.0;
        let down = |i: usize| head + spare + i as f64 * (size + BETWEEN_BOXES);
        placed.extend(of(c).enumerate().map(|(i, m)| (m, down(i))));
    }
    Block {
        columns: (first, last),
        height: head + stack(highest) + HOST_PAD,
        members: placed,
        frame: Some(frame),
    }
}

/// The stops of every arrow. An arrow that skips columns gets a passage in each, unless there are too many.
fn ways(graph: &Graph, blocks: &mut Vec<Block>, stops: &[Stop]) -> Vec<Vec<Stop>> {
    let span = |a: &super::graph::Arrow| graph.boxes[a.to].column - graph.boxes[a.from].column;
    let passing = graph.arrows.iter().map(|a| span(a) - 1).sum::<usize>() <= MOST_PASSING;
    let mut way = |a: &super::graph::Arrow| {
        let mut way = vec![stops[a.from]];
        let between = graph.boxes[a.from].column + 1..graph.boxes[a.to].column;
        for column in between.filter(|_| passing) {
            way.push((blocks.len(), PASSING / 2.0));
            blocks.push(Block {
                columns: (column, column),
                height: PASSING,
                members: Vec::new(),
                frame: None,
            });
        }
        way.push(stops[a.to]);
        way
    };
    graph.arrows.iter().map(&mut way).collect()
}

/// The top of every block: as near as possible to the middle of its neighbours (the barycentre), in the order of these
/// wishes. The result is the round with the shortest arrows.
fn settled(blocks: &[Block], ways: &[Vec<Stop>], columns: usize) -> Vec<f64> {
    let order: Vec<usize> = (0..blocks.len()).collect();
    let mut tops = pushed(blocks, &order, &vec![0.0; blocks.len()], columns);
    let mut best = (length(&tops, ways), tops.clone());
    for _ in 0..ROUNDS {
        let wanted = wishes(&tops, ways);
        let middle = |b: &usize| wanted[*b] + blocks[*b].height / 2.0;
        let mut order = order.clone();
        order.sort_by(|a, b| middle(a).total_cmp(&middle(b)).then(tops[*a].total_cmp(&tops[*b])));
        // Pushes once downwards and once upwards; the average of both keeps the distances.
        let down = pushed(blocks, &order, &wanted, columns);
        let upside: Vec<f64> = wanted.iter().zip(blocks).map(|(top, b)| -top - b.height).collect();
        let reverse: Vec<usize> = order.iter().rev().copied().collect();
        let up = pushed(blocks, &reverse, &upside, columns);
        let halfway = |b: usize| f64::midpoint(down[b], -up[b] - blocks[b].height);
        tops = (0..blocks.len()).map(halfway).collect();
        let length = length(&tops, ways);
        if length < best.0 - 1e-6 {
            best = (length, tops.clone());
        }
    }
    let highest = best.1.iter().copied().fold(f64::INFINITY, f64::min);
    best.1.into_iter().map(|top| top - highest).collect()
}

/// Each block at its wanted position, or as far below as the earlier ones in its columns require.
fn pushed(blocks: &[Block], order: &[usize], wanted: &[f64], columns: usize) -> Vec<f64> {
    let mut ground = vec![f64::NEG_INFINITY; columns];
    let mut tops = vec![0.0; blocks.len()];
    for &b in order {
        let block = &blocks[b];
        let span = block.columns.0..=block.columns.1;
        let floor = ground[span.clone()].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        tops[b] = wanted[b].max(floor);
        ground[span].fill(tops[b] + block.height + BETWEEN_BLOCKS);
    }
    tops
}

fn wishes(tops: &[f64], ways: &[Vec<Stop>]) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); tops.len()];
    for pair in ways.iter().flat_map(|way| way.windows(2)) {
        let ((a, down_a), (b, down_b)) = (pair[0], pair[1]);
        for (this, down, other, other_down) in [(a, down_a, b, down_b), (b, down_b, a, down_a)] {
            sums[this].0 += tops[other] + other_down - down;
            sums[this].1 += 1.0;
        }
    }
    sums.iter()
        .zip(tops)
        .map(|((sum, n), top)| if *n > 0.0 { sum / n } else { *top })
        .collect()
}

/// Total vertical distance of all arrows.
fn length(tops: &[f64], ways: &[Vec<Stop>]) -> f64 {
    let height = |(block, down): Stop| tops[block] + down;
    ways.iter()
        .flat_map(|way| way.windows(2))
        .map(|pair| (height(pair[0]) - height(pair[1])).abs())
        .sum()
}
