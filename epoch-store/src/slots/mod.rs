//! Snapshot slots: where a reader says which version it needs, without writing to any shared line.
//!
//! *Picture.*
//! ```text
//!  root ──────────┐            segment 0 [slot][slot]..   segment 1 [slot][slot][slot][slot]..   (never move)
//!  reader: store slot = root; fence; root unchanged? ─► registered
//!  pruner: load root; fence; load every slot         ─► Registered{published, stamps}
//! ```
//! *Invariants.*
//! - I-9 If a snapshot is registered at `s` and a scan with root `p` does not show `s`, then `s >= p`: whatever that
//!   scan calls garbage (superseded at or below `p`) is invisible at `s`.
//! - I-10 A stamp never moves between slots, and clones share one slot with a count: a scan cannot miss a stamp that
//!   is registered from before its beginning to after its end.
//! - I-11 A slot is released after the last read through it: Release store, Acquire scan (values are read unpinned).
//! - I-12 A segment is skipped by scans (shut) only while none of its slots is registered.
//!
//! *Progress.* Acquiring is wait-free: at most one look at every slot (usually at one or two), at most four tries to see the
//! root stand still, then a form that cannot fail ([`ACQUIRING`]); only growing the table allocates. Cloning and releasing are lock-free
//! (they retry only against a clone or release of the same snapshot).
//!
//! *Orderings.*
//! | site | ordering | pairs with | for |
//! |---|---|---|---|
//! | `slot-fence` | SeqCst fence | `scan-fence` | I-9: one of the two sees the other's store |
//! | `slot-release` | Release store | `slot-scan` Acquire | I-11 |
//! | `slot-register` | Release store | `slot-scan` Acquire | I-11 for the slot's owners before: a scan that sees only the next stamp |
//! | `slot-count-release` | AcqRel RMW | `slot-claim` Acquire | the next owner's stamps come after ours |
//!
//! *Checked by* `registration.rs`, `clones.rs`, `shut_segments.rs` in `loom-tests/tests`.

mod segment_state;
mod slot;

pub use slot::Slot;

use crate::chain::Registered;
use crate::sync::{
    AtomicU64, AtomicUsize, Ordering, SEGMENTS, Segments, fence_at, mutant, ord, pause,
    set_slot_hint, slot_hint,
};
use crossbeam_utils::CachePadded;
use segment_state::SegmentState;
use slot::{ACQUIRING, FREE};

#[cfg(not(epoch_loom))]
const FIRST_SEGMENT: usize = 8;
#[cfg(epoch_loom)]
const FIRST_SEGMENT: usize = 1;
/// Slots looked at behind the cursor before all are.
const PROBES: usize = 16;
/// Tries to see the root stand still before the form that cannot fail.
const TRIES: usize = if cfg!(epoch_loom) { 1 } else { 4 };

/// A registered snapshot: its slot and its stamp.
#[derive(Debug)]
pub struct Ticket<'a> {
    /// The slot, alive as long as the table.
    pub slot: &'a Slot,
    /// The stamp it holds.
    pub stamp: u64,
}

/// The table of slots. See the module header.
#[derive(Debug)]
pub struct Slots {
    slots: Segments<CachePadded<Slot>>,
    states: [SegmentState; SEGMENTS],
    /// Behind the slot that the last search found.
    cursor: AtomicUsize,
}

impl Default for Slots {
    fn default() -> Self {
        Self {
            slots: Segments::new(FIRST_SEGMENT),
            states: std::array::from_fn(|_| SegmentState::default()),
            cursor: AtomicUsize::new(0),
        }
    }
}

