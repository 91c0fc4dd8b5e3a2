//! What a node may do: look at the clock, draw, call, reply, use workers and cores, set a timer, note what happened.
//!
//! Nothing here acts on another node directly. What must reach one becomes an event (it takes time) or a [`Signal`] (it
//! does not), and the [world](super::world) carries it there.

use std::collections::VecDeque;

use super::directory::Directory;
use super::event::{Class, Event};
use super::host::{Host, Job};
use super::recorder::Recorder;
use super::request::{Doing, Frame, FrameKey, How, Outcome, Reply};
use super::station::{Entry, Station};
use super::wire::{Passage, Wire};
use crate::base::dist::Dist;
use crate::base::ids::{HostId, NodeId};
use crate::base::random::{Draw, Streams, mix};
use crate::base::time::{Span, Time};
use crate::engine::calendar::{Calendar, LaneId};
use crate::engine::slab::{Key, Slab};
use crate::scenario::plan::{Abandoned, Arrivals, Kind, Load, Plan, Target};
use crate::stats::gauge::Gauge;

/// What reaches a node at once. A process that hangs gets these when it goes on.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Signal {
    /// A call has arrived.
    Arrived(FrameKey),
    /// A worker is free for it.
    Granted(FrameKey),
    /// Its work is done.
    Worked(FrameKey),
    /// Its call has come back.
    Answered(FrameKey, u16, Reply),
    /// Its timer has run out.
    Timer(FrameKey, u16),
    /// It is over, and its caller gets this.
    Finish(FrameKey, Reply),
    /// Its caller is gone.
    Abandon(FrameKey),
    /// A health check begins or ends at a balancer.
    Probe(NodeId, u16, u16, bool),
}

/// What serving a request costs, drawn.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub struct Demand {
    /// On the host's cores.
    pub cpu: Span,
    /// Holding the worker only.
    pub io: Span,
}

/// What is wrong with a node just now. Each is a count or a list of the faults that are active, so that faults may
/// overlap and none resurrects what another holds down.
#[derive(Debug, Default)]
pub struct Condition {
    /// Crashes of the process.
    pub crashed: u32,
    /// Hangs.
    pub hung: u32,
    /// Factors by which everything takes longer.
    pub slow: Vec<f64>,
    /// Shares of answers that are errors.
    pub errors: Vec<f64>,
    /// Shares of calls that are dropped.
    pub drops: Vec<f64>,
    /// Signals that wait for a hang to end.
    pub backlog: VecDeque<Signal>,
}

impl Condition {
    /// By how much longer everything takes.
    pub fn slowdown(&self) -> f64 {
        self.slow.iter().product()
    }
}

/// A machine: whether it runs, and its shared cores if they are limited.
#[derive(Debug)]
pub struct Machine {
    /// Faults that hold it down.
    pub down: u32,
    /// Its cores; `None` = as many as there is work.
    pub host: Option<Host>,
    /// 1 while it runs.
    pub up: Gauge,
}

/// Counts of one node over the measured part of a run.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Calls that came.
    pub arrived: u64,
    /// Good answers given.
    pub served: u64,
    /// Calls turned away.
    pub refused: u64,
}

/// An answer that met a cut.
#[derive(Copy, Clone, Debug)]
struct Stuck {
    from: NodeId,
    to: FrameKey,
    call: u16,
    reply: Reply,
    tries: u32,
}

// Salts: what a draw of a frame is for, so that no two purposes share a word.
/// CPU demand.
pub const CPU: u64 = 1;
/// Time without a core.
pub const IO: u64 = 2;
/// Whether an answer is spoilt by a fault.
pub const SPOIL: u64 = 3;
/// TLS: resumed or not, and what it costs.
pub const TLS: u64 = 4;
/// How far a replica is behind.
pub const LAG: u64 = 5;
/// Whether a fault drops the call.
const DROP: u64 = 6;
/// What the network does to a call, and to its answer.
const CALL: u64 = 7;
const ANSWER: u64 = 8;

