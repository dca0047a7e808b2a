//! How full a table is, and how large its successor should be.
//!
//! Both counters are written once in `step` times: the hash of the key decides (one in `step` of all hashes), so that a
//! key is counted both when it comes and when it goes, or neither time, and the difference does not drift.

use crate::sync::{AtomicUsize, Ordering};
use crossbeam_utils::CachePadded;

/// Slots of the first table of a map, and of the smallest.
#[cfg(not(epoch_loom))]
pub const SMALLEST: usize = 64;
/// Slots of the first table of a map, and of the smallest.
#[cfg(epoch_loom)]
pub const SMALLEST: usize = 2;

/// A table of so many slots or fewer is not replaced for its size alone.
const SMALL: usize = 4 * SMALLEST;
/// A table with records in less than one of so many slots is replaced by a smaller one when a record is removed.
const SPARSE: usize = 8;
/// Room for the records that come while a table is moved: one insert moves one chunk of this many slots.
const SLOTS_PER_INSERT: usize = 64;

/// See the module header.
#[derive(Debug)]
pub struct Load {
    capacity: usize,
    /// Slots that are not free any more: of records, moved or not, and deleted ones.
    used: CachePadded<AtomicUsize>,
    /// Slots whose record was removed.
    deleted: CachePadded<AtomicUsize>,
}

impl Load {
    /// Of an empty table of so many slots.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            used: CachePadded::new(AtomicUsize::new(0)),
            deleted: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    fn step(&self) -> usize {
        (self.capacity / 1024).clamp(1, 64)
    }

    /// Whether what happens to the key of this hash is counted.
    #[inline]
    pub fn counts(&self, hash: u64) -> bool {
        ((hash >> 32) as usize).is_multiple_of(self.step())
    }

    /// A slot was taken, by one of those that count. Returns whether three quarters of them are now: time for a successor.
    /// Deleted ones count, for probes pass over them too.
    pub fn one_used(&self) -> bool {
        let used = self.used.fetch_add(self.step(), Ordering::Relaxed) + self.step();
        used * 4 >= self.capacity * 3
    }

    /// A record was removed, one of those that count.
    pub fn one_deleted(&self) {
        self.deleted.fetch_add(self.step(), Ordering::Relaxed);
    }

    /// Records in the table, about. A removal may be counted before the insert that it follows.
    fn live(&self) -> usize {
        self.used.load(Ordering::Relaxed).saturating_sub(self.deleted.load(Ordering::Relaxed))
    }

    /// So few records are left that a smaller table pays at once.
    pub fn is_sparse(&self) -> bool {
        self.capacity > SMALL && self.live() * SPARSE < self.capacity
    }

    /// A smaller table would do: worth while for one who has time. Never true twice for the same capacity.
    pub fn is_roomy(&self) -> bool {
        self.capacity > SMALL && self.fitting() < self.capacity
    }

    /// Slots for what is there: half of them free, whatever comes while the table is moved included.
    pub fn fitting(&self) -> usize {
        let records = self.live() + self.capacity / SLOTS_PER_INSERT;
        (records * 2).next_power_of_two().max(SMALLEST)
    }

    /// Slots for a table whose probes have become too long. Without deleted slots the same size would bring the same
    /// probes again.
    pub fn roomier(&self) -> usize {
        let few_deleted = self.deleted.load(Ordering::Relaxed) * 8 <= self.capacity;
        if few_deleted { self.fitting().max(self.capacity * 2) } else { self.fitting() }
    }
}

#[cfg(all(test, not(epoch_loom)))]
mod tests {
    use super::*;

    fn is_full(load: &Load) -> bool {
        load.used.load(Ordering::Relaxed) * 4 >= load.capacity * 3
    }

    fn load(capacity: usize, used: usize, deleted: usize) -> Load {
        let load = Load::new(capacity);
        load.used.store(used, Ordering::Relaxed);
        load.deleted.store(deleted, Ordering::Relaxed);
        load
    }

    #[test]
    fn a_full_table_doubles_and_one_full_of_deletions_does_not() {
        for capacity in [64, 1024, 1 << 20] {
            let full = capacity * 3 / 4;
            assert!(load(capacity, full - 1, 0).one_used());
            assert!(!load(capacity, full - 100.min(full), 0).one_used());
            assert_eq!(load(capacity, full, 0).fitting(), capacity * 2);
            assert!(load(capacity, full - 1, full).one_used(), "deleted slots are used");
            assert!(load(capacity, full, full / 2).fitting() <= capacity);
            assert!(load(capacity, full, full).fitting() <= (capacity / 16).max(SMALLEST));
        }
    }

    #[test]
    fn a_sparse_table_is_roomy_and_what_fits_is_neither() {
        for capacity in [64, 128, 1024, 1 << 20] {
            for live in 0..100.min(capacity / 2) {
                let load = load(capacity, capacity / 2 + live, capacity / 2);
                assert!(!load.is_sparse() || load.is_roomy(), "{capacity} {live}");
                let fitting = self::load(load.fitting(), live, 0);
                assert!(!is_full(&fitting), "{capacity} {live}");
                assert!(fitting.fitting() <= load.fitting().max(capacity), "{capacity} {live}");
            }
        }
    }

    #[test]
    fn long_probes_among_few_deletions_double_the_table() {
        assert_eq!(load(1024, 100, 0).roomier(), 2048);
        assert_eq!(load(1024, 600, 500).roomier(), 256);
    }

    #[test]
    fn more_deletions_than_inserts_are_no_load() {
        assert_eq!(load(64, 0, 3).fitting(), SMALLEST);
    }
}
