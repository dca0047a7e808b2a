//! The oracle of blocks, checked by hand: what judges the engine has to be right itself.

mod blocks;

use blocks::program::{
    Bounded, Failure, Input, Note, Op, Presence, Program, Source, Steps, Sum, When, digest,
};
use blocks::sequential::{Ended, Limited, Limits, State, execute};
use blocks::versions::{Model, ModelView, Written};
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

const ALL: blocks::program::Span = (Unbounded, Unbounded);

fn state(rows: &[(&[u8], &[u8])]) -> State {
    rows.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

fn number(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

#[test]
fn transactions_follow_each_other_and_those_that_fail_write_nothing() {
    let programs = [
        Program::new([Op::Put(0, Source::Given(b"1".to_vec())), Op::Get(0)]),
        Program::new([Op::Put(0, Source::Given(b"2".to_vec())), Op::Fail]),
        Program::new([Op::Put(0, Source::Given(b"3".to_vec())), Op::Panic]),
        Program::new([
            Op::Get(0),
            Op::Get(12),
            Op::If(When::Present(1), vec![Op::Delete(0)]),
            Op::Delete(1),
        ]),
        Program::new([Op::If(When::Present(0), vec![Op::Delete(0)]), Op::Has(0)]),
    ];
    let base = state(&[(b"aa", b"base")]);
    let done = execute(&base, &programs, Limits::default());
    let one = Note::Value(Some(b"1".to_vec()));
    let present = Note::Has(Presence::Present);
    assert_eq!(
        done.ended,
        [
            Ended::Returned(vec![one.clone()]),
            Ended::Failed(Failure::Chosen(digest(&vec![]))),
            Ended::Panicked(digest(&vec![])),
            Ended::Returned(vec![one, Note::Refused(Input::EmptyKey), present.clone()]),
            Ended::Returned(vec![Note::Has(Presence::Absent), Note::Has(Presence::Absent)]),
        ]
    );
    assert!(done.state.is_empty());
    assert_eq!(done.changes(&base), [(b"aa".to_vec(), None)]);
}

#[test]
fn ranges_and_sums() {
    let programs = [Program::new([
        Op::Scan((Included(0), Excluded(2)), Steps::Forward(9)),
        Op::Scan(ALL, Steps::Backward(1)),
        Op::Merge(6, Sum::Add, 5),
        Op::MergeBounded { key: 6, sum: Sum::Sub, delta: 3, min: 3, max: 9 },
        Op::MergeBounded { key: 6, sum: Sum::Sub, delta: 2, min: 3, max: 9 },
        Op::Merge(6, Sum::Sub, 4),
        Op::Merge(0, Sum::Add, 1),
        Op::DeleteRange((Included(0), Included(2))),
        Op::Scan(ALL, Steps::Alternate(9)),
    ])];
    let base = state(&[(b"a", b"1"), (b"aa", b"2"), (b"ab", b"3"), (b"b", b"4")]);
    let done = execute(&base, &programs, Limits::default());
    let rows = |rows: &[(&[u8], &[u8])]| {
        Note::Rows(rows.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect())
    };
    let notes = vec![
        rows(&[(b"a", b"1"), (b"aa", b"2")]),
        rows(&[(b"b", b"4")]),
        Note::Bounded(Bounded::OutOfBounds),
        Note::Bounded(Bounded::Applied),
        Note::Refused(Input::Merge),
        Note::Refused(Input::Merge),
        rows(&[(b"b", b"4"), (b"c", &number(3))]),
    ];
    assert_eq!(done.ended, [Ended::Returned(notes)]);
}

#[test]
fn limits_stop_a_block() {
    let programs = vec![Program::new([Op::Merge(0, Sum::Add, 1), Op::DeleteRange(ALL)]); 5];
    let after = Limits {
        range_delete: 0,
        after: |index, _| if index == 2 { Limited::StopAfter } else { Limited::Go },
    };
    let before = Limits {
        after: |index, _| if index == 2 { Limited::StopBefore } else { Limited::Go },
        ..after
    };
    let done = execute(&State::new(), &programs, after);
    assert_eq!(done.ended, vec![Ended::Returned(vec![Note::Refused(Input::RangeTooLarge)]); 3]);
    assert_eq!(done.state, state(&[(b"a", &number(3))]));
    assert_eq!(execute(&State::new(), &programs, before).ended.len(), 2);
}

#[test]
fn versions_are_seen_from_above_and_validated() {
    let mut model = Model::new(state(&[(b"a", b"base"), (b"c", &number(1))]));
    let own = |key: &[u8], written| BTreeMap::from([(key.to_vec(), written)]);
    model.publish(2, 1, &own(b"a", Written::Deleted), vec![]);
    model.publish(1, 1, &own(b"c", Written::Add(2)), vec![]);
    assert_eq!(model.sight(b"a", 2), Ok(Some(b"base".to_vec())));
    assert_eq!(model.sight(b"a", 3), Ok(None));
    assert_eq!(model.sight(b"c", 2), Ok(Some(number(3))));

    let view = ModelView::new(4, 1);
    let (rows, reads) = view.scan(&model, ALL, Steps::Forward(1)).unwrap();
    assert_eq!(rows, [(b"c".to_vec(), number(3))]);
    model.publish(4, 1, &view.own, reads);
    assert!(model.validate(4).may.is_empty());
    model.publish(3, 1, &own(b"d", Written::Value(vec![])), vec![]);
    assert!(model.validate(4).may.is_empty(), "after the last entry that was seen");
    model.publish(3, 2, &own(b"b", Written::Value(vec![])), vec![]);
    assert_eq!(model.validate(4).must, [(b"b".to_vec(), Some(3))].into());
    model.publish(3, 3, &own(b"b", Written::Deleted), vec![]);
    assert!(model.validate(4).must.is_empty(), "deleted where nothing was");
    assert_eq!(model.validate(4).may, [(b"b".to_vec(), Some(3))].into());
    model.estimate(1);
    assert_eq!(model.validate(4).must, [(b"c".to_vec(), Some(1))].into());
    model.truncate(1);
    assert_eq!(model.state(), model.base);
}
