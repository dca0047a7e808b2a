//! What is measured: one adapter per map, all behind [`Contender`].
//!
//! Measurements are generic over the trait, so every contender is compiled into its own copy of
//! the timed loop and none pays for a call through a table. Reads hand the value to a closure: no
//! contender is made to copy a value that it could lend.

mod art;
mod btree;
mod concurrent;
mod copying;
mod fjall;
#[cfg(feature = "heavy")]
mod lmdb;
mod locked_btree;
mod ours;
mod persistent;
mod redb;
#[cfg(feature = "heavy")]
mod rocksdb;
mod roster;
mod shape;
mod skiplist;
mod surreal;
mod tree_index;
mod tree_view;
mod versioned_art;

pub use art::Art;
pub use btree::BTree;
pub use concurrent::Concurrent;
pub use copying::Copying;
pub use fjall::Fjall;
#[cfg(feature = "heavy")]
pub use lmdb::Lmdb;
pub use locked_btree::LockedBTree;
pub use ours::Ours;
pub use persistent::Persistent;
pub use redb::Redb;
#[cfg(feature = "heavy")]
pub use rocksdb::Rocks;
pub use roster::{Roster, Visitor};
pub use shape::{Bytes, Inline, Shape};
pub use skiplist::SkipList;
pub use surreal::Surreal;
pub use tree_index::TreeIndex;
pub use tree_view::TreeView;
pub use versioned_art::VersionedArt;

use crate::workload::Value;

/// What a held [`View`] promises, and costs the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshots {
    /// Reads see writes that come after the view was opened.
    None,
    /// A fixed state, because writers wait until the view is dropped.
    Blocking,
    /// A fixed state while writers go on.
    Versioned,
}

/// What threads that use a map at once have cost each other, since the map was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frictions {
    /// Compare-and-swaps lost to another thread.
    pub cas_failures: u64,
    /// Commits that were published by another thread than their own.
    pub helped: u64,
    /// Commits refused after they were given a version.
    pub refused: u64,
}

impl Frictions {
    /// What came since `earlier`.
    pub fn since(self, earlier: Frictions) -> Frictions {
        Frictions {
            cas_failures: self.cas_failures - earlier.cas_failures,
            helped: self.helped - earlier.helped,
            refused: self.refused - earlier.refused,
        }
    }
}

/// An ordered map of byte keys to 32-byte values, as the measurements use it.
pub trait Contender: Sized + 'static {
    /// What a view is worth.
    const SNAPSHOTS: Snapshots;
    /// Whether [`Writer::commit`] of several keys becomes visible at one instant.
    const ATOMIC_COMMITS: bool;
    /// Whether [`Writer::update`] does something.
    const UPDATES: bool = false;
    /// Whether reads are known to miss keys that were there all along: such reads are counted and
    /// reported, where for every other contender one of them ends the run.
    const LOSES_KEYS: bool = false;

    /// A reader of the map; a snapshot where [`Self::SNAPSHOTS`] says so.
    type View<'a>: View
    where
        Self: 'a;
    /// One thread's way to write.
    type Writer<'a>: Writer
    where
        Self: 'a;
    /// The form several threads may use: the type itself, for all but a single-threaded container.
    type Shared: Contender + Sync;

    /// A map without keys, in the setting that makes it fastest.
    fn empty() -> Self;

    /// Opens a reader of the present state. It is meant to be held over many reads.
    fn view(&self) -> Self::View<'_>;

    /// A writer for the calling thread.
    fn writer(&self) -> Self::Writer<'_>;

    /// One read of the newest value, by the shortest way the map has for it.
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R>;

    /// This map for several threads, or `None` where only one may use it.
    fn shared(&self) -> Option<&Self::Shared>;

    /// Frees now what the map would free in time. Called between memory readings, and before threads are measured.
    fn settle(&self) {}

    /// What threads have cost each other so far, or `None` where the map does not count it.
    fn frictions(&self) -> Option<Frictions> {
        None
    }

    /// Versions on the longest chain, given that only `key` was overwritten, or `None` where the
    /// map has no versions.
    fn longest_chain(&self, key: &[u8]) -> Option<u64> {
        let _ = key;
        None
    }
}

/// A reader held over several reads.
pub trait View {
    /// Lends the value of `key` to `see`; `None`, without calling it, where there is no such key.
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R>;

    /// Reads several keys, lending each hit together with its position; returns the hits. A loop
    /// for all who have nothing better.
    #[inline]
    fn get_many<const N: usize>(
        &self,
        keys: &[&[u8]; N],
        mut see: impl FnMut(usize, &[u8]),
    ) -> usize {
        keys.iter()
            .enumerate()
            .filter(|(index, key)| self.get(key, |value| see(*index, value)).is_some())
            .count()
    }

    /// Every entry in ascending order.
    fn scan(&self, see: impl FnMut(&[u8], &[u8]));

    /// Every entry in descending order.
    fn scan_back(&self, see: impl FnMut(&[u8], &[u8]));

    /// Up to `limit` entries, of which there must be one at least (surrealmx takes 0 for 1), in
    /// ascending order from the first key not below `from`.
    fn range(&self, from: &[u8], limit: usize, see: impl FnMut(&[u8], &[u8]));
}

/// One thread's way to write. What it keeps between calls (a batch to fill again) is its own.
pub trait Writer {
    /// Sets one key: visible, as one atomic commit, on return.
    fn put(&mut self, key: &[u8], value: &Value);

    /// Sets all of `ops`: visible on return, and at one instant where
    /// [`Contender::ATOMIC_COMMITS`].
    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone);

    /// Reads `key`, which must be there, and sets what `change` makes of its value, with no other write in between; begins
    /// again until that comes about, and returns how often it was in vain. Only where [`Contender::UPDATES`].
    fn update(&mut self, key: &[u8], change: impl FnMut(&[u8]) -> Value) -> u64 {
        let _ = (key, change);
        0
    }
}

/// Lets the collector that several of these crates share free what was retired. By itself it takes a little every 128 pins, which
/// whoever reads after a load or a cleaning then pays for.
fn free_retired() {
    const ROUNDS: usize = 4_096;
    for _ in 0..ROUNDS {
        crossbeam_epoch::pin().flush();
    }
}
