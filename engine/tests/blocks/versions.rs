//! A multi-version block as a map of lists, and read sets that are plain copies of what was answered.
//!
//! Two things are left to the block that is compared: whether a second read of a key gives the first answer or notices the
//! change, and whether it names keys of a range that changed without changing what the reader would see. For the latter a
//! [`Check`] has two sets of conflicts: those that must be named and those that may be.

use super::program::{Bytes, Row, Span, Steps, bounds, is_inside};
use super::sequential::State;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What one transaction wrote to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    Value(Bytes),
    Deleted,
    /// An addition to what is below.
    Add(u64),
    /// The run was withdrawn, and the next one will probably write here.
    Estimate,
}

/// One version of a key.
#[derive(Clone, Debug)]
pub struct Version {
    pub index: u32,
    pub run: u8,
    pub written: Written,
}

/// What a reader sees of a key: its value, or the transaction that it has to wait for.
pub type Sight = Result<Option<Bytes>, u32>;

/// The two numbers that identify what stands in a key below an index; none for the base.
type Identity = Option<(u32, u8)>;

/// Something that a run read.
#[derive(Clone, Debug)]
pub enum Read {
    Value { key: Bytes, seen: Option<Bytes> },
    Presence { key: Bytes, seen: bool },
    Bound { key: Bytes, delta: u64, min: u64, max: u64, fits: bool },
    Range(RangeRead),
}

/// What a run read of a part of the keys: all values in it at that moment, without the run's own writes.
#[derive(Clone, Debug)]
pub struct RangeRead {
    from: Bound<Bytes>,
    to: Bound<Bytes>,
    seen: BTreeMap<Bytes, Option<Bytes>>,
    identities: BTreeMap<Bytes, Identity>,
    /// Keys at which the run's own writes hid what is below.
    hidden: BTreeSet<Bytes>,
}

/// A key, and the transaction whose version of it is in the way; none for the base.
pub type Named = (Bytes, Option<u32>);

/// What a validation has to find.
#[derive(Debug, Default)]
pub struct Check {
    /// Conflicts that change what the run would read.
    pub must: BTreeSet<Named>,
    /// These, and keys of ranges that were rewritten without changing what it would read.
    pub may: BTreeSet<Named>,
}

/// A block: the base, and per key the versions by index.
#[derive(Debug)]
pub struct Model {
    pub base: State,
    pub chains: BTreeMap<Bytes, BTreeMap<u32, Version>>,
    pub reads: BTreeMap<u32, Vec<Read>>,
}

impl Model {
    pub fn new(base: State) -> Self {
        Self { base, chains: BTreeMap::new(), reads: BTreeMap::new() }
    }

    /// What stands in a key below an index, for readers of values.
    pub fn sight(&self, key: &[u8], index: u32) -> Sight {
        let mut added = 0;
        for version in self.versions(key, index) {
            match &version.written {
                Written::Value(value) if added == 0 => return Ok(Some(value.clone())),
                Written::Value(value) => return Ok(Some(plus(Some(value), added))),
                Written::Deleted if added == 0 => return Ok(None),
                Written::Deleted => return Ok(Some(plus(None, added))),
                Written::Add(delta) => added += delta,
                Written::Estimate => return Err(version.index),
            }
        }
        let base = self.base.get(key);
        if self.identity(key, index).is_none() {
            return Ok(base.cloned());
        }
        Ok(Some(plus(base, added)))
    }

    /// Whether a key has a value for an index: after an addition it has one, whatever is below.
    pub fn presence(&self, key: &[u8], index: u32) -> Result<bool, u32> {
        match self.versions(key, index).next() {
            Some(Version { written: Written::Add(_), .. }) => Ok(true),
            _ => self.sight(key, index).map(|value| value.is_some()),
        }
    }

    /// The newest transaction below an index with a version of a key.
    pub fn writer(&self, key: &[u8], index: u32) -> Option<u32> {
        self.identity(key, index).map(|(index, _)| index)
    }

