//! A transaction: it scans 100 entries, and writes one key if they are still what they were.

use std::ops::Bound;

use bench::contender::{Bytes, Contender, Inline, LockedBTree, Ours, Shape, Surreal};
use bench::measure::{Plan, RANGE_LEN, Streams};
use bench::workload::{Case, Value, value};
use criterion::Criterion;
use epoch_store::{ReadSet, WriteBatch};

use crate::turn::Turn;

/// Above every key: surrealmx has no unbounded ranges.
const ABOVE_ALL: &[u8] = &[0xff; 80];

/// Who can commit on a condition.
trait Conditional: Contender {
    /// Scans from `from` on, which is there, and commits `held` under `key`, on condition that the same would be scanned at the
    /// commit. Returns how many entries were scanned that were right.
    fn scan_and_put(&self, from: &[u8], key: &[u8], held: &Value) -> usize;
}

/// Measures all three.
pub fn measure(criterion: &mut Criterion, plan: Plan, streams: &Streams) {
    let mut group = criterion.benchmark_group("commit-if-scan-100");
    transact::<Ours>(Turn { plan, streams, name: "ours", group: &mut group });
    let turn = Turn { plan, streams, name: "rwbtree", group: &mut group };
    match plan.case {
        Case::Fix => transact::<LockedBTree<Inline>>(turn),
        Case::Prefix => transact::<LockedBTree<Bytes>>(turn),
    }
    transact::<Surreal>(Turn { plan, streams, name: "surrealmx", group: &mut group });
    group.finish();
}

fn transact<C: Conditional>(turn: Turn<'_, '_>) {
    let streams = turn.streams;
    let order = streams.loaded().sorted();
    let last_full = order.key(order.len() - RANGE_LEN);
    let mut walk = streams.uniform().walk(0);
    turn.on_map::<C>(|map, bencher| {
        let mut sequence = streams.sequence();
        bencher.iter(|| {
            let [from, key] = walk.steps();
            sequence += 1;
            let scanned = map.scan_and_put(from, key, &value::make(key, sequence));
            assert!(scanned == RANGE_LEN || from > last_full, "{scanned} entries of a scan");
        });
    });
}

impl Conditional for Ours {
    fn scan_and_put(&self, from: &[u8], key: &[u8], held: &Value) -> usize {
        let snapshot = self.map().snapshot();
        let (mut good, mut last) = (0, None);
        for (key, held) in snapshot.range(from..).take(RANGE_LEN) {
            good += usize::from(value::belongs(&key, &held));
            last = Some(key);
        }
        let mut reads = ReadSet::at(&snapshot);
        match last {
            Some(last) if good == RANGE_LEN => reads.range(from..=&last[..]),
            // It came to the end of the map.
            _ => reads.range(from..),
        };
        let mut batch = WriteBatch::new();
        batch.put(key, held);
        self.map().commit_if(&batch, &reads).expect("nobody else writes");
        good
    }
}

/// What was scanned is copied, and compared under the lock of the write.
impl<S: Shape> Conditional for LockedBTree<S> {
    fn scan_and_put(&self, from: &[u8], key: &[u8], held: &Value) -> usize {
        let from = (Bound::Included(S::query(from)), Bound::Unbounded);
        let map = self.map().read();
        let entries = map.range::<S::Query, _>(from).take(RANGE_LEN);
        let copied: Vec<_> = entries.map(|(key, held)| (key.clone(), held.clone())).collect();
        drop(map);
        let is_right =
            |(key, held): &&(S::Key, S::Value)| value::belongs(S::bytes(key), held.as_ref());
        let good = copied.iter().filter(is_right).count();

        let (key, held) = (S::key(key), S::value(held));
        let mut map = self.map().write();
        let now = map.range::<S::Query, _>(from).take(RANGE_LEN);
        let now = now.map(|(key, held)| (key, held.as_ref()));
        let stands = now.eq(copied.iter().map(|(key, held)| (key, held.as_ref())));
        assert!(stands, "nobody else writes");
        let old = map.insert(key, held);
        drop(map);
        drop(old);
        good
    }
}

impl Conditional for Surreal {
    fn scan_and_put(&self, from: &[u8], key: &[u8], held: &Value) -> usize {
        // Serializable: what it scans is checked when it commits.
        let mut transaction = self.store().transaction(true);
        let mut good = 0;
        let scanned = transaction.scan_with(from..ABOVE_ALL, None, Some(RANGE_LEN), |key, held| {
            good += usize::from(value::belongs(key.as_slice(), held));
            true
        });
        scanned.expect("an open transaction");
        transaction.set(key, &held[..]).expect("an open transaction");
        transaction.commit().expect("nobody else writes");
        good
    }
}
