//! A map, the model of it, and steps that must look the same on both.

mod check;

use super::model::{Bytes, Change, Model, Write};
use epoch_store::{Error, KeySpace, Lease, MAX_KEY_LEN, Map, Snapshot, Version, WriteBatch};
use std::ops::Bound;

/// One thing that a user may do. Snapshots and leases are chosen by number, modulo how many there are.
#[derive(Debug, Clone)]
pub enum Step {
    Put(Bytes, Bytes),
    Delete(Bytes),
    Commit(Vec<Write>),
    /// A commit with ranges in it.
    Change(Vec<Change>),
    DeleteRange(Bound<Bytes>, Bound<Bytes>),
    /// Writes of which at least one has a key that cannot be stored: as a batch, or alone if it is the only one.
    Refused(Vec<Write>),
    Open,
    OpenByNumber,
    /// Any version, also one that was or will be.
    OpenAt(u64),
    /// So many versions behind the newest, within retention or not.
    OpenOld(usize),
    /// Between two snapshots that are held, or the newest version.
    Changes(usize, usize, Turns),
    /// From so many versions behind the newest, within retention or not.
    ChangesSince(usize, Bound<Bytes>, Bound<Bytes>, Turns),
    Lend,
    /// A key and a range, through a lease that was taken back or not.
    ReadLease(usize, Bytes, Bound<Bytes>, Bound<Bytes>, Turns),
    EndLease(usize),
    /// Takes back the leases of versions that are so many behind the newest, and older ones.
    Revoke(usize),
    Clone(usize),
    Close(usize),
    Maintain,
    Get(usize, Bytes),
    GetMany(usize, Vec<Bytes>),
    Ends(usize),
    Prefix(usize, Bytes, Turns),
    Scan(usize, Bound<Bytes>, Bound<Bytes>, Turns),
    /// One of the steps is made before each entry is taken, the rest behind the end.
    ScanAmid(usize, Bound<Bytes>, Bound<Bytes>, Turns, Vec<Step>),
    /// The step is done in the key space. Of a commit every other write goes to the default space.
    InSpace(Box<Step>),
}

/// From which end an iterator is asked next, over and over: bit set for the front.
pub type Turns = u64;

struct Held {
    snapshot: Snapshot,
    /// Clones share it.
    slot: usize,
}

#[derive(Clone)]
struct Lent {
    lease: Lease,
    is_revoked: bool,
}

/// Where a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Default,
    Space,
}

pub struct World {
    pub map: Map,
    space: KeySpace,
    /// Of the default space and of the key space.
    pub models: [Model; 2],
    at: At,
    version: u64,
    retains: u64,
    held: Vec<Held>,
    /// The snapshot that a scan reads while other steps go on, which may drop the held one: stamp and slot.
    scanned: Option<(u64, usize)>,
    slots: usize,
    lent: Vec<Lent>,
}

impl Default for World {
    fn default() -> Self {
        Self::retaining(0)
    }
}

