//! More threads than cores, for a short while: nothing is lost, torn or out of order.
//!
//! `STRESS` multiplies the length of each run (default 1).

use epoch_store::{Map, Snapshot, WriteBatch};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const THREADS: usize = 8;

fn rounds(base: usize) -> usize {
    let factor = std::env::var("STRESS").ok().map_or(1, |text| text.parse().expect("a number"));
    base * factor
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}

fn assert_sorted(snapshot: &Snapshot) {
    let keys: Vec<_> = snapshot.iter().map(|(key, _)| key).collect();
    assert!(keys.is_sorted_by(|a, b| a < b), "a scan is in order, without doubles");
    let back: Vec<_> = snapshot.iter().rev().map(|(key, _)| key).collect();
    assert!(keys.iter().eq(back.iter().rev()), "both directions show the same keys");
}

/// Runs `work` on [`THREADS`] threads, each with its number and a generator of its own.
fn crowd(work: impl Fn(usize, &mut fastrand::Rng) + Sync) {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let work = &work;
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(seed.wrapping_add(thread as u64));
                work(thread, &mut rng);
            });
        }
    });
}

/// Everything is quiet: the counters agree with a walk. (How many versions may be left is the matter of `bounds.rs`.)
fn assert_settled(map: &Map) {
    map.maintain();
    let (survey, stats) = (map.survey(), map.stats());
    assert_eq!(stats.versions, survey.versions);
    assert_eq!(stats.live_keys, survey.live_keys);
    assert_eq!(stats.records, survey.keys);
    assert_eq!(stats.commits, map.version().get());
    assert_eq!(map.snapshot().iter().count() as u64, survey.live_keys);
}

