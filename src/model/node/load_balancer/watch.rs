//! Observing the servers: checks, live traffic, slow starts, and their consequences.

use super::{LoadBalancer, Stage, Step};
use crate::base::random::{label, mix};
use crate::base::time::{Span, Time};
use crate::model::balance::{Balance, Change, slowstart};
use crate::model::context::Context;
use crate::model::node::Tending;
use crate::model::node::health::Checks;
use crate::model::request::{How, Outcome, Reply, Step as FrameStep};
use crate::scenario::plan::{Check, Observe, OnError, RetryOn};

/// A `slowstart` under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Ramp {
    /// When it began and how long it lasts.
    under_way: Option<(Time, Span)>,
    /// Number of the ramp. A step of a ramp that was cut short carries another number.
    turn: u16,
}

impl Ramp {
    fn start(&mut self, now: Time, lasts: Span) {
        self.turn = self.turn.wrapping_add(1);
        self.under_way = Some((now, lasts));
    }

    pub(super) fn stop(&mut self) {
        self.turn = self.turn.wrapping_add(1);
        self.under_way = None;
    }

    fn eweight(&self, weight: u32, now: Time) -> u32 {
        let slow = |(began, lasts): (Time, Span)| slowstart::eweight(weight, lasts, now.since(began));
        self.under_way.map_or(weight * 16, slow)
    }

    pub(super) fn limit(&self, limit: u32, now: Time) -> u32 {
        match self.under_way {
            Some((began, lasts)) if limit != u32::MAX => slowstart::limit(limit, lasts, now.since(began)),
            _ => limit,
        }
    }
}

impl<'p> LoadBalancer<'p> {
    // --- checks -----------------------------------------------------------------------------------------------------

