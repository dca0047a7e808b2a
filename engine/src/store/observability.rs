//! What a host can ask about contention, and have published.

use super::Store;
use crate::observe::{Contention, HotKey};

impl Store {
    /// How much work was lost against others since the store was opened: conflicts by kind, and retries. Wait-free.
    ///
    /// In every build: counters are written when there is a conflict, and by nothing else.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let (mut one, mut two) = (store.transaction(), store.transaction());
    /// for transaction in [&one, &two] {
    ///     let count = transaction.range("job/".."job0").count();
    ///     transaction.put(format!("job/{count}"), "")?;
    /// }
    /// one.commit()?;
    /// assert!(two.commit().unwrap_err().is_conflict());
    /// assert_eq!(store.contention().phantom, 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn contention(&self) -> Contention {
        self.shared().tally().contention()
    }

    /// The keys that most conflicts were about, the hottest first: at most 64.
    ///
    /// *Guarantee.* Approximate: a count is never too large, and a key that has more conflicts than others together is there.
    /// *Cost.* A copy of the keys; in between, a place in a table of fixed size, written when there is a conflict. *Progress.*
    /// Wait-free.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// for key in ["busy", "quiet", "busy"] {
    ///     let mut transaction = store.transaction();
    ///     transaction.get_for_update(key)?;
    ///     store.put(key, "somebody else's")?;
    ///     assert!(transaction.commit().unwrap_err().is_conflict());
    /// }
    /// let hottest = store.hottest_keys();
    /// assert_eq!((&hottest[0].key[..], hottest[0].conflicts), (&b"busy"[..], 2));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn hottest_keys(&self) -> Vec<HotKey> {
        self.shared().tally().hottest_keys()
    }

    /// Hands the figures of [`Store::stats`] and [`Store::contention`] to the recorder of the crate `metrics` that the host has
    /// installed. Call it as often as they are to be fresh: every few seconds, say, or before each scrape.
    ///
    /// All metrics have the label `store`, with the value `name`, which tells several stores of a process apart.
    ///
    /// | counters | |
    /// |---|---|
    /// | `engine_commits_total`, `engine_helped_commits_total` | commits, and those of them that another thread published |
    /// | `engine_conflicts_total` | by the label `kind`: `read-write`, `write-write`, `phantom` |
    /// | `engine_retries_total`, `engine_retries_exhausted_total` | what `transact` and `update` did about them |
    ///
    /// | gauges | |
    /// |---|---|
    /// | `engine_version`, `engine_live_keys`, `engine_versions` | what there is |
    /// | `engine_garbage_queued`, `engine_garbage_retired` | garbage waiting: for snapshots, and to be freed |
    /// | `engine_open_snapshots`, `engine_oldest_snapshot_age_versions` | readers, and how far behind the oldest is |
    /// | `engine_hottest_key_conflicts` | of the key that has most; which: [`Store::hottest_keys`] |
    ///
    /// *Cost.* That of `stats`, and what the recorder takes for these few metrics; nothing is recorded in between, whatever is
    /// read and written. *Progress.* Wait-free, if the recorder is. Tells of a slow reader, as `stats` does.
    ///
    /// With the feature `metrics` only.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// store.publish_metrics("ledger"); // to nobody: no recorder is installed
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[cfg(feature = "metrics")]
    pub fn publish_metrics(&self, name: impl AsRef<str>) {
        let hottest = self.hottest_keys();
        let (stats, contention) = (self.stats(), self.contention());
        crate::observe::publish(name.as_ref(), &stats, &contention, hottest.first());
    }
}
