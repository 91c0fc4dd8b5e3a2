//! Nginx: answers its static classes itself, proxies the rest, and pays for TLS.
//!
//! It is event-driven: a worker is held for its own work only. A proxied request uses two connections, a static one
//! uses one.

use std::collections::BTreeMap;

use super::Behaviour;
use super::cache::Cache;
use crate::base::dist::Dist;
use crate::base::ids::SourceId;
use crate::base::random::unit;
use crate::base::time::{Span, Time};
use crate::engine::calendar::LaneId;
use crate::model::balance::nginx::Upstreams;
use crate::model::context::{CACHE, Context, TLS};
use crate::model::rate_limit::{LimitReq, Verdict};
use crate::model::request::{Frame, FrameKey, How, Outcome, Reply, Step as FrameStep, Wish};
use crate::model::retry::Tried;
use crate::scenario::plan::{self, Target};

/// How far a request has got at its web server.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Step {
    /// Connections in use: the client's, and once it is proxied the upstream's.
    connections: u32,
    /// Whether it is answered here.
    here: bool,
    /// Upstreams already tried.
    tried: Tried,
    stage: Stage,
}

#[derive(Copy, Clone, Debug, PartialEq)]
enum Stage {
    /// Delayed by `limit_req`.
    Delayed,
    /// The web server's own work is being done.
    Accepted,
    /// At this upstream.
    Proxied { upstream: u16 },
}

/// Nginx.
pub struct Web<'p> {
    plan: &'p plan::Web,
    connections: u32,
    upstreams: Upstreams,
    limit_req: Option<LimitReq>,
    /// With `limit_conn`: the number of requests here per client, if any.
    clients: BTreeMap<(SourceId, u32), u32>,
    cache: Option<Box<Cache>>,
    read_timeout: Option<LaneId>,
}

