//! One table: slots, the link to its successor, and how far it has been moved there.

use super::Probe;
use crate::chain::{Record, RecordRef, RecordWord};
use crate::reclaim::{Node, Pinned, Shared};
use crate::sync::{
    AtomicBool, AtomicPtr, AtomicUsize, Ordering, Tracked, mutant, ord, pause, zeroed_slots,
};
use crate::tally::{Event, Tally};
use crossbeam_utils::CachePadded;
use std::ptr::{self, NonNull};

/// Slots moved by one call.
#[cfg(not(epoch_loom))]
pub(super) const CHUNK: usize = 64;
#[cfg(epoch_loom)]
pub(super) const CHUNK: usize = 1;

/// See the module header.
#[derive(Debug)]
pub struct Table {
    mask: Tracked<usize>,
    slots: Box<[AtomicPtr<Record>]>,
    next: AtomicPtr<Table>,
    /// Records put into this table, counted in steps; decides when to grow.
    pub(super) used: CachePadded<AtomicUsize>,
    /// Chunks handed out for moving (may run past the end: then they are handed out again).
    pub(super) claimed: CachePadded<AtomicUsize>,
    /// Chunks before this one are moved, all of them.
    pub(super) settled: AtomicUsize,
    pub(super) moved: Box<[AtomicBool]>,
}

impl Table {
    /// Slots of the first table of a map.
    #[cfg(not(epoch_loom))]
    pub const SMALLEST: usize = 64;
    /// Slots of the first table of a map.
    #[cfg(epoch_loom)]
    pub const SMALLEST: usize = 2;

    /// An empty table of `capacity` slots, a power of two.
    pub fn alloc(capacity: usize) -> NonNull<Self> {
        let chunks = capacity.div_ceil(CHUNK);
        let table = Self {
            mask: Tracked::new(capacity - 1),
            slots: zeroed_slots(capacity),
            next: AtomicPtr::new(ptr::null_mut()),
            used: CachePadded::new(AtomicUsize::new(0)),
            claimed: CachePadded::new(AtomicUsize::new(0)),
            settled: AtomicUsize::new(0),
            moved: (0..chunks).map(|_| AtomicBool::new(false)).collect(),
        };
        NonNull::from(Box::leak(Box::new(table)))
    }

    #[inline(always)]
    fn mask(&self) -> usize {
        // SAFETY: written before the table was linked, never again.
        unsafe { self.mask.get() }
    }

    /// Number of slots.
    pub fn capacity(&self) -> usize {
        self.mask() + 1
    }

    /// The slot where the probe of `hash` begins.
    #[inline(always)]
    pub fn home(&self, hash: u64) -> *const AtomicPtr<Record> {
        &self.slots[hash as usize & self.mask()]
    }

    #[inline(always)]
    fn load(&self, at: usize) -> RecordWord {
        RecordWord::from_raw(self.slots[at].load(ord!("slot-load", Acquire)))
    }

    /// The successor, if there is one.
    #[inline]
    pub fn next<'p, P: Pinned>(&self, pin: &'p P) -> Option<Shared<'p, Table>> {
        let next = NonNull::new(self.next.load(ord!("table-next-load", Acquire)))?;
        pin.protects(next);
        // SAFETY: a successor is retired only after it became current and was replaced itself, which needs this table
        // to be unlinked first; this table was reached under `pin`.
        Some(unsafe { Shared::new(next) })
    }

    pub(super) fn next_raw(&self) -> Option<NonNull<Table>> {
        NonNull::new(self.next.load(Ordering::Acquire))
    }

    /// Probes for a key.
    #[inline]
    pub(super) fn find<'p, P: Pinned>(&self, key: &[u8], hash: u64, _pin: &'p P) -> Probe<'p> {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        for _ in 0..=mask {
            let word = self.load(at);
            if word.is_empty() {
                return Probe::Absent;
            }
            if word.is_frozen() {
                return Probe::Further;
            }
            if word.may_match(hash)
                && let Some(record) = word.record()
            {
                // SAFETY: a record in the hash is not freed while this thread is pinned.
                let record: RecordRef<'p> = unsafe { RecordRef::new(record) };
                if record.key() == key {
                    return Probe::Record(record);
                }
            }
            at = (at + 1) & mask;
        }
        Probe::Further
    }

    #[inline]
    pub(super) fn candidate<'p>(&self, hash: u64) -> Option<RecordRef<'p>> {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        loop {
            let word = self.load(at);
            let record = word.record()?;
            if word.may_match(hash) {
                // SAFETY: as in `find`: callers are pinned for 'p.
                return Some(unsafe { RecordRef::new(record) });
            }
            at = (at + 1) & mask;
            if at == hash as usize & mask {
                return None;
            }
        }
    }

    /// Puts a record in, unless it is there. False: it belongs into the successor (I-18).
    pub(super) fn insert<P: Pinned>(
        &self,
        word: RecordWord,
        hash: u64,
        pin: &P,
        tally: &Tally,
    ) -> bool {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        let mut probes = 0;
        while probes <= mask {
            let seen = self.load(at);
            if seen == word {
                return true;
            }
            if seen.is_frozen() {
                return false;
            }
            if seen.is_empty() {
                let growing = self.next(pin).is_some();
                let put = if growing { RecordWord::frozen() } else { word };
                if mutant!("insert-skips-freeze") && growing {
                    return false;
                }
                pause("hash-insert");
                if self.replace_empty(at, put) {
                    if !growing {
                        self.count_one(hash, probes, pin, tally);
                    }
                    return !growing;
                }
                tally.one(Event::CasFailures);
                continue; // the slot is not empty any more: look again
            }
            at = (at + 1) & mask;
            probes += 1;
        }
        false // full once around
    }

    /// I-17: the only way in which a slot changes.
    pub(super) fn replace_empty(&self, at: usize, word: RecordWord) -> bool {
        let empty = RecordWord::EMPTY.raw();
        let publish = ord!("slot-insert", Release);
        self.slots[at].compare_exchange(empty, word.raw(), publish, Ordering::Relaxed).is_ok()
    }

    /// What slot `at` holds.
    pub(super) fn word(&self, at: usize) -> RecordWord {
        self.load(at)
    }

    /// Links a successor of twice the size, if there is none. Returns it.
    pub(super) fn successor<'p, P: Pinned>(&self, pin: &'p P, tally: &Tally) -> Shared<'p, Table> {
        if let Some(next) = self.next(pin) {
            return next;
        }
        let fresh = Table::alloc(self.capacity() * 2);
        let publish = ord!("table-next", Release);
        let won =
            self.next.compare_exchange(ptr::null_mut(), fresh.as_ptr(), publish, Ordering::Relaxed);
        if won.is_ok() {
            tally.one(Event::Growths);
        } else {
            // SAFETY: never shared.
            unsafe { Table::free(fresh) };
        }
        self.next(pin).expect("a successor was just linked")
    }
}

impl Node for Table {
    unsafe fn free(table: NonNull<Self>) {
        // SAFETY: leaked from a Box by `alloc`; sole owner. Records and successors have owners of their own.
        drop(unsafe { Box::from_raw(table.as_ptr()) });
    }

    unsafe fn bytes(table: NonNull<Self>) -> usize {
        // SAFETY: alive.
        unsafe { table.as_ref() }.slots.len() * size_of::<usize>()
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(table: NonNull<Self>) {
        // SAFETY: nobody refers to the table any more; loom reports it if somebody does.
        unsafe { table.as_ref().mask.set(0) };
    }
}
