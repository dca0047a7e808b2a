//! How much a map keeps: exactly what open snapshots see, and the newest version of each key.
//!
//! *Bound*, when nobody is in the middle of a call and after `maintain`: one version per live key, one per tombstone, and
//! for each older version the condition that some open snapshot sees it. Chains are cut in the middle, so one old
//! snapshot costs one version per key, however many overwrites come after it.
//!
//! The counts here do not depend on the machine. Debug builds do fewer rounds.

use epoch_store::{Map, Snapshot, WriteBatch};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::mpsc::channel;

/// Nodes that a session may keep back: two bags for one grace period and for two, and slabs on their way.
const RETIRED_PER_SESSION: u64 = 1_024;

/// `full` in an optimised build, a part of it in others.
fn rounds(full: usize) -> usize {
    if cfg!(debug_assertions) { full / 20 } else { full }
}

fn key(i: usize) -> Vec<u8> {
    format!("key{i:06}").into_bytes()
}

fn fill(map: &Map, keys: usize) {
    for i in 0..keys {
        map.put(key(i), b"first").unwrap();
    }
}

fn assert_one_version_each(map: &Map) {
    let survey = map.survey();
    assert_eq!(survey.versions, survey.live_keys + survey.tombstones, "{survey:?}");
    assert!(survey.longest_chain <= 1, "{survey:?}");
}

fn assert_counters_agree(map: &Map) {
    let (survey, stats) = (map.survey(), map.stats());
    assert_eq!(stats.versions, survey.versions);
    assert_eq!(stats.live_keys, survey.live_keys);
    assert_eq!(stats.records, survey.keys);
    assert_eq!(stats.commits, stats.version.get());
}

#[test]
fn overwrites_of_one_key_under_an_old_snapshot_keep_two_versions() {
    let map = Map::new();
    map.put(b"hot", b"first").unwrap();
    let old = map.snapshot();
    let total = rounds(1_000_000);
    for i in 0..total {
        map.put(b"hot", i.to_le_bytes()).unwrap();
        if i % (total / 100) == 0 {
            let survey = map.survey();
            assert!(survey.longest_chain <= 3, "after {i} overwrites: {survey:?}");
        }
    }
    assert_eq!(map.survey().longest_chain, 2, "the newest version and the snapshot's");
    assert_eq!(old.get(b"hot").unwrap(), b"first");
    let retired = map.stats().retired;
    assert!(retired <= RETIRED_PER_SESSION, "{retired} nodes wait to be freed");
    assert_counters_agree(&map);
}

#[test]
fn many_keys_under_an_old_snapshot_keep_two_versions_each() {
    let (map, keys) = (Map::new(), 1_000);
    fill(&map, keys);
    let old = map.snapshot();
    let mut rng = fastrand::Rng::with_seed(1);
    for round in 0..rounds(200) {
        for _ in 0..keys {
            map.put(key(rng.usize(0..keys)), round.to_le_bytes()).unwrap();
        }
        let survey = map.survey();
        assert!(survey.longest_chain <= 3 && survey.versions <= 2_000 + 1, "{survey:?}");
    }
    fill(&map, keys);
    map.maintain();
    assert_eq!(map.survey().versions, 2_000, "the snapshot's and the newest of each key");
    assert_eq!(old.iter().filter(|(_, value)| *value == b"first").count(), keys);
    drop(old);
    map.maintain();
    assert_one_version_each(&map);
    assert_counters_agree(&map);
}

