//! Ranges: every kind of bound, from either end.

use super::bed::{Bed, Row, all, batch, keys};
use engine::Parent;
use std::ops::Bound::{self, Excluded, Included, Unbounded};

fn bounds() -> Vec<Bound<&'static [u8]>> {
    let places: [&[u8]; 9] =
        [b"", b"\0", b"a", b"ab", b"b", b"b\0", b"\xfe", b"\xff", b"\xff\xff\xff"];
    let both = places.into_iter().flat_map(|place| [Included(place), Excluded(place)]);
    both.chain([Unbounded]).collect()
}

fn is_inside(key: &[u8], from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    (match from {
        Included(from) => key >= from,
        Excluded(from) => key > from,
        Unbounded => true,
    }) && (match to {
        Included(to) => key <= to,
        Excluded(to) => key < to,
        Unbounded => true,
    })
}

const KEYS: [&[u8]; 8] = [b"", b"\0", b"a", b"aa", b"b", b"b\0", b"\xff", b"\xff\xff"];

fn filled<B: Bed>(bed: &B) -> B::Parent {
    let parent = bed.open();
    let writes: Vec<_> = KEYS.iter().map(|&key| (key, Some(key))).collect();
    parent.commit(&batch(1, &writes)).unwrap();
    parent
}

pub fn every_kind_of_bound<B: Bed>() {
    let bed = B::new();
    let snapshot = filled(&bed).snapshot().unwrap();
    for from in bounds() {
        for to in bounds() {
            let wanted: Vec<_> = KEYS.into_iter().filter(|key| is_inside(key, from, to)).collect();
            assert_eq!(keys(&*snapshot, from, to), wanted, "{from:?} {to:?}");
            let mut backwards: Vec<_> =
                snapshot.range(from, to).rev().map(|row| row.unwrap().0).collect();
            backwards.reverse();
            assert_eq!(backwards, wanted, "{from:?} {to:?} backwards");
        }
    }
}

pub fn both_ends_meet<B: Bed>() {
    let bed = B::new();
    let snapshot = filled(&bed).snapshot().unwrap();
    let wanted = all(&*snapshot);
    // Each number is a way to mix the ends, a bit a step.
    for mix in 0..1_u32 << KEYS.len() {
        let mut range = snapshot.range(Unbounded, Unbounded);
        let (mut front, mut back): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
        for step in 0..KEYS.len() {
            match mix >> step & 1 {
                0 => front.push(range.next().unwrap().unwrap()),
                _ => back.push(range.next_back().unwrap().unwrap()),
            }
        }
        assert!(range.next().is_none() && range.next_back().is_none() && range.next().is_none());
        front.extend(back.into_iter().rev());
        assert_eq!(front, wanted, "{mix:b}");
    }
}
