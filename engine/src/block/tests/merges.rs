//! Merges: who sees what of them, and who is in whose way.

use super::*;
use crate::MergeError;
use ConflictKind::ReadWrite;
use MergeOutcome::{Applied, Refused};

const ADD: MergeId = MergeId::ADD_U64;

fn number(bytes: Option<&[u8]>) -> u64 {
    u64::from_be_bytes(bytes.unwrap().try_into().unwrap())
}

fn with_number(value: u64) -> Store {
    let store = Store::in_memory();
    store.put("n", value.to_be_bytes()).unwrap();
    store
}

fn add(block: &Block, index: u32, run: u8, amount: u64) {
    publish(block, index, run, |view| view.merge(ADD, "n", Delta::plus(amount)));
}

#[test]
fn a_reader_sees_the_sum_of_all_before_it() {
    let block = with_number(100).block(5).unwrap();
    for (index, amount) in [(3, 1000), (0, 1), (2, 10)] {
        add(&block, index, 1, amount);
    }
    let seen = |index| number(block.view(index, 1).get("n").unwrap());
    assert_eq!([0, 1, 2, 3, 4].map(seen), [100, 101, 101, 111, 1111]);
    let mut view = block.view(4, 1);
    assert_eq!(view.range(..).map(|entry| number(Some(entry.unwrap().1))).next(), Some(1111));
    assert!(view.contains("n").unwrap());
}

#[test]
fn merges_of_one_key_conflict_with_its_readers_and_not_with_each_other() {
    let block = with_number(100).block(4).unwrap();
    add(&block, 1, 1, 1);
    add(&block, 2, 1, 2);
    publish(&block, 3, 1, |view| view.get("n"));
    assert_eq!(block.validate(2), Verdict::Valid);
    assert_eq!(block.validate(3), Verdict::Valid);
    add(&block, 0, 1, 5);
    assert_eq!(block.validate(2), Verdict::Valid);
    assert_eq!(conflicts(&block, 3), [("n".into(), Some(2), ReadWrite)]);
    // Other merges with the same sum are the same answer.
    add(&block, 0, 2, 0);
    assert_eq!(block.validate(3), Verdict::Valid);
}

#[test]
fn a_value_of_merges_is_read_twice_as_one() {
    let block = with_number(1).block(2).unwrap();
    add(&block, 0, 1, 1);
    let mut view = block.view(1, 1);
    assert_eq!(number(view.get("n").unwrap()), 2);
    assert_eq!(number(view.get("n").unwrap()), 2);
    assert_eq!(view.reads.items().len(), 1);
    add(&block, 0, 2, 2);
    assert_eq!(view.get("n").unwrap_err(), Abort::Inconsistent);
}

#[test]
fn a_value_puts_an_end_to_what_was_merged_before_it() {
    let block = with_number(100).block(5).unwrap();
    add(&block, 0, 1, 1);
    publish(&block, 1, 1, |view| view.put("n", 7u64.to_be_bytes()));
    add(&block, 2, 1, 1);
    let seen = |index| number(block.view(index, 1).get("n").unwrap());
    assert_eq!([1, 2, 3].map(seen), [101, 7, 8]);
    publish(&block, 1, 2, |view| view.delete("n"));
    assert_eq!(seen(3), 1);
}

#[test]
fn several_merges_in_one_run_are_one_write_and_go_with_puts_and_deletes() {
    let block = with_number(100).block(2).unwrap();
    let mut view = block.view(0, 1);
    for amount in 1..=3u64 {
        view.merge(ADD, "n", Delta::plus(amount)).unwrap();
    }
    assert_eq!(view.own.items().len(), 1);
    assert!(view.reads.items().is_empty());
    assert_eq!(number(view.get("n").unwrap()), 106);
    view.put("n", 1u64.to_be_bytes()).unwrap();
    view.merge(ADD, "n", Delta::plus(1u8)).unwrap();
    assert_eq!(number(view.get("n").unwrap()), 2);
    view.delete("n").unwrap();
    view.merge(ADD, "n", Delta::plus(5u8)).unwrap();
    assert_eq!(number(view.get("n").unwrap()), 5);
    let refused = view.merge(ADD, "n", Delta::minus(6u8)).unwrap_err();
    assert_eq!(refused, Abort::Merge(MergeError::Underflow));
    assert_eq!(number(view.get("n").unwrap()), 5);
}

