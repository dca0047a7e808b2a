//! What a transaction has written and not committed yet.
//!
//! Per key space an ordered map from key to its [`Chain`] of writes. Setting a savepoint is one entry on a stack. While
//! there is one, each key goes onto the *log* with its first write after the newest savepoint; rolling back takes the keys
//! from the end of the log and cuts their chains, so it costs what was written since, whatever came before.

use super::bounds::{self, Bounds};
use super::chain::{Chain, Lookers, Mark, Shared, Step, Written};
use epoch_store::KeyRange;
use std::collections::BTreeMap;
use std::sync::Arc;

/// See the module header.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// By the index of the key space.
    spaces: Vec<BTreeMap<Shared, Chain>>,
    /// The newest step.
    step: Step,
    /// Keys, by space, that were written for the first time after some savepoint.
    log: Vec<(usize, Shared)>,
    lookers: Lookers,
    /// The number of the savepoint that was set last.
    last_mark: u64,
}

impl Writes {
    pub(super) fn is_empty(&self) -> bool {
        self.spaces.iter().all(BTreeMap::is_empty)
    }

    /// Whether nothing is written to a space.
    pub(super) fn is_untouched(&self, space: usize) -> bool {
        self.spaces.get(space).is_none_or(BTreeMap::is_empty)
    }

    /// What was last written to `key`, if anything was.
    pub(super) fn get(&self, space: usize, key: &[u8]) -> Option<&Written> {
        self.spaces.get(space)?.get(key)?.newest().map(|(_, written)| written)
    }

    pub(super) fn write(&mut self, space: usize, key: &[u8], written: Written) {
        self.step += 1;
        if self.spaces.len() <= space {
            self.spaces.resize_with(space + 1, BTreeMap::new);
        }
        let chains = &mut self.spaces[space];
        if let Some(mark) = self.lookers.marks.last() {
            let known = chains.get_key_value(key);
            let newest = known.and_then(|(_, chain)| chain.newest());
            if newest.is_none_or(|(step, _)| *step <= mark.step) {
                let key = known.map_or_else(|| Shared::from(key), |(key, _)| Arc::clone(key));
                self.log.push((space, Arc::clone(&key)));
                chains.entry(key).or_default();
            }
        }
        match chains.get_mut(key) {
            Some(chain) => chain.push(self.step, written, &self.lookers),
            None => {
                let mut chain = Chain::default();
                chain.push(self.step, written, &self.lookers);
                chains.insert(Shared::from(key), chain);
            }
        }
    }

    /// The last write to each key, with the index of its space, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &Shared, &Written)> {
        self.spaces.iter().enumerate().flat_map(|(space, chains)| {
            let last = chains.iter().filter_map(|(key, chain)| Some((key, chain.newest()?)));
            last.map(move |(key, (_, written))| (space, key, written))
        })
    }

    /// An iterator begins: returns the step that it looks at.
    pub(super) fn iterator_comes(&mut self) -> Step {
        self.lookers.iterator_comes(self.step);
        self.step
    }

    pub(super) fn iterator_goes(&mut self) {
        self.lookers.iterator_goes();
    }

    /// The lowest key inside the bounds to which something was written by `step`, and what.
    pub(super) fn first(
        &self,
        space: usize,
        bounds: &Bounds,
        step: Step,
    ) -> Option<(Shared, Written)> {
        self.inside(space, bounds)?.find_map(|entry| seen(entry, step))
    }

    /// The highest such key.
    pub(super) fn last(
        &self,
        space: usize,
        bounds: &Bounds,
        step: Step,
    ) -> Option<(Shared, Written)> {
        self.inside(space, bounds)?.rev().find_map(|entry| seen(entry, step))
    }

    fn inside(
        &self,
        space: usize,
        bounds: &Bounds,
    ) -> Option<impl DoubleEndedIterator<Item = (&Shared, &Chain)>> {
        let bounds = bounds.bounds();
        // Of an inverted range a B-tree makes a panic.
        (!bounds::are_empty(bounds)).then_some(())?;
        Some(self.spaces.get(space)?.range::<[u8], _>(bounds))
    }

    /// Sets a savepoint: returns its number.
    pub(super) fn mark(&mut self) -> u64 {
        self.last_mark += 1;
        let mark = Mark { number: self.last_mark, step: self.step, log_len: self.log.len() };
        self.lookers.marks.push(mark);
        mark.number
    }

    /// Takes back what was written after a savepoint, which stays; those set after it go. `None`: there is no such savepoint.
    pub(super) fn roll_back(&mut self, number: u64) -> Option<()> {
        let at = self.find_mark(number)?;
        let mark = self.lookers.marks[at];
        self.lookers.marks.truncate(at + 1);
        for (space, key) in self.log.drain(mark.log_len..) {
            let chains = &mut self.spaces[space];
            let Some(chain) = chains.get_mut(&key) else { continue };
            chain.cut(mark.step);
            if chain.is_empty() {
                chains.remove(&key);
            }
        }
        Some(())
    }

    /// Forgets a savepoint and those set after it; what was written stays. `None`: there is no such savepoint.
    ///
    /// Their part of the log becomes that of the savepoint before, less the keys that are there already: those with a
    /// write between it and the savepoint that logged them. Such a write is still in its chain, as that savepoint looks
    /// at it. One pass over the log, however many savepoints go.
    pub(super) fn release(&mut self, number: u64) -> Option<()> {
        let at = self.find_mark(number)?;
        let released = self.lookers.marks.split_off(at);
        let Some(before) = self.lookers.marks.last() else {
            self.log.clear();
            return Some(());
        };
        let mut kept = released.first()?.log_len;
        for (place, mark) in released.iter().enumerate() {
            let end = released.get(place + 1).map_or(self.log.len(), |next| next.log_len);
            for at in mark.log_len..end {
                let (space, key) = &self.log[at];
                let seen = self.spaces[*space].get(key).and_then(|chain| chain.at(mark.step));
                if seen.is_none_or(|(step, _)| *step <= before.step) {
                    self.log.swap(kept, at);
                    kept += 1;
                }
            }
        }
        self.log.truncate(kept);
        Some(())
    }

    fn find_mark(&self, number: u64) -> Option<usize> {
        self.lookers.marks.binary_search_by_key(&number, |mark| mark.number).ok()
    }

    /// Forgets everything. Numbers of savepoints are not used again.
    pub(super) fn clear(&mut self) {
        *self = Self { last_mark: self.last_mark, ..Self::default() };
    }
}

/// What a looker at `step` sees of a key.
fn seen((key, chain): (&Shared, &Chain), step: Step) -> Option<(Shared, Written)> {
    let (_, written) = chain.at(step)?;
    Some((Arc::clone(key), written.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Savepoints that are set and released in a loop, inside another one, must not let the log grow.
    #[test]
    fn the_log_has_each_key_once_for_each_savepoint_that_is_left() {
        let mut writes = Writes::default();
        writes.mark();
        for round in 0..100 {
            let (outer, _) = (writes.mark(), writes.mark());
            writes.write(0, b"always", None);
            writes.mark();
            writes.write(0, b"always", None);
            writes.write(0, [b'a', round % 3].as_slice(), None);
            writes.release(outer).expect("it is there");
        }
        assert_eq!(writes.log.len(), 4);
        assert_eq!(writes.lookers.marks.len(), 1);
        assert!(writes.spaces[0].values().all(|chain| chain.newest().is_some()));
    }
}
