//! Transactions: a transfer that is run again when others were faster, a conflict that is handled by hand, savepoints, and
//! what snapshot isolation lets through.
//!
//! `cargo run -p engine --example transactions`

use engine::{ConflictKind, Error, Isolation, Store, Transaction};

fn balance(transaction: &Transaction, name: &str) -> Result<u64, Error> {
    let digits = transaction.get(name)?;
    let digits = digits.and_then(|digits| std::str::from_utf8(&digits).ok()?.parse().ok());
    Ok(digits.unwrap_or(0))
}

/// What two doctors do who both want to leave, if one of them has to stay.
fn both_leave(store: &Store, isolation: Isolation) -> Result<usize, Error> {
    store.put("on call/ann", "")?;
    store.put("on call/ben", "")?;
    let (mut ann, mut ben) = (store.transaction_with(isolation), store.transaction_with(isolation));
    for (doctor, name) in [(&ann, "ann"), (&ben, "ben")] {
        if doctor.prefix("on call/").count() > 1 {
            doctor.delete(format!("on call/{name}"))?;
        }
    }
    ann.commit()?;
    match ben.commit() {
        Err(Error::Conflict(conflict)) => assert_eq!(conflict.kind, ConflictKind::Phantom),
        result => _ = result?,
    }
    Ok(store.snapshot().prefix("on call/").count())
}

fn main() -> Result<(), Error> {
    let store = Store::in_memory();
    store.put("alice", "1000")?;
    store.put("bob", "1000")?;

    // Two threads move money in opposite directions. `transact` runs the closure again after a conflict.
    std::thread::scope(|scope| {
        for (from, to) in [("alice", "bob"), ("bob", "alice")] {
            let store = &store;
            scope.spawn(move || {
                (0..500).try_for_each(|_| {
                    store.transact(|transaction| {
                        let (payer, payee) =
                            (balance(transaction, from)?, balance(transaction, to)?);
                        transaction.put(from, (payer - 1).to_string())?;
                        transaction.put(to, (payee + 1).to_string())
                    })
                })
            });
        }
    });
    let reader = store.transaction();
    let total = balance(&reader, "alice")? + balance(&reader, "bob")?;
    println!("after 1,000 transfers there are {total}; {} retries", store.contention().retries);
    assert_eq!(total, 2_000);

    // By hand: what was overtaken says by what.
    let mut transaction = store.transaction();
    let seen = balance(&transaction, "alice")?;
    transaction.put("alice", (seen * 2).to_string())?;
    store.put("alice", "7")?;
    match transaction.commit() {
        Err(Error::Conflict(conflict)) => {
            println!("{conflict}");
            assert_eq!(
                (conflict.kind, &conflict.keys[0].key[..]),
                (ConflictKind::ReadWrite, &b"alice"[..])
            );
        }
        other => panic!("{other:?}"),
    }

    // Savepoints: a part can be taken back.
    transaction.restart();
    transaction.put("order", "1")?;
    let savepoint = transaction.savepoint();
    transaction.put("order/gift", "yes")?;
    transaction.roll_back(savepoint)?;
    transaction.commit()?;
    assert_eq!(store.snapshot().prefix("order").count(), 1);

    // Write skew: serializable isolation refuses the second doctor, snapshot isolation does not.
    let serializable = both_leave(&store, Isolation::Serializable)?;
    let snapshot = both_leave(&store, Isolation::Snapshot)?;
    println!("on call: serializable {serializable}, snapshot {snapshot}");
    assert_eq!((serializable, snapshot), (1, 0));
    Ok(())
}
