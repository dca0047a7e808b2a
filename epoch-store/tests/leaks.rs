//! Memory: everything comes back when the last handle goes, and garbage does not pile up before.
//!
//! Bytes are those that the map asked the allocator for. What a bound stands for is said where it is used.

mod common;
#[path = "common/meter.rs"]
mod meter;

use common::{key_of, rounds};
use epoch_store::{Map, WriteBatch};
use meter::{Live, Meter};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

const KIB: isize = 1 << 10;
const MIB: isize = 1 << 20;

/// What a map that is used by a handful of threads keeps for itself when it is quiet: counters, bags, participants.
const WORKING_MEMORY: isize = 256 * KIB;
/// What may wait to be freed while writers are at work, if none of them is stopped for long: a few slabs of each.
const UNDER_WAY: isize = 4 * MIB;
/// Writes of one thread after which nothing is left that threads before it held back.
const CATCH_UP: u64 = 20_000;

/// A bit of everything, on one thread.
fn use_map(map: &Map, seed: u64) {
    let old = map.snapshot();
    let mut batch = WriteBatch::new();
    for round in 0..3_u64 {
        for number in 0..400 {
            let key = key_of((number * 7 + seed) % 1_000);
            match (number + round) % 5 {
                0 => _ = map.delete(key).unwrap(),
                1 => _ = map.put(key, vec![round as u8; 2_000]).unwrap(),
                2 => _ = batch.put(key, b"first").put(key, b"last"),
                3 => _ = batch.delete(key),
                _ => _ = map.put(key, b"small").unwrap(),
            }
        }
        map.commit(&batch).unwrap();
        let short = map.snapshot();
        let mut range = short.iter();
        range.next();
        range.next_back();
        map.put(key_of(seed), b"amid a range").unwrap();
        assert_eq!(short.clone().iter().count(), range.count() + 2);
    }
    assert!(old.get(b"never written").is_none());
}

/// Runs `body` twice: the first time may set up what belongs to the process. Then compares.
fn assert_gives_everything_back(mut body: impl FnMut(Meter)) {
    let meter = Meter::begin();
    body(meter);
    let before = meter.live();
    body(meter);
    assert_eq!(meter.live(), before, "after against before");
}

#[test]
fn an_unused_map_gives_everything_back() {
    assert_gives_everything_back(|_| drop(Map::new()));
    assert_gives_everything_back(|_| drop(Map::new().snapshot()));
}

#[test]
fn a_used_map_gives_everything_back_with_its_last_handle() {
    assert_gives_everything_back(|_| {
        let map = Map::new();
        use_map(&map, 1);
        let other = map.clone();
        drop(map);
        use_map(&other, 2);
    });
}

#[test]
fn a_used_map_gives_everything_back_with_its_last_snapshot() {
    assert_gives_everything_back(|_| {
        let map = Map::new();
        use_map(&map, 1);
        let snapshots: Vec<_> = (0..100)
            .map(|number| {
                map.put(key_of(number), b"between snapshots").unwrap();
                map.snapshot()
            })
            .collect();
        let clone = snapshots[50].clone();
        drop(map);
        let mut range = clone.iter();
        range.next();
        drop(snapshots);
        assert!(range.count() > 0);
    });
}

