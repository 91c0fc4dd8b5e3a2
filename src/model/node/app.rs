//! An application server: a pool of workers. A request holds its worker from start to end, through all queries and
//! calls. Its CPU demand is drawn once and split into equal slices around its queries, which run one after the other,
//! reads first.

use std::collections::VecDeque;

use super::Behaviour;
use crate::base::ids::NodeId;
use crate::base::random::{Draw, mix, unit};
use crate::base::time::{Span, Time};
use crate::engine::calendar::LaneId;
use crate::model::context::{Context, Demand};
use crate::model::request::{Frame, FrameKey, How, Outcome, Reply, Step as FrameStep};
use crate::model::retry::{Circuit, Retries, Tried};
use crate::scenario::plan::{self, Queries, READ, ReadFrom, Target, WRITE};

/// Salt of the jitter of a retry pause.
const PAUSE: u64 = 14;

/// How far a request has got at its application server.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Step {
    /// Queries and calls completed.
    done: u16,
    /// CPU of each slice but the last.
    slice: Span,
    /// CPU of the last slice, which includes the rounding remainder.
    last: Span,
    /// Members of the database already tried for this query.
    tried: Tried,
    /// Failed attempts of this query or call.
    failed: u16,
    stage: Stage,
}

#[derive(Copy, Clone, Debug, PartialEq)]
enum Stage {
    /// On its own CPU slice.
    Running,
    /// Waiting for a database connection since this time.
    WantsConnection(Time),
    /// Holding a connection, with a query at this member.
    Querying { member: u16 },
    /// Waiting for a call to another node.
    Calling,
    /// Pausing before a retry.
    Pausing,
}

/// An application server.
pub struct App<'p> {
    plan: &'p plan::App,
    /// Database connections in use.
    connections: u32,
    /// Requests that wait for a connection, in order; keys of requests that left are still listed and find nothing.
    line: VecDeque<FrameKey>,
    /// Index from which the next member of the database is chosen.
    turn: usize,
    /// Until when each member is avoided after a failure.
    avoid: Vec<Time>,
    query_timeout: Option<LaneId>,
    retries: Retries<'p>,
    /// Circuit breakers: for the database, then for each node that is called. Empty if not configured.
    circuits: Vec<Circuit<'p>>,
}

fn circuits<'p>(plan: &plan::App, breaker: &'p plan::Breaker) -> impl Iterator<Item = Circuit<'p>> {
    (0..=plan.calls.len()).map(|_| Circuit::new(breaker))
}

