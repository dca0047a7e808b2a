//! The map of a block, by one thread and by several.

use super::*;
use crate::Map;

mod commit;

fn store() -> Map {
    let map = Map::new();
    for key in ["a", "b", "c"] {
        map.put(key, format!("{key}0")).unwrap();
    }
    map
}

fn block(map: &Map, transactions: u32) -> BlockMap {
    BlockMap::new(map.snapshot(), None, transactions, &Pool::default()).unwrap()
}

/// One run of a transaction that puts `value` to each key.
fn put<'b>(writer: &mut Writer<'b>, idx: u32, run: u8, keys: &[&str], value: &str) {
    let writes: Vec<_> = keys
        .iter()
        .map(|key| {
            let key = writer.key(key.as_bytes()).unwrap();
            writer.write(key, Kind::Value, idx, run, value.as_bytes())
        })
        .collect();
    writer.publish(idx, &[], &[], &writes);
}

fn see<'b>(writer: &mut Writer<'b>, key: &str, idx: u32) -> State<'b> {
    writer.key(key.as_bytes()).unwrap().visible(idx).get()
}

#[test]
fn a_transaction_sees_the_newest_write_below_it() {
    let (map, pool) = (store(), Pool::default());
    let block = BlockMap::new(map.snapshot(), None, 10, &pool).unwrap();
    let mut writer = block.writer();
    put(&mut writer, 4, 1, &["a"], "four");
    put(&mut writer, 2, 1, &["a"], "two");
    put(&mut writer, 7, 1, &["a"], "seven");
    for (idx, seen) in [
        (0, State::Base),
        (2, State::Base),
        (3, State::Value(b"two")),
        (4, State::Value(b"two")),
        (5, State::Value(b"four")),
        (7, State::Value(b"four")),
        (8, State::Value(b"seven")),
    ] {
        assert_eq!(see(&mut writer, "a", idx), seen, "transaction {idx}");
    }
    let key = writer.key(b"a").unwrap();
    assert_eq!(key.base(), Some(&b"a0"[..]));
    assert_eq!(writer.key(b"x").unwrap().base(), None);
}

#[test]
fn a_later_run_takes_the_place_of_the_one_before() {
    let map = store();
    let block = block(&map, 10);
    let mut writer = block.writer();
    put(&mut writer, 1, 1, &["a", "b"], "first");
    block.writer().estimate(1);
    assert_eq!(see(&mut writer, "a", 5), State::Estimate { writer: 1 });
    put(&mut writer, 1, 2, &["b", "c"], "second");
    assert_eq!(see(&mut writer, "a", 5), State::Base, "not written any more");
    assert_eq!(see(&mut writer, "b", 5), State::Value(b"second"));
    assert_eq!(see(&mut writer, "c", 5), State::Value(b"second"));
    assert_eq!(block.account(1).unwrap().writes().len(), 2);
    writer.withdraw(1);
    assert_eq!(see(&mut writer, "b", 5), State::Base);
    assert!(block.account(1).is_none());
}

#[test]
fn what_is_final_lies_below_all_entries() {
    let map = store();
    let block = block(&map, 10);
    let mut writer = block.writer();
    put(&mut writer, 5, 1, &["a"], "five");
    let key = writer.key(b"a").unwrap();
    let write = writer.write(key, Kind::Deleted, 0, 1, b"");
    writer.settle(0, &[write]);
    assert_eq!(see(&mut writer, "a", 3), State::Deleted);
    assert_eq!(see(&mut writer, "a", 6), State::Value(b"five"));
    // Six comes when five has an entry: what it writes lies above that.
    let write = writer.write(key, Kind::Value, 6, 1, b"six");
    writer.settle(6, &[write]);
    assert_eq!(see(&mut writer, "a", 9), State::Value(b"six"));
    assert_eq!(see(&mut writer, "a", 6), State::Value(b"five"));
    // And five is run again as final: in its own entry.
    let write = writer.write(key, Kind::Value, 5, 2, b"again");
    writer.settle(5, &[write]);
    assert_eq!(see(&mut writer, "a", 6), State::Value(b"again"));
    let below: Vec<_> = key.below(7).map(Seen::get).collect();
    assert_eq!(below, [State::Value(b"six"), State::Value(b"again"), State::Deleted]);
}

#[test]
fn merges_are_seen_as_such_until_they_are_replaced() {
    let map = store();
    let block = block(&map, 10);
    let mut writer = block.writer();
    let key = writer.key(b"a").unwrap();
    let write = writer.write(key, Kind::Merge(3), 2, 1, b"+1");
    writer.publish(2, &[], &[], &[write]);
    assert_eq!(see(&mut writer, "a", 4), State::Merge { op: 3, delta: b"+1" });
    writer.replace(key, 2, Kind::Value, b"done");
    assert_eq!(see(&mut writer, "a", 4), State::Value(b"done"));
}

