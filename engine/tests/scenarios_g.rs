//! Faults that were found in the cache layer of a running chain, as tests: each names what went wrong there.

mod stack;

use engine::{Error, Store};
use stack::entries;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

type Result = std::result::Result<(), Error>;

/// Runs `body` on a thread of its own; fails if it does not end.
fn must_end(body: impl FnOnce() -> Result + Send + 'static) -> Result {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(body()));
    ended.recv_timeout(Duration::from_secs(60)).expect("it hangs, or panicked")
}

/// There: an open iterator over more than 64 cached items, a set, and a second iterator hang forever, on one thread.
#[test]
fn g_nested_iterators_around_writes_over_many_keys_do_not_hang() -> Result {
    must_end(|| {
        let overlay = Store::in_memory().overlay();
        for key in 0..1_000u32 {
            overlay.put(key.to_be_bytes(), "v")?;
        }
        let mut open = Vec::new();
        for key in 1_000..1_020u32 {
            let mut iterator = overlay.iter();
            iterator.next().unwrap()?;
            open.push(iterator);
            overlay.put(key.to_be_bytes(), "v")?;
            overlay.delete((key - 1_000).to_be_bytes())?;
        }
        overlay.flush()?;
        for (writes, iterator) in open.into_iter().enumerate() {
            assert_eq!(
                iterator.count(),
                999,
                "what is left of the one opened after {writes} writes"
            );
        }
        Ok(())
    })
}

/// There: 55 of 100 sets that run beside a flush vanish.
#[test]
fn g_no_set_is_lost_beside_flushes() -> Result {
    const WRITERS: u32 = 4;
    const SETS: u32 = 25_000;
    let store = Store::in_memory();
    let root = store.overlay();
    let nested = root.overlay();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flushers = [&root, &nested, &nested].map(|layer| {
            scope.spawn(|| {
                let mut flushes = 0;
                while flushes == 0 || !done.load(Ordering::Relaxed) {
                    layer.flush()?;
                    flushes += 1;
                }
                Ok::<u64, Error>(flushes)
            })
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let nested = &nested;
                scope.spawn(move || {
                    for number in 0..SETS {
                        let key = [writer.to_be_bytes(), number.to_be_bytes()].concat();
                        nested.put(key, number.to_le_bytes())?;
                    }
                    Ok::<(), Error>(())
                })
            })
            .collect();
        let written = writers.into_iter().try_for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        for flusher in flushers {
            assert!(flusher.join().unwrap()? > 0);
        }
        written
    })?;
    nested.flush()?;
    root.flush()?;
    let snapshot = store.snapshot();
    let mut rows = snapshot.iter();
    for writer in 0..WRITERS {
        for number in 0..SETS {
            let (key, value) = rows.next().expect("a set is lost")?;
            assert_eq!(key, [writer.to_be_bytes(), number.to_be_bytes()].concat());
            assert_eq!(value, number.to_le_bytes());
        }
    }
    assert!(rows.next().is_none());
    Ok(())
}

/// There: delete, open an iterator, set again: the iterator yields the key with an empty value, which nobody wrote. And a
/// key deleted after the iterator was opened is missing from it.
#[test]
fn g_an_iterator_yields_what_was_written_when_it_was_opened() -> Result {
    let overlay = Store::in_memory().overlay();
    for key in ["a", "b", "c"] {
        overlay.put(key, "old")?;
    }
    overlay.delete("b")?;
    let (owned, view) = (overlay.iter(), overlay.view());
    overlay.put("b", "again")?;
    overlay.delete("a")?;
    overlay.put("c", "new")?;
    let expected = [(b"a".to_vec(), b"old".to_vec()), (b"c".to_vec(), b"old".to_vec())];
    assert_eq!(entries(owned)?, expected);
    assert_eq!(entries(view.iter())?, expected);
    assert_eq!(overlay.iter().count(), 2);
    Ok(())
}