#[test]
fn transfers_conserve_the_sum_in_every_snapshot() {
    const ACCOUNTS: u64 = 40 * THREADS as u64;
    const EACH: u64 = 1_000;
    let account = |i: u64| format!("account{i:04}");
    let map = Map::new();
    let mut opening = WriteBatch::new();
    for i in 0..ACCOUNTS {
        opening.put(account(i), EACH.to_le_bytes());
    }
    map.commit(&opening).unwrap();
    let checked = AtomicU64::new(0);
    // Each thread moves money between accounts of its own, for there are no conflicts to detect; the sum over all
    // accounts holds at every version.
    crowd(|thread, rng| {
        let own = |rng: &mut fastrand::Rng| rng.u64(0..40) * THREADS as u64 + thread as u64;
        let mut held = Vec::new();
        for _ in 0..rounds(1_000) {
            let (from, to) = (own(rng), own(rng));
            let now = map.snapshot();
            let balance = |i| number(&now.get(account(i)).expect("an account"));
            let amount = rng.u64(0..=balance(from));
            if from != to {
                let mut batch = WriteBatch::new();
                batch.put(account(from), (balance(from) - amount).to_le_bytes());
                batch.put(account(to), (balance(to) + amount).to_le_bytes());
                map.commit(&batch).unwrap();
            }
            held.push(now);
            if held.len() > rng.usize(1..30) {
                let old = held.swap_remove(rng.usize(0..held.len()));
                let sum: u64 = if rng.bool() {
                    old.iter().map(|(_, value)| number(&value)).sum()
                } else {
                    let keys: Vec<_> = (0..ACCOUNTS).map(account).collect();
                    old.get_many(&keys).iter().map(|value| number(&value.unwrap())).sum()
                };
                assert_eq!(sum, ACCOUNTS * EACH, "money at version {}", old.version());
                checked.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    println!("{} snapshots added up", checked.load(Ordering::Relaxed));
    assert_settled(&map);
}

#[test]
fn ascending_inserts_of_many_threads_are_all_there() {
    let map = Map::new();
    let each = rounds(2_000);
    crowd(|thread, _| {
        for i in 0..each {
            map.put(format!("{i:08}/{thread}"), b"").unwrap();
            if i % 100 == 99 {
                // What this thread has inserted so far is there, in order, whatever leaf it went to.
                let snapshot = map.snapshot();
                let suffix = format!("/{thread}").into_bytes();
                let tail = snapshot.range(format!("{:08}", i - 99)..);
                let own: Vec<_> =
                    tail.map(|(key, _)| key).filter(|key| key.ends_with(&suffix)).collect();
                assert_eq!(own.len(), 100, "a thread sees its own inserts");
                assert!(own.is_sorted(), "in order");
            }
        }
    });
    assert_eq!(map.survey().live_keys, (each * THREADS) as u64);
    assert_sorted(&map.snapshot());
    assert_settled(&map);
}

#[test]
fn random_inserts_and_deletes_end_as_each_thread_left_them() {
    let map = Map::new();
    let key = |i: u32, thread: usize| format!("{:08x}/{thread}", i.wrapping_mul(0x9E37_79B9));
    let live = AtomicU64::new(0);
    crowd(|thread, rng| {
        let mut own = BTreeSet::new();
        for _ in 0..rounds(2_500) {
            let i = rng.u32(0..2_000);
            if rng.u8(0..3) == 0 {
                map.delete(key(i, thread)).unwrap();
                own.remove(&i);
            } else {
                map.put(key(i, thread), i.to_le_bytes()).unwrap();
                own.insert(i);
            }
            if rng.u8(0..50) == 0 {
                let snapshot = map.snapshot();
                let i = rng.u32(0..2_000);
                assert_eq!(snapshot.contains(key(i, thread)), own.contains(&i), "{i}");
            }
        }
        let snapshot = map.snapshot();
        for i in 0..2_000 {
            assert_eq!(snapshot.contains(key(i, thread)), own.contains(&i), "{i} at the end");
        }
        live.fetch_add(own.len() as u64, Ordering::Relaxed);
    });
    assert_eq!(map.survey().live_keys, live.load(Ordering::Relaxed));
    assert_sorted(&map.snapshot());
    assert_settled(&map);
}

#[test]
fn scans_beside_inserts_are_complete() {
    let map = Map::new();
    let stop = AtomicBool::new(false);
    // Commit n puts key n in an order that jumps about: a snapshot at version v has exactly the first v keys.
    let place = |n: u64| format!("{:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    std::thread::scope(|scope| {
        for _ in 1..THREADS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let snapshot = map.snapshot();
                    let version = snapshot.version().get();
                    let forward = snapshot.iter().map(|(_, value)| number(&value));
                    let sum: u64 = forward.sum();
                    assert_eq!(sum, version * (version + 1) / 2, "all keys up to {version}, once");
                    assert_eq!(snapshot.iter().rev().count() as u64, version, "and backward");
                }
            });
        }
        for n in 1..=rounds(3_000) as u64 {
            map.put(place(n), n.to_le_bytes()).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_sorted(&map.snapshot());
    assert_settled(&map);
}

#[test]
fn overwrites_scans_and_snapshots_of_random_lives() {
    let map = Map::new();
    let groups = 16_u64;
    // A batch writes one number under all keys of a group: a snapshot shows one number per group.
    let member = |group: u64, i: u64| format!("{i:02}/group{group:02}");
    crowd(|thread, rng| {
        let mut held: Vec<Snapshot> = Vec::new();
        for i in 0..rounds(600) as u64 {
            let group = rng.u64(0..groups);
            let mut batch = WriteBatch::new();
            for part in 0..8 {
                // Sometimes all of a group goes.
                if i % 10 == 9 {
                    batch.delete(member(group, part));
                } else {
                    batch.put(member(group, part), (((thread as u64) << 32) | i).to_le_bytes());
                }
            }
            map.commit(&batch).unwrap();
            held.push(map.snapshot());
            while held.len() > rng.usize(1..40) {
                let old = held.swap_remove(rng.usize(0..held.len()));
                let group = rng.u64(0..groups);
                let values: Vec<_> = (0..8).map(|part| old.get(member(group, part))).collect();
                assert!(values.iter().all(|value| *value == values[0]), "a torn group: {values:?}");
                if rng.u8(0..10) == 0 {
                    assert_sorted(&old);
                }
            }
        }
    });
    assert_settled(&map);
}
