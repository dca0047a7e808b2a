//! The operations that are counted.

use std::hint::black_box;

use clap::ValueEnum;
use epoch_store::{Map, WriteBatch};

use crate::workload::{Case, FRESH, Stream, value};

/// Keys in the map: enough for a sorted list of some hundred leaves, few enough for valgrind.
const KEYS: u64 = 20_000;

/// Requests drawn, always as many.
const REQUESTS: usize = 20_000;

/// Keys of a `get_many`.
const MANY: usize = 16;

/// Keys of a commit.
const BATCH: usize = 100;

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Row {
    /// A get in a held snapshot
    Get,
    /// A `get_many` of 16 keys, per key
    GetMany,
    /// An overwrite of one key: a commit
    Overwrite,
    /// An insert of one new key: a commit
    Insert,
    /// A full scan, per entry
    Scan,
    /// A commit of 100 keys
    Commit,
}

impl Row {
    /// All of them.
    pub const ALL: [Row; 6] =
        [Row::Get, Row::GetMany, Row::Overwrite, Row::Insert, Row::Scan, Row::Commit];

    /// The name on the command line and in the baseline.
    pub fn name(self) -> &'static str {
        match self {
            Row::Get => "get",
            Row::GetMany => "get-many",
            Row::Overwrite => "overwrite",
            Row::Insert => "insert",
            Row::Scan => "scan",
            Row::Commit => "commit",
        }
    }

    /// What the count is per.
    pub fn unit(self) -> &'static str {
        match self {
            Row::Get => "get",
            Row::GetMany => "key of 16",
            Row::Overwrite | Row::Insert => "one-key commit",
            Row::Scan => "entry",
            Row::Commit => "commit of 100 keys",
        }
    }

    /// Units that one operation is.
    pub fn units(self) -> u64 {
        match self {
            Row::GetMany => MANY as u64,
            Row::Scan => KEYS,
            Row::Get | Row::Overwrite | Row::Insert | Row::Commit => 1,
        }
    }

    /// How often it is done while instructions are counted.
    pub fn operations(self) -> u64 {
        match self {
            Row::Get | Row::Overwrite | Row::Insert => 15_000,
            Row::GetMany => 1_000,
            Row::Scan => 5,
            Row::Commit => 150,
        }
    }

    /// Loads a map, draws requests, and does so many operations.
    ///
    /// # Panics
    ///
    /// Where the map refuses a write or answers wrongly: the count would be of something else.
    pub fn perform(self, operations: u64) {
        let map = loaded();
        let mut rng = fastrand::Rng::with_seed(1);
        let numbers = (0..REQUESTS).map(|_| rng.u64(0..KEYS));
        let uniform = Stream::of(Case::Prefix, numbers);
        let fresh = Stream::of(Case::Prefix, FRESH..FRESH + REQUESTS as u64);
        self.counted(&map, &uniform, &fresh, operations);
    }

    /// Valgrind counts what happens in here, by this name: `COUNTED` in `counter.rs`.
    #[inline(never)]
    fn counted(self, map: &Map, uniform: &Stream, fresh: &Stream, operations: u64) {
        match self {
            Row::Get => gets(map, uniform, operations),
            Row::GetMany => get_manys(map, uniform, operations),
            Row::Overwrite => puts(map, uniform, operations),
            Row::Insert => puts(map, fresh, operations),
            Row::Scan => scans(map, operations),
            Row::Commit => commits(map, uniform, operations),
        }
    }
}

/// A map of all keys, loaded in random order.
fn loaded() -> Map {
    let (map, order) = (Map::new(), Stream::of(Case::Prefix, 0..KEYS));
    let mut walk = order.walk(0);
    for batch in 0..KEYS as usize / BATCH {
        commit(&map, &mut WriteBatch::new(), walk.ops(BATCH, batch as u64));
        walk.advance(BATCH);
    }
    map
}

fn commit<'k>(
    map: &Map,
    batch: &mut WriteBatch,
    ops: impl Iterator<Item = (&'k [u8], value::Value)>,
) {
    batch.clear();
    for (key, value) in ops {
        batch.put(key, value);
    }
    map.commit(batch).expect("within every limit");
}

fn gets(map: &Map, stream: &Stream, operations: u64) {
    let (snapshot, mut walk) = (map.snapshot(), stream.walk(0));
    for _ in 0..operations {
        let key = walk.step();
        let held = snapshot.get(key).expect("every key was loaded");
        assert!(value::belongs(key, &held));
    }
}

fn get_manys(map: &Map, stream: &Stream, operations: u64) {
    let (snapshot, mut walk) = (map.snapshot(), stream.walk(0));
    for _ in 0..operations {
        let keys = walk.steps::<MANY>();
        let found = snapshot.get_many(&keys).into_iter().flatten();
        assert_eq!(found.zip(keys).filter(|(held, key)| value::belongs(key, held)).count(), MANY);
    }
}

fn puts(map: &Map, stream: &Stream, operations: u64) {
    let mut walk = stream.walk(0);
    for sequence in 0..operations {
        let key = walk.step();
        map.put(key, value::make(key, sequence)).expect("within every limit");
    }
}

fn scans(map: &Map, operations: u64) {
    let snapshot = map.snapshot();
    for _ in 0..operations {
        let good = snapshot.iter().filter(|(key, held)| value::belongs(key, held)).count();
        assert_eq!(black_box(good) as u64, KEYS);
    }
}

fn commits(map: &Map, stream: &Stream, operations: u64) {
    let (mut batch, mut walk) = (WriteBatch::new(), stream.walk(0));
    for sequence in 0..operations {
        commit(map, &mut batch, walk.ops(BATCH, sequence));
        walk.advance(BATCH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_does_what_it_says() {
        for row in Row::ALL {
            assert_eq!(Row::from_str(row.name(), false), Ok(row));
            row.perform(2);
        }
    }

    #[test]
    fn more_operations_never_run_out_of_new_keys() {
        assert!(Row::Insert.operations() <= REQUESTS as u64);
    }
}
