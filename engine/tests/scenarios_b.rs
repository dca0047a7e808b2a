//! The behaviour that chain applications expect of an ordered key-value store: scenarios 12 to 14 of the reference suite,
//! on everything that keeps the contract, through its trait.

mod stack;

use engine::{Error, KvStore, Observed, Observer, ObserverError, OverlayBatch, Prefixed, Store};
use stack::entries;
use std::cell::{Cell, RefCell};

type Result = std::result::Result<(), Error>;

fn bytes(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// The numbers that an iterator yields; `None`: an unbounded end.
fn numbers(kv: &dyn KvStore, start: Option<u64>, end: Option<u64>) -> Vec<u64> {
    let (start, end) = (start.map(bytes), end.map(bytes));
    let found = kv.iterator(start.as_ref().map(|k| &k[..]), end.as_ref().map(|k| &k[..]));
    decode(entries(found.unwrap()).unwrap())
}

/// The same in reverse.
fn reverse_numbers(kv: &dyn KvStore, start: Option<u64>, end: Option<u64>) -> Vec<u64> {
    let (start, end) = (start.map(bytes), end.map(bytes));
    let found = kv.reverse_iterator(start.as_ref().map(|k| &k[..]), end.as_ref().map(|k| &k[..]));
    decode(entries(found.unwrap()).unwrap())
}

fn decode(rows: Vec<stack::Row>) -> Vec<u64> {
    rows.iter().map(|(key, _)| u64::from_be_bytes(key[..].try_into().unwrap())).collect()
}

/// Runs a check on a store of each kind that holds `keys`.
fn with_stores(keys: &[u64], check: impl Fn(&dyn KvStore)) -> Result {
    let store = Store::in_memory();
    for &key in keys {
        store.put(bytes(key), "")?;
    }
    check(&store.snapshot());
    check(&store.overlay());
    check(&store.overlay().view());

    let layered = Store::in_memory().overlay();
    let (left, right) = keys.split_at(keys.len() / 2);
    left.iter().try_for_each(|&key| layered.put(bytes(key), ""))?;
    layered.flush()?;
    let layered = layered.overlay();
    right.iter().try_for_each(|&key| layered.put(bytes(key), ""))?;
    check(&layered.overlay());

    for prefix in [&b"part/"[..], &[0xff, 0xff], &[]] {
        let whole = Store::in_memory().overlay();
        if !prefix.is_empty() {
            whole.put(prefix, "the prefix itself")?;
            whole.put([0], "before")?;
            whole.put([&prefix[..prefix.len() - 1], &[0]].concat(), "before")?;
            whole.put("part0", "behind or before")?;
        }
        let part = Prefixed::new(whole, prefix);
        keys.iter().try_for_each(|&key| part.set(&bytes(key), b""))?;
        check(&part);
    }
    struct Nobody;
    impl Observer for Nobody {}
    let boxed: Box<dyn KvStore> = Box::new(store.snapshot());
    check(&Observed::new(boxed, Nobody));
    Ok(())
}

#[test]
fn b12_iterators_of_an_ordered_store() -> Result {
    let keys: Vec<u64> = (0..10).filter(|&key| key != 6).collect();
    with_stores(&keys, |kv| {
        let reversed: Vec<u64> = keys.iter().rev().copied().collect();
        assert_eq!(numbers(kv, None, None), keys);
        assert_eq!(reverse_numbers(kv, None, None), reversed);
        assert_eq!(numbers(kv, Some(5), Some(6)), [5]);
        assert_eq!(numbers(kv, Some(5), Some(7)), [5]);
        assert_eq!(numbers(kv, Some(5), Some(8)), [5, 7]);
        assert_eq!(numbers(kv, Some(6), Some(7)), []);
        assert_eq!(numbers(kv, Some(6), Some(8)), [7]);
        assert_eq!(numbers(kv, Some(10), None), []);
        assert_eq!(numbers(kv, Some(4), Some(2)), []);
        assert_eq!(numbers(kv, Some(4), Some(4)), []);
        assert_eq!(reverse_numbers(kv, Some(4), Some(7)), [5, 4]);
        assert_eq!(reverse_numbers(kv, Some(6), Some(7)), []);
        assert_eq!(reverse_numbers(kv, Some(6), None), [9, 8, 7]);
        assert_eq!(reverse_numbers(kv, None, Some(9)), [8, 7, 5, 4, 3, 2, 1, 0]);
        assert_eq!(reverse_numbers(kv, Some(4), Some(2)), []);
    })
}

#[test]
fn b12_empty_bounds_and_keys_are_refused_and_an_empty_store_is_fine() -> Result {
    with_stores(&[], |kv| {
        let refused = |result: std::result::Result<_, Error>| {
            let is_empty_key = matches!(result, Err(Error::Map(epoch_store::Error::EmptyKey)));
            assert!(is_empty_key);
        };
        refused(kv.iterator(Some(b""), None).map(drop));
        refused(kv.iterator(None, Some(b"")).map(drop));
        refused(kv.reverse_iterator(Some(b""), None).map(drop));
        refused(kv.reverse_iterator(Some(b"a"), Some(b"")).map(drop));
        refused(kv.get(b"").map(drop));
        refused(kv.has(b"").map(drop));
        assert_eq!(numbers(kv, None, None), []);
        assert_eq!(reverse_numbers(kv, Some(1), Some(2)), []);
        assert_eq!(kv.get(b"absent").unwrap(), None);
    })
}

#[test]
fn b12_values_are_set_replaced_and_deleted() -> Result {
    let overlay = Store::in_memory().overlay();
    let part = Prefixed::new(&overlay, "part/");
    for kv in [&overlay as &dyn KvStore, &part] {
        kv.set(b"k", b"1")?;
        kv.set(b"k", b"")?;
        assert_eq!(kv.get(b"k")?.unwrap(), b"");
        assert!(kv.has(b"k")?);
        kv.delete(b"k")?;
        kv.delete(b"k")?;
        assert!(!kv.has(b"k")?);
        let refused = kv.set(b"", b"v").unwrap_err();
        assert!(matches!(refused, Error::Map(epoch_store::Error::EmptyKey)));
        assert!(kv.delete(b"").is_err());
    }
    Ok(())
}

#[test]
fn b12_what_is_only_read_refuses_writes() -> Result {
    let store = Store::in_memory();
    let (snapshot, view) = (store.snapshot(), store.overlay().view());
    for kv in [&snapshot as &dyn KvStore, &view] {
        assert!(matches!(kv.set(b"k", b"v"), Err(Error::ReadOnly)));
        assert!(matches!(kv.delete(b"k"), Err(Error::ReadOnly)));
    }
    Ok(())
}

#[test]
fn b13_a_batch_is_invisible_until_it_is_committed_and_keeps_its_order() -> Result {
    let overlay = Store::in_memory().overlay();
    let mut batch = OverlayBatch::new();
    batch.delete("a").put("a", "1").put("b", "1").put("b", "2").put("c", "3").delete("c");
    assert_eq!(overlay.iter().count(), 0);
    overlay.commit(&batch)?;
    let expected = [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"2".to_vec())];
    assert_eq!(entries(overlay.iter())?, expected);
    // There, using a batch again is an error. Here it can be committed again, and says the same.
    overlay.put("b", "between")?;
    overlay.commit(&batch)?;
    drop(batch);
    assert_eq!(entries(overlay.iter())?, expected);
    Ok(())
}