#[test]
fn two_operations_on_one_key_follow_each_other() {
    struct Double;
    impl MergeOp for Double {
        fn combine(&self, first: &[u8], then: &[u8], out: &mut Vec<u8>) {
            out.push(first[0] + then[0]);
        }
        fn apply(
            &self,
            base: Option<&[u8]>,
            delta: &[u8],
            out: &mut Vec<u8>,
        ) -> Result<(), MergeError> {
            out.extend_from_slice(&(number(base) << delta[0]).to_be_bytes());
            Ok(())
        }
    }
    let mut builder = Block::builder(&with_number(1));
    let double = builder.merge_op(Double);
    let block = builder.open(4).unwrap();
    add(&block, 0, 1, 2); // 3
    publish(&block, 1, 1, |view| {
        view.merge(double, "n", [1])?;
        view.merge(double, "n", [1])
    }); // 12
    assert_eq!(number(block.view(2, 1).get("n").unwrap()), 12);
    publish(&block, 2, 1, |view| {
        view.merge(ADD, "n", Delta::plus(1u8))?; // 13
        view.merge(double, "n", [1]) // 26
    });
    assert_eq!(number(block.view(3, 1).get("n").unwrap()), 26);
    add(&block, 0, 2, 3);
    assert_eq!(conflicts(&block, 2), [("n".into(), Some(1), ReadWrite)], "it had to read");
}

#[test]
fn committed_merges_are_values() {
    let store = with_number(100);
    let block = store.block(3).unwrap();
    for index in 0..3 {
        add(&block, index, 1, u64::from(index) + 1);
    }
    block.commit_prefix(2).unwrap();
    let key = block.map.find(b"n").unwrap();
    let values: Vec<_> = key.below(3).map(|seen| seen.get()).collect();
    use epoch_store::block::State;
    assert!(matches!(values[0], State::Merge { .. }));
    assert_eq!(values[1], State::Value(&103u64.to_be_bytes()));
    assert_eq!(values[2], State::Value(&101u64.to_be_bytes()));
    block.seal().unwrap();
    assert_eq!(number(store.snapshot().get("n").unwrap().as_deref()), 106);
}

#[test]
fn a_merge_that_cannot_be_made_shows_when_its_turn_comes() {
    let store = with_number(5);
    let block = store.block(3).unwrap();
    publish(&block, 1, 1, |view| view.merge(ADD, "n", Delta::minus(7u8)));
    // Whoever would read it waits for its writer; whoever read before is stale.
    assert_eq!(block.view(2, 1).get("n").unwrap_err(), Abort::Blocked { on: 1 });
    add(&block, 0, 1, 3);
    assert_eq!(number(block.view(2, 1).get("n").unwrap()), 1);
    publish(&block, 2, 1, |view| view.get("n"));
    add(&block, 0, 2, 0);
    assert_eq!(conflicts(&block, 2), [("n".into(), Some(1), ReadWrite)]);
    assert!(is_stale(&block, 2));

    let refused = block.commit_prefix(2).unwrap_err();
    assert!(matches!(refused, Error::NotMerged { index: 1, error: MergeError::Underflow }));
    publish(&block, 1, 2, |_| Ok(()));
    publish(&block, 2, 2, |view| view.get("n"));
    block.seal().unwrap();
}

#[test]
fn an_impossible_merge_does_not_vanish_behind_a_put_a_delete_or_a_roll_back() {
    type Cover = fn(&mut View<'_>) -> Result<(), Abort>;
    let covers: [Cover; 3] = [
        |view| view.put("n", "covered"),
        |view| view.delete("n"),
        |view| {
            view.roll_back();
            view.check_ended()
        },
    ];
    for (at, cover) in covers.into_iter().enumerate() {
        let block = with_number(5).block(2).unwrap();
        let mut view = block.view(1, 1);
        view.merge(ADD, "n", Delta::minus(7u8)).unwrap();
        assert_eq!(cover(&mut view).unwrap_err(), Abort::Stale, "{at}");

        // And if it is possible now, that counts as read: not the value.
        add(&block, 0, 1, 10);
        publish(&block, 1, 2, |view| {
            view.merge(ADD, "n", Delta::minus(7u8))?;
            cover(view)
        });
        add(&block, 0, 2, 2);
        assert_eq!(block.validate(1), Verdict::Valid, "{at}");
        add(&block, 0, 3, 1);
        assert_eq!(conflicts(&block, 1), [("n".into(), Some(0), ReadWrite)], "{at}");
    }
}

#[test]
fn a_budget_that_is_used_up_does_not_hide_an_impossible_merge() {
    let block = Block::builder(&with_number(5)).read_budget(1).open(1).unwrap();
    let mut view = block.view(0, 1);
    view.merge(ADD, "n", Delta::minus(7u8)).unwrap();
    assert_eq!(view.get("x").unwrap_err(), Abort::ReadBudget { max: 1 });
    assert_eq!(block.publish(view).unwrap_err(), Abort::Stale);
}

#[test]
fn what_is_wrong_with_a_delta_or_an_operation_is_told_at_once() {
    let block = with_number(5).block(1).unwrap();
    let mut view = block.view(0, 1);
    let mut merge = |op, delta: &[u8]| view.merge(op, "n", delta).unwrap_err();
    assert_eq!(merge(ADD, b""), Abort::Merge(MergeError::BadDelta));
    assert_eq!(merge(ADD, b"\x07"), Abort::Merge(MergeError::BadDelta));
    assert_eq!(merge(MergeId(77), b""), Abort::Merge(MergeError::UnknownOp));
    assert_eq!(number(view.get("n").unwrap()), 5);
    view.put("n", "no number").unwrap();
    let refused = view.merge(ADD, "n", Delta::plus(1u8)).unwrap_err();
    assert_eq!(refused, Abort::Merge(MergeError::BadValue { len: 9 }));
    block.publish(view).unwrap();
}

#[test]
fn a_bounded_merge_conflicts_only_if_its_answer_changes() {
    let block = with_number(10).block(3).unwrap();
    let keep_two = || 2u64.to_be_bytes()..;
    let take = |view: &mut View<'_>, amount: u64| {
        view.merge_bounded(ADD, "n", Delta::minus(amount), keep_two())
    };
    assert_eq!(publish(&block, 1, 1, |view| take(view, 5)), Applied);
    assert_eq!(publish(&block, 2, 1, |view| take(view, 5)), Refused);
    let check = |run: u8, change: Delta, expected: [bool; 2]| {
        publish(&block, 0, run, |view| view.merge(ADD, "n", change));
        let valid = [1, 2].map(|index| block.validate(index) == Verdict::Valid);
        assert_eq!(valid, expected, "{change:?}");
    };
    check(1, Delta::minus(1u8), [true, true]);
    check(2, Delta::minus(3u8), [true, true]); // two are left
    check(3, Delta::minus(4u8), [false, true]);
    check(4, Delta::plus(1u8), [true, true]); // 6 are left, of which 5 cannot be taken
    check(5, Delta::plus(2u8), [true, false]);
}

