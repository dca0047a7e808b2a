//! What a versioned map should say: the whole history of every key, in an ordered map.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, RangeBounds};

/// Bytes of a key or value.
pub type Bytes = Vec<u8>;

/// A key, and its value or a delete.
pub type Write = (Bytes, Option<Bytes>);

/// A write, or a delete of all keys inside bounds.
#[derive(Debug, Clone)]
pub enum Change {
    Write(Write),
    DeleteRange(Bound<Bytes>, Bound<Bytes>),
}

/// Whether a key lies between bounds, which may be inverted.
pub fn is_inside(key: &Bytes, from: &Bound<Bytes>, to: &Bound<Bytes>) -> bool {
    (from.as_ref(), to.as_ref()).contains(key)
}

/// A key, and its values before and after.
pub type Difference = (Bytes, Option<Bytes>, Option<Bytes>);

/// Every write ever made to a key: version, and value or delete, oldest first.
type History = Vec<(u64, Option<Bytes>)>;

#[derive(Debug, Default)]
pub struct Model {
    keys: BTreeMap<Bytes, History>,
}

/// What a map should hold at one moment.
#[derive(Debug, PartialEq, Eq)]
pub struct Holdings {
    pub keys: u64,
    pub live_keys: u64,
    pub versions: u64,
    pub longest_chain: u64,
}

impl Holdings {
    /// Whether each figure is at least and at most what two others say.
    pub fn is_between(&self, least: &Self, most: &Self) -> bool {
        let figures = |of: &Self| [of.keys, of.live_keys, of.versions, of.longest_chain];
        let bounds = figures(least).into_iter().zip(figures(most));
        figures(self).into_iter().zip(bounds).all(|(own, (low, high))| low <= own && own <= high)
    }

    /// What two spaces of one map hold together.
    pub fn and(self, other: Self) -> Self {
        Self {
            keys: self.keys + other.keys,
            live_keys: self.live_keys + other.live_keys,
            versions: self.versions + other.versions,
            longest_chain: self.longest_chain.max(other.longest_chain),
        }
    }
}

impl Model {
    /// All writes of a commit; a later write to a key hides an earlier one.
    pub fn commit(&mut self, version: u64, writes: impl IntoIterator<Item = Write>) {
        for (key, value) in writes {
            let history = self.keys.entry(key).or_default();
            let behind = history.partition_point(|&(other, _)| other < version);
            history.truncate(behind);
            history.push((version, value));
        }
    }

    /// All writes of a commit that may delete ranges too, in the order given.
    pub fn commit_changes(&mut self, version: u64, changes: impl IntoIterator<Item = Change>) {
        let mut writes = BTreeMap::new();
        for change in changes {
            match change {
                Change::Write((key, value)) => _ = writes.insert(key, value),
                Change::DeleteRange(from, to) => {
                    writes.retain(|key, _| !is_inside(key, &from, &to));
                    let live = self.range(&from, &to, version - 1);
                    writes.extend(live.into_iter().map(|(key, _)| (key.to_vec(), None)));
                }
            }
        }
        self.commit(version, writes);
    }

    pub fn get(&self, key: &[u8], at: u64) -> Option<&[u8]> {
        seen(self.keys.get(key)?, at)
    }

    /// The entries inside the bounds, in order.
    pub fn range(&self, from: &Bound<Bytes>, to: &Bound<Bytes>, at: u64) -> Vec<(&[u8], &[u8])> {
        let inside = |key: &Bytes| match to {
            Bound::Included(to) => key <= to,
            Bound::Excluded(to) => key < to,
            Bound::Unbounded => true,
        };
        // The end is looked at key by key: an inverted range is empty here, and a panic in a `BTreeMap`.
        let keys = self.keys.range((from.clone(), Bound::Unbounded));
        keys.take_while(|(key, _)| inside(key))
            .filter_map(|(key, history)| Some((key.as_slice(), seen(history, at)?)))
            .collect()
    }

    /// What differs between two versions.
    pub fn changes(&self, since: u64, at: u64) -> Vec<Difference> {
        let change = |(key, history): (&Bytes, &History)| {
            let value = |at| seen(history, at).map(<[u8]>::to_vec);
            let (before, after) = (value(since), value(at));
            let changed = newest_at(history, since) != newest_at(history, at);
            let lives = before.is_some() || after.is_some();
            (changed && lives).then(|| (key.clone(), before, after))
        };
        self.keys.iter().filter_map(change).collect()
    }

    /// What is left, at least and at most, when everything has been collected that was superseded at `floor` or before, and
    /// that none of the snapshots at `stamps` can see.
    ///
    /// The two differ by tombstones that were superseded after `floor` and have nothing behind them: such a one is gone if it
    /// was alone before it was superseded.
    pub fn holdings(&self, stamps: &[u64], floor: u64) -> [Holdings; 2] {
        let is_judged = |next: Option<u64>| next.is_none_or(|next| next <= floor);
        [
            self.holdings_without(|_| true, stamps, floor),
            self.holdings_without(is_judged, stamps, floor),
        ]
    }

    /// The same without those tombstones at the end of chains that `is_cut` tells by when they were superseded.
    fn holdings_without(
        &self,
        is_cut: impl Fn(Option<u64>) -> bool,
        stamps: &[u64],
        floor: u64,
    ) -> Holdings {
        let mut holdings = Holdings { keys: 0, live_keys: 0, versions: 0, longest_chain: 0 };
        for history in self.keys.values() {
            let retained = newest_at(history, floor).unwrap_or(0)..history.len();
            let seen: BTreeSet<usize> =
                stamps.iter().filter_map(|&at| newest_at(history, at)).chain(retained).collect();
            // A tombstone behind which there is nothing is not kept, and a key without versions is removed.
            let superseded_at = |at: usize| history.get(at + 1).map(|&(next, _)| next);
            let is_tombstone = |at: usize| history[at].1.is_none();
            let says_nothing = |&at: &usize| is_tombstone(at) && is_cut(superseded_at(at));
            let versions = seen.into_iter().skip_while(says_nothing).count() as u64;
            if versions == 0 {
                continue;
            }
            let live = history.last().is_some_and(|(_, value)| value.is_some());
            holdings.keys += 1;
            holdings.live_keys += u64::from(live);
            holdings.versions += versions;
            holdings.longest_chain = holdings.longest_chain.max(versions);
        }
        holdings
    }
}

/// Which write is the newest at a version.
fn newest_at(history: &History, at: u64) -> Option<usize> {
    history.partition_point(|&(version, _)| version <= at).checked_sub(1)
}

/// The value at a version.
fn seen(history: &History, at: u64) -> Option<&[u8]> {
    history[newest_at(history, at)?].1.as_deref()
}
