//! One sleeper: which operation comes to a point, what others must see meanwhile, and how it must end.

use super::Victim;
use epoch_store::{Error, KeySpace, Lease, Map, ReadSet, Snapshot, Version, WriteBatch};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Superseded versions that a sleeper may leave behind: the writes of its commit, the bags in its hands, the bag of its
/// session, one of each kind. Bags have 32 records.
pub const SLACK: u64 = 3 + 8 * 32 + 2 * 32;
/// Between the two looks at the root that must agree for a snapshot to be registered. Only a commit at this very point, a
/// few times in a row, brings a thread to "snapshot-acquiring": without the point it cannot be tested.
pub const REGISTERING: &str = "snapshot-registering";
/// The same of a lease, which others can take back from here on.
const LENDING: &str = "lease-registering";
/// Keys of the operation that empties leaves.
const FILL: usize = 400;
/// New keys, at most, of the operation that fills leaves. It ends at its point: how many keys make the hash front grow
/// depends on how many the sleepers before it have put.
const FILL_MOST: usize = 50_000;
/// New keys of a batch that is installed in chunks: three of 512.
const LARGE: usize = 1_100;
/// Only who finds the claimer of a chunk asleep comes here: another is parked at [`CLAIMED`] for it.
const REDOING: &str = "redo-chunk";
const CLAIMED: &str = "install-chunk";
/// Only who finds a record sealed that was not when the commit was prepared comes here: another deletes the keys between.
pub const SEALED: &str = "write-sealed";
pub const RESOLVED: &str = "write-resolved";
/// Only a commit that depends on what was read comes here.
const JUDGED: &str = "commit-judged";
/// Only who puts a key that was deleted, and whose record is still in its leaf, comes here.
const MET: &str = "sealed-met";

/// The operation that the victim is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// A batch that overwrites, deletes and overwrites, not ordered at the point.
    Prepare,
    /// The same, already ordered: whoever comes next finishes it.
    Commit,
    /// The same with so many new keys that it is installed in chunks.
    Large,
    /// A put of a new key: not ordered at the point.
    Insert,
    /// Puts of new keys until the point is reached: tails fill, leaves split, the hash front grows.
    Fill,
    /// Deletes of many keys: leaves in which nothing is left are unlinked.
    Empty,
    /// Opening a snapshot.
    Open,
    /// Asking whether what was read stands at the newest version.
    Stand,
    /// Reading all of a snapshot.
    Scan,
    /// Collecting what a dropped snapshot has kept.
    Sweep,
    /// Creating a key space, which others create meanwhile.
    Name,
    /// Opening the version that is the newest now, by its number.
    OpenAt,
    /// Looking a key up through a lease.
    Lease,
    /// Opening a lease, which others take back meanwhile.
    Lend,
    /// Taking a lease back by a scan.
    Revoke,
    /// Overwriting more keys under a snapshot than go into a bag.
    Keep,
}

/// How to come to a point.
fn deed_at(point: &str) -> Deed {
    match point {
        "commit-prepared" => Deed::Prepare,
        "commit-linked" | "commit-ordered" | "install-one" | "commit-installed" => Deed::Commit,
        "commit-published" | "scan-begun" | "scan-slots" | "cut-marked" => Deed::Commit,
        SEALED | RESOLVED => Deed::Commit,
        "erase-leaf" | "erase-swept" | "record-sealed" | "dead-noted" => Deed::Commit,
        CLAIMED | REDOING => Deed::Large,
        "tail-append" | "record-in-leaf" | "hash-insert" | MET => Deed::Insert,
        "tail-full" | "tail-sealed" | "body-built" | "leaf-split" | "index-built" => Deed::Fill,
        "chunk-claimed" | "slot-marked" | "leaf-indexed" => Deed::Fill,
        "leaf-frozen" | "neighbour-noted" | "leaf-unlinked" | "index-pruned" => Deed::Empty,
        "snapshot-acquiring" | REGISTERING => Deed::Open,
        "scan-step" => Deed::Scan,
        "reads-registered" => Deed::Stand,
        JUDGED => Deed::Commit,
        "bag-taken" => Deed::Sweep,
        "bag-laid" => Deed::Keep,
        "space-made" => Deed::Name,
        "snapshot-at-registered" => Deed::OpenAt,
        "lease-read" => Deed::Lease,
        LENDING | "lease-registered" | "lease-acquiring" => Deed::Lend,
        "lease-revoked" => Deed::Revoke,
        _ => panic!("{point:?} is new: say here which operation comes to it"),
    }
}

