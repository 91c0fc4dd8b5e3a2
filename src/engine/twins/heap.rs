//! The slow twin of the heap: an unordered list, searched for its smallest key. With the feature `slow-twins` whole
//! worlds run on it and must give the same results (`.ci/run`).

/// Events under unique keys.
#[derive(Clone, Debug)]
pub struct Heap<E> {
    entries: Vec<(u128, E)>,
}

impl<E> Default for Heap<E> {
    fn default() -> Self {
        Heap { entries: Vec::new() }
    }
}

impl<E: Copy> Heap<E> {
    /// Number of events.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The event with the smallest key, and that key.
    pub fn first(&self) -> Option<(u128, E)> {
        self.entries.iter().min_by_key(|e| e.0).copied()
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Adds an event.
    pub fn push(&mut self, key: u128, event: E) {
        self.entries.push((key, event));
    }

    /// Takes the event with the smallest key.
    pub fn pop(&mut self) -> Option<(u128, E)> {
        let (at, _) = self.entries.iter().enumerate().min_by_key(|(_, e)| e.0)?;
        Some(self.entries.remove(at))
    }
}
