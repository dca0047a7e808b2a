//! Moving a layer one level down; the steps and why they are exact: the header of [`super`].

use super::entry::{NUMBER_LEN, TAG_LEN, is_tombstone, layer_key, layer_range, marker};
use super::family::{Family, Mark, Phase, ROOT, RootFlush, State, generation, is_conflict};
use super::layer::Layer;
use crate::durable::Writes;
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
        None => {
            let version = flush_root(layer.family(), layer)?;
            layer.family().shared().settle(version)?;
            Ok(version)
        }
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
            match finish(family, state.clone()) {
                // Neither in the store nor called off, since the store takes no commits: nobody can do better now.
                Err(refused) if Arc::ptr_eq(&family.state(), &state) => return Err(refused),
                // Whoever began it is told if it was refused. This flush is another one.
                _ => continue,
            }
        }
        let Some(flush) = choose(family)? else { return Ok(state.base.version()) };
        let started = state.turned(Phase::Started(Arc::new(flush)));
        if let Ok(started) = family.advance(&state, started)
            && let Some(version) = finish(family, started)?
        {
            return Ok(version);
        }
    }
}

/// Step 1: what the root holds now; `None` if nothing. Refused if it is clear that the store will not take it.
fn choose(family: &Family) -> Result<Option<RootFlush>, Error> {
    let before = Mark::read(family, &family.shared().map().snapshot())?;
    let seen = family.map().snapshot();
    let mut batch = WriteBatch::new();
    for (key, entry) in seen.range(layer_range(ROOT, ALL)) {
        if is_tombstone(&entry) {
            batch.delete(&key[NUMBER_LEN..]);
        } else {
            batch.put(&key[NUMBER_LEN..], &entry[TAG_LEN..]);
        }
    }
    if batch.is_empty() {
        return Ok(None);
    }
    family.shared().admit(batch.len())?;
    Ok(Some(RootFlush { seen, before, batch }))
}

/// Takes the steps that are left of a flush that has begun, and of those that take its place if it is called off. Returns the
/// version of the base after it; `None`: others called it off, and none has begun since.
fn finish(family: &Family, mut state: Arc<State>) -> Result<Option<Version>, Error> {
    let generation = state.generation;
    loop {
        if state.generation != generation {
            return Ok(Some(state.base.version()));
        }
        let next = match &state.phase {
            Phase::Settled => return Ok(None),
            Phase::Started(flush) => match store(family, flush, generation) {
                Ok(mark) => decided(family, &state, flush, mark),
                Err(refused) => {
                    let Ok(mark) = call_off(family, flush) else { return Err(refused) };
                    let next = decided(family, &state, flush, mark);
                    let is_called_off = matches!(next.phase, Phase::Settled);
                    match family.advance(&state, next) {
                        Ok(_) if is_called_off => return Err(refused),
                        Ok(found) | Err(found) => state = found,
                    }
                    continue;
                }
            },
            Phase::Stored(flush, next) => {
                drop_moved(family, flush, generation)?;
                state.followed(next.clone(), family.map().version())
            }
        };
        state = family.advance(&state, next).unwrap_or_else(|found| found);
    }
}

/// What comes after `Started` now that the flush is in the store, or will never be.
fn decided(family: &Family, state: &State, flush: &Arc<RootFlush>, mark: Mark) -> State {
    if mark.generation == state.generation {
        return state.turned(Phase::Settled);
    }
    let next = family.shared().map().snapshot();
    let next = Snapshot::new(next, state.base.link().clone());
    state.turned(Phase::Stored(flush.clone(), Arc::new(next)))
}

/// Step 2: commits to the store, unless somebody has decided about the flush. Returns the mark that says how.
fn store(family: &Family, flush: &RootFlush, generation: u64) -> Result<Mark, Error> {
    decide(family, flush, &flush.batch, Mark { generation: generation + 1, called_off: 0 })
}

/// Step 2 for a flush that the store refuses: sees to it that it is not committed later, when its entries may have changed.
/// Takes a commit of a few bytes. Returns the mark, as [`store`].
fn call_off(family: &Family, flush: &RootFlush) -> Result<Mark, Error> {
    let mark = Mark { called_off: flush.before.called_off + 1, ..flush.before };
    decide(family, flush, &WriteBatch::new(), mark)
}

/// Commits `batch` and the mark to the store, unless a mark was written after the flush began. Returns the one there is.
fn decide(
    family: &Family,
    flush: &RootFlush,
    batch: &WriteBatch,
    mark: Mark,
) -> Result<Mark, Error> {
    let (shared, hidden) = (family.shared(), family.shared().hidden());
    let mut marked = batch.clone();
    marked.put_in(hidden, family.mark(), mark.encode());
    loop {
        let now = shared.map().snapshot();
        let found = Mark::read(family, &now)?;
        if found != flush.before {
            // First: a store that refuses everything may have taken this before.
            return Ok(found);
        }
        let map = shared.admit(batch.len())?;
        let mut reads = ReadSet::at(&now);
        reads.key_in(hidden, family.mark());
        let commit = || map.commit_if(&marked, &reads).map_err(Error::from);
        match shared.note(Writes::Batch(&marked), &reads, commit) {
            Ok(_) => return Ok(mark),
            Err(Error::Conflict(_)) => {}
            Err(refused) => return Err(refused),
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

#[cfg(test)]
mod tests;
