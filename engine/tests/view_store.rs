//! Modules that are written against `KvStore` run on views of blocks.

use engine::{Abort, Block, Error, KvStore, Prefixed, Store, Verdict, ViewStore};
use std::collections::BTreeMap;

fn base() -> Store {
    let store = Store::in_memory();
    for key in ["a", "b", "c", "d"] {
        store.put(key, "base").unwrap();
    }
    store
}

fn keys(entries: engine::KvEntries<'_>) -> Vec<String> {
    entries.map(|entry| String::from_utf8(entry.unwrap().0).unwrap()).collect()
}

#[test]
fn the_contract_is_kept() {
    let block = base().block(1).unwrap();
    let mut view = block.view(0, 1);
    let kv: &dyn KvStore = &ViewStore::new(&mut view);
    kv.set(b"e", b"").unwrap();
    kv.delete(b"b").unwrap();
    kv.delete(b"absent").unwrap();
    assert_eq!(kv.get(b"e").unwrap(), Some(vec![]));
    assert_eq!(kv.get(b"b").unwrap(), None);
    assert!(kv.has(b"e").unwrap() && !kv.has(b"b").unwrap());
    assert_eq!(keys(kv.iterator(None, None).unwrap()), ["a", "c", "d", "e"]);
    assert_eq!(keys(kv.reverse_iterator(Some(b"a"), Some(b"d")).unwrap()), ["c", "a"]);
    assert!(keys(kv.iterator(Some(b"d"), Some(b"a")).unwrap()).is_empty());
    for refused in [kv.get(b"").err(), kv.set(b"", b"").err(), kv.delete(b"").err()] {
        assert!(matches!(refused, Some(Error::Map(epoch_store::Error::EmptyKey))));
    }
    assert!(kv.iterator(Some(b""), None).is_err() && kv.reverse_iterator(None, Some(b"")).is_err());
}

#[test]
fn iterators_stay_open_while_the_module_writes_and_opens_others() {
    let block = base().block(1).unwrap();
    let mut view = block.view(0, 1);
    let kv = ViewStore::new(&mut view);
    let (mut forward, mut backward) =
        (kv.iterator(None, None).unwrap(), kv.reverse_iterator(None, None).unwrap());
    let mut met = vec![];
    while let (Some(first), Some(last)) = (forward.next(), backward.next()) {
        let (first, last) = (first.unwrap().0, last.unwrap().0);
        kv.delete(&first).unwrap(); // seen by neither
        kv.set(&[&first[..], b"/new"].concat(), b"").unwrap();
        assert_eq!(keys(kv.iterator(Some(&first), None).unwrap()).len(), 4 - met.len());
        met.push((first[0], last[0]));
    }
    drop((forward, backward));
    assert_eq!(met, [(b'a', b'd'), (b'b', b'c'), (b'c', b'b'), (b'd', b'a')]);
    assert_eq!(keys(kv.iterator(None, None).unwrap()), ["a/new", "b/new", "c/new", "d/new"]);
}

#[test]
fn what_a_module_reads_is_validated() {
    let block = base().block(2).unwrap();
    let mut view = block.view(1, 1);
    {
        let kv = ViewStore::new(&mut view);
        let mut entries = kv.iterator(Some(b"b"), None).unwrap();
        assert_eq!(entries.next().unwrap().unwrap().0, b"b");
        std::mem::forget(entries);
    }
    block.publish(view).unwrap();
    let stale = |key: &str, run| {
        let mut view = block.view(0, run);
        view.put(key, "new").unwrap();
        block.publish(view).unwrap();
        block.validate(1) != Verdict::Valid
    };
    assert!(!stale("a", 1) && !stale("c", 2) && stale("b", 3));
}

#[test]
fn a_doom_passes_through_and_cannot_be_swallowed() {
    let block = base().block(2).unwrap();
    let mut first = block.view(0, 1);
    first.put("c", "new").unwrap();
    block.publish(first).unwrap();
    block.mark_estimate(0);
    let mut view = block.view(1, 1);
    {
        let inner = ViewStore::new(&mut view);
        let kv = Prefixed::new(&inner, "c");
        // A module that takes every error for "not there".
        let _ = kv.get(b"x").unwrap_or(None);
        let met: Vec<_> = inner.iterator(None, None).unwrap().map_while(Result::ok).collect();
        assert_eq!(met.len(), 2);
        let refused = inner.set(b"other", b"").unwrap_err();
        let Error::Abort(abort) = refused else { panic!("{refused}") };
        assert_eq!(*abort, Abort::Blocked { on: 0 });
    }
    assert_eq!(view.ended(), Some(&Abort::Blocked { on: 0 }));
    assert_eq!(block.publish(view).unwrap_err(), Abort::Blocked { on: 0 });
}

/// What a walk over a store meets, and what it leaves.
fn churn(kv: &dyn KvStore, seed: u64) -> Result<Vec<Vec<u8>>, Error> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut met = vec![];
    for _ in 0..200 {
        let key = [b'a' + random.u8(..20)];
        match random.u8(..6) {
            0 | 1 => kv.set(&key, &[random.u8(..)])?,
            2 => kv.delete(&key)?,
            3 => met.extend(kv.get(&key)?),
            4 => {
                for entry in kv.iterator(Some(&key), None)?.take(random.usize(..6)) {
                    let (key, value) = entry?;
                    met.push([key, value].concat());
                }
            }
            _ => {
                for entry in kv.reverse_iterator(None, Some(&key))?.take(random.usize(..6)) {
                    let (key, value) = entry?;
                    kv.delete(&key)?;
                    met.push([key, value].concat());
                }
            }
        }
    }
    Ok(met)
}

#[test]
fn a_module_does_on_a_view_what_it_does_on_an_overlay() {
    for seed in 0..50 {
        let (store, other) = (base(), base());
        let overlay = other.overlay();
        let block = Block::builder(&store).open(1).unwrap();
        let mut view = block.view(0, 1);
        let met = churn(&ViewStore::new(&mut view), seed).unwrap();
        assert_eq!(met, churn(&overlay, seed).unwrap(), "seed {seed}");
        block.publish(view).unwrap();
        block.seal().unwrap();
        overlay.flush().unwrap();
        let rows = |store: &Store| -> BTreeMap<Vec<u8>, Vec<u8>> {
            let snapshot = store.snapshot();
            snapshot.iter().map(Result::unwrap).map(|(k, v)| (k.into(), v.into())).collect()
        };
        assert_eq!(rows(&store), rows(&other), "seed {seed}");
    }
}
