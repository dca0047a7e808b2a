//! Sessions are claimed, used and given back.
//!
//! *Invariant* (I-28): a session has one claimer at a time, who finds its state as the last one left it; when all are
//! busy, whoever comes makes more of them.
//!
//! There is one session to begin with in a model, and every thread tries it first.
//!
//! *Bound*: two threads without bound, but for the visitor of all, whom an unlucky claimer may meet in every new segment:
//! preemption bound 3; three with preemption bound 2.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::reclaim::Quarantine;
use epoch_store::internals::session::Sessions;
use epoch_store::internals::tally::Event;
use loom::sync::Arc;
use loom_tests::{Actor, Model, actor, mutants_die, race};

#[derive(Default)]
struct Place {
    domain: Quarantine,
    sessions: Sessions,
}

/// Claims a session, uses it and gives it back, so many times.
fn visitor(place: &Arc<Place>, times: usize) -> Actor<()> {
    actor(place, move |place| {
        for _ in 0..times {
            let claim = place.sessions.claim(&place.domain);
            assert!(!claim.sweeper().keeps_something(), "borrowed by this claimer alone");
            claim.tally().one(Event::Commits);
        }
    })
}

fn check_end(place: &Place, visits: u64) {
    let counted: u64 = place.sessions.tallies().map(|tally| tally.get(Event::Commits)).sum();
    assert_eq!(counted, visits, "every visit was counted by its session");
    let (mut free, all) = (0, place.sessions.tallies().count());
    place.sessions.for_each_free(&place.domain, |_| free += 1);
    assert_eq!(free, all, "every session was given back");
}

#[test]
fn two_claimers() {
    Model { name: "two_claimers", bound: None, floor: 3_600 }.check_from_each(2, || {
        let place = Arc::new(Place::default());
        race([visitor(&place, 2), visitor(&place, 1)]);
        check_end(&place, 3);
    });
}

#[test]
fn claimer_and_visitor_of_all() {
    Model { name: "claimer_and_visitor_of_all", bound: Some(3), floor: 450 }.check_from_each(
        2,
        || {
            let place = Arc::new(Place::default());
            let sweep = actor(&place, |place: &Place| {
                let (claim, mut others) = (place.sessions.claim(&place.domain), 0);
                place.sessions.for_each_free(&place.domain, |_| others += 1);
                assert!(others < place.sessions.tallies().count(), "its own is not free");
                drop(claim);
            });
            race([sweep, visitor(&place, 1)]);
            check_end(&place, 1);
        },
    );
}

#[test]
fn three_claimers() {
    Model { name: "three_claimers", bound: Some(2), floor: 33_000 }.check_from_each(3, || {
        let place = Arc::new(Place::default());
        race([visitor(&place, 1), visitor(&place, 1), visitor(&place, 1)]);
        assert!(place.sessions.tallies().count() <= 3, "one, or two more");
        check_end(&place, 3);
    });
}

#[test]
fn mutants_of_two_claimers() {
    mutants_die("two_claimers", &["session-claim", "session-release", "session-shared"]);
}

#[test]
fn mutants_of_claimer_and_visitor_of_all() {
    mutants_die("claimer_and_visitor_of_all", &["session-claim", "session-release"]);
}

#[test]
fn mutants_of_three_claimers() {
    mutants_die("three_claimers", &["session-claim", "session-release", "session-shared"]);
}
