//! Runs that cannot go on.

use super::*;

#[test]
fn a_second_answer_dooms_the_run() {
    for first in ["get", "contains"] {
        let block = store(&[("k", "1")]).block(2).unwrap();
        let mut view = block.view(1, 1);
        let there = if first == "get" {
            view.get("k").unwrap().is_some()
        } else {
            view.contains("k").unwrap()
        };
        assert!(there);
        publish(&block, 0, 1, |view| view.delete("k"));
        assert_eq!(view.get("k").unwrap_err(), Abort::Inconsistent, "{first}");
        // And every later call, of whatever kind.
        assert_eq!(view.get("other").unwrap_err(), Abort::Inconsistent);
        assert_eq!(view.contains("k").unwrap_err(), Abort::Inconsistent);
        assert_eq!(view.put("k", "").unwrap_err(), Abort::Inconsistent);
        assert_eq!(view.delete("k").unwrap_err(), Abort::Inconsistent);
        assert_eq!(view.delete_range(..).unwrap_err(), Abort::Inconsistent);
        let zero = Delta::plus(0u8);
        assert_eq!(view.merge(MergeId::ADD_U64, "k", zero).unwrap_err(), Abort::Inconsistent);
        let mut range = view.range(..);
        assert_eq!(range.next().unwrap().unwrap_err(), Abort::Inconsistent);
        assert!(range.next().is_none());
        drop(range);
        assert_eq!(block.publish(view).unwrap_err(), Abort::Inconsistent);
        assert_eq!(block.validate(1), Verdict::Pending { conflicts: vec![] });
    }
}

#[test]
fn the_same_answer_from_another_run_dooms_nothing() {
    let block = store(&[("k", "1")]).block(2).unwrap();
    let mut view = block.view(1, 1);
    view.get("k").unwrap();
    put(&block, 0, 1, &[("k", "1")]);
    assert_eq!(view.get("k").unwrap(), Some(&b"1"[..]));
    assert!(view.contains("k").unwrap());
    block.publish(view).unwrap();
    assert_eq!(block.validate(1), Verdict::Valid);
}

#[test]
fn presence_may_be_asked_twice_of_two_values() {
    let block = store(&[("k", "1")]).block(2).unwrap();
    let mut view = block.view(1, 1);
    assert!(view.contains("k").unwrap());
    put(&block, 0, 1, &[("k", "2")]);
    assert!(view.contains("k").unwrap());
    assert_eq!(view.get("k").unwrap(), Some(&b"2"[..]));
    block.publish(view).unwrap();
    assert_eq!(block.validate(1), Verdict::Valid);
}

#[test]
fn an_estimate_blocks_whoever_reads_it_in_any_way() {
    let block = store(&[("a", "0")]).block(2).unwrap();
    put(&block, 0, 1, &[("k", "1")]);
    block.mark_estimate(0);
    let blocked = Abort::Blocked { on: 0 };
    assert_eq!(block.view(1, 1).get("k").unwrap_err(), blocked);
    assert_eq!(block.view(1, 1).contains("k").unwrap_err(), blocked);
    assert_eq!(block.view(1, 1).get_many(&["a", "k"]).unwrap_err(), blocked);
    assert_eq!(block.view(1, 1).delete_range(..).unwrap_err(), blocked);
    let bounded =
        block.view(1, 1).merge_bounded(MergeId::ADD_U64, "k", Delta::plus(1u8), ..=[0; 8]);
    assert_eq!(bounded.unwrap_err(), blocked);
    // Not those who do not look.
    block.view(1, 1).merge(MergeId::ADD_U64, "k", Delta::plus(1u8)).unwrap();
    let mut view = block.view(1, 1);
    view.put("k", "own").unwrap();
    assert_eq!(view.get("k").unwrap(), Some(&b"own"[..]));
    assert_eq!(entries(view.range(..)), ["a=0", "k=own"]);
}

#[test]
fn a_budget_ends_every_way_of_reading_and_is_an_outcome() {
    let store = store(&[("a", ""), ("b", ""), ("c", "")]);
    let block = Block::builder(&store).read_budget(3).open(2).unwrap();
    let spent = Abort::ReadBudget { max: 3 };
    let mut view = block.view(1, 1);
    view.put("written", "").unwrap(); // costs nothing
    assert_eq!(view.range(..).filter(Result::is_ok).count(), 3);
    assert_eq!(view.get("a").unwrap_err(), spent);
    block.publish(view).unwrap();
    assert_eq!(block.validate(1), Verdict::Valid);
    put(&block, 0, 1, &[("b", "new")]);
    assert!(is_stale(&block, 1)); // it may have been spent because of that
    assert_eq!(block.view(1, 2).get("written").unwrap(), None);

    let mut view = block.view(1, 2);
    let add = |view: &mut View<'_>| view.merge(MergeId::ADD_U64, "n", Delta::plus(1u8));
    (0..3).for_each(|_| add(&mut view).unwrap());
    assert_eq!(add(&mut view).unwrap_err(), spent);
}

