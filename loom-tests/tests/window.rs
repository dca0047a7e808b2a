//! The owner of the frontier narrows the window while two others claim.
//!
//! *Invariant*: nobody claims what another has (S-1 of the scheduler, `engine/src/executor/scheduler`), nor beyond the frontier plus
//! the window as either has ever been by then; where the window is one, only who has moved the frontier claims, a whole portion,
//! and who still sees the wider one claims behind it.
//!
//! *Bound*: three threads, preemption bound 2. *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use engine::internals::scheduler::{Early, Shape};
use loom_tests::{Block, Model, Script, actor, mutants_die, race};
use std::ops::Range;

const WINDOW: u16 = 2;

#[test]
fn window() {
    let script = Script { transactions: 8, window: WINDOW, ..Script::default() };
    Model { name: "window", bound: Some(2), floor: 14_500 }.check_from_each(3, move || {
        let block = Block::new(script, 3);
        let claim = |me: usize, advanced: Option<u32>| {
            actor(&block, move |block: &Block| {
                block.scheduler.claim_as(me, advanced, &block.beds).unwrap_or(0..0)
            })
        };
        let narrow = actor(&block, |block| {
            let shape = Shape { window: 1, batch: 3, early: Early::Off };
            block.scheduler.set_shape(shape);
            block.scheduler.claim_as(0, Some(0), &block.beds).unwrap_or(0..0)
        });
        let [alone, one, other] = race([narrow, claim(1, None), claim(2, None)]);
        for claimed in [&one, &other] {
            assert!(claimed.end <= WINDOW.into(), "{claimed:?} is beyond the window");
        }
        assert!(alone.is_empty() || alone.start == 0, "{alone:?} is not at the frontier");
        let apart = |a: &Range<u32>, b: &Range<u32>| {
            a.end <= b.start || b.end <= a.start || a.is_empty() || b.is_empty()
        };
        assert!(apart(&one, &other) && apart(&one, &alone) && apart(&other, &alone));
    });
}

#[test]
fn mutants_of_window() {
    mutants_die("window", &["claim-add", "claim-unchecked"]);
}
