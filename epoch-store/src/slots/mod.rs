//! Snapshot slots: where a reader says which version it needs, without writing to any shared line; which versions can be
//! opened by number; and leases, which a scan may take back.
//!
//! *Picture.*
//! ```text
//!  root ──────────┐            segment 0 [slot][slot]..   segment 1 [slot][slot][slot][slot]..   (never move)
//!  reader: store slot = root; fence; root unchanged? ─► registered
//!  pruner: load root; raise low; fence; load every slot ─► Registered{published, stamps}
//!  by number: store slot = v; fence; low <= v?       ─► registered
//!  lease:  store slot = LENT|root; fence; root unchanged? ─► registered;  read; fence; slot still LENT|s? ─► the read counts
//!  revoker: fence; load every slot; LENT|s, s too old? ─► CAS to REVOKED
//! ```
//! *Invariants.*
//! - I-9 If a snapshot is registered at `s` and a scan with root `p` does not show `s`, then `s >= p`: whatever that
//!   scan calls garbage (superseded at or below `p`) is invisible at `s`.
//! - I-10 A stamp never moves between slots, and clones share one slot with a count: a scan cannot miss a stamp that
//!   is registered from before its beginning to after its end.
//! - I-11 A slot is released after the last read through it: Release store, Acquire scan (values are read unpinned).
//! - I-12 A segment is skipped by scans (shut) only while none of its slots is registered.
//! - I-34 Every version from `low` on can be opened by number. `low` only rises; a scan raises it before its fence, and
//!   judges nothing that was superseded after the `low` it saw. So who registers `v`, fences, and still finds
//!   `low <= v` was seen by that scan, or the scan's floor is at most `v`. Without a policy `low` is the root itself.
//! - I-35 A read at the stamp of a lease counts only if the slot still lends the stamp when the read is over. Whoever cuts
//!   what that stamp sees has made or seen the change of the slot to `REVOKED` before (program order), cuts by Release
//!   and looks at links by Acquire, so that whoever passes its cuts on passes that change on too; the reader fences
//!   between its loads of links and its look at the slot. So a read that has met any such cut finds the slot
//!   revoked, and one that finds it lent has met none: it saw exactly what its stamp sees. The same of a key that is
//!   missing: who seals a record acquired the cuts that left it empty, who sees the seal acquires it, and both take the
//!   record out of list, hash and table by Release. (A tombstone with nothing behind it is cut whoever stands on it, leases
//!   too: there is no value either way.) The memory that a read touched meanwhile was protected by its pin, not by the
//!   slot.
//! - I-36 A lease is taken back by a CAS from its very word, so nobody else's registration is lost. The slot stays claimed
//!   until the last clone of the lease goes, and its segment is not shut over it.
//! - I-52 Once everything below `v` has been taken back by somebody who had seen root at `v`, no lease below `v` stands: none
//!   that was opened before, and none whose opening began before and ends after. For every word of a lease can be taken
//!   back, from the first that its registration stores. The revoker fences between his look at root and those at the
//!   slots, who opens a lease fences between each store of a word and his look at root: so the one meets the word, or the
//!   other meets `v`. What is met is taken back, or its owner has changed it meanwhile: then what he changed it to is
//!   looked at in turn. The last change, from "any stamp from `r` on" to a stamp, is a CAS too.
//! - I-53 A bag that waits in the pile of a slot is taken by the first scan that sees it there and another stamp, or none,
//!   in the slot. Every later scan sees it, since no bag lies in a shut segment: who lays one fences and looks at the
//!   stamp after that, and takes the bag back if the stamp has gone; who shuts a segment fences after it saw that the
//!   stamps had gone, and looks for bags. One of the two sees the other's store.
//!
//! *Progress.* Acquiring is wait-free: at most one look at every slot (usually at one or two), at most four tries to see the
//! root stand still, then a form that cannot fail (`registration.rs`); only growing the table allocates. A lease that is taken
//! back in that last form is returned as it is. Taking back is lock-free: of one slot it is tried again only where a lease is
//! being opened and has moved to a later stamp. Cloning and releasing are lock-free (they retry only against a clone or
//! release of the same snapshot).
//!
//! *Orderings.*
//! | site | ordering | pairs with | for |
//! |---|---|---|---|
//! | `slot-fence` | SeqCst fence | `scan-fence` | I-9: one of the two sees the other's store |
//! | `slot-release` | Release store | `slot-scan` Acquire | I-11 |
//! | `slot-register` | Release store | `slot-scan` Acquire | I-11 for the slot's owners before: a scan that sees only the next stamp |
//! | `slot-count-release` | AcqRel RMW | `slot-claim` Acquire | the next owner's stamps come after ours |
//! | `pile-lay` | Release CAS | `pile-take` Acquire | what is in the bag |
//! | `lay-fence` | SeqCst fence | `scan-fence`, `shut-fence` | I-53: the bag is seen, or the stamp that has gone |
//! | `clone-release` | Release CAS | `clone-last` Acquire | I-11: the last clone speaks for all |
//! | `slot-close` | AcqRel CAS, Acquire | itself, `slot-count-release`, `slot-claim` | I-11, I-12; `segment_state.rs` |
//! | `segment-shut` | Release CAS | `segment-look` Acquire | I-11 for a scan that skips; `segment_state.rs` |
//! | `slot-closing` | Acquire load | `slot-count-release` | I-30: of a slot that has left, and so counts nothing down |
//! | `root-register` | Acquire load | `root-publish` | the snapshot sees all of its stamp, as I-22 says |
//! | `root-look` | Acquire load | `root-publish` | the same by number; a fence follows that would do (but not for ThreadSanitizer) |
//! | `revoke-fence` | SeqCst fence | `slot-fence` | I-52 |
//! | `lease-fence` | SeqCst fence (acquire would do) | `link-change`, `body-swap`, `slot-remove`, ..: Release | I-35 |
//!
//! *Checked by* `registration.rs`, `piles.rs`, `clones.rs`, `shut_segments.rs`, `retention.rs`, `ages.rs`, `revocation.rs` in
//! `loom-tests/tests`.

