//! HAProxy: picks a server, queues for its slots, retries and redispatches, and finds out by its own checks who is down.
//!
//! Event-driven: a worker is held for its own work only, connections and slots throughout. It learns of a death from
//! checks and failed connections, never by telepathy. Whom to pick is the [algorithm](crate::model::balance)'s question.

use std::collections::VecDeque;

use super::health::Health;
use super::{Admin, Behaviour};
use crate::base::ids::NodeId;
use crate::base::random::{Draw, Purpose, label, mix, unit};
use crate::base::time::{Span, Time};
use crate::engine::calendar::LaneId;
use crate::model::balance::{self, Ask, Balance, Balancer, Change, Member, Pool};
use crate::model::context::Context;
use crate::model::event::{Class, Event};
use crate::model::probe::{Finding, probe};
use crate::model::request::{Frame, FrameKey, How, Outcome, Reply, Step as FrameStep};
use crate::scenario::plan::{self, Algorithm, HashOf, RetryOn, Setting, Target};

/// Where a request stands at its balancer.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Step {
    stage: Stage,
    /// Attempts left after a failure.
    retries: u32,
    /// The server it failed on, to be avoided.
    avoid: Option<u16>,
}

#[derive(Copy, Clone, Debug, PartialEq)]
enum Stage {
    /// Waiting to be accepted since then, because `maxconn` connections are open.
    Outside { since: Time },
    /// Accepted: the balancer's own work is being done.
    Accepted,
    /// In the backend's queue since then.
    Queued { since: Time },
    /// In a server's own queue since then.
    QueuedAt { server: u16, since: Time },
    /// On this server, holding one of its slots.
    On { server: u16 },
    /// Pausing before it tries the same server again, still holding its slot.
    Pausing { server: u16 },
}

/// HAProxy.
pub struct LoadBalancer<'p> {
    me: NodeId,
    plan: &'p plan::LoadBalancer,
    pool: Pool,
    algorithm: Balancer,
    health: Vec<Health>,
    /// The backend's queue. Those who left are still in it; their keys find nothing.
    queue: VecDeque<FrameKey>,
    /// Each server's own queue, for algorithms that bind a request to its server.
    own_queues: Vec<VecDeque<FrameKey>>,
    open: u32,
    outside: VecDeque<FrameKey>,
    /// Counts lives of the process: checks of an earlier life find another number.
    epoch: u16,
    picks: u64,
    draws: u64,
    checks: u64,
    queue_lane: LaneId,
    server_lane: Option<LaneId>,
}

/// The pause before a retry on the same server is at most this.
const TURN_AROUND: Span = Span::SECOND;

