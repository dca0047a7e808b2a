//! Parking a thread at a named point of the source, and what the others do meanwhile.

pub mod case;

use epoch_store::{Map, Snapshot, Version, WriteBatch, with_pauses};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// After this a thread counts as stuck.
pub const WATCHDOG: Duration = Duration::from_secs(60);

/// Every name that the source gives to a pause point.
pub fn points_in_source() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    read_points(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
    assert!(names.len() >= 10, "no source to read");
    names
}

fn read_points(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the source is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_points(&path, names);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("source is text");
        let calls = text.split("pause(\"").skip(1);
        names.extend(calls.filter_map(|call| call.split('"').next()).map(str::to_owned));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    Parked,
    Released,
}

/// Where a victim stands.
struct Gate {
    stage: Mutex<Stage>,
    moved: Condvar,
}

impl Gate {
    fn park(&self) {
        let mut stage = self.stage.lock().expect("no holder panics");
        if *stage == Stage::Running {
            *stage = Stage::Parked;
            self.moved.notify_all();
            drop(self.moved.wait_while(stage, |stage| *stage == Stage::Parked));
        }
    }

    fn release(&self) {
        *self.stage.lock().expect("no holder panics") = Stage::Released;
        self.moved.notify_all();
    }

    fn wait_parked(&self) -> bool {
        let stage = self.stage.lock().expect("no holder panics");
        let running = |stage: &mut Stage| *stage == Stage::Running;
        let (stage, _) =
            self.moved.wait_timeout_while(stage, WATCHDOG, running).expect("no holder panics");
        *stage == Stage::Parked
    }
}

/// A thread that was parked in the middle of an operation.
pub struct Victim<T> {
    point: String,
    gate: Arc<Gate>,
    outcome: Receiver<T>,
}

impl<T: Send + 'static> Victim<T> {
    /// Starts `operation` on a thread of its own, and returns when that thread has come to `point` for the first time.
    /// `on_the_way` is called at every point. `None`: the operation ended without coming there.
    pub fn park(
        point: &str,
        on_the_way: impl Fn(&str) + Send + 'static,
        operation: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Self> {
        let gate = Arc::new(Gate { stage: Mutex::new(Stage::Running), moved: Condvar::new() });
        let (send, outcome) = channel();
        let (at, stop) = (point.to_owned(), Arc::clone(&gate));
        std::thread::spawn(move || {
            let last = Arc::clone(&stop);
            let hook = move |name: &'static str| {
                on_the_way(name);
                if name == at {
                    stop.park();
                }
            };
            let result = with_pauses(hook, operation);
            last.release();
            let _ = send.send(result);
        });
        let parked = gate.wait_parked();
        if !parked {
            gate.release();
        }
        parked.then(|| Self { point: point.to_owned(), gate, outcome })
    }

    /// Lets the thread go on, and returns the result of its operation.
    pub fn release(self) -> T {
        self.gate.release();
        let result = self.outcome.recv_timeout(WATCHDOG);
        result.unwrap_or_else(|_| panic!("released at {:?}, the thread does not end", self.point))
    }
}

/// Threads that work beside a sleeper, and operations of each.
const OTHERS: usize = 2;
const OPERATIONS: usize = 1_100;

/// Other threads do [`OTHERS`] times [`OPERATIONS`] operations of all kinds, each checking what it reads.
///
/// # Panics
/// If one of them stands still, with `while_parked_at`.
pub fn others_go_on(map: &Map, while_parked_at: &str) {
    let workers: Vec<Receiver<()>> = (0..OTHERS)
        .map(|number| {
            let (done, receiver) = channel();
            let map = map.clone();
            std::thread::spawn(move || {
                Worker::new(map, number).work();
                let _ = done.send(());
            });
            receiver
        })
        .collect();
    for worker in workers {
        let end = worker.recv_timeout(WATCHDOG);
        assert!(end.is_ok(), "with a thread parked at {while_parked_at:?} others stop or go wrong");
    }
}

