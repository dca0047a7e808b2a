//! Random writes of every kind, and what a store holds.

use engine::{Snapshot, Store, WriteBatch};
use std::collections::BTreeMap;

/// Entries by the number of their space, four bytes, and their key.
pub type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

const SPACES: [&str; 3] = ["accounts", "jobs", "logs"];

/// All entries of all spaces. Spaces are numbered from 3 on, behind the engine's own.
pub fn contents(snapshot: &Snapshot, store: &Store) -> Contents {
    let mut contents = Contents::new();
    let mut add = |number: u32, key: &[u8], value: &[u8]| {
        contents.insert([&number.to_be_bytes()[..], key].concat(), value.to_vec());
    };
    for entry in snapshot {
        let (key, value) = entry.unwrap();
        add(0, &key, &value);
    }
    for (at, space) in store.key_spaces().enumerate() {
        for entry in snapshot.space(&space).unwrap().iter() {
            let (key, value) = entry.unwrap();
            add(at as u32 + 3, &key, &value);
        }
    }
    contents
}

fn key(random: &mut fastrand::Rng) -> String {
    format!("{:02}", random.u8(..40))
}

fn value(random: &mut fastrand::Rng) -> Vec<u8> {
    vec![random.u8(..); random.usize(..300)]
}

/// One write, or several, by one of the ways that there are.
pub fn random_step(store: &Store, random: &mut fastrand::Rng) {
    let (key, value) = (key(random), value(random));
    match random.u8(..14) {
        0 => _ = store.put(&key, &value).unwrap(),
        1 => _ = store.delete(&key).unwrap(),
        2 => _ = store.delete_range(key.as_bytes()..b"35").unwrap(),
        3 => _ = store.commit(&batch(store, random)).unwrap(),
        4 => _ = store.commit_tagged(&batch(store, random), &value[..value.len().min(8)]).unwrap(),
        5 => _ = space(store, random).put(&key, &value).unwrap(),
        6 => _ = space(store, random).delete(&key).unwrap(),
        7 => _ = space(store, random).delete_range(key..).unwrap(),
        8 => _ = store.insert_if_absent(&key, &value).unwrap(),
        9 => _ = store.update(&key, |old| old.map(|old| [old, b"+"].concat())).unwrap(),
        10 => _ = space(store, random).insert_if_absent(&key, &value).unwrap(),
        11 => transact(store, &key, &value),
        12 => flush(store, &key, &value),
        _ => seal(store, &key, &value),
    }
}

fn space(store: &Store, random: &mut fastrand::Rng) -> engine::KeySpace {
    store.key_space(SPACES[random.usize(..SPACES.len())]).unwrap()
}

fn batch(store: &Store, random: &mut fastrand::Rng) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for _ in 0..random.usize(..8) {
        let (key, value, space) = (key(random), value(random), space(store, random));
        match random.u8(..6) {
            0 => batch.put(key, value),
            1 => batch.delete(key),
            2 => batch.delete_range(key.as_bytes()..=b"30"),
            3 => batch.put_in(&space, key, value),
            4 => batch.delete_in(&space, key),
            _ => batch.delete_range_in(&space, ..key),
        };
    }
    batch
}

fn transact(store: &Store, key: &str, value: &[u8]) {
    let done: Result<(), engine::Error> = store.transact(|transaction| {
        if transaction.get(key)?.is_some() {
            transaction.delete(key)
        } else {
            transaction.put(key, value)
        }
    });
    done.unwrap();
}

fn flush(store: &Store, key: &str, value: &[u8]) {
    let overlay = store.overlay();
    overlay.delete_range(..key).unwrap();
    overlay.put(key, value).unwrap();
    overlay.flush().unwrap();
}

fn seal(store: &Store, key: &str, value: &[u8]) {
    let block = store.block(2).unwrap();
    let mut view = block.view(0, 1);
    view.put(key, value).unwrap();
    view.put("sealed", value).unwrap();
    block.publish(view).unwrap();
    let mut view = block.view(1, 1);
    view.delete("sealed").unwrap();
    block.publish(view).unwrap();
    block.seal().unwrap();
}
