//! What a node works with: the clock, draws, calls, replies, workers and cores, timers, the event log.
//!
//! A node never calls another node. What must reach one becomes an event (it takes time) or a [`Signal`] (it does not),
//! and the [world](super::world) carries it there. The public fields cover all nodes; by convention a node touches only
//! its own entries.

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

/// What serving a request costs: one draw.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub struct Demand {
    /// CPU time on the host's cores.
    pub cpu: Span,
    /// Time that holds the worker but no core.
    pub io: Span,
}

/// What is wrong with a node at present. Each field counts or lists the active faults, so that faults may overlap and
/// the end of one does not undo another.
#[derive(Debug, Default)]
pub struct Condition {
    /// Active crashes of the process.
    pub crashed: u32,
    /// Active hangs.
    pub hung: u32,
    /// Factors by which everything takes longer.
    pub slow: Vec<f64>,
    /// Shares of answers that are errors.
    pub errors: Vec<f64>,
    /// Shares of answers that never come: the connection is closed instead.
    pub empties: Vec<f64>,
    /// Shares of calls that are dropped.
    pub drops: Vec<f64>,
    /// Signals kept until the hang ends.
    pub backlog: VecDeque<Signal>,
}

impl Condition {
    /// The product of all active slowdown factors.
    pub fn slowdown(&self) -> f64 {
        self.slow.iter().product()
    }
}

/// A machine: whether it runs, and its shared cores if they are limited.
#[derive(Debug)]
pub struct Machine {
    /// Active faults that hold it down.
    pub down: u32,
    /// Its cores; `None`: unlimited.
    pub host: Option<Host>,
    /// 1 while it runs.
    pub up: Gauge,
}

/// Counters of one node over the measured part of a run.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Calls that arrived.
    pub arrived: u64,
    /// Good answers given.
    pub served: u64,
    /// Good answers whose caller had already given up.
    pub orphaned: u64,
    /// Calls turned away.
    pub refused: u64,
    /// Calls that found the node up, by operation.
    pub asked: Vec<u64>,
}

impl Traffic {
    /// All zero, for a node with this many operations.
    pub fn of(operations: usize) -> Traffic {
        Traffic {
            asked: vec![0; operations],
            ..Traffic::default()
        }
    }

    /// Counts a call that found the node up.
    #[inline]
    pub fn ask(&mut self, op: u16) {
        if let Some(asked) = self.asked.get_mut(usize::from(op)) {
            *asked += 1;
        }
    }
}

// Salts of draws that belong to a frame's work. `calls`, the balancer and others define more; salts have to differ only
// under the same key.
/// CPU demand.
pub const CPU: u64 = 1;
/// Time without a core.
pub const IO: u64 = 2;
/// TLS: resumed or not, and what it costs.
pub const TLS: u64 = 4;
/// Lag of a replica.
pub const LAG: u64 = 5;
/// Time a replica takes to apply a write.
pub const APPLY: u64 = 16;
/// Cache hit or miss.
pub const CACHE: u64 = 15;

