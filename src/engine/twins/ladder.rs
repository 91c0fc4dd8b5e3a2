//! The slow twin of the ladder: the heap's, however many events wait. Used with the feature `slow-twins`.

pub use super::heap::Heap as Ladder;
