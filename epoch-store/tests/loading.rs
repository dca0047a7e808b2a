//! A map that begins at a version with what was kept elsewhere.

use epoch_store::{Builder, Error, Map, Version, WriteBatch};

fn key(number: u32) -> [u8; 4] {
    number.wrapping_mul(0x9e37_79b9).to_be_bytes()
}

fn loaded(version: u64, entries: u32) -> Map {
    load(Map::builder(), version, entries)
}

fn load(builder: Builder, version: u64, entries: u32) -> Map {
    let mut loader = builder.load_at(Version::from(version));
    for number in 0..entries {
        loader.put(key(number), number.to_be_bytes()).unwrap();
    }
    loader.finish().unwrap()
}

#[test]
fn all_entries_are_there_at_exactly_the_version() {
    for (version, entries) in [(1, 20_000), (7, 4096), (1_000_000, 4097), (3, 1), (5, 0), (0, 0)] {
        let map = loaded(version, entries);
        assert_eq!(u64::from(map.version()), version);
        let snapshot = map.snapshot();
        assert_eq!(snapshot.iter().count(), entries as usize);
        assert!((0..entries).all(|n| snapshot.get(key(n)).unwrap() == n.to_be_bytes()));
        let stats = map.stats();
        assert_eq!((stats.live_keys, stats.versions), (entries.into(), entries.into()));
    }
}

#[test]
fn commits_go_on_behind_it() {
    let map = loaded(41, 10_000);
    let before = map.snapshot();
    let mut batch = WriteBatch::new();
    batch.put(key(1), "new").delete(key(2)).delete_range(vec![255]..).put("\u{1}more", "");
    assert_eq!(u64::from(map.commit(&batch).unwrap()), 42);
    assert_eq!(u64::from(map.put("one", "more").unwrap()), 43);
    assert_eq!(before.get(key(1)).unwrap(), 1_u32.to_be_bytes());
    assert_eq!(before.iter().count(), 10_000);
    let now = map.snapshot();
    assert_eq!(now.get(key(1)).unwrap(), b"new");
    assert!(now.get(key(2)).is_none());
    drop(before);
    for round in 0..1_000_u32 {
        map.put(key(round), "again").unwrap();
    }
    drop(now);
    map.maintain();
    assert_eq!(map.stats().versions, map.stats().live_keys);
}

#[test]
fn versions_before_it_were_never_there() {
    let map = load(Map::builder().retain_versions(100), 1_000, 10);
    let refused = map.snapshot_at(Version::from(999)).unwrap_err();
    let oldest = Version::from(1_000);
    assert_eq!(refused, Error::VersionCollected { version: Version::from(999), oldest });
    map.put("k", "v").unwrap();
    assert_eq!(map.snapshot_at(Version::from(1_000)).unwrap().iter().count(), 10);
}

#[test]
fn what_cannot_be_stored_is_refused() {
    let mut loader = Map::builder().load_at(Version::ZERO);
    assert_eq!(loader.put("k", "v"), Err(Error::NothingAtZero));
    let mut loader = Map::builder().load_at(Version::from(1));
    loader.put("", "v").unwrap();
    assert_eq!(loader.finish().unwrap_err(), Error::EmptyKey);
    let mut loader = Map::builder().max_key_spaces(1).load_at(Version::from(1));
    loader.enter("one").unwrap();
    assert!(matches!(loader.enter("two"), Err(Error::TooManySpaces { max: 1 })));
}

#[test]
fn spaces_keep_their_order() {
    let mut loader = Map::builder().load_at(Version::from(9));
    for name in ["first", "second", "third"] {
        loader.enter(name).unwrap();
    }
    loader.put("k", "third").unwrap();
    loader.enter_default();
    loader.put("k", "default").unwrap();
    let map = loader.finish().unwrap();
    let names: Vec<_> = map.key_spaces().map(|space| space.name().to_owned()).collect();
    assert_eq!(names, ["first", "second", "third"]);
    let third = map.find_key_space("third").unwrap();
    assert_eq!(map.snapshot().space(&third).unwrap().get("k").unwrap(), b"third");
    assert_eq!(map.snapshot().get("k").unwrap(), b"default");
}

#[test]
fn a_version_that_leaves_no_room_is_refused() {
    use epoch_store::MAX_FIRST_VERSION;
    let version = Version::from(MAX_FIRST_VERSION + 1);
    let mut loader = Map::builder().load_at(version);
    loader.put("k", "v").unwrap();
    let max = Version::from(MAX_FIRST_VERSION);
    assert_eq!(loader.finish().unwrap_err(), Error::VersionTooHigh { version, max });
    assert!(Map::builder().load_at(Version::from(u64::MAX)).finish().is_err());
    let map = loaded(MAX_FIRST_VERSION, 1);
    let before = map.snapshot();
    map.put(key(0), "new").unwrap();
    map.maintain();
    assert_eq!(before.get(key(0)).unwrap(), 0_u32.to_be_bytes());
}
