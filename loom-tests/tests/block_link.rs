//! Two transactions write to one key for the first time, and a third reads it.
//!
//! *Invariant* B-1: a chain is strictly descending, and no entry is lost; what a reader meets, it can read.
//!
//! *Bound*: preemption bound 2.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::Map;
use epoch_store::block::{BlockMap, Kind, Pool, Seen, State};
use loom::sync::Arc;
use loom_tests::{Actor, Model, actor, mutants_die, race};

const KEY: &[u8] = b"k";
/// A place above all transactions.
const TOP: u32 = 9;

/// A block in which the key was written once, and is not any more: what a first write brings with it is another model's.
fn block() -> Arc<BlockMap> {
    let block = BlockMap::new(Map::new().snapshot(), None, TOP, &Pool::default()).unwrap();
    publish(&block, 0);
    block.writer().withdraw(0);
    Arc::new(block)
}

/// Writes its own number.
fn publish(block: &BlockMap, idx: u32) {
    let mut writer = block.writer();
    let key = writer.key(KEY).unwrap();
    let write = writer.write(key, Kind::Value, idx, 1, &[idx as u8]);
    writer.publish(idx, &[], &[], &[write]);
    // What it leaves of its chunk is no part of this.
    std::mem::forget(writer);
}

fn publisher(block: &Arc<BlockMap>, idx: u32) -> Actor<()> {
    actor(block, move |block| publish(block, idx))
}

/// All that can be seen from above, the newest first, each with its own bytes.
fn seen(block: &BlockMap) -> Vec<u32> {
    let key = block.find(KEY).expect("it was touched");
    let cells = key.below(TOP).map(|seen: Seen<'_>| (seen.writer(), seen.get()));
    cells
        .filter_map(|(writer, state)| {
            let writer = writer?;
            assert_eq!(state, State::Value(&[writer as u8]));
            Some(writer)
        })
        .collect()
}

fn reader(block: &Arc<BlockMap>) -> Actor<()> {
    actor(block, |block| {
        let seen = seen(block);
        assert!(seen.is_sorted_by(|one, next| one > next), "descending: {seen:?}");
    })
}

#[test]
fn two_links() {
    Model { name: "two_links", bound: Some(2), floor: 6_000 }.check_from_each(3, || {
        let block = block();
        race([publisher(&block, 1), publisher(&block, 2), reader(&block)]);
        assert_eq!(seen(&block), [2, 1]);
    });
}

#[test]
fn three_links() {
    Model { name: "three_links", bound: Some(2), floor: 45_000 }.check_from_each(3, || {
        let block = block();
        race([publisher(&block, 2), publisher(&block, 1), publisher(&block, 3)]);
        assert_eq!(seen(&block), [3, 2, 1]);
    });
}

#[test]
fn mutants_of_two_links() {
    mutants_die("two_links", &["entry-link", "entry-linked-blind"]);
}

#[test]
fn mutants_of_three_links() {
    mutants_die("three_links", &["entry-link", "entry-linked-blind"]);
}