    fn identity(&self, key: &[u8], index: u32) -> Identity {
        self.versions(key, index).next().map(|version| (version.index, version.run))
    }

    /// The estimate that a value waits for.
    fn waits(&self, key: &[u8], index: u32) -> Option<Named> {
        self.sight(key, index).err().map(|writer| (key.to_vec(), Some(writer)))
    }

    /// Newest first.
    fn versions(&self, key: &[u8], index: u32) -> impl Iterator<Item = &Version> {
        let chain = self.chains.get(key);
        chain.into_iter().flat_map(move |chain| chain.range(..index).rev().map(|(_, v)| v))
    }

    /// All keys that are known, in order.
    pub fn keys(&self) -> BTreeSet<Bytes> {
        self.base.keys().chain(self.chains.keys()).cloned().collect()
    }

    /// A run of an index: it replaces the one before.
    pub fn publish(
        &mut self,
        index: u32,
        run: u8,
        own: &BTreeMap<Bytes, Written>,
        reads: Vec<Read>,
    ) {
        self.withdraw(index);
        for (key, written) in own {
            let version = Version { index, run, written: written.clone() };
            self.chains.entry(key.clone()).or_default().insert(index, version);
        }
        self.reads.insert(index, reads);
    }

    /// An index writes nothing.
    pub fn withdraw(&mut self, index: u32) {
        self.chains.values_mut().for_each(|chain| _ = chain.remove(&index));
    }

    /// The versions of an index become estimates.
    pub fn estimate(&mut self, index: u32) {
        for version in self.chains.values_mut().filter_map(|chain| chain.get_mut(&index)) {
            version.written = Written::Estimate;
        }
    }

    /// Whether what an index wrote is no more than an estimate.
    pub fn is_withdrawn(&self, index: u32) -> bool {
        let written = |chain: &BTreeMap<u32, Version>| Some(chain.get(&index)?.written.clone());
        self.chains.values().filter_map(written).any(|written| written == Written::Estimate)
    }

    /// Nothing at or above an index counts any more.
    pub fn truncate(&mut self, from: u32) {
        self.chains.values_mut().for_each(|chain| _ = chain.split_off(&from));
        self.reads.split_off(&from);
    }

    /// The state after all transactions.
    pub fn state(&self) -> State {
        let value = |key: Bytes| {
            let sight = self.sight(&key, u32::MAX).unwrap();
            sight.map(|value| (key, value))
        };
        self.keys().into_iter().filter_map(value).collect()
    }

    /// What validation of an index finds.
    pub fn validate(&self, index: u32) -> Check {
        let mut check = Check::default();
        for read in self.reads.get(&index).into_iter().flatten() {
            self.check(index, read, &mut check);
        }
        check.may.extend(check.must.iter().cloned());
        check
    }

    /// Whether the published run of an index has read a key otherwise than in a range.
    pub fn read_by_itself(&self, index: u32, key: &[u8]) -> bool {
        self.reads.get(&index).into_iter().flatten().any(|read| match read {
            Read::Value { key: read, .. }
            | Read::Presence { key: read, .. }
            | Read::Bound { key: read, .. } => read == key,
            Read::Range(_) => false,
        })
    }

    /// Whether a read of a view that is still open has changed.
    pub fn has_changed(&self, index: u32, reads: &[Read]) -> bool {
        let mut check = Check::default();
        reads.iter().for_each(|read| self.check(index, read, &mut check));
        !check.must.is_empty() || !check.may.is_empty()
    }

