//! Two threads meet a key of a block for the first time, and a third looks for it.
//!
//! *Invariant* B-4: a key has one account in its block, whoever made it; who finds it reads its bytes and what the base said.
//!
//! *Bound*: preemption bound 2: the base is asked, which is a look-up in a whole map.
//! *Executions* are printed; the floors below are a little under what was seen.

#![cfg(epoch_loom)]

use epoch_store::Map;
use epoch_store::block::{BlockMap, Pool};
use loom::sync::Arc;
use loom_tests::{Actor, Model, actor, mutants_die, race};

const KEY: &[u8] = b"k";

fn block() -> Arc<BlockMap> {
    let map = Map::new();
    map.put(KEY, b"base").unwrap();
    Arc::new(BlockMap::new(map.snapshot(), None, 4, &Pool::default()).unwrap())
}

/// Touches the key. Returns which one it got, by an address that is compared and nothing else.
fn toucher(block: &Arc<BlockMap>) -> Actor<usize> {
    actor(block, |block| {
        let key = block.writer().key(KEY).unwrap();
        assert_eq!((key.key(), key.base()), (KEY, Some(&b"base"[..])));
        key.key().as_ptr().addr()
    })
}

fn finder(block: &Arc<BlockMap>) -> Actor<usize> {
    actor(block, |block| {
        let Some(key) = block.find(KEY) else { return 0 };
        assert_eq!((key.key(), key.base()), (KEY, Some(&b"base"[..])));
        key.key().as_ptr().addr()
    })
}

#[test]
fn touchers() {
    Model { name: "touchers", bound: Some(2), floor: 40_000 }.check_from_each(3, || {
        let block = block();
        let [one, other, found] = race([toucher(&block), toucher(&block), finder(&block)]);
        assert_eq!(one, other, "one account of a key");
        assert!(found == 0 || found == one);
        let key = block.find(KEY).expect("it was touched");
        assert_eq!(key.key().as_ptr().addr(), one);
    });
}

#[test]
fn mutants_of_touchers() {
    mutants_die("touchers", &["bucket-link", "touch-keeps-own"]);
}
