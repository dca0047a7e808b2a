//! The hash front: from a key straight to its record.
//!
//! *Picture.*
//! ```text
//!  current ─► Table{slots, next ─► Table{slots, next = null}}
//!             ▲ being migrated       ▲ new records go here
//! ```
//! Open addressing, linear probing; a slot holds a tagged record pointer. A table that fills up gets a successor twice
//! its size, and every insert moves one chunk of slots until all are moved: no operation ever moves the whole table.
//!
//! *Invariants.*
//! - I-17 A slot changes once: from empty to a record, or from empty to frozen. (Insert-only: records are never removed
//!   in this part.)
//! - I-18 A record goes into the successor only after the first empty slot of its probe path in the older table was
//!   frozen: a reader that ends its probe at an empty slot may say "absent", one that ends at a frozen slot goes on.
//! - I-19 A table is unlinked only when every slot of it is a record that is in the successor, or frozen.
//! - I-20 A key's record enters the leaf list first, the hash second, and its commit is ordered third; whoever finds a
//!   record in the list that the hash does not know puts it there before ordering. So a miss at a snapshot is final.
//!
//! *Progress.* Finding is wait-free (each table is probed at most once around); inserting is lock-free: a chunk whose
//! claimer sleeps is moved again by others.
//!
//! *Orderings.*
//! | site | ordering | pairs with | for |
//! |---|---|---|---|
//! | `slot-insert` | Release CAS | `slot-load` Acquire | the record's key; the successor behind a frozen slot |
//! | `table-next` | Release CAS | `table-next-load` Acquire | the successor's slots |
//! | `table-swing` | AcqRel CAS | `table-load` Acquire | all of the successor, after the last chunk |
//! | `chunk-moved`, `settled-count` | Release store, AcqRel RMW | their Acquire loads | who sees the last chunk moved has seen all their inserts |
//!
//! *Reclamation.* The winner of `table-swing` retires the old table, one grace period. *Checked by* `hash_growth.rs`,
//! `leaf_then_hash.rs`.

mod grow;
mod table;

pub use table::Table;

use crate::chain::{Record, RecordRef, RecordWord};
use crate::reclaim::{Pinned, Shared};
use crate::sync::{AtomicPtr, AtomicUsize, Ordering, mutant, ord, prefetch};
use crate::tally::Tally;
use ahash::RandomState;
use std::ptr::NonNull;

/// The front. See the module header.
#[derive(Debug)]
pub struct Front {
    current: AtomicPtr<Table>,
    /// Where the slots of the current table lie and how many there are: prefetched from, never read through.
    hint_slots: AtomicPtr<AtomicPtr<Record>>,
    hint_mask: AtomicUsize,
    hasher: RandomState,
}

// SAFETY: tables are shared by protocol (I-17 .. I-19).
unsafe impl Send for Front {}
// SAFETY: as above.
unsafe impl Sync for Front {}

impl Default for Front {
    fn default() -> Self {
        #[cfg(not(epoch_loom))]
        let hasher = RandomState::new();
        #[cfg(epoch_loom)]
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        let table = Table::alloc(Table::SMALLEST);
        let front = Self {
            current: AtomicPtr::new(table.as_ptr()),
            hint_slots: AtomicPtr::new(std::ptr::null_mut()),
            hint_mask: AtomicUsize::new(0),
            hasher,
        };
        // SAFETY: just allocated, owned by the front.
        front.remember(unsafe { table.as_ref() });
        front
    }
}

impl Front {
    /// The hash of a key, with keys drawn per map: crafting collisions needs more than knowing the function.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    #[inline]
    fn current<'p, P: Pinned>(&self, pin: &'p P) -> Shared<'p, Table> {
        let table = NonNull::new(self.current.load(ord!("table-load", Acquire)));
        let table = table.expect("there is always a table");
        pin.protects(table);
        // SAFETY: linked when loaded, and loaded under `pin`; the winner of a later swing retires it.
        unsafe { Shared::new(table) }
    }

    /// The record of `key`. Wait-free. `None` is final for snapshots taken before (I-20).
    #[inline]
    pub fn find<'p, P: Pinned>(&self, key: &[u8], hash: u64, pin: &'p P) -> Option<RecordRef<'p>> {
        let mut table = self.current(pin);
        loop {
            match table.get().find(key, hash, pin) {
                Probe::Record(record) => return Some(record),
                Probe::Absent => return None,
                Probe::Further => table = table.next(pin)?,
            }
        }
    }

    /// Asks for the same line before the caller is pinned: a guess at where the table lies, which costs nothing if wrong.
    ///
    /// Claiming a session and pinning are fences; what is asked for before them arrives meanwhile.
    #[inline]
    pub fn prefetch_unpinned(&self, hash: u64) {
        if cfg!(epoch_loom) {
            return; // nothing that a model could see
        }
        let mask = self.hint_mask.load(Ordering::Relaxed);
        let slots = self.hint_slots.load(Ordering::Relaxed);
        prefetch::read(slots.wrapping_add(hash as usize & mask));
    }

    /// Remembers where the current table lies, for guesses.
    fn remember(&self, table: &Table) {
        self.hint_mask.store(table.capacity() - 1, Ordering::Relaxed);
        self.hint_slots.store(table.home(0).cast_mut(), Ordering::Relaxed);
    }

    /// Asks for the cache line where the probe of `hash` begins.
    #[inline]
    pub fn prefetch<P: Pinned>(&self, hash: u64, pin: &P) {
        prefetch::read(self.current(pin).home(hash));
    }

    /// The first record on the probe path whose tag fits, unread: for batches that overlap their cache misses.
    #[inline]
    pub fn candidate<'p, P: Pinned>(&self, hash: u64, pin: &'p P) -> Option<RecordRef<'p>> {
        self.current(pin).get().candidate(hash)
    }

    /// Makes sure that the front knows `record`. Lock-free; does at most one chunk of migration besides.
    pub fn insert<P: Pinned>(&self, record: RecordRef<'_>, hash: u64, pin: &P, tally: &Tally) {
        let table = self.current(pin);
        if table.next(pin).is_some() {
            self.migrate_chunk(table.get(), pin, tally);
        }
        let word = RecordWord::new(record.as_ptr(), hash);
        let mut table = self.current(pin);
        loop {
            if table.insert(word, hash, pin, tally) {
                return;
            }
            if mutant!("insert-gives-up") {
                return;
            }
            table = table.successor(pin, tally);
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let mut next = NonNull::new(self.current.load(Ordering::Acquire));
        while let Some(table) = next {
            // SAFETY: `&mut self`: nobody else is left; older tables were retired, these are linked once each.
            unsafe {
                next = table.as_ref().next_raw();
                crate::reclaim::Node::free(table);
            }
        }
    }
}

/// Where a probe of one table ended.
#[derive(Debug)]
pub enum Probe<'p> {
    /// At the record.
    Record(RecordRef<'p>),
    /// At an empty slot: the key has no record.
    Absent,
    /// At a frozen slot, or once around: look in the successor.
    Further,
}