/// Nginx's own connections: the listening socket and the channel from its master.
const OWN: u32 = 2;
impl<'p> Web<'p> {
    /// A web server at the start of a run.
    pub fn new(plan: &'p plan::Web, cx: &mut Context<'p>) -> Web<'p> {
        Web {
            plan,
            connections: 0,
            upstreams: Upstreams::new(plan.balance, &plan.upstreams),
            limit_req: plan.limit_req.as_ref().map(LimitReq::new),
            clients: BTreeMap::new(),
            cache: plan.cache.map(|c| {
                Box::new(match cx.plan.midlife {
                    true => Cache::full(c),
                    false => Cache::empty(c, Time::ZERO),
                })
            }),
            read_timeout: plan.read_timeout.map(|t| cx.open_lane(t)),
        }
    }

    fn step<'c>(cx: &'c mut Context<'_>, key: FrameKey) -> &'c mut Step {
        Web::step_of(&mut cx.frames[key])
    }

    #[inline]
    fn step_of(frame: &mut Frame) -> &mut Step {
        match &mut frame.step {
            FrameStep::Web(step) => step,
            other => unreachable!("a web server's frame, not {other:?}"),
        }
    }

    /// Whether it answers the request itself: static, no upstreams, or a cache hit.
    fn serves(&mut self, cx: &Context<'_>, key: FrameKey) -> bool {
        self.plan.serves[cx.frames[key].wish.class.index()]
            || self.plan.upstreams.is_empty()
            || self.has_cached(cx, key)
    }

    fn has_cached(&mut self, cx: &Context<'_>, key: FrameKey) -> bool {
        let cache = self.cache.as_mut();
        cache.is_some_and(|cache| unit(&mut cx.draw(&cx.frames[key], CACHE)) < cache.hit(cx.now()))
    }

    /// With `limit_conn`: counts the request if its client may have one more here.
    fn admits_client(&mut self, cx: &Context<'_>, key: FrameKey) -> bool {
        self.plan
            .limit_conn
            .is_none_or(|most| self.counts_client(cx, key, most))
    }

    #[inline(never)]
    fn counts_client(&mut self, cx: &Context<'_>, key: FrameKey, most: u32) -> bool {
        let frame = &cx.frames[key];
        let here = self.clients.entry((frame.wish.source, frame.wish.client)).or_default();
        let admits = *here < most;
        *here += u32::from(admits);
        admits
    }

    /// A request leaves.
    fn let_go(&mut self, step: Step, frame: &Frame) {
        self.connections -= step.connections;
        if step.stage != Stage::Delayed && self.plan.limit_conn.is_some() {
            self.forget_client(frame);
        }
        if let Stage::Proxied { upstream } = step.stage {
            self.upstreams.released(usize::from(upstream));
        }
    }

    #[inline(never)]
    fn forget_client(&mut self, frame: &Frame) {
        let client = (frame.wish.source, frame.wish.client);
        if let Some(here) = self.clients.get_mut(&client) {
            *here -= 1;
            if *here == 0 {
                self.clients.remove(&client);
            }
        }
    }

    /// Takes a connection for the upstream in addition to the client's.
    fn connects(&mut self, cx: &mut Context<'_>, key: FrameKey) -> bool {
        let connects = self.has_connection();
        if connects {
            self.connections += 1;
            Web::step(cx, key).connections += 1;
        }
        connects
    }

    /// Whether one of `worker_connections` is left.
    fn has_connection(&self) -> bool {
        OWN + self.connections < self.plan.connections
    }

    /// Passes the request to an upstream. With none left Nginx answers 502, however the last attempt failed.
    fn proxy(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        let now = cx.now();
        let frame = &mut cx.frames[key];
        let (op, seed, Wish { source, client, .. }) = (frame.op, frame.seed, frame.wish);
        let step = Web::step_of(frame);
        let list: Vec<usize> = if step.tried.is_empty() {
            Vec::new()
        } else {
            (0..self.plan.upstreams.len()).filter(|i| step.tried.has(*i)).collect()
        };
        let client = cx.plan.sources[source.index()].address(client);
        let Some(upstream) = self.upstreams.pick(now, client, &list) else {
            return self.give_up(cx, key, Outcome::NoServer);
        };
        step.tried.add(upstream);
        step.stage = Stage::Proxied {
            upstream: upstream as u16,
        };
        let target = Target::Node(self.plan.upstreams[upstream].node);
        cx.call(key, target, op, seed, self.plan.connect_timeout);
        if let Some(lane) = self.read_timeout {
            cx.set_timer_in(key, lane);
        }
    }

    /// An attempt has failed: tries another upstream if `proxy_next_upstream` says so and one is left.
    #[cold]
    fn attempt_failed(&mut self, cx: &mut Context<'_>, key: FrameKey, upstream: usize, reply: Reply) {
        let next_on = self.plan.next_on;
        let named = match reply.how {
            How::Refused | How::Broken => next_on.error,
            How::Silent => next_on.timeout,
            How::Answered => next_on.answer,
        };
        let tries = self.plan.tries.min(self.plan.upstreams.len().min(Tried::APART) as u32);
        let step = Web::step(cx, key);
        step.stage = Stage::Accepted;
        let goes_on = named && step.tried.count() < tries;
        // No answer counts against the upstream, whatever the directive says. An error answer counts only if the
        // request moves to another upstream; one that is passed on is an ordinary answer.
        if goes_on || reply.how != How::Answered {
            self.upstreams.failed(upstream, cx.now());
        } else {
            self.upstreams.succeeded(upstream);
        }
        self.upstreams.released(upstream);
        if goes_on {
            self.proxy(cx, key);
        } else {
            self.give_up(cx, key, reply.cause);
        }
    }

    /// No upstream has answered.
    #[cold]
    fn give_up(&mut self, cx: &mut Context<'_>, key: FrameKey, cause: Outcome) {
        if let Some(cache) = &mut self.cache {
            cache.heard(cx.frames[key].entered, cx.now(), false);
        }
        cx.finish(key, Reply::failed(cause));
    }

    /// An upstream has answered.
    #[inline]
    fn succeeded(&mut self, cx: &Context<'_>, key: FrameKey, upstream: u16) {
        self.upstreams.succeeded(usize::from(upstream));
        if let Some(cache) = &mut self.cache {
            cache.heard(cx.frames[key].entered, cx.now(), true);
        }
    }

    #[inline(always)]
    fn admit(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        if !self.admits_client(cx, key) {
            return cx.turn_away(key, Reply::failed(Outcome::Rejected));
        }
        Web::step(cx, key).stage = Stage::Accepted;
        self.queue_for_worker(cx, key);
    }
}

