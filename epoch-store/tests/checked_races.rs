//! Commits that depend on what was read, beside other threads: nothing is lost, nothing that was overtaken goes through.
//! Whole histories are checked in `checked_histories.rs`.

mod common;

use common::rounds;
use epoch_store::{Error, Map, ReadSet, Version, WriteBatch};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

const THREADS: usize = 4;

/// Runs `work` on [`THREADS`] threads at once, and returns what each of them has made.
fn race<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(THREADS);
    let (barrier, work) = (&barrier, &work);
    std::thread::scope(|scope| {
        let run = |thread| {
            scope.spawn(move || {
                barrier.wait();
                work(thread)
            })
        };
        let threads: Vec<_> = (0..THREADS).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Nobody is at work any more: every key that is there has one version, and what was refused has left none.
fn assert_tidy(map: &Map) {
    map.maintain();
    let (survey, stats) = (map.survey(), map.stats());
    assert_eq!(survey.keys, survey.live_keys, "{survey:?}");
    assert_eq!(survey.versions, survey.live_keys, "{survey:?}");
    assert_eq!((stats.versions, stats.live_keys), (survey.versions, survey.live_keys));
    assert_eq!(stats.commits, stats.version.get());
    assert_eq!(stats.open_snapshots, 0);
}

#[test]
fn increments_lose_nothing_and_each_version_has_one_winner() {
    let map = Map::new();
    let each = rounds(2_000);
    let versions = race(|thread| {
        let increment = |_| loop {
            let snapshot = map.snapshot();
            let count = snapshot
                .get("count")
                .map_or(0, |value| value[0..8].try_into().map_or(0, u64::from_be_bytes));
            let mut batch = WriteBatch::new();
            // A new key beside it: it must not stay behind when the commit is refused.
            batch.put("count", (count + 1).to_be_bytes()).put(format!("{thread} {count}"), "");
            match map.commit_if(&batch, ReadSet::at(&snapshot).key("count")) {
                Ok(version) => return (version, count + 1),
                Err(error) => assert!(matches!(error, Error::Conflict(_)), "{error}"),
            }
        };
        (0..each).map(increment).collect::<Vec<_>>()
    });
    let mut wins: Vec<(Version, u64)> = versions.into_iter().flatten().collect();
    wins.sort_unstable();
    let counts = wins.iter().map(|&(_, count)| count);
    assert!(counts.eq(1..=(THREADS * each) as u64), "in the order of their versions, each once");
    assert!(wins.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(map.snapshot().iter().count(), 1 + THREADS * each);
    assert_tidy(&map);
    let stats = map.stats();
    assert_eq!(stats.commits - stats.refused, wins.len() as u64);
}

#[test]
fn of_those_who_each_look_for_another_one_stays_on_call() {
    let map = Map::new();
    for round in 0..rounds(1_000) {
        let key = |thread| format!("{round} {thread}");
        for thread in 0..THREADS {
            map.put(key(thread), "on call").unwrap();
        }
        // All but one may leave, each if there is another; they meet again and again until nobody can.
        race(|thread| {
            loop {
                let snapshot = map.snapshot();
                let there = (0..THREADS).filter(|&other| snapshot.contains(key(other))).count();
                if there < 2 {
                    return;
                }
                let mut reads = ReadSet::at(&snapshot);
                (0..THREADS).for_each(|other| _ = reads.key(key(other)));
                if map.commit_if(WriteBatch::new().delete(key(thread)), &reads).is_ok() {
                    return;
                }
            }
        });
        assert_eq!(map.snapshot().prefix(format!("{round} ")).count(), 1, "round {round}");
    }
    assert_tidy(&map);
}

#[test]
fn of_those_who_find_a_range_empty_one_fills_it() {
    let map = Map::new();
    let won = race(|thread| {
        let book = |room: &usize| {
            let range = format!("{room:04}/")..format!("{room:04}0");
            let snapshot = map.snapshot();
            if snapshot.range(range.clone()).next().is_some() {
                return false;
            }
            let mut batch = WriteBatch::new();
            batch.put(format!("{room:04}/{thread}"), "");
            map.commit_if(&batch, ReadSet::at(&snapshot).range(range)).is_ok()
        };
        (0..rounds(2_000)).filter(book).count()
    });
    assert_eq!(won.iter().sum::<usize>(), rounds(2_000));
    assert_eq!(map.snapshot().iter().count(), rounds(2_000), "one for each room");
    assert_tidy(&map);
}

#[test]
fn those_who_read_and_write_apart_are_never_refused() {
    let map = Map::new();
    race(|thread| {
        for number in 0..rounds(2_000) {
            let own = format!("{thread}/");
            let snapshot = map.snapshot();
            assert_eq!(snapshot.prefix(&own).count().min(9), number.min(9));
            let mut reads = ReadSet::at(&snapshot);
            reads.range(own.as_str()..format!("{thread}0").as_str()).key(format!("{thread}/0009"));
            let mut batch = WriteBatch::new();
            batch.put(format!("{thread}/{number:04}"), "").put("all write this one", "");
            if number >= 9 {
                batch.delete(format!("{thread}/{:04}", number - 9));
            }
            map.commit_if(&batch, &reads).expect("nobody else writes there");
        }
    });
    assert_eq!(map.stats().refused, 0);
    assert_tidy(&map);
}

/// A key comes and goes all the time; it is there at odd versions. Whoever has read it as absent, and is told of a version at
/// which that stands, is told of an even one.
/// Tells the others that it is over, also if that is by a panic.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_version_at_which_reads_stand_is_one_at_which_they_do() {
    let map = Map::new();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                map.put("k", "").unwrap();
                map.delete("k").unwrap();
            }
        });
        let _over = Over(&over);
        for by_range in [false, true] {
            let mut stood = 0;
            while stood < rounds(400) {
                stood += usize::from(check_version_of_standing(&map, by_range));
            }
        }
    });
}

