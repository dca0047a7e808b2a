//! Programs on the engine's views.

use super::program::{
    Bounded, Bytes, Input, LONGEST, Presence, Refusal, Row, Span, Steps, Sum, Target, bounds,
};
use super::sequential::State;
use engine::{Abort, Delta, MergeError, MergeId, MergeOp, MergeOutcome, Store, View};
use std::hint::spin_loop;
use std::thread;
use std::time::Duration;

/// A store with these rows.
pub fn store_of(state: &State) -> Store {
    let store = Store::in_memory();
    state.iter().for_each(|(key, value)| _ = store.put(key, value).unwrap());
    store
}

/// The rows of a store.
pub fn state_of(store: &Store) -> State {
    store.snapshot().iter().map(|row| row.unwrap()).map(|(k, v)| (k.to_vec(), v.to_vec())).collect()
}

/// What a sum takes.
pub fn delta(sum: Sum, delta: u64) -> Delta {
    match sum {
        Sum::Add => Delta::plus(delta),
        Sum::Sub => Delta::minus(delta),
    }
}

/// A merge that is defined by the user: bytes behind the value.
pub struct Append;

impl MergeOp for Append {
    fn combine(&self, first: &[u8], then: &[u8], out: &mut Vec<u8>) {
        out.extend([first, then].concat());
    }

    fn apply(
        &self,
        base: Option<&[u8]>,
        delta: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), MergeError> {
        self.combine(base.unwrap_or_default(), delta, out);
        if out.len() > LONGEST { Err(MergeError::refused("too long")) } else { Ok(()) }
    }
}

/// A view of the engine, as programs see it.
pub struct OnView<'v, 'b, C> {
    pub view: &'v mut View<'b>,
    /// The name of [`Append`].
    pub append: MergeId,
    /// What cancels the block.
    pub cancel: C,
}

fn refusal(abort: Abort) -> Refusal {
    match abort {
        Abort::Map(epoch_store::Error::EmptyKey) => Refusal::Input(Input::EmptyKey),
        Abort::RangeTooLarge { .. } => Refusal::Input(Input::RangeTooLarge),
        Abort::Merge(error) => {
            assert!(!matches!(error, MergeError::BadDelta | MergeError::UnknownOp), "{error:?}");
            Refusal::Input(Input::Merge)
        }
        abort => {
            assert!(abort.is_doom(), "an error that no program can cause: {abort:?}");
            Refusal::Run(abort.to_string())
        }
    }
}

/// Copies of an entry.
pub fn row(entry: Result<(&[u8], &[u8]), Abort>) -> Result<Row, Abort> {
    entry.map(|(key, value)| (key.to_vec(), value.to_vec()))
}

impl<C: FnMut()> Target for OnView<'_, '_, C> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Refusal> {
        self.view.get(key).map(|value| value.map(<[u8]>::to_vec)).map_err(refusal)
    }

    fn get_many(&mut self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, Refusal> {
        let values = self.view.get_many(keys).map_err(refusal)?;
        Ok(values.into_iter().map(|value| value.map(<[u8]>::to_vec)).collect())
    }

    fn has(&mut self, key: &[u8]) -> Result<Presence, Refusal> {
        self.view.contains(key).map(Presence::from).map_err(refusal)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Refusal> {
        self.view.put(key, value).map_err(refusal)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Refusal> {
        self.view.delete(key).map_err(refusal)
    }

    fn merge(&mut self, key: &[u8], sum: Sum, amount: u64) -> Result<(), Refusal> {
        self.view.merge(MergeId::ADD_U64, key, delta(sum, amount)).map_err(refusal)
    }

    fn merge_bounded(
        &mut self,
        key: &[u8],
        sum: Sum,
        amount: u64,
        min: u64,
        max: u64,
    ) -> Result<Bounded, Refusal> {
        let (bounds, delta) = (min.to_be_bytes()..=max.to_be_bytes(), delta(sum, amount));
        match self.view.merge_bounded(MergeId::ADD_U64, key, delta, bounds).map_err(refusal)? {
            MergeOutcome::Applied => Ok(Bounded::Applied),
            MergeOutcome::Refused => Ok(Bounded::OutOfBounds),
        }
    }

    fn append(&mut self, key: &[u8], byte: u8) -> Result<(), Refusal> {
        self.view.merge(self.append, key, [byte]).map_err(refusal)
    }

    fn scan(&mut self, span: Span, steps: Steps) -> Result<Vec<Row>, Refusal> {
        steps.collect(self.view.range(bounds(span)).map(row)).map_err(refusal)
    }

    fn delete_range(&mut self, span: Span) -> Result<(), Refusal> {
        self.view.delete_range(bounds(span)).map_err(refusal)
    }

    fn delay(&mut self, length: u8) {
        match length {
            0..128 => (0..length).for_each(|_| spin_loop()),
            128..250 => thread::yield_now(),
            _ => thread::sleep(Duration::from_micros(50)),
        }
    }

    fn cancel(&mut self) {
        (self.cancel)();
    }
}