#[test]
fn who_is_told_to_stop_stops_at_the_next_read() {
    let block = store(&[]).block(3).unwrap();
    let [mut first, mut second] = [0, 1].map(|index| block.view(index, 1));
    block.signals().stop_from(1);
    block.signals().stop_from(2); // never takes it back
    assert!(!first.should_stop() && second.should_stop());
    assert!(first.get("k").is_ok());
    assert_eq!(second.get("k").unwrap_err(), Abort::Cancelled);
    assert_eq!(block.publish(second).unwrap_err(), Abort::Cancelled);
}

#[test]
fn a_run_that_has_become_the_frontier_looks_once_whether_it_is_stale() {
    let block = store(&[("k", "1")]).block(3).unwrap();
    let [mut stale, mut fresh] = [1, 2].map(|index| block.view(index, 1));
    stale.get("k").unwrap();
    fresh.get("other").unwrap();
    put(&block, 0, 1, &[("k", "2")]);
    block.signals().set_frontier(1);
    assert_eq!(stale.get("other").unwrap_err(), Abort::Stale);
    assert!(stale.should_stop());
    block.signals().set_frontier(2);
    assert!(!fresh.should_stop());
    assert!(fresh.get("k").is_ok());
}

#[test]
fn bad_keys_and_values_refuse_one_call_and_doom_nothing() {
    let block = store(&[]).block(1).unwrap();
    let mut view = block.view(0, 1);
    let long = vec![0; crate::MAX_KEY_LEN + 1];
    let empty = Abort::Map(epoch_store::Error::EmptyKey);
    assert_eq!(view.get("").unwrap_err(), empty);
    assert_eq!(view.contains("").unwrap_err(), empty);
    assert_eq!(view.put("", "").unwrap_err(), empty);
    assert_eq!(view.delete("").unwrap_err(), empty);
    assert_eq!(view.merge(MergeId::ADD_U64, "", Delta::plus(1u8)).unwrap_err(), empty);
    assert!(matches!(
        view.put(&long, "").unwrap_err(),
        Abort::Map(epoch_store::Error::KeyTooLong { .. })
    ));
    assert_eq!(view.range("".."").count(), 0);
    assert_eq!(view.ended(), None);
    view.put("k", "v").unwrap();
    block.publish(view).unwrap();
    assert_eq!(block.seal().unwrap().changed().len(), 1);
}

#[test]
fn what_is_not_of_the_block_or_is_committed_is_refused() {
    let store = store(&[]);
    let (block, other) = (store.block(2).unwrap(), store.block(2).unwrap());
    let mut outside = block.view(2, 1);
    assert_eq!(outside.put("k", "").unwrap_err(), Abort::NotOpen { index: 2 });
    assert_eq!(block.publish(outside).unwrap_err(), Abort::NotOpen { index: 2 });
    assert_eq!(other.publish(block.view(0, 1)).unwrap_err(), Abort::NotOpen { index: 0 });

    let mut late = block.view(0, 2);
    late.put("k", "late").unwrap();
    put(&block, 0, 1, &[("k", "1")]);
    block.commit_prefix(1).unwrap();
    assert_eq!(block.publish(late).unwrap_err(), Abort::NotOpen { index: 0 });
    assert_eq!(block.view(1, 1).get("k").unwrap(), Some(&b"1"[..]));
}

#[test]
fn a_run_of_an_error_keeps_its_reads_and_drops_its_writes() {
    let block = store(&[("balance", "0")]).block(2).unwrap();
    publish(&block, 1, 1, |view| {
        view.put("k", "v")?;
        view.get("balance")?; // not enough: an error of the logic
        view.roll_back();
        assert_eq!(view.get("k")?, None);
        Ok(())
    });
    put(&block, 0, 1, &[("balance", "10")]);
    assert_eq!(conflicts(&block, 1), [("balance".into(), Some(0), ConflictKind::ReadWrite)]);
}
