//! A flusher that is stopped at each of its steps, one run for each, while others go on: nobody waits for it, nothing is lost,
//! and what it has begun is applied once.
//!
//! Every step of a flush is a look at a map or a commit to one, and the core has named stops in all of those.

#![cfg(feature = "pause-points")]

mod stack;

use engine::{Error, Overlay, OverlayBatch, Store};
use stack::{Row, entries};
use std::cell::Cell;
use std::sync::mpsc::{Receiver, Sender, channel};

type Result<T = ()> = std::result::Result<T, Error>;

/// What a parked thread says: that it has come to its stop, or to its end.
enum Word {
    Parked(&'static str),
    Ended(Result),
}

/// Runs `work` on a thread that stops at its `stop`th pause point until the returned sender is used or dropped.
fn park_at(
    stop: usize,
    work: impl FnOnce() -> Result + Send + 'static,
) -> (Receiver<Word>, Sender<()>) {
    let (say, said) = channel();
    let (release, released) = channel();
    std::thread::spawn(move || {
        let (count, say_parked) = (Cell::new(0), say.clone());
        let hook = move |point| {
            if count.replace(count.get() + 1) == stop {
                let _ = say_parked.send(Word::Parked(point));
                let _ = released.recv();
            }
        };
        let _ = say.send(Word::Ended(epoch_store::with_pauses(hook, work)));
    });
    (said, release)
}

/// Runs that end before their stop comes, one after the other, before it is believed that there are no more stops: some come
/// and go with what is collected meanwhile.
const LAST_RUNS: usize = 8;

/// Runs `case` once for each pause point of `flush`, with a thread stopped there. Returns the points.
fn at_each_stop(
    mut case: impl FnMut(usize) -> Result<Option<&'static str>>,
) -> Result<Vec<&'static str>> {
    let (mut points, mut ended) = (Vec::new(), 0);
    for stop in 0.. {
        match case(stop)? {
            Some(point) => {
                points.push(point);
                ended = 0;
            }
            None => ended += 1,
        }
        if ended == LAST_RUNS {
            break;
        }
    }
    Ok(points)
}

/// A store with a root layer and a nested one, and something in each.
struct World {
    store: Store,
    root: Overlay,
    nested: Overlay,
}

impl World {
    fn new() -> Result<Self> {
        let store = Store::in_memory();
        for key in ["a", "b", "x"] {
            store.put(key, "store")?;
        }
        let root = store.overlay();
        let nested = root.overlay();
        // A flush before: then there is a mark, and a generation.
        root.put("x", "first")?;
        root.flush()?;
        for layer in [&root, &nested] {
            layer.put("a", "uncommitted")?;
            layer.delete("b")?;
            layer.put("c", "uncommitted")?;
        }
        Ok(Self { store, root, nested })
    }
}

fn rows(of: &[(&str, &str)]) -> Vec<Row> {
    of.iter().map(|&(key, value)| (key.into(), value.into())).collect()
}

