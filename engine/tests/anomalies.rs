//! What can go wrong between transactions that run at the same time, by the names the literature gives it, and which isolation
//! level prevents what.
//!
//! Each anomaly is a little play with two or three transactions, which ends with the question whether it has happened. It is
//! judged by what was read and what is in the store in the end, not by who was refused.
//!
//! Names: Berenson et al., *A Critique of ANSI SQL Isolation Levels*, 1995; Adya, *Weak Consistency*, 1999; Fekete, O'Neil
//! and O'Neil, *A Read-Only Transaction Anomaly Under Snapshot Isolation*, 2004.

use Outcome::{Possible, Prevented};
use engine::{Isolation, Store, Transaction, Version};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Prevented,
    Possible,
}

struct Anomaly {
    name: &'static str,
    /// Whether it happens.
    happens: fn(Isolation) -> bool,
    serializable: Outcome,
    snapshot: Outcome,
}

impl Anomaly {
    fn outcome(&self, isolation: Isolation) -> Outcome {
        if (self.happens)(isolation) { Possible } else { Prevented }
    }

    fn check(&self) {
        assert_eq!(self.outcome(Isolation::Serializable), self.serializable, "{}", self.name);
        assert_eq!(self.outcome(Isolation::Snapshot), self.snapshot, "{}", self.name);
    }
}

/// Defines the anomalies, a test for each, and the list of all.
macro_rules! anomalies {
    ($($test:ident: $name:literal, $serializable:ident, $snapshot:ident, $happens:expr;)*) => {
        $(
            #[test]
            fn $test() {
                let (happens, serializable, snapshot) = ($happens, $serializable, $snapshot);
                Anomaly { name: $name, happens, serializable, snapshot }.check();
            }
        )*

        const ALL: &[Anomaly] = &[$(Anomaly {
            name: $name,
            happens: $happens,
            serializable: $serializable,
            snapshot: $snapshot,
        }),*];
    };
}

anomalies! {
    dirty_write: "dirty write", Prevented, Prevented, dirty_write_happens;
    dirty_read: "dirty read", Prevented, Prevented, dirty_read_happens;
    intermediate_read: "intermediate read", Prevented, Prevented, intermediate_read_happens;
    fuzzy_read: "fuzzy read", Prevented, Prevented, fuzzy_read_happens;
    read_skew: "read skew", Prevented, Prevented, read_skew_happens;
    long_fork: "long fork", Prevented, Prevented, long_fork_happens;
    lost_update: "lost update", Prevented, Prevented, lost_update_happens;
    lost_conditional_update: "lost conditional update", Prevented, Prevented, lost_conditional_happens;
    write_skew: "write skew", Prevented, Possible, write_skew_happens;
    write_skew_read_for_update: "write skew, read for update", Prevented, Prevented, guarded_skew_happens;
    write_skew_through_failed_conditional: "write skew through a failed conditional", Prevented, Prevented, conditional_skew_happens;
    phantom_insert: "phantom: insert into a range", Prevented, Possible, phantom_insert_happens;
    phantom_delete: "phantom: delete from a range", Prevented, Possible, phantom_delete_happens;
    phantom_update: "phantom: update in a range", Prevented, Possible, phantom_update_happens;
    phantom_beyond: "needless conflict: insert beyond what was read", Prevented, Prevented, needless_conflict_happens;
    read_only_anomaly: "read-only transaction anomaly", Prevented, Possible, read_only_happens;
}

/// The table of the documentation.
fn table() -> String {
    let mut table =
        format!("| {:<46} | {:<12} | {:<18} |\n", "anomaly", "serializable", "snapshot isolation");
    table += &format!("|{0:-<48}|{0:-<14}|{0:-<20}|\n", "");
    for Anomaly { name, serializable, snapshot, .. } in ALL {
        let [serializable, snapshot] = [serializable, snapshot].map(|outcome| match outcome {
            Prevented => "prevented",
            Possible => "possible",
        });
        table += &format!("| {name:<46} | {serializable:<12} | {snapshot:<18} |\n");
    }
    table
}

#[test]
fn the_table_of_anomalies_is_that_of_the_documentation() {
    ALL.iter().for_each(Anomaly::check);
    let table = table();
    println!("{table}");
    let design = concat!(env!("CARGO_MANIFEST_DIR"), "/../DESIGN.md");
    let design = std::fs::read_to_string(design).expect("the documentation is there");
    assert!(design.contains(&table), "DESIGN.md has another table than this");
}

/// A store with these numbers.
fn store_with(entries: &[(&str, i64)]) -> Store {
    let store = Store::in_memory();
    for (key, value) in entries {
        store.put(key, value.to_be_bytes()).unwrap();
    }
    store
}

fn two(store: &Store, isolation: Isolation) -> (Transaction, Transaction) {
    (store.transaction_with(isolation), store.transaction_with(isolation))
}

fn decode(bytes: &[u8]) -> i64 {
    i64::from_be_bytes(bytes.try_into().unwrap())
}

