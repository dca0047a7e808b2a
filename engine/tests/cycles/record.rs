//! Running threads, and writing down what their transactions did and saw.

use super::{By, History, Id, Key, Read, Transaction};
use engine::{Isolation, Store};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::sync::Barrier;

/// What is run.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub isolation: Isolation,
    pub threads: usize,
    /// Attempts per thread; what conflicts is not repeated.
    pub transactions: usize,
    /// Different keys.
    pub keys: Key,
    pub seed: u64,
}

/// The history, and how many transactions conflicted.
pub fn run(shape: &Shape) -> (History, usize) {
    let store = Store::in_memory();
    let start = Barrier::new(shape.threads);
    let (mut history, mut conflicts) = (History::default(), 0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..shape.threads)
            .map(|thread| {
                let (store, start) = (&store, &start);
                scope.spawn(move || {
                    start.wait();
                    let mut rng = Rng::with_seed(shape.seed.wrapping_mul(31) + thread as u64);
                    let ids = (thread as u64) << 32;
                    let attempts = 0..shape.transactions as u64;
                    let run = |at| one(store, shape, ids + at * 16, &mut rng);
                    attempts.map(run).collect::<Vec<_>>()
                })
            })
            .collect();
        for thread in threads {
            for transaction in thread.join().expect("no thread panics") {
                match transaction {
                    Some(transaction) => history.transactions.push(transaction),
                    None => conflicts += 1,
                }
            }
        }
    });
    (history, conflicts)
}

/// A transaction that is being written down.
struct Recorder<'t> {
    real: &'t engine::Transaction,
    snapshot: u64,
    reads: BTreeMap<Key, Read>,
    writes: BTreeMap<Key, Option<Id>>,
    next_id: Id,
}

/// Runs one transaction of up to six steps. `None`: it conflicted.
fn one(store: &Store, shape: &Shape, first_id: Id, rng: &mut Rng) -> Option<Transaction> {
    let mut real = store.transaction_with(shape.isolation);
    let mut recorder = Recorder {
        snapshot: real.version().get(),
        real: &real,
        reads: BTreeMap::new(),
        writes: BTreeMap::new(),
        next_id: first_id,
    };
    for _ in 0..rng.usize(1..=6) {
        recorder.step(shape.keys, rng);
        if rng.u8(..3) == 0 {
            std::thread::yield_now(); // so that transactions overlap on few processors too
        }
    }
    let Recorder { snapshot, reads, writes, .. } = recorder;
    let version = match real.commit() {
        Ok(version) => (!writes.is_empty()).then_some(version.get()),
        Err(error) if error.is_conflict() => return None,
        Err(error) => panic!("{error}"),
    };
    Some(Transaction {
        snapshot,
        version,
        reads: reads.into_values().collect(),
        writes: writes.into_iter().collect(),
    })
}

impl Recorder<'_> {
    fn step(&mut self, keys: Key, rng: &mut Rng) {
        let key = rng.u8(..keys);
        match rng.u8(..9) {
            0..3 => self.read(key),
            3 | 4 => self.scan(key, rng.u8(key..keys), rng),
            5 => self.write(key, false),
            6 => {
                self.read(key);
                self.write(key, true);
            }
            7 => self.write(key, true),
            _ => self.insert_if_absent(key),
        }
    }

    fn read(&mut self, key: Key) {
        let value = self.real.get([key]).unwrap().map(|value| decode(&value));
        self.note(key, value, By::Point);
    }

    /// Notes what a key had, if it was not this transaction that wrote it.
    fn note(&mut self, key: Key, value: Option<Id>, by: By) {
        match self.writes.get(&key) {
            Some(own) => assert_eq!(value, *own, "an own write reads as written"),
            None => {
                let first = self.reads.entry(key).or_insert(Read { key, value, by });
                assert_eq!(first.value, value, "one key reads the same twice");
            }
        }
    }

    /// Reads some rows of a range, from one end or the other, and perhaps to its end.
    fn scan(&mut self, from: Key, to: Key, rng: &mut Rng) {
        let (limit, forward) = (rng.usize(1..=4), rng.bool());
        let mut range = self.real.range([from]..=[to]);
        let mut rows = Vec::new();
        let mut ended = false;
        while rows.len() < limit && !ended {
            match if forward { range.next() } else { range.next_back() } {
                Some(entry) => {
                    let (key, value) = entry.unwrap();
                    rows.push((key[0], decode(&value)));
                }
                None => ended = true,
            }
        }
        drop(range);
        let (mut from, mut to) = (from, to);
        if let (false, Some(&(last, _))) = (ended, rows.last()) {
            *(if forward { &mut to } else { &mut from }) = last;
        }
        let seen: BTreeMap<Key, Id> = rows.into_iter().collect();
        for key in from..=to {
            self.note(key, seen.get(&key).copied(), By::Range);
        }
    }

    fn write(&mut self, key: Key, put: bool) {
        let id = put.then(|| self.id());
        match id {
            Some(id) => self.real.put([key], id.to_be_bytes()).unwrap(),
            None => self.real.delete([key]).unwrap(),
        }
        self.writes.insert(key, id);
    }

    fn insert_if_absent(&mut self, key: Key) {
        let id = self.id();
        let absent = self.real.insert_if_absent([key], id.to_be_bytes()).unwrap();
        match self.writes.get(&key) {
            Some(own) => assert_eq!(absent, own.is_none()),
            None if absent => self.note(key, None, By::Point),
            None => {
                // It says that there is a value, and not which.
                let value = self.real.get_untracked([key]).unwrap().expect("a value");
                self.note(key, Some(decode(&value)), By::Point);
            }
        }
        if absent {
            self.writes.insert(key, Some(id));
        }
    }

    fn id(&mut self) -> Id {
        self.next_id += 1;
        self.next_id
    }
}

fn decode(value: &[u8]) -> Id {
    u64::from_be_bytes(value.try_into().expect("eight bytes"))
}
