//! Events under packed keys: a sorted list while they are few, a 4-ary min-heap when they are many.
//!
//! A short list is searched from its next event and popped without a comparison, which a heap cannot beat. In the heap
//! four children are adjacent in two cache lines, and a key is one 128-bit number, so ordering takes one comparison.
//! Compared with `BinaryHeap` and the `priority-queue` crate in `benches/engine.rs`.

/// Events of type `E`, the one with the smallest key first. Keys are unique.
#[derive(Clone, Debug)]
pub struct Heap<E> {
    /// While few: in descending order. When many: as a heap.
    entries: Vec<(u128, E)>,
    many: bool,
}

const ARITY: usize = 4;
/// Number of events above which the list becomes a heap.
const MANY: usize = 64;
/// Number of events at which the heap becomes a list again.
const FEW: usize = 8;

impl<E> Default for Heap<E> {
    fn default() -> Self {
        Heap {
            entries: Vec::new(),
            many: false,
        }
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
    #[inline]
    pub fn first(&self) -> Option<(u128, E)> {
        let next = if self.many {
            self.entries.first()
        } else {
            self.entries.last()
        };
        next.copied()
    }

    /// All events, in no order.
    pub fn entries(&self) -> &[(u128, E)] {
        &self.entries
    }

    /// Empties it and keeps its memory.
    #[inline]
    pub fn clear(&mut self) {
        self.entries.clear();
        self.many = false;
    }

    /// Fills the empty heap. Ordering all events at once costs less than single pushes.
    pub fn fill(&mut self, events: &mut Vec<(u128, E)>) {
        debug_assert!(self.entries.is_empty(), "what is there already would lose its place");
        self.entries.append(events);
        self.entries.sort_unstable_by_key(|e| std::cmp::Reverse(e.0));
        self.many = false;
        if self.entries.len() > MANY {
            self.become_many();
        }
    }

    /// Adds an event.
    #[inline(always)]
    pub fn push(&mut self, key: u128, event: E) {
        self.entries.push((key, event));
        if self.many {
            return self.sift_up(self.entries.len() - 1, (key, event));
        }
        let mut list = &mut self.entries[..];
        while let [sooner @ .., last] = list {
            match sooner.last() {
                Some(before) if before.0 < key => *last = *before,
                _ => {
                    *last = (key, event);
                    break;
                }
            }
            list = sooner;
        }
        if self.entries.len() > MANY {
            self.become_many();
        }
    }

    /// Whether it is in heap form.
    #[inline]
    pub fn are_many(&self) -> bool {
        self.many
    }

    /// A list in ascending order is a heap.
    #[cold]
    fn become_many(&mut self) {
        self.entries.reverse();
        self.many = true;
    }

    /// Takes the event with the smallest key.
    #[inline]
    pub fn pop(&mut self) -> Option<(u128, E)> {
        if self.many {
            self.pop_of_many()
        } else {
            self.entries.pop()
        }
    }

    #[inline(never)]
    fn pop_of_many(&mut self) -> Option<(u128, E)> {
        let last = self.entries.pop()?;
        let first = *self.entries.first()?;
        // The last entry usually belongs at the bottom: the hole sinks to a leaf without comparing with it, and the
        // entry then rises as needed.
        let leaf = self.sink_hole();
        self.sift_up(leaf, last);
        if self.entries.len() <= FEW {
            self.entries.sort_unstable_by_key(|e| std::cmp::Reverse(e.0));
            self.many = false;
        }
        Some(first)
    }

    /// Moves the hole at `hole` up until `entry` fits.
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

    /// Moves the hole at the root down to a leaf, along the smallest children; returns its final place.
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
