//! How much memory the store holds, and whether there is room for a commit.
//!
//! *What is counted.* Each session notes in its [tally](crate::tally) what it links and unlinks, in bytes, and what it retires.
//! The reclaimer notes what it has freed, a slab at a time. So what is held is the sum of what all sessions have linked, and
//! of what waits to be freed; [`Store::memory`] adds it up, which reads a few lines of every session.
//!
//! *The limit.* Who puts something is admitted before anything of it is made. A session remembers the last sum, and goes on
//! with it and with what it has made itself since, which is one cell of its own; it adds up again when it has made
//! [`step`] bytes, and always before it refuses. Nothing of this is done in a store without a limit, but for the adds.
//!
//! *Slack.* The sum that a session goes by misses what others have made since, and they miss what it makes. A session that
//! adds up anew after the limit is passed refuses. So each adds at most one step, or one commit if that is larger,
//! to what was within the limit: and besides, what a commit makes on top of what it was admitted for (see [`need`]).

use super::Store;
use crate::batch::WriteOp;
use crate::error::Error;
use crate::reclaim::Reclaimer;
use crate::session::{Claim, Sum};
use crate::slots::Entry;
use crate::space::Space;
use crate::tally::Event;

/// Bytes that a session makes between two sums, at most.
const LONGEST_STEP: u64 = 64 << 10;
/// Steps in a limit, at least: what sessions do not know of each other is a share of it.
const STEPS: u64 = 64;
/// Bytes of a write but for its key and value: record and version, a place in a leaf and one in the hash front.
const BESIDE_KEY_AND_VALUE: u64 = 64;

/// The memory of a store, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    /// All that is counted.
    pub held: u64,
    /// Of that, what is unlinked and not freed.
    pub retired: u64,
}

impl Store {
    /// The memory that is held. Not one moment's picture while others write.
    pub(super) fn memory(&self) -> Memory {
        // First: what is freed meanwhile is counted too often then, not too seldom.
        let freed = self.domain.freed_bytes();
        let (mut linked, mut retired, mut entries) = (0_u64, 0_u64, 0_u64);
        for tally in self.sessions.tallies() {
            linked = linked.wrapping_add(tally.get(Event::Linked));
            retired = retired.wrapping_add(tally.get(Event::RetiredBytes));
            entries = entries.wrapping_add(tally.get(Event::Queued));
            entries = entries.wrapping_sub(tally.get(Event::Unqueued));
        }
        // A difference may be seen before the sum that it is taken from.
        let [linked, retired, entries] = [linked, retired.wrapping_sub(freed), entries]
            .map(|sum| sum.cast_signed().max(0) as u64);
        let beside = Space::bytes_when_new() as u64 + entries * size_of::<Entry>() as u64;
        Memory { held: linked + retired + beside, retired }
    }

    /// A session for a commit of these writes.
    ///
    /// # Errors
    /// [`Error::MemoryLimit`].
    #[inline]
    pub(super) fn claim_for<'o>(
        &self,
        ops: impl Iterator<Item = WriteOp<'o>> + Clone,
    ) -> Result<Claim<'_>, Error> {
        match self.options.memory_limit {
            None => Ok(self.claim()),
            Some(limit) => self.claim_within(limit, need(ops)),
        }
    }

    /// A session for who needs so many bytes. Collects, if there is no room, and looks again.
    fn claim_within(&self, limit: u64, need: Option<u64>) -> Result<Claim<'_>, Error> {
        let claim = self.claim();
        let Some(need) = need else { return Ok(claim) };
        if has_room(&claim, limit, need) || self.makes_room(&claim, limit, need) {
            return Ok(claim);
        }
        // Given back first: what it keeps back is collected too.
        drop(claim);
        if need <= limit {
            self.note_age();
            self.maintain();
            let claim = self.claim();
            if self.makes_room(&claim, limit, need) {
                return Ok(claim);
            }
        }
        Err(Error::MemoryLimit { held: self.memory().held, limit })
    }

    /// Whether there is room by a new sum, which the session goes by from now on.
    fn makes_room(&self, claim: &Claim<'_>, limit: u64, need: u64) -> bool {
        let made = claim.tally().bytes_made();
        let held = self.memory().held;
        claim.sum().set(Sum { held, made });
        held.saturating_add(need) <= limit
    }
}

/// Whether there is room by the last sum of the session, and that is recent enough.
fn has_room(claim: &Claim<'_>, limit: u64, need: u64) -> bool {
    let Sum { held, made } = claim.sum().get();
    let made_since = claim.tally().bytes_made().wrapping_sub(made).cast_signed().max(0);
    let since = made_since.cast_unsigned().saturating_add(need);
    since <= step(limit) && held.saturating_add(since) <= limit
}

/// Bytes that a session makes between two sums.
fn step(limit: u64) -> u64 {
    (limit / STEPS).min(LONGEST_STEP)
}

/// Bytes that a commit of these writes makes and that stay, about; `None`: it puts nothing, and so is always admitted.
///
/// What it makes on top is the copies of leaves and of the index, for new keys, of which the old ones are retired, and a table
/// of the hash front that is replaced by a larger one.
fn need<'o>(ops: impl Iterator<Item = WriteOp<'o>> + Clone) -> Option<u64> {
    if ops.clone().all(|op| op.value.is_none()) {
        return None;
    }
    let bytes = |op: WriteOp<'_>| {
        op.key.len() as u64 + op.value.map_or(0, <[u8]>::len) as u64 + BESIDE_KEY_AND_VALUE
    };
    Some(ops.map(bytes).fold(0, u64::saturating_add))
}
