//! Calls and replies: what a node sends to another, and what happens to it on the way.
//!
//! A call pushes a frame and crosses the wire. At the far end it is accepted, refused, or meets silence; the answer
//! crosses back. Calls are numbered, so that the answer to an earlier call is recognised as late.

use super::context::Context;
use super::event::{Class, Event};
use super::request::{Doing, Frame, FrameKey, How, Outcome, Reply, Step};
use super::signal::Signal;
use super::wire::{self, Message, Passage, Wire};
use crate::base::ids::{HostId, NodeId};
use crate::base::random::{Draw, mix};
use crate::base::time::Span;
use crate::engine::slab::Key;
use crate::scenario::plan::{Kind, Target};

// Salts of draws for a message; those for a frame's own work are in `context`.
/// Whether a fault drops the call.
const DROP: u64 = 6;
/// What the network does to a call, and to its answer.
const CALL: u64 = 7;
const ANSWER: u64 = 8;
/// Whether a fault spoils the answer.
pub(super) const SPOIL: u64 = 9;

/// An answer stopped by a cut.
#[derive(Copy, Clone, Debug)]
pub(super) struct Stuck {
    from: NodeId,
    to: FrameKey,
    call: u16,
    reply: Reply,
    tries: u32,
}

impl Context<'_> {
    /// Calls a target on behalf of a frame. `op` is the operation asked for, `seed` keys the draws at the target, and
    /// `patience` is how long the caller waits for a connection.
    pub fn call(&mut self, caller: FrameKey, target: Target, op: u16, seed: u64, patience: Span) {
        let node = self.directory.resolve(self.plan, target);
        let now = self.now();
        let number = self.made;
        self.made += 1;
        let from = &mut self.frames[caller];
        from.calls = from.calls.wrapping_add(1);
        from.silent = false;
        from.called = now;
        let (from_node, wish, call, path) = (from.node, from.wish, from.calls, from.next_path());
        let key = self.frames.insert_with(|_| Frame {
            node,
            parent: caller,
            child: FrameKey::NONE,
            wish,
            number,
            seed,
            entered: now,
            patience,
            waited: Span::ZERO,
            called: now,
            below: Span::ZERO,
            op,
            calls: 0,
            timer: 0,
            path,
            worker: false,
            silent: false,
            doing: Doing::OnTheWire,
            step: Step::Plain,
        });
        self.frames[caller].child = key;
        match self.passage(caller, from_node, node) {
            Passage::After(span) if span.is_zero() => {
                if !self.walk_in(key, node, op) {
                    self.signals.push(Signal::Arrived(key));
                }
            }
            Passage::After(span) => self.after(span, Class::Progress, Event::Call(key)),
            Passage::Lost => self.fall_silent(key, caller, call),
        }
    }

    /// Travel time of a message between a caller and its target while the network delays every message alike. Zero on
    /// the same host, and to a resolver and back: a lookup costs only its own time.
    #[inline]
    fn constant_way(&self, caller: NodeId, asked: NodeId) -> Option<Span> {
        let latency = self.wire.constant()?;
        let is_near = || {
            let (here, there) = (&self.ends[caller.index()], &self.ends[asked.index()]);
            there.names || here.host == there.host
        };
        Some(if latency.is_zero() || is_near() {
            Span::ZERO
        } else {
            latency
        })
    }

    #[inline]
    fn passage(&self, caller: FrameKey, from: NodeId, to: NodeId) -> Passage {
        self.constant_way(from, to)
            .map_or_else(|| self.eventful_passage(caller, from, to), Passage::After)
    }

    #[inline(never)]
    fn eventful_passage(&self, caller: FrameKey, from: NodeId, to: NodeId) -> Passage {
        if self.ends[to.index()].names {
            return Passage::After(Span::ZERO);
        }
        let message = || Message {
            key: self.message_key(caller, to, CALL),
            bytes: self.plan.bytes(self.frames[caller].wish.class, to).request,
        };
        self.wire.call(self.host_of(from), self.plan.node(to).host, message)
    }

    /// Keys the draws for a frame's current call to a node, and for the answer. The key includes the attempt numbers of
    /// the frame and of all its callers, so a retry anywhere above draws anew.
    pub(super) fn message_key(&self, caller: FrameKey, to: NodeId, salt: u64) -> u64 {
        let Some(frame) = self.frames.get(caller) else {
            return 0;
        };
        let salt = u64::from(frame.next_path()) << 32 | salt;
        mix(frame.seed, self.plan.node(to).draws.wrapping_add(salt))
    }

    /// A call gets no response: the caller learns of it when its patience ends.
    #[cold]
    fn fall_silent(&mut self, key: FrameKey, caller: FrameKey, call: u16) {
        let Some(frame) = self.frames.remove(key) else { return };
        if let Some(from) = self.frames.get_mut(caller) {
            from.silent = true;
            let at = (frame.entered + frame.patience).max(self.now());
            let reply = Reply {
                how: How::Silent,
                cause: Outcome::Unreachable,
            };
            let to = caller;
            self.calendar
                .at(at, Class::Timer as u8, Event::Reply { to, call, reply }.pack());
        }
    }

    /// A call has crossed the wire. Returns the node it arrives at, or `None` if the call ended here.
    #[inline]
    pub fn knock(&mut self, key: FrameKey) -> Option<NodeId> {
        let frame = self.frames.get_mut(key)?;
        let Frame { node, parent, op, .. } = *frame;
        frame.doing = Doing::Nothing;
        let traffic = &mut self.traffic[node.index()];
        traffic.arrived += 1;
        if self.troubles > 0 && self.meets_trouble(key, parent, node) {
            self.traffic[node.index()].refused += 1;
            return None;
        }
        self.traffic[node.index()].ask(op);
        Some(node)
    }

    /// Ends a call that meets a dead machine, a dead process or a fault that drops it.
    #[cold]
    fn meets_trouble(&mut self, key: FrameKey, parent: FrameKey, node: NodeId) -> bool {
        let call = self.frames.get(parent).map_or(0, |p| p.calls);
        if !self.machine_is_up(node) || self.is_dropped(parent, node) {
            self.fall_silent(key, parent, call);
            return true;
        }
        if !self.is_up(node) {
            self.frames.remove(key);
            self.deliver(node, parent, call, Reply::refused(Outcome::Refused), 0);
            return true;
        }
        false
    }

    fn is_dropped(&self, caller: FrameKey, node: NodeId) -> bool {
        let drops = &self.conditions[node.index()].drops;
        !drops.is_empty() && wire::happens(drops, &mut Draw::keyed(self.message_key(caller, node, DROP)))
    }

    /// Turns a request away on arrival. It counts as refused here.
    #[cold]
    pub fn turn_away(&mut self, key: FrameKey, reply: Reply) {
        self.traffic[self.frames[key].node.index()].refused += 1;
        self.frames[key].doing = Doing::TurnedAway;
        self.finish(key, reply);
    }

    /// Fails a request that was let in but cannot be forwarded. It counts as refused here.
    #[cold]
    pub fn refuse(&mut self, key: FrameKey, cause: Outcome) {
        self.traffic[self.frames[key].node.index()].refused += 1;
        self.finish(key, Reply::failed(cause));
    }

    /// Ends the frame; its caller gets the reply.
    #[inline]
    pub fn finish(&mut self, key: FrameKey, reply: Reply) {
        self.signals.push(Signal::Finish(key, reply));
    }

    /// The frame stops waiting for its call.
    #[cold]
    pub fn hang_up(&mut self, key: FrameKey) {
        let frame = &mut self.frames[key];
        // An answer under way is now out of date.
        frame.calls = frame.calls.wrapping_add(1);
        frame.silent = false;
        let child = std::mem::replace(&mut frame.child, FrameKey::NONE);
        if self.frames.contains(child) {
            // At once, not when the signal arrives: the child may be about to answer, and that would pass for the next
            // call's answer.
            self.orphan(child);
            self.signals.push(Signal::Abandon(child));
        }
    }

    /// The frames at a node, in order of creation.
    pub fn inside(&self, node: NodeId) -> Vec<FrameKey> {
        let mut keys: Vec<(u64, FrameKey)> = self
            .frames
            .iter()
            .filter(|(_, f)| f.node == node)
            .map(|(k, f)| (f.number, k))
            .collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, k)| k).collect()
    }

    /// From now on no caller waits for this frame.
    #[cold]
    pub fn orphan(&mut self, key: FrameKey) {
        if let Some(frame) = self.frames.get_mut(key) {
            frame.parent = FrameKey::NONE;
        }
    }

    /// Sends an answer over the wire. `tries` counts the cuts it has met so far.
    #[inline]
    pub fn deliver(&mut self, from: NodeId, to: FrameKey, call: u16, reply: Reply, tries: u32) {
        let Some(caller) = self.frames.get(to).map(|f| f.node) else {
            return;
        };
        match self.constant_way(caller, from) {
            Some(span) => self.answer_after(span, to, call, reply),
            None => self.deliver_through(from, to, call, reply, tries),
        }
    }

    #[inline]
    fn answer_after(&mut self, span: Span, to: FrameKey, call: u16, reply: Reply) {
        if span.is_zero() {
            self.signals.push(Signal::Answered(to, call, reply));
        } else {
            self.after(span, Class::Progress, Event::Reply { to, call, reply });
        }
    }

    #[inline(never)]
    fn deliver_through(&mut self, from: NodeId, to: FrameKey, call: u16, reply: Reply, tries: u32) {
        let caller = &self.frames[to];
        let (here, there, class) = (self.host_of(from), self.host_of(caller.node), caller.wish.class);
        if self.ends[from.index()].names {
            return self.answer_after(Span::ZERO, to, call, reply);
        }
        if self.wire.is_cut(here, there) {
            return self.deliver_later(from, to, call, reply, tries);
        }
        let message = || Message {
            key: self.message_key(to, from, ANSWER),
            // An error answer is short.
            bytes: if reply.is_ok() {
                self.plan.bytes(class, from).response
            } else {
                0
            },
        };
        let span = self.wire.answer(here, there, message);
        self.answer_after(span, to, call, reply);
    }

    /// An answer meets a cut: TCP retransmits it with doubling pauses until it gives up.
    #[cold]
    fn deliver_later(&mut self, from: NodeId, to: FrameKey, call: u16, reply: Reply, tries: u32) {
        if tries < wire::RETRANSMISSIONS {
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

    /// Retransmits an answer that met a cut.
    pub fn resend(&mut self, key: Key) {
        if let Some(answer) = self.stuck.remove(key) {
            self.deliver(answer.from, answer.to, answer.call, answer.reply, answer.tries);
        }
    }

    /// A dead machine retransmits nothing: its stuck answers are dropped.
    pub fn forget_stuck(&mut self, host: HostId) {
        let is_there = |answer: &Stuck| self.plan.node(answer.from).host == host;
        let lost = self.stuck.iter().filter(|(_, answer)| is_there(answer));
        let lost: Vec<Key> = lost.map(|(key, _)| key).collect();
        for key in lost {
            self.stuck.remove(key);
        }
    }

    /// The frame's call was not received: its packet was dropped and will be sent again.
    pub fn unheard(&mut self, caller: FrameKey) {
        if let Some(frame) = self.frames.get_mut(caller) {
            frame.silent = true;
        }
    }

    /// The call was received after all. From now on the caller waits for the answer, not for a connection. A firewall
    /// in between only forwards, so this applies to its caller.
    pub fn heard(&mut self, caller: FrameKey) {
        let Some(frame) = self.frames.get_mut(caller) else {
            return;
        };
        frame.silent = false;
        let (node, parent) = (frame.node, frame.parent);
        let within = match self.plan.nodes.get(node.index()).map(|n| &n.kind) {
            Some(Kind::Firewall(_)) => return self.heard(parent),
            Some(Kind::App(app)) => app.query_timeout,
            Some(Kind::LoadBalancer(balancer)) => balancer.server_timeout,
            Some(Kind::Web(web)) => web.read_timeout,
            // A client's time-out starts with its wish.
            Some(Kind::Dns(_) | Kind::Member(_)) | None => None,
        };
        if let Some(within) = within {
            self.set_timer(caller, within);
        }
    }

    /// Does the frame's call meet silence, directly or behind firewalls? A firewall only forwards, so its caller meets
    /// the silence itself.
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
}
