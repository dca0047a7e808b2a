//! Opening an iterator right after a write, over few keys and over many: engines that sort, copy
//! or merge what was just written do it here.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::load::fill;
use super::timing::median;
use super::{Bed, Cell, Findings};
use crate::contender::{Contender, View, Writer};
use crate::workload::{Stream, value};

/// Iterators opened at least, however short the time.
const LEAST: usize = 16;

/// Measures both sizes, each on a map of its own, and what the first iterator after the writes
/// costs.
pub fn iterators<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    let (few, many) = bed.plan.iterator_sizes();
    let (few, _) = open::<C>(bed, few);
    let (many, first) = open::<C>(bed, many);
    findings.figure(Cell::OpenFew, few);
    findings.figure(Cell::OpenMany, many);
    findings.figure(Cell::OpenGrowth, many / few);
    findings.figure(Cell::OpenFirst, first);
    findings
}

/// Microseconds to open an iterator over `keys` keys, each time after one of them was written
/// (median), and for the very first time.
fn open<C: Contender>(bed: &Bed<'_, C>, keys: usize) -> (f64, f64) {
    let stream = Stream::of(bed.plan.case, 0..keys as u64);
    let lowest = (0..keys).map(|index| stream.key(index)).min().expect("a plan has keys");
    let map = C::empty();
    fill(&map, &stream, bed.streams.sequence());

    let sequence = bed.streams.sequence();
    let mut walk = bed.streams.walk(&stream);
    let mut times = vec![open_once(&map, lowest)];
    let begin = Instant::now();
    while times.len() < LEAST || begin.elapsed() < bed.plan.cell {
        let key = walk.step();
        map.writer().put(key, &value::make(key, sequence + times.len() as u64));
        times.push(open_once(&map, lowest));
    }
    let first = times[0];
    (median(&mut times).expect("there are times"), first)
}

/// Microseconds from nothing to the first entry: a view, an iterator over all, one step.
fn open_once<C: Contender>(map: &C, lowest: &[u8]) -> f64 {
    let begin = Instant::now();
    let mut right = false;
    map.view().range(black_box(lowest), 1, |key, held| {
        right = key == lowest && value::belongs(key, held);
    });
    let time: Duration = begin.elapsed();
    assert!(right, "an iterator over all keys begins with the lowest");
    time.as_nanos() as f64 / 1e3
}
