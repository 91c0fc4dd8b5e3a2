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

    /// Empties it; it keeps its memory.
    #[inline]
    pub fn clear(&mut self) {
        self.entries.clear();
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
        // The last entry nearly always belongs at the bottom again: the hole goes all the way down without asking, and
        // the entry then rises the little it has to.
        let leaf = self.sink_hole();
        self.sift_up(leaf, last);
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

    /// Moves the hole at the root down to a leaf, along the smallest children, and says where it ends.
    #[inline]
    fn sink_hole(&mut self) -> usize {
        let entries = &mut self.entries[..];
        let smaller = |entries: &[(u128, E)], a: usize, b: usize| if entries[b].0 < entries[a].0 { b } else { a };
        let mut hole = 0;
        loop {
            let child = hole * ARITY + 1;
            let next = if child + 3 < entries.len() {
                let (left, right) = (
                    smaller(entries, child, child + 1),
                    smaller(entries, child + 2, child + 3),
                );
                smaller(entries, left, right)
            } else if child < entries.len() {
                (child + 1..entries.len()).fold(child, |least, c| smaller(entries, least, c))
            } else {
                return hole;
            };
            entries[hole] = entries[next];
            hole = next;
        }
    }
}
