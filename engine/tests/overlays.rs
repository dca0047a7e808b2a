//! Overlays: reads through stacks of layers, iterators of both kinds, flushes, and what is left of a layer that goes.

mod stack;

use engine::{Error, MAX_KEY_LEN, Overlay, OverlayBatch, OverlayView, Store};
use stack::{bound_pair, entries, seeded};
use std::collections::BTreeMap;
use std::ops::Bound;

type Result = std::result::Result<(), Error>;
type Contents = BTreeMap<Vec<u8>, Vec<u8>>;
type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn contents(view: &OverlayView) -> Contents {
    view.iter()
        .map(|entry| entry.map(|(k, v)| (k.into(), v.into())))
        .collect::<std::result::Result<_, Error>>()
        .unwrap()
}

// --- layers -----------------------------------------------------------------------------------------------------------

#[test]
fn a_write_is_seen_in_its_layer_and_above_it_and_not_below() -> Result {
    let store = Store::in_memory();
    store.put("k", "base")?;
    let bottom = store.overlay();
    let middle = bottom.overlay();
    let top = middle.overlay();
    middle.put("k", "middle")?;
    assert_eq!(top.get("k")?.unwrap(), b"middle");
    assert_eq!(middle.get("k")?.unwrap(), b"middle");
    assert_eq!(bottom.get("k")?.unwrap(), b"base");
    assert_eq!(store.snapshot().get("k")?.unwrap(), "base");
    top.delete("k")?;
    assert_eq!(top.get("k")?, None);
    assert_eq!(middle.get("k")?.unwrap(), b"middle");
    Ok(())
}

#[test]
fn what_is_written_to_a_layer_below_shines_through_unless_it_is_covered() -> Result {
    let bottom = Store::in_memory().overlay();
    let top = bottom.overlay();
    top.put("covered", "top")?;
    top.delete("deleted")?;
    for key in ["covered", "deleted", "free"] {
        bottom.put(key, "bottom")?;
    }
    let seen = top.view();
    assert_eq!(seen.get("covered")?.unwrap(), "top");
    assert_eq!(seen.get("deleted")?, None);
    assert_eq!(seen.get("free")?.unwrap(), "bottom");
    Ok(())
}

#[test]
fn the_first_write_to_a_layer_in_the_middle_of_an_old_stack_is_seen_at_its_top() -> Result {
    let mut stack = vec![Store::in_memory().overlay()];
    for depth in 1..200 {
        stack.push(stack[depth - 1].overlay());
    }
    let top = stack.last().unwrap();
    for depth in [150, 20, 100, 0, 199] {
        let key = format!("{depth}");
        assert_eq!(top.get(&key)?, None);
        stack[depth].put(&key, "v")?;
        assert_eq!(top.get(&key)?.unwrap(), b"v", "written at depth {depth}");
        assert_eq!(stack[120].contains(&key)?, depth <= 120, "written at depth {depth}");
    }
    let youngest = stack[100].overlay();
    assert_eq!(youngest.iter().count(), 3);
    Ok(())
}

#[test]
fn siblings_do_not_see_each_other() -> Result {
    let parent = Store::in_memory().overlay();
    let (left, right) = (parent.overlay(), parent.overlay());
    left.put("k", "left")?;
    assert_eq!(right.get("k")?, None);
    right.put("k", "right")?;
    left.flush()?;
    assert_eq!(right.get("k")?.unwrap(), b"right");
    right.flush()?;
    assert_eq!(parent.get("k")?.unwrap(), b"right");
    Ok(())
}

#[test]
fn what_others_commit_to_the_store_is_seen_after_the_lowest_layer_is_flushed() -> Result {
    let store = Store::in_memory();
    let bottom = store.overlay();
    let top = bottom.overlay();
    bottom.put("own", "1")?;
    store.put("other", "1")?;
    assert_eq!(top.get("other")?, None);
    let version = bottom.flush()?;
    assert_eq!(version, store.version());
    assert_eq!(top.get("other")?.unwrap(), b"1");
    assert_eq!(top.view().base_version(), version);
    Ok(())
}

