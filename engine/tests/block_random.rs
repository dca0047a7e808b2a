//! Random blocks on the executor equal sequential execution bit by bit: results, errors and panics by index, final state,
//! changed keys; and no transaction is run more often than it may be.
//!
//! Blocks of 1 to 60 transactions over 1 to 12 keys that read, ask, write, delete, merge within bounds and without, iterate both ways
//! and stop early, delete ranges, branch on what they read, panic, fail, dawdle, swallow errors and cancel.
//! 10,000 of them; `just blocks 1000000` for more, `SEED=n` to repeat a run.

mod blocks;

use blocks::cases::{count, run_cases, seed};
use blocks::executors::{Setting, check, check_on};
use blocks::program::{Note, digest};
use blocks::sequential::{Ended, Limited, Limits, State};
use blocks::strategy::{Case, Mischief, case, wide_case};
use engine::Store;
use proptest::collection::vec;
use proptest::strategy::Strategy;
use std::cell::RefCell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Blocks that one executor runs before the next is built.
const PER_EXECUTOR: u32 = 50;

/// How many blocks all tests of this file run together.
fn blocks() -> u32 {
    count("BLOCKS", 10_000)
}

/// Runs random blocks in groups of one executor each.
fn run_blocks(share: u32, cases: impl Strategy<Value = Case>, limits: Limits) {
    let seed = seed();
    let random = &mut fastrand::Rng::with_seed(seed);
    let watch = Watch::new(seed);
    for _ in 0..(blocks() / share).div_ceil(PER_EXECUTOR) {
        let setting = Setting::random(random);
        let executor = RefCell::new(setting.build());
        let context = format!("SEED={seed}, {setting:?}");
        run_cases(random, PER_EXECUTOR, &cases, context, |Case { base, programs }| {
            watch.step(setting);
            check(&mut executor.borrow_mut(), setting.max_runs, &base, &programs, limits);
        });
    }
}

/// Ends the process when a block does not end.
struct Watch {
    steps: &'static AtomicU64,
    setting: &'static Mutex<Option<Setting>>,
}

impl Watch {
    fn new(seed: u64) -> Self {
        let steps: &AtomicU64 = Box::leak(Box::default());
        let setting: &Mutex<Option<Setting>> = Box::leak(Box::default());
        thread::spawn(move || {
            let (mut last, mut since) = (0, Instant::now());
            loop {
                thread::sleep(Duration::from_secs(1));
                let now = steps.load(Ordering::Relaxed);
                if now == u64::MAX {
                    return;
                }
                if now != last {
                    (last, since) = (now, Instant::now());
                } else if since.elapsed() > Duration::from_secs(60) {
                    let setting = setting.lock().unwrap();
                    eprintln!("a block does not end: SEED={seed}, block {now}, {setting:?}");
                    std::process::abort();
                }
            }
        });
        Self { steps, setting }
    }

    fn step(&self, setting: Setting) {
        *self.setting.lock().unwrap() = Some(setting);
        self.steps.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.steps.store(u64::MAX, Ordering::Relaxed);
    }
}

#[test]
fn small_blocks_equal_sequential_execution() {
    run_blocks(2, case(1..=8, Mischief::All), Limits::default());
}

#[test]
fn blocks_of_up_to_sixty_transactions_equal_sequential_execution() {
    run_blocks(3, case(1..=60, Mischief::All), Limits::default());
}

#[test]
fn blocks_that_are_cancelled_equal_what_was_final_by_then() {
    run_blocks(10, case(1..=40, Mischief::Cancels), Limits::default());
}

#[test]
fn limited_blocks_stop_where_sequential_execution_does() {
    let after = |_: usize, ended: &Ended| match ended {
        Ended::Returned(notes) if notes.contains(&Note::Value(Some(vec![]))) => Limited::StopAfter,
        Ended::Returned(notes) if !notes.is_empty() && digest(notes).is_multiple_of(31) => {
            Limited::StopBefore
        }
        Ended::Panicked(digest) if digest.is_multiple_of(3) => Limited::StopBefore,
        Ended::Failed(_) => Limited::StopAfter,
        _ => Limited::Go,
    };
    run_blocks(15, case(1..=60, Mischief::All), Limits { range_delete: 2, after });
}

#[test]
fn blocks_of_long_transactions_over_many_keys_equal_sequential_execution() {
    run_blocks(30, wide_case(), Limits { range_delete: 50, ..Limits::default() });
}

#[test]
fn chains_of_blocks_over_one_store_equal_sequential_execution() {
    let seed = seed();
    let random = &mut fastrand::Rng::with_seed(seed);
    let watch = Watch::new(seed);
    for _ in 0..blocks() / 1_000 {
        let setting = Setting::random(random);
        let executor = RefCell::new(setting.build());
        let context = format!("SEED={seed}, {setting:?}");
        let chains = vec(case(1..=12, Mischief::All), 1..6);
        run_cases(random, 10, &chains, context, |chain| {
            watch.step(setting);
            let (store, mut state) = (Store::in_memory(), State::new());
            for Case { programs, .. } in chain {
                let executor = &mut executor.borrow_mut();
                let limits = Limits::default();
                state = check_on(executor, setting.max_runs, &store, &state, &programs, limits);
            }
        });
    }
}
