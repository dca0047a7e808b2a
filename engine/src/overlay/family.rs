//! What all layers over one base share: their map, the base, and the phase of a flush of the root.

use super::entry::marker;
use super::view::Frozen;
use crate::shared::Shared;
use crate::{Error, Snapshot, Version};
use arc_swap::{ArcSwap, Guard};
use epoch_store::atomics::{AtomicU64, Ordering};
use epoch_store::{Map, WriteBatch};
use std::sync::Arc;

/// The root's number. 0 belongs to the markers.
pub const ROOT: u64 = 1;

/// See the module header.
pub struct Family {
    map: Map,
    shared: Arc<Shared>,
    state: ArcSwap<State>,
    next_number: AtomicU64,
    /// The key of its mark in the store.
    mark: [u8; 8],
}

/// What the root stands on, and how far a flush of it has come.
pub struct State {
    /// Flushes of the root that have ended.
    pub generation: u64,
    /// A version of the family's map whose generation is this one.
    pub since: Version,
    pub base: Arc<Snapshot>,
    pub phase: Phase,
}

/// See the header of [`super`].
pub enum Phase {
    Settled,
    Started(Arc<RootFlush>),
    Stored(Arc<RootFlush>, Arc<Snapshot>),
}

/// A flush of the root that has begun: what everyone who takes its steps needs.
pub struct RootFlush {
    /// The root's entries that it moves.
    pub seen: epoch_store::Snapshot,
    /// What it commits to the store.
    pub batch: WriteBatch,
}

impl Family {
    /// Over a snapshot, without layers yet.
    pub fn over(base: Snapshot) -> Self {
        static FAMILIES: AtomicU64 = AtomicU64::new(0);
        let map = Map::new();
        let state = State {
            generation: 0,
            since: map.version(),
            base: Arc::new(base.clone()),
            phase: Phase::Settled,
        };
        Self {
            map,
            shared: base.shared().clone(),
            state: ArcSwap::from_pointee(state),
            next_number: AtomicU64::new(ROOT),
            mark: FAMILIES.fetch_add(1, Ordering::Relaxed).to_be_bytes(),
        }
    }

    /// The map of all layers.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The store below.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The key, in the store's hidden space, that a flush of this family's root writes and no other commit does.
    pub fn mark(&self) -> &[u8; 8] {
        &self.mark
    }

    /// A number that no layer of this family had before.
    pub fn next_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// The state as it is now.
    pub fn state(&self) -> Guard<Arc<State>> {
        self.state.load()
    }

    /// Replaces `seen` by `next`, unless somebody else has replaced it; returns the state that there is then.
    pub fn advance(&self, seen: &Arc<State>, next: State) -> Result<Arc<State>, Arc<State>> {
        let next = Arc::new(next);
        let found = self.state.compare_and_swap(seen, next.clone());
        if Arc::ptr_eq(&found, seen) { Ok(next) } else { Err(self.state.load_full()) }
    }

    /// One moment of all layers, and of what they stand on (O-2).
    pub fn freeze(&self) -> Frozen<Guard<Arc<State>>> {
        loop {
            let layers = self.map.snapshot();
            let state = self.state.load();
            if layers.version() >= state.since {
                let is_ahead = matches!(state.phase, Phase::Stored(..))
                    && generation(&layers) > state.generation;
                return Frozen { layers, state, is_ahead };
            }
        }
    }
}

/// The generation of the base that fits this snapshot of a family's map.
pub fn generation(layers: &epoch_store::Snapshot) -> u64 {
    layers.get(marker(ROOT)).map_or(0, |value| number(&value))
}

/// A number as marks and generations are written.
pub fn number(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_be_bytes)
}

impl Drop for Family {
    /// Takes its mark out of the store. A store that was closed takes no commits, and keeps the mark of a few bytes.
    fn drop(&mut self) {
        let state = self.state.load();
        let was_flushed = state.generation > 0 || !matches!(state.phase, Phase::Settled);
        if was_flushed && let Ok(map) = self.shared.admit(0) {
            let _ = map.commit(WriteBatch::new().delete_in(self.shared.hidden(), self.mark));
        }
    }
}

/// Refused by the map below, and not because of a conflict.
pub fn is_conflict(result: Result<Version, epoch_store::Error>) -> Result<bool, Error> {
    match result {
        Ok(_) => Ok(false),
        Err(epoch_store::Error::Conflict(_)) => Ok(true),
        Err(error) => Err(error.into()),
    }
}
