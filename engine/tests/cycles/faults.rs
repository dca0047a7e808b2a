//! Damage, one kind at a time, to a history that was correct.
//!
//! Each fault is put where a real bug of its kind could have put it, at a place drawn at random among those that fit.

use super::{By, History, Id, Key, Stamp, Transaction};
use std::collections::BTreeMap;

/// What can be put into a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A value is read that nobody has committed.
    DirtyRead,
    /// Two commits get the same version.
    SharedVersion,
    /// A transaction that overwrites what it has read has read an older value: it has missed a write of another.
    LostUpdate,
    /// Of two keys that one commit has written, a transaction has seen one new and one old.
    ReadSkew,
    /// A range does not show a key that was put by a commit of which something else was seen.
    Phantom,
    /// Two commits change places.
    Order,
}

impl Fault {
    pub const ALL: [Self; 6] = [
        Self::DirtyRead,
        Self::SharedVersion,
        Self::LostUpdate,
        Self::ReadSkew,
        Self::Phantom,
        Self::Order,
    ];
}

/// What each key had, by version, oldest first.
type Versions = BTreeMap<Key, Vec<(Stamp, Option<Id>)>>;

/// Puts a fault into a history. False: there is no place for it.
pub fn seed(history: &mut History, fault: Fault, rng: &mut fastrand::Rng) -> bool {
    rng.shuffle(&mut history.transactions);
    let versions = versions_of(history);
    let transactions = &mut history.transactions;
    match fault {
        Fault::DirtyRead => {
            let read =
                transactions.iter_mut().flat_map(|transaction| &mut transaction.reads).next();
            read.map(|read| read.value = Some(Id::MAX)).is_some()
        }
        Fault::SharedVersion => {
            let mut commits = transactions.iter_mut().filter_map(|txn| txn.version.as_mut());
            let (Some(one), Some(other)) = (commits.next(), commits.next()) else { return false };
            *one = *other;
            true
        }
        Fault::LostUpdate => transactions.iter_mut().any(|transaction| {
            let writes = transaction.writes.clone();
            let overwrites = |key: Key| writes.iter().any(|(written, _)| *written == key);
            age(transaction, &versions, |key, _| overwrites(key))
        }),
        Fault::ReadSkew => {
            let together = written_together(transactions);
            transactions.iter_mut().any(|transaction| {
                let seen: Vec<_> = transaction.reads.iter().filter_map(|read| read.value).collect();
                age(transaction, &versions, |key, value| {
                    let others = value.and_then(|value| together.get(&value));
                    let mut others = others.into_iter().flatten();
                    others.any(|(other, id)| *other != key && seen.contains(id))
                })
            })
        }
        Fault::Phantom => phantom(transactions, &versions),
        Fault::Order => order(transactions),
    }
}

fn versions_of(history: &History) -> Versions {
    let mut versions = Versions::new();
    for transaction in &history.transactions {
        for &(key, value) in &transaction.writes {
            let stamp = transaction.version.expect("who writes commits");
            versions.entry(key).or_default().push((stamp, value));
        }
    }
    versions.values_mut().for_each(|versions| versions.sort_unstable());
    versions
}

/// By each value the keys and values that were committed together with it.
fn written_together(transactions: &[Transaction]) -> BTreeMap<Id, Vec<(Key, Id)>> {
    let mut together = BTreeMap::new();
    for transaction in transactions {
        let puts = transaction.writes.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        let puts: Vec<_> = puts.collect();
        together.extend(puts.iter().map(|(_, id)| (*id, puts.clone())));
    }
    together
}

/// Replaces a value that was read, and that fits, by the one before it.
fn age(
    transaction: &mut Transaction,
    versions: &Versions,
    fits: impl Fn(Key, Option<Id>) -> bool,
) -> bool {
    for read in &mut transaction.reads {
        let Some(value) = read.value else { continue };
        let versions = &versions[&read.key];
        let at = versions.iter().position(|(_, written)| *written == Some(value));
        let before = at.and_then(|at| at.checked_sub(1)).map(|before| versions[before].1);
        if let (Some(Some(older)), true) = (before, fits(read.key, read.value)) {
            read.value = Some(older);
            return true;
        }
    }
    false
}

/// The first value that a key ever had is gone from a range, but not what was committed together with it.
fn phantom(transactions: &mut [Transaction], versions: &Versions) -> bool {
    let together = written_together(transactions);
    for transaction in transactions {
        let seen: Vec<_> = transaction.reads.iter().filter_map(|read| read.value).collect();
        for read in transaction.reads.iter_mut().filter(|read| read.by == By::Range) {
            let Some(value) = read.value else { continue };
            let others = together.get(&value).into_iter().flatten();
            let with_others =
                others.into_iter().any(|(key, id)| *key != read.key && seen.contains(id));
            if with_others && versions[&read.key][0].1 == Some(value) {
                read.value = None;
                return true;
            }
        }
    }
    false
}

/// The commits of a writer and of one who has read its value and put another change places.
fn order(transactions: &mut [Transaction]) -> bool {
    for reader in 0..transactions.len() {
        for read in transactions[reader].reads.clone() {
            let Some(value) = read.value else { continue };
            let wrote = |txn: &Transaction| txn.writes.contains(&(read.key, Some(value)));
            let put = |(key, value): &(Key, Option<Id>)| *key == read.key && value.is_some();
            let overwrites = |txn: &Transaction| txn.writes.iter().any(put);
            let Some(writer) = transactions.iter().position(wrote) else { continue };
            if overwrites(&transactions[reader]) {
                let version = transactions[reader].version;
                transactions[reader].version = transactions[writer].version;
                transactions[writer].version = version;
                return true;
            }
        }
    }
    false
}
