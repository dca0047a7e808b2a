//! Keys that are read by themselves.

use super::*;
use ConflictKind::ReadWrite;

#[test]
fn lower_transactions_are_seen_and_higher_ones_are_not() {
    let block = store(&[("k", "base")]).block(4).unwrap();
    put(&block, 1, 1, &[("k", "1")]);
    put(&block, 3, 1, &[("k", "3")]);
    let seen = |index| block.view(index, 1).get("k").unwrap().unwrap().to_vec();
    assert_eq!(seen(0), b"base");
    assert_eq!(seen(1), b"base"); // not its own published run
    assert_eq!(seen(2), b"1");
    assert_eq!(seen(3), b"1");
}

#[test]
fn a_conflict_names_the_key_and_who_wrote_it() {
    let block = store(&[("a", "1"), ("b", "1")]).block(3).unwrap();
    publish(&block, 2, 1, |view| Ok((view.get("a")?, view.get("b")?)));
    put(&block, 1, 1, &[("a", "2")]);
    assert_eq!(conflicts(&block, 2), [("a".into(), Some(1), ReadWrite)]);
    // The run that replaces it writes something else: what was read is there again.
    put(&block, 1, 2, &[("b", "1")]);
    assert_eq!(block.validate(2), Verdict::Valid);
}

#[test]
fn what_is_withdrawn_is_a_conflict_that_nobody_wrote() {
    let block = store(&[]).block(2).unwrap();
    put(&block, 0, 1, &[("k", "1")]);
    publish(&block, 1, 1, |view| view.get("k"));
    put(&block, 0, 2, &[]);
    assert_eq!(conflicts(&block, 1), [("k".into(), None, ReadWrite)]);
}

#[test]
fn absent_is_not_empty() {
    let block = store(&[]).block(3).unwrap();
    publish(&block, 1, 1, |view| view.get("k"));
    publish(&block, 2, 1, |view| view.contains("k"));
    put(&block, 0, 1, &[("k", "")]);
    assert!(is_stale(&block, 1) && is_stale(&block, 2));
    publish(&block, 1, 2, |view| view.get("k"));
    publish(&block, 2, 2, |view| view.contains("k"));
    publish(&block, 0, 2, |view| view.delete("k"));
    assert!(is_stale(&block, 1) && is_stale(&block, 2));
}

#[test]
fn a_delete_of_what_is_not_there_and_the_same_value_again_are_no_conflicts() {
    let block = store(&[("k", "v")]).block(2).unwrap();
    publish(&block, 1, 1, |view| Ok((view.get("k")?, view.get("absent")?)));
    publish(&block, 0, 1, |view| {
        view.put("k", "v")?;
        view.delete("absent")
    });
    assert_eq!(block.validate(1), Verdict::Valid);
}

#[test]
fn who_asked_for_presence_conflicts_with_presence_only() {
    let block = store(&[("k", "1")]).block(2).unwrap();
    publish(&block, 1, 1, |view| view.contains("k"));
    put(&block, 0, 1, &[("k", "2")]);
    assert_eq!(block.validate(1), Verdict::Valid);
    publish(&block, 0, 2, |view| view.delete("k"));
    assert_eq!(conflicts(&block, 1), [("k".into(), Some(0), ReadWrite)]);
}

#[test]
fn who_asked_for_presence_and_then_for_the_value_conflicts_with_both() {
    let block = store(&[("k", "1")]).block(2).unwrap();
    for order in [true, false] {
        publish(&block, 1, 1, |view| {
            if order {
                assert!(view.contains("k")?);
            }
            view.get("k")?;
            view.contains("k")
        });
        assert_eq!(block.validate(1), Verdict::Valid);
        put(&block, 0, 1, &[("k", "2")]);
        assert_eq!(conflicts(&block, 1).len(), 1, "a key that is read twice is named once");
        put(&block, 0, 2, &[]);
    }
}

#[test]
fn own_writes_are_read_and_are_no_reads() {
    let block = store(&[("a", "1"), ("b", "1")]).block(2).unwrap();
    publish(&block, 1, 1, |view| {
        view.put("a", "own")?;
        view.delete("b")?;
        assert_eq!(view.get("a")?, Some(&b"own"[..]));
        assert!(view.contains("a")? && !view.contains("b")?);
        assert_eq!(view.get_many(&["a", "b"])?, [Some(&b"own"[..]), None]);
        Ok(())
    });
    put(&block, 0, 1, &[("a", "2"), ("b", "2")]);
    assert_eq!(block.validate(1), Verdict::Valid);
}

#[test]
fn an_estimate_is_pending_until_its_writer_is_published_again() {
    let block = store(&[]).block(2).unwrap();
    put(&block, 0, 1, &[("a", "1"), ("b", "1")]);
    publish(&block, 1, 1, |view| Ok((view.get("a")?, view.get("b")?)));
    block.mark_estimate(0);
    let Verdict::Pending { conflicts: found } = block.validate(1) else { panic!() };
    assert_eq!((found.len(), found[0].writer), (2, Some(0)));
    put(&block, 0, 2, &[("a", "1")]);
    assert_eq!(conflicts(&block, 1), [("b".into(), None, ReadWrite)]);
    // What is stale for certain is told before what may become so.
    put(&block, 0, 3, &[("a", "1"), ("b", "2")]);
    assert!(is_stale(&block, 1));
}

#[test]
fn what_is_neither_published_nor_there_is_pending() {
    let block = store(&[]).block(1).unwrap();
    assert_eq!(block.validate(0), Verdict::Pending { conflicts: vec![] });
    assert_eq!(block.validate(7), Verdict::Pending { conflicts: vec![] });
    block.mark_estimate(0);
    block.mark_estimate(7);
}

#[test]
fn many_keys_are_found_by_their_table() {
    let block = store(&[]).block(2).unwrap();
    let key = |at: u32| format!("key {at}");
    for (rounds, run) in [(1_000, 1), (5, 2), (20_000, 3), (30, 4)] {
        publish(&block, 0, run, |view| {
            for at in 0..rounds {
                assert_eq!(view.get(key(at + 50_000))?, None);
                view.put(key(at), at.to_be_bytes())?;
                view.put(key(at), (at + 1).to_be_bytes())?; // in the place of the other
            }
            for at in 0..rounds {
                assert_eq!(view.get(key(at))?, Some(&(at + 1).to_be_bytes()[..]));
                assert_eq!(view.get(key(at + 50_000))?, None);
            }
            assert_eq!(view.own.items().len(), rounds as usize);
            assert_eq!(view.reads.items().len(), rounds as usize);
            Ok(())
        });
        assert_eq!(block.validate(0), Verdict::Valid);
        let seen = block.view(1, 1).get(key(rounds)).unwrap();
        assert_eq!(seen, None, "what the run before has written is gone");
    }
}
