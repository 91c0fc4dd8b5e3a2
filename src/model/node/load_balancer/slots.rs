//! Letting requests in, and giving each a server's slot or a place in a queue for one.

use super::line::Due;
use super::{LoadBalancer, Stage, Step};
use crate::base::random::{Draw, mix};
use crate::base::time::{Span, Time};
use crate::model::balance::{Ask, Balance, Change, Member};
use crate::model::context::Context;
use crate::model::request::{Frame, FrameKey, How, Outcome, Reply, Step as FrameStep};
use crate::scenario::plan::{Algorithm, HashOf};

/// How often Linux retransmits a SYN: `LINEAR` times after one second each (`tcp_syn_linear_timeouts`, since Linux
/// 6.5), then 6 times with doubling pauses (`tcp_syn_retries`). `NO_MORE` marks a caller whose patience ends before the
/// next.
const LINEAR: u8 = 4;
const SYN_RETRIES: u8 = LINEAR + 6;
const NO_MORE: u8 = u8::MAX;

impl LoadBalancer<'_> {
    // --- accepting --------------------------------------------------------------------------------------------------

    /// A request wants a connection. Beyond `maxconn` it waits in the kernel's accept queue. If that is full, its SYN
    /// is dropped; the client's kernel retransmits it every second, then with doubling pauses, while its patience
    /// lasts.
    #[cold]
    pub(super) fn knock(&mut self, cx: &mut Context<'_>, key: FrameKey, knocks: u8) {
        let Frame {
            parent,
            entered,
            patience,
            ..
        } = cx.frames[key];
        let lets_in = self.lets_in();
        // The accept queue is full when it is longer than `backlog`.
        let hears = lets_in || self.waiting_outside <= self.plan.backlog;
        match hears {
            true if knocks > 0 => cx.heard(parent),
            true => {}
            false => cx.unheard(parent),
        }
        if lets_in {
            return self.accept(cx, key);
        }
        if hears {
            LoadBalancer::step(cx, key).stage = Stage::Outside { since: cx.now() };
            self.outside.push_back(key);
            self.waiting_outside += 1;
            return self.join_queue(cx);
        }
        let pause = Span::from_nanos(Span::SECOND.nanos() << knocks.saturating_sub(LINEAR));
        let left = (entered + patience).since(cx.now());
        let knocks = if pause < left { knocks + 1 } else { NO_MORE };
        LoadBalancer::step(cx, key).stage = Stage::Unheard { knocks };
        cx.set_timer(key, pause.min(left));
    }

    /// Whether a connection is left.
    #[inline]
    pub(super) fn lets_in(&self) -> bool {
        self.plan.maxconn.is_none_or(|most| self.open < most)
    }

    /// The next SYN retransmission, or the end of the attempts.
    #[cold]
    pub(super) fn knock_again(&mut self, cx: &mut Context<'_>, key: FrameKey, knocks: u8) {
        if knocks <= SYN_RETRIES {
            return self.knock(cx, key, knocks);
        }
        let nobody = Reply {
            how: How::Silent,
            cause: Outcome::Unreachable,
        };
        cx.turn_away(key, nobody);
    }

    pub(super) fn accept(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        LoadBalancer::step(cx, key).stage = Stage::Accepted;
        self.let_in(cx, key);
    }

    /// An accepted request has a connection and asks for a worker.
    #[inline(always)]
    pub(super) fn let_in(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        use crate::model::node::Behaviour;
        self.open += 1;
        self.queue_for_worker(cx, key);
    }

    /// A connection has closed: the first request still waiting outside is accepted.
    pub(super) fn close_connection(&mut self, cx: &mut Context<'_>) {
        self.open -= 1;
        if cx.closing || !cx.is_up(self.me) {
            return;
        }
        while let Some(key) = self.outside.pop_front() {
            if let Some(FrameStep::LoadBalancer(Step {
                stage: Stage::Outside { since },
                ..
            })) = cx.frames.get(key).map(|f| f.step)
            {
                self.waiting_outside -= 1;
                self.waited(cx, key, since);
                return self.accept(cx, key);
            }
        }
    }

    // --- choosing a server ------------------------------------------------------------------------------------------

    #[inline]
    fn ask(&self, cx: &mut Context<'_>, key: FrameKey) -> Ask {
        let avoid = LoadBalancer::step(cx, key).avoid;
        let frame = &cx.frames[key];
        let hash = match self.plan.algorithm {
            Algorithm::Hash { of: HashOf::Client, .. } => {
                cx.plan.sources[frame.wish.source.index()].address(frame.wish.client)
            }
            _ => frame.wish.hash,
        };
        Ask {
            avoid: avoid.map(usize::from),
            hash,
        }
    }

    /// Gives the request to a server, queues it, or ends it if no server can serve it.
    pub(super) fn place(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        self.limits_follow_the_load(cx);
        let in_turn = !self.algorithm.lets_overtake();
        if in_turn && self.anybody_waits(cx) && self.pool.servers.iter().any(Member::takes_new) {
            return self.queue_up(cx, key);
        }
        let ask = self.ask(cx, key);
        self.picks += 1;
        let mut draw = Draw::keyed(mix(self.draws, self.picks));
        match self.algorithm.pick(&self.pool, ask, &mut draw) {
            Some(server) if self.pool.servers[server].has_room() => self.connect(cx, key, server),
            Some(server) => self.queue_at(cx, key, server),
            None => match self.pool.lone_backup(self.plan.allbackups) {
                Some(server) if self.algorithm.crowds_a_lone_backup() => self.queue_at(cx, key, server),
                _ if self.pool.servers.iter().any(Member::takes_new) => self.queue_up(cx, key),
                _ => cx.refuse(key, Outcome::NoServer),
            },
        }
    }

    // --- queues -----------------------------------------------------------------------------------------------------

    /// Removes dead keys from the front of the backend's queue; returns whether a request still waits.
    fn anybody_waits(&mut self, cx: &Context<'_>) -> bool {
        while let Some((_, key)) = self.queue.front() {
            if let Some(FrameStep::LoadBalancer(Step {
                stage: Stage::Queued { .. },
                ..
            })) = cx.frames.get(key).map(|f| f.step)
            {
                return true;
            }
            self.queue.pop();
        }
        false
    }

    /// The position of a request that joins a queue now.
    fn due(&self, cx: &Context<'_>, key: FrameKey) -> Due {
        let class = cx.frames[key].wish.class.index();
        let now_ms = (cx.now().nanos() / 1_000_000) as i64;
        let offset = cx.plan.classes[class].priority_offset;
        (usize::from(self.ranks[class]), now_ms + i64::from(offset))
    }

    #[cold]
    fn queue_up(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        LoadBalancer::step(cx, key).stage = Stage::Queued { since: cx.now() };
        let due = self.due(cx, key);
        self.queue.join(due, key);
        self.enter_queue(cx, key);
    }

    #[cold]
    fn queue_at(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
        if self.plan.servers[server]
            .maxqueue
            .is_some_and(|most| self.pool.servers[server].queued >= most)
        {
            return cx.refuse(key, Outcome::QueueFull);
        }
        LoadBalancer::step(cx, key).stage = Stage::QueuedAt {
            server: server as u16,
            since: cx.now(),
        };
        let due = self.due(cx, key);
        self.servers[server].queue.join(due, key);
        // The algorithm looks at `queued` only when it is told of a slot.
        self.pool.servers[server].queued += 1;
        self.enter_queue(cx, key);
    }

    pub(super) fn leave_server_queue(&mut self, server: usize) {
        self.pool.servers[server].queued -= 1;
    }

    fn enter_queue(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        self.join_queue(cx);
        cx.set_timer_in(key, self.queue_lane);
    }

    pub(super) fn join_queue(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        cx.stations[self.me.index()].apart.up(now);
    }

    fn leave_queue(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        cx.stations[self.me.index()].apart.down(now);
    }

    /// The request's time in a queue ends because its turn has come.
    pub(super) fn waited(&mut self, cx: &mut Context<'_>, key: FrameKey, since: Time) {
        self.leave_queue(cx);
        let waited = cx.now().since(since);
        let frame = &mut cx.frames[key];
        frame.waited = frame.waited + waited;
    }

    /// The request's time in a queue ends because the request has ended.
    pub(super) fn left_early(&mut self, cx: &mut Context<'_>, frame: &mut Frame, since: Time) {
        self.leave_queue(cx);
        frame.waited = frame.waited + cx.now().since(since);
    }

    // --- slots ------------------------------------------------------------------------------------------------------

    /// A request has left the server, which takes the next one that waits.
    pub(super) fn free_slot(&mut self, cx: &mut Context<'_>, server: usize, slot: bool) {
        self.servers[server].sessions -= 1;
        if slot {
            self.pool.servers[server].served -= 1;
            self.algorithm.changed(&self.pool, server, Change::Released);
        }
        self.limits_follow_the_load(cx);
        // A server without a limit takes nothing here. With requests that hold no slot it may still be above its limit.
        let limit = self.pool.servers[server].limit;
        if limit != u32::MAX && self.servers[server].sessions < limit {
            self.feed(cx, server);
        }
    }

    /// Gives the server waiting requests while it has room. It serves its own queue even if it gets no new requests.
    pub(super) fn feed(&mut self, cx: &mut Context<'_>, server: usize) {
        while !cx.closing && cx.is_up(self.me) && self.pool.servers[server].has_room() {
            let Some(key) = self.next_for(server) else { return };
            if self.leaves_the_line(cx, key) {
                self.connect(cx, key, server);
            }
        }
    }

    /// A server that is up again takes requests from the backend's queue up to its limit. HAProxy gives them no slot:
    /// they count neither for the limit nor for the algorithm. The end of a drain, or a backup becoming active, fetches
    /// no requests.
    pub(super) fn refill(&mut self, cx: &mut Context<'_>, server: usize) {
        let Member { served, limit, .. } = self.pool.servers[server];
        let mut room = limit.saturating_sub(served);
        while room > 0 && !cx.closing && cx.is_up(self.me) && self.pool.servers[server].takes_new() {
            let Some(key) = self.queue.pop() else { return };
            if self.leaves_the_line(cx, key) {
                self.begin(cx, key, server, false);
                room -= 1;
            }
        }
    }

    /// Ends the waiting of a request taken from a queue; false if it had already left.
    fn leaves_the_line(&mut self, cx: &mut Context<'_>, key: FrameKey) -> bool {
        let stage = match cx.frames.get(key).map(|f| f.step) {
            Some(FrameStep::LoadBalancer(step)) => step.stage,
            _ => return false,
        };
        match stage {
            Stage::Queued { since } => self.waited(cx, key, since),
            Stage::QueuedAt { server, since } => {
                self.leave_server_queue(usize::from(server));
                self.waited(cx, key, since);
            }
            _ => return false,
        }
        true
    }

    /// The next request for the server: from its own queue or the backend's, whichever is due first. Ties go to its
    /// own.
    fn next_for(&mut self, server: usize) -> Option<FrameKey> {
        let own = &mut self.servers[server].queue;
        if !self.pool.servers[server].takes_new() {
            return own.pop();
        }
        match (own.front(), self.queue.front()) {
            (Some((mine, _)), Some((any, _))) if any < mine => self.queue.pop(),
            (Some(_), _) => own.pop(),
            (None, _) => self.queue.pop(),
        }
    }

    /// Limits of servers with `minconn` grow with the number of open connections, up to `fullconn`.
    fn limits_follow_the_load(&mut self, cx: &Context<'_>) {
        if self.plan.fullconn.is_some() {
            (0..self.servers.len()).for_each(|server| self.limit(cx, server));
        }
    }

    /// Updates how many requests the server may serve at once.
    pub(super) fn limit(&mut self, cx: &Context<'_>, server: usize) {
        let full = self.servers[server].maxconn;
        let loaded = match (self.plan.servers[server].minconn, self.plan.fullconn) {
            (Some(least), Some(load)) if self.open < load && least < full => {
                let share = u64::from(self.open) * u64::from(full) / u64::from(load);
                least.max(share as u32)
            }
            _ => full,
        };
        self.pool.servers[server].limit = self.servers[server].ramp.limit(loaded, cx.now());
    }
}
