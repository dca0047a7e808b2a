//! Ranges: what is seen, what counts as read, and what is in the way of it.

use super::*;
use ConflictKind::Phantom;

fn lettered() -> Store {
    store(&[("b", "0"), ("d", "0"), ("f", "0"), ("h", "0")])
}

#[test]
fn base_block_and_own_writes_are_merged_in_both_directions() {
    let block = lettered().block(4).unwrap();
    put(&block, 0, 1, &[("a", "low"), ("d", "low"), ("g", "low")]);
    publish(&block, 1, 1, |view| view.delete("f"));
    put(&block, 3, 1, &[("c", "high"), ("h", "high")]);
    let mut view = block.view(2, 1);
    view.put("g", "own").unwrap();
    view.put("i", "own").unwrap();
    view.delete("b").unwrap();
    let all = ["a=low", "d=low", "g=own", "h=0", "i=own"];
    assert_eq!(entries(view.range(..)), all);
    let backwards: Vec<_> = all.into_iter().rev().collect();
    assert_eq!(entries(view.range(..).rev()), backwards);
    assert_eq!(entries(view.range("d".."h")), all[1..3]);
    assert_eq!(entries(view.range("d"..="h").rev()), [all[3], all[2], all[1]]);
    let after_d = (std::ops::Bound::Excluded("d"), std::ops::Bound::Unbounded);
    assert_eq!(entries(view.range(after_d)), all[2..]);
    assert_eq!(view.range("h".."d").count(), 0);
    assert_eq!(view.range("x"..).count(), 0);
    assert_eq!(entries(view.prefix("g")), ["g=own"]);
    assert_eq!(view.prefix("").count(), 5);
    assert_eq!(view.prefix([255, 255]).count(), 0);
}

#[test]
fn any_mix_of_both_ends_yields_each_entry_once() {
    let block = lettered().block(3).unwrap();
    put(&block, 0, 1, &[("a", "low"), ("c", "low"), ("h", "low")]);
    publish(&block, 1, 1, |view| {
        view.delete("d")?;
        view.put("e", "1")
    });
    let mut view = block.view(2, 1);
    view.put("i", "own").unwrap();
    let all = entries(view.range(..));
    assert_eq!(all.len(), 7);
    for mix in 0..1 << 9 {
        let (mut front, mut back) = (vec![], vec![]);
        let mut range = view.range(..);
        for step in 0..9 {
            let is_front = mix >> step & 1 == 0;
            let entry = if is_front { range.next() } else { range.next_back() };
            let Some(entry) = entry else { continue };
            let entry = entries(std::iter::once(entry)).remove(0);
            if is_front { front.push(entry) } else { back.push(entry) }
        }
        assert!(range.next().is_none() && range.next_back().is_none());
        front.extend(back.into_iter().rev());
        assert_eq!(front, all, "{mix:b}");
    }
}

#[test]
fn what_was_handed_out_was_read_and_nothing_else() {
    // Of four keys the first two are read, from either end.
    for is_forward in [true, false] {
        let read = |block: &Block| {
            publish(block, 1, 1, |view| {
                let range = view.range(..);
                let count =
                    if is_forward { range.take(2).count() } else { range.rev().take(2).count() };
                assert_eq!(count, 2);
                Ok(())
            });
        };
        let touched = |key: &str| {
            let block = lettered().block(2).unwrap();
            read(&block);
            put(&block, 0, 1, &[(key, "new")]);
            conflicts(&block, 1)
        };
        let (inside, outside): (&[&str], &[&str]) = if is_forward {
            (&["a", "b", "c", "d"], &["dd", "e", "f", "h", "i"])
        } else {
            (&["f", "ff", "g", "h", "i"], &["a", "b", "d", "e"])
        };
        for key in inside {
            assert_eq!(touched(key), [(key.to_string(), Some(0), Phantom)], "{is_forward}");
        }
        for key in outside {
            assert_eq!(touched(key), [], "{key} {is_forward}");
        }
    }
}

