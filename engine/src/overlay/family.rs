//! What all layers over one base share: their map, the base, and the phase of a flush of the root.

use super::entry::marker;
use super::view::Frozen;
use crate::shared::Shared;
use crate::{Error, Snapshot, Version};
use arc_swap::{ArcSwap, Guard};
use epoch_store::atomics::{AtomicU64, Ordering, serial_number};
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
    /// A flush has begun once: then the family may have a mark in the store.
    is_marked: bool,
}

impl State {
    /// Whether this state has the base for a snapshot of the family's map that was opened before the state was loaded: `None` if
    /// not, or else whether the snapshot is ahead of the state, and needs the next base.
    pub fn fits(&self, layers: &epoch_store::Snapshot) -> Option<bool> {
        let is_stored = matches!(self.phase, Phase::Stored(..));
        let is_ahead = is_stored && generation(layers) > self.generation;
        (layers.version() >= self.since).then_some(is_ahead)
    }

    /// The same generation in another phase.
    pub fn turned(&self, phase: Phase) -> Self {
        Self {
            generation: self.generation,
            since: self.since,
            base: self.base.clone(),
            phase,
            is_marked: true,
        }
    }

    /// The next generation, whose base is `base` from version `since` of the family's map on.
    pub fn followed(&self, base: Arc<Snapshot>, since: Version) -> Self {
        Self {
            generation: self.generation + 1,
            since,
            base,
            phase: Phase::Settled,
            is_marked: true,
        }
    }
}

/// See the header of [`super`].
pub enum Phase {
    Settled,
    Started(Arc<RootFlush>),
    Stored(Arc<RootFlush>, Arc<Snapshot>),
}

/// What the mark of a family in the store says. A new one is written once for each flush of the root that began, whether it
/// was stored or called off, and it is never the one that was there before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// Flushes that are in the store.
    pub generation: u64,
    /// Flushes of this generation that were called off.
    pub called_off: u64,
}

impl Mark {
    /// The mark of a family in a snapshot of its store.
    pub fn read(family: &Family, store: &epoch_store::Snapshot) -> Result<Self, Error> {
        let value = store.space(family.shared.hidden())?.get(family.mark);
        let halves = value.as_deref().and_then(|value| value.split_at_checked(8));
        Ok(halves.map_or_else(Self::default, |(generation, called_off)| Self {
            generation: number(generation),
            called_off: number(called_off),
        }))
    }

    /// As it is written.
    pub fn encode(self) -> [u8; 16] {
        let mut value = [0; 16];
        value[..8].copy_from_slice(&self.generation.to_be_bytes());
        value[8..].copy_from_slice(&self.called_off.to_be_bytes());
        value
    }
}

/// A flush of the root that has begun: what everyone who takes its steps needs.
pub struct RootFlush {
    /// The root's entries that it moves.
    pub seen: epoch_store::Snapshot,
    /// The mark in the store before it. No snapshot of the store: a flush that waits for room there must not keep what others
    /// delete.
    pub before: Mark,
    /// What it commits to the store.
    pub batch: WriteBatch,
}

impl Family {
    /// Over a snapshot, without layers yet.
    pub fn over(base: Snapshot) -> Self {
        // Without a limit to a batch: the store has one for what is flushed to it, and what is moved between layers, or
        // dropped when it is in the store, must not be refused.
        let map = Map::builder().max_batch_len(usize::MAX).build();
        let state = State {
            generation: 0,
            since: map.version(),
            base: Arc::new(base.clone()),
            phase: Phase::Settled,
            is_marked: false,
        };
        Self {
            map,
            shared: base.shared().clone(),
            state: ArcSwap::from_pointee(state),
            next_number: AtomicU64::new(ROOT),
            mark: serial_number().to_be_bytes(),
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
            if let Some(is_ahead) = state.fits(&layers) {
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
        if self.state.load().is_marked
            && let Ok(map) = self.shared.admit(0)
        {
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
