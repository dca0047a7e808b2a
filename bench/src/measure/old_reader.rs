//! One key overwritten again and again under a snapshot that stays open: what an overwrite costs
//! in the end, and how many versions are kept.

use std::time::{Duration, Instant};

use super::timing::{median, repeat};
use super::{Bed, Cell, Findings};
use crate::contender::{Contender, Snapshots, View, Writer};
use crate::workload::value;

/// Overwrites a block; a single one is too short for the clock.
const BLOCK: usize = 8;

/// Blocks the cost at the beginning, and at the end, is the median of.
const BLOCKS: usize = 8;

/// Keys tried one after the other, for a steadier median, while time allows.
const KEYS: usize = 8;

/// Time after which no further key is tried, and after which a chain is no longer grown.
const PATIENCE: Duration = Duration::from_secs(2);

/// Measures the cost; nothing where a snapshot stops writers, or there is none.
pub fn old_reader<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    if C::SNAPSHOTS != Snapshots::Versioned {
        return findings;
    }
    let overwrites = bed.plan.old_reader_overwrites();
    let begin = Instant::now();
    let (mut first, mut late) = (Vec::new(), Vec::new());
    let view = bed.map.view();
    let mut walk = bed.streams.walk(bed.streams.uniform());
    while first.len() < KEYS * BLOCKS && begin.elapsed() < PATIENCE {
        let key = walk.step();
        let before = view.get(key, |held| value::sequence(key, held)).flatten();
        let (early, end) = overwrite_one(bed, key, overwrites);
        first.extend(early);
        late.extend(end);
        let after = view.get(key, |held| value::sequence(key, held)).flatten();
        assert!(before.is_some() && before == after, "the old reader no longer sees its value");
    }
    if let (Some(first), Some(late)) = (median(&mut first), median(&mut late)) {
        findings.figure(Cell::OldReaderFirst, first);
        findings.figure(Cell::OldReaderLate, late);
        findings.figure(Cell::OldReaderGrowth, late / first);
    }
    findings
}

/// Overwrites `key` that often. Returns nanoseconds an overwrite, of the first blocks and the last.
fn overwrite_one<C: Contender>(
    bed: &Bed<'_, C>,
    key: &[u8],
    overwrites: usize,
) -> (Vec<f64>, Vec<f64>) {
    let mut writer = bed.map.writer();
    let sequence = bed.streams.sequence();
    let mut done = 0;
    let mut block = || {
        let begin = Instant::now();
        for _ in 0..BLOCK {
            writer.put(key, &value::make(key, sequence + done));
            done += 1;
        }
        begin.elapsed().as_nanos() as f64 / BLOCK as f64
    };
    // The key itself may be far from every cache: that is not what is asked here.
    block();
    let first = (0..BLOCKS).map(|_| block()).collect();
    for _ in BLOCKS..overwrites / BLOCK {
        block();
    }
    let late = (0..BLOCKS).map(|_| block()).collect();
    (first, late)
}

/// The longest chain after many overwrites of one key under one snapshot.
pub fn chain<C: Contender>(bed: &Bed<'_, C>) -> Findings {
    let mut findings = Findings::default();
    if C::SNAPSHOTS != Snapshots::Versioned {
        return findings;
    }
    let key = bed.streams.walk(bed.streams.uniform()).step();
    let view = bed.map.view();
    let before = view.get(key, |held| value::sequence(key, held)).flatten();

    let wanted = bed.plan.chain_overwrites() as u64;
    let sequence = bed.streams.sequence();
    let mut writer = bed.map.writer();
    let mut done = 0;
    repeat(PATIENCE, || {
        let step = (wanted - done).min(64);
        for _ in 0..step {
            writer.put(key, &value::make(key, sequence + done));
            done += 1;
        }
        step
    });

    if let Some(chain) = bed.map.longest_chain(key) {
        findings.figure(Cell::Chain, chain as f64);
        findings.figure(Cell::ChainOverwrites, done as f64);
        if done < wanted {
            findings.note(Cell::Chain, format!("after {done} overwrites: time was over"));
        }
    }
    let after = view.get(key, |held| value::sequence(key, held)).flatten();
    assert!(before.is_some() && before == after, "the snapshot no longer sees its value");
    findings
}