#[test]
fn between_three_snapshots_only_what_they_see_stays() {
    let (map, keys) = (Map::new(), 100);
    let mut snapshots: Vec<Snapshot> = Vec::new();
    for round in 0..=3_usize {
        for i in 0..rounds(400_000) {
            map.put(key(i % keys), [round as u8]).unwrap();
        }
        if round < 3 {
            snapshots.push(map.snapshot());
        }
    }
    map.maintain();
    assert_eq!(map.survey().versions, 400, "three snapshots' and the newest of each key");
    assert_eq!(map.survey().longest_chain, 4);
    for (round, snapshot) in snapshots.iter().enumerate() {
        assert!(snapshot.iter().all(|(_, value)| *value == [round as u8]));
    }
    snapshots.remove(1);
    map.maintain();
    assert_eq!(map.survey().versions, 300, "what only the middle snapshot saw is gone");
}

#[test]
fn young_snapshots_leave_nothing_behind_beside_an_old_one() {
    let map = Map::new();
    map.put(b"hot", b"first").unwrap();
    let _old = map.snapshot();
    let mut young = Vec::new();
    for i in 0..20_u8 {
        map.put(b"hot", [i]).unwrap();
        young.push(map.snapshot());
    }
    map.put(b"hot", b"last").unwrap();
    drop(young);
    map.maintain();
    assert_eq!(map.survey().versions, 2, "what the young ones saw is gone, the old one stays");
}

#[test]
fn a_snapshot_dropped_between_two_commits_leaves_nothing_behind() {
    let map = Map::new();
    map.put(b"cold", b"1").unwrap();
    let old = map.snapshot();
    map.put(b"cold", b"2").unwrap();
    map.put(b"hot", b"1").unwrap();
    drop(old);
    // These scan the slots, after the snapshot has gone and before its bag is closed.
    map.put(b"hot", b"2").unwrap();
    map.put(b"hot", b"3").unwrap();
    map.maintain();
    assert_one_version_each(&map);
}

/// The writes to each key: when, and whether it was a value.
type Log = BTreeMap<Vec<u8>, Vec<(u64, bool)>>;

/// What each key's chain must be: its newest version, and those that the snapshots see, without tombstones at its end.
fn versions_needed(log: &Log, snapshots: &[Snapshot]) -> u64 {
    let needed = log.values().map(|writes| {
        let seen = snapshots.iter().filter_map(|snapshot| {
            let upto = writes.partition_point(|&(stamp, _)| stamp <= snapshot.version().get());
            upto.checked_sub(1)
        });
        let seen: BTreeSet<usize> = seen.chain([writes.len() - 1]).collect();
        seen.into_iter().skip_while(|&at| !writes[at].1).count() as u64
    });
    needed.sum()
}

#[test]
fn after_any_run_exactly_the_visible_versions_stay() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    for round in 0..6 {
        let map = Map::new();
        let threads: Vec<_> = (0..3_u64)
            .map(|number| {
                let map = map.clone();
                let mut rng = fastrand::Rng::with_seed(seed ^ (round * 8 + number));
                std::thread::spawn(move || {
                    let (mut writes, mut held) = (Vec::new(), Vec::new());
                    for _ in 0..1_500 {
                        let mut batch = WriteBatch::new();
                        let keys: BTreeMap<usize, bool> = (0..rng.usize(1..6))
                            .map(|_| (rng.usize(0..150), rng.u8(0..4) != 0))
                            .collect();
                        for (&i, &live) in &keys {
                            if live {
                                batch.put(key(i), b"")
                            } else {
                                batch.delete(key(i))
                            };
                        }
                        let version = map.commit(&batch).unwrap().get();
                        writes.extend(keys.into_iter().map(|(i, live)| (key(i), (version, live))));
                        match rng.u8(0..12) {
                            0 if held.len() < 12 => held.push(map.snapshot()),
                            1 | 2 if held.len() > 3 => {
                                drop(held.swap_remove(rng.usize(0..held.len())))
                            }
                            _ => {}
                        }
                    }
                    (writes, held)
                })
            })
            .collect();
        let (mut log, mut snapshots) = (Log::new(), Vec::new());
        for thread in threads {
            let (writes, held) = thread.join().expect("a writer ends");
            writes.into_iter().for_each(|(key, write)| log.entry(key).or_default().push(write));
            snapshots.extend(held);
        }
        log.values_mut().for_each(|writes| writes.sort_unstable());
        let mut rng = fastrand::Rng::with_seed(seed);
        loop {
            map.maintain();
            let needed = versions_needed(&log, &snapshots);
            let open = snapshots.len();
            assert_eq!(map.survey().versions, needed, "{open} snapshots, round {round}");
            assert_counters_agree(&map);
            if snapshots.is_empty() {
                break;
            }
            drop(snapshots.swap_remove(rng.usize(0..snapshots.len())));
        }
        assert_one_version_each(&map);
        assert_eq!(map.stats().gc_queued, 0, "nothing waits where no snapshot is open");
    }
}

