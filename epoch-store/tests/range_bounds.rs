//! Ranges whose bounds lie anywhere: inside, outside and between keys, equal, inverted, empty.

use epoch_store::{Map, Snapshot};
use std::ops::Bound::{self, Excluded, Included, Unbounded};

/// Keys with one beginning, enough of them for many leaves; in an order that leaves some unsorted.
fn keys() -> Vec<Vec<u8>> {
    let mut keys: Vec<_> = (0..400_u64).map(|i| [b"key/", &i.to_be_bytes()[..]].concat()).collect();
    keys.extend([vec![0], vec![0, 0], b"key".to_vec(), b"key/".to_vec(), vec![0xff; 9]]);
    keys.sort_by_key(|key| (key.last().copied().unwrap_or_default() % 16, key.clone()));
    keys
}

fn filled() -> (Snapshot, Vec<Vec<u8>>) {
    let (map, mut keys) = (Map::new(), keys());
    for key in &keys {
        map.put(key, b"").unwrap();
    }
    keys.sort();
    (map.snapshot(), keys)
}

/// Keys that are there and keys that are not.
fn edges() -> Vec<Vec<u8>> {
    let number = |i: u64| [b"key/", &i.to_be_bytes()[..]].concat();
    let mut edges: Vec<_> = [0, 1, 17, 63, 64, 65, 130, 200, 300, 399, 400].map(number).to_vec();
    edges.push([&number(150)[..], &[0]].concat()); // just behind a key
    edges.push(number(150)[..11].to_vec()); // a beginning of keys
    edges.extend([
        vec![],
        vec![0],
        b"a".to_vec(),
        b"key/".to_vec(),
        b"key0".to_vec(),
        vec![0xff; 9],
    ]);
    edges.push(vec![0xff; 100_000]); // longer than any key
    edges
}

fn bounds() -> Vec<Bound<Vec<u8>>> {
    let edges = edges().into_iter();
    edges.flat_map(|key| [Included(key.clone()), Excluded(key)]).chain([Unbounded]).collect()
}

fn inside<'a>(keys: &'a [Vec<u8>], from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> Vec<&'a [u8]> {
    let after = |key: &Vec<u8>| match from {
        Included(from) => key >= from,
        Excluded(from) => key > from,
        Unbounded => true,
    };
    let before = |key: &Vec<u8>| match to {
        Included(to) => key <= to,
        Excluded(to) => key < to,
        Unbounded => true,
    };
    keys.iter().filter(|key| after(key) && before(key)).map(|key| &key[..]).collect()
}

/// Every pair of bounds, read by `read`.
fn for_each_range(read: impl Fn(&Snapshot, Bound<Vec<u8>>, Bound<Vec<u8>>, Vec<&[u8]>)) {
    let (snapshot, keys) = filled();
    for from in &bounds() {
        for to in &bounds() {
            read(&snapshot, from.clone(), to.clone(), inside(&keys, from, to));
        }
    }
}

#[test]
fn every_range_read_forward_has_its_keys() {
    for_each_range(|snapshot, from, to, expected| {
        let found: Vec<_> =
            snapshot.range((from.clone(), to.clone())).map(|(key, _)| key).collect();
        assert!(found.iter().map(|key| &**key).eq(expected), "{from:?} to {to:?}: {found:?}");
    });
}

#[test]
fn every_range_read_backward_has_its_keys() {
    for_each_range(|snapshot, from, to, mut expected| {
        expected.reverse();
        let range = snapshot.range((from.clone(), to.clone()));
        let found: Vec<_> = range.rev().map(|(key, _)| key).collect();
        assert!(found.iter().map(|key| &**key).eq(expected), "{from:?} to {to:?}: {found:?}");
    });
}

#[test]
fn every_range_read_from_both_ends_has_its_keys_once() {
    for_each_range(|snapshot, from, to, expected| {
        let mut range = snapshot.range((from.clone(), to.clone()));
        let (mut front, mut back) = (Vec::new(), Vec::new());
        // Three from the front, one from the back.
        while let Some((key, _)) =
            if (front.len() + back.len()) % 4 == 3 { range.next_back() } else { range.next() }
        {
            let end = if (front.len() + back.len()) % 4 == 3 { &mut back } else { &mut front };
            end.push(key);
        }
        assert!(range.next().is_none() && range.next_back().is_none(), "it stays ended");
        let found: Vec<&[u8]> = front.iter().chain(back.iter().rev()).map(|key| &**key).collect();
        assert_eq!(found, expected, "{from:?} to {to:?}");
    });
}

#[test]
fn every_prefix_has_its_keys() {
    let (snapshot, keys) = filled();
    for prefix in edges() {
        let expected = keys.iter().filter(|key| key.starts_with(&prefix));
        let found: Vec<_> = snapshot.prefix(&prefix).map(|(key, _)| key.to_vec()).collect();
        assert!(found.iter().eq(expected.clone()), "{prefix:?}: {found:?}");
        let found: Vec<_> = snapshot.prefix(&prefix).rev().map(|(key, _)| key.to_vec()).collect();
        assert!(found.iter().eq(expected.rev()), "{prefix:?} backward: {found:?}");
    }
}

#[test]
fn every_way_to_write_a_range_means_the_same() {
    let map = Map::new();
    for key in ["a", "b", "c", "d"] {
        map.put(key, key).unwrap();
    }
    let snapshot = map.snapshot();
    let keys = |range: epoch_store::Range<'_>| -> String {
        range.map(|(key, _)| char::from(key[0])).collect()
    };
    assert_eq!(keys(snapshot.range("b".."d")), "bc");
    assert_eq!(keys(snapshot.range(b"b"..=b"d")), "bcd");
    assert_eq!(keys(snapshot.range(String::from("b")..)), "bcd");
    assert_eq!(keys(snapshot.range(..vec![b'c'])), "ab");
    assert_eq!(keys(snapshot.range(..=&[b'c'][..])), "abc");
    assert_eq!(keys(snapshot.range(..)), "abcd");
    assert_eq!(keys(snapshot.iter()), "abcd");
    assert_eq!(keys(snapshot.range((Excluded("a"), Excluded("d")))), "bc");
    assert_eq!(keys(snapshot.range((Included("b"), Unbounded))), "bcd");
    // A key that was read is a bound as well.
    let (first, _) = snapshot.first().unwrap();
    assert_eq!(keys(snapshot.range((Excluded(first), Unbounded))), "bcd");
}
