//! Two workers finish three transactions and hand the frontier to each other.
//!
//! *Invariants* S-1 to S-4 of the scheduler (`engine/src/executor/scheduler`): one thread at a time runs an index; the frontier
//! moves by one; what is final was validated, or run, after all below; and an index that is done at the frontier is not left
//! there. Each transaction reads what the one before wrote, so every validation that begins too early is seen in the end. There is no
//! other notion of being done than the frontier's: a block cannot be over with a validation in flight.
//!
//! *Bound*: two threads, preemption bound 2. *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use loom_tests::{Block, Model, Script, actor, mutants_die, race};

#[test]
fn handover() {
    Model { name: "handover", bound: Some(2), floor: 14_500 }.check_from_each(2, || {
        let block = Block::claimed(Script::default(), 2);
        race([
            actor(&block, |block| block.run(0, &[0, 2])),
            actor(&block, |block| block.run(1, &[1])),
        ]);
        Block::check(block, 3);
    });
}

#[test]
fn mutants_of_handover() {
    mutants_die(
        "handover",
        &[
            "handover-finisher",
            "handover-owner",
            "ladder-no-cas",
            "status-done",
            "status-ladder",
            "frontier-store",
            "frontier-load",
        ],
    );
}
