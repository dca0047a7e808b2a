//! One-key commits: overwrites, and inserts of new keys.

use super::timing::{Spent, repeat};
use super::{Bed, Cell, Findings};
use crate::contender::{Contender, Writer};
use crate::workload::{Stream, value};

/// Writes between two looks at the clock.
const STEP: u64 = 16;

/// Writes looked at again after the clock stopped.
const REVIEWED: u64 = 1_000;

/// Overwrites of loaded keys, uniform.
pub fn overwrites<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    let (spent, good, reviewed) = put_in_turn(bed, bed.streams.uniform());
    findings.checked::<C>(Cell::Overwrite, spent.nanos(), good, reviewed);
    findings
}

/// Inserts of keys that are not there, in random order.
pub fn inserts<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    let (spent, good, reviewed) = put_in_turn(bed, bed.streams.fresh());
    findings.checked::<C>(Cell::Insert, spent.nanos(), good, reviewed);
    findings
}

/// Writes keys of `stream`, each request once at most. Returns what it took, and how many of the
/// last writes, read back, are what was written.
fn put_in_turn<C: Contender>(bed: &Bed<'_, C>, stream: &Stream) -> (Spent, u64, u64) {
    let sequence = bed.streams.sequence();
    let start = bed.streams.place(stream);
    let mut writer = bed.map.writer();
    let mut walk = stream.walk(start);
    let mut written = 0;
    let spent = repeat(bed.plan.cell, || {
        let step = STEP.min(stream.len() as u64 - written);
        for _ in 0..step {
            let key = walk.step();
            writer.put(key, &value::make(key, sequence + written));
            written += 1;
        }
        step
    });

    let reviewed = written.min(REVIEWED);
    let mut walk = stream.walk(start);
    walk.advance((written - reviewed) as usize);
    let good = (written - reviewed..written).filter(|&index| {
        let key = walk.step();
        let held = bed.map.get_newest(key, |held| value::sequence(key, held)).flatten();
        // Not equal: the key may have come up again later.
        held.is_some_and(|held| held >= sequence + index && held < sequence + written)
    });
    (spent, good.count() as u64, reviewed)
}
