//! A block driven by hand, in few words: how the scenarios are written.

use super::program::{Bytes, Row};
use engine::{Abort, Block, KeyRange, Store, Verdict, View};
use std::collections::BTreeSet;

/// What a run writes: a value, or `None` for a deletion.
pub type Writes<'w> = &'w [(&'w str, Option<&'w str>)];

/// A store with these rows.
pub fn store(rows: &[(&str, &str)]) -> Store {
    let store = Store::in_memory();
    rows.iter().for_each(|(key, value)| _ = store.put(key, value).unwrap());
    store
}

/// What a transaction sees of a key, in its first run.
pub fn get(block: &Block, index: u32, key: &str) -> Result<Option<Bytes>, Abort> {
    block.view(index, 1).get(key).map(|value| value.map(<[u8]>::to_vec))
}

/// What a transaction sees of a key, which waits for nobody.
pub fn seen(block: &Block, index: u32, key: &str) -> Option<String> {
    get(block, index, key).unwrap().map(|value| String::from_utf8(value).unwrap())
}

/// The transaction that a read waits for.
pub fn blocked_on<T: std::fmt::Debug>(read: Result<T, Abort>) -> u32 {
    match read {
        Err(Abort::Blocked { on }) => on,
        read => panic!("waits for nobody: {read:?}"),
    }
}

/// Writes in a view.
pub fn put_all(view: &mut View<'_>, writes: Writes<'_>) {
    for (key, value) in writes {
        match value {
            Some(value) => view.put(key, value).unwrap(),
            None => view.delete(key).unwrap(),
        }
    }
}

/// A run of a transaction that only writes.
pub fn write(block: &Block, index: u32, run: u8, writes: Writes<'_>) {
    let mut view = block.view(index, run);
    put_all(&mut view, writes);
    block.publish(view).unwrap();
}

/// A run that reads these keys and writes nothing.
pub fn read(block: &Block, index: u32, run: u8, keys: &[&str]) {
    let mut view = block.view(index, run);
    keys.iter().for_each(|key| _ = view.get(key).unwrap());
    block.publish(view).unwrap();
}

/// A transaction that wrote these keys, and whose run was withdrawn.
pub fn estimate(block: &Block, index: u32, keys: &[&str]) {
    let writes: Vec<_> = keys.iter().map(|key| (*key, Some("of a withdrawn run"))).collect();
    write(block, index, 1, &writes);
    block.mark_estimate(index);
}

/// Copies of what a range of a view yields, from its front.
pub fn rows(view: &mut View<'_>, range: impl KeyRange) -> Result<Vec<Row>, Abort> {
    view.range(range).map(|entry| entry.map(|(k, v)| (k.to_vec(), v.to_vec()))).collect()
}

/// Copies of what a range of a view yields, from its back.
pub fn rows_back(view: &mut View<'_>, range: impl KeyRange) -> Result<Vec<Row>, Abort> {
    view.range(range).rev().map(|entry| entry.map(|(k, v)| (k.to_vec(), v.to_vec()))).collect()
}

/// The first values of a range of a view.
pub fn take(view: &mut View<'_>, range: impl KeyRange, count: usize) -> Vec<String> {
    let value = |(_, value): (&[u8], &[u8])| String::from_utf8(value.to_vec()).unwrap();
    view.range(range).take(count).map(|entry| value(entry.unwrap())).collect()
}

/// The values of rows.
pub fn values(rows: Vec<Row>) -> Vec<String> {
    rows.into_iter().map(|(_, value)| String::from_utf8(value).unwrap()).collect()
}

/// What a validation said: its kind, and the transactions that it named, each once.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Valid,
    /// Nothing is wrong, and these have to be waited for.
    Pending(Vec<u32>),
    Stale(Vec<u32>),
}

pub fn validate(block: &Block, index: u32) -> Said {
    let writers = |conflicts: &[engine::BlockConflict]| {
        let writers: BTreeSet<u32> = conflicts.iter().filter_map(|c| c.writer).collect();
        writers.into_iter().collect()
    };
    match block.validate(index) {
        Verdict::Valid => Said::Valid,
        Verdict::Pending { conflicts } => Said::Pending(writers(&conflicts)),
        Verdict::Stale { conflicts } => Said::Stale(writers(&conflicts)),
        verdict => panic!("not known: {verdict:?}"),
    }
}

/// The rows of a store now.
pub fn contents(store: &Store) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    store.snapshot().iter().map(|row| row.unwrap()).map(|(k, v)| (text(&k), text(&v))).collect()
}
