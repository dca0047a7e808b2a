//! Deleting ranges: what goes, what stays, and in which order beside other commits.

mod common;

use common::{random, rounds};
use epoch_store::{Error, Map, Version, WriteBatch};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Barrier;

fn map_of(keys: &[&str]) -> Map {
    let map = Map::new();
    for key in keys {
        map.put(key, "old").unwrap();
    }
    map
}

fn keys(map: &Map) -> Vec<String> {
    let name = |key: &[u8]| String::from_utf8(key.to_vec()).expect("keys are words here");
    map.snapshot().iter().map(|(key, _)| name(&key)).collect()
}

#[test]
fn each_kind_of_bound_means_what_it_says() {
    let all = ["a", "a\0", "b", "b\0", "c"];
    let (a, c) = (b"a".as_slice(), b"c".as_slice());
    type Case<'a> = ((Bound<&'a [u8]>, Bound<&'a [u8]>), &'a [&'a str]);
    let cases: [Case<'_>; 8] = [
        ((Bound::Included(a), Bound::Excluded(c)), &["c"]),
        ((Bound::Excluded(a), Bound::Excluded(c)), &["a", "c"]),
        ((Bound::Included(a), Bound::Included(a)), &["a\0", "b", "b\0", "c"]),
        ((Bound::Excluded(a), Bound::Included(c)), &["a"]),
        ((Bound::Unbounded, Bound::Excluded(c)), &["c"]),
        ((Bound::Excluded(c), Bound::Unbounded), &all),
        ((Bound::Included(c), Bound::Included(a)), &all),
        ((Bound::Unbounded, Bound::Unbounded), &[]),
    ];
    for (range, left) in cases {
        let map = map_of(&all);
        let before = map.version();
        assert!(map.delete_range(range).unwrap() > before, "a commit of its own");
        assert_eq!(keys(&map), left, "{range:?}");
        assert_eq!(map.stats().live_keys, left.len() as u64);
    }
}

#[test]
fn the_last_operation_that_covers_a_key_counts() {
    let map = map_of(&["a", "b", "c", "d"]);
    let mut batch = WriteBatch::new();
    batch.put("b", "first").put("new", "first").delete_range("b".."p").put("c", "last");
    batch.delete_range("x"..).put("z", "last").delete("a").put("d", "lost").delete_range("d"..="d");
    assert_eq!(batch.len(), 9, "a range counts as one");
    map.commit(&batch).unwrap();
    assert_eq!(keys(&map), ["c", "z"]);
    assert_eq!(map.snapshot().get("c").unwrap(), b"last");
    batch.clear();
    assert!(batch.is_empty());
    let version = map.version();
    assert_eq!(map.commit(&batch).unwrap(), version, "ranges are cleared too");
}

#[test]
fn what_a_range_hides_was_checked_before() {
    let map = Map::builder().max_batch_len(2).build();
    let mut batch = WriteBatch::new();
    batch.put("", "").delete_range(..);
    assert_eq!(map.commit(&batch), Err(Error::EmptyKey));
    batch.clear();
    batch.delete_range("a".."b").delete_range("b".."a").put("c", "");
    assert_eq!(map.commit(&batch), Err(Error::BatchTooLarge { len: 3, max: 2 }));
    assert_eq!(map.version().get(), 0, "nothing was applied");
}

#[test]
fn snapshots_from_before_still_show_everything() {
    let map = Map::new();
    for i in 0..5_000 {
        map.put(format!("{i:05}"), i.to_string()).unwrap();
    }
    let before = map.snapshot();
    map.delete_range("01000".."04000").unwrap();
    let after = map.snapshot();
    assert_eq!((before.iter().count(), after.iter().count()), (5_000, 2_000));
    map.delete_range(..).unwrap();
    assert_eq!((before.iter().count(), after.iter().count()), (5_000, 2_000));
    drop((before, after));
    map.maintain();
    let survey = map.survey();
    assert_eq!((survey.keys, survey.versions), (0, 0), "nothing is left");
}

/// What a thread did to a key or to a range.
type Deed = (Version, Bound<Vec<u8>>, Bound<Vec<u8>>, Option<Vec<u8>>);

/// Every version can be opened, and is looked at by whoever has just deleted a range.
#[test]
fn ranges_beside_puts_delete_what_came_before_them() {
    ranges_beside_puts(&Map::builder().retain_versions(u64::MAX).build(), |map, version, range| {
        let snapshot = map.snapshot_at(version).expect("all versions are retained");
        assert_eq!(snapshot.range(range.clone()).count(), 0, "{range:?}");
    });
}

/// Nothing is retained: dead keys are removed and put again meanwhile.
#[test]
fn ranges_beside_puts_and_removals_delete_what_came_before_them() {
    ranges_beside_puts(&Map::new(), |_, _, _| ());
}

type KeyBounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Ranges of several threads among puts of several: each key is as the last commit left it that covers it, by version.
fn ranges_beside_puts(map: &Map, look: fn(&Map, Version, &KeyBounds)) {
    const THREADS: usize = 4;
    let start = Barrier::new(THREADS);
    let key = |i: u32| format!("{i:04}").into_bytes();
    let mut seeds = random();
    let deeds: Vec<Vec<Deed>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| (seeds.fork(), map, &start))
            .map(|(mut random, map, start)| {
                scope.spawn(move || {
                    start.wait();
                    let act = |i: usize| {
                        let (from, value) = (key(random.u32(..600)), i.to_le_bytes().to_vec());
                        if random.u8(..12) > 0 {
                            let version = map.put(&from, &value).unwrap();
                            let only = Bound::Included(from);
                            return (version, only.clone(), only, Some(value));
                        }
                        let to = key(random.u32(..600));
                        let range = (Bound::Included(from), Bound::Excluded(to));
                        let version = map.delete_range(range.clone()).unwrap();
                        look(map, version, &range);
                        (version, range.0, range.1, None)
                    };
                    (0..rounds(2_000)).map(act).collect()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut deeds: Vec<Deed> = deeds.into_iter().flatten().collect();
    deeds.sort_by_key(|deed| deed.0);
    let mut expected = BTreeMap::new();
    for (_, from, to, value) in deeds {
        match (value, from) {
            (Some(value), Bound::Included(key)) => _ = expected.insert(key, value),
            (_, from) => expected.retain(|key, _| {
                let range = (from.as_ref(), to.as_ref());
                !std::ops::RangeBounds::contains(&range, key)
            }),
        }
    }
    let snapshot = map.snapshot();
    let found = snapshot.iter().map(|(key, value)| (key.to_vec(), value.to_vec()));
    assert!(found.eq(expected.clone()), "each key as the last commit left it");
    assert_eq!(map.stats().live_keys, expected.len() as u64);
    for (key, value) in &expected {
        assert_eq!(snapshot.get(key).unwrap(), value.as_slice(), "by hash too");
    }
}