/// There: opening an iterator copies its whole range first: 17.5 ms to read one of 100,000 keys. Here the time to the first
/// entry must not grow with the keys: a hundred times as many keys may cost ten times as much on a busy machine.
#[test]
fn g_opening_an_iterator_does_not_take_time_for_the_keys_in_its_range() -> Result {
    let time_to_first = |keys: u32| {
        let overlay = Store::in_memory().overlay();
        for key in 0..keys {
            overlay.put(key.to_be_bytes(), "v")?;
        }
        let open = || {
            let start = Instant::now();
            for _ in 0..20 {
                assert!(overlay.iter().next().is_some() && overlay.iter().next_back().is_some());
            }
            start.elapsed()
        };
        Ok::<_, Error>((0..50).map(|_| open()).min().unwrap_or_default())
    };
    let (few, many) = (time_to_first(1_000)?, time_to_first(100_000)?);
    println!("20 times the first entry of each end: {few:?} of 1,000 keys, {many:?} of 100,000");
    assert!(many < few * 10, "{many:?} instead of {few:?}");
    Ok(())
}

/// There: an iterator that is never closed blocks every writer for good.
#[test]
fn g_a_forgotten_iterator_blocks_nobody() -> Result {
    must_end(|| {
        let store = Store::in_memory();
        let overlay = store.overlay();
        for key in 0..1_000u32 {
            overlay.put(key.to_be_bytes(), "v")?;
        }
        let mut iterator = overlay.iter();
        iterator.next().unwrap()?;
        std::mem::forget(iterator);
        overlay.put("k", "v")?;
        overlay.delete_range(..)?;
        overlay.flush()?;
        assert_eq!(store.snapshot().iter().count(), 0);
        Ok(())
    })
}

/// There: deleting everything leaves every cached key, because a missing end counts as less than all keys.
#[test]
fn g_deleting_without_bounds_deletes_everything() -> Result {
    let overlay = Store::in_memory().overlay();
    for key in 0..6u8 {
        overlay.put([key], "flushed")?;
    }
    overlay.flush()?;
    for key in 3..9u8 {
        overlay.put([key], "cached")?;
    }
    overlay.delete_range(..)?;
    assert_eq!(overlay.iter().count(), 0);
    Ok(())
}

/// There: absent and present with an empty value are taken for the same.
#[test]
fn g_an_empty_value_is_told_from_none_at_every_level() -> Result {
    let store = Store::in_memory();
    let root = store.overlay();
    let nested = root.overlay();
    nested.put("k", "")?;
    for _ in 0..2 {
        assert_eq!(nested.get("k")?.as_deref(), Some(&b""[..]));
        assert_eq!(nested.iter().count(), 1);
        nested.flush()?;
    }
    root.flush()?;
    assert_eq!(store.snapshot().get("k")?.unwrap(), "");
    Ok(())
}

/// There: the layer keeps the caller's key buffer, and a caller that reuses it changes the layer.
#[test]
fn g_a_callers_buffer_can_be_reused() -> Result {
    let overlay = Store::in_memory().overlay();
    let (mut key, mut value) = (*b"k1", *b"v1");
    overlay.put(&key[..], &value[..])?;
    key[1] = b'2';
    value[1] = b'2';
    overlay.put(&key[..], &value[..])?;
    let expected = [(b"k1".to_vec(), b"v1".to_vec()), (b"k2".to_vec(), b"v2".to_vec())];
    assert_eq!(entries(overlay.iter())?, expected);
    Ok(())
}

/// There: a transaction that read a key as absent is taken to be valid after somebody has put an empty value there.
#[test]
fn g_who_read_a_key_as_absent_is_refused_when_it_has_an_empty_value() -> Result {
    let store = Store::in_memory();
    let mut transaction = store.transaction();
    assert!(transaction.get("k")?.is_none());
    transaction.put("copy", "absent")?;
    store.put("k", "")?;
    assert!(transaction.commit().unwrap_err().is_conflict());
    assert!(!store.snapshot().contains("copy")?);
    Ok(())
}

/// There: a transaction that opens an iterator over something and closes it without looking is never valid, and is run again for
/// ever.
#[test]
fn g_an_iterator_that_is_opened_and_not_read_depends_on_nothing() -> Result {
    must_end(|| {
        let store = Store::in_memory();
        store.put("k", "v")?;
        let mut transaction = store.transaction();
        drop(transaction.range(..));
        drop(transaction.range("a"..).rev());
        transaction.put("own", "")?;
        store.put("k", "changed")?;
        store.put("l", "new")?;
        transaction.commit()?;
        let overlay = store.overlay();
        drop((overlay.iter(), overlay.view().iter()));
        overlay.put("m", "")?;
        overlay.flush()?;
        assert_eq!(store.snapshot().iter().count(), 4);
        Ok(())
    })
}