#[test]
fn b14_an_iterator_that_has_ended_goes_on_saying_so() -> Result {
    with_stores(&[1, 2], |kv| {
        for entries in [kv.iterator(None, None), kv.reverse_iterator(None, None)] {
            let mut entries = entries.unwrap();
            assert!(entries.by_ref().take(2).all(|entry| entry.is_ok()));
            for _ in 0..3 {
                assert!(entries.next().is_none());
            }
        }
    })
}

#[test]
fn b14_a_prefix_inside_a_prefix_is_a_store_of_its_own() -> Result {
    let overlay = Store::in_memory().overlay();
    let outer = Prefixed::new(&overlay, [0xff]);
    let inner = Prefixed::new(&outer, [0xff, 0xff]);
    inner.set(b"k", b"inner")?;
    outer.set(b"k", b"outer")?;
    assert_eq!(overlay.get([0xff, 0xff, 0xff, b'k'])?.unwrap(), b"inner");
    assert_eq!(entries(inner.reverse_iterator(None, None)?)?, [(b"k".to_vec(), b"inner".to_vec())]);
    assert_eq!(entries(outer.iterator(None, None)?)?.len(), 2);
    Ok(())
}

/// Remembers what it is told, and refuses when its steps are used up.
#[derive(Default)]
struct Recorder {
    seen: RefCell<Vec<String>>,
    left: Cell<u32>,
}

