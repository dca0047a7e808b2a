//! One table: slots, the link to its successor, and how far it has been moved there.

use super::Probe;
use super::load::{Load, SMALLEST};
use crate::chain::{Record, RecordRef, RecordWord};
use crate::reclaim::{Node, Pinned, Shared};
use crate::sync::{
    AtomicBool, AtomicPtr, AtomicUsize, Ordering, Tracked, mutant, ord, pause, prefetch,
    zeroed_slots,
};
use crate::tally::{Event, Tally};
use crossbeam_utils::CachePadded;
use std::ptr::{self, NonNull};

/// Slots moved by one call.
#[cfg(not(epoch_loom))]
pub(super) const CHUNK: usize = 64;
#[cfg(epoch_loom)]
pub(super) const CHUNK: usize = 1;

/// A record on its way into a table, from the list or from the table before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'r> {
    record: RecordRef<'r>,
    word: RecordWord,
    hash: u64,
}

impl<'r> Arrival<'r> {
    pub(super) fn new(record: RecordRef<'r>, hash: u64) -> Self {
        Self { record, word: RecordWord::new(record.as_ptr(), hash), hash }
    }
}

/// What came of looking at a slot that is taken.
enum Met {
    /// The table has what the arriving record is about: that record, or one that is as new or newer.
    Settled,
    /// Another key, or no record any more: go on.
    Other,
    /// The slot changed: look again.
    Changed,
}

/// The record that a word of a slot leads to.
#[inline(always)]
pub(super) fn record_in<'p, P: Pinned>(word: RecordWord, pin: &'p P) -> Option<RecordRef<'p>> {
    let record = word.record()?;
    pin.protects(record);
    // SAFETY: I-42: a slot that this pin can reach does not lead to a record that is freed before the pin ends; the
    // word was acquired, and its record published with it.
    Some(unsafe { RecordRef::new(record) })
}

/// Whether a record is that of `key`. Its end is asked for first: it is mostly on another line than the beginning, and would be
/// missed after that.
#[inline(always)]
fn is_key_of(record: RecordRef<'_>, key: &[u8]) -> bool {
    prefetch::read(record.as_ptr().as_ptr().cast::<u8>().wrapping_add(key.len()));
    record.key() == key
}

/// See the module header.
#[derive(Debug)]
pub struct Table {
    mask: Tracked<usize>,
    slots: Box<[AtomicPtr<Record>]>,
    next: AtomicPtr<Table>,
    /// Decides when to begin a successor, and of what size.
    pub(super) load: Load,
    /// Chunks handed out for moving (may run past the end: then they are handed out again).
    pub(super) claimed: CachePadded<AtomicUsize>,
    /// Chunks before this one are moved, all of them.
    pub(super) settled: AtomicUsize,
    pub(super) moved: Box<[AtomicBool]>,
}

impl Table {
    /// Slots of the first table of a map, and of the smallest.
    pub const SMALLEST: usize = SMALLEST;

    /// An empty table of `capacity` slots, a power of two.
    pub fn alloc(capacity: usize) -> NonNull<Self> {
        let chunks = capacity.div_ceil(CHUNK);
        let table = Self {
            mask: Tracked::new(capacity - 1),
            slots: zeroed_slots(capacity),
            next: AtomicPtr::new(ptr::null_mut()),
            load: Load::new(capacity),
            claimed: CachePadded::new(AtomicUsize::new(0)),
            settled: AtomicUsize::new(0),
            moved: (0..chunks).map(|_| AtomicBool::new(false)).collect(),
        };
        NonNull::from(Box::leak(Box::new(table)))
    }

