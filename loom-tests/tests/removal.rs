//! A key dies and is written again, on whole maps: seal, list, period, hash, period, memory (rules 12 to 15).
//!
//! *Invariant* (I-20, I-32, I-37, I-42, I-43): whatever a snapshot sees is what the commits up to its version say, also while
//! the record that a reader or a writer stands on is sealed, left out of the list, swung or taken out of the hash, and
//! retired. In the end there is a record for each live key and for no other.
//!
//! *Bound*: preemption bound 1 for two writers (at 2 they do not end in five minutes), 2 for a writer and a reader.

#![cfg(epoch_loom)]

use epoch_store::{Map, Version};
use loom_tests::{Actor, Model, mutants_die, race};

fn put(map: &Map, key: &'static [u8], value: u8) -> Actor<Version> {
    let map = map.clone();
    Box::new(move || map.put(key, [value]).unwrap())
}

/// Deletes a key; then another, which takes the removal of the first a step further.
fn delete_two(map: &Map) -> Actor<Version> {
    let map = map.clone();
    Box::new(move || {
        let version = map.delete(b"k").unwrap();
        map.delete(b"absent").unwrap();
        version
    })
}

fn two_keys() -> Map {
    let map = Map::new();
    map.put(b"k", [0]).unwrap();
    map.put(b"m", [0]).unwrap();
    map
}

fn value(map: &Map) -> Option<u8> {
    map.snapshot().get(b"k").map(|value| value[0])
}

/// The map holds what the later of the two commits said, by look-up and by scan, and nothing else.
fn check(map: &Map, deleted: Version, written: Version) {
    let expected = (written > deleted).then_some(1);
    assert_eq!(value(map), expected, "put {written}, delete {deleted}");
    let live = 1 + u64::from(expected.is_some());
    assert_eq!(map.snapshot().iter().count() as u64, live, "and the scan");
    map.maintain();
    assert_eq!(value(map), expected, "after the removal too");
    let (stats, survey) = (map.stats(), map.survey());
    assert_eq!((stats.records, stats.versions), (live, live));
    assert_eq!((survey.keys, survey.versions), (live, live));
}

#[test]
fn delete_and_put() {
    Model { name: "delete_and_put", bound: Some(1), floor: 30_000 }.check(|| {
        let map = two_keys();
        let versions = race([delete_two(&map), put(&map, b"k", 1)]);
        check(&map, versions[0], versions[1]);
    });
}

#[test]
fn delete_put_and_read() {
    Model { name: "delete_put_and_read", bound: Some(2), floor: 2_400 }.check_from_each(2, || {
        let map = two_keys();
        let writer: Actor<()> = Box::new({
            let map = map.clone();
            move || {
                map.delete(b"k").unwrap();
                map.put(b"k", [1]).unwrap();
            }
        });
        let reader: Actor<()> = Box::new({
            let map = map.clone();
            move || {
                let snapshot = map.snapshot();
                let expected = match snapshot.version().get() {
                    2 => Some(0),
                    3 => None,
                    _ => Some(1),
                };
                let seen = snapshot.get(b"k").map(|value| value[0]);
                assert_eq!(seen, expected, "at version {}", snapshot.version());
            }
        });
        race([writer, reader]);
        check(&map, Version::from(3), Version::from(4));
    });
}

#[test]
fn mutants_of_delete_and_put() {
    mutants_die("delete_and_put", &["install-into-dead", "removal-without-period"]);
}

#[test]
fn mutants_of_delete_put_and_read() {
    mutants_die("delete_put_and_read", &["early-free", "no-pin"]);
}
