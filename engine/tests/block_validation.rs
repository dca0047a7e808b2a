//! What a validation finds: scenarios 28 to 36 of the reference suite, and what that suite lacks.

mod blocks;

use blocks::by_hand::{
    Said, blocked_on, estimate, put_all, read, rows, rows_back, seen, store, take, validate, write,
};
use engine::{Block, Store, View};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

type Result = std::result::Result<(), engine::Error>;

/// The reader of the scenarios.
const READER: u32 = 5;

/// The store of the scenarios.
fn parent() -> Store {
    store(&[("k2", "v0"), ("k3", "v3"), ("k4", "v4"), ("k5", "v5")])
}

/// A block in which transaction 1 has written.
fn block(store: &Store) -> Block {
    let block = store.block(READER + 2).unwrap();
    write(&block, 1, 1, &[("k1", Some("v1")), ("k2", Some("v2")), ("k3", None)]);
    block
}

/// The reader, after it has read something.
fn reader(block: &Block, reads: impl FnOnce(&mut View<'_>)) {
    let mut view = block.view(READER, 1);
    reads(&mut view);
    block.publish(view).unwrap();
    assert_eq!(validate(block, READER), Said::Valid);
}

fn scan(view: &mut View<'_>) {
    assert_eq!(take(view, "k1".."k7", usize::MAX), ["v1", "v2", "v4", "v5"]);
}

#[test]
fn f28_changed_reads_are_named_by_their_writers() -> Result {
    let store = parent();
    let block = block(&store);
    read(&block, READER, 1, &["k1", "k2", "k3", "k4", "k5"]);
    assert_eq!(validate(&block, READER), Said::Valid);
    write(&block, 2, 1, &[("k3", Some("v6"))]);
    assert_eq!(validate(&block, READER), Said::Stale(vec![2]));
    write(&block, 3, 1, &[("k1", None)]);
    assert_eq!(validate(&block, READER), Said::Stale(vec![2, 3]));
    estimate(&block, 4, &["k2"]);
    assert_eq!(validate(&block, READER), Said::Stale(vec![2, 3, 4]));
    Ok(())
}

#[test]
fn f28_conflicts_carry_the_key() -> Result {
    let store = parent();
    let block = block(&store);
    reader(&block, |view| {
        view.get("k1").unwrap();
        scan(view);
    });
    write(&block, 2, 1, &[("k1", Some("new")), ("k6", Some("new"))]);
    let engine::Verdict::Stale { conflicts } = block.validate(READER) else { panic!("valid") };
    let named: std::collections::BTreeSet<_> =
        conflicts.iter().map(|conflict| (conflict.key.as_slice(), conflict.writer)).collect();
    assert_eq!(named, [(&b"k1"[..], Some(2)), (b"k6", Some(2))].into());
    Ok(())
}

#[test]
fn f29_an_estimate_alone_is_waited_for() -> Result {
    let store = parent();
    let block = block(&store);
    read(&block, READER, 1, &["k1", "k2", "k3", "k4", "k5"]);
    estimate(&block, 4, &["k2"]);
    assert_eq!(validate(&block, READER), Said::Pending(vec![4]));
    write(&block, 4, 2, &[]);
    assert_eq!(validate(&block, READER), Said::Valid, "the next run did not write it");
    Ok(())
}

#[test]
fn f30_a_write_that_was_taken_back_is_missed_though_nobody_can_be_named() -> Result {
    let store = parent();
    let block = block(&store);
    read(&block, READER, 1, &["k1", "k2", "k3", "k4", "k5"]);
    write(&block, 1, 2, &[("k2", Some("v2")), ("k3", None)]);
    assert_eq!(validate(&block, READER), Said::Stale(vec![]));
    Ok(())
}

#[test]
fn f31_a_key_that_appears_in_a_range_is_a_phantom() -> Result {
    let store = parent();
    let block = block(&store);
    reader(&block, scan);
    write(&block, 2, 1, &[("k6", Some("v6"))]);
    assert_eq!(validate(&block, READER), Said::Stale(vec![2]));
    write(&block, 2, 2, &[("k7", Some("v7"))]);
    assert_eq!(validate(&block, READER), Said::Valid, "outside of the range");
    Ok(())
}

#[test]
fn f31_a_phantom_is_found_though_the_iterator_was_never_dropped() -> Result {
    for count in [4, 5] {
        let store = parent();
        let block = block(&store);
        reader(&block, |view| {
            let mut range = view.range("k1".."k7");
            for _ in 0..count {
                range.next();
            }
            std::mem::forget(range);
        });
        write(&block, 2, 1, &[("k4a", Some("phantom"))]);
        assert_eq!(validate(&block, READER), Said::Stale(vec![2]), "after {count} steps");
    }
    Ok(())
}

#[test]
fn f32_own_writes_in_a_range_are_no_phantoms() -> Result {
    let store = parent();
    let block = block(&store);
    reader(&block, |view| {
        view.put("k6", "own").unwrap();
        assert_eq!(take(view, "k1".."k7", 9), ["v1", "v2", "v4", "v5", "own"]);
    });
    let block = self::block(&store);
    reader(&block, |view| {
        scan(view);
        view.put("k6", "own").unwrap();
    });
    Ok(())
}

#[test]
fn f33_a_scan_that_stopped_early_does_not_care_for_what_comes_after() -> Result {
    let store = parent();
    let block = self::block(&store);
    reader(&block, |view| assert_eq!(take(view, "k1".."k7", 3), ["v1", "v2", "v4"]));
    write(&block, 2, 1, &[("k5", None), ("k4a", Some("after"))]);
    assert_eq!(validate(&block, READER), Said::Valid);

    let block = self::block(&store);
    reader(&block, |view| assert_eq!(take(view, "k1".."k7", 4).len(), 4));
    write(&block, 2, 1, &[("k6", Some("v6"))]);
    assert_eq!(validate(&block, READER), Said::Valid);
    Ok(())
}

#[test]
fn f33_nor_does_one_from_the_back() -> Result {
    let store = parent();
    let block = block(&store);
    reader(&block, |view| {
        let mut range = view.range("k1".."k7").rev();
        assert_eq!(range.next().unwrap().unwrap().1, b"v5");
        assert_eq!(range.next().unwrap().unwrap().1, b"v4");
    });
    write(&block, 2, 1, &[("k2", None), ("k3a", Some("below"))]);
    assert_eq!(validate(&block, READER), Said::Valid);
    write(&block, 3, 1, &[("k6", Some("phantom"))]);
    assert_eq!(validate(&block, READER), Said::Stale(vec![3]));
    Ok(())
}

#[test]
fn f34_a_scan_that_stopped_early_cares_for_what_it_passed() -> Result {
    let store = parent();
    let block = block(&store);
    reader(&block, |view| assert_eq!(take(view, "k1".."k7", 3), ["v1", "v2", "v4"]));
    write(&block, 2, 1, &[("k2", None)]);
    assert_eq!(validate(&block, READER), Said::Stale(vec![2]));
    write(&block, 2, 2, &[("k2", None), ("k2a", Some("v2"))]);
    assert_eq!(validate(&block, READER), Said::Stale(vec![2]), "as many keys, other keys");
    Ok(())
}

#[test]
fn f35_the_last_entry_that_was_looked_at_counts() -> Result {
    let store = parent();
    let block = store.block(6)?;
    reader(&block, |view| {
        let mut range = view.range("k1".."k7");
        range.by_ref().take(2).for_each(|entry| _ = entry.unwrap());
        assert_eq!(range.next().unwrap().unwrap().0, b"k4");
    });
    write(&block, 1, 1, &[("k4", None)]);
    assert_eq!(validate(&block, READER), Said::Stale(vec![1]));
    Ok(())
}

#[test]
fn f36_a_validation_beside_writers_neither_panics_nor_waits() -> Result {
    let store = store(&[]);
    let block = store.block(6)?;
    write(&block, 1, 1, &[("a", Some("1")), ("b", Some("1"))]);
    reader(&block, |view| assert_eq!(take(view, .., 9), ["1", "1"]));
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for run in 2..=250_u8 {
                let other = if run.is_multiple_of(2) { "a" } else { "c" };
                write(&block, 1, run, &[(other, Some("2")), ("b", Some("1"))]);
            }
            is_done.store(true, Ordering::Release);
        });
        while !is_done.load(Ordering::Acquire) {
            if let Said::Pending(writers) = validate(&block, READER) {
                panic!("there was no estimate: {writers:?}");
            }
        }
    });
    assert_eq!(validate(&block, READER), Said::Stale(vec![1]));

    write(&block, 1, 251, &[("a", Some("1")), ("b", Some("1"))]);
    assert_eq!(validate(&block, READER), Said::Valid);
    block.mark_estimate(1);
    assert_eq!(validate(&block, READER), Said::Pending(vec![1]));
    write(&block, 1, 252, &[("a", Some("1")), ("b", Some("1")), ("c", Some("1"))]);
    block.mark_estimate(1);
    match validate(&block, READER) {
        Said::Pending(writers) | Said::Stale(writers) => assert_eq!(writers, [1]),
        Said::Valid => panic!("there is a key in the range that was not seen"),
    }
    Ok(())
}

