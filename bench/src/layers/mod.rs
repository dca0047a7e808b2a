//! Layers of uncommitted writes: ours beside a cache of the kind that chains use.
//!
//! Both stand behind [`Stack`], so that every row runs the same code over both. Within a round a row is measured for one and
//! at once for the other, in turns of who is first: a slow moment of the machine hits both.

mod cache;
mod ours;
mod rows;

pub use cache::Cache;
pub use ours::Ours;
pub use rows::{ROWS, Row};

use crate::measure::timing::median;
use std::fmt;

/// A layer, and those below it.
pub trait Stack: Sized + Clone {
    /// The lowest layer, over a store that holds `entries`.
    fn over(entries: &[Entry]) -> Self;

    /// An empty layer on top.
    fn child(&self) -> Self;

    /// Writes one key.
    fn put(&self, key: &[u8], value: &[u8]);

    /// The length of the value that the layer shows.
    fn get(&self, key: &[u8]) -> Option<usize>;

    /// Opens an iterator over everything, and takes its first `entries`. Returns how many there were.
    fn first(&self, entries: usize) -> usize;

    /// Moves what was written one level down.
    fn flush(&self);
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Key `i`: 16 bytes that do not come in order.
fn key(i: u64) -> Vec<u8> {
    let scattered = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    [scattered.to_be_bytes(), i.to_be_bytes()].concat()
}

/// The samples of a row for one of the two.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        let Some(middle) = median(&mut sorted) else { return f.pad("-") };
        let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
        f.pad(&format!("{middle:.0} ({least:.0}..{most:.0})"))
    }
}

impl Samples {
    fn median(&self) -> f64 {
        median(&mut self.0.clone()).unwrap_or(f64::NAN)
    }
}

/// A row for both.
#[derive(Debug, Clone)]
pub struct Measured {
    /// What was measured, in which unit.
    pub row: &'static Row,
    /// For our overlays.
    pub ours: Samples,
    /// For the cache.
    pub cache: Samples,
}

impl Measured {
    /// How many times as long the cache takes.
    pub fn ratio(&self) -> f64 {
        self.cache.median() / self.ours.median()
    }

    /// How many times as long this row takes as another one, for ours and for the cache.
    pub fn over(&self, other: &Self) -> (f64, f64) {
        (self.ours.median() / other.ours.median(), self.cache.median() / other.cache.median())
    }
}

/// Measures the rows whose group is wanted, `rounds` times each.
pub fn measure(rounds: usize, is_wanted: impl Fn(&str) -> bool) -> Vec<Measured> {
    let rows = ROWS.iter().filter(|row| is_wanted(row.group));
    let new = |row| Measured { row, ours: Samples::default(), cache: Samples::default() };
    let mut all: Vec<_> = rows.map(new).collect();
    for round in 0..rounds {
        for Measured { row, ours, cache } in &mut all {
            if round % 2 == 0 {
                ours.0.push((row.of_ours)());
                cache.0.push((row.of_cache)());
            } else {
                cache.0.push((row.of_cache)());
                ours.0.push((row.of_ours)());
            }
        }
    }
    all
}
