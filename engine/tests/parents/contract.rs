//! What the trait promises, for every parent.

use super::bed::{Bed, all, batch, rows};
use engine::{Parent, ParentBatch, ParentErrorKind, ParentSnapshot, Version};
use std::ops::Bound::Unbounded;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub fn an_empty_one_has_version_zero<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    let snapshot = parent.snapshot().unwrap();
    assert_eq!(snapshot.version(), Version::ZERO);
    assert_eq!(snapshot.get(b"").unwrap(), None);
    assert_eq!(all(&*snapshot), []);
    assert_eq!(parent.durable_version().unwrap(), Version::ZERO);
}

pub fn a_batch_changes_entries_and_version<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    parent.commit(&batch(1, &[(b"a", Some(b"1")), (b"b", Some(b"2")), (b"c", Some(b""))])).unwrap();
    parent.commit(&batch(7, &[(b"a", None), (b"b", Some(b"3")), (b"none", None)])).unwrap();
    let snapshot = parent.snapshot().unwrap();
    assert_eq!(snapshot.version(), Version::from(7));
    assert_eq!(snapshot.get(b"a").unwrap(), None);
    assert_eq!(snapshot.get(b"b").unwrap().unwrap(), b"3");
    assert_eq!(snapshot.get(b"c").unwrap().unwrap(), b"", "an empty value is a value");
    assert_eq!(all(&*snapshot), [(b"b".to_vec(), b"3".to_vec()), (b"c".to_vec(), vec![])]);
}

pub fn a_batch_without_writes_changes_the_version<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    parent.commit(&batch(1, &[(b"a", Some(b"1"))])).unwrap();
    parent.commit(&ParentBatch::new(Version::from(2))).unwrap();
    assert_eq!(parent.durable_version().unwrap(), Version::from(2));
    assert_eq!(parent.snapshot().unwrap().get(b"a").unwrap().unwrap(), b"1");
    parent.commit(&ParentBatch::new(Version::from(u64::MAX))).unwrap();
    assert_eq!(parent.durable_version().unwrap(), Version::from(u64::MAX));
}

pub fn of_two_writes_to_a_key_the_later_counts<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    let writes: [(&[u8], Option<&[u8]>); 6] = [
        (b"put, deleted", Some(b"1")),
        (b"twice", Some(b"1")),
        (b"deleted, put", None),
        (b"put, deleted", None),
        (b"twice", Some(b"2")),
        (b"deleted, put", Some(b"1")),
    ];
    parent.commit(&batch(1, &writes)).unwrap();
    let snapshot = parent.snapshot().unwrap();
    assert_eq!(snapshot.get(b"put, deleted").unwrap(), None);
    assert_eq!(snapshot.get(b"twice").unwrap().unwrap(), b"2");
    assert_eq!(snapshot.get(b"deleted, put").unwrap().unwrap(), b"1");
    assert_eq!(all(&*snapshot).len(), 2);
}

pub fn a_batch_can_be_made_again<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    parent.commit(&batch(1, &[(b"a", Some(b"1")), (b"b", Some(b"1"))])).unwrap();
    let again = batch(2, &[(b"a", None), (b"c", Some(b"2"))]);
    parent.commit(&again).unwrap();
    let before = all(&*parent.snapshot().unwrap());
    parent.commit(&again).unwrap();
    drop(parent);
    let parent = bed.open();
    parent.commit(&again).unwrap();
    let snapshot = parent.snapshot().unwrap();
    assert_eq!(snapshot.version(), Version::from(2));
    assert_eq!(all(&*snapshot), before);
}

