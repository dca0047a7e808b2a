//! Dead keys leave nothing behind: records, leaves, hash slots.

use epoch_store::{Map, WriteBatch};

/// Half-way between nothing and everything: enough keys for many leaves and several tables.
const KEYS: u64 = 20_000;

fn key(i: u64) -> [u8; 8] {
    i.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()
}

fn check_empty(map: &Map) {
    map.maintain();
    let (stats, survey) = (map.stats(), map.survey());
    assert_eq!((stats.live_keys, stats.records, stats.versions), (0, 0, 0), "{stats:?}");
    assert_eq!((survey.keys, survey.versions, survey.tombstones), (0, 0, 0), "{survey:?}");
    assert_eq!(stats.retired, 0, "freed, not only unlinked: {stats:?}");
    assert_eq!(map.snapshot().iter().count(), 0);
}

#[test]
fn a_deleted_key_leaves_nothing() {
    let map = Map::new();
    map.put("k", "v").unwrap();
    map.delete("k").unwrap();
    check_empty(&map);
    map.put("k", "again").unwrap();
    assert_eq!(map.snapshot().get("k").unwrap(), b"again");
}

#[test]
fn deleting_a_key_that_was_never_there_leaves_nothing() {
    let map = Map::new();
    for i in 0..1_000 {
        map.delete(key(i)).unwrap();
    }
    check_empty(&map);
}

#[test]
fn many_keys_inserted_and_deleted_leave_nothing() {
    let map = Map::new();
    for round in 0..3 {
        for i in 0..KEYS {
            map.put(key(i), i.to_le_bytes()).unwrap();
        }
        assert_eq!(map.stats().live_keys, KEYS);
        for i in 0..KEYS {
            map.delete(key(i)).unwrap();
        }
        let left = map.stats().records;
        assert!(left < KEYS / 4, "round {round}: {left} records wait although nobody maintained");
        check_empty(&map);
    }
}

#[test]
fn an_old_snapshot_keeps_its_keys_and_no_others() {
    let map = Map::new();
    map.put("old", "1").unwrap();
    let snapshot = map.snapshot();
    for i in 0..1_000 {
        map.put(key(i), "").unwrap();
    }
    for i in 0..1_000 {
        map.delete(key(i)).unwrap();
    }
    map.delete("old").unwrap();
    map.maintain();
    assert_eq!(map.stats().records, 1, "{:?}", map.stats());
    assert_eq!(snapshot.get("old").unwrap(), b"1");
    assert_eq!(snapshot.iter().count(), 1);
    drop(snapshot);
    check_empty(&map);
}

#[test]
fn a_key_comes_and_goes_many_times() {
    let map = Map::new();
    map.put("neighbour", "").unwrap();
    for round in 0..20_000_u64 {
        map.put("k", round.to_le_bytes()).unwrap();
        assert_eq!(map.snapshot().get("k").unwrap(), &round.to_le_bytes());
        map.delete("k").unwrap();
        assert!(!map.snapshot().contains("k"));
    }
    map.maintain();
    assert_eq!(map.stats().records, 1);
}

#[test]
fn threads_that_write_and_delete_the_same_keys_lose_nothing() {
    let map = Map::new();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let map = map.clone();
            scope.spawn(move || {
                for round in 0..20_000_u64 {
                    let key = [(round.wrapping_mul(thread + 1) % 16) as u8 + 1];
                    if (round + thread).is_multiple_of(2) {
                        let version = map.put(key, round.to_le_bytes()).unwrap();
                        assert!(map.version() >= version);
                    } else {
                        map.delete(key).unwrap();
                    }
                    let own = [thread as u8 + 100];
                    map.put(own, round.to_le_bytes()).unwrap();
                    assert_eq!(
                        map.snapshot().get(own).unwrap(),
                        &round.to_le_bytes(),
                        "my last write"
                    );
                    map.delete(own).unwrap();
                    assert!(map.snapshot().get(own).is_none(), "my delete");
                }
            });
        }
    });
    for byte in 1..=255 {
        map.delete([byte]).unwrap();
    }
    check_empty(&map);
}

#[test]
fn removals_go_on_while_nobody_deletes_any_more() {
    let map = Map::new();
    let (mut puts, mut deletes) = (WriteBatch::new(), WriteBatch::new());
    for i in 0..KEYS {
        puts.put(key(i), [0; 32]);
        deletes.delete(key(i));
    }
    map.commit(&puts).unwrap();
    map.commit(&deletes).unwrap();
    for i in 0..KEYS / 4 {
        map.put("hot", i.to_le_bytes()).unwrap();
    }
    let left = map.stats().records;
    assert!(left < 500, "{left} records left after as many commits as a quarter of the deletes");
}

#[test]
fn what_threads_that_are_gone_have_deleted_others_remove() {
    let map = Map::new();
    let mut puts = WriteBatch::new();
    for i in 0..KEYS {
        puts.put(key(i), [0; 32]);
    }
    map.commit(&puts).unwrap();
    for worker in 0..8 {
        let delete = move |map: Map| {
            (0..KEYS / 8).for_each(|i| _ = map.delete(key(worker * KEYS / 8 + i)).unwrap());
        };
        let map = map.clone();
        std::thread::spawn(move || delete(map)).join().unwrap();
    }
    for i in 0..KEYS / 4 {
        map.put("hot", i.to_le_bytes()).unwrap();
    }
    let left = map.stats().records;
    assert!(left < 500, "{left} records left of what threads have deleted that are gone");
}

#[test]
fn one_call_of_maintain_frees_all_that_a_large_batch_retired() {
    let map = Map::new();
    let (mut puts, mut deletes) = (WriteBatch::new(), WriteBatch::new());
    for i in 0..KEYS * 4 {
        puts.put(key(i), [0; 32]);
        deletes.delete(key(i));
    }
    map.commit(&puts).unwrap();
    map.commit(&deletes).unwrap();
    map.maintain();
    let stats = map.stats();
    assert!(stats.retired < 64 && stats.records == 0, "{stats:?}");
}
