//! What others do at one moment of a commit that depends on what was read (feature `pause-points`): before it is ordered it
//! counts, and afterwards it does not.

#![cfg(feature = "pause-points")]

use epoch_store::{Conflict, Error, Map, ReadKind, ReadSet, Version, WriteBatch, with_pauses};
use std::cell::Cell;

/// Validated once; its own versions are being built.
const PREPARING: &str = "record-in-leaf";
/// All is ready; it is not ordered, and what comes before it is for the verdict.
const PREPARED: &str = "commit-prepared";
/// It has its place in the order: what comes now comes after it.
const ORDERED: [&str; 3] = ["commit-linked", "commit-ordered", "commit-judged"];

/// More commits than are left to the verdict.
const MANY: usize = 200;

/// Runs `work`; when it first comes to `point`, another thread does `others` meanwhile.
fn with_others_at<T>(
    point: &'static str,
    others: impl Fn() + Sync + Send + 'static,
    work: impl FnOnce() -> T,
) -> T {
    let seen = std::rc::Rc::new(Cell::new(false));
    let reached = std::rc::Rc::clone(&seen);
    let hook = move |name: &str| {
        if name == point && !reached.replace(true) {
            std::thread::scope(|scope| scope.spawn(&others).join()).expect("others end");
        }
    };
    let result = with_pauses(hook, work);
    assert!(seen.get(), "it did not come to {point}");
    result
}

fn three_keys() -> Map {
    let map = Map::new();
    for key in ["a", "b", "c"] {
        map.put(key, "old").unwrap();
    }
    map
}

/// Commits a new key, having read `b` and the absent `bb` by name, and the range from `m` to `n`. What others do at the point
/// is not allowed to leave keys behind but `a`, `b`, `c` and those that begin with `other`.
fn commit_beside(point: &'static str, others: fn(&Map)) -> (Map, Result<Version, Conflict>) {
    let map = three_keys();
    let mut reads = ReadSet::at(&map.snapshot());
    reads.key("b").key("bb").range("m".."n");
    let mut batch = WriteBatch::new();
    batch.put("own", "").put("c", "own");
    let other = map.clone();
    let result = with_others_at(point, move || others(&other), || map.commit_if(&batch, &reads));
    let result = result.map_err(|error| match error {
        Error::Conflict(conflict) => *conflict,
        error => panic!("{error}"),
    });
    drop(reads);
    assert_eq!(map.snapshot().contains("own"), result.is_ok(), "all or nothing, at {point}");
    map.maintain();
    let (survey, stats) = (map.survey(), map.stats());
    let live = map.snapshot().iter().count() as u64;
    assert_eq!((survey.keys, survey.versions), (live, live), "nothing is left behind, at {point}");
    assert_eq!((stats.versions, stats.live_keys), (live, live));
    assert_eq!(stats.commits, stats.version.get());
    (map, result)
}

fn commit_many(map: &Map) {
    for number in 0..MANY {
        map.put(format!("other {}", number % 7), "").unwrap();
    }
}

fn names(conflict: &Conflict) -> Vec<(&[u8], ReadKind)> {
    conflict.keys.iter().map(|at| (&*at.key, at.read)).collect()
}

#[test]
fn what_comes_before_it_in_the_order_refuses_it_however_late() {
    for point in [PREPARING, PREPARED] {
        let (map, result) = commit_beside(point, |map| _ = map.put("b", "new").unwrap());
        assert_eq!(names(&result.unwrap_err()), [(&b"b"[..], ReadKind::Key)]);
        assert_eq!(map.snapshot().get("c").unwrap(), b"old");
        assert_eq!(map.stats().refused, 1, "by the verdict");
        let (_, result) = commit_beside(point, |map| _ = map.delete("b").unwrap());
        assert_eq!(names(&result.unwrap_err()), [(&b"b"[..], ReadKind::Key)]);
        let (_, result) = commit_beside(point, |map| {
            map.put("other", "").unwrap();
            map.put("mm", "").unwrap();
        });
        assert_eq!(names(&result.unwrap_err()), [(&b"mm"[..], ReadKind::Range)]);
    }
}