/// The part of the world that a node may touch.
pub struct Context<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// What happens when.
    pub calendar: Calendar<Event>,
    /// Everything in flight.
    pub frames: Slab<Frame>,
    /// What reaches a node at this very instant, in order.
    pub signals: VecDeque<Signal>,
    /// Who answers to a name.
    pub directory: Directory,
    /// What lies between hosts.
    pub wire: Wire<'p>,
    /// Where randomness comes from.
    pub streams: Streams,
    /// What is measured.
    pub record: Recorder,
    /// Workers and queues, one a node.
    pub stations: Vec<Station>,
    /// One a node.
    pub traffic: Vec<Traffic>,
    /// 1 while the node is up, one a node.
    pub up: Vec<Gauge>,
    /// One a node.
    pub conditions: Vec<Condition>,
    /// One a host.
    pub machines: Vec<Machine>,
    /// The rows of each source's arrival trace.
    rows: Vec<&'p [crate::scenario::plan::TraceRow]>,
    /// Answers that met a cut and will be sent again.
    stuck: Slab<Stuck>,
    /// Faults that are active just now: while there is none, nobody looks for their effects.
    pub troubles: u32,
    /// Frames that nobody waits for.
    pub orphans: u64,
    /// Is the run over, so that nothing new may begin?
    pub closing: bool,
    made: u64,
}

impl<'p> Context<'p> {
    /// The context at the start of a run.
    pub fn new(plan: &'p Plan, streams: Streams, record: Recorder) -> Context<'p> {
        let machine = |h: &crate::scenario::plan::Host| Machine {
            down: 0,
            host: h.cores.map(|c| Host::new(c, h.speed)),
            up: Gauge::new(1),
        };
        let rows = |s: &'p crate::scenario::plan::Source| match &s.load {
            Load::Open {
                arrivals: Arrivals::Trace { rows },
                ..
            } => &rows[..],
            _ => &[],
        };
        Context {
            plan,
            calendar: Calendar::new(plan.hosts.len()),
            frames: Slab::default(),
            signals: VecDeque::new(),
            directory: Directory::new(plan),
            wire: Wire::new(plan),
            streams,
            record,
            stations: plan.nodes.iter().map(|n| Station::new(n.workers, n.queue)).collect(),
            traffic: vec![Traffic::default(); plan.nodes.len()],
            up: vec![Gauge::new(1); plan.nodes.len()],
            conditions: plan.nodes.iter().map(|_| Condition::default()).collect(),
            machines: plan.hosts.iter().map(machine).collect(),
            rows: plan.sources.iter().map(rows).collect(),
            stuck: Slab::default(),
            troubles: 0,
            orphans: 0,
            closing: false,
            made: 0,
        }
    }

    /// The time it is.
    #[inline]
    pub fn now(&self) -> Time {
        self.calendar.now()
    }

    /// Schedules an event.
    #[inline]
    pub fn after(&mut self, span: Span, class: Class, event: Event) {
        let at = self.now() + span;
        self.calendar.at(at, class as u8, event);
    }

    // --- randomness -------------------------------------------------------------------------------------------------

    /// The draw that belongs to this frame at this node, for one purpose.
    #[inline]
    pub fn draw(&self, frame: &Frame, salt: u64) -> Draw {
        let label = self.plan.nodes[frame.node.index()].draws;
        Draw::keyed(mix(frame.seed, label.wrapping_add(salt)))
    }

    /// A length of time from a distribution, drawn for this frame.
    #[inline]
    pub fn sample(&self, dist: &Dist, frame: &Frame, salt: u64) -> Span {
        match dist {
            Dist::Constant(span) => *span,
            Dist::Trace(column) => self.traced(frame, *column),
            _ => dist.sample(&mut self.draw(frame, salt)),
        }
    }

    /// The same for what is not a node's work, under a key of its own.
    pub fn sample_keyed(&self, dist: &Dist, frame: &Frame, key: u64) -> Span {
        match dist {
            Dist::Trace(column) => self.traced(frame, *column),
            _ => dist.sample(&mut Draw::keyed(key)),
        }
    }

    fn traced(&self, frame: &Frame, column: u16) -> Span {
        let row = self.rows[frame.source.index()].get(frame.row as usize);
        row.and_then(|r| r.values.get(usize::from(column)))
            .copied()
            .unwrap_or(Span::ZERO)
    }

