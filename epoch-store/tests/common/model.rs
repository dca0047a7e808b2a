//! What a versioned map should say: every write ever made, in an ordered map.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Bytes of a key or value.
pub type Bytes = Vec<u8>;

/// A key, and its value or a delete.
pub type Write = (Bytes, Option<Bytes>);

#[derive(Debug, Default)]
pub struct Model {
    writes: BTreeMap<(Bytes, u64), Option<Bytes>>,
}

/// What a map should hold at one moment.
#[derive(Debug, PartialEq, Eq)]
pub struct Holdings {
    pub keys: u64,
    pub live_keys: u64,
    pub versions: u64,
    pub longest_chain: u64,
}

impl Model {
    /// All writes of a commit; a later write to a key hides an earlier one.
    pub fn commit(&mut self, version: u64, writes: impl IntoIterator<Item = Write>) {
        for (key, value) in writes {
            self.writes.insert((key, version), value);
        }
    }

    pub fn get(&self, key: &[u8], at: u64) -> Option<&[u8]> {
        let newest = self.writes.range((key.to_vec(), 0)..=(key.to_vec(), at)).next_back();
        newest?.1.as_deref()
    }

    /// The entries inside the bounds, in order.
    pub fn range(&self, from: &Bound<Bytes>, to: &Bound<Bytes>, at: u64) -> Vec<(&[u8], &[u8])> {
        let start = match from {
            Bound::Included(key) => Bound::Included((key.clone(), 0)),
            Bound::Excluded(key) => Bound::Excluded((key.clone(), u64::MAX)),
            Bound::Unbounded => Bound::Unbounded,
        };
        let inside = |key: &Bytes| match to {
            Bound::Included(to) => key <= to,
            Bound::Excluded(to) => key < to,
            Bound::Unbounded => true,
        };
        let mut newest = BTreeMap::new();
        let writes = self.writes.range((start, Bound::Unbounded));
        for ((key, version), value) in writes.take_while(|((key, _), _)| inside(key)) {
            if *version <= at {
                newest.insert(key.as_slice(), value.as_deref());
            }
        }
        newest.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// What is left when everything has been collected that none of the snapshots at `stamps` can see.
    pub fn holdings(&self, stamps: &[u64], newest: u64) -> Holdings {
        let mut chains: BTreeMap<&Bytes, Vec<(u64, bool)>> = BTreeMap::new();
        for ((key, version), value) in &self.writes {
            chains.entry(key).or_default().push((*version, value.is_some()));
        }
        let mut holdings =
            Holdings { keys: chains.len() as u64, live_keys: 0, versions: 0, longest_chain: 0 };
        for chain in chains.values() {
            let seen_at = |at: u64| chain.iter().rposition(|&(version, _)| version <= at);
            let seen: BTreeSet<usize> =
                stamps.iter().chain([&newest]).filter_map(|&at| seen_at(at)).collect();
            holdings.live_keys += u64::from(chain.last().is_some_and(|&(_, live)| live));
            holdings.versions += seen.len() as u64;
            holdings.longest_chain = holdings.longest_chain.max(seen.len() as u64);
        }
        holdings
    }
}
