//! Events under packed keys: a sorted list while they are few, and a 4-ary min-heap when they are many.
//!
//! A short list is searched from its next event on and needs no comparison to take it, which a heap never beats. In
//! the heap four children sit side by side in two cache lines, and a key is one 128-bit number, so an order is one
//! comparison. Measured against `BinaryHeap` and the `priority-queue` crate in `benches/engine.rs`.

/// Events of type `E`, the one with the smallest key first. Keys are unique.
#[derive(Clone, Debug)]
pub struct Heap<E> {
    /// Few: in falling order. Many: each before its four children.
    entries: Vec<(u128, E)>,
    many: bool,
}

const ARITY: usize = 4;
/// More than this are many,
const MANY: usize = 64;
/// and they are few again from here on.
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
    /// How many events wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Does none wait?
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

    /// All that wait, in no order.
    pub fn entries(&self) -> &[(u128, E)] {
        &self.entries
    }

    /// Empties it; it keeps its memory.
    #[inline]
    pub fn clear(&mut self) {
        self.entries.clear();
        self.many = false;
    }

    /// Takes in all these events, having none. Put in order at once they cost less than one after the other.
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

    /// Are there so many that they lie in a heap?
    #[inline]
    pub fn are_many(&self) -> bool {
        self.many
    }

    /// What is in rising order is a heap.
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
        // The last entry nearly always belongs at the bottom again: the hole goes all the way down without asking, and
        // the entry then rises the little it has to.
        let leaf = self.sink_hole();
        self.sift_up(leaf, last);
        if self.entries.len() <= FEW {
            self.entries.sort_unstable_by_key(|e| std::cmp::Reverse(e.0));
            self.many = false;
        }
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
