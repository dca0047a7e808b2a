//! The queue: order, install, publish, help.

use super::descriptor::{Commit, free_all};
use super::install::{Installer, Role, retire_unlinked};
use super::resolve::Resolve;
use crate::reclaim::{Grace, Pinned, Shared};
use crate::sync::{AtomicPtr, AtomicU64, Ordering, mutant, ord, pause, relax};
use crate::tally::{Event, Tally};
use crossbeam_utils::CachePadded;
use std::ptr::NonNull;

/// Looks at root before a predecessor is helped: an owner that is running finishes sooner than two that collide.
pub(super) const SPINS: u32 = 500;

/// See the module header.
#[derive(Debug)]
pub struct Queue {
    /// The newest visible stamp.
    root: CachePadded<AtomicU64>,
    /// A published descriptor at or before root: where helpers enter.
    head: CachePadded<AtomicPtr<Commit>>,
    /// The last descriptor, or one before it.
    tail: CachePadded<AtomicPtr<Commit>>,
}

// SAFETY: descriptors are shared by protocol (I-21 .. I-24).
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Default for Queue {
    fn default() -> Self {
        Self::starting_at(0)
    }
}

impl Queue {
    /// A queue in which the last commit so far had this stamp.
    pub fn starting_at(stamp: u64) -> Self {
        let origin = Commit::alloc(smallvec::SmallVec::new());
        // SAFETY: nobody else can see it yet.
        unsafe { origin.as_ref().set_stamp(stamp) };
        Self {
            root: CachePadded::new(AtomicU64::new(stamp)),
            head: CachePadded::new(AtomicPtr::new(origin.as_ptr())),
            tail: CachePadded::new(AtomicPtr::new(origin.as_ptr())),
        }
    }

    /// The word that readers take their stamp from.
    #[inline(always)]
    pub fn root(&self) -> &AtomicU64 {
        &self.root
    }

    /// The newest visible stamp.
    #[inline]
    pub fn published(&self) -> u64 {
        self.root.load(ord!("root-load", Acquire))
    }

    /// Orders, installs and publishes a descriptor; returns its stamp when it is visible. Lock-free.
    ///
    /// `pin` must have begun before the first record of the descriptor was looked up, and last until this returns.
    pub fn commit<P: Pinned>(
        &self,
        commit: NonNull<Commit>,
        store: &impl Resolve,
        pin: &P,
        tally: &Tally,
    ) -> u64 {
        let stamp = self.append(commit, pin, tally);
        pause("commit-ordered");
        self.wait_for_predecessors(stamp);
        self.finish_up_to(stamp, commit, &Installer { root: &self.root, store, pin, tally });
        tally.one(Event::Commits);
        stamp
    }

    /// Order: the append fixes the stamp.
    fn append<P: Pinned>(&self, commit: NonNull<Commit>, pin: &P, tally: &Tally) -> u64 {
        loop {
            let tail = self.enter(&self.tail, ord!("queue-tail-load", Acquire), pin);
            if let Some(next) = self.next(tail, pin) {
                self.swing_tail(tail, next);
                continue;
            }
            let stamp = tail.stamp() + 1;
            // SAFETY: not linked yet; a failed link below was not seen by anybody either.
            unsafe { commit.as_ref().set_stamp(stamp) };
            let publish = ord!("queue-link", Release);
            let linked = tail.next.compare_exchange(
                std::ptr::null_mut(),
                commit.as_ptr(),
                publish,
                Ordering::Relaxed,
            );
            if linked.is_ok() {
                pause("commit-linked");
                // SAFETY: linked, and not retired while this thread is pinned.
                self.swing_tail(tail, unsafe { Shared::new(commit) });
                return stamp;
            }
            tally.one(Event::CasFailures);
        }
    }

    /// Where a commit that checks its reads begins to look at others': a descriptor that is in the queue, and the newest visible
    /// stamp, which is not below that of the descriptor (I-46). `pin` must last until that commit is visible.
    pub fn begin_check<P: Pinned>(&self, pin: &P) -> (NonNull<Commit>, u64) {
        let from = self.enter(&self.head, ord!("queue-head-load", Acquire), pin).as_ptr();
        let visible = self.published();
        (from, if mutant!("validated-unpublished") { self.ordered(pin) } else { visible })
    }

    /// The stamp of the last commit that is ordered, or of one before it that was so a moment ago.
    pub fn ordered<P: Pinned>(&self, pin: &P) -> u64 {
        self.enter(&self.tail, ord!("queue-tail-load", Acquire), pin).stamp()
    }

    /// Finishes every commit that is ordered now, whoever ordered it: for hosts that have time. Lock-free.
    pub fn finish_ordered<P: Pinned>(&self, store: &impl Resolve, pin: &P, tally: &Tally) {
        let last = self.enter(&self.tail, ord!("queue-tail-load", Acquire), pin);
        let last = self.next(last, pin).unwrap_or(last).stamp();
        loop {
            let root = self.published();
            if root >= last {
                return;
            }
            let commit = self.successor_of(root, pin);
            Installer { root: &self.root, store, pin, tally }.install(commit.get(), Role::Helper);
            if self.publish(root) {
                tally.one(Event::Helped);
            }
            self.advance_head(pin);
        }
    }