#[test]
fn handles_say_what_was_read() {
    let map = store();
    let block = block(&map, 10);
    let mut writer = block.writer();
    let key = writer.key(b"a").unwrap();
    for kind in [ReadKind::Get, ReadKind::Has] {
        let read = key.visible(3).read(kind);
        assert!(read.kind() == kind && read.key() == key && read.seen().is_base());
    }
    let note = writer.note(key, ReadKind::Fold, b"sum");
    assert!(note.kind() == ReadKind::Fold && note.note() == b"sum" && note.key() == key);
    let lo = b"lo".to_vec();
    let range = RangeRead {
        lo: Bound::Included(&lo),
        hi: Bound::Unbounded,
        reads: (0, 1),
        direction: Direction::Backward,
    };
    writer.publish(3, &[note], &[range], &[]);
    drop(lo);
    let account = block.account(3).unwrap();
    assert_eq!(account.reads()[0].note(), b"sum");
    assert_eq!(account.ranges()[0].lo, Bound::Included(&b"lo"[..]));
    assert_eq!(account.ranges()[0].direction, Direction::Backward);
}

#[test]
fn written_keys_are_found_in_order_from_both_ends() {
    let map = store();
    let block = block(&map, 2_000);
    let mut writer = block.writer();
    let mut random = fastrand::Rng::with_seed(3);
    let mut keys: Vec<String> = (0..1_000).map(|at| format!("key {at:04}")).collect();
    random.shuffle(&mut keys);
    let (logged, entered) = keys.split_at(500);
    for (idx, key) in logged.iter().enumerate() {
        put(&mut writer, idx as u32, 1, &[key], "v");
    }
    let order = block.ordered(&mut writer);
    for (idx, key) in entered.iter().enumerate() {
        put(&mut writer, 500 + idx as u32, 1, &[key], "v");
    }
    // Written a second time: once in the index.
    put(&mut writer, 1_999, 1, &[&keys[0], &keys[999]], "w");
    keys.sort();
    let names = |keys: Vec<KeyRef<'_>>| {
        keys.iter().map(|key| String::from_utf8(key.key().to_vec()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(names(order.forward(Bound::Unbounded).collect()), keys);
    assert_eq!(block.written().count(), 1_000);
    keys.reverse();
    assert_eq!(names(order.backward(Bound::Unbounded).collect()), keys);
    let at = |name: &str| name.as_bytes().to_vec();
    for (name, included, excluded) in
        [("key 0500", "key 0500", "key 0501"), ("key 0500x", "key 0501", "key 0501")]
    {
        let first = |bound| order.forward(bound).next().unwrap().key().to_vec();
        assert_eq!(first(Bound::Included(name.as_bytes())), at(included));
        assert_eq!(first(Bound::Excluded(name.as_bytes())), at(excluded));
    }
    let last = |bound| order.backward(bound).next().map(|key| key.key().to_vec());
    assert_eq!(last(Bound::Included(b"key 0500")), Some(at("key 0500")));
    assert_eq!(last(Bound::Excluded(b"key 0500")), Some(at("key 0499")));
    assert_eq!(last(Bound::Excluded(b"key 0000")), None);
}

#[test]
fn four_threads_publish_while_others_look() {
    const THREADS: u32 = 4;
    const EACH: u32 = 500;
    let map = store();
    let block = block(&map, THREADS * EACH);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let block = &block;
            scope.spawn(move || {
                let mut writer = block.writer();
                for at in 0..EACH {
                    let idx = at * THREADS + thread;
                    let own = format!("own {}", at % 50);
                    put(&mut writer, idx, 1, &["hot", &own], &format!("{idx}"));
                    if at % 100 == 50 {
                        let order = block.ordered(&mut writer);
                        let hot = order.forward(Bound::Included(b"hot")).next();
                        assert_eq!(hot.map(KeyRef::key), Some(&b"hot"[..]));
                    }
                    if let State::Value(seen) = see(&mut writer, "hot", idx) {
                        let seen: u32 = std::str::from_utf8(seen).unwrap().parse().unwrap();
                        assert!(seen < idx, "{idx} sees {seen}");
                    }
                }
            });
        }
    });
    let mut writer = block.writer();
    for idx in 1..THREADS * EACH {
        let before = format!("{}", idx - 1);
        assert_eq!(see(&mut writer, "hot", idx), State::Value(before.as_bytes()));
    }
    let keys = block.ordered(&mut writer).forward(Bound::Unbounded).count();
    assert_eq!(keys, 51);
    assert_eq!(block.written().count(), 51);
}

