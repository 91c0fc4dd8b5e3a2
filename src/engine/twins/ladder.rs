//! The slow twin of the ladder: the heap's, however many events wait. Used with the feature `slow-twins`.

pub use super::heap::Heap as Ladder;

impl<E> Ladder<E> {
    /// Nothing is ever far, so nothing comes near.
    pub fn came_near(&mut self) -> Option<&[(u128, E)]> {
        None
    }
}
