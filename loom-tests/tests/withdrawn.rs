//! A run is withdrawn at the moment at which the frontier arrives, with somebody beside who resumes.
//!
//! *Invariants* S-9 and S-4 of the scheduler (`engine/src/executor/scheduler`): a parked index is taken by exactly one of those who
//! resume and the frontier, and is not forgotten when it becomes the frontier. Also S-7: a run that was withdrawn counts, and
//! what was found out about one run is not used on another (a wake-up for an old incarnation).
//!
//! *Bound*: two threads, preemption bound 3, of `resumed` 2. *Executions* are printed; the floors below are a little under what
//! was seen.

#![cfg(epoch_loom)]

use loom_tests::{Block, Model, Script, actor, mutants_die, race};

#[test]
fn withdrawn() {
    let script = Script { transactions: 2, stale: Some(1), ..Script::default() };
    Model { name: "withdrawn", bound: Some(3), floor: 3_800 }.check_from_each(2, move || {
        let block = Block::claimed(script, 2);
        race([
            actor(&block, |block| block.run(0, &[0])),
            actor(&block, |block| block.run(1, &[1])),
        ]);
        Block::check(block, 2);
    });
}

/// Transaction 1 has run, too early, and 2 was withdrawn: it may go on, and will have been too early again.
#[test]
fn resumed() {
    // With two runs it must not go on: the second one is the frontier's.
    for (max_runs, floor) in [(2, 14_500), (3, 25_000)] {
        let script = Script { max_runs, stale: Some(2), ..Script::default() };
        Model { name: "resumed", bound: Some(2), floor }.check_from_each(2, move || {
            let block = Block::claimed(script, 2);
            block.run(0, &[1, 2]);
            race([actor(&block, |block| block.run(0, &[0])), actor(&block, |block| block.help(1))]);
            Block::check(block, 3);
        });
    }
}

/// Whoever withdraws it has not done so when the other begins to look; the frontier comes later.
#[test]
fn withdrawn_and_resumed() {
    let script = Script { max_runs: 3, stale: Some(2), ..Script::default() };
    Model { name: "withdrawn_and_resumed", bound: Some(3), floor: 750 }.check_from_each(
        2,
        move || {
            let block = Block::claimed(script, 2);
            block.run(0, &[1]);
            race([actor(&block, |block| block.run(0, &[2])), actor(&block, |block| block.help(1))]);
            block.run(0, &[0]);
            Block::check(block, 3);
        },
    );
}

#[test]
fn mutants_of_withdrawn() {
    mutants_die("withdrawn", &["handover-parked", "handover-owner", "status-ladder"]);
}

#[test]
fn mutants_of_resumed() {
    mutants_die("resumed", &["rerun-uncounted", "take-any-run"]);
}

#[test]
fn mutants_of_withdrawn_and_resumed() {
    mutants_die("withdrawn_and_resumed", &["status-parked", "status-rerun"]);
}
