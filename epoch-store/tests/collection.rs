//! What `maintain` leaves when nobody else is there: exactly the versions that open snapshots see, and the newest.

use epoch_store::Map;

#[test]
fn a_version_goes_with_the_only_snapshot_that_saw_it() {
    let map = Map::new();
    for number in 0..10_u8 {
        map.put(b"k", [number]).unwrap();
    }
    map.maintain();
    assert_eq!(map.stats().versions, 1, "no snapshot: the newest only");
    let old = map.snapshot();
    map.put(b"k", b"new").unwrap();
    map.maintain();
    assert_eq!(map.stats().versions, 2);
    assert_eq!(old.get(b"k").unwrap(), [9]);
    drop(old);
    map.maintain();
    assert_eq!(map.stats().versions, 1);
}

#[test]
fn versions_between_two_snapshots_are_not_kept() {
    let map = Map::new();
    map.put(b"k", b"first").unwrap();
    let first = map.snapshot();
    for number in 0..100_u8 {
        map.put(b"k", [number]).unwrap();
    }
    let second = map.snapshot();
    for number in 0..100_u8 {
        map.put(b"k", [number]).unwrap();
    }
    map.maintain();
    assert_eq!(map.survey().longest_chain, 3);
    assert_eq!(first.get(b"k").unwrap(), b"first");
    assert_eq!(second.get(b"k").unwrap(), [99]);
}

#[test]
fn garbage_is_found_although_its_snapshot_went_before_it_was_queued() {
    let map = Map::new();
    map.put(b"k", b"1").unwrap();
    let snapshot = map.snapshot();
    map.put(b"k", b"2").unwrap(); // the first version stays, for the snapshot
    drop(snapshot);
    map.put(b"other", b"1").unwrap();
    map.put(b"other", b"2").unwrap(); // the slots are read again, and there is no snapshot any more
    map.maintain();
    assert_eq!(map.stats().versions, 2, "one version of each key");
}

#[test]
fn a_later_snapshot_keeps_nothing_once_it_is_dropped_though_an_older_one_stays() {
    let map = Map::new();
    map.put(b"k", b"1").unwrap();
    let old = map.snapshot();
    map.put(b"k", b"2").unwrap();
    map.maintain(); // from here on the key waits for `old`
    for number in 0..20_u8 {
        let short = map.snapshot();
        map.put(b"k", [number]).unwrap();
        drop(short);
    }
    map.maintain();
    assert_eq!(map.stats().versions, 2, "the newest, and the one that `old` sees");
    drop(old);
    map.maintain();
    assert_eq!(map.stats().versions, 1);
}

#[test]
fn the_later_of_many_snapshots_may_go_first() {
    let map = Map::new();
    let keys: Vec<[u8; 1]> = (0..100).map(|number| [number]).collect();
    let mut snapshots = Vec::new();
    for round in 0..8_u8 {
        for key in &keys {
            map.put(key, [round]).unwrap();
        }
        snapshots.push(map.snapshot());
    }
    for key in &keys {
        map.put(key, b"newest").unwrap();
    }
    while let Some(latest) = snapshots.pop() {
        drop(latest);
        map.maintain();
        let expected = 100 * (snapshots.len() as u64 + 1);
        assert_eq!(map.stats().versions, expected, "{} snapshots are left", snapshots.len());
        for (round, snapshot) in snapshots.iter().enumerate() {
            assert!(snapshot.iter().all(|(_, value)| *value == [round as u8]));
        }
    }
}

#[test]
fn a_clone_keeps_what_its_original_kept() {
    let map = Map::new();
    map.put(b"k", b"1").unwrap();
    let original = map.snapshot();
    let clone = original.clone();
    map.put(b"k", b"2").unwrap();
    drop(original);
    map.maintain();
    assert_eq!(clone.get(b"k").unwrap(), b"1");
    assert_eq!((map.stats().versions, map.stats().open_snapshots), (2, 1));
    drop(clone);
    map.maintain();
    assert_eq!((map.stats().versions, map.stats().open_snapshots), (1, 0));
}

#[test]
fn collecting_goes_on_without_maintain() {
    let map = Map::new();
    let keys: Vec<[u8; 2]> = (0..2_000_u16).map(u16::to_be_bytes).collect();
    for round in 0..20_u8 {
        let snapshot = map.snapshot();
        for key in &keys {
            map.put(key, [round]).unwrap();
        }
        drop(snapshot);
    }
    let versions = map.stats().versions;
    // Writes pay for what they find: some garbage is under way, none of it is forgotten.
    assert!(versions < 3 * keys.len() as u64, "{versions} versions of {} keys", keys.len());
}
