//! The order of written keys is asked for while a new key is written.
//!
//! *Invariants* R-1, R-2: a key of which a cell can be seen is in the index, once that is ready; R-3: once.
//!
//! *Bound*: a publisher beside a reader of ranges, preemption bound 3; two publishers and a reader, 1.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::Map;
use epoch_store::block::{BlockMap, Kind, Pool, State};
use loom::sync::Arc;
use loom_tests::{Actor, Model, actor, mutants_die, race};
use std::ops::Bound;

const KEYS: [&[u8]; 2] = [b"k", b"l"];
/// A place above all transactions.
const TOP: u32 = 9;

fn block() -> Arc<BlockMap> {
    let block = BlockMap::new(Map::new().snapshot(), None, TOP, &Pool::default()).unwrap();
    for key in KEYS {
        block.writer().key(key).unwrap();
    }
    Arc::new(block)
}

fn publisher(block: &Arc<BlockMap>, idx: u32, key: &'static [u8]) -> Actor<()> {
    actor(block, move |block| {
        let mut writer = block.writer();
        let key = writer.key(key).unwrap();
        let write = writer.write(key, Kind::Value, idx, 1, b"v");
        writer.publish(idx, &[], &[], &[write]);
        std::mem::forget(writer);
    })
}

/// Asks for the order, then looks at the keys: what can be seen must be in it.
fn ranger(block: &Arc<BlockMap>) -> Actor<()> {
    actor(block, |block| {
        let mut writer = block.writer();
        let order = block.ordered(&mut writer);
        for name in KEYS {
            let key = block.find(name).expect("it was touched");
            if matches!(key.visible(TOP).get(), State::Value(_)) {
                let mut walk = order.forward(Bound::Included(name));
                assert_eq!(walk.next(), Some(key), "seen, so in order");
            }
        }
        std::mem::forget(writer);
    })
}

fn check(block: &BlockMap, keys: &[&[u8]]) {
    let mut writer = block.writer();
    let order = block.ordered(&mut writer);
    let there: Vec<&[u8]> = order.forward(Bound::Unbounded).map(|key| key.key()).collect();
    assert_eq!(there, keys);
    assert_eq!(block.written().count(), keys.len());
}

#[test]
fn publisher_and_ranger() {
    Model { name: "publisher_and_ranger", bound: Some(3), floor: 1_700 }.check_from_each(2, || {
        let block = block();
        race([publisher(&block, 1, KEYS[0]), ranger(&block)]);
        check(&block, &KEYS[..1]);
    });
}

/// A key that the builder meets in a log for the first time: in the second line of a page that he has met already.
#[test]
fn fresh_key_and_ranger() {
    Model { name: "fresh_key_and_ranger", bound: Some(2), floor: 800 }.check_from_each(2, || {
        let block = block();
        let ranger = actor(&block, |block: &BlockMap| {
            let mut writer = block.writer();
            let mut walk = block.ordered(&mut writer).forward(Bound::Unbounded);
            assert!(walk.all(|key| key.key() == b"fresh" || key.key() == KEYS[0]));
            std::mem::forget(writer);
        });
        let publisher = actor(&block, |block: &BlockMap| {
            let mut writer = block.writer();
            for (idx, key) in [(1, KEYS[0]), (2, &b"fresh"[..])] {
                let key = writer.key(key).unwrap();
                let write = writer.write(key, Kind::Value, idx, 1, b"v");
                writer.publish(idx, &[], &[], &[write]);
            }
            std::mem::forget(writer);
        });
        race([publisher, ranger]);
        check(&block, &[b"fresh", KEYS[0]]);
    });
}

#[test]
fn one_key_twice() {
    Model { name: "one_key_twice", bound: Some(1), floor: 40_000 }.check(|| {
        let block = block();
        race([publisher(&block, 1, KEYS[0]), publisher(&block, 2, KEYS[0]), ranger(&block)]);
        check(&block, &KEYS[..1]);
    });
}

#[test]
fn two_keys() {
    Model { name: "two_keys", bound: Some(1), floor: 10_000 }.check(|| {
        let block = block();
        race([publisher(&block, 1, KEYS[0]), publisher(&block, 2, KEYS[1]), ranger(&block)]);
        check(&block, &KEYS);
    });
}

/// Two writers that come and go: one may go on in the page that the other has left.
#[test]
fn page_changes_hands() {
    Model { name: "page_changes_hands", bound: Some(2), floor: 800 }.check(|| {
        let block = block();
        let writer = |idx: u32| {
            actor(&block, move |block: &BlockMap| {
                let key = KEYS[idx as usize];
                let mut writer = block.writer();
                let key = writer.key(key).unwrap();
                let write = writer.write(key, Kind::Value, idx, 1, b"v");
                writer.publish(idx, &[], &[], &[write]);
            })
        };
        race([writer(0), writer(1)]);
        check(&block, &KEYS);
    });
}

#[test]
fn mutants_of_page_changes_hands() {
    mutants_die("page_changes_hands", &["page-leave", "page-take"]);
}

#[test]
fn mutants_of_publisher_and_ranger() {
    mutants_die(
        "publisher_and_ranger",
        &["log-fence", "order-fence", "seen-before-ordered", "tower-link"],
    );
}

#[test]
fn mutants_of_two_keys() {
    mutants_die("two_keys", &["tower-linked-blind", "page-push"]);
}

#[test]
fn mutants_of_fresh_key_and_ranger() {
    mutants_die("fresh_key_and_ranger", &["line-fill", "tower-link"]);
}
