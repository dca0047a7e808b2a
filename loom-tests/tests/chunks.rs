//! A large commit, installed chunk by chunk by whoever comes.
//!
//! *Invariant* (I-31): a reader at the root finds every write of the commit, whoever installed its chunk; each record takes
//! it once; each node that the owner built is linked or retired by the claimer of its chunk, also when that one sleeps
//! until the commit is history and what it wrote is cut.
//!
//! *Bound*: owner and helper beside a reader, and two committers of whom one cuts behind both, with preemption bound 2.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::{Registered, VersionBox};
use epoch_store::internals::commit::{Commit, Write};
use epoch_store::internals::tally::Tally;
use loom_tests::{Model, NoneSealed, World, actor, mutants_die, pin, race};
use std::ptr::NonNull;

/// Commits `value` to all records, one record a chunk, and tells where the built nodes were.
fn commit_in_chunks(world: &World, value: u8) -> Vec<usize> {
    let tally = Tally::default();
    let pin = pin(&world.domain);
    let writes: Vec<Write> = world
        .records
        .iter()
        .map(|record| {
            let node = VersionBox::new(Some(&[value])).into_raw();
            Write::new(record.as_ptr(), node, 0)
        })
        .collect();
    let built = writes.iter().map(|write| address(write.node())).collect();
    let commit = Commit::alloc_in_chunks(writes.into_iter().collect(), 1, Box::default());
    world.queue.commit(commit, &NoneSealed, &pin, &tally);
    built
}

fn address<T>(node: NonNull<T>) -> usize {
    node.addr().get()
}

fn help(world: &World) {
    let pin = pin(&world.domain);
    world.queue.finish_ordered(&NoneSealed, &pin, &Tally::default());
}

/// How many of the built nodes are not in their chains: their copies are.
fn replaced(world: &World, built: &[usize]) -> u64 {
    let pin = pin(&world.domain);
    let heads = world.records.iter().map(|record| record.view().head(&pin).unwrap().as_ptr());
    heads.zip(built).filter(|(head, built)| address(*head) != **built).count() as u64
}

#[test]
fn two_install_one_commit() {
    Model { name: "two_install_one_commit", bound: Some(2), floor: 140_000 }.check(|| {
        let world = loom::sync::Arc::new(World::new(2));
        let [built, _, _] = race([
            actor(&world, |world: &World| commit_in_chunks(world, 7)),
            actor(&world, |world: &World| {
                help(world);
                vec![]
            }),
            actor(&world, |world: &World| {
                let (stamp, values) = world.read_all();
                let expected = (stamp > 0).then_some(7);
                assert_eq!(values, [expected; 2], "all of it or nothing at {stamp}");
                vec![]
            }),
        ]);
        let pin = pin(&world.domain);
        for record in &world.records {
            assert_eq!(record.stamps(&pin), [1], "once in each record");
        }
        drop(pin);
        let lost = replaced(&world, &built);
        help(&world); // a pin that ends: what was retired is buried
        assert_eq!(freed(&world), 1 + lost, "a descriptor, and each node that lost, once");
    });
}

fn freed(world: &World) -> u64 {
    epoch_store::internals::reclaim::Reclaimer::freed(&world.domain)
}

/// A claimer may sleep through all of what the third thread does.
#[test]
fn sleeping_claimer() {
    Model { name: "sleeping_claimer", bound: Some(2), floor: 230_000 }.check_from_each(2, || {
        let world = loom::sync::Arc::new(World::new(2));
        race([
            actor(&world, |world: &World| drop(commit_in_chunks(world, 7))),
            actor(&world, |world: &World| {
                let stamp = world.commit(&[0], 8);
                let pin = pin(&world.domain);
                let mut registered = Registered::default();
                registered.begin(stamp);
                registered.end();
                for record in &world.records {
                    record.cut(&registered, &pin);
                }
            }),
        ]);
        let pin = pin(&world.domain);
        let stamps = world.records[0].stamps(&pin);
        assert!(stamps.is_sorted_by(|a, b| a > b), "newest first, each once: {stamps:?}");
        assert!(stamps == [2, 1] || stamps == [2], "nothing that was cut comes back: {stamps:?}");
        assert_eq!(world.records[1].read(2, &pin), Some(7));
        assert!([Some(7), Some(8)].contains(&world.records[0].read(2, &pin)));
    });
}

#[test]
fn mutants_of_two_install_one_commit() {
    mutants_die(
        "two_install_one_commit",
        &[
            "chunk-done",
            "chunk-seen",
            "chunk-done-early",
            "flags-not-looked-at",
            "helper-shares-node",
            "loser-kept",
            "root-publish",
        ],
    );
}

#[test]
fn mutants_of_sleeping_claimer() {
    mutants_die("sleeping_claimer", &["helper-shares-node", "early-free", "no-pin"]);
}
