//! Transactions become final by a run at the frontier, beside one that reads ahead and is judged when they are.
//!
//! *Invariant* (B-7): what a final run writes is below all that higher transactions wrote, and above all that lower ones
//! did: in what is settled, or in an entry if there is one below. A reader that meets it reads whole cells.
//!
//! Two keys: `k`, which transaction 0 has published before it was final, so that it has an entry; and `l`, which it has not.
//!
//! *Bound*: preemption bound 3.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::Map;
use epoch_store::block::{BlockMap, Kind, Pool, ReadKind, State};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom_tests::{Actor, Model, actor, mutants_die, race};

const KEYS: [&[u8]; 2] = [b"k", b"l"];

struct World {
    block: BlockMap,
    /// Transaction 1 is final.
    is_final: AtomicBool,
}

/// Transaction 0 is final.
fn world() -> Arc<World> {
    let block = BlockMap::new(Map::new().snapshot(), None, 3, &Pool::default()).unwrap();
    let mut writer = block.writer();
    let key = writer.key(KEYS[0]).unwrap();
    let write = writer.write(key, Kind::Value, 0, 1, &[0]);
    writer.publish(0, &[], &[], &[write]);
    // Written by a run above that was withdrawn: what a first write brings with it, a fence say, is another model's.
    let key = writer.key(KEYS[1]).unwrap();
    let write = writer.write(key, Kind::Value, 2, 1, &[2]);
    writer.publish(2, &[], &[], &[write]);
    writer.withdraw(2);
    std::mem::forget(writer);
    Arc::new(World { block, is_final: AtomicBool::new(false) })
}

/// The last run of transaction 1, which writes both keys.
fn frontier(world: &Arc<World>) -> Actor<()> {
    actor(world, |world| {
        let mut writer = world.block.writer();
        let writes = KEYS.map(|key| {
            let key = writer.key(key).unwrap();
            writer.write(key, Kind::Value, 1, 1, &[1])
        });
        writer.settle(1, &writes);
        world.is_final.store(true, Ordering::Release);
        std::mem::forget(writer);
    })
}

/// Transaction 2.
fn upper(world: &Arc<World>) -> Actor<()> {
    actor(world, |world| {
        let reads = KEYS.map(|key| {
            let key = world.block.find(key).expect("it was touched");
            let seen = key.visible(2);
            assert!(matches!(seen.get(), State::Base | State::Value([0] | [1])), "{seen:?}");
            seen.read(ReadKind::Get)
        });
        if world.is_final.load(Ordering::Acquire) {
            for read in reads {
                let now = read.key().visible(2);
                assert_eq!(now.get(), State::Value(&[1]), "what is final is seen");
                assert_eq!(read.seen() == now, read.seen().get() == State::Value(&[1]));
            }
        }
    })
}

#[test]
fn final_run_and_reader() {
    Model { name: "final_run_and_reader", bound: Some(3), floor: 450 }.check_from_each(2, || {
        let world = world();
        race([frontier(&world), upper(&world)]);
    });
}

#[test]
fn mutants_of_final_run_and_reader() {
    mutants_die("final_run_and_reader", &["settle-store", "settled-above-entry"]);
}
