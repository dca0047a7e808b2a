//! A run is withdrawn at the moment at which the frontier arrives, with somebody beside who resumes.
//!
//! *Invariants* S-9 and S-4 of the scheduler (`engine/src/executor/scheduler`): a parked index is taken by exactly one of those who
//! resume and the frontier, and is not forgotten when it becomes the frontier. Also S-7: a run that was withdrawn counts, and
//! what was found out about one run is not used on another (a wake-up for an old incarnation).
//!
//! *Bound*: preemption bound 3 with two threads, 2 with three. *Executions* are printed; the floors below are a little under what
//! was seen.

#![cfg(epoch_loom)]

use loom_tests::{Block, Model, Script, actor, mutants_die, race};

#[test]
fn withdrawn() {
    let script = Script { transactions: 2, stale: Some(1), ..Script::default() };
    Model { name: "withdrawn", bound: None, floor: 1 }.check_from_each(2, move || {
        let block = Block::claimed(script, 2);
        race([
            actor(&block, |block| block.run(0, &[0])),
            actor(&block, |block| block.run(1, &[1])),
        ]);
        Block::check(block, 2);
    });
}

#[test]
fn resumed() {
    let script = Script { transactions: 2, max_runs: 3, stale: Some(1), ..Script::default() };
    Model { name: "resumed", bound: Some(2), floor: 1 }.check_from_each(3, move || {
        let block = Block::claimed(script, 3);
        race([
            actor(&block, |block| block.run(0, &[0])),
            actor(&block, |block| block.run(1, &[1])),
            actor(&block, |block| block.help(2)),
        ]);
        Block::check(block, 2);
    });
}

#[test]
fn mutants_of_withdrawn() {
    mutants_die("withdrawn", &["handover-parked", "handover-owner", "status-ladder"]);
}

#[test]
fn mutants_of_resumed() {
    mutants_die("resumed", &["handover-parked", "rerun-uncounted", "take-any-run"]);
}
