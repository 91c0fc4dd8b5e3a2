//! A 4-ary min-heap of events under packed keys.
//!
//! Four children sit side by side in two cache lines, and a key is one 128-bit number, so an order is one comparison.
//! Measured against `BinaryHeap` and the `priority-queue` crate in `benches/engine.rs`.

/// A min-heap of `E` by a key that is unique.
#[derive(Clone, Debug)]
pub struct Heap<E> {
    entries: Vec<(u128, E)>,
}

const ARITY: usize = 4;

impl<E> Default for Heap<E> {
    fn default() -> Self {
        Heap { entries: Vec::new() }
    }
}

impl<E: Copy> Heap<E> {
    /// How many events wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Does none wait?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The smallest key; the largest possible where the heap is empty.
    #[inline]
    pub fn first_key(&self) -> u128 {
        self.entries.first().map_or(u128::MAX, |e| e.0)
    }

    /// The event with the smallest key, and that key.
    #[inline]
    pub fn first(&self) -> Option<(u128, E)> {
        self.entries.first().copied()
    }

    /// An empty heap that keeps its memory.
    pub fn cleared(mut self) -> Heap<E> {
        self.entries.clear();
        self
    }

    /// Adds an event.
    #[inline]
    pub fn push(&mut self, key: u128, event: E) {
        self.entries.push((key, event));
        self.sift_up(self.entries.len() - 1, (key, event));
    }

    /// Takes the event with the smallest key.
    #[inline]
    pub fn pop(&mut self) -> Option<(u128, E)> {
        let last = self.entries.pop()?;
        let Some(&first) = self.entries.first() else {
            return Some(last);
        };
        self.sift_down(last);
        Some(first)
    }

    /// Moves the hole at `hole` up until `entry` fits in it.
    #[inline]
    fn sift_up(&mut self, mut hole: usize, entry: (u128, E)) {
        while hole > 0 {
            let parent = (hole - 1) / ARITY;
            if self.entries[parent].0 <= entry.0 {
                break;
            }
            self.entries[hole] = self.entries[parent];
            hole = parent;
        }
        self.entries[hole] = entry;
    }

    /// Moves the hole at the root down until `entry` fits in it.
    #[inline]
    fn sift_down(&mut self, entry: (u128, E)) {
        let entries = &mut self.entries[..];
        let mut hole = 0;
        loop {
            let child = hole * ARITY + 1;
            let Some(children) = entries.get(child..(child + ARITY).min(entries.len())) else {
                break;
            };
            let Some((offset, smallest)) = children.iter().map(|c| c.0).enumerate().min_by_key(|c| c.1) else {
                break;
            };
            if smallest >= entry.0 {
                break;
            }
            entries[hole] = entries[child + offset];
            hole = child + offset;
        }
        entries[hole] = entry;
    }
}
