//! Keys, values, batches, ranges and versions at the border of what is allowed, and beyond it.

use epoch_store::{Error, MAX_KEY_LEN, Map, Snapshot, Version, WriteBatch};
use std::ops::Bound::{Excluded, Included, Unbounded};

const MIB: usize = 1 << 20;

/// A map with three keys, to notice damage.
fn small() -> Map {
    let map = Map::new();
    for key in ["a", "b", "c"] {
        map.put(key, key).unwrap();
    }
    map
}

fn assert_undamaged(map: &Map) {
    let snapshot = map.snapshot();
    assert_eq!(snapshot.version(), Version::from(3));
    let keys: Vec<_> = snapshot.iter().map(|(key, _)| key.to_vec()).collect();
    assert_eq!(keys, [b"a", b"b", b"c"]);
    assert_eq!((map.stats().records, map.stats().versions, map.stats().live_keys), (3, 3, 3));
}

#[test]
fn an_empty_key_is_refused() {
    let map = small();
    assert_eq!(map.put(b"", b"v"), Err(Error::EmptyKey));
    assert_eq!(map.delete(b""), Err(Error::EmptyKey));
    let mut batch = WriteBatch::new();
    batch.put(b"", b"v");
    assert_eq!(map.commit(&batch), Err(Error::EmptyKey));
    assert_undamaged(&map);
}

#[test]
fn the_longest_key_is_a_key_like_any_other() {
    assert_eq!(MAX_KEY_LEN, 65_536);
    let map = small();
    let longest = vec![b'b'; MAX_KEY_LEN];
    map.put(&longest, b"1").unwrap();
    map.commit(WriteBatch::new().put(&longest, b"2")).unwrap();
    let snapshot = map.snapshot();
    assert_eq!(snapshot.get(&longest).unwrap(), b"2");
    assert!(!snapshot.contains(&longest[1..]), "one byte shorter is another key");
    assert_eq!(snapshot.get_many(&[&longest])[0].unwrap(), b"2");
    let order: Vec<usize> = snapshot.iter().map(|(key, _)| key.len()).collect();
    assert_eq!(order, [1, 1, MAX_KEY_LEN, 1]);
    assert_eq!(snapshot.range(&longest..).count(), 2);
    assert_eq!(snapshot.range((Excluded(&longest), Unbounded)).count(), 1);
    assert_eq!(snapshot.prefix(&longest).rev().count(), 1);
    map.delete(&longest).unwrap();
    assert!(!map.snapshot().contains(&longest));
    assert!(snapshot.contains(&longest));
}

#[test]
fn many_of_the_longest_keys_keep_their_order() {
    let map = Map::new();
    let key = |number: u8| {
        let mut key = vec![0xff; MAX_KEY_LEN];
        key[MAX_KEY_LEN - 1] = number;
        key
    };
    for number in (0..=255).rev() {
        map.put(key(number), [number]).unwrap();
    }
    let snapshot = map.snapshot();
    assert!(map.survey().leaves > 2, "fences of the greatest length");
    assert!(snapshot.iter().map(|(_, value)| value[0]).eq(0..=255));
    assert!(snapshot.iter().rev().map(|(_, value)| value[0]).eq((0..=255).rev()));
    assert!(snapshot.range(key(7)..key(200)).map(|(_, value)| value[0]).eq(7..200));
    assert_eq!(snapshot.get(key(99)).unwrap(), [99]);
}

#[test]
fn a_longer_key_is_refused() {
    let map = small();
    let refused = Error::KeyTooLong { len: 65_537, max: 65_536 };
    let too_long = vec![b'k'; MAX_KEY_LEN + 1];
    assert_eq!(map.put(&too_long, b"v"), Err(refused.clone()));
    assert_eq!(map.delete(&too_long), Err(refused.clone()));
    assert_eq!(map.commit(WriteBatch::new().delete(&too_long)), Err(refused));
    assert_undamaged(&map);
}

#[test]
fn values_of_any_length_come_back() {
    let map = small();
    let lengths = [0, 1, 7, 8, 9, 4_095, 4_096, 65_535, 65_536, 65_537, MIB];
    let value = |len: usize| -> Vec<u8> { (0..len).map(|i| (i * 31 + len) as u8).collect() };
    // Up and down, so that each one is overwritten by a longer and by a shorter one.
    for len in lengths.into_iter().chain(lengths.into_iter().rev()) {
        map.put(b"b", value(len)).unwrap();
        let snapshot = map.snapshot();
        assert_eq!(snapshot.get(b"b").unwrap(), value(len));
        assert!(snapshot.contains(b"b"), "a value of {len} bytes is a value");
        let (_, scanned) = snapshot.range(b"b"..b"c").next().unwrap();
        assert_eq!(scanned, value(len));
    }
}