#[test]
fn bounded_merges_of_one_run_add_up() {
    let store = with_number(10);
    let block = store.block(2).unwrap();
    publish(&block, 1, 1, |view| {
        let mut take = |amount: u64| view.merge_bounded(ADD, "n", Delta::minus(amount), ..);
        assert_eq!(take(6)?, Applied);
        assert_eq!(take(6)?, Refused);
        assert_eq!(take(4)?, Applied);
        assert_eq!(take(1)?, Refused);
        assert_eq!(number(view.get("n")?), 0);
        Ok(())
    });
    publish(&block, 0, 1, |view| view.merge(ADD, "n", Delta::minus(1u8)));
    assert_eq!(conflicts(&block, 1).len(), 3); // its third answer, its fourth by luck not, and what it read
    publish(&block, 0, 2, |_| Ok(()));
    block.seal().unwrap();
    assert_eq!(number(store.snapshot().get("n").unwrap().as_deref()), 0);
}

#[test]
fn a_bounded_merge_into_an_own_value_reads_nothing() {
    let block = with_number(10).block(2).unwrap();
    publish(&block, 1, 1, |view| {
        view.put("n", 3u64.to_be_bytes())?;
        assert_eq!(view.merge_bounded(ADD, "n", Delta::minus(4u8), ..)?, Refused);
        assert_eq!(view.merge_bounded(ADD, "n", Delta::minus(3u8), ..)?, Applied);
        view.delete("n")?;
        assert_eq!(view.merge_bounded(ADD, "n", Delta::minus(1u8), ..)?, Refused);
        Ok(())
    });
    add(&block, 0, 1, 100);
    assert_eq!(block.validate(1), Verdict::Valid);
}

#[test]
fn a_range_shows_own_merges_on_what_is_below() {
    let block = with_number(10).block(3).unwrap();
    add(&block, 0, 1, 1);
    publish(&block, 2, 1, |view| {
        view.merge(ADD, "n", Delta::plus(5u8))?;
        view.merge(ADD, "new", Delta::plus(5u8))?;
        let sums: Vec<_> = view.range(..).map(|entry| number(Some(entry.unwrap().1))).collect();
        assert_eq!(sums, [16, 5]);
        Ok(())
    });
    assert_eq!(block.validate(2), Verdict::Valid);
    add(&block, 1, 1, 1);
    assert_eq!(conflicts(&block, 2), [("n".into(), Some(1), ConflictKind::Phantom)]);
    publish(&block, 1, 2, |view| view.put("new", 1u64.to_be_bytes()));
    assert_eq!(conflicts(&block, 2), [("new".into(), Some(1), ConflictKind::Phantom)]);
}

#[test]
fn all_widths_hold_what_they_can() {
    let store = Store::in_memory();
    let block = store.block(1).unwrap();
    publish(&block, 0, 1, |view| {
        let largest = [u8::MAX; 32];
        for (op, width) in [(ADD, 8), (MergeId::ADD_U128, 16), (MergeId::ADD_U256, 32)] {
            let key = [width as u8];
            view.merge(op, key, Delta::plus_be(&largest[..width]).unwrap())?;
            assert_eq!(view.get(key)?, Some(&largest[..width]));
            assert_eq!(view.merge_bounded(op, key, Delta::plus(1u8), ..)?, Refused);
        }
        Ok(())
    });
    block.seal().unwrap();
    assert_eq!(store.snapshot().get([32]).unwrap().unwrap(), [u8::MAX; 32]);
}