    fn check(&self, index: u32, read: &Read, check: &mut Check) {
        let mut compare = |key: &Bytes, same: &dyn Fn(Option<Bytes>) -> bool| {
            let named = match self.sight(key, index) {
                Err(writer) => (key.clone(), Some(writer)),
                Ok(now) if !same(now.clone()) => (key.clone(), self.writer(key, index)),
                Ok(_) => return,
            };
            check.must.insert(named);
        };
        match read {
            Read::Value { key, seen } => compare(key, &|now| now == *seen),
            Read::Presence { key, seen } => match self.presence(key, index) {
                Ok(true) if *seen => check.may.extend(self.waits(key, index)),
                _ => compare(key, &|now| now.is_some() == *seen),
            },
            Read::Bound { key, delta, min, max, fits: outcome } => {
                compare(key, &|now| fits(now.as_deref(), *delta, *min, *max) == *outcome);
            }
            Read::Range(range) => self.check_range(index, range, check),
        }
    }

    fn check_range(&self, index: u32, range: &RangeRead, check: &mut Check) {
        let bounds = (bytes(&range.from), bytes(&range.to));
        for key in self.keys().into_iter().filter(|key| is_inside(bounds, key)) {
            let before = range.identities.get(&key).copied().flatten();
            let seen = range.seen.get(&key).cloned().flatten();
            let hidden = range.hidden.contains(&key);
            let now = self.sight(&key, index);
            let writer = now.as_ref().err().copied().or_else(|| self.writer(&key, index));
            if now != Ok(seen) && !hidden {
                check.must.insert((key, writer));
            } else if self.identity(&key, index) != before && (hidden || before.is_none()) {
                check.may.insert((key, writer));
            }
        }
    }
}

/// A run of a transaction that has not been published.
#[derive(Debug)]
pub struct ModelView {
    pub index: u32,
    pub run: u8,
    pub own: BTreeMap<Bytes, Written>,
    pub reads: Vec<Read>,
}

impl ModelView {
    pub fn new(index: u32, run: u8) -> Self {
        Self { index, run, own: BTreeMap::new(), reads: vec![] }
    }

    /// What a read of a key sees now.
    pub fn look(&self, model: &Model, key: &[u8]) -> Sight {
        match self.own.get(key) {
            Some(Written::Value(value)) => Ok(Some(value.clone())),
            Some(Written::Deleted) => Ok(None),
            Some(Written::Add(delta)) => {
                let below = model.sight(key, self.index)?;
                Ok(Some(plus(below.as_ref(), *delta)))
            }
            Some(Written::Estimate) => unreachable!("a view writes no estimates"),
            None => model.sight(key, self.index),
        }
    }

    /// What a read of a key comes to, on what is below.
    pub fn on(&self, key: &[u8], below: Option<&Bytes>) -> Option<Bytes> {
        match self.own.get(key) {
            Some(Written::Add(delta)) => Some(plus(below, *delta)),
            _ => below.cloned(),
        }
    }

    /// What the run has added to a key and not applied.
    pub fn added(&self, key: &[u8]) -> u64 {
        if let Some(Written::Add(delta)) = self.own.get(key) { *delta } else { 0 }
    }

    /// Whether a read of a key depends on transactions below.
    pub fn depends(&self, key: &[u8]) -> bool {
        matches!(self.own.get(key), None | Some(Written::Add(_)))
    }

    /// Puts a value or deletes the key. That additions which are replaced were possible counts as read.
    pub fn replace(&mut self, key: &[u8], value: Option<&[u8]>) {
        if let Some(Written::Add(delta)) = self.own.get(key) {
            let (min, max) = (0, u64::MAX);
            self.reads.push(Read::Bound { key: key.to_vec(), delta: *delta, min, max, fits: true });
        }
        let written = value.map_or(Written::Deleted, |value| Written::Value(value.to_vec()));
        self.own.insert(key.to_vec(), written);
    }

    /// An addition; the key's value, if the run knows it, is a number.
    pub fn add(&mut self, key: &[u8], delta: u64) {
        let written = match self.own.get(key) {
            None => Written::Add(delta),
            Some(Written::Add(before)) => Written::Add(before + delta),
            Some(Written::Value(value)) => Written::Value(plus(Some(value), delta)),
            Some(Written::Deleted) => Written::Value(plus(None, delta)),
            Some(Written::Estimate) => unreachable!("a view writes no estimates"),
        };
        self.own.insert(key.to_vec(), written);
    }

