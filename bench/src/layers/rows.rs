//! What is measured: each row builds what it needs, and returns nanoseconds of one operation.

use super::{Cache, Ours, Stack, key};
use std::hint::black_box;
use std::time::Instant;

/// A row, for each of the two.
#[derive(Debug)]
pub struct Row {
    /// By which it is chosen.
    pub group: &'static str,
    /// What one operation is.
    pub what: &'static str,
    /// One sample of ours, in nanoseconds.
    pub of_ours: fn() -> f64,
    /// One of the cache.
    pub of_cache: fn() -> f64,
}

/// Keys in the store below, and in a layer to which something was written.
const BASE: u64 = 10_000;
const VALUE: [u8; 32] = [7; 32];

macro_rules! row {
    ($group:literal, $what:literal, $sample:ident($($argument:expr),*)) => {
        Row {
            group: $group,
            what: $what,
            of_ours: || $sample::<Ours>($($argument),*),
            of_cache: || $sample::<Cache>($($argument),*),
        }
    };
}

/// All of them.
pub const ROWS: &[Row] = &[
    row!("open", "iterator opened, first entry, over 1,000 uncommitted keys", open(1_000)),
    row!("open", "iterator opened, first entry, over 100,000", open(100_000)),
    row!("get", "get through 1 layer, empty", get(1, false)),
    row!("get", "get through 2 layers, empty", get(2, false)),
    row!("get", "get through 16 layers, empty", get(16, false)),
    row!("get", "get through 1,024 layers, empty", get(1_024, false)),
    row!("get", "get through 1 layer, written to", get(1, true)),
    row!("get", "get through 2 layers, written to", get(2, true)),
    row!("get", "get through 16 layers, written to", get(16, true)),
    row!("get", "get through 1,024 layers, written to", get(1_024, true)),
    row!("get", "get at the top of 1,024 empty layers, after a write to the lowest", get_late()),
    row!("flush", "flush of 10,000 entries to the store, an entry", flush(0)),
    row!("flush", "flush of 10,000 entries onto a layer, an entry", flush(1)),
    row!("frame", "an empty frame: made and dropped", frame(false)),
    row!("frame", "a frame with one write: made, flushed, dropped", frame(true)),
];

/// The time of one of `times` calls.
fn each(times: u64, mut work: impl FnMut(u64)) -> f64 {
    let begin = Instant::now();
    (0..times).for_each(&mut work);
    begin.elapsed().as_nanos() as f64 / times as f64
}

fn base<S: Stack>() -> S {
    S::over(&(0..BASE).map(|i| (key(i), VALUE.to_vec())).collect::<Vec<_>>())
}

/// Each time after a write: who keeps a sorted copy has to renew it.
fn open<S: Stack>(keys: u64) -> f64 {
    let layer = S::over(&[]);
    (0..keys).for_each(|i| layer.put(&key(i), &VALUE));
    let times = if keys > 10_000 { 16 } else { 256 };
    let mut spent = 0.0;
    for i in 0..times {
        layer.put(&key(i * 31 % keys), &VALUE);
        spent += each(1, |_| assert_eq!(layer.first(1), 1, "there are keys"));
    }
    spent / times as f64
}

/// A stack of so many layers, each with a key of its own if it is written to before the next is made.
fn stack<S: Stack>(layers: u64, is_written: bool) -> Vec<S> {
    let mut stack: Vec<S> = vec![base()];
    for depth in 1..=layers {
        if is_written {
            stack[depth as usize - 1].put(&key(BASE + depth), &VALUE);
        }
        stack.push(stack[depth as usize - 1].child());
    }
    // The last is only there so that all others look alike.
    stack.pop();
    stack
}

/// Keys of the store below, read at the top.
fn get_at_top<S: Stack>(stack: &[S]) -> f64 {
    let top = stack.last().expect("there is a layer");
    let times = if stack.len() > 100 { 500 } else { 5_000 };
    each(times, |i| {
        let found = top.get(black_box(&key(i * 7 % BASE)));
        assert_eq!(found, Some(VALUE.len()), "it is in the store");
    })
}

fn get<S: Stack>(layers: u64, is_written: bool) -> f64 {
    get_at_top(&stack::<S>(layers, is_written))
}

fn get_late<S: Stack>() -> f64 {
    let stack = stack::<S>(1_024, false);
    stack[0].put(&key(BASE), &VALUE);
    get_at_top(&stack)
}

fn flush<S: Stack>(depth: usize) -> f64 {
    const ENTRIES: u64 = 10_000;
    let stack = stack::<S>(depth as u64 + 1, false);
    let layer = &stack[depth];
    (0..ENTRIES).for_each(|i| layer.put(&key(BASE / 2 + i), &VALUE));
    each(1, |_| layer.flush()) / ENTRIES as f64
}

fn frame<S: Stack>(is_written: bool) -> f64 {
    let block: S = base();
    block.put(&key(BASE), &VALUE);
    each(2_000, |i| {
        let frame = black_box(block.child());
        if is_written {
            frame.put(&key(BASE + i), &VALUE);
            frame.flush();
        }
    })
}
