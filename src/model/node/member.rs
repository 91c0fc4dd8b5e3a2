//! A member of a database: takes a query if it has a connection left, and serves it as its station and host allow.
//!
//! It does not know which role it plays: the [directory](crate::model::directory) says whom the application asks.

use super::Behaviour;
use crate::base::ids::NodeId;
use crate::model::context::{Context, LAG};
use crate::model::request::{Frame, FrameKey, Outcome, Reply, Step};
use crate::scenario::plan::{self, Plan, WRITE};

/// A member of a database.
pub struct Member<'p> {
    plan: &'p plan::Member,
    database: &'p plan::Database,
    me: NodeId,
    connections: u32,
}

impl<'p> Member<'p> {
    /// A member at the start of a run.
    pub fn new(plan: &'p Plan, me: NodeId, member: &'p plan::Member) -> Member<'p> {
        Member {
            plan: member,
            database: &plan.databases[member.database.index()],
            me,
            connections: 0,
        }
    }

    fn is_primary(&self, cx: &Context<'_>) -> bool {
        cx.directory.primary(cx.plan, self.plan.database) == self.me
    }
}

impl Behaviour for Member<'_> {
    fn arrived(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        if self.connections >= self.plan.max_connections {
            return cx.turn_away(frame, Reply::refused(Outcome::Refused));
        }
        self.connections += 1;
        cx.frames[frame].step = Step::Counted;
        self.queue_for_worker(cx, frame);
    }

    fn worked(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        if usize::from(cx.frames[frame].op) == WRITE && self.is_primary(cx) {
            let lag = cx.sample(&self.database.lag, &cx.frames[frame], LAG);
            cx.directory.commit(self.plan.database, cx.now(), lag);
        }
        cx.finish(frame, Reply::OK);
    }

    fn release(&mut self, _cx: &mut Context<'_>, frame: &mut Frame) {
        if frame.step == Step::Counted {
            self.connections -= 1;
        }
    }

    fn held(&self) -> u64 {
        u64::from(self.connections)
    }
}