#[test]
fn a_range_is_met_between_its_bounds() {
    for (put, is_met) in [
        (|map: &Map| _ = map.put("m", "").unwrap(), true),
        (|map: &Map| _ = map.put("m~", "").unwrap(), true),
        (|map: &Map| _ = map.put("l~", "").unwrap(), false),
        (|map: &Map| _ = map.put("n", "").unwrap(), false),
    ] as [(fn(&Map), bool); 4]
    {
        let (_, result) = commit_beside(PREPARED, put);
        assert_eq!(result.is_err(), is_met, "{result:?}");
    }
}

/// Nothing is to be written, so that no verdict follows: what comes now must neither be taken for what was, nor hide it.
#[test]
fn reads_stand_at_the_version_that_is_returned_whatever_comes_meanwhile() {
    let map = three_keys();
    let mut reads = ReadSet::at(&map.snapshot());
    reads.key("bb").range("m".."n");
    let other = map.clone();
    let validate = |others: fn(&Map)| {
        let other = other.clone();
        let work = || map.commit_if(&WriteBatch::new(), &reads);
        with_others_at("reads-registered", move || others(&other), work)
    };
    let before = map.version();
    let stands = validate(|map| {
        map.put("bb", "").unwrap();
        map.put("mm", "").unwrap();
    });
    assert_eq!(stands, Ok(before), "both came later");
    // Now they are there, and go while somebody looks.
    let result = validate(|map| {
        map.delete_range("bb"..).unwrap();
        map.maintain();
    });
    let Err(Error::Conflict(conflict)) = result else { panic!("{result:?}") };
    assert_eq!(names(&conflict), [(&b"bb"[..], ReadKind::Key), (b"mm", ReadKind::Range)]);
    assert_eq!(validate(|_| {}), Ok(map.version()), "they are as absent as they were");
    assert_eq!(map.stats().refused, 0);
}

#[test]
fn what_comes_after_it_in_the_order_does_not() {
    for point in ORDERED {
        let (map, result) = commit_beside(point, |map| {
            map.put("b", "later").unwrap();
            map.put("c", "later").unwrap();
            map.put("mm", "later").unwrap();
        });
        let version = result.unwrap();
        let now = map.snapshot();
        assert!(now.version().get() == version.get() + 3, "three came after it, at {point}");
        assert_eq!(now.get("c").unwrap(), b"later");
    }
}

#[test]
fn however_many_come_before_it_all_of_them_count_and_only_those_that_meet_its_reads() {
    for point in [PREPARING, PREPARED] {
        let (_, result) = commit_beside(point, commit_many);
        result.expect("nobody has written what it read");
        for first in [true, false] {
            let (map, result) = match first {
                true => commit_beside(point, |map| {
                    map.put("b", "new").unwrap();
                    commit_many(map);
                }),
                false => commit_beside(point, |map| {
                    commit_many(map);
                    map.put("b", "new").unwrap();
                }),
            };
            assert_eq!(names(&result.unwrap_err()), [(&b"b"[..], ReadKind::Key)]);
            let refused = map.stats().refused;
            assert_eq!(refused, u64::from(point == PREPARED), "validated again where it still can");
        }
    }
}

#[test]
fn what_comes_and_goes_again_counts_as_long_as_the_verdict_is_about_it() {
    let comes_and_goes = |map: &Map| {
        map.put("bb", "").unwrap();
        map.delete("bb").unwrap();
        map.maintain();
    };
    let (_, result) = commit_beside(PREPARED, comes_and_goes);
    let named = result.unwrap_err();
    assert_eq!(names(&named), [(&b"bb"[..], ReadKind::Key)], "the key of the verdict is named");
    let (_, result) = commit_beside(PREPARED, |map| {
        map.put("mm", "").unwrap();
        map.delete("mm").unwrap();
    });
    assert_eq!(names(&result.unwrap_err()), [], "in a range nobody can tell any more");
    let (_, result) = commit_beside(PREPARING, |map| {
        map.put("bb", "").unwrap();
        map.delete("bb").unwrap();
        commit_many(map);
    });
    result.expect("it was validated again, and is as absent as it was");
}

