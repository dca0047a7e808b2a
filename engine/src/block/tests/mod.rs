//! Scenarios of blocks, method by method, and random ones beside a model.

mod dooms;
mod finals;
mod merges;
mod model;
mod points;
mod random;
mod ranges;
mod seals;

use super::*;
use crate::{ConflictKind, KeySpace};

/// A store with these entries.
fn store(entries: &[(&str, &str)]) -> Store {
    let store = Store::in_memory();
    for (key, value) in entries {
        store.put(key, value).unwrap();
    }
    store
}

/// Publishes a run.
fn publish<'b, T>(
    block: &'b Block,
    index: u32,
    run: u8,
    logic: impl FnOnce(&mut View<'b>) -> Result<T, Abort>,
) -> T {
    let mut view = block.view(index, run);
    let result = logic(&mut view).unwrap();
    block.publish(view).unwrap();
    result
}

fn put(block: &Block, index: u32, run: u8, entries: &[(&str, &str)]) {
    publish(block, index, run, |view| {
        entries.iter().try_for_each(|(key, value)| view.put(key, value))
    });
}

/// What is in the way of a transaction: keys, and whose.
fn conflicts(block: &Block, index: u32) -> Vec<(String, Option<u32>, ConflictKind)> {
    match block.validate(index) {
        Verdict::Valid => vec![],
        Verdict::Pending { conflicts } | Verdict::Stale { conflicts } => conflicts
            .into_iter()
            .map(|found| (String::from_utf8(found.key).unwrap(), found.writer, found.kind))
            .collect(),
    }
}

fn is_stale(block: &Block, index: u32) -> bool {
    matches!(block.validate(index), Verdict::Stale { .. })
}

/// The entries of a range, as text.
fn entries<'b>(range: impl Iterator<Item = Result<(&'b [u8], &'b [u8]), Abort>>) -> Vec<String> {
    range
        .map(|entry| {
            let (key, value) = entry.unwrap();
            format!("{}={}", key.escape_ascii(), value.escape_ascii())
        })
        .collect()
}

#[test]
fn blocks_are_shared_by_threads_and_views_move_between_them() {
    fn shared<T: Send + Sync>() {}
    fn moves<T: Send>() {}
    shared::<Block>();
    moves::<View<'_>>();
    moves::<Scratch<'_>>();
}

#[test]
fn blocks_of_two_key_spaces_do_not_see_each_other() {
    let store = store(&[("k", "default")]);
    let space: KeySpace = store.key_space("space").unwrap();
    space.put("k", "space").unwrap();
    let block = Block::builder(&store).key_space(&space).open(1).unwrap();
    publish(&block, 0, 1, |view| {
        assert_eq!(view.get("k")?, Some(&b"space"[..]));
        assert_eq!(entries(view.range(..)), ["k=space"]);
        view.put("l", "1")
    });
    block.seal().unwrap();
    let snapshot = store.snapshot();
    assert!(snapshot.get("l").unwrap().is_none());
    assert_eq!(snapshot.space(&space).unwrap().get("l").unwrap().unwrap(), "1");
}