impl Recorder {
    fn note(&self, what: &str, key: &[u8]) -> std::result::Result<(), ObserverError> {
        let left = self.left.get().checked_sub(1).ok_or("out of gas")?;
        self.left.set(left);
        self.seen.borrow_mut().push(format!("{what} {}", key.escape_ascii()));
        Ok(())
    }
}

impl Observer for Recorder {
    fn read(&self, key: &[u8], value: Option<&[u8]>) -> std::result::Result<(), ObserverError> {
        self.note(if value.is_some() { "hit" } else { "miss" }, key)
    }

    fn write(&self, key: &[u8], value: Option<&[u8]>) -> std::result::Result<(), ObserverError> {
        self.note(if value.is_some() { "set" } else { "delete" }, key)
    }

    fn open(
        &self,
        start: Option<&[u8]>,
        _end: Option<&[u8]>,
    ) -> std::result::Result<(), ObserverError> {
        self.note("open", start.unwrap_or_default())
    }

    fn step(&self, key: &[u8], _value: &[u8]) -> std::result::Result<(), ObserverError> {
        self.note("step", key)
    }
}

#[test]
fn an_observer_is_told_of_every_access_in_order() -> Result {
    let overlay = Store::in_memory().overlay();
    let recorder = Recorder { left: Cell::new(100), ..Recorder::default() };
    let kv = Observed::new(&overlay, &recorder);
    kv.set(b"k", b"v")?;
    kv.get(b"k")?;
    kv.has(b"absent")?;
    kv.iterator(Some(b"a"), None)?.for_each(drop);
    kv.delete(b"k")?;
    let expected = ["set k", "hit k", "miss absent", "open a", "step k", "delete k"];
    assert_eq!(*recorder.seen.borrow(), expected);
    Ok(())
}

#[test]
fn what_an_observer_refuses_is_not_done_and_ends_the_iterator() -> Result {
    let overlay = Store::in_memory().overlay();
    for key in ["a", "b", "c"] {
        overlay.put(key, "")?;
    }
    let kv = Observed::new(&overlay, Recorder { left: Cell::new(3), ..Recorder::default() });
    let mut steps = kv.reverse_iterator(None, None)?;
    assert_eq!(steps.next().unwrap()?.0, b"c");
    assert_eq!(steps.next().unwrap()?.0, b"b");
    let refused = steps.next().unwrap().unwrap_err();
    assert!(matches!(&refused, Error::Observer(why) if why.to_string() == "out of gas"));
    assert!(steps.next().is_none());
    drop(steps);
    assert!(kv.set(b"d", b"").is_err());
    assert!(kv.delete(b"a").is_err());
    assert!(kv.iterator(None, None).is_err());
    assert_eq!(overlay.iter().count(), 3);
    Ok(())
}
