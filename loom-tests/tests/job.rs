//! A job is opened and closed while its member comes, or is too late.
//!
//! *Invariant* S-6 of the executor, J-1 and J-2 of `epoch-store/src/crew`: when `run` has returned, nobody uses what the job
//! borrows. The caller writes it before and after, plainly; the member reads and writes it in the job.
//!
//! *Bound*: preemption bound 2, none for one job. *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::crew::Crew;
use epoch_store::internals::sync::{AtomicU32, Ordering, Tracked};
use loom_tests::{Model, mutants_die};

/// What a job borrows: a cell for the caller, which all may look at, and one for the member.
struct Ground([Tracked<u32>; 2]);

// SAFETY: loom tells if it is not used as it should be.
unsafe impl Sync for Ground {}

impl Ground {
    fn get(&self, at: usize) -> u32 {
        // SAFETY: as above.
        unsafe { self.0[at].get() }
    }

    fn set(&self, at: usize, value: u32) {
        // SAFETY: as above.
        unsafe { self.0[at].set(value) };
    }
}

fn job(crew: &mut Crew, round: u32) {
    let ground = Ground([Tracked::new(0), Tracked::new(0)]);
    ground.set(0, round);
    let pause = AtomicU32::new(0);
    let panics = crew.run(&|member| {
        if member.number() == 0 {
            // Loom takes who is unparked for ordered behind it at once, asleep or not: so let him come by himself before.
            pause.load(Ordering::Relaxed);
            member.wake(1);
        } else {
            pause.store(1, Ordering::Relaxed);
            assert_eq!(ground.get(0), round, "the job that is open");
            ground.set(1, round);
        }
    });
    assert!(panics.is_empty(), "a member's assertion");
    ground.set(0, 0);
    let seen = ground.get(1);
    assert!(seen == 0 || seen == round);
    ground.set(1, 0);
}

#[test]
fn one_job() {
    Model { name: "one_job", bound: None, floor: 300 }.check(|| {
        let mut crew = Crew::new(2);
        job(&mut crew, 1);
    });
}

#[test]
fn two_jobs() {
    Model { name: "two_jobs", bound: Some(2), floor: 150 }.check(|| {
        let mut crew = Crew::new(2);
        job(&mut crew, 1);
        job(&mut crew, 2);
    });
}

#[test]
fn mutants_of_one_job() {
    mutants_die(
        "one_job",
        &["crew-open", "crew-enter", "crew-leave", "crew-closed", "crew-close-early"],
    );
}

#[test]
fn mutants_of_two_jobs() {
    mutants_die("two_jobs", &["crew-enter-closed", "crew-leave"]);
}
