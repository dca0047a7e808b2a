//! `redb::Database` in memory: an embedded engine whose commits here are durable nowhere.
//!
//! Its backend is memory, its cache larger than all data, and commits have `Durability::None`: what is left is the B-tree that
//! is copied where it is written. Readers lend values; one writer at a time.

use redb::backends::InMemoryBackend;
use redb::{
    Database, Durability, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _, TableDefinition,
};

use super::{Contender, Snapshots, View, Writer};
use crate::workload::Value;

const TABLE: TableDefinition<&[u8], &[u8]> = TableDefinition::new("entries");

/// More than any run loads.
const CACHE: usize = 4 << 30;

/// Commits without durability between two with it: only these give back the pages that were replaced.
const KEPT: u64 = 256;

/// The database.
pub struct Redb {
    database: Database,
    commits: std::sync::atomic::AtomicU64,
}

impl Redb {
    fn write<'k>(&self, ops: impl Iterator<Item = (&'k [u8], Value)>) {
        use std::sync::atomic::Ordering::Relaxed;
        let mut transaction = expect(self.database.begin_write());
        let is_kept = self.commits.fetch_add(1, Relaxed).is_multiple_of(KEPT);
        let durability = if is_kept { Durability::Immediate } else { Durability::None };
        expect(transaction.set_durability(durability));
        let mut table = expect(transaction.open_table(TABLE));
        for (key, value) in ops {
            expect(table.insert(key, &value[..]));
        }
        drop(table);
        expect(transaction.commit());
    }
}

impl Contender for Redb {
    const SNAPSHOTS: Snapshots = Snapshots::Versioned;
    const ATOMIC_COMMITS: bool = true;

    type View<'a> = RedbView;
    type Writer<'a> = &'a Redb;
    type Shared = Redb;

    fn empty() -> Self {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE);
        let database = expect(builder.create_with_backend(InMemoryBackend::new()));
        let redb = Redb { database, commits: Default::default() };
        // A table that was never written to cannot be opened for reading.
        redb.write(std::iter::empty());
        redb
    }

    fn view(&self) -> RedbView {
        RedbView(expect(expect(self.database.begin_read()).open_table(TABLE)))
    }

    fn writer(&self) -> &Self {
        self
    }

    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.view().get(key, see)
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }
}

impl Writer for &Redb {
    fn put(&mut self, key: &[u8], value: &Value) {
        self.write(std::iter::once((key, *value)));
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        self.write(ops);
    }
}

/// A read transaction's table, and so a snapshot.
pub struct RedbView(ReadOnlyTable<&'static [u8], &'static [u8]>);

impl View for RedbView {
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        expect(self.0.get(key)).map(|value| see(value.value()))
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in expect(self.0.iter()) {
            let (key, value) = expect(entry);
            see(key.value(), value.value());
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in expect(self.0.iter()).rev() {
            let (key, value) = expect(entry);
            see(key.value(), value.value());
        }
    }

    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in expect(self.0.range(from..)).take(limit) {
            let (key, value) = expect(entry);
            see(key.value(), value.value());
        }
    }
}

/// As for the other contenders: a refused call voids the measurement.
fn expect<T, E: std::fmt::Display>(outcome: Result<T, E>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("redb refused a call: {error}"),
    }
}
