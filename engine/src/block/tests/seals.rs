//! From runs to the store.

use super::*;
use crate::MergeError;

fn changed(sealed: &Sealed) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let row = |(key, value): (&[u8], Option<&[u8]>)| {
        format!("{}{}", text(key), value.map_or("-".into(), |value| format!("={}", text(value))))
    };
    sealed.changed().iter().map(row).collect()
}

#[test]
fn the_last_run_of_the_last_writer_counts() {
    let store = store(&[("a", "0"), ("b", "0"), ("c", "0")]);
    let before = store.version();
    let block = store.block(3).unwrap();
    put(&block, 0, 1, &[("a", "0.1"), ("d", "0.1"), ("e", "0.1")]);
    put(&block, 0, 2, &[("a", "0.2"), ("d", "0.2")]);
    put(&block, 2, 1, &[("a", "2.1")]);
    publish(&block, 1, 1, |view| {
        view.put("a", "1.1")?;
        view.delete("b")
    });
    let sealed = block.seal().unwrap();
    assert_eq!(changed(&sealed), ["a=2.1", "b-", "d=0.2"]);
    let backwards: Vec<_> = sealed.changed().rev().map(|(key, _)| key[0]).collect();
    assert_eq!(backwards, [b'd', b'b', b'a']);
    assert_eq!(store.version().get(), before.get() + 1); // one commit
    let snapshot = store.snapshot();
    let rows: Vec<_> = snapshot.iter().map(|row| row.unwrap()).collect();
    let expected = [("a", "2.1"), ("c", "0"), ("d", "0.2")];
    assert!(rows.iter().zip(expected).all(|(row, (key, value))| row.0 == key && row.1 == value));
    assert_eq!(rows.len(), 3);
}

#[test]
fn what_changes_nothing_is_no_change() {
    let store = store(&[("same", "v"), ("k", "1")]);
    let block = store.block(2).unwrap();
    publish(&block, 0, 1, |view| {
        view.put("same", "v")?;
        view.put("k", "2")?;
        view.put("gone", "again")?;
        view.delete("absent")
    });
    publish(&block, 1, 1, |view| {
        view.put("k", "1")?;
        view.delete("gone")
    });
    let before = store.version();
    assert!(block.seal().unwrap().changed().is_empty());
    assert_eq!(store.version(), before);
}

#[test]
fn nothing_behind_the_end_is_sealed() {
    let store = store(&[]);
    let block = store.block(4).unwrap();
    for index in [3, 1, 0] {
        put(&block, index, 1, &[("k", &index.to_string()), (&index.to_string(), "")]);
    }
    block.truncate(2);
    block.truncate(3); // takes nothing back in
    let sealed = block.seal().unwrap();
    assert_eq!(changed(&sealed), ["0=", "1=", "k=1"]);
}

#[test]
fn what_is_not_valid_is_not_sealed() {
    let store = store(&[("k", "1")]);
    let block = store.block(2).unwrap();
    publish(&block, 1, 1, |view| view.get("k"));
    assert!(matches!(block.commit_prefix(9), Err(Error::NotValid { index: 0, .. })));
    put(&block, 0, 1, &[("k", "2")]);
    let Err(Error::NotValid { index: 1, conflicts }) = block.seal() else { panic!() };
    assert_eq!(conflicts[0].key, b"k");
    assert_eq!(store.snapshot().get("k").unwrap().unwrap(), "1");
}

#[test]
fn a_closed_store_refuses_a_seal_and_no_run() {
    let store = store(&[("k", "1")]);
    let block = store.block(1).unwrap();
    store.close().unwrap();
    publish(&block, 0, 1, |view| view.put("k", "2"));
    assert!(matches!(block.seal(), Err(Error::Closed)));
    assert_eq!(store.snapshot().get("k").unwrap().unwrap(), "1");
}

#[test]
fn a_block_without_transactions_is_sealed_at_the_newest_version() {
    let store = store(&[("k", "1")]);
    let sealed = store.block(0).unwrap().seal().unwrap();
    assert_eq!(sealed.version(), store.version());
    assert_eq!(sealed.changed().shards(0).count(), 0);
}

