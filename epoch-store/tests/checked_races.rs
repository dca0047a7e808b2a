//! Commits that depend on what was read, beside other threads: nothing is lost, nothing that was overtaken goes through, and
//! whoever is refused was overtaken.

mod common;

use common::{env_or, random, rounds};
use epoch_store::{Error, Map, ReadSet, Version, WriteBatch};
use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
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

type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);
type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// What somebody has read at a version, and tried to write.
#[derive(Debug)]
struct Attempt {
    since: u64,
    keys: Vec<Vec<u8>>,
    ranges: Vec<Range>,
    /// What the keys and ranges held.
    read: State,
    writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    deletes: Vec<Range>,
    /// The version of the commit, or at which it stands if there is nothing to write; `None`: refused.
    version: Option<u64>,
}

impl Attempt {
    fn has_read(&self, key: &[u8]) -> bool {
        self.keys.iter().any(|read| read == key)
            || self.ranges.iter().any(|range| is_in(range, key))
    }

    /// What was read, in another state.
    fn read_in(&self, state: &State) -> State {
        let read = state.iter().filter(|(key, _)| self.has_read(key));
        read.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.deletes.is_empty()
    }

    fn apply(&self, state: &mut State) {
        state.retain(|key, _| !self.deletes.iter().any(|range| is_in(range, key)));
        for (key, value) in &self.writes {
            match value {
                Some(value) => _ = state.insert(key.clone(), value.clone()),
                None => _ = state.remove(key),
            }
        }
    }

    /// Whether a write of another's, or the bounds of a delete, meet what was read.
    fn is_met_by(&self, other: &Self) -> bool {
        let keys = all_keys();
        let deleted = |key: &Vec<u8>| other.deletes.iter().any(|range| is_in(range, key));
        other.writes.iter().any(|(key, _)| self.has_read(key))
            || keys.iter().any(|key| deleted(key) && self.has_read(key))
    }
}

fn is_in((from, to): &Range, key: &[u8]) -> bool {
    let range = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
    RangeBounds::<[u8]>::contains(&range, key)
}

fn all_keys() -> Vec<Vec<u8>> {
    (b'a'..=b'h').map(|letter| vec![letter]).collect()
}

fn some_key(random: &mut fastrand::Rng) -> Vec<u8> {
    vec![random.u8(b'a'..=b'h')]
}

/// From one letter to one that is the same or follows soon, so that it covers some key.
fn some_range(random: &mut fastrand::Rng) -> Range {
    let from = random.u8(b'a'..=b'h');
    (Bound::Included(vec![from]), Bound::Included(vec![from + random.u8(..3)]))
}

fn attempt(map: &Map, value: String, random: &mut fastrand::Rng) -> Attempt {
    let snapshot = map.snapshot();
    let mut attempt = Attempt {
        since: snapshot.version().get(),
        keys: (0..random.usize(..3)).map(|_| some_key(random)).collect(),
        ranges: (0..random.usize(..2)).map(|_| some_range(random)).collect(),
        read: State::new(),
        writes: Vec::new(),
        deletes: (0..random.usize(..8) / 7).map(|_| some_range(random)).collect(),
        version: None,
    };
    for _ in 0..random.usize(..3) {
        let value = (random.u8(..3) > 0).then(|| value.clone().into_bytes());
        attempt.writes.push((some_key(random), value));
    }
    let all = snapshot.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    attempt.read = attempt.read_in(&all);
    if random.bool() {
        std::thread::yield_now(); // so that threads meet on few processors too
    }
    let (mut reads, mut batch) = (ReadSet::at(&snapshot), WriteBatch::new());
    attempt.keys.iter().for_each(|key| _ = reads.key(key));
    attempt.ranges.iter().for_each(|range| _ = reads.range(range.clone()));
    attempt.deletes.iter().for_each(|range| _ = batch.delete_range(range.clone()));
    for (key, value) in &attempt.writes {
        match value {
            Some(value) => batch.put(key, value),
            None => batch.delete(key),
        };
    }
    attempt.version = match map.commit_if(&batch, &reads) {
        Ok(version) => Some(version.get()),
        Err(Error::Conflict(_)) => None,
        Err(error) => panic!("{error}"),
    };
    attempt
}

/// The commits of a random history, played again one after the other in the order of their versions: each finds what it has
/// read. And of those that were refused each was met by a commit after its snapshot.
#[test]
fn random_histories_are_serial_in_the_order_of_their_versions() {
    let mut seeds = random();
    let (mut admitted, mut stood, mut refused) = (0, 0, 0);
    for _ in 0..rounds(24) {
        let map = Map::new();
        let seed = seeds.u64(..);
        let attempts = race(|thread| {
            let mut random = fastrand::Rng::with_seed(seed ^ thread as u64);
            let one = |number| attempt(&map, format!("{thread} {number}"), &mut random);
            (0..env_or("STEPS", 150)).map(one).collect::<Vec<_>>()
        });
        let attempts: Vec<Attempt> = attempts.into_iter().flatten().collect();
        let mut commits = BTreeMap::new();
        for commit in attempts.iter().filter(|attempt| !attempt.is_empty()) {
            if let Some(version) = commit.version {
                assert!(commits.insert(version, commit).is_none(), "two commits of {version}");
            }
        }
        let mut states = vec![State::new()];
        for version in 1..=map.version().get() {
            let mut state = states.last().expect("the first is there").clone();
            if let Some(commit) = commits.get(&version) {
                assert_eq!(commit.read_in(&state), commit.read, "{version}: {commit:?}");
                commit.apply(&mut state);
                admitted += 1;
            }
            states.push(state);
        }
        let rows = |map: &Map| -> State {
            map.snapshot().iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
        };
        assert_eq!(Some(&rows(&map)), states.last());
        for attempt in &attempts {
            match attempt.version {
                Some(version) if attempt.is_empty() => {
                    assert_eq!(
                        attempt.read_in(&states[version as usize]),
                        attempt.read,
                        "{attempt:?}"
                    );
                    stood += 1;
                }
                Some(_) => {}
                None => {
                    let mut later = commits.range(attempt.since + 1..).map(|(_, commit)| commit);
                    assert!(
                        later.any(|commit| attempt.is_met_by(commit)),
                        "by nobody: {attempt:?}"
                    );
                    refused += 1;
                }
            }
        }
        assert_tidy(&map);
    }
    println!("{admitted} admitted, {stood} stood, {refused} refused");
    assert!(admitted > 0 && stood > 0);
}
