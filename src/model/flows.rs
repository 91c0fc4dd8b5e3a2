//! Who was asked by whom, how often, and how long that took: what a topology's arrows and a waterfall are made of.
//!
//! One cell a pair and class, laid out beforehand, so that an answer costs a few additions.

use std::ops::Range;

use crate::base::ids::{ClassId, NodeId};
use crate::base::time::{Span, Time};
use crate::model::request::Frame;
use crate::scenario::plan::Plan;

/// What one caller got from one node for one class: good answers, over the measured part of a run.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Flow {
    /// Good answers.
    pub answers: u64,
    /// From the sending of the call until the answer left, summed.
    pub inside: Span,
    /// The part of that spent in the node's queues,
    pub waited: Span,
    /// and the part spent on calls of its own that got a good answer, with their ways.
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

/// The flows of one run, or of several together.
#[derive(Clone, Debug)]
pub struct Flows {
    /// By caller: where in `asked` the nodes stand that it may ask, in order of their ids.
    rows: Vec<Range<usize>>,
    asked: Vec<NodeId>,
    /// By node asked and class.
    cells: Vec<Flow>,
    classes: usize,
}

impl Flows {
    /// None yet. The callers are the plan's nodes, then the clients of each source.
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
        // Most ask a run of neighbours.
        let place = node.index().wrapping_sub(asked.first()?.index());
        let place = match asked.get(place) {
            Some(there) if *there == node => place,
            _ => asked.binary_search(&node).ok()?,
        };
        Some((row.start + place) * self.classes + class.index())
    }

    /// A frame gave its caller a good answer.
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

    /// Adds another run's of the same plan.
    pub fn merge(&mut self, other: &Flows) {
        self.cells.iter_mut().zip(&other.cells).for_each(|(a, b)| a.merge(b));
    }

    /// The nodes that this caller may have asked.
    pub fn asked_by(&self, caller: usize) -> impl Iterator<Item = NodeId> {
        self.asked[self.rows[caller].clone()].iter().copied()
    }

    /// What this caller got from this node, for one class.
    pub fn of(&self, caller: usize, node: NodeId, class: ClassId) -> Flow {
        self.cell(caller, node, class)
            .map_or_else(Flow::default, |c| self.cells[c])
    }
}
