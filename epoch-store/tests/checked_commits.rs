//! Commits that depend on what was read: each takes effect as if nobody else had been there, or not at all.
//!
//! Alone first, with others committing between the read and the commit; beside other threads in `checked_races.rs`,
//! and at random in `checked_model.rs`.

use epoch_store::{
    Conflict, Error, KeySpace, MAX_KEY_LEN, Map, ReadKind, ReadSet, Snapshot, WriteBatch,
};
use std::ops::Bound;

fn conflict(result: Result<epoch_store::Version, Error>) -> Conflict {
    match result {
        Err(Error::Conflict(conflict)) => *conflict,
        other => panic!("not a conflict: {other:?}"),
    }
}

fn put(key: &str, value: &str) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(key, value);
    batch
}

fn keys_of(snapshot: &Snapshot) -> Vec<Vec<u8>> {
    snapshot.iter().map(|(key, _)| key.to_vec()).collect()
}

/// Whether a commit that has read by `read` is refused, after `other` was done.
fn refused(read: impl Fn(&mut ReadSet), other: impl Fn(&Map)) -> bool {
    let map = Map::new();
    for key in ["b", "d", "f"] {
        map.put(key, "stored").unwrap();
    }
    let mut reads = ReadSet::at(&map.snapshot());
    read(&mut reads);
    other(&map);
    let before = map.snapshot();
    let validated = map.commit_if(&WriteBatch::new(), &reads).is_err();
    assert_eq!(map.version(), before.version(), "to validate is to order nothing");
    let result = map.commit_if(&put("own", ""), &reads);
    assert_eq!(result.is_err(), validated, "with writes and without the answer is the same");
    assert_eq!(map.snapshot().contains("own"), result.is_ok());
    result.is_err()
}

#[test]
fn what_was_read_and_then_written_refuses_the_commit() {
    let key = |reads: &mut ReadSet| _ = reads.key("d");
    assert!(refused(key, |map| _ = map.put("d", "new").unwrap()));
    assert!(refused(key, |map| _ = map.put("d", "stored").unwrap()), "the same value again");
    assert!(refused(key, |map| _ = map.delete("d").unwrap()));
    assert!(refused(key, |map| _ = map.delete_range("c".."e").unwrap()));
    assert!(!refused(key, |map| _ = map.put("c", "").unwrap()));
    assert!(!refused(key, |map| _ = map.put("d\0", "").unwrap()));
    let absent = |reads: &mut ReadSet| _ = reads.key("c");
    assert!(refused(absent, |map| _ = map.put("c", "").unwrap()), "absence is read too");
    assert!(!refused(absent, |map| _ = map.delete("c").unwrap()), "it is as absent as before");
}

#[test]
fn a_range_refuses_for_what_comes_changes_and_goes_inside_and_for_nothing_beside() {
    let range = |reads: &mut ReadSet| _ = reads.range("b".."e");
    for key in ["b", "b\0", "c", "d", "d~"] {
        assert!(refused(range, |map| _ = map.put(key, "").unwrap()), "{key} is inside");
    }
    for key in ["a", "a~", "e", "e\0", "f"] {
        assert!(!refused(range, |map| _ = map.put(key, "").unwrap()), "{key} is beside");
    }
    assert!(refused(range, |map| _ = map.delete("d").unwrap()));
    assert!(!refused(range, |map| _ = map.delete("c").unwrap()), "nothing was there");
    let upto = |reads: &mut ReadSet| _ = reads.range((Bound::Excluded("b"), Bound::Included("d")));
    assert!(!refused(upto, |map| _ = map.put("b", "").unwrap()));
    assert!(refused(upto, |map| _ = map.put("b\0", "").unwrap()));
    assert!(refused(upto, |map| _ = map.put("d", "").unwrap()));
    assert!(!refused(upto, |map| _ = map.put("d\0", "").unwrap()));
    assert!(refused(|reads| _ = reads.range(..), |map| _ = map.put("z", "").unwrap()));
    let inverted = |reads: &mut ReadSet| _ = reads.range("e".."b");
    assert!(!refused(inverted, |map| _ = map.delete_range(..).unwrap()));
}