impl<'p> App<'p> {
    /// An application server at the start of a run.
    pub fn new(plan: &'p plan::App, cx: &mut Context<'p>) -> App<'p> {
        let members = plan.database.map_or(0, |d| cx.plan.databases[d.index()].members.len());
        App {
            plan,
            connections: 0,
            line: VecDeque::new(),
            turn: 0,
            avoid: vec![Time::ZERO; members],
            query_timeout: plan.query_timeout.map(|t| cx.open_lane(t)),
            retries: Retries::new(plan.retry.as_ref()),
            circuits: plan.breaker.iter().flat_map(|b| circuits(plan, b)).collect(),
        }
    }

    fn step<'c>(cx: &'c mut Context<'_>, key: FrameKey) -> &'c mut Step {
        match &mut cx.frames[key].step {
            FrameStep::App(step) => step,
            other => unreachable!("an application's frame, not {other:?}"),
        }
    }

    fn queries(&self, cx: &Context<'_>, key: FrameKey) -> Queries {
        self.plan.queries(cx.frames[key].wish.class)
    }

    /// The operation that follows `done` completed queries.
    fn op(queries: Queries, done: u16) -> usize {
        if u32::from(done) < queries.read { READ } else { WRITE }
    }

    /// What follows a slice: a query, a call, or the answer.
    #[inline]
    fn go_on(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        let queries = self.queries(cx, key);
        let total = (queries.read + queries.write) as usize;
        let done = usize::from(App::step(cx, key).done);
        if done < total + self.plan.calls.len() && !self.admits(cx, key) {
            return cx.finish(key, Reply::failed(Outcome::Error));
        }
        if done < total {
            self.want_connection(cx, key);
        } else if let Some(&target) = self.plan.calls.get(done - total) {
            App::step(cx, key).stage = Stage::Calling;
            let Frame { wish, seed, .. } = cx.frames[key];
            let seed = mix(seed, done as u64 + 1);
            cx.call(key, target, wish.class.index() as u16, seed, self.plan.connect_timeout);
            self.watch(cx, key);
        } else {
            cx.finish(key, Reply::OK);
        }
    }

    // --- failures ---------------------------------------------------------------------------------------------------

    /// The breaker for the request's current query or call.
    fn circuit(&mut self, cx: &mut Context<'_>, key: FrameKey) -> Option<&mut Circuit<'p>> {
        let queries = self.queries(cx, key);
        let done = u32::from(App::step(cx, key).done);
        let call = (done + 1).saturating_sub(queries.read + queries.write) as usize;
        self.circuits.get_mut(call)
    }

    fn admits(&mut self, cx: &mut Context<'_>, key: FrameKey) -> bool {
        let (now, number) = (cx.now(), cx.frames[key].number);
        self.circuits.is_empty() || self.circuit(cx, key).is_none_or(|c| c.admits(number, now))
    }

    /// A query or a call has succeeded.
    fn succeeded(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        let number = cx.frames[key].number;
        if !self.circuits.is_empty()
            && let Some(circuit) = self.circuit(cx, key)
        {
            circuit.succeeded(number);
        }
        let step = App::step(cx, key);
        step.done += 1;
        step.failed = 0;
        step.stage = Stage::Running;
    }

    /// A query or a call has failed: gives its connection back; then the request retries after a pause, or fails.
    #[cold]
    fn failed(&mut self, cx: &mut Context<'_>, key: FrameKey, cause: Outcome) {
        let (now, number) = (cx.now(), cx.frames[key].number);
        if let Some(circuit) = self.circuit(cx, key) {
            circuit.failed(number, now);
        }
        let step = App::step(cx, key);
        let was = std::mem::replace(&mut step.stage, Stage::Pausing);
        step.failed += 1;
        let (failed, asked) = (step.failed, step.done);
        if matches!(was, Stage::Querying { .. }) {
            self.give_back(cx, cx.frames[key].node);
        }
        let seed = mix(cx.frames[key].seed, u64::from(asked) + 1);
        let word = || unit(&mut Draw::keyed(mix(seed, PAUSE + (u64::from(failed) << 8))));
        match self.retries.again(u32::from(failed), word) {
            Some(pause) => cx.set_timer(key, pause),
            None => cx.finish(key, Reply::failed(cause)),
        }
    }

    fn watch(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        if let Some(lane) = self.query_timeout {
            cx.set_timer_in(key, lane);
        }
    }

    // --- connections of the pool ------------------------------------------------------------------------------------

    #[inline(always)]
    fn want_connection(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        App::step(cx, key).tried = Tried::default();
        if self.plan.pool.is_none_or(|size| self.connections < size) {
            self.connect(cx, key);
        } else {
            App::step(cx, key).stage = Stage::WantsConnection(cx.now());
            self.line.push_back(key);
            self.count_waiting(cx, cx.frames[key].node, true);
        }
    }

    #[inline(always)]
    fn connect(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        self.connections += 1;
        App::step(cx, key).stage = Stage::Querying { member: 0 };
        self.query(cx, key, Reply::failed(Outcome::NoServer));
    }

    /// A connection is free: the first request still waiting gets it.
    fn give_back(&mut self, cx: &mut Context<'_>, me: NodeId) {
        self.connections -= 1;
        if cx.closing || !cx.is_up(me) {
            return;
        }
        while let Some(key) = self.line.pop_front() {
            let Some(FrameStep::App(Step {
                stage: Stage::WantsConnection(since),
                ..
            })) = cx.frames.get(key).map(|f| f.step)
            else {
                continue;
            };
            let waited = cx.now().since(since);
            cx.frames[key].waited = cx.frames[key].waited + waited;
            self.count_waiting(cx, me, false);
            return self.connect(cx, key);
        }
    }

    fn count_waiting(&self, cx: &mut Context<'_>, me: NodeId, more: bool) {
        let now = cx.now();
        let gauge = &mut cx.stations[me.index()].apart;
        if more { gauge.up(now) } else { gauge.down(now) }
    }

    // --- queries ----------------------------------------------------------------------------------------------------

    /// Queries the next eligible member. With none left, the request fails like its `last` attempt.
    fn query(&mut self, cx: &mut Context<'_>, key: FrameKey, last: Reply) {
        let queries = self.queries(cx, key);
        let Step { done, tried, .. } = *App::step(cx, key);
        let op = App::op(queries, done);
        let Some(member) = self.choose(cx, op, tried) else {
            return self.failed(cx, key, last.cause);
        };
        let Some(database) = self.plan.database else {
            unreachable!("queries only with a database")
        };
        let target = Target::Node(cx.plan.databases[database.index()].members[member]);
        let step = App::step(cx, key);
        step.tried.add(member);
        step.stage = Stage::Querying { member: member as u16 };
        let seed = mix(cx.frames[key].seed, u64::from(done) + 1);
        cx.call(key, target, op as u16, seed, self.plan.connect_timeout);
        self.watch(cx, key);
    }

    /// The member to query. A write goes to the primary. A read goes to the next member in turn that has not been tried
    /// and is not avoided, or to an avoided one if no other is left.
    fn choose(&mut self, cx: &Context<'_>, op: usize, tried: Tried) -> Option<usize> {
        let database = self.plan.database?;
        let primary = cx.directory.databases[database.index()].primary;
        let settings = &cx.plan.databases[database.index()];
        if App::is_for_primary(settings, op) {
            return Some(primary);
        }
        let count = settings.members.len();
        let eligible = |m: &usize| !tried.has(*m) && (settings.read_from == ReadFrom::Any || *m != primary);
        let in_turn = || (0..count).map(|i| (self.turn + i) % count);
        let welcome = in_turn().filter(eligible).find(|m| self.avoid[*m] <= cx.now());
        let member = welcome.or_else(|| in_turn().find(eligible))?;
        self.turn = (member + 1) % count;
        Some(member)
    }

    /// Whether only the primary takes this operation. Then another member is no alternative, even after a promotion.
    fn is_for_primary(database: &plan::Database, op: usize) -> bool {
        op == WRITE || database.read_from == ReadFrom::Primary
    }

    /// The answer to a query.
    #[inline(always)]
    fn queried(&mut self, cx: &mut Context<'_>, key: FrameKey, member: usize, reply: Reply) {
        if matches!(reply.how, How::Refused | How::Silent) {
            self.avoid[member] = cx.now() + self.plan.avoid;
            let op = App::op(self.queries(cx, key), App::step(cx, key).done);
            let database = self.plan.database.map(|d| &cx.plan.databases[d.index()]);
            if database.is_some_and(|d| !App::is_for_primary(d, op)) {
                return self.query(cx, key, reply);
            }
        }
        if !reply.is_ok() {
            return self.failed(cx, key, reply.cause);
        }
        self.succeeded(cx, key);
        let queries = self.queries(cx, key);
        let step = App::step(cx, key);
        let is_last = u32::from(step.done) == queries.read + queries.write;
        let cpu = if is_last { step.last } else { step.slice };
        self.give_back(cx, cx.frames[key].node);
        if !cx.work(key, Demand { cpu, io: Span::ZERO }) {
            self.worked(cx, key);
        }
    }
}

