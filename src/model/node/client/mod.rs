//! The clients of one source: they make wishes, look up names, try addresses and retry failures.
//!
//! A wish is one logical request with all its attempts: the root frame. Its latency starts here, and its outcome is
//! decided here.

mod arrivals;
mod keys;
mod pages;

use rand::Rng;

use self::arrivals::Modulation;
use self::keys::Zipf;
use self::pages::Views;
use super::Behaviour;
use crate::base::dist::Dist;
use crate::base::ids::{ClassId, NodeId, SourceId};
use crate::base::random::{Draw, Purpose, Stream, below, label, mix, unit};
use crate::base::time::{Span, Time};
use crate::engine::calendar::LaneId;
use crate::engine::slab::Key;
use crate::model::context::Context;
use crate::model::event::{Class, Event};
use crate::model::request::{Doing, Frame, FrameKey, How, Outcome, Reply, Step as FrameStep, Wish};
use crate::model::retry::Retries;
use crate::scenario::plan::{Arrivals, Entry, Kind, Load, Plan, Source, Target};

/// How far a wish has got.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Step {
    stage: Stage,
    attempts: u16,
}

#[derive(Copy, Clone, Debug, PartialEq)]
enum Stage {
    /// Querying the resolver with this index.
    Resolving { resolver: u16 },
    /// Calling the `tried`-th address of an answer, or the entry itself if there is no answer.
    Calling { answer: Option<(u32, u32)>, tried: u16 },
    /// Pausing before a retry.
    Pausing,
}

impl Stage {
    /// The stage at the start of an attempt.
    const SETS_OUT: Stage = Stage::Calling { answer: None, tried: 0 };
}

/// A client's cached lookup.
#[derive(Copy, Clone, Debug)]
struct Cached {
    until: Time,
    list: u32,
    turn: u32,
}

/// The clients of one source.
pub struct Client<'p> {
    me: NodeId,
    id: SourceId,
    source: &'p Source,
    plan: &'p Plan,
    /// Whether the source is a closed loop.
    is_closed: bool,
    /// Draws the times of arrivals.
    arrivals: Stream,
    /// Keys the draws of each wish: class, client, demands.
    wishes: u64,
    /// Wishes so far; for a closed loop, per user.
    made: Vec<u64>,
    /// Cumulative shares of the classes.
    shares: Vec<f64>,
    /// The key set of each class.
    keys: Vec<Option<Zipf>>,
    /// One cache per client; allocated if sources have resolvers.
    caches: Vec<Option<Cached>>,
    give_up: Option<LaneId>,
    /// One lane per resolver, for its time-out.
    resolvers: Vec<LaneId>,
    modulation: Modulation,
    /// The moment of the profile or recording at which the run begins.
    begins: Span,
    retries: Retries<'p>,
    /// Open page views, for sources whose pages need several requests.
    views: Views,
}

// Salts of draws for a wish.
const RENDER: u64 = 11;
const THINK: u64 = 12;
const BACKOFF: u64 = 13;
const PAGE: u64 = 14;
const REMEMBERED: u64 = 15;
const UNDER_WAY: u64 = 16;
/// While the plan is hushed, one wish in this many is made.
const HUSHED: u64 = 20;

