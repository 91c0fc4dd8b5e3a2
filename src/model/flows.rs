//! Who was asked by whom, how often, and how long that took: what a topology's arrows and a waterfall are made of.
//!
//! One cell a pair and class, laid out beforehand, so that an answer costs a few additions.

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
    /// The part of that spent in the node's queues.
    pub waited: Span,
}

impl Flow {
    /// Adds another's.
    pub fn merge(&mut self, other: &Flow) {
        self.answers += other.answers;
        self.inside = self.inside + other.inside;
        self.waited = self.waited + other.waited;
    }
}

/// A caller's row: which nodes its cells are for.
#[derive(Copy, Clone, Debug)]
struct Row {
    first: usize,
    nodes: usize,
    begins: usize,
}

/// The flows of one run, or of several together.
#[derive(Clone, Debug)]
pub struct Flows {
    rows: Vec<Row>,
    cells: Vec<Flow>,
    classes: usize,
}

impl Flows {
    /// None yet. The callers are the plan's nodes, then the clients of each source.
    pub fn new(plan: &Plan) -> Flows {
        let of_nodes = (0..plan.nodes.len()).map(|i| plan.asks(NodeId::new(i)));
        let reached = |s| plan.entries(s).into_iter().flat_map(|t| plan.members(t)).collect();
        let classes = plan.classes.len();
        let mut begins = 0;
        let row = |asked: Vec<NodeId>| {
            let ids = || asked.iter().map(|n| n.index());
            let first = ids().min().unwrap_or(0);
            let nodes = ids().max().map_or(0, |last| last + 1 - first);
            let row = Row { first, nodes, begins };
            begins += nodes * classes;
            row
        };
        let rows = of_nodes.chain(plan.sources.iter().map(reached)).map(row).collect();
        Flows {
            rows,
            cells: vec![Flow::default(); begins],
            classes,
        }
    }

    fn cell(&self, caller: usize, node: NodeId, class: ClassId) -> Option<usize> {
        let row = self.rows.get(caller)?;
        let column = node.index().checked_sub(row.first).filter(|c| *c < row.nodes)?;
        Some(row.begins + column * self.classes + class.index())
    }

    /// A frame gave its caller a good answer.
    #[inline]
    pub fn answered(&mut self, caller: NodeId, frame: &Frame, now: Time) {
        let cell = self.cell(caller.index(), frame.node, frame.wish.class);
        if let Some(flow) = cell.and_then(|c| self.cells.get_mut(c)) {
            flow.answers += 1;
            flow.inside = flow.inside + now.since(frame.entered);
            flow.waited = flow.waited + frame.waited;
        }
    }

    /// Adds another run's of the same plan.
    pub fn merge(&mut self, other: &Flows) {
        self.cells.iter_mut().zip(&other.cells).for_each(|(a, b)| a.merge(b));
    }

    /// The nodes that this caller may have asked, and perhaps others between them.
    pub fn asked_by(&self, caller: usize) -> impl Iterator<Item = NodeId> + use<> {
        let row = self.rows[caller];
        (row.first..row.first + row.nodes).map(NodeId::new)
    }

    /// What this caller got from this node, for one class.
    pub fn of(&self, caller: usize, node: NodeId, class: ClassId) -> Flow {
        self.cell(caller, node, class)
            .map_or_else(Flow::default, |c| self.cells[c])
    }
}