/// A map with `keys` keys and `rounds` snapshots, between which every key was overwritten.
fn with_history(keys: usize, rounds: usize) -> (Map, Vec<Snapshot>) {
    let map = Map::new();
    let mut snapshots = Vec::new();
    for round in 0..=rounds {
        for i in 0..keys {
            map.put(key(i), round.to_le_bytes()).unwrap();
        }
        if round < rounds {
            snapshots.push(map.snapshot());
        }
    }
    (map, snapshots)
}

#[test]
fn other_threads_may_drop_snapshots_in_any_order() {
    let (map, mut snapshots) = with_history(200, 12);
    map.maintain();
    assert_eq!(map.survey().versions, 200 * 13);
    fastrand::Rng::with_seed(3).shuffle(&mut snapshots);
    let (send, receive) = channel::<Snapshot>();
    let dropper = std::thread::spawn(move || receive.into_iter().for_each(drop));
    snapshots.into_iter().for_each(|snapshot| send.send(snapshot).unwrap());
    drop(send);
    dropper.join().unwrap();
    map.maintain();
    assert_one_version_each(&map);
}

/// Puts until at most `left` superseded versions are there, or `most` puts were made. Returns what is left.
fn put_until(map: &Map, left: u64, most: usize) -> u64 {
    let superseded = |map: &Map| {
        let survey = map.survey();
        survey.versions - survey.live_keys - survey.tombstones
    };
    for i in 0..most {
        map.put(b"elsewhere", i.to_le_bytes()).unwrap();
        if superseded(map) <= left {
            break;
        }
    }
    superseded(map)
}

#[test]
fn ordinary_puts_collect_what_dropped_snapshots_have_kept() {
    let (map, snapshots) = with_history(500, 5);
    drop(snapshots);
    // A bag of 32 records every few commits: a put per key is plenty.
    let left = put_until(&map, 31 * 5, 564);
    assert!(left <= 31 * 5, "{left} versions stay: more than one open bag holds");
}

#[test]
fn ordinary_puts_collect_also_the_last_few() {
    let (map, snapshots) = with_history(10, 5);
    drop(snapshots);
    assert_eq!(put_until(&map, 0, 1_000), 0, "versions that nobody will ever see stay");
}

/// What one commit overwrites, of so many keys.
fn overwritten_at_once(map: &Map, prefix: char, keys: usize) -> Snapshot {
    let mut batch = WriteBatch::new();
    for i in 0..keys {
        batch.put(format!("{prefix}{i:06}"), "value");
    }
    map.commit(&batch).unwrap();
    let before = map.snapshot();
    map.commit(&batch).unwrap();
    before
}

#[test]
fn what_a_dropped_snapshot_kept_goes_as_fast_beside_an_old_one_that_keeps_ten_times_as_much() {
    const KEPT: usize = 2_000;
    let collected_after = |kept_by_old: usize| {
        let map = Map::new();
        let _old = overwritten_at_once(&map, 'a', kept_by_old);
        let second = overwritten_at_once(&map, 'b', KEPT);
        for i in 0_u8..65 {
            map.put("hot", [i]).unwrap();
        }
        let with_it = map.stats().versions;
        drop(second);
        let puts = (0..50_000_u32).find(|i| {
            map.put("hot", i.to_le_bytes()).unwrap();
            map.stats().versions <= with_it - KEPT as u64
        });
        puts.expect("ordinary puts collect what a dropped snapshot has kept")
    };
    let (alone, beside) = (collected_after(1), collected_after(KEPT * 10));
    assert!(beside <= alone * 2 + 100, "{beside} puts beside an old snapshot, {alone} without");
}

