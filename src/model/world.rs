//! The world: one run, from the first arrival to the books that balance.
//!
//! `dispatch` is where everything that can happen does; `end` is the only door out for a request. Time advances in
//! [`Calendar::next`](crate::engine::calendar::Calendar::next) and nowhere else.

use super::context::{Context, Signal};
use super::event::{Class, Event};
use super::node::Node;
use super::node::client::Client;
use super::recorder::{Recorder, RunRecord, Wanted};
use super::request::{Doing, Frame, FrameKey, Outcome, Reply};
use super::settings::Settings;
use crate::base::ids::{HostId, NodeId, SourceId};
use crate::base::limits;
use crate::base::random::Streams;
use crate::base::time::{Span, Time};
use crate::engine::calendar::Due;
use crate::failure::Timeline;
use crate::scenario::plan::{Abandoned, Plan};

/// What one run is asked to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// The study's seed.
    pub seed: u64,
    /// Which replication.
    pub replication: u32,
    /// Requests that arrive before this are left out of the estimates.
    pub warmup: Span,
    /// Do lifetimes act, besides the scheduled faults?
    pub lifetimes: bool,
    /// What to record beyond the usual.
    pub wanted: Wanted,
}

/// The books of a run do not balance: a defect of this program, never of a scenario. The run's numbers are worthless.
#[derive(Debug, thiserror::Error)]
#[error("the books of replication {replication} (seed {seed}) do not balance: {what}")]
pub struct Imbalance {
    seed: u64,
    replication: u32,
    what: String,
}

/// Everything that is simulated.
pub(super) struct World<'p> {
    pub(super) plan: &'p Plan,
    pub(super) cx: Context<'p>,
    /// The plan's nodes, then the clients of each source.
    pub(super) nodes: Vec<Node<'p>>,
    pub(super) timeline: Timeline<'p>,
    /// What `set` faults have changed.
    pub(super) settings: Settings<'p>,
    pub(super) horizon: Time,
    pub(super) stale: u64,
}

/// Simulates one replication of a plan. `stop` is asked now and then whether to give up; then there is no record.
///
/// # Errors
/// If the books do not balance at the end.
pub fn run(plan: &Plan, order: &Order, stop: &(dyn Fn() -> bool + Sync)) -> Result<Option<RunRecord>, Imbalance> {
    let mut world = World::new(plan, order);
    let overflowed = match world.advance(stop) {
        Progress::Stopped => return Ok(None),
        Progress::Done => None,
        Progress::Overflowed => Some(world.cx.now()),
    };
    let imbalance = |what| Imbalance {
        seed: order.seed,
        replication: order.replication,
        what,
    };
    let record = world.close(order, overflowed).map_err(imbalance)?;
    Ok(Some(record))
}

enum Progress {
    Done,
    Stopped,
    Overflowed,
}

/// How many events pass between two looks at what must not get out of hand.
const CHECKED_EVERY: u64 = 1 << 14;