mod ages;
mod bag;
mod pile;
mod registration;
mod retention;
mod segment_state;
mod slot;

#[cfg(epoch_loom)]
pub use ages::Ages;
pub use bag::{BAG, Bag, Entry};
use pile::{Laid, Pile};
pub use retention::Policy;
pub use slot::Slot;

use crate::chain::{Registered, Stamp};
use crate::sync::{
    AtomicU64, AtomicUsize, Ordering, SEGMENTS, Segments, fence_at, mutant, ord, pause,
    set_slot_hint, slot_hint,
};
use crossbeam_utils::CachePadded;
use registration::{register, register_lease};
use retention::Retention;
use segment_state::SegmentState;
use slot::{ACQUIRING, FREE, REVOKED, stamp_of};

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

/// Which versions can be opened by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Openable {
    /// The oldest.
    pub oldest: u64,
    /// The newest version.
    pub newest: u64,
}

/// The table of slots. See the module header.
#[derive(Debug)]
pub struct Slots {
    slots: Segments<CachePadded<Slot>>,
    states: [SegmentState; SEGMENTS],
    /// Behind the slot that the last search found.
    cursor: AtomicUsize,
    /// How many piles have bags, about: whether a scan may find any.
    piles: AtomicUsize,
    retention: Retention,
}

impl Default for Slots {
    fn default() -> Self {
        Self::new(Policy::default())
    }
}

impl Slots {
    /// A table without snapshots.
    pub fn new(policy: Policy) -> Self {
        Self::starting_at(policy, 0)
    }

    /// A table without snapshots, of a map whose oldest version is `first`.
    pub fn starting_at(policy: Policy, first: u64) -> Self {
        Self {
            slots: Segments::new(FIRST_SEGMENT),
            states: std::array::from_fn(|_| SegmentState::default()),
            cursor: AtomicUsize::new(0),
            piles: AtomicUsize::new(0),
            retention: Retention::new(policy, first),
        }
    }

