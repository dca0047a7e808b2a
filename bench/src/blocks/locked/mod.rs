//! An executor as chains have it, for comparison: a store behind one lock, a multi-version store with a lock for each key, and a
//! scheduler that counts under locks.
//!
//! A rendering in the spirit of the design that the project starts from: the store is a `RwLock<BTreeMap>` of which a scan copies
//! its range before it looks at it; versions of a block lie in a `RwLock<BTreeMap>` per key, found through another one; reads
//! are remembered with copies of keys and values and validated by value; who reads what is not there yet waits for its writer. It executes
//! right, absent and empty told apart and phantoms found, which the original did not always.

mod scheduler;
mod store;
pub mod versions;
pub mod view;

use std::sync::Mutex;
use std::thread;

pub use store::LockedStore;

use super::program::Job;
use scheduler::{Scheduler, Task};
use versions::Versions;
use view::{Reads, Stopped, View};

/// What executing a block took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// Runs of transactions, the ones in vain too.
    pub executions: u64,
    /// Validations.
    pub validations: u64,
    /// Runs that ended at a value that was not there yet.
    pub blocked: u64,
    /// Runs whose reads did not stand.
    pub stale: u64,
}

/// What a transaction left when it last ran.
struct Slot<Out> {
    reads: Reads,
    out: Option<Out>,
}

/// Executes `job` on `store` with so many threads (at least one), and applies what it wrote. Returns what each transaction said.
pub fn execute<J: Job>(store: &LockedStore, job: &J, threads: usize) -> (Vec<J::Out>, Runs) {
    let transactions = job.transactions();
    let versions = Versions::default();
    let scheduler = Scheduler::new(transactions);
    let slots: Vec<Mutex<Slot<J::Out>>> = (0..transactions)
        .map(|_| Mutex::new(Slot { reads: Reads::default(), out: None }))
        .collect();
    let worker = Worker { store, job, versions: &versions, scheduler: &scheduler, slots: &slots };
    let runs = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| worker.work())).collect();
        let own = worker.work();
        others.into_iter().fold(own, |sum, other| {
            sum.plus(other.join().expect("a worker of the locked baseline died"))
        })
    });
    store.apply(versions.last());
    let outs = slots.into_iter().map(|slot| {
        let slot = slot.into_inner().expect("no worker died");
        slot.out.expect("every transaction ran")
    });
    (outs.collect(), runs)
}

impl Runs {
    /// Both together.
    pub fn plus(self, other: Runs) -> Runs {
        Runs {
            executions: self.executions + other.executions,
            validations: self.validations + other.validations,
            blocked: self.blocked + other.blocked,
            stale: self.stale + other.stale,
        }
    }
}

struct Worker<'a, J: Job> {
    store: &'a LockedStore,
    job: &'a J,
    versions: &'a Versions,
    scheduler: &'a Scheduler,
    slots: &'a [Mutex<Slot<J::Out>>],
}

impl<J: Job> Worker<'_, J> {
    fn work(&self) -> Runs {
        let mut runs = Runs::default();
        let mut task = None;
        loop {
            task = match task.or_else(|| self.scheduler.next()) {
                Some(Task::Execute { index, run }) => self.execute(index, run, &mut runs),
                Some(Task::Validate { index, run }) => self.validate(index, run, &mut runs),
                None if self.scheduler.is_done() => return runs,
                None => {
                    // More threads than cores: the one with work may be waiting for this core.
                    thread::yield_now();
                    None
                }
            };
        }
    }

    fn execute(&self, index: usize, run: u32, runs: &mut Runs) -> Option<Task> {
        loop {
            runs.executions += 1;
            let mut view = View::new(self.store, self.versions, index);
            match self.job.run(index, &mut view) {
                Ok(out) => {
                    let (reads, writes) = view.into_parts();
                    *self.slots[index].lock().expect("no worker died") =
                        Slot { reads, out: Some(out) };
                    let is_wider = self.versions.publish(index, run, writes);
                    return self.scheduler.executed(index, run, is_wider);
                }
                Err(Stopped { on }) => {
                    runs.blocked += 1;
                    if self.scheduler.wait_for(index, on) {
                        return None;
                    }
                    // It was there by then: once more.
                }
            }
        }
    }

    fn validate(&self, index: usize, run: u32, runs: &mut Runs) -> Option<Task> {
        runs.validations += 1;
        let stands = {
            let slot = self.slots[index].lock().expect("no worker died");
            slot.reads.stand(self.store, self.versions, index)
        };
        let is_aborted = !stands && self.scheduler.abort(index, run);
        if is_aborted {
            runs.stale += 1;
            self.versions.mark(index);
        }
        self.scheduler.validated(index, is_aborted)
    }
}

#[cfg(test)]
mod tests;
