//! A generational slab: its keys go stale when their entry is removed.
//!
//! A stale key finds nothing, never a later entry in the same place.

/// Names one entry of a [`Slab`] while it exists: its generation above, its place below, in one word.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(u64);

impl Key {
    /// A key that finds nothing.
    pub const NONE: Key = Key(u32::MAX as u64);

    #[inline]
    fn new(index: u32, generation: u32) -> Key {
        Key(u64::from(generation) << 32 | u64::from(index))
    }

    #[inline]
    fn index(self) -> usize {
        self.0 as u32 as usize
    }

    #[inline]
    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The key as a word.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The key from a word.
    #[inline]
    pub const fn from_bits(bits: u64) -> Key {
        Key(bits)
    }
}

/// Entries under generational keys.
#[derive(Clone, Debug)]
pub struct Slab<T> {
    /// The generation is odd while the place is in use.
    places: Vec<(u32, T)>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T: Copy> Slab<T> {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there are more than `most`. Optimised for the answer no.
    #[inline]
    pub fn are_more_than(&self, most: usize) -> bool {
        self.places.len() > most && self.len() > most
    }

    /// Inserts an entry.
    #[inline]
    pub fn insert(&mut self, thing: T) -> Key {
        self.insert_with(|_| thing)
    }

    /// Builds an entry in place from its own key, so that nothing large is moved.
    #[inline]
    pub fn insert_with(&mut self, make: impl FnOnce(Key) -> T) -> Key {
        if let Some(index) = self.free.pop() {
            let place = &mut self.places[index as usize];
            place.0 = place.0.wrapping_add(1);
            let key = Key::new(index, place.0);
            place.1 = make(key);
            return key;
        }
        let key = Key::new(self.places.len() as u32, 1);
        self.places.push((1, make(key)));
        key
    }

    /// Removes an entry and returns it.
    #[inline]
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let place = self.places.get_mut(key.index()).filter(|p| p.0 == key.generation())?;
        place.0 = place.0.wrapping_add(1);
        self.free.push(key.index() as u32);
        Some(place.1)
    }

    /// Removes an entry without returning it.
    #[inline]
    pub fn discard(&mut self, key: Key) {
        if let Some(place) = self.places.get_mut(key.index()).filter(|p| p.0 == key.generation()) {
            place.0 = place.0.wrapping_add(1);
            self.free.push(key.index() as u32);
        }
    }

    /// The entry under this key, if it still exists.
    #[inline]
    pub fn get(&self, key: Key) -> Option<&T> {
        match self.places.get(key.index()) {
            Some(place) if place.0 == key.generation() => Some(&place.1),
            _ => None,
        }
    }

    /// The entry under this key, if it still exists.
    #[inline]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.places.get_mut(key.index()) {
            Some(place) if place.0 == key.generation() => Some(&mut place.1),
            _ => None,
        }
    }

    /// Reads the entry's place to bring it into the cache. Many such reads in a row wait for memory together instead of
    /// one by one.
    #[inline]
    pub fn prefetch(&self, key: Key, read: impl FnOnce(&T) -> u64) -> u64 {
        self.places
            .get(key.index())
            .map_or(0, |place| u64::from(place.0) ^ read(&place.1))
    }

    /// Whether the entry still exists.
    #[inline]
    pub fn contains(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    /// All entries, by place.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.places
            .iter()
            .enumerate()
            .filter(|(_, p)| p.0 % 2 == 1)
            .map(|(i, p)| (Key::new(i as u32, p.0), &p.1))
    }
}

/// Out of line, so that look-ups do not carry its code.
#[cold]
#[inline(never)]
fn gone() -> ! {
    unreachable!("the key of something in flight")
}

impl<T: Copy> std::ops::Index<Key> for Slab<T> {
    type Output = T;
    #[inline]
    fn index(&self, key: Key) -> &T {
        match self.get(key) {
            Some(thing) => thing,
            None => gone(),
        }
    }
}

impl<T: Copy> std::ops::IndexMut<Key> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, key: Key) -> &mut T {
        match self.get_mut(key) {
            Some(thing) => thing,
            None => gone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_key_never_finds_the_successor() {
        let mut slab = Slab::default();
        let first = slab.insert('a');
        assert_eq!(slab.remove(first), Some('a'));
        let second = slab.insert('b');
        assert_eq!((slab.get(first), slab.get(second)), (None, Some(&'b')));
        assert_eq!(slab.remove(first), None);
        assert_eq!((slab.len(), slab.get(Key::NONE)), (1, None));
        assert_eq!(slab.iter().map(|(k, t)| (k, *t)).collect::<Vec<_>>(), [(second, 'b')]);
    }
}
