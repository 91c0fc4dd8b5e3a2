//! A packet filter: passes requests while its state table has room and its rate limit allows.
//!
//! Replies pass unchanged: a refused connection is refused on both sides.

use super::Behaviour;
use crate::model::context::Context;
use crate::model::rate_limit::TokenBucket;
use crate::model::request::{Frame, FrameKey, Outcome, Reply, Step};
use crate::scenario::plan;

/// A packet filter.
pub struct Firewall<'p> {
    plan: &'p plan::Firewall,
    connections: u32,
    bucket: Option<TokenBucket>,
}

impl<'p> Firewall<'p> {
    /// A firewall at the start of a run.
    pub fn new(plan: &'p plan::Firewall) -> Firewall<'p> {
        let bucket = plan.limit.as_ref().map(TokenBucket::new);
        Firewall {
            plan,
            connections: 0,
            bucket,
        }
    }

    fn admits(&mut self, cx: &Context<'_>) -> bool {
        self.plan.connections.is_none_or(|size| self.connections < size)
            && self.bucket.as_mut().is_none_or(|b| b.admits(cx.now()))
    }
}

impl Behaviour for Firewall<'_> {
    fn arrived(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        if !self.admits(cx) {
            return cx.turn_away(frame, Reply::refused(Outcome::Rejected));
        }
        self.connections += 1;
        cx.frames[frame].step = Step::Counted;
        self.queue_for_worker(cx, frame);
    }

    fn worked(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        cx.leave(frame);
        let Frame {
            op,
            seed,
            patience,
            entered,
            ..
        } = cx.frames[frame];
        // The connection is the caller's own, so the time it has already waited counts.
        let left = patience - cx.now().since(entered);
        cx.call(frame, self.plan.to, op, seed, left);
    }

    fn passes_back(&mut self, _cx: &mut Context<'_>, _frame: FrameKey) -> bool {
        self.connections -= 1;
        true
    }

    fn release(&mut self, _cx: &mut Context<'_>, frame: &mut Frame) {
        if frame.step == Step::Counted {
            self.connections -= 1;
        }
    }

    fn started(&mut self, _cx: &mut Context<'_>) {
        self.bucket = self.plan.limit.as_ref().map(TokenBucket::new);
    }

    fn held(&self) -> u64 {
        u64::from(self.connections)
    }
}
