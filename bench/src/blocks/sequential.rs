//! One transaction after the other over a container without locks and versions: what every executor has to
//! equal, and wants to beat.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;

use super::program::{Job, Key, Value};
use super::state::{Amount, Entries, State};

/// A state for sequential execution.
pub trait Reference: State<Stop = Infallible> {
    /// A state that holds these entries.
    fn load(entries: &[(Vec<u8>, Vec<u8>)]) -> Self;

    /// All its entries, in key order.
    fn entries(&self) -> Entries;
}

/// Runs all transactions of `job`; what each of them said.
pub fn execute<J: Job>(job: &J, state: &mut impl State<Stop = Infallible>) -> Vec<J::Out> {
    let run = |index| {
        let Ok(out) = job.run(index, state);
        out
    };
    (0..job.transactions()).map(run).collect()
}

/// A hash map with keys and values inline: the fastest there is for points.
pub struct Points(HashMap<Key, Value, ahash::RandomState>);

/// A tree with keys and values inline, for whoever scans.
pub struct Ordered(BTreeMap<Key, Value>);

/// A hash map of byte strings of any length, for the traces.
pub struct Strings(HashMap<Box<[u8]>, Box<[u8]>, ahash::RandomState>);

fn inline(bytes: &[u8]) -> Key {
    bytes.try_into().expect("keys and values of generated blocks have 32 bytes")
}

fn key(bytes: &[u8]) -> &Key {
    bytes.try_into().expect("keys of generated blocks have 32 bytes")
}

fn sum(base: Option<&[u8]>, amount: &Amount) -> Vec<u8> {
    let mut sum = Vec::with_capacity(base.map_or(super::state::ACCOUNT_LEN, <[u8]>::len));
    amount.apply(base, &mut sum);
    sum
}

/// What the two containers with inline entries do alike.
macro_rules! inline_points {
    () => {
        type Stop = Infallible;

        #[inline]
        fn get(&mut self, bytes: &[u8]) -> Result<Option<&[u8]>, Infallible> {
            Ok(self.0.get(key(bytes)).map(|value| &value[..]))
        }

        #[inline]
        fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Infallible> {
            self.0.insert(inline(key), inline(value));
            Ok(())
        }

        fn delete(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
            self.0.remove(key(bytes));
            Ok(())
        }

        fn add(&mut self, bytes: &[u8], amount: &Amount) -> Result<(), Infallible> {
            super::state::add_to(self.0.entry(inline(bytes)).or_default(), amount.bytes());
            Ok(())
        }
    };
}

/// What all of them load and tell alike.
macro_rules! entries {
    ($from:expr) => {
        fn load(entries: &[(Vec<u8>, Vec<u8>)]) -> Self {
            Self(entries.iter().map(|(key, value)| ($from(key), $from(value))).collect())
        }

        fn entries(&self) -> Entries {
            let mut all: Vec<_> =
                self.0.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
            all.sort_unstable();
            all
        }
    };
}

impl State for Points {
    inline_points!();

    /// Right, and slow: it sorts everything. Blocks that scan are for [`Ordered`].
    fn scan(
        &mut self,
        from: &[u8],
        limit: usize,
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Infallible> {
        let mut found: Vec<_> = self.0.iter().filter(|(key, _)| &key[..] >= from).collect();
        found.sort_unstable();
        found.into_iter().take(limit).for_each(|(key, value)| each(key, value));
        Ok(())
    }
}

impl Reference for Points {
    entries!(|bytes: &Vec<u8>| inline(bytes));
}

impl State for Ordered {
    inline_points!();

    fn scan(
        &mut self,
        from: &[u8],
        limit: usize,
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Infallible> {
        self.0.range(inline(from)..).take(limit).for_each(|(key, value)| each(key, value));
        Ok(())
    }
}

impl Reference for Ordered {
    entries!(|bytes: &Vec<u8>| inline(bytes));
}

impl State for Strings {
    type Stop = Infallible;

    fn get(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Infallible> {
        Ok(self.0.get(key).map(|value| &value[..]))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Infallible> {
        match self.0.get_mut(key) {
            Some(held) if held.len() == value.len() => held.copy_from_slice(value),
            Some(held) => *held = value.into(),
            None => {
                self.0.insert(key.into(), value.into());
            }
        }
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), Infallible> {
        self.0.remove(key);
        Ok(())
    }

    fn add(&mut self, key: &[u8], amount: &Amount) -> Result<(), Infallible> {
        let sum = sum(self.0.get(key).map(|value| &value[..]), amount);
        self.put(key, &sum)
    }

    /// Right, and slow: it sorts everything. No trace scans.
    fn scan(
        &mut self,
        from: &[u8],
        limit: usize,
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Infallible> {
        let mut found: Vec<_> = self.0.iter().filter(|(key, _)| &key[..] >= from).collect();
        found.sort_unstable();
        found.into_iter().take(limit).for_each(|(key, value)| each(key, value));
        Ok(())
    }
}

impl Reference for Strings {
    entries!(|bytes: &Vec<u8>| Box::<[u8]>::from(&bytes[..]));
}