/// When to park among others: those that keep what another must cut to come to its point come last, and a reader's
/// snapshot must not stand in for the one whose release the sweeper needs. Large batches come after small ones, who must
/// still make the hash front grow.
pub fn turn(point: &str) -> u8 {
    match deed_at(point) {
        _ if point == JUDGED => 4, // it holds the snapshot that it has read
        Deed::Large | Deed::Empty => 1,
        Deed::Sweep | Deed::Revoke => 2,
        Deed::Scan => 3,
        Deed::Keep => 4, // where what it keeps can be judged: nobody is in the middle of opening a snapshot
        Deed::Open | Deed::OpenAt | Deed::Stand | Deed::Lease | Deed::Lend => 5,
        _ => 0,
    }
}

/// What the victim's operation returned.
enum Outcome {
    Committed(Vec<Version>),
    Opened(Snapshot),
    Stood(Version),
    OpenedAt(Result<Snapshot, Error>),
    Leased(Result<Option<Vec<u8>>, Error>),
    Lent(Lease),
    Read(Vec<Vec<u8>>),
    Swept,
    Named(KeySpace),
}

/// A victim with what must come out of it.
pub struct Case {
    point: String,
    deed: Deed,
    victim: Victim<Outcome>,
    /// What a reader must have read.
    rows: Vec<Vec<u8>>,
    before: Version,
    /// Parked besides, if the victim could not come to its point alone.
    second: Second,
}

type Second = Arc<Mutex<Option<Victim<Version>>>>;

fn keys_of(snapshot: &Snapshot) -> Vec<Vec<u8>> {
    snapshot.iter().map(|(key, _)| key.to_vec()).collect()
}

/// A map with a hundred keys, and those that the batch of the victim at `point` writes to.
pub fn prepare(map: &Map, point: &str) {
    for i in 0..100 {
        map.put(format!("base/{i:03}"), b"first").unwrap();
    }
    for part in ["a", "b", "c"] {
        map.put(format!("{point}/{part}"), b"old").unwrap();
    }
}

fn victims_batch(point: &str) -> WriteBatch {
    let mut batch = WriteBatch::new();
    if point.starts_with("erase") {
        batch.delete_range(format!("{point}/a")..=format!("{point}/b"));
    }
    batch.put(format!("{point}/a"), b"new");
    if !point.starts_with("erase") {
        batch.delete(format!("{point}/b"));
    }
    batch.put(format!("{point}/c"), b"new");
    if deed_at(point) == Deed::Large {
        for i in 0..LARGE {
            batch.put(format!("{point}/fill/{i:04}"), b"");
        }
    }
    batch
}

fn delete_parts(map: &Map, point: &str) {
    for part in ["a", "b", "c"] {
        map.delete(format!("{point}/{part}")).expect("a small key");
    }
    map.maintain();
}

