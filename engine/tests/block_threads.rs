//! Random blocks by many threads and no executor: every transaction is run, published, validated and withdrawn by whoever comes
//! along, and in the end each is validated in order and run again if it must be. The outcome is that of the oracle.
//!
//! `CASES=100000 cargo test -p engine --test block_threads` for more, `SEED=n` to repeat a run.

mod blocks;

use blocks::adapter::{Append, OnView, state_of, store_of};
use blocks::cases::{count, run_cases, seed};
use blocks::program::{Payload, Program, run};
use blocks::sequential::{Done, Ended, Limits, execute};
use blocks::strategy::{Case, Mischief, case};
use engine::{Block, Error, MergeId, View};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// What is kept of a transaction; who holds it owns the transaction.
#[derive(Default)]
struct Slot {
    runs: u8,
    ended: Option<Ended>,
}

/// Threads run a transaction ahead of the end so many times; the rest is done in order.
const EARLY_RUNS: u8 = 4;

struct Work<'a> {
    block: &'a Block,
    programs: &'a [Program],
    slots: Vec<Mutex<Slot>>,
    append: MergeId,
}

impl Work<'_> {
    /// Runs a transaction once and publishes it, unless the run is doomed.
    fn run(&self, index: usize, slot: &mut Slot) {
        slot.runs += 1;
        self.end(slot, index, self.block.view(index as u32, slot.runs));
    }

    fn end(&self, slot: &mut Slot, index: usize, mut view: View<'_>) {
        let mut target = OnView { view: &mut view, append: self.append, cancel: || {} };
        let result = catch_unwind(AssertUnwindSafe(|| run(&self.programs[index], &mut target)));
        let ended = match result {
            Ok(Ok(notes)) => Ended::Returned(notes),
            Ok(Err(failure)) => Ended::Failed(failure),
            Err(payload) => Ended::Panicked(payload.downcast_ref::<Payload>().unwrap().0),
        };
        if !matches!(ended, Ended::Returned(_)) {
            view.roll_back();
        }
        if self.block.publish(view).is_ok() {
            slot.ended = Some(ended);
        }
    }

    /// Does something to random transactions for a while.
    fn meddle(&self, random: &mut fastrand::Rng) {
        for _ in 0..self.programs.len() * 3 {
            let index = random.usize(..self.programs.len());
            if random.u8(..4) == 0 {
                self.block.validate(index as u32);
                continue;
            }
            let Ok(mut slot) = self.slots[index].try_lock() else { continue };
            if slot.runs < EARLY_RUNS {
                if random.u8(..3) == 0 {
                    // What the run came to is kept: if it wrote nothing, it can still be the last one.
                    self.block.mark_estimate(index as u32);
                }
                self.run(index, &mut slot);
            }
        }
    }

    /// Makes the transactions final, in order: by what is valid, or by a last run, which says whether its merges are possible.
    fn finish(&self) {
        for (index, slot) in self.slots.iter().enumerate() {
            let slot = &mut *slot.lock().unwrap();
            match self.block.commit_prefix(index as u32 + 1) {
                Ok(()) => assert!(slot.ended.is_some(), "{index} was never published"),
                Err(Error::NotValid { .. } | Error::NotMerged { .. }) => {
                    slot.ended = None;
                    self.end(slot, index, self.block.final_view(slot.runs + 1));
                    assert!(slot.ended.is_some(), "nothing is in the way of {index}");
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn check(case: &Case, random: &mut fastrand::Rng) {
    let Done { ended, state, .. } = execute(&case.base, &case.programs, Limits::default());
    let store = store_of(&case.base);
    let mut builder = Block::builder(&store);
    let append = builder.merge_op(Append);
    let block = builder.open(case.programs.len() as u32).unwrap();
    let slots = case.programs.iter().map(|_| Mutex::default()).collect();
    let work = Work { block: &block, programs: &case.programs, slots, append };
    thread::scope(|scope| {
        for _ in 0..random.usize(1..4) {
            let (mut random, work) = (random.fork(), &work);
            scope.spawn(move || work.meddle(&mut random));
        }
    });
    work.finish();
    let found: Vec<_> =
        work.slots.into_iter().map(|slot| slot.into_inner().unwrap().ended).collect();
    assert_eq!(found, ended.into_iter().map(Some).collect::<Vec<_>>());
    block.seal().unwrap();
    assert_eq!(state_of(&store), state);
}

#[test]
fn what_threads_do_to_a_block_in_any_order_ends_as_if_done_in_order() {
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let threads = Mutex::new(random.fork());
    let (cases, context) = (count("CASES", 1_000), format!("SEED={seed}"));
    run_cases(&mut random, cases, &case(1..=12, Mischief::All), context, |case| {
        let mut random = threads.lock().unwrap_or_else(PoisonError::into_inner).fork();
        check(&case, &mut random);
    });
}
