//! HAProxy: picks a server, queues for its slots, retries and redispatches, and learns from its own checks which
//! servers are down.
//!
//! It is event-driven: a worker is held for its own work only, connections and slots throughout. It learns of a failure
//! only from checks and failed connections. The [algorithm](crate::model::balance) picks the server.
//!
//! This file receives what the world tells the node. `slots` lets requests in and gives them a server or a place in a
//! queue; `attempts` calls the server and retries; `watch` observes the servers.

mod attempts;
mod line;
mod slots;
mod watch;

use std::collections::VecDeque;

use self::line::Line;
use self::watch::Ramp;
use super::health::Health;
use super::web::work_with_tls;
use super::{Admin, Behaviour, Tending};
use crate::base::ids::NodeId;
use crate::base::random::Purpose;
use crate::base::time::Time;
use crate::engine::calendar::LaneId;
use crate::model::balance::{self, Balancer, Member, Pool};
use crate::model::context::Context;
use crate::model::request::{Frame, FrameKey, Outcome, Reply, Step as FrameStep};
use crate::scenario::plan::{self, RetryOn, Setting};

/// How far a request has got at its balancer.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Step {
    stage: Stage,
    /// Retries left.
    retries: u32,
    /// The server it failed on, to be avoided.
    avoid: Option<u16>,
    /// Whether it holds a slot of its server.
    slot: bool,
    /// Whether its session was shut down while it had no connection. Its next connection then ends it.
    shut_down: bool,
}

#[derive(Copy, Clone, Debug, PartialEq)]
enum Stage {
    /// Waiting to be accepted since this time, because `maxconn` connections are open.
    Outside { since: Time },
    /// Not received yet, because the kernel's accept queue was full. `knocks` counts the SYN retransmissions so far.
    Unheard { knocks: u8 },
    /// Accepted: the balancer's own work is being done.
    Accepted,
    /// In the backend's queue since this time.
    Queued { since: Time },
    /// In a server's own queue since this time.
    QueuedAt { server: u16, since: Time },
    /// At this server.
    On { server: u16 },
    /// Pausing before a retry on the same server, or on another if `leaves`; its slot stays taken.
    Pausing { server: u16, leaves: bool },
}

/// HAProxy.
pub struct LoadBalancer<'p> {
    me: NodeId,
    plan: &'p plan::LoadBalancer,
    pool: Pool,
    algorithm: Balancer,
    /// What the balancer stores per server besides what the algorithm may see.
    servers: Vec<Server>,
    /// The backend's queue.
    queue: Line,
    /// The queue rank of each class.
    ranks: Vec<u8>,
    open: u32,
    /// Requests waiting to be accepted, including dead keys, and their number without those.
    outside: VecDeque<FrameKey>,
    waiting_outside: u32,
    picks: u64,
    draws: u64,
    checks: u64,
    queue_lane: LaneId,
    server_lane: Option<LaneId>,
}

/// The balancer's record of one server.
struct Server {
    health: Health,
    /// Requests on it, including those without a slot.
    sessions: u32,
    /// Its own queue, for requests that a hash or the lack of another server binds to it.
    queue: Line,
    /// `maxconn` as configured or changed at run time (`u32::MAX` = no limit).
    maxconn: u32,
    /// Its `slowstart`, while under way.
    ramp: Ramp,
}

impl<'p> LoadBalancer<'p> {
    /// A balancer at the start of a run.
    pub fn new(me: NodeId, plan: &'p plan::LoadBalancer, cx: &mut Context<'p>) -> LoadBalancer<'p> {
        let name = &cx.plan.node(me).name;
        let (draws, checks) = (
            cx.streams.key_of(name, Purpose::Balance),
            cx.streams.key_of(name, Purpose::Checks),
        );
        let pool = pool(plan);
        let (ranks, lines) = ranks(&cx.plan.classes);
        let server = |s: &plan::Server| Server {
            health: Health::default(),
            sessions: 0,
            queue: Line::new(lines),
            maxconn: s.maxconn.unwrap_or(u32::MAX),
            ramp: Ramp::default(),
        };
        LoadBalancer {
            me,
            plan,
            algorithm: balance::new(plan.algorithm, &pool),
            pool,
            servers: plan.servers.iter().map(server).collect(),
            queue: Line::new(lines),
            ranks,
            open: 0,
            outside: VecDeque::new(),
            waiting_outside: 0,
            picks: 0,
            draws,
            checks,
            queue_lane: cx.open_lane(plan.queue_timeout),
            server_lane: plan.server_timeout.map(|t| cx.open_lane(t)),
        }
    }

    fn step<'c>(cx: &'c mut Context<'_>, key: FrameKey) -> &'c mut Step {
        LoadBalancer::step_of(&mut cx.frames[key])
    }

    #[inline]
    fn step_of(frame: &mut Frame) -> &mut Step {
        match &mut frame.step {
            FrameStep::LoadBalancer(step) => step,
            other => unreachable!("a balancer's frame, not {other:?}"),
        }
    }
}

/// The servers as the algorithm first sees them: all believed up.
fn pool(plan: &plan::LoadBalancer) -> Pool {
    let backup: Vec<bool> = plan.servers.iter().map(|s| s.backup).collect();
    let usable = balance::usable(&vec![true; backup.len()], &backup, plan.allbackups);
    let member = |(s, usable): (&plan::Server, bool)| Member {
        weight: s.weight,
        eweight: s.weight * 16,
        id: s.id,
        backup: s.backup,
        usable,
        up: true,
        served: 0,
        queued: 0,
        limit: s.maxconn.unwrap_or(u32::MAX),
        line: s.maxqueue.unwrap_or(0),
    };
    Pool {
        servers: plan.servers.iter().zip(usable).map(member).collect(),
    }
}

