//! The hash front grows while keys are put in and looked up.
//!
//! *Invariant* (I-17, I-18, I-19; rule 16): a key whose insert has returned is found, before, while and after its table
//! is moved; a chunk whose claimer sleeps is moved by others, so that every growth ends; a table that was moved is retired
//! once, and read by nobody who pins later.
//!
//! The first table has two slots in a model, and a chunk is one slot. Two records fill it, which begins a growth.
//!
//! *Bound*: look-ups beside one writer or mover without bound; an insert beside a mover with preemption bound 4, two
//! movers with 3, whose shared counters multiply the states; three threads with 3, or 2 where one inserts.
//!
//! *Equivalent but for three threads*: `chunk-moved-load`. Whoever unlinks a table retires it, which is a fence; only a third
//! thread that takes the new table from him before that can miss what the other mover moved.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::internals::hash::Front;
use epoch_store::internals::reclaim::{Quarantine, Reclaimer};
use epoch_store::internals::tally::{Event, Tally};
use loom::sync::Arc;
use loom_tests::{Actor, Model, actor, mutants_die, pin, race, record};

#[derive(Default)]
struct Hashes {
    domain: Quarantine,
    front: Front,
    tally: Tally,
}

impl Hashes {
    /// A front that knows one key, whose probe begins at slot 0.
    fn with_one() -> (Arc<Self>, [u8; 1]) {
        let hashes = Self::default();
        let key = hashes.key_at(0, 0);
        hashes.insert(key);
        (Arc::new(hashes), key)
    }

    /// The key number `nth` among those whose probe begins at `slot` of the first table.
    fn key_at(&self, slot: u64, nth: usize) -> [u8; 1] {
        let keys = (0..=u8::MAX).filter(|&key| self.front.hash(&[key]) & 1 == slot);
        keys.map(|key| [key]).nth(nth).expect("half of all keys begin there")
    }

    fn insert(&self, key: [u8; 1]) {
        let (pin, hash) = (pin(&self.domain), self.front.hash(&key));
        assert!(self.front.find(&key, hash, &pin).is_none(), "each key is inserted once");
        self.front.insert(record(&key).view(), hash, &pin, &self.tally);
    }

    fn check_found(&self, key: [u8; 1]) {
        let pin = pin(&self.domain);
        let found = self.front.find(&key, self.front.hash(&key), &pin);
        assert_eq!(found.expect("an inserted key is found").key(), key);
    }

    fn begin_growth(&self) {
        self.front.begin_growth(&pin(&self.domain), &self.tally);
    }

    /// Each chunk under a pin of its own, as inserts would do it.
    fn move_two_chunks(&self) {
        self.front.help(&pin(&self.domain), &self.tally);
        self.front.help(&pin(&self.domain), &self.tally);
    }

    /// To the end, whatever others do.
    fn settle(&self) {
        self.front.settle(&pin(&self.domain), &self.tally);
    }

    fn check_end(&self, keys: &[[u8; 1]]) {
        self.settle();
        keys.iter().for_each(|&key| self.check_found(key));
        let growths = self.tally.get(Event::Growths);
        assert_eq!(self.domain.freed(), growths, "each outgrown table is retired once");
    }
}

/// Begins a growth and moves both chunks under one pin: no fence between comes to the help of an ordering.
fn mover(hashes: &Arc<Hashes>) -> Actor<()> {
    actor(hashes, |hashes| {
        let pin = pin(&hashes.domain);
        hashes.front.begin_growth(&pin, &hashes.tally);
        hashes.front.help(&pin, &hashes.tally);
        hashes.front.help(&pin, &hashes.tally);
    })
}

fn writer(hashes: &Arc<Hashes>, key: [u8; 1]) -> Actor<()> {
    actor(hashes, move |hashes| {
        hashes.insert(key);
        hashes.check_found(key);
    })
}

/// Looks for a key that is there, and for one that is not: that probe ends at an empty slot or a frozen one.
fn reader(hashes: &Arc<Hashes>, key: [u8; 1]) -> Actor<()> {
    let absent = hashes.key_at(1, 1);
    actor(hashes, move |hashes| {
        let pin = pin(&hashes.domain);
        let find = |key: [u8; 1]| hashes.front.find(&key, hashes.front.hash(&key), &pin);
        assert!(find(absent).is_none(), "nobody inserts it");
        assert_eq!(find(key).expect("an inserted key is found").key(), key);
    })
}

#[test]
fn insert_and_lookup() {
    Model { name: "insert_and_lookup", bound: None, floor: 39 }.check_from_each(2, || {
        let (hashes, old) = Hashes::with_one();
        let new = hashes.key_at(0, 1);
        let reader = actor(&hashes, move |hashes| {
            let pin = pin(&hashes.domain);
            let found = hashes.front.find(&new, hashes.front.hash(&new), &pin);
            assert!(found.is_none_or(|record| record.key() == new), "the key or nothing");
        });
        race([writer(&hashes, new), reader]);
        hashes.check_end(&[old, new]);
    });
}

#[test]
fn insert_and_growth() {
    Model { name: "insert_and_growth", bound: Some(4), floor: 130_000 }.check_from_each(2, || {
        let (hashes, old) = Hashes::with_one();
        let new = hashes.key_at(1, 0);
        race([writer(&hashes, new), mover(&hashes)]);
        hashes.check_end(&[old, new]);
    });
}