/// Both kinds of layer: which is flushed by the sleeper.
fn flush_stopped_anywhere(choose: fn(&World) -> &Overlay) -> Result<Vec<&'static str>> {
    at_each_stop(|stop| {
        let world = World::new()?;
        let layer = choose(&world).clone();
        let sleeper = layer.clone();
        let (said, release) = park_at(stop, move || sleeper.flush().map(drop));
        let Ok(Word::Parked(point)) = said.recv() else { return Ok(None) };
        let check = |layer: &Overlay, of: &[(&str, &str)]| {
            let (view, expected) = (layer.view(), rows(of));
            assert_eq!(entries(view.iter()).unwrap(), expected, "stopped at {stop}, {point}");
            assert_eq!(entries(layer.iter().rev()).unwrap().len(), of.len(), "{stop}, {point}");
            for (key, value) in of {
                assert_eq!(view.get(key).unwrap().unwrap(), value, "{stop}, {point}");
            }
            assert_eq!(view.get("b").unwrap(), None, "{stop}, {point}");
        };
        let before = [("a", "uncommitted"), ("c", "uncommitted"), ("x", "first")];
        check(&world.nested, &before);
        check(&world.root, &before);

        // Writers go on, and what they write stays on top of what is being moved.
        layer.put("a", "later")?;
        layer.put("d", "later")?;
        layer.delete("c")?;
        let changed = [("a", "later"), ("d", "later"), ("x", "first")];
        check(&layer, &changed);

        // So do flushers: all of it goes down to the store, and a commit to the store comes after it.
        world.nested.flush()?;
        world.root.flush()?;
        let flushed = entries(world.store.snapshot().iter())?;
        let expected = if layer.depth() == 0 {
            // The nested layer had its own, older writes on top of the root's.
            rows(&[("a", "uncommitted"), ("c", "uncommitted"), ("d", "later"), ("x", "first")])
        } else {
            rows(&changed)
        };
        assert_eq!(flushed, expected, "stopped at {stop}, {point}");
        world.store.put("a", "after")?;
        world.store.put("c", "after")?;
        world.store.delete("d")?;

        // The sleeper has nothing to add.
        drop(release);
        let Ok(Word::Ended(ended)) = said.recv() else { panic!("the sleeper did not end") };
        ended?;
        world.nested.put("y", "last")?;
        world.nested.flush()?;
        world.root.flush()?;
        let expected = [("a", "after"), ("c", "after"), ("x", "first"), ("y", "last")];
        check(&world.nested, &expected);
        assert_eq!(entries(world.store.snapshot().iter())?, rows(&expected), "{stop}, {point}");
        Ok(Some(point))
    })
}

#[test]
fn a_flush_of_the_root_can_be_stopped_anywhere() -> Result {
    let points = flush_stopped_anywhere(|world| &world.root)?;
    println!("{} stops: {points:?}", points.len());
    // What is collected on the way may move a point by one from run to run: so they are counted in a run without a stop.
    let (world, (pass, passed)) = (World::new()?, channel());
    epoch_store::with_pauses(move |point| pass.send(point).unwrap(), || world.root.flush())?;
    let passed: Vec<&str> = passed.try_iter().collect();
    let published = passed.iter().filter(|&&point| point == "commit-published").count();
    assert_eq!(published, 2, "both commits of the flush have stops: {passed:?}");
    assert!(points.len().abs_diff(passed.len()) <= 2, "{points:?}, {passed:?}");
    Ok(())
}

#[test]
fn a_flush_of_a_nested_layer_can_be_stopped_anywhere() -> Result {
    let points = flush_stopped_anywhere(|world| &world.nested)?;
    println!("{} stops: {points:?}", points.len());
    assert!(points.iter().any(|point| point.contains("publish")), "{points:?}");
    Ok(())
}

#[test]
fn sleepers_of_several_generations_are_all_too_late() -> Result {
    let points = at_each_stop(|stop| {
        let store = Store::in_memory();
        let root = store.overlay();
        let mut sleepers = Vec::new();
        for generation in 0..4u8 {
            root.put("k", [generation])?;
            let sleeper = root.clone();
            let (said, release) = park_at(stop, move || sleeper.flush().map(drop));
            let Ok(Word::Parked(point)) = said.recv() else { return Ok(None) };
            sleepers.push((said, release, point));
            root.flush()?;
            assert_eq!(store.snapshot().get("k")?.unwrap(), [generation]);
        }
        store.put("k", "after")?;
        let point = sleepers[0].2;
        for (said, release, point) in sleepers.into_iter().rev() {
            drop(release);
            let Ok(Word::Ended(ended)) = said.recv() else { panic!("it did not end at {point}") };
            ended?;
            assert_eq!(store.snapshot().get("k")?.unwrap(), "after", "{stop}, {point}");
        }
        root.put("l", "")?;
        root.flush()?;
        assert_eq!(root.get("k")?.unwrap(), b"after");
        Ok(Some(point))
    })?;
    assert!(points.len() > 10, "{points:?}");
    Ok(())
}