/// The serializability hole of the seed: it compared absent and empty as equal.
#[test]
fn an_absent_key_and_an_empty_value_differ() -> Result {
    let store = store(&[("present", "")]);
    for by_range in [None, Some(())] {
        let block = store.block(6)?;
        reader(&block, |view| match by_range {
            None => {
                assert_eq!(view.get("absent").unwrap(), None);
                assert_eq!(view.get("present").unwrap(), Some(&b""[..]));
            }
            Some(()) => assert_eq!(rows(view, ..).unwrap(), [(b"present".to_vec(), vec![])]),
        });
        write(&block, 2, 1, &[("absent", Some(""))]);
        assert_eq!(validate(&block, READER), Said::Stale(vec![2]));
        write(&block, 2, 2, &[("present", None)]);
        assert_eq!(validate(&block, READER), Said::Stale(vec![2]));
        write(&block, 2, 3, &[("present", Some(""))]);
        assert_eq!(validate(&block, READER), Said::Valid);
    }
    Ok(())
}

/// The livelock of the seed: such a run never validated, and was repeated for ever.
#[test]
fn a_range_that_was_opened_and_never_read_is_no_read() -> Result {
    let store = parent();
    let block = block(&store);
    reader(&block, |view| {
        drop(view.range("k1".."k7"));
        std::mem::forget(view.range(..).rev());
    });
    write(&block, 2, 1, &[("k2", None), ("k6", Some("new"))]);
    assert_eq!(validate(&block, READER), Said::Valid);
    Ok(())
}