#[test]
fn a_batch_is_seen_whole_and_a_refused_one_not_at_all() -> Result {
    let overlay = Store::in_memory().overlay();
    let mut batch = OverlayBatch::new();
    batch.put("a", "1").put("b", "1").delete("a").put("c", "");
    overlay.commit(&batch)?;
    assert_eq!(entries(overlay.iter())?, [(b"b".to_vec(), b"1".to_vec()), (b"c".to_vec(), vec![])]);
    batch.clear();
    batch.put("d", "1").delete("");
    let refused = overlay.commit(&batch).unwrap_err();
    assert!(matches!(refused, Error::Map(epoch_store::Error::EmptyKey)));
    assert_eq!(overlay.get("d")?, None);
    Ok(())
}

#[test]
fn keys_that_no_layer_can_hold_are_refused_with_the_length_that_it_can() -> Result {
    let store = Store::in_memory();
    let overlay = store.overlay();
    let longest = vec![b'k'; MAX_KEY_LEN - 8];
    overlay.put(&longest, "v")?;
    assert_eq!(overlay.get(&longest)?.unwrap(), b"v");
    let refused = overlay.put(vec![b'k'; MAX_KEY_LEN], "v").unwrap_err();
    let max = MAX_KEY_LEN - 8;
    let Error::Map(epoch_store::Error::KeyTooLong { len, max: said }) = refused else {
        panic!("{refused}")
    };
    assert_eq!((len, said), (MAX_KEY_LEN, max));
    assert_eq!(overlay.get("")?, None);
    assert!(overlay.delete("").is_err());
    // In the store it may be: then the layer shows it, and says that it cannot delete it.
    store.put(vec![b'x'; MAX_KEY_LEN], "v")?;
    let overlay = store.overlay();
    assert!(overlay.contains(vec![b'x'; MAX_KEY_LEN])?);
    assert!(overlay.delete_range("x"..).is_err());
    assert!(overlay.contains(vec![b'x'; MAX_KEY_LEN])?);
    Ok(())
}

// --- deleting ranges --------------------------------------------------------------------------------------------------

#[test]
fn a_range_is_deleted_with_every_kind_of_bound_and_nothing_beside_it() -> Result {
    let store = Store::in_memory();
    for key in 0..8u8 {
        store.put([key], "store")?;
    }
    let kinds = [Bound::Unbounded, Bound::Included([3]), Bound::Excluded([3])];
    let ends = [Bound::Unbounded, Bound::Included([5]), Bound::Excluded([5]), Bound::Excluded([2])];
    for from in kinds {
        for to in ends {
            let lower = store.overlay();
            lower.put([3], "lower")?;
            let overlay = lower.overlay();
            overlay.put([4], "own")?;
            overlay.put([4, 0], "own")?;
            let mut expected = contents(&overlay.view());
            expected.retain(|key, _| !is_inside(key, from, to));
            overlay.delete_range((from, to))?;
            assert_eq!(contents(&overlay.view()), expected, "{from:?} {to:?}");
            assert_eq!(lower.iter().count(), 8, "{from:?} {to:?}");
        }
    }
    Ok(())
}

fn is_inside(key: &[u8], from: Bound<[u8; 1]>, to: Bound<[u8; 1]>) -> bool {
    let above = match from {
        Bound::Unbounded => true,
        Bound::Included(bound) => key >= &bound[..],
        Bound::Excluded(bound) => key > &bound[..],
    };
    above
        && match to {
            Bound::Unbounded => true,
            Bound::Included(bound) => key <= &bound[..],
            Bound::Excluded(bound) => key < &bound[..],
        }
}

#[test]
fn a_deleted_range_goes_down_with_the_flush() -> Result {
    let store = Store::in_memory();
    for key in ["a", "b", "c"] {
        store.put(key, "")?;
    }
    let bottom = store.overlay();
    let top = bottom.overlay();
    top.delete_range("b"..)?;
    top.put("c", "again")?;
    top.flush()?;
    assert_eq!(bottom.iter().count(), 2);
    bottom.flush()?;
    let snapshot = store.snapshot();
    assert_eq!(snapshot.iter().count(), 2);
    assert_eq!(snapshot.get("c")?.unwrap(), "again");
    Ok(())
}

// --- iterators --------------------------------------------------------------------------------------------------------

