//! The queue: order, install, publish, help.

use super::descriptor::{Commit, Write, free_all};
use crate::chain::{Installed, RecordRef, VersionBox, VersionRef};
use crate::reclaim::{Grace, Pinned, Shared};
use crate::sync::{AtomicPtr, AtomicU64, Ordering, mutant, ord, pause, relax};
use crate::tally::{Event, Tally};
use crossbeam_utils::CachePadded;
use std::ptr::NonNull;

/// Looks at root before a predecessor is helped: an owner that is running finishes sooner than two that collide.
const SPINS: u32 = 500;

/// Who installs: the owner links the nodes it built, helpers link copies (I-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Owner,
    Helper,
}

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
        let origin = Commit::alloc(smallvec::SmallVec::new()).as_ptr();
        Self {
            root: CachePadded::new(AtomicU64::new(0)),
            head: CachePadded::new(AtomicPtr::new(origin)),
            tail: CachePadded::new(AtomicPtr::new(origin)),
        }
    }
}

impl Queue {
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
    pub fn commit<P: Pinned>(&self, commit: NonNull<Commit>, pin: &P, tally: &Tally) -> u64 {
        let stamp = self.append(commit, pin, tally);
        pause("commit-ordered");
        self.wait_for_predecessors(stamp);
        self.finish_up_to(stamp, commit, pin, tally);
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

    /// Finishes every commit that is ordered now, whoever ordered it: for hosts that have time. Lock-free.
    pub fn finish_ordered<P: Pinned>(&self, pin: &P, tally: &Tally) {
        let last = self.enter(&self.tail, ord!("queue-tail-load", Acquire), pin);
        let last = self.next(last, pin).unwrap_or(last).stamp();
        loop {
            let root = self.published();
            if root >= last {
                return;
            }
            let commit = self.successor_of(root, pin);
            self.install(commit.get(), Role::Helper, pin, tally);
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
    fn finish_up_to<P: Pinned>(&self, stamp: u64, own: NonNull<Commit>, pin: &P, tally: &Tally) {
        let mut installed = false;
        loop {
            let root = self.published();
            if root >= stamp {
                break;
            }
            let commit = self.successor_of(root, pin);
            let role = if commit.as_ptr() == own { Role::Owner } else { Role::Helper };
            self.install(commit.get(), role, pin, tally);
            installed |= role == Role::Owner;
            pause("commit-installed");
            if self.publish(root) && role == Role::Helper {
                tally.one(Event::Helped);
            }
            self.advance_head(pin);
        }
        if !installed {
            // Helpers did all of it with nodes of their own. Some may still be copying from ours.
            // SAFETY: linked by this thread, which is still pinned.
            for write in unsafe { own.as_ref() }.writes() {
                retire_unlinked(write.node, pin);
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

    /// Install: idempotent, so that anyone may do it again.
    fn install<P: Pinned>(&self, commit: &Commit, role: Role, pin: &P, tally: &Tally) {
        let stamp = commit.stamp();
        for write in commit.writes() {
            if role == Role::Helper && self.root.load(Ordering::Relaxed) >= stamp {
                return; // somebody has finished it: nothing below may be touched for this commit any more
            }
            pause("install-one");
            // SAFETY: the owner was pinned when root was below its stamp, which this thread saw under its own pin: the
            // record lives through this pin (I-3, I-23).
            let record: RecordRef<'_> = unsafe { RecordRef::new(write.record) };
            pin.protects(write.record);
            install_one(record, write, stamp, role, pin, tally);
        }
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

fn install_one<P: Pinned>(
    record: RecordRef<'_>,
    write: &Write,
    stamp: u64,
    role: Role,
    pin: &P,
    tally: &Tally,
) {
    // SAFETY: the record outlives this pin (see `install`).
    let record = unsafe { RecordRef::new(record.as_ptr()) };
    let node = match role {
        // SAFETY: this thread built the node and alone may link it (I-6).
        Role::Owner => unsafe { VersionBox::from_raw(write.node) },
        Role::Helper if mutant!("helper-shares-node") => {
            // SAFETY: none: this is the fault that the model must find.
            unsafe { VersionBox::from_raw(write.node) }
        }
        Role::Helper => {
            if record.head(pin).is_some_and(|head| head.stamp() >= stamp) {
                return;
            }
            pin.protects(write.node);
            // SAFETY: the owner retires the node only after it lost here, that is, after a node of this commit was
            // linked; the head seen just above was older, so that had not happened when this pin began.
            VersionBox::new(unsafe { VersionRef::built(write.node) }.value())
        }
    };
    match record.install(node, stamp, pin) {
        Installed::Won { live_delta } => {
            tally.one(Event::VersionsLinked);
            tally.add(Event::LiveKeys, live_delta);
        }
        Installed::Lost(node) => {
            tally.one(Event::CasFailures);
            // A helper's copy was seen by nobody; the owner's node may be copied from at this moment.
            if role == Role::Owner {
                retire_unlinked(node.into_raw(), pin);
            } else if mutant!("helper-shares-node") {
                node.into_raw();
            }
        }
    }
}

fn retire_unlinked<P: Pinned>(node: NonNull<crate::chain::VersionNode>, pin: &P) {
    // SAFETY: I-1: never linked, so later pins reach it through its descriptor only, and read it only where no node of
    // that commit is linked yet (see `install_one`); here one is. The owner does this once.
    unsafe { pin.retire(node, Grace::One) };
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: `&mut self`: no other thread is left. All commits were finished by their owners.
        unsafe { free_all(self.head.load(Ordering::Acquire), self.root.load(Ordering::Acquire)) };
    }
}
