//! A sorted list under the reclaimer that tells, with one-byte keys: what the models of leaves are made of.

use crate::pin;
use epoch_store::internals::chain::{Record, RecordRef};
use epoch_store::internals::list::{List, Within};
use epoch_store::internals::reclaim::{Grace, Pinned, Quarantine, Reclaimer};
use epoch_store::internals::tally::{Event, Tally};
use std::ops::Bound;
use std::ptr::NonNull;

/// One hash for all keys: no tag may save a look at a record.
const HASH: u64 = 0;

/// See the module header.
#[derive(Default)]
pub struct Shelf {
    /// The reclaimer.
    pub domain: Quarantine,
    /// The list.
    pub list: List,
    /// Counts for all threads: a model runs one at a time, and counters are no scheduling points.
    pub tally: Tally,
}

impl Shelf {
    /// A shelf with these keys, put in one after the other.
    pub fn with(keys: &[u8]) -> Self {
        let shelf = Self::default();
        for &key in keys {
            shelf.insert(key);
        }
        shelf
    }

    /// Finds or inserts a key; returns the address of its record.
    pub fn insert(&self, key: u8) -> usize {
        self.listed(key).address()
    }

    /// Finds or inserts a key; returns its record.
    pub fn listed(&self, key: u8) -> Listed {
        let pin = pin(&self.domain);
        let record =
            self.list.find_or_insert(&[key], None, HASH, &mut None, &pin, &self.tally).record;
        assert_eq!(record.key(), [key], "the record of the key");
        Listed(record.as_ptr())
    }

    /// Seals a record, and leaves it out of the list when that pays, or else at once; then gives it back: all that its
    /// sealer has to do where there is no hash.
    pub fn remove(&self, listed: Listed) {
        assert!(listed.seal(), "a record has one sealer");
        let pin = pin(&self.domain);
        // SAFETY: retired below only, and by its sealer alone.
        let record = unsafe { RecordRef::new(listed.0) };
        if !self.list.note_dead(record, &pin, &self.tally) {
            self.list.drop_dead_now(record, &pin, &self.tally);
        }
        assert!(!self.list.is_listed(record, &pin, &self.tally), "out of the list");
        // SAFETY: I-37: this is its sealer, and it is out of the list (I-43).
        unsafe { pin.retire(listed.0, Grace::Two) };
    }

    /// All keys whose records are not sealed, as a scan finds them; sealed ones must be readable all the same.
    pub fn scan_live(&self) -> Vec<u8> {
        self.scan_where(|record| !record.is_dead())
    }

    /// Folds the leaf of a key once, as it is now.
    pub fn fold(&self, key: u8) {
        let pin = pin(&self.domain);
        let (leaf, body) = self.list.locate(&[key], &pin, &self.tally);
        self.list.fold(leaf, body, &pin, &self.tally);
    }

    /// All keys as a scan finds them: a leaf at a time, each under a pin of its own.
    pub fn scan(&self) -> Vec<u8> {
        self.scan_where(|_| true)
    }

