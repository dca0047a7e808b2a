//! In an asynchronous service (tokio): what may be called in a task as it is, and what belongs on a thread of its own.
//!
//! *In a task:* snapshots, reads, iterators, `put` and `commit` of a batch of usual size. None of them waits for another
//! thread, and a task that sleeps with a snapshot or an iterator in its hands holds up nobody.
//! *Through `spawn_blocking`:* `transact` and `update` on keys that many write, since after a conflict they let the thread
//! sleep for some milliseconds; a batch or a scan of millions of keys, since it takes time. Or be your own `transact`, and
//! yield to the runtime instead of sleeping: `reserve` below. Of a store with a parent also what waits for a disk: commits with
//! `Durability::Durable`, `wait_durable`, `flush`, `close`; every write, unless it is refused beyond the bound (`Overflow::Refuse`); with a
//! `memory_budget` reads too.
//!
//! `cargo run -p engine --example async_tokio`

use engine::{Error, Snapshot, Store};
use tokio::task::{JoinSet, spawn_blocking, yield_now};

/// Sums a range, politely: yields between rows. The snapshot moves into the task and stays the same for all its life.
async fn sum(snapshot: Snapshot) -> Result<u64, Error> {
    let mut cursor = snapshot.cursor(); // owns its place, so that it can be kept across an await
    let mut sum = 0;
    while cursor.next()? {
        sum += cursor.value()?.map_or(0, |value| u64::from(value[0]));
        yield_now().await;
    }
    Ok(sum)
}

/// Takes one of what is left, if there is any: a transaction with the runtime's own way to wait.
async fn reserve(store: Store) -> Result<bool, Error> {
    let mut transaction = store.transaction();
    loop {
        let left = transaction.get("seats")?.map_or(0, |seats| seats[0]);
        if left == 0 {
            return Ok(false);
        }
        transaction.put("seats", [left - 1])?;
        match transaction.commit() {
            Err(Error::Conflict(_)) => transaction.restart(),
            result => return result.map(|_version| true),
        }
        yield_now().await;
    }
}

async fn serve(store: Store) -> Result<(), Error> {
    // Readers of one version beside a writer.
    for item in 0..100_u8 {
        store.put([b'r', item], [1])?;
    }
    let mut readers = JoinSet::new();
    for _ in 0..8 {
        readers.spawn(sum(store.snapshot()));
    }
    for item in 0..100_u8 {
        store.put([b'r', item], [2])?; // none of the readers sees this
    }
    for sum in readers.join_all().await {
        assert_eq!(sum?, 100);
    }
    println!(
        "eight readers have seen their version; the sum is {} now",
        sum(store.snapshot()).await?
    );

    // Fifty tasks, ten seats.
    store.put("seats", [10])?;
    let mut guests = JoinSet::new();
    for _ in 0..50 {
        guests.spawn(reserve(store.clone()));
    }
    let seated: Result<Vec<bool>, Error> = guests.join_all().await.into_iter().collect();
    let seated = seated?.into_iter().filter(|&is_seated| is_seated).count();
    println!("{seated} of 50 have a seat; {} conflicts", store.contention().conflicts());
    assert_eq!(seated, 10);

    // Where retries are the store's business, its sleeps are on a thread that may sleep.
    let mut counts = JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        let count =
            move || store.update("hits", |hits| Some(vec![hits.map_or(0, |hits| hits[0]) + 1]));
        counts.spawn(async move { spawn_blocking(count).await.expect("does not panic") });
    }
    counts.join_all().await.into_iter().try_for_each(|version| version.map(|_| ()))?;
    assert_eq!(store.snapshot().get("hits")?.expect("counted"), [4]);
    Ok(())
}

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    runtime.expect("threads can be had").block_on(serve(Store::in_memory()))
}
