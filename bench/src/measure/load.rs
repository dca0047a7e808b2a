//! Bulk loads in commits of 1,000.

use std::time::Instant;

use super::plan::LOAD_BATCH;
use super::timing::Spent;
use super::{Cell, Findings, Plan, Streams};
use crate::contender::{Contender, View, Writer};
use crate::workload::{Stream, value};

/// A map loaded in random order, and what that took. In a fresh process: every page of the map is
/// touched for the first time, as it is in the program that loads its state at start-up.
pub fn random<C: Contender>(plan: &Plan, streams: &Streams) -> (C, Findings) {
    let map = C::empty();
    let spent = fill(&map, streams.loaded(), streams.sequence());
    let mut findings = Findings::default();
    let found = count(&map);
    findings.checked::<C>(Cell::LoadRandom, spent.nanos(), found, plan.keys as u64);
    (map, findings)
}

/// The same in ascending order.
pub fn sorted<C: Contender>(plan: &Plan, streams: &Streams) -> Findings {
    let order = streams.loaded().sorted();
    let map = C::empty();
    let spent = fill(&map, &order, streams.sequence());
    let mut findings = Findings::default();
    findings.checked::<C>(Cell::LoadSorted, spent.nanos(), count(&map), plan.keys as u64);
    findings
}

/// Commits all keys of `order`, in batches.
pub fn fill<C: Contender>(map: &C, order: &Stream, sequence: u64) -> Spent {
    let mut writer = map.writer();
    let mut walk = order.walk(0);
    let begin = Instant::now();
    let mut left = order.len();
    while left > 0 {
        let batch = left.min(LOAD_BATCH);
        writer.commit(walk.ops(batch, sequence));
        walk.advance(batch);
        left -= batch;
    }
    Spent { units: order.len() as u64, time: begin.elapsed() }
}

/// Entries a scan finds with the right value.
fn count<C: Contender>(map: &C) -> u64 {
    let mut good = 0;
    map.view().scan(|key, held| good += u64::from(value::belongs(key, held)));
    good
}
