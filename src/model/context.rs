//! What a node may do: look at the clock, draw, call, reply, use workers and cores, set a timer, note what happened.
//!
//! Nothing here acts on another node directly. What must reach one becomes an event (it takes time) or a [`Signal`] (it
//! does not), and the [world](super::world) carries it there.

use std::collections::VecDeque;

use super::calls::Stuck;
use super::directory::Directory;
use super::event::{Class, Event};
use super::host::{Host, Job};
use super::node::Tending;
use super::packed::Packed;
use super::recorder::Recorder;
use super::request::{Doing, Frame, FrameKey};
use super::short::Short;
use super::signal::{Signal, Signals};
use super::station::{Entry, Station};
use super::wire::{self, End, Wire};
use crate::base::dist::Dist;
use crate::base::ids::{HostId, NodeId};
use crate::base::random::{Draw, Streams, mix};
use crate::base::time::{Span, Time};
use crate::engine::calendar::{Calendar, LaneId};
use crate::engine::slab::Slab;
use crate::scenario::plan::{Abandoned, Arrivals, Load, Plan};
use crate::stats::gauge::Gauge;

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
    /// Shares of answers that never come: the connection is closed instead.
    pub empties: Vec<f64>,
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
    /// Good answers that nobody waited for any more.
    pub orphaned: u64,
    /// Calls turned away.
    pub refused: u64,
    /// Calls that found the node up, by what they ask for.
    pub asked: Vec<u64>,
}

impl Traffic {
    /// Nothing yet, of a node that can be asked for so many things.
    pub fn of(operations: usize) -> Traffic {
        Traffic {
            asked: vec![0; operations],
            ..Traffic::default()
        }
    }

    /// A call found the node up.
    #[inline]
    pub fn ask(&mut self, op: u16) {
        if let Some(asked) = self.asked.get_mut(usize::from(op)) {
            *asked += 1;
        }
    }
}

// Salts: what a draw of a frame is for, so that no two purposes share a word.
/// CPU demand.
pub const CPU: u64 = 1;
/// Time without a core.
pub const IO: u64 = 2;
/// TLS: resumed or not, and what it costs.
pub const TLS: u64 = 4;
/// How far a replica is behind.
pub const LAG: u64 = 5;
/// How long a replica works on a write.
pub const APPLY: u64 = 16;
/// Whether a cache has the answer.
pub const CACHE: u64 = 15;

