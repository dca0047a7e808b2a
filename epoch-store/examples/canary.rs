//! A program that is wrong on purpose, so that a sanitizer job can show that it sees.
//!
//! Silence from a sanitizer proves something only if the same build of the same job would have spoken. `ci/asan.sh` and
//! `ci/tsan.sh` run this program once for each fault that they must report, and once without any, which must be silent:
//!
//! | argument | what is wrong | reported as |
//! |---|---|---|
//! | `use-after-free` | a replaced node is freed at once; a pinned reader then looks at it | heap-use-after-free |
//! | `leak` | a replaced node is unlinked and never retired | memory leaks |
//! | `relaxed-publish` | a node is published without Release | data race |
//! | `changed-in-place` | a node is changed after it was published | data race |
//! | `unpinned-reader` | a reader looks at nodes without a pin | data race |
//! | `clean` | nothing: the same readers and writers as they should be | silence, exit 0 |
//!
//! The node goes through `crossbeam-epoch`, the reclaimer of the crate, so that a sanitizer that cannot see through it
//! would be noticed here. Never run a fault outside a sanitizer.

use crossbeam_epoch::{Atomic, Collector, Guard, LocalHandle, Owned, Shared, unprotected};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use std::thread;

/// Replacements a run makes. A leak checker looks for pointers conservatively, and one node may stay visible in a dead
/// stack slot; this many cannot.
const ROUNDS: u64 = 64;

/// What every round replaces.
struct Node {
    payload: [u64; 8],
}

impl Node {
    fn new(round: u64) -> Self {
        Node { payload: [round; 8] }
    }
}

/// What the writer does with a node that it has just unlinked.
type Dispose = fn(Shared<'_, Node>, &Guard);

fn free_at_once(node: Shared<'_, Node>, _: &Guard) {
    // SAFETY: none, and that is the point: a reader is still pinned and holds this node.
    drop(unsafe { node.into_owned() });
}

fn forget(_: Shared<'_, Node>, _: &Guard) {}

fn retire(node: Shared<'_, Node>, guard: &Guard) {
    // SAFETY: the node was unlinked by the caller's swap, so no later pin can reach it, and it is retired once.
    unsafe { guard.defer_destroy(node) };
}

/// One reader that is pinned before, and looks after, a writer on another thread has replaced the node.
fn round(collector: &Collector, reader: &LocalHandle, cell: &Atomic<Node>, n: u64, end: Dispose) {
    let pinned = reader.pin();
    let seen = cell.load(Acquire, &pinned);
    thread::scope(|scope| {
        scope.spawn(|| {
            let writer = collector.register();
            let guard = writer.pin();
            let old = cell.swap(Owned::new(Node::new(n + 1)), Release, &guard);
            end(old, &guard);
        });
    });
    // SAFETY: holds if the writer retired the node (`clean`) or lost it (`leak`); `use-after-free` breaks it.
    let node = unsafe { seen.deref() };
    assert_eq!(black_box(node).payload, [n; 8], "the canary read a value that nobody wrote");
}

/// Who does what wrong while a reader and a writer run at once.
#[derive(Clone, Copy, PartialEq)]
enum Race {
    RelaxedPublish,
    ChangedInPlace,
    UnpinnedReader,
    None,
}

/// A writer replaces the node over and over while a reader, on another thread, looks at whatever is there.
///
/// The writer goes on when the reader has seen its last node, so that they do meet on any machine; it hears of it by a
/// relaxed word, which orders nothing.
fn meet(collector: &Collector, race: Race) {
    let cell = Atomic::new(Node::new(0));
    let seen = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| look_until_the_last(&collector.register(), &cell, &seen, race));
        scope.spawn(|| {
            let writer = collector.register();
            for n in 1..=ROUNDS {
                replace(&writer, &cell, n, race);
                while seen.load(Relaxed) != n {
                    thread::yield_now();
                }
            }
        });
    });
    // SAFETY: both threads have ended.
    drop(unsafe { cell.into_owned() });
}

fn look_until_the_last(reader: &LocalHandle, cell: &Atomic<Node>, seen: &AtomicU64, race: Race) {
    while seen.load(Relaxed) != ROUNDS {
        let pinned = (race != Race::UnpinnedReader).then(|| reader.pin());
        // SAFETY: holds if there is a pin; `unpinned-reader` breaks it.
        let guard = pinned.as_ref().unwrap_or_else(|| unsafe { unprotected() });
        // SAFETY: the cell is never null, and the node is retired, not freed, as long as this thread is pinned.
        let node = unsafe { cell.load(Acquire, guard).deref() };
        seen.store(black_box(node).payload[0], Relaxed);
    }
}

fn replace(writer: &LocalHandle, cell: &Atomic<Node>, n: u64, race: Race) {
    let guard = writer.pin();
    if race == Race::ChangedInPlace {
        let node = cell.load(Acquire, &guard).as_raw().cast_mut();
        // SAFETY: none, and that is the point: a reader looks at this node.
        unsafe { black_box(node).write(Node::new(n)) };
        return;
    }
    let publish: Ordering = if race == Race::RelaxedPublish { Relaxed } else { Release };
    retire(cell.swap(Owned::new(Node::new(n)), publish, &guard), &guard);
    // Now, not when the thread ends: what nobody pins is to be freed while the reader still looks.
    guard.flush();
}

/// One reader and writer after the other, each time with the same end of the replaced node.
fn replace_in_turn(collector: &Collector, end: Dispose) {
    let reader = collector.register();
    let cell = Atomic::new(Node::new(0));
    for n in 0..ROUNDS {
        round(collector, &reader, &cell, n, end);
    }
    // SAFETY: every writer was joined and the reader holds no pin, so this thread is the only one left.
    drop(unsafe { cell.into_owned() });
}

fn main() -> ExitCode {
    let collector = Collector::new();
    match std::env::args().nth(1).as_deref() {
        Some("use-after-free") => replace_in_turn(&collector, free_at_once),
        Some("leak") => replace_in_turn(&collector, forget),
        Some("relaxed-publish") => meet(&collector, Race::RelaxedPublish),
        Some("changed-in-place") => meet(&collector, Race::ChangedInPlace),
        Some("unpinned-reader") => meet(&collector, Race::UnpinnedReader),
        Some("clean") => {
            replace_in_turn(&collector, retire);
            meet(&collector, Race::None);
        }
        _ => {
            eprintln!("usage: canary FAULT (see the table at the top of its source)");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
