//! The word that lets workers into a job, and tells its owner when the last one has left.
//!
//! ```text
//! word:  generation:32 │ OPEN:1 │ QUIT:1 │ entered:30
//! open   generation + 1, OPEN          by the owner, while nobody is in
//! enter  entered + 1, by a CAS that needs OPEN and a generation that this worker has not had
//! leave  entered - 1
//! close  OPEN off; then the owner waits for entered = 0
//! ```
//!
//! *Invariants.* J-1: the job is set only while OPEN is off and `entered` is 0. J-2: a worker reads it only after an `enter`, and
//! not after its `leave`. With the owner's wait in `close`: when that returns, nobody uses the job, and nobody will (S-6 of the
//! executor).
//!
//! *Progress.* Entering and leaving are lock-free. `close` waits for those inside: that is its purpose.
//!
//! *Orderings.*
//! | site | | pairs with |
//! |---|---|---|
//! | `crew-open` (store) | Release | `crew-enter`: the job is seen whole |
//! | `crew-enter` (CAS) | Acquire | `crew-open`; CASes of other workers in between continue its release sequence |
//! | `crew-leave` (subtraction) | Release | `crew-closed`: what a worker did with the job happens before the owner goes on |
//! | `crew-closed` (load) | Acquire | `crew-leave` |
//!
//! *Checked by* `job.rs` in `loom-tests/tests`.

use crate::sync::{AtomicU64, Ordering, Tracked, mutant, ord};

const ENTERED: u64 = (1 << 30) - 1;
const QUIT: u64 = 1 << 30;
const OPEN: u64 = 1 << 31;
const GENERATION: u32 = 32;

/// See the module header. `J` is a pointer to the job.
pub struct Gate<J> {
    word: AtomicU64,
    job: Tracked<Option<J>>,
}

/// What a worker finds at the gate.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry<J> {
    /// It is in, and has to leave.
    In {
        /// The number of the job.
        generation: u32,
        /// The job.
        job: J,
    },
    /// There is nothing to do.
    Nothing,
    /// It is to end.
    Quit,
}

impl<J: Copy> Default for Gate<J> {
    fn default() -> Self {
        Self { word: AtomicU64::new(0), job: Tracked::new(None) }
    }
}

impl<J: Copy> Gate<J> {
    /// Lets workers into a job.
    ///
    /// # Safety
    /// Called by the gate's only owner, the job before having been closed. The job must be good until `close` returns.
    pub unsafe fn open(&self, job: J) {
        let word = self.word.load(Ordering::Relaxed);
        assert!(word & (OPEN | ENTERED) == 0, "the job before is closed, and everybody out");
        // SAFETY: J-1: nobody is in, and nobody comes in before the store below.
        unsafe { self.job.set(Some(job)) };
        let generation = (word >> GENERATION) + 1;
        // Pairs with crew-enter.
        self.word.store((generation << GENERATION) | OPEN, ord!("crew-open", Release));
    }

    /// Goes in, if there is a job that is not the one numbered `last`.
    pub fn enter(&self, last: u32) -> Entry<J> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & QUIT != 0 {
                return Entry::Quit;
            }
            let generation = (word >> GENERATION) as u32;
            let is_open = word & OPEN != 0 || mutant!("crew-enter-closed");
            if !is_open || generation == last {
                return Entry::Nothing;
            }
            // Pairs with crew-open.
            let (win, lose) = (ord!("crew-enter", Acquire), Ordering::Relaxed);
            match self.word.compare_exchange_weak(word, word + 1, win, lose) {
                Ok(_) => {
                    // SAFETY: J-2: this thread is in, so the owner does not set it.
                    let job = unsafe { self.job.get() }.expect("a job is set before it is opened");
                    return Entry::In { generation, job };
                }
                Err(now) => word = now,
            }
        }
    }

    /// Goes out. Whether the owner may be waiting for just that.
    pub fn leave(&self) -> bool {
        // Pairs with crew-closed.
        let before = self.word.fetch_sub(1, ord!("crew-leave", Release));
        assert!(before & ENTERED != 0, "who leaves has entered");
        before & OPEN == 0 && before & ENTERED == 1
    }

    /// Lets nobody in any more, and calls `wait` until everybody has left.
    pub fn close(&self, mut wait: impl FnMut()) {
        self.word.fetch_and(!OPEN, Ordering::Relaxed);
        // Pairs with crew-leave.
        while self.word.load(ord!("crew-closed", Acquire)) & ENTERED != 0 {
            if mutant!("crew-close-early") {
                break;
            }
            wait();
        }
    }

    /// Sends everybody home who asks from now on.
    pub fn quit(&self) {
        self.word.fetch_or(QUIT, Ordering::Relaxed);
    }
}