impl World {
    pub fn apply(&mut self, step: Step) {
        match step {
            Step::Put(key, value) => {
                let version = match self.at {
                    At::Default => self.map.put(&key, &value).unwrap(),
                    At::Space => self.space.put(&key, &value).unwrap(),
                };
                self.committed(version.get(), [(self.at, (key, Some(value)))]);
            }
            Step::Delete(key) => {
                let version = match self.at {
                    At::Default => self.map.delete(&key).unwrap(),
                    At::Space => self.space.delete(&key).unwrap(),
                };
                self.committed(version.get(), [(self.at, (key, None))]);
            }
            Step::Commit(writes) => self.commit(writes),
            Step::Change(changes) => self.change(changes),
            Step::DeleteRange(from, to) => {
                let range = (from.clone(), to.clone());
                let version = match self.at {
                    At::Default => self.map.delete_range(range).unwrap(),
                    At::Space => self.space.delete_range(range).unwrap(),
                };
                self.changed(version.get(), vec![(self.at, Change::DeleteRange(from, to))]);
            }
            Step::Refused(writes) => self.check_refused(&writes),
            Step::Open => self.hold(self.map.snapshot()),
            Step::OpenByNumber => self.hold(self.map.snapshot_at(self.version.into()).unwrap()),
            Step::OpenAt(version) => self.open_at(version),
            Step::OpenOld(behind) => {
                self.open_at(self.behind(behind));
            }
            Step::Changes(one, other, turns) => self.check_changes(one, other, turns),
            Step::ChangesSince(behind, from, to, turns) => {
                self.check_changes_since(self.behind(behind), from, to, turns);
            }
            Step::Lend => self.lent.push(self.lend()),
            Step::ReadLease(at, key, from, to, turns) => {
                self.check_lease(&self.lease(at), &key, from, to, turns);
            }
            Step::EndLease(at) => {
                if !self.lent.is_empty() {
                    self.lent.swap_remove(at % self.lent.len());
                }
            }
            Step::Revoke(behind) => self.revoke(self.behind(behind) + 1),
            Step::Clone(at) => {
                if let Some(held) = self.held(at) {
                    let held = Held { snapshot: held.snapshot.clone(), slot: held.slot };
                    self.held.push(held);
                }
            }
            Step::Close(at) => {
                if !self.held.is_empty() {
                    self.held.swap_remove(at % self.held.len());
                }
            }
            Step::Maintain => {
                self.map.maintain();
                self.check_figures();
            }
            Step::Get(at, key) => self.check_get(&self.snapshot(at), &key),
            Step::GetMany(at, keys) => self.check_get_many(&self.snapshot(at), &keys),
            Step::Ends(at) => self.check_ends(&self.snapshot(at)),
            Step::Prefix(at, prefix, turns) => self.check_prefix(at, &prefix, turns),
            Step::Scan(at, from, to, turns) => self.check_scan(at, from, to, turns, vec![]),
            Step::ScanAmid(at, from, to, turns, steps) => {
                self.check_scan(at, from, to, turns, steps);
            }
            Step::InSpace(step) => {
                let outer = std::mem::replace(&mut self.at, At::Space);
                self.apply(*step);
                self.at = outer;
            }
        }
    }

    /// An empty world whose map retains so many versions.
    pub fn retaining(versions: u64) -> Self {
        let map = Map::builder().retain_versions(versions).build();
        let space = map.key_space("the other").unwrap();
        Self {
            map,
            space,
            models: Default::default(),
            at: At::Default,
            version: 0,
            retains: versions,
            held: Vec::new(),
            scanned: None,
            slots: 0,
            lent: Vec::new(),
        }
    }