    /// Bytes of a table of `capacity` slots.
    pub fn bytes_of(capacity: usize) -> usize {
        size_of::<Self>() + capacity * size_of::<usize>() + capacity.div_ceil(CHUNK)
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
    pub(super) fn word(&self, at: usize) -> RecordWord {
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
    pub(super) fn find<'p, P: Pinned>(&self, key: &[u8], hash: u64, pin: &'p P) -> Probe<'p> {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        for _ in 0..=mask {
            let word = self.word(at);
            if word.is_vacant() {
                if word.is_empty() {
                    return Probe::Absent;
                }
                if word.is_frozen() {
                    return Probe::Further;
                }
            } else if word.may_match(hash)
                && let Some(record) = record_in(word, pin)
                && is_key_of(record, key)
            {
                let final_word = !word.is_moved() || mutant!("moved-is-final");
                // I-41: an unsealed record is the newest of its key, wherever it stands.
                let newest = final_word || !record.is_dead();
                return if newest { Probe::Record(record) } else { Probe::Moved(record) };
            }
            at = (at + 1) & mask;
        }
        Probe::Further
    }

    #[inline]
    pub(super) fn candidate<'p, P: Pinned>(&self, hash: u64, pin: &'p P) -> Option<RecordRef<'p>> {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        for _ in 0..=mask {
            let word = self.word(at);
            if word.is_empty() || word.is_frozen() {
                return None;
            }
            if word.may_match(hash)
                && let Some(record) = record_in(word, pin)
            {
                return (!word.is_moved()).then_some(record);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Puts a record in, unless the key's record is there. False: it belongs into the successor (I-18).
    pub(super) fn insert<P: Pinned>(&self, arrival: Arrival<'_>, pin: &P, tally: &Tally) -> bool {
        let mask = self.mask();
        let mut at = arrival.hash as usize & mask;
        let mut probes = 0;
        while probes <= mask {
            let seen = self.word(at);
            if seen.is_frozen() {
                return false;
            }
            if seen.is_empty() {
                let growing = self.next(pin).is_some();
                let put = if growing { RecordWord::frozen() } else { arrival.word };
                if mutant!("insert-skips-freeze") && growing {
                    return false;
                }
                pause("hash-insert");
                if self.replace_empty(at, put) {
                    if !growing {
                        self.count_one(arrival.hash, probes, pin, tally);
                    }
                    return !growing;
                }
                tally.one(Event::CasFailures);
                continue; // the slot is not empty any more: look again
            }
            match self.meet(at, seen, arrival, pin) {
                Met::Settled => return true,
                Met::Changed => {
                    tally.one(Event::CasFailures);
                    continue;
                }
                Met::Other => {}
            }
            at = (at + 1) & mask;
            probes += 1;
        }
        false // full once around
    }

    /// What an arriving record makes of a slot that is taken (I-40).
    fn meet<P: Pinned>(&self, at: usize, seen: RecordWord, arrival: Arrival<'_>, pin: &P) -> Met {
        if !seen.may_match(arrival.hash) {
            return Met::Other;
        }
        let Some(resident) = record_in(seen, pin) else { return Met::Other };
        if resident == arrival.record {
            return Met::Settled;
        }
        if resident.key() != arrival.record.key() {
            return Met::Other;
        }
        // I-40: the list has one unsealed record of a key. If it is the resident, the arriving one was sealed on its way
        // here, be it from the list or from an older table.
        if !resident.is_dead() && !mutant!("swing-unchecked") {
            return Met::Settled;
        }
        if seen.is_moved() {
            return Met::Other; // on to the first free slot, which is frozen, and to the successor
        }
        if self.replace(at, seen, arrival.word, ord!("slot-swing", Release)) {
            Met::Settled
        } else {
            Met::Changed
        }
    }

    /// Takes a record out, moved or not. Returns whether it was there, and no other remover was faster.
    pub(super) fn remove<P: Pinned>(
        &self,
        record: RecordRef<'_>,
        hash: u64,
        _pin: &P,
        tally: &Tally,
    ) -> bool {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        let mut probes = 0;
        while probes <= mask {
            let seen = self.word(at);
            if seen.is_empty() || seen.is_frozen() {
                return false;
            }
            if seen.record() != Some(record.as_ptr())
                || seen.is_moved() && mutant!("remove-leaves-moved")
            {
                at = (at + 1) & mask;
                probes += 1;
                continue;
            }
            // Release: who misses the record finds the leases revoked that its sealer ignored (I-35). Who sees this instead
            // of a mark has acquired the mark (an RMW goes on with what was released before).
            if self.replace(at, seen, RecordWord::deleted(), ord!("slot-remove", Release)) {
                return true;
            }
            tally.one(Event::CasFailures); // marked, or swung to a newer record: look again
        }
        false
    }

    /// Fills or freezes a slot that is free (I-17).
    pub(super) fn replace_empty(&self, at: usize, word: RecordWord) -> bool {
        self.replace(at, RecordWord::EMPTY, word, ord!("slot-insert", Release))
    }

    /// From now on nothing but a removal changes the slot (I-41). Whoever sees the mark sees that there is a successor.
    pub(super) fn mark(&self, at: usize, word: RecordWord) -> bool {
        self.replace(at, word, word.moved(), ord!("slot-mark", Release))
    }

    fn replace(&self, at: usize, from: RecordWord, to: RecordWord, publish: Ordering) -> bool {
        let slot = &self.slots[at];
        slot.compare_exchange(from.raw(), to.raw(), publish, Ordering::Relaxed).is_ok()
    }

    /// Links a successor of the size that `capacity` says, if there is none. Returns the one that is there.
    pub(super) fn successor<'p, P: Pinned>(
        &self,
        capacity: impl FnOnce(&Load) -> usize,
        pin: &'p P,
        tally: &Tally,
    ) -> Shared<'p, Table> {
        if let Some(next) = self.next(pin) {
            return next;
        }
        let capacity = capacity(&self.load);
        let (fresh, bytes) = (Table::alloc(capacity), Table::bytes_of(capacity));
        let publish = ord!("table-next", Release);
        let won =
            self.next.compare_exchange(ptr::null_mut(), fresh.as_ptr(), publish, Ordering::Relaxed);
        if won.is_ok() {
            tally.one(Event::Growths);
            tally.bytes(Event::Linked, bytes, 0);
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
        Self::bytes_of(unsafe { table.as_ref() }.slots.len())
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(table: NonNull<Self>) {
        // SAFETY: nobody refers to the table any more; loom reports it if somebody does.
        unsafe { table.as_ref().mask.set(0) };
    }
}
