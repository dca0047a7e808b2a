//! The block is cut, by a limit or from outside, while two workers are at it.
//!
//! *Invariant* S-10 of the scheduler (`engine/src/executor/scheduler`): nothing at or beyond the end becomes final, and all below is
//! right.
//!
//! *Bound*: two threads, preemption bound 2. *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use engine::internals::scheduler::Finish;
use loom_tests::{Block, Model, Script, actor, mutants_die, race};

fn cut(name: &'static str, finish: Finish, committed: u32, floor: usize) {
    let script = Script { cut: Some((1, finish)), ..Script::default() };
    Model { name, bound: Some(2), floor }.check_from_each(2, move || {
        let block = Block::claimed(script, 2);
        race([
            actor(&block, |block| block.run(0, &[0, 2])),
            actor(&block, |block| block.run(1, &[1])),
        ]);
        assert!(block.scheduler.is_cut());
        Block::check(block, committed);
    });
}

#[test]
fn cut_after() {
    cut("cut_after", Finish::StopAfter, 2, 5_300);
}

#[test]
fn cut_before() {
    cut("cut_before", Finish::StopBefore, 1, 2_900);
}

/// Somebody stops it from outside: what is final is right, and nothing else is.
#[test]
fn stopped() {
    Model { name: "stopped", bound: Some(2), floor: 190 }.check_from_each(2, || {
        let block = Block::claimed(Script::default(), 2);
        block.run(0, &[1]);
        race([
            actor(&block, |block| block.run(0, &[0, 2])),
            actor(&block, |block| block.progress.stop()),
        ]);
        let committed = block.scheduler.committed();
        Block::check(block, committed);
    });
}

#[test]
fn mutants_of_cut_after() {
    mutants_die("cut_after", &["ladder-end-once", "end-after-frontier"]);
}

#[test]
fn mutants_of_cut_before() {
    mutants_die("cut_before", &["ladder-end-once", "ladder-no-cas"]);
}
