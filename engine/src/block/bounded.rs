//! Merges that are made only if their result stays within bounds: the question, as it is remembered, and its answer.

use super::merge::Ops;
use crate::MergeError;
use std::cmp::Ordering;
use std::ops::Bound;

/// Whether a bounded merge was made; from [`View::merge_bounded`](crate::View::merge_bounded).
///
/// ```
/// use engine::{Block, Delta, MergeId, MergeOutcome, Store};
/// let block = Block::builder(&Store::in_memory()).open(1)?;
/// let outcome = block.view(0, 1).merge_bounded(MergeId::ADD_U64, "k", Delta::plus(3u8), ..=[0; 8])?;
/// assert_eq!(outcome, MergeOutcome::Refused);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a merge that was refused changes nothing"]
pub enum MergeOutcome {
    /// It was made.
    Applied,
    /// The value would have left the bounds, or what its integer can hold: nothing was changed.
    Refused,
}

/// What was asked: would `delta`, applied to the value below and what the run itself has merged before, stay within bounds?
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    pub op: u16,
    pub before: Option<&'q [u8]>,
    pub delta: &'q [u8],
    pub bounds: (Bound<&'q [u8]>, Bound<&'q [u8]>),
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Trial {
    Applied,
    Refused,
    Failed(MergeError),
    /// What the run has merged before cannot be applied.
    FailedBefore,
}

impl Question<'_> {
    /// Tries it on the value below. If it stays within bounds, the second buffer has the result.
    pub fn ask(&self, ops: &Ops, below: Option<&[u8]>, buffers: &mut [Vec<u8>; 2]) -> Trial {
        let op = match ops.get(self.op) {
            Ok(op) => op,
            Err(error) => return Trial::Failed(error),
        };
        let [before, after] = buffers;
        before.clear();
        after.clear();
        let value = match self.before {
            None => below,
            Some(delta) if op.apply(below, delta, before).is_err() => return Trial::FailedBefore,
            Some(_) => Some(&before[..]),
        };
        match op.apply(value, self.delta, after) {
            Ok(()) if self.is_inside(|bound| op.compare(after, bound)) => Trial::Applied,
            Ok(()) | Err(MergeError::Overflow | MergeError::Underflow) => Trial::Refused,
            Err(error) => Trial::Failed(error),
        }
    }

    fn is_inside(&self, compare: impl Fn(&[u8]) -> Ordering) -> bool {
        let (lo, hi) = self.bounds;
        let above = match lo {
            Bound::Unbounded => true,
            Bound::Included(lo) => compare(lo).is_ge(),
            Bound::Excluded(lo) => compare(lo).is_gt(),
        };
        above
            && match hi {
                Bound::Unbounded => true,
                Bound::Included(hi) => compare(hi).is_le(),
                Bound::Excluded(hi) => compare(hi).is_lt(),
            }
    }

    /// Question and answer as bytes: the answer first.
    pub fn encode(&self, trial: &Trial, out: &mut Vec<u8>) {
        field(out, |out| answer(trial, out));
        out.extend_from_slice(&self.op.to_be_bytes());
        out.push(u8::from(self.before.is_some()));
        field(out, |out| out.extend_from_slice(self.before.unwrap_or_default()));
        field(out, |out| out.extend_from_slice(self.delta));
        for bound in [self.bounds.0, self.bounds.1] {
            let (tag, key): (u8, &[u8]) = match bound {
                Bound::Unbounded => (0, &[]),
                Bound::Included(key) => (1, key),
                Bound::Excluded(key) => (2, key),
            };
            out.push(tag);
            field(out, |out| out.extend_from_slice(key));
        }
    }
}

