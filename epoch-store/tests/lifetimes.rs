//! Handles, snapshots and iterators go in any order, on any thread; whoever is left reads on.

mod common;

use common::{key_of, random, rounds};
use epoch_store::{Key, Map, Range, Snapshot, Value, WriteBatch};
use std::mem::forget;
use std::sync::Barrier;
use std::sync::mpsc::channel;
use std::thread;

/// The map at two versions.
fn two_versions() -> (Map, Snapshot, Snapshot) {
    let map = Map::new();
    let fill = |value: &str| {
        let mut batch = WriteBatch::new();
        (0..200).for_each(|number| _ = batch.put(key_of(number), value));
        map.commit(&batch).unwrap();
        map.snapshot()
    };
    let (old, new) = (fill("old"), fill("new"));
    (map, old, new)
}

fn assert_shows(snapshot: &Snapshot, value: &str) {
    assert_eq!(snapshot.get(key_of(7)).unwrap(), value.as_bytes());
    assert_eq!(snapshot.iter().count(), 200);
    assert!(snapshot.iter().rev().all(|(_, found)| found == value.as_bytes()));
}

/// Something that keeps a map alive.
enum Keeper {
    Handle(Map),
    Reader(Snapshot, &'static str),
}

impl Keeper {
    fn check(&self) {
        match self {
            Keeper::Handle(map) => assert_shows(&map.snapshot(), "new"),
            Keeper::Reader(snapshot, value) => assert_shows(snapshot, value),
        }
    }
}

fn keepers() -> Vec<Keeper> {
    let (map, old, new) = two_versions();
    vec![
        Keeper::Handle(map.clone()),
        Keeper::Handle(map),
        Keeper::Reader(old.clone(), "old"),
        Keeper::Reader(old, "old"),
        Keeper::Reader(new, "new"),
    ]
}

/// All orders of `0..n`.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    let shorter = orders(n - 1).into_iter();
    let insert =
        |order: Vec<usize>| (0..n).map(move |at| [&order[..at], &[n - 1], &order[at..]].concat());
    shorter.flat_map(insert).collect()
}

#[test]
fn whatever_goes_first_the_rest_reads_on() {
    for order in orders(5) {
        let mut keepers: Vec<_> = keepers().into_iter().map(Some).collect();
        for at in order {
            keepers[at] = None;
            keepers.iter().flatten().for_each(Keeper::check);
        }
    }
}

#[test]
fn whatever_goes_first_on_another_thread_the_rest_reads_on() {
    for order in orders(5).into_iter().step_by(3) {
        let mut keepers: Vec<_> = keepers().into_iter().map(Some).collect();
        for at in order {
            let keeper = keepers[at].take();
            thread::spawn(move || drop(keeper)).join().unwrap();
            keepers.iter().flatten().for_each(Keeper::check);
        }
    }
}

#[test]
fn all_may_go_at_once_on_many_threads() {
    for _ in 0..rounds(400) {
        let keepers = keepers();
        let start = Barrier::new(keepers.len());
        thread::scope(|scope| {
            for keeper in keepers {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    keeper.check();
                    drop(keeper);
                });
            }
        });
    }
}

#[test]
fn clones_made_and_dropped_on_many_threads_keep_their_version() {
    let (map, old, new) = two_versions();
    let start = Barrier::new(5);
    thread::scope(|scope| {
        for (snapshot, value) in [(old.clone(), "old"), (new.clone(), "new")] {
            for _ in 0..2 {
                let (snapshot, start) = (snapshot.clone(), &start);
                scope.spawn(move || {
                    start.wait();
                    let mut held = vec![snapshot];
                    for i in 0..rounds(20_000) {
                        held.push(held[i % held.len()].clone());
                        if held.len() > 7 {
                            held.swap_remove(i % 5);
                        }
                    }
                    assert_shows(&held[0], value);
                });
            }
        }
        drop((old, new));
        start.wait();
        for round in 0..rounds(4_000) {
            map.put(key_of(round as u64 % 200), b"newer").unwrap();
        }
    });
    assert_eq!(map.stats().open_snapshots, 0);
    map.maintain();
    assert_eq!(map.stats().versions, 200);
}

