//! Every answer that threads get from one map fits one order of commits, and real time.
//!
//! Threads put, delete, commit batches, hold snapshots of random lives, look up and scan; all of it is written down and
//! checked afterwards (see `history/check.rs` for what is checked). `HISTORY_OPS` sets how many operations, in windows
//! of bounded memory; `HISTORY_SEED` repeats a run.

// A file of the same name stands beside this one, so the path must be said.
#[path = "history/mod.rs"]
mod history;

use epoch_store::Map;
use history::check::{Kind, Report, check};
use history::record::{Shape, run};
use history::{History, Origin, Read, faults};
use std::time::{Duration, Instant};

/// Operations per window.
const WINDOW: usize = 30_000;
/// What the default must do within, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(15);

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.replace('_', "").parse().expect("a number"))
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits"))
        .collect();
    groups.join("_")
}

fn assert_correct(report: &Report, shape: &Shape) {
    let first: Vec<_> = report.violations.iter().take(5).collect();
    let count = report.violations.len();
    assert!(count == 0, "{count} violations in {shape:?}; the first: {first:#?}");
}

#[test]
fn many_threads_see_one_order() {
    let wanted = from_environment("HISTORY_OPS");
    let target = wanted.unwrap_or(300_000) as usize;
    let seed = from_environment("HISTORY_SEED").unwrap_or_else(|| fastrand::u64(..1 << 40));
    println!("history: seed {seed}");
    let begin = Instant::now();
    let (mut operations, mut rows, mut commits) = (0, 0, 0);
    for window in 0_usize.. {
        if operations >= target || (wanted.is_none() && begin.elapsed() > PATIENCE) {
            break;
        }
        // Hot keys, a map that fits some leaves, a map that grows all the time.
        let keys = [48, 1_000, 20_000][window % 3];
        let threads = 2 + window % 3;
        let full_scan_every = [4, 40, 400][window % 3];
        let calls = WINDOW / 2 / threads;
        let mut shape = Shape { threads, calls, keys, full_scan_every, seed: seed + window as u64 };
        // Two runs on one map: the second finds it as the first has left it.
        let map = Map::new();
        let mut origin = Origin::default();
        for half in 0..2 {
            shape.seed = shape.seed.wrapping_add(half << 42);
            let history = run(&map, shape, origin);
            let report = check(&history);
            assert_correct(&report, &shape);
            assert_eq!(report.end.version, map.version().get(), "the last commit is the newest");
            operations += report.operations;
            rows += report.rows;
            commits += history.commits.len();
            origin = report.end;
        }
        assert_eq!(map.stats().live_keys, origin.live.len() as u64, "live keys after {shape:?}");
        assert_eq!(map.stats().commits, origin.version, "commits after {shape:?}");
    }
    println!(
        "history: {} operations checked ({} commits, {} rows) in {:.1?}",
        thousands(operations),
        thousands(commits),
        thousands(rows),
        begin.elapsed()
    );
    assert!(operations >= 50_000, "the machine is too slow for this to mean anything");
}

#[test]
fn backward_scans_over_many_leaves_are_complete() {
    let map = Map::new();
    for i in 0..200 {
        map.put(format!("account/{i:06}"), b"").unwrap();
    }
    let snapshot = map.snapshot();
    for from in 0..200_usize {
        for to in from..200 {
            let keys = format!("account/{from:06}")..format!("account/{to:06}");
            assert_eq!(snapshot.range(keys).rev().count(), to - from, "{from}..{to}");
        }
    }
}

/// A correct history, dense enough to have a place for every fault.
fn sample(seed: u64) -> History {
    let shape = Shape { threads: 3, calls: 1_500, keys: 48, full_scan_every: 4, seed };
    let history = run(&Map::new(), shape, Origin::default());
    assert_correct(&check(&history), &shape);
    history
}

/// Seeds one kind of fault at several places in several histories: the checker must name it each time.
fn flags(kind: Kind) {
    let mut seeded = 0;
    for seed in 0..3 {
        let correct = sample(seed);
        for place in 0..5 {
            let mut history = correct.clone();
            let mut rng = fastrand::Rng::with_seed(seed * 100 + place);
            if faults::seed(&mut history, kind, &mut rng) {
                let report = check(&history);
                assert!(report.kinds().contains(&kind), "{kind:?} taken for {:?}", report.kinds());
                seeded += 1;
            }
        }
    }
    assert!(seeded >= 10, "{kind:?} found too few places: {seeded}");
}

macro_rules! flags {
    ($($test:ident: $kind:ident),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                flags(Kind::$kind);
            }
        )+

        #[test]
        fn every_kind_of_fault_has_a_test() {
            assert_eq!(faults::ALL.to_vec(), { let mut all = vec![$(Kind::$kind),+]; all.sort(); all });
        }
    };
}

flags! {
    a_duplicate_version_is_flagged: DuplicateVersion,
    a_missing_version_is_flagged: MissingVersion,
    commits_against_real_time_are_flagged: CommitOrder,
    a_stale_snapshot_is_flagged: StaleSnapshot,
    a_snapshot_of_the_future_is_flagged: FutureSnapshot,
    a_stale_read_is_flagged: StaleRead,
    a_torn_batch_is_flagged: TornBatch,
    a_lost_update_is_flagged: LostUpdate,
    a_read_of_the_future_is_flagged: FutureRead,
    a_lost_key_in_a_scan_is_flagged: ScanLostKey,
    an_extra_key_in_a_scan_is_flagged: ScanExtraKey,
    a_scan_out_of_order_is_flagged: ScanOrder,
}

#[test]
fn a_value_that_nobody_wrote_is_flagged() {
    let mut history = sample(9);
    let get = history.views.iter_mut().flat_map(|view| &mut view.reads);
    for read in get.take(50) {
        if let Read::Get { found: Some(id), .. } = read {
            *id = history::UNREADABLE;
        }
    }
    assert_eq!(check(&history).kinds(), [Kind::UnknownValue]);
}