#[test]
fn the_key_of_the_verdict_is_named_first_among_others() {
    let (_, result) = commit_beside(PREPARED, |map| {
        map.put("bb", "").unwrap();
        map.delete("bb").unwrap();
        map.put("mm", "").unwrap();
    });
    let expected = [(&b"bb"[..], ReadKind::Key), (b"mm", ReadKind::Range)];
    assert_eq!(names(&result.unwrap_err()), expected);
}

#[test]
fn a_range_that_is_deleted_beside_it_meets_reads_inside_and_no_others() {
    let (_, result) = commit_beside(PREPARED, |map| _ = map.delete_range("bb".."c").unwrap());
    assert_eq!(names(&result.unwrap_err()), [(&b"bb"[..], ReadKind::Key)]);
    let (_, result) = commit_beside(PREPARED, |map| _ = map.delete_range("l".."mm").unwrap());
    assert_eq!(names(&result.unwrap_err()), [], "there was nothing in it");
    for beside in [
        |map: &Map| _ = map.delete_range("c".."m").unwrap(),
        |map: &Map| _ = map.delete_range("n"..).unwrap(),
        |map: &Map| _ = map.delete_range("b\0".."bb").unwrap(),
        |map: &Map| _ = map.delete_range("bb\0".."m").unwrap(),
    ] {
        let (map, result) = commit_beside(PREPARED, beside);
        result.unwrap();
        assert_eq!(map.snapshot().get("c").unwrap(), b"own");
    }
}

/// The one writes what the other has read, and is refused itself, at its place in the order: so the other is not.
#[test]
fn who_is_refused_refuses_nobody() {
    let (map, result) = commit_beside(PREPARED, |map| {
        let mut reads = ReadSet::at(&map.snapshot());
        reads.key("a");
        let mut batch = WriteBatch::new();
        batch.put("b", "never").put("other", "never").delete_range("m".."n");
        let meddler = map.clone();
        let meddle = move || _ = meddler.put("a", "new").unwrap();
        let result = with_others_at(PREPARED, meddle, || map.commit_if(&batch, &reads));
        assert!(matches!(result, Err(Error::Conflict(_))));
        assert_eq!(map.stats().refused, 1);
    });
    result.expect("nothing was written to what it read");
    assert_eq!(map.snapshot().get("b").unwrap(), b"old");
}

/// What it writes, and has not read, may come and go as it likes: also its record.
#[test]
fn a_record_that_goes_under_it_is_found_again() {
    for point in [PREPARED, "commit-ordered", "commit-judged"] {
        let (map, result) = commit_beside(point, |map| {
            map.delete("c").unwrap();
            map.maintain();
        });
        result.unwrap();
        let is_there = map.snapshot().contains("c");
        assert_eq!(is_there, point == PREPARED, "the later of the two counts, at {point}");
    }
}

/// Two meet in the queue, each having read what the other writes: the first goes through, whoever judges.
#[test]
fn of_two_that_are_ordered_at_once_the_first_goes_through() {
    for point in ORDERED {
        let map = three_keys();
        let mut reads = ReadSet::at(&map.snapshot());
        reads.key("a").key("b");
        let (other, theirs) = (map.clone(), reads.clone());
        let second = move || {
            let result = other.commit_if(WriteBatch::new().put("a", "second"), &theirs);
            let Err(Error::Conflict(conflict)) = result else { panic!("{result:?}") };
            assert_eq!(names(&conflict), [(&b"b"[..], ReadKind::Key)]);
        };
        let batch = &mut WriteBatch::new();
        batch.put("b", "first");
        with_others_at(point, second, || map.commit_if(batch, &reads)).unwrap();
        let now = map.snapshot();
        assert_eq!(
            (&*now.get("a").unwrap(), &*now.get("b").unwrap()),
            (&b"old"[..], &b"first"[..])
        );
    }
}
