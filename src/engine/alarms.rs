//! Alarms: entries whose due time may move (the next completion on a host, the head of a lane of time-outs).
//!
//! An alarm is triggered by a bell in the event list. A postponed alarm keeps its bell, which finds that it is early
//! and is then set again; only an alarm that moves forward needs a second bell. So a slot's bells are in strictly
//! falling order, and an alarm that moves back and forth does not accumulate them.

const UNSET: u128 = u128::MAX;

/// Slots with at most one alarm each.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    slots: Vec<Slot>,
}

#[derive(Clone, Debug)]
struct Slot {
    key: u128,
    /// The bells in the event list, latest first. While a key is set, the last bell is not after it.
    bells: Vec<u128>,
}

/// The meaning of a bell.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Bell {
    /// The alarm is due, and is now cleared.
    Rings,
    /// Nothing: the alarm was cleared, or another bell covers it.
    Silent,
    /// The alarm was postponed to this key, where the bell must be set again.
    PutOff(u128),
}

impl Alarms {
    /// Adds a slot without an alarm and returns its number.
    pub fn add(&mut self) -> u32 {
        self.slots.push(Slot {
            key: UNSET,
            bells: Vec::new(),
        });
        (self.slots.len() - 1) as u32
    }

    /// Sets or moves the alarm of a slot. Returns whether it needs another bell.
    #[inline]
    pub fn set(&mut self, slot: u32, key: u128) -> bool {
        let slot = &mut self.slots[slot as usize];
        slot.key = key;
        slot.needs_bell()
    }

    /// Clears the alarm of a slot.
    #[inline]
    pub fn clear(&mut self, slot: u32) {
        self.slots[slot as usize].key = UNSET;
    }

    /// Handles the next bell of a slot.
    #[inline]
    pub fn bell(&mut self, slot: u32) -> Bell {
        let slot = &mut self.slots[slot as usize];
        let bell = slot.bells.pop();
        if bell == Some(slot.key) {
            slot.key = UNSET;
            Bell::Rings
        } else if slot.key != UNSET && slot.needs_bell() {
            Bell::PutOff(slot.key)
        } else {
            Bell::Silent
        }
    }
}

impl Slot {
    /// Adds a bell for the key, unless there is one that is not after it.
    #[inline]
    fn needs_bell(&mut self) -> bool {
        let needs = self.bells.last().is_none_or(|bell| *bell > self.key);
        if needs {
            self.bells.push(self.key);
        }
        needs
    }
}