impl Slots {
    /// Registers a snapshot at the newest version. Wait-free.
    #[inline]
    pub fn acquire<'a>(&'a self, root: &AtomicU64) -> Ticket<'a> {
        let slot = self.claim();
        let stamp = register(slot, root);
        Ticket { slot, stamp }
    }

    /// Registers a snapshot at exactly `stamp`, which must still be the newest version. Wait-free.
    ///
    /// # Errors
    /// The newest version, if that is another one: what `stamp` saw may have been cut (rule 19).
    pub fn acquire_at<'a>(&'a self, stamp: u64, root: &AtomicU64) -> Result<Ticket<'a>, u64> {
        if mutant!("at-check-first") {
            let newest = root.load(Ordering::Acquire);
            if newest != stamp {
                return Err(newest);
            }
            let slot = self.claim();
            slot.stamp.store(stamp, Ordering::Relaxed);
            fence_at("slot-fence");
            return Ok(Ticket { slot, stamp });
        }
        let slot = self.claim();
        // Register first, check second: a scan that misses the slot has a root that this check sees.
        slot.register(stamp);
        fence_at("slot-fence");
        let newest = root.load(Ordering::Acquire);
        let ticket = Ticket { slot, stamp };
        if newest == stamp {
            return Ok(ticket);
        }
        slot.unregister();
        slot.leave();
        Err(newest)
    }

    /// Finds a free slot near where this thread found its last one.
    #[inline]
    fn claim(&self) -> &Slot {
        let hint = slot_hint();
        if let Some(slot) = self.slots.get(hint)
            && slot.try_claim_free()
        {
            set_slot_hint(hint + 1);
            slot.found_at(hint);
            return slot;
        }
        self.claim_elsewhere()
    }

    /// Next fit from where the last search of this map ended; then anywhere; then in a new segment. Time proportional to
    /// the table at worst, which is what growing it takes.
    #[cold]
    fn claim_elsewhere(&self) -> &Slot {
        let from = self.cursor.load(Ordering::Relaxed);
        let near = (from..from + PROBES).find_map(|at| self.claim_at(at));
        if let Some(slot) =
            near.or_else(|| (0..).map_while(|k| self.claim_within(k)).flatten().next())
        {
            return slot;
        }
        for k in 0.. {
            if self.slots.segment(k).is_none() {
                self.slots.grow(k);
            }
            if let Some(slot) = self.claim_within(k).flatten() {
                return slot;
            }
        }
        unreachable!("the loop has no end but the return")
    }

    /// The slot at `index`, if it exists and is free.
    fn claim_at(&self, index: usize) -> Option<&Slot> {
        let (k, _) = self.slots.place(index);
        let slot = self.slots.get(index)?;
        self.claim_in(k, slot).then(|| self.found(slot, index))
    }

    /// Any free slot of segment `k`; the outer `None` if there is no such segment.
    fn claim_within(&self, k: usize) -> Option<Option<&Slot>> {
        let segment = self.slots.segment(k)?;
        let at = segment.iter().position(|slot| self.claim_in(k, slot));
        Some(at.map(|at| self.found(&segment[at], self.slots.first_of(k) + at)))
    }

    fn found<'a>(&self, slot: &'a Slot, index: usize) -> &'a Slot {
        self.cursor.store(index + 1, Ordering::Relaxed);
        set_slot_hint(index + 1);
        slot.found_at(index);
        slot
    }

    fn claim_in(&self, k: usize, slot: &Slot) -> bool {
        if slot.try_claim_free() {
            return true;
        }
        if !slot.try_claim_closed() {
            return false;
        }
        // I-12: the segment is open before the stamp is stored, and whoever was about to shut it fails.
        if !mutant!("reopen-skipped") {
            self.states[k].reopen();
        }
        true
    }

    /// Reads every registered stamp. Returns how many slots were read: what a scan costs.
    pub fn scan(&self, root: &AtomicU64, into: &mut Registered) -> usize {
        into.begin(root.load(Ordering::Acquire));
        fence_at("scan-fence");
        let mut read = 0;
        for (k, segment) in self.slots.iter().enumerate() {
            let state = self.states[k].load();
            if state.is_shut() {
                continue;
            }
            pause("scan-slots");
            let mut all_free = true;
            for slot in segment {
                all_free &= !report(slot, into);
            }
            read += segment.len();
            if all_free && k > 0 {
                self.shut(k, segment, state);
            }
        }
        into.end();
        read
    }

    /// Takes a segment without registered slots out of the scans, so that a burst of snapshots costs nothing once it
    /// is over.
    fn shut(&self, k: usize, segment: &[CachePadded<Slot>], state: segment_state::Seen) {
        if segment.iter().all(|slot| slot.try_close()) {
            self.states[k].shut(state);
        }
    }

    /// Slots that hold a snapshot, and the oldest registered stamp.
    pub fn open(&self) -> (usize, Option<u64>) {
        let stamps = self.slots.iter().flatten().filter_map(|slot| slot.registered());
        stamps.fold((0, None), |(count, oldest), stamp| {
            (count + 1, Some(oldest.map_or(stamp, |oldest: u64| oldest.min(stamp))))
        })
    }

    /// Tells every open slot that the store is closing; returns how many were told.
    pub fn announce_closing(&self) -> usize {
        self.slots.iter().flatten().filter(|slot| slot.announce_closing()).count()
    }
}

/// The registration protocol (I-9).
#[inline]
fn register(slot: &Slot, root: &AtomicU64) -> u64 {
    if mutant!("register-naive") {
        let stamp = root.load(Ordering::Acquire);
        slot.stamp.store(stamp, Ordering::Release);
        return stamp;
    }
    let mut stamp = root.load(Ordering::Acquire);
    for _ in 0..TRIES {
        slot.register(stamp);
        fence_at("slot-fence");
        pause("snapshot-registering");
        let now = root.load(Ordering::Acquire);
        if now == stamp {
            return stamp;
        }
        stamp = now;
    }
    // The root moved every time: announce "everything from here on", then take whatever is newest.
    slot.register(ACQUIRING | stamp);
    fence_at("slot-fence");
    pause("snapshot-acquiring");
    let stamp = root.load(Ordering::Acquire);
    slot.register(stamp);
    stamp
}

/// Adds what a slot says to a scan. Returns whether it says anything.
#[inline]
fn report(slot: &Slot, into: &mut Registered) -> bool {
    let word = slot.stamp.load(ord!("slot-scan", Acquire));
    if word == FREE {
        return false;
    }
    if word & ACQUIRING != 0 {
        into.add_floor(word & !ACQUIRING);
    } else {
        into.add(word);
    }
    true
}