/// The rank of each class by its `priority`, and the number of ranks.
fn ranks(classes: &[plan::Class]) -> (Vec<u8>, usize) {
    let mut priorities: Vec<i32> = classes.iter().map(|c| c.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();
    let rank = |c: &plan::Class| priorities.binary_search(&c.priority).unwrap_or(0) as u8;
    (classes.iter().map(rank).collect(), priorities.len())
}

impl Behaviour for LoadBalancer<'_> {
    fn arrived(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        let lets_in = self.lets_in();
        let step = Step {
            stage: if lets_in {
                Stage::Accepted
            } else {
                Stage::Unheard { knocks: 0 }
            },
            retries: self.plan.retries,
            avoid: None,
            slot: false,
            shut_down: false,
        };
        cx.frames[key].step = FrameStep::LoadBalancer(step);
        if lets_in {
            self.let_in(cx, key);
        } else {
            self.knock(cx, key, 0);
        }
    }

    fn begin_work(&mut self, cx: &mut Context<'_>, key: FrameKey) -> bool {
        match &self.plan.tls {
            Some(tls) => work_with_tls(cx, key, tls),
            None => cx.own_work(key),
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
        let server = usize::from(server);
        if reply.is_ok() {
            self.observe(cx, server, reply);
            cx.finish(key, reply);
        } else {
            self.failed(cx, key, server, reply, LoadBalancer::named(reply));
        }
    }

    fn passes_back(&mut self, cx: &mut Context<'_>, key: FrameKey) -> bool {
        let Step { stage, slot, .. } = *LoadBalancer::step(cx, key);
        let Stage::On { server } = stage else { return false };
        let server = usize::from(server);
        self.observe(cx, server, Reply::OK);
        self.free_slot(cx, server, slot);
        self.close_connection(cx);
        true
    }

    fn timer(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        let stage = LoadBalancer::step(cx, key).stage;
        match stage {
            Stage::Queued { .. } | Stage::QueuedAt { .. } => cx.finish(key, Reply::failed(Outcome::QueueTimeout)),
            Stage::Pausing { server, leaves } => self.try_again(cx, key, usize::from(server), leaves),
            // While the connection is still being made, `timeout connect` applies, not `timeout server`.
            Stage::On { .. } if cx.meets_silence(key) => {}
            Stage::On { server } => {
                let (server, reply) = (usize::from(server), Reply::failed(Outcome::ServerTimeout));
                cx.hang_up(key);
                self.failed(cx, key, server, reply, RetryOn::ResponseTimeout);
            }
            Stage::Unheard { knocks } => self.knock_again(cx, key, knocks),
            Stage::Outside { .. } | Stage::Accepted => {}
        }
    }

    fn release(&mut self, cx: &mut Context<'_>, frame: &mut Frame) {
        let FrameStep::LoadBalancer(Step { stage, slot, .. }) = frame.step else {
            return;
        };
        match stage {
            Stage::Outside { since } => {
                self.waiting_outside -= 1;
                return self.left_early(cx, frame, since);
            }
            Stage::Unheard { .. } => return,
            Stage::Accepted => {}
            Stage::Queued { since } => self.left_early(cx, frame, since),
            Stage::QueuedAt { server, since } => {
                self.leave_server_queue(usize::from(server));
                self.left_early(cx, frame, since);
            }
            Stage::On { server } | Stage::Pausing { server, .. } => self.free_slot(cx, usize::from(server), slot),
        }
        self.close_connection(cx);
    }

    fn started(&mut self, cx: &mut Context<'_>) {
        self.queue.take();
        self.outside.clear();
        for server in 0..self.servers.len() {
            self.servers[server].queue.take();
            // Not at the start of the run: the balancer has then been running for a while.
            if cx.now() > Time::ZERO {
                self.servers[server].health.believe_up();
            }
            self.end_slow_start(cx, server);
        }
        self.settle(cx);
        self.begin_checks(cx);
    }

    fn tend(&mut self, cx: &mut Context<'_>, server: usize, turn: u16, what: Tending) {
        match what {
            Tending::Check | Tending::GiveUp => self.check(cx, server, turn, what),
            Tending::Warm => self.warm(cx, server, turn),
            Tending::ShutDown => self.shut_down(cx, server),
        }
    }

    fn administer(&mut self, cx: &mut Context<'_>, node: NodeId, action: Admin, begins: bool) {
        let mut back = Vec::new();
        for (server, _) in self.plan.servers.iter().enumerate().filter(|(_, s)| s.node == node) {
            let health = &mut self.servers[server].health;
            let was = health.is_able();
            health.administer(action, begins);
            let is = health.is_able();
            if action == Admin::Maint && was && !is {
                self.shut_down_soon(cx, server);
            }
            if action == Admin::Maint && !was && is {
                self.start_slowly(cx, server);
                back.push(server);
            }
        }
        self.settle(cx);
        back.into_iter().for_each(|server| self.refill(cx, server));
    }

    fn set(&mut self, cx: &mut Context<'_>, setting: &Setting) -> Setting {
        match *setting {
            Setting::Weight { server, weight } => {
                let old = std::mem::replace(&mut self.pool.servers[server].weight, weight);
                self.weigh(cx, server);
                self.settle(cx);
                Setting::Weight { server, weight: old }
            }
            Setting::Maxconn { server, maxconn } => {
                let old = std::mem::replace(&mut self.servers[server].maxconn, maxconn.unwrap_or(u32::MAX));
                self.limit(cx, server);
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
        let sessions: u32 = self.servers.iter().map(|s| s.sessions).sum();
        u64::from(self.open) + u64::from(slots) + u64::from(sessions)
    }
}
