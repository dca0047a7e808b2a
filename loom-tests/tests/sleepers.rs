//! A worker goes to sleep while another finishes the block.
//!
//! *Invariant* S-5 of the scheduler (`engine/src/executor/scheduler`): if there is something to do, or nothing ever again, and a
//! worker sleeps, he is being woken. A wake-up that is lost is a deadlock here. The first transaction is claimed by whoever
//! begins; the window is full with it, so that the other has nothing to do until it is final.
//!
//! *Bound*: preemption bound 2. *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use loom_tests::{Block, Model, Script, actor, mutants_die, race};

#[test]
fn sleepers() {
    let script = Script { transactions: 1, window: 2, ..Script::default() };
    Model { name: "sleepers", bound: Some(2), floor: 2_900 }.check_from_each(2, move || {
        let block = Block::new(script, 2);
        race([actor(&block, |block| block.work(0)), actor(&block, |block| block.work(1))]);
        Block::check(block, 1);
    });
}

/// Somebody stops the block from outside, who knows of no sleeper: whoever sees the stop wakes those who did not.
#[test]
fn sleepers_and_stop() {
    let script = Script { transactions: 1, window: 2, ..Script::default() };
    Model { name: "sleepers_and_stop", bound: Some(1), floor: 6_000 }.check_from_each(
        3,
        move || {
            let block = Block::new(script, 2);
            race([
                actor(&block, |block| block.work(0)),
                actor(&block, |block| block.work(1)),
                actor(&block, |block| block.progress.stop()),
            ]);
            let committed = block.scheduler.committed();
            Block::check(block, committed);
        },
    );
}

#[test]
fn mutants_of_sleepers() {
    mutants_die("sleepers", &["sleeper", "handover-owner", "sleeper-looks-first"]);
}

#[test]
fn mutants_of_sleepers_and_stop() {
    mutants_die("sleepers_and_stop", &["stop-seen", "sleeper-looks-first"]);
}