pub fn park(map: &Map, point: &str) -> Option<Case> {
    let deed = deed_at(point);
    let (named, own) = (point.to_owned(), map.clone());
    if point == MET {
        map.put(format!("{point}/fill/0000"), b"").expect("a small key");
        map.delete(format!("{point}/fill/0000")).expect("a small key");
    }
    let before = map.version();
    let mut rows = Vec::new();
    let reached = Arc::new(AtomicBool::new(false));
    let operation: Box<dyn FnOnce() -> Outcome + Send> = match deed {
        Deed::Commit if point == JUDGED => Box::new(move || {
            let mut reads = ReadSet::at(&own.snapshot());
            reads.key("base/000/read").range("base/001/".."base/0010");
            let version = own.commit_if(&victims_batch(&named), &reads);
            Outcome::Committed(vec![version.expect("nobody has written there")])
        }),
        Deed::Prepare | Deed::Commit | Deed::Large => Box::new(move || {
            Outcome::Committed(vec![
                own.commit(&victims_batch(&named)).expect("a batch within the limits"),
            ])
        }),
        Deed::Insert => Box::new(move || {
            Outcome::Committed(vec![
                own.put(format!("{named}/fill/0000"), b"").expect("a small key"),
            ])
        }),
        Deed::Fill => {
            let reached = Arc::clone(&reached);
            Box::new(move || {
                let put = |i| own.put(format!("{named}/fill/{i:05}"), b"").expect("a small key");
                let goes_on = |_: &usize| !reached.load(Ordering::Relaxed);
                Outcome::Committed((0..FILL_MOST).take_while(goes_on).map(put).collect())
            })
        }
        Deed::Empty => {
            for i in 0..FILL {
                map.put(format!("{named}/fill/{i:04}"), b"").expect("a small key");
            }
            let delete = move |i| own.delete(format!("{named}/fill/{i:04}")).expect("a small key");
            Box::new(move || Outcome::Committed((0..FILL).map(delete).collect()))
        }
        Deed::Open => Box::new(move || Outcome::Opened(own.snapshot())),
        Deed::Stand => Box::new(move || {
            let mut reads = ReadSet::at(&own.snapshot());
            reads.key("base/000/read").range("base/001/".."base/0010");
            let stood = own.commit_if(&WriteBatch::new(), &reads);
            Outcome::Stood(stood.expect("nobody has written there"))
        }),
        Deed::OpenAt => Box::new(move || Outcome::OpenedAt(own.snapshot_at(before))),
        Deed::Lend => Box::new(move || Outcome::Lent(own.lease())),
        Deed::Lease => {
            let lease = map.lease();
            Box::new(move || Outcome::Leased(lease.get(format!("{named}/a"))))
        }
        Deed::Revoke => {
            let lease = map.lease();
            map.put(b"base/000", b"second").unwrap();
            Box::new(move || {
                own.revoke_older_than(own.version());
                own.maintain();
                assert!(lease.is_revoked());
                Outcome::Swept
            })
        }
        Deed::Scan => {
            let snapshot = map.snapshot();
            rows = keys_of(&snapshot);
            Box::new(move || Outcome::Read(keys_of(&snapshot)))
        }
        Deed::Sweep => {
            let old = map.snapshot();
            for i in 0..100 {
                map.put(format!("base/{i:03}"), b"second").unwrap();
            }
            Box::new(move || {
                drop(old);
                own.maintain();
                Outcome::Swept
            })
        }
        Deed::Keep => {
            let old = map.snapshot();
            let mut batch = WriteBatch::new();
            (0..100).for_each(|i| _ = batch.put(format!("base/{i:03}"), b"second"));
            Box::new(move || {
                own.commit(&batch).expect("a batch within the limits");
                drop(old);
                Outcome::Swept
            })
        }
        Deed::Name => Box::new(move || Outcome::Named(own.key_space(named).expect("a short name"))),
    };
    let (other, name) = (map.clone(), point.to_owned());
    let (redoing, sealing) = (point == REDOING, [SEALED, RESOLVED].contains(&point));
    let second = Second::default();
    let parked_second = Arc::clone(&second);
    let on_the_way = move |at: &str| {
        reached.fetch_or(at == name, Ordering::Relaxed);
        // Not when it is parked here: others move the root then.
        let looks = [REGISTERING, LENDING].contains(&at) && at != name;
        if looks && name.ends_with("-acquiring") {
            other.put(b"base/000", b"moved").expect("a small key");
        }
        if sealing && at == "commit-prepared" {
            // On a thread of its own: this one would come to its points again.
            std::thread::scope(|scope| scope.spawn(|| delete_parts(&other, &name)).join())
                .expect("a delete ends");
        }
        if redoing && at == "commit-ordered" {
            let own = other.clone();
            let put = move || own.put(b"base/second", b"").expect("a small key");
            *parked_second.lock().expect("nobody panics") = Victim::park(CLAIMED, |_| (), put);
        }
    };
    let victim = Victim::park(point, on_the_way, operation);
    victim.map(|victim| Case { point: point.to_owned(), deed, victim, rows, before, second })
}

/// Whether the victim's batch is there: all of it or nothing.
fn sees_batch(snapshot: &Snapshot, point: &str) -> bool {
    let parts = ["a", "b", "c"].map(|part| snapshot.get(format!("{point}/{part}")));
    let parts = parts.map(|value| value.map(|value| value.to_vec()));
    let old = [Some(b"old".to_vec()), Some(b"old".to_vec()), Some(b"old".to_vec())];
    let new = [Some(b"new".to_vec()), None, Some(b"new".to_vec())];
    assert!(parts == old || parts == new, "half of a batch at {point:?}: {parts:?}");
    parts == new
}

fn filled(snapshot: &Snapshot, point: &str) -> usize {
    snapshot.prefix(format!("{point}/fill/")).count()
}

