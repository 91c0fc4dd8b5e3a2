//! The slow twin of the ladder: only the twin heap. Used with the feature `slow-twins`.

use super::heap::Heap;

/// Events by key.
#[derive(Clone, Debug)]
pub struct Ladder<E> {
    heap: Heap<E>,
}

impl<E> Default for Ladder<E> {
    fn default() -> Self {
        Ladder { heap: Heap::default() }
    }
}

impl<E: Copy> Ladder<E> {
    /// Number of events.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// The event with the smallest key, and that key.
    pub fn first(&self) -> Option<(u128, E)> {
        self.heap.first()
    }

    /// Adds an event.
    pub fn push(&mut self, key: u128, make: impl Fn() -> E) {
        self.heap.push(key, make());
    }

    /// Takes the event with the smallest key.
    pub fn pop(&mut self) -> Option<(u128, E)> {
        self.heap.pop()
    }

    /// Always `None`: no event is ever far.
    pub fn came_near(&mut self) -> Option<&[(u128, E)]> {
        None
    }
}
