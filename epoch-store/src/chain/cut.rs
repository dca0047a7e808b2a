//! Cutting versions that no snapshot sees out of a chain: at its end and in its middle (rule 23).
//!
//! A plain store of the bypass link could relink a version that a neighbour's cut has retired. So a victim's `prev` is
//! marked first: from then on nobody can change it, a cut next to it fails and starts again, and every walker that
//! meets the mark may finish the unlink. The one who unlinks retires.

use super::version::{VersionRef, is_marked, is_tracked, redirect, with_mark, with_track};
use super::{RecordRef, Registered, VersionNode};
use crate::reclaim::{Grace, Pinned};
use crate::sync::{Ordering, mutant, pause};

/// A superseded version that had to stay: visible at stamps in `[stamp, superseded_at)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its stamp.
    pub stamp: u64,
    /// The stamp of the version in front of it.
    pub superseded_at: u64,
}

/// Cuts every version of `record` that is garbage by `registered`; returns how many this thread unlinked and retired.
/// Lock-free; the newest version always stays.
///
/// The walk ends behind `reach` versions that had to stay: a commit need not pay for what others keep.
///
/// `track` is called once in the life of each version that had to stay, by whichever thread finds it first: from then on
/// it is that thread's duty to have it looked at again (I-26).
pub fn cut<P: Pinned>(
    record: RecordRef<'_>,
    registered: &Registered,
    reach: usize,
    pin: &P,
    mut track: impl FnMut(Kept),
) -> usize {
    let mut versions = 0;
    loop {
        if walk(record, registered, reach, pin, &mut versions, &mut track) {
            return versions;
        }
    }
}

/// One walk from the head. False: the chain changed under it.
fn walk<P: Pinned>(
    record: RecordRef<'_>,
    registered: &Registered,
    mut reach: usize,
    pin: &P,
    versions: &mut usize,
    track: &mut impl FnMut(Kept),
) -> bool {
    let Some(mut newer) = record_head(record, pin) else { return true };
    let mut link = newer.prev().load(Ordering::Relaxed);
    loop {
        if is_marked(link) {
            return false; // `newer` was cut meanwhile
        }
        // SAFETY: `newer` was linked after this pin began, so what its unmarked prev points to is not freed (I-8).
        let Some(version) = (unsafe { VersionRef::behind(link, pin) }) else { return true };
        let next = version.prev().load(Ordering::Relaxed);
        let (stamp, superseded_at) = (version.stamp(), newer.stamp());
        if is_marked(next) || registered.is_garbage(stamp, superseded_at) {
            if is_marked(next) || mark(version, next) {
                let Some(bypass) = unlink(newer, link, version, next, pin) else { return false };
                link = bypass;
                *versions += 1;
            }
            continue; // or else `prev` changed: look at it again
        }
        if !is_tracked(next) {
            if !change(version, next, with_track(next)) {
                continue;
            }
            track(Kept { stamp, superseded_at });
        }
        if reach == 0 {
            return true;
        }
        reach -= 1;
        (newer, link) = (version, with_track(next));
    }
}

fn record_head<'p, P: Pinned>(record: RecordRef<'_>, pin: &'p P) -> Option<VersionRef<'p>> {
    // SAFETY: the record stays alive while this thread is pinned (I-3), so its view may be as long as the pin's.
    let record: RecordRef<'p> = unsafe { RecordRef::new(record.as_ptr()) };
    record.head(pin)
}

/// Step one: from now on nobody changes the victim's `prev`.
fn mark(version: VersionRef<'_>, next: *mut VersionNode) -> bool {
    mutant!("cut-no-mark") || change(version, next, with_mark(next))
}

/// Changes what a link says about its node. Publishes nothing, so it may be Relaxed.
fn change(version: VersionRef<'_>, from: *mut VersionNode, to: *mut VersionNode) -> bool {
    let (win, lose) = (Ordering::Relaxed, Ordering::Relaxed);
    version.prev().compare_exchange(from, to, win, lose).is_ok()
}

/// Step two: bypass the victim and retire it. `None` if the link in front of it has changed.
fn unlink<P: Pinned>(
    newer: VersionRef<'_>,
    link: *mut VersionNode,
    version: VersionRef<'_>,
    next: *mut VersionNode,
    pin: &P,
) -> Option<*mut VersionNode> {
    pause("cut-marked");
    let bypass = redirect(link, next);
    if mutant!("cut-by-store") {
        newer.prev().store(bypass, Ordering::Relaxed);
    } else if !change(newer, link, bypass) {
        return None;
    }
    // SAFETY: I-1: this CAS made the victim unreachable for later pins (I-8: only one CAS can), and by I-7 no
    // registered snapshot has it in use without a pin.
    unsafe { pin.retire(version.as_ptr(), Grace::One) };
    Some(bypass)
}
