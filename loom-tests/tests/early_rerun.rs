//! Somebody idle finds a run stale and repeats it, while the frontier arrives.
//!
//! *Invariants* S-7 and S-8 of the scheduler (`engine/src/executor/scheduler`): an index is run at most `max_runs` times; what a
//! run wrote is marked withdrawn before its index can be claimed again, and no mark is left when it is done. And S-1, S-4: the
//! index is run by one of the two, and is not left.
//!
//! *Bound*: two threads, preemption bound 2. *Executions* are printed; the floors below are a little under what
//! was seen.

#![cfg(epoch_loom)]

use engine::internals::scheduler::Early;
use loom::sync::Arc;
use loom_tests::{Block, Model, Script, actor, mutants_die, race};

const SCRIPT: Script =
    Script { transactions: 3, max_runs: 3, window: 4, early: Early::On, stale: None, cut: None };

/// Transactions 2 and 1 have run, in this order: so 2 has read nothing of what 1 wrote, and 1 nothing of what 0 will write.
fn begun() -> Arc<Block> {
    let block = Block::claimed(SCRIPT, 2);
    block.run(0, &[2, 1]);
    block
}

#[test]
fn early_rerun() {
    Model { name: "early_rerun", bound: Some(2), floor: 44_000 }.check_from_each(2, || {
        let block = begun();
        race([actor(&block, |block| block.run(0, &[0])), actor(&block, |block| block.help(1))]);
        Block::check(block, 3);
    });
}

#[test]
fn mutants_of_early_rerun() {
    mutants_die("early_rerun", &["estimate-late", "take-any-run"]);
}
