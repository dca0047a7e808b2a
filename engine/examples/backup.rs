//! A backup of a store that is being written to, its faults found, and a new store from it.
//!
//! `cargo run -p engine --example backup`

use engine::{Error, MemoryParent, Store, Version, WriteBatch, verify_backup};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Money moves between two accounts, and stays one hundred in all.
fn transfer_until(store: &Store, stop: &AtomicBool) -> Result<(), Error> {
    let mut amount = 0;
    while !stop.load(Ordering::Relaxed) {
        amount = (amount + 7) % 100;
        let mut batch = WriteBatch::new();
        batch.put("alice", amount.to_string()).put("bob", (100 - amount).to_string());
        store.commit_tagged(&batch, format!("alice has {amount}"))?;
    }
    Ok(())
}

fn balance(store: &Store, name: &str) -> Result<u32, Error> {
    let value = store.snapshot().get(name)?.map_or(vec![], |value| value.to_vec());
    Ok(String::from_utf8_lossy(&value).parse().unwrap_or(0))
}

fn main() -> Result<(), Error> {
    let store = Store::in_memory();
    store.put("alice", "100")?;
    store.put("bob", "0")?;
    let owners = store.key_space("owners")?;
    for number in 0..20_000 {
        owners.put(format!("owner {number}"), "somebody")?;
    }

    // A snapshot is one version: the writer goes on beside the export.
    let (stop, mut backup) = (AtomicBool::new(false), Vec::new());
    let exported = thread::scope(|scope| -> Result<_, Error> {
        let writer = scope.spawn(|| transfer_until(&store, &stop));
        while store.snapshot().metadata()?.is_none() {
            thread::yield_now();
        }
        let mut told = 0;
        let exported = store.snapshot().export(&mut backup, |_| told += 1);
        stop.store(true, Ordering::Relaxed);
        println!("progress was told {told} times");
        writer.join().expect("it does not panic")?;
        exported
    })?;
    println!("version {}: {} entries, {} bytes", exported.version, exported.entries, backup.len());
    assert_eq!((exported.entries, exported.key_spaces), (20_002, 1));
    assert_eq!(verify_backup(&backup[..], |_| ())?, exported);

    // One bit is found, and no store is made.
    let mut damaged = backup.clone();
    damaged[70_000] ^= 1;
    match Store::builder().import(&damaged[..], |_| ()) {
        Err(error @ Error::DamagedBackup { .. }) => println!("refused: {error}"),
        other => panic!("{other:?}"),
    }

    // A new store, in a new parent: durable at once, at the version of the backup.
    let parent = MemoryParent::new();
    let copy = Store::builder().parent(parent.reopened()).import(&backup[..], |_| ())?;
    assert_eq!(copy.durable_version(), Some(exported.version));
    assert_eq!(balance(&copy, "alice")? + balance(&copy, "bob")?, 100);
    println!("tagged: {:?}", copy.snapshot().metadata()?);
    assert_eq!(copy.put("carol", "1")?, Version::from(exported.version.get() + 1));
    copy.close()?;
    assert_eq!(Store::builder().parent(parent).open()?.snapshot().get("carol")?.unwrap(), "1");
    Ok(())
}
