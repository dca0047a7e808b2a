//! Work that a transaction does besides reading and writing: computation that cannot be left out, in rounds of a known cost.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How fast this machine computes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    rounds_per_nano: f64,
}

impl Pace {
    /// Measures it: the fastest of some samples, since a neighbour can only make a sample slower. Takes 30 ms.
    pub fn measure() -> Pace {
        const ROUNDS: u32 = 500_000;
        let mut fastest = Duration::MAX;
        for _ in 0..30 {
            let begin = Instant::now();
            black_box(compute(black_box(1), ROUNDS));
            fastest = fastest.min(begin.elapsed());
        }
        Pace { rounds_per_nano: f64::from(ROUNDS) / fastest.as_nanos().max(1) as f64 }
    }

    /// A pace by which `micros` are `rounds`: for tests, which do not care for time.
    pub fn fixed(rounds_per_micro: f64) -> Pace {
        Pace { rounds_per_nano: rounds_per_micro / 1e3 }
    }

    /// Rounds of so much time.
    pub fn rounds(self, nanos: f64) -> u32 {
        (nanos * self.rounds_per_nano) as u32
    }
}

/// A number that nobody knows without having computed `rounds` rounds, one after the other.
#[inline(never)]
pub fn compute(seed: u64, rounds: u32) -> u64 {
    let mut word = seed | 1;
    for _ in 0..rounds {
        // A step depends on the one before: several cannot run at once.
        word = black_box((word ^ (word >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9));
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_about_what_was_asked() {
        let pace = Pace::measure();
        let fastest = (0..20).map(|seed| {
            let begin = Instant::now();
            black_box(compute(seed, pace.rounds(100_000.0)));
            begin.elapsed().as_micros()
        });
        let fastest = fastest.min().unwrap();
        // A machine that turns slow in between is not what is tested.
        assert!((20..5_000).contains(&fastest), "{fastest} us for 100");
    }
}