    /// What the frame's node charges for its operation.
    #[inline]
    pub fn own_demand(&self, key: FrameKey) -> Demand {
        let frame = &self.frames[key];
        let work = &self.plan.nodes[frame.node.index()].work[usize::from(frame.op)];
        Demand {
            cpu: self.sample(&work.cpu, frame, CPU),
            io: self.sample(&work.io, frame, IO),
        }
    }

    // --- components -------------------------------------------------------------------------------------------------

    /// Where a node runs.
    #[inline]
    pub fn host_of(&self, node: NodeId) -> Option<HostId> {
        self.plan.nodes.get(node.index()).map(|n| n.host)
    }

    /// Does the process run, on a machine that runs?
    #[inline]
    pub fn is_up(&self, node: NodeId) -> bool {
        self.troubles == 0 || self.is_up_in_trouble(node)
    }

    fn is_up_in_trouble(&self, node: NodeId) -> bool {
        self.conditions[node.index()].crashed == 0 && self.machine_is_up(node)
    }

    /// Does its machine run?
    pub fn machine_is_up(&self, node: NodeId) -> bool {
        self.machines[self.plan.nodes[node.index()].host.index()].down == 0
    }

    /// Does it hang? Clients never do.
    #[inline]
    pub fn hangs(&self, node: NodeId) -> bool {
        self.troubles > 0 && self.conditions.get(node.index()).is_some_and(|c| c.hung > 0)
    }

    // --- workers and cores ------------------------------------------------------------------------------------------

    /// Asks for a worker of the frame's node.
    #[inline]
    pub fn enter(&mut self, key: FrameKey) -> Entry {
        let now = self.now();
        let frame = &mut self.frames[key];
        let station = &mut self.stations[frame.node.index()];
        if station.is_unlimited() {
            return Entry::Granted;
        }
        let entry = station.enter(now, key);
        match entry {
            Entry::Granted => frame.worker = true,
            Entry::Queued => frame.doing = Doing::Queued(now),
            Entry::Full => {}
        }
        entry
    }

    /// Gives the frame's worker back; the next in line gets it.
    #[inline]
    pub fn leave(&mut self, key: FrameKey) {
        let frame = &mut self.frames[key];
        let node = frame.node;
        if std::mem::take(&mut frame.worker) {
            self.free_worker(node);
        }
    }

    /// A worker of this node is free; the next in line gets it.
    #[inline]
    pub fn free_worker(&mut self, node: NodeId) {
        let now = self.now();
        self.stations[node.index()].leave(now);
        self.call_next(node);
    }

    /// Hands free workers of a node to those who wait.
    pub fn call_next(&mut self, node: NodeId) {
        if self.closing || !self.is_up(node) {
            return;
        }
        let now = self.now();
        while let Some(key) = self.stations[node.index()].next(now, |k| self.frames.contains(k)) {
            self.take_worker(key);
            self.signals.push_back(Signal::Granted(key));
        }
    }

    /// A free worker is this frame's, from now on: should the frame end before it hears of it, the worker goes back with
    /// all else that it holds.
    fn take_worker(&mut self, key: FrameKey) {
        let now = self.now();
        let frame = &mut self.frames[key];
        if let Doing::Queued(since) = frame.doing {
            frame.waited = frame.waited + now.since(since);
        }
        frame.doing = Doing::Nothing;
        frame.worker = true;
    }

    /// Begins work at the frame's node. False where there is nothing to do: the caller goes on at once.
    #[inline]
    pub fn work(&mut self, key: FrameKey, demand: Demand) -> bool {
        let node = self.frames[key].node;
        let Demand { mut cpu, mut io } = demand;
        if self.troubles > 0 {
            let condition = &self.conditions[node.index()];
            let factor = condition.slowdown();
            (cpu, io) = (cpu.scaled(factor), io.scaled(factor));
            if condition.hung > 0 {
                self.frames[key].doing = Doing::Frozen { cpu, io };
                return true;
            }
        }
        self.begin(key, cpu, io)
    }

