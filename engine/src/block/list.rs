//! What a run remembers of keys, found by key: what it read, and what it wrote.

use epoch_store::block::{KeyRef, Read, Write};

/// What is remembered of a key.
pub trait Keyed<'b>: Copy {
    fn key(&self) -> KeyRef<'b>;
}

impl<'b> Keyed<'b> for Read<'b> {
    #[inline]
    fn key(&self) -> KeyRef<'b> {
        Read::key(*self)
    }
}

impl<'b> Keyed<'b> for Write<'b> {
    #[inline]
    fn key(&self) -> KeyRef<'b> {
        Write::key(*self)
    }
}

/// Up to so many items are looked through one by one; more have a table.
const FEW: usize = 8;
/// The least places of a table, and the most that are kept from run to run.
const LEAST: usize = 32;
const KEPT: usize = 4096;

/// Items in the order in which they came; a key's is found by its place in a table once there are many.
///
/// The table is open addressing: an item's position and one, at the first free place from its key's hash on. It is never
/// more than half full.
#[derive(Debug)]
pub struct List<T> {
    items: Vec<T>,
    table: Vec<u32>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), table: Vec::new() }
    }
}

impl<'b, T: Keyed<'b>> List<T> {
    #[inline]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// What is left in the table is cleared when it is needed again.
    #[inline]
    pub fn clear(&mut self) {
        self.items.clear();
        if self.table.len() > KEPT {
            self.shrink();
        }
    }

    /// One long run must not make those after it clear a large table.
    #[cold]
    fn shrink(&mut self) {
        self.items.shrink_to(KEPT);
        self.table.truncate(KEPT);
        self.table.shrink_to(KEPT);
    }

    /// Where the item of this key is.
    #[inline]
    pub fn find(&self, key: KeyRef<'b>) -> Option<usize> {
        if self.items.len() <= FEW {
            return self.items.iter().position(|item| item.key() == key);
        }
        self.find_in_table(key).ok()
    }

    /// Where the item of this key is, or the free place in the table where it would be entered.
    fn find_in_table(&self, key: KeyRef<'b>) -> Result<usize, usize> {
        let mask = self.table.len() - 1;
        let mut place = start(key) & mask;
        loop {
            match self.table[place] {
                0 => return Err(place),
                at if self.items[at as usize - 1].key() == key => return Ok(at as usize - 1),
                _ => place = (place + 1) & mask,
            }
        }
    }

    /// Puts another item of the same key in the place of one.
    #[inline]
    pub fn replace(&mut self, at: usize, item: T) {
        self.items[at] = item;
    }

    /// Adds an item. If there is one of its key already, that is the one that is found.
    #[inline]
    pub fn push(&mut self, item: T) {
        self.items.push(item);
        if self.items.len() > FEW {
            self.enter_last();
        }
    }

    fn enter_last(&mut self) {
        if self.items.len() == FEW + 1 || self.items.len() * 2 > self.table.len() {
            return self.rebuild();
        }
        let last = self.items.len() - 1;
        self.enter(last);
    }

    fn rebuild(&mut self) {
        let least = (self.items.len() * 4).next_power_of_two().max(LEAST);
        self.table.fill(0);
        self.table.resize(least.max(self.table.len()), 0);
        (0..self.items.len()).for_each(|at| self.enter(at));
    }

    fn enter(&mut self, at: usize) {
        if let Err(place) = self.find_in_table(self.items[at].key()) {
            self.table[place] = u32::try_from(at + 1).expect("fewer than 2^32 reads a run");
        }
    }
}

/// Where the search for a key begins. The lowest bits of its hash are those that all keys of a bucket share.
fn start(key: KeyRef<'_>) -> usize {
    usize::try_from(key.hash() >> 20).unwrap_or_default()
}
