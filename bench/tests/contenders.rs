//! Every contender does what the trait says, on small data: a measurement of a map that answers
//! wrongly would be worth nothing.

use std::collections::BTreeMap;

use bench::contender::{Contender, Roster, Snapshots, View, Visitor, Writer};
use bench::workload::{ABSENT, Case, Stream, value};

const KEYS: u64 = 3_000;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// Runs a check on every contender in both key cases.
fn for_everyone<V: Visitor<Output = ()> + Copy>(check: impl Fn(Case) -> V) {
    for case in [Case::Fix, Case::Prefix] {
        for contender in Roster::ALL.iter().copied() {
            eprintln!("{} {}", contender.name(), case.name());
            contender.visit(case, check(case));
        }
    }
}

/// Loads `KEYS` keys by batches and singly, overwrites some, and does the same to a model.
fn load<C: Contender>(case: Case) -> (C, Model) {
    let map = C::empty();
    let mut model = Model::new();
    let mut writer = map.writer();
    let stream = Stream::of(case, 0..KEYS);
    let mut walk = stream.walk(0);
    for batch in 0..KEYS as usize / 100 {
        let ops = walk.ops(100, batch as u64);
        model.extend(ops.clone().map(|(key, held)| (key.to_vec(), held.to_vec())));
        writer.commit(ops);
        walk.advance(100);
    }
    for number in (0..KEYS + 50).step_by(7) {
        let key = case.key(number);
        let held = value::make(&key, 1_000 + number);
        writer.put(&key, &held);
        model.insert(key, held.to_vec());
    }
    drop(writer);
    (map, model)
}

fn collected(scan: impl FnOnce(&mut dyn FnMut(&[u8], &[u8]))) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries = Vec::new();
    scan(&mut |key, held| entries.push((key.to_vec(), held.to_vec())));
    entries
}

#[derive(Clone, Copy)]
struct Gets(Case);

impl Visitor for Gets {
    type Output = ();

    fn visit<C: Contender>(self) {
        let (map, model) = load::<C>(self.0);
        let view = map.view();
        for number in (0..KEYS + 50).chain(ABSENT..ABSENT + 200) {
            let key = self.0.key(number);
            let want = model.get(&key).cloned();
            assert_eq!(view.get(&key, |held| held.to_vec()), want);
            assert_eq!(map.get_newest(&key, |held| held.to_vec()), want);
        }
    }
}

#[test]
fn gets_find_what_was_written_and_nothing_else() {
    for_everyone(Gets);
}

#[derive(Clone, Copy)]
struct GetMany(Case);

impl Visitor for GetMany {
    type Output = ();

    fn visit<C: Contender>(self) {
        let (map, model) = load::<C>(self.0);
        // Hits and misses in one call, a key twice, in no order.
        let numbers = [5, ABSENT, 0, 77, 5, ABSENT + 9, 2_999, 14];
        let keys = numbers.map(|number| self.0.key(number));
        let mut found = BTreeMap::new();
        let hits = map.view().get_many(&keys.each_ref().map(Vec::as_slice), |index, held| {
            found.insert(index, held.to_vec());
        });
        let wanted = keys.iter().enumerate();
        let wanted: BTreeMap<usize, Vec<u8>> =
            wanted.filter_map(|(index, key)| Some((index, model.get(key)?.clone()))).collect();
        assert_eq!((hits, found), (wanted.len(), wanted));
    }
}

#[test]
fn get_many_agrees_with_single_gets() {
    for_everyone(GetMany);
}

#[derive(Clone, Copy)]
struct Scans(Case);

impl Visitor for Scans {
    type Output = ();

    fn visit<C: Contender>(self) {
        let (map, model) = load::<C>(self.0);
        let view = map.view();
        let mut entries: Vec<_> = model.into_iter().collect();
        assert!(collected(|see| view.scan(see)) == entries, "scan");
        entries.reverse();
        assert!(collected(|see| view.scan_back(see)) == entries, "scan_back");
    }
}

#[test]
fn scans_show_every_entry_in_order_both_ways() {
    for_everyone(Scans);
}

#[derive(Clone, Copy)]
struct Ranges(Case);

impl Visitor for Ranges {
    type Output = ();

    fn visit<C: Contender>(self) {
        let (map, model) = load::<C>(self.0);
        let view = map.view();
        for number in (0..KEYS).step_by(101).chain(ABSENT..ABSENT + 30) {
            let from = self.0.key(number);
            for limit in [1, 100, KEYS as usize * 2] {
                let wanted: Vec<_> = model
                    .range(from.clone()..)
                    .take(limit)
                    .map(|(key, held)| (key.clone(), held.clone()))
                    .collect();
                let found = collected(|see| view.range(&from, limit, see));
                assert!(found == wanted, "limit {limit}: {} of {}", found.len(), wanted.len());
            }
        }
    }
}

