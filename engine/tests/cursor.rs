//! Cursors: where each move leads, compared with a list; that they own what they show.

mod common;

use common::{Row, random, rounds, row};
use engine::{Cursor, Store};
use fastrand::Rng;

/// The same moves over a list of entries.
#[derive(Clone)]
struct Model {
    rows: Vec<Row>,
    /// One more than the number of the entry; 0 is before the first.
    place: usize,
}

impl Model {
    fn row(&self) -> Option<&Row> {
        self.rows.get(self.place.checked_sub(1)?)
    }

    fn skip(&mut self, entries: usize) {
        self.place = self.place.saturating_add(entries).min(self.rows.len() + 1);
    }

    fn skip_back(&mut self, entries: usize) {
        self.place = self.place.saturating_sub(entries);
    }

    fn seek(&mut self, key: &[u8]) {
        self.place = self.rows.partition_point(|(other, _)| &other[..] < key) + 1;
    }

    fn seek_for_prev(&mut self, key: &[u8]) {
        self.place = self.rows.partition_point(|(other, _)| &other[..] <= key);
    }
}

/// Some move of both.
fn step(random: &mut Rng, cursor: &mut Cursor, model: &mut Model, keys: u32) {
    let key = key(random.u32(0..keys + 2));
    let far = random.usize(0..model.rows.len() * 2 + 2);
    let near = random.usize(0..6);
    let on_entry = match random.u32(0..20) {
        0 => (model.seek(&key), cursor.seek(&key)).1,
        1 => (model.seek_for_prev(&key), cursor.seek_for_prev(&key)).1,
        2 => (model.seek(b""), cursor.seek_to_first()).1,
        3 => (model.seek_for_prev(&[255; 9]), cursor.seek_to_last()).1,
        4..=9 => (model.skip(1), cursor.next()).1,
        10..=15 => (model.skip_back(1), cursor.prev()).1,
        16 => (model.skip(near), cursor.skip(near)).1,
        17 => (model.skip_back(near), cursor.skip_back(near)).1,
        18 => (model.skip(far), cursor.skip(far)).1,
        _ => (model.skip_back(far), cursor.skip_back(far)).1,
    };
    assert_eq!(on_entry.unwrap(), model.row().is_some());
}

fn assert_same(cursor: &Cursor, model: &Model) {
    assert_eq!(cursor.is_valid(), model.row().is_some());
    assert_eq!(cursor.key().map(Vec::from), model.row().map(|(key, _)| key.clone()));
    let value = cursor.value().unwrap().map(Vec::from);
    assert_eq!(value, model.row().map(|(_, value)| value.clone()));
}

/// Keys of several lengths, which sort as their numbers do.
fn key(number: u32) -> Vec<u8> {
    let mut key = number.to_be_bytes().to_vec();
    key.resize(4 + (number % 3) as usize * 100, b'k');
    key
}

/// Values of which some are copied by a cursor and some are not, and which fill its pages.
fn value(random: &mut Rng) -> Vec<u8> {
    let len = [0, 1, 30, 255, 256, 257, 2_000][random.usize(0..7)];
    vec![random.u8(..); len]
}

/// A store with about half of the keys below a number, and what is in it. Some were deleted.
fn filled(random: &mut Rng, keys: u32) -> (Store, Vec<Row>) {
    let store = Store::in_memory();
    let mut rows = Vec::new();
    for key in (0..keys).map(key) {
        store.put(&key, "old").unwrap();
        if random.bool() {
            let value = value(random);
            store.put(&key, &value).unwrap();
            rows.push((key, value));
        } else {
            store.delete(&key).unwrap();
        }
    }
    (store, rows)
}

#[test]
fn any_moves_lead_where_they_lead_in_a_list() {
    let mut random = random();
    for keys in [0, 1, 2, 5, 40, 600] {
        for _ in 0..rounds(12) {
            let (store, rows) = filled(&mut random, keys);
            let (mut cursor, mut model) = (store.snapshot().cursor(), Model { rows, place: 0 });
            assert_same(&cursor, &model);
            for number in 0..200_u32 {
                if number % 20 == 0 {
                    // What is written meanwhile is not seen.
                    store.put(key(number), "later").unwrap();
                    store.delete_range(key(random.u32(0..=keys))..key(keys / 2)).unwrap();
                }
                step(&mut random, &mut cursor, &mut model, keys);
                assert_same(&cursor, &model);
            }
        }
    }
}