    /// Rule 8: spin a bounded number of times before helping.
    fn wait_for_predecessors(&self, stamp: u64) {
        for _ in 0..SPINS {
            if self.root.load(Ordering::Relaxed) + 1 >= stamp || !relax() {
                return;
            }
        }
    }

    /// Installs and publishes every descriptor up to `stamp`, the caller's own.
    fn finish_up_to<P: Pinned, R: Resolve>(
        &self,
        stamp: u64,
        own: NonNull<Commit>,
        installer: &Installer<'_, P, R>,
    ) {
        let (pin, tally) = (installer.pin, installer.tally);
        let mut installed = false;
        loop {
            let root = self.published();
            if root >= stamp {
                break;
            }
            let commit = self.successor_of(root, pin);
            let role = if commit.as_ptr() == own { Role::Owner } else { Role::Helper };
            installer.install(commit.get(), role);
            installed |= role == Role::Owner;
            pause("commit-installed");
            if self.publish(root) && role == Role::Helper {
                tally.one(Event::Helped);
            }
            self.advance_head(pin);
        }
        // SAFETY: linked by this thread, which is still pinned.
        let own = unsafe { own.as_ref() };
        let done_by_helpers = !installed && own.chunks().is_none();
        if done_by_helpers || own.is_refused() {
            // Nobody has linked ours. Some helper may still be copying from them.
            for write in own.writes() {
                retire_unlinked(write.node(), pin);
            }
        }
    }

    /// The descriptor after `root`, which is in the queue: found from head, under this pin (I-23).
    fn successor_of<'p, P: Pinned>(&self, root: u64, pin: &'p P) -> Shared<'p, Commit> {
        let mut commit = self.enter(&self.head, ord!("queue-head-load", Acquire), pin);
        while commit.stamp() <= root {
            commit = self.next(commit, pin).expect("an ordered commit follows the root");
        }
        commit
    }

    /// Publish: the linearization point. Whoever wins, the root has moved past `root` afterwards.
    fn publish(&self, root: u64) -> bool {
        let publish = ord!("root-publish", Release);
        self.root.compare_exchange(root, root + 1, publish, Ordering::Relaxed).is_ok()
    }

    /// Moves head towards root, and retires what it passes.
    fn advance_head<P: Pinned>(&self, pin: &P) {
        loop {
            let head = self.enter(&self.head, ord!("queue-head-load", Acquire), pin);
            let Some(next) = self.next(head, pin) else { return };
            if next.stamp() > self.root.load(Ordering::Relaxed) {
                return;
            }
            self.swing_tail_past(head, next);
            let (from, to) = (head.as_ptr().as_ptr(), next.as_ptr().as_ptr());
            let publish = ord!("queue-head", Release);
            if self.head.compare_exchange(from, to, publish, Ordering::Relaxed).is_ok() {
                // SAFETY: I-1: head and tail are past it (I-24) and only move forward; one CAS wins.
                unsafe { pin.retire(head.as_ptr(), Grace::Two) };
            }
        }
    }

    /// Rule 3: tail must not stay behind on a descriptor that is about to be retired.
    fn swing_tail_past(&self, head: Shared<'_, Commit>, next: Shared<'_, Commit>) {
        if mutant!("tail-left-behind") {
            return;
        }
        if self.tail.load(ord!("queue-tail-load", Acquire)) == head.as_ptr().as_ptr() {
            self.swing_tail(head, next);
        }
    }

    fn swing_tail(&self, from: Shared<'_, Commit>, to: Shared<'_, Commit>) {
        let publish = ord!("queue-tail", Release);
        let (from, to) = (from.as_ptr().as_ptr(), to.as_ptr().as_ptr());
        let _ = self.tail.compare_exchange(from, to, publish, Ordering::Relaxed);
    }

    fn enter<'p, P: Pinned>(
        &self,
        end: &AtomicPtr<Commit>,
        look: Ordering,
        pin: &'p P,
    ) -> Shared<'p, Commit> {
        let commit = NonNull::new(end.load(look)).expect("the queue is never without a descriptor");
        pin.protects(commit);
        // SAFETY: head and tail never point to a retired descriptor (I-24), and this thread is pinned.
        unsafe { Shared::new(commit) }
    }

    fn next<'p, P: Pinned>(
        &self,
        commit: Shared<'p, Commit>,
        pin: &'p P,
    ) -> Option<Shared<'p, Commit>> {
        let next = NonNull::new(commit.next.load(ord!("queue-next", Acquire)))?;
        pin.protects(commit.as_ptr());
        pin.protects(next);
        // SAFETY: a successor is retired after its predecessor, which was not retired when this pin began.
        Some(unsafe { Shared::new(next) })
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: `&mut self`: no other thread is left. All commits were finished by their owners.
        unsafe { free_all(self.head.load(Ordering::Acquire)) };
    }
}
