//! A transaction is run twice, and one above it that has seen half of each run is judged.
//!
//! *Invariant* (B-7): a run may see the first half of one run of another and the second of the next. It is valid only if every read
//! meets the same answer once that other is final; so what it has read then is what is final.
//!
//! Transaction 0 publishes {a, b}, then {b, c}, then is final. Transaction 1 reads a, b and c meanwhile.
//!
//! *Bound*: preemption bound 3.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::Map;
use epoch_store::block::{BlockMap, Kind, Pool, Read, ReadKind, State, Writer};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom_tests::{Actor, Model, actor, mutants_die, race};

const KEYS: [&[u8]; 3] = [b"a", b"b", b"c"];

struct World {
    block: BlockMap,
    /// Transaction 0 is final.
    is_final: AtomicBool,
}

fn world() -> Arc<World> {
    let block = BlockMap::new(Map::new().snapshot(), None, 2, &Pool::default()).unwrap();
    // Written once before: what a first write brings with it is another model's.
    let mut writer = block.writer();
    let writes = KEYS.map(|key| {
        let key = writer.key(key).unwrap();
        writer.write(key, Kind::Value, 0, 0, b"0")
    });
    writer.publish(0, &[], &[], &writes);
    writer.withdraw(0);
    drop(writer);
    Arc::new(World { block, is_final: AtomicBool::new(false) })
}

fn publish<'b>(writer: &mut Writer<'b>, run: u8, keys: [&[u8]; 2]) {
    let writes = keys.map(|key| {
        let key = writer.key(key).unwrap();
        writer.write(key, Kind::Value, 0, run, &[run])
    });
    writer.publish(0, &[], &[], &writes);
}

/// Transaction 0.
fn lower(world: &Arc<World>) -> Actor<()> {
    actor(world, |world| {
        let mut writer = world.block.writer();
        publish(&mut writer, 1, [KEYS[0], KEYS[1]]);
        writer.estimate(0);
        publish(&mut writer, 2, [KEYS[1], KEYS[2]]);
        world.is_final.store(true, Ordering::Release);
        std::mem::forget(writer);
    })
}

fn is_valid(reads: &[Read<'_>]) -> bool {
    reads.iter().all(|read| read.key().visible(1) == read.seen())
}

/// Transaction 1, and its judgement.
fn upper(world: &Arc<World>) -> Actor<()> {
    actor(world, |world| {
        let mut writer = world.block.writer();
        let reads = KEYS.map(|key| {
            let key = writer.key(key).unwrap();
            let seen = key.visible(1);
            if let State::Value(bytes) = seen.get() {
                assert!(bytes == [1] || bytes == [2], "whole cells");
            }
            seen.read(ReadKind::Get)
        });
        writer.publish(1, &reads, &[], &[]);
        if world.is_final.load(Ordering::Acquire) && is_valid(&reads) {
            let got = reads.map(|read| read.seen().get());
            assert_eq!(got, [State::Base, State::Value(&[2]), State::Value(&[2])]);
        }
        std::mem::forget(writer);
    })
}

#[test]
fn runs_and_judgement() {
    Model { name: "runs_and_judgement", bound: Some(3), floor: 6_000 }.check_from_each(2, || {
        let world = world();
        race([lower(&world), upper(&world)]);
        let reads = world.block.account(1).expect("published").reads();
        let got: Vec<_> = reads.iter().map(|read| read.seen().get()).collect();
        let right = [State::Base, State::Value(&[2]), State::Value(&[2])];
        assert_eq!(is_valid(reads), got == right, "valid if and only if it is right: {got:?}");
    });
}

#[test]
fn mutants_of_runs_and_judgement() {
    mutants_die("runs_and_judgement", &["cell-store", "old-entry-stays"]);
}
