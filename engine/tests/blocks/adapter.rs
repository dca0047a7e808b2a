//! Programs on the engine's views, and blocks of them on its executor.

use super::program::{
    Bounded, Bytes, Failure, Input, Manners, Notes, Op, Payload, Presence, Program, Refusal, Row,
    Span, Steps, Sum, Target, bounds, run,
};
use super::sequential::{Done, Ended, Limited, Limits, State};
use engine::{Abort, Cancel, Executed, Executor, Limit, MergeId, Outcome, Store, TxnLogic, View};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, Ordering};
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

/// Programs as the logic of a block.
pub struct Logic<'p> {
    pub programs: &'p [Program],
    pub limits: Limits,
    pub cancel: Option<Cancel>,
    /// The next index that the limit is asked about.
    asked: AtomicU32,
}

impl<'p> Logic<'p> {
    pub fn new(programs: &'p [Program], limits: Limits) -> Self {
        Self { programs, limits, cancel: None, asked: AtomicU32::new(0) }
    }
}