pub fn what_was_committed_is_there_when_it_is_opened_again<B: Bed>() {
    let bed = B::new();
    assert_eq!(bed.open().durable_version().unwrap(), Version::ZERO);
    for version in 1..=5_u64 {
        let parent = bed.open();
        assert_eq!(parent.durable_version().unwrap(), Version::from(version - 1));
        let key = version.to_be_bytes();
        parent.commit(&batch(version, &[(&key, Some(b"new")), (b"last", Some(&key))])).unwrap();
        if version % 2 == 0 {
            parent.close().unwrap();
        }
    }
    let snapshot = bed.open().snapshot().unwrap();
    assert_eq!(snapshot.version(), Version::from(5));
    assert_eq!(snapshot.get(b"last").unwrap().unwrap(), 5_u64.to_be_bytes());
    assert_eq!(all(&*snapshot).len(), 6);
}

pub fn a_batch_of_many_writes_is_one_step<B: Bed>() {
    const WRITES: u32 = 20_000;
    let bed = B::new();
    let parent = bed.open();
    for version in 1..=2 {
        let mut many = ParentBatch::new(Version::from(version));
        for n in 0..WRITES {
            many.put(&n.to_be_bytes(), &[version as u8; 100]);
        }
        parent.commit(&many).unwrap();
    }
    drop(parent);
    let parent = bed.open();
    let snapshot = parent.snapshot().unwrap();
    let rows = all(&*snapshot);
    assert_eq!(rows.len(), WRITES as usize);
    assert!(rows.iter().zip(0_u32..).all(|((key, _), n)| *key == n.to_be_bytes()));
    assert!(rows.iter().all(|(_, value)| *value == [2; 100]));

    let mut none = ParentBatch::new(Version::from(3));
    (0..WRITES).for_each(|n| none.delete(&n.to_be_bytes()));
    parent.commit(&none).unwrap();
    assert_eq!(all(&*parent.snapshot().unwrap()), []);
    assert_eq!(all(&*snapshot), rows);
}

pub fn keys_of_every_length_and_byte<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    let longest = vec![0xff; parent.max_key_len()];
    let keys: [&[u8]; 8] =
        [b"", b"\0", b"\0\0", b"\0\xff", b"\x01", b"\xff", b"\xff\xff", &longest];
    let value = vec![7; 1 << 20];
    let writes: Vec<_> = keys.iter().map(|&key| (key, Some(&value[..]))).collect();
    parent.commit(&batch(1, &writes)).unwrap();
    drop(parent);
    let parent = bed.open();
    let snapshot = parent.snapshot().unwrap();
    for key in keys {
        assert_eq!(snapshot.get(key).unwrap().as_ref(), Some(&value), "{} bytes", key.len());
    }
    let found: Vec<_> = all(&*snapshot).into_iter().map(|(key, _)| key).collect();
    assert_eq!(found, keys);
    let writes: Vec<_> = keys.iter().map(|&key| (key, None)).collect();
    parent.commit(&batch(2, &writes)).unwrap();
    assert_eq!(all(&*parent.snapshot().unwrap()), []);
}

pub fn a_key_that_is_too_long_is_refused_before_anything_is_written<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    assert!(parent.max_key_len() >= 60_000 && parent.max_value_len() >= 1 << 30);
    parent.commit(&batch(1, &[(b"a", Some(b"1"))])).unwrap();
    let too_long = vec![1; parent.max_key_len() + 1];
    for value in [Some(&b"2"[..]), None] {
        let refused = batch(2, &[(b"a", Some(b"2")), (&too_long, value)]);
        let error = parent.commit(&refused).unwrap_err();
        assert_eq!(error.kind(), ParentErrorKind::TooLong, "{error}");
    }
    let snapshot = parent.snapshot().unwrap();
    assert_eq!(snapshot.version(), Version::from(1));
    assert_eq!(snapshot.get(b"a").unwrap().unwrap(), b"1");
    assert_eq!(snapshot.get(&too_long).unwrap(), None);
    parent.commit(&batch(2, &[(b"a", Some(b"2"))])).unwrap();
}

