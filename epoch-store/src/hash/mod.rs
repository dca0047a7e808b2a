//! The hash front: from a key straight to its record.
//!
//! *Picture.*
//! ```text
//!  current ─► Table{slots, next ─► Table{slots, next = null}}
//!             ▲ being moved         ▲ new records go here
//!
//!  a slot:   empty ──insert──► R ──swing──► R' ── .. ──mark──► R', moved
//!              │               └───────────remove────────┬───────┘
//!              └──freeze──► frozen                    deleted
//! ```
//! Open addressing, linear probing; a slot holds a tagged record pointer. A table that is full, deleted slots included,
//! or nearly empty gets a successor of the size that fits the records left in it, which may be larger, smaller or the
//! same. Every insert and removal moves one chunk of slots until all are moved: no operation ever moves the whole table.
//!
//! *Invariants.*
//! - I-17 A slot goes forward only, along the arrows above. Its key never changes, and frozen and deleted are final: a
//!   deleted slot is not used again, and a probe goes on past it.
//! - I-18 A record comes into the successor by an insert only after the first empty slot of its probe path in the older
//!   table was frozen: a reader that ends its probe at an empty slot may say "absent", one that ends at a frozen slot
//!   goes on.
//! - I-19 A table is unlinked only when every slot of it is final or marked, and every marked record that is not sealed
//!   has been put into the successor.
//! - I-20 A key's record enters the leaf list first, the hash second, and its commit is ordered third; whoever finds a
//!   record in the list that the hash does not know puts it there before ordering. So a miss at a snapshot is final.
//! - I-40 Of a key one slot of a table at most holds a record: an insert probes past every slot that ever had the key,
//!   and goes no further than the first empty one. There a record is swung to another only if it is sealed. The list has
//!   one unsealed record of a key, made after all others were sealed; so an arriving record that meets an unsealed one
//!   was sealed on its way, and is left out.
//! - I-41 A marked slot takes no other record; the newer one of its key goes to the successor. So a marked record is the
//!   newest if it is not sealed, whatever the successor has; and if it is, a reader looks there first and falls back on
//!   it.
//! - I-42 [`Front::remove`] is called one grace period after its record was sealed and out of the list; when it returns,
//!   no table that a later pin can reach leads to the record, and none will.
//!
//! *Why a copy does no harm* (I-19, I-41). A mover marks first, then looks whether the record R is sealed, and copies it
//! if not. While R is not sealed, no newer R' exists, and the successor can hold no other record of the key: one that
//! came there by insert either found R, and would have been left out, or found no slot of the key at all before R came
//! in, and froze the place where R would be. If R is sealed after the look, the copy meets R' and is left out, or comes
//! first, and R' is swung in. If both are sealed, it does not matter which one stands there: neither has a value that
//! anybody can read.
//!
//! *Why the removed do not come back* (I-42). To put R into a table one must have it, from the list, or from a slot as a
//! mover that saw it unsealed. Both are threads that were pinned before R was out of the list; the grace period has
//! waited for them. What they put in, they put in before, and so `remove` meets it, in whichever table. A mover that pins
//! later sees R sealed and does not copy it. `remove` takes R out of marked slots too: the table of a marked slot may
//! stay for as long as nobody writes, longer than R's memory. That hides nothing: an R' in the successor came past a
//! frozen slot (I-18), so a reader that does not meet R in the older table any more goes on to it. Who has loaded R's
//! word before it was taken out is pinned; R is retired after the removal, and its own grace period waits for him.
//!
//! *Progress.* Finding is wait-free (each table is probed at most once around); inserting and removing are lock-free: a
//! chunk whose claimer sleeps is moved again by others.
//!
//! *Bound.* A table that is not being moved has at most eight slots for each of its records, after [`Front::settle`]
//! little more than four, or is small (256 slots). Counts are exact below 2,048 slots, and estimates above. A move goes
//! on with inserts, removals, commits and `settle` only.
//!
//! *Orderings.*
//! | site | ordering | pairs with | for |
//! |---|---|---|---|
//! | `slot-insert` | Release CAS | `slot-load` Acquire | the record's key; the successor behind a frozen slot |
//! | `slot-swing` | Release CAS | `slot-load` Acquire | the newer record's key |
//! | `slot-mark` | Release CAS | `slot-load` Acquire | the successor behind a marked slot |
//! | `table-next` | Release CAS | `table-next-load` Acquire | the successor's slots |
//! | `table-swing` | AcqRel CAS | `table-load` Acquire | all of the successor, after the last chunk |
//! | `chunk-moved`, `settled-count` | Release store, AcqRel RMW | their Acquire loads | who sees the last chunk moved has seen all their inserts |
//! | `slot-remove` | Release CAS | `slot-load` Acquire | I-35: who misses a removed key through a lease finds the lease revoked |
//!
//! That a record is
//! sealed needs no ordering here: whoever has a newer one learned of it through the list, which came after the seal.
//!
//! *Reclamation.* The winner of `table-swing` retires the old table, one grace period. Records belong to the store:
//! sealed and out of the list, one grace period, out of the hash, another, freed. *Checked by* `hash_growth.rs`,
//! `hash_removal.rs`, `leaf_then_hash.rs`; `hash/tests.rs`.

