//! The thread that gives commits to the parent.

use super::entry::{Entry, Outcome};
use super::group;
use super::journal::Journal;
use super::progress::{End, Progress};
use crate::Version;
use crate::parent::layout;
use crate::parent::{Parent, ParentBatch, ParentError};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Bytes of commits that go into one batch, if there are more: what a batch takes in memory is bounded.
pub const BATCH_BYTES: u64 = 32 << 20;
/// Pauses before another attempt of a parent that has failed.
const PAUSES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(1);
/// How long a chore that cannot be finished waits.
const CHORE_PAUSE: Duration = Duration::from_millis(20);
/// How often an outcome is asked for before the thread sleeps in between.
const PATIENCE: u32 = 64;

/// See the module header of `durable`.
pub struct Persister {
    pub map: epoch_store::Map,
    pub parent: Arc<dyn Parent>,
    pub journal: Arc<Journal>,
    pub progress: Arc<Progress>,
    /// The greatest number of a space whose name the parent has.
    pub named: u32,
    /// The version of the parent.
    pub written: Version,
    /// Entries that were taken and are not durable yet.
    pub held: Vec<Arc<Entry>>,
    /// Bytes of commits in a batch, if there are several.
    pub batch_bytes: u64,
    pub chore: Option<Box<dyn Chore>>,
}

/// What the same thread does besides.
pub trait Chore: Send {
    /// At the beginning.
    fn begin(&mut self);
    /// After each batch.
    fn after_batch(&mut self, map: &epoch_store::Map, parent: &dyn Parent);
    /// After each attempt that failed, before the next.
    fn after_failure(&mut self, map: &epoch_store::Map, parent: &dyn Parent);
    /// After each batch, and some time after it has said that there may be more to do.
    fn work(&mut self, map: &epoch_store::Map, parent: &dyn Parent) -> bool;
}

impl Persister {
    /// Works until it is to end, and all is durable then and the parent closed; or until the parent fails when it is to end at
    /// once.
    pub fn run(mut self) {
        if let Some(chore) = &mut self.chore {
            chore.begin();
        }
        let farewell = Farewell { journal: self.journal.clone(), progress: self.progress.clone() };
        if self.work() {
            self.finish();
        }
        drop(farewell);
    }

    /// Whether all is durable.
    fn work(&mut self) -> bool {
        loop {
            let stop = self.is_to_end();
            let upto = self.gather();
            if !self.persist(upto) {
                return false;
            }
            if self.held.is_empty() && stop {
                // D-4: the last look is behind the word to the writers.
                self.journal.end();
                return self.work_off();
            }
            let has_more = self.chore_works();
            if self.held.is_empty() && self.journal.lie_down() && !self.is_to_end() {
                match has_more {
                    false => thread::park(),
                    true => thread::park_timeout(CHORE_PAUSE),
                }
            }
            self.journal.get_up();
        }
    }

    fn is_to_end(&self) -> bool {
        self.progress.wanted_end() > End::Never
    }

    fn chore_works(&mut self) -> bool {
        let parent = &*self.parent;
        self.chore.as_mut().is_some_and(|chore| chore.work(&self.map, parent))
    }

    /// Makes durable what was pushed before the writers were sent away. Returns false if it cannot.
    fn work_off(&mut self) -> bool {
        loop {
            let upto = self.gather();
            if !self.persist(upto) {
                return false;
            }
            // What is held has a version, so that the next look at the root is behind it.
            if self.held.is_empty() {
                return true;
            }
        }
    }

    /// Takes what was pushed, and waits until it is known what became of it. Returns a version up to which nothing is
    /// missing.
    fn gather(&mut self) -> u64 {
        let first = self.held.len();
        let upto = self.journal.take(|| self.map.version().get(), &mut self.held);
        for entry in &self.held[first..] {
            let mut asked = 0;
            while entry.outcome() == Outcome::Open {
                asked += 1;
                if asked < PATIENCE {
                    thread::yield_now();
                } else {
                    thread::sleep(Duration::from_micros(50));
                }
            }
        }
        let mut refused = 0;
        self.held.retain(|entry| {
            let is_refused = entry.outcome() == Outcome::Refused;
            refused += if is_refused { entry.weight() } else { 0 };
            !is_refused
        });
        if refused > 0 {
            self.journal.release(refused);
        }
        self.held.sort_by_key(|entry| version(entry));
        upto
    }

