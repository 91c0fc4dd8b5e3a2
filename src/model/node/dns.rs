//! A resolver: answers after its lookup time. What it answers is the [directory](crate::model::directory)'s.
//!
//! With `failover` it checks the nodes it names, and what is down is not given out, unless all are: then all are named,
//! since one of them may be better than its check.

use super::health::Health;
use super::{Behaviour, Tending};
use crate::base::ids::NodeId;
use crate::base::random::{Draw, Purpose, mix, unit};
use crate::base::time::Span;
use crate::model::context::{Context, Demand, IO};
use crate::model::event::{Class, Event};
use crate::model::probe::{Finding, probe};
use crate::model::request::{FrameKey, Reply};
use crate::scenario::plan::{self, Check, Target};

/// A resolver.
pub struct Dns<'p> {
    me: NodeId,
    plan: &'p plan::Dns,
    /// What it believes of each answer, in order.
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

    fn tend_after(&mut self, cx: &mut Context<'_>, answer: usize, span: Span, what: Tending) {
        let event = Event::Tend {
            balancer: self.me,
            server: answer as u16,
            turn: self.health[answer].turn(),
            what,
        };
        cx.after(span, Class::Probe, event);
    }

    fn checked(&mut self, cx: &mut Context<'_>, check: &Check, answer: usize, passed: bool) {
        if self.health[answer].observe(check, passed) {
            let (me, target) = (self.me, self.plan.answers[answer]);
            let what = if passed { "up" } else { "down" };
            cx.note(what, |p| format!("{}/{}", p.node(me).name, p.target_name(target)));
            self.publish(cx);
        }
        let span = self.health[answer].interval(check);
        self.tend_after(cx, answer, span, Tending::Check);
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
        let Some(check) = &self.plan.failover else { return };
        for answer in 0..self.health.len() {
            self.health[answer].believe_up();
            let turn = self.health[answer].next_turn();
            let key = mix(mix(self.checks, answer as u64), u64::from(turn));
            let first = check.inter.scaled(unit(&mut Draw::keyed(key)));
            self.tend_after(cx, answer, first, Tending::Check);
        }
        self.publish(cx);
    }

    fn tend(&mut self, cx: &mut Context<'_>, answer: usize, turn: u16, what: Tending) {
        let Some(check) = self
            .plan
            .failover
            .as_ref()
            .filter(|_| turn == self.health[answer].turn())
        else {
            return;
        };
        if what == Tending::GiveUp {
            return self.checked(cx, check, answer, false);
        }
        let target = cx.directory.resolve(cx.plan, self.plan.answers[answer]);
        let key = mix(mix(self.checks, answer as u64), !self.health[answer].begin_check());
        match probe(cx, self.me, target, key, check.deep) {
            Finding::Pass => self.checked(cx, check, answer, true),
            Finding::Fail => self.checked(cx, check, answer, false),
            Finding::Silent => self.tend_after(cx, answer, check.timeout, Tending::GiveUp),
        }
    }
}
