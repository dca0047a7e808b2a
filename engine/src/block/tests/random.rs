//! Random blocks, their runs cut up and shuffled on one thread, beside the model.

use super::model::*;
use super::*;
use std::collections::BTreeMap;
use std::ops::Bound;

const KEYS: [&str; 7] = ["a", "b", "ba", "c", "d", "e", "f"];
const MAX_RANGE_DELETE: usize = 4;

/// What a transaction is up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It may be run: never run, withdrawn, or blocked.
    Open,
    Running(Mode),
    Published,
}

/// A run under way.
struct Running<'b> {
    scratch: Scratch<'b>,
    index: u32,
    mode: Mode,
    runner: Runner,
}

struct Shuffle<'b, 'p> {
    random: fastrand::Rng,
    block: &'b Block,
    append: MergeId,
    programs: &'p [Program],
    states: Vec<State>,
    runs: Vec<u8>,
    outcomes: Vec<Outcome>,
    frontier: u32,
    idle: Vec<Scratch<'b>>,
    running: Vec<Running<'b>>,
    /// What really comes out, up to the frontier.
    model: Model,
    stale: u32,
}

impl<'b> Shuffle<'b, '_> {
    fn run(mut self) -> (Vec<Outcome>, Model, u32) {
        while (self.frontier as usize) < self.programs.len() {
            match self.random.u8(..12) {
                0..=2 => self.begin(),
                3..=8 => self.advance_one(),
                9 => self.look_ahead(),
                _ => self.ladder(),
            }
        }
        (self.outcomes, self.model, self.stale)
    }

    fn begin(&mut self) {
        let left = self.programs.len() as u32 - self.frontier;
        let index = self.frontier + self.random.u32(..left.min(6));
        let at = index as usize;
        if self.states[at] != State::Open || self.idle.is_empty() {
            return;
        }
        let is_last = index == self.frontier && (self.random.bool() || self.runs[at] > 20);
        let mode = if is_last { Mode::Final } else { Mode::Speculative };
        if self.runs[at] > 20 && mode == Mode::Speculative {
            return;
        }
        self.start(index, mode);
    }

    fn start(&mut self, index: u32, mode: Mode) {
        let at = index as usize;
        let Some(mut scratch) = self.idle.pop() else { return };
        self.runs[at] += 1;
        self.states[at] = State::Running(mode);
        self.block.view_with(&mut scratch, index, self.runs[at], mode);
        self.running.push(Running { scratch, index, mode, runner: Runner::default() });
    }

    fn advance_one(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let which = self.random.usize(..self.running.len());
        let run = &mut self.running[which];
        let mut env = OnView(run.scratch.view(), self.append);
        if run.runner.step(&self.programs[run.index as usize], &mut env) != Progress::Goes {
            let run = self.running.swap_remove(which);
            self.end(run);
        }
    }

    fn end(&mut self, mut run: Running<'b>) {
        let at = run.index as usize;
        let outcome = run.runner.outcome;
        let ending = if outcome.failed.is_some() { Ending::Failed } else { Ending::Done };
        let published = run.scratch.publish(ending);
        self.idle.push(run.scratch);
        self.states[at] = match (&published, run.mode) {
            (Ok(()), _) => State::Published,
            (Err(abort), Mode::Final) => panic!("a final run was doomed: {abort}"),
            (Err(_), Mode::Speculative) => State::Open,
        };
        if published.is_ok() {
            self.outcomes[at] = outcome;
        }
        if run.mode == Mode::Final {
            let expected = self.model.run(&self.programs[at]);
            assert_eq!(self.outcomes[at], expected, "final run of {at}");
            self.pass();
        }
    }

    /// Validates something that is not at the frontier, and has it run again if it is stale.
    fn look_ahead(&mut self) {
        let index = self.random.u32(self.frontier..self.programs.len() as u32);
        if self.states[index as usize] != State::Published {
            return;
        }
        let mut scratch = self.idle.pop().unwrap_or_else(|| self.block.scratch());
        let found = self.block.first_conflict(&mut scratch, index);
        self.idle.push(scratch);
        self.compare(index, found.as_ref());
        if found.is_some_and(|found| !found.is_pending) || self.random.u8(..8) == 0 {
            self.withdraw(index);
        }
    }

    fn withdraw(&mut self, index: u32) {
        if self.random.u8(..4) > 0 {
            self.block.mark_estimate(index);
        }
        self.states[index as usize] = State::Open;
    }

    /// The first conflict is one of all.
    fn compare(&self, index: u32, first: Option<&Found<'_>>) {
        let conflicts = match (self.block.validate(index), first) {
            (Verdict::Valid, None) => return,
            (Verdict::Pending { conflicts }, Some(first)) if first.is_pending => conflicts,
            (Verdict::Stale { conflicts }, Some(first)) if !first.is_pending => conflicts,
            (verdict, first) => panic!("{verdict:?} {first:?}"),
        };
        let first = first.unwrap();
        assert!(conflicts.iter().any(|found| found.key == first.key.key()));
    }

    fn ladder(&mut self) {
        let (index, at) = (self.frontier, self.frontier as usize);
        if self.states[at] != State::Published {
            return;
        }
        let Some(mut scratch) = self.idle.pop() else { return };
        let found = self.block.first_conflict(&mut scratch, index);
        self.compare(index, found.as_ref());
        let is_merged = found.is_none() && self.block.finish(&mut scratch, index).is_ok();
        self.idle.push(scratch);
        let mut model = self.model.clone();
        let expected = model.run(&self.programs[at]);
        if is_merged {
            assert_eq!(self.outcomes[at], expected, "valid run of {at}");
            self.model = model;
            self.pass();
            return;
        }
        self.stale += 1;
        if found.is_some() && is_told_by_its_log(&self.programs[at]) {
            assert_ne!(self.outcomes[at], expected, "{at} was found stale and is not: {found:?}");
        }
        if found.is_none() || self.random.bool() {
            self.start(index, Mode::Final);
        } else {
            self.withdraw(index);
        }
    }

    fn pass(&mut self) {
        self.frontier += 1;
        if self.random.bool() {
            self.block.signals().set_frontier(self.frontier);
        }
    }
}

