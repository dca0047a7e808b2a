//! RocksDB, through `rocksdb`: an embedded engine whose commits here are durable nowhere.
//!
//! It has no backend in memory: its files lie in a directory of the system's for such, which is removed with it. Nothing is made
//! durable (no write-ahead log), and what is written last is in memory, with room for all that a run loads: a skip list that
//! several threads may write to, and where what was overwritten stays. Single reads copy the value, inside RocksDB; scans lend.
//!
//! No updates: its database without transactions, which is the faster one, has none.

use std::cell::OnceCell;

use rocksdb::{
    BlockBasedOptions, Cache, DB, DBRawIterator, Options, ReadOptions, Snapshot, WriteBatch,
    WriteOptions,
};
use tempfile::TempDir;

use super::{Contender, Snapshots, View, Writer};
use crate::workload::Value;

/// More than any run loads: for blocks of files, and for what is written last.
const CACHE: usize = 1 << 30;

/// The database, and the directory that it lies in, which goes last.
pub struct Rocks {
    database: DB,
    reading: ReadOptions,
    writing: WriteOptions,
    _place: TempDir,
}

impl Contender for Rocks {
    const SNAPSHOTS: Snapshots = Snapshots::Versioned;
    const ATOMIC_COMMITS: bool = true;

    type View<'a> = RocksView<'a>;
    type Writer<'a> = &'a Rocks;
    type Shared = Rocks;

    fn empty() -> Self {
        let place = expect(TempDir::with_prefix("rocksdb-"));
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&Cache::new_lru_cache(CACHE));
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_write_buffer_size(CACHE);
        options.set_block_based_table_factory(&blocks);
        let database = expect(DB::open(&options, place.path()));
        let mut writing = WriteOptions::default();
        writing.disable_wal(true);
        Rocks { database, reading: ReadOptions::default(), writing, _place: place }
    }

    fn view(&self) -> RocksView<'_> {
        RocksView {
            database: &self.database,
            snapshot: self.database.snapshot(),
            reading: OnceCell::new(),
        }
    }

    fn writer(&self) -> &Self {
        self
    }

    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        expect(self.database.get_pinned_opt(key, &self.reading)).map(|value| see(&value))
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }
}

impl Writer for &Rocks {
    fn put(&mut self, key: &[u8], value: &Value) {
        expect(self.database.put_opt(key, value, &self.writing));
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        let mut batch = WriteBatch::default();
        for (key, value) in ops {
            batch.put(key, value);
        }
        expect(self.database.write_opt(batch, &self.writing));
    }
}

/// A snapshot, and where to look in it.
pub struct RocksView<'a> {
    database: &'a DB,
    snapshot: Snapshot<'a>,
    /// Made by the first get and kept for the others: they would make one each, and who only opens a view needs none.
    reading: OnceCell<ReadOptions>,
}

impl View for RocksView<'_> {
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let reading = self.reading.get_or_init(|| {
            let mut reading = ReadOptions::default();
            reading.set_snapshot(&self.snapshot);
            reading
        });
        expect(self.database.get_pinned_opt(key, reading)).map(|value| see(&value))
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        let mut cursor = self.snapshot.raw_iterator();
        cursor.seek_to_first();
        while let Some((key, value)) = cursor.item() {
            see(key, value);
            cursor.next();
        }
        expect(cursor.status());
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        let mut cursor = self.snapshot.raw_iterator();
        cursor.seek_to_last();
        while let Some((key, value)) = cursor.item() {
            see(key, value);
            cursor.prev();
        }
        expect(cursor.status());
    }

    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        let mut cursor: DBRawIterator<'_> = self.snapshot.raw_iterator();
        cursor.seek(from);
        for _ in 0..limit {
            let Some((key, value)) = cursor.item() else { break };
            see(key, value);
            cursor.next();
        }
        expect(cursor.status());
    }
}

/// As for the other contenders: a refused call voids the measurement.
fn expect<T, E: std::fmt::Display>(outcome: Result<T, E>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("RocksDB refused a call: {error}"),
    }
}