/// False: it was overtaken.
fn check_version_of_standing(map: &Map, by_range: bool) -> bool {
    let snapshot = map.snapshot();
    let is_there = snapshot.contains("k");
    assert_eq!(is_there, snapshot.version().get() % 2 == 1);
    let mut reads = ReadSet::at(&snapshot);
    // Others before it, so that there is some time to be overtaken in.
    (0..4_000_u32).for_each(|other| _ = reads.key(other.to_be_bytes()));
    if by_range {
        reads.range("j".."l");
    } else {
        reads.key("k");
    }
    let Ok(version) = map.commit_if(&WriteBatch::new(), &reads) else { return false };
    assert_eq!(version.get() % 2 == 1, is_there, "stands at {version}, read at {snapshot:?}");
    true
}

/// Some put numbers into their keys, another one moves what it sees elsewhere: a number that was overwritten may go, the
/// last of each key may not.
#[test]
fn what_is_moved_while_others_write_is_not_lost() {
    let map = Map::new();
    let each = rounds(4_000);
    let moved = AtomicBool::new(false);
    race(|thread| {
        if thread > 0 {
            for number in 0..each {
                map.put(format!("in/{thread}/{}", number % 3), number.to_string()).unwrap();
            }
            moved.fetch_or(thread == 1, Ordering::Relaxed);
            return;
        }
        while !moved.load(Ordering::Relaxed) {
            let seen = map.snapshot();
            let mut batch = WriteBatch::new();
            for (key, value) in seen.prefix("in/") {
                let number: usize = std::str::from_utf8(&value).unwrap().parse().unwrap();
                batch.put(
                    format!("out/{}", std::str::from_utf8(&key[3..]).unwrap()),
                    number.to_string(),
                );
            }
            map.commit(batch.delete_range_seen_by(&seen, "in/".."in0")).unwrap();
        }
    });
    let now = map.snapshot();
    for thread in 1..THREADS {
        for last in each - 3..each {
            let key = format!("{thread}/{}", last % 3);
            let inside = now.get(format!("in/{key}"));
            let found = inside.or_else(|| now.get(format!("out/{key}"))).expect("one of both");
            assert_eq!(found, last.to_string().as_bytes(), "the last number under {key}");
        }
    }
    drop(now);
    assert_tidy(&map);
}
