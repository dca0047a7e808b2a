//! Running threads against a map, and writing down what they do and see.

use super::{Commit, History, Id, Key, Order, Origin, Read, Scan, Span, UNREADABLE, View};
use epoch_store::{Map, Snapshot, WriteBatch};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a run looks like.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub threads: usize,
    /// Calls per thread, about.
    pub calls: usize,
    /// Keys are below this.
    pub keys: Key,
    /// One scan in so many covers all keys.
    pub full_scan_every: u32,
    pub seed: u64,
}

/// Snapshots that a thread holds at a time.
const HELD: usize = 4;

/// Runs `shape` against `map`, which is as `origin` says, and returns what happened.
pub fn run(map: &Map, shape: Shape, origin: Origin) -> History {
    let clock = AtomicU64::new(1);
    let start = Barrier::new(shape.threads);
    let parts: Vec<(Vec<Commit>, Vec<View>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..shape.threads)
            .map(|number| {
                let (clock, start, map) = (&clock, &start, map.clone());
                scope.spawn(move || {
                    let mut recorder = Recorder::new(map, clock, shape, number);
                    start.wait();
                    recorder.run()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a recording thread ends")).collect()
    });
    let mut history = History { origin, ..History::default() };
    for (commits, views) in parts {
        history.commits.extend(commits);
        history.views.extend(views);
    }
    history
}

/// A key's bytes: in the order of the numbers, of different lengths, with a long common prefix.
pub fn key_bytes(key: Key) -> Vec<u8> {
    let mut bytes = format!("account/{key:06}").into_bytes();
    bytes.resize(bytes.len() + key as usize % 13, b'~');
    bytes
}

fn key_of(bytes: &[u8]) -> Key {
    let digits = std::str::from_utf8(&bytes[8..14]).expect("a key of this test");
    digits.parse().expect("a key of this test")
}

/// A value says who wrote it and where; its length varies.
fn value_bytes(key: Key, id: Id) -> Vec<u8> {
    let mut bytes = id.to_le_bytes().to_vec();
    bytes.extend(key.to_le_bytes());
    bytes.resize(bytes.len() + (id % 37) as usize, id as u8);
    bytes
}

fn id_of(key: Key, bytes: &[u8]) -> Id {
    let Some((id, rest)) = bytes.split_first_chunk() else { return UNREADABLE };
    let id = Id::from_le_bytes(*id);
    if bytes == value_bytes(key, id) && rest.len() >= 4 { id } else { UNREADABLE }
}

struct Recorder<'a> {
    map: Map,
    clock: &'a AtomicU64,
    shape: Shape,
    rng: fastrand::Rng,
    next_id: Id,
    held: Vec<(Snapshot, View)>,
    commits: Vec<Commit>,
    views: Vec<View>,
    /// Where the last batch wrote: reads like to look there.
    lately: Key,
}

impl<'a> Recorder<'a> {
    fn new(map: Map, clock: &'a AtomicU64, shape: Shape, number: usize) -> Self {
        let seed = shape.seed.wrapping_mul(31).wrapping_add(number as u64);
        Self {
            map,
            clock,
            shape,
            rng: fastrand::Rng::with_seed(seed),
            next_id: ((shape.seed & 0xFFFF) << 48) | ((number as u64) << 40),
            held: Vec::new(),
            commits: Vec::new(),
            views: Vec::new(),
            lately: 0,
        }
    }

    fn run(&mut self) -> (Vec<Commit>, Vec<View>) {
        for _ in 0..self.shape.calls {
            match self.rng.u32(0..100) {
                0..20 => self.write(1),
                20..40 => {
                    let len = self.rng.u32(2..=8);
                    self.write(len);
                }
                40..60 => self.open(),
                60..66 => self.close(),
                66..80 => self.get(),
                80..88 => self.get_many(),
                _ => self.scan(),
            }
        }
        while !self.held.is_empty() {
            self.close();
        }
        (std::mem::take(&mut self.commits), std::mem::take(&mut self.views))
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn any_key(&mut self) -> Key {
        self.rng.u32(0..self.shape.keys)
    }

    /// One commit of `len` writes to neighbouring keys; small ones also without a batch.
    fn write(&mut self, len: u32) {
        self.next_id += 1;
        let (id, first) = (self.next_id, self.any_key());
        self.lately = first;
        let keys = (0..len).map(|i| (first + i * 3) % self.shape.keys);
        let writes: Vec<(Key, Option<Id>)> =
            keys.map(|key| (key, (self.rng.u32(0..4) > 0).then_some(id))).collect();
        let mut batch = WriteBatch::new();
        for &(key, id) in &writes {
            match id {
                Some(id) => batch.put(key_bytes(key), value_bytes(key, id)),
                None => batch.delete(key_bytes(key)),
            };
        }
        let asked = self.tick();
        let version = match writes[..] {
            [(key, Some(id))] if id % 2 == 0 => self.map.put(key_bytes(key), value_bytes(key, id)),
            [(key, None)] => self.map.delete(key_bytes(key)),
            _ => self.map.commit(&batch),
        };
        let span = Span { asked, returned: self.tick() };
        let version = version.expect("a commit within the limits").get();
        // Small key spaces wrap around: the last write to a key counts.
        let last = |at: usize| !writes[at + 1..].iter().any(|later| later.0 == writes[at].0);
        let writes = (0..writes.len()).filter(|&at| last(at)).map(|at| writes[at]).collect();
        self.commits.push(Commit { span, version, writes });
    }

    fn open(&mut self) {
        if self.held.len() >= HELD {
            self.close();
        }
        let asked = self.tick();
        let snapshot = self.map.snapshot();
        let span = Span { asked, returned: self.tick() };
        let view = View { span, version: snapshot.version().get(), reads: Vec::new() };
        self.held.push((snapshot, view));
    }

    /// Closes any of the held snapshots: lives of very different lengths.
    fn close(&mut self) {
        if !self.held.is_empty() {
            let (snapshot, view) = self.held.swap_remove(self.rng.usize(0..self.held.len()));
            drop(snapshot);
            self.views.push(view);
        }
    }

    fn with_view(&mut self, read: impl FnOnce(&Snapshot, &mut Vec<Read>)) {
        if self.held.is_empty() {
            self.open();
        }
        let at = self.rng.usize(0..self.held.len());
        let (snapshot, view) = &mut self.held[at];
        read(snapshot, &mut view.reads);
    }

    fn get(&mut self) {
        let key = if self.rng.bool() { self.lately } else { self.any_key() };
        self.with_view(|snapshot, reads| {
            let found = snapshot.get(key_bytes(key)).map(|value| id_of(key, &value));
            reads.push(Read::Get { key, found });
        });
    }

    fn get_many(&mut self) {
        let first = if self.rng.bool() { self.lately } else { self.any_key() };
        let len = self.rng.u32(2..24);
        let keys: Vec<Key> = (0..len).map(|i| (first + i * 3) % self.shape.keys).collect();
        self.with_view(|snapshot, reads| {
            let bytes: Vec<_> = keys.iter().map(|&key| key_bytes(key)).collect();
            let values = snapshot.get_many(&bytes);
            assert_eq!(values.len(), keys.len(), "one answer per key");
            reads.extend(keys.iter().zip(values).map(|(&key, value)| Read::Get {
                key,
                found: value.map(|value| id_of(key, &value)),
            }));
        });
    }

    fn scan(&mut self) {
        let all = self.rng.u32(0..self.shape.full_scan_every) == 0;
        let from = if all { 0 } else { self.any_key() };
        let width = self.rng.u32(0..80);
        let to = if all { self.shape.keys } else { (from + width).min(self.shape.keys) };
        let order = match self.rng.u32(0..5) {
            0..2 => Order::Forward,
            2..4 => Order::Backward,
            _ => Order::BothEnds,
        };
        let limit = match order {
            Order::BothEnds => usize::MAX,
            _ if self.rng.bool() => self.rng.usize(1..40),
            _ => usize::MAX,
        };
        self.with_view(|snapshot, reads| {
            let rows = scan(snapshot, (!all).then_some((from, to)), order, limit);
            reads.push(Read::Scan(Scan { from, to, order, limit, rows }));
        });
    }
}

fn scan(
    snapshot: &Snapshot,
    bounds: Option<(Key, Key)>,
    order: Order,
    limit: usize,
) -> Vec<(Key, Id)> {
    let mut range = match bounds {
        None => snapshot.iter(),
        Some((from, to)) => snapshot.range(key_bytes(from)..key_bytes(to)),
    };
    let row = |(key, value): (epoch_store::Key<'_>, epoch_store::Value<'_>)| {
        let key = key_of(&key);
        (key, id_of(key, &value))
    };
    match order {
        Order::Forward => range.take(limit).map(row).collect(),
        Order::Backward => range.rev().take(limit).map(row).collect(),
        Order::BothEnds => {
            let (mut front, mut back) = (Vec::new(), Vec::new());
            while let Some(first) = range.next() {
                front.push(row(first));
                back.extend(range.next_back().map(row));
            }
            front.extend(back.into_iter().rev());
            front
        }
    }
}
