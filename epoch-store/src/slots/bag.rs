//! Kept versions that need another look, in bags.

use crate::chain::{Kept, Record};
use crate::sync::Tracked;
use std::ptr::{self, NonNull};

/// Entries in a bag.
pub const BAG: usize = if cfg!(epoch_loom) { 1 } else { 32 };

/// A kept version: its record, and the stamps that see it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The record that it belongs to.
    pub record: NonNull<Record>,
    /// The number of the record's space.
    pub space: u32,
    /// Its span.
    pub kept: Kept,
}

/// A few entries, and more bags behind them: bags that waited together stay together.
#[derive(Debug)]
pub struct Bag {
    entries: Vec<Entry>,
    /// Owned; null: none. A model sees one that is taken before it is laid.
    next: Tracked<*mut Bag>,
}

// SAFETY: records are shared by protocol; a bag, with those behind it, has one owner at a time.
unsafe impl Send for Bag {}

impl Default for Bag {
    fn default() -> Self {
        Self { entries: Vec::new(), next: Tracked::new(ptr::null_mut()) }
    }
}

impl Bag {
    /// A bag of one entry, to be told apart from others.
    #[cfg(epoch_loom)]
    pub fn of(record: NonNull<Record>) -> Self {
        let mut bag = Self::default();
        bag.add(Entry { record, space: 0, kept: Kept { stamp: 0, superseded_at: 0 } });
        bag
    }

    /// Puts an entry in.
    pub fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Whether it has as many entries as a bag should.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= BAG
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The stamp from which on each of its entries can be judged.
    pub fn ripens(&self) -> u64 {
        self.entries.iter().map(|entry| entry.kept.superseded_at).max().unwrap_or(0)
    }

    /// Moves its entries to `entries`; returns the bags behind it.
    pub fn empty_into(mut self, entries: &mut Vec<Entry>) -> Option<Box<Self>> {
        entries.append(&mut self.entries);
        self.take_next()
    }

    /// Makes this bag the owner of those behind it.
    pub(super) fn lay_on(&mut self, next: *mut Self) {
        // SAFETY: `&mut self`: nobody reads it meanwhile.
        unsafe { self.next.set(next) };
    }

    fn take_next(&mut self) -> Option<Box<Self>> {
        // SAFETY: `&mut self`: nobody writes it meanwhile.
        let next = unsafe { self.next.get() };
        self.lay_on(ptr::null_mut());
        // SAFETY: owned, and leaked from a Box by `lay`.
        NonNull::new(next).map(|next| unsafe { Box::from_raw(next.as_ptr()) })
    }
}

impl Drop for Bag {
    /// One after the other: there may be very many.
    fn drop(&mut self) {
        let mut next = self.take_next();
        while let Some(mut bag) = next {
            next = bag.take_next();
        }
    }
}