#[test]
fn ranges_that_overlap_touch_or_leave_a_gap_are_their_union() {
    let ranges = |reads: &mut ReadSet| _ = reads.range("a".."c").range("b".."d").range("e".."f");
    let put = |key: &'static str| move |map: &Map| _ = map.put(key, "").unwrap();
    for key in ["a", "b", "c", "c~", "e"] {
        assert!(refused(ranges, put(key)), "{key}");
    }
    for key in ["d", "d~", "f"] {
        assert!(!refused(ranges, put(key)), "{key}");
    }
}

#[test]
fn of_two_that_read_what_the_other_writes_one_is_refused() {
    let map = Map::new();
    map.commit(put("alice", "on call").put("bob", "on call")).unwrap();
    let snapshot = map.snapshot();
    let reads = || {
        let mut reads = ReadSet::at(&snapshot);
        reads.key("alice").key("bob");
        reads
    };
    map.commit_if(&put("alice", "off"), &reads()).unwrap();
    let conflict = conflict(map.commit_if(&put("bob", "off"), &reads()));
    assert_eq!(conflict.since, snapshot.version());
    assert_eq!(conflict.keys.len(), 1);
    assert_eq!((&*conflict.keys[0].key, conflict.keys[0].read), (&b"alice"[..], ReadKind::Key));
    assert_eq!(map.snapshot().get("bob").unwrap(), b"on call");
}

#[test]
fn a_conflict_names_keys_spaces_and_how_each_was_read() {
    let map = Map::new();
    let (one, two) = (map.key_space("one").unwrap(), map.key_space("two").unwrap());
    let mut reads = ReadSet::at(&map.snapshot());
    reads.key("k").key_in(&one, "k").range_in(&two, "a".."c").range("x"..);
    two.put("b", "").unwrap();
    one.put("k", "").unwrap();
    one.put("b", "nobody has read it").unwrap();
    map.put("y", "").unwrap();
    let conflict = conflict(map.commit_if(&put("own", ""), &reads));
    let mut named: Vec<_> =
        conflict.keys.iter().map(|at| (at.space.as_deref(), &*at.key, at.read)).collect();
    named.sort_by_key(|at| (at.0, at.1));
    let expected = [
        (None, &b"y"[..], ReadKind::Range),
        (Some("one"), b"k", ReadKind::Key),
        (Some("two"), b"b", ReadKind::Range),
    ];
    assert_eq!(named, expected);
}

#[test]
fn reads_in_several_spaces_are_told_apart() {
    let map = Map::new();
    let spaces = ["one", "two"].map(|name| map.key_space(name).unwrap());
    let read: [fn(&mut ReadSet, &KeySpace); 2] = [
        |reads, space| _ = reads.key_in(space, "k"),
        |reads, space| _ = reads.range_in(space, "j".."l"),
    ];
    for read in read {
        for (of, written) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let mut reads = ReadSet::at(&map.snapshot());
            read(&mut reads, &spaces[of]);
            map.put("k", "in the default space").unwrap();
            spaces[written].put("k", "").unwrap();
            let result =
                map.commit_if(WriteBatch::new().put_in(&spaces[1 - of], "own", ""), &reads);
            assert_eq!(result.is_err(), of == written);
        }
    }
}

#[test]
fn without_writes_the_newest_version_at_which_the_reads_stand_is_returned() {
    let map = Map::new();
    map.put("k", "").unwrap();
    let mut reads = ReadSet::at(&map.snapshot());
    assert_eq!(map.commit_if(&WriteBatch::new(), &reads), Ok(map.version()), "nothing was read");
    reads.key("k").range("a".."c");
    let newest = map.put("other", "").unwrap();
    let mut ranges_of_nothing = WriteBatch::new();
    ranges_of_nothing.delete_range("b".."a");
    for batch in [WriteBatch::new(), ranges_of_nothing] {
        assert_eq!(map.commit_if(&batch, &reads), Ok(newest));
        assert_eq!(map.version(), newest, "nothing was ordered");
    }
    map.put("b", "").unwrap();
    assert_eq!(conflict(map.commit_if(&WriteBatch::new(), &reads)).keys[0].key, b"b");
    reads.clear();
    assert!(map.commit_if(&WriteBatch::new(), &reads).is_ok(), "it has forgotten what was read");
}

