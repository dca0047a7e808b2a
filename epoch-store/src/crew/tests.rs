//! The crew on the machine.

use super::Crew;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn members_meet_in_a_job_that_borrows() {
    let mut crew = Crew::new(4);
    assert_eq!(crew.len(), 4);
    for round in 0..if cfg!(miri) { 3 } else { 200 } {
        let barrier = Barrier::new(4);
        let seen: Vec<AtomicUsize> = (0..4).map(|_| AtomicUsize::new(0)).collect();
        let panics = crew.run(&|member| {
            member.wake_all();
            seen[member.number()].fetch_add(1, Ordering::Relaxed);
            barrier.wait(); // all four, or this test hangs
        });
        assert!(panics.is_empty());
        assert!(
            seen.iter().all(|seen| seen.load(Ordering::Relaxed) == 1),
            "once each in round {round}"
        );
    }
}

#[test]
fn nobody_comes_who_was_not_woken() {
    let mut crew = Crew::new(2);
    let came = AtomicUsize::new(0);
    crew.run(&|_| {
        came.fetch_add(1, Ordering::Relaxed);
    });
    // At most one more: a member that was started a moment ago looks for a job once before it sleeps.
    assert!((1..=2).contains(&came.into_inner()));
}

#[test]
fn panics_of_members_are_handed_over_and_the_crew_goes_on() {
    let mut crew = Crew::new(3);
    for _ in 0..3 {
        let barrier = Barrier::new(3);
        let panics = crew.run(&|member| {
            member.wake_all();
            barrier.wait();
            if member.number() != 0 {
                std::panic::panic_any(member.number());
            }
        });
        let carried: Vec<_> =
            panics.into_iter().map(|(at, payload)| (at, *payload.downcast().unwrap())).collect();
        assert_eq!(carried, [(1, 1_usize), (2, 2)]);
    }
}

#[test]
fn a_panic_of_the_caller_waits_for_the_others() {
    let mut crew = Crew::new(2);
    let (barrier, left) = (Barrier::new(2), AtomicUsize::new(0));
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        crew.run(&|member| {
            member.wake_all();
            barrier.wait();
            if member.number() == 0 {
                panic!("on purpose");
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
            left.fetch_add(1, Ordering::Relaxed);
        });
    }));
    assert!(unwound.is_err());
    assert_eq!(left.load(Ordering::Relaxed), 1, "it had left before the borrow ended");
    assert!(crew.run(&|_| ()).is_empty(), "the crew is as good as before");
}

#[test]
fn members_sleep_and_are_woken_within_a_job() {
    let mut crew = Crew::new(2);
    let turn = AtomicUsize::new(0);
    let rounds = if cfg!(miri) { 5 } else { 500 };
    crew.run(&|member| {
        member.wake(1);
        loop {
            let now = turn.load(Ordering::Acquire);
            if now == 2 * rounds {
                return;
            }
            if now % 2 == member.number() {
                turn.store(now + 1, Ordering::Release);
                member.wake(1 - member.number());
            } else {
                member.park();
            }
        }
    });
    assert_eq!(turn.into_inner(), 2 * rounds);
}
