//! A ledger: writes, a batch, a range, key spaces, a conditional write, metadata.
//!
//! `cargo run -p engine --example basic`

use engine::{Error, Store, WriteBatch};

fn main() -> Result<(), Error> {
    let store = Store::in_memory();
    store.put("account/alice", "10")?;
    store.put("account/bob", "0")?;

    // Several writes as one step: nobody sees the money in two places, or in none.
    let mut transfer = WriteBatch::new();
    transfer.put("account/alice", "7").put("account/bob", "3");
    let version = store.commit(&transfer)?;
    println!("the transfer is version {version}");
    assert_eq!(version.get(), 3);

    // A range, in key order; `.rev()` from its end.
    let snapshot = store.snapshot();
    let mut lines = Vec::new();
    for entry in snapshot.prefix("account/") {
        let (key, balance) = entry?;
        lines.push(format!("{key:?} = {balance:?}"));
    }
    println!("{}", lines.join("\n"));
    assert_eq!(lines, [r#"b"account/alice" = b"7""#, r#"b"account/bob" = b"3""#]);

    // Spaces have keys of their own, and share commits with the others.
    let owners = store.key_space("owners")?;
    let mut batch = WriteBatch::new();
    batch.put("account/carol", "0").put_in(&owners, "carol", "account/carol");
    store.commit_tagged(&batch, "import 1 of 1")?;
    let snapshot = store.snapshot();
    let account = snapshot.space(&owners)?.get("carol")?.expect("just written");
    assert_eq!(snapshot.get(&account)?.expect("written with it"), "0");
    println!("tagged: {:?}", snapshot.metadata()?);
    assert_eq!(snapshot.metadata()?.expect("tagged"), "import 1 of 1");

    // A write that depends on the value that it replaces.
    assert!(store.insert_if_absent("leader", "node 1")?.is_some());
    assert!(store.insert_if_absent("leader", "node 2")?.is_none());
    assert!(store.compare_and_set("leader", "node 1", "node 3")?.is_some());
    println!("the leader is {:?}", store.snapshot().get("leader")?);

    // What is wrong has a type.
    match store.put("", "no key") {
        Err(Error::Map(epoch_store::Error::EmptyKey)) => println!("an empty key is refused"),
        other => panic!("{other:?}"),
    }
    store.close()?;
    assert!(matches!(store.put("k", "v"), Err(Error::Closed)));
    assert_eq!(store.snapshot().count("account/".."account0")?, 3);
    Ok(())
}
