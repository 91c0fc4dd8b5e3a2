//! The short way: while nothing is wrong, a call to a node that only works takes two steps instead of nine.
//!
//! An application that calls nobody, and a database member asked for a read, treat every request alike: worker, work,
//! answer. While no fault acts and no signal is pending, nothing can come between these steps, so they need no signals
//! and the node is not asked. In the same way a good answer goes back from frame to frame through a balancer, a web
//! server or a firewall that only passes it on. The frame is an ordinary one: a later fault, time-out or end of the run
//! finds it in the usual state. The long way, by [`World::arrived`], `granted`, `worked` and `end`, gives the same
//! results and is the slow twin: with the feature `slow-twins` every call takes it.

use super::context::Context;
use super::request::{Doing, Frame, FrameKey, Reply, Step};
use super::signal::Signal;
use super::station::Entry;
use super::world::World;
use crate::base::ids::NodeId;
use crate::scenario::plan::{Kind, Node, READ};

/// Which calls to a node may take the short way.
#[derive(Copy, Clone, Debug)]
pub(super) enum Short {
    /// None.
    Never,
    /// All.
    Always,
    /// Reads, while there are connections left.
    Reads { most: u32 },
}

impl Short {
    /// What the node's plan allows.
    pub(super) fn of(node: &Node) -> Short {
        match &node.kind {
            _ if cfg!(feature = "slow-twins") => Short::Never,
            Kind::App(app) if app.only_works() => Short::Always,
            Kind::Member(member) => Short::Reads {
                most: member.max_connections,
            },
            _ => Short::Never,
        }
    }
}

impl Context<'_> {
    /// Whether a call for this operation may take the short way now.
    #[inline]
    fn is_short(&self, node: NodeId, op: u16) -> bool {
        let allowed = match self.short[node.index()] {
            Short::Never => false,
            Short::Always => true,
            Short::Reads { .. } => usize::from(op) == READ,
        };
        allowed && self.is_quiet()
    }

    /// No fault is active and no signal is pending.
    #[inline]
    fn is_quiet(&self) -> bool {
        self.troubles == 0 && self.signals.is_empty()
    }

    /// Whether an answer sent now reaches its caller before anything else happens.
    #[inline]
    fn is_at_once(&self) -> bool {
        self.wire.is_instant() && self.is_quiet()
    }

    /// Lets in a call that takes no time on the wire: it gets a worker and begins, or it queues. False if it must take
    /// the long way; then nothing has changed.
    #[inline]
    pub(super) fn walk_in(&mut self, key: FrameKey, node: NodeId, op: u16) -> bool {
        if !self.is_short(node, op) {
            return false;
        }
        let now = self.now();
        let station = &mut self.stations[node.index()];
        let counted = match self.short[node.index()] {
            Short::Reads { most } if station.connections >= most => return false,
            Short::Reads { .. } => true,
            Short::Never | Short::Always => false,
        };
        let unlimited = station.is_unlimited();
        let entry = if unlimited {
            Entry::Granted
        } else {
            station.enter(now, key)
        };
        if entry == Entry::Full {
            return false;
        }
        station.connections += u32::from(counted);
        let traffic = &mut self.traffic[node.index()];
        traffic.arrived += 1;
        traffic.ask(op);
        let frame = &mut self.frames[key];
        if counted {
            frame.step = Step::Counted;
        }
        if entry == Entry::Queued {
            frame.doing = Doing::Queued(now);
            return true;
        }
        frame.doing = Doing::Nothing;
        frame.worker = !unlimited;
        self.set_to_work(key);
        true
    }

    /// A frame that has just got its worker begins at once if no caller can tell the difference. With a network delay
    /// it could: an answer still to be sent would go behind this work on the calendar.
    #[inline]
    pub(super) fn step_in(&mut self, key: FrameKey, node: NodeId) -> bool {
        let goes = self.wire.is_instant() && self.is_short(node, self.frames[key].op);
        if goes {
            self.set_to_work(key);
        }
        goes
    }

    #[inline]
    fn set_to_work(&mut self, key: FrameKey) {
        if !self.own_work(key) {
            self.signals.push(Signal::Worked(key));
        }
    }
}

impl World<'_> {
    /// Ends a frame whose work is its whole answer: its worker goes to the next in line, its caller gets the answer.
    /// False if the long way must be taken.
    #[inline]
    pub(super) fn walk_out(&mut self, key: FrameKey, node: NodeId) -> bool {
        let cx = &mut self.cx;
        let Frame {
            parent,
            worker,
            op,
            step,
            ..
        } = cx.frames[key];
        if !cx.is_short(node, op) {
            return false;
        }
        if step == Step::Counted {
            cx.stations[node.index()].connections -= 1;
        }
        if worker {
            cx.free_worker(node);
        }
        let now = cx.now();
        let frame = &cx.frames[key];
        cx.record.waited(frame);
        let traffic = &mut cx.traffic[node.index()];
        if let Some(caller) = cx.frames.get(parent) {
            traffic.served += 1;
            cx.record.answered(now, caller.node, frame);
            let call = caller.calls;
            cx.frames.discard(key);
            if cx.is_at_once() {
                self.answered(parent, call, Reply::OK);
            } else {
                cx.deliver(node, parent, call, Reply::OK, 0);
            }
        } else {
            traffic.orphaned += 1;
            cx.frames.discard(key);
        }
        true
    }

    /// Carries a good answer back through nodes that only pass it on, while no signal is pending. Returns the frame
    /// whose node must handle it, or `None` if the answer is now on the wire or nobody waits for it.
    #[inline]
    pub(super) fn walk_back(&mut self, key: FrameKey, call: u16, reply: Reply) -> Option<(FrameKey, u16)> {
        let (mut key, mut call) = (key, call);
        if cfg!(feature = "slow-twins") || !reply.is_ok() {
            return Some((key, call));
        }
        while self.cx.is_quiet() {
            let cx = &mut self.cx;
            let now = cx.now();
            let frame = cx.frames.get_mut(key).filter(|f| f.calls == call)?;
            let (node, parent) = (frame.node, frame.parent);
            if frame.worker || parent == FrameKey::NONE || !self.nodes[node.index()].passes_back(cx, key) {
                break;
            }
            let frame = &mut cx.frames[key];
            frame.below = frame.below + now.since(frame.called);
            let frame = &cx.frames[key];
            let caller = cx.frames[parent];
            cx.traffic[node.index()].served += 1;
            cx.record.waited(frame);
            cx.record.answered(now, caller.node, frame);
            cx.frames.discard(key);
            if !cx.is_at_once() {
                cx.deliver(node, parent, caller.calls, Reply::OK, 0);
                return None;
            }
            (key, call) = (parent, caller.calls);
        }
        Some((key, call))
    }
}
