//! `epoch_store::Map`: ours.

use epoch_store::{Error, Map, ReadSet, Snapshot, WriteBatch};

use super::{Contender, Frictions, Snapshots, View, Writer};
use crate::workload::Value;

/// The map.
pub struct Ours {
    map: Map,
}

impl Ours {
    /// What is measured, for what only some programs ask.
    pub fn map(&self) -> &Map {
        &self.map
    }
}

impl Contender for Ours {
    const SNAPSHOTS: Snapshots = Snapshots::Versioned;
    const ATOMIC_COMMITS: bool = true;
    const UPDATES: bool = true;

    type View<'a> = Snapshot;
    type Writer<'a> = OursWriter<'a>;
    type Shared = Ours;

    fn empty() -> Self {
        Ours { map: Map::new() }
    }

    #[inline]
    fn view(&self) -> Snapshot {
        self.map.snapshot()
    }

    fn writer(&self) -> OursWriter<'_> {
        OursWriter { map: &self.map, batch: WriteBatch::new() }
    }

    #[inline]
    fn get_newest<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.map.snapshot().get(key).map(|value| see(&value))
    }

    fn shared(&self) -> Option<&Self> {
        Some(self)
    }

    fn settle(&self) {
        self.map.maintain();
    }

    fn frictions(&self) -> Option<Frictions> {
        let stats = self.map.stats();
        Some(Frictions {
            cas_failures: stats.cas_failures,
            helped: stats.helped,
            refused: stats.refused,
        })
    }

    fn longest_chain(&self, _key: &[u8]) -> Option<u64> {
        Some(self.map.survey().longest_chain)
    }
}

/// A writer that fills one batch again and again, as a thread that commits in a loop would.
pub struct OursWriter<'a> {
    map: &'a Map,
    batch: WriteBatch,
}

impl Writer for OursWriter<'_> {
    #[inline]
    fn put(&mut self, key: &[u8], value: &Value) {
        expect(self.map.put(key, value));
    }

    fn commit<'k>(&mut self, ops: impl Iterator<Item = (&'k [u8], Value)> + Clone) {
        self.batch.clear();
        for (key, value) in ops {
            self.batch.put(key, value);
        }
        expect(self.map.commit(&self.batch));
    }

    /// As `engine::Store::update` does it, but without its turns for those that lose again and again.
    fn update(&mut self, key: &[u8], mut change: impl FnMut(&[u8]) -> Value) -> u64 {
        let mut in_vain = 0;
        loop {
            let snapshot = self.map.snapshot();
            let old = snapshot.get(key).expect("only keys that are there are updated");
            self.batch.clear();
            self.batch.put(key, change(&old));
            let mut reads = ReadSet::at(&snapshot);
            match self.map.commit_if(&self.batch, reads.key(key)) {
                Err(Error::Conflict(_)) => in_vain += 1,
                done => {
                    expect(done);
                    return in_vain;
                }
            }
        }
    }
}

impl View for Snapshot {
    #[inline]
    fn get<R>(&self, key: &[u8], see: impl FnOnce(&[u8]) -> R) -> Option<R> {
        Snapshot::get(self, key).map(|value| see(&value))
    }

    #[inline]
    fn get_many<const N: usize>(
        &self,
        keys: &[&[u8]; N],
        mut see: impl FnMut(usize, &[u8]),
    ) -> usize {
        let mut hits = 0;
        for (index, value) in Snapshot::get_many(self, keys).into_iter().enumerate() {
            if let Some(value) = value {
                see(index, &value);
                hits += 1;
            }
        }
        hits
    }

    fn scan(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.iter() {
            see(&key, &value);
        }
    }

    fn scan_back(&self, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in self.iter().rev() {
            see(&key, &value);
        }
    }

    #[inline]
    fn range(&self, from: &[u8], limit: usize, mut see: impl FnMut(&[u8], &[u8])) {
        for (key, value) in Snapshot::range(self, from..).take(limit) {
            see(&key, &value);
        }
    }
}

/// The harness writes within every limit, so a refusal means that the measurement is void.
fn expect<T>(outcome: Result<T, Error>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("epoch-store refused a call: {error}"),
    }
}
