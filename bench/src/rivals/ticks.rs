//! What a program may rely on, shown by the smallest program that would find out.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

use artmap::ArtMap;
use engine::Store;
use surrealmx::Database;

use super::demonstration::Line;

const REVERSED: &str = "an iterator turned round gives every key, last first";
const BOTH_ENDS: &str = "an iterator asked at both ends gives every key once";
const SKEW: &str = "an insert refused for a key that is there counts as a read: no write skew";
const INVERTED: &str =
    "an inverted range in a transaction that wrote is empty, or an error, and no panic";
const STOPPED: &str =
    "a scan that stopped after one key has no conflict with an insert far behind it";

const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Our engine.
pub fn ours() -> Vec<Line> {
    let store = Store::in_memory();
    for key in KEYS {
        store.put(key, "1").expect("a small key");
    }
    let snapshot = store.snapshot();
    let name = |entry: Result<(engine::Key<'_>, engine::Value<'_>), engine::Error>| {
        let (key, _) = entry.expect("a store without a parent");
        String::from_utf8_lossy(&key).into_owned()
    };
    let reversed: Vec<String> = snapshot.iter().rev().map(name).collect();
    let mut entries = snapshot.iter().map(name);
    let ends = both_ends(&mut entries);
    vec![
        Line::tick(REVERSED, is_reversed(&reversed)),
        Line::tick(BOTH_ENDS, ends == KEYS),
        Line::tick(SKEW, !skew_in_ours()),
        Line::tick(INVERTED, survives(|| inverted_in_ours(&store))),
        Line::tick(STOPPED, stopped_in_ours()),
    ]
}

/// surrealmx.
pub fn surreal() -> Vec<Line> {
    let store = Database::new();
    for key in KEYS {
        store.set(key, "1").expect("a direct write");
    }
    let transaction = store.transaction(false);
    let entries = || {
        let all = transaction.scan_iter("a".."z").expect("it is open");
        all.map(|(key, _)| String::from_utf8_lossy(key.as_slice()).into_owned())
    };
    let reversed: Vec<String> = entries().rev().collect();
    let ends = both_ends(&mut entries());
    vec![
        Line::tick(REVERSED, is_reversed(&reversed)),
        Line::tick(BOTH_ENDS, ends == KEYS),
        Line::tick(SKEW, !skew_in_surreal()),
        Line::tick(INVERTED, survives(|| inverted_in_surreal(&store))),
        Line::tick(STOPPED, stopped_in_surreal()),
    ]
}

/// artmap, which has no transactions.
pub fn art() -> Vec<Line> {
    let map: ArtMap<Vec<u8>, u32> = ArtMap::new();
    for key in KEYS {
        map.insert(key.as_bytes().to_vec(), 1);
    }
    let entries = || {
        map.range::<_, [u8]>((Bound::Included(&b"a"[..]), Bound::Unbounded))
            .map(|entry| String::from_utf8_lossy(entry.key()).into_owned())
    };
    let reversed: Vec<String> = entries().rev().collect();
    let ends = both_ends(&mut entries());
    vec![Line::tick(REVERSED, is_reversed(&reversed)), Line::tick(BOTH_ENDS, ends == KEYS)]
}

fn is_reversed(keys: &[String]) -> bool {
    keys.iter().eq(KEYS.iter().rev())
}

/// Two from the front, then two from the back, then the rest; sorted.
fn both_ends(entries: &mut impl DoubleEndedIterator<Item = String>) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    keys.extend(entries.next());
    keys.extend(entries.next());
    keys.extend(entries.next_back());
    keys.extend(entries.next_back());
    keys.extend(entries.take(10));
    keys.sort();
    keys
}

/// Whether `work` ends without a panic.
fn survives(work: impl FnOnce()) -> bool {
    let hook = take_hook();
    set_hook(Box::new(|_| ()));
    let outcome = catch_unwind(AssertUnwindSafe(work));
    set_hook(hook);
    outcome.is_ok()
}

/// One finds `x` there, and so writes `y`; the other finds no `y`, and so deletes `x`. One after the other, either `y` is not
/// written or `x` is not deleted: both is skew.
fn skew_in_ours() -> bool {
    let store = Store::in_memory();
    store.put("x", "1").expect("a small key");
    let (mut one, mut other) = (store.transaction(), store.transaction());
    if !one.insert_if_absent("x", "2").expect("a small key") {
        one.put("y", "1").expect("a small key");
    }
    if other.get("y").expect("a small key").is_none() {
        other.delete("x").expect("a small key");
    }
    other.commit().is_ok() && one.commit().is_ok()
}

fn skew_in_surreal() -> bool {
    let store = Database::new();
    store.set("x", "1").expect("a direct write");
    let (mut one, mut other) = (store.transaction(true), store.transaction(true));
    if one.put("x", "2").is_err() {
        one.set("y", "1").expect("it is open");
    }
    if other.get("y").expect("it is open").is_none() {
        other.del("x").expect("it is open");
    }
    other.commit().is_ok() && one.commit().is_ok()
}

fn inverted_in_ours(store: &Store) {
    let transaction = store.transaction();
    transaction.put("b", "2").expect("a small key");
    let found = transaction.range("d".."a").filter(|entry| entry.is_ok()).count();
    assert_eq!(found, 0, "nothing is between");
}

fn inverted_in_surreal(store: &Database) {
    let mut transaction = store.transaction(true);
    transaction.set("b", "2").expect("it is open");
    let found = transaction.scan("d".."a", None, None).map_or(0, |entries| entries.len());
    assert_eq!(found, 0, "nothing is between");
}

fn stopped_in_ours() -> bool {
    let store = Store::in_memory();
    store.put("a", "1").expect("a small key");
    let mut transaction = store.transaction();
    assert!(transaction.range("a".."z").next().is_some(), "there is a key");
    transaction.put("other", "1").expect("a small key");
    store.put("m", "1").expect("a small key");
    transaction.commit().is_ok()
}

fn stopped_in_surreal() -> bool {
    let store = Database::new();
    store.set("a", "1").expect("a direct write");
    let mut transaction = store.transaction(true);
    let found = transaction.scan_iter("a".."z").expect("it is open").next().is_some();
    assert!(found, "there is a key");
    transaction.set("other", "1").expect("it is open");
    store.set("m", "1").expect("a direct write");
    transaction.commit().is_ok()
}
