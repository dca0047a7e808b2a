//! What the map does besides reading and writing: removal of dead keys, growth, release of snapshots.
//!
//! Each demonstration is one claim: it returns [`Line`]s, what was seen beside what was promised. All of it is about
//! our own map; rivals are measured by `side-by-side`.

mod growth;
mod history;
mod queue;
mod removal;
mod snapshots;

use std::fmt;
use std::time::Instant;

/// Tells how many bytes are allocated now.
pub type Allocated = fn() -> u64;

/// How large the demonstrations are.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Keys, pops, versions.
    pub keys: u64,
    /// Bytes allocated now.
    pub allocated: Allocated,
}

/// One thing that was measured.
#[derive(Debug, Clone)]
pub struct Line {
    /// What.
    pub what: String,
    /// How much of `unit`.
    pub seen: f64,
    /// The unit.
    pub unit: &'static str,
    /// The most that is allowed; `None`: for information.
    pub most: Option<f64>,
}

impl Line {
    fn of(what: impl Into<String>, seen: f64, unit: &'static str) -> Self {
        Self { what: what.into(), seen, unit, most: None }
    }

    fn at_most(mut self, most: f64) -> Self {
        self.most = Some(most);
        self
    }

    /// Whether it is more than allowed.
    pub fn is_short(&self) -> bool {
        self.most.is_some_and(|most| self.seen > most)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<78} {:>14.3} {:<8}", self.what, self.seen, self.unit)?;
        match self.most {
            Some(most) if self.is_short() => write!(f, " SHORT: at most {most}"),
            Some(most) => write!(f, " (at most {most})"),
            None => Ok(()),
        }
    }
}

/// A demonstration and its name.
pub type Demonstration = (&'static str, fn(Size) -> Vec<Line>);

/// All of them.
pub const ALL: &[Demonstration] = &[
    ("removal", removal::keys_that_come_and_go),
    ("emptied", removal::an_emptied_map),
    ("queue", queue::first_in_first_out),
    ("growth", growth::pauses_while_growing),
    ("release", snapshots::release_of_a_large_snapshot),
    ("registered", snapshots::commits_beside_many_snapshots),
    ("history", history::old_snapshot_and_hot_key),
];

/// Key `i`: eight bytes that do not come in order.
fn scattered(i: u64) -> [u8; 8] {
    i.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()
}

/// Nanoseconds that `work` takes.
fn nanos(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_nanos() as f64
}

/// The median of what `sample` returns.
fn median(times: usize, mut sample: impl FnMut() -> f64) -> f64 {
    let mut samples: Vec<f64> = (0..times).map(|_| sample()).collect();
    samples.sort_unstable_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// The 0.999 quantile and the maximum.
fn tail(samples: &mut [f64]) -> (f64, f64) {
    samples.sort_unstable_by(f64::total_cmp);
    let at = (samples.len() as f64 * 0.999) as usize;
    (samples[at.min(samples.len() - 1)], samples[samples.len() - 1])
}