#[test]
fn an_iterator_shows_the_moment_at_which_it_was_opened() -> Result {
    let store = Store::in_memory();
    for key in 0..100u8 {
        store.put([key], "old")?;
    }
    let overlay = store.overlay();
    overlay.put([50], "own")?;
    let view = overlay.view();
    let expected = contents(&view);
    let (mut borrowed, mut owned) = (view.iter(), overlay.iter());
    let first = borrowed.next().unwrap()?;
    assert_eq!(first.0, [0]);
    assert_eq!(owned.next().unwrap()?.0, [0]);
    overlay.delete_range(..)?;
    overlay.put([200], "new")?;
    overlay.flush()?;
    assert_eq!(borrowed.count(), 99);
    assert_eq!(owned.count(), 99);
    assert_eq!(contents(&view), expected);
    assert_eq!(entries(overlay.iter())?, [(vec![200], b"new".to_vec())]);
    Ok(())
}

#[test]
fn any_mix_of_next_and_next_back_yields_each_entry_once() -> Result {
    let mut rng = seeded();
    let store = Store::in_memory();
    for key in (0..240u8).step_by(2) {
        store.put([key], "store")?;
    }
    let mut top = store.overlay();
    for _ in 0..5 {
        for _ in 0..30 {
            let key = [rng.u8(..)];
            if rng.bool() { top.put(key, [rng.u8(..)])? } else { top.delete(key)? }
        }
        top = top.overlay();
    }
    let view = top.view();
    for _ in 0..300 {
        let (from, to) = bound_pair(&mut rng);
        let keys = (from, to);
        let all = entries(view.range(keys.clone()))?;
        check_mix(
            &mut rng,
            view.range(keys.clone()).map(|e| e.map(|(k, v)| (k.into(), v.into()))),
            &all,
        );
        check_mix(&mut rng, top.range(keys), &all);
    }
    Ok(())
}

fn check_mix(
    rng: &mut fastrand::Rng,
    mut range: impl DoubleEndedIterator<Item = std::result::Result<(Vec<u8>, Vec<u8>), Error>>,
    all: &[(Vec<u8>, Vec<u8>)],
) {
    let (mut front, mut back) = (0, all.len());
    let bias = rng.u8(0..5);
    while front < back {
        if rng.u8(0..5) < bias {
            assert_eq!(range.next().unwrap().unwrap(), all[front]);
            front += 1;
        } else {
            back -= 1;
            assert_eq!(range.next_back().unwrap().unwrap(), all[back]);
        }
    }
    for _ in 0..2 {
        assert!(range.next().is_none() && range.next_back().is_none());
    }
}

#[test]
fn an_inverted_range_is_empty() -> Result {
    let overlay = Store::in_memory().overlay();
    for key in ["a", "b", "c"] {
        overlay.put(key, "")?;
    }
    let view = overlay.view();
    assert_eq!(view.range("c".."a").count(), 0);
    assert_eq!(view.range("c".."a").rev().count(), 0);
    assert_eq!(view.range("b".."b").count(), 0);
    assert_eq!(view.range((Bound::Excluded("b"), Bound::Excluded("b"))).count(), 0);
    assert_eq!(overlay.range("c".."a").rev().count(), 0);
    overlay.delete_range("c".."a")?;
    assert_eq!(view.range("b"..="b").count(), 1);
    assert_eq!(overlay.iter().count(), 3);
    Ok(())
}

#[test]
fn a_prefix_of_greatest_bytes_reaches_to_the_end() -> Result {
    let overlay = Store::in_memory().overlay();
    for key in [&[0xfe, 1][..], &[0xff], &[0xff, 0xff], &[0xff, 0xff, 0xff, 1]] {
        overlay.put(key, "")?;
    }
    assert_eq!(overlay.view().prefix([0xff, 0xff]).count(), 2);
    assert_eq!(overlay.prefix([0xff]).count(), 3);
    assert_eq!(overlay.prefix([]).count(), 4);
    Ok(())
}

// --- the end of a layer -----------------------------------------------------------------------------------------------

