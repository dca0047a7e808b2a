//! What every iterator over entries keeps to, whatever is in the store and whatever others write meanwhile.

mod common;

use common::{Row, rows};
use engine::{Snapshot, Store, WriteBatch};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

type Key = Vec<u8>;
type Model = BTreeMap<Key, Vec<u8>>;

/// Short keys over few bytes, so that histories, prefixes and bounds meet.
fn key() -> impl Strategy<Value = Key> {
    let byte = prop_oneof![Just(0), Just(b'a'), Just(b'b'), Just(255)];
    vec(byte, 1..4)
}

fn bound() -> impl Strategy<Value = Bound<Key>> {
    prop_oneof![
        2 => key().prop_map(Bound::Included),
        2 => key().prop_map(Bound::Excluded),
        1 => Just(Bound::Unbounded),
    ]
}

/// Writes, of which each is a commit.
fn history() -> impl Strategy<Value = Vec<(Key, Option<Vec<u8>>)>> {
    vec((key(), proptest::option::weighted(0.7, vec(any::<u8>(), 0..3))), 0..120)
}

fn replay(store: &Store, history: &[(Key, Option<Vec<u8>>)]) -> Model {
    let mut model = Model::new();
    for (key, value) in history {
        match value {
            Some(value) => {
                store.put(key, value).unwrap();
                model.insert(key.clone(), value.clone());
            }
            None => {
                store.delete(key).unwrap();
                model.remove(key);
            }
        }
    }
    model
}

fn is_inside(key: &Key, (from, to): &(Bound<Key>, Bound<Key>)) -> bool {
    let above = match from {
        Bound::Included(from) => key >= from,
        Bound::Excluded(from) => key > from,
        Bound::Unbounded => true,
    };
    let below = match to {
        Bound::Included(to) => key <= to,
        Bound::Excluded(to) => key < to,
        Bound::Unbounded => true,
    };
    above && below
}

