//! Letting requests in, and giving each a server's slot or a place in a line for one.

use super::line::Due;
use super::{LoadBalancer, Stage, Step};
use crate::base::random::{Draw, mix};
use crate::base::time::{Span, Time};
use crate::model::balance::{Ask, Balance, Change, Member};
use crate::model::context::Context;
use crate::model::request::{Frame, FrameKey, How, Outcome, Reply, Step as FrameStep};
use crate::scenario::plan::{Algorithm, HashOf};

/// Linux sends the first packet of a connection again so often after the same time (`tcp_syn_linear_timeouts`, since Linux 6.5), so often
/// after twice that which went before (`tcp_syn_retries`), and then gives up. And who has no patience for another.
const LINEAR: u8 = 4;
const SYN_RETRIES: u8 = LINEAR + 6;
const NO_MORE: u8 = u8::MAX;

impl LoadBalancer<'_> {
    // --- accepting --------------------------------------------------------------------------------------------------

    /// Somebody wants a connection. Beyond `maxconn` he waits outside, in the kernel's line; beyond that too his packet is
    /// dropped, and his own kernel sends it again every second, then after twice that, as long as he is patient.
    #[cold]
    pub(super) fn knock(&mut self, cx: &mut Context<'_>, key: FrameKey, knocks: u8) {
        let Frame {
            parent,
            entered,
            patience,
            ..
        } = cx.frames[key];
        let lets_in = self.lets_in();
        // The kernel's line is full when it is longer than `backlog`.
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

    /// Is there a connection left?
    #[inline]
    pub(super) fn lets_in(&self) -> bool {
        self.plan.maxconn.is_none_or(|most| self.open < most)
    }

    /// Time to knock again, or to find that nobody is there.
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

    /// Whoever is accepted has a connection, and wants a worker.
    #[inline(always)]
    pub(super) fn let_in(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        use crate::model::node::Behaviour;
        self.open += 1;
        self.queue_for_worker(cx, key);
    }

    /// A connection has closed: the first who waits outside is accepted.
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

    /// Gives the request to a server, or puts it into a queue, or ends it where nobody can serve.
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

    /// Drops from the front of the backend's queue whoever left it, and says whether anybody is still there.
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

    /// Where the request stands in a line that it joins now.
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
        // The algorithm does not look at who waits before it is told of a slot.
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

    /// The time in a queue is over, because its turn has come.
    pub(super) fn waited(&mut self, cx: &mut Context<'_>, key: FrameKey, since: Time) {
        self.leave_queue(cx);
        let waited = cx.now().since(since);
        let frame = &mut cx.frames[key];
        frame.waited = frame.waited + waited;
    }

    /// The time in a queue is over, because the request has ended.
    pub(super) fn left_early(&mut self, cx: &mut Context<'_>, frame: &mut Frame, since: Time) {
        self.leave_queue(cx);
        frame.waited = frame.waited + cx.now().since(since);
    }

    // --- slots ------------------------------------------------------------------------------------------------------

    /// A request has left the server: it takes the oldest that waits.
    pub(super) fn free_slot(&mut self, cx: &mut Context<'_>, server: usize, slot: bool) {
        self.servers[server].sessions -= 1;
        if slot {
            self.pool.servers[server].served -= 1;
            self.algorithm.changed(&self.pool, server, Change::Released);
        }
        self.limits_follow_the_load(cx);
        // One without a limit fetches nobody; with those that hold no slot another may be beyond its limit still.
        let limit = self.pool.servers[server].limit;
        if limit != u32::MAX && self.servers[server].sessions < limit {
            self.feed(cx, server);
        }
    }

    /// Gives the server as many waiting requests as it has room for. Its own queue it serves even when it gets nothing new.
    pub(super) fn feed(&mut self, cx: &mut Context<'_>, server: usize) {
        while !cx.closing && cx.is_up(self.me) && self.pool.servers[server].has_room() {
            let Some(key) = self.next_for(server) else { return };
            if self.leaves_the_line(cx, key) {
                self.connect(cx, key, server);
            }
        }
    }

    /// A server that is up again takes what its limit allows from the backend's queue. HAProxy gives these requests no
    /// slot: they count neither for the limit nor for the algorithm. Nobody is fetched by a server whose drain has ended
    /// or by a backup whose turn has come.
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

    /// Who has been taken from a line waits no more, unless it had left: those who did are still in line.
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

    /// The next in the server's own line or in the backend's: who is due first, and of equals the one bound to the server.
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

    /// The limits of servers with `minconn` grow with the connections that are open, up to `fullconn`.
    fn limits_follow_the_load(&mut self, cx: &Context<'_>) {
        if self.plan.fullconn.is_some() {
            (0..self.servers.len()).for_each(|server| self.limit(cx, server));
        }
    }

    /// Works out how many requests the server may serve at once just now.
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
