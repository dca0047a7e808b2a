//! What batch `n` is, and what all batches up to one of them make.
//!
//! Everything follows from the number: where it lies, how long the values are, by which kind of commit it comes, and whether its
//! durability is waited for.

use crate::place::Spaces;
use std::collections::BTreeMap;

/// The number of the last batch lies under this key, in each place.
pub const NUMBER: &str = "number";
/// Places: the default space, and two others, or parts of the default one.
pub const PLACES: usize = 3;
pub const NAMES: [&str; 2] = ["accounts", "jobs"];

/// One write, to a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    Put(usize, String, Vec<u8>),
    Delete(usize, String),
    /// From the first key on, below the second.
    DeleteRange(usize, String, String),
}

/// By what it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Batch,
    Transaction,
    /// With its number as metadata.
    Tagged,
}

pub fn kind(n: u64) -> Kind {
    match n % 5 {
        1 => Kind::Transaction,
        2 | 4 => Kind::Tagged,
        _ => Kind::Batch,
    }
}

/// Whether it is acknowledged: its durability is waited for.
pub fn is_durable(n: u64) -> bool {
    n.is_multiple_of(6) || n.is_multiple_of(25)
}

/// Bytes that no other number has there.
fn value(n: u64, salt: u64) -> Vec<u8> {
    let length = 8 + (n * 37 + salt * 11) % 300;
    let word = (n ^ salt << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    n.to_be_bytes().iter().chain(word.iter().cycle()).take(length as usize).copied().collect()
}

/// The writes of batch `n`, in their order.
pub fn writes(n: u64) -> Vec<Write> {
    let mut writes = Vec::new();
    for place in 0..PLACES {
        let salt = place as u64;
        writes.push(Write::Put(place, NUMBER.into(), n.to_be_bytes().into()));
        if n % 5 == salt {
            // A part of what the batches before have put; before what this one does.
            let from = n % 13;
            writes.push(Write::DeleteRange(
                place,
                format!("a{from:02}"),
                format!("a{:02}", from + 6),
            ));
        }
        writes.push(Write::Put(place, format!("a{:02}", n % 17), value(n, salt)));
        writes.push(Write::Put(place, format!("b{:02}", n * 7 % 23), value(n, salt + 8)));
        // One key for each number, which the next batch deletes.
        writes.push(Write::Put(place, format!("n{n:08}"), value(n, salt + 16)));
        writes.push(Write::Delete(place, format!("n{:08}", n.saturating_sub(1))));
    }
    writes
}

/// What is there after all batches up to one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub n: u64,
    pub entries: [BTreeMap<Vec<u8>, Vec<u8>>; PLACES],
    pub metadata: Option<Vec<u8>>,
}

impl State {
    /// After some batches more, up to this one.
    pub fn go_on(&mut self, n: u64) {
        while self.n < n {
            self.n += 1;
            for write in writes(self.n) {
                self.apply(write);
            }
            if kind(self.n) == Kind::Tagged {
                self.metadata = Some(self.n.to_be_bytes().into());
            }
        }
    }

    fn apply(&mut self, write: Write) {
        match write {
            Write::Put(place, key, value) => {
                self.entries[place].insert(key.into(), value);
            }
            Write::Delete(place, key) => _ = self.entries[place].remove(key.as_bytes()),
            Write::DeleteRange(place, from, to) => {
                let is_in = |key: &[u8]| from.as_bytes() <= key && key < to.as_bytes();
                self.entries[place].retain(|key, _| !is_in(key));
            }
        }
    }
}

/// The key of the store for one of a place.
pub fn key(spaces: Spaces, place: usize, key: &str) -> String {
    match spaces {
        Spaces::One => format!("{place}/{key}"),
        Spaces::Several => key.into(),
    }
}
