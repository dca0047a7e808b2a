//! Bytes an entry, as the growth of the process's resident memory.
//!
//! Resident memory counts what the machine gives away: the allocator's size classes, half-empty
//! pages and tables included, which a count of requested bytes leaves out. The process holds
//! nothing but the map, and draws its keys one batch at a time.

use std::fs;

use super::plan::LOAD_BATCH;
use super::{Cell, Findings, Plan};
use crate::contender::{Contender, View, Writer};
use crate::workload::{Stream, value};

/// How memory is measured, for the report.
pub const METHOD: &str = "growth of resident memory (Linux smaps_rollup) in a process of its own";

/// Measures after the load, and after one overwrite of each key by a commit of its own. Nothing on
/// systems that do not tell a process its resident memory.
pub fn memory<C: Contender>(plan: &Plan) -> Findings {
    let mut findings = Findings::default();
    let map = C::empty();
    let Some(before) = resident() else { return findings };
    let per_entry = |now: u64| now.saturating_sub(before) as f64 / plan.keys as f64;

    for_batches(plan, |numbers| {
        let batch = Stream::of(plan.case, numbers);
        map.writer().commit(batch.walk(0).ops(batch.len(), 1));
    });
    map.settle();
    if let Some(now) = resident() {
        findings.figure(Cell::MemoryLoaded, per_entry(now));
    }

    let mut key = Vec::new();
    let mut writer = map.writer();
    for_batches(plan, |numbers| {
        for number in numbers {
            key.clear();
            plan.case.write_key(elsewhere(number, plan.keys as u64), &mut key);
            writer.put(&key, &value::make(&key, 2));
        }
    });
    map.settle();
    if let Some(now) = resident() {
        findings.figure(Cell::MemoryOverwritten, per_entry(now));
    }

    let mut good = 0;
    map.view().scan(|key, held| good += u64::from(value::sequence(key, held) == Some(2)));
    findings.expect::<C>(Cell::MemoryOverwritten, good, plan.keys as u64);
    findings
}

fn for_batches(plan: &Plan, mut each: impl FnMut(std::ops::Range<u64>)) {
    let keys = plan.keys as u64;
    for begin in (0..keys).step_by(LOAD_BATCH) {
        each(begin..(begin + LOAD_BATCH as u64).min(keys));
    }
}

/// Another order of the same numbers: overwriting in the order of loading would meet the entries
/// as they lie in memory.
fn elsewhere(number: u64, keys: u64) -> u64 {
    const PRIME: u128 = 4_093_082_899;
    (u128::from(number) * PRIME % u128::from(keys)) as u64
}

/// Resident bytes of this process; `None` where the system does not tell.
pub fn resident() -> Option<u64> {
    // The rollup is exact; the status line, the only other one, lags by some pages a thread.
    let (path, label) = match fs::exists("/proc/self/smaps_rollup") {
        Ok(true) => ("/proc/self/smaps_rollup", "Rss:"),
        _ => ("/proc/self/status", "VmRSS:"),
    };
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