#[test]
fn a_value_of_sixteen_mebibytes_goes_every_way() {
    let map = small();
    let big: Vec<u8> = (0..16 * MIB).map(|i| (i >> 8) as u8).collect();
    map.put(b"b", &big).unwrap();
    let with_big = map.snapshot();
    let check = |snapshot: &Snapshot| {
        assert_eq!(snapshot.get(b"b").unwrap(), big);
        assert_eq!(snapshot.get_many(&[b"a", b"b"])[1].unwrap(), big);
        assert_eq!(snapshot.iter().nth(1).unwrap().1, big);
        assert_eq!(snapshot.iter().nth_back(1).unwrap().1, big);
    };
    check(&with_big);
    map.commit(WriteBatch::new().put(b"b", b"small").put(b"a", &big).put(b"d", b"x")).unwrap();
    let in_batch = map.snapshot();
    assert_eq!(in_batch.get(b"b").unwrap(), b"small");
    assert_eq!(in_batch.first().unwrap().1, big);
    map.delete(b"a").unwrap();
    assert_eq!(map.snapshot().first().unwrap().0, b"b");
    check(&with_big);
    drop((with_big, in_batch));
    map.maintain();
    assert_eq!(map.stats().versions, map.stats().records);
}

#[test]
fn a_batch_that_is_too_large_is_refused() {
    let map = Map::builder().max_batch_len(3).build();
    let mut batch = WriteBatch::with_capacity(4, 100);
    batch.put(b"a", b"").put(b"b", b"").delete(b"c");
    assert_eq!(map.commit(&batch).unwrap().get(), 1);
    batch.put(b"a", b"again"); // a second write to a key counts too
    assert_eq!(map.commit(&batch), Err(Error::BatchTooLarge { len: 4, max: 3 }));
    assert_eq!(map.version().get(), 1);
    assert_eq!(map.snapshot().get(b"a").unwrap(), b"");
    batch.clear();
    assert_eq!(map.commit(&batch).unwrap().get(), 1, "an empty batch commits nothing");

    let reader = Map::builder().max_batch_len(0).build();
    assert_eq!(reader.put(b"a", b""), Err(Error::BatchTooLarge { len: 1, max: 0 }));
    assert_eq!(reader.commit(&WriteBatch::new()).unwrap(), Version::ZERO);
}

#[test]
fn one_bad_write_stops_its_whole_batch() {
    let map = small();
    let too_long = vec![b'k'; MAX_KEY_LEN + 1];
    for bad_at in [0, 1, 50, 99] {
        for bad_key in [&b""[..], &too_long] {
            let mut batch = WriteBatch::new();
            for i in 0..100_u8 {
                match i {
                    _ if i == bad_at => batch.put(bad_key, b""),
                    _ if i % 3 == 0 => batch.delete(b"a"),
                    _ => batch.put([b'n', i], b""),
                };
            }
            assert!(map.commit(&batch).is_err());
            assert_undamaged(&map);
        }
    }
}

#[test]
fn keys_that_cannot_be_stored_are_not_found() {
    let map = small();
    let snapshot = map.snapshot();
    let too_long = vec![b'b'; MAX_KEY_LEN + 1];
    for key in [&b""[..], &too_long, &vec![0; MIB]] {
        assert!(snapshot.get(key).is_none());
        assert!(!snapshot.contains(key));
    }
    let many = snapshot.get_many(&[&b""[..], b"b", &too_long, b"b", b""]);
    let found: Vec<bool> = many.iter().map(Option::is_some).collect();
    assert_eq!(found, [false, true, false, true, false]);
    assert!(snapshot.get_many::<&str>(&[]).is_empty());
}

