//! Threads that all add to one key: how much of the work is done in vain, and whether any is lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::demonstration::{Line, Size};
use crate::measure::timing::together;

const KEY: &str = "hot";

/// Threads: more than most machines that run this have cores to spare.
const THREADS: usize = 8;

/// What came of it.
struct Outcome {
    commits: u64,
    attempts: u64,
    longest: Duration,
    time: Duration,
}

/// By [`engine::Store::update`], which reads, writes, and tries again when another was faster.
pub fn ours(size: Size) -> Vec<Line> {
    let store = engine::Store::in_memory();
    let outcome = race(size, |attempts| {
        let added = store.update(KEY, |old| {
            attempts.fetch_add(1, Ordering::Relaxed);
            Some((number(old) + 1).to_le_bytes().to_vec())
        });
        added.expect("it tries again until it is done");
    });
    let sum = store
        .snapshot()
        .get(KEY)
        .expect("a store without a parent")
        .map(|held| number(Some(&held)));
    lines(&outcome, sum)
}

/// By a transaction that reads and writes, again when it was refused.
pub fn surreal(size: Size) -> Vec<Line> {
    let store = surrealmx::Database::new();
    let outcome = race(size, |attempts| {
        loop {
            attempts.fetch_add(1, Ordering::Relaxed);
            let mut transaction = store.transaction(true);
            let old = transaction.get(KEY).expect("it is open");
            let new = number(old.as_ref().map(|old| old.as_slice())) + 1;
            transaction.set(KEY, &new.to_le_bytes()[..]).expect("it is open");
            match transaction.commit() {
                Ok(()) => break,
                Err(surrealmx::Error::KeyReadConflict | surrealmx::Error::KeyWriteConflict) => {
                    std::thread::yield_now();
                }
                Err(error) => panic!("surrealmx refused a call: {error}"),
            }
        }
    });
    let held = store.get(KEY).expect("it is open");
    lines(&outcome, held.map(|held| number(Some(held.as_slice()))))
}

fn race(size: Size, add: impl Fn(&AtomicU64) + Sync) -> Outcome {
    let limit = Duration::from_millis((size.keys / 1_000).clamp(20, 1_000));
    // Relaxed throughout: numbers that guard nothing, read after the threads are joined.
    let attempts = AtomicU64::new(0);
    let begin = Instant::now();
    let each = together(THREADS, |_, start| {
        start.wait();
        let (mut commits, mut longest) = (0, Duration::ZERO);
        while begin.elapsed() < limit {
            let before = Instant::now();
            add(&attempts);
            longest = longest.max(before.elapsed());
            commits += 1;
        }
        (commits, longest)
    });
    Outcome {
        commits: each.iter().map(|(commits, _)| commits).sum(),
        attempts: attempts.into_inner(),
        longest: each.iter().map(|(_, longest)| *longest).max().unwrap_or_default(),
        time: begin.elapsed(),
    }
}

fn lines(outcome: &Outcome, sum: Option<u64>) -> Vec<Line> {
    let commits = outcome.commits as f64;
    let vain = (outcome.attempts - outcome.commits) as f64 / commits;
    vec![
        Line::of(
            format!("additions by {THREADS} threads to one key"),
            commits / outcome.time.as_secs_f64() / 1e3,
            "k/s",
        ),
        Line::of("... attempts in vain for each", vain, ""),
        Line::of("... the longest addition", outcome.longest.as_secs_f64() * 1e3, "ms"),
        Line::tick("... and none is lost", sum == Some(outcome.commits)),
    ]
}

fn number(held: Option<&[u8]>) -> u64 {
    held.and_then(|held| held.try_into().ok()).map_or(0, u64::from_le_bytes)
}