#[test]
fn ranges_begin_at_the_key_or_above_and_keep_to_the_limit() {
    for_everyone(Ranges);
}

#[derive(Clone, Copy)]
struct HeldViews(Case);

impl Visitor for HeldViews {
    type Output = ();

    fn visit<C: Contender>(self) {
        if C::SNAPSHOTS != Snapshots::Versioned {
            return;
        }
        let (map, model) = load::<C>(self.0);
        let before: Vec<_> = model.into_iter().collect();
        let view = map.view();
        let stream = Stream::of(self.0, 0..KEYS + 500);
        map.writer().commit(stream.walk(0).ops(stream.len(), 9_999));

        assert!(collected(|see| view.scan(see)) == before, "the held view moved");
        let key = self.0.key(3);
        let held = view.get(&key, |held| held.to_vec());
        assert_eq!(held.as_ref(), before.iter().find(|(of, _)| *of == key).map(|(_, held)| held));
        let now = map.view().get(&key, |held| value::sequence(&key, held)).flatten();
        assert_eq!(now, Some(9_999));
    }
}

#[test]
fn a_versioned_view_stays_where_it_was_opened() {
    for_everyone(HeldViews);
}

#[derive(Clone, Copy)]
struct SharedWrites(Case);

impl Visitor for SharedWrites {
    type Output = ();

    fn visit<C: Contender>(self) {
        let map = C::empty();
        let Some(map) = map.shared() else { return };
        std::thread::scope(|scope| {
            for part in 0..2 {
                scope.spawn(move || {
                    let mut writer = map.writer();
                    for number in (part..KEYS).step_by(2) {
                        let key = self.0.key(number);
                        writer.put(&key, &value::make(&key, part));
                    }
                });
            }
        });
        let mut found = 0;
        map.view().scan(|key, held| found += u64::from(value::sequence(key, held).is_some()));
        assert_eq!(found, KEYS);
        let good = (0..KEYS).filter(|number| {
            let key = self.0.key(*number);
            let part = map.get_newest(&key, |held| value::sequence(&key, held)).flatten();
            part == Some(number % 2)
        });
        assert_eq!(good.count() as u64, KEYS);
    }
}

#[test]
fn two_threads_lose_nothing_on_disjoint_keys() {
    for_everyone(SharedWrites);
}

#[derive(Clone, Copy)]
struct Atomicity(Case);

impl Visitor for Atomicity {
    type Output = ();

    /// One thread rewrites eight keys together, another reads them in one view each time.
    fn visit<C: Contender>(self) {
        let map = C::empty();
        let Some(map) = map.shared().filter(|_| C::ATOMIC_COMMITS) else { return };
        let stream = Stream::of(self.0, 0..8);
        map.writer().commit(stream.walk(0).ops(8, 0));
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let mut writer = map.writer();
                for sequence in 1..2_000 {
                    writer.commit(stream.walk(0).ops(8, sequence));
                }
            });
            while !writing.is_finished() {
                let view = map.view();
                let mut seen: Vec<Option<u64>> = Vec::new();
                view.scan(|key, held| seen.push(value::sequence(key, held)));
                assert!(seen.len() == 8 && seen.iter().all(|one| *one == seen[0]), "{seen:?}");
            }
        });
    }
}

#[test]
fn a_commit_shows_whole_or_not_at_all() {
    for_everyone(Atomicity);
}

#[derive(Clone, Copy)]
struct Updates(Case);

impl Visitor for Updates {
    type Output = ();

    /// Three threads add to the same few keys.
    fn visit<C: Contender>(self) {
        const EACH: u64 = 300;
        let map = C::empty();
        let Some(map) = map.shared().filter(|_| C::UPDATES) else { return };
        let stream = Stream::of(self.0, 0..4);
        map.writer().commit(stream.walk(0).ops(4, 0));
        std::thread::scope(|scope| {
            for start in 0..3 {
                let mut walk = stream.walk(start);
                scope.spawn(move || {
                    let mut writer = map.writer();
                    for _ in 0..EACH {
                        let key = walk.step();
                        writer.update(key, |held| {
                            let sequence = value::sequence(key, held).expect("a whole value");
                            value::make(key, sequence + 1)
                        });
                    }
                });
            }
        });
        let mut sum = 0;
        map.view().scan(|key, held| sum += value::sequence(key, held).expect("a whole value"));
        assert_eq!(sum, 3 * EACH);
    }
}

#[test]
fn no_update_is_lost() {
    for_everyone(Updates);
}
