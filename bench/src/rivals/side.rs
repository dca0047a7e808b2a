//! What the demonstrations need of a store beyond what everything that is measured has.

use crate::contender::{Art, Bytes, Contender, Ours, Surreal, View};

/// A contender that is demonstrated.
pub trait Side: Contender + Sync {
    /// Deletes a key: a commit, where the side has commits.
    fn remove(&self, key: &[u8]);

    /// Does `work` while an iterator over everything is open, of which one entry was taken.
    fn beside_a_sleeping_iterator(&self, work: impl FnOnce());

    /// Versions of values that are held, or `None` where there is one of each key.
    fn versions(&self) -> Option<u64>;

    /// The first key of the newest state.
    fn first(&self) -> Option<Vec<u8>> {
        let mut first = None;
        self.view().range(&[0], 1, |key, _| first = Some(key.to_vec()));
        first
    }

    /// Keys of the newest state, counted one by one.
    fn count(&self) -> u64 {
        let mut count = 0;
        self.view().scan(|_, _| count += 1);
        count
    }
}

impl Side for Ours {
    fn remove(&self, key: &[u8]) {
        self.map().delete(key).expect("a key within the limits");
    }

    fn beside_a_sleeping_iterator(&self, work: impl FnOnce()) {
        let snapshot = self.map().snapshot();
        let mut entries = snapshot.iter();
        assert!(entries.next().is_some(), "there are keys");
        work();
        assert!(entries.next().is_some(), "the iterator wakes up and goes on");
    }

    fn versions(&self) -> Option<u64> {
        Some(self.map().stats().versions)
    }
}

impl Side for Surreal {
    fn remove(&self, key: &[u8]) {
        self.store().del(key).expect("a direct delete has no reason to fail");
    }

    fn beside_a_sleeping_iterator(&self, work: impl FnOnce()) {
        let snapshot = self.store().transaction(false);
        let mut entries =
            snapshot.scan_iter(&[][..]..&[0xff; 80][..]).expect("a new transaction is open");
        assert!(entries.next().is_some(), "there are keys");
        work();
        assert!(entries.next().is_some(), "the iterator wakes up and goes on");
    }

    fn versions(&self) -> Option<u64> {
        Some(self.store().stats().live_versions as u64)
    }
}

impl Side for Art<Bytes> {
    fn remove(&self, key: &[u8]) {
        self.map().remove(key);
    }

    fn beside_a_sleeping_iterator(&self, work: impl FnOnce()) {
        let mut entries = self.map().iter();
        assert!(entries.next().is_some(), "there are keys");
        work();
        assert!(entries.next().is_some(), "the iterator wakes up and goes on");
    }

    fn versions(&self) -> Option<u64> {
        None
    }
}
