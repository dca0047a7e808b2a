//! `artmap::VersionedArtMap` with a clock lent by the harness.
//!
//! The map keeps a chain of versions per key and leaves numbering commits, registering readers and
//! pruning to its user. The harness lends it the cheapest clock that gives atomic commits
//! (in-order publication), no register of readers and **no pruning at all**: what it shows is an
//! upper bound for a store built on it, and its memory grows with every overwrite.

use std::hint::spin_loop;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::yield_now;

use artmap::{Guard, VersionedArtMap, VersionedEntryRef};
use crossbeam_utils::CachePadded;

use super::{Contender, Shape, Snapshots, View, Writer, free_retired};
use crate::workload::Value;

/// The versioned radix tree and its clock.
pub struct VersionedArt<S: Shape> {
    map: VersionedArtMap<S::Key, S::Value>,
    clock: Clock,
}

impl<S: Shape> Contender for VersionedArt<S> {
    const SNAPSHOTS: Snapshots = Snapshots::Versioned;
    const ATOMIC_COMMITS: bool = true;

    type View<'a> = VersionedArtView<'a, S>;
    type Writer<'a> = &'a VersionedArt<S>;
    type Shared = VersionedArt<S>;

    fn empty() -> Self {
        VersionedArt { map: VersionedArtMap::new(), clock: Clock::default() }
    }

    #[inline]
    fn view(&self) -> VersionedArtView<'_, S> {
        let guard = self.map.pin();
        VersionedArtView { map: &self.map, guard, version: self.clock.newest() }
    }

    fn writer(&self) -> &Self {
        self
    }

    #[inline]
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.view().get(key, see)
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }

    fn settle(&self) {
        free_retired();
    }

    fn longest_chain(&self, key: &[u8]) -> Option<u64> {
        Some(self.map.version_count(S::query(key)) as u64)
    }
}

impl<S: Shape> Writer for &VersionedArt<S> {
    #[inline]
    fn put(&mut self, key: &[u8], value: &Value) {
        let version = self.clock.claim();
        self.map.insert(S::key(key), version, S::value(value));
        self.clock.publish(version);
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        let version = self.clock.claim();
        let guard = self.map.pin();
        for (key, value) in ops {
            self.map.insert_with_guard(S::key(key), version, S::value(&value), &guard);
        }
        self.clock.publish(version);
    }
}

/// A reader pinned at a version.
pub struct VersionedArtView<'a, S: Shape> {
    map: &'a VersionedArtMap<S::Key, S::Value>,
    /// Held so that the pins of single reads nest in it, which costs them no fence.
    guard: Guard<'a>,
    version: u64,
}

impl<S: Shape> VersionedArtView<'_, S> {
    /// Lends what the view sees of `entry`. Keys are never deleted here, so the newest version is
    /// the right place to start from.
    #[inline]
    fn lend<R>(
        &self,
        entry: &VersionedEntryRef<'_, S::Key, S::Value>,
        see: impl FnOnce(&[u8]) -> R,
    ) -> Option<R> {
        if entry.version() <= self.version {
            return Some(see(entry.value().as_ref()));
        }
        entry.get_version_le(self.version).map(|(_, value)| see(value.as_ref()))
    }
}

impl<S: Shape> View for VersionedArtView<'_, S> {
    #[inline]
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let entry = self.map.get_entry(S::query(key))?;
        self.lend(&entry, see)
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in self.map.iter_with_guard(&self.guard) {
            self.lend(&entry, |value| see(S::bytes(entry.key()), value));
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for entry in self.map.iter_with_guard(&self.guard).rev() {
            self.lend(&entry, |value| see(S::bytes(entry.key()), value));
        }
    }

    #[inline]
    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        let bounds = (Bound::Included(S::query(from)), Bound::Unbounded);
        self.map
            .range_with_guard::<_, S::Query>(bounds, &self.guard)
            .filter_map(|entry| self.lend(&entry, |value| see(S::bytes(entry.key()), value)))
            .take(limit)
            .for_each(drop);
    }
}

/// Numbers commits and publishes them in that order.
#[derive(Default)]
struct Clock {
    claimed: CachePadded<AtomicU64>,
    published: CachePadded<AtomicU64>,
}

impl Clock {
    fn claim(&self) -> u64 {
        self.claimed.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Waits for every earlier commit, then lets readers see this one.
    fn publish(&self, version: u64) {
        let mut spins = 0_u32;
        // Acquire pairs with the Release below: this commit's readers also see the earlier ones.
        while self.published.load(Ordering::Acquire) != version - 1 {
            spins += 1;
            if spins.is_multiple_of(64) { yield_now() } else { spin_loop() }
        }
        // Release pairs with the Acquire in `newest`: who reads the number sees the writes.
        self.published.store(version, Ordering::Release);
    }

    fn newest(&self) -> u64 {
        // Acquire pairs with the Release in `publish`.
        self.published.load(Ordering::Acquire)
    }
}
