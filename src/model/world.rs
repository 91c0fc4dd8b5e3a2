//! The world: one run, from the first arrival to the audit at the end. [`run`] is called by `study`, once a
//! replication.
//!
//! `dispatch` takes every event to its handler; `end` is where a request leaves its node. Time advances only in
//! [`Calendar::next`](crate::engine::calendar::Calendar::next).

use super::calls::SPOIL;
use super::context::Context;
use super::event::{Class, Event};
use super::node::Node;
use super::node::client::Client;
use super::packed::Packed;
use super::prefetch::prefetch;
use super::recorder::{Budget, Recorder, RunRecord, Wanted};
use super::request::{Doing, Frame, FrameKey, Outcome, Reply};
use super::settings::Settings;
use super::signal::Signal;
use crate::base::ids::{HostId, NodeId, SourceId};
use crate::base::limits;
use crate::base::random::{Draw, Streams};
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
    /// Whether lifetimes act, in addition to the scheduled faults.
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
    /// Calls of `look` so far.
    looks: u64,
}

/// Simulates one replication of a plan. From time to time `stop` gets the number of requests in flight and says whether
/// to give up; then there is no record.
///
/// # Errors
/// If the books do not balance at the end.
pub fn run(plan: &Plan, order: &Order, stop: &dyn Fn(usize) -> bool) -> Result<Option<RunRecord>, Imbalance> {
    let mut world = World::new(plan, order);
    let overflowed = match world.advance(stop) {
        Ended::Stopped => return Ok(None),
        Ended::Done => None,
        Ended::Early(budget) => Some((world.cx.now(), budget)),
    };
    let imbalance = |what| Imbalance {
        seed: order.seed,
        replication: order.replication,
        what,
    };
    let record = world.close(order, overflowed).map_err(imbalance)?;
    Ok(Some(record))
}

/// How a run ends.
enum Ended {
    Done,
    Stopped,
    Early(Budget),
}

