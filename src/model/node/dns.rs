//! A resolver: answers after its lookup time. What it answers is the [directory](crate::model::directory)'s.

use super::Behaviour;
use crate::base::time::Span;
use crate::model::context::{Context, Demand, IO};
use crate::model::request::{FrameKey, Reply};
use crate::scenario::plan;

/// A resolver.
pub struct Dns<'p> {
    plan: &'p plan::Dns,
}

impl<'p> Dns<'p> {
    /// A resolver at the start of a run.
    pub fn new(plan: &'p plan::Dns) -> Dns<'p> {
        Dns { plan }
    }
}

impl Behaviour for Dns<'_> {
    fn demand(&mut self, cx: &mut Context<'_>, frame: FrameKey) -> Demand {
        Demand {
            cpu: Span::ZERO,
            io: cx.sample(&self.plan.lookup, &cx.frames[frame], IO),
        }
    }

    fn worked(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        cx.finish(frame, Reply::OK);
    }
}