#[test]
fn presence_and_value_conflict_separately() -> Result {
    let store = store(&[("k", "v0")]);
    let block = store.block(6)?;
    let mut presence = block.view(3, 1);
    assert!(presence.contains("k").unwrap());
    assert!(!presence.contains("none").unwrap());
    block.publish(presence).unwrap();
    read(&block, 4, 1, &["k", "none"]);

    write(&block, 2, 1, &[("k", Some("v2"))]);
    assert_eq!(validate(&block, 3), Said::Valid, "still there");
    assert_eq!(validate(&block, 4), Said::Stale(vec![2]));
    write(&block, 2, 2, &[("k", None)]);
    assert_eq!(validate(&block, 3), Said::Stale(vec![2]));
    write(&block, 2, 3, &[("none", Some(""))]);
    assert_eq!(validate(&block, 3), Said::Stale(vec![2]));
    block.mark_estimate(2);
    assert_eq!(validate(&block, 3), Said::Pending(vec![2]));
    Ok(())
}

#[test]
fn a_rewrite_of_the_same_bytes_is_no_change() -> Result {
    let store = parent();
    let block = block(&store);
    reader(&block, |view| {
        view.get("k2").unwrap();
        view.get("k9").unwrap();
        scan(view);
    });
    write(&block, 1, 2, &[("k1", Some("v1")), ("k2", Some("v2")), ("k3", None)]);
    assert_eq!(validate(&block, READER), Said::Valid);
    write(&block, 3, 1, &[("k1", Some("v1")), ("k2", Some("v2")), ("k3", None), ("k9", None)]);
    assert_eq!(validate(&block, READER), Said::Valid, "of another transaction, too");
    Ok(())
}

