//! A resolver: answers after its lookup time, with the addresses from the [directory](crate::model::directory).
//!
//! With `failover` it checks the nodes it names and leaves out those that are down. If all are down it names them all,
//! since a check may be wrong.

use super::health::{Checks, Health};
use super::{Behaviour, Tending};
use crate::base::ids::NodeId;
use crate::base::random::{Purpose, mix};
use crate::base::time::Span;
use crate::model::context::{Context, Demand, IO};
use crate::model::request::{FrameKey, Reply};
use crate::scenario::plan::{self, Target};

/// A resolver.
pub struct Dns<'p> {
    me: NodeId,
    plan: &'p plan::Dns,
    /// What it believes of each address, in order.
    health: Vec<Health>,
    checks: u64,
}

impl<'p> Dns<'p> {
    /// A resolver at the start of a run.
    pub fn new(me: NodeId, plan: &'p plan::Dns, cx: &Context<'p>) -> Dns<'p> {
        Dns {
            me,
            plan,
            health: vec![Health::default(); plan.answers.len()],
            checks: cx.streams.key_of(&cx.plan.node(me).name, Purpose::Checks),
        }
    }

    fn checks_of(&self, answer: usize) -> Option<Checks<'p>> {
        Some(Checks {
            by: self.me,
            server: answer,
            check: self.plan.failover.as_ref()?,
            key: mix(self.checks, answer as u64),
        })
    }

    fn changed_its_mind(&self, cx: &mut Context<'_>, answer: usize, up: bool) {
        let (me, target) = (self.me, self.plan.answers[answer]);
        let what = if up { "up" } else { "down" };
        cx.note(what, |p| format!("{}/{}", p.node(me).name, p.target_name(target)));
        self.publish(cx);
    }

    fn publish(&self, cx: &mut Context<'_>) {
        let named = self.plan.answers.iter().zip(&self.health);
        let mut up: Vec<Target> = named.filter(|(_, h)| h.is_able()).map(|(answer, _)| *answer).collect();
        if up.is_empty() {
            up.clone_from(&self.plan.answers);
        }
        cx.directory.set_answers(self.me, up);
    }
}

impl Behaviour for Dns<'_> {
    fn begin_work(&mut self, cx: &mut Context<'_>, frame: FrameKey) -> bool {
        let demand = Demand {
            cpu: Span::ZERO,
            io: cx.sample(&self.plan.lookup, &cx.frames[frame], IO),
        };
        cx.work(frame, demand)
    }

    fn worked(&mut self, cx: &mut Context<'_>, frame: FrameKey) {
        cx.finish(frame, Reply::OK);
    }

    fn started(&mut self, cx: &mut Context<'_>) {
        for answer in 0..self.health.len() {
            let Some(checks) = self.checks_of(answer) else { return };
            self.health[answer].forget();
            checks.begin(cx, &mut self.health[answer]);
        }
        self.publish(cx);
    }

    fn tend(&mut self, cx: &mut Context<'_>, answer: usize, turn: u16, what: Tending) {
        let target = cx.directory.resolve(cx.plan, self.plan.answers[answer]);
        if turn == self.health[answer].turn()
            && let Some(checks) = self.checks_of(answer)
            && let Some(passed) = checks.tend(cx, &mut self.health[answer], target, what)
        {
            if self.health[answer].observe(checks.check, passed) {
                self.changed_its_mind(cx, answer, passed);
            }
            checks.go_on(cx, &mut self.health[answer]);
        }
    }
}
