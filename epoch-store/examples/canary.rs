//! A program that is wrong on purpose, so that a sanitizer job can show that it sees.
//!
//! Silence from a sanitizer proves something only if the same build of the same job would have spoken. `ci/asan.sh`
//! runs this program three times under AddressSanitizer and fails unless the first two are reported and the third is not:
//!
//! | argument | what happens to a node that was replaced while a reader is pinned | expected |
//! |---|---|---|
//! | `use-after-free` | freed at once; the reader then looks at it | heap-use-after-free |
//! | `leak` | unlinked and never retired | memory leaks |
//! | `clean` | retired; freed after the reader has left | silence, exit 0 |
//!
//! The node goes through `crossbeam-epoch`, the reclaimer of the crate, so that a sanitizer that cannot see through it
//! would be noticed here. Never run the first two outside a sanitizer.

use crossbeam_epoch::{Atomic, Collector, Guard, LocalHandle, Owned, Shared};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::Ordering::{Acquire, Release};
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

fn main() -> ExitCode {
    let end: Dispose = match std::env::args().nth(1).as_deref() {
        Some("use-after-free") => free_at_once,
        Some("leak") => forget,
        Some("clean") => retire,
        _ => {
            eprintln!("usage: canary use-after-free | leak | clean");
            return ExitCode::from(2);
        }
    };

    let collector = Collector::new();
    let reader = collector.register();
    let cell = Atomic::new(Node::new(0));
    for n in 0..ROUNDS {
        round(&collector, &reader, &cell, n, end);
    }

    // SAFETY: every writer was joined and the reader holds no pin, so this thread is the only one left.
    drop(unsafe { cell.into_owned() });
    ExitCode::SUCCESS
}
