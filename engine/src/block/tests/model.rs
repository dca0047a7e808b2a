//! Transactions as lists of operations, and what they do when they run one after the other on a `BTreeMap`.

use crate::block::{Delta, MergeId, MergeOp, MergeOutcome, View};
use crate::{Abort, MergeError};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

pub type Bytes = Vec<u8>;
pub type Bounds = (Bound<Bytes>, Bound<Bytes>);

#[derive(Debug, Clone)]
pub enum Op {
    Get(Bytes),
    Has(Bytes),
    GetMany(Vec<Bytes>),
    Put(Bytes, Bytes),
    Delete(Bytes),
    Add(Bytes, i64),
    AddBounded(Bytes, i64, (u64, u64)),
    Append(Bytes, u8),
    /// Which end is asked, step by step.
    Range(Bounds, Vec<End>),
    DeleteRange(Bounds),
    /// Goes on so many operations later if the first byte of the key's value is odd.
    SkipIfOdd(Bytes, usize),
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Front,
    Back,
}

/// A transaction, and what it does about merges that are refused.
#[derive(Debug, Clone)]
pub struct Program {
    pub ops: Vec<Op>,
    pub on_refusal: OnRefusal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    Fail,
    GoOn,
}

/// What a transaction has seen, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    pub log: Vec<String>,
    pub failed: Option<String>,
}

/// What programs run on.
pub trait Env {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Abort>;
    fn has(&mut self, key: &[u8]) -> Result<bool, Abort>;
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Abort>;
    fn delete(&mut self, key: &[u8]) -> Result<(), Abort>;
    fn add(&mut self, key: &[u8], amount: i64) -> Result<(), Abort>;
    fn add_bounded(
        &mut self,
        key: &[u8],
        amount: i64,
        bounds: (u64, u64),
    ) -> Result<MergeOutcome, Abort>;
    fn append(&mut self, key: &[u8], byte: u8) -> Result<(), Abort>;
    fn range(&mut self, bounds: &Bounds, ends: &[End]) -> Result<Vec<String>, Abort>;
    fn delete_range(&mut self, bounds: &Bounds) -> Result<(), Abort>;
}

/// A run of a program, operation by operation.
#[derive(Debug, Default)]
pub struct Runner {
    at: usize,
    pub outcome: Outcome,
}

/// Whether a run goes on.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    Goes,
    Ended,
    /// It was doomed, and not by its budget.
    Doomed,
}

impl Runner {
    pub fn step(&mut self, program: &Program, env: &mut impl Env) -> Progress {
        let Some(op) = program.ops.get(self.at) else { return Progress::Ended };
        self.at += 1;
        match self.perform(op, env) {
            Ok(()) if self.outcome.failed.is_some() => Progress::Ended,
            Ok(()) => Progress::Goes,
            Err(abort) if abort.is_doom() && !matches!(abort, Abort::ReadBudget { .. }) => {
                Progress::Doomed
            }
            Err(abort) if abort.is_doom() || program.on_refusal == OnRefusal::Fail => {
                self.outcome.failed = Some(abort.to_string());
                Progress::Ended
            }
            Err(abort) => {
                self.outcome.log.push(format!("refused: {abort}"));
                Progress::Goes
            }
        }
    }

    fn perform(&mut self, op: &Op, env: &mut impl Env) -> Result<(), Abort> {
        let log = &mut self.outcome.log;
        match op {
            Op::Get(key) => log.push(format!("get {:?}", env.get(key)?)),
            Op::Has(key) => log.push(format!("has {}", env.has(key)?)),
            Op::GetMany(keys) => {
                let values = keys.iter().map(|key| env.get(key)).collect::<Result<Vec<_>, _>>()?;
                log.push(format!("get many {values:?}"));
            }
            Op::Put(key, value) => env.put(key, value)?,
            Op::Delete(key) => env.delete(key)?,
            Op::Add(key, amount) => env.add(key, *amount)?,
            Op::AddBounded(key, amount, bounds) => {
                log.push(format!("bounded {:?}", env.add_bounded(key, *amount, *bounds)?));
            }
            Op::Append(key, byte) => env.append(key, *byte)?,
            Op::Range(bounds, ends) => log.extend(env.range(bounds, ends)?),
            Op::DeleteRange(bounds) => env.delete_range(bounds)?,
            Op::SkipIfOdd(key, by) => {
                let value = env.get(key)?;
                let is_odd = value.as_deref().and_then(<[u8]>::first).is_some_and(|b| b % 2 == 1);
                log.push(format!("odd {is_odd} {value:?}"));
                self.at += if is_odd { *by } else { 0 };
            }
            Op::Fail => self.outcome.failed = Some("failed".into()),
        }
        Ok(())
    }
}

