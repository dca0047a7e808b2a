//! Bags go into a queue and come out of it.
//!
//! *Invariant* (as Michael and Scott's queue; I-1): every bag that was put in comes out, once, and in order as far as one
//! thread put them in; cells are retired once, and used by nobody who pins later.
//!
//! *Bound*: two threads without bound; three with preemption bound 3.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::gc::Fifo;
use epoch_store::internals::reclaim::{Quarantine, Reclaimer};
use epoch_store::internals::slots::Bag;
use loom::sync::Arc;
use loom_tests::{Chains, Model, actor, mutants_die, pin, race, record};

struct Bags {
    domain: Quarantine,
    queue: Fifo<Bag>,
    marks: Vec<Chains>,
}

impl Bags {
    /// A queue with so many bags in it, of as many as a model uses.
    fn with(bags: usize) -> Arc<Self> {
        let marks = (b'a'..b'e').map(|key| record(&[key])).collect();
        let bags_then = Self { domain: Quarantine::default(), queue: Fifo::default(), marks };
        (0..bags).for_each(|bag| bags_then.push(bag));
        Arc::new(bags_then)
    }

    fn push(&self, bag: usize) {
        let pin = pin(&self.domain);
        self.queue.push(Bag::of(self.marks[bag].as_ptr()), &pin);
    }

    /// The number of the oldest bag.
    fn pop(&self) -> Option<usize> {
        let pin = pin(&self.domain);
        let mut entries = Vec::new();
        self.queue.pop(&pin)?.empty_into(&mut entries);
        assert_eq!(entries.len(), 1, "a bag comes out as it went in");
        self.marks.iter().position(|mark| mark.as_ptr() == entries[0].record)
    }

    /// The rest of the bags: with those already `taken`, all of `expected`.
    fn check_rest(&self, taken: impl IntoIterator<Item = Option<usize>>, expected: usize) {
        let mut seen: Vec<usize> = taken.into_iter().flatten().collect();
        while let Some(bag) = self.pop() {
            seen.push(bag);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..expected).collect::<Vec<_>>(), "each bag once");
        assert!(self.queue.is_empty(&pin(&self.domain)));
        assert_eq!(self.domain.freed(), expected as u64, "a cell retired for each bag");
    }
}

#[test]
fn push_and_pop() {
    Model { name: "push_and_pop", bound: None, floor: 41_000 }.check_from_each(2, || {
        let bags = Bags::with(0);
        let pusher = actor(&bags, |bags| {
            bags.push(0);
            bags.push(1);
            None
        });
        let popper = actor(&bags, |bags| {
            let bag = bags.pop();
            assert_ne!(bag, Some(1), "the first one first");
            bags.push(2);
            bag
        });
        let taken = race([pusher, popper]);
        bags.check_rest(taken, 3);
    });
}

#[test]
fn two_take_and_put() {
    Model { name: "two_take_and_put", bound: None, floor: 10_000 }.check_from_each(2, || {
        let bags = Bags::with(1);
        let both = |bag| {
            actor(&bags, move |bags| {
                bags.push(bag);
                bags.pop()
            })
        };
        let taken = race([both(1), both(2)]);
        assert!(taken.iter().all(Option::is_some), "there were as many as were taken");
        bags.check_rest(taken, 3);
    });
}

#[test]
fn two_take_and_one_puts() {
    Model { name: "two_take_and_one_puts", bound: Some(3), floor: 8_600 }.check_from_each(
        3,
        || {
            let bags = Bags::with(1);
            let pop = || actor(&bags, Bags::pop);
            let push = actor(&bags, |bags| {
                bags.push(1);
                None
            });
            let taken = race([push, pop(), pop()]);
            bags.check_rest(taken, 2);
        },
    );
}

#[test]
fn mutants_of_push_and_pop() {
    mutants_die("push_and_pop", &["backlog-tail-left-behind", "backlog-link", "backlog-next"]);
}

#[test]
fn mutants_of_two_take_and_put() {
    mutants_die("two_take_and_put", &["backlog-link", "backlog-end", "backlog-swing"]);
}

#[test]
fn mutants_of_two_take_and_one_puts() {
    mutants_die("two_take_and_one_puts", &["backlog-next", "early-free", "no-pin"]);
}
