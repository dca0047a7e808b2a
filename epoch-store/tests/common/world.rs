//! A map, the model of it, and steps that must look the same on both.

use super::model::{Bytes, Model, Write};
use epoch_store::{Map, Range, Snapshot, WriteBatch};
use std::collections::VecDeque;
use std::ops::Bound;

/// One thing that a user may do. Snapshots are chosen by number, modulo how many there are.
#[derive(Debug, Clone)]
pub enum Step {
    Put(Bytes, Bytes),
    Delete(Bytes),
    Commit(Vec<Write>),
    Open,
    OpenByNumber,
    Clone(usize),
    Close(usize),
    Maintain,
    Get(usize, Bytes),
    GetMany(usize, Vec<Bytes>),
    Ends(usize),
    Prefix(usize, Bytes, Turns),
    Scan(usize, Bound<Bytes>, Bound<Bytes>, Turns),
    /// One of the writes is made before each entry is taken.
    ScanAmidWrites(usize, Bound<Bytes>, Bound<Bytes>, Turns, Vec<Write>),
}

/// From which end an iterator is asked next, over and over: bit set for the front.
pub type Turns = u64;

struct Held {
    snapshot: Snapshot,
    /// Clones share it.
    slot: usize,
}

#[derive(Default)]
pub struct World {
    pub map: Map,
    pub model: Model,
    version: u64,
    held: Vec<Held>,
    slots: usize,
}

impl World {
    pub fn apply(&mut self, step: Step) {
        match step {
            Step::Put(key, value) => {
                let version = self.map.put(&key, &value).unwrap();
                self.committed(version.get(), [(key, Some(value))]);
            }
            Step::Delete(key) => {
                let version = self.map.delete(&key).unwrap();
                self.committed(version.get(), [(key, None)]);
            }
            Step::Commit(writes) => self.commit(writes),
            Step::Open => self.hold(self.map.snapshot()),
            Step::OpenByNumber => self.hold(self.map.snapshot_at(self.version.into()).unwrap()),
            Step::Clone(at) => {
                if let Some(held) = self.held(at) {
                    let held = Held { snapshot: held.snapshot.clone(), slot: held.slot };
                    self.held.push(held);
                }
            }
            Step::Close(at) => {
                if !self.held.is_empty() {
                    self.held.swap_remove(at % self.held.len());
                }
            }
            Step::Maintain => {
                self.map.maintain();
                self.check_figures();
            }
            Step::Get(at, key) => self.check_get(&self.snapshot(at), &key),
            Step::GetMany(at, keys) => self.check_get_many(&self.snapshot(at), &keys),
            Step::Ends(at) => self.check_ends(&self.snapshot(at)),
            Step::Prefix(at, prefix, turns) => self.check_prefix(at, &prefix, turns),
            Step::Scan(at, from, to, turns) => self.check_scan(at, from, to, turns, vec![]),
            Step::ScanAmidWrites(at, from, to, turns, writes) => {
                self.check_scan(at, from, to, turns, writes);
            }
        }
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    fn committed(&mut self, version: u64, writes: impl IntoIterator<Item = Write>) {
        assert_eq!(version, self.version + 1, "commits are numbered one by one");
        assert_eq!(self.map.version().get(), version, "a commit is visible when it returns");
        self.version = version;
        self.model.commit(version, writes);
    }

    fn commit(&mut self, writes: Vec<Write>) {
        let mut batch = WriteBatch::new();
        for (key, value) in &writes {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            };
        }
        let version = self.map.commit(&batch).unwrap().get();
        if writes.is_empty() {
            assert_eq!(version, self.version, "an empty batch commits nothing");
        } else {
            self.committed(version, writes);
        }
    }

    fn hold(&mut self, snapshot: Snapshot) {
        assert_eq!(snapshot.version().get(), self.version, "a snapshot shows the newest version");
        self.slots += 1;
        self.held.push(Held { snapshot, slot: self.slots });
    }

    fn held(&self, at: usize) -> Option<&Held> {
        self.held.get(at.checked_rem(self.held.len())?)
    }

    /// A held snapshot, or a new one if none is held.
    fn snapshot(&self, at: usize) -> Snapshot {
        self.held(at).map_or_else(|| self.map.snapshot(), |held| held.snapshot.clone())
    }

    fn check_get(&self, snapshot: &Snapshot, key: &[u8]) {
        let expected = self.model.get(key, snapshot.version().get());
        assert_eq!(snapshot.get(key).as_deref(), expected, "get {key:?} at {snapshot:?}");
        assert_eq!(snapshot.contains(key), expected.is_some(), "contains {key:?} at {snapshot:?}");
    }

