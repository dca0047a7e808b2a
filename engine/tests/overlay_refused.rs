//! Overlays over a store that refuses what is flushed to it, and requests that a layer refuses: nothing is lost, nothing is half
//! done, and everything else goes on.

mod stack;

use engine::{Error, MAX_KEY_LEN, Overlay, Store};
use stack::entries;
use std::ops::Bound;

type Result = std::result::Result<(), Error>;

fn rows(of: &[(&str, &str)]) -> Vec<stack::Row> {
    of.iter().map(|&(key, value)| (key.into(), value.into())).collect()
}

fn fill(overlay: &Overlay, keys: u32) -> Result {
    (0..keys).try_for_each(|key| overlay.put(key.to_be_bytes(), "v"))
}

#[test]
fn layers_over_a_closed_store_can_be_used_and_say_that_they_cannot_be_flushed() -> Result {
    let store = Store::in_memory();
    store.put("a", "store")?;
    let root = store.overlay();
    let nested = root.overlay();
    root.put("b", "root")?;
    store.close().unwrap();
    let iterator = nested.iter();
    for round in 0..3 {
        assert!(matches!(root.flush(), Err(Error::Closed)), "{round}");
        nested.put("c", "nested")?;
        nested.delete("a")?;
        nested.flush()?; // one level down, and the store is not asked
        assert_eq!(entries(root.iter())?, rows(&[("b", "root"), ("c", "nested")]));
        assert_eq!(entries(root.overlay().iter().rev())?.len(), 2);
    }
    assert_eq!(entries(iterator)?, rows(&[("a", "store"), ("b", "root")]));
    assert_eq!(entries(store.snapshot().iter())?, rows(&[("a", "store")]));
    // An empty layer has nothing that could be refused, and one may still be opened.
    assert_eq!(store.overlay().flush()?, store.version());
    let late = store.overlay();
    late.put("d", "late")?;
    assert!(matches!(late.flush(), Err(Error::Closed)));
    assert_eq!(late.iter().count(), 2);
    Ok(())
}

#[test]
fn a_layer_with_more_writes_than_the_store_takes_at_once_stays_as_it_is() -> Result {
    let store = Store::builder().max_batch_len(10).open()?;
    let root = store.overlay();
    fill(&root, 11)?;
    for _ in 0..3 {
        let refused = root.flush().unwrap_err();
        let Error::Map(epoch_store::Error::BatchTooLarge { len: 11, max: 10 }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(root.iter().count(), 11);
        assert_eq!(store.snapshot().iter().count(), 0);
        let frame = root.overlay();
        frame.put("frame", "")?;
        assert_eq!(frame.iter().count(), 12);
    }
    // Others flush to the same store, as many writes as it takes.
    let other = store.overlay();
    fill(&other, 10)?;
    other.flush()?;
    assert_eq!(store.snapshot().iter().count(), 10);
    Ok(())
}

#[test]
fn layers_are_moved_onto_one_another_whatever_the_store_takes_at_once() -> Result {
    let store = Store::builder().max_batch_len(10).open()?;
    let root = store.overlay();
    let nested = root.overlay();
    fill(&nested, 1_000)?;
    nested.delete_range(..)?;
    fill(&nested, 500)?;
    nested.flush()?;
    assert_eq!(root.iter().count(), 500);
    assert_eq!(nested.iter().count(), 500);
    Ok(())
}

#[test]
fn bounds_that_no_key_can_reach_are_bounds_like_others() -> Result {
    let store = Store::in_memory();
    store.put("a", "store")?;
    let overlay = store.overlay();
    overlay.put("b", "")?;
    overlay.put([0xff; 100], "")?;
    let (longest, too_long) = (vec![b'b'; MAX_KEY_LEN], vec![b'b'; 2 * MAX_KEY_LEN]);
    for bound in [&longest, &too_long] {
        for (range, count) in [
            ((Bound::Included(bound), Bound::Unbounded), 1),
            ((Bound::Excluded(bound), Bound::Unbounded), 1),
            ((Bound::Unbounded, Bound::Excluded(bound)), 2),
            ((Bound::Unbounded, Bound::Included(bound)), 2),
        ] {
            assert_eq!(overlay.range(range).count(), count);
            assert_eq!(overlay.range(range).rev().count(), count);
            let scratch = overlay.overlay();
            scratch.delete_range(range)?;
            assert_eq!(scratch.iter().count(), 3 - count);
        }
        assert!(!overlay.contains(bound)?);
        assert_eq!(overlay.prefix(bound).count(), 0);
    }
    let empty = Vec::<u8>::new();
    assert_eq!(overlay.range(&empty..).count(), 3);
    assert_eq!(overlay.range(..&empty).count(), 0);
    assert_eq!(overlay.range(..=&empty).rev().count(), 0);
    assert_eq!(overlay.range((Bound::Excluded(&empty), Bound::Unbounded)).rev().count(), 3);
    overlay.delete_range(..=&empty)?;
    assert_eq!(overlay.iter().count(), 3);
    Ok(())
}

/// Keys that look like a layer's number, or like a marker, are keys like others.
#[test]
fn no_key_reaches_into_another_layer() -> Result {
    let store = Store::in_memory();
    let root = store.overlay();
    let nested = root.overlay();
    let odd: Vec<Vec<u8>> = (0..4u64)
        .flat_map(|number| {
            let number = number.to_be_bytes();
            [number.to_vec(), [number, number].concat(), [&number[..], b"k"].concat()]
        })
        .chain([vec![0], vec![0xff; 8], vec![0xff; 16]])
        .collect();
    for key in &odd {
        nested.put(key, "nested")?;
        assert!(!root.contains(key)?, "{key:?}");
    }
    assert_eq!((root.iter().count(), nested.iter().count()), (0, odd.len()));
    root.delete_range(..)?;
    nested.flush()?;
    root.flush()?;
    nested.put("more", "")?;
    nested.flush()?;
    root.flush()?;
    let mut expected: Vec<_> = odd.into_iter().map(|key| (key, b"nested".to_vec())).collect();
    expected.push((b"more".to_vec(), vec![]));
    expected.sort();
    assert_eq!(entries(store.snapshot().iter())?, expected);
    Ok(())
}