#[test]
fn a_store_that_is_closed_beside_a_stopped_flush_has_all_of_it_or_nothing() -> Result {
    let mut outcomes = [0, 0];
    let points = at_each_stop(|stop| {
        let World { store, root, nested } = World::new()?;
        let before = entries(store.snapshot().iter())?;
        let shown = rows(&[("a", "uncommitted"), ("c", "uncommitted"), ("x", "first")]);
        let sleeper = root.clone();
        let (said, release) = park_at(stop, move || sleeper.flush().map(drop));
        let Ok(Word::Parked(point)) = said.recv() else { return Ok(None) };
        store.close().unwrap();
        let helped = root.flush();
        let after_help = entries(store.snapshot().iter())?;
        assert_eq!(entries(root.iter())?, shown, "{stop}, {point}");
        assert_eq!(helped.is_ok(), after_help == shown, "{stop}, {point}");
        nested.flush()?;

        drop(release);
        let Ok(Word::Ended(ended)) = said.recv() else { panic!("the sleeper did not end") };
        let after = entries(store.snapshot().iter())?;
        match ended {
            Ok(()) => assert_eq!(after, shown, "{stop}, {point}"),
            Err(Error::Closed) => assert_eq!(after, before, "{stop}, {point}"),
            Err(error) => panic!("{error:?}"),
        }
        outcomes[usize::from(after == shown)] += 1;
        assert_eq!(entries(root.iter())?, shown, "{stop}, {point}");
        Ok(Some(point))
    })?;
    println!("{outcomes:?} of {points:?}");
    assert!(outcomes.iter().all(|&times| times > 0), "{outcomes:?}");
    Ok(())
}

/// A reader that is stopped while it opens a view must not pair the layers of one moment with the base of another.
#[test]
fn a_view_whose_opening_is_stopped_beside_flushes_shows_one_moment() -> Result {
    let mut shown = Vec::new();
    let points = at_each_stop(|stop| {
        let store = Store::in_memory();
        let root = store.overlay();
        root.put("k", "first")?;
        let (reader, (tell, told)) = (root.clone(), channel());
        let (said, release) = park_at(stop, move || {
            let view = reader.view();
            tell.send(entries(view.iter())?).map_err(|_| Error::Closed)
        });
        let Ok(Word::Parked(point)) = said.recv() else { return Ok(None) };
        root.flush()?;
        store.put("k", "later")?;
        root.put("l", "later")?;
        root.flush()?;
        drop(release);
        let Ok(Word::Ended(ended)) = said.recv() else { panic!("the reader did not end") };
        ended?;
        shown.push(told.recv().unwrap());
        Ok(Some(point))
    })?;
    let moments = [rows(&[("k", "first")]), rows(&[("k", "later"), ("l", "later")])];
    for (shown, point) in shown.iter().zip(&points) {
        assert!(moments.contains(shown), "stopped at {point}: {shown:?}");
    }
    println!("{} stops: {points:?}", points.len());
    assert!(points.len() > 1 && shown.contains(&moments[1]), "{points:?}");
    Ok(())
}

/// A range is deleted as it was at one moment: of a batch that comes between, all is deleted, or nothing.
#[test]
fn a_deletion_of_a_range_that_is_stopped_leaves_no_half_of_a_batch() -> Result {
    let mut left = Vec::new();
    let points = at_each_stop(|stop| {
        let overlay = Store::in_memory().overlay();
        overlay.put("old", "1")?;
        let sleeper = overlay.clone();
        let (said, release) = park_at(stop, move || sleeper.delete_range(..));
        let Ok(Word::Parked(point)) = said.recv() else { return Ok(None) };
        let mut batch = OverlayBatch::new();
        batch.put("new", "2").put("old", "2");
        overlay.commit(&batch)?;
        drop(release);
        let Ok(Word::Ended(ended)) = said.recv() else { panic!("the sleeper did not end") };
        ended?;
        left.push(entries(overlay.iter())?);
        Ok(Some(point))
    })?;
    let all = rows(&[("new", "2"), ("old", "2")]);
    for (left, point) in left.iter().zip(&points) {
        assert!(left.is_empty() || *left == all, "stopped at {point}: {left:?}");
    }
    assert!(left.contains(&all) && left.contains(&vec![]), "both orders come up: {points:?}");
    Ok(())
}
