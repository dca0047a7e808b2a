//! Install: every write of a commit gets its version in front of its record's chain. Idempotent, so that anyone may do it.
//!
//! A small commit is installed by its owner alone, as far as anybody can tell: the owner links the nodes it built, a
//! helper links copies. A large one is claimed chunk by chunk by whoever comes (I-31); then each of them looks at the
//! flags of all chunks, and does those again, with copies, whose claimer seems to sleep.
//!
//! What a commit deletes by ranges of keys comes last, when all commits before it are published, its own writes are
//! installed, and nobody installs any other: so everybody who looks finds the same keys to delete (I-33).
//!
//! A record may be sealed before the commit gets there: its key was deleted. Then the key is resolved anew (I-32).

use super::ahead::Ahead;
use super::check::{Check, Hit};
use super::chunks::Chunks;
use super::descriptor::Commit;
use super::queue::SPINS;
use super::resolve::Resolve;
use super::write::Write;
use crate::chain::{
    Installed, Record, RecordRef, Standing, VersionBox, VersionNode, VersionRef, retire_version,
};
use crate::reclaim::Pinned;
use crate::sync::{AtomicU64, Ordering, mutant, ord, pause, prefetch, relax};
use crate::tally::{Event, Tally};
use std::ops::ControlFlow;
use std::ptr::NonNull;

/// Who installs: the owner links the nodes it built, helpers link copies (I-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one who built the commit.
    Owner,
    /// Anybody else.
    Helper,
}

/// What a thread installs with. It is pinned, and saw under this pin that the commit was not published (I-23).
#[derive(Debug)]
pub struct Installer<'a, P, R> {
    /// The newest visible stamp.
    pub root: &'a AtomicU64,
    /// Finds other records for keys whose records were sealed.
    pub store: &'a R,
    /// The pin.
    pub pin: &'a P,
    /// The caller's counters.
    pub tally: &'a Tally,
}

