//! Final views, and what an executor does with a worker's scratch.

use super::*;

const ADD: MergeId = MergeId::ADD_U64;

#[test]
fn a_final_view_remembers_nothing_and_settles_its_writes() {
    let block = store(&[("a", "1"), ("b", "1")]).block(2).unwrap();
    let mut scratch = block.scratch();
    let view = block.view_with(&mut scratch, 0, 1, Mode::Final);
    view.get("a").unwrap();
    view.contains("b").unwrap();
    view.merge(ADD, "n", Delta::plus(5u8)).unwrap();
    assert_eq!(view.merge_bounded(ADD, "n", Delta::minus(6u8), ..).unwrap(), MergeOutcome::Refused);
    assert_eq!(entries(view.range("a"..="b")), ["a=1", "b=1"]);
    view.put("a", "2").unwrap();
    view.delete("b").unwrap();
    assert!(view.reads.items().is_empty() && view.bounded.is_empty() && view.walks.is_empty());
    scratch.publish(Ending::Done).unwrap();
    assert!(block.map.account(0).is_none());

    let view = block.view_with(&mut scratch, 1, 1, Mode::Speculative);
    assert_eq!(view.get("a").unwrap(), Some(&b"2"[..]));
    assert_eq!(view.get("n").unwrap(), Some(&5u64.to_be_bytes()[..]));
    assert_eq!(view.range(..).count(), 2);
    scratch.publish(Ending::Done).unwrap();
    assert!(block.first_conflict(&mut scratch, 1).is_none());
    block.finish(&mut scratch, 1).unwrap();
    drop(scratch);
    assert_eq!(block.seal_prefix(2, None).unwrap().changed().len(), 3);
}

#[test]
fn a_merge_fails_in_the_final_run_where_it_is_made() {
    let block = store(&[("n", "no number")]).block(1).unwrap();
    let mut scratch = block.scratch();
    let view = block.view_with(&mut scratch, 0, 1, Mode::Speculative);
    view.merge(ADD, "n", Delta::plus(1u8)).unwrap();
    scratch.publish(Ending::Done).unwrap();
    assert!(block.first_conflict(&mut scratch, 0).is_none());
    let expected = crate::MergeError::BadValue { len: 9 };
    assert_eq!(block.finish(&mut scratch, 0).unwrap_err(), expected);
    let view = block.view_with(&mut scratch, 0, 2, Mode::Final);
    let refused = view.merge(ADD, "n", Delta::plus(1u8)).unwrap_err();
    assert_eq!(refused, Abort::Merge(expected));
    view.put("other", "").unwrap();
    scratch.publish(Ending::Failed).unwrap();
    drop(scratch);
    assert!(block.seal_prefix(1, None).unwrap().changed().is_empty());
}

#[test]
fn a_final_run_replaces_what_a_speculative_one_has_published() {
    let block = store(&[]).block(3).unwrap();
    let mut scratch = block.scratch();
    let view = block.view_with(&mut scratch, 1, 1, Mode::Speculative);
    view.put("old", "1").unwrap();
    view.put("both", "1").unwrap();
    scratch.publish(Ending::Done).unwrap();
    let view = block.view_with(&mut scratch, 1, 2, Mode::Final);
    assert_eq!(view.get("both").unwrap(), None);
    view.put("both", "2").unwrap();
    view.put("new", "2").unwrap();
    scratch.publish(Ending::Done).unwrap();
    let view = block.view_with(&mut scratch, 2, 1, Mode::Speculative);
    assert_eq!(entries(view.range(..)), ["both=2", "new=2"]);
}

#[test]
fn a_doomed_run_leaves_what_was_published_before() {
    let block = store(&[]).block(3).unwrap();
    let mut scratch = block.scratch();
    block.view_with(&mut scratch, 1, 1, Mode::Speculative).put("k", "1").unwrap();
    scratch.publish(Ending::Done).unwrap();
    put(&block, 0, 1, &[("x", "")]);
    block.mark_estimate(0);
    let view = block.view_with(&mut scratch, 1, 2, Mode::Speculative);
    view.put("k", "2").unwrap();
    let _swallowed = view.get("x");
    assert_eq!(scratch.publish(Ending::Done).unwrap_err(), Abort::Blocked { on: 0 });
    assert_eq!(block.view(2, 1).get("k").unwrap(), Some(&b"1"[..]));
    // The doom of one run is not that of the next.
    assert!(block.view_with(&mut scratch, 1, 3, Mode::Speculative).get("y").is_ok());
}

#[test]
fn ranges_of_a_final_run_use_their_memory_again() {
    let block = store(&[("a", "1"), ("b", "1")]).block(1).unwrap();
    let mut scratch = block.scratch();
    let view = block.view_with(&mut scratch, 0, 1, Mode::Final);
    for round in 0..100u32 {
        view.put(format!("c{round}"), "").unwrap();
        assert_eq!(view.range(..).count(), 3 + round as usize);
        assert_eq!(view.range(..).rev().count(), 3 + round as usize);
    }
    assert!(view.walks.is_empty());
}
