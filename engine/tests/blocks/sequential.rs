//! Programs one after the other over a `BTreeMap`: what a block must equal.

use super::program::{
    Bounded, Bytes, Failure, Input, LONGEST, Notes, Payload, Presence, Program, Refusal, Row, Span,
    Steps, Sum, Target, bounds, is_inside, run,
};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A state: keys and values.
pub type State = BTreeMap<Bytes, Bytes>;

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Returned(Notes),
    Failed(Failure),
    Panicked(u64),
}

/// What a limit says of a transaction that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    Go,
    StopAfter,
    StopBefore,
}

/// The limits of a block.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most keys that one `delete_range` takes away.
    pub range_delete: usize,
    /// What is asked after each transaction: its index and how it ended.
    pub after: fn(usize, &Ended) -> Limited,
}

impl Default for Limits {
    fn default() -> Self {
        Self { range_delete: usize::MAX, after: |_, _| Limited::Go }
    }
}

/// What a block did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// How each transaction ended that counts.
    pub ended: Vec<Ended>,
    /// The state after them.
    pub state: State,
    /// The keys that a transaction wrote which counts, whatever it wrote, in order.
    pub written: BTreeSet<Bytes>,
}

impl Done {
    /// The keys whose value differs from the one before the block, in order, with their values.
    pub fn changes(&self, base: &State) -> Vec<(Bytes, Option<Bytes>)> {
        let differs = |key: &&Bytes| base.get(*key) != self.state.get(*key);
        let change = |key: &Bytes| (key.clone(), self.state.get(key).cloned());
        self.written.iter().filter(differs).map(change).collect()
    }
}

/// Executes programs in order.
pub fn execute(base: &State, programs: &[Program], limits: Limits) -> Done {
    let mut done = Done { ended: vec![], state: base.clone(), written: BTreeSet::new() };
    for (index, program) in programs.iter().enumerate() {
        let mut view = View { below: &done.state, own: BTreeMap::new(), limits };
        let ended = match catch_unwind(AssertUnwindSafe(|| run(program, &mut view))) {
            Ok(Ok(notes)) => Ended::Returned(notes),
            Ok(Err(failure)) => Ended::Failed(failure),
            Err(payload) => Ended::Panicked(payload.downcast_ref::<Payload>().unwrap().0),
        };
        let own = view.own;
        let limited = (limits.after)(index, &ended);
        if limited == Limited::StopBefore {
            break;
        }
        if matches!(ended, Ended::Returned(_)) {
            done.written.extend(own.keys().cloned());
            apply(&mut done.state, own);
        }
        done.ended.push(ended);
        if limited == Limited::StopAfter {
            break;
        }
    }
    done
}

fn apply(state: &mut State, writes: BTreeMap<Bytes, Option<Bytes>>) {
    for (key, write) in writes {
        match write {
            Some(value) => _ = state.insert(key, value),
            None => _ = state.remove(&key),
        }
    }
}

/// A transaction's own writes over the state before it.
struct View<'s> {
    below: &'s State,
    own: BTreeMap<Bytes, Option<Bytes>>,
    limits: Limits,
}

impl View<'_> {
    fn look(&self, key: &[u8]) -> Option<Bytes> {
        match self.own.get(key) {
            Some(own) => own.clone(),
            None => self.below.get(key).cloned(),
        }
    }

    fn all(&self, span: Span) -> Vec<Row> {
        let mut rows = self.below.clone();
        apply(&mut rows, self.own.clone());
        rows.into_iter().filter(|(key, _)| is_inside(bounds(span), key)).collect()
    }
}

/// A key that a store takes.
pub fn checked(key: &[u8]) -> Result<&[u8], Refusal> {
    if key.is_empty() { Err(Refusal::Input(Input::EmptyKey)) } else { Ok(key) }
}

/// A number and a delta, if the one is a number and the sum stays one; absent is zero.
pub fn sum(base: Option<&[u8]>, sum: Sum, delta: u64) -> Option<u64> {
    let base = match base {
        Some(bytes) => u64::from_be_bytes(bytes.try_into().ok()?),
        None => 0,
    };
    match sum {
        Sum::Add => base.checked_add(delta),
        Sum::Sub => base.checked_sub(delta),
    }
}

impl Target for View<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Refusal> {
        Ok(self.look(checked(key)?))
    }

    fn get_many(&mut self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, Refusal> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    fn has(&mut self, key: &[u8]) -> Result<Presence, Refusal> {
        Ok(self.look(checked(key)?).is_some().into())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Refusal> {
        self.own.insert(checked(key)?.to_vec(), Some(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Refusal> {
        self.own.insert(checked(key)?.to_vec(), None);
        Ok(())
    }

    fn merge(&mut self, key: &[u8], kind: Sum, delta: u64) -> Result<(), Refusal> {
        let base = self.look(checked(key)?);
        let sum = sum(base.as_deref(), kind, delta).ok_or(Refusal::Input(Input::Merge))?;
        self.put(key, &sum.to_be_bytes())
    }

    fn merge_bounded(
        &mut self,
        key: &[u8],
        kind: Sum,
        delta: u64,
        min: u64,
        max: u64,
    ) -> Result<Bounded, Refusal> {
        let base = self.look(checked(key)?);
        if base.as_ref().is_some_and(|base| base.len() != 8) {
            return Err(Refusal::Input(Input::Merge));
        }
        let sum = sum(base.as_deref(), kind, delta);
        let Some(sum) = sum.filter(|sum| (min..=max).contains(sum)) else {
            return Ok(Bounded::OutOfBounds);
        };
        self.put(key, &sum.to_be_bytes())?;
        Ok(Bounded::Applied)
    }

    fn append(&mut self, key: &[u8], byte: u8) -> Result<(), Refusal> {
        let mut value = self.look(checked(key)?).unwrap_or_default();
        value.push(byte);
        if value.len() > LONGEST {
            return Err(Refusal::Input(Input::Merge));
        }
        self.put(key, &value)
    }

    fn scan(&mut self, span: Span, steps: Steps) -> Result<Vec<Row>, Refusal> {
        steps.collect(self.all(span).into_iter().map(Ok))
    }

    fn delete_range(&mut self, span: Span) -> Result<(), Refusal> {
        let rows = self.all(span);
        if rows.len() > self.limits.range_delete {
            return Err(Refusal::Input(Input::RangeTooLarge));
        }
        self.own.extend(rows.into_iter().map(|(key, _)| (key, None)));
        Ok(())
    }
}
