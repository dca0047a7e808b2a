//! How long it takes to open what was kept, and how much of the disk that takes.

use std::time::Instant;

use engine::{Builder, Store};

use super::bare;
use super::bed::{Bed, CACHE, disk_bytes};
use super::{Group, Options, Row, Rows};
use crate::adapter::Adapter;
use crate::program::Outcome;

/// Entries, for each key that was asked for.
const TIMES: u64 = 5;

/// Measures an adapter and the engine below it.
///
/// # Errors
/// Those of the store and of the engine; not all is there.
pub fn measure(adapter: Adapter, options: &Options, bed: &Bed, rows: &mut Rows) -> Outcome {
    let entries = options.keys * TIMES;
    let (store, path) = bed.store(adapter, Store::builder(), entries)?;
    store.close()?;
    drop(store);
    let (bare, bare_path) = bed.bare(adapter, entries)?;
    drop(bare);

    let per_million = |began: Instant| began.elapsed().as_secs_f64() * 1e6 / entries as f64;
    let open = |builder: Builder| {
        let began = Instant::now();
        let store = adapter.open(&path, CACHE, builder)?;
        let took = per_million(began);
        let found = store.snapshot().len()? as u64;
        if found != entries {
            return Err(format!("{found} of {entries} entries are there").into());
        }
        store.close()?;
        Outcome::Ok(took)
    };
    let (mut whole, mut budgeted, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        whole.push(open(Store::builder())?);
        budgeted.push(open(Store::builder().memory_budget(1 << 30))?);
        let began = Instant::now();
        let bare = bare::open(adapter, &bare_path, CACHE)?;
        theirs.push(per_million(began));
        drop(bare);
    }
    let per_entry = |bytes: u64| vec![bytes as f64 / entries as f64];
    let disk = [per_entry(disk_bytes(&path)?), per_entry(disk_bytes(&bare_path)?)];
    let mut add = |id, label, unit, ours, theirs| {
        let beside = Some((adapter.name(), theirs));
        let (group, must) = (Group::Opening, None);
        rows.add(Row { group, adapter, id, label, unit, ours, beside, must });
    };
    let [ours, bare] = disk;
    add("open", "opening, a million entries, all into memory", "s", whole, theirs.clone());
    add("open-budget", "the same with a memory budget", "s", budgeted, theirs);
    add("disk", "bytes on the disk, an entry of 160", "B", ours, bare);
    bed.remove(&path)?;
    bed.remove(&bare_path)
}
