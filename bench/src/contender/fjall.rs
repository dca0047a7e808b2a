//! `fjall::Database`: an embedded engine whose commits here are not waited for.
//!
//! It has no backend in memory: its files lie in a directory of the system's for such, which is removed with it. Nothing is
//! made durable (batches without durability, a journal that is not flushed), and what is written last is in memory, with room
//! for all that a run loads.

use fjall::{Database, Keyspace, KeyspaceCreateOptions, Readable as _, Snapshot};
use tempfile::TempDir;

use super::{Contender, Snapshots, View, Writer};
use crate::workload::Value;

/// More than any run loads: for blocks of files, and for what is written last.
const CACHE: u64 = 1 << 30;

/// The database, and the directory that it lies in, which goes last.
pub struct Fjall {
    space: Keyspace,
    database: Database,
    _place: TempDir,
}

impl Contender for Fjall {
    const SNAPSHOTS: Snapshots = Snapshots::Versioned;
    const ATOMIC_COMMITS: bool = true;

    type View<'a> = FjallView;
    type Writer<'a> = &'a Fjall;
    type Shared = Fjall;

    fn empty() -> Self {
        let place = expect(TempDir::with_prefix("fjall-"));
        let builder = Database::builder(place.path()).cache_size(CACHE);
        let database = expect(builder.manual_journal_persist(true).open());
        let options = || {
            KeyspaceCreateOptions::default().max_memtable_size(CACHE).manual_journal_persist(true)
        };
        let space = expect(database.keyspace("entries", options));
        Fjall { space, database, _place: place }
    }

    fn view(&self) -> FjallView {
        FjallView { snapshot: self.database.snapshot(), space: self.space.clone() }
    }

    fn writer(&self) -> &Self {
        self
    }

    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        expect(self.space.get(key)).map(|value| see(&value))
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }
}

impl Writer for &Fjall {
    fn put(&mut self, key: &[u8], value: &Value) {
        expect(self.space.insert(key, &value[..]));
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        let mut batch = self.database.batch();
        for (key, value) in ops {
            batch.insert(&self.space, key, &value[..]);
        }
        expect(batch.commit());
    }
}

/// A snapshot, and where to look in it.
pub struct FjallView {
    snapshot: Snapshot,
    space: Keyspace,
}

impl View for FjallView {
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        expect(self.snapshot.get(&self.space, key)).map(|value| see(&value))
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in self.snapshot.iter(&self.space) {
            let (key, value) = expect(entry.into_inner());
            see(&key, &value);
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in self.snapshot.iter(&self.space).rev() {
            let (key, value) = expect(entry.into_inner());
            see(&key, &value);
        }
    }

    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in self.snapshot.range(&self.space, from..).take(limit) {
            let (key, value) = expect(entry.into_inner());
            see(&key, &value);
        }
    }
}

/// As for the other contenders: a refused call voids the measurement.
fn expect<T, E: std::fmt::Display>(outcome: Result<T, E>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("fjall refused a call: {error}"),
    }
}
