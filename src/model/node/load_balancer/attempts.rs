//! Calling a server, and what happens to a request whose attempt fails.

use super::{LoadBalancer, Stage};
use crate::base::ids::NodeId;
use crate::base::time::Span;
use crate::model::balance::{Balance, Change};
use crate::model::context::Context;
use crate::model::request::{FrameKey, How, Outcome, Reply};
use crate::scenario::plan::{RetryOn, Target};

/// Longest pause before a retry on the same server.
const TURN_AROUND: Span = Span::SECOND;

impl LoadBalancer<'_> {
    /// Takes a slot of the server and calls it.
    #[inline(always)]
    pub(super) fn connect(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
        self.pool.servers[server].served += 1;
        self.algorithm.changed(&self.pool, server, Change::Taken);
        self.begin(cx, key, server, true);
    }

    /// Assigns a request to the server, with a slot or without.
    #[inline(always)]
    pub(super) fn begin(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize, slot: bool) {
        self.servers[server].sessions += 1;
        self.call(cx, key, server, Some(slot));
    }

    /// Calls the assigned server. `slot` says whether the request holds one; `None` leaves that unchanged.
    #[inline(always)]
    fn call(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize, slot: Option<bool>) {
        let node = self.plan.servers[server].node;
        let frame = &mut cx.frames[key];
        let (op, seed, root) = (frame.op, frame.seed, frame.wish.root);
        let step = LoadBalancer::step_of(frame);
        step.stage = Stage::On { server: server as u16 };
        step.slot = slot.unwrap_or(step.slot);
        if step.shut_down && self.connects(cx, node) {
            return cx.finish(key, Reply::failed(Outcome::Reset));
        }
        cx.record.chose(root, node);
        cx.call(key, Target::Node(node), op, seed, self.plan.connect_timeout);
        match self.server_lane {
            Some(lane) => cx.set_timer_in(key, lane),
            None => cx.clear_timer(key),
        }
    }

    /// Whether a connection to this server would succeed now.
    #[cold]
    fn connects(&self, cx: &Context<'_>, node: NodeId) -> bool {
        let (here, there) = (cx.host_of(self.me), cx.host_of(node));
        cx.is_up(node) && !cx.wire.is_cut(here, there) && !cx.wire.is_cut(there, here)
    }

    /// An attempt has failed. It counts as an observation of the server, unless it is retried: then HAProxy counts
    /// connection failures only.
    #[cold]
    pub(super) fn failed(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize, reply: Reply, how: RetryOn) {
        let asks_again = self.plan.retry_on.contains(&how) && LoadBalancer::step(cx, key).retries > 0;
        if how == RetryOn::ConnFailure || !asks_again {
            self.observe(cx, server, reply);
        }
        self.retry(cx, key, server, reply, how);
    }

    /// The `retry-on` word for a failed call.
    pub(super) fn named(reply: Reply) -> RetryOn {
        match reply.how {
            How::Refused | How::Silent => RetryOn::ConnFailure,
            How::Broken => RetryOn::EmptyResponse,
            How::Answered => RetryOn::Error,
        }
    }

    /// Retries a failed attempt if `retry-on` says so.
    #[cold]
    pub(super) fn retry(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize, reply: Reply, how: RetryOn) {
        let step = LoadBalancer::step(cx, key);
        if step.retries == 0 || !self.plan.retry_on.contains(&how) {
            return cx.finish(key, Reply::failed(reply.cause));
        }
        step.retries -= 1;
        let is_last = step.retries == 0;
        // Backups do not count, even if they are the only servers left.
        let active = self.pool.servers.iter().filter(|s| s.takes_new() && !s.backup).count();
        // With another server available and no hash, the retry moves at once. Otherwise it moves with the last try, or
        // once this server is known to be down.
        let roams = active > 1 && !self.algorithm.is_hash();
        let leaves = self.plan.redispatch && (roams || is_last || !self.pool.servers[server].up);
        if reply.how == How::Refused && (!leaves || active <= 1) {
            let server = server as u16;
            LoadBalancer::step(cx, key).stage = Stage::Pausing { server, leaves };
            return cx.set_timer(key, TURN_AROUND.min(self.plan.connect_timeout));
        }
        // Any other failure has already taken its time: a connection time-out, or a missing or bad answer.
        if !leaves && matches!(how, RetryOn::EmptyResponse | RetryOn::ResponseTimeout) {
            return self.stay_without_slot(cx, key, server);
        }
        self.try_again(cx, key, server, leaves);
    }

    /// Starts another attempt now.
    #[cold]
    pub(super) fn try_again(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize, leaves: bool) {
        match leaves {
            true => self.redispatch(cx, key, server),
            false => self.call(cx, key, server, None),
        }
    }

    /// Releases the slot and picks another server.
    fn redispatch(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
        self.give_slot_up(cx, key, server);
        LoadBalancer::step(cx, key).avoid = Some(server as u16);
        self.place(cx, key);
    }

    /// The connection is gone and with it the slot, which the next in line takes. HAProxy retries without one.
    fn stay_without_slot(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
        self.give_slot_up(cx, key, server);
        self.begin(cx, key, server, false);
    }

    fn give_slot_up(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
        let step = LoadBalancer::step(cx, key);
        step.stage = Stage::Accepted;
        let slot = step.slot;
        self.free_slot(cx, server, slot);
    }
}