#[test]
fn values_keys_and_ranges_outlive_the_last_handle() {
    let (map, old, new) = two_versions();
    let value = old.get(key_of(3)).unwrap();
    let mut range = new.iter();
    let (first, _) = range.next().unwrap();
    drop(map);
    drop(old.clone());
    assert_eq!(value, b"old");
    assert_eq!(first, key_of(0));
    assert_eq!(range.next_back().unwrap().0, key_of(199));
    assert_eq!(range.count(), 198);
    assert_eq!(old.get_many(&[key_of(0), key_of(200)]).iter().flatten().count(), 1);
}

#[test]
fn a_range_may_go_on_on_another_thread() {
    let (map, old, _) = two_versions();
    let mut range = old.iter();
    range.next();
    range.next_back();
    thread::scope(|scope| {
        let rest = scope.spawn(move || range.filter(|(_, value)| *value == b"old").count());
        for number in 0..200 {
            map.delete(key_of(number)).unwrap();
        }
        assert_eq!(rest.join().unwrap(), 198);
    });
}

#[test]
fn a_clone_may_be_the_last_on_a_thread_that_outlives_the_rest() {
    let (map, old, new) = two_versions();
    let (gone, when_gone) = channel();
    let clone = old.clone();
    let reader = thread::spawn(move || {
        when_gone.recv().unwrap();
        assert_shows(&clone, "old");
    });
    drop((map, old, new));
    gone.send(()).unwrap();
    reader.join().unwrap();
}

#[test]
fn thousands_of_open_snapshots_each_show_their_own_version() {
    let mut random = random();
    let map = Map::new();
    let count = rounds(8_000) as u64;
    let mut open: Vec<Snapshot> = (0..count)
        .map(|number| {
            map.put(b"counter", key_of(number)).unwrap();
            map.snapshot()
        })
        .collect();
    random.shuffle(&mut open);
    let kept = open.split_off(count as usize / 2);
    drop(open);
    for snapshot in &kept {
        assert_eq!(snapshot.get(b"counter").unwrap(), key_of(snapshot.version().get() - 1));
    }
    assert_eq!(map.stats().open_snapshots, kept.len());
    drop(kept);
    map.maintain();
    assert_eq!((map.stats().versions, map.stats().open_snapshots), (1, 0));
}

#[test]
fn forgetting_leaks_and_does_no_other_harm() {
    let (map, old, new) = two_versions();
    let handle = map.clone();
    // A snapshot that is never dropped is readable for ever, map or no map.
    let for_ever: &'static Snapshot = Box::leak(Box::new(old.clone()));
    let value: Value<'static> = for_ever.get(key_of(1)).unwrap();
    let mut range: Range<'static> = for_ever.iter();
    range.next();
    forget(range);
    forget(new.iter());
    forget(new.clone());
    drop((old, new));
    for round in 0..1_000 {
        map.put(key_of(round % 200), b"newest").unwrap();
    }
    map.maintain();
    // What the two forgotten snapshots see stays, and nothing else.
    assert_eq!((map.stats().open_snapshots, map.stats().versions), (2, 600));
    forget(handle);
    drop(map);
    assert_shows(for_ever, "old");
    assert_eq!(value, b"old");
}

#[test]
fn many_maps_come_and_go() {
    for number in 0..rounds(20_000) as u64 {
        let map = Map::new();
        map.put(key_of(number), b"v").unwrap();
        let snapshot = map.snapshot();
        // Sometimes the snapshot is the last, sometimes the map.
        if number % 2 == 0 { drop(map) } else { drop(snapshot) }
    }
    let maps: Vec<Map> = (0..300).map(|_| Map::new()).collect();
    for (number, map) in maps.iter().enumerate() {
        map.put(b"number", key_of(number as u64)).unwrap();
    }
    for (number, map) in maps.iter().enumerate() {
        assert_eq!(map.snapshot().get(b"number").unwrap(), key_of(number as u64));
        assert_eq!(map.version().get(), 1, "maps have nothing to do with each other");
    }
}

#[test]
fn everything_may_go_to_other_threads() {
    fn moves<T: Send + Sync>() {}
    fn stays_as_long_as_you_like<T: Send + Sync + Clone + 'static>() {}
    stays_as_long_as_you_like::<Map>();
    stays_as_long_as_you_like::<Snapshot>();
    moves::<Range<'_>>();
    moves::<Key<'_>>();
    moves::<Value<'_>>();
    moves::<WriteBatch>();
    moves::<epoch_store::Error>();
}
