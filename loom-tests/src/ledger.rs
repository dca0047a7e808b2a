//! Transactions for the models of the scheduler: each reads what the one before wrote, and writes one more.
//!
//! What transactions publish lies in relaxed atomics: a validation or a final run that the scheduler lets begin too early, or
//! without the edge it needs, reads an old value, and the end is wrong. What a run leaves to the one who finishes it lies in
//! checked cells. Who runs what is noted beside, invisible to loom.

use engine::internals::scheduler::{
    Check, Early, Finish, Kind, Plan, Progress, Ran, Rest, Scheduler, Shape, Tally, Tasks,
};
use epoch_store::internals::sync::{AtomicU32, Ordering, Tracked};
use loom::sync::{Arc, Notify};
use std::sync::Mutex;

/// What is noted about a transaction.
#[derive(Debug, Clone, Copy, Default)]
struct Note {
    runs: u8,
    is_running: bool,
}

/// See the module header.
pub struct Ledger {
    values: Vec<AtomicU32>,
    /// Withdrawn values.
    marks: Vec<AtomicU32>,
    /// What the latest run has read.
    seen: Vec<AtomicU32>,
    outs: Vec<Tracked<u32>>,
    notes: Mutex<(Vec<Note>, u32)>,
    script: Script,
}

// SAFETY: one thread runs or finishes a transaction at a time, and loom tells of its cells if that is not so.
unsafe impl Sync for Ledger {}

/// What a model varies.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// Transactions.
    pub transactions: u32,
    /// Runs of each.
    pub max_runs: u8,
    /// Places of the window.
    pub window: u16,
    /// Whether who is idle repairs.
    pub early: Early,
    /// This transaction finds its first run stale by itself.
    pub stale: Option<u32>,
    /// The block ends here.
    pub cut: Option<(u32, Finish)>,
}

impl Default for Script {
    fn default() -> Self {
        let (transactions, max_runs, window, early) = (3, 2, 3, Early::Off);
        Self { transactions, max_runs, window, early, stale: None, cut: None }
    }
}

impl Ledger {
    /// For a model.
    pub fn new(script: Script) -> Self {
        let words = || (0..script.transactions).map(|_| AtomicU32::new(0)).collect::<Vec<_>>();
        Self {
            values: words(),
            marks: words(),
            seen: words(),
            outs: (0..script.transactions).map(|_| Tracked::new(0)).collect(),
            notes: Mutex::new((vec![Note::default(); script.transactions as usize], 0)),
            script,
        }
    }

    /// With no other thread left: that this many are final, and what they should be.
    pub fn check(&self, committed: u32) {
        assert_eq!(self.notes.lock().unwrap().1, committed, "all that are final were finished");
        for (index, value) in self.values[..committed as usize].iter().enumerate() {
            assert_eq!(value.load(Ordering::Relaxed), index as u32 + 1, "as if in order");
        }
    }

    /// How many are finished, by the notes.
    pub fn finished(&self) -> u32 {
        self.notes.lock().unwrap().1
    }

    fn begin(&self, index: u32, run: u8, kind: Kind) {
        let mut notes = self.notes.lock().unwrap();
        let finished = notes.1;
        let window = u32::from(self.script.window);
        let note = &mut notes.0[index as usize];
        assert!(!note.is_running, "{index} is run by two (S-1)");
        note.is_running = true;
        note.runs += 1;
        assert!(note.runs <= self.script.max_runs, "{index} has too many runs (S-7)");
        assert_eq!(note.runs, run, "{index}: runs are counted");
        assert!(index >= finished, "{index} was final");
        assert!(
            kind == Kind::Speculative || index == finished,
            "{index} is not the frontier (S-3)"
        );
        assert!(index < finished + window, "{index} is beyond the window");
    }

    fn end(&self, index: u32) {
        self.notes.lock().unwrap().0[index as usize].is_running = false;
    }
}

impl Tasks for Ledger {
    type Worker = ();

    fn worker(&self, _: usize) {}

    fn run(&self, (): &mut (), index: u32, run: u8, kind: Kind) -> Ran {
        self.begin(index, run, kind);
        let at = index as usize;
        let mut ran = Ran::Done;
        let mut read = 0;
        if let Some(before) = at.checked_sub(1) {
            if kind == Kind::Speculative && self.marks[before].load(Ordering::Relaxed) != 0 {
                ran = Ran::Blocked { on: before as u32 };
            }
            read = self.values[before].load(Ordering::Relaxed);
        }
        if kind == Kind::Speculative && self.script.stale == Some(index) && run == 1 {
            ran = Ran::Retry;
        }
        if ran == Ran::Done {
            self.seen[at].store(read, Ordering::Relaxed);
            self.values[at].store(read + 1, Ordering::Relaxed);
            if run > 1 {
                self.marks[at].store(0, Ordering::Relaxed);
            }
        }
        // Also by a run that is withdrawn: the next one has to be ordered behind it.
        // SAFETY: one run at a time: loom tells if it is not so.
        unsafe { self.outs[at].set(read + 1) };
        self.end(index);
        ran
    }