impl<'p> LoadBalancer<'p> {
    /// A balancer at the start of a run.
    pub fn new(me: NodeId, plan: &'p plan::LoadBalancer, cx: &mut Context<'p>) -> LoadBalancer<'p> {
        let name = &cx.plan.node(me).name;
        let (draws, checks) = (
            cx.streams.key_of(name, Purpose::Balance),
            cx.streams.key_of(name, Purpose::Checks),
        );
        let member = |s: &plan::Server| Member {
            weight: s.weight,
            eweight: s.weight * 16,
            id: s.id,
            backup: s.backup,
            usable: true,
            served: 0,
            queued: 0,
            limit: s.maxconn.unwrap_or(u32::MAX),
        };
        let mut pool = Pool {
            servers: plan.servers.iter().map(member).collect(),
        };
        let believed_up = vec![true; plan.servers.len()];
        let backup: Vec<bool> = plan.servers.iter().map(|s| s.backup).collect();
        for (server, usable) in pool
            .servers
            .iter_mut()
            .zip(balance::usable(&believed_up, &backup, plan.allbackups))
        {
            server.usable = usable;
        }
        LoadBalancer {
            me,
            plan,
            algorithm: balance::new(plan.algorithm, &pool),
            pool,
            health: vec![Health::default(); plan.servers.len()],
            queue: VecDeque::new(),
            own_queues: vec![VecDeque::new(); plan.servers.len()],
            open: 0,
            outside: VecDeque::new(),
            epoch: 0,
            picks: 0,
            draws,
            checks,
            queue_lane: cx.open_lane(plan.queue_timeout),
            server_lane: plan.server_timeout.map(|t| cx.open_lane(t)),
        }
    }

    fn step<'c>(cx: &'c mut Context<'_>, key: FrameKey) -> &'c mut Step {
        match &mut cx.frames[key].step {
            FrameStep::LoadBalancer(step) => step,
            other => unreachable!("a balancer's frame, not {other:?}"),
        }
    }

    // --- accepting --------------------------------------------------------------------------------------------------

    fn accept(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        self.open += 1;
        LoadBalancer::step(cx, key).stage = Stage::Accepted;
        self.queue_for_worker(cx, key);
    }

    /// A connection has closed: the first who waits outside is accepted.
    fn close_connection(&mut self, cx: &mut Context<'_>) {
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
                self.waited(cx, key, since);
                return self.accept(cx, key);
            }
        }
    }

    // --- choosing a server ------------------------------------------------------------------------------------------

    fn ask(&self, cx: &Context<'_>, key: FrameKey, avoid: Option<u16>) -> Ask {
        let frame = &cx.frames[key];
        let hash = match self.plan.algorithm {
            Algorithm::Hash { of: HashOf::Client, .. } => mix(frame.source.index() as u64, u64::from(frame.client)),
            _ => frame.hash,
        };
        Ask {
            avoid: avoid.map(usize::from),
            hash,
        }
    }

    /// Gives the request to a server, or puts it into a queue, or ends it where nobody can serve.
    fn place(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        // A newcomer does not overtake those who wait for any server.
        if !self.queue.is_empty() && self.anybody_waits(cx) && self.pool.servers.iter().any(Member::takes_new) {
            return self.queue_up(cx, key);
        }
        let avoid = LoadBalancer::step(cx, key).avoid;
        let ask = self.ask(cx, key, avoid);
        self.picks += 1;
        let mut draw = Draw::keyed(mix(self.draws, self.picks));
        match self.algorithm.pick(&self.pool, ask, &mut draw) {
            Some(server) if self.pool.servers[server].has_room() => self.connect(cx, key, server),
            Some(server) => self.queue_at(cx, key, server),
            None if self.pool.servers.iter().any(Member::takes_new) => self.queue_up(cx, key),
            None => cx.refuse(key, Outcome::NoServer),
        }
    }

    /// Drops from the front of the backend's queue whoever left it, and says whether anybody is still there.
    fn anybody_waits(&mut self, cx: &Context<'_>) -> bool {
        let waits = |key: &FrameKey| {
            let step = cx.frames.get(*key).map(|f| f.step);
            matches!(
                step,
                Some(FrameStep::LoadBalancer(Step {
                    stage: Stage::Queued { .. },
                    ..
                }))
            )
        };
        while self.queue.front().is_some_and(|key| !waits(key)) {
            self.queue.pop_front();
        }
        !self.queue.is_empty()
    }

    fn queue_up(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        LoadBalancer::step(cx, key).stage = Stage::Queued { since: cx.now() };
        self.queue.push_back(key);
        self.enter_queue(cx, key);
    }

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
        self.own_queues[server].push_back(key);
        self.pool.servers[server].queued += 1;
        self.algorithm.changed(&self.pool, server, Change::Taken);
        self.enter_queue(cx, key);
    }

    fn enter_queue(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        self.join_queue(cx);
        cx.set_timer_in(key, self.queue_lane);
    }

    fn join_queue(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        cx.stations[self.me.index()].apart.up(now);
    }

    fn leave_queue(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        cx.stations[self.me.index()].apart.down(now);
    }

    /// The time in a queue is over, because its turn has come.
    fn waited(&mut self, cx: &mut Context<'_>, key: FrameKey, since: Time) {
        self.leave_queue(cx);
        let waited = cx.now().since(since);
        let frame = &mut cx.frames[key];
        frame.waited = frame.waited + waited;
    }

    /// The time in a queue is over, because the request has ended.
    fn left_early(&mut self, cx: &mut Context<'_>, frame: &mut Frame, since: Time) {
        self.leave_queue(cx);
        frame.waited = frame.waited + cx.now().since(since);
    }

    /// Takes a slot of the server and calls it.
    fn connect(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
        self.pool.servers[server].served += 1;
        self.algorithm.changed(&self.pool, server, Change::Taken);
        self.call(cx, key, server);
    }

    /// Calls the server whose slot the request holds.
    fn call(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
        LoadBalancer::step(cx, key).stage = Stage::On { server: server as u16 };
        let node = self.plan.servers[server].node;
        let Frame { op, seed, root, .. } = cx.frames[key];
        cx.record.chose(root, node);
        cx.call(key, Target::Node(node), op, seed, self.plan.connect_timeout);
        match self.server_lane {
            Some(lane) => cx.set_timer_in(key, lane),
            None => cx.clear_timer(key),
        }
    }

    /// A slot of the server is free: it takes the oldest request that waits.
    fn free_slot(&mut self, cx: &mut Context<'_>, server: usize) {
        self.pool.servers[server].served -= 1;
        self.algorithm.changed(&self.pool, server, Change::Released);
        self.feed(cx, server);
    }

    /// Gives the server as many waiting requests as it has room for.
    fn feed(&mut self, cx: &mut Context<'_>, server: usize) {
        while !cx.closing && cx.is_up(self.me) && self.pool.servers[server].can_serve() {
            let own = self.own_queues[server].pop_front();
            let Some(key) = own.or_else(|| self.queue.pop_front()) else {
                return;
            };
            // Those who left are still in line.
            let stage = match cx.frames.get(key).map(|f| f.step) {
                Some(FrameStep::LoadBalancer(step)) => step.stage,
                _ => continue,
            };
            match stage {
                Stage::Queued { since } => self.waited(cx, key, since),
                Stage::QueuedAt { since, .. } => {
                    self.pool.servers[server].queued -= 1;
                    self.algorithm.changed(&self.pool, server, Change::Released);
                    self.waited(cx, key, since);
                }
                _ => continue,
            }
            self.connect(cx, key, server);
        }
    }

    // --- failures of an attempt -------------------------------------------------------------------------------------

    fn is_retried(&self, reply: Reply) -> bool {
        match reply.how {
            How::Refused | How::Silent => true,
            How::Broken => self.plan.retry_on.contains(&RetryOn::EmptyResponse),
            How::Answered if reply.cause == Outcome::ServerTimeout => false,
            How::Answered => self.plan.retry_on.contains(&RetryOn::Error),
        }
    }

    /// An attempt has failed in a way that is retried.
    fn retry(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize, reply: Reply) {
        let step = LoadBalancer::step(cx, key);
        if step.retries == 0 {
            return cx.finish(key, Reply::failed(reply.cause));
        }
        step.retries -= 1;
        let active = self.pool.servers.iter().filter(|s| s.takes_new()).count();
        if self.plan.redispatch && active > 1 && !self.algorithm.is_hash() {
            return self.redispatch(cx, key, server);
        }
        if reply.how == How::Silent {
            // It has waited for its connection time-out already.
            return self.try_again(cx, key, server);
        }
        LoadBalancer::step(cx, key).stage = Stage::Pausing { server: server as u16 };
        cx.set_timer(key, TURN_AROUND.min(self.plan.connect_timeout));
    }

    /// Tries the same server again; with `redispatch` another one, if this one is known to be down by now, or it is
    /// the last try.
    fn try_again(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
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
            self.call(cx, key, server);
        }
    }

    /// Gives the slot up and looks for another server.
    fn redispatch(&mut self, cx: &mut Context<'_>, key: FrameKey, server: usize) {
        let step = LoadBalancer::step(cx, key);
        step.avoid = Some(server as u16);
        step.stage = Stage::Accepted;
        self.free_slot(cx, server);
        self.place(cx, key);
    }

    // --- health -----------------------------------------------------------------------------------------------------

    /// Schedules the next check of a server.
    fn schedule_check(&mut self, cx: &mut Context<'_>, server: usize, span: Span, ended: bool) {
        let event = Event::Probe {
            balancer: self.me,
            server: server as u16,
            epoch: self.epoch,
            ended,
        };
        cx.after(span, Class::Probe, event);
    }

    /// Keyed by the server's name: another server in the list moves nobody's check.
    fn check_key(&self, cx: &Context<'_>, server: usize) -> u64 {
        mix(self.checks, label(&cx.plan.node(self.plan.servers[server].node).name))
    }

    fn judge(&mut self, cx: &mut Context<'_>, server: usize, passed: bool) {
        let Some(check) = &self.plan.check else { return };
        if self.health[server].observe(check, passed) {
            let (me, node) = (self.me, self.plan.servers[server].node);
            let what = if passed { "up" } else { "down" };
            cx.note(what, |p| format!("{}/{}", p.node(me).name, p.node(node).name));
            self.settle(cx);
        }
        self.schedule_check(cx, server, self.health[server].interval(check), false);
    }

    /// Works out anew who may be given requests, and tells the algorithm what changed.
    fn settle(&mut self, cx: &mut Context<'_>) {
        let up: Vec<bool> = self
            .health
            .iter()
            .zip(&self.pool.servers)
            .map(|(h, s)| h.is_able() && s.weight > 0)
            .collect();
        let backup: Vec<bool> = self.pool.servers.iter().map(|s| s.backup).collect();
        let usable = balance::usable(&up, &backup, self.plan.allbackups);
        let before: Vec<bool> = self.pool.servers.iter().map(|s| s.usable).collect();
        for (server, usable) in self.pool.servers.iter_mut().zip(&usable) {
            server.usable = *usable;
        }
        for (i, (was, is)) in before.into_iter().zip(usable).enumerate() {
            if was != is {
                self.algorithm
                    .changed(&self.pool, i, if is { Change::Up } else { Change::Down });
            }
        }
        for server in 0..self.pool.servers.len() {
            self.leave_lost_server(cx, server);
            self.feed(cx, server);
        }
    }

    /// With `redispatch`, what waits for a server that is gone is spread anew at once.
    fn leave_lost_server(&mut self, cx: &mut Context<'_>, server: usize) {
        if self.pool.servers[server].takes_new() || !self.plan.redispatch {
            return;
        }
        for key in std::mem::take(&mut self.own_queues[server]) {
            let Some(FrameStep::LoadBalancer(Step {
                stage: Stage::QueuedAt { since, .. },
                ..
            })) = cx.frames.get(key).map(|f| f.step)
            else {
                continue;
            };
            self.pool.servers[server].queued -= 1;
            self.algorithm.changed(&self.pool, server, Change::Released);
            self.waited(cx, key, since);
            LoadBalancer::step(cx, key).stage = Stage::Accepted;
            self.place(cx, key);
        }
    }
}

