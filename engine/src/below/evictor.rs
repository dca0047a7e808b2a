//! Which keys leave memory, and when.
//!
//! After each batch of the parent, if memory is over its budget: a walk in key order takes what was written long enough ago for the
//! parent to have it, goes on where it stopped the last time, and stops when enough is on its way out. What is written all the
//! time is never old enough; of the rest none is preferred: reads leave no trace, on purpose.

use super::Below;
use crate::durable::Chore;
use crate::parent::{Parent, layout};
use crate::{Error, Version};
use epoch_store::atomics::Ordering;
use epoch_store::{KeySpace, Map, ReadSet, WriteBatch};
use std::ops::Bound;
use std::sync::Arc;
use std::thread;

/// Keys that are evicted by one commit.
const BATCH: usize = 256;
/// Walks of one call: what a key takes in memory is a guess.
const ROUNDS: usize = 3;
/// Bytes of an entry beside its key and value, about.
const OVERHEAD: u64 = 100;

/// See the module header.
pub struct Evictor {
    below: Arc<Below>,
    budget: u64,
    /// Where the walk goes on: the number of a space, and the last key that was looked at.
    place: (u32, Vec<u8>),
    /// The parent has a batch that no checkpoint shows as yet.
    is_checkpoint_due: bool,
    /// Up to this version there was nothing to evict in a whole turn.
    barren: Option<Version>,
}

impl Evictor {
    /// For a budget in bytes.
    pub fn new(below: Arc<Below>, budget: u64) -> Self {
        Self { below, budget, place: (0, Vec::new()), is_checkpoint_due: false, barren: None }
    }

    /// Bytes to be evicted. It begins at three quarters of the budget, since more comes in meanwhile, and what is on its way to the
    /// parent, and what that makes of it, is memory too; and goes on to five eighths, so that it is not for each batch.
    fn excess(&self, map: &Map) -> u64 {
        let held = map.stats().bytes;
        let (begin, end) = (self.budget / 4 * 3, self.budget / 8 * 5);
        if held <= begin { 0 } else { held - end }
    }

    /// The checkpoint after a batch becomes the one to ask. If the parent cannot be read at the moment, the one before is
    /// asked, and it is due still.
    fn add_checkpoint(&mut self, map: &Map, parent: &dyn Parent) {
        let added = parent
            .snapshot()
            .map_err(Error::from)
            .and_then(|snapshot| self.below.checkpoints.add(map, snapshot.into()));
        self.is_checkpoint_due = added.is_err();
    }

    /// Evicts so many bytes, if there are: at most one turn through all keys.
    fn walk(&mut self, map: &Map, mut excess: u64, upto: Version) {
        let (mut ends, mut evicted) = (0, 0);
        // The first end is that of the turn before.
        while excess > 0 && ends < 2 {
            match self.evict_some(map, upto) {
                Some(bytes) => {
                    excess = excess.saturating_sub(bytes);
                    evicted += bytes;
                }
                None => ends += 1,
            }
        }
        self.barren = (evicted == 0).then_some(upto);
    }

    /// Evicts the next keys of the walk. Returns their bytes; `None`: it has come to the end, and begins anew.
    fn evict_some(&mut self, map: &Map, upto: Version) -> Option<u64> {
        let (below, snapshot) = (&self.below, map.snapshot());
        loop {
            let (number, last) = &self.place;
            let named = map.key_spaces().find(|named| named.id() == *number);
            let is_there = *number == 0 || named.is_some();
            if !is_there {
                self.place = (0, Vec::new());
                return None;
            }
            let is_own = named.as_ref().is_some_and(|named| below.keeps(named));
            let view = match &named {
                None => Ok(snapshot.default_space()),
                Some(space) => snapshot.space(space),
            };
            let from = if last.is_empty() { Bound::Unbounded } else { Bound::Excluded(&last[..]) };
            let rows = match view {
                Ok(view) if !is_own => view.settled(from, upto, BATCH),
                _ => Vec::new(),
            };
            let Some((behind, _)) = rows.last() else {
                self.place = (number + 1, Vec::new());
                continue;
            };
            let place = (*number, behind.to_vec());
            let (mut batch, mut reads, mut bytes) = (WriteBatch::new(), ReadSet::at(&snapshot), 0);
            for (key, value) in &rows {
                below.add(named.as_ref(), key, &mut batch, &mut reads);
                bytes += (key.len() + value.len()) as u64 + OVERHEAD;
            }
            self.place = place;
            // Refused: somebody is writing to these keys; the walk comes back to them.
            return Some(if map.commit_if(&batch, &reads).is_ok() { bytes } else { 0 });
        }
    }
}

impl Chore for Evictor {
    fn after_batch(&mut self, map: &Map, parent: &dyn Parent) {
        self.is_checkpoint_due = true;
        self.add_checkpoint(map, parent);
    }

    fn after_failure(&mut self, map: &Map, parent: &dyn Parent) {
        self.below.checkpoints.let_go(map);
        self.below.checkpoints.renew(parent);
    }

    fn begin(&mut self) {
        self.below.evictor.store(Some(Arc::new(thread::current())));
    }

    /// Evicts what is too much. There may be more to evict when readers that are there now have gone, or the parent can be read
    /// again.
    fn work(&mut self, map: &Map, parent: &dyn Parent) -> bool {
        if self.is_checkpoint_due && self.excess(map) > 0 {
            self.add_checkpoint(map, parent);
        }
        self.below.checkpoints.let_go(map);
        if self.below.has_failed.swap(false, Ordering::Relaxed) {
            self.below.checkpoints.renew(parent);
        }
        for _ in 0..ROUNDS {
            let excess = self.excess(map);
            // E-5, and what the newest checkpoint has.
            let upto = self.below.checkpoints.newest().min(map.oldest_needed());
            if excess == 0 || self.barren.is_some_and(|barren| upto <= barren) {
                break;
            }
            self.walk(map, excess, upto);
            map.maintain();
        }
        self.excess(map) > 0
    }
}

impl Below {
    /// Whether nothing of a space is evicted.
    fn keeps(&self, space: &KeySpace) -> bool {
        space.id() == self.checkpoints.hidden().id()
    }

    /// Adds the eviction of a key, and of its grave, if it has one from before (E-3).
    fn add(
        &self,
        space: Option<&KeySpace>,
        key: &[u8],
        batch: &mut WriteBatch,
        reads: &mut ReadSet,
    ) {
        match space {
            None => batch.delete(key),
            Some(space) => batch.delete_in(space, key),
        };
        match space {
            None => reads.key(key),
            Some(space) => reads.key_in(space, key),
        };
        let number = space.map_or(0, KeySpace::id);
        if number == self.graves.id() {
            return;
        }
        let grave = layout::key(number, key);
        let has_grave =
            reads.snapshot().space(&self.graves).is_ok_and(|view| view.contains(&grave));
        if has_grave {
            batch.delete_in(&self.graves, &grave);
        }
        reads.key_in(&self.graves, &grave);
    }
}