mod grow;
mod load;
mod table;
#[cfg(all(test, not(epoch_loom)))]
mod tests;

pub use table::Table;

use crate::chain::{Record, RecordRef};
use crate::reclaim::{Pinned, Shared};
use crate::sync::{AtomicPtr, AtomicUsize, Ordering, mutant, ord, prefetch};
use crate::tally::Tally;
use ahash::RandomState;
use load::Load;
use std::ptr::NonNull;
use table::Arrival;

/// The front. See the module header.
#[derive(Debug)]
pub struct Front {
    current: AtomicPtr<Table>,
    /// Where the slots of the current table lie and how many there are: prefetched from, never read through.
    hint_slots: AtomicPtr<AtomicPtr<Record>>,
    hint_mask: AtomicUsize,
    hasher: RandomState,
}

// SAFETY: tables are shared by protocol (I-17 .. I-19, I-40 .. I-42).
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
    /// Bytes of a front that nothing was put into.
    pub fn bytes_when_new() -> usize {
        Table::bytes_of(Table::SMALLEST)
    }

    /// The hash of a key, with keys drawn per map: crafting collisions needs more than knowing the function.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    /// How it hashes: for tables beside it, so that a key is hashed once for both.
    pub fn hasher(&self) -> &RandomState {
        &self.hasher
    }

    #[inline]
    fn current<'p, P: Pinned>(&self, pin: &'p P) -> Shared<'p, Table> {
        let table = NonNull::new(self.current.load(ord!("table-load", Acquire)));
        let table = table.expect("there is always a table");
        pin.protects(table);
        // SAFETY: linked when loaded, and loaded under `pin`; the winner of a later swing retires it.
        unsafe { Shared::new(table) }
    }

    /// The newest record of `key`, sealed or not. Wait-free. `None` is final for snapshots taken before (I-20).
    #[inline]
    pub fn find<'p, P: Pinned>(&self, key: &[u8], hash: u64, pin: &'p P) -> Option<RecordRef<'p>> {
        let mut table = self.current(pin);
        let mut moved = None;
        loop {
            match table.get().find(key, hash, pin) {
                Probe::Record(record) => return Some(record),
                Probe::Moved(record) => moved = Some(record),
                Probe::Absent => return moved,
                Probe::Further => {}
            }
            let Some(next) = table.next(pin) else { return moved };
            table = next;
        }
    }

    /// Slots of the current table. Wait-free.
    pub fn capacity<P: Pinned>(&self, pin: &P) -> usize {
        self.current(pin).capacity()
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
    ///
    /// If its key is the one that is looked for, it is what [`Front::find`] would have returned. None for one that is
    /// moved: there may be a newer one.
    #[inline]
    pub fn candidate<'p, P: Pinned>(&self, hash: u64, pin: &'p P) -> Option<RecordRef<'p>> {
        self.current(pin).get().candidate(hash, pin)
    }

    /// Makes sure that the front leads to `record`, or to a newer one of its key. Lock-free; does at most one chunk of
    /// migration besides.
    ///
    /// The record came from the list, where it was found under `pin`. If the front knows an older one of the key, which
    /// is sealed then, the new one takes its place.
    pub fn insert<P: Pinned>(&self, record: RecordRef<'_>, hash: u64, pin: &P, tally: &Tally) {
        self.help(pin, tally);
        let arrival = Arrival::new(record, hash);
        let mut table = self.current(pin);
        while !table.insert(arrival, pin, tally) {
            if mutant!("insert-gives-up") {
                return;
            }
            table = table.successor(Load::roomier, pin, tally);
        }
    }

    /// Takes a sealed record out of every table; a newer one of its key stays. Lock-free; does at most one chunk of
    /// migration besides, and may begin a smaller table.
    ///
    /// To be called after a grace period that began when the record was sealed and out of the list, and before it is
    /// retired (I-42). Calling it again does no harm.
    pub fn remove<P: Pinned>(&self, record: RecordRef<'_>, hash: u64, pin: &P, tally: &Tally) {
        self.help(pin, tally);
        let mut table = self.current(pin);
        loop {
            if table.remove(record, hash, pin, tally) && table.load.counts(hash) {
                table.load.one_deleted();
            }
            let Some(next) = table.next(pin) else { break };
            table = next;
        }
        self.shrink_if_sparse(pin, tally);
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
    /// At the newest record of the key, as far as this table can tell.
    Record(RecordRef<'p>),
    /// At a sealed record in a marked slot: the successor may have a newer one, and otherwise it is this one (I-41).
    Moved(RecordRef<'p>),
    /// At an empty slot: the key has no record.
    Absent,
    /// At a frozen slot, or once around: look in the successor.
    Further,
}
