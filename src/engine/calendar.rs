//! The calendar: all pending events, and the only clock.
//!
//! A [`Ladder`] holds events, the bells of [`Alarms`], and the first time-out of each lane. A lane has time-outs of
//! equal length, which expire in the order they were set, so only the first needs to be in the ladder. All draw
//! insertion numbers from one counter, so the contract of [`crate::engine`] holds across them.

use std::collections::VecDeque;

use super::alarms::{Alarms, Bell};
use super::ladder::Ladder;
use crate::base::time::{Span, Time};

/// What [`Calendar::next`] gives.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Due<E> {
    /// An event that was scheduled.
    Event(E),
    /// The alarm of this slot, which is now cleared. As wide as the first word of the model's events, so that the
    /// processor can load it as a whole.
    Alarm(u64),
}

/// Names a lane.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct LaneId(u32);

/// Time-outs of one constant length. Most are cancelled long before they expire (their request is answered), so each
/// costs a push at the back of a queue and later a pop at its front.
#[derive(Clone, Debug)]
struct Lane<E> {
    length: Span,
    class: u8,
    slot: u32,
    waiting: VecDeque<(u128, E)>,
}

/// Odd and without a regular bit pattern: multiplication spreads every bit upwards, and the rotation brings them down
/// again.
const DIGEST: u64 = 0x9e37_79b9_7f4a_7c15;

/// Pending events and the clock.
#[derive(Clone, Debug)]
pub struct Calendar<E> {
    now: Time,
    inserted: u64,
    events: Ladder<Due<E>>,
    alarms: Alarms,
    lanes: Vec<Lane<E>>,
    /// Slots below this belong to the model; the others are lanes, in order.
    first_lane: u32,
    taken: u64,
    digest: u64,
}

impl<E: Copy> Calendar<E> {
    /// A calendar with this many alarm slots, at the start of time.
    pub fn new(slots: usize) -> Calendar<E> {
        let mut alarms = Alarms::default();
        for _ in 0..slots {
            alarms.add();
        }
        Calendar {
            now: Time::ZERO,
            inserted: 0,
            events: Ladder::default(),
            alarms,
            lanes: Vec::new(),
            first_lane: slots as u32,
            taken: 0,
            digest: 0,
        }
    }

    /// The current time.
    #[inline]
    pub fn now(&self) -> Time {
        self.now
    }

    /// Advances the clock; nothing more may happen up to this time.
    pub fn wind_to(&mut self, at: Time) {
        self.now = self.now.max(at);
    }

