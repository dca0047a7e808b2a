//! Whether one map can have answered as a history says.
//!
//! *Commits*: versions are unique and consecutive, and follow real time: a commit asked for after another had returned
//! has the greater version. *Views*, in the order of their versions, against the state that the commits up to there make:
//! each read is the newest write at or below the view's version; a scan is exactly the live keys in its bounds, in its
//! order. *Snapshots*: not older than any commit that had returned when they were asked for, not newer than every commit
//! that was asked for before they returned.

use super::{Commit, History, Id, Key, Order, Origin, Read, Scan, Stamp, View};
use std::collections::{BTreeMap, HashMap};

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Two commits have one version.
    DuplicateVersion,
    /// No commit has some version.
    MissingVersion,
    /// A commit has a smaller version than one that had returned before it was asked for.
    CommitOrder,
    /// A snapshot misses a commit that had returned before it was asked for.
    StaleSnapshot,
    /// A snapshot shows a commit that was asked for after it had returned.
    FutureSnapshot,
    /// A read found an older write than the newest one it must see.
    StaleRead,
    /// The same, where the view saw another write of the commit that is missing here.
    TornBatch,
    /// A write that nobody saw who should have, two views or more.
    LostUpdate,
    /// A read found a write that is newer than its snapshot.
    FutureRead,
    /// A read found what nobody wrote there.
    UnknownValue,
    /// A scan is without a key that is live in its bounds.
    ScanLostKey,
    /// A scan has a key that is not live, or not in its bounds.
    ScanExtraKey,
    /// The rows of a scan are not in its order.
    ScanOrder,
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Violation {
    pub kind: Kind,
    /// Where.
    pub text: String,
}

/// The result of a check.
#[derive(Debug, Default)]
pub struct Report {
    pub operations: usize,
    /// Rows compared.
    pub rows: usize,
    pub violations: Vec<Violation>,
    /// The state behind the last commit: where the next history begins.
    pub end: Origin,
}

impl Report {
    fn flag(&mut self, kind: Kind, text: String) {
        self.violations.push(Violation { kind, text });
    }

    /// The kinds found, each once.
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = self.violations.iter().map(|violation| violation.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

/// Checks a history.
pub fn check(history: &History) -> Report {
    let mut report = Report { operations: history.operations(), ..Report::default() };
    let mut commits: Vec<&Commit> = history.commits.iter().collect();
    commits.sort_by_key(|commit| commit.version);
    check_commits(&commits, history.origin.version, &mut report);
    if !report.violations.is_empty() {
        return report; // without an order of commits there is nothing to compare reads with
    }
    check_freshness(&commits, history, &mut report);
    check_reads(&commits, history, &mut report);
    report
}

fn check_commits(commits: &[&Commit], origin: Stamp, report: &mut Report) {
    let mut last = origin;
    for commit in commits {
        if commit.version == last {
            report.flag(Kind::DuplicateVersion, format!("{commit:?}"));
        } else if commit.version != last + 1 {
            report.flag(Kind::MissingVersion, format!("after {last} comes {commit:?}"));
        }
        last = commit.version;
    }
    let mut returned = u64::MAX;
    for commit in commits.iter().rev() {
        if returned < commit.span.asked {
            report.flag(Kind::CommitOrder, format!("a later version returned before {commit:?}"));
        }
        returned = returned.min(commit.span.returned);
    }
}

/// For any tick, the greatest version among the commits that have the tick of their kind before it.
struct NewestBefore(Vec<(u64, Stamp)>);

impl NewestBefore {
    fn new(commits: &[&Commit], tick: impl Fn(&Commit) -> u64) -> Self {
        let mut seen: Vec<_> =
            commits.iter().map(|commit| (tick(commit), commit.version)).collect();
        seen.sort_unstable();
        let mut newest = 0;
        for (_, version) in &mut seen {
            newest = newest.max(*version);
            *version = newest;
        }
        Self(seen)
    }

    fn at(&self, tick: u64, otherwise: Stamp) -> Stamp {
        let before = self.0.partition_point(|seen| seen.0 < tick);
        before.checked_sub(1).map_or(otherwise, |last| self.0[last].1)
    }
}

fn check_freshness(commits: &[&Commit], history: &History, report: &mut Report) {
    let origin = history.origin.version;
    let returned = NewestBefore::new(commits, |commit| commit.span.returned);
    let asked = NewestBefore::new(commits, |commit| commit.span.asked);
    for view in &history.views {
        let (least, most) =
            (returned.at(view.span.asked, origin), asked.at(view.span.returned, origin));
        let text = || format!("{:?} at {}: {least}..={most}", view.span, view.version);
        if view.version < least {
            report.flag(Kind::StaleSnapshot, text());
        } else if view.version > most {
            report.flag(Kind::FutureSnapshot, text());
        }
    }
}

/// One key's writes: version, commit and what it put; ascending.
type Writes<'a> = Vec<(Stamp, &'a Commit, Option<Id>)>;

/// The state at a version, and what was written when.
struct Oracle<'a> {
    live: BTreeMap<Key, Id>,
    writes: HashMap<Key, Writes<'a>>,
    origin: &'a Origin,
}