impl Behaviour for App<'_> {
    fn granted(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        self.retries.earn();
        let Demand { cpu, io } = cx.own_demand(key);
        let queries = self.queries(cx, key);
        let slices = u64::from(queries.read + queries.write) + 1;
        let slice = Span::from_nanos(cpu.nanos() / slices);
        let last = Span::from_nanos(cpu.nanos() - slice.nanos() * (slices - 1));
        cx.frames[key].step = FrameStep::App(Step {
            done: 0,
            slice,
            last,
            tried: Tried::default(),
            failed: 0,
            stage: Stage::Running,
        });
        let first = if slices == 1 { last } else { slice };
        if !cx.work(key, Demand { cpu: first, io }) {
            self.worked(cx, key);
        }
    }

    fn worked(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        // It may have come the short way, which does not record its step.
        if self.plan.only_works() {
            return cx.finish(key, Reply::OK);
        }
        self.go_on(cx, key);
    }

    fn answered(&mut self, cx: &mut Context<'_>, key: FrameKey, reply: Reply) {
        cx.clear_timer(key);
        match App::step(cx, key).stage {
            Stage::Querying { member } => self.queried(cx, key, usize::from(member), reply),
            Stage::Calling if reply.is_ok() => {
                self.succeeded(cx, key);
                self.go_on(cx, key);
            }
            Stage::Calling => self.failed(cx, key, reply.cause),
            Stage::Running | Stage::WantsConnection(_) | Stage::Pausing => {}
        }
    }

    fn timer(&mut self, cx: &mut Context<'_>, key: FrameKey) {
        if App::step(cx, key).stage == Stage::Pausing {
            self.go_on(cx, key);
        } else if !cx.meets_silence(key) {
            // While the connection is still being made, its own time-out applies, not this one.
            cx.hang_up(key);
            self.failed(cx, key, Outcome::ServerTimeout);
        }
    }

    fn release(&mut self, cx: &mut Context<'_>, frame: &mut Frame) {
        let FrameStep::App(step) = frame.step else { return };
        let Queries { read, write } = self.plan.queries(frame.wish.class);
        let (done, asked) = (usize::from(step.done), (read + write) as usize);
        if matches!(
            step.stage,
            Stage::Querying { .. } | Stage::Calling | Stage::WantsConnection(_)
        ) {
            let now = cx.now();
            if let Some(circuit) = self.circuits.get_mut((done + 1).saturating_sub(asked)) {
                circuit.forgotten(frame.number, now);
            }
        }
        match step.stage {
            Stage::Querying { .. } => self.give_back(cx, frame.node),
            Stage::WantsConnection(since) => {
                self.count_waiting(cx, frame.node, false);
                frame.waited = frame.waited + cx.now().since(since);
            }
            Stage::Running | Stage::Calling | Stage::Pausing => {}
        }
    }

    fn started(&mut self, _cx: &mut Context<'_>) {
        // A new process has lost its breaker state, its position in the rotation and its retry budget.
        self.retries = Retries::new(self.plan.retry.as_ref());
        self.turn = 0;
        self.circuits = self.plan.breaker.iter().flat_map(|b| circuits(self.plan, b)).collect();
        self.line.clear();
        self.avoid.fill(Time::ZERO);
    }

    fn held(&self) -> u64 {
        u64::from(self.connections)
    }
}