#[test]
#[should_panic(expected = "a key of another block")]
fn a_key_of_another_block_is_refused() {
    let map = store();
    let (one, other) = (block(&map, 1), block(&map, 1));
    let key = one.writer().key(b"a").unwrap();
    other.writer().write(key, Kind::Value, 0, 1, b"v");
}

#[test]
fn empty_and_long_keys_are_refused() {
    let map = store();
    let block = block(&map, 1);
    let mut writer = block.writer();
    assert_eq!(writer.key(b"").unwrap_err(), Error::EmptyKey);
    let long = vec![0; crate::MAX_KEY_LEN + 1];
    assert!(matches!(writer.key(&long), Err(Error::KeyTooLong { .. })));
    assert!(writer.key(&long[1..]).is_ok());
}

#[test]
fn a_block_reads_its_own_key_space() {
    let map = store();
    let space = map.key_space("s").unwrap();
    space.put("a", "in s").unwrap();
    let block = BlockMap::new(map.snapshot(), Some(space), 1, &Pool::default()).unwrap();
    assert_eq!(block.writer().key(b"a").unwrap().base(), Some(&b"in s"[..]));
    let mut writer = block.writer();
    let mut base = block.base_range(Bound::Unbounded, Bound::Unbounded);
    assert!(base.next(&mut writer).is_some() && base.next_back(&mut writer).is_none());
    let foreign = Map::new().key_space("s").unwrap();
    let refused = BlockMap::new(map.snapshot(), Some(foreign), 1, &Pool::default());
    assert_eq!(refused.unwrap_err(), Error::ForeignSpace);
}

#[test]
#[should_panic(expected = "a key of another block")]
fn what_was_seen_in_another_block_is_refused() {
    let map = store();
    let (one, other) = (block(&map, 2), block(&map, 2));
    let mut writer = other.writer();
    put(&mut writer, 0, 1, &["a"], "elsewhere");
    let seen = writer.key(b"a").unwrap().visible(1);
    one.writer().publish(1, &[seen.read(ReadKind::Get)], &[], &[]);
}

#[test]
fn a_transaction_that_is_none_is_refused_before_anything_is_done() {
    let map = store();
    let block = block(&map, 1);
    let mut writer = block.writer();
    let key = writer.key(b"a").unwrap();
    let write = writer.write(key, Kind::Value, 7, 1, b"x");
    let mut refused = |settle: bool| {
        let act = std::panic::AssertUnwindSafe(|| match settle {
            true => writer.settle(7, &[write]),
            false => writer.publish(7, &[], &[], &[write]),
        });
        std::panic::catch_unwind(act).is_err()
    };
    assert!(refused(true) && refused(false));
    assert_eq!(key.visible(9).get(), State::Base);
}

/// Something below the base: what it has not got is asked for once, and lives as long as the block.
struct Beneath;

impl Ground for Beneath {
    fn get(&self, _base: &Snapshot, key: &[u8]) -> Option<Vec<u8>> {
        (key != b"nowhere").then(|| [b"below ", key].concat())
    }

    fn range<'b>(
        &'b self,
        base: &'b Snapshot,
        lo: Bound<&[u8]>,
        hi: Bound<&[u8]>,
    ) -> Box<Grounded<'b>> {
        let entries = base.range((lo, hi)).map(|(key, value)| (key.to_vec(), value.to_vec()));
        Box::new(std::iter::once((b"a".to_vec(), b"below a".to_vec())).chain(entries))
    }
}

#[test]
fn what_the_base_has_not_got_is_asked_for_below() {
    let map = Map::new();
    map.put("k", "in memory").unwrap();
    let block = BlockMap::new(map.snapshot(), None, 1, &Pool::default()).unwrap().on(Beneath);
    let mut writer = block.writer();
    let mut base = |key: &[u8]| writer.key(key).unwrap().base();
    assert_eq!(base(b"k"), Some(&b"in memory"[..]));
    assert_eq!(base(b"a"), Some(&b"below a"[..]));
    assert_eq!(base(b"nowhere"), None);
    let mut range = block.base_range(Bound::Unbounded, Bound::Unbounded);
    assert_eq!(range.next(&mut writer), Some((&b"a"[..], &b"below a"[..])));
    assert_eq!(range.next_back(&mut writer), Some((&b"k"[..], &b"in memory"[..])));
    assert_eq!(range.next(&mut writer), None);
}
