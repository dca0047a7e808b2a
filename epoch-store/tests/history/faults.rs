//! Damage, one kind at a time, to a history that was correct.
//!
//! Each fault is put where a real bug of its kind could have put it, at a place drawn at random among all that fit.

use super::check::Kind;
use super::{Commit, History, Id, Key, Order, Read, View};
use std::collections::HashMap;

/// Every kind of fault that can be seeded.
pub const ALL: [Kind; 12] = [
    Kind::DuplicateVersion,
    Kind::MissingVersion,
    Kind::CommitOrder,
    Kind::StaleSnapshot,
    Kind::FutureSnapshot,
    Kind::StaleRead,
    Kind::TornBatch,
    Kind::LostUpdate,
    Kind::FutureRead,
    Kind::ScanLostKey,
    Kind::ScanExtraKey,
    Kind::ScanOrder,
];

/// Puts a fault of `kind` into a history. False: there is no place for it.
pub fn seed(history: &mut History, kind: Kind, rng: &mut fastrand::Rng) -> bool {
    history.commits.sort_by_key(|commit| commit.version);
    rng.shuffle(&mut history.views);
    match kind {
        Kind::DuplicateVersion => {
            let at = rng.usize(1..history.commits.len());
            history.commits[at].version = history.commits[at - 1].version;
            true
        }
        Kind::MissingVersion => {
            let at = rng.usize(0..history.commits.len() - 1);
            history.commits.remove(at);
            true
        }
        Kind::CommitOrder => commit_order(history, rng),
        Kind::StaleSnapshot => stale_snapshot(history),
        Kind::FutureSnapshot => future_snapshot(history),
        Kind::ScanLostKey | Kind::ScanExtraKey | Kind::ScanOrder => scan(history, kind, rng),
        Kind::LostUpdate => lost_update(history),
        Kind::StaleRead | Kind::TornBatch | Kind::FutureRead => read(history, kind),
        Kind::UnknownValue => false,
    }
}

/// Two commits, one behind the other in time, come in the wrong order.
fn commit_order(history: &mut History, rng: &mut fastrand::Rng) -> bool {
    let commits = &mut history.commits;
    let from = rng.usize(0..commits.len() / 2);
    let apart = |at: &usize| commits[*at].span.returned < commits[at + 1].span.asked;
    let Some(at) = (from..commits.len() - 1).find(apart) else { return false };
    (commits[at].version, commits[at + 1].version) = (commits[at + 1].version, commits[at].version);
    true
}

/// A snapshot is asked for at the end of time, and is still old.
fn stale_snapshot(history: &mut History) -> bool {
    let end = history.commits.iter().map(|commit| commit.span.returned).max().unwrap_or(0);
    let newest = history.commits.last().map_or(0, |commit| commit.version);
    let Some(view) = history.views.iter_mut().find(|view| view.version < newest) else {
        return false;
    };
    (view.span.asked, view.span.returned) = (end + 1, end + 2);
    true
}

/// A snapshot has returned before the time of what it shows.
fn future_snapshot(history: &mut History) -> bool {
    let later = |view: &&mut View| view.version > history.origin.version;
    let Some(view) = history.views.iter_mut().find(later) else { return false };
    (view.span.asked, view.span.returned) = (0, 0);
    true
}

fn scan(history: &mut History, kind: Kind, rng: &mut fastrand::Rng) -> bool {
    for read in history.views.iter_mut().flat_map(|view| &mut view.reads) {
        let Read::Scan(scan) = read else { continue };
        let len = scan.rows.len();
        match kind {
            Kind::ScanLostKey if len > 0 => {
                scan.rows.remove(rng.usize(0..len));
                return true;
            }
            Kind::ScanOrder if len > 1 => {
                let at = rng.usize(0..len - 1);
                scan.rows.swap(at, at + 1);
                return true;
            }
            Kind::ScanExtraKey if scan.limit == usize::MAX => {
                let held = |key: &Key| scan.rows.iter().any(|row| row.0 == *key);
                let Some(key) = (scan.from..scan.to).find(|key| !held(key)) else { continue };
                let backward = scan.order == Order::Backward;
                let at = scan.rows.partition_point(|row| (row.0 < key) != backward);
                scan.rows.insert(at, (key, 1));
                return true;
            }
            _ => {}
        }
    }
    false
}

/// All writes to each key, oldest first: version, what, and whether its commit wrote other keys too.
type Writes = HashMap<Key, Vec<(u64, Option<Id>, bool)>>;

fn writes(commits: &[Commit]) -> Writes {
    let mut all = Writes::new();
    for commit in commits {
        for &(key, id) in &commit.writes {
            let several = commit.writes.len() > 1;
            all.entry(key).or_default().push((commit.version, id, several));
        }
    }
    all
}

/// One look-up finds another write to its key.
fn read(history: &mut History, kind: Kind) -> bool {
    let all = writes(&history.commits);
    for view in &mut history.views {
        let whole = view.clone();
        for read in &mut view.reads {
            let Read::Get { key, found: found @ Some(_) } = read else { continue };
            let writes = all.get(key).map_or(&[][..], |writes| writes);
            let Some(at) = writes.iter().position(|write| write.1 == *found) else { continue };
            let older = at.checked_sub(1).map(|at| writes[at].1);
            let newer = writes[at + 1..].iter().find_map(|write| write.1);
            match (kind, older, newer) {
                (Kind::FutureRead, _, Some(id)) => *found = Some(id),
                (Kind::StaleRead, Some(older), _) if !writes[at].2 => *found = older,
                (Kind::TornBatch, Some(older), _) if saw_another(&whole, *key, *found) => {
                    *found = older;
                }
                _ => continue,
            }
            return true;
        }
    }
    false
}

/// Whether the view has seen the same commit at another key. (A commit has one id for all its writes.)
fn saw_another(view: &View, but: Key, id: Option<Id>) -> bool {
    view.reads.iter().any(|read| match read {
        Read::Get { key, found } => *key != but && *found == id,
        Read::Scan(scan) => scan.rows.iter().any(|row| row.0 != but && Some(row.1) == id),
    })
}

/// Nobody sees a write that two look-ups or more have seen; all see the value before it.
fn lost_update(history: &mut History) -> bool {
    let all = writes(&history.commits);
    for (&key, writes) in &all {
        for pair in writes.windows(2) {
            let [(_, Some(before), _), (_, Some(lost), false)] = *pair else { continue };
            let seen = |view: &&View| {
                let hit = Some(lost);
                view.reads
                    .iter()
                    .any(|read| matches!(read, Read::Get { found, .. } if *found == hit))
            };
            if history.views.iter().filter(seen).count() < 2 {
                continue;
            }
            for read in history.views.iter_mut().flat_map(|view| &mut view.reads) {
                match read {
                    Read::Get { found, .. } if *found == Some(lost) => *found = Some(before),
                    Read::Scan(scan) => {
                        for row in scan.rows.iter_mut().filter(|row| **row == (key, lost)) {
                            row.1 = before;
                        }
                    }
                    Read::Get { .. } => {}
                }
            }
            return true;
        }
    }
    false
}
