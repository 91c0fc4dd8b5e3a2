//! Alarms: a fixed set of slots, each with at most one pending time that may be moved or cleared.
//!
//! What changes its mind about when it is due (the next completion on a host, the head of a row of time-outs) sets its
//! slot again instead of leaving a stale event behind. A tournament: every slot plays, one without an alarm loses to all
//! others, and whoever changes plays the games on its way to the final again.

/// Slots with at most one key each; the smallest comes first.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    /// How many slots there are.
    slots: usize,
    /// The winner of each game, its key and its slot: that of game `g` has beaten the winners of games `2g` and `2g + 1`,
    /// and game 1 is the final. The last half are no games but the slots themselves, up to a power of two.
    winners: Vec<(u128, u32)>,
}

const UNSET: u128 = u128::MAX;

impl Alarms {
    /// Adds a slot, without an alarm, and names it.
    pub fn add(&mut self) -> u32 {
        if self.slots == self.winners.len() / 2 {
            self.grow();
        }
        self.slots += 1;
        (self.slots - 1) as u32
    }

    /// Twice as many places for slots.
    fn grow(&mut self) {
        let old = self.winners.split_off(self.winners.len() / 2);
        let size = (2 * old.len()).max(1);
        self.winners = (0..2 * size).map(|g| (UNSET, g.saturating_sub(size) as u32)).collect();
        for (key, slot) in old {
            self.set(slot, key);
        }
    }

    /// The smallest key of all; the largest possible where no alarm is set.
    #[inline]
    pub fn first_key(&self) -> u128 {
        self.winners.get(1).map_or(UNSET, |w| w.0)
    }

    /// The slot with the smallest key.
    #[inline]
    pub fn first(&self) -> Option<u32> {
        self.winners.get(1).filter(|w| w.0 < UNSET).map(|w| w.1)
    }

    /// Sets the alarm of a slot, or moves it: all its games are played again.
    #[inline]
    pub fn set(&mut self, slot: u32, key: u128) {
        let winners = &mut self.winners[..];
        let mut winner = (key, slot);
        let mut game = winners.len() / 2 + slot as usize;
        winners[game] = winner;
        while game > 1 {
            let rival = winners[game ^ 1];
            if rival.0 < winner.0 {
                winner = rival;
            }
            game /= 2;
            if winners[game].0 == winner.0 {
                // Keys are unique: the winner this game had before wins again (or there is none still), so no later game changes.
                return;
            }
            winners[game] = winner;
        }
    }

    /// Clears the alarm of a slot, if it has one.
    #[inline]
    pub fn clear(&mut self, slot: u32) {
        if self.winners[self.winners.len() / 2 + slot as usize].0 < UNSET {
            self.set(slot, UNSET);
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
