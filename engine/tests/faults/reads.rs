//! A parent that cannot be read, under a store that has not got everything in memory.

use crate::ground::{Ground, batch, not_durable, of_parent, until, watchdog};
use engine::{Durability, Faults, ParentErrorKind, Store};

/// A hundred keys, none of which is in memory.
fn evicted<G: Ground>(ground: &G) -> (Store, Faults) {
    let (store, faults) = ground.faulty(Store::builder().memory_budget(0));
    for number in 0..100 {
        store.put(format!("k{number:02}"), "old").unwrap();
    }
    evict(&store);
    (store, faults)
}

fn evict(store: &Store) {
    store.flush().unwrap();
    until("nothing is in memory", || store.stats().live_keys == 0);
}

pub fn reads_fail_and_come_back<G: Ground>() {
    let _watchdog = watchdog("reads_fail_and_come_back");
    let ground = G::new();
    let (store, faults) = evicted(&ground);
    faults.reads(ParentErrorKind::Io);
    let snapshot = store.snapshot();
    assert_eq!(of_parent(snapshot.get("k01").unwrap_err()), ParentErrorKind::Io);
    assert_eq!(of_parent(snapshot.contains("k01").unwrap_err()), ParentErrorKind::Io);
    assert_eq!(of_parent(snapshot.len().unwrap_err()), ParentErrorKind::Io);
    for mut entries in [snapshot.range("k1".."k2"), snapshot.iter()] {
        assert_eq!(of_parent(entries.next().unwrap().unwrap_err()), ParentErrorKind::Io);
        assert!(entries.next().is_none() && entries.next_back().is_none());
    }
    let read = store.transact(|transaction| transaction.get("k01").map(|value| value.is_some()));
    assert_eq!(of_parent(read.unwrap_err()), ParentErrorKind::Io);
    assert_eq!(of_parent(store.insert_if_absent("k01", "").unwrap_err()), ParentErrorKind::Io);
    // Writing needs no reads, nor does what is in memory.
    let put = store.commit_with(&batch("k01", "new"), Durability::Durable).unwrap();
    store.delete("k02").unwrap();
    store.wait_durable(put).unwrap();
    faults.heal();
    let snapshot = store.snapshot();
    assert_eq!(snapshot.get("k01").unwrap().unwrap(), "new");
    assert_eq!(snapshot.get("k02").unwrap(), None);
    assert_eq!(snapshot.get("k03").unwrap().unwrap(), "old");
    assert_eq!(snapshot.len().unwrap(), 99);
}

/// Which keys are deleted has to be looked for: twice, below memory for readers, and by the parent.
pub fn a_deleted_range_needs_reads<G: Ground>() {
    let _watchdog = watchdog("a_deleted_range_needs_reads");
    let ground = G::new();
    let (store, faults) = evicted(&ground);
    faults.reads(ParentErrorKind::Io);
    assert_eq!(of_parent(store.delete_range("k1".."k2").unwrap_err()), ParentErrorKind::Io);
    faults.heal();
    assert_eq!(store.snapshot().len().unwrap(), 100, "it was refused");
    until("it is not on its way either", || store.undurable_bytes() == 0);
    // The store can be read, and the parent cannot: the range is deleted, and not durable.
    faults.snapshots(ParentErrorKind::Io);
    store.delete_range("k1".."k2").unwrap();
    assert_eq!(store.snapshot().len().unwrap(), 90);
    assert_eq!(not_durable(store.flush().unwrap_err()).1, ParentErrorKind::Io);
    faults.heal();
    store.flush().unwrap();
    assert_eq!(store.snapshot().len().unwrap(), 90);
    drop(store);
    assert_eq!(ground.store().snapshot().len().unwrap(), 90);
}

pub fn without_snapshots_memory_serves<G: Ground>() {
    let _watchdog = watchdog("without_snapshots_memory_serves");
    let ground = G::new();
    let (store, faults) = evicted(&ground);
    faults.snapshots(ParentErrorKind::Io);
    for number in 0..50_u32 {
        store.put(format!("k{number:02}"), "new").unwrap();
        store.delete(format!("k{:02}", 99 - number / 2)).unwrap();
        if number.is_multiple_of(10) {
            store.flush().unwrap();
        }
    }
    store.flush().unwrap();
    let right = || {
        let snapshot = store.snapshot();
        assert_eq!(snapshot.get("k07").unwrap().unwrap(), "new");
        assert_eq!(snapshot.get("k60").unwrap().unwrap(), "old");
        assert_eq!(snapshot.get("k90").unwrap(), None);
        assert_eq!(snapshot.len().unwrap(), 75);
    };
    right();
    faults.heal();
    store.put("one more", "").unwrap();
    store.delete("one more").unwrap();
    evict(&store);
    right();
}

/// Also if nobody writes any more.
pub fn memory_is_back_in_its_budget_when_snapshots_are<G: Ground>() {
    let _watchdog = watchdog("memory_is_back_in_its_budget_when_snapshots_are");
    let ground = G::new();
    let (store, faults) = evicted(&ground);
    faults.snapshots(ParentErrorKind::Io);
    for number in 0..50 {
        store.put(format!("k{number:02}"), "new").unwrap();
    }
    store.flush().unwrap();
    assert!(store.stats().live_keys >= 50);
    faults.heal();
    until("nothing is in memory", || store.stats().live_keys == 0);
    assert_eq!(store.snapshot().get("k07").unwrap().unwrap(), "new");
    assert_eq!(store.snapshot().len().unwrap(), 100);
}
