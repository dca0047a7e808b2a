//! Cutting versions that no snapshot sees out of a chain: at its end and in its middle (rule 23).
//!
//! A plain store of the bypass link could relink a version that a neighbour's cut has retired. So a victim's `prev` is
//! marked first: from then on nobody can change it, a cut next to it fails and starts again, and every walker that
//! meets the mark may finish the unlink. The one who unlinks retires.

use super::version::{VersionRef, is_marked, with_mark, without_mark};
use super::{RecordRef, Registered};
use crate::reclaim::{Grace, Pinned};
use crate::sync::{Ordering, mutant, pause};

/// What one pass over a chain did and left.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Versions this thread unlinked and retired.
    pub versions: usize,
    /// Superseded versions still linked because a registered stamp needs them, or the scan is too old to judge them.
    pub kept: usize,
    /// The oldest stamp among the kept ones.
    pub kept_from: u64,
    /// The stamp that superseded the newest kept one.
    pub kept_to: u64,
    /// Superseded versions that the scan was too old to judge.
    pub unjudged: usize,
}

/// Cuts every version of `record` that is garbage by `registered`. Lock-free; the newest version always stays.
pub fn cut<P: Pinned>(record: RecordRef<'_>, registered: &Registered, pin: &P) -> Cut {
    let mut total = 0;
    loop {
        match walk(record, registered, pin, &mut total) {
            Some(mut left) => {
                left.versions = total;
                return left;
            }
            None => continue, // the chain changed under the walk
        }
    }
}

fn walk<P: Pinned>(
    record: RecordRef<'_>,
    registered: &Registered,
    pin: &P,
    total: &mut usize,
) -> Option<Cut> {
    let mut left = Cut::default();
    // SAFETY of lifetimes: the record outlives the pin's borrow here; views below live as long as the pin.
    let Some(mut newer) = record_head(record, pin) else { return Some(left) };
    let mut link = newer.prev().load(Ordering::Relaxed);
    loop {
        if is_marked(link) {
            return None; // `newer` was cut meanwhile
        }
        // SAFETY: `newer` was linked after this pin began, so what its unmarked prev points to is not freed (I-8).
        let Some(version) = (unsafe { VersionRef::behind(link, pin) }) else { return Some(left) };
        let next = version.prev().load(Ordering::Relaxed);
        let garbage = registered.is_garbage(version.stamp(), newer.stamp());
        if !garbage && !is_marked(next) {
            left.keep(version, newer, registered);
            (newer, link) = (version, next);
            continue;
        }
        if !is_marked(next) && !mark(version, next) {
            continue; // `prev` changed: look at it again
        }
        link = unlink(newer, version, next, pin)?;
        *total += 1;
    }
}

fn record_head<'p, P: Pinned>(record: RecordRef<'_>, pin: &'p P) -> Option<VersionRef<'p>> {
    // SAFETY: the record stays alive while this thread is pinned (I-3), so its view may be as long as the pin's.
    let record: RecordRef<'p> = unsafe { RecordRef::new(record.as_ptr()) };
    record.head(pin)
}

/// Step one: from now on nobody changes the victim's `prev`.
fn mark(version: VersionRef<'_>, next: *mut super::VersionNode) -> bool {
    if mutant!("cut-no-mark") {
        return true;
    }
    version
        .prev()
        .compare_exchange(next, with_mark(next), Ordering::Relaxed, Ordering::Relaxed)
        .is_ok()
}

/// Step two: bypass the victim and retire it. `None` if the link in front of it has changed.
fn unlink<P: Pinned>(
    newer: VersionRef<'_>,
    version: VersionRef<'_>,
    next: *mut super::VersionNode,
    pin: &P,
) -> Option<*mut super::VersionNode> {
    pause("cut-marked");
    let next = without_mark(next);
    let victim = version.as_ptr();
    if mutant!("cut-by-store") {
        newer.prev().store(next, Ordering::Relaxed);
    } else {
        newer
            .prev()
            .compare_exchange(victim.as_ptr(), next, Ordering::Relaxed, Ordering::Relaxed)
            .ok()?;
    }
    // SAFETY: I-1: this CAS made the victim unreachable for later pins (I-8: only one CAS can), and by I-7 no
    // registered snapshot has it in use without a pin.
    unsafe { pin.retire(victim, Grace::One) };
    Some(next)
}

impl Cut {
    fn keep(&mut self, version: VersionRef<'_>, newer: VersionRef<'_>, registered: &Registered) {
        if self.kept == 0 {
            self.kept_to = newer.stamp();
        }
        self.kept += 1;
        self.kept_from = version.stamp();
        self.unjudged += usize::from(!registered.judges(newer.stamp()));
    }
}
