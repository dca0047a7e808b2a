//! A block driven by hand in random order, step by step beside the oracle's lists: what each view reads, what each validation
//! says and which keys and transactions it names, and the state that is sealed.
//!
//! `CASES=100000 cargo test -p engine --test block_differential` for more, `SEED=n` to repeat a run.

mod blocks;

use blocks::adapter::{row, state_of, store_of};
use blocks::cases::{count, run_cases, seed};
use blocks::program::{Bytes, KEYS, Span, Steps, bounds, is_inside};
use blocks::sequential::State;
use blocks::strategy::{span, steps};
use blocks::versions::{Model, ModelView, Named, Read, Written, fits};
use engine::{Abort, Block, ConflictKind, Delta, MergeId, MergeOutcome, Verdict, View};
use proptest::collection::vec;
use proptest::prelude::*;
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
    (base(), vec(action(), 0..70), last_runs, end)
        .prop_map(|(base, actions, last_runs, end)| Case { base, actions, last_runs, end })
}

/// A view of the block and what the oracle keeps of it.
struct Pair<'b> {
    view: View<'b>,
    model: ModelView,
    /// What single reads have answered, of what is below.
    values: BTreeMap<Bytes, Option<Bytes>>,
    presences: BTreeMap<Bytes, bool>,
}

/// Whether a run can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    GoesOn,
    Doomed,
}

impl<'b> Pair<'b> {
    fn new(block: &'b Block, index: u32, run: u8) -> Self {
        let view = block.view(index, run);
        let model = ModelView::new(index, run);
        Self { view, model, values: BTreeMap::new(), presences: BTreeMap::new() }
    }

    fn step(&mut self, all: &Model, step: &Step) -> Run {
        match step {
            Step::Get(number) => self.get(all, KEYS[usize::from(*number)]),
            Step::Has(number) => self.has(all, KEYS[usize::from(*number)]),
            Step::Put(number, short) => {
                let (key, value) = (KEYS[usize::from(*number)], value(*number, *short));
                let written = self.view.put(key, &value);
                self.wrote(all, key, Some(&value), written)
            }
            Step::Delete(number) => {
                let key = KEYS[usize::from(*number)];
                let written = self.view.delete(key);
                self.wrote(all, key, None, written)
            }
            Step::Add(number, amount) => {
                let key = KEYS[usize::from(*number)];
                self.model.add(key, *amount);
                self.view.merge(MergeId::ADD_U64, key, Delta::plus(*amount)).unwrap();
                Run::GoesOn
            }
            Step::AddBounded { key, delta, min, max } => {
                self.add_bounded(all, KEYS[usize::from(*key)], *delta, (*min, *max))
            }
            Step::Scan(span, steps) => self.scan(all, *span, *steps),
            Step::DeleteRange(span) => self.delete_range(all, *span),
        }
    }

    /// A put or a deletion. One that replaces an own merge asks whether that was possible, since a run that made an
    /// impossible one would have been told.
    fn wrote(
        &mut self,
        all: &Model,
        key: &'static [u8],
        value: Option<&[u8]>,
        written: Result<(), Abort>,
    ) -> Run {
        if let Err(abort) = written {
            let below = all.sight(key, self.model.index);
            let met = below.err().filter(|_| self.model.added(key) > 0);
            return self.refused(all, &abort, &BTreeSet::from_iter(met));
        }
        self.model.replace(key, value);
        Run::GoesOn
    }

    fn get(&mut self, all: &Model, key: &'static [u8]) -> Run {
        let now = self.model.look(all, key);
        let answer = self.view.get(key).map(|value| value.map(<[u8]>::to_vec));
        let below = all.sight(key, self.model.index);
        let depends = self.model.depends(key);
        let answer = match answer {
            Ok(answer) => answer,
            Err(abort) => return self.refused(all, &abort, &BTreeSet::from_iter(now.err())),
        };
        if !depends {
            assert_eq!(Ok(answer), now, "an own write");
            return Run::GoesOn;
        }
        // A second read gives what the first one gave, if it does not notice that it has changed.
        let seen = match self.values.get(key) {
            Some(first) => first.clone(),
            None => below.expect("blocked, and has read"),
        };
        let expected = self.model.on(key, seen.as_ref());
        assert_eq!(answer, expected, "{key:?} read by {}", self.model.index);
        self.model.reads.push(Read::Value { key: key.to_vec(), seen: seen.clone() });
        self.values.insert(key.to_vec(), seen);
        Run::GoesOn
    }

