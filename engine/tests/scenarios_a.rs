//! The behaviour that chain applications expect of a cache layer: scenarios 1 to 11 of the reference suite, with a layer
//! over another layer and with a layer over the store.

mod stack;

use engine::{Error, Overlay, Store};
use stack::{entries, seeded};
use std::collections::BTreeMap;
use std::ops::Range;

type Result = std::result::Result<(), Error>;

/// Runs a scenario with each kind of parent.
fn with_parents(scenario: impl Fn(Parent, Overlay) -> Result) -> Result {
    let store = Store::in_memory();
    scenario(Parent::Store(store.clone()), store.overlay())?;
    let parent = Store::in_memory().overlay();
    scenario(Parent::Overlay(parent.clone()), parent.overlay())
}

/// What lies below the layer of a scenario.
enum Parent {
    Store(Store),
    Overlay(Overlay),
}

impl Parent {
    fn get(&self, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        match self {
            Self::Store(store) => store.snapshot().get(key).unwrap().map(Vec::from),
            Self::Overlay(overlay) => overlay.get(key).unwrap(),
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Store(store) => store.snapshot().iter().count(),
            Self::Overlay(overlay) => overlay.iter().count(),
        }
    }
}

fn key(number: usize) -> Vec<u8> {
    format!("key{number:08}").into_bytes()
}

fn value(number: usize) -> Vec<u8> {
    format!("value{number:08}").into_bytes()
}

/// The numbers of the keys inside a range, each with its own value, the same from both ends.
fn numbers(overlay: &Overlay, range: impl engine::KeyRange + Clone) -> Vec<usize> {
    let forward = entries(overlay.range(range.clone())).unwrap();
    let mut backward = entries(overlay.range(range).rev()).unwrap();
    backward.reverse();
    assert_eq!(forward, backward);
    let number = |(k, v): &(Vec<u8>, Vec<u8>)| {
        let number = std::str::from_utf8(&k[3..]).unwrap().parse().unwrap();
        assert_eq!(*v, value(number));
        number
    };
    forward.iter().map(number).collect()
}

fn set_all(overlay: &Overlay, numbers: Range<usize>) -> Result {
    numbers.into_iter().try_for_each(|number| overlay.put(key(number), value(number)))
}

fn delete_all(overlay: &Overlay, numbers: Range<usize>) -> Result {
    numbers.into_iter().try_for_each(|number| overlay.delete(key(number)))
}

#[test]
fn a01_a_write_stays_in_the_layer_until_it_is_flushed() -> Result {
    with_parents(|parent, layer| {
        layer.put("k1", "v1")?;
        layer.flush()?;
        layer.put("k1", "v2")?;
        assert_eq!(layer.get("k1")?.unwrap(), b"v2");
        assert_eq!(parent.get("k1").unwrap(), b"v1");
        for _ in 0..3 {
            layer.flush()?;
            assert_eq!(parent.get("k1").unwrap(), b"v2");
            assert_eq!(layer.get("k1")?.unwrap(), b"v2");
        }
        Ok(())
    })
}

#[test]
fn a02_a_delete_hides_the_parents_value_and_goes_down_with_the_flush() -> Result {
    with_parents(|parent, layer| {
        layer.put("k1", "v2")?;
        layer.flush()?;
        layer.delete("k1")?;
        assert_eq!(layer.get("k1")?, None);
        assert_eq!(parent.get("k1").unwrap(), b"v2");
        layer.flush()?;
        assert_eq!((layer.get("k1")?, parent.get("k1")), (None, None));
        Ok(())
    })
}

#[test]
fn a03_deleting_a_range_takes_own_and_inherited_keys() -> Result {
    with_parents(|parent, layer| {
        layer.put("1", "1")?;
        layer.put("3", "4")?;
        layer.flush()?;
        for key in ["0", "1", "2", "5"] {
            layer.put(key, "cached")?;
        }
        layer.delete_range("1".."5")?;
        for (key, is_there) in [("0", true), ("1", false), ("2", false), ("3", false), ("5", true)]
        {
            assert_eq!(layer.contains(key)?, is_there, "{key}");
        }
        assert_eq!(
            (parent.get("1").unwrap(), parent.get("3").unwrap()),
            (b"1".into(), b"4".into())
        );
        assert_eq!(parent.count(), 2);
        Ok(())
    })
}

#[test]
fn a04_nested_layers_are_flushed_one_level_at_a_time() -> Result {
    with_parents(|parent, layer| {
        let inner = layer.overlay();
        inner.put("k", "inner")?;
        assert_eq!((layer.get("k")?, parent.get("k")), (None, None));
        inner.flush()?;
        assert_eq!(layer.get("k")?.unwrap(), b"inner");
        assert_eq!(parent.get("k"), None);
        layer.flush()?;
        assert_eq!(parent.get("k").unwrap(), b"inner");
        Ok(())
    })
}

#[test]
fn a05_an_empty_key_is_refused_and_an_empty_value_is_a_value() -> Result {
    with_parents(|parent, layer| {
        assert!(matches!(layer.put("", "v"), Err(Error::Map(epoch_store::Error::EmptyKey))));
        assert!(matches!(layer.delete(""), Err(Error::Map(epoch_store::Error::EmptyKey))));
        layer.put("k", "")?;
        assert!(layer.contains("k")?);
        assert_eq!(layer.get("k")?.unwrap(), b"");
        layer.flush()?;
        assert_eq!(parent.get("k").unwrap(), b"");
        Ok(())
    })
}

