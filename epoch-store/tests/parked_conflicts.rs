//! A thread that is stopped in the middle of a commit, and others who are refused because of it: they must get on.

#![cfg(feature = "pause-points")]

use epoch_store::{Error, Map, ReadSet, WriteBatch, with_pauses};
use std::cell::Cell;
use std::sync::mpsc::channel;
use std::thread;

/// Tries that are enough for anybody: one is refused by the sleeper, and the next sees what it wrote.
const TRIES: usize = 100;

/// Adds one to a counter, the way that [`Map::commit_if`] is meant to be used. Returns how often it was refused.
fn increment(map: &Map, key: &str) -> usize {
    for refused in 0..TRIES {
        let snapshot = map.snapshot();
        let count = snapshot.get(key).map_or(0, |value| value[0]);
        let mut batch = WriteBatch::new();
        batch.put(key, [count + 1]);
        match map.commit_if(&batch, ReadSet::at(&snapshot).key(key)) {
            Ok(_) => return refused,
            Err(Error::Conflict(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("refused {TRIES} times by somebody who sleeps")
}

/// One run for each stop of a commit. Returns how many there are, and in how many somebody was refused.
fn beside_a_sleeper(sleep_in: impl Fn(&Map) + Clone + Send + 'static) -> (usize, usize) {
    let mut refusals = 0;
    for stop in 0.. {
        let map = Map::new();
        map.put("k", [0]).unwrap();
        let (sleeper, work) = (map.clone(), sleep_in.clone());
        let ((parked, has_parked), (release, released)) = (channel(), channel::<()>());
        let thread = thread::spawn(move || {
            let count = Cell::new(0);
            let hook = move |point| {
                if count.replace(count.get() + 1) == stop {
                    parked.send(point).unwrap();
                    let _ = released.recv();
                }
            };
            with_pauses(hook, || work(&sleeper));
        });
        if has_parked.recv().is_err() {
            thread.join().unwrap();
            return (stop, refusals);
        }
        refusals += usize::from(increment(&map, "k") > 0);
        drop(release);
        thread.join().unwrap();
        assert_eq!(map.snapshot().get("k").unwrap(), [2], "stopped at {stop}");
    }
    unreachable!("a commit has an end")
}

#[test]
fn who_is_refused_by_a_sleeping_commit_sees_it_and_goes_on() {
    let (stops, refusals) = beside_a_sleeper(|map| _ = increment(map, "k"));
    println!("{stops} stops, refused at {refusals}");
    assert!(stops > 5 && refusals > 0, "{stops}, {refusals}");
}
