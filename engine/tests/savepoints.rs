//! Savepoints take back writes, all that were made since and no others, and do not take back reads.

mod rng;

use engine::{Error, Isolation, Savepoint, Store, Transaction};
use rng::{random, short_key};
use std::collections::BTreeMap;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn contents(transaction: &Transaction) -> Model {
    let row = |entry: Result<(engine::Key<'_>, engine::Value<'_>), Error>| {
        let (key, value) = entry.unwrap();
        (key.to_vec(), value.to_vec())
    };
    transaction.iter().map(row).collect()
}

fn is_gone(result: Result<(), Error>) -> bool {
    matches!(result, Err(Error::NoSuchSavepoint))
}

#[test]
fn rolling_back_takes_back_puts_deletes_and_ranges() {
    let store = Store::in_memory();
    store.put("a", "stored").unwrap();
    store.put("b", "stored").unwrap();
    let mut transaction = store.transaction();
    transaction.put("c", "own").unwrap();
    let before = contents(&transaction);
    let savepoint = transaction.savepoint();
    transaction.put("a", "new").unwrap();
    transaction.delete("b").unwrap();
    transaction.delete_range(..).unwrap();
    transaction.put("d", "new").unwrap();
    transaction.roll_back(savepoint).unwrap();
    assert_eq!(contents(&transaction), before);
    transaction.commit().unwrap();
    let snapshot = store.snapshot();
    assert_eq!(snapshot.get("a").unwrap().unwrap(), "stored");
    assert_eq!(snapshot.iter().count(), 3);
}

#[test]
fn what_is_rolled_back_completely_is_no_commit() {
    let store = Store::in_memory();
    let version = store.put("k", "stored").unwrap();
    let mut transaction = store.transaction();
    let savepoint = transaction.savepoint();
    transaction.put("k", "new").unwrap();
    transaction.roll_back(savepoint).unwrap();
    assert_eq!(transaction.commit().unwrap(), version);
    assert_eq!(store.version(), version);
}

#[test]
fn rolling_back_does_not_forget_reads() {
    let store = Store::in_memory();
    for range in [false, true] {
        let mut transaction = store.transaction();
        let savepoint = transaction.savepoint();
        if range {
            transaction.range("a".."z").for_each(drop);
        } else {
            transaction.get("k").unwrap();
        }
        transaction.put("k", "v").unwrap();
        transaction.roll_back(savepoint).unwrap();
        transaction.put("other", "").unwrap();
        store.put("k", "somebody else's").unwrap();
        assert!(transaction.commit().unwrap_err().is_conflict(), "by a range: {range}");
    }
}

#[test]
fn under_snapshot_isolation_what_was_rolled_back_does_not_conflict() {
    let store = Store::in_memory();
    let mut transaction = store.transaction_with(Isolation::Snapshot);
    let savepoint = transaction.savepoint();
    transaction.put("k", "v").unwrap();
    transaction.roll_back(savepoint).unwrap();
    transaction.put("other", "").unwrap();
    store.put("k", "somebody else's").unwrap();
    transaction.commit().unwrap();
}

#[test]
fn a_stale_savepoint_is_refused_and_changes_nothing() {
    let store = Store::in_memory();
    let mut transaction = store.transaction();
    let outer = transaction.savepoint();
    let inner = transaction.savepoint();
    transaction.put("k", "v").unwrap();
    transaction.roll_back(outer).unwrap();
    transaction.put("k", "v").unwrap();
    assert!(is_gone(transaction.roll_back(inner)), "an earlier one was rolled back to");
    assert!(is_gone(transaction.release(inner)));
    let inner = transaction.savepoint();
    transaction.release(outer).unwrap();
    assert!(is_gone(transaction.roll_back(inner)), "an earlier one was released");
    assert!(is_gone(transaction.roll_back(outer)), "it was released");
    assert!(transaction.contains("k").unwrap());
}

#[test]
fn a_savepoint_ends_with_the_commit_or_restart_of_its_transaction() {
    let store = Store::in_memory();
    let mut transaction = store.transaction();
    let savepoint = transaction.savepoint();
    transaction.put("k", "v").unwrap();
    transaction.commit().unwrap();
    let next = transaction.savepoint();
    transaction.put("k", "w").unwrap();
    assert!(is_gone(transaction.roll_back(savepoint)));
    assert_eq!(transaction.get("k").unwrap().unwrap(), "w");
    transaction.restart();
    assert!(is_gone(transaction.roll_back(next)));
}

