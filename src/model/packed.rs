//! Events and signals in two machine words.
//!
//! An enum is copied through memory, and reading it as words just after its bytes were written one by one stalls the
//! processor: that took a third of a run's time. Two words travel in registers. All kinds are packed, for uniformity.

use std::num::NonZeroU64;

use super::event::Event;
use super::node::Tending;
use super::request::Reply;
use super::signal::Signal;
use crate::base::ids::{DatabaseId, NodeId, SourceId, VipId};
use crate::engine::slab::Key;

/// An event or a signal: the entity it concerns, and its kind in the lowest byte with small numbers above.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    whom: u64,
    /// Never zero, so that the calendar can tell its own entries from these.
    what: NonZeroU64,
}

const NOT_ZERO: NonZeroU64 = match NonZeroU64::new(1 << 8) {
    Some(bit) => bit,
    None => unreachable!(),
};

#[inline]
fn packed(whom: u64, kind: u64, small: u16, other: u16, last: u16) -> Packed {
    let what = kind | u64::from(small) << 16 | u64::from(other) << 32 | u64::from(last) << 48;
    Packed {
        whom,
        what: NOT_ZERO | what,
    }
}

impl Packed {
    #[inline]
    fn key(self) -> Key {
        Key::from_bits(self.whom)
    }

    /// The `n`-th of the three small numbers.
    #[inline]
    fn small(self, n: u32) -> u16 {
        (self.what.get() >> (16 * n + 16)) as u16
    }

    #[inline]
    fn kind(self) -> u8 {
        self.what.get() as u8
    }
}

impl Event {
    /// Packs it into two words.
    #[inline]
    pub fn pack(self) -> Packed {
        match self {
            Event::Change => packed(0, 0, 0, 0, 0),
            Event::Call(frame) => packed(frame.bits(), 1, 0, 0, 0),
            Event::Reply { to, call, reply } => packed(to.bits(), 2, call, reply.bits(), 0),
            Event::Resend(answer) => packed(answer.bits(), 3, 0, 0, 0),
            Event::Done { frame, serial } => packed(frame.bits(), 4, serial, 0, 0),
            Event::Timer { frame, serial } => packed(frame.bits(), 5, serial, 0, 0),
            Event::GiveUp(frame) => packed(frame.bits(), 6, 0, 0, 0),
            Event::Arrive(source) => packed(source.index() as u64, 7, 0, 0, 0),
            Event::Wish { source, user } => packed(u64::from(user), 8, source.index() as u16, 0, 0),
            Event::Tend {
                balancer,
                server,
                turn,
                what,
            } => packed(balancer.index() as u64, 9, server, turn, what as u16),
            Event::TakeOver { vip, epoch } => packed(vip.index() as u64, 10, epoch, 0, 0),
            Event::Promote {
                database,
                epoch,
                noticed,
            } => packed(database.index() as u64, 11, epoch, u16::from(noticed), 0),
            Event::Measure => packed(0, 12, 0, 0, 0),
        }
    }

    /// Unpacks it from two words.
    #[inline(always)]
    pub fn unpack(words: Packed) -> Event {
        let (frame, whom) = (words.key(), words.whom as usize);
        let (small, other) = (words.small(0), words.small(1));
        match words.kind() {
            0 => Event::Change,
            1 => Event::Call(frame),
            2 => Event::Reply {
                to: frame,
                call: small,
                reply: Reply::from_bits(other),
            },
            3 => Event::Resend(frame),
            4 => Event::Done { frame, serial: small },
            5 => Event::Timer { frame, serial: small },
            6 => Event::GiveUp(frame),
            7 => Event::Arrive(SourceId::new(whom)),
            8 => Event::Wish {
                source: SourceId::new(usize::from(small)),
                user: words.whom as u32,
            },
            9 => Event::Tend {
                balancer: NodeId::new(whom),
                server: small,
                turn: other,
                what: tending(words.small(2)),
            },
            10 => Event::TakeOver {
                vip: VipId::new(whom),
                epoch: small,
            },
            11 => Event::Promote {
                database: DatabaseId::new(whom),
                epoch: small,
                noticed: other != 0,
            },
            12 => Event::Measure,
            other => unreachable!("no event is packed as {other}"),
        }
    }
}

