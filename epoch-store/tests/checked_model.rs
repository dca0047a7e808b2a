//! Commits that depend on what was read, at random, against a model that knows what everybody has read.

mod common;

use common::{env_or, random, rounds};
use epoch_store::{Error, Map, ReadSet, WriteBatch};
use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

/// Everything that was ever read or written, one after the other.
type Model = BTreeMap<Vec<u8>, Vec<u8>>;

type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

fn short_key(random: &mut fastrand::Rng) -> Vec<u8> {
    (0..random.usize(1..=2)).map(|_| b"abcd"[random.usize(..4)]).collect()
}

fn bounds(random: &mut fastrand::Rng) -> Bounds {
    let mut bound = || match random.u8(..5) {
        0 => Bound::Unbounded,
        1 | 2 => Bound::Included(short_key(random)),
        _ => Bound::Excluded(short_key(random)),
    };
    (bound(), bound())
}

fn inside<'m>(
    model: &'m Model,
    bounds: &'m Bounds,
) -> impl Iterator<Item = (&'m Vec<u8>, &'m Vec<u8>)> {
    model.iter().filter(move |(key, _)| bounds.contains(*key))
}

/// One who has read something, and wants to commit later.
struct Pending {
    reads: ReadSet,
    /// The state that was read.
    read: Model,
    keys: Vec<Vec<u8>>,
    ranges: Vec<Bounds>,
}

impl Pending {
    fn new(map: &Map, model: &Model, random: &mut fastrand::Rng) -> Self {
        let mut pending = Self {
            reads: ReadSet::at(&map.snapshot()),
            read: model.clone(),
            keys: (0..random.usize(..4)).map(|_| short_key(random)).collect(),
            ranges: (0..random.usize(..3)).map(|_| bounds(random)).collect(),
        };
        pending.keys.iter().for_each(|key| _ = pending.reads.key(key));
        pending.ranges.iter().for_each(|range| _ = pending.reads.range(range.clone()));
        pending
    }

    /// Keys that read otherwise now. Each value is stored once only, so that one that was overwritten differs.
    fn overtaken(&self, now: &Model) -> Vec<Vec<u8>> {
        let all = self.read.keys().chain(now.keys());
        let differ = all.filter(|key| self.read.get(*key) != now.get(*key));
        let is_read = |key: &&Vec<u8>| {
            let one = Model::from([((*key).clone(), Vec::new())]);
            self.keys.contains(key)
                || self.ranges.iter().any(|range| inside(&one, range).count() > 0)
        };
        let mut overtaken: Vec<_> = differ.filter(is_read).cloned().collect();
        overtaken.sort();
        overtaken.dedup();
        overtaken
    }
}

/// Several who read, and commit in any order: each is refused exactly if something that it read is another by then, and the
/// keys named are those.
#[test]
fn random_use_agrees_with_a_sequential_model() {
    let mut random = random();
    let (mut admitted, mut refused) = (0, 0);
    for _ in 0..rounds(100) {
        let (map, mut model) = (Map::new(), Model::new());
        let mut open: Vec<Pending> = Vec::new();
        let mut number = 0_u32;
        for _ in 0..env_or("STEPS", 120) {
            if open.len() < 4 && random.bool() {
                open.push(Pending::new(&map, &model, &mut random));
                continue;
            }
            let mut batch = WriteBatch::new();
            let mut next = model.clone();
            for _ in 0..random.usize(..4) {
                number += 1;
                change(&mut batch, &mut next, &map, number, &mut random);
            }
            if open.is_empty() || random.u8(..4) == 0 {
                map.commit(&batch).unwrap();
                model = next;
            } else {
                let pending = open.swap_remove(random.usize(..open.len()));
                let overtaken = pending.overtaken(&model);
                let before = map.version();
                let result = map.commit_if(&batch, &pending.reads);
                if overtaken.is_empty() {
                    assert!(result.unwrap() >= before);
                    model = next;
                    admitted += 1;
                } else {
                    let Err(Error::Conflict(conflict)) = result else { panic!("{result:?}") };
                    let mut named: Vec<_> = conflict.keys.into_iter().map(|at| at.key).collect();
                    named.sort();
                    named.dedup();
                    assert_eq!(named, overtaken);
                    assert_eq!(map.version(), before);
                    refused += 1;
                }
            }
            let now = map.snapshot();
            let rows = now.iter().map(|(key, value)| (key.to_vec(), value.to_vec()));
            assert!(rows.eq(model.clone()), "after {number} writes");
        }
    }
    println!("{admitted} admitted, {refused} refused");
    assert!(admitted > 0 && refused > 0);
}

/// Adds a write of any kind to a batch, and does it to the model.
fn change(
    batch: &mut WriteBatch,
    model: &mut Model,
    map: &Map,
    number: u32,
    random: &mut fastrand::Rng,
) {
    let key = short_key(random);
    match random.u8(..8) {
        0..4 => {
            batch.put(&key, number.to_be_bytes());
            model.insert(key, number.to_be_bytes().to_vec());
        }
        4 | 5 => {
            batch.delete(&key);
            model.remove(&key);
        }
        6 => {
            let range = bounds(random);
            batch.delete_range(range.clone());
            let gone: Vec<_> = inside(model, &range).map(|(key, _)| key.clone()).collect();
            gone.iter().for_each(|key| _ = model.remove(key));
        }
        _ => {
            // Of what is there now, and not of what this batch has written: that is newer.
            let (range, seen) = (bounds(random), map.snapshot());
            batch.delete_range_seen_by(&seen, range.clone());
            let stays = |(key, value): &(&Vec<u8>, &Vec<u8>)| {
                seen.get(key).is_some_and(|seen| *seen == ***value)
            };
            let gone: Vec<_> =
                inside(model, &range).filter(stays).map(|(key, _)| key.clone()).collect();
            gone.iter().for_each(|key| _ = model.remove(key));
        }
    }
}
