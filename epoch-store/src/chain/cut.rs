//! Cutting versions that no snapshot sees out of a chain: at its end and in its middle (rule 23).
//!
//! A plain store of the bypass link could relink a version that a neighbour's cut has retired. So a victim's `prev` is
//! marked first: from then on nobody can change it, a cut next to it fails and starts again, and every walker that
//! meets the mark may finish the unlink. The one who unlinks retires.
//!
//! Links are looked at by Acquire and changed by Release here, though readers follow them Relaxed: who passes another's cut
//! on, by a mark that it finishes or by a link that it copies into a bypass, passes on what that other knew too. A
//! reader of a lease that meets the result must find the lease revoked (I-35).

use super::record::MOST_NOTES;
use super::version::{
    VersionRef, is_marked, is_tracked, redirect, retire_version, with_mark, with_track,
};
use super::{RecordRef, Registered, VersionNode};
use crate::reclaim::Pinned;
use crate::sync::{Ordering, mutant, ord, pause};
use smallvec::SmallVec;

/// A superseded version that had to stay: visible at stamps in `[stamp, superseded_at)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its stamp.
    pub stamp: u64,
    /// The stamp of the version in front of it.
    pub superseded_at: u64,
}

/// What a call has done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Versions that this thread unlinked and retired.
    pub versions: usize,
    /// Bytes of their own that these had.
    pub bytes: usize,
    /// Versions that it walked past.
    pub steps: usize,
}

/// Cuts every version of `record` that is garbage by `registered`, and tombstones behind which there is nothing.
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
) -> Cut {
    let mut done = Cut::default();
    while !walk(record, registered, reach, pin, &mut done, &mut track) {}
    done
}

/// One walk from the head. False: the chain changed under it.
fn walk<P: Pinned>(
    record: RecordRef<'_>,
    registered: &Registered,
    mut reach: usize,
    pin: &P,
    done: &mut Cut,
    track: &mut impl FnMut(Kept),
) -> bool {
    let Some(mut newer) = record_head(record, pin) else { return true };
    let mut link = look(newer);
    // Where the walk came by: every `newer` before this one, and the link behind it.
    let mut trail: SmallVec<[(VersionRef<'_>, *mut VersionNode); 8]> = SmallVec::new();
    let mut unnoted = Unnoted::new();
    loop {
        if is_marked(link) {
            return false; // `newer` was cut meanwhile
        }
        // SAFETY: `newer` was linked after this pin began, so what its unmarked prev points to is not freed (I-8).
        let Some(version) = (unsafe { VersionRef::behind(link, pin) }) else { break };
        done.steps += 1;
        let next = look(version);
        let (stamp, superseded_at) = (version.stamp(), newer.stamp());
        let says_nothing = registered.judges(superseded_at) && says_nothing(version, next, pin);
        if is_marked(next) || says_nothing || registered.is_garbage(stamp, superseded_at) {
            if is_marked(next) || mark(version, next) {
                let bytes = version.own_bytes();
                let Some(bypass) = unlink(newer, link, version, next, pin) else { return false };
                link = bypass;
                done.versions += 1;
                done.bytes += bytes;
                // What was in front of the victim may say nothing now: a step back.
                if newer.is_tombstone()
                    && let Some(before) = trail.pop()
                {
                    (newer, link) = before;
                    reach = reach.saturating_add(1);
                }
            }
            continue; // or else `prev` changed: look at it again
        }
        if !is_tracked(next) {
            if unnoted.len() == 2 * MOST_NOTES as usize {
                unnoted.drain(..MOST_NOTES as usize); // there is no room for so many
            }
            unnoted.push((version, Kept { stamp, superseded_at }));
        }
        if reach == 0 {
            break;
        }
        reach -= 1;
        trail.push((newer, link));
        (newer, link) = (version, next);
    }
    note_oldest_first(record, unnoted, track);
    true
}

/// Whether a version says what its absence would say: a tombstone with nothing behind it.
///
/// One with another tombstone behind it would say nothing too, but that one may be cut at this very moment, because a version
/// is in front of it: then what was behind both would come to light.
fn says_nothing<P: Pinned>(version: VersionRef<'_>, link: *mut VersionNode, pin: &P) -> bool {
    // SAFETY: as in `walk`; the view is dropped here.
    let older = unsafe { VersionRef::behind(link, pin) };
    let covered =
        |older: VersionRef<'_>| mutant!("tombstone-over-tombstone") && older.is_tombstone();
    version.is_tombstone() && older.is_none_or(covered)
}

/// Versions that had to stay, and that nobody had noted yet: newest first.
type Unnoted<'p> = SmallVec<[(VersionRef<'p>, Kept); 4]>;

/// Notes versions as long as there is room. The oldest come first: it is they who can be cut first where versions are
/// retained, and a look for their sake cuts whatever else can be cut, and makes room for the next.
fn note_oldest_first(record: RecordRef<'_>, unnoted: Unnoted<'_>, track: &mut impl FnMut(Kept)) {
    for (version, kept) in unnoted.into_iter().rev() {
        loop {
            let link = look(version);
            if is_marked(link) || is_tracked(link) {
                break; // cut, or noted by somebody else
            }
            // Noted first: whoever cuts this version, and so may seal the record, has seen that an entry is coming (I-38).
            if !record.note() {
                return;
            }
            if change(version, link, with_track(link)) {
                track(kept);
                break;
            }
            record.unnote();
        }
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

/// The link of a version, and what whoever wrote it knew of leases.
fn look(version: VersionRef<'_>) -> *mut VersionNode {
    version.prev().load(ord!("cut-look", Acquire))
}

/// Changes where a link leads, or what it says about its node. Publishes no node; hands on, from the one who noted a
/// version to the one who cuts it and to the one who then finds it gone, that the record has been noted (I-38), and from
/// the one who took a lease back to its readers that it is gone (I-35).
fn change(version: VersionRef<'_>, from: *mut VersionNode, to: *mut VersionNode) -> bool {
    let (win, lose) = (ord!("link-change", AcqRel), Ordering::Relaxed);
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
    unsafe { retire_version(version.as_ptr(), pin) };
    Some(bypass)
}