/// What the model has of what a condition lets through.
fn some_of(model: &Model, is_in: impl Fn(&Key) -> bool) -> Vec<Row> {
    model.iter().filter(|(key, _)| is_in(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn owned(value: Option<engine::Value<'_>>) -> Option<Vec<u8>> {
    value.map(Vec::from)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_mix_of_both_ends_yields_each_entry_once_and_then_nothing(
        history in history(),
        bounds in (bound(), bound()),
        ends in vec(any::<bool>(), 150),
    ) {
        let store = Store::in_memory();
        let model = replay(&store, &history);
        let snapshot = store.snapshot();
        let mut expected = some_of(&model, |key| is_inside(key, &bounds)).into_iter();
        let mut entries = snapshot.range(bounds.clone());
        let mut keys = snapshot.keys(bounds);
        for (step, is_front) in ends.into_iter().enumerate() {
            if step == 10 {
                store.delete_range(..).unwrap(); // later than the snapshot
            }
            let (entry, key, expected) = if is_front {
                (entries.next(), keys.next(), expected.next())
            } else {
                (entries.next_back(), keys.next_back(), expected.next_back())
            };
            let entry = entry.map(|entry| entry.unwrap()).map(|(k, v)| (k.to_vec(), v.to_vec()));
            prop_assert_eq!(&entry, &expected);
            prop_assert_eq!(key.map(|key| key.unwrap().to_vec()), expected.map(|(key, _)| key));
        }
    }

    #[test]
    fn all_reads_of_a_snapshot_agree(
        history in history(),
        later in history(),
        bounds in (bound(), bound()),
        prefix in prop_oneof![1 => Just(vec![]), 9 => key()],
    ) {
        let store = Store::in_memory();
        let model = replay(&store, &history);
        let snapshot = store.snapshot();
        replay(&store, &later);
        store.maintain();

        let inside = some_of(&model, |key| is_inside(key, &bounds));
        let all = some_of(&model, |_| true);
        prop_assert_eq!(rows(snapshot.range(bounds.clone())), inside.clone());
        let mut back = rows(snapshot.range(bounds.clone()).rev());
        back.reverse();
        prop_assert_eq!(back, inside.clone());
        prop_assert_eq!(snapshot.count(bounds).unwrap(), inside.len());
        prop_assert_eq!(
            rows(snapshot.prefix(&prefix)),
            some_of(&model, |key| key.starts_with(&prefix))
        );
        prop_assert_eq!(rows(snapshot.iter()), all.clone());
        prop_assert_eq!(rows((&snapshot).into_iter()), all.clone());
        prop_assert_eq!(snapshot.len().unwrap(), all.len());
        prop_assert_eq!(snapshot.is_empty().unwrap(), all.is_empty());
        prop_assert_eq!(rows(snapshot.first().unwrap().into_iter().map(Ok)), all[..1.min(all.len())].to_vec());
        prop_assert_eq!(rows(snapshot.last().unwrap().into_iter().map(Ok)), all[all.len().saturating_sub(1)..].to_vec());

        let keys: Vec<_> = history.iter().chain(&later).map(|(key, _)| key).collect();
        for (key, value) in keys.iter().zip(snapshot.get_many(&keys).unwrap()) {
            let expected = model.get(*key).cloned();
            prop_assert_eq!(owned(value), expected.clone());
            prop_assert_eq!(owned(snapshot.get(key).unwrap()), expected.clone());
            prop_assert_eq!(snapshot.contains(key).unwrap(), expected.is_some());
        }
    }

    #[test]
    fn changes_are_what_differs(history in history(), later in history()) {
        let store = Store::in_memory();
        let before = replay(&store, &history);
        let older = store.snapshot();
        let model = {
            replay(&store, &later);
            let both = [history, later.clone()].concat();
            replay(&Store::in_memory(), &both)
        };
        let newer = store.snapshot();
        let mut written: Vec<_> = later.into_iter().map(|(key, _)| key).collect();
        written.sort();
        written.dedup();
        written.retain(|key| before.contains_key(key) || model.contains_key(key));
        let changes: Result<Vec<_>, _> = newer.changes_since(&older).unwrap().collect();
        let changes = changes.unwrap();
        prop_assert_eq!(changes.iter().map(|change| change.key.to_vec()).collect::<Vec<_>>(), written);
        for change in &changes {
            prop_assert_eq!(owned(change.before.clone()), before.get(&*change.key).cloned());
            prop_assert_eq!(owned(change.after.clone()), model.get(&*change.key).cloned());
        }
        let mut back: Vec<_> = newer.changes_since(&older).unwrap().rev().map(Result::unwrap).collect();
        back.reverse();
        prop_assert_eq!(back, changes);
    }
}

/// Keys 0 to 9 without 6, as big-endian numbers.
fn numbers() -> Snapshot {
    let store = Store::in_memory();
    for number in (0..10_u64).filter(|number| *number != 6) {
        store.put(number.to_be_bytes(), "").unwrap();
    }
    store.snapshot()
}

#[test]
fn bounds_are_kept_in_both_directions() {
    let snapshot = numbers();
    let from = |number: u64| Bound::Included(number.to_be_bytes());
    let to = |number: u64| Bound::Excluded(number.to_be_bytes());
    let none = Bound::Unbounded;
    type Bounds = (Bound<[u8; 8]>, Bound<[u8; 8]>);
    let ascending: [(Bounds, &[u64]); 10] = [
        ((none, none), &[0, 1, 2, 3, 4, 5, 7, 8, 9]),
        ((from(5), to(6)), &[5]),
        ((from(5), to(7)), &[5]),
        ((from(5), to(8)), &[5, 7]),
        ((from(6), to(7)), &[]),
        ((from(6), to(8)), &[7]),
        ((from(4), to(7)), &[4, 5]),
        ((from(6), none), &[7, 8, 9]),
        ((none, to(9)), &[0, 1, 2, 3, 4, 5, 7, 8]),
        ((from(4), to(2)), &[]),
    ];
    let number = |key: engine::Key<'_>| u64::from_be_bytes((*key).try_into().unwrap());
    for (bounds, expected) in ascending {
        let keys: Vec<_> = snapshot.keys(bounds).map(|key| number(key.unwrap())).collect();
        assert_eq!(keys, expected, "{bounds:?}");
        let mut back: Vec<_> =
            snapshot.keys(bounds).rev().map(|key| number(key.unwrap())).collect();
        back.reverse();
        assert_eq!(back, expected, "{bounds:?} from its end");
    }
}

#[test]
fn an_iterator_that_has_ended_stays_so() {
    let snapshot = numbers();
    let mut entries = snapshot.iter();
    assert_eq!(entries.by_ref().count(), 9);
    let mut backward = snapshot.iter();
    assert_eq!(backward.by_ref().rev().count(), 9);
    for _ in 0..3 {
        assert!(entries.next().is_none() && entries.next_back().is_none());
        assert!(backward.next_back().is_none() && backward.next().is_none());
    }
    let nothing = Store::in_memory().snapshot();
    let mut nothing = nothing.iter();
    assert!(nothing.next().is_none() && nothing.next_back().is_none());
}

#[test]
fn an_iterator_sees_its_snapshot_while_others_write() {
    // A commit replaces all keys of one generation by as many of the next.
    let store = Store::in_memory();
    let commit = |generation: u64| {
        let mut batch = WriteBatch::new();
        batch.delete_range(..);
        for number in 0..300_u64 {
            batch.put(
                [number ^ generation, number].map(u64::to_be_bytes).concat(),
                generation.to_string(),
            );
        }
        store.commit(&batch).unwrap();
    };
    commit(0);
    let (start, is_over) = (Barrier::new(3), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for is_backward in [false, true] {
            let (store, start, is_over) = (&store, &start, &is_over);
            scope.spawn(move || {
                start.wait();
                while !is_over.load(Ordering::Relaxed) {
                    let snapshot = store.snapshot();
                    let entries = snapshot.iter();
                    let rows = if is_backward { rows(entries.rev()) } else { rows(entries) };
                    assert_eq!(rows.len(), 300);
                    assert!(rows.iter().all(|(_, generation)| *generation == rows[0].1));
                    assert!(rows.is_sorted_by(|a, b| (a.0 < b.0) != is_backward));
                }
            });
        }
        start.wait();
        (1..common::rounds(200) as u64).for_each(commit);
        is_over.store(true, Ordering::Relaxed);
    });
}
