//! Moving a layer one level down; the steps and why they are exact: the header of [`super`].

use super::entry::{NUMBER_LEN, TAG_LEN, is_tombstone, layer_key, layer_range, marker};
use super::family::{Family, Phase, ROOT, RootFlush, State, generation, is_conflict, number};
use super::layer::Layer;
use crate::observe;
use crate::{Error, Snapshot, Version};
use epoch_store::{ReadSet, WriteBatch};
use std::ops::Bound;
use std::sync::Arc;

const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

/// Moves the entries that a layer has now, or had when somebody else moved them, one level down. Returns the version of the
/// store that the family's base shows then.
pub fn flush(layer: &Layer) -> Result<Version, Error> {
    if !layer.is_written() {
        return Ok(layer.family().state().base.version());
    }
    observe::flush(layer.depth(), || match layer.parent() {
        Some(parent) => {
            flush_onto(layer, parent)?;
            Ok(layer.family().state().base.version())
        }
        None => flush_root(layer.family(), layer),
    })
}

/// A nested layer: one commit to the family's map.
fn flush_onto(layer: &Layer, parent: &Layer) -> Result<(), Error> {
    let map = layer.family().map();
    loop {
        let seen = map.snapshot();
        let mut batch = WriteBatch::new();
        for (key, entry) in seen.range(layer_range(layer.number(), ALL)) {
            batch.put(layer_key(parent.number(), &key[NUMBER_LEN..]), entry);
        }
        if batch.is_empty() {
            return Ok(());
        }
        batch.delete_range_seen_by(&seen, layer_range(layer.number(), ALL));
        batch.put(marker(layer.number()), []);
        layer.note_marker();
        parent.note_write();
        let mut reads = ReadSet::at(&seen);
        reads.key(marker(layer.number()));
        if !is_conflict(map.commit_if(&batch, &reads))? {
            return Ok(());
        }
    }
}

/// The root: begins a flush of its own, after those that it finds begun.
fn flush_root(family: &Family, root: &Layer) -> Result<Version, Error> {
    debug_assert_eq!(root.number(), ROOT);
    loop {
        let state = Arc::clone(&family.state());
        if !matches!(state.phase, Phase::Settled) {
            finish(family, state)?;
            continue;
        }
        let Some(flush) = choose(family) else { return Ok(state.base.version()) };
        let started = State {
            generation: state.generation,
            since: state.since,
            base: state.base.clone(),
            phase: Phase::Started(Arc::new(flush)),
        };
        if let Ok(started) = family.advance(&state, started) {
            return finish(family, started);
        }
    }
}

/// Step 1: what the root holds now; `None` if nothing.
fn choose(family: &Family) -> Option<RootFlush> {
    let seen = family.map().snapshot();
    let mut batch = WriteBatch::new();
    for (key, entry) in seen.range(layer_range(ROOT, ALL)) {
        if is_tombstone(&entry) {
            batch.delete(&key[NUMBER_LEN..]);
        } else {
            batch.put(&key[NUMBER_LEN..], &entry[TAG_LEN..]);
        }
    }
    (!batch.is_empty()).then_some(RootFlush { seen, batch })
}

/// Takes the steps that are left of a flush that has begun. Returns the version of the base after it.
fn finish(family: &Family, mut state: Arc<State>) -> Result<Version, Error> {
    let generation = state.generation;
    while state.generation == generation {
        let next = match &state.phase {
            Phase::Settled => break,
            Phase::Started(flush) => {
                store(family, flush, generation)?;
                let next = family.shared().map().snapshot();
                let next = Arc::new(Snapshot::new(next, state.base.link().clone()));
                State {
                    generation,
                    since: state.since,
                    base: state.base.clone(),
                    phase: Phase::Stored(flush.clone(), next),
                }
            }
            Phase::Stored(flush, next) => {
                drop_moved(family, flush, generation)?;
                State {
                    generation: generation + 1,
                    since: family.map().version(),
                    base: next.clone(),
                    phase: Phase::Settled,
                }
            }
        };
        state = family.advance(&state, next).unwrap_or_else(|found| found);
    }
    Ok(state.base.version())
}

/// Step 2: commits to the store, unless somebody has.
fn store(family: &Family, flush: &RootFlush, generation: u64) -> Result<(), Error> {
    let (shared, next) = (family.shared(), generation + 1);
    let map = shared.admit(flush.batch.len())?;
    let mut batch = flush.batch.clone();
    batch.put_in(shared.hidden(), family.mark(), next.to_be_bytes());
    loop {
        // Opened anew each time, and kept by nobody: a flush that waits for room in the store must not keep what others delete.
        let now = map.snapshot();
        let mark = now.space(shared.hidden())?.get(family.mark());
        if mark.is_some_and(|mark| number(&mark) >= next) {
            return Ok(());
        }
        let mut reads = ReadSet::at(&now);
        reads.key_in(shared.hidden(), family.mark());
        if !is_conflict(map.commit_if(&batch, &reads))? {
            return Ok(());
        }
    }
}

/// Step 4: drops the entries that were moved, unless somebody has.
fn drop_moved(family: &Family, flush: &RootFlush, generation_before: u64) -> Result<(), Error> {
    let (map, next) = (family.map(), generation_before + 1);
    let mut batch = WriteBatch::new();
    batch.delete_range_seen_by(&flush.seen, layer_range(ROOT, ALL));
    batch.put(marker(ROOT), next.to_be_bytes());
    let mut reads = ReadSet::at(&flush.seen);
    reads.key(marker(ROOT));
    while is_conflict(map.commit_if(&batch, &reads))? {
        if generation(&map.snapshot()) >= next {
            break;
        }
    }
    Ok(())
}