impl<'p> Client<'p> {
    /// The clients of a source at the start of a run; `me` follows the plan's own nodes.
    pub fn new(plan: &'p Plan, id: SourceId, me: NodeId, cx: &mut Context<'p>) -> Client<'p> {
        let source = plan.source(id);
        let clients = match source.load {
            Load::Open { population, .. } => population,
            Load::Closed { users, .. } => users,
        };
        let users = if let Load::Closed { users, .. } = source.load {
            users
        } else {
            1
        };
        let has_resolvers = matches!(source.entry, Entry::Resolvers(_));
        let begins = plan.begins_within.scaled(cx.streams.turn());
        // The replications together spread the first source evenly over its states; other sources draw theirs
        // independently.
        let wishes = cx.streams.key_of(&source.name, Purpose::Requests);
        let midlife = plan.midlife.then(|| match id.index() {
            0 => cx.streams.turn(),
            _ => unit(&mut Draw::keyed(mix(wishes, UNDER_WAY))),
        });
        let cumulate = |sum: &mut f64, class: &crate::scenario::plan::Class| {
            *sum += class.share;
            Some(*sum)
        };
        Client {
            me,
            id,
            source,
            plan,
            is_closed: matches!(source.load, Load::Closed { .. }),
            arrivals: cx.streams.stream(&source.name, Purpose::Arrivals),
            wishes,
            made: vec![0; users as usize],
            shares: plan.classes.iter().scan(0.0, cumulate).collect(),
            keys: plan.classes.iter().map(|c| c.keys.as_ref().map(Zipf::new)).collect(),
            caches: if has_resolvers {
                vec![None; clients as usize]
            } else {
                Vec::new()
            },
            give_up: source.timeout.map(|t| cx.open_lane(t)),
            resolvers: resolver_timeouts(plan, source)
                .into_iter()
                .map(|t| cx.open_lane(t))
                .collect(),
            modulation: Modulation::at(&source.load, begins, midlife),
            begins,
            retries: Retries::new(plan.source(id).retry.as_ref()),
            views: Views::default(),
        }
    }

    /// Schedules the first arrival, or the first think time of every user.
    pub fn begin(&mut self, cx: &mut Context<'_>) {
        if self.plan.midlife {
            self.remember(cx);
        }
        match &self.source.load {
            Load::Open { .. } => self.schedule_next(cx),
            Load::Closed { users, .. } => (0..*users).for_each(|user| self.think_first(cx, user, Span::ZERO)),
        }
    }

    // --- open sources -----------------------------------------------------------------------------------------------

    /// Fills the DNS caches as at a random moment. A client that asks in exponential gaps has a name for a `ttl` and
    /// then none until it asks again; the remaining `ttl` is uniformly distributed (Feller, 1971: the waiting time
    /// paradox).
    fn remember(&mut self, cx: &mut Context<'_>) {
        let Entry::Resolvers(resolvers) = &self.source.entry else {
            return;
        };
        let views_per_s =
            self.source.requests_per_s(self.plan.duration.seconds()) / self.source.requests_a_view() as f64;
        let asks_per_s = views_per_s / self.caches.len().max(1) as f64;
        for (client, cache) in self.caches.iter_mut().enumerate() {
            let answer = cx.directory.look_up(resolvers[0]);
            let ttl = answer.ttl.max(self.source.min_ttl);
            let asked = asks_per_s * ttl.seconds();
            let mut draw = Draw::keyed(mix(mix(self.wishes, REMEMBERED), client as u64));
            if unit(&mut draw) * (1.0 + asked) < asked {
                *cache = Some(Cached {
                    until: Time::ZERO + ttl.scaled(unit(&mut draw)),
                    list: answer.list,
                    turn: answer.turn,
                });
            }
        }
    }

    /// A request of an open source arrives, and the next is scheduled.
    pub fn arrive(&mut self, cx: &mut Context<'_>) {
        let source = self.source;
        let Load::Open { arrivals, population } = &source.load else {
            unreachable!("only open sources arrive")
        };
        let number = self.made[0];
        self.made[0] += 1;
        let seed = mix(self.wishes, number);
        let mut draw = Draw::keyed(seed);
        let (class_word, client_word) = (unit(&mut draw), draw.next_u64());
        let client = below(&mut Draw::keyed(client_word), u64::from(*population)) as u32;
        let row = self.modulation.row;
        let mut class = self.class_of(class_word);
        if let Arrivals::Trace { rows } = arrivals {
            class = rows[row as usize].class.unwrap_or(class);
            self.modulation.row += 1;
        }
        if !self.is_hushed(cx, number) {
            self.view(cx, class, client, seed, row);
        }
        self.schedule_next(cx);
    }

    /// Whether this wish is skipped because the plan is hushed.
    #[inline]
    fn is_hushed(&self, cx: &Context<'_>, number: u64) -> bool {
        cx.now() < Time::ZERO + self.plan.hushed && !number.is_multiple_of(HUSHED)
    }

    fn class_of(&self, word: f64) -> ClassId {
        // The last class also gets the rounding remainder of the shares.
        let at = self
            .shares
            .iter()
            .position(|s| word < *s)
            .unwrap_or(self.shares.len() - 1);
        ClassId::new(at)
    }

    #[inline]
    fn schedule_next(&mut self, cx: &mut Context<'_>) {
        if let Some(at) = self.next_arrival(cx.now()) {
            cx.calendar.at(at, Class::Arrival as u8, Event::Arrive(self.id).pack());
        }
    }

    // --- closed loops -----------------------------------------------------------------------------------------------

    fn think(&mut self, cx: &mut Context<'_>, user: u32) {
        let Load::Closed { think, .. } = &self.source.load else {
            return;
        };
        let span = self.thought(think, user);
        cx.after(span, Class::Arrival, Event::Wish { source: self.id, user });
    }

    /// The user's think time before the next wish.
    fn thought(&self, think: &Dist, user: u32) -> Span {
        think.sample(&mut Draw::keyed(mix(self.user_seed(user), THINK)))
    }

    /// The first think time, from `begins` on: just started, or already under way.
    fn think_first(&mut self, cx: &mut Context<'_>, user: u32, begins: Span) {
        let Load::Closed { think, .. } = &self.source.load else {
            return;
        };
        let mut draw = Draw::keyed(mix(self.user_seed(user), UNDER_WAY));
        let under_way = self.plan.midlife.then(|| think.residual(&mut draw)).flatten();
        let left = under_way.unwrap_or_else(|| self.thought(think, user));
        let at = Time::ZERO + begins + left;
        cx.calendar
            .at(at, Class::Arrival as u8, Event::Wish { source: self.id, user }.pack());
    }

    /// Keys the user's current wish.
    fn user_seed(&self, user: u32) -> u64 {
        mix(mix(self.wishes, u64::from(user)), self.made[user as usize])
    }

    /// A user's think time is over.
    pub fn ask(&mut self, cx: &mut Context<'_>, user: u32) {
        let seed = self.user_seed(user);
        let class = self.class_of(unit(&mut Draw::keyed(seed)));
        self.made[user as usize] += 1;
        if self.is_hushed(cx, u64::from(user)) {
            return self.think_first(cx, user, self.plan.hushed);
        }
        self.view(cx, class, user, seed, 0);
    }

    // --- a wish -----------------------------------------------------------------------------------------------------

    #[inline]
    fn wish(&mut self, cx: &mut Context<'_>, class: ClassId, client: u32, seed: u64, row: u32, view: Option<Key>) {
        self.retries.earn();
        let (now, hash) = (cx.now(), self.key_hash(class, seed));
        let key = cx.insert_root(|root, number| Frame {
            node: self.me,
            parent: Key::NONE,
            child: Key::NONE,
            wish: Wish {
                root,
                hash,
                client,
                row,
                source: self.id,
                class,
            },
            number,
            seed,
            entered: now,
            patience: Span::ZERO,
            waited: Span::ZERO,
            called: now,
            below: Span::ZERO,
            op: class.index() as u16,
            calls: 0,
            timer: 0,
            path: 0,
            worker: false,
            silent: false,
            doing: Doing::Nothing,
            step: FrameStep::Client(Step {
                stage: Stage::SETS_OUT,
                attempts: 1,
            }),
        });
        if let Some(view) = view {
            self.views.join(view, key);
        }
        if let Some(lane) = self.give_up {
            cx.calendar.in_lane(lane, Event::GiveUp(key).pack());
        }
        self.set_out(cx, key, client, |_| (class.index() as u16, seed));
    }

    /// The hash of the key that a request asks for, drawn from its class's key set.
    fn key_hash(&self, class: ClassId, seed: u64) -> u64 {
        match &self.keys[class.index()] {
            None => seed,
            Some(law) => Client::hash_of(law, seed),
        }
    }

    #[inline(never)]
    fn hash_of(law: &Zipf, seed: u64) -> u64 {
        let word = unit(&mut Draw::keyed(mix(seed, label("key"))));
        mix(label("key"), law.key(word))
    }

    fn step(cx: &Context<'_>, key: FrameKey) -> Step {
        Client::step_of(&cx.frames[key])
    }

    fn step_of(frame: &Frame) -> Step {
        match frame.step {
            FrameStep::Client(step) => step,
            other => unreachable!("a client's frame, not {other:?}"),
        }
    }

    fn set_stage(cx: &mut Context<'_>, key: FrameKey, stage: Stage) {
        let step = Step {
            stage,
            ..Client::step(cx, key)
        };
        cx.frames[key].step = FrameStep::Client(step);
    }

    /// Starts another attempt.
    fn attempt(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        let frame = &mut cx.frames[key];
        let (client, attempts) = (frame.wish.client, Client::step_of(frame).attempts + 1);
        let stage = Stage::SETS_OUT;
        frame.step = FrameStep::Client(Step { stage, attempts });
        self.set_out(cx, key, client, |cx| Client::asks(&cx.frames[key]));
    }

    /// Starts an attempt: at the entry itself, at a cached address, or with a lookup. `asks` holds the operation and
    /// the seed of its draws.
    #[inline(always)]
    fn set_out(
        &mut self,
        cx: &mut Context<'_>,
        key: FrameKey,
        client: u32,
        asks: impl FnOnce(&Context<'_>) -> (u16, u64),
    ) {
        match &self.source.entry {
            Entry::Node(target) => {
                let (op, seed) = asks(cx);
                cx.call(key, *target, op, seed, self.source.connect_timeout);
            }
            Entry::Resolvers(_) => match self.caches[client as usize].filter(|c| c.until > cx.now()) {
                Some(cached) => self.call_address(
                    cx,
                    key,
                    (cached.list, cached.turn),
                    0,
                    Reply::failed(Outcome::Unresolved),
                ),
                None => self.resolve(cx, key, 0),
            },
        }
    }

    /// Queries one resolver; a failure becomes known at its time-out.
    fn resolve(&mut self, cx: &mut Context<'_>, key: FrameKey, resolver: u16) {
        let Entry::Resolvers(resolvers) = &self.source.entry else {
            unreachable!("only with resolvers")
        };
        let Some(&node) = resolvers.get(usize::from(resolver)) else {
            return self.failed(cx, key, Outcome::Unresolved);
        };
        Client::set_stage(cx, key, Stage::Resolving { resolver });
        cx.set_timer_in(key, self.resolvers[usize::from(resolver)]);
        let Frame { op, seed, .. } = cx.frames[key];
        cx.call(key, Target::Node(node), op, seed, Span::from_nanos(u64::MAX));
    }

    /// Calls the `tried`-th address of an answer. After the last one the attempt fails like its `last` call.
    fn call_address(&mut self, cx: &mut Context<'_>, key: FrameKey, answer: (u32, u32), tried: u16, last: Reply) {
        match cx.directory.address(answer.0, answer.1, u32::from(tried)) {
            Some(target) => {
                Client::set_stage(
                    cx,
                    key,
                    Stage::Calling {
                        answer: Some(answer),
                        tried,
                    },
                );
                self.call(cx, key, target);
            }
            None => self.failed(cx, key, last.cause),
        }
    }

    #[inline]
    fn call(&mut self, cx: &mut Context<'_>, key: FrameKey, target: Target) {
        let (op, seed) = Client::asks(&cx.frames[key]);
        cx.call(key, target, op, seed, self.source.connect_timeout);
    }

    /// The operation and the seed of an attempt. To the servers a retry is a new request with draws of its own.
    #[inline]
    fn asks(frame: &Frame) -> (u16, u64) {
        let seed = match Client::step_of(frame).attempts {
            ..=1 => frame.seed,
            attempts => mix(frame.seed, u64::from(attempts)),
        };
        (frame.op, seed)
    }

    /// An attempt has failed: retries after a pause if the policy allows, or gives up.
    #[cold]
    fn failed(&mut self, cx: &mut Context<'_>, key: FrameKey, cause: Outcome) {
        let Step { attempts, .. } = Client::step(cx, key);
        let seed = cx.frames[key].seed;
        let word = || unit(&mut Draw::keyed(mix(seed, BACKOFF + (u64::from(attempts) << 8))));
        match self.retries.again(u32::from(attempts), word) {
            Some(pause) => {
                Client::set_stage(cx, key, Stage::Pausing);
                cx.set_timer(key, pause);
            }
            None => self.end(cx, key, cause),
        }
    }

    /// Records the end of a wish; its page view continues.
    #[inline]
    fn end(&mut self, cx: &mut Context<'_>, key: FrameKey, outcome: Outcome) {
        let (now, frame) = (cx.calendar.now(), &cx.frames[key]);
        let (child, attempts) = (frame.child, Client::step_of(frame).attempts);
        cx.record.ended(now, key, frame, outcome, u32::from(attempts));
        if outcome != Outcome::Unfinished {
            self.view_goes_on(cx, key, outcome == Outcome::Ok);
        }
        // A wish has no caller and holds nothing, so it can be dropped unless it still waits for a call.
        if child == Key::NONE {
            cx.frames.discard(key);
        } else {
            cx.finish(key, Reply::OK);
        }
    }

    /// The client's time-out. If its own call met silence, that is the outcome.
    #[cold]
    pub fn give_up(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        let outcome = if cx.meets_silence(key) && matches!(Client::step(cx, key).stage, Stage::Calling { .. }) {
            Outcome::Unreachable
        } else {
            Outcome::ClientTimeout
        };
        self.end(cx, key, outcome);
    }

    /// The run ends with the wish still in flight.
    #[cold]
    pub fn unfinished(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        self.end(cx, key, Outcome::Unfinished);
    }
}