/// What a map must hold under a worker's keys.
type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// A thread with keys of its own, so that it knows what it must read.
struct Worker {
    map: Map,
    prefix: String,
    rng: fastrand::Rng,
    fresh: usize,
    model: Model,
    newest: Version,
    held: Option<(Snapshot, Model)>,
}

impl Worker {
    fn new(map: Map, number: usize) -> Self {
        let rng = fastrand::Rng::with_seed(number as u64);
        // New keys in every run on the same map: tails fill, leaves split, the table grows.
        let prefix = format!("worker/{:010}/{number}/", map.version().get());
        let newest = map.version();
        Self { map, prefix, rng, fresh: 0, model: BTreeMap::new(), newest, held: None }
    }

    fn work(&mut self) {
        for i in 0..OPERATIONS {
            match self.rng.u32(0..100) {
                0..30 => self.commit(1),
                30..45 => self.commit_fresh(),
                45..60 => {
                    let len = self.rng.usize(2..=8);
                    self.commit(len);
                }
                60..70 => self.churn(i),
                70..80 => self.look_up(),
                80..92 => self.scan(),
                92..98 => self.hold(),
                _ => drop(self.map.maintain()),
            }
        }
        self.hold();
    }

    fn key(&mut self) -> Vec<u8> {
        format!("{}{:02}", self.prefix, self.rng.u32(0..64)).into_bytes()
    }

    fn committed(&mut self, version: Result<Version, epoch_store::Error>) {
        let version = version.expect("a commit within the limits");
        assert!(version > self.newest, "versions of one thread's commits rise");
        assert!(self.map.version() >= version, "a commit is visible when it returns");
        self.newest = version;
    }

    fn commit(&mut self, len: usize) {
        let mut batch = WriteBatch::new();
        for _ in 0..len {
            let key = self.key();
            if self.rng.u32(0..4) == 0 {
                batch.delete(&key);
                self.model.remove(&key);
            } else {
                let value = self.rng.u64(..).to_le_bytes().to_vec();
                batch.put(&key, &value);
                self.model.insert(key, value);
            }
        }
        let version = self.map.commit(&batch);
        self.committed(version);
    }

    fn commit_fresh(&mut self) {
        self.fresh += 1;
        let key = format!("{}fresh{:05}", self.prefix, self.fresh * 7919 % 10_007).into_bytes();
        let version = self.map.put(&key, b"fresh");
        self.model.insert(key, b"fresh".to_vec());
        self.committed(version);
    }

    /// Overwrites what everybody overwrites, and nobody checks.
    fn churn(&mut self, i: usize) {
        let version = self.map.put(format!("base/{:03}", i % 100), i.to_le_bytes());
        self.committed(version);
    }

    fn look_up(&mut self) {
        let snapshot = self.map.snapshot();
        assert!(snapshot.version() >= self.newest, "a snapshot has what its thread committed");
        let keys: Vec<_> = (0..20).map(|_| self.key()).collect();
        for (key, value) in keys.iter().zip(snapshot.get_many(&keys)) {
            let expected = self.model.get(key).map(Vec::as_slice);
            assert_eq!(value.as_deref(), expected, "get_many of {}", key.escape_ascii());
            assert_eq!(snapshot.get(key).as_deref(), expected, "get of {}", key.escape_ascii());
        }
    }

    fn scan(&mut self) {
        self.compare(&self.map.snapshot(), &self.model);
    }

    fn compare(&self, snapshot: &Snapshot, model: &Model) {
        let rows = snapshot.prefix(&self.prefix).map(|(key, value)| (key.to_vec(), value.to_vec()));
        assert!(rows.eq(model.clone()), "a scan of {} forward", self.prefix);
        let back = snapshot.prefix(&self.prefix).rev().map(|(key, _)| key.to_vec());
        assert!(back.eq(model.keys().rev().cloned()), "a scan of {} backward", self.prefix);
    }

    /// Compares a snapshot that was held, and holds another.
    fn hold(&mut self) {
        if let Some((snapshot, model)) = self.held.take() {
            self.compare(&snapshot, &model);
        } else {
            self.held = Some((self.map.snapshot(), self.model.clone()));
        }
    }
}
