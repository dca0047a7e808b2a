//! Figures about a map.

use crate::Version;

/// What a map has done and holds, from [`Map::stats`](crate::Map::stats).
///
/// Added up from counters that each session keeps for itself: no operation writes a shared counter for it. While other
/// threads write, the figures are of slightly different moments; when all is quiet they are exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The newest version.
    pub version: Version,
    /// The oldest version that [`snapshot_at`](crate::Map::snapshot_at) can open.
    pub oldest_version: Version,
    /// Keys with a value at the newest version, of all key spaces together.
    pub live_keys: u64,
    /// Key records, those of deleted keys included.
    pub records: u64,
    /// Versions linked to records, tombstones included.
    pub versions: u64,
    /// Nodes unlinked but not yet freed: they wait for a grace period, or for a session's bag to fill.
    pub retired: u64,
    /// Bytes that the map holds, as it asked the allocator for them: key records and versions with their headers, the leaves and
    /// the index of the sorted lists, the tables of the hash front, empty key spaces; entries for superseded versions that
    /// wait ([`gc_queued`](Stats::gc_queued)); and what is unlinked but not yet freed
    /// ([`retired_bytes`](Stats::retired_bytes)). This is what [`Builder::memory_limit`](crate::Builder::memory_limit) is
    /// about.
    ///
    /// Not counted: what an allocator takes on top of a request; the counters, bags and snapshot slots of the map, some tens
    /// of KiB, and more with many threads or snapshots; the list of writes of the newest commit, 32 bytes each; what a commit
    /// has made and not linked yet; batches, and the memory of the caller.
    ///
    /// ```
    /// use epoch_store::Map;
    /// let map = Map::new();
    /// let empty = map.stats().bytes;
    /// map.put("k", vec![0; 1_000])?;
    /// assert!((1_000..1_200).contains(&(map.stats().bytes - empty)));
    /// map.delete("k")?;
    /// map.maintain();
    /// assert!(map.stats().bytes - empty < 200);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub bytes: u64,
    /// Of these, the bytes of nodes that are unlinked but not yet freed (see [`retired`](Stats::retired)): also of what is
    /// counted only here, like descriptors of commits that are over.
    pub retired_bytes: u64,
    /// Entries for superseded versions that wait: for a snapshot or a lease, for the retained window to pass, or to be looked
    /// at. Some of these versions may be gone already.
    pub gc_queued: u64,
    /// Snapshots open now, and leases that were not taken back; clones share one.
    pub open_snapshots: usize,
    /// The version of the oldest of them.
    pub oldest_snapshot: Option<Version>,
    /// How many versions the oldest open snapshot is behind the newest.
    pub oldest_snapshot_age: u64,
    /// Commits, refused ones among them that had been given a version.
    pub commits: u64,
    /// Commits that were given a version and then refused, for what they had read: the version changes nothing.
    pub refused: u64,
    /// Commits that were published by another thread than their own.
    pub helped: u64,
    /// Compare-and-swaps lost to another thread.
    pub cas_failures: u64,
    /// Leaf tails folded.
    pub folds: u64,
    /// Leaves split.
    pub splits: u64,
    /// Times the hash front began to move to another table, larger or smaller.
    pub hash_growths: u64,
    /// Slots of the hash front's tables, of all key spaces.
    pub hash_slots: usize,
    /// Scans of the snapshot slots.
    pub slot_scans: u64,
    /// Versions walked past to look again at what was kept: what long chains cost the collector.
    pub gc_steps: u64,
    /// Key spaces with a name.
    pub key_spaces: usize,
}

/// What a walk over all keys of all key spaces found, from [`Map::survey`](crate::Map::survey).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survey {
    /// Key records.
    pub keys: u64,
    /// Keys whose newest version is a value.
    pub live_keys: u64,
    /// Keys whose newest version says "deleted".
    pub tombstones: u64,
    /// Versions, tombstones included.
    pub versions: u64,
    /// The longest chain of versions of one key.
    pub longest_chain: u64,
    /// Leaves of the sorted lists.
    pub leaves: u64,
    /// Keys in leaf tails: not sorted in yet.
    pub tail_entries: u64,
}

impl Survey {
    pub(crate) fn count(&mut self, newest_is_tombstone: Option<bool>) {
        self.keys += 1;
        match newest_is_tombstone {
            Some(true) => self.tombstones += 1,
            Some(false) => self.live_keys += 1,
            None => {}
        }
    }

    pub(crate) fn chain(&mut self, length: u64) {
        self.versions += length;
        self.longest_chain = self.longest_chain.max(length);
    }
}
