//! Validation of a scan of 100 keys in a block, every other of which was written by one of 1,000 transactions before it.
//!
//! Beside ours two that compare by value, with copies of all that was read: the locked baseline, as chains have it, and a plain
//! ordered map, which has the state but no versions by transaction, and so shows the least that a comparison by value costs.

use std::cell::LazyCell;

use bench::blocks::locked::LockedStore;
use bench::blocks::locked::versions::Versions;
use bench::blocks::locked::view::View as LockedView;
use bench::blocks::state::{Entries, State};
use bench::contender::{Bytes, Contender, LockedBTree, View, Writer};
use bench::measure::{Plan, RANGE_LEN};
use bench::workload::{Stream, value};
use criterion::Criterion;
use engine::{Block, Store, Verdict, WriteBatch};

/// Transactions before those that scan, and what each of them writes.
const WRITERS: usize = 1_000;
const WRITES: usize = 10;

/// Transactions that scan, each from a place of its own, and are validated in turns.
const SCANNERS: usize = 64;

/// Keys that were there before, and as many that the block adds, in between.
const HALF: usize = WRITERS * WRITES;

/// Measures all three.
pub fn measure(criterion: &mut Criterion, plan: Plan) {
    let keys = Stream::of(plan.case, 0..2 * HALF as u64).sorted();
    let mut group = criterion.benchmark_group("validate-scan-100");

    let block = LazyCell::new(|| ours(&keys));
    let mut turn = 0;
    group.bench_function("ours", |bencher| {
        let block = &*block;
        bencher.iter(|| {
            turn = (turn + 1) % SCANNERS;
            let verdict = block.validate((WRITERS + turn) as u32);
            assert_eq!(verdict, Verdict::Valid, "nothing has changed");
        });
    });

    let locked = LazyCell::new(|| {
        let (store, versions) = locked(&keys);
        let scanned = |scanner| {
            let mut view = LockedView::new(&store, &versions, WRITERS + scanner);
            let mut count = 0;
            let done = view.scan(from(&keys, scanner), RANGE_LEN, |_, _| count += 1);
            assert!(done.is_ok() && count == RANGE_LEN, "all before it have run");
            view.into_parts().0
        };
        let reads: Vec<_> = (0..SCANNERS).map(scanned).collect();
        (store, versions, reads)
    });
    group.bench_function("locked", |bencher| {
        let (store, versions, reads) = &*locked;
        bencher.iter(|| {
            turn = (turn + 1) % SCANNERS;
            assert!(reads[turn].stand(store, versions, WRITERS + turn), "nothing has changed");
        });
    });

    let tree = LazyCell::new(|| {
        let map = tree(&keys);
        let copies: Vec<_> =
            (0..SCANNERS).map(|scanner| copy(&map, from(&keys, scanner))).collect();
        (map, copies)
    });
    group.bench_function("rwbtree", |bencher| {
        let (map, copies) = &*tree;
        bencher.iter(|| {
            turn = (turn + 1) % SCANNERS;
            let mut copied = copies[turn].iter();
            let mut is_same = true;
            map.view().range(from(&keys, turn), RANGE_LEN, |key, held| {
                is_same &= copied.next().is_some_and(|(old, then)| old == key && then == held);
            });
            assert!(is_same && copied.next().is_none(), "nothing has changed");
        });
    });
    group.finish();
}

/// Where a transaction begins to scan: at a key that was there before.
fn from(keys: &Stream, scanner: usize) -> &[u8] {
    let places = 2 * HALF - RANGE_LEN;
    keys.key(scanner * places / SCANNERS / 2 * 2)
}

/// Keys that were there before the block.
fn base(keys: &Stream) -> impl Iterator<Item = &[u8]> {
    (0..HALF).map(|number| keys.key(2 * number))
}

/// Keys that transaction `writer` adds. They lie all over: neighbours have other writers.
fn added(keys: &Stream, writer: usize) -> impl Iterator<Item = &[u8]> {
    (0..WRITES).map(move |write| keys.key(2 * (write * WRITERS + writer) + 1))
}

fn ours(keys: &Stream) -> Block {
    let store = Store::in_memory();
    let mut batch = WriteBatch::new();
    for key in base(keys) {
        batch.put(key, value::make(key, 0));
    }
    store.commit(&batch).expect("within every limit");
    let block = store.block((WRITERS + SCANNERS) as u32).expect("a block has no limit");
    for writer in 0..WRITERS {
        let mut view = block.view(writer as u32, 1);
        for key in added(keys, writer) {
            view.put(key, value::make(key, 1)).expect("within every limit");
        }
        block.publish(view).expect("an open transaction");
    }
    for scanner in 0..SCANNERS {
        let mut view = block.view((WRITERS + scanner) as u32, 1);
        let scanned = view.range(from(keys, scanner)..).take(RANGE_LEN);
        assert_eq!(scanned.filter(Result::is_ok).count(), RANGE_LEN, "all before it have run");
        block.publish(view).expect("an open transaction");
    }
    block
}

fn locked(keys: &Stream) -> (LockedStore, Versions) {
    let entries: Entries =
        base(keys).map(|key| (key.to_vec(), value::make(key, 0).to_vec())).collect();
    let versions = Versions::default();
    for writer in 0..WRITERS {
        let writes = added(keys, writer);
        let writes = writes.map(|key| (key.to_vec(), Some(value::make(key, 1).to_vec())));
        versions.publish(writer, 1, writes.collect());
    }
    (LockedStore::load(&entries), versions)
}

fn tree(keys: &Stream) -> LockedBTree<Bytes> {
    let map = LockedBTree::empty();
    let mut writer = map.writer();
    for key in base(keys) {
        writer.put(key, &value::make(key, 0));
    }
    for key in (0..WRITERS).flat_map(|transaction| added(keys, transaction)) {
        writer.put(key, &value::make(key, 1));
    }
    map
}

/// What a transaction remembers that compares by value.
fn copy(map: &LockedBTree<Bytes>, from: &[u8]) -> Entries {
    let mut copied = Entries::new();
    map.view().range(from, RANGE_LEN, |key, held| copied.push((key.to_vec(), held.to_vec())));
    assert_eq!(copied.len(), RANGE_LEN, "a range is as long as was asked");
    copied
}
