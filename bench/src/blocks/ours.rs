//! The engine's executor. (Provisional: over an overlay, one transaction after the other.)

use std::time::{Duration, Instant};

use engine::{Error, Overlay, Store};

use super::contender::{Contender, Done, Entries, Figures};
use super::program::Job;
use super::state::{Amount, State};

/// How the engine is to execute.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Threads.
    pub workers: usize,
    /// Whether it is told what transactions name openly.
    pub is_hinted: bool,
}

/// The engine.
pub struct Ours {
    store: Store,
    #[expect(dead_code)]
    setting: Setting,
    held: Vec<u8>,
}

struct Over<'a>(Overlay, &'a mut Vec<u8>);

impl State for Over<'_> {
    type Stop = Error;
    fn get(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Error> {
        match self.0.get(key)? {
            Some(value) => {
                self.1.clear();
                self.1.extend_from_slice(&value);
                Ok(Some(self.1))
            }
            None => Ok(None),
        }
    }
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.0.put(key, value)
    }
    fn delete(&mut self, key: &[u8]) -> Result<(), Error> {
        self.0.delete(key)
    }
    fn add(&mut self, key: &[u8], amount: &Amount) -> Result<(), Error> {
        let mut out = vec![];
        amount.apply(self.0.get(key)?.as_deref(), &mut out);
        self.0.put(key, &out)
    }
    fn scan(
        &mut self,
        from: &[u8],
        limit: usize,
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Error> {
        for entry in self.0.range(from..).take(limit) {
            let (key, value) = entry?;
            each(&key, &value);
        }
        Ok(())
    }
}

impl Ours {
    /// An executor over an empty store.
    pub fn new(setting: Setting) -> Ours {
        Ours { store: Store::in_memory(), setting, held: vec![] }
    }

    /// Begins anew, with a store that holds these entries.
    pub fn load(&mut self, base: &[(Vec<u8>, Vec<u8>)]) -> Result<(), String> {
        self.store = Store::in_memory();
        base.iter()
            .try_for_each(|(key, value)| self.store.put(key, value).map(|_| ()))
            .map_err(|error| error.to_string())
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

impl Contender for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn execute<J: Job>(&mut self, job: &J) -> Result<Done<J::Out>, String> {
        let begin = Instant::now();
        let mut over = Over(self.store.overlay(), &mut self.held);
        let outs: Result<Vec<_>, _> =
            (0..job.transactions()).map(|index| job.run(index, &mut over)).collect();
        let outs = outs.map_err(|error| error.to_string())?;
        over.0.flush().map_err(|error| error.to_string())?;
        let took = begin.elapsed();
        let count = outs.len() as u64;
        Ok(Done {
            outs,
            took,
            figures: Figures {
                transactions: count,
                executions: count,
                most_runs: 1,
                seal: Duration::ZERO,
                ..Figures::default()
            },
        })
    }

    fn entries(&self) -> Entries {
        self.store
            .snapshot()
            .iter()
            .map(|entry| {
                entry.map(|(key, value)| (key.to_vec(), value.to_vec())).expect("in memory")
            })
            .collect()
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.store.stats().bytes as u64)
    }
}
