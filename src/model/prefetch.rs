//! Reads memory ahead: with many requests in flight, the frames of the next events are no longer in the cache.

use super::event::Event;
use super::packed::Packed;
use super::request::{Doing, Frame};
use crate::engine::slab::Slab;

/// Prefetches the frames that the next events concern, and the frames of their callers. With many requests in flight
/// the frames are not in the cache; reading them together overlaps the misses.
#[cold]
pub(super) fn prefetch<'e>(frames: &Slab<Frame>, events: impl Iterator<Item = &'e Packed> + Clone) {
    // Reads one word of each cache line that a frame may span.
    let lines = |frame: &Frame| {
        let ends = u64::from(frame.doing == Doing::OnTheWire) ^ u64::from(frame.worker);
        ends ^ frame.parent.bits() ^ frame.number
    };
    let own = events.clone().filter_map(|event| Event::unpack(*event).frame());
    let read: u64 = own
        .map(|key| frames.prefetch(key, lines))
        .fold(0, |all, word| all ^ word);
    let callers = events.filter_map(|event| frames.get(Event::unpack(*event).frame()?).map(|f| f.parent));
    let read = callers
        .map(|key| frames.prefetch(key, lines))
        .fold(read, |all, word| all ^ word);
    std::hint::black_box(read);
}
