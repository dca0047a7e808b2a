//! Stores to export, and what is in one.

use engine::{Snapshot, Store, WriteBatch};
use std::collections::BTreeMap;

/// Keys and their values.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;
/// By space, the entries; the default space has the empty name.
pub type Contents = BTreeMap<String, Rows>;

/// Everything in a snapshot but for empty spaces.
pub fn contents(store: &Store, snapshot: &Snapshot) -> Contents {
    let mut contents = Contents::from([(String::new(), rows(snapshot.iter()))]);
    for space in store.key_spaces() {
        contents.insert(space.name().to_owned(), rows(snapshot.space(&space).unwrap().iter()));
    }
    contents.retain(|_, entries| !entries.is_empty());
    contents
}

fn rows(entries: engine::Range<'_>) -> Rows {
    entries.map(|entry| entry.unwrap()).map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

pub fn exported(snapshot: &Snapshot) -> Vec<u8> {
    let mut backup = Vec::new();
    snapshot.export(&mut backup, |_| ()).unwrap();
    backup
}

/// Several spaces, empty values, binary keys, metadata, a value of many frames: some frames in all.
pub fn store() -> Store {
    let store = Store::in_memory();
    let (accounts, blobs) =
        (store.key_space("accounts").unwrap(), store.key_space("blobs \u{1f4e6}").unwrap());
    store.key_space("empty").unwrap();
    let mut batch = WriteBatch::new();
    for number in 0..3_000u32 {
        batch.put(number.to_be_bytes(), format!("value {number}"));
        batch.put_in(&accounts, format!("account {number}"), "");
    }
    batch.put([0], "").put([0xff; 300], [0; 3]);
    batch.put_in(&blobs, "large", vec![7; 300_000]).put_in(&blobs, vec![b'k'; 64 << 10], "longest");
    store.commit(&batch).unwrap();
    store.commit_tagged(&WriteBatch::new(), b"block 7\0").unwrap();
    store
}

/// Where the frames of a backup begin, and where it ends.
pub fn frames(backup: &[u8]) -> Vec<usize> {
    let mut begins = vec![12];
    while *begins.last().unwrap() < backup.len() {
        let at = begins.last().unwrap();
        let length = backup[at + 9..at + 13].try_into().map(u32::from_be_bytes).unwrap();
        begins.push(at + 13 + length as usize + 4);
    }
    assert_eq!(begins.last(), Some(&backup.len()));
    begins
}