impl Behaviour for LoadBalancer<'_> {
    fn arrived(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        let step = Step {
            stage: Stage::Outside { since: cx.now() },
            retries: self.plan.retries,
            avoid: None,
        };
        cx.frames[key].step = FrameStep::LoadBalancer(step);
        if self.plan.maxconn.is_some_and(|most| self.open >= most) {
            self.outside.push_back(key);
            self.join_queue(cx);
        } else {
            self.accept(cx, key);
        }
    }

    fn worked(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        cx.leave(key);
        self.place(cx, key);
    }

    fn answered(&mut self, cx: &mut Context<'_>, key: FrameKey, reply: Reply) {
        cx.clear_timer(key);
        let Stage::On { server } = LoadBalancer::step(cx, key).stage else {
            return;
        };
        if reply.is_ok() {
            cx.finish(key, reply);
        } else if self.is_retried(reply) {
            self.retry(cx, key, usize::from(server), reply);
        } else {
            cx.finish(key, Reply::failed(reply.cause));
        }
    }

    fn timer(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        let stage = LoadBalancer::step(cx, key).stage;
        match stage {
            Stage::Queued { .. } | Stage::QueuedAt { .. } => cx.finish(key, Reply::failed(Outcome::QueueTimeout)),
            Stage::Pausing { server } => self.try_again(cx, key, usize::from(server)),
            // While a connection is being made `timeout connect` counts, not `timeout server`.
            Stage::On { .. } if cx.frames[key].silent => {}
            Stage::On { server } => {
                cx.hang_up(key);
                if self.plan.retry_on.contains(&RetryOn::ResponseTimeout) {
                    self.retry(cx, key, usize::from(server), Reply::failed(Outcome::ServerTimeout));
                } else {
                    cx.finish(key, Reply::failed(Outcome::ServerTimeout));
                }
            }
            Stage::Outside { .. } | Stage::Accepted => {}
        }
    }

    fn release(&mut self, cx: &mut Context<'_>, frame: &mut Frame) {
        let FrameStep::LoadBalancer(Step { stage, .. }) = frame.step else {
            return;
        };
        match stage {
            Stage::Outside { since } => return self.left_early(cx, frame, since),
            Stage::Accepted => {}
            Stage::Queued { since } => self.left_early(cx, frame, since),
            Stage::QueuedAt { server, since } => {
                let server = usize::from(server);
                self.pool.servers[server].queued -= 1;
                self.algorithm.changed(&self.pool, server, Change::Released);
                self.left_early(cx, frame, since);
            }
            Stage::On { server } | Stage::Pausing { server } => self.free_slot(cx, usize::from(server)),
        }
        self.close_connection(cx);
    }

    fn started(&mut self, cx: &mut Context<'_>) {
        self.epoch = self.epoch.wrapping_add(1);
        self.queue.clear();
        self.outside.clear();
        self.own_queues.iter_mut().for_each(VecDeque::clear);
        self.health.iter_mut().for_each(Health::believe_up);
        self.settle(cx);
        let Some(check) = &self.plan.check else { return };
        for server in 0..self.plan.servers.len() {
            let word = unit(&mut Draw::keyed(mix(self.check_key(cx, server), u64::from(self.epoch))));
            self.schedule_check(cx, server, check.inter.scaled(word), false);
        }
    }

    fn probe(&mut self, cx: &mut Context<'_>, server: usize, epoch: u16, ended: bool) {
        let Some(check) = self.plan.check.as_ref().filter(|_| epoch == self.epoch) else {
            return;
        };
        if ended {
            return self.judge(cx, server, false);
        }
        let key = mix(self.check_key(cx, server), self.health[server].next_check());
        match probe(cx, self.me, self.plan.servers[server].node, key) {
            Finding::Pass => self.judge(cx, server, true),
            Finding::Fail => self.judge(cx, server, false),
            Finding::Silent => self.schedule_check(cx, server, check.timeout, true),
        }
    }

    fn administer(&mut self, cx: &mut Context<'_>, node: NodeId, action: Admin, begins: bool) {
        for (server, _) in self.plan.servers.iter().enumerate().filter(|(_, s)| s.node == node) {
            self.health[server].administer(action, begins);
        }
        self.settle(cx);
    }

    fn set(&mut self, cx: &mut Context<'_>, setting: &Setting) -> Setting {
        match *setting {
            Setting::Weight { server, weight } => {
                let member = &mut self.pool.servers[server];
                let old = std::mem::replace(&mut member.weight, weight);
                member.eweight = weight * 16;
                self.algorithm.changed(&self.pool, server, Change::Weight);
                self.settle(cx);
                Setting::Weight { server, weight: old }
            }
            Setting::Maxconn { server, maxconn } => {
                let limit = &mut self.pool.servers[server].limit;
                let old = std::mem::replace(limit, maxconn.unwrap_or(u32::MAX));
                self.feed(cx, server);
                Setting::Maxconn {
                    server,
                    maxconn: (old != u32::MAX).then_some(old),
                }
            }
            _ => unreachable!("a balancer has no setting {setting:?}"),
        }
    }

    fn held(&self) -> u64 {
        let slots: u32 = self.pool.servers.iter().map(|s| s.served + s.queued).sum();
        u64::from(self.open) + u64::from(slots)
    }
}
