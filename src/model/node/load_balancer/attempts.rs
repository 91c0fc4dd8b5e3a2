//! Calling a server, and what becomes of a request whose attempt fails.

use super::{LoadBalancer, Stage};
use crate::base::time::Span;
use crate::model::balance::{Balance, Change};
use crate::model::context::Context;
use crate::model::request::{FrameKey, How, Reply};
use crate::scenario::plan::{RetryOn, Target};

/// The pause before a retry on the same server is at most this.
const TURN_AROUND: Span = Span::SECOND;

impl LoadBalancer<'_> {
    /// Takes a slot of the server and calls it.
    #[inline(always)]
    pub(super) fn connect(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
        self.pool.servers[server].served += 1;
        self.algorithm.changed(&self.pool, server, Change::Taken);
        self.begin(cx, key, server, true);
    }

    /// The server has one request more, with a slot or without.
    #[inline(always)]
    pub(super) fn begin(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize, slot: bool) {
        self.servers[server].sessions += 1;
        self.call(cx, key, server, Some(slot));
    }

    /// Calls the server that the request has been given to, with a slot, without one, or as before.
    #[inline(always)]
    fn call(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize, slot: Option<bool>) {
        let node = self.plan.servers[server].node;
        let frame = &mut cx.frames[key];
        let (op, seed, root) = (frame.op, frame.seed, frame.wish.root);
        let step = LoadBalancer::step_of(frame);
        step.stage = Stage::On { server: server as u16 };
        step.slot = slot.unwrap_or(step.slot);
        cx.record.chose(root, node);
        cx.call(key, Target::Node(node), op, seed, self.plan.connect_timeout);
        match self.server_lane {
            Some(lane) => cx.set_timer_in(key, lane),
            None => cx.clear_timer(key),
        }
    }

    /// An attempt has failed: it is retried where `retry-on` says so.
    pub(super) fn failed(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize, reply: Reply) {
        if self.is_retried(reply) {
            self.retry(cx, key, server, reply);
        } else {
            cx.finish(key, Reply::failed(reply.cause));
        }
    }

    /// Does `retry-on` name this failure?
    fn is_retried(&self, reply: Reply) -> bool {
        let named = match reply.how {
            How::Refused | How::Silent => RetryOn::ConnFailure,
            How::Broken => RetryOn::EmptyResponse,
            How::Answered => RetryOn::Error,
        };
        self.plan.retry_on.contains(&named)
    }

    /// An attempt has failed in a way that is retried.
    pub(super) fn retry(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize, reply: Reply) {
        let step = LoadBalancer::step(cx, key);
        if step.retries == 0 {
            return cx.finish(key, Reply::failed(reply.cause));
        }
        step.retries -= 1;
        let is_last = step.retries == 0;
        // Backups do not count, even while they are all that is left.
        let active = self.pool.servers.iter().filter(|s| s.takes_new() && !s.backup).count();
        // A hash keeps to its server while there is another try, and while that is not known to be down.
        let leaves = !self.algorithm.is_hash() || is_last || !self.pool.servers[server].takes_new();
        if self.plan.redispatch && active > 1 && leaves {
            return self.redispatch(cx, key, server);
        }
        if reply.how != How::Refused {
            // It has waited already: for its connection, or for an answer that did not come or was no good.
            return self.try_again(cx, key, server);
        }
        LoadBalancer::step(cx, key).stage = Stage::Pausing { server: server as u16 };
        cx.set_timer(key, TURN_AROUND.min(self.plan.connect_timeout));
    }

    /// Tries the same server again; with `redispatch` another one, if this one is known to be down by now, or it is
    /// the last try.
    pub(super) fn try_again(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
        let is_last = LoadBalancer::step(cx, key).retries == 0;
        let other = self
            .pool
            .servers
            .iter()
            .enumerate()
            .any(|(i, s)| i != server && s.takes_new());
        if self.plan.redispatch && other && (is_last || !self.pool.servers[server].takes_new()) {
            self.redispatch(cx, key, server);
        } else {
            self.call(cx, key, server, None);
        }
    }

    /// Gives the slot up and looks for another server.
    fn redispatch(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
        let step = LoadBalancer::step(cx, key);
        step.avoid = Some(server as u16);
        step.stage = Stage::Accepted;
        let slot = step.slot;
        self.free_slot(cx, server, slot);
        self.place(cx, key);
    }
}
