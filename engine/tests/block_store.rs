//! The writes of the transactions of a block, together: scenarios 19 to 22 of the reference suite.

mod blocks;

use blocks::by_hand::{blocked_on, contents, estimate, get, seen, store, write};

type Result = std::result::Result<(), engine::Error>;

#[test]
fn d19_values_estimates_and_deletions_of_several_transactions() -> Result {
    let store = store(&[]);
    let block = store.block(8)?;
    write(&block, 1, 1, &[("k1", Some("v1"))]);
    write(&block, 2, 1, &[("k1", Some("v2"))]);
    estimate(&block, 4, &["k1"]);
    write(&block, 5, 1, &[("k1", None)]);
    write(&block, 6, 1, &[("k1", Some("v4"))]);

    assert_eq!(blocked_on(get(&block, 5, "k1")), 4);
    assert_eq!(seen(&block, 6, "k1"), None);
    assert_eq!(seen(&block, 7, "k1").unwrap(), "v4");
    assert!(block.view(2, 1).contains("k1").unwrap());
    assert!(!block.view(0, 1).contains("k1").unwrap());
    Ok(())
}

#[test]
fn d20_a_run_with_fewer_keys_takes_the_others_back() -> Result {
    let store = store(&[]);
    let block = store.block(3)?;
    write(&block, 1, 1, &[("k1", Some("v1")), ("k2", Some("v1")), ("k3", Some("v1"))]);
    write(&block, 1, 2, &[("k1", Some("new"))]);
    assert_eq!(seen(&block, 2, "k1").unwrap(), "new");
    assert_eq!(seen(&block, 2, "k2"), None);
    assert_eq!(seen(&block, 2, "k3"), None);
    Ok(())
}

#[test]
fn d21_a_withdrawn_run_makes_all_its_keys_estimates_for_those_above() -> Result {
    let store = store(&[("k1", "base"), ("k2", "base")]);
    let block = store.block(4)?;
    write(&block, 1, 1, &[("k1", Some("v1")), ("k2", None), ("k3", Some(""))]);
    block.mark_estimate(1);
    for key in ["k1", "k2", "k3"] {
        assert_eq!(blocked_on(get(&block, 2, key)), 1);
        assert_eq!(blocked_on(get(&block, 3, key)), 1);
        assert_eq!(blocked_on(block.view(3, 1).contains(key)), 1);
    }
    assert_eq!(seen(&block, 1, "k1").unwrap(), "base");
    Ok(())
}

#[test]
fn d22_a_seal_publishes_the_newest_of_each_key_and_no_estimate() -> Result {
    let store = store(&[("k2", "v0"), ("k4", "v4")]);
    let block = store.block(4)?;
    write(&block, 0, 1, &[]);
    write(&block, 1, 1, &[("k1", Some("v1")), ("k3", None), ("k4", None)]);
    write(&block, 2, 1, &[("k1", Some("v2"))]);
    write(&block, 3, 1, &[("k2", Some("v3"))]);
    assert_eq!(contents(&store).len(), 2, "nothing is seen before the seal");
    let before = store.snapshot();
    block.commit_prefix(4)?;
    let sealed = block.seal()?;
    assert_eq!(contents(&store), [("k1".into(), "v2".into()), ("k2".into(), "v3".into())]);
    assert_eq!(sealed.version(), store.snapshot().version());
    assert_eq!(before.get("k4")?.unwrap(), "v4");

    let block = store.block(2)?;
    write(&block, 0, 1, &[]);
    estimate(&block, 1, &["k1", "k5"]);
    block.truncate(1);
    block.commit_prefix(1)?;
    block.seal()?;
    assert_eq!(contents(&store), [("k1".into(), "v2".into()), ("k2".into(), "v3".into())]);
    Ok(())
}

/// The seed's store fell back to the older value without a word.
#[test]
fn d22_a_withdrawn_run_is_neither_committed_nor_sealed() -> Result {
    let store = store(&[("k1", "v0")]);
    let block = store.block(2)?;
    estimate(&block, 0, &["k1", "k5"]);
    write(&block, 1, 1, &[]);
    let refused = block.commit_prefix(2).unwrap_err();
    assert!(matches!(refused, engine::Error::NotValid { index: 0, .. }), "{refused:?}");
    assert!(matches!(block.seal(), Err(engine::Error::NotValid { index: 0, .. })));
    assert_eq!(contents(&store), [("k1".into(), "v0".into())]);
    Ok(())
}

#[test]
fn a_tag_is_sealed_with_its_block_and_refused_without() -> Result {
    let store = store(&[("k1", "v0")]);
    let block = store.block(1)?;
    write(&block, 0, 1, &[("k1", Some("v1"))]);
    let before = store.snapshot();
    let sealed = block.seal_tagged("7")?;
    assert_eq!((before.metadata()?.is_none(), sealed.changed().len()), (true, 1));
    assert_eq!(store.snapshot().metadata()?.unwrap(), "7");
    assert_eq!(contents(&store), [("k1".into(), "v1".into())]);

    let version = store.block(0)?.seal_tagged("8")?.version();
    assert!(version > sealed.version(), "of nothing but its tag there is a commit too");
    assert_eq!(store.snapshot().metadata()?.unwrap(), "8");

    let block = store.block(1)?;
    write(&block, 0, 1, &[("k1", Some("v2"))]);
    let long = vec![0; engine::MAX_METADATA_LEN + 1];
    assert!(matches!(block.seal_tagged(long), Err(engine::Error::MetadataTooLong { .. })));
    assert_eq!(contents(&store), [("k1".into(), "v1".into())]);
    Ok(())
}
