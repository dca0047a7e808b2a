//! One sleeper: which operation comes to a point, what others must see meanwhile, and how it must end.

use super::Victim;
use epoch_store::{Map, Snapshot, Version, WriteBatch};

/// Superseded versions that a sleeper may leave behind: the writes of its commit, the bag in its hands, the bag of its
/// session. Bags have 32 records.
pub const SLACK: u64 = 3 + 32 + 32;
/// Between the two looks at the root that must agree for a snapshot to be registered. Only a commit at this very point, a
/// few times in a row, brings a thread to "snapshot-acquiring": without the point it cannot be tested.
pub const REGISTERING: &str = "snapshot-registering";
/// New keys of the operation that fills leaves.
const FILL: usize = 400;

/// The operation that the victim is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// A batch that overwrites, deletes and overwrites, not ordered at the point.
    Prepare,
    /// The same, already ordered: whoever comes next finishes it.
    Commit,
    /// A put of a new key: not ordered at the point.
    Insert,
    /// Puts of many new keys: tails fill, leaves split, the hash front grows.
    Fill,
    /// Opening a snapshot.
    Open,
    /// Reading all of a snapshot.
    Scan,
    /// Collecting what a dropped snapshot has kept.
    Sweep,
}

/// How to come to a point.
fn deed_at(point: &str) -> Deed {
    match point {
        "commit-prepared" => Deed::Prepare,
        "commit-linked" | "commit-ordered" | "install-one" | "commit-installed" => Deed::Commit,
        "commit-published" | "scan-slots" | "cut-marked" => Deed::Commit,
        "tail-append" | "record-in-leaf" | "hash-insert" => Deed::Insert,
        "tail-full" | "tail-sealed" | "body-built" | "leaf-split" | "index-built" => Deed::Fill,
        "chunk-claimed" => Deed::Fill,
        "snapshot-acquiring" | REGISTERING => Deed::Open,
        "scan-step" => Deed::Scan,
        "bag-taken" => Deed::Sweep,
        _ => panic!("{point:?} is new: say here which operation comes to it"),
    }
}

/// When to park among others: those that keep what another must cut to come to its point come last, and a reader's
/// snapshot must not stand in for the one whose release the sweeper needs.
pub fn turn(point: &str) -> u8 {
    match deed_at(point) {
        Deed::Sweep => 1,
        Deed::Scan => 2,
        Deed::Open => 3,
        _ => 0,
    }
}

/// What the victim's operation returned.
enum Outcome {
    Committed(Vec<Version>),
    Opened(Snapshot),
    Read(Vec<Vec<u8>>),
    Swept,
}

/// A victim with what must come out of it.
pub struct Case {
    point: String,
    deed: Deed,
    victim: Victim<Outcome>,
    /// What a reader must have read.
    rows: Vec<Vec<u8>>,
    before: Version,
}

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
    batch.put(format!("{point}/a"), b"new").delete(format!("{point}/b"));
    batch.put(format!("{point}/c"), b"new");
    batch
}

pub fn park(map: &Map, point: &str) -> Option<Case> {
    let deed = deed_at(point);
    let (name, own) = (point.to_owned(), map.clone());
    let before = map.version();
    let mut rows = Vec::new();
    let operation: Box<dyn FnOnce() -> Outcome + Send> = match deed {
        Deed::Prepare | Deed::Commit => Box::new(move || {
            Outcome::Committed(vec![own.commit(&victims_batch(&name)).expect("a small batch")])
        }),
        Deed::Insert => Box::new(move || {
            Outcome::Committed(vec![
                own.put(format!("{name}/fill/0000"), b"").expect("a small key"),
            ])
        }),
        Deed::Fill => Box::new(move || {
            let put = |i| own.put(format!("{name}/fill/{i:04}"), b"").expect("a small key");
            Outcome::Committed((0..FILL).map(put).collect())
        }),
        Deed::Open => Box::new(move || Outcome::Opened(own.snapshot())),
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
    };
    let mover = map.clone();
    let move_root = move |name: &str| {
        if deed == Deed::Open && name == REGISTERING {
            mover.put(b"base/000", b"moved").expect("a small key");
        }
    };
    let victim = Victim::park(point, move_root, operation);
    victim.map(|victim| Case { point: point.to_owned(), deed, victim, rows, before })
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
            Deed::Insert => assert_eq!(filled(&snapshot, point), 0, "{point:?}: not ordered yet"),
            Deed::Fill => {
                assert!(filled(&snapshot, point) < FILL, "{point:?}: not all are ordered")
            }
            Deed::Open | Deed::Scan | Deed::Sweep => {}
        }
    }

    /// Superseded versions that may stay while the victim sleeps; `None`: no bound.
    pub fn needs(&self) -> Option<u64> {
        match self.deed {
            // It may come to need any version from the one on at which it began: all are kept.
            Deed::Open => None,
            _ => Some(SLACK + self.rows.len() as u64),
        }
    }

    /// Wakes the victim up: its operation has the right result, and the map shows it.
    pub fn finish(self, map: &Map) {
        let (point, before) = (self.point, self.before);
        match self.victim.release() {
            Outcome::Committed(versions) => {
                assert!(versions.is_sorted() && versions[0] > before, "versions at {point:?}");
                let snapshot = map.snapshot();
                assert!(snapshot.version() >= *versions.last().unwrap(), "visible: {point:?}");
                match self.deed {
                    Deed::Prepare | Deed::Commit => assert!(sees_batch(&snapshot, &point)),
                    _ => assert_eq!(filled(&snapshot, &point), versions.len(), "keys at {point:?}"),
                }
            }
            Outcome::Opened(snapshot) => assert!(snapshot.version() >= before),
            Outcome::Read(rows) => assert_eq!(rows, self.rows, "the rows of a sleeping reader"),
            Outcome::Swept => {}
        }
    }
}