impl Behaviour for Web<'_> {
    fn arrived(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        let here = self.serves(cx, key);
        if !self.has_connection() {
            // As Nginx does if `worker_connections` are used up: the connection is closed without an answer.
            return cx.turn_away(
                key,
                Reply {
                    how: How::Broken,
                    cause: Outcome::Refused,
                },
            );
        }
        self.connections += 1;
        let step = Step {
            connections: 1,
            here,
            tried: Tried::default(),
            stage: Stage::Delayed,
        };
        cx.frames[key].step = FrameStep::Web(step);
        match self
            .limit_req
            .as_mut()
            .map_or(Verdict::Serve, |l| l.ask(cx.calendar.now()))
        {
            Verdict::Serve => self.admit(cx, key),
            Verdict::Delay(span) => cx.set_timer(key, span),
            Verdict::Reject => cx.turn_away(key, Reply::failed(Outcome::Rejected)),
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
        if Web::step(cx, key).here {
            cx.finish(key, Reply::OK);
        } else if self.connects(cx, key) {
            self.proxy(cx, key);
        } else {
            // As Nginx does if the client had the last connection: a 500.
            cx.refuse(key, Outcome::Error);
        }
    }

    fn answered(&mut self, cx: &mut Context<'_>, key: FrameKey, reply: Reply) {
        cx.clear_timer(key);
        let Stage::Proxied { upstream } = Web::step(cx, key).stage else {
            return;
        };
        if reply.is_ok() {
            self.succeeded(cx, key, upstream);
            cx.finish(key, reply);
        } else {
            self.attempt_failed(cx, key, usize::from(upstream), reply);
        }
    }

    fn passes_back(&mut self, cx: &mut Context<'_>, key: FrameKey) -> bool {
        let step = *Web::step(cx, key);
        let Stage::Proxied { upstream } = step.stage else {
            return false;
        };
        self.succeeded(cx, key, upstream);
        self.let_go(step, &cx.frames[key]);
        true
    }

    fn timer(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        let stage = Web::step(cx, key).stage;
        match stage {
            Stage::Delayed => self.admit(cx, key),
            // While the connection is still being made, `proxy_connect_timeout` applies, not `proxy_read_timeout`.
            Stage::Proxied { upstream } if !cx.meets_silence(key) => {
                cx.hang_up(key);
                let silence = Reply {
                    how: How::Silent,
                    cause: Outcome::ServerTimeout,
                };
                self.attempt_failed(cx, key, usize::from(upstream), silence);
            }
            Stage::Proxied { .. } | Stage::Accepted => {}
        }
    }

    fn release(&mut self, cx: &mut Context<'_>, frame: &mut Frame) {
        if let FrameStep::Web(step) = frame.step {
            if let Some(cache) = self.cache.as_mut().filter(|_| frame.child != FrameKey::NONE) {
                // Its client has gone before an answer came back; what was under way is unknown here.
                cache.heard(frame.entered, cx.now(), false);
            }
            self.let_go(step, frame);
        }
    }

    fn started(&mut self, cx: &mut Context<'_>) {
        if cx.now() > Time::ZERO {
            // A new process has no memory of failures.
            self.upstreams = Upstreams::new(self.plan.balance, &self.plan.upstreams);
            self.limit_req = self.plan.limit_req.as_ref().map(LimitReq::new);
            self.cache = self.plan.cache.map(|c| Box::new(Cache::empty(c, cx.now())));
        }
    }

    fn held(&self) -> u64 {
        u64::from(self.connections)
    }
}

/// Begins the node's own work, preceded by a TLS handshake.
pub fn work_with_tls(cx: &mut Context<'_>, key: FrameKey, tls: &plan::Tls) -> bool {
    let mut demand = cx.own_demand(key);
    demand.cpu = demand.cpu + handshake(cx, key, tls);
    cx.work(key, demand)
}

/// CPU of one TLS handshake: resumed or full.
fn handshake(cx: &Context<'_>, key: FrameKey, tls: &plan::Tls) -> Span {
    let frame = &cx.frames[key];
    let resumes = unit(&mut cx.draw(frame, TLS)) < tls.resumption;
    let dist: &Dist = if resumes { &tls.resumed } else { &tls.handshake };
    cx.sample(dist, frame, TLS + 0x100)
}
