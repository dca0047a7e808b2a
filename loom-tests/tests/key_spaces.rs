//! Key spaces that several threads create at once.
//!
//! *Invariant* (I-50): a name is in one slot, so two threads that open it have one space; two names are two spaces. Whoever
//! sees a space, by name or by id, sees all of it: its name, its empty list, its empty front.
//!
//! *Bound*: unbounded, with two creators and a reader, or two creators. *Executions* are printed (138,120 and 180 when this
//! was written); the floors below are a little under that.

#![cfg(epoch_loom)]

use epoch_store::internals::reclaim::Quarantine;
use epoch_store::internals::space::{Space, Spaces};
use epoch_store::internals::tally::Tally;
use loom::sync::Arc;
use loom_tests::{Actor, Model, actor, mutants_die, pin, race};

/// Spaces, and what an operation on one needs.
#[derive(Default)]
struct House {
    spaces: Spaces,
    domain: Quarantine,
    tally: Tally,
}

impl House {
    /// Opens the space of a name and looks into it.
    fn open(&self, name: &str) -> Option<u32> {
        let id = self.spaces.find_or_create(name, 2, &self.tally).expect("there is room for two");
        assert_eq!(self.spaces.name(id), Some(name), "the id leads to the name");
        self.check_empty(self.spaces.get(id).expect("what was opened is there"));
        Some(id)
    }

    /// Looks into the space with an id, if there is one.
    fn look(&self, id: u32) -> Option<u32> {
        self.check_empty(self.spaces.get(id)?);
        Some(id)
    }

    fn check_empty(&self, space: &Space) {
        let pin = pin(&self.domain);
        let (_, body) = space.list.locate(b"k", &pin, &self.tally);
        assert_eq!(body.sorted_len(), 0, "nothing was put into the list");
        let hash = space.front.hash(b"k");
        assert!(space.front.find(b"k", hash, &pin).is_none(), "nor into the front");
    }
}

fn opener(house: &Arc<House>, name: &'static str) -> Actor<Option<u32>> {
    actor(house, move |house| house.open(name))
}

#[test]
fn one_name() {
    Model { name: "one_name", bound: None, floor: 100_000 }.check_from_each(3, || {
        let house = Arc::new(House::default());
        let look = actor(&house, |house| house.look(1));
        let ids = race([opener(&house, "a"), opener(&house, "a"), look]);
        assert_eq!(ids[..2], [Some(1), Some(1)], "one space for one name");
        assert_eq!(house.spaces.named_len(), 1, "and no other");
    });
}

#[test]
fn mutants_of_one_name() {
    mutants_die("one_name", &["space-loss-ignored", "space-publish", "space-load"]);
}

#[test]
fn two_names() {
    Model { name: "two_names", bound: None, floor: 130 }.check_from_each(2, || {
        let house = Arc::new(House::default());
        let ids = race([opener(&house, "a"), opener(&house, "b")]);
        assert_ne!(ids[0], ids[1], "two spaces for two names");
        assert_eq!(ids, [house.open("a"), house.open("b")], "and they stay where they are");
        assert!(house.spaces.find_or_create("c", 2, &house.tally).is_none(), "a third is too many");
        assert_eq!(house.spaces.named_len(), 2);
    });
}

#[test]
fn mutants_of_two_names() {
    mutants_die("two_names", &["space-name-unchecked", "space-publish"]);
}