impl<'a> Oracle<'a> {
    fn new(commits: &[&'a Commit], origin: &'a Origin) -> Self {
        let mut writes: HashMap<Key, Vec<_>> = HashMap::new();
        for &commit in commits {
            for &(key, id) in &commit.writes {
                writes.entry(key).or_default().push((commit.version, commit, id));
            }
        }
        Self { live: origin.live.clone(), writes, origin }
    }

    fn apply(&mut self, commit: &Commit) {
        for &(key, id) in &commit.writes {
            match id {
                Some(id) => self.live.insert(key, id),
                None => self.live.remove(&key),
            };
        }
    }

    /// The commit whose write to `key` a view at `version` must see, if it is none before the origin.
    fn newest(&self, key: Key, version: Stamp) -> Option<&'a Commit> {
        let writes = self.writes.get(&key)?;
        let upto = writes.partition_point(|write| write.0 <= version);
        upto.checked_sub(1).map(|last| writes[last].1)
    }

    /// What is wrong with having found `found` under `key` in `view`.
    fn blame(&self, view: &View, key: Key, found: Option<Id>) -> Kind {
        let writes = self.writes.get(&key).map_or(&[][..], |writes| writes);
        let known = |id| self.origin.live.get(&key) == Some(&id);
        let upto = writes.partition_point(|write| write.0 <= view.version);
        let (seen, later) = writes.split_at(upto);
        if let Some(id) = found
            && !seen.iter().any(|write| write.2 == Some(id))
            && !known(id)
        {
            let from_later = later.iter().any(|write| write.2 == Some(id));
            return if from_later { Kind::FutureRead } else { Kind::UnknownValue };
        }
        let torn =
            self.newest(key, view.version).is_some_and(|commit| saw_part_of(view, commit, key));
        if torn { Kind::TornBatch } else { Kind::StaleRead }
    }
}

/// Whether a view saw what `commit` wrote to some key other than `but`.
fn saw_part_of(view: &View, commit: &Commit, but: Key) -> bool {
    let put: Vec<(Key, Id)> = commit
        .writes
        .iter()
        .filter(|write| write.0 != but)
        .filter_map(|&(key, id)| id.map(|id| (key, id)))
        .collect();
    view.reads.iter().any(|read| match read {
        Read::Get { key, found } => found.is_some_and(|id| put.contains(&(*key, id))),
        Read::Scan(scan) => scan.rows.iter().any(|row| put.contains(row)),
    })
}

/// A stale read: which write it missed.
type Missed = (Key, Stamp);

fn check_reads(commits: &[&Commit], history: &History, report: &mut Report) {
    let mut oracle = Oracle::new(commits, &history.origin);
    let mut views: Vec<&View> = history.views.iter().collect();
    views.sort_by_key(|view| view.version);
    let mut next = commits.iter().peekable();
    // Views that missed a write, and views that saw it; only filled where something is stale.
    let mut missed: HashMap<Missed, usize> = HashMap::new();
    for view in &views {
        while let Some(commit) = next.next_if(|commit| commit.version <= view.version) {
            oracle.apply(commit);
        }
        check_view(&oracle, view, &mut missed, report);
    }
    next.for_each(|commit| oracle.apply(commit));
    find_lost_updates(&oracle, &views, &missed, report);
    let version = history.origin.version + commits.len() as u64;
    report.end = Origin { version, live: oracle.live };
}

