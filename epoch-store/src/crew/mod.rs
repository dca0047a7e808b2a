//! Threads that live from job to job, and work on what their caller only borrows.
//!
//! *Role.* An executor runs many short blocks. Starting threads for each costs more than a block of short transactions takes,
//! and scoped threads are all that safe code can lend a borrow to. So the threads are here, asleep between jobs.
//!
//! ```text
//! caller = member 0                      member 1, 2, ..
//! run(work): open the gate
//!   work(0) ── wake(1) ───────────────►  park() returns; enter the gate
//!      │                                    work(1)
//!      ▼                                    leave; the last one unparks the caller
//!   close the gate, park until all left     park
//! ```
//!
//! Nobody is woken by [`Crew::run`] itself: a job that turns out to be short is done by the caller alone, and costs nobody a wake-up.
//! A job wakes members by [`Member::wake`], whether they are in the job and asleep or have not come yet.
//!
//! *Invariant.* J-1 and J-2 of [`Gate`]: from the return of `run`, however it returns, nobody uses the closure.
//!
//! *Panics.* A panic of the closure ends the job for that member; its payload is handed to the caller by `run`. One of the
//! caller's own goes on when everybody has left.
//!
//! *Progress.* `run` waits for its members to leave. *Checked by* `job.rs` in `loom-tests/tests`.

mod gate;

pub use gate::{Entry, Gate};

use crate::place::Place;
use crate::sync::threads::{self, JoinHandle, Thread};
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

/// What a panic carried.
pub type Payload = Box<dyn Any + Send>;

/// A closure that every member of a crew runs.
type Work<'a> = dyn Fn(Member<'_>) + Sync + 'a;

/// A job, on the stack of its caller.
struct Job<'a> {
    work: &'a Work<'a>,
    caller: Thread,
    hands: &'a [Hand],
}

/// A job as the members find it.
#[derive(Clone, Copy)]
struct JobPointer(NonNull<Job<'static>>);

// SAFETY: a job is shared by reference: its closure is `Sync`, handles of threads are, and hands are.
unsafe impl Send for JobPointer {}
// SAFETY: as above.
unsafe impl Sync for JobPointer {}

/// What all members share.
struct Shared {
    gate: Gate<JobPointer>,
}

// SAFETY: the pointer in it is used by the gate's protocol (J-1, J-2).
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// A member's thread, and what its latest panic carried.
struct Hand {
    thread: Option<JoinHandle<()>>,
    panic: Arc<Place<Option<Payload>>>,
}

// SAFETY: handles of threads may be shared; loom's is not marked so.
unsafe impl Sync for Hand {}
// SAFETY: as above.
unsafe impl Send for Hand {}

/// See the module header.
///
/// ```
/// use epoch_store::Crew;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// let mut crew = Crew::new(3);
/// let sum = AtomicUsize::new(0);
/// let panics = crew.run(&|member| {
///     member.wake_all();
///     sum.fetch_add(member.number(), Ordering::Relaxed);
/// });
/// assert!(panics.is_empty());
/// assert!(sum.into_inner() <= 1 + 2); // who came too late was not let in
/// ```
pub struct Crew {
    shared: Arc<Shared>,
    hands: Vec<Hand>,
}

impl Crew {
    /// A crew of so many, its caller included: one thread less is started. There are fewer if the system has no more threads to
    /// give; [`Crew::len`] tells.
    pub fn new(members: usize) -> Self {
        let shared = Arc::new(Shared { gate: Gate::default() });
        let mut hands = Vec::new();
        for number in 1..members {
            let panic = Arc::new(Place::default());
            let (ours, theirs) = (Arc::clone(&shared), Arc::clone(&panic));
            let body = move || live(&ours, number, &theirs);
            match threads::spawn(format!("crew-{number}"), body) {
                Ok(thread) => hands.push(Hand { thread: Some(thread), panic }),
                Err(_) => break,
            }
        }
        Self { shared, hands }
    }

    /// How many they are, the caller included.
    #[allow(clippy::len_without_is_empty, reason = "the caller is always there")]
    pub fn len(&self) -> usize {
        1 + self.hands.len()
    }

    /// Runs `work` as member 0, and lets in who is woken by it. Returns when everybody has left, with what the others' panics
    /// carried, by member.
    ///
    /// # Panics
    /// If `work` panics as member 0: when everybody has left.
    pub fn run(&mut self, work: &Work<'_>) -> Vec<(usize, Payload)> {
        /// Closes, also when the caller unwinds.
        struct Close<'a>(&'a Gate<JobPointer>);
        impl Drop for Close<'_> {
            fn drop(&mut self) {
                self.0.close(threads::park);
            }
        }
        // What a job threw that was unwound by its caller is not this one's.
        self.hands.iter().for_each(|hand| drop(hand.panic.take()));
        let job = Job { work, caller: threads::current(), hands: &self.hands };
        let pointer = JobPointer(NonNull::from(&job).cast());
        // SAFETY: `&mut self`: one owner, and the job before was closed by its guard. This one outlives its own guard, which is
        // dropped before it, so it is good until `close` returns.
        unsafe { self.shared.gate.open(pointer) };
        let close = Close(&self.shared.gate);
        work(Member { number: 0, caller: &job.caller, hands: &self.hands });
        drop(close);
        let panics = self.hands.iter().enumerate();
        panics.filter_map(|(at, hand)| Some((at + 1, hand.panic.take()??))).collect()
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.gate.quit();
        for hand in &mut self.hands {
            if let Some(thread) = hand.thread.take() {
                thread.thread().unpark();
                // A member catches what its work throws: there is nothing to learn from the result.
                let _ = thread.join();
            }
        }
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The life of a member: job after job.
fn live(shared: &Shared, number: usize, panic: &Place<Option<Payload>>) {
    let mut last = 0;
    loop {
        match shared.gate.enter(last) {
            Entry::Quit => return,
            Entry::Nothing => threads::park(),
            Entry::In { generation, job } => {
                last = generation;
                // SAFETY: J-2: this member is in, so the job is good until it leaves, below.
                let job = unsafe { job.0.as_ref() };
                // A handle of its own: the job may be gone once this member has left.
                let caller = job.caller.clone();
                let member = Member { number, caller: &job.caller, hands: job.hands };
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (job.work)(member))) {
                    let older = panic.with(|place| place.replace(payload));
                    // What a payload's own drop throws would end this thread.
                    std::mem::forget(older.flatten());
                }
                if shared.gate.leave() {
                    caller.unpark();
                }
            }
        }
    }
}

/// A member at work.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    number: usize,
    caller: &'a Thread,
    hands: &'a [Hand],
}

impl Member<'_> {
    /// Its number; 0 is the caller.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Sleeps until it is woken, or without any cause not so long.
    pub fn park(&self) {
        threads::park();
    }

    /// Wakes a member: from [`Member::park`], or to come and join the job. It is not lost on one who is about to sleep.
    pub fn wake(&self, number: usize) {
        match number.checked_sub(1) {
            None => self.caller.unpark(),
            Some(at) => {
                if let Some(thread) = self.hands.get(at).and_then(|hand| hand.thread.as_ref()) {
                    thread.thread().unpark();
                }
            }
        }
    }

    /// Wakes all others.
    pub fn wake_all(&self) {
        (0..=self.hands.len())
            .filter(|&number| number != self.number)
            .for_each(|number| self.wake(number));
    }
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Member").field(&self.number).finish()
    }
}

#[cfg(all(test, not(epoch_loom)))]
mod tests;
