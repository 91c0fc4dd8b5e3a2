//! The slow twin of the alarms: a list of keys, searched for the smallest. Used with the feature `slow-twins`.

/// Slots with at most one key each; the smallest comes first.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    keys: Vec<Option<u128>>,
}

impl Alarms {
    /// Adds a slot, without an alarm, and names it.
    pub fn add(&mut self) -> u32 {
        self.keys.push(None);
        (self.keys.len() - 1) as u32
    }

    /// The smallest key of all; the largest possible where no alarm is set.
    pub fn first_key(&self) -> u128 {
        self.keys.iter().flatten().min().copied().unwrap_or(u128::MAX)
    }

    /// The slot with the smallest key.
    pub fn first(&self) -> Option<u32> {
        let least = self.keys.iter().flatten().min()?;
        self.keys
            .iter()
            .position(|k| k.as_ref() == Some(least))
            .map(|i| i as u32)
    }

    /// Sets the alarm of a slot, or moves it.
    pub fn set(&mut self, slot: u32, key: u128) {
        self.keys[slot as usize] = Some(key);
    }

    /// Clears the alarm of a slot, if it has one.
    pub fn clear(&mut self, slot: u32) {
        self.keys[slot as usize] = None;
    }
}
