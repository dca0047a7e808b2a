//! Random commits, snapshots and openings beside a model: each version as a map.

use super::bed::{Bed, all, keys, rows};
use crate::common::{random, rounds};
use engine::{Parent, ParentBatch, ParentSnapshot, Version};
use std::collections::BTreeMap;
use std::ops::Bound::{self, Excluded, Included, Unbounded};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

fn key(rng: &mut fastrand::Rng) -> Vec<u8> {
    let bytes = [0, 1, b'k', 0xfe, 0xff];
    (0..rng.usize(0..4)).map(|_| bytes[rng.usize(..bytes.len())]).collect()
}

fn value(rng: &mut fastrand::Rng) -> Vec<u8> {
    let length = if rng.u8(..20) == 0 { rng.usize(..20_000) } else { rng.usize(..40) };
    vec![rng.u8(..); length]
}

fn bound<'k>(rng: &mut fastrand::Rng, key: &'k [u8]) -> Bound<&'k [u8]> {
    match rng.u8(..3) {
        0 => Included(key),
        1 => Excluded(key),
        _ => Unbounded,
    }
}

fn commit(parent: &impl Parent, map: &mut Map, version: u64, rng: &mut fastrand::Rng) {
    let mut batch = ParentBatch::new(Version::from(version));
    for _ in 0..rng.usize(..30) {
        let key = key(rng);
        if rng.u8(..3) == 0 {
            batch.delete(&key);
            map.remove(&key);
        } else {
            let value = value(rng);
            batch.put(&key, &value);
            map.insert(key, value);
        }
    }
    parent.commit(&batch).unwrap();
}

fn compare(snapshot: &dyn ParentSnapshot, map: &Map, rng: &mut fastrand::Rng) {
    assert_eq!(all(snapshot), map.clone().into_iter().collect::<Vec<_>>());
    for _ in 0..5 {
        let (one, other) = (key(rng), key(rng));
        assert_eq!(snapshot.get(&one).unwrap().as_ref(), map.get(&one));
        let (from, to) = (bound(rng, &one), bound(rng, &other));
        let inside = |key: &[u8]| {
            let after = rows(snapshot.range(from, Unbounded)).into_iter().any(|row| row.0 == key);
            after && rows(snapshot.range(Unbounded, to)).into_iter().any(|row| row.0 == key)
        };
        let wanted: Vec<_> = map.keys().filter(|key| inside(key)).cloned().collect();
        assert_eq!(keys(snapshot, from, to), wanted, "{from:?} {to:?}");
    }
}

pub fn random_histories<B: Bed>() {
    let mut rng = random();
    let bed = B::new();
    let mut history = vec![Map::new()];
    for _ in 0..rounds(20) {
        let parent = bed.open();
        let mut held: Vec<Box<dyn ParentSnapshot>> = Vec::new();
        for _ in 0..rng.usize(1..25) {
            let mut map = history.last().unwrap().clone();
            commit(&parent, &mut map, history.len() as u64, &mut rng);
            history.push(map);
            if rng.bool() {
                held.push(parent.snapshot().unwrap());
            }
            if !held.is_empty() && rng.u8(..4) == 0 {
                held.swap_remove(rng.usize(..held.len()));
            }
        }
        held.push(parent.snapshot().unwrap());
        assert_eq!(held.last().unwrap().version().get() as usize, history.len() - 1);
        for snapshot in &held {
            compare(&**snapshot, &history[snapshot.version().get() as usize], &mut rng);
        }
    }
}
