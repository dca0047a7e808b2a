//! Flushes of the root taken a step at a time, in orders that threads seldom find: who sleeps between two steps, a store that
//! refuses, somebody who comes late.

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
    assert!(matches!(refused, Err(Error::Map(epoch_store::Error::BatchTooLarge { max: 3, .. }))));
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
fn a_layer_that_is_gone_has_left_neither_entries_nor_a_marker() {
    let (_store, root) = world();
    let put = |layer: &Layer, key: &str| {
        layer.note_write();
        let entry = encode(Some(b"v"));
        root.family().map().put(layer_key(layer.number(), key.as_bytes()), entry).unwrap();
    };
    let (returned, reverted, both, empty) =
        (root.child(), root.child(), root.child(), root.child());
    put(&returned, "a");
    flush(&returned).unwrap();
    put(&reverted, "b");
    put(&both, "c");
    flush(&both).unwrap();
    put(&both, "d");
    flush(&empty).unwrap();
    drop((returned, reverted, both, empty));
    let left = root.family().map().snapshot();
    let keys: Vec<_> = left.iter().map(|(key, _)| key.to_vec()).collect();
    assert_eq!(keys, [layer_key(ROOT, b"a").to_vec(), layer_key(ROOT, b"c").to_vec()]);
}

#[test]
fn a_closed_store_leaves_what_has_begun_as_it_is() {
    let (store, root) = world();
    write(&root, "k", Some("v"));
    let (started, _) = begin(root.family());
    store.close().unwrap();
    for _ in 0..2 {
        assert!(matches!(flush(&root), Err(Error::Closed)));
        assert!(matches!(finish(root.family(), started.clone()), Err(Error::Closed)));
    }
    let frozen = root.family().freeze();
    assert_eq!(frozen.reader(&root).get(b"k").unwrap().unwrap(), "v");
    assert_eq!(contents(&store), rows(&[]));
}
