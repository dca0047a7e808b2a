//! What one transaction of a block sees: scenarios 23 to 27 of the reference suite.

mod blocks;

use blocks::by_hand::{
    Said, blocked_on, estimate, get, put_all, rows, rows_back, seen, store, take, validate, values,
    write,
};
use engine::Abort;

type Result = std::result::Result<(), engine::Error>;

#[test]
fn e23_own_writes_are_read_and_are_no_reads_of_others() -> Result {
    let store = store(&[("k1", "base"), ("k2", "base")]);
    let block = store.block(3)?;
    let mut view = block.view(2, 1);
    view.put("k1", "own").unwrap();
    assert_eq!(view.get("k1").unwrap().unwrap(), b"own");
    view.delete("k2").unwrap();
    assert_eq!(view.get("k2").unwrap(), None);
    assert!(!view.contains("k2").unwrap());
    block.publish(view).unwrap();

    write(&block, 1, 1, &[("k1", Some("other")), ("k2", Some("other"))]);
    assert_eq!(validate(&block, 2), Said::Valid);
    Ok(())
}

#[test]
fn e24_a_read_repeats_though_the_store_changes() -> Result {
    let store = store(&[("k1", "old")]);
    let block = store.block(2)?;
    let mut view = block.view(1, 1);
    assert_eq!(view.get("k1").unwrap().unwrap(), b"old");
    store.put("k1", "new")?;
    store.put("k2", "new")?;
    assert_eq!(view.get("k1").unwrap().unwrap(), b"old");
    assert_eq!(view.get("k2").unwrap(), None, "the block stands on one snapshot");
    Ok(())
}

#[test]
fn e24_a_read_repeats_or_says_that_it_cannot_though_a_transaction_below_writes() -> Result {
    let store = store(&[("k1", "old")]);
    let block = store.block(2)?;
    let mut view = block.view(1, 1);
    assert_eq!(view.get("k1").unwrap().unwrap(), b"old");
    write(&block, 0, 1, &[("k1", Some("new"))]);
    match view.get("k1") {
        Ok(value) => {
            assert_eq!(value.unwrap(), b"old");
            block.publish(view).unwrap();
            assert_eq!(validate(&block, 1), Said::Stale(vec![0]));
        }
        Err(abort) => {
            assert_eq!(abort, Abort::Inconsistent);
            assert_eq!(view.put("k2", "v"), Err(Abort::Inconsistent), "the run is over");
            assert_eq!(block.publish(view), Err(Abort::Inconsistent));
        }
    }
    Ok(())
}

#[test]
fn e25_a_transaction_sees_those_below_it_and_waits_by_an_error() -> Result {
    let store = store(&[]);
    let block = store.block(7)?;
    write(&block, 2, 1, &[("k1", Some("v2"))]);
    assert_eq!(seen(&block, 3, "k1").unwrap(), "v2");
    assert_eq!(seen(&block, 1, "k1"), None);

    estimate(&block, 5, &["k2"]);
    assert_eq!(blocked_on(get(&block, 6, "k2")), 5);
    let mut view = block.view(6, 1);
    assert_eq!(blocked_on(view.get("k2").map(|_| ())), 5);
    assert!(view.get("k1").is_err(), "a run that has to wait reads nothing more");
    Ok(())
}

#[test]
fn e26_iteration_merges_the_store_the_block_and_own_writes() -> Result {
    let store = store(&[("k4", "v4"), ("k5", "v5"), ("deletedKey", "base")]);
    let block = store.block(4)?;
    write(&block, 0, 1, &[("k1", Some("v1")), ("k2", Some("v2")), ("deletedKey", None)]);
    estimate(&block, 3, &["k3"]);

    let mut view = block.view(2, 1);
    assert_eq!(values(rows(&mut view, "000".."k5").unwrap()), ["v1", "v2", "v4"]);
    assert_eq!(values(rows_back(&mut view, "000".."k6").unwrap()), ["v5", "v4", "v2", "v1"]);
    put_all(&mut view, &[("k3", Some("v3")), ("k4", Some("new"))]);
    assert_eq!(values(rows(&mut view, "000".."k5").unwrap()), ["v1", "v2", "v3", "new"]);
    block.publish(view).unwrap();
    assert_eq!(validate(&block, 2), Said::Valid);

    estimate(&block, 1, &["k2"]);
    assert_eq!(validate(&block, 2), Said::Pending(vec![1]));
    let mut view = block.view(2, 2);
    assert_eq!(blocked_on(rows(&mut view, "000".."k5")), 1);
    let mut view = block.view(2, 2);
    assert_eq!(take(&mut view, "000".."k5", 1), ["v1"], "what comes before the estimate is read");
    assert!(rows_back(&mut view, "k4".."k6").is_ok());
    Ok(())
}

#[test]
fn e27_the_keys_of_a_range_come_from_everywhere_in_order() -> Result {
    let store = store(&[("k1", "base"), ("k3", "base"), ("k4", "base"), ("k9", "base")]);
    let block = store.block(3)?;
    write(&block, 1, 1, &[("k2", Some("v1")), ("k3", None)]);
    let mut view = block.view(2, 1);
    put_all(&mut view, &[("k5", Some("own")), ("k6", Some("own")), ("k6", None)]);
    let keys = |rows: Vec<blocks::program::Row>| -> Vec<String> {
        rows.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
    };
    assert_eq!(keys(rows(&mut view, "k1".."k9").unwrap()), ["k1", "k2", "k4", "k5"]);
    assert_eq!(keys(rows(&mut view, ..).unwrap()), ["k1", "k2", "k4", "k5", "k9"]);
    assert!(rows(&mut view, "k5".."k2").unwrap().is_empty(), "bounds the wrong way round");
    assert_eq!(
        keys(view.prefix("k").map(|e| e.map(|(k, v)| (k.to_vec(), v.to_vec())).unwrap()).collect()),
        ["k1", "k2", "k4", "k5", "k9"]
    );
    Ok(())
}

#[test]
fn an_open_iterator_does_not_see_later_writes_of_its_own_transaction() -> Result {
    let store = store(&[("k1", "base"), ("k3", "base")]);
    let block = store.block(1)?;
    let mut view = block.view(0, 1);
    let first = take(&mut view, .., 1);
    view.put("k2", "own").unwrap();
    assert_eq!(first, ["base"]);
    assert_eq!(values(rows(&mut view, ..).unwrap()), ["base", "own", "base"]);
    Ok(())
}

#[test]
fn many_keys_are_read_as_if_one_by_one() -> Result {
    let store = store(&[("k1", "base"), ("k2", "base")]);
    let block = store.block(3)?;
    write(&block, 0, 1, &[("k2", Some("v0"))]);
    estimate(&block, 1, &["k4"]);
    let mut view = block.view(2, 1);
    view.put("k3", "own").unwrap();
    let values = view.get_many(&["k1", "k2", "k3", "k5"]).unwrap();
    assert_eq!(values, [Some(&b"base"[..]), Some(b"v0"), Some(b"own"), None]);
    assert_eq!(blocked_on(view.get_many(&["k1", "k4"]).map(|_| ())), 1);
    Ok(())
}
