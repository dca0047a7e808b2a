//! Two threads that read and overwrite skewed keys: every operation on its own, on the newest
//! state.

use std::sync::atomic::{AtomicU64, Ordering};

use super::timing::{repeat, together, total_mops};
use super::{Bed, Cell, Findings};
use crate::contender::{Contender, Writer};
use crate::workload::value;

/// Operations between two looks at the clock.
const STEP: u64 = 32;

/// Measures 95 % and 50 % reads; nothing where only one thread may use the map.
pub fn mixes<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    let Some(map) = bed.map.shared() else { return findings };
    for (percent, cell) in [(95, Cell::MixReads), (50, Cell::MixEven)] {
        let (mops, asked, wrong) = mix(bed, map, percent);
        findings.checked::<C>(cell, mops, asked - wrong, asked);
    }
    findings
}

/// Millions of operations a second, the reads among them, and those that went wrong.
fn mix<C: Contender, M: Contender + Sync>(
    bed: &Bed<'_, C>,
    map: &M,
    read_percent: u8,
) -> (f64, u64, u64) {
    let stream = bed.streams.skewed();
    let starts = [bed.streams.place(stream), bed.streams.place(stream)];
    let sequences = [bed.streams.sequence(), bed.streams.sequence()];
    let (plan, asked, wrong) = (bed.plan, AtomicU64::new(0), AtomicU64::new(0));
    let spent = together(2, |number, start| {
        let mut writer = map.writer();
        let mut walk = stream.walk(starts[number]);
        let mut coin = fastrand::Rng::with_seed(plan.round << 1 | number as u64);
        let mut sequence = sequences[number];
        let (mut reads, mut good) = (0, 0);
        start.wait();
        let spent = repeat(plan.cell, || {
            for _ in 0..STEP {
                let key = walk.step();
                if coin.u8(0..100) < read_percent {
                    reads += 1;
                    let own = map.get_newest(key, |held| value::belongs(key, held));
                    good += u64::from(own == Some(true));
                } else {
                    writer.put(key, &value::make(key, sequence));
                    sequence += 1;
                }
            }
            STEP
        });
        // Relaxed: both are read after the threads are joined.
        asked.fetch_add(reads, Ordering::Relaxed);
        wrong.fetch_add(reads - good, Ordering::Relaxed);
        spent
    });
    (total_mops(&spent), asked.into_inner(), wrong.into_inner())
}
