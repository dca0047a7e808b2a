//! Clocks: an operation repeated for a fixed time, on one thread, on several, and beside another.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Time after which a thread beside others ends, though they have not: behind an unfair lock it can keep them waiting for
/// minutes, which has been shown by then.
pub const STARVED: Duration = Duration::from_secs(5);

/// Work done and the time it took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// Units of work: operations, entries, keys.
    pub units: u64,
    /// Wall time.
    pub time: Duration,
}

impl Spent {
    /// Nanoseconds a unit.
    pub fn nanos(self) -> f64 {
        self.time.as_nanos() as f64 / self.units.max(1) as f64
    }

    /// Microseconds a unit.
    pub fn micros(self) -> f64 {
        self.nanos() / 1e3
    }

    /// Millions of units a second.
    pub fn mops(self) -> f64 {
        self.units as f64 / self.time.as_secs_f64().max(1e-9) / 1e6
    }

    /// Adds work done by the same thread at another time.
    pub fn then(self, later: Spent) -> Spent {
        Spent { units: self.units + later.units, time: self.time + later.time }
    }
}

/// Runs `step`, which returns the units it did, until `limit` is over or it has none left to do;
/// at least once.
///
/// The clock is read after every step: a step should take a microsecond or more.
#[inline]
pub fn repeat(limit: Duration, mut step: impl FnMut() -> u64) -> Spent {
    let begin = Instant::now();
    let mut units = 0;
    loop {
        let done = step();
        units += done;
        let time = begin.elapsed();
        if time >= limit || done == 0 {
            return Spent { units, time };
        }
    }
}

/// Lets `threads` threads begin `work` at the same time, each under its number, and returns what
/// each of them returned.
pub fn together<R: Send>(threads: usize, work: impl Fn(usize, &Barrier) -> R + Sync) -> Vec<R> {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let (start, work) = (&start, &work);
        let running: Vec<_> =
            (0..threads).map(|number| scope.spawn(move || work(number, start))).collect();
        running.into_iter().map(|thread| thread.join().expect("a measured thread died")).collect()
    })
}

/// Millions of units a second of threads that ran [`together`].
pub fn total_mops(spent: &[Spent]) -> f64 {
    spent.iter().map(|one| one.mops()).sum()
}

/// Runs `front` on this thread while another thread goes on with `behind`, from before `front`
/// begins until after it ends. Returns what `front` returned, and what the other spent.
///
/// `behind` gets its tools ready and then calls [`Turns::take`].
pub fn beside<R>(
    behind: impl FnOnce(&Turns<'_>) -> Spent + Send,
    front: impl FnOnce() -> R,
) -> (R, Spent) {
    let start = Barrier::new(2);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let turns = Turns { start: &start, stop: &stop };
        let other = scope.spawn(move || behind(&turns));
        start.wait();
        let done = StopOnDrop(&stop);
        let result = front();
        drop(done);
        (result, other.join().expect("the thread beside died"))
    })
}

/// What the thread beside takes its turns from.
pub struct Turns<'a> {
    start: &'a Barrier,
    stop: &'a AtomicBool,
}

impl Turns<'_> {
    /// Waits for the front to begin, then repeats `step`, which returns the units it did, until
    /// the front has ended, or for [`STARVED`].
    pub fn take(&self, mut step: impl FnMut() -> u64) -> Spent {
        self.start.wait();
        let begin = Instant::now();
        let (mut units, mut steps) = (0, 0_u64);
        // Relaxed: the flag carries nothing but itself.
        while !self.stop.load(Ordering::Relaxed) {
            units += step();
            steps += 1;
            // Seldom enough that the clock costs nothing.
            if steps.is_multiple_of(1_024) && begin.elapsed() > STARVED {
                break;
            }
        }
        Spent { units, time: begin.elapsed() }
    }
}

/// Stops the other thread also when the front panics: the scope would wait for it for ever.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The median of `samples`, which it sorts; `None` of none.
pub fn median(samples: &mut [f64]) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    match samples.len() {
        0 => None,
        len if len % 2 == 1 => Some(samples[middle]),
        _ => Some((samples[middle - 1] + samples[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeating_stops_after_the_limit() {
        let spent = repeat(Duration::from_millis(5), || {
            thread::sleep(Duration::from_millis(1));
            2
        });
        assert!(spent.time >= Duration::from_millis(5));
        assert!(spent.units >= 2 && spent.units <= 10);
    }

    #[test]
    fn the_thread_beside_stops_with_the_front() {
        let ((), spent) =
            beside(|turns| turns.take(|| 1), || thread::sleep(Duration::from_millis(5)));
        assert!(spent.units > 0 && spent.time >= Duration::from_millis(5));
    }

    #[test]
    fn medians() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0]), Some(2.5));
    }
}