#[test]
fn what_belongs_to_another_map_is_refused_by_name() {
    let (map, other) = (Map::new(), Map::new());
    let (space, foreign) = (map.key_space("s").unwrap(), other.key_space("s").unwrap());
    let batch = put("own", "");
    assert_eq!(map.commit_if(&batch, &ReadSet::at(&other.snapshot())), Err(Error::ForeignSnapshot));
    for foreign_read in [
        |reads: &mut ReadSet, space: &KeySpace| _ = reads.key_in(space, "k"),
        |reads: &mut ReadSet, space: &KeySpace| _ = reads.range_in(space, ..),
    ] {
        let mut reads = ReadSet::at(&map.snapshot());
        foreign_read(&mut reads, &foreign);
        assert_eq!(map.commit_if(&batch, &reads), Err(Error::ForeignSpace));
        foreign_read(reads_cleared(&mut reads), &space);
        assert!(map.commit_if(&WriteBatch::new(), &reads).is_ok());
    }
    let reads = ReadSet::at(&map.snapshot());
    let mut written = WriteBatch::new();
    written.put_in(&foreign, "k", "");
    assert_eq!(map.commit_if(&written, &reads), Err(Error::ForeignSpace));
    let mut seen = WriteBatch::new();
    seen.delete_range_seen_by(&other.snapshot(), ..);
    assert_eq!(map.commit_if(&seen, &reads), Err(Error::ForeignSpace));
    assert_eq!(map.commit(&seen), Err(Error::ForeignSpace));
    assert_eq!(map.version().get(), 0);
}

fn reads_cleared(reads: &mut ReadSet) -> &mut ReadSet {
    reads.clear();
    reads
}

#[test]
fn what_cannot_be_stored_is_refused_before_the_reads_are_looked_at() {
    let map = Map::builder().max_batch_len(2).build();
    let mut reads = ReadSet::at(&map.snapshot());
    reads.key("k");
    map.put("k", "").unwrap();
    let long = "k".repeat(MAX_KEY_LEN + 1);
    let too_long = Error::KeyTooLong { len: long.len(), max: MAX_KEY_LEN };
    assert_eq!(map.commit_if(&put("", ""), &reads), Err(Error::EmptyKey));
    assert_eq!(map.commit_if(&put(&long, ""), &reads), Err(too_long));
    let mut three = put("a", "");
    three.put("b", "").put("c", "");
    let too_large = Error::BatchTooLarge { len: 3, max: 2 };
    assert_eq!(map.commit_if(&three, &reads), Err(too_large));
    // Nobody can have written to a key that cannot be stored.
    let mut reads = ReadSet::at(&map.snapshot());
    reads.key("").key(&long).range("".."").range(long.as_str()..);
    map.commit_if(&put("own", ""), &reads).unwrap();
}

#[test]
fn a_commit_that_is_refused_leaves_nothing_behind() {
    let map = Map::new();
    map.put("k", "old").unwrap();
    for round in 0..100 {
        let mut reads = ReadSet::at(&map.snapshot());
        reads.key("k").range("x"..);
        map.put("k", "new").unwrap();
        let mut batch = put("k", "mine");
        for number in 0..20 {
            batch.put(format!("new {round} {number}"), "v".repeat(number * 30));
        }
        batch.delete("never there").delete_range("a".."z");
        conflict(map.commit_if(&batch, &reads));
    }
    map.maintain();
    let (survey, stats) = (map.survey(), map.stats());
    assert_eq!((survey.keys, survey.live_keys, survey.versions), (1, 1, 1));
    assert_eq!((stats.records, stats.versions, stats.live_keys), (1, 1, 1));
    assert_eq!(stats.open_snapshots, 0);
    assert_eq!(map.version().get(), 101, "none of them was given a version");
    assert_eq!(stats.refused, 0);
}

#[test]
fn a_read_set_keeps_its_snapshot_open_and_can_be_used_again() {
    let map = Map::new();
    map.put("k", "1").unwrap();
    let mut reads = ReadSet::at(&map.snapshot());
    reads.key("k");
    assert_eq!(map.stats().open_snapshots, 1);
    map.commit_if(&put("k", "2"), &reads).unwrap();
    let own = conflict(map.commit_if(&put("k", "3"), &reads));
    assert_eq!(own.keys[0].key, b"k", "the first commit has written what it read");
    assert_eq!(reads.snapshot().get("k").unwrap(), b"1");
    drop(reads);
    map.maintain();
    assert_eq!(map.stats().open_snapshots, 0);
    assert_eq!(map.survey().versions, 1);
}