    /// Puts a frame on its host's cores, or into its time without one.
    pub fn begin(&mut self, key: FrameKey, cpu: Span, io: Span) -> bool {
        let now = self.now();
        let frame = &mut self.frames[key];
        let host = self.plan.nodes[frame.node.index()].host;
        if !cpu.is_zero() && self.machines[host.index()].host.is_some() {
            frame.timer = frame.timer.wrapping_add(1);
            frame.doing = Doing::Cpu { io };
            let job = Job {
                frame: key,
                serial: frame.timer,
            };
            if let Some(shared) = &mut self.machines[host.index()].host {
                shared.add(now, job, cpu);
            }
            self.reset_completion(host);
            return true;
        }
        // Cores without limit: nothing to share, so the time is known.
        let alone = if cpu.is_zero() {
            cpu
        } else {
            cpu.scaled(1.0 / self.plan.hosts[host.index()].speed)
        };
        let span = alone + io;
        if span.is_zero() {
            frame.doing = Doing::Nothing;
            return false;
        }
        frame.timer = frame.timer.wrapping_add(1);
        frame.doing = Doing::Busy { until: now + span };
        let serial = frame.timer;
        self.after(span, Class::Progress, Event::Done { frame: key, serial });
        true
    }

    /// Sets a host's one alarm to its next completion.
    pub fn reset_completion(&mut self, host: HostId) {
        let frames = &self.frames;
        let Some(shared) = &mut self.machines[host.index()].host else {
            return;
        };
        match shared.next(|job| runs(frames, job)) {
            Some(at) => self.calendar.set_alarm(host.index() as u32, at, Class::Progress as u8),
            None => self.calendar.clear_alarm(host.index() as u32),
        }
    }

    /// A host's alarm is due: its first job is done.
    pub fn completed(&mut self, host: HostId) {
        let now = self.now();
        let frames = &self.frames;
        let shared = self.machines[host.index()].host.as_mut();
        let job = shared.and_then(|s| s.complete(now, |job| runs(frames, job)));
        if let Some(job) = job {
            let frame = &mut self.frames[job.frame];
            let Doing::Cpu { io } = frame.doing else {
                unreachable!("a job on a core belongs to a frame on a core")
            };
            frame.doing = Doing::Nothing;
            if !self.begin(job.frame, Span::ZERO, io) {
                self.signals.push_back(Signal::Worked(job.frame));
            }
        }
        self.reset_completion(host);
    }

    // --- calls and replies ------------------------------------------------------------------------------------------

    /// Calls a target on behalf of a frame. `op` says what is asked of it, `seed` keys the draws over there, and
    /// `patience` is how long the caller waits for a connection.
    pub fn call(&mut self, caller: FrameKey, target: Target, op: u16, seed: u64, patience: Span) {
        let node = self.directory.resolve(self.plan, target);
        let now = self.now();
        let number = self.made;
        self.made += 1;
        let from = &mut self.frames[caller];
        from.calls = from.calls.wrapping_add(1);
        from.silent = false;
        let (from_node, call) = (from.node, from.calls);
        let callee = Frame {
            node,
            parent: caller,
            child: FrameKey::NONE,
            number,
            seed,
            entered: now,
            patience,
            waited: Span::ZERO,
            op,
            calls: 0,
            timer: 0,
            worker: false,
            silent: false,
            doing: Doing::OnTheWire,
            step: super::request::Step::Plain,
            ..*from
        };
        let key = self.frames.insert(callee);
        self.frames[caller].child = key;
        match self.passage(caller, from_node, node) {
            Passage::After(span) if span.is_zero() => self.signals.push_back(Signal::Arrived(key)),
            Passage::After(span) => self.after(span, Class::Progress, Event::Call(key)),
            Passage::Lost => self.fall_silent(key, caller, call),
        }
    }

    fn passage(&self, caller: FrameKey, from: NodeId, to: NodeId) -> Passage {
        // A lookup costs its own time and nothing else.
        if matches!(self.plan.node(to).kind, Kind::Dns(_)) {
            return Passage::After(Span::ZERO);
        }
        let key = || self.message_key(caller, to, CALL);
        self.wire.call(self.host_of(from), self.plan.node(to).host, key)
    }