    /// Number of events taken.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// A running digest of times and classes: equal for equal runs.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    fn key(&mut self, at: Time, class: u8) -> u128 {
        debug_assert!(at >= self.now, "nothing is scheduled in the past");
        let number = self.inserted;
        self.inserted += 1;
        u128::from(at.max(self.now).nanos()) << 64 | u128::from(class) << 56 | u128::from(number)
    }

    /// Schedules an event.
    #[inline(never)]
    pub fn at(&mut self, at: Time, class: u8, event: E) {
        let key = self.key(at, class);
        self.events.push(key, || Due::Event(event));
    }

    /// Sets or moves the alarm of a slot.
    #[inline]
    pub fn set_alarm(&mut self, slot: u32, at: Time, class: u8) {
        let key = self.key(at, class);
        self.set(slot, key);
    }

    #[inline(never)]
    fn set(&mut self, slot: u32, key: u128) {
        if self.alarms.set(slot, key) {
            self.events.push(key, || Due::Alarm(slot.into()));
        }
    }

    /// Clears the alarm of a slot.
    #[inline]
    pub fn clear_alarm(&mut self, slot: u32) {
        self.alarms.clear(slot);
    }

    /// Opens a lane for time-outs of this length.
    pub fn open_lane(&mut self, length: Span, class: u8) -> LaneId {
        let slot = self.alarms.add();
        self.lanes.push(Lane {
            length,
            class,
            slot,
            waiting: VecDeque::new(),
        });
        LaneId((self.lanes.len() - 1) as u32)
    }

    /// Schedules an event one lane length from now.
    #[inline]
    pub fn in_lane(&mut self, lane: LaneId, event: E) {
        let Lane {
            length, class, slot, ..
        } = self.lanes[lane.0 as usize];
        let key = self.key(self.now + length, class);
        let waiting = &mut self.lanes[lane.0 as usize].waiting;
        waiting.push_back((key, event));
        if waiting.len() == 1 {
            self.set(slot, key);
        }
    }

    /// The next event up to and including `horizon`, with the clock moved to it. Time-outs of lanes that are not `live`
    /// are dropped silently; they would have no effect.
    #[inline]
    pub fn next(&mut self, horizon: Time, live: impl Fn(&E) -> bool) -> Option<Due<E>> {
        loop {
            let (key, due) = self.events.first()?;
            let at = Time::from_nanos((key >> 64) as u64);
            if at > horizon {
                return None;
            }
            self.events.pop();
            let Due::Alarm(slot) = due else {
                self.happens(at, key);
                return Some(due);
            };
            let slot = slot as u32;
            match self.alarms.bell(slot) {
                Bell::Silent => {}
                Bell::PutOff(key) => self.events.push(key, || due),
                Bell::Rings => {
                    self.happens(at, key);
                    return if slot < self.first_lane {
                        Some(due)
                    } else {
                        self.expire(slot - self.first_lane, live)
                    };
                }
            }
        }
    }

    /// The next events, returned once each time a bucket of far events comes near: their data has not been touched for
    /// long and may need to be prefetched.
    #[inline]
    pub fn came_near(&mut self) -> Option<impl Iterator<Item = &E> + Clone> {
        let near = self.events.came_near()?;
        Some(near.iter().filter_map(|(_, due)| match due {
            Due::Event(event) => Some(event),
            Due::Alarm(_) => None,
        }))
    }

    #[inline]
    fn happens(&mut self, at: Time, key: u128) {
        self.now = at;
        self.taken += 1;
        let folded = (key >> 64) as u64 ^ (key as u64).rotate_left(32);
        self.digest = (self.digest ^ folded).wrapping_mul(DIGEST).rotate_left(29);
    }

    /// Takes the head of a lane, and sets its alarm for the next live one.
    fn expire(&mut self, lane: u32, live: impl Fn(&E) -> bool) -> Option<Due<E>> {
        let Lane { slot, waiting, .. } = &mut self.lanes[lane as usize];
        let head = waiting.pop_front();
        while waiting.front().is_some_and(|(_, e)| !live(e)) {
            waiting.pop_front();
        }
        if let (slot, Some((key, _))) = (*slot, waiting.front().copied()) {
            self.set(slot, key);
        }
        head.map(|(_, e)| Due::Event(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FOREVER: Time = Time::from_nanos(u64::MAX);

    #[derive(Clone, Debug)]
    enum Op {
        At(u64, u8),
        Lane,
        Alarm(u32, u64, u8),
        Clear(u32),
        Next,
    }

    fn ops() -> impl Strategy<Value = Vec<Op>> {
        let op = prop_oneof![
            4 => (0u64..20, 0u8..3).prop_map(|(d, c)| Op::At(d, c)),
            2 => Just(Op::Lane),
            2 => (0u32..3, 0u64..20, 0u8..3).prop_map(|(s, d, c)| Op::Alarm(s, d, c)),
            1 => (0u32..3).prop_map(Op::Clear),
            5 => Just(Op::Next),
        ];
        prop::collection::vec(op, 1..300)
    }

    proptest! {
        /// The slow twin: a list, sorted as the contract says.
        #[test]
        fn the_order_is_that_of_a_sorted_list(ops in ops()) {
            let mut fast = Calendar::<u32>::new(3);
            let lane = fast.open_lane(Span::from_nanos(7), 2);
            let mut slow: Vec<(u64, u8, u32, Due<u32>)> = Vec::new();
            for (number, op) in ops.into_iter().enumerate() {
                let (n, now) = (number as u32, fast.now().nanos());
                match op {
                    Op::At(d, c) => { fast.at(Time::from_nanos(now + d), c, n); slow.push((now + d, c, n, Due::Event(n))); }
                    Op::Lane => { fast.in_lane(lane, n); slow.push((now + 7, 2, n, Due::Event(n))); }
                    Op::Alarm(s, d, c) => {
                        fast.set_alarm(s, Time::from_nanos(now + d), c);
                        slow.retain(|e| e.3 != Due::Alarm(s.into()));
                        slow.push((now + d, c, n, Due::Alarm(s.into())));
                    }
                    Op::Clear(s) => { fast.clear_alarm(s); slow.retain(|e| e.3 != Due::Alarm(s.into())); }
                    Op::Next => {
                        slow.sort_by_key(|e| (e.0, e.1, e.2));
                        let expected = (!slow.is_empty()).then(|| slow.remove(0));
                        prop_assert_eq!(fast.next(FOREVER, |_| true), expected.map(|e| e.3));
                        if let Some(e) = expected { prop_assert_eq!(fast.now().nanos(), e.0); }
                    }
                }
            }
        }

        /// The same against the `priority-queue` crate, for events only.
        #[test]
        fn the_order_is_that_of_the_priority_queue_crate(delays in prop::collection::vec((0u64..50, 0u8..3), 1..300)) {
            let mut fast = Calendar::<u32>::new(0);
            let mut slow = priority_queue::PriorityQueue::new();
            for (n, (d, c)) in delays.into_iter().enumerate() {
                let at = fast.now().nanos() + d;
                fast.at(Time::from_nanos(at), c, n as u32);
                slow.push(n as u32, std::cmp::Reverse((at, c, n)));
                if n % 3 == 0 {
                    prop_assert_eq!(fast.next(FOREVER, |_| true), slow.pop().map(|(e, _)| Due::Event(e)));
                }
            }
            while let Some((e, _)) = slow.pop() {
                prop_assert_eq!(fast.next(FOREVER, |_| true), Some(Due::Event(e)));
            }
        }
    }

    #[test]
    fn cancelled_time_outs_are_dropped_in_silence() {
        let mut calendar = Calendar::<u32>::new(0);
        let lane = calendar.open_lane(Span::from_nanos(10), 0);
        (0..100).for_each(|n| calendar.in_lane(lane, n));
        // The head was live when its alarm was set; everything behind it is checked.
        assert_eq!(calendar.next(FOREVER, |e| *e == 99), Some(Due::Event(0)));
        assert_eq!(calendar.next(FOREVER, |e| *e == 99), Some(Due::Event(99)));
        assert_eq!(calendar.next(FOREVER, |_| true), None);
    }

    /// An alarm that moves back and forth while another is far leaves as few entries as at the start.
    #[test]
    fn an_alarm_that_moves_back_and_forth_leaves_nothing_behind() {
        let mut calendar = Calendar::<u32>::new(1);
        let far = Time::from_nanos(1_000_000_000);
        calendar.set_alarm(0, far, 0);
        for n in 0..10_000 {
            calendar.set_alarm(0, Time::from_nanos(10 * n + 5), 0);
            assert_eq!(calendar.next(far, |_| true), Some(Due::Alarm(0)));
            calendar.set_alarm(0, Time::from_nanos(far.nanos() + n % 3), 0);
            assert!(calendar.events.len() <= 4, "{}", calendar.events.len());
        }
    }

    #[test]
    fn nothing_happens_after_the_horizon() {
        let mut calendar = Calendar::<u32>::new(0);
        calendar.at(Time::from_nanos(10), 0, 1);
        assert_eq!(calendar.next(Time::from_nanos(9), |_| true), None);
        assert_eq!(calendar.next(Time::from_nanos(10), |_| true), Some(Due::Event(1)));
    }
}
