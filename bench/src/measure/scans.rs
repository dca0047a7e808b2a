//! Full scans in both directions, and ranges, with nobody writing.

use super::plan::RANGE_LEN;
use super::timing::{Spent, repeat};
use super::{Bed, Cell, Findings, Streams};
use crate::contender::{Contender, View};
use crate::workload::value;

/// Measures all three.
pub fn scans<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    let view = bed.map.view();

    let (spent, good) = passes(bed, &view, Direction::Forward);
    findings.checked::<C>(Cell::Scan, spent.nanos(), good, spent.units);
    let (spent, good) = passes(bed, &view, Direction::Backward);
    findings.checked::<C>(Cell::ScanBack, spent.nanos(), good, spent.units);
    ranges(bed, &view, &mut findings);
    findings
}

#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Backward,
}

/// Repeats a pass over all entries. Returns the entries there must have been, with the time, and
/// those that came with their own value.
fn passes<C: Contender>(
    bed: &Bed<'_, C>,
    view: &C::View<'_>,
    direction: Direction,
) -> (Spent, u64) {
    let mut good = 0;
    let spent = repeat(bed.plan.cell, || {
        let see = |key: &[u8], held: &[u8]| good += u64::from(value::belongs(key, held));
        match direction {
            Direction::Forward => view.scan(see),
            Direction::Backward => view.scan_back(see),
        }
        bed.plan.keys as u64
    });
    (spent, good)
}

fn ranges<C: Contender>(bed: &Bed<'_, C>, view: &C::View<'_>, findings: &mut Findings) {
    let last_full = last_full_start(bed.streams);
    let mut walk = bed.streams.walk(bed.streams.uniform());
    let mut good = 0;
    let spent = repeat(bed.plan.cell, || {
        for _ in 0..4 {
            let from = walk.step();
            let mut entries = 0;
            let mut starts_right = false;
            view.range(from, RANGE_LEN, |key, held| {
                starts_right |= entries == 0 && key == from;
                entries += usize::from(value::belongs(key, held));
            });
            let complete = entries == RANGE_LEN || from > last_full;
            good += u64::from(starts_right && complete);
        }
        4
    });
    findings.checked::<C>(Cell::Range, spent.micros(), good, spent.units);
}

/// The last key from which a whole range can be read; ranges from later keys end early.
fn last_full_start(streams: &Streams) -> &[u8] {
    let loaded = streams.loaded();
    let mut keys: Vec<&[u8]> = (0..loaded.len()).map(|index| loaded.key(index)).collect();
    let rank = keys.len().saturating_sub(RANGE_LEN);
    let (_, key, _) = keys.select_nth_unstable(rank);
    key
}
