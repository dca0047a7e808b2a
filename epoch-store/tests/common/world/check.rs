//! Reads of a world, each compared with its model.

use super::super::model::{Bytes, Difference, Holdings, is_inside};
use super::{At, Lent, Step, Turns, World};
use epoch_store::{Change, Error, Range, Snapshot, Value};
use std::collections::VecDeque;
use std::ops::Bound;

/// Reads in the space where the world is.
macro_rules! read {
    ($world:ident, $snapshot:expr, $method:ident($($argument:expr)?)) => {
        match $world.at {
            At::Default => $snapshot.$method($($argument)?),
            At::Space => $snapshot.space(&$world.space).unwrap().$method($($argument)?),
        }
    };
}

impl World {
    pub(super) fn check_get(&self, snapshot: &Snapshot, key: &[u8]) {
        let expected = self.model().get(key, snapshot.version().get());
        let found = read!(self, snapshot, get(key));
        assert_eq!(found.as_deref(), expected, "get {key:?} at {snapshot:?}");
        let found = read!(self, snapshot, contains(key));
        assert_eq!(found, expected.is_some(), "contains {key:?} at {snapshot:?}");
    }

    pub(super) fn check_get_many(&self, snapshot: &Snapshot, keys: &[Bytes]) {
        let found = read!(self, snapshot, get_many(keys));
        assert_eq!(found.len(), keys.len());
        for (key, value) in keys.iter().zip(found) {
            let expected = self.model().get(key, snapshot.version().get());
            assert_eq!(value.as_deref(), expected, "get_many, {key:?} at {snapshot:?}");
        }
    }

    pub(super) fn check_ends(&self, snapshot: &Snapshot) {
        let at = snapshot.version().get();
        let all = self.model().range(&Bound::Unbounded, &Bound::Unbounded, at);
        let first = read!(self, snapshot, first());
        assert_eq!(first.as_ref().map(|(key, value)| (&**key, &**value)), all.first().copied());
        let last = read!(self, snapshot, last());
        assert_eq!(last.as_ref().map(|(key, value)| (&**key, &**value)), all.last().copied());
    }

    pub(super) fn check_prefix(&self, at: usize, prefix: &[u8], turns: Turns) {
        let snapshot = self.snapshot(at);
        let from = Bound::Included(prefix.to_vec());
        let mut expected = self.model().range(&from, &Bound::Unbounded, snapshot.version().get());
        expected.retain(|(key, _)| key.starts_with(prefix));
        let range = read!(self, snapshot, prefix(prefix));
        take_all(range, expected, turns, || {});
    }

    pub(super) fn check_scan(
        &mut self,
        at: usize,
        from: Bound<Bytes>,
        to: Bound<Bytes>,
        turns: Turns,
        amid: Vec<Step>,
    ) {
        let snapshot = self.snapshot(at);
        let expected = self.model().range(&from, &to, snapshot.version().get());
        let expected: Vec<_> = expected.into_iter().map(owned).collect();
        let outer = self.scanned;
        if !amid.is_empty() {
            let slot = self.held(at).map_or(0, |held| held.slot);
            self.scanned = Some((snapshot.version().get(), slot));
        }
        let mut amid = amid.into_iter();
        let range = read!(self, snapshot, range((from, to)));
        take_all(range, expected, turns, || {
            if let Some(step) = amid.next() {
                self.apply(step);
            }
        });
        amid.for_each(|step| self.apply(step));
        self.scanned = outer;
    }

    pub(super) fn check_changes(&self, one: usize, other: usize, turns: Turns) {
        let (one, other) = (self.snapshot(one), self.snapshot(other));
        let (older, newer) =
            if one.version() <= other.version() { (one, other) } else { (other, one) };
        let (since, version) = (older.version(), newer.version());
        if since < version {
            let refused = read!(self, older, changes_since(&newer)).err();
            assert_eq!(refused, Some(Error::NotOlder { since: version, version: since }));
        }
        let expected = self.model().changes(since.get(), version.get());
        let changes = read!(self, newer, changes_since(&older)).unwrap();
        take_any(changes.map(difference), expected, turns);
    }

    pub(super) fn check_changes_since(
        &self,
        since: u64,
        from: Bound<Bytes>,
        to: Bound<Bytes>,
        turns: Turns,
    ) {
        let refusal = self.refusal(since);
        let changes = match self.map.changes_since(since.into()) {
            Ok(changes) => changes,
            Err(error) => return assert_eq!(Some(error), refusal),
        };
        assert_eq!(refusal, None);
        let opened = (changes.older().version().get(), changes.newer().version().get());
        assert_eq!(opened, (since, self.version));
        let mut expected = self.model().changes(since, self.version);
        expected.retain(|(key, ..)| is_inside(key, &from, &to));
        let found = match self.at {
            At::Default => changes.range((from, to)),
            At::Space => changes.range_in(&self.space, (from, to)).unwrap(),
        };
        take_any(found.map(difference), expected, turns);
    }

    pub(super) fn check_lease(
        &self,
        lent: &Lent,
        key: &[u8],
        from: Bound<Bytes>,
        to: Bound<Bytes>,
        turns: Turns,
    ) {
        let Lent { lease, is_revoked } = lent;
        assert_eq!(lease.is_revoked(), *is_revoked);
        let revoked = is_revoked.then_some(Error::SnapshotRevoked { version: lease.version() });
        let refusal = || revoked.clone().map_or(Ok(()), Err);
        let at = lease.version().get();
        let expected = self.model().get(key, at);
        let found = read!(self, lease, get(key));
        assert_eq!(found, refusal().map(|()| expected.map(<[u8]>::to_vec)), "{key:?} at {at}");
        let found = read!(self, lease, contains(key));
        assert_eq!(found, refusal().map(|()| expected.is_some()), "{key:?} at {at}");
        let rows: Vec<_> = match refusal() {
            Ok(()) => {
                self.model().range(&from, &to, at).into_iter().map(|row| Ok(owned(row))).collect()
            }
            // Where there is nothing to read, nothing is refused.
            Err(_) if is_empty(&from, &to) => vec![],
            Err(error) => vec![Err(error)],
        };
        take_any(read!(self, lease, range((from, to))), rows, turns);
    }