/// The number under a key; 0: none.
fn read(transaction: &Transaction, key: &str) -> i64 {
    transaction.get(key).unwrap().map_or(0, |value| decode(&value))
}

fn write(transaction: &Transaction, key: &str, value: i64) {
    transaction.put(key, value.to_be_bytes()).unwrap();
}

fn sum(transaction: &Transaction, prefix: &str) -> i64 {
    transaction.prefix(prefix).map(|entry| decode(&entry.unwrap().1)).sum()
}

fn now(store: &Store, key: &str) -> i64 {
    read(&store.transaction(), key)
}

/// The version of the commit; `None`: it was refused.
fn commit(mut transaction: Transaction) -> Option<Version> {
    match transaction.commit() {
        Ok(version) => Some(version),
        Err(error) => {
            assert!(error.is_conflict(), "{error}");
            None
        }
    }
}

/// G0: the writes of two transactions are mixed.
fn dirty_write_happens(isolation: Isolation) -> bool {
    let store = Store::in_memory();
    let (one, two) = two(&store, isolation);
    write(&one, "x", 1);
    write(&two, "x", 2);
    write(&two, "y", 2);
    write(&one, "y", 1);
    commit(one);
    commit(two);
    now(&store, "x") != now(&store, "y")
}

/// G1a: what was never committed is read.
fn dirty_read_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("x", 1)]);
    let (writer, reader) = two(&store, isolation);
    write(&writer, "x", 2);
    let seen = read(&reader, "x");
    let late = read(&store.transaction_with(isolation), "x");
    drop(writer);
    seen != 1 || late != 1 || now(&store, "x") != 1
}

/// G1b: a value is read that its writer has replaced before it was committed.
fn intermediate_read_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("x", 1)]);
    let writer = store.transaction_with(isolation);
    write(&writer, "x", 2);
    let before = read(&store.transaction_with(isolation), "x");
    write(&writer, "x", 3);
    commit(writer).expect("nobody else writes");
    before == 2 || now(&store, "x") == 2
}

/// P2: a key is read twice, and has another value the second time.
fn fuzzy_read_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("x", 1)]);
    let (reader, writer) = two(&store, isolation);
    let first = read(&reader, "x");
    write(&writer, "x", 2);
    commit(writer).expect("nobody else writes");
    first != read(&reader, "x")
}

/// A5A: of two keys that are written together, one is read before and one after.
fn read_skew_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("x", 50), ("y", 50)]);
    let (reader, writer) = two(&store, isolation);
    let x = read(&reader, "x");
    write(&writer, "x", 25);
    write(&writer, "y", 75);
    commit(writer).expect("nobody else writes");
    x + read(&reader, "y") != 100
}

/// Two readers see two independent writes in opposite orders.
fn long_fork_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("x", 0), ("y", 0)]);
    let (one, two) = two(&store, isolation);
    write(&one, "x", 1);
    write(&two, "y", 1);
    commit(one).expect("nobody else writes x");
    let early = store.transaction_with(isolation);
    commit(two).expect("nobody else writes y");
    let late = store.transaction_with(isolation);
    let seen = |reader: &Transaction| (read(reader, "x"), read(reader, "y"));
    let (early, late) = (seen(&early), seen(&late));
    (early == (1, 0) && late == (0, 1)) || (early == (0, 1) && late == (1, 0))
}

/// P4: of two that add one, one is lost.
fn lost_update_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("x", 0)]);
    let (one, two) = two(&store, isolation);
    write(&one, "x", read(&one, "x") + 1);
    write(&two, "x", read(&two, "x") + 1);
    let committed = [one, two].map(commit).into_iter().flatten().count();
    now(&store, "x") != committed as i64
}

/// As above, by compare and set, where both would have to win.
fn lost_conditional_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("x", 0)]);
    let (one, two) = two(&store, isolation);
    for (transaction, new) in [(&one, 1_i64), (&two, 2)] {
        let (old, new) = (0_i64.to_be_bytes(), new.to_be_bytes());
        assert!(transaction.compare_and_set("x", old, new).unwrap());
    }
    [one, two].map(commit).into_iter().flatten().count() == 2
}

/// A5B: each reads both and writes one; together they break what each has made sure of. At least one of two must be on
/// call.
fn write_skew_happens(isolation: Isolation) -> bool {
    skew(isolation, read)
}

/// The same, where what must not change is read for update.
fn guarded_skew_happens(isolation: Isolation) -> bool {
    skew(isolation, |transaction, key| {
        decode(&transaction.get_for_update(key).unwrap().expect("a value"))
    })
}

fn skew(isolation: Isolation, read: fn(&Transaction, &str) -> i64) -> bool {
    let store = store_with(&[("alice", 1), ("bob", 1)]);
    let (alice, bob) = two(&store, isolation);
    for (transaction, own) in [(&alice, "alice"), (&bob, "bob")] {
        if read(transaction, "alice") + read(transaction, "bob") > 1 {
            write(transaction, own, 0);
        }
    }
    commit(alice);
    commit(bob);
    now(&store, "alice") + now(&store, "bob") == 0
}

