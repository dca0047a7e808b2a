//! What two threads get done over what one does, for gets, scans and one-key commits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::timing::{repeat, together, total_mops};
use super::transfer::line_transfer;
use super::{Bed, Cell, Findings};
use crate::contender::{Contender, View, Writer};
use crate::workload::{Stream, value};

/// Requests between two looks at the clock.
const STEP: u64 = 64;

/// Measures the three pairs; nothing where only one thread may use the map.
pub fn scaling<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    let Some(map) = bed.map.shared() else { return findings };
    let half = bed.plan.cell / 2;

    let uniform = bed.streams.uniform();
    let starts = [bed.streams.place(uniform), bed.streams.place(uniform)];
    let wrong = AtomicU64::new(0);
    let (one, two) = alternate(|threads| gets(map, threads, half, uniform, starts, &wrong));
    ratio(&mut findings, [Cell::GetsOne, Cell::GetsTwo, Cell::GetsScale], one, two);
    findings.expect::<C>(Cell::GetsTwo, 0, wrong.into_inner());

    let wrong = AtomicU64::new(0);
    let keys = bed.plan.keys as u64;
    let (one, two) = alternate(|threads| scans(map, threads, half, keys, &wrong));
    ratio(&mut findings, [Cell::ScansOne, Cell::ScansTwo, Cell::ScansScale], one, two);
    findings.expect::<C>(Cell::ScansTwo, 0, wrong.into_inner());

    let halves = [bed.streams.share(0, 2), bed.streams.share(1, 2)];
    let starts = [bed.streams.place(&halves[0]), bed.streams.place(&halves[1])];
    let sequence = bed.streams.sequence();
    let (one, two) = alternate(|threads| puts(map, threads, half, &halves, starts, sequence));
    ratio(&mut findings, [Cell::PutsOne, Cell::PutsTwo, Cell::PutsScale], one, two);
    if let Some(ns) = line_transfer() {
        findings.figure(Cell::LineTransfer, ns);
    }
    findings
}

/// Rates of one thread and of two, in turns: a machine that changes its speed between the two
/// would make scaling of it, or hide it.
fn alternate(rate: impl Fn(usize) -> f64) -> (f64, f64) {
    let turns = [rate(1), rate(2), rate(1), rate(2)];
    ((turns[0] + turns[2]) / 2.0, (turns[1] + turns[3]) / 2.0)
}

fn ratio(findings: &mut Findings, [one, two, scale]: [Cell; 3], rate_one: f64, rate_two: f64) {
    findings.figure(one, rate_one);
    findings.figure(two, rate_two);
    findings.figure(scale, rate_two / rate_one);
}

fn gets<M: Contender + Sync>(
    map: &M,
    threads: usize,
    limit: Duration,
    stream: &Stream,
    starts: [usize; 2],
    wrong: &AtomicU64,
) -> f64 {
    total_mops(&together(threads, |number, start| {
        let view = map.view();
        let mut walk = stream.walk(starts[number]);
        let mut good = 0;
        start.wait();
        let spent = repeat(limit, || {
            for _ in 0..STEP {
                let key = walk.step();
                good += u64::from(view.get(key, |held| value::belongs(key, held)) == Some(true));
            }
            STEP
        });
        // Relaxed: read after the threads are joined.
        wrong.fetch_add(spent.units - good, Ordering::Relaxed);
        spent
    }))
}

fn scans<M: Contender + Sync>(
    map: &M,
    threads: usize,
    limit: Duration,
    keys: u64,
    wrong: &AtomicU64,
) -> f64 {
    total_mops(&together(threads, |_, start| {
        let view = map.view();
        let mut good = 0;
        start.wait();
        let spent = repeat(limit, || {
            view.scan(|key, held| good += u64::from(value::belongs(key, held)));
            keys
        });
        // Relaxed: read after the threads are joined.
        wrong.fetch_add(spent.units.abs_diff(good), Ordering::Relaxed);
        spent
    }))
}

fn puts<M: Contender + Sync>(
    map: &M,
    threads: usize,
    limit: Duration,
    halves: &[Stream; 2],
    starts: [usize; 2],
    sequence: u64,
) -> f64 {
    total_mops(&together(threads, |number, start| {
        let mut writer = map.writer();
        let mut walk = halves[number].walk(starts[number]);
        let mut written = 0;
        start.wait();
        repeat(limit, || {
            for _ in 0..STEP / 4 {
                let key = walk.step();
                writer.put(key, &value::make(key, sequence + written));
                written += 1;
            }
            STEP / 4
        })
    }))
}