    /// Keys what happens to a frame's current call to a node, or to its answer: each further call draws anew.
    fn message_key(&self, caller: FrameKey, to: NodeId, salt: u64) -> u64 {
        let Some(frame) = self.frames.get(caller) else { return 0 };
        let call = u64::from(frame.calls) << 32 | salt;
        mix(frame.seed, self.plan.node(to).draws.wrapping_add(call))
    }

    /// A call goes nowhere: the caller learns when its patience ends.
    fn fall_silent(&mut self, key: FrameKey, caller: FrameKey, call: u16) {
        let Some(frame) = self.frames.remove(key) else { return };
        if let Some(from) = self.frames.get_mut(caller) {
            from.silent = true;
            let at = (frame.entered + frame.patience).max(self.now());
            let reply = Reply {
                how: How::Silent,
                cause: Outcome::Unreachable,
            };
            self.calendar.at(
                at,
                Class::Timer as u8,
                Event::Reply {
                    to: caller,
                    call,
                    reply,
                },
            );
        }
    }

    /// A call has crossed the wire: is anybody there? If not, it ends here.
    pub fn knock(&mut self, key: FrameKey) -> bool {
        let Frame { node, parent, .. } = self.frames[key];
        self.traffic[node.index()].arrived += 1;
        if self.troubles == 0 || (self.is_up(node) && self.conditions[node.index()].drops.is_empty()) {
            self.frames[key].doing = Doing::Nothing;
            return true;
        }
        let call = self.frames.get(parent).map_or(0, |p| p.calls);
        let dropped = self.is_dropped(parent, node);
        if !self.machine_is_up(node) || dropped {
            self.traffic[node.index()].refused += 1;
            self.fall_silent(key, parent, call);
        } else if !self.is_up(node) {
            self.traffic[node.index()].refused += 1;
            self.frames.remove(key);
            self.deliver(node, parent, call, Reply::refused(Outcome::Refused), 0);
        } else {
            self.frames[key].doing = Doing::Nothing;
            return true;
        }
        false
    }

    fn is_dropped(&self, caller: FrameKey, node: NodeId) -> bool {
        let mut draw = Draw::keyed(self.message_key(caller, node, DROP));
        super::wire::happens(&self.conditions[node.index()].drops, &mut draw)
    }

    /// Turns a request away at the door: it was not served, and counts as refused here.
    pub fn turn_away(&mut self, key: FrameKey, reply: Reply) {
        self.traffic[self.frames[key].node.index()].refused += 1;
        self.frames[key].doing = Doing::TurnedAway;
        self.finish(key, reply);
    }

    /// Ends a request that was let in and then found no way on here: it counts as refused.
    pub fn refuse(&mut self, key: FrameKey, cause: Outcome) {
        self.traffic[self.frames[key].node.index()].refused += 1;
        self.finish(key, Reply::failed(cause));
    }

    /// The frame is over, and its caller gets this.
    #[inline]
    pub fn finish(&mut self, key: FrameKey, reply: Reply) {
        self.signals.push_back(Signal::Finish(key, reply));
    }

    /// The frame waits no longer for the call it made.
    pub fn hang_up(&mut self, key: FrameKey) {
        let frame = &mut self.frames[key];
        // An answer on its way finds that nobody waits for it.
        frame.calls = frame.calls.wrapping_add(1);
        frame.silent = false;
        let child = std::mem::replace(&mut frame.child, FrameKey::NONE);
        if self.frames.contains(child) {
            // At once, and not when it hears of it: it may be about to answer, and would be taken for the next call.
            self.orphan(child);
            self.signals.push_back(Signal::Abandon(child));
        }
    }

    /// From now on nobody waits for this frame.
    pub fn orphan(&mut self, key: FrameKey) {
        if let Some(frame) = self.frames.get_mut(key)
            && frame.parent != FrameKey::NONE
        {
            frame.parent = FrameKey::NONE;
            self.orphans += 1;
        }
    }