pub fn a_snapshot_shows_one_version<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    let mut held: Vec<(u64, Box<dyn ParentSnapshot>)> = Vec::new();
    for version in 1..=60_u64 {
        let value = version.to_be_bytes();
        let gone = (version - 1).to_be_bytes();
        parent
            .commit(&batch(version, &[(b"same", Some(&value)), (&value, Some(b"")), (&gone, None)]))
            .unwrap();
        if version % 7 == 0 {
            held.push((version, parent.snapshot().unwrap()));
        }
    }
    for (version, snapshot) in &held {
        let bytes = version.to_be_bytes();
        assert_eq!(snapshot.version(), Version::from(*version));
        assert_eq!(snapshot.get(b"same").unwrap().unwrap(), bytes);
        assert_eq!(
            all(&**snapshot),
            [(bytes.to_vec(), vec![]), (b"same".to_vec(), bytes.to_vec())]
        );
    }
}

pub fn a_range_that_has_begun_goes_on_beside_commits<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    let mut first = ParentBatch::new(Version::from(1));
    (0..1_000_u32).for_each(|n| first.put(&n.to_be_bytes(), b"1"));
    parent.commit(&first).unwrap();
    let snapshot = parent.snapshot().unwrap();
    let mut range = snapshot.range(Unbounded, Unbounded);
    let mut seen = 0;
    for version in 2..12 {
        seen += range.by_ref().take(100).filter(|row| row.as_ref().unwrap().1 == b"1").count();
        let mut next = ParentBatch::new(Version::from(version));
        (0..1_000_u32).for_each(|n| next.put(&n.to_be_bytes(), b"2"));
        parent.commit(&next).unwrap();
    }
    assert_eq!(seen, 1_000);
    assert!(range.next().is_none() && range.next_back().is_none());
}

pub fn snapshots_are_read_by_many_threads<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    parent.commit(&batch(1, &[(b"a", Some(&[1; 8])), (b"b", Some(&[1; 8]))])).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for version in 2..=40_u8 {
                let value = [version; 8];
                let both = batch(version.into(), &[(b"a", Some(&value)), (b"b", Some(&value))]);
                parent.commit(&both).unwrap();
            }
            done.store(true, Relaxed);
        });
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = Version::ZERO;
                while !done.load(Relaxed) {
                    let snapshot = parent.snapshot().unwrap();
                    let value = vec![snapshot.version().get() as u8; 8];
                    assert_eq!(snapshot.get(b"a").unwrap().unwrap(), value);
                    let rows = rows(snapshot.range(Unbounded, Unbounded));
                    assert!(rows.len() == 2 && rows.iter().all(|row| row.1 == value));
                    assert!(snapshot.version() >= last);
                    last = snapshot.version();
                }
            });
        }
    });
}

pub fn what_is_closed_refuses_everything<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    parent.commit(&batch(1, &[(b"a", Some(b"1"))])).unwrap();
    parent.close().unwrap();
    parent.close().unwrap();
    assert_eq!(parent.snapshot().err().unwrap().kind(), ParentErrorKind::Closed);
    assert_eq!(parent.durable_version().unwrap_err().kind(), ParentErrorKind::Closed);
    let refused = batch(2, &[(b"a", Some(b"2"))]);
    assert_eq!(parent.commit(&refused).unwrap_err().kind(), ParentErrorKind::Closed);
    // While the closed handle is there.
    let again = bed.open();
    assert_eq!(again.durable_version().unwrap(), Version::from(1));
}

pub fn a_snapshot_outlives_its_parent<B: Bed>() {
    let bed = B::new();
    let parent = bed.open();
    let mut many = ParentBatch::new(Version::from(1));
    (0..5_000_u32).for_each(|n| many.put(&n.to_be_bytes(), &[3; 500]));
    parent.commit(&many).unwrap();
    drop(parent);
    let parent = bed.open();
    let (one, other) = (parent.snapshot().unwrap(), parent.snapshot().unwrap());
    parent.close().unwrap();
    drop(parent);
    drop(one);
    assert_eq!(other.get(&77_u32.to_be_bytes()).unwrap().unwrap(), [3; 500]);
    assert_eq!(all(&*other).len(), 5_000);
    drop(other);
    assert_eq!(bed.open().durable_version().unwrap(), Version::from(1));
}
