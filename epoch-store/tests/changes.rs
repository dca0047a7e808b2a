//! What differs between two versions: which keys, from what to what, and what cannot be asked.

use epoch_store::{Change, ChangeSet, Error, Map, Snapshot, Version, WriteBatch};

type Row = (Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);

fn owned(change: Change<'_>) -> Row {
    let bytes = |value: epoch_store::Value<'_>| value.to_vec();
    (change.key.to_vec(), change.before.map(bytes), change.after.map(bytes))
}

fn rows<'a>(changes: impl Iterator<Item = Change<'a>>) -> Vec<Row> {
    changes.map(owned).collect()
}

fn row(key: &str, before: Option<&str>, after: Option<&str>) -> Row {
    let bytes = |text: &str| text.as_bytes().to_vec();
    (bytes(key), before.map(bytes), after.map(bytes))
}

#[test]
fn every_kind_of_change_is_told_and_nothing_else() {
    let map = Map::new();
    for key in ["back", "deleted", "gone twice", "over", "same", "untouched"] {
        map.put(key, "old").unwrap();
    }
    map.delete("gone twice").unwrap();
    let older = map.snapshot();
    let mut batch = WriteBatch::new();
    batch.put("new", "new").put("over", "new").put("same", "old").put("passing", "here");
    batch.delete("deleted").delete("back").delete("gone twice").delete("never there");
    map.commit(&batch).unwrap();
    map.put("over", "newest").unwrap();
    map.put("back", "old").unwrap();
    map.delete("passing").unwrap();
    let newer = map.snapshot();
    map.put("untouched", "too late").unwrap();
    map.maintain();
    let expected = [
        row("back", Some("old"), Some("old")),
        row("deleted", Some("old"), None),
        row("new", None, Some("new")),
        row("over", Some("old"), Some("newest")),
        row("same", Some("old"), Some("old")),
    ];
    assert_eq!(rows(newer.changes_since(&older).unwrap()), expected);
    let mut back = rows(newer.changes_since(&older).unwrap().rev());
    back.reverse();
    assert_eq!(back, expected);
    let set = ChangeSet::between(older, newer).unwrap();
    assert_eq!(rows(set.range("d"..="new")), expected[1..3]);
    assert_eq!(rows(set.range("z".."a")), []);
    assert_eq!(rows(&mut set.iter()), expected);
    assert!(set.older().version() < set.newer().version());
}

#[test]
fn between_a_version_and_itself_nothing_changed() {
    let map = Map::new();
    let empty = map.snapshot();
    assert_eq!(empty.changes_since(&empty.clone()).unwrap().count(), 0);
    map.put("k", "v").unwrap();
    let snapshot = map.snapshot();
    assert_eq!(snapshot.changes_since(&map.snapshot()).unwrap().count(), 0);
    assert_eq!(rows(snapshot.changes_since(&empty).unwrap()), [row("k", None, Some("v"))]);
}

#[test]
fn what_cannot_be_compared_is_refused_by_type() {
    let (map, other) = (Map::new(), Map::new());
    let (older, foreign) = (map.snapshot(), other.snapshot());
    map.put("k", "v").unwrap();
    let newer = map.snapshot();
    assert_eq!(newer.changes_since(&foreign).err(), Some(Error::ForeignSnapshot));
    let (since, version) = (newer.version(), older.version());
    assert_eq!(older.changes_since(&newer).err(), Some(Error::NotOlder { since, version }));
    let wrong_way = ChangeSet::between(newer, older).err();
    assert_eq!(wrong_way, Some(Error::NotOlder { since, version }));
}

#[test]
fn since_a_number_within_retention() {
    let map = Map::builder().retain_versions(3).build();
    for number in 1..=6_u64 {
        let key = if number % 2 == 0 { "even" } else { "odd" };
        map.put(key, number.to_string()).unwrap();
    }
    map.maintain();
    let changes = map.changes_since(Version::from(3)).unwrap();
    let expected = [row("even", Some("2"), Some("6")), row("odd", Some("3"), Some("5"))];
    assert_eq!(rows(changes.iter()), expected);
    let (version, oldest) = (Version::from(2), Version::from(3));
    assert_eq!(map.changes_since(version).err(), Some(Error::VersionCollected { version, oldest }));
    let (version, newest) = (Version::from(7), Version::from(6));
    assert_eq!(map.changes_since(version).err(), Some(Error::VersionInFuture { version, newest }));
    // What was asked for stays, though the window moves on.
    for number in 7..=60_u64 {
        map.put("even", number.to_string()).unwrap();
    }
    map.maintain();
    assert_eq!(rows(changes.iter()), expected);
}

/// Changes of every hundredth of many keys, whatever is written while they are read.
#[test]
fn few_changes_among_many_keys_are_found_from_both_ends() {
    let map = Map::new();
    let key = |i: u32| i.to_be_bytes();
    let mut batch = WriteBatch::new();
    for i in 0..20_000 {
        batch.put(key(i), b"old");
    }
    map.commit(&batch).unwrap();
    let older = map.snapshot();
    for i in (0..20_000).step_by(100) {
        map.put(key(i), b"new").unwrap();
    }
    let newer: Snapshot = map.snapshot();
    let mut changes = newer.changes_since(&older).unwrap();
    let (mut front, mut back) = (0_u32, 20_000_u32);
    let mut rng = fastrand::Rng::with_seed(1);
    while front < back {
        map.put(key(rng.u32(..20_000)), b"later").unwrap();
        if rng.bool() {
            assert_eq!(changes.next().unwrap().key, key(front));
            front += 100;
        } else {
            back -= 100;
            let change = changes.next_back().unwrap();
            assert_eq!(change.key, key(back));
            assert!(change.before.unwrap() == b"old" && change.after.unwrap() == b"new");
        }
    }
    assert!(changes.next().is_none() && changes.next_back().is_none());
}