    /// Registers a snapshot at the newest version. Wait-free.
    #[inline]
    pub fn acquire<'a>(&'a self, root: &AtomicU64) -> Ticket<'a> {
        let slot = self.claim();
        let stamp = register(slot, root);
        Ticket { slot, stamp }
    }

    /// Registers a lease at the newest version: it can be taken back from its first moment on (I-52), and may be before
    /// this returns. Wait-free.
    #[inline]
    pub fn lend<'a>(&'a self, root: &AtomicU64) -> Ticket<'a> {
        let slot = self.claim();
        let stamp = register_lease(slot, root);
        Ticket { slot, stamp }
    }

    /// Registers a snapshot at exactly `stamp`, which must be retained (I-34). Wait-free.
    ///
    /// # Errors
    /// What can be opened, if `stamp` is not among it: what it saw may have been cut (rule 19).
    pub fn acquire_at<'a>(&'a self, stamp: u64, root: &AtomicU64) -> Result<Ticket<'a>, Openable> {
        // A stamp in the future is no stamp: it must not come into a slot.
        let openable = self.openable(root);
        if stamp > openable.newest || mutant!("at-check-first") && stamp < openable.oldest {
            return Err(openable);
        }
        let slot = self.claim();
        // Register first, check second: a scan that misses the slot has raised a `low` that this check sees.
        slot.register(stamp);
        fence_at("slot-fence");
        pause("snapshot-at-registered");
        let openable = self.openable(root);
        if openable.oldest <= stamp || mutant!("at-check-first") {
            return Ok(Ticket { slot, stamp });
        }
        slot.unregister();
        slot.leave();
        Err(openable)
    }

    /// What can be opened by its number.
    pub fn openable(&self, root: &AtomicU64) -> Openable {
        let newest = root.load(ord!("root-look", Acquire));
        Openable { oldest: self.retention.oldest(newest), newest }
    }

    /// Notes which version is the newest now, for what is retained by age. Scans do so themselves, but not often.
    pub fn note_age(&self, root: &AtomicU64) {
        self.retention.note_age(root.load(ord!("root-look", Acquire)));
    }

    /// Takes back every lease below `oldest`, also those that are being opened (I-52). Returns how many: each is counted by the
    /// one thread that takes it back. One that is being opened may be counted and come out at a newer version.
    pub fn revoke_below(&self, oldest: u64) -> usize {
        fence_at("revoke-fence");
        self.slots.iter().flatten().filter(|slot| slot.take_back_below(oldest)).count()
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
    ///
    /// # Panics
    /// When every slot that there can be is held: more than 134 million snapshots are a leak loop, as clones in
    /// [`Slot::share`].
    #[cold]
    fn claim_elsewhere(&self) -> &Slot {
        let from = self.cursor.load(Ordering::Relaxed);
        let near = (from..from + PROBES).find_map(|at| self.claim_at(at));
        if let Some(slot) =
            near.or_else(|| (0..).map_while(|k| self.claim_within(k)).flatten().next())
        {
            return slot;
        }
        for k in 0..SEGMENTS {
            if self.slots.segment(k).is_none() {
                self.slots.grow(k);
            }
            if let Some(slot) = self.claim_within(k).flatten() {
                return slot;
            }
        }
        panic!("all {} snapshot slots are held: snapshots are leaked", self.slots.most());
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
    ///
    /// Before that it lets go of versions that are retained no longer (I-34), and meanwhile of leases that are too old. Hands
    /// over the bags that have waited for stamps that are gone.
    pub fn scan(
        &self,
        root: &AtomicU64,
        into: &mut Registered,
        mut ripe: impl FnMut(Box<Bag>),
    ) -> usize {
        let published = root.load(ord!("root-look", Acquire));
        into.begin(published);
        if !mutant!("low-raised-late") {
            self.let_go(published, into);
        }
        pause("scan-begun");
        fence_at("scan-fence");
        let oldest_lease = self.retention.policy().oldest_lease(published);
        let mut read = 0;
        for (k, segment) in self.slots.iter().enumerate() {
            let state = self.states[k].load();
            if state.is_shut() {
                continue;
            }
            pause("scan-slots");
            let mut all_free = true;
            let first = self.slots.first_of(k);
            for (at, slot) in segment.iter().enumerate() {
                let held = report(slot, oldest_lease);
                all_free &= held == Held::Nothing;
                match held {
                    Held::Stamp(stamp) => into.add(stamp, first + at),
                    Held::Floor(floor) => into.add_floor(floor),
                    Held::Nothing | Held::Revoked => {}
                }
                if held.is_awaited_no_more(&slot.pile) && !mutant!("pile-forgotten") {
                    self.take_pile(slot).into_iter().for_each(&mut ripe);
                }
            }
            read += segment.len();
            if all_free && k > 0 {
                self.shut(k, segment, state);
            }
        }
        if mutant!("low-raised-late") {
            self.let_go(published, into);
        }
        into.end();
        read
    }

    /// Raises `low`, and makes it the floor of this scan's judgement.
    fn let_go(&self, published: u64, into: &mut Registered) {
        if let Some(low) = self.retention.raise(published)
            && !mutant!("floor-forgotten")
        {
            into.add_floor(low);
        }
    }

    /// Takes a segment without registered slots out of the scans, so that a burst of snapshots costs nothing once it
    /// is over.
    fn shut(&self, k: usize, segment: &[CachePadded<Slot>], state: segment_state::Seen) {
        // The stamps were seen to be gone before this: whoever lays a bag here later sees that too (I-53).
        fence_at("shut-fence");
        if segment.iter().all(|slot| slot.pile.is_empty() && slot.try_close()) {
            self.states[k].shut(state);
        }
    }

    /// Lets a bag wait for a stamp that a scan has shown to go. Hands over what is to be looked at instead: that very bag, if
    /// the stamp is gone already, or bags that waited for another in its place. Lock-free.
    pub fn lay(&self, mut bag: Bag, awaited: Stamp, mut ripe: impl FnMut(Box<Bag>)) {
        let slot = self.slots.get(awaited.slot).expect("a scan has shown it, and slots stay");
        loop {
            match slot.pile.lay(bag, awaited.stamp) {
                Ok(Laid::First) => _ = self.piles.fetch_add(1, Ordering::Relaxed),
                Ok(Laid::OnOthers) => {}
                Err(back) => {
                    bag = back;
                    self.take_pile(slot).into_iter().for_each(&mut ripe);
                    continue;
                }
            }
            break;
        }
        pause("bag-laid");
        fence_at("lay-fence");
        if !slot.holds(awaited.stamp) && !mutant!("laid-unchecked") {
            self.take_pile(slot).into_iter().for_each(&mut ripe);
        }
    }

    /// Takes all bags, whatever they wait for.
    pub fn take_waiting(&self, mut bags: impl FnMut(Box<Bag>)) {
        let piles = self.slots.iter().flatten().filter_map(|slot| self.take_pile(slot));
        piles.for_each(&mut bags);
    }

    fn take_pile(&self, slot: &Slot) -> Option<Box<Bag>> {
        let bags = slot.pile.take()?;
        self.piles.fetch_sub(1, Ordering::Relaxed);
        Some(bags)
    }

    /// Whether bags wait for snapshots. A hint: one laid or taken at this moment may be missed or counted still.
    #[inline]
    pub fn has_waiting(&self) -> bool {
        self.piles.load(Ordering::Relaxed) != 0
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

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// It is free.
    Nothing,
    /// A lease that was taken back.
    Revoked,
    /// A snapshot, or a lease.
    Stamp(u64),
    /// Everything from here on: a snapshot is being taken.
    Floor(u64),
}

impl Held {
    /// Whether the bags of a slot that holds this have waited for something else, which is gone.
    #[inline]
    fn is_awaited_no_more(self, pile: &Pile) -> bool {
        match self {
            Self::Stamp(stamp) => pile.has_other_than(stamp),
            _ => !pile.is_empty(),
        }
    }
}

/// What a slot says to a scan, who takes a lease back that is below `oldest_lease`.
#[inline]
fn report(slot: &Slot, oldest_lease: u64) -> Held {
    let word = slot.stamp.load(ord!("slot-scan", Acquire));
    if word == FREE {
        return Held::Nothing;
    }
    match slot.revoke_below(oldest_lease, word) {
        Err(FREE) => Held::Nothing,
        Ok(()) | Err(REVOKED) => {
            pause("lease-revoked");
            Held::Revoked
        }
        Err(word) if word & ACQUIRING != 0 && !mutant!("floor-unseen") => {
            Held::Floor(stamp_of(word))
        }
        Err(word) => Held::Stamp(stamp_of(word)),
    }
}
