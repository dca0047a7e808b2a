//! Opening and dropping a snapshot, with nobody writing and beside a writer.

use std::hint::black_box;

use super::timing::{beside, repeat};
use super::{Bed, Cell, Findings};
use crate::contender::{Contender, Snapshots, View, Writer};
use crate::workload::value;

/// Snapshots between two looks at the clock.
const STEP: u64 = 64;

/// Measures both; nothing where a view is no snapshot, or where there can be no writer beside.
pub fn open_snapshots<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    let Some(map) = bed.map.shared() else { return findings };
    if C::SNAPSHOTS == Snapshots::None {
        return findings;
    }
    let open_all = || {
        repeat(bed.plan.cell, || {
            for _ in 0..STEP {
                drop(black_box(map.view()));
            }
            STEP
        })
    };

    findings.figure(Cell::SnapshotQuiet, open_all().nanos());

    let sequence = bed.streams.sequence();
    let mut walk = bed.streams.walk(bed.streams.uniform());
    let (spent, writer) = beside(
        |turns| {
            let mut writer = map.writer();
            let mut written = 0;
            turns.take(|| {
                let key = walk.step();
                writer.put(key, &value::make(key, sequence + written));
                written += 1;
                1
            })
        },
        open_all,
    );
    findings.figure(Cell::SnapshotBeside, spent.nanos());
    findings.note(Cell::SnapshotBeside, format!("its writer did {:.2} Mops", writer.mops()));

    // The last snapshot must be one that can be read.
    let mut walk = bed.streams.walk(bed.streams.uniform());
    let view = map.view();
    let good = (0..100).filter(|_| {
        let key = walk.step();
        view.get(key, |held| value::sequence(key, held)).flatten().is_some()
    });
    findings.expect::<C>(Cell::SnapshotBeside, good.count() as u64, 100);
    findings
}
