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

/// Signals on their way, first in, first out. Nearly always there is one at a time: it waits beside the line, not in it.
#[derive(Debug, Default)]
pub struct Signals {
    /// The oldest; without one there are no others.
    first: Option<Packed>,
    others: VecDeque<Packed>,
}

impl Signals {
    /// Another one.
    #[inline]
    pub fn push(&mut self, signal: Signal) {
        let signal = signal.pack();
        if self.first.is_none() {
            self.first = Some(signal);
        } else {
            self.others.push_back(signal);
        }
    }

    /// The oldest one.
    #[inline]
    pub fn pop(&mut self) -> Option<Packed> {
        let signal = self.first.take();
        if !self.others.is_empty() {
            self.first = self.others.pop_front();
        }
        signal
    }

    /// Is none on its way?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.first = None;
        self.others.clear();
    }
}