    /// Their draws depend on the server's name, so that adding a server does not move the others' checks.
    fn checks_of(&self, cx: &Context<'_>, server: usize) -> Option<Checks<'p>> {
        Some(Checks {
            by: self.me,
            server,
            check: self.plan.check.as_ref()?,
            key: mix(self.checks, label(&cx.plan.node(self.plan.servers[server].node).name)),
        })
    }

    pub(super) fn begin_checks(&mut self, cx: &mut Context<'_>) {
        for server in 0..self.servers.len() {
            let Some(checks) = self.checks_of(cx, server) else {
                return;
            };
            checks.begin(cx, &mut self.servers[server].health);
        }
    }

    /// Starts a check, or gives up on one.
    pub(super) fn check(&mut self, cx: &mut Context<'_>, server: usize, turn: u16, what: Tending) {
        let node = self.plan.servers[server].node;
        if turn == self.servers[server].health.turn()
            && let Some(checks) = self.checks_of(cx, server)
            && let Some(passed) = checks.tend(cx, &mut self.servers[server].health, node, what)
        {
            self.judge(cx, checks.check, server, passed);
            checks.go_on(cx, &mut self.servers[server].health);
        }
    }

    fn judge(&mut self, cx: &mut Context<'_>, check: &Check, server: usize, passed: bool) {
        if self.servers[server].health.observe(check, passed) {
            self.changed_its_mind(cx, server, passed);
        }
    }

    /// The balancer's belief about the server has changed.
    fn changed_its_mind(&mut self, cx: &mut Context<'_>, server: usize, up: bool) {
        let (me, node) = (self.me, self.plan.servers[server].node);
        let what = if up { "up" } else { "down" };
        cx.note(what, |p| format!("{}/{}", p.node(me).name, p.node(node).name));
        if up {
            self.start_slowly(cx, server);
        } else {
            self.end_slow_start(cx, server);
            self.shut_down_soon(cx, server);
        }
        self.settle(cx);
        if up {
            self.refill(cx, server);
        }
    }

    /// `on-marked-down shutdown-sessions`: a separate event, so that no answer is half processed.
    pub(super) fn shut_down_soon(&mut self, cx: &mut Context<'_>, server: usize) {
        if self.plan.shutdown_sessions {
            cx.tend_after(self.me, server, 0, Span::ZERO, Tending::ShutDown);
        }
    }

    /// The connections to the server are closed: for their requests this equals its death. A pausing request goes on
    /// until it has a connection again.
    pub(super) fn shut_down(&mut self, cx: &mut Context<'_>, server: usize) {
        // The list is made first: a request that takes over a slot freed here is not shut down.
        let is_there = |step: FrameStep| match step {
            FrameStep::LoadBalancer(Step {
                stage: Stage::On { server: on } | Stage::Pausing { server: on, .. },
                ..
            }) => usize::from(on) == server,
            _ => false,
        };
        let mut all = cx.inside(self.me);
        all.retain(|key| is_there(cx.frames[*key].step));
        for key in all {
            let FrameStep::LoadBalancer(step) = &mut cx.frames[key].step else {
                continue;
            };
            match step.stage {
                Stage::On { server: on } if usize::from(on) == server => {
                    let (how, cause) = (How::Broken, Outcome::Reset);
                    cx.hang_up(key);
                    cx.clear_timer(key);
                    self.retry(cx, key, server, Reply { how, cause }, RetryOn::EmptyResponse);
                }
                Stage::Pausing { server: on, .. } if usize::from(on) == server => step.shut_down = true,
                _ => {}
            }
        }
    }

    // --- what live traffic tells ------------------------------------------------------------------------------------

    /// `observe`: an attempt has come back and counts as an observation of the server.
    #[inline]
    pub(super) fn observe(&mut self, cx: &mut Context<'_>, server: usize, reply: Reply) {
        if let (Some(layer), Some(check)) = (self.plan.observe, &self.plan.check) {
            self.observed(cx, server, reply, layer, check);
        }
    }

    #[inline(never)]
    fn observed(&mut self, cx: &mut Context<'_>, server: usize, reply: Reply, layer: Observe, check: &Check) {
        let failed = match reply.how {
            How::Refused | How::Silent => true,
            How::Broken => layer == Observe::Layer7,
            How::Answered => layer == Observe::Layer7 && is_server_error(reply.cause),
        };
        if !self.servers[server]
            .health
            .observe_traffic(failed, self.plan.error_limit)
        {
            return;
        }
        match self.plan.on_error {
            OnError::FastInter => {}
            OnError::FailCheck => self.judge(cx, check, server, false),
            // This failed check and one more, or as many errors again.
            OnError::SuddenDeath => {
                self.servers[server].health.two_failures_left(check);
                self.judge(cx, check, server, false);
            }
            OnError::MarkDown => {
                self.servers[server].health.mark_down();
                self.changed_its_mind(cx, server, false);
            }
        }
        // Every one of them brings the next check forward.
        if let Some(checks) = self.checks_of(cx, server) {
            checks.hurry(cx, &mut self.servers[server].health);
        }
    }

    // --- slow starts ------------------------------------------------------------------------------------------------

    /// Restores the full weight and limit.
    pub(super) fn end_slow_start(&mut self, cx: &Context<'_>, server: usize) {
        if self.servers[server].ramp.under_way.is_some() {
            self.servers[server].ramp.stop();
            self.weigh(cx, server);
            self.limit(cx, server);
        }
    }

    /// The server is up again: with `slowstart` its weight and limit start small.
    pub(super) fn start_slowly(&mut self, cx: &mut Context<'_>, server: usize) {
        let Some(lasts) = self.plan.servers[server].slowstart else {
            return;
        };
        self.servers[server].ramp.start(cx.now(), lasts);
        self.ramp_on(cx, server);
    }

    /// One second of a slow start has passed.
    pub(super) fn warm(&mut self, cx: &mut Context<'_>, server: usize, turn: u16) {
        if turn != self.servers[server].ramp.turn {
            return;
        }
        self.ramp_on(cx, server);
        self.refill(cx, server);
    }

    fn ramp_on(&mut self, cx: &mut Context<'_>, server: usize) {
        let Some((began, lasts)) = self.servers[server].ramp.under_way else {
            return;
        };
        self.weigh(cx, server);
        self.limit(cx, server);
        if cx.now().since(began) < lasts {
            let turn = self.servers[server].ramp.turn;
            cx.tend_after(self.me, server, turn, slowstart::STEP, Tending::Warm);
        } else {
            self.servers[server].ramp.stop();
        }
    }

    /// Computes the effective weight and tells the algorithm.
    pub(super) fn weigh(&mut self, cx: &Context<'_>, server: usize) {
        let member = &mut self.pool.servers[server];
        let before = member.eweight;
        member.eweight = self.servers[server].ramp.eweight(member.weight, cx.now());
        if member.eweight != before {
            self.algorithm.changed(&self.pool, server, Change::Weight);
        }
    }

    // --- consequences -----------------------------------------------------------------------------------------------

    /// Recomputes which servers get requests, and tells the algorithm what changed.
    pub(super) fn settle(&mut self, cx: &mut Context<'_>) {
        let able: Vec<bool> = self.servers.iter().map(|s| s.health.is_able()).collect();
        self.pool.settle(&mut self.algorithm, &able, self.plan.allbackups);
        for server in 0..self.pool.servers.len() {
            self.leave_lost_server(cx, server);
        }
    }

    /// With `redispatch`, requests queued for a lost server are placed again at once.
    fn leave_lost_server(&mut self, cx: &mut Context<'_>, server: usize) {
        if self.servers[server].health.is_able() || !self.plan.redispatch {
            return;
        }
        for key in self.servers[server].queue.take() {
            let Some(FrameStep::LoadBalancer(Step {
                stage: Stage::QueuedAt { since, .. },
                ..
            })) = cx.frames.get(key).map(|f| f.step)
            else {
                continue;
            };
            self.leave_server_queue(server);
            self.waited(cx, key, since);
            LoadBalancer::step(cx, key).stage = Stage::Accepted;
            self.place(cx, key);
        }
    }
}

/// Whether the answer indicates a fault of the server rather than of the request.
fn is_server_error(cause: Outcome) -> bool {
    !matches!(cause, Outcome::Ok | Outcome::Rejected)
}