/// A table that is replaced by one too small for what comes meanwhile: that fills up and is replaced in its turn.
#[test]
fn insert_and_shrinking() {
    Model { name: "insert_and_shrinking", bound: Some(2), floor: 27_000 }.check_from_each(
        2,
        || {
            let (hashes, one) = Hashes::with_one();
            let (two, new) = (hashes.key_at(1, 0), hashes.key_at(0, 1));
            hashes.insert(two);
            hashes.settle();
            hashes.front.begin_rebuild(2, &pin(&hashes.domain), &hashes.tally);
            let mover = actor(&hashes, |hashes| {
                let pin = pin(&hashes.domain);
                (0..3).for_each(|_| hashes.front.help(&pin, &hashes.tally));
            });
            race([writer(&hashes, new), mover]);
            hashes.check_end(&[one, two, new]);
        },
    );
}

#[test]
fn mutants_of_insert_and_shrinking() {
    mutants_die("insert_and_shrinking", &["insert-gives-up", "table-next", "early-free"]);
}

#[test]
fn lookup_and_growth() {
    Model { name: "lookup_and_growth", bound: None, floor: 215 }.check_from_each(2, || {
        let (hashes, key) = Hashes::with_one();
        race([mover(&hashes), reader(&hashes, key)]);
        hashes.check_end(&[key]);
    });
}

#[test]
fn two_movers() {
    Model { name: "two_movers", bound: Some(3), floor: 198_000 }.check_from_each(2, || {
        let (hashes, one) = Hashes::with_one();
        let two = hashes.key_at(1, 0);
        hashes.insert(two);
        let mover = |key| {
            actor(&hashes, move |hashes| {
                hashes.move_two_chunks();
                hashes.check_found(key);
            })
        };
        race([mover(one), mover(two)]);
        hashes.check_end(&[one, two]);
    });
}

#[test]
fn two_movers_and_a_sleeper() {
    Model { name: "two_movers_and_a_sleeper", bound: Some(3), floor: 41_000 }.check_from_each(
        2,
        || {
            let (hashes, key) = Hashes::with_one();
            hashes.begin_growth();
            // The chunk of the only key: its claimer never comes back.
            hashes.front.abandon_chunk(&pin(&hashes.domain));
            let mover = || {
                actor(&hashes, move |hashes| {
                    hashes.move_two_chunks();
                    hashes.check_found(key);
                })
            };
            race([mover(), mover()]);
            hashes.check_end(&[key]);
        },
    );
}

/// Whoever unlinks a table need not be who moved its last chunk: what the other one moved, he must have seen.
#[test]
fn two_movers_and_a_lookup() {
    Model { name: "two_movers_and_a_lookup", bound: Some(3), floor: 57_000 }.check_from_each(
        3,
        || {
            let (hashes, one) = Hashes::with_one();
            let two = hashes.key_at(1, 0);
            hashes.insert(two);
            let mover =
                || actor(&hashes, |hashes| hashes.front.help(&pin(&hashes.domain), &hashes.tally));
            let reader = actor(&hashes, move |hashes| {
                hashes.check_found(one);
                hashes.check_found(two);
            });
            race([mover(), mover(), reader]);
            hashes.check_end(&[one, two]);
        },
    );
}

/// Nobody waits for a mover that stops between two steps: `settle` comes to its end whatever the other one does.
#[test]
fn two_settle() {
    Model { name: "two_settle", bound: Some(2), floor: 71_000 }.check_from_each(2, || {
        let (hashes, key) = Hashes::with_one();
        hashes.begin_growth();
        let settle = || actor(&hashes, |hashes| hashes.settle());
        race([settle(), settle()]);
        assert_eq!(hashes.domain.freed(), 1, "the growth has ended");
        hashes.check_end(&[key]);
    });
}

#[test]
fn mutants_of_two_settle() {
    mutants_die("two_settle", &["chunk-never-redone", "early-free"]);
}

#[test]
fn insert_lookup_and_growth() {
    Model { name: "insert_lookup_and_growth", bound: Some(2), floor: 165_000 }.check_from_each(
        3,
        || {
            let (hashes, old) = Hashes::with_one();
            let new = hashes.key_at(0, 1);
            let reader = actor(&hashes, move |hashes| hashes.check_found(old));
            race([writer(&hashes, new), mover(&hashes), reader]);
            hashes.check_end(&[old, new]);
        },
    );
}

#[test]
fn mutants_of_insert_and_lookup() {
    mutants_die("insert_and_lookup", &["slot-insert", "slot-load"]);
}

#[test]
fn mutants_of_insert_and_growth() {
    mutants_die(
        "insert_and_growth",
        &[
            "insert-skips-freeze",
            "insert-gives-up",
            "move-skips-empty",
            "table-next",
            "table-next-load",
            "table-swing",
            "table-load",
        ],
    );
}

#[test]
fn mutants_of_lookup_and_growth() {
    mutants_die("lookup_and_growth", &["table-swing", "table-load", "early-free", "no-pin"]);
}

#[test]
fn mutants_of_two_movers() {
    mutants_die("two_movers", &["chunk-moved", "early-free"]);
}

#[test]
fn mutants_of_two_movers_and_a_lookup() {
    mutants_die(
        "two_movers_and_a_lookup",
        &["chunk-moved-load", "chunk-moved", "settled-count", "no-pin"],
    );
}

#[test]
fn mutants_of_two_movers_and_a_sleeper() {
    mutants_die("two_movers_and_a_sleeper", &["chunk-never-redone", "early-free", "no-pin"]);
}

#[test]
fn mutants_of_insert_lookup_and_growth() {
    mutants_die("insert_lookup_and_growth", &["move-skips-empty", "insert-skips-freeze"]);
}
