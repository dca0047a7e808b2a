//! Several ordered maps in one: apart where keys are concerned, together where versions are.

mod common;

use common::{key_of, random, rounds};
use epoch_store::{
    Error, Key, KeySpace, MAX_KEY_SPACES, MAX_SPACE_NAME_LEN, Map, Snapshot, SpaceView, Value,
    WriteBatch,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

fn owned((key, value): (Key<'_>, Value<'_>)) -> (Vec<u8>, Vec<u8>) {
    (key.to_vec(), value.to_vec())
}

fn get(snapshot: &Snapshot, space: &KeySpace, key: &str) -> Option<Vec<u8>> {
    snapshot.space(space).unwrap().get(key).map(|value| value.to_vec())
}

/// The same keys with other values in two spaces and the default one.
fn three_spaces() -> (Map, KeySpace, KeySpace) {
    let map = Map::new();
    let (left, right) = (map.key_space("left").unwrap(), map.key_space("right").unwrap());
    let mut batch = WriteBatch::new();
    for number in 0..500 {
        let key = key_of(number);
        batch.put(key, b"middle").put_in(&left, key, b"left").put_in(&right, key, b"right");
    }
    map.commit(&batch).unwrap();
    (map, left, right)
}

#[test]
fn one_key_in_two_spaces_is_two_keys() {
    let (map, left, right) = three_spaces();
    left.delete(key_of(7)).unwrap();
    right.put(key_of(7), b"changed").unwrap();
    let snapshot = map.snapshot();
    assert_eq!(snapshot.get(key_of(7)).unwrap(), b"middle");
    assert!(!snapshot.space(&left).unwrap().contains(key_of(7)));
    assert_eq!(snapshot.space(&right).unwrap().get(key_of(7)).unwrap(), b"changed");
    assert_eq!(snapshot.space(&right).unwrap().get(key_of(8)).unwrap(), b"right");
    assert_eq!((map.stats().records, map.stats().live_keys), (1_500, 1_499));
    assert_eq!((map.survey().keys, map.survey().live_keys), (1_500, 1_499));
}

#[test]
fn spaces_are_found_by_name_and_listed_without_creating_any() {
    let map = Map::new();
    assert_eq!(map.key_spaces().count(), 0);
    for name in ["", "absent", &"x".repeat(MAX_SPACE_NAME_LEN + 1)] {
        assert!(map.find_key_space(name).is_none(), "{name:?}");
    }
    assert_eq!(map.stats().key_spaces, 0, "looking creates none");
    // More than the first segment of the registry has room for.
    let names: Vec<String> = (0..40).map(|number| format!("space {}", number * 7 % 40)).collect();
    for name in &names {
        map.key_space(name).unwrap().put("name", name).unwrap();
    }
    assert!(map.key_spaces().map(|space| space.name().to_owned()).eq(names.iter().cloned()));
    let snapshot = map.snapshot();
    for name in &names {
        let found = map.find_key_space(name).unwrap();
        assert_eq!(get(&snapshot, &found, "name").unwrap(), name.as_bytes());
        let entries: Vec<_> = snapshot.space(&found).unwrap().into_iter().map(owned).collect();
        assert_eq!(entries, [(b"name".to_vec(), name.clone().into_bytes())]);
    }
    assert!(map.find_key_space("space 40").is_none());
    assert_eq!(map.stats().key_spaces, 40);
    let (kept, listed) = (map.find_key_space("space 0").unwrap(), map.key_spaces().last().unwrap());
    drop((map, snapshot));
    kept.put("later", "a handle keeps the map").unwrap();
    assert_eq!(listed.name(), names[39]);
}

#[test]
fn what_is_read_in_a_space_stays_inside_it() {
    let (map, left, _) = three_spaces();
    left.put(b"only here", b"left").unwrap();
    let snapshot = map.snapshot();
    let view = snapshot.space(&left).unwrap();
    assert_eq!(view.version(), snapshot.version());
    assert_eq!(view.iter().count(), 501);
    assert_eq!(view.iter().rev().count(), 501);
    assert!(view.iter().all(|(_, value)| value == b"left"));
    assert_eq!(view.range(key_of(10)..key_of(20)).map(|(_, value)| value.len()).sum::<usize>(), 40);
    assert_eq!(view.range((Excluded(key_of(499)), Unbounded)).count(), 1);
    assert_eq!(view.prefix(b"only").map(owned).next().unwrap().0, b"only here");
    assert_eq!(view.first().map(owned), Some((key_of(0).to_vec(), b"left".to_vec())));
    assert_eq!(view.last().map(owned), Some((b"only here".to_vec(), b"left".to_vec())));
    let found = view.get_many(&[&key_of(3)[..], b"only here", b"nowhere"]);
    assert_eq!(found[0].unwrap(), b"left");
    assert_eq!(found[1].unwrap(), b"left");
    assert!(found[2].is_none());
    assert_eq!(snapshot.iter().count(), 500);
    assert!(!snapshot.contains(b"only here"));
}

#[test]
fn a_batch_that_jumps_between_spaces_keeps_the_last_write_of_each_key() {
    let (map, left, right) = three_spaces();
    let mut batch = WriteBatch::new();
    // Another space each time: no two neighbours tell that a key comes twice.
    batch.put_in(&left, b"a", b"1").put_in(&right, b"b", b"1").put_in(&left, b"a", b"2");
    batch.put_in(&right, b"a", b"3").put_in(&left, b"b", b"3").put_in(&right, b"b", b"4");
    batch.delete_in(&left, b"c").delete_in(&right, b"a").put(b"a", b"5");
    let before = map.stats().versions;
    map.commit(&batch).unwrap();
    assert_eq!(map.stats().versions - before, 6, "one version of each key");
    let snapshot = map.snapshot();
    assert_eq!(get(&snapshot, &left, "a").unwrap(), b"2");
    assert_eq!(get(&snapshot, &left, "b").unwrap(), b"3");
    assert_eq!(get(&snapshot, &right, "a"), None);
    assert_eq!(get(&snapshot, &right, "b").unwrap(), b"4");
    assert_eq!(snapshot.get("a").unwrap(), b"5");
}

/// Random batches over three spaces, compared with a map of (space, key).
#[test]
fn long_batches_in_any_order_land_where_they_belong() {
    let mut random = random();
    let map = Map::new();
    let spaces = ["left", "right", "third"].map(|name| map.key_space(name).unwrap());
    let mut model: BTreeMap<(usize, Vec<u8>), Vec<u8>> = BTreeMap::new();
    for round in 0..rounds(200) {
        let mut batch = WriteBatch::new();
        let mut writes: Vec<(usize, [u8; 8])> = (0..random.usize(1..400))
            .map(|_| (random.usize(..4), key_of(random.u64(..3_000))))
            .collect();
        match round % 3 {
            0 => writes.sort_unstable(),
            1 => writes.sort_unstable_by_key(|&(_, key)| key),
            _ => {}
        }
        for (at, key) in writes {
            let value = random.u64(..).to_le_bytes();
            match spaces.get(at) {
                Some(space) if value[0] < 50 => _ = batch.delete_in(space, key),
                Some(space) => _ = batch.put_in(space, key, value),
                None if value[0] < 50 => _ = batch.delete(key),
                None => _ = batch.put(key, value),
            }
            if value[0] < 50 {
                model.remove(&(at, key.to_vec()));
            } else {
                model.insert((at, key.to_vec()), value.to_vec());
            }
        }
        map.commit(&batch).unwrap();
    }
    map.maintain();
    let snapshot = map.snapshot();
    let of = |at: usize| {
        let inside = model.iter().filter(move |((space, _), _)| *space == at);
        inside.map(|((_, key), value)| (key.clone(), value.clone()))
    };
    for (at, space) in spaces.iter().enumerate() {
        let view = snapshot.space(space).unwrap();
        assert!(view.iter().map(owned).eq(of(at)), "space {at}");
        for (key, value) in of(at) {
            assert_eq!(view.get(&key).unwrap(), value);
        }
    }
    assert!(snapshot.iter().map(owned).eq(of(3)), "the default space");
    assert_eq!(map.stats().live_keys, model.len() as u64);
}

#[test]
fn a_commit_to_several_spaces_is_seen_whole_or_not_at_all() {
    let map = Map::new();
    let spaces: Vec<KeySpace> =
        (0..4).map(|number| map.key_space(format!("space {number}")).unwrap()).collect();
    let done = AtomicBool::new(false);
    let commit = |number: u64| {
        let mut batch = WriteBatch::new();
        batch.put(b"n", key_of(number));
        for space in &spaces {
            batch.put_in(space, b"n", key_of(number)).put_in(space, key_of(number), b"");
        }
        map.commit(&batch).unwrap();
    };
    commit(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let snapshot = map.snapshot();
                    let n = u64::from_be_bytes(snapshot.get(b"n").unwrap()[..].try_into().unwrap());
                    assert!(n >= last, "versions of one reader rise");
                    last = n;
                    for space in &spaces {
                        let view = snapshot.space(space).unwrap();
                        assert_eq!(view.get(b"n").unwrap(), key_of(n), "in {space:?} as elsewhere");
                        assert_eq!(view.range(..b"n").next_back().unwrap().0, key_of(n));
                        assert!(!view.contains(key_of(n + 1)), "nothing of the next");
                    }
                }
            });
        }
        for number in 1..=rounds(8_000) as u64 {
            commit(number);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_snapshot_shows_all_spaces_at_its_version() {
    let (map, left, right) = three_spaces();
    let before = map.snapshot();
    left.put(key_of(1), b"new").unwrap();
    right.delete(key_of(1)).unwrap();
    let late = map.key_space("late").unwrap();
    late.put(b"k", b"v").unwrap();
    assert_eq!(before.space(&left).unwrap().get(key_of(1)).unwrap(), b"left");
    assert_eq!(before.space(&right).unwrap().get(key_of(1)).unwrap(), b"right");
    assert_eq!(before.space(&late).unwrap().iter().count(), 0, "created later");
    assert!(!before.space(&late).unwrap().contains(b"k"));
    assert_eq!(map.stats().open_snapshots, 1);
    drop(before);
    map.maintain();
    assert_eq!(map.survey().versions, map.survey().keys, "collected in every space");
}

#[test]
fn opening_a_space_is_no_commit() {
    let map = Map::new();
    let version = map.version();
    map.key_space("a").unwrap();
    map.key_space("b").unwrap();
    assert_eq!(map.version(), version);
    assert_eq!((map.stats().key_spaces, map.stats().records), (2, 0));
}

#[test]
fn names_are_compared_byte_by_byte() {
    let map = Map::new();
    let longest = "n".repeat(MAX_SPACE_NAME_LEN);
    let names = ["a", "A", " a", "a ", "ab", "\0", "default", "ä", "a\u{308}", &longest];
    for name in names {
        let space = map.key_space(name).unwrap();
        assert_eq!(space.name(), name);
        space.put(b"name", name).unwrap();
    }
    assert_eq!(map.stats().key_spaces, names.len());
    let snapshot = map.snapshot();
    for name in names {
        let again = map.key_space(String::from(name)).unwrap();
        assert_eq!(get(&snapshot, &again, "name").unwrap(), name.as_bytes());
    }
    assert_eq!(map.stats().key_spaces, names.len());
    assert!(!snapshot.contains(b"name"), "no name is that of the default space");
}

#[test]
fn names_of_a_wrong_length_are_refused() {
    let map = Map::new();
    assert_eq!(map.key_space("").unwrap_err(), Error::SpaceNameEmpty);
    let long = "ä".repeat(MAX_SPACE_NAME_LEN / 2 + 1);
    let refused = map.key_space(&long).unwrap_err();
    assert_eq!(refused, Error::SpaceNameTooLong { len: 256, max: 255 });
    assert_eq!(map.stats().key_spaces, 0);
}

#[test]
fn one_space_too_many_is_refused() {
    let map = Map::builder().max_key_spaces(2).build();
    let first = map.key_space("first").unwrap();
    map.key_space("second").unwrap();
    assert_eq!(map.key_space("third").unwrap_err(), Error::TooManySpaces { max: 2 });
    assert_eq!(map.key_space("first").unwrap().name(), first.name(), "those there can be opened");
    let none = Map::builder().max_key_spaces(0).build();
    assert_eq!(none.key_space("first").unwrap_err(), Error::TooManySpaces { max: 0 });
    none.put(b"k", b"v").unwrap();
}

#[test]
fn spaces_of_another_map_are_refused() {
    let (map, other) = (Map::new(), Map::new());
    let (own, foreign) = (map.key_space("a").unwrap(), other.key_space("a").unwrap());
    own.put(b"k", b"own").unwrap();
    foreign.put(b"k", b"foreign").unwrap();
    let snapshot = map.snapshot();
    assert_eq!(snapshot.space(&foreign).unwrap_err(), Error::ForeignSpace);
    assert_eq!(get(&snapshot, &own.clone(), "k").unwrap(), b"own");

    let (version, mut batch) = (map.version(), WriteBatch::new());
    batch.put(b"k", b"").put_in(&foreign, b"k", b"");
    assert_eq!(map.commit(&batch), Err(Error::ForeignSpace));
    batch.put_in(&own, b"k", b"");
    assert_eq!(map.commit(&batch), Err(Error::ForeignSpace), "one foreign space is enough");
    assert_eq!(other.commit(&batch), Err(Error::ForeignSpace), "for either map");
    batch.put_in(&foreign, b"k", b"");
    assert_eq!(map.commit(&batch), Err(Error::ForeignSpace), "and for good");
    assert_eq!(map.version(), version, "nothing was applied");

    batch.clear();
    batch.delete_in(&own, b"k");
    assert_eq!(other.commit(&batch.clone()), Err(Error::ForeignSpace));
    map.commit(&batch).unwrap();
    assert_eq!(get(&map.snapshot(), &own, "k"), None);
}

/// A new map may lie where an old one lay: an address would not tell them apart.
#[test]
fn a_batch_of_a_map_that_is_gone_fits_no_other() {
    let mut batch = WriteBatch::new();
    batch.put_in(&Map::new().key_space("a").unwrap(), b"k", b"v");
    for _ in 0..100 {
        let map = Map::new();
        map.key_space("a").unwrap();
        assert_eq!(map.commit(&batch), Err(Error::ForeignSpace));
    }
}

#[test]
fn wrong_keys_and_values_are_refused_in_every_space() {
    let (map, left, _) = three_spaces();
    let version = map.version();
    assert_eq!(left.put(b"", b"v"), Err(Error::EmptyKey));
    assert_eq!(left.delete(b""), Err(Error::EmptyKey));
    let mut batch = WriteBatch::new();
    batch.put_in(&left, b"k", b"v").delete_in(&left, b"");
    assert_eq!(map.commit(&batch), Err(Error::EmptyKey));
    assert_eq!(map.version(), version);
    assert!(!map.snapshot().space(&left).unwrap().contains(b""));
}

#[test]
fn threads_that_open_one_name_have_one_space() {
    for _ in 0..rounds(300) {
        let map = Map::new();
        let (start, threads) = (Barrier::new(4), 4);
        thread::scope(|scope| {
            for number in 0..threads {
                let (map, start) = (&map, &start);
                scope.spawn(move || {
                    start.wait();
                    for name in ["a", "b", "c"] {
                        let space = map.key_space(name).unwrap();
                        space.put(key_of(number), name).unwrap();
                        let snapshot = map.snapshot();
                        let view = snapshot.space(&space).unwrap();
                        assert!(view.contains(key_of(number)));
                        assert!(view.iter().all(|(_, value)| value == name.as_bytes()));
                    }
                });
            }
        });
        assert_eq!(map.stats().key_spaces, 3);
        for name in ["a", "b", "c"] {
            let space = map.key_space(name).unwrap();
            let snapshot = map.snapshot();
            assert_eq!(snapshot.space(&space).unwrap().iter().count(), threads as usize);
        }
    }
}

#[test]
fn many_spaces_keep_apart() {
    let map = Map::new();
    let count = rounds(2_000);
    let spaces: Vec<KeySpace> =
        (0..count).map(|number| map.key_space(format!("space {number}")).unwrap()).collect();
    let mut batch = WriteBatch::new();
    for (number, space) in spaces.iter().enumerate() {
        batch.put_in(space, b"number", key_of(number as u64));
    }
    map.commit(&batch).unwrap();
    let snapshot = map.snapshot();
    for (number, space) in spaces.iter().enumerate() {
        let view = snapshot.space(space).unwrap();
        assert_eq!(view.get(b"number").unwrap(), key_of(number as u64));
        assert_eq!((view.iter().count(), space.name()), (1, &*format!("space {number}")));
    }
    let names: BTreeSet<&str> = spaces.iter().map(KeySpace::name).collect();
    assert_eq!((names.len(), map.stats().key_spaces), (count, count));
    assert!(count <= MAX_KEY_SPACES);
    map.maintain();
    assert_eq!(map.survey().keys, count as u64);
}

#[test]
fn a_space_keeps_its_map_alive_and_so_does_what_was_read_in_it() {
    let (map, left, right) = three_spaces();
    let snapshot = map.snapshot();
    let value = {
        let view: SpaceView<'_> = snapshot.space(&left).unwrap();
        view.get(key_of(3)).unwrap()
    };
    let mut range = snapshot.space(&right).unwrap().iter();
    drop((map, right));
    left.put(b"after the map", b"v").unwrap();
    drop(left);
    assert_eq!(value, b"left", "the snapshot keeps it, neither view nor space");
    assert_eq!(range.next().map(owned), Some((key_of(0).to_vec(), b"right".to_vec())));
    assert_eq!(range.rev().count(), 499);
}

#[test]
fn a_view_sleeps_without_holding_anybody_up() {
    let (map, left, _) = three_spaces();
    let snapshot = map.snapshot();
    let mut range = snapshot.space(&left).unwrap().iter();
    range.next();
    for number in 0..500 {
        left.delete(key_of(number)).unwrap();
    }
    assert_eq!(range.filter(|(_, value)| *value == b"left").count(), 499);
    assert_eq!(map.snapshot().space(&left).unwrap().iter().count(), 0);
}

#[test]
fn handles_and_views_may_go_to_other_threads() {
    fn stays_as_long_as_you_like<T: Send + Sync + Clone + 'static>() {}
    fn moves<T: Send + Sync + Copy>() {}
    stays_as_long_as_you_like::<KeySpace>();
    moves::<SpaceView<'_>>();
}