    fn has(&mut self, all: &Model, key: &'static [u8]) -> Run {
        let now = self.model.look(all, key);
        let answer = match self.view.contains(key) {
            Ok(answer) => answer,
            Err(abort) => return self.refused(all, &abort, &BTreeSet::from_iter(now.err())),
        };
        match self.model.own.get(key) {
            None => {}
            Some(own) => {
                assert_eq!(answer, *own != Written::Deleted, "an own write");
                return Run::GoesOn;
            }
        }
        let first = self.values.get(key).map(Option::is_some);
        let seen = match first.or_else(|| self.presences.get(key).copied()) {
            Some(first) => first,
            None => all.presence(key, self.model.index).expect("blocked, and has read"),
        };
        assert_eq!(answer, seen, "{key:?} asked for by {}", self.model.index);
        self.model.reads.push(Read::Presence { key: key.to_vec(), seen });
        self.presences.insert(key.to_vec(), seen);
        Run::GoesOn
    }

    fn add_bounded(
        &mut self,
        all: &Model,
        key: &'static [u8],
        delta: u64,
        (min, max): (u64, u64),
    ) -> Run {
        let now = self.model.look(all, key);
        let bounds = min.to_be_bytes()..=max.to_be_bytes();
        let outcome = self.view.merge_bounded(MergeId::ADD_U64, key, Delta::plus(delta), bounds);
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(abort) => return self.refused(all, &abort, &BTreeSet::from_iter(now.err())),
        };
        // A run may have read the key before, and then it goes on from what it has read.
        let first = self.values.get(key).filter(|_| self.model.depends(key));
        let allowed = [now.ok(), first.map(|first| self.model.on(key, first.as_ref()))];
        let allowed: Vec<bool> = allowed
            .into_iter()
            .flatten()
            .map(|value| fits(value.as_deref(), delta, min, max))
            .collect();
        let is_applied = outcome == MergeOutcome::Applied;
        assert!(allowed.contains(&is_applied), "{outcome:?} {key:?} by {}", self.model.index);
        if self.model.depends(key) {
            let total = delta + self.model.added(key);
            let key = key.to_vec();
            self.model.reads.push(Read::Bound { key, delta: total, min, max, fits: is_applied });
        }
        if is_applied {
            self.model.add(key, delta);
        }
        Run::GoesOn
    }

    fn scan(&mut self, all: &Model, span: Span, steps: Steps) -> Run {
        let expected = self.model.scan(all, span, steps);
        let rows = steps.collect(self.view.range(bounds(span)).map(row));
        match (rows, expected) {
            (Ok(rows), Ok((expected, reads))) => {
                assert_eq!(rows, expected, "{span:?} {steps:?} by {}", self.model.index);
                self.model.reads.extend(reads);
                Run::GoesOn
            }
            (Err(abort), expected) => self.range_refused(all, &abort, span, expected.err()),
            (Ok(rows), Err(writer)) => panic!("{rows:?} read past an estimate of {writer}"),
        }
    }

    fn delete_range(&mut self, all: &Model, span: Span) -> Run {
        let expected = self.model.scan(all, span, Steps::Forward(usize::MAX));
        match (self.view.delete_range(bounds(span)), expected) {
            (Ok(()), Ok((rows, reads))) => {
                self.model.reads.extend(reads);
                rows.iter().for_each(|(key, _)| self.model.replace(key, None));
                Run::GoesOn
            }
            (Err(abort), expected) => self.range_refused(all, &abort, span, expected.err()),
            (Ok(()), Err(writer)) => panic!("deleted past an estimate of {writer}"),
        }
    }

    /// A range is refused for the estimate that it meets, or for one that only an own write hides.
    fn range_refused(&self, all: &Model, abort: &Abort, span: Span, met: Option<u32>) -> Run {
        let hidden = |key: &&Bytes| is_inside(bounds(span), key) && !self.model.depends(key);
        let hidden = self.model.own.keys().filter(hidden);
        let hidden = hidden.filter_map(|key| all.sight(key, self.model.index).err());
        self.refused(all, abort, &hidden.chain(met).collect())
    }

    /// A read is refused for an estimate that it meets, or because the run turns out to be stale.
    fn refused(&self, all: &Model, abort: &Abort, met: &BTreeSet<u32>) -> Run {
        match abort {
            Abort::Blocked { on } => assert!(met.contains(on), "blocked on {on}, not on {met:?}"),
            Abort::Inconsistent | Abort::Stale => {
                let is_stale = all.has_changed(self.model.index, &self.model.reads);
                assert!(is_stale, "{abort:?} in a run that is not stale");
            }
            abort => panic!("{abort:?}"),
        }
        Run::Doomed
    }
}

/// The block, the oracle, and the views that are open.
struct Driver<'b> {
    block: &'b Block,
    model: Model,
    open: BTreeMap<u32, (Pair<'b>, Run)>,
    runs: [u8; TRANSACTIONS as usize],
}

