//! A caller's code panics, or calls back, in the middle of an operation: the map stays whole and usable.

use epoch_store::{Map, WriteBatch};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes that panic when they are looked at, if they are told to.
#[derive(Clone, Copy)]
struct Bytes {
    bytes: &'static [u8],
    panics: bool,
}

const GOOD: Bytes = Bytes { bytes: b"good", panics: false };
const BAD: Bytes = Bytes { bytes: b"bad", panics: true };

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        if self.panics {
            // Quietly: the test expects it.
            std::panic::resume_unwind(Box::new("bytes that panic"));
        }
        self.bytes
    }
}

/// Bytes whose look-up uses the map.
struct CallsBack<'m>(&'m Map);

impl AsRef<[u8]> for CallsBack<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0.put(b"inner", b"written while another operation was under way").unwrap();
        self.0.maintain();
        assert!(self.0.snapshot().contains(b"inner"));
        b"outer"
    }
}

fn panics<T>(operation: impl FnOnce() -> T) {
    assert!(catch_unwind(AssertUnwindSafe(operation)).is_err(), "the panic reaches the caller");
}

/// Nothing is held, nothing is lost, everything works.
fn assert_whole(map: &Map) {
    let before = map.version();
    assert_eq!(map.put(b"check", b"1").unwrap().get(), before.get() + 1);
    map.commit(WriteBatch::new().put(b"check", b"2").put(b"second", b"2")).unwrap();
    let snapshot = map.snapshot();
    assert_eq!(snapshot.get(b"check").unwrap(), b"2");
    assert_eq!(snapshot.iter().count() as u64, map.stats().live_keys);
    drop(snapshot);
    map.maintain();
    let stats = map.stats();
    assert_eq!(stats.open_snapshots, 0);
    assert_eq!(stats.versions, stats.records, "collection is not held up");
    assert_eq!(stats.retired, 0, "nor is reclamation");
}

#[test]
fn a_write_whose_bytes_panic_writes_nothing() {
    let map = Map::new();
    for _ in 0..100 {
        panics(|| map.put(BAD, b"v"));
        panics(|| map.put(b"k", BAD));
        panics(|| map.delete(BAD));
    }
    assert_eq!(map.version().get(), 0);
    assert_eq!(map.stats().records, 0);
    assert_whole(&map);
}

#[test]
fn a_batch_keeps_the_writes_that_were_whole() {
    let map = Map::new();
    let mut batch = WriteBatch::new();
    batch.put(b"a", b"1");
    panics(|| batch.put(BAD, b"v").len());
    panics(|| batch.put(b"k", BAD).len());
    panics(|| batch.delete(BAD).len());
    batch.put(b"b", b"2");
    assert_eq!(batch.len(), 2);
    map.commit(&batch).unwrap();
    let snapshot = map.snapshot();
    let entries: Vec<_> = snapshot.iter().map(|(key, value)| (key[0], value[0])).collect();
    assert_eq!(entries, [(b'a', b'1'), (b'b', b'2')]);
    drop(snapshot);
    assert_whole(&map);
}

#[test]
fn a_batch_is_of_no_map_whose_bytes_panicked() {
    let (map, other) = (Map::new(), Map::new());
    let space = map.key_space("space").unwrap();
    let mut batch = WriteBatch::new();
    batch.put(b"a", b"1");
    panics(|| batch.put_in(&space, BAD, b"v").len());
    panics(|| batch.put_in(&space, b"k", BAD).len());
    panics(|| batch.delete_in(&space, BAD).len());
    panics(|| batch.delete_range_in(&space, GOOD..=BAD).len());
    panics(|| batch.delete_range(BAD..).len());
    assert_eq!(batch.len(), 1);
    other.commit(&batch).unwrap();
    batch.put_in(&space, GOOD, b"2");
    map.commit(&batch).unwrap();
    assert_eq!(map.snapshot().space(&space).unwrap().get(GOOD).unwrap(), b"2");
    assert_whole(&other);
}

#[test]
fn a_read_whose_bytes_panic_leaves_the_snapshot_usable() {
    let map = Map::new();
    map.put(GOOD, b"v").unwrap();
    let snapshot = map.snapshot();
    for _ in 0..100 {
        panics(|| snapshot.get(BAD).is_some());
        panics(|| snapshot.contains(BAD));
        panics(|| snapshot.get_many(&[GOOD, BAD, GOOD]).len());
        panics(|| snapshot.range(BAD..).count());
        panics(|| snapshot.range(GOOD..=BAD).count());
        panics(|| snapshot.prefix(BAD).count());
    }
    assert_eq!(snapshot.get(GOOD).unwrap(), b"v");
    assert_eq!(snapshot.range(GOOD..).count(), 1);
    drop(snapshot);
    assert_whole(&map);
}

#[test]
fn a_panic_amid_an_iteration_lets_go_of_the_snapshot() {
    let map = Map::new();
    for number in 0..1_000_u16 {
        map.put(number.to_be_bytes(), b"v").unwrap();
    }
    for stop in [0, 1, 17, 500, 999] {
        panics(|| {
            let snapshot = map.snapshot();
            for (at, (key, _)) in snapshot.iter().enumerate() {
                map.delete(key).unwrap();
                map.put(key, b"again").unwrap();
                if at == stop {
                    std::panic::resume_unwind(Box::new("in the loop"));
                }
            }
        });
    }
    assert_whole(&map);
}

#[test]
fn a_thread_that_panics_with_handles_leaves_the_map_usable() {
    let map = Map::new();
    for _ in 0..50 {
        let map = map.clone();
        let died = std::thread::spawn(move || {
            let snapshot = map.snapshot();
            let _range = snapshot.iter();
            map.put(b"k", b"v").unwrap();
            std::panic::resume_unwind(Box::new("the end of the thread"))
        });
        let died: std::thread::Result<()> = died.join();
        assert!(died.is_err());
    }
    assert_whole(&map);
}

#[test]
fn bytes_may_use_the_map_that_asks_for_them() {
    let map = Map::new();
    map.put(CallsBack(&map), CallsBack(&map)).unwrap();
    map.delete(CallsBack(&map)).unwrap();
    map.commit(WriteBatch::new().put(CallsBack(&map), b"v")).unwrap();
    let snapshot = map.snapshot();
    assert_eq!(snapshot.get(CallsBack(&map)).unwrap(), b"v");
    assert_eq!(snapshot.get_many(&[CallsBack(&map), CallsBack(&map)]).len(), 2);
    assert_eq!(snapshot.range(CallsBack(&map)..).count(), 1);
    assert_eq!(snapshot.range(..=CallsBack(&map)).count(), 2);
    assert_eq!(snapshot.prefix(CallsBack(&map)).count(), 1);
    drop(snapshot);
    assert_whole(&map);
}