#[test]
fn bounds_that_cannot_be_stored_are_bounds() {
    let map = small();
    let snapshot = map.snapshot();
    let too_long = vec![b'b'; MAX_KEY_LEN + 1]; // between "b" and "c"
    assert_eq!(snapshot.range(&too_long..).count(), 1);
    assert_eq!(snapshot.range(&too_long..).rev().count(), 1);
    assert_eq!(snapshot.range(..=&too_long).count(), 2);
    assert_eq!(snapshot.range(..&too_long).rev().count(), 2);
    assert_eq!(snapshot.prefix(&too_long).count(), 0);
    assert_eq!(snapshot.range(""..).count(), 3);
    assert_eq!(snapshot.range((Excluded(""), Unbounded)).count(), 3);
    assert_eq!(snapshot.range(..="").count(), 0);
    assert_eq!(snapshot.range(..="").rev().count(), 0);
    assert_eq!(snapshot.range("".."").count(), 0);
    assert_eq!(snapshot.range(""..="").rev().count(), 0);
    assert_eq!(snapshot.prefix("").count(), 3);
}

#[test]
fn an_inverted_range_is_empty() {
    let map = small();
    let snapshot = map.snapshot();
    let empty = [
        (Included("c"), Included("a")),
        (Included("c"), Excluded("a")),
        (Excluded("c"), Included("a")),
        (Excluded("c"), Excluded("a")),
        (Included("b"), Excluded("b")),
        (Excluded("b"), Included("b")),
        (Excluded("b"), Excluded("b")),
    ];
    for range in empty {
        assert_eq!(snapshot.range(range).count(), 0, "{range:?}");
        assert_eq!(snapshot.range(range).rev().count(), 0, "{range:?} backward");
    }
    assert_eq!(snapshot.range("b"..="b").count(), 1);
}

#[test]
fn an_empty_map_has_nothing_to_show() {
    let map = Map::default();
    let snapshot = map.snapshot();
    assert_eq!(snapshot.version(), Version::ZERO);
    assert!(snapshot.first().is_none() && snapshot.last().is_none());
    assert!(snapshot.iter().next().is_none() && snapshot.iter().next_back().is_none());
    assert!(snapshot.get(b"k").is_none());
    assert_eq!(map.maintain(), 0);
    // The delete of a key that never was is a commit, and shows nothing either.
    assert_eq!(map.delete(b"k").unwrap().get(), 1);
    assert!(map.snapshot().first().is_none());
    assert_eq!(map.stats().live_keys, 0);
}

#[test]
fn only_the_newest_version_can_be_opened_by_its_number() {
    let map = small();
    let newest = map.version();
    assert_eq!(map.snapshot_at(newest).unwrap().get(b"c").unwrap(), b"c");
    for past in 0..newest.get() {
        let version = Version::from(past);
        let refused = map.snapshot_at(version).unwrap_err();
        assert_eq!(refused, Error::VersionCollected { version, oldest: newest });
    }
    for future in [4, 5, u64::from(u32::MAX), 1 << 62, 1 << 63, (1 << 63) + 3, u64::MAX] {
        let version = Version::from(future);
        let refused = map.snapshot_at(version).unwrap_err();
        assert_eq!(refused, Error::VersionInFuture { version, newest });
    }
    assert_eq!(map.stats().open_snapshots, 0, "a refused snapshot keeps no slot");
    assert_undamaged(&map);
}

#[test]
fn errors_name_their_numbers() {
    let map = Map::builder().max_batch_len(77).max_key_spaces(1).build();
    let space = map.key_space("the first").unwrap();
    map.put(b"k", b"").unwrap();
    map.put(b"k", b"").unwrap();
    let mut batch = WriteBatch::new();
    (0..78).for_each(|_| _ = batch.put(b"k", b""));
    let value = Error::ValueTooLong { len: 5_000_000_001, max: 5_000_000_000 };
    let errors = [
        (map.put(vec![0; 70_001], b"").unwrap_err(), vec!["70001", "65536"]),
        (map.commit(&batch).unwrap_err(), vec!["78", "77"]),
        (map.snapshot_at(9.into()).unwrap_err(), vec!["9", "2"]),
        (map.snapshot_at(1.into()).unwrap_err(), vec!["1", "2"]),
        (value, vec!["5000000001", "5000000000"]),
        (map.put(b"", b"").unwrap_err(), vec!["empty"]),
        (map.key_space("").unwrap_err(), vec!["name", "empty"]),
        (map.key_space("n".repeat(301)).unwrap_err(), vec!["name", "301", "255"]),
        (map.key_space("a second").unwrap_err(), vec!["1 key space", "as many"]),
        (Map::new().snapshot().space(&space).unwrap_err(), vec!["another map"]),
    ];
    for (error, words) in errors {
        let text = Box::<dyn std::error::Error + Send + Sync>::from(error).to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text:?} should name {words:?}");
    }
}