#[test]
fn a_savepoint_of_another_transaction_is_refused() {
    let (store, other) = (Store::in_memory(), Store::in_memory());
    let (mut one, two, mut new) = (store.transaction(), store.transaction(), store.transaction());
    let (of_one, of_two) = (one.savepoint(), two.savepoint());
    assert!(is_gone(one.roll_back(of_two)));
    assert!(is_gone(two.release(of_one)));
    assert!(is_gone(new.roll_back(of_one)), "it has no savepoint of its own yet");
    let of_other = other.transaction().savepoint();
    assert!(is_gone(one.roll_back(of_other)));
    one.roll_back(of_one).unwrap();
}

/// A savepoint with the state that it must bring back.
struct Known {
    savepoint: Savepoint,
    model: Model,
}

#[test]
fn random_use_agrees_with_a_stack_of_copies() {
    let mut random = random();
    for _ in 0..200 {
        let store = Store::in_memory();
        for _ in 0..random.usize(..10) {
            store.put(short_key(&mut random), "stored").unwrap();
        }
        let mut transaction = store.transaction();
        let mut model = contents(&transaction);
        let (mut stack, mut stale): (Vec<Known>, Vec<Savepoint>) = (Vec::new(), Vec::new());
        for step in 0..120_u32 {
            match random.u8(..12) {
                0..5 => {
                    let (key, value) = (short_key(&mut random), step.to_be_bytes().to_vec());
                    transaction.put(&key, &value).unwrap();
                    model.insert(key, value);
                }
                5 | 6 => {
                    let key = short_key(&mut random);
                    transaction.delete(&key).unwrap();
                    model.remove(&key);
                }
                7 | 8 => {
                    let savepoint = transaction.savepoint();
                    stack.push(Known { savepoint, model: model.clone() });
                }
                9 if !stack.is_empty() => {
                    let at = random.usize(..stack.len());
                    transaction.roll_back(stack[at].savepoint).unwrap();
                    model = stack[at].model.clone();
                    stale.extend(stack.drain(at + 1..).map(|known| known.savepoint));
                }
                10 if !stack.is_empty() => {
                    let at = random.usize(..stack.len());
                    transaction.release(stack[at].savepoint).unwrap();
                    stale.extend(stack.drain(at..).map(|known| known.savepoint));
                }
                _ if !stale.is_empty() => {
                    let savepoint = stale[random.usize(..stale.len())];
                    assert!(is_gone(transaction.roll_back(savepoint)));
                    assert!(is_gone(transaction.release(savepoint)));
                }
                _ => {}
            }
            assert_eq!(contents(&transaction), model);
        }
        transaction.commit().unwrap();
        assert_eq!(contents(&store.transaction()), model);
    }
}

/// One savepoint around each of many steps, and one around all: each step taken back or kept on its own.
#[test]
fn many_nested_savepoints_are_taken_back_in_one_step() {
    let store = Store::in_memory();
    let mut transaction = store.transaction();
    let outer = transaction.savepoint();
    let mut kept = 0;
    for step in 0..2_000_u32 {
        let savepoint = transaction.savepoint();
        transaction.put((step % 50).to_be_bytes(), step.to_be_bytes()).unwrap();
        if step % 3 == 0 {
            transaction.roll_back(savepoint).unwrap();
        } else {
            kept = step;
        }
        if step % 2 == 0 {
            transaction.release(savepoint).unwrap();
        }
    }
    let last = transaction.get((kept % 50).to_be_bytes()).unwrap().unwrap();
    assert_eq!(last, kept.to_be_bytes());
    drop(last);
    transaction.roll_back(outer).unwrap();
    assert_eq!(transaction.iter().count(), 0);
}

/// Each writes a key of its own and one of all. To release the outermost is one pass over what was written: a pass for each
/// savepoint would take minutes here.
#[test]
fn many_nested_savepoints_are_released_in_one_pass() {
    let savepoints = 30_000_u32;
    let mut transaction = Store::in_memory().transaction();
    transaction.put("before", "").unwrap();
    let kept = transaction.savepoint();
    transaction.put("kept", "").unwrap();
    let outer = transaction.savepoint();
    for number in 0..savepoints {
        transaction.savepoint();
        transaction.put(number.to_be_bytes(), "").unwrap();
        transaction.put("kept", number.to_be_bytes()).unwrap();
    }
    let begin = std::time::Instant::now();
    transaction.release(outer).unwrap();
    let took = begin.elapsed();
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
    assert_eq!(transaction.iter().count(), savepoints as usize + 2);
    transaction.roll_back(kept).unwrap();
    assert_eq!(contents(&transaction).into_keys().collect::<Vec<_>>(), [b"before"]);
}