    /// Everything that every held snapshot shows, and the newest one.
    pub fn check_all(&mut self) {
        for place in [At::Default, At::Space] {
            self.at = place;
            let newest = self.map.snapshot();
            for snapshot in self.held.iter().map(|held| &held.snapshot).chain([&newest]) {
                self.check_whole(snapshot);
            }
        }
        self.at = At::Default;
    }

    fn check_whole(&self, snapshot: &Snapshot) {
        let at = snapshot.version().get();
        let expected = self.model().range(&Bound::Unbounded, &Bound::Unbounded, at);
        for turns in [Turns::MAX, 0, 0x5555_0f0f_1234_5678] {
            take_all(read!(self, snapshot, iter()), expected.clone(), turns, || {});
        }
        for (key, value) in expected {
            let found = read!(self, snapshot, get(key));
            assert_eq!(found.as_deref(), Some(value), "get {key:?} at {at}");
        }
    }

    /// What the map says about itself when `maintain` has just returned and nobody else is there.
    pub(super) fn check_figures(&self) {
        let held = self.held.iter().map(|held| (held.snapshot.version().get(), held.slot));
        let (mut stamps, mut slots): (Vec<u64>, Vec<usize>) = held.chain(self.scanned).unzip();
        slots.sort_unstable();
        slots.dedup();
        let lent = self.lent.iter().filter(|lent| !lent.is_revoked);
        let lent: Vec<u64> = lent.map(|lent| lent.lease.version().get()).collect();
        stamps.extend(&lent);
        let oldest = self.map.stats().oldest_version.get();
        let floor = if self.retains == 0 { self.version } else { oldest };
        let [[least, most], [least_there, most_there]] =
            self.models.each_ref().map(|of| of.holdings(&stamps, floor));
        let (least, most) = (least.and(least_there), most.and(most_there));
        let (stats, survey) = (self.map.stats(), self.map.survey());
        assert_eq!(stats.version.get(), self.version);
        let found = Holdings {
            keys: survey.keys,
            live_keys: survey.live_keys,
            versions: survey.versions,
            longest_chain: survey.longest_chain,
        };
        assert!(found.is_between(&least, &most), "{found:?} is not in {least:?}..={most:?}");
        assert!(self.retains > 0 || least == most, "without a window there is nothing to choose");
        let told = (stats.records, stats.live_keys, stats.versions);
        assert_eq!(told, (found.keys, found.live_keys, found.versions));
        assert_eq!(survey.tombstones, found.keys - found.live_keys);
        assert_eq!(stats.open_snapshots, slots.len() + lent.len(), "clones share a slot");
        assert_eq!(stats.oldest_snapshot.map(u64::from), stamps.iter().min().copied());
    }
}

/// What a change says, copied.
fn difference(change: Change<'_>) -> Difference {
    let bytes = |value: Option<Value<'_>>| value.map(|value| value.to_vec());
    (change.key.to_vec(), bytes(change.before), bytes(change.after))
}

fn owned((key, value): (&[u8], &[u8])) -> (Bytes, Bytes) {
    (key.to_vec(), value.to_vec())
}

/// Takes everything from an iterator, from the ends that `turns` tells, and compares.
fn take_any<T: PartialEq + std::fmt::Debug>(
    mut found: impl DoubleEndedIterator<Item = T>,
    expected: impl IntoIterator<Item = T>,
    mut turns: Turns,
) {
    let mut expected: VecDeque<T> = expected.into_iter().collect();
    // A few more than there are: an iterator that has ended stays ended.
    for _ in 0..expected.len() + 4 {
        turns = turns.rotate_left(1);
        let front = turns & 1 == 1;
        let found = if front { found.next() } else { found.next_back() };
        let expected = if front { expected.pop_front() } else { expected.pop_back() };
        assert_eq!(found, expected, "from the front: {front}");
    }
}

/// Takes every entry of `range`, from the ends that `turns` tells, and compares.
fn take_all<T: AsRef<[u8]>>(
    mut range: Range<'_>,
    expected: Vec<(T, T)>,
    mut turns: Turns,
    mut before_each: impl FnMut(),
) {
    let mut expected = VecDeque::from(expected);
    let mut ask = || {
        turns = turns.rotate_left(1);
        let front = turns & 1 == 1;
        (front, if front { range.next() } else { range.next_back() })
    };
    while !expected.is_empty() {
        before_each();
        let (front, found) = ask();
        let expected = if front { expected.pop_front() } else { expected.pop_back() };
        let expected = expected.as_ref().map(|(key, value)| (key.as_ref(), value.as_ref()));
        let found = found.as_ref().map(|(key, value)| (&**key, &**value));
        assert_eq!(found, expected, "from the front: {front}");
    }
    for _ in 0..4 {
        before_each();
        assert_eq!(ask().1, None, "a range that has ended stays ended");
    }
}

/// Whether the bounds leave no room for any key.
fn is_empty(from: &Bound<Bytes>, to: &Bound<Bytes>) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
        | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
        _ => false,
    }
}
