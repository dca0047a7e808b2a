//! Who does what next: two counters, and a status under a lock for each transaction (the collaborative scheduler of Gelashvili
//! et al., "Block-STM", PPoPP 2023, written from its description).

use std::mem::take;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Run a transaction.
    Execute {
        /// Which.
        index: usize,
        /// For the how-manieth time, counted from 0.
        run: u32,
    },
    /// See whether what it read still stands.
    Validate {
        /// Which.
        index: usize,
        /// The run that read it.
        run: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Ready,
    Executing,
    Executed,
    Aborting,
}

#[derive(Clone, Copy, Debug)]
struct Status {
    phase: Phase,
    run: u32,
}

/// The state of a block's execution. Its counters are all `SeqCst`: what is done is decided by comparing several of them.
#[derive(Debug)]
pub struct Scheduler {
    execution: AtomicUsize,
    validation: AtomicUsize,
    /// How often one of the two was lowered.
    lowered: AtomicUsize,
    /// Tasks that were handed out and may make more.
    active: AtomicUsize,
    is_done: AtomicBool,
    status: Vec<Mutex<Status>>,
    /// Who waits for each transaction.
    waiting: Vec<Mutex<Vec<usize>>>,
}

impl Scheduler {
    /// Nothing has run.
    pub fn new(transactions: usize) -> Scheduler {
        let ready = Status { phase: Phase::Ready, run: 0 };
        Scheduler {
            execution: AtomicUsize::new(0),
            validation: AtomicUsize::new(0),
            lowered: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
            is_done: AtomicBool::new(transactions == 0),
            status: (0..transactions).map(|_| Mutex::new(ready)).collect(),
            waiting: (0..transactions).map(|_| Mutex::default()).collect(),
        }
    }

    fn status(&self, index: usize) -> std::sync::MutexGuard<'_, Status> {
        self.status[index].lock().expect("nothing panics under this lock")
    }

    /// Whether every transaction is executed and validated.
    pub fn is_done(&self) -> bool {
        self.is_done.load(SeqCst)
    }

    /// The next task, the lowest index first; `None` where there is none right now.
    pub fn next(&self) -> Option<Task> {
        if self.validation.load(SeqCst) < self.execution.load(SeqCst) {
            self.next_validation()
        } else {
            self.next_execution()
        }
    }

    fn next_execution(&self) -> Option<Task> {
        if self.execution.load(SeqCst) >= self.status.len() {
            self.look_for_end();
            return None;
        }
        self.active.fetch_add(1, SeqCst);
        let index = self.execution.fetch_add(1, SeqCst);
        self.begin(index).or_else(|| self.leave())
    }

    fn next_validation(&self) -> Option<Task> {
        if self.validation.load(SeqCst) >= self.status.len() {
            self.look_for_end();
            return None;
        }
        self.active.fetch_add(1, SeqCst);
        let index = self.validation.fetch_add(1, SeqCst);
        if index < self.status.len() {
            let status = *self.status(index);
            if status.phase == Phase::Executed {
                return Some(Task::Validate { index, run: status.run });
            }
        }
        self.leave()
    }

    fn leave(&self) -> Option<Task> {
        self.active.fetch_sub(1, SeqCst);
        None
    }

    fn begin(&self, index: usize) -> Option<Task> {
        if index >= self.status.len() {
            return None;
        }
        let mut status = self.status(index);
        if status.phase != Phase::Ready {
            return None;
        }
        status.phase = Phase::Executing;
        Some(Task::Execute { index, run: status.run })
    }

    fn look_for_end(&self) {
        let lowered = self.lowered.load(SeqCst);
        let reached = self.execution.load(SeqCst).min(self.validation.load(SeqCst));
        if reached >= self.status.len()
            && self.active.load(SeqCst) == 0
            && lowered == self.lowered.load(SeqCst)
        {
            self.is_done.store(true, SeqCst);
        }
    }

    fn lower(&self, counter: &AtomicUsize, to: usize) {
        counter.fetch_min(to, SeqCst);
        self.lowered.fetch_add(1, SeqCst);
    }

    /// Transaction `index` met a value that `on` has to write first. Whether it waits; otherwise the value is there by now.
    pub fn wait_for(&self, index: usize, on: usize) -> bool {
        let mut waiting = self.waiting[on].lock().expect("nothing panics under this lock");
        if self.status(on).phase == Phase::Executed {
            return false;
        }
        self.status(index).phase = Phase::Aborting;
        waiting.push(index);
        drop(waiting);
        self.leave();
        true
    }

    fn set_ready(&self, index: usize) {
        let mut status = self.status(index);
        *status = Status { phase: Phase::Ready, run: status.run + 1 };
    }

    /// Run `run` of transaction `index` ended and is published. What its worker goes on with.
    pub fn executed(&self, index: usize, run: u32, is_wider: bool) -> Option<Task> {
        self.status(index).phase = Phase::Executed;
        let waiting = take(&mut *self.waiting[index].lock().expect("nothing panics under it"));
        for &other in &waiting {
            self.set_ready(other);
        }
        if let Some(lowest) = waiting.into_iter().min() {
            self.lower(&self.execution, lowest);
        }
        if self.validation.load(SeqCst) > index {
            if !is_wider {
                return Some(Task::Validate { index, run });
            }
            self.lower(&self.validation, index);
        }
        self.leave()
    }

    /// Calls off run `run` of transaction `index`, if nobody else did.
    pub fn abort(&self, index: usize, run: u32) -> bool {
        let mut status = self.status(index);
        let is_mine = status.phase == Phase::Executed && status.run == run;
        if is_mine {
            status.phase = Phase::Aborting;
        }
        is_mine
    }

    /// The validation of transaction `index` ended. What its worker goes on with.
    pub fn validated(&self, index: usize, is_aborted: bool) -> Option<Task> {
        if is_aborted {
            self.set_ready(index);
            self.lower(&self.validation, index + 1);
            if self.execution.load(SeqCst) > index {
                let task = self.begin(index);
                if task.is_some() {
                    return task;
                }
            }
        }
        self.leave()
    }
}
