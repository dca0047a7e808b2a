//! A transaction's view, and what it read.

use std::collections::BTreeMap;

use super::store::{LockedStore, Writes, onward};
use super::versions::{Found, Versions};
use crate::blocks::state::{Amount, Entries, State};

/// A value that was read is written by a transaction that has to run first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Which.
    pub on: usize,
}

/// One scan that was made.
#[derive(Debug)]
struct Scanned {
    from: Vec<u8>,
    limit: usize,
    /// What it found, without what the transaction itself had written.
    entries: Entries,
}

/// What a run read, copied.
#[derive(Debug, Default)]
pub struct Reads {
    points: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    scans: Vec<Scanned>,
}

impl Reads {
    /// Whether transaction `index` would read the same now.
    pub fn stand(&self, store: &LockedStore, versions: &Versions, index: usize) -> bool {
        let same = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| match versions.read(key, index) {
            Found::Nothing => store.get(key) == *value,
            Found::Written(now) => now == *value,
            Found::Estimate(_) => false,
        };
        let same_scan = |scan: &Scanned| {
            let now = visible(store, versions, index, &scan.from, scan.limit);
            now.is_ok_and(|now| now == scan.entries)
        };
        self.points.iter().all(same) && self.scans.iter().all(same_scan)
    }
}

/// The first `limit` entries from `from` on as transaction `index` finds them, its own writes left out.
fn visible(
    store: &LockedStore,
    versions: &Versions,
    index: usize,
    from: &[u8],
    limit: usize,
) -> Result<Entries, Stopped> {
    let block = versions.scan(from, index).map_err(|on| Stopped { on })?;
    // Each key of the block may hide one of the store.
    let mut entries = store.scan(from, limit + block.len());
    for (key, value) in block {
        match value {
            Some(value) => entries.insert(key, value),
            None => entries.remove(&key),
        };
    }
    Ok(entries.into_iter().take(limit).collect())
}

/// What one run of a transaction sees and writes.
pub struct View<'a> {
    store: &'a LockedStore,
    versions: &'a Versions,
    index: usize,
    reads: Reads,
    writes: Writes,
}

impl<'a> View<'a> {
    /// The view of transaction `index`.
    pub fn new(store: &'a LockedStore, versions: &'a Versions, index: usize) -> View<'a> {
        View { store, versions, index, reads: Reads::default(), writes: Writes::new() }
    }

    /// What it read, and what it wrote.
    pub fn into_parts(self) -> (Reads, Writes) {
        (self.reads, self.writes)
    }

    fn read(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Stopped> {
        if !self.reads.points.contains_key(key) {
            let value = match self.versions.read(key, self.index) {
                Found::Nothing => self.store.get(key),
                Found::Written(value) => value,
                Found::Estimate(on) => return Err(Stopped { on }),
            };
            self.reads.points.insert(key.to_vec(), value);
        }
        Ok(self.reads.points[key].as_deref())
    }
}

impl State for View<'_> {
    type Stop = Stopped;

    fn get(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Stopped> {
        if self.writes.contains_key(key) {
            return Ok(self.writes[key].as_deref());
        }
        self.read(key)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Stopped> {
        self.writes.insert(key.to_vec(), Some(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Stopped> {
        self.writes.insert(key.to_vec(), None);
        Ok(())
    }

    /// A read and a write: the design knows no additions.
    fn add(&mut self, key: &[u8], amount: &Amount) -> Result<(), Stopped> {
        let mut sum = Vec::new();
        amount.apply(self.get(key)?, &mut sum);
        self.put(key, &sum)
    }

    fn scan(
        &mut self,
        from: &[u8],
        limit: usize,
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Stopped> {
        let own = self.writes.range::<[u8], _>(onward(from));
        // Own deletions hide entries: so many more are needed.
        let reach = limit + own.clone().count();
        let found = visible(self.store, self.versions, self.index, from, reach)?;
        let mut entries: BTreeMap<&[u8], &[u8]> =
            found.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        for (key, value) in own {
            match value {
                Some(value) => entries.insert(key, value),
                None => entries.remove(&key[..]),
            };
        }
        entries.into_iter().take(limit).for_each(|(key, value)| each(key, value));
        self.reads.scans.push(Scanned { from: from.to_vec(), limit: reach, entries: found });
        Ok(())
    }
}