impl<'p> World<'p> {
    fn new(plan: &'p Plan, order: &Order) -> World<'p> {
        let streams = Streams::new(order.seed, order.replication);
        let record = Recorder::new(plan, Time::ZERO + order.warmup, order.wanted.clone());
        let mut cx = Context::new(plan, streams, record);
        let mut nodes: Vec<Node<'p>> = (0..plan.nodes.len())
            .map(|i| Node::new(plan, NodeId::new(i), &mut cx))
            .collect();
        for i in 0..plan.sources.len() {
            let me = NodeId::new(plan.nodes.len() + i);
            nodes.push(Node::Client(Client::new(plan, SourceId::new(i), me, &mut cx)));
        }
        let timeline = Timeline::new(plan, &streams, order.lifetimes);
        let horizon = Time::ZERO + plan.duration;
        let mut world = World {
            plan,
            cx,
            nodes,
            timeline,
            settings: Settings::default(),
            horizon,
            stale: 0,
        };
        world.begin(order);
        world
    }

    fn begin(&mut self, order: &Order) {
        for node in &mut self.nodes {
            node.behaviour().started(&mut self.cx);
            if let Node::Client(client) = node {
                client.begin(&mut self.cx);
            }
        }
        if !order.warmup.is_zero() {
            self.cx.after(order.warmup, Class::Change, Event::Measure);
        }
        self.schedule_change();
    }

    fn advance(&mut self, stop: &(dyn Fn() -> bool + Sync)) -> Progress {
        loop {
            for _ in 0..CHECKED_EVERY {
                let frames = &self.cx.frames;
                let live = |event: &Event| match *event {
                    Event::Timer { frame, serial } => frames.get(frame).is_some_and(|f| f.timer == serial),
                    Event::GiveUp(frame) => frames.contains(frame),
                    _ => true,
                };
                match self.cx.calendar.next(self.horizon, live) {
                    None => return Progress::Done,
                    Some(due) => self.dispatch(due),
                }
                self.settle();
            }
            if stop() {
                return Progress::Stopped;
            }
            if self.cx.frames.len() > limits::IN_FLIGHT {
                return Progress::Overflowed;
            }
        }
    }

    /// Everything that can happen, and where it goes.
    fn dispatch(&mut self, due: Due<Event>) {
        let event = match due {
            Due::Alarm(host) => return self.cx.completed(HostId::new(host as usize)),
            Due::Event(event) => event,
        };
        if self.is_stale(event) {
            self.stale += 1;
            return;
        }
        match event {
            Event::Change => self.change(),
            Event::Call(frame) => self.cx.signals.push_back(Signal::Arrived(frame)),
            Event::Reply { to, call, reply } => self.cx.signals.push_back(Signal::Answered(to, call, reply)),
            Event::Resend(answer) => self.cx.resend(answer),
            Event::Done { frame, .. } => self.done(frame),
            Event::Timer { frame, serial } => self.cx.signals.push_back(Signal::Timer(frame, serial)),
            Event::GiveUp(frame) => self.client_of(frame, Client::give_up),
            Event::Arrive(source) => self.client(source, |client, cx| client.arrive(cx)),
            Event::Wish { source, user } => self.client(source, |client, cx| client.ask(cx, user)),
            Event::Tend {
                balancer,
                server,
                turn,
                what,
            } => self.cx.signals.push_back(Signal::Tend(balancer, server, turn, what)),
            Event::TakeOver { vip, epoch } => self.take_over(vip, epoch),
            Event::Promote {
                database,
                epoch,
                noticed,
            } => self.promote(database, epoch, noticed),
            Event::Measure => self.measure(),
        }
    }

    /// Is the event about something that is gone? The one place where such events are dropped.
    fn is_stale(&self, event: Event) -> bool {
        let frames = &self.cx.frames;
        match event {
            Event::Call(frame) | Event::GiveUp(frame) => !frames.contains(frame),
            Event::Reply { to, call, .. } => frames.get(to).is_none_or(|f| f.calls != call),
            Event::Timer { frame, serial } | Event::Done { frame, serial } => {
                frames.get(frame).is_none_or(|f| f.timer != serial)
            }
            _ => false,
        }
    }

    fn done(&mut self, frame: FrameKey) {
        self.cx.frames[frame].doing = Doing::Nothing;
        self.cx.signals.push_back(Signal::Worked(frame));
    }

    fn client(&mut self, source: SourceId, act: impl FnOnce(&mut Client<'p>, &mut Context<'p>)) {
        let Node::Client(client) = &mut self.nodes[self.plan.nodes.len() + source.index()] else {
            unreachable!("behind the plan's nodes stand the clients")
        };
        act(client, &mut self.cx);
    }

    pub(super) fn client_of(&mut self, wish: FrameKey, act: impl FnOnce(&mut Client<'p>, &mut Context<'p>, FrameKey)) {
        let source = self.cx.frames[wish].source;
        self.client(source, |client, cx| act(client, cx, wish));
    }

    /// Carries signals to their nodes until this instant has nothing more to say.
    pub(super) fn settle(&mut self) {
        while let Some(signal) = self.cx.signals.pop_front() {
            self.carry(signal);
        }
    }

    fn carry(&mut self, signal: Signal) {
        let Some(node) = self.addressee(signal) else { return };
        if self.hold_back(signal, node) {
            return;
        }
        let behaviour = self.nodes[node.index()].behaviour();
        let cx = &mut self.cx;
        match signal {
            Signal::Arrived(frame) => {
                if cx.knock(frame) {
                    behaviour.arrived(cx, frame);
                }
            }
            Signal::Granted(frame) => behaviour.granted(cx, frame),
            Signal::Worked(frame) => behaviour.worked(cx, frame),
            Signal::Answered(frame, _, reply) => {
                cx.frames[frame].child = FrameKey::NONE;
                cx.frames[frame].silent = false;
                behaviour.answered(cx, frame, reply);
            }
            Signal::Timer(frame, _) => behaviour.timer(cx, frame),
            Signal::Tend(_, server, turn, what) => behaviour.tend(cx, usize::from(server), turn, what),
            Signal::Finish(frame, reply) => self.end(frame, Some(reply)),
            Signal::Abandon(frame) => self.abandon(frame),
        }
    }

    /// The node a signal is for; `None` where what it is about is gone.
    #[inline]
    fn addressee(&self, signal: Signal) -> Option<NodeId> {
        let frames = &self.cx.frames;
        match signal {
            Signal::Arrived(frame) | Signal::Granted(frame) | Signal::Worked(frame) => {
                frames.get(frame).map(|f| f.node)
            }
            Signal::Finish(frame, _) | Signal::Abandon(frame) => frames.get(frame).map(|f| f.node),
            Signal::Answered(frame, call, _) => frames.get(frame).filter(|f| f.calls == call).map(|f| f.node),
            Signal::Timer(frame, serial) => frames.get(frame).filter(|f| f.timer == serial).map(|f| f.node),
            Signal::Tend(node, ..) => self.cx.is_up(node).then_some(node),
        }
    }

    /// A process that hangs takes calls in, and hears of everything else when it goes on.
    #[inline]
    fn hold_back(&mut self, signal: Signal, node: NodeId) -> bool {
        let is_heard = matches!(
            signal,
            Signal::Arrived(_) | Signal::Granted(_) | Signal::Worked(_) | Signal::Finish(..)
        );
        if is_heard || !self.cx.hangs(node) {
            return false;
        }
        if let Signal::Abandon(frame) = signal {
            self.cx.orphan(frame);
        }
        self.cx.conditions[node.index()].backlog.push_back(signal);
        true
    }

    // --- the door out -----------------------------------------------------------------------------------------------

    /// A frame is over: everything it holds is given back, what it called is abandoned, its caller gets the reply.
    /// Without a reply it is gone without a word.
    pub(super) fn end(&mut self, key: FrameKey, reply: Option<Reply>) {
        let Some(&Frame { child, .. }) = self.cx.frames.get(key) else {
            return;
        };
        if self.cx.frames.contains(child) {
            self.abandon(child);
        }
        let Some(frame) = self.release(key) else { return };
        let Some(reply) = reply else { return };
        let Some(caller) = self.cx.frames.get(frame.parent) else {
            // A client's own frame has no caller either.
            if let Some(traffic) = self.cx.traffic.get_mut(frame.node.index()) {
                traffic.orphaned += u64::from(reply.is_ok());
            }
            return;
        };
        let call = caller.calls;
        let reply = self.spoil(&frame, reply);
        if reply.is_ok() {
            self.cx.traffic[frame.node.index()].served += 1;
        }
        self.cx.deliver(frame.node, frame.parent, call, reply, 0);
    }

    /// Does an `errors` fault turn this good answer into a bad one?
    fn spoil(&mut self, frame: &Frame, reply: Reply) -> Reply {
        if self.cx.troubles == 0 || !reply.is_ok() {
            return reply;
        }
        let errors = &self.cx.conditions[frame.node.index()].errors;
        let mut draw = self.cx.draw(frame, super::context::SPOIL);
        if super::wire::happens(errors, &mut draw) {
            Reply::failed(Outcome::Error)
        } else {
            reply
        }
    }

    /// Takes a frame out of the world and gives back what it holds.
    fn release(&mut self, key: FrameKey) -> Option<Frame> {
        let mut frame = self.cx.frames.remove(key)?;
        let node = frame.node;
        self.nodes[node.index()].behaviour().release(&mut self.cx, &mut frame);
        if node.index() >= self.plan.nodes.len() {
            // A client holds nothing that others wait for.
            return Some(frame);
        }
        match frame.doing {
            Doing::OnTheWire => return Some(frame),
            Doing::Cpu { .. } => self.leave_host(node),
            Doing::Queued(since) => {
                let now = self.cx.now();
                frame.waited = frame.waited + now.since(since);
                let frames = &self.cx.frames;
                self.cx.stations[node.index()].give_up_place(now, |k| frames.contains(k));
            }
            Doing::Nothing | Doing::TurnedAway | Doing::Busy { .. } | Doing::Frozen { .. } => {}
        }
        if frame.worker {
            self.cx.free_worker(node);
        }
        // Whoever was turned away at the door did not wait, unless it first waited outside.
        if frame.doing != Doing::TurnedAway || !frame.waited.is_zero() {
            self.cx.record.waited(&frame);
        }
        self.cx.orphans -= u64::from(frame.parent == FrameKey::NONE);
        Some(frame)
    }

    /// A job of this node is taken off its host before it is done.
    fn leave_host(&mut self, node: NodeId) {
        let host = self.plan.node(node).host;
        let now = self.cx.now();
        if let Some(shared) = &mut self.cx.machines[host.index()].host {
            shared.remove(now);
        }
        self.cx.reset_completion(host);
    }

    /// The caller is gone. Nodes that stop give everything back and pass it on to what they called; the first that
    /// finishes its work keeps all that is below it.
    fn abandon(&mut self, key: FrameKey) {
        let mut next = key;
        while let Some(frame) = self.cx.frames.get(next).copied() {
            let arrived = frame.doing != Doing::OnTheWire;
            if arrived && self.cx.hangs(frame.node) {
                self.cx.orphan(next);
                self.cx.conditions[frame.node.index()]
                    .backlog
                    .push_back(Signal::Abandon(next));
                return;
            }
            if arrived && self.cx.abandoned(frame.node) == Abandoned::Finish && !self.cx.closing {
                return self.cx.orphan(next);
            }
            self.release(next);
            next = frame.child;
        }
    }
}