fn delta(amount: i64) -> Delta {
    let size = amount.unsigned_abs();
    if amount < 0 { Delta::minus(size) } else { Delta::plus(size) }
}

fn row(key: &[u8], value: &[u8]) -> String {
    format!("{}={}", key.escape_ascii(), value.escape_ascii())
}

/// Appends bytes, up to a length: a merge of the caller's.
pub struct AppendOp;

pub const MAX_APPENDED: usize = 6;

impl MergeOp for AppendOp {
    fn combine(&self, first: &[u8], then: &[u8], out: &mut Vec<u8>) {
        out.extend([first, then].concat());
    }

    fn apply(
        &self,
        base: Option<&[u8]>,
        delta: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), MergeError> {
        out.extend([base.unwrap_or_default(), delta].concat());
        if out.len() > MAX_APPENDED { Err(MergeError::refused("too long")) } else { Ok(()) }
    }
}

/// A view, with the name of the appending operation.
pub struct OnView<'v, 'b>(pub &'v mut View<'b>, pub MergeId);

fn borrowed((lo, hi): &Bounds) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (lo.as_ref().map(|key| &key[..]), hi.as_ref().map(|key| &key[..]))
}

impl Env for OnView<'_, '_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Abort> {
        Ok(self.0.get(key)?.map(<[u8]>::to_vec))
    }

    fn has(&mut self, key: &[u8]) -> Result<bool, Abort> {
        self.0.contains(key)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Abort> {
        self.0.put(key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Abort> {
        self.0.delete(key)
    }

    fn add(&mut self, key: &[u8], amount: i64) -> Result<(), Abort> {
        self.0.merge(MergeId::ADD_U64, key, delta(amount))
    }

    fn add_bounded(
        &mut self,
        key: &[u8],
        amount: i64,
        (lo, hi): (u64, u64),
    ) -> Result<MergeOutcome, Abort> {
        let bounds = lo.to_be_bytes()..hi.to_be_bytes();
        self.0.merge_bounded(MergeId::ADD_U64, key, delta(amount), bounds)
    }

    fn append(&mut self, key: &[u8], byte: u8) -> Result<(), Abort> {
        self.0.merge(self.1, key, [byte])
    }

    fn range(&mut self, bounds: &Bounds, ends: &[End]) -> Result<Vec<String>, Abort> {
        let mut range = self.0.range(borrowed(bounds));
        let mut log = Vec::new();
        for end in ends {
            let entry = match end {
                End::Front => range.next(),
                End::Back => range.next_back(),
            };
            log.push(match entry.transpose()? {
                Some((key, value)) => row(key, value),
                None => "end".into(),
            });
        }
        Ok(log)
    }

    fn delete_range(&mut self, bounds: &Bounds) -> Result<(), Abort> {
        self.0.delete_range(borrowed(bounds))
    }
}

/// The same on a tree.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub state: BTreeMap<Bytes, Bytes>,
    pub budget: u64,
    pub max_range_delete: usize,
    left: u64,
}

impl Model {
    pub fn new(state: BTreeMap<Bytes, Bytes>, budget: u64, max_range_delete: usize) -> Self {
        Self { state, budget, max_range_delete, left: 0 }
    }

    /// Runs a transaction: all of it, or nothing where it fails.
    pub fn run(&mut self, program: &Program) -> Outcome {
        let before = self.state.clone();
        self.left = self.budget;
        let mut runner = Runner::default();
        while runner.step(program, self) == Progress::Goes {}
        if runner.outcome.failed.is_some() {
            self.state = before;
        }
        runner.outcome
    }

    fn admit(&mut self) -> Result<(), Abort> {
        let spent = Abort::ReadBudget { max: self.budget };
        self.left = self.left.checked_sub(1).ok_or(spent)?;
        Ok(())
    }

    fn sum(&self, key: &[u8], amount: i64) -> Result<u64, MergeError> {
        let value = match self.state.get(key) {
            None => 0,
            Some(bytes) => {
                let bytes = bytes.as_slice().try_into();
                u64::from_be_bytes(
                    bytes.map_err(|_| MergeError::BadValue { len: self.state[key].len() })?,
                )
            }
        };
        let sum = i128::from(value) + i128::from(amount);
        if sum < 0 {
            return Err(MergeError::Underflow);
        }
        u64::try_from(sum).map_err(|_| MergeError::Overflow)
    }

    fn inside(&self, bounds: &Bounds) -> VecDeque<(Bytes, Bytes)> {
        use crate::block::walk::is_inside;
        let inside = |key: &[u8]| is_inside(key, borrowed(bounds));
        let rows = self.state.iter().filter(|(key, _)| inside(key));
        rows.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

impl Env for Model {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Abort> {
        self.admit()?;
        Ok(self.state.get(key).cloned())
    }

    fn has(&mut self, key: &[u8]) -> Result<bool, Abort> {
        self.admit()?;
        Ok(self.state.contains_key(key))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Abort> {
        self.state.insert(key.into(), value.into());
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Abort> {
        self.state.remove(key);
        Ok(())
    }

    fn add(&mut self, key: &[u8], amount: i64) -> Result<(), Abort> {
        self.admit()?;
        let sum = self.sum(key, amount)?;
        self.put(key, &sum.to_be_bytes())
    }

    fn add_bounded(
        &mut self,
        key: &[u8],
        amount: i64,
        (lo, hi): (u64, u64),
    ) -> Result<MergeOutcome, Abort> {
        self.admit()?;
        match self.sum(key, amount) {
            Ok(sum) if (lo..hi).contains(&sum) => {
                self.put(key, &sum.to_be_bytes())?;
                Ok(MergeOutcome::Applied)
            }
            Ok(_) | Err(MergeError::Underflow | MergeError::Overflow) => Ok(MergeOutcome::Refused),
            Err(error) => Err(error.into()),
        }
    }

    fn append(&mut self, key: &[u8], byte: u8) -> Result<(), Abort> {
        self.admit()?;
        let mut value = self.state.get(key).cloned().unwrap_or_default();
        value.push(byte);
        if value.len() > MAX_APPENDED {
            return Err(MergeError::refused("too long").into());
        }
        self.put(key, &value)
    }

    fn range(&mut self, bounds: &Bounds, ends: &[End]) -> Result<Vec<String>, Abort> {
        let mut rows = self.inside(bounds);
        let (mut log, mut is_done) = (Vec::new(), false);
        for end in ends {
            if !is_done {
                self.admit()?;
            }
            let entry = match end {
                End::Front => rows.pop_front(),
                End::Back => rows.pop_back(),
            };
            is_done |= entry.is_none();
            log.push(entry.map_or("end".into(), |(key, value)| row(&key, &value)));
        }
        Ok(log)
    }

    fn delete_range(&mut self, bounds: &Bounds) -> Result<(), Abort> {
        let rows = self.inside(bounds);
        let max = self.max_range_delete;
        // One step for each key and one that finds the end, or one key too many.
        for _ in 0..=rows.len().min(max) {
            self.admit()?;
        }
        if rows.len() > max {
            return Err(Abort::RangeTooLarge { max });
        }
        rows.iter().for_each(|(key, _)| drop(self.state.remove(key)));
        Ok(())
    }
}