#[test]
fn large_read_sets_find_the_one_key_that_was_written() {
    let map = Map::new();
    let keys = 20_000_u32;
    let mut fill = WriteBatch::new();
    (0..keys).step_by(2).for_each(|number| _ = fill.put(number.to_be_bytes(), ""));
    map.commit(&fill).unwrap();
    for at in [0, 1, keys / 2, keys / 2 + 1, keys - 1] {
        let mut reads = ReadSet::at(&map.snapshot());
        for number in (0..keys).rev() {
            reads.key(number.to_be_bytes());
        }
        // A range beside each hundredth, and the same keys once more.
        for number in (0..keys).step_by(100) {
            reads.range((
                Bound::Excluded(number.to_be_bytes()),
                Bound::Excluded((number + 1).to_be_bytes()),
            ));
            reads.key(number.to_be_bytes());
        }
        map.commit_if(&put("own", ""), &reads).unwrap();
        map.put(at.to_be_bytes(), "new").unwrap();
        let conflict = conflict(map.commit_if(&put("own", ""), &reads));
        assert_eq!(conflict.keys.len(), 1);
        assert_eq!(conflict.keys[0].key, at.to_be_bytes());
    }
    let mut reads = ReadSet::at(&map.snapshot());
    reads.range(..);
    map.delete_range(..).unwrap();
    let conflict = conflict(map.commit_if(&put("own", ""), &reads));
    assert_eq!(conflict.keys.len(), 64, "not all are named");
}

/// What was appended, and what it must lead to.
#[test]
fn an_appended_batch_comes_after_what_was_there() {
    let map = Map::new();
    let space = map.key_space("space").unwrap();
    let (mut batch, mut other) = (WriteBatch::new(), WriteBatch::new());
    batch.put("a", "1").delete_range("b".."d").put("c", "1").put_in(&space, "k", "1");
    other.delete_range("x"..).put("a", "2").put("b", "2").delete("c").put("x1", "stays");
    other.put_in(&space, "k", "2");
    let (one, two) = (batch.len(), other.len());
    batch.put("y", "gone").append(&other).put("b", "3");
    assert_eq!(batch.len(), one + two + 2);
    map.put("bb", "gone").unwrap();
    map.put("x", "gone").unwrap();
    map.commit(&batch).unwrap();
    let now = map.snapshot();
    assert_eq!(now.get("a").unwrap(), b"2");
    assert_eq!(now.get("b").unwrap(), b"3");
    assert_eq!(keys_of(&now), [&b"a"[..], b"b", b"x1"]);
    assert_eq!(now.space(&space).unwrap().get("k").unwrap(), b"2");
    // What was appended is unchanged, and comes first the other way round.
    let mut reversed = WriteBatch::new();
    reversed.append(&other).append(&put("a", "4"));
    map.commit(&reversed).unwrap();
    assert_eq!(map.snapshot().get("a").unwrap(), b"4");
    let foreign = Map::new().key_space("space").unwrap();
    let mut mixed = WriteBatch::new();
    mixed.append(&other).append(WriteBatch::new().put_in(&foreign, "k", ""));
    assert_eq!(map.commit(&mixed), Err(Error::ForeignSpace));
    let mut copy = WriteBatch::new();
    copy.append(&WriteBatch::new());
    assert!(copy.is_empty());
}

#[test]
fn deleting_what_a_snapshot_sees_spares_what_came_later() {
    let map = Map::new();
    let space = map.key_space("space").unwrap();
    for key in ["a", "b", "c", "d", "e"] {
        map.put(key, "seen").unwrap();
    }
    space.put("b", "of another space").unwrap();
    let seen = map.snapshot();
    map.put("b", "overwritten").unwrap();
    map.put("bb", "new").unwrap();
    map.delete("c").unwrap();
    map.delete("d").unwrap();
    map.put("d", "seen").unwrap();
    let mut batch = WriteBatch::new();
    batch.put("aa", "own").delete_range_seen_by(&seen, "a".."e").put("c", "own");
    map.commit(&batch).unwrap();
    let now = map.snapshot();
    let left: Vec<_> = now.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    let expected = [
        ("aa", "own"),
        ("b", "overwritten"),
        ("bb", "new"),
        ("c", "own"),
        ("d", "seen"),
        ("e", "seen"),
    ];
    assert_eq!(left, expected.map(|(key, value)| (key.into(), value.into())));
    assert!(now.space(&space).unwrap().contains("b"));
    // Once more it finds nothing left to delete but what this batch may not touch.
    map.commit(&batch).unwrap();
    assert_eq!(map.snapshot().iter().count(), expected.len());
}