#[test]
fn long_walks_both_ways_meet_every_entry() {
    let mut random = random();
    let (store, rows) = filled(&mut random, 1_000);
    let mut cursor = store.snapshot().cursor();
    for (key, value) in &rows {
        assert!(cursor.next().unwrap());
        assert_eq!(cursor.key().unwrap(), key);
        assert_eq!(cursor.value().unwrap().unwrap(), value);
    }
    assert!(!cursor.next().unwrap());
    for (key, value) in rows.iter().rev() {
        assert!(cursor.prev().unwrap());
        assert_eq!(cursor.key().unwrap(), key);
        assert_eq!(cursor.value().unwrap().unwrap(), value);
    }
    assert!(!cursor.prev().unwrap());
}

#[test]
fn clones_go_their_own_ways() {
    let mut random = random();
    let (store, rows) = filled(&mut random, 100);
    let model = Model { rows, place: 0 };
    let mut pairs = vec![(store.snapshot().cursor(), model)];
    for _ in 0..rounds(2_000) {
        let at = random.usize(0..pairs.len());
        let (cursor, model) = &mut pairs[at];
        step(&mut random, cursor, model, 100);
        if pairs.len() < 5 {
            pairs.push(pairs[at].clone());
        }
        pairs.iter().for_each(|(cursor, model)| assert_same(cursor, model));
    }
}

#[test]
fn an_empty_store_has_a_before_and_an_after() {
    let mut cursor = Store::in_memory().snapshot().cursor();
    type Move = fn(&mut Cursor) -> Result<bool, engine::Error>;
    let mut assert_none = |moves: &[Move]| {
        for go in moves {
            assert!(!go(&mut cursor).unwrap());
            assert!(cursor.key().is_none() && cursor.value().unwrap().is_none());
        }
    };
    assert_none(&[Cursor::next, Cursor::next, Cursor::prev, Cursor::prev]);
    assert_none(&[Cursor::seek_to_first, Cursor::seek_to_last]);
    assert_none(&[|cursor| cursor.seek("k"), |cursor| cursor.seek_for_prev("k")]);
    assert_none(&[|cursor| cursor.skip(0), |cursor| cursor.skip(usize::MAX)]);
    assert_none(&[|cursor| cursor.skip_back(usize::MAX), |cursor| cursor.skip_back(0)]);
}

#[test]
fn beyond_the_ends_a_cursor_stays_and_comes_back() {
    let store = Store::in_memory();
    for key in ["a", "b"] {
        store.put(key, "").unwrap();
    }
    let mut cursor = store.snapshot().cursor();
    assert!(!cursor.seek("c").unwrap());
    assert!(!cursor.next().unwrap() && !cursor.skip(5).unwrap());
    assert!(cursor.prev().unwrap() && cursor.key().unwrap() == "b");
    assert!(!cursor.seek_for_prev("A").unwrap());
    assert!(!cursor.prev().unwrap() && !cursor.skip_back(5).unwrap());
    assert!(cursor.next().unwrap() && cursor.key().unwrap() == "a");
    assert!(cursor.skip(0).unwrap() && cursor.key().unwrap() == "a", "no entries: it stays");
    assert!(!cursor.skip(usize::MAX).unwrap());
    assert!(cursor.skip_back(2).unwrap() && cursor.key().unwrap() == "a");
    assert!(!cursor.skip_back(usize::MAX).unwrap());
    assert!(cursor.skip(2).unwrap() && cursor.key().unwrap() == "b");
}

#[test]
fn a_cursor_owns_what_it_shows() {
    /// As a user would keep one.
    struct Page {
        cursor: Cursor,
    }
    fn open() -> Page {
        let store = Store::in_memory();
        let space = store.key_space("space").unwrap();
        space.put("a", "1").unwrap();
        space.put("b", [7; 10_000]).unwrap();
        let cursor = store.snapshot().cursor_in(&space).unwrap();
        space.delete_range(..).unwrap();
        store.maintain();
        Page { cursor }
    }
    let mut page = open(); // store, snapshot and space are gone
    let rows = std::thread::spawn(move || {
        let mut rows = Vec::new();
        while page.cursor.next().unwrap() {
            let key = page.cursor.key().unwrap().to_vec();
            rows.push((key, page.cursor.value().unwrap().unwrap().to_vec()));
        }
        rows
    })
    .join()
    .unwrap();
    assert_eq!(rows, [row("a", "1"), (b"b".to_vec(), vec![7; 10_000])]);
}
