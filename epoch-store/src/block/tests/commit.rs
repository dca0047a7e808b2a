//! The commit of a block: into records that were found at first touches, whatever has become of their keys since.

use super::{block, put, store};
use crate::block::{BlockMap, Kind, Pool};
use crate::{Error, Map, Version};

type Change<'a> = (&'a str, Option<&'a str>);

/// Commits these changes as whoever seals a block does: its written keys, in order.
fn seal(block: BlockMap, map: &Map, changes: &[Change<'_>]) -> Result<Version, Error> {
    let mut keys: Vec<_> = block.written().collect();
    keys.sort_unstable_by_key(|key| key.key());
    let places = block.places(keys.into_iter());
    let writes = changes.iter().map(|(key, value)| (key.as_bytes(), value.map(str::as_bytes)));
    block.commit(map, &places, writes)
}

fn entries(map: &Map) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    map.snapshot().iter().map(|(key, value)| (text(&key), text(&value))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn keys_that_were_there_and_keys_that_were_not() {
    let map = store();
    let block = block(&map, 2);
    put(&mut block.writer(), 0, 1, &["a", "c", "new"], "one");
    put(&mut block.writer(), 1, 1, &["another"], "one");
    let changes = [("a", Some("one")), ("another", Some("one")), ("c", None), ("new", Some("one"))];
    let version = seal(block, &map, &changes).unwrap();
    assert_eq!(version, map.snapshot().version());
    let now = pairs(&[("a", "one"), ("another", "one"), ("b", "b0"), ("new", "one")]);
    assert_eq!(entries(&map), now);
    assert_eq!(map.stats().live_keys, 4);
}

/// A record of the base is not sealed as long as the base is held, though its key is deleted, and all is collected that can be.
#[test]
fn keys_that_others_have_deleted_meanwhile() {
    let map = store();
    map.put("gone", "before").unwrap();
    map.delete("gone").unwrap();
    let block = block(&map, 1);
    put(&mut block.writer(), 0, 1, &["a", "b", "gone"], "block");
    for key in ["a", "b", "c"] {
        map.delete(key).unwrap();
    }
    map.maintain();
    map.put("b", "again").unwrap();
    map.put("gone", "again").unwrap();
    map.delete("gone").unwrap();
    map.maintain();
    let changes = [("a", Some("block")), ("b", Some("block")), ("gone", Some("block"))];
    seal(block, &map, &changes).unwrap();
    assert_eq!(entries(&map), pairs(&[("a", "block"), ("b", "block"), ("gone", "block")]));
    for key in ["a", "b", "gone"] {
        assert_eq!(map.snapshot().get(key).unwrap(), b"block", "{key}");
        map.delete(key).unwrap();
    }
    map.maintain();
    assert_eq!(map.survey().keys, 0, "every record was removed, once");
}

#[test]
fn what_it_supersedes_goes_at_once() {
    let map = Map::new();
    let count = if cfg!(miri) { 130 } else { 300 };
    let keys: Vec<String> = (0..count).map(|number| format!("key {number:03}")).collect();
    keys.iter().for_each(|key| _ = map.put(key, "0").unwrap());
    let block = block(&map, 1);
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    put(&mut block.writer(), 0, 1, &names, "1");
    let changes: Vec<Change<'_>> = names.iter().map(|&key| (key, Some("1"))).collect();
    seal(block, &map, &changes).unwrap();
    assert_eq!(map.stats().versions, count, "nothing waits for the base of the block");
}

#[test]
fn what_somebody_else_still_reads_stays() {
    let map = store();
    let reader = map.snapshot();
    let block = block(&map, 1);
    put(&mut block.writer(), 0, 1, &["a"], "one");
    seal(block, &map, &[("a", Some("one"))]).unwrap();
    map.maintain();
    assert_eq!(reader.get("a").unwrap(), b"a0");
    assert_eq!(map.snapshot().get("a").unwrap(), b"one");
}

#[test]
fn another_map_is_refused_and_so_are_places_of_another_block() {
    let (map, other) = (store(), store());
    let first = block(&map, 1);
    put(&mut first.writer(), 0, 1, &["a"], "one");
    assert_eq!(seal(first, &other, &[("a", Some("one"))]).unwrap_err(), Error::ForeignSnapshot);
    assert_eq!(other.snapshot().get("a").unwrap(), b"a0");
    let (first, second) = (block(&map, 1), block(&map, 1));
    put(&mut first.writer(), 0, 1, &["a"], "one");
    let places = first.places(first.written());
    drop(first);
    let mixed = std::panic::AssertUnwindSafe(|| {
        second.commit(&map, &places, [(&b"a"[..], None)].into_iter()).is_ok()
    });
    assert!(std::panic::catch_unwind(mixed).is_err());
    assert_eq!(entries(&map), pairs(&[("a", "a0"), ("b", "b0"), ("c", "c0")]));
}

#[test]
fn a_block_in_a_key_space_writes_there() {
    let map = store();
    let space = map.key_space("accounts").unwrap();
    space.put("a", "there").unwrap();
    let pool = Pool::default();
    let block = BlockMap::new(map.snapshot(), Some(space.clone()), 1, &pool).unwrap();
    let mut writer = block.writer();
    let key = writer.key(b"a").unwrap();
    assert_eq!(key.base(), Some(&b"there"[..]));
    let write = writer.write(key, Kind::Value, 0, 1, b"one");
    writer.publish(0, &[], &[], &[write]);
    drop(writer);
    seal(block, &map, &[("a", Some("one"))]).unwrap();
    let now = map.snapshot();
    assert_eq!(now.space(&space).unwrap().get("a").unwrap(), b"one");
    assert_eq!(now.get("a").unwrap(), b"a0");
}

/// Writers that come one after the other go on in one page of the log.
#[test]
fn every_key_is_told_that_writers_one_after_the_other_have_written() {
    let map = store();
    let count = if cfg!(miri) { 70 } else { 200 };
    let block = block(&map, count);
    let names: Vec<String> = (0..count).map(|number| format!("{number:03}")).collect();
    for (idx, name) in names.iter().enumerate() {
        put(&mut block.writer(), idx as u32, 1, &[name, "a"], "one");
    }
    let mut told: Vec<_> = block.written().map(|key| key.key().to_vec()).collect();
    told.sort_unstable();
    let mut all: Vec<_> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
    all.push(b"a".to_vec());
    assert_eq!(told, all);
}
