//! Moving a layer one level down; the steps and why they are exact: the header of [`super`].

use super::entry::{NUMBER_LEN, TAG_LEN, is_tombstone, layer_key, layer_range, marker};
use super::family::{Family, Mark, Phase, ROOT, RootFlush, State, generation, is_conflict};
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
        if !is_conflict(map.commit_if(&marked, &reads))? {
            return Ok(mark);
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
mod tests {
    use super::*;
    use crate::Store;
    use crate::overlay::entry::encode;

    /// A store that takes three writes at once, and a root over it.
    fn world() -> (Store, Arc<Layer>) {
        let store = Store::builder().max_batch_len(3).open().unwrap();
        let root = Layer::root(Arc::new(Family::over(store.snapshot())));
        (store, root)
    }

    fn write(root: &Layer, key: &str, value: Option<&str>) {
        root.note_write();
        let entry = encode(value.map(str::as_bytes));
        root.family().map().put(layer_key(ROOT, key.as_bytes()), entry).unwrap();
    }

    /// Begins a flush and leaves it: what a thread does that is stopped behind step 1.
    fn begin(family: &Family) -> (Arc<State>, Arc<RootFlush>) {
        let flush = Arc::new(choose(family).unwrap().unwrap());
        let settled = Arc::clone(&family.state());
        let started = settled.turned(Phase::Started(flush.clone()));
        let Ok(started) = family.advance(&settled, started) else { panic!("nobody else is here") };
        (started, flush)
    }

    fn contents(store: &Store) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let rows = store.snapshot();
        rows.iter().map(|row| row.unwrap()).map(|(k, v)| (text(&k), text(&v))).collect()
    }

    fn rows(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|&(key, value)| (key.into(), value.into())).collect()
    }

    fn marks(store: &Store, root: &Layer) -> Mark {
        Mark::read(root.family(), store.snapshot().of_map()).unwrap()
    }

    fn hidden_keys(store: &Store) -> usize {
        let snapshot = store.snapshot();
        let hidden = snapshot.of_map().space(snapshot.shared().hidden()).unwrap();
        hidden.iter().count()
    }

    /// As if the store had taken it when it began, and refused it since, as one without memory does.
    fn too_large(family: &Family) -> Arc<State> {
        let mut flush = choose(family).unwrap().unwrap();
        ["x", "y", "z", "zz"].iter().for_each(|key| _ = flush.batch.put(key, "never"));
        let settled = Arc::clone(&family.state());
        let started = settled.turned(Phase::Started(Arc::new(flush)));
        family.advance(&settled, started).unwrap_or_else(|_| panic!("nobody else is here"))
    }

    #[test]
    fn a_flush_that_the_store_never_takes_is_not_in_the_way_of_the_next() {
        let (store, root) = world();
        for generation in ["1", "2"] {
            write(&root, "k", Some(generation));
            for _ in 0..3 {
                too_large(root.family());
                flush(&root).unwrap();
                assert_eq!(contents(&store), rows(&[("k", generation)]));
                write(&root, "k", Some(generation));
            }
        }
        flush(&root).unwrap();
        assert_eq!(marks(&store, &root).called_off, 0);
        drop(root);
        assert_eq!(hidden_keys(&store), 0);
    }

    #[test]
    fn who_began_a_flush_that_is_refused_is_told_and_leaves_nothing_begun() {
        let (store, root) = world();
        write(&root, "k", Some("v"));
        let started = too_large(root.family());
        let refused = finish(root.family(), started);
        assert!(matches!(
            refused,
            Err(Error::Map(epoch_store::Error::BatchTooLarge { max: 3, .. }))
        ));
        assert!(matches!(root.family().state().phase, Phase::Settled));
        assert_eq!(marks(&store, &root), Mark { generation: 0, called_off: 1 });
        assert_eq!(contents(&store), rows(&[]));
        drop(root);
        assert_eq!(hidden_keys(&store), 0, "also when nothing was ever flushed");
    }

    #[test]
    fn a_flush_that_was_called_off_cannot_be_stored_later() {
        let (store, root) = world();
        write(&root, "k", Some("old"));
        let (started, sleeper) = begin(root.family());
        let mark = call_off(root.family(), &sleeper).unwrap();
        assert_eq!(super::store(root.family(), &sleeper, 0).unwrap(), mark);
        assert_eq!(contents(&store), rows(&[]));
        // Whoever called it off sleeps too, and the next flush takes it from there.
        write(&root, "k", Some("new"));
        flush(&root).unwrap();
        assert_eq!(contents(&store), rows(&[("k", "new")]));
        store.put("k", "after").unwrap();
        finish(root.family(), started).unwrap();
        assert_eq!(contents(&store), rows(&[("k", "after")]));
    }

    #[test]
    fn a_flush_that_was_stored_cannot_be_called_off_later() {
        let (store, root) = world();
        write(&root, "k", Some("v"));
        let (started, sleeper) = begin(root.family());
        let mark = super::store(root.family(), &sleeper, 0).unwrap();
        assert_eq!(call_off(root.family(), &sleeper).unwrap(), mark);
        store.put("k", "after").unwrap();
        assert_eq!(finish(root.family(), started).unwrap(), Some(store.version()));
        assert_eq!(flush(&root).unwrap(), store.version());
        assert_eq!(contents(&store), rows(&[("k", "after")]));
    }

    #[test]
    fn who_comes_late_to_the_last_step_changes_nothing() {
        let (_store, root) = world();
        let family = root.family();
        write(&root, "k", Some("1"));
        let (started, sleeper) = begin(family);
        finish(family, started).unwrap();
        write(&root, "k", Some("2"));
        flush(&root).unwrap();
        let before = family.map().version();
        drop_moved(family, &sleeper, 0).unwrap();
        assert_eq!(generation(&family.map().snapshot()), 2);
        assert_eq!(family.map().version(), before, "nothing is committed");
    }

    #[test]
    fn a_snapshot_of_the_layers_fits_the_base_of_its_own_generation() {
        let (_store, root) = world();
        let family = root.family();
        write(&root, "k", Some("v"));
        let old = family.map().snapshot();
        let (started, moved) = begin(family);
        assert_eq!(started.fits(&old), Some(false));
        let mark = super::store(family, &moved, 0).unwrap();
        let stored = decided(family, &started, &moved, mark);
        let Ok(stored) = family.advance(&started, stored) else { panic!("nobody else is here") };
        assert_eq!(stored.fits(&old), Some(false));
        drop_moved(family, &moved, 0).unwrap();
        let new = family.map().snapshot();
        assert_eq!((stored.fits(&old), stored.fits(&new)), (Some(false), Some(true)));
        finish(family, stored).unwrap();
        let settled = Arc::clone(&family.state());
        // With the old snapshot, what was moved would be seen above a base that may be newer than it.
        assert_eq!((settled.fits(&old), settled.fits(&new)), (None, Some(false)));
    }

    #[test]
    fn a_closed_store_leaves_what_has_begun_as_it_is() {
        let (store, root) = world();
        write(&root, "k", Some("v"));
        let (started, _) = begin(root.family());
        store.close();
        for _ in 0..2 {
            assert!(matches!(flush(&root), Err(Error::Closed)));
            assert!(matches!(finish(root.family(), started.clone()), Err(Error::Closed)));
        }
        let frozen = root.family().freeze();
        assert_eq!(frozen.reader(&root).get(b"k").unwrap().unwrap(), "v");
        assert_eq!(contents(&store), rows(&[]));
    }
}
