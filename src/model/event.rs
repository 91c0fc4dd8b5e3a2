//! Everything that can happen, as events on the calendar.
//!
//! A new kind of event needs a design discussion. An event names its frame or component by key: if that is gone, the
//! event is stale, and `World::dispatch` in [`world`](super::world) drops it.

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
    /// A call arrives at its node.
    Call(FrameKey),
    /// An answer (or the news that there will be none) reaches the caller, if it still waits for its `call`-th call.
    Reply { to: FrameKey, call: u16, reply: Reply },
    /// An answer that met a cut is sent again.
    Resend(Key),
    /// Work on a core of its own, or on none, is done, if this is still the frame's current timer.
    Done { frame: FrameKey, serial: u16 },
    /// A time-out or a pause of a frame is over, if this is still its current timer.
    Timer { frame: FrameKey, serial: u16 },
    /// The client's time-out for its wish is over.
    GiveUp(FrameKey),
    /// The next request of an open source arrives.
    Arrive(SourceId),
    /// The think time of a closed-loop user is over.
    Wish { source: SourceId, user: u32 },
    /// Maintenance of a balancer's server, if this is still its current turn.
    Tend {
        balancer: NodeId,
        server: u16,
        turn: u16,
        what: Tending,
    },
    /// A virtual IP moves, unless its holder has come back.
    TakeOver { vip: VipId, epoch: u16 },
    /// The next step of a database's automatic fail-over.
    Promote {
        database: DatabaseId,
        epoch: u16,
        noticed: bool,
    },
    /// The warm-up or a batch is over: averages and counters start afresh.
    Measure,
}

impl Event {
    /// The frame the event concerns, if any.
    #[inline]
    pub fn frame(self) -> Option<FrameKey> {
        match self {
            Event::Call(frame) | Event::Reply { to: frame, .. } | Event::GiveUp(frame) => Some(frame),
            Event::Done { frame, .. } | Event::Timer { frame, .. } => Some(frame),
            _ => None,
        }
    }
}

// With its packed key an event takes half a cache line in the heap.
const _: () = assert!(size_of::<(u128, Due<super::packed::Packed>)>() <= 32);

/// The order of events at one instant: the second part of the ordering contract, after time.
///
/// A failure hits what happens at the same instant. Work that ends exactly at its time-out counts as done. New requests
/// find the places just freed.
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
