//! What reaches a node at once, in order. What takes time is an [event](super::event) instead.

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

/// Signals on their way, first in, first out. Nearly always there are one or two, and none is left before long: then the
/// line begins again at its front.
#[derive(Debug, Default)]
pub struct Signals {
    line: Vec<Packed>,
    /// How many of the line have gone.
    gone: usize,
}

impl Signals {
    /// Another one.
    #[inline]
    pub fn push(&mut self, signal: Signal) {
        self.line.push(signal.pack());
    }

    /// The oldest one.
    #[inline]
    pub fn pop(&mut self) -> Option<Packed> {
        let signal = self.line.get(self.gone).copied();
        if signal.is_some() {
            self.gone += 1;
        } else {
            self.clear();
        }
        signal
    }

    /// Forgets all of them.
    #[inline]
    pub fn clear(&mut self) {
        self.line.clear();
        self.gone = 0;
    }
}
