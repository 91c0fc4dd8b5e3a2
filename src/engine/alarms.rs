//! Alarms: a fixed set of slots, each with at most one pending time that may be moved or cleared.
//!
//! What changes its mind about when it is due (the next completion on a host, the head of a row of time-outs) sets its
//! slot again instead of leaving a stale event behind. An indexed binary heap; slots without an alarm are not in it.

/// Slots with at most one key each; the smallest comes first.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    /// The key of every slot that is set.
    keys: Vec<u128>,
    /// Where each slot stands in `heap`, or `UNSET`.
    place: Vec<u32>,
    /// Slots that are set, as a binary min-heap by key.
    heap: Vec<u32>,
}

const UNSET: u32 = u32::MAX;

impl Alarms {
    /// Adds a slot, without an alarm, and names it.
    pub fn add(&mut self) -> u32 {
        self.keys.push(u128::MAX);
        self.place.push(UNSET);
        (self.keys.len() - 1) as u32
    }

    /// The smallest key of all; the largest possible where no alarm is set.
    #[inline]
    pub fn first_key(&self) -> u128 {
        self.heap.first().map_or(u128::MAX, |&slot| self.keys[slot as usize])
    }

    /// The slot with the smallest key.
    #[inline]
    pub fn first(&self) -> Option<u32> {
        self.heap.first().copied()
    }

    /// Sets the alarm of a slot, or moves it.
    #[inline]
    pub fn set(&mut self, slot: u32, key: u128) {
        let s = slot as usize;
        let old = self.keys[s];
        self.keys[s] = key;
        if self.place[s] == UNSET {
            self.place[s] = self.heap.len() as u32;
            self.heap.push(slot);
            self.up(self.heap.len() - 1);
        } else if key < old {
            self.up(self.place[s] as usize);
        } else {
            self.down(self.place[s] as usize);
        }
    }

    /// Clears the alarm of a slot, if it has one.
    #[inline]
    pub fn clear(&mut self, slot: u32) {
        let at = std::mem::replace(&mut self.place[slot as usize], UNSET);
        if at == UNSET {
            return;
        }
        let at = at as usize;
        self.heap.swap_remove(at);
        if let Some(&moved) = self.heap.get(at) {
            self.place[moved as usize] = at as u32;
            self.up(at);
            self.down(self.place[moved as usize] as usize);
        }
    }

    fn key_at(&self, at: usize) -> u128 {
        self.keys[self.heap[at] as usize]
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.place[self.heap[a] as usize] = a as u32;
        self.place[self.heap[b] as usize] = b as u32;
    }

    fn up(&mut self, mut at: usize) {
        while at > 0 && self.key_at(at) < self.key_at((at - 1) / 2) {
            self.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    fn down(&mut self, mut at: usize) {
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= self.heap.len() {
                return;
            }
            let child = if right < self.heap.len() && self.key_at(right) < self.key_at(left) {
                right
            } else {
                left
            };
            if self.key_at(at) <= self.key_at(child) {
                return;
            }
            self.swap(at, child);
            at = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The slow twin: a plain list of keys, searched.
        #[test]
        fn alarms_equal_a_list_that_is_searched(ops in prop::collection::vec((0u32..8, prop::option::of(0u128..50)), 1..200)) {
            let mut fast = Alarms::default();
            let mut slow = [u128::MAX; 8];
            for _ in 0..8 { fast.add(); }
            for (i, (slot, key)) in ops.into_iter().enumerate() {
                // Keys are unique in use: the low bits count.
                let key = key.map(|k| k << 32 | i as u128);
                slow[slot as usize] = key.unwrap_or(u128::MAX);
                match key { Some(k) => fast.set(slot, k), None => fast.clear(slot) }
                let least = *slow.iter().min().unwrap();
                prop_assert_eq!(fast.first_key(), least);
                if least < u128::MAX {
                    prop_assert_eq!(slow[fast.first().unwrap() as usize], least);
                }
            }
        }
    }
}
