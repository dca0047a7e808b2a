//! `surrealmx::Database`: the direct competitor, a store with versions, atomic commits and its own
//! collection of old versions.
//!
//! It is used as its own benchmarks use it: borrowed reads (`with_value`, `scan_with`), direct
//! auto-committed writes, snapshot isolation for batches (no read set to keep), no persistence. Its
//! options are the default ones: the preset for high performance (a larger pool, other intervals of
//! its workers) was no faster on any row here.

use std::thread::yield_now;

use surrealmx::{Database, Error, Transaction};

use super::{Contender, Snapshots, View, Writer, free_retired};
use crate::workload::Value;

/// Above every key: the store has no unbounded ranges.
const ABOVE_ALL: &[u8] = &[0xff; 80];

/// The database.
pub struct Surreal {
    store: Database,
}

impl Surreal {
    /// What is measured, for what only some programs ask.
    pub fn store(&self) -> &Database {
        &self.store
    }
}

impl Contender for Surreal {
    const SNAPSHOTS: Snapshots = Snapshots::Versioned;
    const ATOMIC_COMMITS: bool = true;
    const UPDATES: bool = true;

    type View<'a> = SurrealView;
    type Writer<'a> = &'a Surreal;
    type Shared = Surreal;

    fn empty() -> Self {
        Surreal { store: Database::new() }
    }

    fn view(&self) -> SurrealView {
        SurrealView { snapshot: self.store.transaction(false) }
    }

    fn writer(&self) -> &Self {
        self
    }

    #[inline]
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        expect(self.store.with_value(key, see))
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }

    fn settle(&self) {
        self.store.run_cleanup();
        self.store.run_gc();
        free_retired();
    }

    fn longest_chain(&self, _key: &[u8]) -> Option<u64> {
        let stats = self.store.stats();
        // Every other key has one version, so the rest are this key's.
        Some((stats.live_versions - stats.live_keys + 1) as u64)
    }
}

impl Writer for &Surreal {
    #[inline]
    fn put(&mut self, key: &[u8], value: &Value) {
        expect(self.store.set(key, &value[..]));
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        loop {
            let mut transaction = self.store.transaction(true).with_snapshot_isolation();
            for (key, value) in ops.clone() {
                expect(transaction.set(key, &value[..]));
            }
            match transaction.commit() {
                // Another commit wrote one of the keys first: its user has to try again.
                Err(Error::KeyWriteConflict) => yield_now(),
                done => return expect(done),
            }
        }
    }

    fn update(&mut self, key: &[u8], mut change: impl FnMut(&[u8]) -> Value) -> u64 {
        let mut in_vain = 0;
        loop {
            // Serializable: what it reads is checked when it commits.
            let mut transaction = self.store.transaction(true);
            let old = expect(transaction.get(key)).expect("only keys that are there are updated");
            expect(transaction.set(key, &change(old.as_slice())[..]));
            match transaction.commit() {
                Err(Error::KeyReadConflict | Error::KeyWriteConflict) => {
                    in_vain += 1;
                    yield_now();
                }
                done => {
                    expect(done);
                    return in_vain;
                }
            }
        }
    }
}

/// A read transaction, and so a snapshot.
pub struct SurrealView {
    snapshot: Transaction,
}

impl View for SurrealView {
    #[inline]
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        expect(self.snapshot.with_value(key, see))
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        expect(self.snapshot.scan_with(&[][..]..ABOVE_ALL, None, None, |key, value| {
            see(key.as_slice(), value);
            true
        }));
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in expect(self.snapshot.scan_iter_reverse(&[][..]..ABOVE_ALL)) {
            see(key.as_slice(), value.as_slice());
        }
    }

    #[inline]
    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        expect(self.snapshot.scan_with(from..ABOVE_ALL, None, Some(limit), |key, value| {
            see(key.as_slice(), value);
            true
        }));
    }
}

/// The calls made here have no reason to fail; if one does, the run must not go on as if it had
/// measured something.
fn expect<T>(outcome: Result<T, Error>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("surrealmx refused a call: {error}"),
    }
}
