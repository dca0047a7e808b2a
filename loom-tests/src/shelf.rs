//! A sorted list under the reclaimer that tells, with one-byte keys: what the models of leaves are made of.

use crate::pin;
use epoch_store::internals::chain::{Record, RecordRef};
use epoch_store::internals::list::{List, Within};
use epoch_store::internals::reclaim::{Quarantine, Reclaimer};
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
        let pin = pin(&self.domain);
        let record = self.list.find_or_insert(&[key], HASH, &mut None, &pin, &self.tally);
        assert_eq!(record.key(), [key], "the record of the key");
        record.as_ptr().addr().get()
    }

    /// Folds the leaf of a key once, as it is now.
    pub fn fold(&self, key: u8) {
        let pin = pin(&self.domain);
        let (leaf, body) = self.list.locate(&[key], &pin, &self.tally);
        self.list.fold(leaf, body, &pin, &self.tally);
    }

    /// All keys as a scan finds them: a leaf at a time, each under a pin of its own.
    pub fn scan(&self) -> Vec<u8> {
        let mut keys = Vec::new();
        let mut from = Vec::new();
        loop {
            let pin = pin(&self.domain);
            let (leaf, body) = self.list.locate(&from, &pin, &self.tally);
            let mut found = Vec::new();
            let within = Within { from: Bound::Included(&from), to: Bound::Unbounded };
            body.collect(leaf.low(), within, &mut found);
            keys.extend(found.into_iter().map(key_of));
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
        assert_eq!(self.linked(), expected, "no key lost, none twice, no leaf out of the row");
        assert_eq!(self.scan(), expected, "the index leads a scan to the same");
        for &key in expected {
            self.check_located(key);
        }
        let records = self.count(Event::Records);
        assert_eq!(records, expected.len(), "a record for each key, and no other");
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

fn key_of(record: NonNull<Record>) -> u8 {
    // SAFETY: a record of a list that is not dropped before its models' threads have ended.
    let record: RecordRef<'_> = unsafe { RecordRef::new(record) };
    record.key()[0]
}