impl<P: Pinned, R: Resolve> Installer<'_, P, R> {
    /// Returns when every write of `commit` is installed, or somebody has published it.
    pub fn install(&self, commit: &Commit, role: Role) {
        if !self.admits(commit) {
            return;
        }
        let erase_first = mutant!("spans-before-writes");
        if erase_first {
            self.erase(commit);
        }
        let written = match commit.chunks() {
            None => self.whole(commit, role),
            Some(chunks) => self.by_chunks(commit, chunks),
        };
        let left_out = erase_first || role == Role::Helper && mutant!("helper-skips-spans");
        if written && !left_out {
            self.erase(commit);
        }
    }

    /// Whether the commit is to be installed (I-46).
    fn admits(&self, commit: &Commit) -> bool {
        let Some(check) = commit.check() else { return true };
        check.is_admitted().unwrap_or_else(|| {
            let hit = self.judge(commit, check);
            pause("commit-judged");
            check.settle(hit)
        })
    }

    /// The read that an admitted commit overtakes, of those between what the owner has validated and this commit.
    fn judge(&self, commit: &Commit, check: &Check) -> Option<Hit> {
        let (mut at, validated) = check.window();
        loop {
            self.pin.protects(at);
            // SAFETY: I-46: found in the queue by the owner, or the successor of such a one; this thread saw root below the
            // commit's stamp under its own pin.
            let before = unsafe { at.as_ref() };
            if before.stamp() >= commit.stamp() {
                return None;
            }
            let is_admitted = !before.is_refused() || mutant!("refused-counts");
            let counts = before.stamp() > validated && is_admitted;
            if counts && !mutant!("judge-blind") {
                for write in before.writes() {
                    self.pin.protects(write.record());
                }
                // SAFETY: I-46, as above; it is before the commit, and so published.
                if let Some(hit) = unsafe { check.hit_by(before) } {
                    return Some(hit);
                }
            }
            let next = before.next.load(ord!("queue-next", Acquire));
            at = NonNull::new(next).expect("an ordered commit follows");
        }
    }

    /// A commit without chunks. False: somebody has published it.
    fn whole(&self, commit: &Commit, role: Role) -> bool {
        let stamp = commit.stamp();
        // SAFETY: the owner was pinned when root was below its stamp, which this thread saw under its own pin: the
        // records live through this pin (I-3, I-23).
        for write in unsafe { Ahead::new(commit.writes().iter()) } {
            match role {
                Role::Owner => self.link_built(write, stamp),
                Role::Helper if self.is_published(stamp) => return false,
                Role::Helper => self.link_copy(write, stamp),
            }
        }
        true
    }

    /// A commit with chunks. False: somebody has published it.
    fn by_chunks(&self, commit: &Commit, chunks: &Chunks) -> bool {
        while let Some(at) = chunks.claim() {
            pause("install-chunk");
            self.do_claimed(commit, chunks, at);
        }
        // All chunks are claimed. No blind second pass: a chunk is done again only if its flag stays down.
        (0..chunks.count()).all(|at| await_done(chunks, at) || self.redo(commit, chunks, at))
    }

    /// The claimer's work: each node of the chunk is linked or retired here, and nowhere else (I-31), however late.
    fn do_claimed(&self, commit: &Commit, chunks: &Chunks, at: usize) {
        let early = mutant!("chunk-done-early");
        if early {
            chunks.set_done(at);
        }
        // SAFETY: as in `whole`.
        for write in unsafe { Ahead::new(commit.writes()[chunks.range(at)].iter()) } {
            self.link_built(write, commit.stamp());
        }
        if !early {
            chunks.set_done(at);
        }
    }

    /// A chunk whose claimer sleeps or is slow: from its end backwards, to meet one that is slow in the middle.
    /// False: somebody has published the commit.
    fn redo(&self, commit: &Commit, chunks: &Chunks, at: usize) -> bool {
        pause("redo-chunk");
        // SAFETY: as in `whole`.
        for write in unsafe { Ahead::new(commit.writes()[chunks.range(at)].iter().rev()) } {
            if self.is_published(commit.stamp()) {
                return false;
            }
            self.link_copy(write, commit.stamp());
        }
        chunks.set_done(at);
        true
    }

    /// Deletes what lies in the commit's spans and has a value, once all its writes are installed (I-33).
    fn erase(&self, commit: &Commit) {
        let stamp = commit.stamp();
        for span in commit.spans() {
            let (space, within) = (span.space, span.within());
            let visit = |records: &[NonNull<Record>]| {
                pause("erase-leaf");
                if self.is_published(stamp) && !mutant!("late-eraser") {
                    return ControlFlow::Break(());
                }
                self.erase_leaf(records, span.first_spared, stamp);
                ControlFlow::Continue(())
            };
            if self.store.for_each_leaf(space, within, self.pin, self.tally, visit).is_break() {
                return;
            }
        }
    }

    fn erase_leaf(&self, records: &[NonNull<Record>], first_spared: u64, stamp: u64) {
        for record in records {
            prefetch::read(record.as_ptr());
        }
        for &record in records {
            self.pin.protects(record);
            // SAFETY: found in the list under this pin.
            let record: RecordRef<'_> = unsafe { RecordRef::new(record) };
            let newest = record.head(self.pin);
            // With the stamp or a later one: done, or none of this commit's business. Without a version: it was made for a
            // later commit. With a tombstone: deleted, and maybe sealed.
            let is_live = newest.is_some_and(|newest| {
                newest.stamp() < stamp.min(first_spared) && !newest.is_tombstone()
            });
            if is_live || newest.is_none() && mutant!("empty-erased") {
                drop(self.link(record, VersionBox::new(None), stamp));
            }
        }
    }

    /// Once this says yes, nothing may be changed for the commit any more.
    fn is_published(&self, stamp: u64) -> bool {
        self.root.load(Ordering::Relaxed) >= stamp
    }

    /// Links the node that was built for this write, or retires it: for whom it belongs to (I-6, I-31).
    fn link_built(&self, write: &Write, stamp: u64) {
        pause("install-one");
        // SAFETY: this thread alone may link the node.
        let node = unsafe { VersionBox::from_raw(write.node()) };
        let node = match self.link(self.view(write.found()), node, stamp) {
            Linked::Now => return,
            Linked::Before(node) => node,
            Linked::Never(node) => {
                // A copy: the node may lie in the record that was sealed.
                self.link_copy(write, stamp);
                node
            }
        };
        // Somebody may be copying from it at this moment.
        let node = node.into_raw();
        if !mutant!("loser-kept") {
            retire_unlinked(node, self.pin);
        }
    }

    /// Links a copy of the node that was built for this write, if no version of this commit is there.
    fn link_copy(&self, write: &Write, stamp: u64) {
        let (mut now, mut made) = (write.found(), None);
        loop {
            pause("install-one");
            let record = self.view(now);
            match record.standing(stamp, self.pin) {
                Standing::There => break,
                Standing::Open => match self.link(record, self.copy(write), stamp) {
                    Linked::Now => break,
                    // A copy was seen by nobody: it is dropped.
                    Linked::Before(_) if !mutant!("helper-shares-node") => break,
                    Linked::Before(node) => {
                        node.into_raw();
                        break;
                    }
                    Linked::Never(_) => {}
                },
                // The key is not resolved for a commit that is over: nobody would need what is made for it.
                Standing::Sealed if self.is_published(stamp) && !mutant!("resolve-late") => break,
                Standing::Sealed => now = self.resolve(write, record, &mut made),
            }
        }
        if let Some(made) = made {
            self.leave(write, made);
        }
    }

    /// The record to go on with, in place of one that is sealed without this commit (I-32).
    fn resolve(
        &self,
        write: &Write,
        sealed: RecordRef<'_>,
        made: &mut Option<NonNull<Record>>,
    ) -> NonNull<Record> {
        let named = write.record();
        if named != sealed.as_ptr() {
            return named;
        }
        pause("write-sealed");
        let record = made.unwrap_or_else(|| {
            let found = self.store.resolve(write.space(), sealed.key(), self.pin, self.tally);
            *made = found.made.then(|| found.record.as_ptr());
            found.record.as_ptr()
        });
        pause("write-resolved");
        write.move_on(named, record);
        if mutant!("move-not-looked-at") { record } else { write.record() }
    }

    /// The write is installed, or the commit is over: a record made for it that is not the one it went to is a leftover.
    fn leave(&self, write: &Write, made: NonNull<Record>) {
        let record = self.view(made);
        if write.record() != made && !mutant!("leftover-kept") && record.seal_empty() {
            self.store.discard(write.space(), record, self.pin, self.tally);
        }
    }

    /// A record of this commit. It lives through this pin: whoever put it there was pinned when root was below the
    /// stamp, and stays so until it is not; this thread saw root below the stamp under its own pin (I-3, I-23, I-32).
    fn view(&self, record: NonNull<Record>) -> RecordRef<'_> {
        self.pin.protects(record);
        // SAFETY: just said.
        unsafe { RecordRef::new(record) }
    }

    /// A copy of the node that was built for this write. For whoever saw that the commit is open in the record where it
    /// goes.
    fn copy(&self, write: &Write) -> VersionBox {
        if mutant!("helper-shares-node") {
            // SAFETY: none: this is the fault that the model must find.
            return unsafe { VersionBox::from_raw(write.node()) };
        }
        self.pin.protects(write.node());
        // SAFETY: the node is retired only after a node of this commit was linked in the record where it goes (it lost, or
        // was linked and cut), or after the commit was published. This thread saw an older head there, unsealed, and so
        // named for good, and a root before: that had not happened when this pin began.
        VersionBox::new(unsafe { VersionRef::built(write.node()) }.value())
    }

    /// Links a private node, if no version of this commit is there.
    fn link(&self, record: RecordRef<'_>, node: VersionBox, stamp: u64) -> Linked {
        // SAFETY: as `view`, which it came from; its life is the pin's here.
        let record: RecordRef<'_> = unsafe { RecordRef::new(record.as_ptr()) };
        let bytes = node.own_bytes();
        match record.install(node, stamp, self.pin) {
            Installed::Won { live_delta } => {
                self.tally.one(Event::VersionsLinked);
                self.tally.bytes(Event::Linked, bytes, 0);
                self.tally.add(Event::LiveKeys, live_delta);
                Linked::Now
            }
            Installed::Lost(node) => {
                self.tally.one(Event::CasFailures);
                Linked::Before(node)
            }
            Installed::Dead(node) => Linked::Never(node),
        }
    }
}

/// What became of a private node.
enum Linked {
    /// It was linked.
    Now,
    /// A version of this commit was there.
    Before(VersionBox),
    /// The record is sealed.
    Never(VersionBox),
}

/// Whether a chunk is done, after a bounded wait: its claimer is most often running.
fn await_done(chunks: &Chunks, at: usize) -> bool {
    for _ in 0..SPINS {
        if chunks.is_done(at) {
            return true;
        }
        if !relax() {
            return false;
        }
    }
    false
}

/// Retires a node that was built for a commit and not linked.
pub(super) fn retire_unlinked<P: Pinned>(node: NonNull<VersionNode>, pin: &P) {
    // SAFETY: I-1: never linked, so later pins reach it through its descriptor only, and read it only where no node of
    // that commit is linked yet (see `link_copy`); here one is. Whom the node belongs to does this once (I-31).
    unsafe { retire_version(node, pin) };
}