    fn validate(&self, (): &mut (), index: u32) -> Check {
        let at = index as usize;
        let Some(before) = at.checked_sub(1) else { return Check::Valid };
        let is_marked = self.marks[before].load(Ordering::Relaxed) != 0;
        let is_at_frontier = self.notes.lock().unwrap().1 == index;
        assert!(!(is_marked && is_at_frontier), "a mark on what is final (S-8)");
        if is_marked {
            return Check::Pending { on: before as u32 };
        }
        let (now, then) = (&self.values[before], &self.seen[at]);
        if now.load(Ordering::Relaxed) == then.load(Ordering::Relaxed) {
            Check::Valid
        } else {
            Check::Stale { on: Some(before as u32) }
        }
    }

    fn estimate(&self, index: u32) {
        self.marks[index as usize].store(1, Ordering::Relaxed);
    }

    fn finish(&self, (): &mut (), index: u32) -> Finish {
        let finish = self.script.cut.filter(|cut| cut.0 == index).map_or(Finish::Go, |cut| cut.1);
        let cut = self.script.cut.map_or(u32::MAX, |cut| cut.0);
        let mut notes = self.notes.lock().unwrap();
        assert!(!notes.0[index as usize].is_running, "{index} is finished while it runs");
        assert_eq!(notes.1, index, "in order, each once (S-2)");
        assert!(index <= cut, "{index} is beyond the end (S-10)");
        if finish != Finish::StopBefore {
            notes.1 = index + 1;
        }
        drop(notes);
        let mark = self.marks[index as usize].load(Ordering::Relaxed);
        assert_eq!(mark, 0, "{index} is final, and what it wrote is marked as withdrawn (S-8)");
        // SAFETY: nobody runs it: loom tells if it is not so.
        let out = unsafe { self.outs[index as usize].get() };
        assert_eq!(out, index + 1, "{index} has the outcome that it has in order");
        finish
    }
}

/// A bed for each worker.
#[derive(Default)]
pub struct Beds([Notify; 3]);

impl Rest for Beds {
    fn park(&self, me: usize) {
        self.0[me].wait();
    }

    fn wake(&self, who: usize) {
        self.0[who].notify();
    }
}

/// All that the threads of a model share.
pub struct Block {
    /// The scheduler.
    pub scheduler: Scheduler<'static, Ledger>,
    /// Its transactions.
    pub ledger: &'static Ledger,
    /// Its frontier.
    pub progress: &'static Progress,
    /// Where its workers sleep.
    pub beds: Beds,
}

impl Block {
    /// For a model.
    pub fn new(script: Script, workers: usize) -> Arc<Self> {
        // Threads of a model borrow nothing: `check` gives them back.
        let ledger: &Ledger = Box::leak(Box::new(Ledger::new(script)));
        let progress: &Progress = Box::leak(Box::new(Progress::default()));
        let Script { transactions, max_runs, window, early, .. } = script;
        let shape = Shape { window, batch: 1, early };
        let (pace, order) = (None, None);
        let plan = Plan { transactions, workers, max_runs, shape, pace, order, progress };
        let scheduler = Scheduler::new(ledger, plan);
        Arc::new(Self { scheduler, ledger, progress, beds: Beds::default() })
    }

    /// The same with all transactions claimed: for models that say who runs which.
    pub fn claimed(script: Script, workers: usize) -> Arc<Self> {
        let block = Self::new(script, workers);
        block.scheduler.claim_all();
        block
    }

    /// The life of a worker.
    pub fn work(&self, me: usize) {
        self.scheduler.work(me, &self.beds);
    }

    /// A worker that has claimed these indices.
    pub fn run(&self, me: usize, indices: &[u32]) {
        self.scheduler.run_as(me, indices, &self.beds);
    }

    /// A worker with nothing to claim.
    pub fn help(&self, me: usize) {
        self.scheduler.help_as(me, &self.beds);
    }

    /// With no other thread left: that so many are final, and right.
    pub fn check(block: Arc<Self>, committed: u32) -> Tally {
        assert_eq!(block.scheduler.committed(), committed);
        block.ledger.check(committed);
        let Ok(block) = Arc::try_unwrap(block) else { panic!("nobody else is left") };
        let (ledger, progress) = (block.ledger, block.progress);
        let tally = block.scheduler.into_parts().0;
        // SAFETY: leaked by `new`, and the scheduler that borrowed them is gone.
        unsafe {
            drop(Box::from_raw(std::ptr::from_ref(ledger).cast_mut()));
            drop(Box::from_raw(std::ptr::from_ref(progress).cast_mut()));
        }
        tally
    }
}