/// The part of the world that a node may touch.
pub struct Context<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// What happens when.
    pub calendar: Calendar<Packed>,
    /// Everything in flight.
    pub frames: Slab<Frame>,
    /// What reaches a node at this very instant, in order.
    pub signals: Signals,
    /// Who answers to a name.
    pub directory: Directory,
    /// What lies between hosts.
    pub wire: Wire<'p>,
    /// Of each node, the clients behind the plan's own: where it is, as seen from the wire.
    pub(super) ends: Vec<End>,
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
    /// Which calls may go the short way, one a node.
    pub(super) short: Vec<Short>,
    /// Answers that met a cut and will be sent again.
    pub(super) stuck: Slab<Stuck>,
    /// Faults that are active just now: while there is none, nobody looks for their effects.
    pub troubles: u32,
    /// Is the run over, so that nothing new may begin?
    pub closing: bool,
    pub(super) made: u64,
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
            signals: Signals::default(),
            directory: Directory::new(plan),
            wire: Wire::new(plan),
            ends: wire::ends(plan),
            streams,
            record,
            stations: plan.nodes.iter().map(|n| Station::new(n.workers, n.queue)).collect(),
            traffic: plan.nodes.iter().map(|n| Traffic::of(n.work.len())).collect(),
            up: vec![Gauge::new(1); plan.nodes.len()],
            conditions: plan.nodes.iter().map(|_| Condition::default()).collect(),
            machines: plan.hosts.iter().map(machine).collect(),
            rows: plan.sources.iter().map(rows).collect(),
            short: plan.nodes.iter().map(Short::of).collect(),
            stuck: Slab::default(),
            troubles: 0,
            closing: false,
            made: 0,
        }
    }

    /// The time it is.
    #[inline]
    pub fn now(&self) -> Time {
        self.calendar.now()
    }

    /// In `span`, `balancer` looks after one of its servers.
    pub fn tend_after(&mut self, balancer: NodeId, server: usize, turn: u16, span: Span, what: Tending) {
        let event = Event::Tend {
            balancer,
            server: server as u16,
            turn,
            what,
        };
        self.after(span, Class::Probe, event);
    }

    /// Schedules an event.
    #[inline]
    pub fn after(&mut self, span: Span, class: Class, event: Event) {
        let at = self.now() + span;
        self.calendar.at(at, class as u8, event.pack());
    }

    // --- randomness -------------------------------------------------------------------------------------------------

    /// The draw that belongs to this frame at this node, for one purpose.
    #[inline]
    pub fn draw(&self, frame: &Frame, salt: u64) -> Draw {
        Draw::keyed(self.draw_key(frame, salt))
    }

    #[inline]
    fn draw_key(&self, frame: &Frame, salt: u64) -> u64 {
        let label = self.plan.nodes[frame.node.index()].draws;
        mix(frame.seed, label.wrapping_add(salt))
    }

    /// A length of time from a distribution, drawn for this frame.
    #[inline]
    pub fn sample(&self, dist: &Dist, frame: &Frame, salt: u64) -> Span {
        match dist {
            Dist::Constant(span) => *span,
            _ => self.sample_keyed(dist, frame, self.draw_key(frame, salt)),
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
        let row = self.rows[frame.wish.source.index()].get(frame.wish.row as usize);
        row.and_then(|r| r.values.get(usize::from(column)))
            .copied()
            .unwrap_or(Span::ZERO)
    }

    /// What the frame's node charges for its operation.
    #[inline(always)]
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

    /// Does what a primary commits reach this replica?
    pub fn follows(&self, replica: NodeId, primary: NodeId) -> bool {
        let (here, there) = (self.plan.node(replica).host, self.plan.node(primary).host);
        let joined = !self.wire.is_cut(Some(there), Some(here)) && !self.wire.is_cut(Some(here), Some(there));
        joined && self.is_up(primary) && self.is_up(replica) && !self.hangs(replica)
    }

    // --- workers and cores ------------------------------------------------------------------------------------------

    /// Asks for a worker of the frame's node.
    #[inline(always)]
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
        let station = &mut self.stations[node.index()];
        if !station.anybody_waits() || self.closing || self.troubles > 0 {
            station.leave(now);
            if station.anybody_waits() {
                self.call_next(node);
            }
        } else if let Some(next) = station.pass_on(now, |k| self.frames.contains(k)) {
            self.grant(next, node);
        }
    }

    /// Hands free workers of a node to those who wait.
    pub fn call_next(&mut self, node: NodeId) {
        if self.closing || !self.is_up(node) {
            return;
        }
        let now = self.now();
        while let Some(key) = self.stations[node.index()].next(now, |k| self.frames.contains(k)) {
            self.grant(key, node);
        }
    }

    /// A worker of this node is now the frame's, which has waited for one.
    #[inline]
    fn grant(&mut self, key: FrameKey, node: NodeId) {
        self.take_worker(key);
        if !self.step_in(key, node) {
            self.signals.push(Signal::Granted(key));
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

    /// Begins the frame's own work at its node, as `work`.
    pub fn own_work(&mut self, key: FrameKey) -> bool {
        let demand = self.own_demand(key);
        self.work(key, demand)
    }

    /// Begins work at the frame's node. False where there is nothing to do: the caller goes on at once.
    #[inline(always)]
    pub fn work(&mut self, key: FrameKey, demand: Demand) -> bool {
        if demand == Demand::default() && self.troubles == 0 {
            return false;
        }
        let Demand { mut cpu, mut io } = demand;
        if self.troubles > 0 {
            let node = self.frames[key].node;
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
    #[inline(always)]
    pub fn begin(&mut self, key: FrameKey, cpu: Span, io: Span) -> bool {
        let now = self.now();
        let frame = &mut self.frames[key];
        let host = self.plan.nodes[frame.node.index()].host;
        if !cpu.is_zero()
            && let Some(cores) = &mut self.machines[host.index()].host
        {
            frame.timer = frame.timer.wrapping_add(1);
            frame.doing = Doing::Cpu { io };
            let serial = frame.timer;
            match cores.start(now, Job { frame: key, serial }, cpu) {
                // It has a core to itself: when it is done is known.
                Some(until) => {
                    let done = Event::Done { frame: key, serial };
                    self.calendar.at(until, Class::Progress as u8, done.pack());
                }
                None => self.join(host, Job { frame: key, serial }, cpu),
            }
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

    /// Puts a job among those that share its host's cores.
    #[inline(never)]
    fn join(&mut self, host: HostId, job: Job, cpu: Span) {
        self.share(host);
        let now = self.now();
        if let Some(cores) = &mut self.machines[host.index()].host {
            cores.add(now, job, cpu);
        }
        self.reset_completion(host);
    }

    /// The jobs of a host share its cores from now on.
    #[cold]
    pub fn share(&mut self, host: HostId) {
        let (now, frames) = (self.now(), &mut self.frames);
        if let Some(cores) = &mut self.machines[host.index()].host {
            // The job of a frame that is just ending stays what it is: about to be taken off.
            cores.share(now, |job| match frames.get_mut(job.frame) {
                Some(frame) => {
                    frame.timer = frame.timer.wrapping_add(1);
                    let serial = frame.timer;
                    Job { serial, ..job }
                }
                None => job,
            });
        }
    }

    /// A frame has had its time, on a core of its own or without one: has it no more to do?
    #[inline]
    pub fn done(&mut self, key: FrameKey) -> bool {
        let now = self.now();
        let frame = &mut self.frames[key];
        let Doing::Cpu { io } = std::mem::replace(&mut frame.doing, Doing::Nothing) else {
            return true;
        };
        let host = self.plan.nodes[frame.node.index()].host;
        if let Some(cores) = &mut self.machines[host.index()].host {
            cores.leave(now, key);
        }
        !self.begin(key, Span::ZERO, io)
    }

    /// Sets a host's one alarm to the next completion of those that share.
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

    /// A host's alarm is due: its first job is done. The frame whose work that was, unless it goes on without a core.
    pub fn completed(&mut self, host: HostId) -> Option<FrameKey> {
        let now = self.now();
        let frames = &self.frames;
        let shared = self.machines[host.index()].host.as_mut();
        let job = shared.and_then(|s| s.complete(now, |job| runs(frames, job)));
        let goes_on = job.is_some_and(|job| {
            let frame = &mut self.frames[job.frame];
            let Doing::Cpu { io } = frame.doing else {
                unreachable!("a job on a core belongs to a frame on a core")
            };
            frame.doing = Doing::Nothing;
            self.begin(job.frame, Span::ZERO, io)
        });
        self.reset_completion(host);
        job.filter(|_| !goes_on).map(|job| job.frame)
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
        self.calendar.in_lane(lane, Event::Timer { frame: key, serial }.pack());
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
    #[cold]
    pub fn note(&mut self, what: &str, target: impl FnOnce(&Plan) -> String) {
        let at = self.now();
        let plan = self.plan;
        self.record.note(at, what, || target(plan));
    }

    /// Puts the wish of a client into flight, made where it will lie with its key and its number.
    #[inline]
    pub fn insert_root(&mut self, make: impl FnOnce(FrameKey, u64) -> Frame) -> FrameKey {
        let number = self.made;
        self.made += 1;
        let key = self.frames.insert_with(|root| make(root, number));
        self.record.offered(key, self.now(), |key| &self.frames[key]);
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
