//! What a transaction sees at a key: a version as it stands, or one that several merges make.

use super::merge::Ops;
use epoch_store::block::{KeyRef, Seen, State};

/// What there is to see.
#[derive(Debug, Clone, Copy)]
pub enum Look<'b> {
    /// A version, or what the snapshot below has: whose, and the value if there is one.
    Plain(Seen<'b>, Option<&'b [u8]>),
    /// A value that merges make: the newest of them. The value is in [`Folder::value`].
    Folded(Seen<'b>),
    /// A transaction that is about to be run again wrote here.
    Estimate(u32),
    /// A merge that cannot be applied: that of this transaction. It will be run again.
    Failed(u32),
}

/// Where values are put together. Its memory is used again.
#[derive(Debug, Default)]
pub struct Folder<'b> {
    /// The merges, newest first: who, by which operation, what.
    deltas: Vec<(u32, u16, &'b [u8])>,
    value: Vec<u8>,
    other: Vec<u8>,
}

impl<'b> Folder<'b> {
    /// What transaction `idx` sees.
    #[inline]
    pub fn look(&mut self, ops: &Ops, key: KeyRef<'b>, idx: u32) -> Look<'b> {
        let seen = key.visible(idx);
        match plain(key, seen) {
            Some(look) => look,
            None => self.fold(ops, key, idx),
        }
    }

    /// The value that was put together last.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// From the newest merge down to something that stands by itself, and up again.
    fn fold(&mut self, ops: &Ops, key: KeyRef<'b>, idx: u32) -> Look<'b> {
        self.deltas.clear();
        let mut newest = None;
        let mut base = None;
        for seen in key.below(idx) {
            if let State::Merge { op, delta } = seen.get() {
                newest.get_or_insert(seen);
                self.deltas.push((seen.writer().unwrap_or_default(), op, delta));
                continue;
            }
            let Some(look) = plain(key, seen) else { continue };
            // While this thread looked, what was a merge may have become a value.
            let (Look::Plain(_, value), Some(_)) = (look, newest) else { return look };
            base = value;
            break;
        }
        let Some(newest) = newest else { return Look::Plain(key.unwritten(), key.base()) };
        match self.apply_all(ops, base) {
            Ok(()) => Look::Folded(newest),
            Err(writer) => Look::Failed(writer),
        }
    }

    fn apply_all(&mut self, ops: &Ops, mut base: Option<&'b [u8]>) -> Result<(), u32> {
        let mut is_begun = false;
        for &(writer, op, delta) in self.deltas.iter().rev() {
            self.other.clear();
            let below = if is_begun { Some(&self.value[..]) } else { base.take() };
            let op = ops.get(op).map_err(|_| writer)?;
            op.apply(below, delta, &mut self.other).map_err(|_| writer)?;
            std::mem::swap(&mut self.value, &mut self.other);
            is_begun = true;
        }
        Ok(())
    }
}

/// What stands by itself; `None`: a merge.
#[inline]
pub fn plain<'b>(key: KeyRef<'b>, seen: Seen<'b>) -> Option<Look<'b>> {
    Some(match seen.get() {
        State::Base => Look::Plain(seen, key.base()),
        State::Value(value) => Look::Plain(seen, Some(value)),
        State::Deleted => Look::Plain(seen, None),
        State::Estimate { writer } => Look::Estimate(writer),
        State::Merge { .. } => return None,
    })
}

/// The value of a version that stands by itself, if it has one; `None`: it is merged, or an estimate.
#[inline(always)]
pub fn standing<'b>(key: KeyRef<'b>, seen: Seen<'b>) -> Option<Option<&'b [u8]>> {
    match seen.get() {
        State::Base => Some(key.base()),
        State::Value(value) => Some(Some(value)),
        State::Deleted => Some(None),
        State::Estimate { .. } | State::Merge { .. } => None,
    }
}
