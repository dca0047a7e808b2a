//! The clock of one thread: how many operations it did, and how long single ones took.
//!
//! A look at the clock costs as much as a fast get. So of a group of operations only the first is timed by itself, at the
//! cost of one more look a group: a sample of fixed size, and blind to what the operations do.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Longest operation the histogram takes, in nanoseconds; longer ones count as this.
const LONGEST: u64 = 60_000_000_000;

/// What one thread, or several together, have done.
pub struct Timed {
    /// Operations.
    pub operations: u64,
    /// From the first one's begin to the last one's end: of several threads, of whichever began or ended it.
    window: Option<(Instant, Instant)>,
    /// Nanoseconds of the operations that were timed by themselves.
    pub latency: Histogram<u64>,
}

impl Timed {
    /// Nothing yet.
    pub fn none() -> Timed {
        let latency = Histogram::new_with_max(LONGEST, 3).expect("these bounds are valid");
        Timed { operations: 0, window: None, latency }
    }

    /// Adds what another thread did at the same time.
    pub fn beside(mut self, other: &Timed) -> Timed {
        self.operations += other.operations;
        self.window = match (self.window, other.window) {
            (Some(own), Some(other)) => Some((own.0.min(other.0), own.1.max(other.1))),
            (own, other) => own.or(other),
        };
        self.latency.add(&other.latency).expect("both have the same bounds");
        self
    }

    /// Operations a second, of all threads, by the clock on the wall: where threads outnumber cores, some begin when others have
    /// ended, and their own rates would add up to more than there was.
    pub fn rate(&self) -> f64 {
        let spent = self.window.map_or(Duration::ZERO, |(begin, end)| end - begin);
        self.operations as f64 / spent.as_secs_f64().max(1e-9)
    }
}

/// Runs `operation` in groups of `group`, at least one group, for as long as `goes_on`, which is asked after each group with
/// the time since the beginning.
#[inline]
pub fn time(group: u32, goes_on: impl Fn(Duration) -> bool, mut operation: impl FnMut()) -> Timed {
    let mut timed = Timed::none();
    let begin = Instant::now();
    let mut clock = begin;
    loop {
        operation();
        let one = clock.elapsed();
        timed.latency.saturating_record((one.as_nanos() as u64).max(1));
        for _ in 1..group {
            operation();
        }
        timed.operations += u64::from(group);
        clock = Instant::now();
        let since = clock - begin;
        if !goes_on(since) {
            timed.window = Some((begin, clock));
            return timed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_counts_and_one_of_a_group_is_timed() {
        let mut done = 0;
        let timed = time(8, |since| since < Duration::from_millis(3), || done += 1);
        assert_eq!(timed.operations, done);
        assert_eq!(timed.latency.len(), done / 8);
        assert!(timed.rate() > 0.0);
    }

    #[test]
    fn threads_add_up_and_do_not_count_time_twice() {
        let one = || time(2, |since| since < Duration::from_millis(2), || ());
        let (first, second) = (one(), one());
        let slower = first.rate().min(second.rate());
        let faster = first.rate().max(second.rate());
        let (operations, timed) =
            (first.operations + second.operations, first.latency.len() + second.latency.len());
        let both = first.beside(&second);
        assert_eq!((both.operations, both.latency.len()), (operations, timed));
        // One after the other: together they are no faster than each.
        assert!(both.rate() <= 1.01 * faster && both.rate() > 0.1 * slower, "{}", both.rate());
    }
}