impl<'b> Driver<'b> {
    fn new(block: &'b Block, base: &State) -> Self {
        let model = Model::new(base.clone());
        Self { block, model, open: BTreeMap::new(), runs: [0; TRANSACTIONS as usize] }
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Step(index, step) => self.step(*index, step),
            Action::Publish(index) => self.publish(*index),
            Action::Abandon(index) => _ = self.open.remove(index),
            Action::Estimate(index) => {
                self.block.mark_estimate(*index);
                self.model.estimate(*index);
            }
            Action::Validate(index) => _ = self.validate(*index),
        }
    }

    fn step(&mut self, index: u32, step: &Step) {
        let (pair, run) = self.open.entry(index).or_insert_with(|| {
            let run = &mut self.runs[index as usize];
            *run += 1;
            (Pair::new(self.block, index, *run), Run::GoesOn)
        });
        match run {
            Run::GoesOn => *run = pair.step(&self.model, step),
            Run::Doomed => assert!(pair.view.get("a").is_err(), "a doomed run reads"),
        }
    }

    fn publish(&mut self, index: u32) {
        match self.open.remove(&index) {
            Some((pair, Run::GoesOn)) => {
                self.block.publish(pair.view).unwrap();
                let ModelView { run, own, reads, .. } = pair.model;
                self.model.publish(index, run, &own, reads);
            }
            Some((pair, Run::Doomed)) => _ = self.block.publish(pair.view).unwrap_err(),
            None => {}
        }
    }

    /// Whether a transaction is valid, in a block where the two agree.
    fn validate(&self, index: u32) -> bool {
        let check = self.model.validate(index);
        let verdict = self.block.validate(index);
        let (is_stale, conflicts) = match &verdict {
            Verdict::Valid => (false, &[][..]),
            Verdict::Pending { conflicts } => (false, &conflicts[..]),
            Verdict::Stale { conflicts } => (true, &conflicts[..]),
            verdict => panic!("not known: {verdict:?}"),
        };
        let named: BTreeSet<Named> =
            conflicts.iter().map(|conflict| (conflict.key.clone(), conflict.writer)).collect();
        assert!(named.is_superset(&check.must), "{index}: {verdict:?}, not {check:?}");
        assert!(named.is_subset(&check.may), "{index}: {verdict:?}, not {check:?}");
        let is_certain = |(key, _): &Named| self.model.sight(key, index).is_ok();
        assert_eq!(is_stale, named.iter().any(is_certain), "{index}: {verdict:?}");
        // A run that was withdrawn is not valid, whatever it has read.
        let counts = self.model.reads.contains_key(&index) && !self.model.is_withdrawn(index);
        assert_eq!(verdict == Verdict::Valid, named.is_empty() && counts, "{index}: {verdict:?}");
        let by_itself = |c: &engine::BlockConflict| c.kind == ConflictKind::ReadWrite;
        assert!(
            conflicts
                .iter()
                .filter(|c| by_itself(c))
                .all(|c| self.model.read_by_itself(index, &c.key))
        );
        verdict == Verdict::Valid
    }

    /// Brings the block to its end: what is not valid is run once more, alone.
    fn finish(&mut self, last_runs: &[Vec<Step>], end: u32) {
        self.open.clear();
        for (index, steps) in (0..end).zip(last_runs) {
            if !self.validate(index) {
                self.block.mark_estimate(index);
                self.model.estimate(index);
                steps.iter().for_each(|step| self.step(index, step));
                self.step(index, &Step::Get(0));
                self.publish(index);
                assert!(self.validate(index), "{index} was run alone");
            }
            self.block.commit_prefix(index + 1).unwrap();
        }
    }

    fn into_model(self) -> Model {
        self.model
    }
}

fn check(case: &Case) {
    let store = store_of(&case.base);
    let block = store.block(TRANSACTIONS).unwrap();
    let mut driver = Driver::new(&block, &case.base);
    case.actions.iter().for_each(|action| driver.act(action));
    driver.finish(&case.last_runs, case.end);
    let mut model = driver.into_model();
    block.truncate(case.end);
    model.truncate(case.end);

    let sealed = block.seal().unwrap();
    let state = model.state();
    assert_eq!(state_of(&store), state);
    assert_eq!(sealed.version(), store.version());
    let changed =
        sealed.changed().iter().map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec)));
    let keys = model.keys().into_iter().filter(|key| case.base.get(key) != state.get(key));
    let expected = keys.map(|key| (key.clone(), state.get(&key).cloned()));
    assert_eq!(changed.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn a_block_driven_in_random_order_does_what_the_oracle_does() {
    let seed = seed();
    let random = &mut fastrand::Rng::with_seed(seed);
    let context = format!("SEED={seed}");
    run_cases(random, count("CASES", 2_000), &case(), context, |case| check(&case));
}
