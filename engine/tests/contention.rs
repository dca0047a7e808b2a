//! What is lost against others is counted, by kind and by key; what is not lost is not.

use engine::{Error, HotKey, Isolation, Retry, Store};
use std::cell::Cell;

fn named(keys: &[HotKey]) -> Vec<(Option<&str>, &[u8], u64)> {
    keys.iter().map(|hot| (hot.space.as_deref(), &hot.key[..], hot.conflicts)).collect()
}

#[test]
fn each_kind_of_conflict_has_its_own_count() {
    let store = Store::in_memory();
    let (mut reader, mut writer, mut scanner) =
        (store.transaction(), store.transaction_with(Isolation::Snapshot), store.transaction());
    reader.get("read").unwrap();
    reader.put("elsewhere 1", "").unwrap();
    writer.put("written", "").unwrap();
    assert_eq!(scanner.prefix("range/").count(), 0);
    scanner.put("elsewhere 2", "").unwrap();
    for key in ["read", "written", "range/1"] {
        store.put(key, "somebody else's").unwrap();
    }
    for transaction in [&mut reader, &mut writer, &mut scanner] {
        assert!(transaction.commit().unwrap_err().is_conflict());
    }
    let contention = store.contention();
    assert_eq!((contention.read_write, contention.write_write, contention.phantom), (1, 1, 1));
    assert_eq!((contention.conflicts(), contention.retries, contention.exhausted), (3, 0, 0));
    let keys = store.hottest_keys();
    let expected = [(None, &b"range/1"[..], 1), (None, b"read", 1), (None, b"written", 1)];
    assert_eq!(named(&keys), expected);
}

#[test]
fn an_update_that_loses_counts_its_retry_and_the_key_in_its_space() {
    let store = Store::in_memory();
    let counters = store.key_space("counters").unwrap();
    counters.put("visits", "1").unwrap();
    let losses = Cell::new(3);
    counters
        .update("visits", |old| {
            if losses.get() > 0 {
                losses.set(losses.get() - 1);
                counters.put("visits", "5").unwrap();
            }
            old.map(<[u8]>::to_vec)
        })
        .unwrap();
    let contention = store.contention();
    assert_eq!((contention.read_write, contention.retries, contention.exhausted), (3, 3, 0));
    assert_eq!(named(&store.hottest_keys()), [(Some("counters"), &b"visits"[..], 3)]);
}

#[test]
fn giving_up_is_no_retry() {
    let store = Store::in_memory();
    let result: Result<(), Error> = store.transact_with(&Retry::new().attempts(3), |transaction| {
        transaction.get_for_update("k")?;
        store.put("k", "somebody else's, each time")?;
        Ok(())
    });
    assert!(matches!(result, Err(Error::RetriesExhausted { attempts: 3 })));
    let contention = store.contention();
    assert_eq!((contention.conflicts(), contention.retries, contention.exhausted), (3, 2, 1));
}

#[test]
fn what_goes_through_and_what_is_refused_for_other_reasons_is_not_contention() {
    let store = Store::in_memory();
    store.put("k", "v").unwrap();
    store.insert_if_absent("k", "other").unwrap();
    store.compare_and_set("k", "other", "v").unwrap();
    store.put("", "no key").unwrap_err();
    store.transact(|transaction| transaction.put("k", "w")).unwrap();
    store.close().unwrap();
    assert!(matches!(store.put("k", "closed"), Err(Error::Closed)));
    assert_eq!(store.contention(), Store::in_memory().contention());
    assert!(store.hottest_keys().is_empty());
}

#[test]
fn flushes_that_meet_show_nobody_the_keys_of_the_engine() {
    let store = Store::in_memory();
    let overlay = store.overlay();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let overlay = &overlay;
            scope.spawn(move || {
                for round in 0..50 {
                    overlay.put(format!("{thread}/{round}"), "").unwrap();
                    overlay.flush().unwrap();
                }
            });
        }
    });
    assert_eq!(store.snapshot().len().unwrap(), 200);
    assert_eq!(store.contention().conflicts(), 0, "they do each other's work: nothing is lost");
    assert!(store.hottest_keys().is_empty());
}

#[test]
fn counts_are_those_of_one_store() {
    let (one, other) = (Store::in_memory(), Store::in_memory());
    let mut transaction = one.transaction();
    transaction.get_for_update("k").unwrap();
    one.put("k", "").unwrap();
    transaction.commit().unwrap_err();
    assert_eq!(one.clone().contention().conflicts(), 1, "of all its handles");
    assert_eq!(other.contention().conflicts(), 0);
}
