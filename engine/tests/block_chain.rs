//! The versions of one key in a block: scenarios 15 to 18 of the reference suite.

mod blocks;

use blocks::by_hand::{
    Said, blocked_on, contents, estimate, get, read, seen, store, validate, write,
};

type Result = std::result::Result<(), engine::Error>;

const KEY: &str = "key";

#[test]
fn c15_a_reader_sees_the_newest_write_of_a_lower_index() -> Result {
    let store = store(&[]);
    let block = store.block(3)?;
    write(&block, 1, 1, &[(KEY, Some("one"))]);
    assert_eq!(seen(&block, 0, KEY), None);
    assert_eq!(seen(&block, 1, KEY), None);
    assert_eq!(seen(&block, 2, KEY).unwrap(), "one");

    write(&block, 0, 1, &[(KEY, Some("zero"))]);
    assert_eq!(seen(&block, 0, KEY), None);
    assert_eq!(seen(&block, 1, KEY).unwrap(), "zero");
    assert_eq!(seen(&block, 2, KEY).unwrap(), "one");
    Ok(())
}

#[test]
fn c16_a_deletion_hides_what_is_below_until_it_is_overwritten() -> Result {
    let store = store(&[(KEY, "base")]);
    let block = store.block(7)?;
    write(&block, 2, 1, &[(KEY, Some("one"))]);
    write(&block, 4, 1, &[(KEY, None)]);
    assert_eq!(seen(&block, 5, KEY), None);
    assert_eq!(seen(&block, 4, KEY).unwrap(), "one");
    assert_eq!(seen(&block, 3, KEY).unwrap(), "one");
    assert_eq!(seen(&block, 2, KEY).unwrap(), "base");

    write(&block, 4, 2, &[(KEY, Some("four"))]);
    assert_eq!(seen(&block, 6, KEY).unwrap(), "four");
    assert_eq!(seen(&block, 4, KEY).unwrap(), "one");
    Ok(())
}

#[test]
fn c17_an_estimate_is_met_by_readers_above_and_goes_with_the_next_run() -> Result {
    let store = store(&[]);
    let block = store.block(4)?;
    write(&block, 1, 1, &[(KEY, Some("first"))]);
    block.mark_estimate(1);
    assert_eq!(blocked_on(get(&block, 2, KEY)), 1);
    assert_eq!(seen(&block, 1, KEY), None, "nobody waits for itself");

    write(&block, 1, 2, &[(KEY, Some("second"))]);
    assert_eq!(seen(&block, 2, KEY).unwrap(), "second");
    Ok(())
}

#[test]
fn c18_below_an_estimate_or_a_dropped_write_the_older_one_stands() -> Result {
    let store = store(&[]);
    let block = store.block(5)?;
    estimate(&block, 3, &[KEY]);
    assert_eq!(seen(&block, 3, KEY), None);
    assert_eq!(blocked_on(get(&block, 4, KEY)), 3);
    write(&block, 1, 1, &[(KEY, Some("one"))]);
    assert_eq!(seen(&block, 3, KEY).unwrap(), "one");
    write(&block, 2, 1, &[(KEY, Some("two"))]);
    assert_eq!(seen(&block, 3, KEY).unwrap(), "two");

    write(&block, 2, 2, &[]);
    assert_eq!(seen(&block, 3, KEY).unwrap(), "one", "the second run of 2 did not write it");
    assert_eq!(blocked_on(get(&block, 4, KEY)), 3);

    write(&block, 0, 1, &[]);
    block.truncate(3);
    block.commit_prefix(3)?;
    block.seal()?;
    assert_eq!(contents(&store), [(KEY.into(), "one".into())], "the estimate went with its index");
    Ok(())
}

#[test]
fn the_newest_of_many_writes_is_found_from_every_index() -> Result {
    let store = store(&[(KEY, "base")]);
    let block = store.block(200)?;
    // Every third index writes, in an order that is neither up nor down.
    for step in 0..67 {
        let index = (step * 29 % 67) * 3;
        write(&block, index, 1, &[(KEY, Some(&index.to_string()))]);
    }
    assert_eq!(seen(&block, 0, KEY).unwrap(), "base");
    for index in 1..200 {
        let below = (index - 1) / 3 * 3;
        assert_eq!(seen(&block, index, KEY).unwrap(), below.to_string());
    }
    Ok(())
}

/// Only a hand runs a transaction so often; the number of a run does not tell versions apart.
#[test]
fn a_transaction_that_is_run_more_often_than_runs_are_counted() -> Result {
    let store = store(&[]);
    let block = store.block(2)?;
    write(&block, 0, 255, &[(KEY, Some("first"))]);
    read(&block, 1, 1, &[KEY]);
    for value in ["second", "third"] {
        assert_eq!(validate(&block, 1), Said::Valid);
        write(&block, 0, 255, &[(KEY, Some(value))]);
        assert_eq!(validate(&block, 1), Said::Stale(vec![0]));
        read(&block, 1, 255, &[KEY]);
    }
    block.seal()?;
    assert_eq!(contents(&store), [(KEY.into(), "third".into())]);
    Ok(())
}