/// Steps between two checks of the limits and of `stop`.
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
            looks: 0,
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
        for batch in 1..u64::from(order.wanted.batches) {
            let after = order.warmup.nanos() + batch * self.cx.record.batch.nanos();
            self.cx.after(Span::from_nanos(after), Class::Change, Event::Measure);
        }
        self.schedule_change();
    }

    fn advance(&mut self, stop: &dyn Fn(usize) -> bool) -> Ended {
        loop {
            let checked_at = self.cx.calendar.taken() + CHECKED_EVERY;
            // Checked at every step: one page view may add thousands of frames.
            while self.cx.calendar.taken() < checked_at && !self.cx.frames.are_more_than(limits::IN_FLIGHT) {
                let frames = &self.cx.frames;
                let live = |event: &Packed| match Event::unpack(*event) {
                    Event::Timer { frame, serial } => frames.get(frame).is_some_and(|f| f.timer == serial),
                    Event::GiveUp(frame) => frames.contains(frame),
                    _ => true,
                };
                match self.cx.calendar.next(self.horizon, live) {
                    None => return Ended::Done,
                    Some(due) => self.dispatch(due),
                }
                // One instant may be as long as a run: calls that take no time may call each other a million times.
                while !self.cx.signals.is_empty() && !self.settle_some() {
                    if let Some(ended) = self.look(stop) {
                        return ended;
                    }
                }
                if let Some(near) = self.cx.calendar.came_near() {
                    prefetch(&self.cx.frames, near);
                }
            }
            if let Some(ended) = self.look(stop) {
                return ended;
            }
        }
    }

    /// Checks the limits and `stop`: does the run have to end early?
    #[cold]
    fn look(&mut self, stop: &dyn Fn(usize) -> bool) -> Option<Ended> {
        self.looks += 1;
        let budgets = [
            (Budget::Inside, self.cx.frames.len() > limits::IN_FLIGHT),
            (Budget::Rows, self.cx.record.run.rows.len() > limits::ROWS),
            (Budget::Steps, self.looks > limits::STEPS / CHECKED_EVERY),
        ];
        let spent = budgets.into_iter().find(|(_, is_spent)| *is_spent);
        match stop(self.cx.frames.len()) {
            true => Some(Ended::Stopped),
            false => spent.map(|(budget, _)| Ended::Early(budget)),
        }
    }

    /// Takes each event to its handler.
    #[inline(always)]
    fn dispatch(&mut self, due: Due<Packed>) {
        let event = match due {
            Due::Alarm(host) => return self.completed(HostId::new(host as usize)),
            Due::Event(event) => Event::unpack(event),
        };
        let frames = &self.cx.frames;
        let is_timer = |frame, serial| frames.get(frame).is_some_and(|f| f.timer == serial);
        match event {
            Event::Call(frame) if frames.contains(frame) => self.arrived(frame),
            Event::Reply { to, call, reply } if frames.get(to).is_some_and(|f| f.calls == call) => {
                self.answered(to, call, reply);
            }
            Event::Done { frame, serial } if is_timer(frame, serial) => self.done(frame),
            Event::Timer { frame, serial } if is_timer(frame, serial) => self.carry_rare(Signal::Timer(frame, serial)),
            Event::GiveUp(frame) if frames.contains(frame) => self.client_of(frame, Client::give_up),
            // The frame is gone or has moved on. This is the one place where such events are dropped.
            Event::Call(_) | Event::Reply { .. } | Event::Done { .. } | Event::Timer { .. } | Event::GiveUp(_) => {
                self.stale += 1;
            }
            Event::Arrive(source) => self.client(source, |client, cx| client.arrive(cx)),
            Event::Wish { source, user } => self.client(source, |client, cx| client.ask(cx, user)),
            Event::Tend {
                balancer,
                server,
                turn,
                what,
            } => self.carry_rare(Signal::Tend(balancer, server, turn, what)),
            Event::TakeOver { vip, epoch } => self.take_over(vip, epoch),
            Event::Promote {
                database,
                epoch,
                noticed,
            } => self.promote(database, epoch, noticed),
            Event::Change => self.change(),
            Event::Resend(answer) => self.cx.resend(answer),
            Event::Measure => self.measure(),
        }
    }

    /// A host's alarm is due.
    fn completed(&mut self, host: HostId) {
        if let Some(frame) = self.cx.completed(host) {
            self.worked(frame);
        }
    }

    fn done(&mut self, frame: FrameKey) {
        if self.cx.done(frame) {
            self.worked(frame);
        }
    }

    fn client(&mut self, source: SourceId, act: impl FnOnce(&mut Client<'p>, &mut Context<'p>)) {
        let Node::Client(client) = &mut self.nodes[self.plan.nodes.len() + source.index()] else {
            unreachable!("behind the plan's nodes stand the clients")
        };
        act(client, &mut self.cx);
    }

    pub(super) fn client_of(&mut self, wish: FrameKey, act: impl FnOnce(&mut Client<'p>, &mut Context<'p>, FrameKey)) {
        let source = self.cx.frames[wish].wish.source;
        self.client(source, |client, cx| act(client, cx, wish));
    }

    /// Carries signals to their nodes until none is left at this instant.
    pub(super) fn settle(&mut self) {
        while let Some(signal) = self.cx.signals.pop() {
            self.carry(Signal::unpack(signal));
        }
    }

    /// Carries at most `CHECKED_EVERY` signals; true if none is left.
    fn settle_some(&mut self) -> bool {
        for _ in 0..CHECKED_EVERY {
            match self.cx.signals.pop() {
                Some(signal) => self.carry(Signal::unpack(signal)),
                None => return true,
            }
        }
        false
    }

    /// Carries a signal to its node, if its frame still exists.
    #[inline(always)]
    fn carry(&mut self, signal: Signal) {
        match signal {
            Signal::Arrived(frame) => self.arrived(frame),
            Signal::Granted(frame) => self.tell_of(frame, |node, cx| node.granted(cx, frame)),
            Signal::Worked(frame) => self.worked(frame),
            Signal::Answered(frame, call, reply) => self.answered(frame, call, reply),
            Signal::Finish(frame, reply) => self.end(frame, Some(reply)),
            Signal::Timer(..) | Signal::Tend(..) | Signal::Abandon(_) => self.carry_rare(signal),
        }
    }

    // `dispatch` calls these directly as well: at that point no signal is pending that would have to go first.

    /// A call has crossed the wire.
    #[inline]
    fn arrived(&mut self, frame: FrameKey) {
        if let Some(node) = self.cx.knock(frame) {
            self.tell(node, |node, cx| node.arrived(cx, frame));
        }
    }

    /// A frame's own work at its node is done.
    #[inline]
    fn worked(&mut self, frame: FrameKey) {
        let Some(node) = self.cx.frames.get(frame).map(|f| f.node) else {
            return;
        };
        if !self.walk_out(frame, node) {
            self.tell(node, |node, cx| node.worked(cx, frame));
        }
    }

    /// The answer to a call reaches the frame that waits for it.
    #[inline]
    pub(super) fn answered(&mut self, frame: FrameKey, call: u16, reply: Reply) {
        if self.cx.troubles > 0 && self.hold_back(Signal::Answered(frame, call, reply)) {
            return;
        }
        let Some((frame, call)) = self.walk_back(frame, call, reply) else {
            return;
        };
        if let Some(waiting) = self.cx.frames.get_mut(frame).filter(|f| f.calls == call) {
            waiting.child = FrameKey::NONE;
            waiting.silent = false;
            if reply.is_ok() {
                waiting.below = waiting.below + self.cx.calendar.now().since(waiting.called);
            }
            let node = waiting.node;
            self.tell(node, |node, cx| node.answered(cx, frame, reply));
        }
    }

    /// The signals that most requests do not cause.
    #[inline(never)]
    fn carry_rare(&mut self, signal: Signal) {
        if self.cx.troubles > 0 && self.hold_back(signal) {
            return;
        }
        let cx = &mut self.cx;
        match signal {
            Signal::Timer(frame, serial) => {
                if let Some(node) = cx.frames.get(frame).filter(|f| f.timer == serial).map(|f| f.node) {
                    self.tell(node, |node, cx| node.behaviour().timer(cx, frame));
                }
            }
            Signal::Tend(node, server, turn, what) => {
                if cx.is_up(node) {
                    self.tell(node, |node, cx| {
                        node.behaviour().tend(cx, usize::from(server), turn, what);
                    });
                }
            }
            Signal::Abandon(frame) => self.abandon(frame),
            Signal::Arrived(_) | Signal::Granted(_) | Signal::Worked(_) | Signal::Answered(..) | Signal::Finish(..) => {
                unreachable!("`carry` has taken these to their nodes")
            }
        }
    }

    #[inline]
    fn tell(&mut self, node: NodeId, what: impl FnOnce(&mut Node<'p>, &mut Context<'p>)) {
        what(&mut self.nodes[node.index()], &mut self.cx);
    }

    #[inline]
    fn tell_of(&mut self, frame: FrameKey, what: impl FnOnce(&mut Node<'p>, &mut Context<'p>)) {
        if let Some(node) = self.cx.frames.get(frame).map(|f| f.node) {
            self.tell(node, what);
        }
    }

    /// A hung process still accepts calls. Answers, timers, abandonments and server maintenance stay in its backlog
    /// until the hang ends.
    #[cold]
    fn hold_back(&mut self, signal: Signal) -> bool {
        let frames = &self.cx.frames;
        let node = match signal {
            Signal::Arrived(_) | Signal::Granted(_) | Signal::Worked(_) | Signal::Finish(..) => None,
            Signal::Answered(frame, call, _) => frames.get(frame).filter(|f| f.calls == call).map(|f| f.node),
            Signal::Timer(frame, serial) => frames.get(frame).filter(|f| f.timer == serial).map(|f| f.node),
            // A call still on the wire has not reached the hung node.
            Signal::Abandon(frame) => {
                let arrived = frames.get(frame).filter(|f| f.doing != Doing::OnTheWire);
                arrived.map(|f| f.node)
            }
            Signal::Tend(node, ..) => self.cx.is_up(node).then_some(node),
        };
        let Some(node) = node.filter(|node| self.cx.hangs(*node)) else {
            return false;
        };
        if let Signal::Abandon(frame) = signal {
            self.cx.orphan(frame);
        }
        self.cx.conditions[node.index()].backlog.push_back(signal);
        true
    }

    // --- the end of a frame -----------------------------------------------------------------------------------------

    /// Ends a frame: its call is abandoned, everything it holds is given back, and its caller gets the reply. Without a
    /// reply the caller is told nothing.
    pub(super) fn end(&mut self, key: FrameKey, reply: Option<Reply>) {
        let Some(child) = self.cx.frames.get(key).map(|f| f.child) else {
            return;
        };
        if child != FrameKey::NONE {
            self.abandon(child);
        }
        let Some(mut frame) = self.cx.frames.remove(key) else {
            return;
        };
        self.release(key, &mut frame);
        let Some(reply) = reply else { return };
        let Some(caller) = self.cx.frames.get(frame.parent) else {
            // A client's own frame has no caller either.
            if let Some(traffic) = self.cx.traffic.get_mut(frame.node.index()) {
                traffic.orphaned += u64::from(reply.is_ok());
            }
            return;
        };
        let (call, caller) = (caller.calls, caller.node);
        let reply = self.spoil(&frame, reply);
        if reply.is_ok() {
            self.cx.traffic[frame.node.index()].served += 1;
            let now = self.cx.now();
            self.cx.record.answered(now, caller, &frame);
        }
        self.cx.deliver(frame.node, frame.parent, call, reply, 0);
    }

    /// A fault may turn a good answer into an error or an empty reply.
    fn spoil(&mut self, frame: &Frame, reply: Reply) -> Reply {
        if self.cx.troubles == 0 || !reply.is_ok() {
            return reply;
        }
        let condition = &self.cx.conditions[frame.node.index()];
        if condition.errors.is_empty() && condition.empties.is_empty() {
            return reply;
        }
        let mut draw = Draw::keyed(self.cx.message_key(frame.parent, frame.node, SPOIL));
        if super::wire::happens(&condition.errors, &mut draw) {
            Reply::failed(Outcome::Error)
        } else if super::wire::happens(&condition.empties, &mut draw) {
            Reply::EMPTY
        } else {
            reply
        }
    }

    /// Gives back what a frame holds. The frame is already out of the slab.
    #[inline(always)]
    fn release(&mut self, key: FrameKey, frame: &mut Frame) {
        let node = frame.node;
        if node.index() >= self.plan.nodes.len() {
            // A client holds nothing.
            return;
        }
        self.nodes[node.index()].release(&mut self.cx, frame);
        match frame.doing {
            Doing::OnTheWire => return,
            Doing::Cpu { .. } => self.leave_host(node, key),
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
        // A request turned away on arrival did not wait, unless it waited before it was let in.
        if frame.doing != Doing::TurnedAway || !frame.waited.is_zero() {
            self.cx.record.waited(frame);
        }
    }

    /// Takes a job of this node off its host before it is done.
    fn leave_host(&mut self, node: NodeId, key: FrameKey) {
        let host = self.plan.node(node).host;
        let now = self.cx.now();
        if let Some(shared) = &mut self.cx.machines[host.index()].host {
            if shared.leave(now, key) {
                return;
            }
            let frames = &self.cx.frames;
            shared.remove(now, |job| super::context::runs(frames, job));
        }
        self.cx.reset_completion(host);
    }

    /// The caller is gone. A node that stops gives everything back and abandons its own call in turn. The first node
    /// that finishes its work (`abandoned: finish`) keeps everything below it.
    #[cold]
    fn abandon(&mut self, key: FrameKey) {
        let mut next = key;
        while let Some(frame) = self.cx.frames.get(next) {
            let arrived = frame.doing != Doing::OnTheWire;
            let (node, child) = (frame.node, frame.child);
            if arrived && self.cx.hangs(node) {
                self.cx.orphan(next);
                self.cx.conditions[node.index()]
                    .backlog
                    .push_back(Signal::Abandon(next));
                return;
            }
            if arrived && self.cx.abandoned(node) == Abandoned::Finish && !self.cx.closing {
                return self.cx.orphan(next);
            }
            if let Some(mut frame) = self.cx.frames.remove(next) {
                self.release(next, &mut frame);
            }
            next = child;
        }
    }
}

#[cfg(test)]
mod tests;