impl Signal {
    /// Packs it into two words.
    #[inline]
    pub fn pack(self) -> Packed {
        match self {
            Signal::Arrived(frame) => packed(frame.bits(), 0, 0, 0, 0),
            Signal::Granted(frame) => packed(frame.bits(), 1, 0, 0, 0),
            Signal::Worked(frame) => packed(frame.bits(), 2, 0, 0, 0),
            Signal::Answered(frame, call, reply) => packed(frame.bits(), 3, call, reply.bits(), 0),
            Signal::Timer(frame, serial) => packed(frame.bits(), 4, serial, 0, 0),
            Signal::Finish(frame, reply) => packed(frame.bits(), 5, 0, reply.bits(), 0),
            Signal::Abandon(frame) => packed(frame.bits(), 6, 0, 0, 0),
            Signal::Tend(node, server, turn, what) => packed(node.index() as u64, 7, server, turn, what as u16),
        }
    }

    /// Unpacks it from two words.
    #[inline]
    pub fn unpack(words: Packed) -> Signal {
        let frame = words.key();
        let (small, other) = (words.small(0), words.small(1));
        match words.kind() {
            0 => Signal::Arrived(frame),
            1 => Signal::Granted(frame),
            2 => Signal::Worked(frame),
            3 => Signal::Answered(frame, small, Reply::from_bits(other)),
            4 => Signal::Timer(frame, small),
            5 => Signal::Finish(frame, Reply::from_bits(other)),
            6 => Signal::Abandon(frame),
            7 => Signal::Tend(NodeId::new(words.whom as usize), small, other, tending(words.small(2))),
            kind => unreachable!("no signal is packed as {kind}"),
        }
    }
}

fn tending(number: u16) -> Tending {
    [Tending::Check, Tending::GiveUp, Tending::Warm, Tending::ShutDown][usize::from(number)]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::slab::Slab;
    use crate::model::request::{How, Outcome};

    const REPLY: Reply = Reply {
        how: How::Broken,
        cause: Outcome::Unfinished,
    };

    #[test]
    fn events_are_the_same_before_and_after() {
        let key = Slab::default().insert(());
        let (source, node) = (SourceId::new(65_535), NodeId::new(4_000_000_000));
        let (small, number) = (u16::MAX, 65_534);
        let events = [
            Event::Change,
            Event::Call(key),
            Event::Reply {
                to: Key::NONE,
                call: number,
                reply: REPLY,
            },
            Event::Resend(key),
            Event::Done {
                frame: key,
                serial: small,
            },
            Event::Timer {
                frame: key,
                serial: number,
            },
            Event::GiveUp(key),
            Event::Arrive(source),
            Event::Wish { source, user: u32::MAX },
            Event::Tend {
                balancer: node,
                server: small,
                turn: number,
                what: Tending::ShutDown,
            },
            Event::TakeOver {
                vip: VipId::new(7),
                epoch: small,
            },
            Event::Promote {
                database: DatabaseId::new(9),
                epoch: number,
                noticed: true,
            },
            Event::Measure,
        ];
        for event in events {
            assert_eq!(Event::unpack(event.pack()), event);
        }
        let kinds: BTreeSet<u8> = events.iter().map(|e| e.pack().kind()).collect();
        assert!(kinds.into_iter().eq(0..=12), "each kind of event once, without a gap");
    }

    #[test]
    fn signals_are_the_same_before_and_after() {
        let key = Slab::default().insert(());
        let signals = [
            Signal::Arrived(key),
            Signal::Granted(key),
            Signal::Worked(key),
            Signal::Answered(key, u16::MAX, REPLY),
            Signal::Timer(key, u16::MAX),
            Signal::Finish(key, REPLY),
            Signal::Abandon(key),
            Signal::Tend(NodeId::new(4_000_000_000), 1, u16::MAX, Tending::GiveUp),
        ];
        for signal in signals {
            assert_eq!(Signal::unpack(signal.pack()), signal);
        }
        let kinds: BTreeSet<u8> = signals.iter().map(|s| s.pack().kind()).collect();
        assert!(kinds.into_iter().eq(0..=7), "each kind of signal once, without a gap");
    }
}