#[test]
fn shards_are_the_changed_keys_in_order() {
    let store = store(&[]);
    let block = store.block(1).unwrap();
    publish(&block, 0, 1, |view| (0..100u8).try_for_each(|key| view.put([key], [key])));
    let sealed = block.seal().unwrap();
    for parts in [1, 3, 7, 100, 1000] {
        let shards: Vec<_> = sealed.changed().shards(parts).collect();
        assert!(shards.len() <= parts);
        let all: Vec<_> = shards.into_iter().flatten().map(|(key, _)| key[0]).collect();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }
}

#[test]
fn a_withdrawn_run_is_neither_committed_nor_sealed() {
    let store = store(&[("k", "0")]);
    let block = store.block(2).unwrap();
    put(&block, 0, 1, &[("k", "1"), ("l", "1")]);
    publish(&block, 1, 1, |_| Ok(()));
    put(&block, 0, 2, &[("l", "2")]);
    block.mark_estimate(0);
    assert_eq!(block.validate(0), Verdict::Pending { conflicts: vec![] });
    assert!(matches!(block.commit_prefix(2), Err(Error::NotValid { index: 0, .. })));
    put(&block, 0, 3, &[("k", "3")]);
    assert_eq!(changed(&block.seal().unwrap()), ["k=3"]);
}

#[test]
fn blocks_are_driven_by_final_views_alone() {
    let store = store(&[]);
    let block = store.block(3).unwrap();
    let early = block.final_view(1);
    for index in 0..3u8 {
        let mut view = block.final_view(1);
        assert_eq!(view.index(), u32::from(index));
        view.put([index], "").unwrap();
        if index == 1 {
            view.roll_back();
        }
        block.publish(view).unwrap();
    }
    assert_eq!(block.publish(early).unwrap_err(), Abort::NotOpen { index: 0 });
    assert!(block.final_view(1).get("k").is_err());
    assert_eq!(block.seal().unwrap().changed().len(), 2);
}

#[test]
fn what_is_committed_is_not_cut_off() {
    let store = store(&[("k", "0")]);
    let block = store.block(3).unwrap();
    for value in ["1", "2"] {
        let mut view = block.final_view(1);
        view.put("k", value).unwrap();
        block.publish(view).unwrap();
    }
    block.truncate(1); // one too late
    let mut view = block.final_view(1);
    view.put("k", "3").unwrap();
    assert_eq!(block.publish(view).unwrap_err(), Abort::NotOpen { index: 2 });
    assert_eq!(changed(&block.seal().unwrap()), ["k=2"]);
}

#[test]
fn nothing_becomes_final_behind_the_end() {
    let store = store(&[("k", "0")]);
    let block = store.block(1).unwrap();
    block.truncate(0);
    let mut view = block.final_view(1);
    view.put("k", "1").unwrap();
    assert_eq!(block.publish(view).unwrap_err(), Abort::NotOpen { index: 0 });
    assert!(block.seal().unwrap().changed().is_empty());
}

#[test]
fn what_is_committed_is_not_withdrawn() {
    let store = store(&[("k", "0")]);
    let block = store.block(1).unwrap();
    put(&block, 0, 1, &[("k", "1")]);
    block.commit_prefix(1).unwrap();
    block.mark_estimate(0);
    assert_eq!(changed(&block.seal().unwrap()), ["k=1"]);
}

/// Several deltas in a row have a form of their own, which callers cannot hand in: it could say that a sum stays where it was
/// and ends elsewhere.
#[test]
fn a_delta_that_was_made_up_is_refused() {
    let store = store(&[]);
    store.put("n", 3u64.to_be_bytes()).unwrap();
    let block = store.block(1).unwrap();
    let mut view = block.final_view(1);
    let merged = view.merge(MergeId::ADD_U64, "n", [2, 0, 0, 0, 0, 1, 1, 5]);
    assert_eq!(merged.unwrap_err(), Abort::Merge(MergeError::BadDelta));
}