fn check_view(
    oracle: &Oracle<'_>,
    view: &View,
    missed: &mut HashMap<Missed, usize>,
    report: &mut Report,
) {
    let mut stale: Vec<Missed> = Vec::new();
    for read in &view.reads {
        let wrong = match read {
            Read::Get { key, found } => {
                report.rows += 1;
                (oracle.live.get(key).copied() != *found).then_some((*key, *found))
            }
            Read::Scan(scan) => check_scan(oracle, view, scan, report),
        };
        let Some((key, found)) = wrong else { continue };
        let kind = oracle.blame(view, key, found);
        report.flag(kind, format!("key {key} at {}: found {found:?}", view.version));
        if kind == Kind::StaleRead
            && let Some(commit) = oracle.newest(key, view.version)
        {
            stale.push((key, commit.version));
        }
    }
    stale.sort_unstable();
    stale.dedup();
    for write in stale {
        *missed.entry(write).or_default() += 1;
    }
}

/// Returns a row that has the right key and the wrong value.
fn check_scan(
    oracle: &Oracle<'_>,
    view: &View,
    scan: &Scan,
    report: &mut Report,
) -> Option<(Key, Option<Id>)> {
    report.rows += scan.rows.len();
    let backward = scan.order == Order::Backward;
    let place =
        |kind: Kind| format!("{kind:?} at {} in {:?}..{:?}", view.version, scan.from, scan.to);
    let ordered =
        |pair: &[(Key, Id)]| if backward { pair[0].0 > pair[1].0 } else { pair[0].0 < pair[1].0 };
    if !scan.rows.windows(2).all(ordered) {
        report.flag(Kind::ScanOrder, place(Kind::ScanOrder));
        return None;
    }
    let live = oracle.live.range(scan.from..scan.to.max(scan.from)).map(|(&key, &id)| (key, id));
    let expected: Vec<(Key, Id)> = if backward {
        live.rev().take(scan.limit).collect()
    } else {
        live.take(scan.limit).collect()
    };
    if expected == scan.rows {
        return None;
    }
    // With a limit, a lost key makes a row appear at the end, and an extra key makes one disappear: the first that
    // differs tells.
    let differs = (0..).find(|&at| expected.get(at) != scan.rows.get(at)).unwrap_or_default();
    match (expected.get(differs), scan.rows.get(differs)) {
        (Some(wanted), Some(found)) if wanted.0 == found.0 => {
            return Some((found.0, Some(found.1)));
        }
        (Some(wanted), Some(found)) if (wanted.0 < found.0) != backward => {
            report.flag(Kind::ScanLostKey, place(Kind::ScanLostKey));
        }
        (Some(_), None) => report.flag(Kind::ScanLostKey, place(Kind::ScanLostKey)),
        _ => report.flag(Kind::ScanExtraKey, place(Kind::ScanExtraKey)),
    }
    None
}

/// A write that two views or more missed and none saw was lost; what was called stale is called so instead.
fn find_lost_updates(
    oracle: &Oracle<'_>,
    views: &[&View],
    missed: &HashMap<Missed, usize>,
    report: &mut Report,
) {
    for (&(key, version), _) in missed.iter().filter(|&(_, &views)| views >= 2) {
        let writes = &oracle.writes[&key];
        let at = writes.partition_point(|write| write.0 < version);
        let Some(id) = writes[at].2 else { continue };
        let seen = views.iter().flat_map(|view| &view.reads).any(|read| match read {
            Read::Get { key: read, found } => *read == key && *found == Some(id),
            Read::Scan(scan) => scan.rows.contains(&(key, id)),
        });
        if !seen {
            let same = format!("key {key} at ");
            let stale =
                |found: &Violation| found.kind == Kind::StaleRead && found.text.starts_with(&same);
            report.violations.retain(|found| !stale(found));
            report.flag(Kind::LostUpdate, format!("key {key}, written at {version}"));
        }
    }
}
