//! Alarms: a fixed set of slots, each with at most one pending time that may be moved or cleared.
//!
//! What changes its mind about when it is due (the next completion on a host, the head of a row of time-outs) sets its
//! slot again instead of leaving a stale event behind. A tournament: every slot plays, one without an alarm loses to all
//! others, and whoever changes plays the games on its way to the final again.

/// Slots with at most one key each; the smallest comes first.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    /// How many slots there are.
    slots: u32,
    /// The key of every slot, `UNSET` without an alarm; as many as a full tournament has, a power of two.
    keys: Vec<u128>,
    /// The winner of game `g` has beaten the winners of games `2g` and `2g + 1`; game 1 is the final. The last half are no
    /// games but the slots themselves.
    winners: Vec<u32>,
}

const UNSET: u128 = u128::MAX;

impl Alarms {
    /// Adds a slot, without an alarm, and names it.
    pub fn add(&mut self) -> u32 {
        if self.slots as usize == self.keys.len() {
            let size = (2 * self.keys.len()).max(2);
            self.keys.resize(size, UNSET);
            self.winners = (0..2 * size as u32).map(|g| g.saturating_sub(size as u32)).collect();
            (0..size).for_each(|slot| self.play(slot));
        }
        self.slots += 1;
        self.slots - 1
    }

    /// The smallest key of all; the largest possible where no alarm is set.
    #[inline]
    pub fn first_key(&self) -> u128 {
        self.winners.get(1).map_or(UNSET, |&slot| self.keys[slot as usize])
    }

    /// The slot with the smallest key.
    #[inline]
    pub fn first(&self) -> Option<u32> {
        self.winners
            .get(1)
            .copied()
            .filter(|&slot| self.keys[slot as usize] < UNSET)
    }

    /// Sets the alarm of a slot, or moves it.
    #[inline]
    pub fn set(&mut self, slot: u32, key: u128) {
        self.keys[slot as usize] = key;
        self.play(slot as usize);
    }

    /// Clears the alarm of a slot, if it has one.
    #[inline]
    pub fn clear(&mut self, slot: u32) {
        if self.keys[slot as usize] < UNSET {
            self.set(slot, UNSET);
        }
    }

    /// Plays every game of a slot again, from its first to the final.
    #[inline]
    fn play(&mut self, slot: usize) {
        let (mut winner, mut least) = (slot as u32, self.keys[slot]);
        let mut game = self.keys.len() + slot;
        while game > 1 {
            let rival = self.winners[game ^ 1];
            let key = self.keys[rival as usize];
            if key < least {
                (winner, least) = (rival, key);
            }
            game /= 2;
            self.winners[game] = winner;
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