    /// The model of the space where the world is.
    fn model(&self) -> &Model {
        &self.models[self.at as usize]
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    /// A version near the newest.
    fn behind(&self, versions: usize) -> u64 {
        self.version.saturating_sub(versions as u64 % 64)
    }

    fn committed(&mut self, version: u64, writes: impl IntoIterator<Item = (At, Write)>) {
        let changes = writes.into_iter().map(|(at, write)| (at, Change::Write(write)));
        self.changed(version, changes.collect());
    }

    fn changed(&mut self, version: u64, changes: Vec<(At, Change)>) {
        assert_eq!(version, self.version + 1, "commits are numbered one by one");
        assert_eq!(self.map.version().get(), version, "a commit is visible when it returns");
        self.version = version;
        for at in [At::Default, At::Space] {
            let of_space = changes.iter().filter(|(of, _)| *of == at);
            let of_space = of_space.map(|(_, change)| change.clone());
            self.models[at as usize].commit_changes(version, of_space);
        }
    }

    /// Where the changes of a batch go.
    fn placed(&self, changes: impl IntoIterator<Item = Change>) -> Vec<(At, Change)> {
        [self.at, At::Default].into_iter().cycle().zip(changes).collect()
    }

    fn change(&mut self, changes: Vec<Change>) {
        let changes = self.placed(changes);
        let batch = batch_of(&self.space, &changes);
        assert_eq!(batch.len(), changes.len());
        let version = self.map.commit(&batch).unwrap().get();
        if changes.is_empty() {
            assert_eq!(version, self.version, "an empty batch commits nothing");
        } else {
            self.changed(version, changes);
        }
    }

    fn commit(&mut self, writes: Vec<Write>) {
        self.change(writes.into_iter().map(Change::Write).collect());
    }

    fn check_refused(&self, writes: &[Write]) {
        let expected = writes.iter().find_map(|(key, _)| match key.len() {
            0 => Some(Error::EmptyKey),
            len if len > MAX_KEY_LEN => Some(Error::KeyTooLong { len, max: MAX_KEY_LEN }),
            _ => None,
        });
        let result = match (writes, self.at) {
            ([(key, Some(value))], At::Default) => self.map.put(key, value),
            ([(key, Some(value))], At::Space) => self.space.put(key, value),
            ([(key, None)], At::Default) => self.map.delete(key),
            ([(key, None)], At::Space) => self.space.delete(key),
            _ => {
                let changes = self.placed(writes.iter().cloned().map(Change::Write));
                self.map.commit(&batch_of(&self.space, &changes))
            }
        };
        assert_eq!(result.err(), expected, "the first bad key is named");
        assert_eq!(self.map.version().get(), self.version, "a refused write commits nothing");
    }

    fn hold(&mut self, snapshot: Snapshot) {
        assert_eq!(snapshot.version().get(), self.version, "a snapshot shows the newest version");
        self.hold_old(snapshot);
    }

    fn open_at(&mut self, version: u64) {
        let refusal = self.refusal(version);
        match self.map.snapshot_at(version.into()) {
            Ok(snapshot) => {
                assert_eq!(snapshot.version().get(), version);
                assert_eq!(refusal, None);
                self.hold_old(snapshot);
            }
            Err(error) => assert_eq!(Some(error), refusal),
        }
    }

    /// Why a version cannot be opened by its number now.
    fn refusal(&self, version: u64) -> Option<Error> {
        let oldest = self.map.stats().oldest_version;
        let due = self.version.saturating_sub(self.retains);
        assert!(oldest.get() <= due, "{oldest} is too new");
        assert!(self.retains > 0 || oldest.get() == due, "nothing but the newest is retained");
        let (version, newest) = (Version::from(version), Version::from(self.version));
        if version > newest {
            return Some(Error::VersionInFuture { version, newest });
        }
        (version < oldest).then_some(Error::VersionCollected { version, oldest })
    }

    fn hold_old(&mut self, snapshot: Snapshot) {
        self.slots += 1;
        self.held.push(Held { snapshot, slot: self.slots });
    }

    fn held(&self, at: usize) -> Option<&Held> {
        self.held.get(at.checked_rem(self.held.len())?)
    }

    /// A held snapshot, or a new one if none is held.
    fn snapshot(&self, at: usize) -> Snapshot {
        self.held(at).map_or_else(|| self.map.snapshot(), |held| held.snapshot.clone())
    }

    fn lend(&self) -> Lent {
        let lease = self.map.lease();
        assert_eq!(lease.version().get(), self.version, "a lease shows the newest version");
        Lent { lease, is_revoked: false }
    }

    /// A clone of a lease, or a new one if there is none.
    fn lease(&self, at: usize) -> Lent {
        let lent = at.checked_rem(self.lent.len()).map(|at| self.lent[at].clone());
        lent.unwrap_or_else(|| self.lend())
    }

    fn revoke(&mut self, below: u64) {
        let older = |lent: &&mut Lent| !lent.is_revoked && lent.lease.version().get() < below;
        let revoked = self.lent.iter_mut().filter(older).map(|lent| lent.is_revoked = true).count();
        assert_eq!(self.map.revoke_older_than(below.into()), revoked);
    }

    /// Drops every snapshot and lease, in the order in which they are held.
    pub fn close_all(&mut self) {
        self.held.clear();
        self.lent.clear();
    }
}

fn batch_of(space: &KeySpace, changes: &[(At, Change)]) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for (at, change) in changes {
        match (at, change) {
            (At::Default, Change::Write((key, Some(value)))) => batch.put(key, value),
            (At::Default, Change::Write((key, None))) => batch.delete(key),
            (At::Default, Change::DeleteRange(from, to)) => {
                batch.delete_range((from.clone(), to.clone()))
            }
            (At::Space, Change::Write((key, Some(value)))) => batch.put_in(space, key, value),
            (At::Space, Change::Write((key, None))) => batch.delete_in(space, key),
            (At::Space, Change::DeleteRange(from, to)) => {
                batch.delete_range_in(space, (from.clone(), to.clone()))
            }
        };
    }
    batch
}