#[test]
fn key_spaces_go_with_their_map_also_those_that_two_threads_made() {
    assert_gives_everything_back(|meter| {
        let map = Map::new();
        let start = Arc::new(Barrier::new(4));
        let open_all = move |map: Map, start: Arc<Barrier>| {
            meter.join();
            start.wait();
            for number in 0..50_u64 {
                let space = map.key_space(number.to_string()).unwrap();
                (0..40).for_each(|key| _ = space.put(key_of(key), b"v").unwrap());
            }
        };
        let threads = [(); 4].map(|()| {
            let (map, start) = (map.clone(), Arc::clone(&start));
            thread::spawn(move || open_all(map, start))
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let (space, snapshot) = (map.key_space("7").unwrap(), map.snapshot());
        drop(map);
        assert_eq!(snapshot.space(&space).unwrap().iter().count(), 40);
    });
}

#[test]
fn an_empty_key_space_takes_two_or_three_kib() {
    let meter = Meter::begin();
    let map = Map::new();
    map.key_space("the first").unwrap();
    let before = meter.live();
    (0..1_000).for_each(|number| _ = map.key_space(number.to_string()).unwrap());
    let each = (meter.live().bytes - before.bytes) / 1_000;
    println!("{each} bytes for a space");
    assert!((2 * KIB..3 * KIB).contains(&each), "{each} bytes for a space");
}

#[test]
fn a_map_gives_everything_back_after_its_threads_have_ended() {
    assert_gives_everything_back(|meter| {
        let map = Map::new();
        let threads: Vec<_> = (0..4)
            .map(|seed| {
                let map = map.clone();
                thread::spawn(move || {
                    meter.join();
                    use_map(&map, seed);
                })
            })
            .collect();
        let snapshot = map.snapshot();
        drop(map);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(snapshot);
    });
}

#[test]
fn a_map_gives_everything_back_while_its_threads_live_on() {
    const THREADS: usize = 4;
    let meter = Meter::begin();
    let [given, used, measured] = [(); 3].map(|()| Barrier::new(THREADS + 1));
    let handles: [Mutex<Option<Map>>; THREADS] = Default::default();
    let mut seen: Vec<Live> = Vec::with_capacity(3);
    thread::scope(|scope| {
        for (seed, handle) in handles.iter().enumerate() {
            let (given, used, measured) = (&given, &used, &measured);
            scope.spawn(move || {
                meter.join();
                for _ in 0..3 {
                    given.wait();
                    let map = handle.lock().unwrap().take().expect("a handle was given");
                    use_map(&map, seed as u64);
                    drop(map);
                    used.wait();
                    measured.wait();
                }
            });
        }
        for _ in 0..3 {
            let map = Map::new();
            handles.iter().for_each(|handle| *handle.lock().unwrap() = Some(map.clone()));
            drop(map);
            given.wait();
            used.wait();
            seen.push(meter.live());
            measured.wait();
        }
    });
    // The first round may set up what belongs to the threads.
    assert_eq!(seen[1], seen[0]);
    assert_eq!(seen[2], seen[0]);
}

/// A map of `keys` keys with values of `len` bytes.
fn filled(keys: u64, len: usize) -> Map {
    let map = Map::new();
    (0..keys).for_each(|number| _ = map.put(key_of(number), vec![1; len]).unwrap());
    map
}

/// Overwrites keys on `threads` threads that have ended when this returns. The last writes are made by nobody else: a
/// thread that loses its processor while it is pinned holds back what the others retire meanwhile, on a busy machine
/// any amount of it, and the writes that come after it free that.
fn overwrite(map: &Map, meter: Meter, threads: u64, writes: u64, keys: u64, len: usize) {
    thread::scope(|scope| {
        let handles = (0..threads).map(|thread| {
            scope.spawn(move || {
                meter.join();
                let value = vec![thread as u8; len];
                for write in 0..writes / threads {
                    map.put(key_of((write * 31 + thread) % keys), &value).unwrap();
                }
            })
        });
        // Joined one by one: a scope alone does not wait for a thread's storage to be freed.
        let handles: Vec<_> = handles.collect();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    });
    (0..CATCH_UP).for_each(|write| _ = map.put(key_of(write % keys), vec![0; len]).unwrap());
}

#[test]
fn overwrites_leave_nothing_behind() {
    for threads in [1, 4] {
        let meter = Meter::begin();
        let map = filled(1_000, 100);
        map.maintain();
        let before = meter.bytes();
        overwrite(&map, meter, threads, rounds(1_000_000) as u64, 1_000, 100);
        let grown = meter.bytes() - before;
        assert!(grown < UNDER_WAY, "{grown} bytes more with {threads} threads, not yet collected");
        map.maintain();
        let grown = meter.bytes() - before;
        assert!(grown < WORKING_MEMORY, "{grown} bytes more with {threads} threads, all quiet");
        assert_eq!((map.stats().versions, map.stats().retired), (1_000, 0));
    }
}

#[test]
fn a_sleeping_iterator_holds_back_its_own_versions_only() {
    const KEYS: u64 = 1_000;
    const LEN: usize = 100;
    let writes = rounds(400_000) as u64;
    let meter = Meter::begin();
    let map = filled(KEYS, LEN);
    overwrite(&map, meter, 2, writes, KEYS, LEN);
    map.maintain();
    let without = meter.bytes();

    let snapshot = map.snapshot();
    let mut range = snapshot.iter();
    let (_, first) = range.next().unwrap();
    let first = first.to_vec();
    overwrite(&map, meter, 2, writes, 2 * KEYS, LEN); // keys that the iterator sees, and new ones
    // Tens of MB of versions have been superseded. What the iterator sees: one version of each key.
    let own = (KEYS as isize) * (LEN as isize + 64);
    let new_keys = (KEYS as isize) * (LEN as isize + 256);
    let grown = meter.bytes() - without;
    assert!(grown < own + new_keys + UNDER_WAY, "{grown} bytes more while the iterator sleeps");
    map.maintain();
    let grown = meter.bytes() - without;
    assert!(grown < own + new_keys + WORKING_MEMORY, "{grown} bytes more, all else quiet");
    assert_eq!(map.stats().retired, 0, "the iterator does not stop memory from being freed");
    assert_eq!(map.stats().versions, 3 * KEYS);

    assert_eq!(first.len(), LEN);
    assert_eq!(range.count() as u64, KEYS - 1, "it wakes up where it was");
    drop(snapshot);
    map.maintain();
    assert_eq!(map.stats().versions, 2 * KEYS);
}

#[test]
fn large_values_do_not_pile_up() {
    let meter = Meter::begin();
    let map = Map::new();
    let value = vec![7; MIB as usize];
    map.put(b"k", &value).unwrap();
    let before = meter.bytes();
    let mut most = 0;
    for _ in 0..200 {
        map.put(b"k", &value).unwrap();
        most = most.max(meter.bytes() - before);
    }
    assert!(most <= 8 * MIB, "up to {most} bytes more than the one value of 1 MiB that is there");
    map.maintain();
    assert!(meter.bytes() - before < WORKING_MEMORY);
}

#[test]
fn deleted_keys_are_freed() {
    const KEYS: isize = 10_000;
    let meter = Meter::begin();
    let empty = meter.bytes();
    let map = filled(KEYS as u64, 1_000);
    assert_eq!(map.snapshot().range(key_of(0)..).count(), KEYS as usize);
    (0..KEYS as u64).for_each(|number| _ = map.delete(key_of(number)).unwrap());
    assert_eq!(map.snapshot().range(key_of(0)..).count(), 0);
    map.maintain();
    let survey = map.survey();
    assert_eq!((survey.keys, survey.versions), (0, 0), "not even a tombstone");
    let kept = meter.bytes() - empty;
    assert!(kept < WORKING_MEMORY, "{kept} bytes for {KEYS} deleted keys");
}

#[test]
fn keys_that_come_and_go_do_not_add_up() {
    let meter = Meter::begin();
    let map = Map::new();
    let mut after_first = None;
    for round in 0..12 {
        (0..2_000).for_each(|number| _ = map.put(key_of(number), vec![2; 200]).unwrap());
        (0..2_000).for_each(|number| _ = map.delete(key_of(number)).unwrap());
        map.maintain();
        let first = *after_first.get_or_insert(meter.bytes());
        let grown = meter.bytes() - first;
        assert!(grown < 16 * KIB, "{grown} bytes more after {round} more rounds");
    }
}

#[test]
fn snapshots_that_come_and_go_do_not_add_up() {
    let meter = Meter::begin();
    let map = filled(100, 100);
    let burst = || {
        let open: Vec<_> = (0..2_000).map(|_| map.snapshot()).collect();
        (0..1_000).for_each(|write| _ = map.put(key_of(write % 100), [5; 100]).unwrap());
        drop(open);
        map.maintain();
    };
    burst(); // slots for this many snapshots are made once, and stay
    let before = meter.bytes();
    (0..10).for_each(|_| burst());
    let grown = meter.bytes() - before;
    assert!(grown < 64 * KIB, "{grown} bytes more");
    assert_eq!((map.stats().versions, map.stats().gc_queued), (100, 0));
}