#[test]
fn a_dropped_layer_is_gone_and_one_with_layers_on_top_is_not() -> Result {
    let bottom = Store::in_memory().overlay();
    let middle = bottom.overlay();
    middle.put("k", "middle")?;
    let top = middle.overlay();
    drop(middle);
    assert_eq!(top.get("k")?.unwrap(), b"middle");
    top.put("l", "top")?;
    top.flush()?; // into a layer that nobody holds but this one
    assert_eq!(top.iter().count(), 2);
    drop(top);
    assert_eq!(bottom.iter().count(), 0);
    Ok(())
}

#[test]
fn a_view_keeps_what_it_sees_when_all_handles_are_gone() -> Result {
    let store = Store::in_memory();
    store.put("k", "store")?;
    let overlay = store.overlay();
    overlay.put("l", "overlay")?;
    let frame = overlay.overlay();
    frame.put("m", "frame")?;
    let view = frame.view();
    drop((store, overlay, frame));
    assert_eq!(contents(&view).len(), 3);
    Ok(())
}

#[test]
fn a_flush_to_a_dropped_store_handle_still_arrives() -> Result {
    let store = Store::in_memory();
    let overlay = store.overlay();
    let reader = store.clone();
    drop(store);
    overlay.put("k", "v")?;
    overlay.flush()?;
    assert_eq!(reader.snapshot().get("k")?.unwrap(), "v");
    Ok(())
}

// --- depth ------------------------------------------------------------------------------------------------------------

#[test]
fn a_thousand_layers_read_and_iterate_as_one() -> Result {
    let store = Store::in_memory();
    store.put("base", "")?;
    let mut layers = vec![store.overlay()];
    for depth in 0..1_024u32 {
        let layer = layers[depth as usize].overlay();
        layer.put("same", depth.to_le_bytes())?;
        if depth % 64 == 0 {
            layer.put(depth.to_be_bytes(), depth.to_le_bytes())?;
            layer.delete(depth.wrapping_sub(64).to_be_bytes())?;
        }
        layers.push(layer);
    }
    let top = layers.last().unwrap();
    let expected = [
        (960u32.to_be_bytes().to_vec(), 960u32.to_le_bytes().to_vec()),
        (b"base".to_vec(), vec![]),
        (b"same".to_vec(), 1_023u32.to_le_bytes().to_vec()),
    ];
    assert_eq!(entries(top.iter())?, expected);
    assert_eq!(entries(top.iter().rev())?, expected.iter().rev().cloned().collect::<Vec<_>>());
    while layers.len() > 1 {
        layers.pop().unwrap().flush()?;
    }
    layers[0].flush()?;
    assert_eq!(store.snapshot().iter().count(), 3);
    Ok(())
}

