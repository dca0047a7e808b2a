//! The chain of a key: an entry for each transaction that wrote to it.
//!
//! ```text
//!   head ─► Entry idx 9 ─► Entry idx 4 ─► ∅        descending, insert-only
//!              │ cell         │ cell = ∅ (dead: idx 4 does not write the key in its present run)
//!              ▼
//!            Cell
//! ```
//! *Invariants.* B-1 A chain is strictly descending in idx; an entry stays where it is. B-2 The state of an entry is one
//! word, stored by the one owner of its idx.
//!
//! *Progress.* Looking is wait-free up to entries linked meanwhile; linking is lock-free.
//!
//! *Orderings.*
//! | site | ordering | pairs with | for |
//! |---|---|---|---|
//! | `entry-link` | Release CAS | `entry-load` Acquire | idx, first cell and `next` of the entry |
//! | `cell-store` | Release | `cell-load` Acquire | header and bytes of the cell |
//!
//! *Checked by* `block_link.rs`, `block_publish.rs`.

use super::cell::{Cell, ESTIMATE, Seen};
use super::key::KeyRef;
use crate::sync::{AtomicPtr, Ordering, Tracked, mutant, ord};
use std::ptr::{self, NonNull};

/// See the module header.
#[derive(Debug)]
#[repr(C)]
pub struct Entry {
    next: AtomicPtr<Entry>,
    cell: AtomicPtr<Cell>,
    idx: Tracked<u32>,
}

impl Entry {
    pub(super) fn new(idx: u32) -> Self {
        Self {
            next: AtomicPtr::new(ptr::null_mut()),
            cell: AtomicPtr::new(ptr::null_mut()),
            idx: Tracked::new(idx),
        }
    }

    fn idx(&self) -> u32 {
        // SAFETY: written before the entry was linked, never afterwards.
        unsafe { self.idx.get() }
    }
}

/// The chain of one key, whose entries live during `'b`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chain<'b> {
    key: KeyRef<'b>,
    head: &'b AtomicPtr<Entry>,
}

impl<'b> Chain<'b> {
    /// # Safety
    /// `head` is the chain of the key.
    #[inline(always)]
    pub(super) unsafe fn new(key: KeyRef<'b>, head: &'b AtomicPtr<Entry>) -> Self {
        Self { key, head }
    }

    #[inline(always)]
    fn behind(link: &'b AtomicPtr<Entry>) -> Option<&'b Entry> {
        // SAFETY: a link is null or leads to an entry of the same arena, which stays (B-1).
        unsafe { link.load(ord!("entry-load", Acquire)).as_ref() }
    }

    /// Entries below `idx`, the newest first, those that are dead left out.
    #[inline(always)]
    pub(super) fn below(self, idx: u32) -> impl Iterator<Item = Seen<'b>> {
        let mut next = Self::behind(self.head);
        std::iter::from_fn(move || {
            while let Some(entry) = next {
                next = Self::behind(&entry.next);
                if entry.idx() < idx {
                    let word = entry.cell.load(ord!("cell-load", Acquire));
                    if !word.is_null() {
                        // SAFETY: what is stored in an entry is the address of a cell of the same arena (B-2).
                        return Some(unsafe { Seen::new(self.key, word) });
                    }
                }
            }
            None
        })
    }

    /// Whether there is an entry below `idx`, dead or not.
    pub(super) fn has_below(self, idx: u32) -> bool {
        let mut next = Self::behind(self.head);
        while let Some(entry) = next {
            if entry.idx() < idx {
                return true;
            }
            next = Self::behind(&entry.next);
        }
        false
    }

    /// The entry of `idx`, if it has one.
    pub(super) fn of(self, idx: u32) -> Option<Slot<'b>> {
        let mut next = Self::behind(self.head);
        while let Some(entry) = next {
            if entry.idx() <= idx {
                return (entry.idx() == idx).then_some(Slot(entry));
            }
            next = Self::behind(&entry.next);
        }
        None
    }

    /// Makes `cell` the state of the entry of its idx, which is linked if it is not there: the one that came with the cell.
    ///
    /// # Safety
    /// The cell lives in the arena of this chain, and its entry is in no chain but this.
    pub(super) unsafe fn put(self, idx: u32, cell: NonNull<Cell>) {
        // SAFETY: alive.
        let fresh: &'b Entry = unsafe { &(*cell.as_ptr()).entry };
        let mut link = self.head;
        loop {
            let behind = Self::behind(link);
            match behind {
                Some(entry) if entry.idx() > idx => {
                    link = &entry.next;
                    continue;
                }
                Some(entry) if entry.idx() == idx => return Slot(entry).set(cell),
                _ => {}
            }
            let behind = behind.map_or(ptr::null_mut(), |entry| ptr::from_ref(entry).cast_mut());
            fresh.cell.store(cell.as_ptr(), ord!("cell-store", Release));
            fresh.next.store(behind, Ordering::Relaxed);
            if mutant!("entry-linked-blind") {
                link.store(ptr::from_ref(fresh).cast_mut(), Ordering::Release);
                return;
            }
            let (win, lose) = (ord!("entry-link", Release), Ordering::Relaxed);
            let fresh = ptr::from_ref(fresh).cast_mut();
            // On failure somebody has linked an entry right here, which may belong before ours or behind it: look again.
            if link.compare_exchange(behind, fresh, win, lose).is_ok() {
                return;
            }
        }
    }
}

/// An entry that is linked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot<'b>(&'b Entry);

impl Slot<'_> {
    fn word(self) -> *mut Cell {
        self.0.cell.load(ord!("cell-load", Acquire))
    }

    /// Whether its state is this cell, an estimate of it, or what it was replaced by.
    pub(super) fn holds(self, cell: NonNull<Cell>) -> bool {
        let now = self.word().map_addr(|address| address & !ESTIMATE);
        // SAFETY: what is stored in an entry is a cell of its arena.
        let is_replaced = |now| unsafe { Cell::origin(now) }.is_replacement;
        now == cell.as_ptr() || NonNull::new(now).is_some_and(is_replaced)
    }

    /// Its state becomes `cell`, of the same arena.
    pub(super) fn set(self, cell: NonNull<Cell>) {
        self.0.cell.store(cell.as_ptr(), ord!("cell-store", Release));
    }

    /// It is dead.
    pub(super) fn clear(self) {
        self.0.cell.store(ptr::null_mut(), ord!("cell-store", Release));
    }

    /// What it says is an estimate from now on.
    pub(super) fn estimate(self) {
        let word = self.word();
        if !word.is_null() {
            let word = word.map_addr(|address| address | ESTIMATE);
            self.0.cell.store(word, ord!("cell-store", Release));
        }
    }
}