    /// Makes everything up to a version durable, in batches. Returns false if it cannot and is to stop.
    fn persist(&mut self, upto: u64) -> bool {
        loop {
            let (mut count, mut bytes) = (0, 0);
            for entry in self.held.iter().take_while(|entry| version(entry) <= upto) {
                if count > 0 && bytes + entry.weight() > self.batch_bytes {
                    break;
                }
                count += 1;
                bytes += entry.weight();
            }
            let rest = self.held.get(count).map_or(u64::MAX, |entry| version(entry));
            let is_all = rest > upto;
            let reached = if is_all { upto } else { version(&self.held[count - 1]) };
            if count > 0 && !self.write(count, reached.into()) {
                return false;
            }
            self.held.drain(..count).for_each(|entry| self.journal.recycle(entry));
            // Before anybody is told: who was can read, though the parent had failed.
            if count > 0
                && let Some(chore) = &mut self.chore
            {
                chore.after_batch(&self.map, &*self.parent);
            }
            self.journal.release(bytes);
            self.progress.advance(reached);
            if is_all {
                return true;
            }
        }
    }

    /// Writes the first entries. Returns false if it could not, and is to stop.
    fn write(&mut self, count: usize, version: Version) -> bool {
        self.try_until_done(|persister| persister.try_to_write(count, version))
    }

    /// Tries again until it has succeeded. Returns false if it is to stop before.
    fn try_until_done(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<(), ParentError>,
    ) -> bool {
        let mut pause = *PAUSES.start();
        loop {
            // First: an attempt that was begun after the word to stop is the last one.
            let stop = self.progress.wanted_end() == End::AtOnce;
            self.progress.begin();
            match attempt(self) {
                Ok(()) => return true,
                Err(error) => self.progress.fail(error),
            }
            if stop {
                return false;
            }
            if let Some(chore) = &mut self.chore {
                chore.after_failure(&self.map, &*self.parent);
            }
            self.progress.wait_to_try_again(pause);
            pause = (pause * 2).min(*PAUSES.end());
        }
    }

    fn try_to_write(&mut self, count: usize, version: Version) -> Result<(), ParentError> {
        let entries = self.held[..count].iter().map(|entry| &**entry);
        let last_space = entries.clone().map(Entry::last_space).max().unwrap_or(0);
        let mut batch = group::batch(version, entries, &*self.parent)?;
        self.name_spaces(&mut batch, last_space);
        self.parent.commit(&batch)?;
        self.named = self.named.max(last_space);
        self.written = version;
        Ok(())
    }

    /// Adds the names of all spaces up to one of them that the parent does not have.
    fn name_spaces(&self, batch: &mut ParentBatch, last: u32) {
        if last > self.named {
            for space in self.map.key_spaces().filter(|space| space.id() > self.named) {
                if space.id() <= last {
                    layout::note_space(batch, space.id(), space.name());
                }
            }
        }
    }

    /// Gives the parent the last version, if commits that have changed nothing brought it further, and closes it.
    fn finish(&mut self) {
        let durable = self.progress.durable();
        if self.try_until_done(|persister| persister.try_to_finish(durable)) {
            self.progress.advance(durable.get());
        }
    }

    fn try_to_finish(&mut self, durable: Version) -> Result<(), ParentError> {
        if durable > self.written {
            self.parent.commit(&ParentBatch::new(durable))?;
            self.written = durable;
        }
        self.parent.close()
    }
}

/// Tells everybody that no more is done, also if the parent has panicked.
struct Farewell {
    journal: Arc<Journal>,
    progress: Arc<Progress>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.journal.end();
        self.progress.end();
    }
}

/// Of an entry that is known to be committed.
fn version(entry: &Entry) -> u64 {
    match entry.outcome() {
        Outcome::Committed(version) => version,
        Outcome::Open | Outcome::Refused => unreachable!("only what was committed is held"),
    }
}
