//! Private version nodes (rule 2): owner and helper install one commit while a pruner cuts behind it.
//!
//! *Invariant* (I-6): a node has one writer until the CAS that links it. If helpers shared the owner's node, a slow one
//! would write its `prev` again after a pruner had cut what is behind it: a retired version would be linked again.
//!
//! *Bound*: three threads, preemption bound 3.

#![cfg(epoch_loom)]

use epoch_store::internals::chain::Registered;
use epoch_store::internals::tally::Tally;
use loom::sync::Arc;
use loom::thread;
use loom_tests::{Model, NoneSealed, World, mutants_die, pin};

fn cut_at_root(world: &World) {
    let pin = pin(&world.domain);
    let mut registered = Registered::default();
    registered.begin(world.queue.published());
    registered.end();
    world.records[0].cut(&registered, &pin);
}

#[test]
fn owner_helper_pruner() {
    Model { name: "owner_helper_pruner", bound: Some(3), floor: 1_000 }.check(|| {
        let world = Arc::new(World::new(1));
        world.commit(&[0], 1);
        let (owner, helper) = (Arc::clone(&world), Arc::clone(&world));
        let owner = thread::spawn(move || owner.commit(&[0], 2));
        let helper = thread::spawn(move || {
            let pin = pin(&helper.domain);
            helper.queue.finish_ordered(&NoneSealed, &pin, &Tally::default());
            drop(pin);
            cut_at_root(&helper);
        });
        assert_eq!(owner.join().unwrap(), 2);
        helper.join().unwrap();
        cut_at_root(&world);
        let pin = pin(&world.domain);
        assert_eq!(world.records[0].stamps(&pin), [2], "one version is visible, one is left");
        assert_eq!(world.records[0].read(2, &pin), Some(2));
    });
}

#[test]
fn mutants_of_owner_helper_pruner() {
    mutants_die("owner_helper_pruner", &["helper-shares-node", "early-free", "no-pin"]);
}