/// Everything in the world except the nodes themselves; see the module's text for what a node may touch.
pub struct Context<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// The pending events, and the clock.
    pub calendar: Calendar<Packed>,
    /// Every frame in flight.
    pub frames: Slab<Frame>,
    /// What reaches a node at this instant, in order.
    pub signals: Signals,
    /// Resolves targets (virtual IPs, databases) to nodes.
    pub directory: Directory,
    /// The network between hosts.
    pub wire: Wire<'p>,
    /// The host of each node, as the wire sees it; the clients follow the plan's nodes.
    pub(super) ends: Vec<End>,
    /// The run's random streams.
    pub streams: Streams,
    /// What is recorded.
    pub record: Recorder,
    /// Workers and queues, one per node.
    pub stations: Vec<Station>,
    /// One per node.
    pub traffic: Vec<Traffic>,
    /// 1 while the node is up; one per node.
    pub up: Vec<Gauge>,
    /// One per node.
    pub conditions: Vec<Condition>,
    /// One per host.
    pub machines: Vec<Machine>,
    /// The rows of each source's arrival trace.
    rows: Vec<&'p [crate::scenario::plan::TraceRow]>,
    /// Which calls may take the short way; one per node.
    pub(super) short: Vec<Short>,
    /// Answers stopped by a cut, to be sent again.
    pub(super) stuck: Slab<Stuck>,
    /// Number of active faults. At zero, the effects of faults are not looked for.
    pub troubles: u32,
    /// Whether the run is over and nothing new may begin.
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

    /// The current simulated time.
    #[inline]
    pub fn now(&self) -> Time {
        self.calendar.now()
    }

    /// Schedules a balancer's maintenance of one of its servers, `span` from now.
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

    /// The draw for this frame at this node and one purpose.
    #[inline]
    pub fn draw(&self, frame: &Frame, salt: u64) -> Draw {
        Draw::keyed(self.draw_key(frame, salt))
    }

    #[inline]
    fn draw_key(&self, frame: &Frame, salt: u64) -> u64 {
        let label = self.plan.nodes[frame.node.index()].draws;
        mix(frame.seed, label.wrapping_add(salt))
    }

    /// A time drawn from a distribution for this frame.
    #[inline]
    pub fn sample(&self, dist: &Dist, frame: &Frame, salt: u64) -> Span {
        match dist {
            Dist::Constant(span) => *span,
            _ => self.sample_keyed(dist, frame, self.draw_key(frame, salt)),
        }
    }

    /// The same under another key, for what is not a node's work.
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

    /// What this operation costs at the frame's node.
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

    /// The host a node runs on; `None` for clients.
    #[inline]
    pub fn host_of(&self, node: NodeId) -> Option<HostId> {
        self.plan.nodes.get(node.index()).map(|n| n.host)
    }

    /// Whether the process and its machine are up.
    #[inline]
    pub fn is_up(&self, node: NodeId) -> bool {
        self.troubles == 0 || self.is_up_in_trouble(node)
    }

    fn is_up_in_trouble(&self, node: NodeId) -> bool {
        self.conditions[node.index()].crashed == 0 && self.machine_is_up(node)
    }

    /// Whether its machine is up.
    pub fn machine_is_up(&self, node: NodeId) -> bool {
        self.machines[self.plan.nodes[node.index()].host.index()].down == 0
    }

    /// Whether it hangs. Clients never do.
    #[inline]
    pub fn hangs(&self, node: NodeId) -> bool {
        self.troubles > 0 && self.conditions.get(node.index()).is_some_and(|c| c.hung > 0)
    }

    /// Whether what this primary commits reaches this replica.
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

    /// Frees a worker of this node; the next in line gets it.
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

    /// Gives free workers of a node to waiting frames.
    pub fn call_next(&mut self, node: NodeId) {
        if self.closing || !self.is_up(node) {
            return;
        }
        let now = self.now();
        while let Some(key) = self.stations[node.index()].next(now, |k| self.frames.contains(k)) {
            self.grant(key, node);
        }
    }

    /// Gives a worker of this node to a frame that waited for one.
    #[inline]
    fn grant(&mut self, key: FrameKey, node: NodeId) {
        self.take_worker(key);
        if !self.step_in(key, node) {
            self.signals.push(Signal::Granted(key));
        }
    }

    /// The worker belongs to the frame from now on. If the frame ends before it is told, the worker is given back with
    /// the rest.
    fn take_worker(&mut self, key: FrameKey) {
        let now = self.now();
        let frame = &mut self.frames[key];
        if let Doing::Queued(since) = frame.doing {
            frame.waited = frame.waited + now.since(since);
        }
        frame.doing = Doing::Nothing;
        frame.worker = true;
    }

    /// Begins the frame's own work at its node; see `work`.
    pub fn own_work(&mut self, key: FrameKey) -> bool {
        let demand = self.own_demand(key);
        self.work(key, demand)
    }

    /// Begins work at the frame's node. False if there is nothing to do; the caller then goes on at once.
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

    /// Puts a frame on its host's cores, or starts its time off the cores. False if there is nothing to do.
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
                // It has a core to itself, so its end is known.
                Some(until) => {
                    let done = Event::Done { frame: key, serial };
                    self.calendar.at(until, Class::Progress as u8, done.pack());
                }
                None => self.join(host, Job { frame: key, serial }, cpu),
            }
            return true;
        }
        // Unlimited cores are not shared, so the end is known.
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

    /// Adds a job to those that share the host's cores.
    #[inline(never)]
    fn join(&mut self, host: HostId, job: Job, cpu: Span) {
        self.share(host);
        let now = self.now();
        if let Some(cores) = &mut self.machines[host.index()].host {
            cores.add(now, job, cpu);
        }
        self.reset_completion(host);
    }

    /// From now on the host's jobs share its cores.
    #[cold]
    pub fn share(&mut self, host: HostId) {
        let (now, frames) = (self.now(), &mut self.frames);
        if let Some(cores) = &mut self.machines[host.index()].host {
            // The job of a frame that is just ending keeps its serial: it is about to be removed.
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

    /// A frame's time on a core of its own, or off the cores, is over. True if no work is left.
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

    /// Sets the host's one alarm to the next completion among the jobs that share.
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

    /// The host's alarm is due and its first job is done. Returns the job's frame, unless that goes on off the cores.
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

    /// Sets the frame's timer and invalidates the previous one.
    pub fn set_timer(&mut self, key: FrameKey, span: Span) {
        let frame = &mut self.frames[key];
        frame.timer = frame.timer.wrapping_add(1);
        let serial = frame.timer;
        self.after(span, Class::Timer, Event::Timer { frame: key, serial });
    }

    /// Sets the frame's timer to the lane's length and invalidates the previous one.
    #[inline]
    pub fn set_timer_in(&mut self, key: FrameKey, lane: LaneId) {
        let frame = &mut self.frames[key];
        frame.timer = frame.timer.wrapping_add(1);
        let serial = frame.timer;
        self.calendar.in_lane(lane, Event::Timer { frame: key, serial }.pack());
    }

    /// Invalidates the frame's timer.
    #[inline]
    pub fn clear_timer(&mut self, key: FrameKey) {
        let frame = &mut self.frames[key];
        frame.timer = frame.timer.wrapping_add(1);
    }

    /// A lane for time-outs of this length: they expire in the order they are set.
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

    /// Inserts a client's wish, built in place from its key and number.
    #[inline]
    pub fn insert_root(&mut self, make: impl FnOnce(FrameKey, u64) -> Frame) -> FrameKey {
        let number = self.made;
        self.made += 1;
        let key = self.frames.insert_with(|root| make(root, number));
        self.record.offered(key, self.now(), |key| &self.frames[key]);
        key
    }

    /// What happens to work at a node whose caller gave up.
    pub fn abandoned(&self, node: NodeId) -> Abandoned {
        self.plan
            .nodes
            .get(node.index())
            .map_or(Abandoned::Stop, |n| n.abandoned)
    }
}

/// Whether the job is still what its frame is doing.
#[inline]
pub fn runs(frames: &Slab<Frame>, job: Job) -> bool {
    frames
        .get(job.frame)
        .is_some_and(|f| f.timer == job.serial && matches!(f.doing, Doing::Cpu { .. }))
}
