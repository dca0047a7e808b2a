//! One thread at a time: what the list looks like after so many keys came and went.

use super::index::Index;
use super::node::{Node, Span};
use super::{CAPACITY, Leaf, LeafRef, List, MAX_WALK, Within};
use crate::chain::{Record, RecordRef};
use crate::reclaim::{Epoch, Grace, Pinned, Reclaimer, Shared};
use crate::sync::{AtomicUsize, Ordering};
use crate::tally::{Event, Tally};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::ptr::NonNull;

/// Of few different tags: others share them, and most do not.
fn hash(key: &[u8]) -> u64 {
    (key.iter().map(|&byte| u64::from(byte)).sum::<u64>() % 5) << 48
}

/// A list with its reclaimer, and the records that should be in it.
struct World {
    // Dropped in this order: what the session keeps back goes before the collector.
    list: List,
    local: <Epoch as Reclaimer>::Local,
    domain: Epoch,
    tally: Tally,
    keys: BTreeMap<Vec<u8>, NonNull<Record>>,
    /// Sealed, and still in the list as far as is known.
    waiting: Vec<NonNull<Record>>,
}

impl World {
    fn new() -> Self {
        let domain = Epoch::default();
        Self {
            list: List::default(),
            local: domain.local(),
            domain,
            tally: Tally::default(),
            keys: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    fn insert(&mut self, key: Vec<u8>) {
        let pin = self.domain.pin(&self.local, &self.tally);
        let found = self.list.find_or_insert(&key, None, hash(&key), &mut None, &pin, &self.tally);
        assert_eq!(found.made.is_some(), !self.keys.contains_key(&key), "made if it was not there");
        assert!(!found.record.is_dead() && found.record.key() == key);
        self.keys.insert(key, found.record.as_ptr());
    }

    /// Seals a record; what of it and others is out of the list then is given back.
    fn remove(&mut self, key: &[u8]) {
        let record = self.keys.remove(key).expect("the key is there");
        let pin = self.domain.pin(&self.local, &self.tally);
        // SAFETY: freed after it left the list, below.
        let view = unsafe { RecordRef::new(record) };
        assert!(view.seal_empty());
        if self.list.note_dead(view, &pin, &self.tally) {
            // SAFETY: this is its sealer, and it is out of the list (I-43).
            unsafe { pin.retire(record, Grace::Two) };
        } else {
            self.waiting.push(record);
        }
    }

    /// Gives back what left the list together with others.
    fn settle(&mut self) {
        let pin = self.domain.pin(&self.local, &self.tally);
        self.waiting.retain(|&record| {
            // SAFETY: freed below only.
            let view = unsafe { RecordRef::new(record) };
            let out = self.list.drop_dead(view, &pin, &self.tally);
            if out {
                // SAFETY: as in `remove`.
                unsafe { pin.retire(record, Grace::Two) };
            }
            !out
        });
    }

    /// Gives back every sealed record.
    fn drop_waiting(&mut self) {
        let pin = self.domain.pin(&self.local, &self.tally);
        for record in self.waiting.drain(..) {
            // SAFETY: freed below only.
            let view = unsafe { RecordRef::new(record) };
            self.list.drop_dead_now(view, &pin, &self.tally);
            assert!(self.list.drop_dead(view, &pin, &self.tally), "and it stays out");
            // SAFETY: as in `remove`.
            unsafe { pin.retire(record, Grace::Two) };
        }
    }

    /// Keys and fences in order, the index without a leaf that is not linked, nobody further than a walk away.
    fn check(&self) {
        let pin = self.domain.pin(&self.local, &self.tally);
        let (mut found, mut leaves) = (Vec::new(), Vec::new());
        // SAFETY: the first leaf lives as long as the list.
        let mut next = Some(unsafe { LeafRef::new(self.list.first) });
        while let Some(leaf) = next {
            let body = leaf.body(&pin);
            assert!(!body.is_frozen(), "no leaf is left between two states");
            let all = Within { from: Bound::Unbounded, to: Bound::Unbounded };
            body.collect(leaf.low(), all, &mut found);
            next = self.list.right_of(body);
            assert_eq!(body.high(), next.map(|next| next.get().low()), "fences meet");
            leaves.push(leaf.as_ptr());
        }
        // SAFETY: records of a list that nobody else uses.
        let live = found.iter().map(|record| unsafe { RecordRef::new(*record) });
        let live: Vec<_> = live.filter(|record| !record.is_dead()).map(RecordRef::as_ptr).collect();
        assert!(live.iter().eq(self.keys.values()), "exactly these records, in order");
        self.list.index.check(&leaves, &pin);
        for (key, record) in &self.keys {
            let (leaf, body) = self.list.locate(key, &pin, &self.tally);
            assert!(leaf.low() <= key.as_slice());
            assert!(body.high().is_none_or(|high| key.as_slice() < high));
            // SAFETY: alive.
            assert!(body.holds(unsafe { RecordRef::new(*record) }), "found by its key");
        }
    }

    fn leaves(&self) -> usize {
        let pin = self.domain.pin(&self.local, &self.tally);
        let mut leaves = 0;
        self.list.for_each_leaf(&pin, |_| leaves += 1);
        leaves
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.drop_waiting();
    }
}

impl Index {
    /// Every leaf of the tree is among `linked`, under its fences, and prefixes order what they should.
    fn check<P: Pinned>(&self, linked: &[NonNull<Leaf>], pin: &P) {
        let root = self.root(pin);
        let mut leaves = Vec::new();
        check_node(root, Span { low: &[], high: None }, &mut leaves);
        assert!(root.height() == 0 || root.len() > 1, "a root with one child gives way");
        let mut at = 0;
        for leaf in leaves {
            let skipped = linked[at..].iter().position(|linked| *linked == leaf);
            let skipped = skipped.expect("the index holds linked leaves, in their order");
            assert!(skipped <= MAX_WALK + 1, "{skipped} leaves left out");
            at += skipped + 1;
        }
    }
}

fn check_node(node: Shared<'_, Node>, span: Span<'_>, leaves: &mut Vec<NonNull<Leaf>>) {
    assert!(node.len() > 0 && node.fits(span), "skip {} in {span:?}", node.skip());
    for at in 0..node.len() {
        let (child, span) = (node.child(at), node.span(at, span));
        assert!(span.high.is_none_or(|high| span.low < high), "fences ascend");
        match child.node {
            None => leaves.push(child.leaf),
            Some(below) => {
                // SAFETY: part of a tree that nobody else uses.
                let below = unsafe { Shared::new(below) };
                assert_eq!(below.child(0).leaf, child.leaf, "one fence on every level");
                assert_eq!(below.height() + 1, node.height());
                check_node(below, span, leaves);
            }
        }
    }
}

/// Keys with long common prefixes, which end at different places.
fn key(n: u32) -> Vec<u8> {
    let mut key = vec![b'x'; (n / 4096 % 7) as usize * 3];
    key.extend_from_slice(&n.to_be_bytes());
    key
}

#[test]
fn keys_whose_prefixes_tie_are_told_apart() {
    let mut world = World::new();
    // Some forty keys an account, which differ behind what a leaf keeps of them.
    let key = |n: u32| {
        format!("account/{:016x}/{:08}", u64::from(n % 50).wrapping_mul(0x9e37_79b9_7f4a_7c15), n)
            .into_bytes()
    };
    for n in 0..2_000 {
        world.insert(key(n));
    }
    (0..2_000).for_each(|n| world.insert(key(n)));
    world.check();
    for n in (0..2_000).step_by(3) {
        world.remove(&key(n));
    }
    (0..2_000).for_each(|n| world.insert(key(n)));
    world.settle();
    world.drop_waiting();
    world.check();
}

#[test]
fn a_queue_leaves_no_leaf_behind() {
    let mut world = World::new();
    let window = 20 * CAPACITY as u32;
    let rounds = 12;
    for n in 0..rounds * window {
        world.insert(n.to_be_bytes().to_vec());
        if n >= window {
            world.remove(&(n - window).to_be_bytes());
        }
        if n % (window / 2) == 0 {
            world.settle();
            world.check();
            // Full leaves, one that is emptied, one that fills, and the first.
            let full = window as usize / CAPACITY;
            assert!(world.leaves() <= full + 4, "{} leaves for {full}", world.leaves());
            assert!(world.waiting.len() < CAPACITY / 4, "{} wait", world.waiting.len());
        }
    }
}

#[test]
fn everything_goes_from_either_end() {
    let all = 60 * CAPACITY as u32;
    for backward in [false, true] {
        let mut world = World::new();
        for n in 0..all {
            world.insert(key(n));
        }
        let mut keys: Vec<_> = world.keys.keys().cloned().collect();
        if backward {
            keys.reverse();
        }
        for (n, key) in keys.iter().enumerate() {
            world.remove(key);
            if n % 1000 == 0 {
                world.check();
            }
        }
        world.drop_waiting();
        world.check();
        assert_eq!(world.leaves(), 1, "the first leaf stays, and no other");
    }
}

#[test]
fn keys_come_and_go_at_random() {
    let seed = 0x5eed_1e4f;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut world = World::new();
    for round in 0..40 {
        // Tides: mostly in, then mostly out, in one region of the keys.
        let (from, share) = (random.u32(0..40_000), if round % 2 == 0 { 8 } else { 2 });
        for _ in 0..3_000 {
            let key = key(from + random.u32(0..6_000));
            if random.u32(0..10) < share {
                world.insert(key);
            } else if world.keys.contains_key(&key) {
                world.remove(&key);
            }
        }
        if round % 5 == 4 {
            world.drop_waiting();
        }
        world.check();
    }
    for key in world.keys.keys().cloned().collect::<Vec<_>>() {
        world.remove(&key);
    }
    world.drop_waiting();
    world.check();
    assert_eq!(world.leaves(), 1, "seed {seed:#x}");
    assert!(world.tally.get(Event::Splits) > 100, "leaves were made, and unlinked");
}

/// Keys of groups that share a long prefix: whole groups go but for their beginnings, so that a fence that was inside a
/// group moves beyond it, and then keys come that lie between.
#[test]
fn fences_that_move_apart_order_keys_all_the_same() {
    let seed = 0xfe9c;
    let mut random = fastrand::Rng::with_seed(seed);
    let group = |g: u32| format!("group-{g}-whose-keys-have-much-in-common-").into_bytes();
    let numbered = |g: u32, n: u32| [group(g), n.to_be_bytes().to_vec()].concat();
    let mut world = World::new();
    for round in 0..2 {
        for g in 0..4 {
            (0..9_000).for_each(|n| world.insert(numbered(g, n)));
        }
        world.check();
        let stays = random.u32(0..300);
        for g in 0..4 {
            for n in stays..9_000 {
                world.remove(&numbered(g, n));
            }
        }
        world.drop_waiting();
        world.check();
        for _ in 0..3_000 {
            // Cut off or changed inside the common prefix, or beside it.
            let mut key = numbered(random.u32(0..4), random.u32(0..9_000));
            let at = random.usize(1..key.len());
            key[at] = random.u8(..);
            key.truncate(random.usize(at..key.len()) + 1);
            world.insert(key);
        }
        world.check();
        for key in world.keys.keys().cloned().collect::<Vec<_>>() {
            if random.u32(0..10) < 9 || round == 1 {
                world.remove(&key);
            }
        }
        world.drop_waiting();
        world.check();
    }
    assert_eq!(world.leaves(), 1, "seed {seed:#x}");
}

/// Threads that insert and remove, each its own keys, in leaves that they share; and one that scans in both directions.
#[test]
fn leaves_come_and_go_under_threads() {
    const WRITERS: u32 = 3;
    const OPS: u32 = 60_000;
    let (world, left) = (World::new(), AtomicUsize::new(0));
    let (list, domain, left) = (&world.list, &world.domain, &left);
    // What a session keeps back is freed at once when it ends: none does before all are done.
    let stay = move || {
        left.fetch_add(1, Ordering::AcqRel);
        while left.load(Ordering::Acquire) <= WRITERS as usize {
            std::thread::yield_now();
        }
    };
    let unlinks: u64 = std::thread::scope(|scope| {
        scope.spawn(move || {
            let (local, tally) = (domain.local(), Tally::default());
            for round in 0..OPS / 100 {
                check_scan(list, round % 2 == 0, &domain.pin(&local, &tally), &tally);
            }
            stay();
        });
        let write = |me| {
            scope.spawn(move || {
                let (local, tally) = (domain.local(), Tally::default());
                write_and_remove(list, |tally| domain.pin(&local, tally), me, WRITERS, OPS, &tally);
                stay();
                tally.get(Event::Unlinks)
            })
        };
        let writers: Vec<_> = (0..WRITERS).map(write).collect();
        writers.into_iter().map(|writer| writer.join().expect("no writer panics")).sum()
    });
    world.check();
    assert!(unlinks > 20, "{unlinks} leaves were unlinked");
    assert_eq!(world.leaves(), 1);
}

/// Inserts and removes the keys that are `me` modulo `writers`, and in the end removes them all.
fn write_and_remove<'a, P: Pinned>(
    list: &List,
    pinned: impl Fn(&'a Tally) -> P,
    me: u32,
    writers: u32,
    ops: u32,
    tally: &'a Tally,
) {
    let mut random = fastrand::Rng::with_seed(u64::from(me));
    let mut own: BTreeMap<u32, NonNull<Record>> = BTreeMap::new();
    let remove = |number: u32, record: NonNull<Record>| {
        let pin = pinned(tally);
        // SAFETY: retired below only, by its sealer.
        let view = unsafe { RecordRef::new(record) };
        assert!(view.key() == key(number) && view.seal_empty());
        if !list.note_dead(view, &pin, tally) {
            list.drop_dead_now(view, &pin, tally);
        }
        // SAFETY: this is its sealer, and it is out of the list (I-43).
        unsafe { pin.retire(record, Grace::Two) };
    };
    for op in 0..ops {
        // Now in, now out, over a window that moves.
        let (from, come) = (op / 10, op / 2_000 % 2 == 0);
        let number = (from + random.u32(0..3_000)) / writers * writers + me;
        if come {
            let pin = pinned(tally);
            let found = list.find_or_insert(&key(number), None, 0, &mut None, &pin, tally);
            let before = own.insert(number, found.record.as_ptr());
            assert_eq!(found.made.is_some(), before.is_none(), "a key has one writer");
        } else if let Some((&number, &record)) = own.range(number..).next() {
            own.remove(&number);
            remove(number, record);
        }
    }
    own.into_iter().for_each(|(number, record)| remove(number, record));
}

/// A scan under one pin, leaf by leaf: keys ascend, or descend, and each leaf begins where the last ended.
fn check_scan<P: Pinned>(list: &List, forward: bool, pin: &P, tally: &Tally) {
    let (mut keys, mut found, mut bound) = (Vec::new(), Vec::new(), Some(Vec::new()));
    if !forward {
        bound = None;
    }
    loop {
        let (leaf, body) = match (&bound, forward) {
            (Some(from), true) => list.locate(from, pin, tally),
            (bound, _) => list.locate_before(bound.as_deref(), pin, tally),
        };
        let within = match (&bound, forward) {
            (Some(from), true) => Within { from: Bound::Included(from), to: Bound::Unbounded },
            (Some(to), false) => Within { from: Bound::Unbounded, to: Bound::Excluded(to) },
            (None, _) => Within { from: Bound::Unbounded, to: Bound::Unbounded },
        };
        found.clear();
        body.collect(leaf.low(), within, &mut found);
        if !forward {
            found.reverse();
        }
        // SAFETY: records of bodies that were loaded under the pin.
        keys.extend(found.iter().map(|record| unsafe { RecordRef::new(*record) }.key()));
        bound = match body.high() {
            Some(high) if forward => Some(high.to_vec()),
            None if forward => break,
            _ if leaf.low().is_empty() => break,
            _ => Some(leaf.low().to_vec()),
        };
    }
    if !forward {
        keys.reverse();
    }
    assert!(keys.is_sorted_by(|a, b| a < b), "each key once, in order");
}