    /// Sends an answer over the wire. `tries` counts how often it met a cut.
    pub fn deliver(&mut self, from: NodeId, to: FrameKey, call: u16, reply: Reply, tries: u32) {
        let Some(caller) = self.frames.get(to) else { return };
        let (here, there) = (self.host_of(from), self.host_of(caller.node));
        if matches!(self.plan.node(from).kind, Kind::Dns(_)) {
            self.signals.push_back(Signal::Answered(to, call, reply));
            return;
        }
        if self.wire.is_cut(here, there) {
            return self.deliver_later(from, to, call, reply, tries);
        }
        let span = self.wire.answer(here, there, || self.message_key(to, from, ANSWER));
        if span.is_zero() {
            self.signals.push_back(Signal::Answered(to, call, reply));
        } else {
            self.after(span, Class::Progress, Event::Reply { to, call, reply });
        }
    }

    /// An answer meets a cut: TCP sends it again, with pauses that double, until it gives up.
    fn deliver_later(&mut self, from: NodeId, to: FrameKey, call: u16, reply: Reply, tries: u32) {
        if tries < super::wire::RETRANSMISSIONS {
            let stuck = self.stuck.insert(Stuck {
                from,
                to,
                call,
                reply,
                tries: tries + 1,
            });
            self.after(Wire::pause_before(tries), Class::Progress, Event::Resend(stuck));
        }
    }

    /// An answer that met a cut is sent again.
    pub fn resend(&mut self, key: Key) {
        if let Some(Stuck {
            from,
            to,
            call,
            reply,
            tries,
        }) = self.stuck.remove(key)
        {
            self.deliver(from, to, call, reply, tries);
        }
    }

    /// Does the call that the frame waits for meet silence, behind nothing but firewalls? Those are no party to it: what
    /// lies behind them that does not answer, the caller meets itself.
    pub fn meets_silence(&self, key: FrameKey) -> bool {
        let mut next = key;
        while let Some(frame) = self.frames.get(next) {
            if frame.silent {
                return true;
            }
            let child = self.frames.get(frame.child);
            if !child.is_some_and(|c| matches!(self.plan.node(c.node).kind, Kind::Firewall(_))) {
                return false;
            }
            next = frame.child;
        }
        false
    }

    // --- timers -----------------------------------------------------------------------------------------------------

    /// Sets the frame's timer; the one before is out of date.
    pub fn set_timer(&mut self, key: FrameKey, span: Span) {
        let frame = &mut self.frames[key];
        frame.timer = frame.timer.wrapping_add(1);
        let serial = frame.timer;
        self.after(span, Class::Timer, Event::Timer { frame: key, serial });
    }

    /// Sets the frame's timer to the lane's length.
    #[inline]
    pub fn set_timer_in(&mut self, key: FrameKey, lane: LaneId) {
        let frame = &mut self.frames[key];
        frame.timer = frame.timer.wrapping_add(1);
        let serial = frame.timer;
        self.calendar.in_lane(lane, Event::Timer { frame: key, serial });
    }

    /// The frame's timer is out of date.
    #[inline]
    pub fn clear_timer(&mut self, key: FrameKey) {
        let frame = &mut self.frames[key];
        frame.timer = frame.timer.wrapping_add(1);
    }

    /// A lane for time-outs of this length.
    pub fn open_lane(&mut self, length: Span) -> LaneId {
        self.calendar.open_lane(length, Class::Timer as u8)
    }

    // --- notes ------------------------------------------------------------------------------------------------------

    /// A note for the event log.
    pub fn note(&mut self, what: &str, target: impl FnOnce(&Plan) -> String) {
        let at = self.now();
        let plan = self.plan;
        self.record.note(at, what, || target(plan));
    }

    /// Puts the wish of a client into flight.
    pub fn insert_root(&mut self, mut frame: Frame) -> FrameKey {
        frame.number = self.made;
        self.made += 1;
        let key = self.frames.insert(frame);
        self.frames[key].root = key;
        self.record.offered(key, &self.frames[key]);
        key
    }

    /// What becomes of work at a node whose caller gave up.
    pub fn abandoned(&self, node: NodeId) -> Abandoned {
        self.plan
            .nodes
            .get(node.index())
            .map_or(Abandoned::Stop, |n| n.abandoned)
    }
}

/// Is this job still what its frame is doing?
#[inline]
pub fn runs(frames: &Slab<Frame>, job: Job) -> bool {
    frames
        .get(job.frame)
        .is_some_and(|f| f.timer == job.serial && matches!(f.doing, Doing::Cpu { .. }))
}