#[test]
fn both_ends_of_one_range_are_read_as_far_as_they_came() {
    let touched = |key: &str| {
        let block = lettered().block(2).unwrap();
        publish(&block, 1, 1, |view| {
            let mut range = view.range("a"..);
            range.next().unwrap()?;
            range.next_back().unwrap()?;
            Ok(())
        });
        put(&block, 0, 1, &[(key, "new")]);
        !conflicts(&block, 1).is_empty()
    };
    assert!(touched("a") && touched("b") && touched("h") && touched("i"));
    assert!(!touched("A") && !touched("c") && !touched("f") && !touched("g"));
}

#[test]
fn a_range_that_ran_to_its_end_was_read_to_its_bound() {
    for mix in 0..1 << 5 {
        let touched = |key: &str| {
            let block = lettered().block(2).unwrap();
            publish(&block, 1, 1, |view| {
                let mut range = view.range("a".."z");
                for step in 0..5 {
                    let _ = if mix >> step & 1 == 0 { range.next() } else { range.next_back() };
                }
                Ok(())
            });
            put(&block, 0, 1, &[(key, "new")]);
            conflicts(&block, 1)
        };
        for key in ["a", "b", "c", "d", "e", "f", "g", "h", "y"] {
            assert_eq!(touched(key), [(key.to_owned(), Some(0), Phantom)], "{mix:b}");
        }
        assert!(touched("z").is_empty() && touched("A").is_empty());
    }
}

#[test]
fn a_range_that_was_opened_and_not_read_is_no_read() {
    let block = lettered().block(2).unwrap();
    publish(&block, 1, 1, |view| {
        drop(view.range(..));
        std::mem::forget(view.range(..));
        Ok(())
    });
    put(&block, 0, 1, &[("a", "new"), ("b", "new")]);
    assert_eq!(block.validate(1), Verdict::Valid);
}

#[test]
fn a_range_that_was_forgotten_was_read_all_the_same() {
    let block = lettered().block(2).unwrap();
    publish(&block, 1, 1, |view| {
        let mut range = view.range(..);
        range.next().unwrap()?;
        std::mem::forget(range);
        Ok(())
    });
    put(&block, 0, 1, &[("a", "new")]);
    assert!(is_stale(&block, 1));
}

#[test]
fn a_key_that_vanishes_or_changes_in_a_range_is_a_conflict() {
    let block = lettered().block(3).unwrap();
    put(&block, 0, 1, &[("c", "1"), ("e", "1")]);
    for run in 1..=2 {
        publish(&block, 2, run, |view| Ok(view.range(..).rev().count()));
    }
    put(&block, 0, 2, &[("c", "1")]);
    assert_eq!(conflicts(&block, 2), [("e".into(), None, Phantom)]);
    put(&block, 0, 3, &[("c", "2"), ("e", "1")]);
    assert_eq!(conflicts(&block, 2), [("c".into(), Some(0), Phantom)]);
    publish(&block, 0, 4, |view| {
        view.delete("b")?;
        view.delete("c")?;
        view.put("e", "1")?;
        view.put("d", "0") // as the base has it
    });
    let named: Vec<_> = conflicts(&block, 2).into_iter().map(|(key, ..)| key).collect();
    assert_eq!(named, ["c", "b"]); // in the order in which it was read
    put(&block, 0, 5, &[("c", "1"), ("e", "1")]);
    assert_eq!(block.validate(2), Verdict::Valid);
}

#[test]
fn an_own_write_hides_what_is_below_it() {
    let block = lettered().block(3).unwrap();
    put(&block, 0, 1, &[("c", "1")]);
    publish(&block, 2, 1, |view| {
        for key in ["b", "c", "e"] {
            view.put(key, "own")?;
        }
        view.delete("f")?;
        assert_eq!(view.range(..).count(), 5);
        assert_eq!(view.range(..).rev().count(), 5);
        Ok(())
    });
    put(&block, 0, 2, &[("b", "2"), ("c", "2"), ("e", "2"), ("f", "2")]);
    assert_eq!(block.validate(2), Verdict::Valid);
    put(&block, 0, 3, &[("d", "2")]);
    assert!(is_stale(&block, 2));
}