/// Whether everything that a run depends on shows in its log: not which keys it deleted, nor what it has added to, which may
/// be nothing or zero.
fn is_told_by_its_log(program: &Program) -> bool {
    let is_silent = |op: &Op| matches!(op, Op::DeleteRange(_) | Op::Append(..) | Op::Add(..));
    !program.ops.iter().any(|op| is_silent(op) || matches!(op, Op::AddBounded(..)))
}

fn key(random: &mut fastrand::Rng) -> Bytes {
    random.choice(KEYS).unwrap().as_bytes().to_vec()
}

fn value(random: &mut fastrand::Rng) -> Bytes {
    match random.u8(..8) {
        0 => vec![],
        1 => b"bad".to_vec(),
        2 => (u64::MAX - 3).to_be_bytes().to_vec(),
        _ => random.u64(..20).to_be_bytes().to_vec(),
    }
}

fn bounds(random: &mut fastrand::Rng) -> Bounds {
    let mut bound = || match random.u8(..4) {
        0 => Bound::Unbounded,
        1 => Bound::Excluded(key(random)),
        _ => Bound::Included(key(random)),
    };
    let (lo, hi) = (bound(), bound());
    (lo, hi)
}

fn op(random: &mut fastrand::Rng) -> Op {
    let amount = |random: &mut fastrand::Rng| random.i64(-4..12);
    match random.u8(..24) {
        0..=3 => Op::Get(key(random)),
        4 | 5 => Op::Has(key(random)),
        6 => Op::GetMany((0..3).map(|_| key(random)).collect()),
        7..=9 => Op::Put(key(random), value(random)),
        10 => Op::Delete(key(random)),
        11..=13 => Op::Add(key(random), amount(random)),
        14 | 15 => {
            let lo = random.u64(..6);
            Op::AddBounded(key(random), amount(random), (lo, lo + random.u64(..30)))
        }
        16 => Op::Append(key(random), random.u8(..)),
        17..=19 => {
            let ends = (0..random.usize(..9))
                .map(|_| if random.u8(..3) == 0 { End::Back } else { End::Front })
                .collect();
            Op::Range(bounds(random), ends)
        }
        20 => Op::DeleteRange(bounds(random)),
        21 | 22 => Op::SkipIfOdd(key(random), random.usize(1..4)),
        _ => Op::Fail,
    }
}

