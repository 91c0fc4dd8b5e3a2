//! Events by key, efficient for any number: a heap for near events, unsorted buckets for far ones.
//!
//! With few events all are near and this is just the [`Heap`]. A heap of a hundred thousand misses the cache at each
//! level. So when it grows beyond `SPILL`, far events go into buckets by time and are not compared until their bucket's
//! turn (the ladder queue of Tang, Goh and Thng, 2005, with a heap as its lowest rung). All events of one instant stay
//! together, and the heap compares whole keys, so the order is exact.

use super::heap::Heap;

/// Events in no order.
type Bucket<E> = Vec<(u128, E)>;

/// Events under unique keys, whose upper half is the time; the smallest comes first.
#[derive(Clone, Debug)]
pub struct Ladder<E> {
    /// All events up to and including the time `reach`. Empty only if there are no events at all.
    near: Heap<E>,
    reach: u64,
    /// Later events, by time. Each rung covers one bucket of the previous rung and precedes that rung's remaining
    /// buckets.
    rungs: Vec<Rung<E>>,
    /// Events beyond all rungs.
    top: Bucket<E>,
    /// Number of events in `rungs` and `top`.
    far: usize,
    /// Number of near events above which they are spilled.
    limit: usize,
    /// The normal value of `limit`.
    spill: usize,
    /// Whether a bucket has become near since `came_near` was last called.
    poured: bool,
    /// Unused rungs, kept for the memory of their buckets.
    spare: Vec<Rung<E>>,
}

/// Number of events up to which the heap is as fast as any structure.
const SPILL: usize = 128;
/// A bucket with more than `spill / PART` events becomes a rung of its own.
const PART: usize = 2;
/// Target number of events per bucket of a rung.
const FILL: usize = 8;
/// Most buckets of a rung, as a power of two.
const BITS: u32 = 8;

/// A range of time in equal parts.
#[derive(Clone, Debug)]
struct Rung<E> {
    start: u64,
    /// The last instant it covers.
    last: u64,
    /// Length of a bucket, as a power of two.
    shift: u32,
    /// Buckets before this one are empty.
    next: usize,
    buckets: Vec<Bucket<E>>,
}

impl<E> Default for Ladder<E> {
    fn default() -> Self {
        Ladder {
            near: Heap::default(),
            reach: u64::MAX,
            rungs: Vec::new(),
            top: Vec::new(),
            far: 0,
            limit: SPILL,
            spill: SPILL,
            poured: false,
            spare: Vec::new(),
        }
    }
}

impl<E: Copy> Ladder<E> {
    /// Number of events.
    pub fn len(&self) -> usize {
        self.near.len() + self.far
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event with the smallest key, and that key.
    #[inline]
    pub fn first(&self) -> Option<(u128, E)> {
        self.near.first()
    }

    /// Adds an event, built by `make` at the place it goes to. Passed by reference it would be written to memory as two
    /// words and read as one wide one, which stalls the processor.
    #[inline(always)]
    pub fn push(&mut self, key: u128, make: impl Fn() -> E) {
        if at(key) > self.reach {
            return self.push_far(key, make());
        }
        self.near.push(key, make());
        if self.near.are_many() && self.near.len() > self.limit {
            self.spill();
        }
    }

    /// Takes the event with the smallest key.
    #[inline]
    pub fn pop(&mut self) -> Option<(u128, E)> {
        let first = self.near.pop();
        if self.far > 0 && self.near.is_empty() {
            self.refill();
        }
        first
    }

    /// The events of a bucket that has just become near, returned once: the next ones to be taken, in no particular
    /// order.
    #[inline]
    pub fn came_near(&mut self) -> Option<&[(u128, E)]> {
        if !self.poured {
            return None;
        }
        self.poured = false;
        Some(self.near.entries())
    }

    fn push_far(&mut self, key: u128, event: E) {
        if self.near.is_empty() {
            // Nothing is pending, so every future event is near.
            self.reach = u64::MAX;
            return self.near.push(key, event);
        }
        self.far += 1;
        match self.rungs.iter_mut().rev().find(|rung| at(key) <= rung.last) {
            Some(rung) => rung.put(key, event),
            None => self.top.push((key, event)),
        }
    }

    /// Too many are near: all become far, then the first ones near again.
    #[cold]
    fn spill(&mut self) {
        let mut events: Bucket<E> = std::iter::from_fn(|| self.near.pop()).collect();
        self.far += events.len();
        if self.reach == u64::MAX {
            self.top = events;
        } else if let Some(first) = events.first().map(|(key, _)| at(*key)) {
            self.cut(&mut events, first, self.reach);
        }
        self.refill();
    }

    /// No event is near: makes the next bucket near, split first if it is large.
    #[cold]
    fn refill(&mut self) {
        while self.near.is_empty() {
            let rungs = self.rungs.len();
            match self.rungs.last_mut().map(Rung::take) {
                None => self.climb(),
                Some(None) => self.spare.extend(self.rungs.pop()),
                Some(Some((start, last, mut bucket))) => {
                    if bucket.len() > self.spill / PART && last > start {
                        self.cut(&mut bucket, start, last);
                    } else {
                        self.pour(&mut bucket, last);
                    }
                    self.rungs[rungs - 1].give_back(bucket);
                }
            }
        }
        // Events of one instant cannot be split by time, however many there are.
        self.limit = self.spill.max(2 * self.near.len());
    }

    /// All rungs are empty: the events beyond become a rung, or near if they are few.
    fn climb(&mut self) {
        let mut top = std::mem::take(&mut self.top);
        let times = || top.iter().map(|(key, _)| at(*key));
        let (first, last) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        if top.len() <= self.spill / 2 || first == last {
            self.pour(&mut top, u64::MAX);
        } else {
            self.cut(&mut top, first, last);
        }
        self.top = top;
    }

    /// Makes a rung of these events, which all lie in this range of time.
    fn cut(&mut self, events: &mut Bucket<E>, start: u64, last: u64) {
        let buckets = self.spare.pop().map_or_else(Vec::new, |rung| rung.buckets);
        let bits = (events.len() / FILL).max(2).ilog2().min(BITS);
        let mut rung = Rung::new(start, last, bits, buckets);
        events.drain(..).for_each(|(key, event)| rung.put(key, event));
        self.rungs.push(rung);
    }

    /// Makes these events near, along with all later ones up to `reach`.
    fn pour(&mut self, bucket: &mut Bucket<E>, reach: u64) {
        self.far -= bucket.len();
        self.near.fill(bucket);
        self.reach = reach;
        self.poured = true;
    }
}

/// The time in a key.
#[inline]
fn at(key: u128) -> u64 {
    (key >> 64) as u64
}

impl<E> Rung<E> {
    /// An empty rung of two to the power of `bits` buckets for this range of time, reusing the memory of `buckets`.
    fn new(start: u64, last: u64, bits: u32, mut buckets: Vec<Bucket<E>>) -> Rung<E> {
        buckets.resize_with(buckets.len().max(1 << bits), Vec::new);
        Rung {
            start,
            last,
            shift: (u64::BITS - (last - start).leading_zeros()).saturating_sub(bits),
            next: 0,
            buckets,
        }
    }