#[test]
fn writes_made_after_a_range_was_read_do_not_hide_what_it_saw() {
    let block = lettered().block(2).unwrap();
    publish(&block, 1, 1, |view| {
        assert_eq!(view.range(..).count(), 4);
        view.put("a", "own")?;
        view.delete("b")
    });
    put(&block, 0, 1, &[("a", "new")]);
    assert!(is_stale(&block, 1));
    put(&block, 0, 2, &[("b", "new")]);
    assert!(is_stale(&block, 1));
}

#[test]
fn an_estimate_blocks_when_it_is_its_turn_and_not_before() {
    let block = lettered().block(2).unwrap();
    put(&block, 0, 1, &[("e", "1")]);
    block.mark_estimate(0);
    let mut view = block.view(1, 1);
    let mut range = view.range(..);
    assert_eq!(range.next().unwrap().unwrap().0, b"b");
    assert_eq!(range.next().unwrap().unwrap().0, b"d");
    drop(range);
    assert_eq!(view.range(.."e").count(), 2); // the bound is no read either
    block.publish(view).unwrap();
    put(&block, 0, 2, &[("e", "2")]);
    assert_eq!(block.validate(1), Verdict::Valid);

    block.mark_estimate(0);
    let mut view = block.view(1, 2);
    let mut range = view.range("d"..);
    range.next().unwrap().unwrap();
    assert_eq!(range.next().unwrap().unwrap_err(), Abort::Blocked { on: 0 });
    assert!(range.next().is_none());
    drop(range);
    assert!(block.publish(view).is_err());
}

#[test]
fn a_range_meets_estimates_when_it_is_validated() {
    let block = lettered().block(3).unwrap();
    put(&block, 0, 1, &[("c", "1")]);
    publish(&block, 2, 1, |view| Ok(view.range(..).count()));
    put(&block, 1, 1, &[("e", "1")]);
    block.mark_estimate(0);
    block.mark_estimate(1);
    assert!(matches!(block.validate(2), Verdict::Pending { .. }));
    let named = conflicts(&block, 2);
    assert_eq!(named, [("c".into(), Some(0), Phantom), ("e".into(), Some(1), Phantom)]);
}

#[test]
fn a_range_that_is_deleted_is_read_wholly() {
    let block = lettered().block(3).unwrap();
    put(&block, 0, 1, &[("c", "1")]);
    publish(&block, 1, 1, |view| {
        view.put("g", "own")?;
        view.delete_range("b".."h")
    });
    assert_eq!(entries(block.view(2, 1).range(..)), ["h=0"]);
    assert_eq!(block.validate(1), Verdict::Valid);
    put(&block, 0, 2, &[("c", "1"), ("e", "phantom")]);
    assert_eq!(conflicts(&block, 1), [("e".into(), Some(0), Phantom)]);
    publish(&block, 1, 2, |view| view.delete_range("b".."h"));
    assert_eq!(entries(block.view(2, 1).range(..)), ["h=0"]);
}

#[test]
fn what_is_too_much_to_delete_deletes_nothing() {
    let block = Block::builder(&lettered()).max_range_delete(3).open(1).unwrap();
    let mut view = block.view(0, 1);
    assert_eq!(view.delete_range(..).unwrap_err(), Abort::RangeTooLarge { max: 3 });
    assert_eq!(view.range(..).count(), 4);
    view.delete_range("c"..).unwrap();
    assert_eq!(entries(view.range(..)), ["b=0"]);
}

#[test]
fn point_reads_and_several_ranges_are_kept_apart() {
    let block = lettered().block(2).unwrap();
    publish(&block, 1, 1, |view| {
        view.get("x")?;
        view.range("a".."c").count();
        view.get("y")?;
        view.range("g"..).rev().count();
        view.range("a".."b").count();
        Ok(())
    });
    put(&block, 0, 1, &[("a", "new"), ("c", "new"), ("e", "new"), ("y", "new")]);
    let named: Vec<_> = conflicts(&block, 1).into_iter().map(|(key, ..)| key).collect();
    assert_eq!(named, ["y", "a", "y", "a"]); // once for each time that it was read
}