/// A question that was remembered, and the answer it got.
pub fn decode(note: &[u8]) -> Option<(Question<'_>, &[u8])> {
    let mut rest = note;
    let answer = take_field(&mut rest)?;
    let op = u16::from_be_bytes(*take(&mut rest, 2)?.first_chunk()?);
    let has_before = take(&mut rest, 1)? == [1];
    let before = take_field(&mut rest)?;
    let delta = take_field(&mut rest)?;
    let bounds = (take_bound(&mut rest)?, take_bound(&mut rest)?);
    Some((Question { op, before: has_before.then_some(before), delta, bounds }, answer))
}

/// Whether an answer is still the one that was given.
pub fn is_answer(trial: &Trial, given: &[u8]) -> bool {
    let mut bytes = Vec::new();
    answer(trial, &mut bytes);
    bytes == given
}

fn answer(trial: &Trial, out: &mut Vec<u8>) {
    match trial {
        Trial::Applied => out.push(0),
        Trial::Refused => out.push(1),
        Trial::Failed(error) => {
            out.push(2);
            out.extend_from_slice(error.to_string().as_bytes());
        }
        Trial::FailedBefore => out.push(3),
    }
}

/// What `write` appends, with its length before it.
fn field(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let len = u32::try_from(out.len() - start - 4).expect("no longer than a value");
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
}

fn take<'n>(rest: &mut &'n [u8], len: usize) -> Option<&'n [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

fn take_field<'n>(rest: &mut &'n [u8]) -> Option<&'n [u8]> {
    let len = u32::from_be_bytes(*take(rest, 4)?.first_chunk()?);
    take(rest, len as usize)
}

fn take_bound<'n>(rest: &mut &'n [u8]) -> Option<Bound<&'n [u8]>> {
    let tag = *take(rest, 1)?.first()?;
    let key = take_field(rest)?;
    Some(match tag {
        1 => Bound::Included(key),
        2 => Bound::Excluded(key),
        _ => Bound::Unbounded,
    })
}

#[cfg(test)]
mod tests {
    use super::super::merge::{Delta, MergeId};
    use super::*;

    #[test]
    fn questions_come_back_as_they_were_asked() {
        let (delta, lo) = (Delta::plus(5u8), 7u64.to_be_bytes());
        for before in [None, Some(&b""[..]), Some(&b"before"[..])] {
            for bounds in [
                (Bound::Unbounded, Bound::Unbounded),
                (Bound::Included(&lo[..]), Bound::Excluded(&lo[..])),
            ] {
                let asked = Question { op: 1, before, delta: delta.as_ref(), bounds };
                let mut note = Vec::new();
                asked.encode(&Trial::Failed(MergeError::BadDelta), &mut note);
                let (read, answer) = decode(&note).unwrap();
                assert_eq!((read.op, read.before, read.delta), (1, before, delta.as_ref()));
                assert_eq!(read.bounds, bounds);
                assert!(is_answer(&Trial::Failed(MergeError::BadDelta), answer));
                assert!(!is_answer(&Trial::Failed(MergeError::UnknownOp), answer));
            }
        }
    }

    #[test]
    fn a_merge_stays_within_its_bounds_or_is_refused() {
        let ops = Ops::default();
        let (lo, hi) = (5u64.to_be_bytes(), 9u64.to_be_bytes());
        let try_on = |below: u64, delta: Delta| {
            let bounds = (Bound::Included(&lo[..]), Bound::Excluded(&hi[..]));
            let MergeId(op) = MergeId::ADD_U64;
            let question = Question { op, before: None, delta: delta.as_ref(), bounds };
            question.ask(&ops, Some(&below.to_be_bytes()), &mut Default::default())
        };
        assert_eq!(try_on(3, Delta::plus(1u8)), Trial::Refused);
        assert_eq!(try_on(3, Delta::plus(2u8)), Trial::Applied);
        assert_eq!(try_on(3, Delta::plus(5u8)), Trial::Applied);
        assert_eq!(try_on(3, Delta::plus(6u8)), Trial::Refused);
        assert_eq!(try_on(3, Delta::minus(4u8)), Trial::Refused); // not an error: there is a bound
    }
}
