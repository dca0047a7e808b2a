//! A block driven by hand in random order, step by step beside the oracle's lists: what each view reads, what each validation
//! says and which keys and transactions it names, and the state that is sealed.
//!
//! `CASES=100000 cargo test -p engine --test block_differential` for more, `SEED=n` to repeat a run.

mod blocks;
mod common;

use blocks::adapter::{apply_merge, state_of, store_of};
use blocks::program::{Bounded, Bytes, KEYS, Row, Span, Steps, Sum, bounds, is_inside};
use blocks::sequential::State;
use blocks::strategy::{span, steps};
use blocks::versions::{Model, ModelView, Named, Read, fits};
use common::env_or;
use engine::{Abort, Block, ConflictKind, Verdict, View};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::{BTreeMap, BTreeSet};

/// Keys from here on hold numbers, which are merged into.
const FIRST_NUMBER: u8 = 8;
const TRANSACTIONS: u32 = 7;

/// A step of one view.
#[derive(Clone, Debug)]
enum Step {
    Get(u8),
    Has(u8),
    Put(u8, u8),
    Delete(u8),
    Add(u8, u64),
    AddBounded { key: u8, delta: u64, min: u64, max: u64 },
    Scan(Span, Steps),
    DeleteRange(Span),
}

/// A step of the driver.
#[derive(Clone, Debug)]
enum Action {
    /// Of the view of this transaction, which is opened if there is none.
    Step(u32, Step),
    Publish(u32),
    Abandon(u32),
    Estimate(u32),
    Validate(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..KEYS.len() as u8;
    let number = || FIRST_NUMBER..KEYS.len() as u8;
    let bounded = (number(), 1_u64..9, 0_u64..9, 3_u64..40)
        .prop_map(|(key, delta, min, max)| Step::AddBounded { key, delta, min, max });
    prop_oneof![
        6 => key().prop_map(Step::Get),
        4 => key().prop_map(Step::Has),
        6 => (key(), 0_u8..4).prop_map(|(key, value)| Step::Put(key, value)),
        3 => key().prop_map(Step::Delete),
        4 => (number(), 1_u64..9).prop_map(|(key, delta)| Step::Add(key, delta)),
        3 => bounded,
        6 => (span(KEYS.len() as u8), steps()).prop_map(|(span, steps)| Step::Scan(span, steps)),
        1 => span(KEYS.len() as u8).prop_map(Step::DeleteRange),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let index = || 0..TRANSACTIONS;
    prop_oneof![
        8 => (index(), step()).prop_map(|(index, step)| Action::Step(index, step)),
        4 => index().prop_map(Action::Publish),
        1 => index().prop_map(Action::Abandon),
        1 => index().prop_map(Action::Estimate),
        3 => index().prop_map(Action::Validate),
    ]
}

fn base() -> impl Strategy<Value = State> {
    let row = (0..KEYS.len() as u8, 0_u8..4);
    vec(row, 0..8).prop_map(|rows| {
        rows.into_iter().map(|(key, v)| (KEYS[usize::from(key)].to_vec(), value(key, v))).collect()
    })
}

/// One of few values of a key, so that rewrites with the same bytes happen: the empty one is among them.
fn value(key: u8, number: u8) -> Bytes {
    if key >= FIRST_NUMBER {
        return u64::from(number).to_be_bytes().to_vec();
    }
    vec![b'v'; usize::from(number)]
}

#[derive(Clone, Debug)]
struct Case {
    base: State,
    actions: Vec<Action>,
    /// The steps of the transactions that have to be run again in the end.
    last_runs: Vec<Vec<Step>>,
    /// Where the block is cut off.
    end: u32,
}

fn case() -> impl Strategy<Value = Case> {
    let last_runs = vec(vec(step(), 0..4), TRANSACTIONS as usize);
    let end = prop_oneof![3 => Just(TRANSACTIONS), 1 => 0..=TRANSACTIONS];
    (base(), vec(action(), 0..70), last_runs, end).prop_map(|(base, actions, last_runs, end)| Case {
        base,
        actions,
        last_runs,
        end,
    })
}

/// A view of the block and what the oracle keeps of it.
struct Pair<'b> {
    view: View<'b>,
    model: ModelView,
    /// What single reads have answered, of what is below.
    values: BTreeMap<Bytes, Option<Bytes>>,
    presences: BTreeMap<Bytes, bool>,
}

impl<'b> Pair<'b> {
    fn new(block: &'b Block, index: u32, run: u8) -> Self {
        let view = block.view(index, run);
        let model = ModelView::new(index, run);
        Self { view, model, values: BTreeMap::new(), presences: BTreeMap::new() }
    }

    /// Makes a step; whether the run can go on.
    fn step(&mut self, all: &Model, step: &Step) -> bool {
        let index = self.model.index;
        match step {
            Step::Get(number) => self.get(all, KEYS[usize::from(*number)]),
            Step::Has(number) => self.has(all, KEYS[usize::from(*number)]),
            Step::Put(number, v) => {
                let (key, value) = (KEYS[usize::from(*number)], value(*number, *v));
                self.model.put(key, Some(&value));
                self.wrote(all, |view| view.put(key, &value))
            }
            Step::Delete(number) => {
                let key = KEYS[usize::from(*number)];
                self.model.put(key, None);
                self.wrote(all, |view| view.delete(key))
            }
            Step::Add(number, delta) => {
                let key = KEYS[usize::from(*number)];
                let waits = all.sight(key, index).err();
                match apply_merge(&mut self.view, key, Sum::Add, *delta) {
                    Ok(()) => self.model.add(key, *delta),
                    Err(abort) => return self.refused(all, &abort, waits.as_slice_of()),
                }
                true
            }
            Step::AddBounded { key, delta, min, max } => {
                self.add_bounded(all, KEYS[usize::from(*key)], *delta, *min, *max)
            }
            Step::Scan(span, steps) => self.scan(all, *span, *steps),
            Step::DeleteRange(span) => self.delete_range(all, *span),
        }
    }
}