impl Behaviour for Client<'_> {
    fn worked(&mut self, _cx: &mut Context<'_>, _frame: FrameKey) {}

    fn held(&self) -> u64 {
        self.views.forgotten() as u64
    }

    fn answered(&mut self, cx: &mut Context<'_>, key: FrameKey, reply: Reply) {
        match Client::step(cx, key).stage {
            Stage::Resolving { resolver } if reply.is_ok() => {
                cx.clear_timer(key);
                let Entry::Resolvers(resolvers) = &self.source.entry else {
                    unreachable!("only with resolvers")
                };
                let answer = cx.directory.look_up(resolvers[usize::from(resolver)]);
                let until = cx.now() + answer.ttl.max(self.source.min_ttl);
                let client = cx.frames[key].wish.client as usize;
                self.caches[client] = Some(Cached {
                    until,
                    list: answer.list,
                    turn: answer.turn,
                });
                self.call_address(
                    cx,
                    key,
                    (answer.list, answer.turn),
                    0,
                    Reply::failed(Outcome::Unresolved),
                );
            }
            // A resolver that refuses is silent over UDP: its time-out decides.
            Stage::Resolving { .. } | Stage::Pausing => {}
            Stage::Calling { .. } if reply.is_ok() => self.end(cx, key, Outcome::Ok),
            Stage::Calling {
                answer: Some(answer),
                tried,
            } if matches!(reply.how, How::Refused | How::Silent) => {
                self.call_address(cx, key, answer, tried + 1, reply);
            }
            Stage::Calling { .. } => self.failed(cx, key, reply.cause),
        }
    }

    fn timer(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        match Client::step(cx, key).stage {
            Stage::Resolving { resolver } => {
                cx.hang_up(key);
                self.resolve(cx, key, resolver + 1);
            }
            Stage::Pausing => self.attempt(cx, key),
            Stage::Calling { .. } => {}
        }
    }
}

/// The time-out of each resolver of a source.
fn resolver_timeouts(plan: &Plan, source: &Source) -> Vec<Span> {
    let Entry::Resolvers(resolvers) = &source.entry else {
        return Vec::new();
    };
    let timeout = |node: &NodeId| match &plan.node(*node).kind {
        Kind::Dns(dns) => dns.timeout,
        _ => unreachable!("a resolver is a dns node"),
    };
    resolvers.iter().map(timeout).collect()
}
