//! Somebody idle finds a run stale and repeats it, while the frontier arrives.
//!
//! *Invariants* S-7 and S-8 of the scheduler (`engine/src/executor/scheduler`): an index is run at most `max_runs` times; what a
//! run wrote is marked withdrawn before its index can be claimed again, and no mark is left when it is done. And S-1, S-4: the
//! index is run by one of the two, and is not left.
//!
//! *Bound*: preemption bound 3 with two threads, 2 with three. *Executions* are printed; the floors below are a little under what
//! was seen.

#![cfg(epoch_loom)]

use engine::internals::scheduler::Early;
use loom_tests::{Block, Model, Script, actor, mutants_die, race};

const SCRIPT: Script =
    Script { transactions: 3, max_runs: 3, window: 4, early: Early::On, stale: None, cut: None };

/// The last transaction has run first, and read nothing of what the others write.
#[test]
fn early_rerun() {
    Model { name: "early_rerun", bound: Some(3), floor: 1 }.check_from_each(2, || {
        let block = Block::claimed(SCRIPT, 2);
        block.run(0, &[2]);
        block.run(0, &[1]);
        race([actor(&block, |block| block.run(0, &[0])), actor(&block, |block| block.help(1))]);
        Block::check(block, 3);
    });
}

/// Two look for stale runs at once.
#[test]
fn two_helpers() {
    Model { name: "two_helpers", bound: Some(2), floor: 1 }.check_from_each(3, || {
        let block = Block::claimed(SCRIPT, 3);
        block.run(0, &[2]);
        block.run(0, &[1]);
        race([
            actor(&block, |block| block.run(0, &[0])),
            actor(&block, |block| block.help(1)),
            actor(&block, |block| block.help(2)),
        ]);
        Block::check(block, 3);
    });
}

#[test]
fn mutants_of_early_rerun() {
    mutants_die(
        "early_rerun",
        &["estimate-late", "status-rerun", "take-any-run", "handover-finisher"],
    );
}

#[test]
fn mutants_of_two_helpers() {
    mutants_die("two_helpers", &["rerun-uncounted", "estimate-late"]);
}
