//! A full scan beside one overwriting writer: what each costs the other, and whether the scan saw
//! one state.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::timing::{Spent, Turns, beside, repeat};
use super::{Bed, Cell, Findings};
use crate::contender::{Contender, Snapshots, View, Writer};
use crate::workload::{Walk, value};

/// Writes between two looks at the clock.
const STEP: u64 = 16;

/// Measures scan and writer, each alone and both together; nothing where only one thread may use
/// the map.
pub fn beside_writer<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    let Some(map) = bed.map.shared() else { return findings };

    let (spent, good) = scan_repeatedly(bed, map);
    findings.checked::<C>(Cell::BesideScanAlone, spent.nanos(), good, spent.units);

    let begun = AtomicU64::new(0);
    let alone = overwriter(bed, map, &begun).with_limit(bed.plan.cell);
    findings.figure(Cell::BesideWriterAlone, alone.mops());

    let overwrites = overwriter(bed, map, &begun);
    let ((spent, good), writer) =
        beside(|turns| overwrites.beside(turns), || scan_repeatedly(bed, map));
    // Without snapshots a scan may only promise keys, but keys are not added here.
    findings.checked::<C>(Cell::BesideScan, spent.nanos(), good, spent.units);
    findings.figure(Cell::BesideWriter, writer.mops());

    findings.append(consistency(bed, map));
    findings
}

/// Looks at one scan beside a writer entry by entry, without a clock: whether it saw each key once, in order, and one state
/// of the map.
///
/// # Panics
///
/// Where it did not, and the contender promises that.
pub fn consistency<C: Contender, M: Contender + Sync>(bed: &Bed<'_, C>, map: &M) -> Findings {
    let mut findings = Findings::default();
    let keys = bed.plan.keys as u64;
    // Above what every earlier write carries.
    let begun = AtomicU64::new(bed.streams.sequence());
    let overwrites = overwriter(bed, map, &begun);
    let (seen, _) = beside(|turns| overwrites.beside(turns), || inspect(map, &begun));
    findings.expect::<C>(Cell::BesideScan, seen.whole, keys);
    findings.expect::<C>(Cell::BesideScan, keys - seen.unordered, keys);
    if C::SNAPSHOTS == Snapshots::None {
        let text = format!("not consistent: {} of {keys} entries newer than the scan", seen.newer);
        findings.note(Cell::BesideScan, text);
    } else {
        assert_eq!(seen.newer, 0, "a snapshot showed writes that came after it");
    }
    findings
}

fn overwriter<'b, C: Contender, M: Contender + Sync>(
    bed: &'b Bed<'_, C>,
    map: &'b M,
    begun: &'b AtomicU64,
) -> Overwriter<'b, M> {
    let walk = bed.streams.walk(bed.streams.uniform());
    Overwriter { map, walk, sequence: bed.streams.sequence(), begun }
}

/// Overwrites uniform keys, and says before each write which one it begins.
struct Overwriter<'b, M> {
    map: &'b M,
    walk: Walk<'b>,
    sequence: u64,
    begun: &'b AtomicU64,
}

impl<M: Contender + Sync> Overwriter<'_, M> {
    fn with_limit(self, limit: Duration) -> Spent {
        let mut step = self.into_step();
        repeat(limit, || (0..STEP).map(|_| step()).sum())
    }

    fn beside(self, turns: &Turns<'_>) -> Spent {
        turns.take(self.into_step())
    }

    /// One write a call, returning 1: the units it did.
    fn into_step(self) -> impl FnMut() -> u64 {
        let Overwriter { map, mut walk, mut sequence, begun } = self;
        let mut writer = map.writer();
        move || {
            sequence += 1;
            // Release pairs with the Acquire in `inspect`, and keeps the announcement first.
            begun.store(sequence, Ordering::Release);
            let key = walk.step();
            writer.put(key, &value::make(key, sequence));
            1
        }
    }
}

/// Scans again and again, a new snapshot each time.
fn scan_repeatedly<C: Contender, M: Contender>(bed: &Bed<'_, C>, map: &M) -> (Spent, u64) {
    let mut good = 0;
    let spent = repeat(bed.plan.cell, || {
        map.view().scan(|key, held| good += u64::from(value::belongs(key, held)));
        bed.plan.keys as u64
    });
    (spent, good)
}

/// What one scan showed.
#[derive(Default)]
struct Seen {
    /// Entries whose value is whole and their own.
    whole: u64,
    /// Entries not above the one before.
    unordered: u64,
    /// Entries written after the view was open.
    newer: u64,
}

/// Looks closely at one scan, without a clock.
fn inspect<M: Contender>(map: &M, begun: &AtomicU64) -> Seen {
    let view = map.view();
    // Acquire pairs with the Release in `Overwriter::into_step`. Writes that begin after this load
    // began after the view was open, and must not show.
    let newest = begun.load(Ordering::Acquire);
    let mut seen = Seen::default();
    let mut last = Vec::new();
    view.scan(|key, held| {
        if let Some(sequence) = value::sequence(key, held) {
            seen.whole += 1;
            seen.newer += u64::from(sequence > newest);
        }
        seen.unordered += u64::from(key <= last.as_slice());
        last.clear();
        last.extend_from_slice(key);
    });
    seen
}
