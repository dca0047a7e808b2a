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
    /// Operations a second, of all threads.
    pub rate: f64,
    /// Nanoseconds of the operations that were timed by themselves.
    pub latency: Histogram<u64>,
}

impl Timed {
    /// Nothing yet.
    pub fn none() -> Timed {
        let latency = Histogram::new_with_max(LONGEST, 3).expect("these bounds are valid");
        Timed { operations: 0, rate: 0.0, latency }
    }

    /// Adds what another thread did at the same time.
    pub fn beside(mut self, other: &Timed) -> Timed {
        self.operations += other.operations;
        self.rate += other.rate;
        self.latency.add(&other.latency).expect("both have the same bounds");
        self
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
            timed.rate = timed.operations as f64 / since.as_secs_f64().max(1e-9);
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
        assert!(timed.rate > 0.0);
    }

    #[test]
    fn threads_add_up() {
        let one = || time(2, |_| false, || ());
        let both = one().beside(&one());
        assert_eq!((both.operations, both.latency.len()), (4, 2));
    }
}
