//! Alarms: what changes its mind about when it is due (the next completion on a host, the head of a row of time-outs).
//!
//! An alarm rings by a bell in the event list. One that is put off keeps its bell, which finds on ringing that it is too
//! early, and is hung up again; only one that is brought forward gets a second. So a slot's bells are each later than the
//! next, and an alarm that moves back and forth for ever leaves no crowd of them behind.

const UNSET: u128 = u128::MAX;

/// Slots with at most one key each.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    slots: Vec<Slot>,
}

#[derive(Clone, Debug)]
struct Slot {
    key: u128,
    /// The bells that hang in the event list, the latest first. While a key is set, the last is not after it.
    bells: Vec<u128>,
}

/// What a bell means.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Bell {
    /// The alarm is due, and no longer set.
    Rings,
    /// Nothing: the alarm was cleared, or another bell is in time for it.
    Silent,
    /// The alarm was put off until then, and this bell with it.
    PutOff(u128),
}

impl Alarms {
    /// Adds a slot, without an alarm, and names it.
    pub fn add(&mut self) -> u32 {
        self.slots.push(Slot {
            key: UNSET,
            bells: Vec::new(),
        });
        (self.slots.len() - 1) as u32
    }

    /// Sets the alarm of a slot, or moves it. Does it need another bell?
    #[inline]
    pub fn set(&mut self, slot: u32, key: u128) -> bool {
        let slot = &mut self.slots[slot as usize];
        slot.key = key;
        slot.needs_bell()
    }

    /// Clears the alarm of a slot, if it has one.
    #[inline]
    pub fn clear(&mut self, slot: u32) {
        self.slots[slot as usize].key = UNSET;
    }

    /// The next bell of a slot has its time.
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
    /// Hangs up a bell for the key, unless one is there that is not after it.
    #[inline]
    fn needs_bell(&mut self) -> bool {
        let needs = self.bells.last().is_none_or(|bell| *bell > self.key);
        if needs {
            self.bells.push(self.key);
        }
        needs
    }
}