#[test]
fn writers_above_the_reader_do_not_matter() -> Result {
    let store = parent();
    let block = store.block(6)?;
    let mut view = block.view(2, 1);
    rows(&mut view, ..).unwrap();
    view.get("k9").unwrap();
    block.publish(view).unwrap();
    write(&block, 2, 2, &[]);
    let mut view = block.view(2, 3);
    rows(&mut view, ..).unwrap();
    view.get("k9").unwrap();
    put_all(&mut view, &[("k3", None), ("k9", Some("own"))]);
    block.publish(view).unwrap();
    write(&block, 3, 1, &[("k2", Some("above")), ("k6", Some("above")), ("k9", Some("above"))]);
    estimate(&block, 4, &["k4", "k7"]);
    assert_eq!(validate(&block, 2), Said::Valid);
    Ok(())
}

#[test]
fn the_keys_of_the_store_between_those_of_the_block_are_guarded_too() -> Result {
    let store = parent();
    let block = store.block(6)?;
    // Nothing is written in the block yet: a scan over the store alone.
    let mut view = block.view(READER, 1);
    assert_eq!(rows_back(&mut view, "k2"..="k5").unwrap().len(), 4);
    block.publish(view).unwrap();
    for (run, key) in (1..).zip(["k2", "k3", "k5"]) {
        write(&block, 0, run, &[(key, None)]);
        assert_eq!(validate(&block, READER), Said::Stale(vec![0]), "{key} deleted");
    }
    write(&block, 0, 9, &[("k1", None), ("k6", None)]);
    assert_eq!(validate(&block, READER), Said::Valid);
    Ok(())
}

#[test]
fn a_scan_that_found_nothing_guards_its_range() -> Result {
    let store = parent();
    let block = block(&store);
    reader(&block, |view| assert!(rows(view, "m".."n").unwrap().is_empty()));
    write(&block, 2, 1, &[("n", Some("outside"))]);
    assert_eq!(validate(&block, READER), Said::Valid);
    write(&block, 2, 2, &[("m", Some("inside"))]);
    assert_eq!(validate(&block, READER), Said::Stale(vec![2]));
    Ok(())
}

#[test]
fn a_deleted_range_meets_what_a_lower_transaction_inserts_into_it() -> Result {
    let store = parent();
    let block = block(&store);
    reader(&block, |view| view.delete_range("k2".."k5").unwrap());
    write(&block, 2, 1, &[("k3a", Some("phantom"))]);
    assert_eq!(validate(&block, READER), Said::Stale(vec![2]));
    assert_eq!(seen_after(&block, "k3a").as_deref(), Some("phantom"), "the first run missed it");

    let mut view = block.view(READER, 2);
    view.delete_range("k2".."k5").unwrap();
    block.publish(view).unwrap();
    assert_eq!(validate(&block, READER), Said::Valid);
    assert_eq!(seen_after(&block, "k3a"), None);
    write(&block, 3, 1, &[("k5", Some("outside"))]);
    assert_eq!(validate(&block, READER), Said::Valid);
    Ok(())
}

/// What stands after the reader, for one more transaction above it.
fn seen_after(block: &Block, key: &str) -> Option<String> {
    seen(block, READER + 1, key)
}

#[test]
fn a_deleted_range_waits_for_an_estimate_inside_it() -> Result {
    let store = parent();
    let block = block(&store);
    estimate(&block, 3, &["k4"]);
    let mut view = block.view(READER, 1);
    assert_eq!(blocked_on(view.delete_range("k2".."k5").map(|_| ())), 3);
    let mut view = block.view(READER, 1);
    view.delete_range("k4a".."k9").unwrap();
    Ok(())
}