#[test]
fn a06_iterators_keep_to_their_bounds() -> Result {
    with_parents(|_, layer| {
        set_all(&layer, 0..5)?;
        assert_eq!(numbers(&layer, ..), [0, 1, 2, 3, 4]);
        assert_eq!(numbers(&layer, "money"..), []);
        assert_eq!(numbers(&layer, key(0)..key(3)), [0, 1, 2]);
        assert_eq!(numbers(&layer, key(2)..key(4)), [2, 3]);
        Ok(())
    })
}

#[test]
fn a07_iterators_follow_sets_deletes_and_flushes_of_one_key() -> Result {
    with_parents(|_, layer| {
        layer.put(key(1), value(1))?;
        layer.delete(key(1))?;
        assert_eq!(numbers(&layer, ..), []);
        layer.put(key(1), value(1))?;
        assert_eq!(numbers(&layer, ..), [1]);
        layer.flush()?;
        assert_eq!(numbers(&layer, ..), [1]);
        layer.delete(key(1))?;
        assert_eq!(numbers(&layer, ..), []);
        layer.flush()?;
        assert_eq!(numbers(&layer, ..), []);
        Ok(())
    })
}

#[test]
fn a08_the_last_key_can_be_deleted_one_at_a_time() -> Result {
    with_parents(|_, layer| {
        set_all(&layer, 0..5)?;
        layer.flush()?;
        set_all(&layer, 5..10)?;
        for last in (0..10).rev() {
            assert_eq!(numbers(&layer, ..), Vec::from_iter(0..=last));
            layer.delete(key(last))?;
        }
        assert_eq!(numbers(&layer, ..), []);
        Ok(())
    })
}

#[test]
fn a09_chunks_of_flushed_set_and_deleted_keys_merge() -> Result {
    with_parents(|parent, layer| {
        let expect = |layer: &Overlay, ranges: &[Range<usize>]| {
            let expected: Vec<_> = ranges.iter().cloned().flatten().collect();
            assert_eq!(numbers(layer, ..), expected);
        };
        set_all(&layer, 0..20)?;
        set_all(&layer, 40..60)?;
        layer.flush()?;
        set_all(&layer, 20..40)?;
        set_all(&layer, 60..80)?;
        expect(&layer, std::slice::from_ref(&(0..80)));
        delete_all(&layer, 15..25)?;
        delete_all(&layer, 35..45)?;
        expect(&layer, &[0..15, 25..35, 45..80]);
        layer.flush()?;
        expect(&layer, &[0..15, 25..35, 45..80]);
        assert_eq!(parent.count(), 60);
        set_all(&layer, 38..42)?;
        delete_all(&layer, 40..43)?;
        expect(&layer, &[0..15, 25..35, 38..40, 45..80]);
        Ok(())
    })
}

#[test]
fn a10_two_thousand_random_operations_agree_with_an_ordered_map() -> Result {
    with_parents(|parent, layer| {
        let mut rng = seeded();
        set_all(&layer, 25..975)?;
        layer.flush()?;
        let mut truth: BTreeMap<usize, ()> = (25..975).map(|number| (number, ())).collect();
        for _ in 0..if cfg!(debug_assertions) { 500 } else { 2_000 } {
            let (from, len) = (rng.usize(..1_000), rng.usize(..100));
            let to = (from + len).min(1_000);
            match rng.u8(..5) {
                0 => {
                    set_all(&layer, from..from + 1)?;
                    truth.insert(from, ());
                }
                1 => {
                    set_all(&layer, from..to)?;
                    truth.extend((from..to).map(|number| (number, ())));
                }
                2 => {
                    delete_all(&layer, from..from + 1)?;
                    truth.remove(&from);
                }
                3 => {
                    layer.delete_range(key(from)..key(to))?;
                    truth.retain(|number, ()| !(from..to).contains(number));
                }
                _ => {
                    layer.flush()?;
                    assert_eq!(parent.count(), truth.len());
                }
            }
            assert_eq!(numbers(&layer, ..), Vec::from_iter(truth.keys().copied()));
        }
        Ok(())
    })
}

#[test]
fn a11_sixty_four_empty_layers_change_nothing_and_one_with_writes_does() -> Result {
    with_parents(|_, layer| {
        set_all(&layer, 0..20)?;
        layer.flush()?;
        let mut layers = vec![layer];
        for depth in 0..64 {
            layers.push(layers[depth].overlay());
        }
        let (middle, top) = (&layers[32], &layers[64]);
        assert_eq!(numbers(top, ..), Vec::from_iter(0..20));
        assert_eq!(top.get(key(7))?.unwrap(), value(7));
        middle.put(key(1), "middle")?;
        middle.delete(key(2))?;
        assert_eq!(top.get(key(1))?.unwrap(), b"middle");
        assert_eq!(top.get(key(2))?, None);
        assert_eq!(top.iter().count(), 19);
        assert_eq!(layers[31].get(key(2))?.unwrap(), value(2));
        Ok(())
    })
}
