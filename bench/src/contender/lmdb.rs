//! LMDB, through `heed`: an embedded engine whose commits here are not waited for.
//!
//! It has no backend in memory: its file lies in a directory of the system's for such, which is removed with it, and is mapped.
//! Nothing is made durable (`NO_SYNC`), and writers fill pages of the map itself instead of copies that are written later
//! (`WRITE_MAP`): the fastest that LMDB has. Readers lend values; one writer at a time.
//!
//! A thread may hold several views here, so a place in the table of readers belongs to a view and not to a thread
//! (`WithoutTls`): to open one takes a lock, which LMDB's other way spares.

use std::ops::Bound;

use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions, RoTxn, WithoutTls};
use tempfile::TempDir;

use super::{Contender, Snapshots, View, Writer};
use crate::workload::Value;

/// Addresses that the file may grow into, more than any run fills: pages that a held view sees are not written again.
const MAP: usize = 64 << 30;

/// Views at one time, more than any run has open.
const READERS: u32 = 8192;

type Entries = Database<Bytes, Bytes>;

/// The environment, and the directory that it lies in, which goes last.
pub struct Lmdb {
    entries: Entries,
    environment: Env<WithoutTls>,
    _place: TempDir,
}

impl Contender for Lmdb {
    const SNAPSHOTS: Snapshots = Snapshots::Versioned;
    const ATOMIC_COMMITS: bool = true;
    const UPDATES: bool = true;

    type View<'a> = LmdbView<'a>;
    type Writer<'a> = &'a Lmdb;
    type Shared = Lmdb;

    fn empty() -> Self {
        let place = expect(TempDir::with_prefix("lmdb-"));
        let environment = open(&place);
        let mut transaction = expect(environment.write_txn());
        let entries = expect(environment.create_database(&mut transaction, None));
        expect(transaction.commit());
        Lmdb { entries, environment, _place: place }
    }

    fn view(&self) -> LmdbView<'_> {
        LmdbView { transaction: expect(self.environment.read_txn()), entries: self.entries }
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

/// An environment in `place`.
#[expect(unsafe_code, reason = "the only way to open one; see CONTRIBUTING.md")]
fn open(place: &TempDir) -> Env<WithoutTls> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(MAP).max_readers(READERS);
    // SAFETY: the files must be changed by nobody else while they are mapped: `place` was made for this environment alone, under
    // a name that nobody has been told, and outlives it. What the flags give up is the files after a crash of the system, when
    // nobody opens them again.
    expect(unsafe { options.flags(EnvFlags::NO_SYNC | EnvFlags::WRITE_MAP).open(place.path()) })
}

impl Writer for &Lmdb {
    fn put(&mut self, key: &[u8], value: &Value) {
        self.commit(std::iter::once((key, *value)));
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        let mut transaction = expect(self.environment.write_txn());
        for (key, value) in ops {
            expect(self.entries.put(&mut transaction, key, &value[..]));
        }
        expect(transaction.commit());
    }

    fn update(&mut self, key: &[u8], mut change: impl FnMut(&[u8]) -> Value) -> u64 {
        let mut transaction = expect(self.environment.write_txn());
        let old = expect(self.entries.get(&transaction, key));
        let new = change(old.expect("only keys that are there are updated"));
        expect(self.entries.put(&mut transaction, key, &new[..]));
        expect(transaction.commit());
        0
    }
}

/// A read transaction, and what it reads.
pub struct LmdbView<'a> {
    transaction: RoTxn<'a, WithoutTls>,
    entries: Entries,
}

impl View for LmdbView<'_> {
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        expect(self.entries.get(&self.transaction, key)).map(see)
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in expect(self.entries.iter(&self.transaction)) {
            let (key, value) = expect(entry);
            see(key, value);
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in expect(self.entries.rev_iter(&self.transaction)) {
            let (key, value) = expect(entry);
            see(key, value);
        }
    }

    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        let bounds = (Bound::Included(from), Bound::Unbounded);
        for entry in expect(self.entries.range(&self.transaction, &bounds)).take(limit) {
            let (key, value) = expect(entry);
            see(key, value);
        }
    }
}

/// As for the other contenders: a refused call voids the measurement.
fn expect<T, E: std::fmt::Display>(outcome: Result<T, E>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("LMDB refused a call: {error}"),
    }
}
