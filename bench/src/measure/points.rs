//! Gets in a held view: found one by one, found in groups, not found.

use super::plan::MANY;
use super::timing::repeat;
use super::{Bed, Cell, Findings};
use crate::contender::{Contender, View};
use crate::workload::value;

/// Requests between two looks at the clock.
const STEP: u64 = 64;

/// Measures all three.
pub fn points<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    get(bed, &mut findings);
    get_many(bed, &mut findings);
    miss(bed, &mut findings);
    findings
}

fn get<C: Contender>(bed: &Bed<'_, C>, findings: &mut Findings) {
    let view = bed.map.view();
    let mut walk = bed.streams.walk(bed.streams.uniform());
    let mut good = 0;
    let spent = repeat(bed.plan.cell, || {
        for _ in 0..STEP {
            let key = walk.step();
            good += u64::from(view.get(key, |held| value::belongs(key, held)) == Some(true));
        }
        STEP
    });
    findings.checked::<C>(Cell::Get, spent.nanos(), good, spent.units);
}

fn get_many<C: Contender>(bed: &Bed<'_, C>, findings: &mut Findings) {
    let view = bed.map.view();
    let mut walk = bed.streams.walk(bed.streams.uniform());
    let mut good = 0;
    let spent = repeat(bed.plan.cell, || {
        for _ in 0..STEP / MANY as u64 {
            let keys = walk.steps::<MANY>();
            view.get_many(&keys, |index, held| {
                good += u64::from(value::belongs(keys[index], held))
            });
        }
        STEP
    });
    findings.checked::<C>(Cell::GetMany, spent.nanos(), good, spent.units);
}

fn miss<C: Contender>(bed: &Bed<'_, C>, findings: &mut Findings) {
    let view = bed.map.view();
    let mut walk = bed.streams.walk(bed.streams.absent());
    let mut good = 0;
    let spent = repeat(bed.plan.cell, || {
        for _ in 0..STEP {
            good += u64::from(view.get(walk.step(), |_| ()).is_none());
        }
        STEP
    });
    findings.checked::<C>(Cell::Miss, spent.nanos(), good, spent.units);
}