    /// The rows that an iterator yields before its steps are over, and what it has read by then. `Err`: the transaction that
    /// the first entry not yielded waits for.
    pub fn scan(
        &self,
        model: &Model,
        span: Span,
        steps: Steps,
    ) -> Result<(Vec<Row>, Vec<Read>), u32> {
        let inside = |key: &Bytes| is_inside(bounds(span), key);
        let keys: BTreeSet<Bytes> =
            model.keys().into_iter().chain(self.own.keys().cloned()).filter(inside).collect();
        let rows = keys.into_iter().filter_map(|key| match self.look(model, &key) {
            Ok(None) => None,
            Ok(Some(value)) => Some(Ok((key, value))),
            Err(writer) => Some(Err(writer)),
        });
        let rows: Vec<Result<Row, u32>> = rows.collect();
        let seen = steps.collect(rows.clone().into_iter())?;
        let reads = self.parts(span, steps, &seen, rows.len());
        Ok((seen, reads.into_iter().map(|(from, to)| self.range_read(model, from, to)).collect()))
    }

    /// The parts of a span that an iterator passed.
    fn parts(
        &self,
        span: Span,
        steps: Steps,
        seen: &[Row],
        all: usize,
    ) -> Vec<(Bound<Bytes>, Bound<Bytes>)> {
        let (from, to) = bounds(span);
        let (from, to) = (from.map(<[u8]>::to_vec), to.map(<[u8]>::to_vec));
        let (Steps::Forward(count) | Steps::Backward(count) | Steps::Alternate(count)) = steps;
        if count > all {
            return vec![(from, to)];
        }
        let front = |key: &Row| (from.clone(), Bound::Included(key.0.clone()));
        let back = |key: &Row| (Bound::Included(key.0.clone()), to.clone());
        match steps {
            Steps::Forward(_) => seen.last().map(front).into_iter().collect(),
            Steps::Backward(_) => seen.last().map(back).into_iter().collect(),
            Steps::Alternate(_) => {
                let last_front = seen.iter().step_by(2).next_back().map(front);
                let last_back = seen.iter().skip(1).step_by(2).next_back().map(back);
                last_front.into_iter().chain(last_back).collect()
            }
        }
    }

    fn range_read(&self, model: &Model, from: Bound<Bytes>, to: Bound<Bytes>) -> Read {
        let inside = |key: &Bytes| is_inside((bytes(&from), bytes(&to)), key);
        let keys: Vec<_> = model.keys().into_iter().filter(inside).collect();
        let hidden = self.own.keys().filter(|key| inside(key) && !self.depends(key)).cloned();
        let hidden: BTreeSet<Bytes> = hidden.collect();
        let visible = |key: &&Bytes| !hidden.contains(*key);
        let seen = keys
            .iter()
            .filter(visible)
            .map(|key| (key.clone(), model.sight(key, self.index).unwrap()));
        let seen = seen.collect();
        let identities =
            keys.iter().map(|key| (key.clone(), model.identity(key, self.index))).collect();
        Read::Range(RangeRead { from, to, seen, identities, hidden })
    }
}

/// Whether a number plus a delta is within bounds.
pub fn fits(base: Option<&[u8]>, delta: u64, min: u64, max: u64) -> bool {
    (min..=max).contains(&(number(base) + delta))
}

fn plus(base: Option<&Bytes>, delta: u64) -> Bytes {
    (number(base.map(Vec::as_slice)) + delta).to_be_bytes().to_vec()
}

fn number(value: Option<&[u8]>) -> u64 {
    value.map_or(0, |value| u64::from_be_bytes(value.try_into().unwrap()))
}

fn bytes(bound: &Bound<Bytes>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}
