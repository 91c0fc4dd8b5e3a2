//! Everything that can happen.
//!
//! If you need a new kind of event, that is a design conversation. An event names what it is about by key, so one that
//! outlived it finds nothing and is dropped, in one place, by `World::dispatch` in [`world`](super::world).

use super::node::Tending;
use super::request::{FrameKey, Reply};
use crate::base::ids::{DatabaseId, NodeId, SourceId, VipId};
use crate::engine::calendar::Due;
use crate::engine::slab::Key;

/// What can happen.
#[derive(Copy, Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Event {
    /// A fault begins or ends, a component fails or is repaired: the next entry of the failure timeline is due.
    Change,
    /// A call gets off the wire.
    Call(FrameKey),
    /// An answer (or the news that there will be none) reaches the caller, if it still waits for its `call`-th call.
    Reply { to: FrameKey, call: u16, reply: Reply },
    /// An answer that met a cut is sent again.
    Resend(Key),
    /// Work on a core of its own, or on none, is done, if this is still the frame's current timer.
    Done { frame: FrameKey, serial: u16 },
    /// A time-out or a pause of a frame is over, if this is still its current timer.
    Timer { frame: FrameKey, serial: u16 },
    /// A client has waited long enough for its wish.
    GiveUp(FrameKey),
    /// The next request of an open source comes.
    Arrive(SourceId),
    /// A user of a closed loop has thought enough.
    Wish { source: SourceId, user: u32 },
    /// A balancer looks after one of its servers, if this is still its turn.
    Tend {
        balancer: NodeId,
        server: u16,
        turn: u16,
        what: Tending,
    },
    /// A virtual IP moves, unless its holder came back meanwhile.
    TakeOver { vip: VipId, epoch: u16 },
    /// The next step of a database's automatic fail-over.
    Promote {
        database: DatabaseId,
        epoch: u16,
        noticed: bool,
    },
    /// The warm-up is over: measuring begins.
    Measure,
}

impl Event {
    /// The frame that it is about, if that is what it is about.
    #[inline]
    pub fn frame(self) -> Option<FrameKey> {
        match self {
            Event::Call(frame) | Event::Reply { to: frame, .. } | Event::GiveUp(frame) => Some(frame),
            Event::Done { frame, .. } | Event::Timer { frame, .. } => Some(frame),
            _ => None,
        }
    }
}

// With its packed key an event is half a cache line of the heap.
const _: () = assert!(size_of::<(u128, Due<super::packed::Packed>)>() <= 32);

/// What comes first at one instant: the second part of the ordering contract.
///
/// A failure at an instant hits what happens at that instant; work that ends exactly at its time-out has made it;
/// whoever arrives then finds the places already free.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Faults, repairs, fail-overs, and the end of the warm-up.
    Change,
    /// Work that ends, messages that arrive.
    Progress,
    /// Health checks.
    Probe,
    /// Time-outs.
    Timer,
    /// New requests.
    Arrival,
}