#[test]
fn a_stack_of_a_hundred_thousand_layers_is_dropped_on_a_small_stack() {
    let small = std::thread::Builder::new().stack_size(128 << 10);
    let thread = small.spawn(|| {
        for written_every in [None, Some(10)] {
            let mut top = Store::in_memory().overlay();
            for depth in 0..100_000 {
                if written_every.is_some_and(|every| depth % every == 0) {
                    top.put("k", "v").unwrap();
                }
                top = top.overlay();
            }
            assert_eq!(top.depth(), 100_000);
            assert_eq!(top.contains("k").unwrap(), written_every.is_some());
            drop(top);
        }
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn frames_that_return_and_revert_leave_what_sequential_code_would() -> Result {
    let store = Store::in_memory();
    let block = store.overlay();
    fn call(frame: &Overlay, depth: u32) -> Result {
        for succeeds in [true, false] {
            let callee = frame.overlay();
            callee.put(depth.to_be_bytes(), [u8::from(succeeds)])?;
            if depth < 7 {
                call(&callee, depth + 1)?;
            }
            if succeeds {
                callee.flush()?;
            }
        }
        Ok(())
    }
    call(&block, 0)?;
    let found = entries(block.iter())?;
    let expected: Vec<_> = (0..8u32).map(|depth| (depth.to_be_bytes().to_vec(), vec![1])).collect();
    assert_eq!(found, expected);
    Ok(())
}

// --- against a model --------------------------------------------------------------------------------------------------

/// A stack of layers as plain maps.
struct Model {
    store: Contents,
    base: Contents,
    layers: Vec<Writes>,
}

impl Model {
    fn shows(&self, depth: usize) -> Contents {
        let mut contents = self.base.clone();
        self.layers[..=depth].iter().for_each(|layer| apply(layer, &mut contents));
        contents
    }

    fn flush(&mut self, depth: usize) {
        let moved = std::mem::take(&mut self.layers[depth]);
        if depth > 0 {
            self.layers[depth - 1].extend(moved);
        } else if !moved.is_empty() {
            apply(&moved, &mut self.store);
            self.base = self.store.clone();
        }
    }
}

fn apply(layer: &Writes, contents: &mut Contents) {
    for (key, value) in layer {
        match value {
            Some(value) => contents.insert(key.clone(), value.clone()),
            None => contents.remove(key),
        };
    }
}

#[test]
fn random_operations_over_nested_layers_leave_what_a_model_does() -> Result {
    let mut rng = seeded();
    for _ in 0..30 {
        let store = Store::in_memory();
        let mut overlays = vec![store.overlay()];
        let mut model =
            Model { store: Contents::new(), base: Contents::new(), layers: vec![Writes::new()] };
        for _ in 0..150 {
            step(&mut rng, &store, &mut overlays, &mut model)?;
            let depth = rng.usize(..overlays.len());
            let (view, expected) = (overlays[depth].view(), model.shows(depth));
            assert_eq!(contents(&view), expected);
            let key = [rng.u8(..40)];
            assert_eq!(overlays[depth].get(key)?.as_ref(), expected.get(&key[..]));
            check_range(&mut rng, &overlays[depth], &view, &expected);
        }
        for depth in (0..overlays.len()).rev() {
            overlays[depth].flush()?;
            model.flush(depth);
        }
        assert_eq!(entries(store.snapshot().iter())?, Vec::from_iter(model.store));
    }
    Ok(())
}

fn check_range(
    rng: &mut fastrand::Rng,
    overlay: &Overlay,
    view: &OverlayView,
    expected: &Contents,
) {
    let keys = bound_pair(rng);
    let mut inside: Vec<_> = expected.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    inside.retain(|(key, _)| {
        let above = match &keys.0 {
            Bound::Unbounded => true,
            Bound::Included(from) => key >= from,
            Bound::Excluded(from) => key > from,
        };
        above
            && match &keys.1 {
                Bound::Unbounded => true,
                Bound::Included(to) => key <= to,
                Bound::Excluded(to) => key < to,
            }
    });
    assert_eq!(entries(view.range(keys.clone())).unwrap(), inside);
    inside.reverse();
    assert_eq!(entries(view.range(keys.clone()).rev()).unwrap(), inside);
    assert_eq!(entries(overlay.range(keys).rev()).unwrap(), inside);
}

fn step(
    rng: &mut fastrand::Rng,
    store: &Store,
    overlays: &mut Vec<Overlay>,
    model: &mut Model,
) -> Result {
    let depth = rng.usize(..overlays.len());
    let (key, value) = (vec![rng.u8(..40)], vec![rng.u8(..)]);
    match rng.u8(..20) {
        0..7 => {
            overlays[depth].put(&key, &value)?;
            model.layers[depth].insert(key, Some(value));
        }
        7..11 => {
            overlays[depth].delete(&key)?;
            model.layers[depth].insert(key, None);
        }
        11 => {
            let end = vec![rng.u8(..40)];
            overlays[depth].delete_range(&key..&end)?;
            let shown = model.shows(depth).into_keys().filter(|k| (&key..&end).contains(&k));
            model.layers[depth].extend(shown.map(|key| (key, None)));
        }
        12 | 13 => {
            overlays[depth].flush()?;
            model.flush(depth);
        }
        14 | 15 if overlays.len() < 8 => {
            overlays.push(overlays.last().unwrap().overlay());
            model.layers.push(Writes::new());
        }
        16 if overlays.len() > 1 => {
            overlays.pop();
            model.layers.pop();
        }
        17 => {
            store.put(&key, &value)?;
            model.store.insert(key, value);
        }
        18 => {
            let mut batch = OverlayBatch::new();
            for _ in 0..rng.usize(..6) {
                let key = vec![rng.u8(..40)];
                batch.put(&key, &value);
                model.layers[depth].insert(key, Some(value.clone()));
            }
            overlays[depth].commit(&batch)?;
        }
        _ => {}
    }
    Ok(())
}