fn program(random: &mut fastrand::Rng) -> Program {
    let ops = (0..random.usize(1..10)).map(|_| op(random)).collect();
    let on_refusal = if random.bool() { OnRefusal::Fail } else { OnRefusal::GoOn };
    Program { ops, on_refusal }
}

/// One random block. Returns how often a published run was stale at the frontier.
fn shuffled_block(seed: u64) -> u32 {
    let mut random = fastrand::Rng::with_seed(seed);
    let store = Store::in_memory();
    let mut base = BTreeMap::new();
    for key in KEYS {
        if random.bool() {
            continue;
        }
        let value = value(&mut random);
        store.put(key, &value).unwrap();
        base.insert(key.as_bytes().to_vec(), value);
    }
    let budget = random.u64(4..60);
    let mut builder = Block::builder(&store).read_budget(budget).max_range_delete(MAX_RANGE_DELETE);
    let append = builder.merge_op(AppendOp);
    let programs: Vec<_> = (0..random.usize(1..14)).map(|_| program(&mut random)).collect();
    let count = programs.len();
    let block = builder.open(count as u32).unwrap();
    let model = Model::new(base.clone(), budget, MAX_RANGE_DELETE);
    let shuffle = Shuffle {
        idle: (0..random.usize(1..5)).map(|_| block.scratch()).collect(),
        random,
        block: &block,
        append,
        programs: &programs,
        states: vec![State::Open; count],
        runs: vec![0; count],
        outcomes: vec![Outcome::default(); count],
        frontier: 0,
        running: Vec::new(),
        model: model.clone(),
        stale: 0,
    };
    let (outcomes, shuffled, stale) = shuffle.run();
    let mut sequential = model;
    for (at, program) in programs.iter().enumerate() {
        assert_eq!(outcomes[at], sequential.run(program), "{at}");
    }
    assert_eq!(shuffled.state, sequential.state);
    let sealed = block.seal_prefix(count as u32, None).unwrap();
    let rows: BTreeMap<Bytes, Bytes> = store
        .snapshot()
        .iter()
        .map(|row| row.unwrap())
        .map(|(k, v)| (k.into(), v.into()))
        .collect();
    assert_eq!(rows, sequential.state);
    let differs = |key: &Bytes| base.get(key) != sequential.state.get(key);
    let mut all: Vec<_> = KEYS.iter().map(|key| key.as_bytes().to_vec()).collect();
    all.retain(differs);
    let changed: Vec<_> = sealed.changed().iter().map(|(key, _)| key.to_vec()).collect();
    assert_eq!(changed, all);
    stale
}

#[test]
fn shuffled_blocks_end_as_if_run_one_after_the_other() {
    let first = std::env::var("VIEW_SEED").ok().and_then(|seed| seed.parse().ok());
    let rounds = std::env::var("VIEW_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let (first, rounds) = (first.unwrap_or(1u64), rounds.unwrap_or(1_500u64));
    let mut stale = 0;
    for seed in first..first + rounds {
        let result = std::panic::catch_unwind(|| shuffled_block(seed));
        stale += result.unwrap_or_else(|_| panic!("VIEW_SEED={seed} VIEW_ROUNDS=1"));
    }
    assert!(
        stale > u32::try_from(rounds / 2).unwrap_or(0) || rounds < 100,
        "only {stale} conflicts"
    );
}
