//! How long a cache line takes from one core to another.
//!
//! The cores of a virtual machine may be neighbours on the chip, or far apart, and be moved. What two threads write to then costs
//! more or less, for everyone, and nothing else shows it.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

/// Chunks that a probe wants, and how long it waits for them.
const WANTED: usize = 400;
const LONGEST: Duration = Duration::from_millis(400);
/// A line that takes longer was not handed from core to core: both threads are on one, as they may be to begin with.
const TOO_LONG: f64 = 5_000.0;
/// Hand-overs between two looks at the clock.
const CHUNK: u64 = 100;
/// Looks at the line before others are let on the core.
const LOOKS: u32 = 1_000;
/// Tells the other thread to end.
const OVER: u64 = u64::MAX;

/// The median, in nanoseconds; nothing on a machine with one core, or so busy that two threads never ran at once.
pub fn line_transfer() -> Option<f64> {
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        return None;
    }
    // Relaxed throughout: nothing but the number is handed over.
    let line = CachePadded::new(AtomicU64::new(0));
    let mut chunks = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = 1;
            while wait(&line, turn) != OVER {
                line.store(turn + 1, Ordering::Relaxed);
                turn += 2;
            }
        });
        let (began, mut turn) = (Instant::now(), 0);
        while chunks.len() < WANTED && began.elapsed() < LONGEST {
            let chunk = Instant::now();
            for _ in 0..CHUNK {
                line.store(turn + 1, Ordering::Relaxed);
                turn += 2;
                wait(&line, turn);
            }
            let ns = chunk.elapsed().as_nanos() as f64 / (2 * CHUNK) as f64;
            if ns < TOO_LONG {
                chunks.push(ns);
            }
        }
        line.store(OVER, Ordering::Relaxed);
    });
    chunks.sort_unstable_by(f64::total_cmp);
    chunks.get(chunks.len() / 2).copied()
}

/// Looks until it is the turn, or all is over.
fn wait(line: &AtomicU64, turn: u64) -> u64 {
    let mut looks = 0;
    loop {
        let seen = line.load(Ordering::Relaxed);
        if seen == turn || seen == OVER {
            return seen;
        }
        looks += 1;
        if looks % LOOKS == 0 { thread::yield_now() } else { spin_loop() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_some_time() {
        let Some(ns) = line_transfer() else { return };
        assert!(1.0 < ns && ns < TOO_LONG, "{ns}");
    }
}
