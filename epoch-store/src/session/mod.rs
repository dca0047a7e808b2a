//! Sessions: the state that an operation needs to itself, claimed for its length.
//!
//! *Role.* A session owns an epoch handle, a retire bag, a sweeper and counters. A thread claims one by CAS, from
//! the place that its number gives, and gives it back when its operation ends. Nothing lives in thread-local storage
//! but a number (rule 31): a session dies with its store, not with some thread.
//!
//! *Invariants.*
//! - I-28 A session's state is touched by its claimer only: claim Acquire, release Release.
//! - I-29 A claim is never held across user code, and never between two calls: a thread that sleeps holds none.
//!
//! *Progress.* Claiming is lock-free: a busy session is passed over, and when all are busy there will be more.
//!
//! *Orderings.* `session-claim` Acquire CAS pairs with `session-release` Release store: the state as the last claimer
//! left it. *Checked by* `session.rs` in `loom-tests/tests`.

use crate::gc::Sweeper;
use crate::reclaim::{Domain, Pin, Reclaimer};
use crate::sync::{
    AtomicBool, AtomicUsize, Ordering, SEGMENTS, Segments, Tracked, mutant, ord, thread_hint,
};
use crate::tally::Tally;
use crossbeam_utils::CachePadded;
use std::cell::{Cell, RefCell, RefMut, UnsafeCell};

/// Sessions that exist from the beginning.
const FIRST_SEGMENT: usize = if cfg!(epoch_loom) { 1 } else { 16 };

type Local = <Domain as Reclaimer>::Local;

/// What a claimer has to itself.
struct State {
    local: Local,
    sweeper: RefCell<Sweeper>,
    /// What the session last knew of the memory that all of them hold.
    sum: Cell<Sum>,
}

/// The memory of a store, as a session has added it up.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sum {
    /// Bytes held by the store.
    pub held: u64,
    /// [Bytes made](Tally::bytes_made) by the session until then.
    pub made: u64,
}

/// One session.
pub struct Session {
    busy: AtomicBool,
    /// Written by every claimer: a model sees two that overlap.
    claims: Tracked<u64>,
    state: UnsafeCell<Option<Box<State>>>,
    tally: Tally,
}

// SAFETY: I-28: `state` and `claims` are touched by one claimer at a time, handed on by Release and Acquire; the epoch
// handle in the state has no thread identity (it is a participant of the collector, not of a thread). This is the one
// place where a crossbeam `LocalHandle` changes threads (rule 31).
unsafe impl Send for Session {}
// SAFETY: as above; `busy` and `tally` are atomic.
unsafe impl Sync for Session {}

impl Default for Session {
    fn default() -> Self {
        Self {
            busy: AtomicBool::new(false),
            claims: Tracked::new(0),
            state: UnsafeCell::new(None),
            tally: Tally::default(),
        }
    }
}

/// All sessions of a store.
pub struct Sessions {
    all: Segments<CachePadded<Session>>,
    /// How many there are: threads spread over all of them. A hint, changed when a segment is added.
    spread: AtomicUsize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { all: Segments::new(FIRST_SEGMENT), spread: AtomicUsize::new(FIRST_SEGMENT) }
    }
}

impl Sessions {
    /// Claims a session for the length of an operation. Lock-free.
    #[inline]
    pub fn claim<'a>(&'a self, domain: &'a Domain) -> Claim<'a> {
        let hint = thread_hint() % self.spread.load(Ordering::Relaxed);
        if let Some(session) = self.all.get(hint)
            && session.try_claim()
        {
            return session.claimed(domain);
        }
        self.claim_elsewhere(hint, domain)
    }

    /// # Panics
    /// When every session that there can be is busy: one serves an operation, and no machine runs that many at once.
    #[cold]
    fn claim_elsewhere<'a>(&'a self, hint: usize, domain: &'a Domain) -> Claim<'a> {
        for k in 0..SEGMENTS {
            let segment = self.all.grow(k);
            self.spread.fetch_max(self.all.first_of(k + 1), Ordering::Relaxed);
            let free = (0..segment.len())
                .map(|i| &segment[(hint + i) % segment.len()])
                .find(|session| session.try_claim());
            if let Some(session) = free {
                return session.claimed(domain);
            }
        }
        panic!("all {} sessions are busy", self.all.most());
    }

    /// Claims every session that is free right now, one after the other.
    pub fn for_each_free<'a>(&'a self, domain: &'a Domain, mut visit: impl FnMut(&Claim<'a>)) {
        for session in self.all.iter().flatten() {
            if session.try_claim() {
                visit(&session.claimed(domain));
            }
        }
    }

    /// The counters of every session.
    pub fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.all.iter().flatten().map(|session| &session.tally)
    }
}

impl Session {
    #[inline]
    fn try_claim(&self) -> bool {
        !self.busy.load(Ordering::Relaxed)
            && self
                .busy
                .compare_exchange(false, true, ord!("session-claim", Acquire), Ordering::Relaxed)
                .is_ok()
            || mutant!("session-shared")
    }

    #[inline]
    fn claimed<'a>(&'a self, domain: &'a Domain) -> Claim<'a> {
        // SAFETY: I-28: this thread has just claimed the session.
        let state = unsafe {
            self.claims.set(self.claims.get().wrapping_add(1));
            let state = &mut *self.state.get();
            &**state.get_or_insert_with(|| {
                Box::new(State {
                    local: domain.local(),
                    sweeper: RefCell::default(),
                    sum: Cell::default(),
                })
            })
        };
        Claim { session: self, state, domain }
    }
}

/// A claimed session. Given back when dropped.
pub struct Claim<'a> {
    session: &'a Session,
    state: &'a State,
    domain: &'a Domain,
}

impl Claim<'_> {
    /// Pins for a step of this operation.
    #[inline]
    pub fn pin(&self) -> Pin<'_> {
        self.domain.pin(&self.state.local, &self.session.tally)
    }

    /// The session's counters.
    #[inline]
    pub fn tally(&self) -> &Tally {
        &self.session.tally
    }

    /// The session's part in garbage collection.
    pub fn sweeper(&self) -> RefMut<'_, Sweeper> {
        self.state.sweeper.borrow_mut()
    }

    /// What it last knew of the memory that is held.
    pub fn sum(&self) -> &Cell<Sum> {
        &self.state.sum
    }

    /// Hands over everything retired, and tries to free it.
    pub fn flush(&self) {
        self.domain.flush(&self.state.local);
    }
}

impl Drop for Claim<'_> {
    #[inline]
    fn drop(&mut self) {
        self.session.busy.store(false, ord!("session-release", Release));
    }
}
