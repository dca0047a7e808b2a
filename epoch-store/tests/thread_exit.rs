//! Handles and snapshots in thread-local storage: dropped, and used, while their thread ends.

use epoch_store::{Map, Snapshot};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// Reads once more when its thread ends, and counts that it could.
struct LastReader {
    snapshot: Snapshot,
    read: Arc<AtomicUsize>,
}

impl Drop for LastReader {
    fn drop(&mut self) {
        assert_eq!(self.snapshot.get(b"k").unwrap(), b"1");
        assert_eq!(self.snapshot.clone().iter().count(), 1);
        self.read.fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes once more when its thread ends.
struct LastWriter {
    map: Map,
}

impl Drop for LastWriter {
    fn drop(&mut self) {
        let before = self.map.snapshot();
        let version = self.map.put(b"last words", b"!").unwrap();
        assert!(version > before.version());
        assert!(self.map.snapshot().contains(b"last words"));
    }
}

thread_local! {
    static READER: RefCell<Option<LastReader>> = const { RefCell::new(None) };
    static WRITER: RefCell<Option<LastWriter>> = const { RefCell::new(None) };
}

/// A thread that does `first`, says so, and ends when told to.
fn thread_that_waits(
    first: impl FnOnce() + Send + 'static,
) -> (JoinHandle<()>, Receiver<()>, Sender<()>) {
    let (ready, when_ready) = channel();
    let (end, when_to_end) = channel::<()>();
    let handle = thread::spawn(move || {
        first();
        ready.send(()).unwrap();
        when_to_end.recv().unwrap();
    });
    (handle, when_ready, end)
}

fn map_with_one_key() -> Map {
    let map = Map::new();
    map.put(b"k", b"1").unwrap();
    map
}

#[test]
fn a_snapshot_in_thread_local_storage_reads_until_the_end() {
    let (map, read) = (map_with_one_key(), Arc::new(AtomicUsize::new(0)));
    let reader = LastReader { snapshot: map.snapshot(), read: read.clone() };
    let keep = || READER.with(|slot| *slot.borrow_mut() = Some(reader));
    let (handle, ready, end) = thread_that_waits(keep);
    ready.recv().unwrap();
    map.put(b"k", b"2").unwrap();
    map.put(b"l", b"2").unwrap();
    end.send(()).unwrap();
    handle.join().unwrap();
    assert_eq!(read.load(Ordering::Relaxed), 1);
    assert_eq!(map.stats().open_snapshots, 0);
    map.maintain();
    assert_eq!(map.stats().versions, 2);
}

#[test]
fn a_snapshot_in_thread_local_storage_may_be_the_last_of_its_map() {
    let (map, read) = (map_with_one_key(), Arc::new(AtomicUsize::new(0)));
    let reader = LastReader { snapshot: map.snapshot(), read: read.clone() };
    let keep = || READER.with(|slot| *slot.borrow_mut() = Some(reader));
    let (handle, ready, end) = thread_that_waits(keep);
    ready.recv().unwrap();
    map.put(b"k", b"2").unwrap();
    drop(map);
    end.send(()).unwrap();
    handle.join().unwrap();
    assert_eq!(read.load(Ordering::Relaxed), 1);
}

#[test]
fn a_handle_in_thread_local_storage_writes_until_the_end() {
    let map = map_with_one_key();
    // One thread has used the map before its storage was set up, the other one not at all.
    for used_before in [true, false] {
        let writer = LastWriter { map: map.clone() };
        thread::spawn(move || {
            if used_before {
                writer.map.delete(b"last words").unwrap();
            }
            WRITER.with(|slot| *slot.borrow_mut() = Some(writer));
        })
        .join()
        .unwrap();
        assert_eq!(map.snapshot().get(b"last words").unwrap(), b"!");
    }
    assert_eq!(map.stats().open_snapshots, 0);
}

#[test]
fn the_last_handle_may_go_with_its_thread() {
    let map = map_with_one_key();
    let snapshot = map.snapshot();
    let writer = LastWriter { map };
    thread::spawn(move || WRITER.with(|slot| *slot.borrow_mut() = Some(writer))).join().unwrap();
    assert_eq!(snapshot.iter().count(), 1, "the snapshot is older than the last words");
}

#[test]
fn threads_without_number_may_come_and_go() {
    let map = map_with_one_key();
    let read = Arc::new(AtomicUsize::new(0));
    for _ in 0..300 {
        let reader = LastReader { snapshot: map.snapshot(), read: read.clone() };
        let writer = LastWriter { map: map.clone() };
        thread::spawn(move || {
            READER.with(|slot| *slot.borrow_mut() = Some(reader));
            WRITER.with(|slot| *slot.borrow_mut() = Some(writer));
        })
        .join()
        .unwrap();
        map.delete(b"last words").unwrap();
    }
    assert_eq!(read.load(Ordering::Relaxed), 300);
    map.maintain();
    assert_eq!((map.stats().versions, map.stats().open_snapshots), (1, 0));
}