impl Case {
    /// What others see while the victim sleeps.
    pub fn check_while_parked(&self, map: &Map) {
        let snapshot = map.snapshot();
        let point = &self.point;
        match self.deed {
            Deed::Prepare => assert!(!sees_batch(&snapshot, point), "{point:?}: not ordered yet"),
            Deed::Commit => assert!(sees_batch(&snapshot, point), "{point:?}: others finish it"),
            Deed::Large => {
                assert!(sees_batch(&snapshot, point), "{point:?}: others finish it");
                assert_eq!(filled(&snapshot, point), LARGE, "{point:?}: all of it");
            }
            Deed::Insert => assert_eq!(filled(&snapshot, point), 0, "{point:?}: not ordered yet"),
            Deed::Fill => assert!(filled(&snapshot, point) < FILL_MOST, "{point:?}: not all"),
            Deed::Empty => assert!(filled(&snapshot, point) < FILL, "{point:?}: some are gone"),
            Deed::Name => {
                let space = map.key_space(point).expect("a short name");
                space.put(b"k", b"v").expect("a small key");
            }
            Deed::Lease => _ = map.revoke_older_than(map.version()),
            Deed::Lend => {
                map.revoke_older_than(map.version());
                assert_eq!(map.revoke_older_than(map.version()), 0, "{point:?}: all are gone");
            }
            Deed::Open | Deed::OpenAt | Deed::Stand | Deed::Scan => {}
            Deed::Sweep | Deed::Revoke | Deed::Keep => {}
        }
    }

    /// Superseded versions that may stay while the victim sleeps; `None`: no bound.
    pub fn needs(&self) -> Option<u64> {
        match self.deed {
            // It may come to need any version from the one on at which it began: all are kept.
            Deed::Open => None,
            // What one stamp sees, of the keys that others overwrite.
            _ if self.point == JUDGED => Some(SLACK + 2 * 128),
            Deed::OpenAt | Deed::Stand | Deed::Keep => Some(SLACK + 2 * 128),
            _ => Some(SLACK + self.rows.len() as u64),
        }
    }

    /// Wakes the victim up: its operation has the right result, and the map shows it.
    pub fn finish(self, map: &Map) {
        let (point, before) = (self.point, self.before);
        let outcome = self.victim.release();
        if let Some(second) = self.second.lock().expect("nobody panics").take() {
            assert!(map.version() >= second.release(), "what {point:?} needed ends too");
        }
        match outcome {
            Outcome::Committed(versions) => {
                assert!(versions.is_sorted() && versions[0] > before, "versions at {point:?}");
                let snapshot = map.snapshot();
                assert!(snapshot.version() >= *versions.last().unwrap(), "visible: {point:?}");
                match self.deed {
                    Deed::Prepare | Deed::Commit | Deed::Large => {
                        assert!(sees_batch(&snapshot, &point));
                    }
                    Deed::Empty => assert_eq!(filled(&snapshot, &point), 0, "keys at {point:?}"),
                    _ => assert_eq!(filled(&snapshot, &point), versions.len(), "keys at {point:?}"),
                }
            }
            Outcome::Opened(snapshot) => assert!(snapshot.version() >= before),
            Outcome::Stood(version) => assert!(version >= before && version < map.version()),
            Outcome::OpenedAt(Ok(snapshot)) => assert_eq!(snapshot.version(), before),
            Outcome::OpenedAt(Err(error)) => {
                let collected =
                    matches!(error, Error::VersionCollected { version, .. } if version == before);
                assert!(collected && map.version() > before, "{error} at {point:?}");
            }
            Outcome::Leased(read) => {
                let revoked = matches!(read, Err(Error::SnapshotRevoked { .. }));
                assert!(revoked, "taken back while it was read: {read:?}");
            }
            Outcome::Lent(lease) => {
                // Others have put, and then taken back what was older, while it was being opened.
                assert!(lease.version() >= before, "no older than the call: {point:?}");
                assert_eq!(
                    lease.is_revoked(),
                    point != LENDING,
                    "{point:?}: a look at root is to come"
                );
                let refused = Error::SnapshotRevoked { version: lease.version() };
                let read = lease.get(b"base/000");
                if point == LENDING {
                    assert!(lease.version() > before, "it is of what the others put");
                    assert!(matches!(read, Ok(Some(_))), "{read:?}");
                } else {
                    assert_eq!(read, Err(refused), "{point:?}");
                }
            }
            Outcome::Read(rows) => assert_eq!(rows, self.rows, "the rows of a sleeping reader"),
            Outcome::Swept => {}
            Outcome::Named(space) => {
                let snapshot = map.snapshot();
                let view = snapshot.space(&space).expect("a space of this map");
                assert_eq!(view.get(b"k").expect("others have put it there"), b"v");
                space.delete(b"k").expect("a small key");
            }
        }
    }
}