    fn put(&mut self, key: u128, event: E) {
        let bucket = (at(key) - self.start) >> self.shift;
        self.buckets[bucket as usize].push((key, event));
    }

    /// The first bucket that is not empty, with the first and last instant it covers.
    fn take(&mut self) -> Option<(u64, u64, Bucket<E>)> {
        let more = self.buckets[self.next..].iter().position(|b| !b.is_empty())?;
        let bucket = self.next + more;
        self.next = bucket + 1;
        let start = self.start + ((bucket as u64) << self.shift);
        let last = start.saturating_add((1 << self.shift) - 1).min(self.last);
        Some((start, last, std::mem::take(&mut self.buckets[bucket])))
    }

    /// Returns the emptied bucket taken last, for its memory.
    fn give_back(&mut self, bucket: Bucket<E>) {
        self.buckets[self.next - 1] = bucket;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Delays from zero to years, so that rungs nest deeply, mixed with takes.
    fn ops() -> impl Strategy<Value = Vec<Option<u64>>> {
        let op = prop_oneof![
            3 => (0u64..1000).prop_map(Some),
            2 => (0u32..56, 0u64..256).prop_map(|(shift, d)| Some(d << shift)),
            1 => Just(Some(0)),
            1 => Just(Some(u64::MAX)),
            6 => Just(None),
        ];
        prop::collection::vec(op, 1..2000)
    }

    proptest! {
        /// The slow twin: a list, searched for its smallest key. The ladder is set to spill early.
        #[test]
        fn the_order_is_that_of_a_list_that_is_searched(ops in ops(), spill in 16usize..64, fill in 0usize..300) {
            let mut ladder = Ladder { limit: spill, spill, ..Ladder::default() };
            let mut list: Vec<u128> = Vec::new();
            let (mut now, mut number) = (0u64, 0u128);
            let first = (0..fill).map(|n| Some(n as u64 * 7919 % 4096));
            for op in first.chain(ops) {
                if let Some(delay) = op {
                    let key = u128::from(now.saturating_add(delay)) << 64 | number;
                    ladder.push(key, || number as u32);
                    list.push(key);
                    number += 1;
                } else {
                    let least = list.iter().copied().min();
                    list.retain(|key| Some(*key) != least);
                    prop_assert_eq!(ladder.first(), least.map(|key| (key, key as u32)));
                    prop_assert_eq!(ladder.pop(), least.map(|key| (key, key as u32)));
                    now = least.map_or(now, at);
                }
                prop_assert_eq!(ladder.len(), list.len());
            }
            list.sort_unstable();
            for key in list {
                prop_assert_eq!(ladder.pop(), Some((key, key as u32)));
            }
            prop_assert_eq!(ladder.pop(), None);
        }
    }

    #[test]
    fn a_crowd_at_one_instant_comes_out_in_order() {
        let mut ladder = Ladder::default();
        let n = 10 * SPILL as u128;
        let key = |number: u128| 5u128 << 64 | number;
        (0..n).rev().for_each(|number| ladder.push(key(number), || ()));
        assert!((0..n).all(|number| ladder.pop() == Some((key(number), ()))) && ladder.is_empty());
    }
}