    fn check_get_many(&self, snapshot: &Snapshot, keys: &[Bytes]) {
        let found = snapshot.get_many(keys);
        assert_eq!(found.len(), keys.len());
        for (key, value) in keys.iter().zip(found) {
            let expected = self.model.get(key, snapshot.version().get());
            assert_eq!(value.as_deref(), expected, "get_many, {key:?} at {snapshot:?}");
        }
    }

    fn check_ends(&self, snapshot: &Snapshot) {
        let at = snapshot.version().get();
        let all = self.model.range(&Bound::Unbounded, &Bound::Unbounded, at);
        let first = snapshot.first();
        assert_eq!(first.as_ref().map(|(key, value)| (&**key, &**value)), all.first().copied());
        let last = snapshot.last();
        assert_eq!(last.as_ref().map(|(key, value)| (&**key, &**value)), all.last().copied());
    }

    fn check_prefix(&self, at: usize, prefix: &[u8], turns: Turns) {
        let snapshot = self.snapshot(at);
        let from = Bound::Included(prefix.to_vec());
        let mut expected = self.model.range(&from, &Bound::Unbounded, snapshot.version().get());
        expected.retain(|(key, _)| key.starts_with(prefix));
        take_all(snapshot.prefix(prefix), expected.into_iter().map(owned), turns, || {});
    }

    fn check_scan(
        &mut self,
        at: usize,
        from: Bound<Bytes>,
        to: Bound<Bytes>,
        turns: Turns,
        writes: Vec<Write>,
    ) {
        let snapshot = self.snapshot(at);
        let expected = self.model.range(&from, &to, snapshot.version().get());
        let expected: Vec<_> = expected.into_iter().map(owned).collect();
        let mut writes = writes.into_iter();
        take_all(snapshot.range((from, to)), expected, turns, || {
            if let Some(write) = writes.next() {
                self.commit(vec![write]);
            }
        });
    }

    /// Everything that every held snapshot shows, and the newest one.
    pub fn check_all(&mut self) {
        self.held.push(Held { snapshot: self.map.snapshot(), slot: 0 });
        for at in 0..self.held.len() {
            for turns in [Turns::MAX, 0, 0x5555_0f0f_1234_5678] {
                self.check_scan(at, Bound::Unbounded, Bound::Unbounded, turns, vec![]);
            }
            let snapshot = self.held[at].snapshot.clone();
            for (key, _) in snapshot.iter() {
                self.check_get(&snapshot, &key);
            }
        }
        self.held.pop();
    }

    /// What the map says about itself when `maintain` has just returned and nobody else is there.
    fn check_figures(&self) {
        let stamps: Vec<u64> = self.held.iter().map(|h| h.snapshot.version().get()).collect();
        let expected = self.model.holdings(&stamps, self.version);
        let (stats, survey) = (self.map.stats(), self.map.survey());
        assert_eq!(stats.version.get(), self.version);
        assert_eq!((survey.keys, stats.records), (expected.keys, expected.keys));
        assert_eq!((survey.live_keys, stats.live_keys), (expected.live_keys, expected.live_keys));
        assert_eq!(survey.tombstones, expected.keys - expected.live_keys);
        assert_eq!((survey.versions, stats.versions), (expected.versions, expected.versions));
        assert_eq!(survey.longest_chain, expected.longest_chain);
        let mut slots: Vec<usize> = self.held.iter().map(|held| held.slot).collect();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(stats.open_snapshots, slots.len(), "clones share a slot");
        assert_eq!(stats.oldest_snapshot.map(u64::from), stamps.iter().min().copied());
    }
}

fn owned((key, value): (&[u8], &[u8])) -> (Bytes, Bytes) {
    (key.to_vec(), value.to_vec())
}

/// Takes every entry of `range`, from the ends that `turns` tells, and compares.
fn take_all(
    mut range: Range<'_>,
    expected: impl IntoIterator<Item = (Bytes, Bytes)>,
    mut turns: Turns,
    mut before_each: impl FnMut(),
) {
    let mut expected: VecDeque<_> = expected.into_iter().collect();
    let mut ask = || {
        turns = turns.rotate_left(1);
        let front = turns & 1 == 1;
        (front, if front { range.next() } else { range.next_back() })
    };
    while !expected.is_empty() {
        before_each();
        let (front, found) = ask();
        let expected = if front { expected.pop_front() } else { expected.pop_back() };
        let expected = expected.as_ref().map(|(key, value)| (&key[..], &value[..]));
        let found = found.as_ref().map(|(key, value)| (&**key, &**value));
        assert_eq!(found, expected, "from the front: {front}");
    }
    for _ in 0..4 {
        before_each();
        assert_eq!(ask().1, None, "a range that has ended stays ended");
    }
}