    fn scan_where(&self, wanted: impl Fn(RecordRef<'_>) -> bool) -> Vec<u8> {
        let mut keys = Vec::new();
        let mut from = Vec::new();
        loop {
            let pin = pin(&self.domain);
            let (leaf, body) = self.list.locate(&from, &pin, &self.tally);
            let mut found = Vec::new();
            let within = Within { from: Bound::Included(&from), to: Bound::Unbounded };
            body.collect(leaf.low(), within, &mut found);
            for record in found {
                // SAFETY: a record of a body under the pin.
                let record = unsafe { RecordRef::new(record) };
                let key = record.key()[0];
                if wanted(record) {
                    keys.push(key);
                }
            }
            assert!(keys.is_sorted_by(|a, b| a < b), "keys in order, each once: {keys:?}");
            let Some(high) = body.high() else { return keys };
            assert!(*high > *from, "fences ascend");
            from = high.to_vec();
        }
    }

    /// The leaf of a key holds it, between its fences. Mends the index on the way, as any walker does.
    pub fn check_located(&self, key: u8) {
        let pin = pin(&self.domain);
        let (leaf, body) = self.list.locate(&[key], &pin, &self.tally);
        assert!(leaf.low() <= [key].as_slice(), "a leaf too far right for {key}");
        assert!(
            body.high().is_none_or(|high| [key].as_slice() < high),
            "a leaf too far left for {key}"
        );
        let sorted = (0..body.sorted_len()).map(|i| body.record(i));
        let there = sorted.chain(body.tail()).filter(|record| record.key() == [key]).count();
        assert_eq!(there, 1, "key {key} in its leaf");
    }

    /// Looks for a key that may be there or not: whether its record is, and is not sealed.
    pub fn look(&self, key: u8) -> bool {
        let pin = pin(&self.domain);
        let (leaf, body) = self.list.locate(&[key], &pin, &self.tally);
        assert!(leaf.low() <= [key].as_slice(), "a leaf too far right for {key}");
        let sorted = (0..body.sorted_len()).map(|i| body.record(i));
        sorted.chain(body.tail()).any(|record| record.key() == [key] && !record.is_dead())
    }

    /// All keys as the leaves are linked, from the first on, without the index.
    fn linked(&self) -> Vec<u8> {
        let mut keys = Vec::new();
        self.list.for_each_leaf(&pin(&self.domain), |body| {
            let mut found = Vec::new();
            body.collect(&[], Within { from: Bound::Unbounded, to: Bound::Unbounded }, &mut found);
            keys.extend(found.into_iter().map(key_of));
        });
        keys
    }

    /// With no other thread left: exactly these keys, each once, and one record made for each.
    pub fn check_whole(&self, expected: &[u8]) {
        self.check_keys(expected);
        let records = self.count(Event::Records);
        assert_eq!(records, expected.len(), "a record for each key, and no other");
    }

    /// With no other thread left: exactly these keys, each once.
    pub fn check_keys(&self, expected: &[u8]) {
        assert_eq!(self.linked(), expected, "no key lost, none twice, no leaf out of the row");
        assert_eq!(self.scan(), expected, "the index leads a scan to the same");
        for &key in expected {
            self.check_located(key);
        }
    }

    /// All keys whose records are not sealed, from the last to the first: each leaf found by the low fence of the one
    /// to its right, under a pin of its own.
    pub fn scan_back(&self) -> Vec<u8> {
        let mut keys = Vec::new();
        let mut to: Option<Vec<u8>> = None;
        loop {
            let pin = pin(&self.domain);
            let (leaf, body) = self.list.locate_before(to.as_deref(), &pin, &self.tally);
            let below = to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut found = Vec::new();
            body.collect(leaf.low(), Within { from: Bound::Unbounded, to: below }, &mut found);
            // SAFETY: records of a body under the pin.
            let found = found.iter().rev().map(|record| unsafe { RecordRef::new(*record) });
            keys.extend(found.filter(|record| !record.is_dead()).map(|record| record.key()[0]));
            assert!(keys.is_sorted_by(|a, b| a > b), "keys in order, each once: {keys:?}");
            if leaf.low().is_empty() {
                return keys;
            }
            assert!(to.is_none_or(|to| leaf.low() < to.as_slice()), "fences descend");
            to = Some(leaf.low().to_vec());
        }
    }

    /// Leaves as they are linked; none may be left frozen with no other thread about.
    pub fn leaves(&self) -> usize {
        let mut leaves = 0;
        self.list.for_each_leaf(&pin(&self.domain), |_| leaves += 1);
        assert_eq!(leaves, 1 + self.count(Event::Splits) - self.count(Event::Unlinks), "one owner");
        leaves
    }

    /// A counter.
    pub fn count(&self, event: Event) -> usize {
        self.tally.get(event) as usize
    }

    /// Nodes buried so far: with no pin left, all that were retired.
    pub fn buried(&self) -> usize {
        self.domain.freed() as usize
    }
}

/// A record that was in the list when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed(NonNull<Record>);

// SAFETY: what is mutable in a record is atomic.
unsafe impl Send for Listed {}
// SAFETY: as above.
unsafe impl Sync for Listed {}

impl Listed {
    /// Seals it, if nobody has. It must not have been freed.
    pub fn seal(self) -> bool {
        // SAFETY: alive: it is given back by its sealer, later.
        unsafe { RecordRef::new(self.0) }.seal_empty()
    }

    /// Its address.
    pub fn address(self) -> usize {
        self.0.addr().get()
    }
}

fn key_of(record: NonNull<Record>) -> u8 {
    // SAFETY: a record of a list that is not dropped before its models' threads have ended.
    let record: RecordRef<'_> = unsafe { RecordRef::new(record) };
    record.key()[0]
}