/// Each takes the other's flag if it is up, and puts its own up if not. One after the other, one of them takes a flag; that
/// both have failed to is possible only if neither has seen the other.
fn conditional_skew_happens(isolation: Isolation) -> bool {
    let (up, taken) = (1_i64.to_be_bytes(), 2_i64.to_be_bytes());
    let store = Store::in_memory();
    let (one, two) = two(&store, isolation);
    for (transaction, other, own) in [(&one, "x", "y"), (&two, "y", "x")] {
        if !transaction.compare_and_set(other, up, taken).unwrap() {
            write(transaction, own, 1);
        }
    }
    commit(one);
    commit(two);
    now(&store, "x") == 1 && now(&store, "y") == 1
}

/// P3: each inserts a booking if there is none in the range.
fn phantom_insert_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("other", 1)]);
    let (one, two) = two(&store, isolation);
    for (transaction, own) in [(&one, "booking/1"), (&two, "booking/2")] {
        if sum(transaction, "booking/") == 0 {
            write(transaction, own, 1);
        }
    }
    commit(one);
    commit(two);
    sum(&store.transaction(), "booking/") > 1
}

/// Each deletes one of two rows if another is left.
fn phantom_delete_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("admin/1", 1), ("admin/2", 1)]);
    let (one, two) = two(&store, isolation);
    for (transaction, own) in [(&one, "admin/1"), (&two, "admin/2")] {
        if sum(transaction, "admin/") > 1 {
            transaction.delete(own).unwrap();
        }
    }
    commit(one);
    commit(two);
    sum(&store.transaction(), "admin/") == 0
}

/// Each raises one row if the sum stays within the limit.
fn phantom_update_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("quota/1", 1), ("quota/2", 1)]);
    let (one, two) = two(&store, isolation);
    for (transaction, own) in [(&one, "quota/1"), (&two, "quota/2")] {
        if sum(transaction, "quota/") < 3 {
            write(transaction, own, read(transaction, own) + 1);
        }
    }
    commit(one);
    commit(two);
    sum(&store.transaction(), "quota/") > 3
}

/// Not an anomaly, but a refusal without need: somebody takes the first rows of a queue, and another one puts a row behind
/// them, or into a range that was opened and not read.
fn needless_conflict_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("queue/1", 1), ("queue/2", 1), ("queue/4", 1)]);
    let (taker, putter) = two(&store, isolation);
    let taken: Vec<_> = taker.prefix("queue/").take(2).map(|row| row.unwrap().0).collect();
    taken.iter().for_each(|key| taker.delete(key).unwrap());
    drop((taker.range("other/"..), taken));
    write(&putter, "queue/3", 1);
    write(&putter, "queue/5", 1);
    write(&putter, "other/1", 1);
    commit(putter).expect("the first to commit");
    commit(taker).is_none()
}

/// Fekete, O'Neil and O'Neil: a withdrawal that overdraws costs a fee of 1. The reader sees the deposit, and so no
/// overdraft; the fee is charged all the same. Without the reader the withdrawal would simply come first.
fn read_only_happens(isolation: Isolation) -> bool {
    let store = store_with(&[("checking", 0), ("savings", 0)]);
    let (withdrawal, deposit) = two(&store, isolation);
    let total = read(&withdrawal, "checking") + read(&withdrawal, "savings");
    write(&deposit, "savings", read(&deposit, "savings") + 20);
    commit(deposit).expect("the first to commit");

    let reader = store.transaction_with(isolation);
    let seen = (read(&reader, "checking"), read(&reader, "savings"));
    commit(reader).expect("one that only reads");

    write(&withdrawal, "checking", if total < 10 { -11 } else { -10 });
    commit(withdrawal);
    seen == (0, 20) && now(&store, "checking") == -11
}

#[test]
fn blind_writes_do_not_conflict_under_serializable_isolation() {
    let store = store_with(&[("x", 0)]);
    let (one, two) = two(&store, Isolation::Serializable);
    write(&one, "x", 1);
    write(&two, "x", 2);
    let (second, first) = (commit(two).unwrap(), commit(one).unwrap());
    assert!(second < first);
    assert_eq!(now(&store, "x"), 1, "the later commit counts");
}

#[test]
fn blind_writes_of_one_key_conflict_under_snapshot_isolation() {
    let store = store_with(&[("x", 0)]);
    let (one, two) = two(&store, Isolation::Snapshot);
    write(&one, "x", 1);
    write(&two, "x", 2);
    assert!(commit(two).is_some() && commit(one).is_none());
    assert_eq!(now(&store, "x"), 2);
}

#[test]
fn an_insert_beyond_the_last_consumed_row_does_not_conflict() {
    let store = store_with(&[("a", 1), ("c", 1), ("e", 1)]);
    let (reader, writer) = two(&store, Isolation::Serializable);
    assert_eq!(reader.range("a"..).take(2).count(), 2);
    write(&reader, "z", 1);
    write(&writer, "d", 1);
    assert!(commit(writer).is_some() && commit(reader).is_some());
}