#[test]
fn snapshots_that_come_and_go_do_not_look_through_what_an_old_one_keeps() {
    let map = Map::new();
    let kept = 10_000;
    let _old = overwritten_at_once(&map, 'a', kept);
    let (versions, steps) = (map.stats().versions, map.stats().gc_steps);
    let rounds = rounds(200_000) as u64;
    let mut young = map.snapshot();
    let mut most = 0;
    for i in 0..rounds {
        map.put(format!("hot{}", i % 100), i.to_le_bytes()).unwrap();
        if i % 4 == 0 {
            young = map.snapshot();
        }
        if i % 1_000 == 0 {
            most = most.max(map.stats().versions - versions);
        }
    }
    drop(young);
    assert!(most <= 100 + 500, "{most} versions of 100 keys stay beside the old snapshot's");
    let steps = map.stats().gc_steps - steps;
    assert!(steps <= 8 * rounds + kept as u64, "{steps} steps for {rounds} puts");
}

/// As an executor does it: a block, its snapshot, and the last few snapshots stay open.
#[test]
fn a_snapshot_for_each_commit_leaves_only_what_the_open_ones_see() {
    const KEYS: usize = 5_000;
    for (open, writes) in [(1, 1), (10, 1), (10, 3), (100, 1)] {
        let map = Map::new();
        fill(&map, KEYS);
        let mut snapshots = VecDeque::new();
        let (mut most, mut waiting) = (0, 0);
        for round in 0..20_000_usize {
            snapshots.push_back(map.snapshot());
            let mut batch = WriteBatch::new();
            for i in 0..writes {
                batch.put(key((round * writes + i) % KEYS), round.to_le_bytes());
            }
            map.commit(&batch).unwrap();
            if snapshots.len() > open {
                snapshots.pop_front();
            }
            if round % 100 == 0 {
                let stats = map.stats();
                most = most.max(stats.versions - KEYS as u64);
                waiting = waiting.max(stats.gc_queued);
            }
        }
        let bound = ((open + 1) * writes + 100) as u64;
        assert!(most <= bound && waiting <= bound, "{open} x {writes}: {most}, {waiting} waiting");
    }
}

#[test]
fn maintain_alone_collects_everything_and_frees_it() {
    let (map, snapshots) = with_history(1_000, 4);
    drop(snapshots);
    map.maintain();
    assert_one_version_each(&map);
    for _ in 0..4 {
        map.maintain();
    }
    let retired = map.stats().retired;
    assert!(retired <= RETIRED_PER_SESSION, "{retired} nodes wait to be freed");
}

#[test]
fn few_nodes_wait_to_be_freed_after_many_threads_have_written() {
    let (map, threads) = (Map::new(), 4);
    std::thread::scope(|scope| {
        for number in 0..threads {
            let map = &map;
            scope.spawn(move || {
                for i in 0..rounds(200_000) {
                    map.put(key(i % 64), [number as u8]).unwrap();
                }
            });
        }
    });
    let before = map.stats().retired;
    // A thread that was stopped by the scheduler while pinned has held up the others for a time slice, which may be all of
    // the run: a version and a descriptor for each put, and now and then a cell or a body.
    assert!(before <= 3 * rounds(200_000) as u64 * threads, "{before}");
    for _ in 0..4 {
        map.maintain();
    }
    let retired = map.stats().retired;
    assert!(retired <= RETIRED_PER_SESSION * threads, "{retired} of {before} still wait");
}
