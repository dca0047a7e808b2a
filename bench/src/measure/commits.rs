//! Atomic commits of 100 random loaded keys, by one thread and by two.

use super::plan::COMMIT_LEN;
use super::timing::{repeat, together, total_mops};
use super::{Bed, Cell, Findings};
use crate::contender::{Contender, View, Writer};
use crate::workload::value;

/// Measures both; nothing where a commit of several keys is not atomic.
pub fn commits<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    let Some(map) = bed.map.shared() else { return findings };
    if !C::ATOMIC_COMMITS {
        return findings;
    }
    for (threads, cell) in [(1, Cell::Commits), (2, Cell::CommitsTwo)] {
        let mops = rate(bed, map, threads);
        findings.figure(cell, mops * 1e3);
    }
    findings.expect::<C>(Cell::Commits, one_commit_read_back(bed, map), COMMIT_LEN as u64);
    findings
}

/// Millions of commits a second. The two threads draw from the same keys: they may meet.
fn rate<C: Contender, M: Contender + Sync>(bed: &Bed<'_, C>, map: &M, threads: usize) -> f64 {
    let stream = bed.streams.uniform();
    let starts = [bed.streams.place(stream), bed.streams.place(stream)];
    let sequences = [bed.streams.sequence(), bed.streams.sequence()];
    let limit = bed.plan.cell;
    total_mops(&together(threads, |number, start| {
        let mut writer = map.writer();
        let mut walk = stream.walk(starts[number]);
        let mut sequence = sequences[number];
        start.wait();
        repeat(limit, || {
            writer.commit(walk.ops(COMMIT_LEN, sequence));
            walk.advance(COMMIT_LEN);
            sequence += 1;
            1
        })
    }))
}

/// Commits once more and returns how many of the keys then hold what that commit wrote.
fn one_commit_read_back<C: Contender, M: Contender>(bed: &Bed<'_, C>, map: &M) -> u64 {
    let mut walk = bed.streams.walk(bed.streams.uniform());
    let sequence = bed.streams.sequence();
    map.writer().commit(walk.ops(COMMIT_LEN, sequence));
    let view = map.view();
    let good = (0..COMMIT_LEN).filter(|_| {
        let key = walk.step();
        view.get(key, |held| value::sequence(key, held)).flatten() == Some(sequence)
    });
    good.count() as u64
}
