//! Two pruners, neighbouring middle cuts, and a reader among them (rule 23).
//!
//! *Invariant* (I-7, I-8): each cut version is retired once, nothing that was retired is linked again, what a registered
//! snapshot sees stays; a reader that stands on a cut version still finds its way.
//!
//! *Bound*: two pruners and a reader, preemption bound 3.
//!
//! *Relaxed by proof*: links below the head are read and changed Relaxed. What they lead to was linked before the node
//! they are in (I-4), so whoever has acquired the head has acquired all of it (`chain/mod.rs`).

#![cfg(epoch_loom)]

use epoch_store::internals::chain::{Registered, VersionBox};
use loom::sync::Arc;
use loom::thread;
use loom_tests::{Model, World, mutants_die, pin};

fn registered(published: u64, stamps: &[u64]) -> Registered {
    let mut registered = Registered::default();
    registered.begin(published);
    stamps.iter().for_each(|&stamp| registered.add(stamp, 0));
    registered.end();
    registered
}

/// Chain 4, 3, 2, 1 with a snapshot at 1; each pruner has its own view of what else is registered.
fn run(one: &'static [u64], two: &'static [u64], left: &'static [&'static [u64]]) {
    let world = Arc::new(World::new(1));
    for value in 1..=4 {
        world.commit(&[0], value);
    }
    let prune = |stamps: &'static [u64]| {
        let world = Arc::clone(&world);
        thread::spawn(move || {
            world.records[0].cut(&registered(4, stamps), &pin(&world.domain));
        })
    };
    let (one, two) = (prune(one), prune(two));
    {
        let pin = pin(&world.domain);
        assert_eq!(world.records[0].read(1, &pin), Some(1), "the snapshot's version is found");
    }
    one.join().unwrap();
    two.join().unwrap();
    let stamps = world.records[0].stamps(&pin(&world.domain));
    assert!(left.iter().any(|left| stamps == *left), "{stamps:?} is left");
}

#[test]
fn both_cut_the_same() {
    Model { name: "both_cut_the_same", bound: Some(3), floor: 400 }
        .check(|| run(&[1], &[1], &[&[4, 1]]));
}

#[test]
fn neighbours() {
    // The first knows of a snapshot at 2, the second of one at 3. If 3 goes first, 2 is what the snapshot at 3 would see
    // for all the second knows: then it stays.
    Model { name: "neighbours", bound: Some(3), floor: 250 }
        .check(|| run(&[1, 2], &[1, 3], &[&[4, 1], &[4, 2, 1]]));
}

#[test]
fn tombstones_side_by_side() {
    // A snapshot at 3 sees the newer delete. With the older one behind it, it looks as if it said nothing; but the other
    // pruner, whose scan cannot judge the newer one yet, cuts the older one, which no snapshot sees, for the newer one's sake.
    Model { name: "tombstones_side_by_side", bound: Some(3), floor: 250 }.check(|| {
        let world = Arc::new(World::new(1));
        world.commit(&[0], 1);
        {
            let pin = pin(&world.domain);
            for stamp in [2, 3] {
                world.records[0].view().install(VersionBox::new(None), stamp, &pin);
            }
            world.records[0].install(4, 4, &pin);
        }
        let prune = |published| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.records[0].cut(&registered(published, &[1, 3]), &pin(&world.domain));
            })
        };
        let (one, two) = (prune(4), prune(3));
        one.join().unwrap();
        two.join().unwrap();
        let pin = pin(&world.domain);
        assert_eq!(world.records[0].read(3, &pin), None, "deleted at 3");
        assert_eq!(world.records[0].read(1, &pin), Some(1), "and there at 1");
    });
}

#[test]
fn mutants_of_tombstones_side_by_side() {
    mutants_die("tombstones_side_by_side", &["tombstone-over-tombstone", "cut-by-store"]);
}

#[test]
fn mutants_of_both_cut_the_same() {
    mutants_die("both_cut_the_same", &["cut-by-store", "early-free"]);
}

#[test]
fn mutants_of_neighbours() {
    mutants_die("neighbours", &["cut-no-mark", "cut-by-store", "no-pin"]);
}
