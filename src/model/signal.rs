//! Signals: what reaches a node at the same instant, in order. What takes time is an [event](super::event).

use std::collections::VecDeque;

use super::node::Tending;
use super::packed::Packed;
use super::request::{FrameKey, Reply};
use crate::base::ids::NodeId;

/// What reaches a node at this instant. A hung process gets some of them only when the hang ends (`World::hold_back`).
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Signal {
    /// A call has arrived.
    Arrived(FrameKey),
    /// A worker is free for the frame.
    Granted(FrameKey),
    /// The frame's work is done.
    Worked(FrameKey),
    /// The frame's call has come back.
    Answered(FrameKey, u16, Reply),
    /// The frame's timer has run out.
    Timer(FrameKey, u16),
    /// The frame is over, and its caller gets the reply.
    Finish(FrameKey, Reply),
    /// The frame's caller is gone.
    Abandon(FrameKey),
    /// Maintenance of a balancer's server is due.
    Tend(NodeId, u16, u16, Tending),
}

/// Pending signals, first in, first out. Usually there is only one, kept in `first`; the queue then stays unused.
#[derive(Debug, Default)]
pub struct Signals {
    /// The oldest; `None` means the queue is empty too.
    first: Option<Packed>,
    others: VecDeque<Packed>,
}

impl Signals {
    /// Appends a signal.
    #[inline]
    pub fn push(&mut self, signal: Signal) {
        let signal = signal.pack();
        if self.first.is_none() {
            self.first = Some(signal);
        } else {
            self.others.push_back(signal);
        }
    }

    /// Takes the oldest signal.
    #[inline]
    pub fn pop(&mut self) -> Option<Packed> {
        let signal = self.first.take();
        if !self.others.is_empty() {
            self.first = self.others.pop_front();
        }
        signal
    }

    /// Whether none is pending.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Drops all of them.
    pub fn clear(&mut self) {
        self.first = None;
        self.others.clear();
    }
}
