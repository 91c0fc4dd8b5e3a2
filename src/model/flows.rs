//! Who called whom, how often, and how long that took: the data of the topology's arrows and of the waterfall.
//!
//! There is one preallocated cell per pair and class, so an answer costs a few additions.

use std::ops::Range;

use crate::base::ids::{ClassId, NodeId};
use crate::base::time::{Span, Time};
use crate::model::request::Frame;
use crate::scenario::plan::Plan;

/// Good answers that one caller got from one node for one class, over the measured part of a run.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Flow {
    /// Good answers.
    pub answers: u64,
    /// Total time from sending the call until the answer leaves.
    pub inside: Span,
    /// The part of it spent in the node's queues.
    pub waited: Span,
    /// The part of it spent on the node's own successful calls, including network time.
    pub below: Span,
}

impl Flow {
    /// Adds another's.
    pub fn merge(&mut self, other: &Flow) {
        self.answers += other.answers;
        self.inside = self.inside + other.inside;
        self.waited = self.waited + other.waited;
        self.below = self.below + other.below;
    }
}

/// The flows of one run, or of several merged.
#[derive(Clone, Debug)]
pub struct Flows {
    /// By caller: the range in `asked` with the nodes it may call, ordered by id.
    rows: Vec<Range<usize>>,
    asked: Vec<NodeId>,
    /// By entry of `asked` and class.
    cells: Vec<Flow>,
    classes: usize,
}

impl Flows {
    /// Empty flows. The callers are the plan's nodes, then the clients of each source.
    pub fn new(plan: &Plan) -> Flows {
        let of_nodes = (0..plan.nodes.len()).map(|i| plan.asks(NodeId::new(i)));
        let reached = |s| plan.entries(s).into_iter().flat_map(|t| plan.members(t)).collect();
        let classes = plan.classes.len();
        let mut asked = Vec::new();
        let row = |mut nodes: Vec<NodeId>| {
            nodes.sort_unstable();
            nodes.dedup();
            let from = asked.len();
            asked.append(&mut nodes);
            from..asked.len()
        };
        let rows = of_nodes.chain(plan.sources.iter().map(reached)).map(row).collect();
        Flows {
            rows,
            cells: vec![Flow::default(); asked.len() * classes],
            asked,
            classes,
        }
    }

    #[inline]
    fn cell(&self, caller: usize, node: NodeId, class: ClassId) -> Option<usize> {
        let row = self.rows.get(caller)?;
        let asked = &self.asked[row.clone()];
        // Most callers have targets with consecutive ids.
        let place = node.index().wrapping_sub(asked.first()?.index());
        let place = match asked.get(place) {
            Some(there) if *there == node => place,
            _ => asked.binary_search(&node).ok()?,
        };
        Some((row.start + place) * self.classes + class.index())
    }

    /// Counts a good answer to a frame's caller.
    #[inline]
    pub fn answered(&mut self, caller: NodeId, frame: &Frame, now: Time) {
        let cell = self.cell(caller.index(), frame.node, frame.wish.class);
        if let Some(flow) = cell.and_then(|c| self.cells.get_mut(c)) {
            flow.answers += 1;
            flow.inside = flow.inside + now.since(frame.entered);
            flow.waited = flow.waited + frame.waited;
            flow.below = flow.below + frame.below;
        }
    }

    /// Adds the flows of another run of the same plan.
    pub fn merge(&mut self, other: &Flows) {
        self.cells.iter_mut().zip(&other.cells).for_each(|(a, b)| a.merge(b));
    }

    /// The nodes this caller may call.
    pub fn asked_by(&self, caller: usize) -> impl Iterator<Item = NodeId> {
        self.asked[self.rows[caller].clone()].iter().copied()
    }

    /// The flow from this node to this caller for one class.
    pub fn of(&self, caller: usize, node: NodeId, class: ClassId) -> Flow {
        self.cell(caller, node, class)
            .map_or_else(Flow::default, |c| self.cells[c])
    }
}
