//! How long a cache line takes from one core to another.
//!
//! A virtual machine's cores may be neighbours on the chip at one moment and far apart at the next. What threads do to the same
//! line then costs twice as much, and nothing else shows it.

use std::hint::spin_loop;
use std::iter;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

/// Hand-overs of a probe, and the pause before it.
const TURNS: u64 = 5_000;
const PAUSE: Duration = Duration::from_millis(40);
/// No probe begins later than this: the user waits.
const LIMIT: Duration = Duration::from_millis(800);
/// Looks at the line before others are let on the core.
const LOOKS: u32 = 1_000;

/// Nanoseconds that a line takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transfer {
    /// In the fastest probe.
    pub least: f64,
    /// In the slowest one.
    pub most: f64,
}

impl Transfer {
    /// Measures it, on a machine with cores for two threads; takes less than a second.
    pub fn probe() -> Option<Transfer> {
        if thread::available_parallelism().map_or(1, usize::from) < 2 {
            return None;
        }
        let began = Instant::now();
        let probes = iter::from_fn(|| {
            (began.elapsed() < LIMIT).then(|| {
                thread::sleep(PAUSE);
                hand_over()
            })
        });
        let start = Transfer { least: f64::INFINITY, most: 0.0 };
        Some(probes.fold(start, |seen, ns| Transfer {
            least: seen.least.min(ns),
            most: seen.most.max(ns),
        }))
    }
}

/// Two threads count in turns.
fn hand_over() -> f64 {
    let line = CachePadded::new(AtomicU64::new(0));
    // Relaxed: nothing but the number is handed over.
    let step = |turn| {
        let mut looks = 0;
        while line.load(Ordering::Relaxed) != turn {
            looks += 1;
            // Both may be on one core, where others are busy too.
            if looks % LOOKS == 0 { thread::yield_now() } else { spin_loop() }
        }
        line.store(turn + 1, Ordering::Relaxed);
    };
    let began = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| (0..TURNS).map(|turn| 2 * turn + 1).for_each(step));
        (0..TURNS).map(|turn| 2 * turn).for_each(step);
    });
    began.elapsed().as_nanos() as f64 / (2 * TURNS) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_some_time() {
        let Some(Transfer { least, most }) = Transfer::probe() else { return };
        assert!(1.0 < least && least <= most && most < 1e7, "{least}..{most}");
    }
}
