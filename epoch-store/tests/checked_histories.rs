//! Random histories of commits that depend on what was read: they are serial in the order of their versions.

mod common;

use common::{env_or, random, rounds};
use epoch_store::{Error, Map, ReadSet, WriteBatch};
use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::sync::Barrier;

const THREADS: usize = 4;

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

/// What all threads have tried.
fn run(map: &Map, seed: u64) -> Vec<Attempt> {
    let barrier = Barrier::new(THREADS);
    let work = |thread: usize| {
        let mut random = fastrand::Rng::with_seed(seed ^ thread as u64);
        barrier.wait();
        let one = |number| attempt(map, format!("{thread} {number}"), &mut random);
        (0..env_or("STEPS", 150)).map(one).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..THREADS).map(|id| scope.spawn(move || work(id))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
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
        let attempts = run(&map, seed);
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
        map.maintain();
        let (survey, stats) = (map.survey(), map.stats());
        assert_eq!((survey.keys, survey.versions), (survey.live_keys, survey.live_keys));
        assert_eq!((stats.versions, stats.commits), (survey.versions, stats.version.get()));
    }
    println!("{admitted} admitted, {stood} stood, {refused} refused");
    assert!(admitted > 0 && stood > 0);
}
