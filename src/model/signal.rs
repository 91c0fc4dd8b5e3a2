//! What reaches a node at once, in order. What takes time is an [event](super::event) instead.

use std::collections::VecDeque;

use super::node::Tending;
use super::packed::Packed;
use super::request::{FrameKey, Reply};
use crate::base::ids::NodeId;

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
    /// A balancer looks after one of its servers.
    Tend(NodeId, u16, u16, Tending),
}

/// Signals on their way, first in, first out. Nearly always there is one at most, and that needs no queue.
#[derive(Debug, Default)]
pub struct Signals {
    next: Option<Packed>,
    /// Those behind `next`; empty where there is none.
    rest: VecDeque<Packed>,
}

impl Signals {
    /// Another one.
    #[inline]
    pub fn push(&mut self, signal: Signal) {
        let signal = signal.pack();
        if self.next.is_none() {
            self.next = Some(signal);
        } else {
            self.rest.push_back(signal);
        }
    }

    /// The oldest one.
    #[inline]
    pub fn pop(&mut self) -> Option<Packed> {
        let signal = self.next?;
        self.next = self.rest.pop_front();
        Some(signal)
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.next = None;
        self.rest.clear();
    }
}
