//! Signed amounts, as the built-in additions take them.

use super::wide::Wide;
use std::fmt;

/// The most bytes of a magnitude that users give: 256 bits.
const MAGNITUDE: usize = 32;
/// What the first byte of a delta says.
const PLUS: u8 = 0;
const MINUS: u8 = 1;
/// Several, one after the other: the lowest and the highest that their sum ever was, and what it was in the end.
const SEVERAL: u8 = 2;

/// An amount to add or to take away: what [`View::merge`](crate::View::merge) takes with
/// [`MergeId::ADD_U64`](crate::MergeId::ADD_U64) and its kin.
///
/// Written as bytes, it is a sign (0: plus, 1: minus) and the magnitude, big-endian, without leading zeros, at most 32 bytes.
///
/// ```
/// use engine::Delta;
/// assert_eq!(Delta::plus(258u32).as_ref(), [0, 1, 2]);
/// assert_eq!(Delta::minus(0u8), Delta::plus(0u128));
/// assert_eq!(Delta::plus_be(&[0; 40]), Some(Delta::plus(0u8)));
/// assert_eq!(Delta::plus_be(&[1; 33]), None); // more than 256 bits
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Delta {
    bytes: [u8; 1 + MAGNITUDE],
    len: u8,
}

impl Delta {
    /// To be added.
    ///
    /// ```
    /// use engine::{Block, Delta, MergeId, Store};
    /// let block = Block::builder(&Store::in_memory()).open(1)?;
    /// let mut view = block.view(0, 1);
    /// view.merge(MergeId::ADD_U64, "alice", Delta::plus(7u64))?;
    /// assert_eq!(view.get("alice")?, Some(&7u64.to_be_bytes()[..]));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn plus(amount: impl Into<u128>) -> Self {
        Self::of(PLUS, &amount.into().to_be_bytes())
    }

    /// To be taken away.
    ///
    /// ```
    /// use engine::{Abort, Block, Delta, MergeError, MergeId, Store};
    /// let block = Block::builder(&Store::in_memory()).open(1)?;
    /// let mut view = block.view(0, 1);
    /// view.put("alice", 7u64.to_be_bytes())?;
    /// view.merge(MergeId::ADD_U64, "alice", Delta::minus(5u64))?;
    /// assert_eq!(view.get("alice")?, Some(&2u64.to_be_bytes()[..]));
    /// let refused = view.merge(MergeId::ADD_U64, "alice", Delta::minus(3u64)).unwrap_err();
    /// assert_eq!(refused, Abort::Merge(MergeError::Underflow));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn minus(amount: impl Into<u128>) -> Self {
        Self::of(MINUS, &amount.into().to_be_bytes())
    }

    /// To be added: a magnitude of at most 256 bits, big-endian. `None`: it is larger.
    ///
    /// ```
    /// use engine::Delta;
    /// assert_eq!(Delta::plus_be(&[0, 0, 1, 2]), Some(Delta::plus(258u32)));
    /// ```
    pub fn plus_be(magnitude: &[u8]) -> Option<Self> {
        Self::of_be(PLUS, magnitude)
    }

    /// To be taken away: a magnitude of at most 256 bits, big-endian. `None`: it is larger.
    ///
    /// ```
    /// use engine::Delta;
    /// assert_eq!(Delta::minus_be(&[1, 2]), Some(Delta::minus(258u32)));
    /// ```
    pub fn minus_be(magnitude: &[u8]) -> Option<Self> {
        Self::of_be(MINUS, magnitude)
    }

    fn of_be(sign: u8, magnitude: &[u8]) -> Option<Self> {
        (stripped(magnitude).len() <= MAGNITUDE).then(|| Self::of(sign, magnitude))
    }

    /// Of a magnitude that fits, but for leading zeros.
    fn of(sign: u8, magnitude: &[u8]) -> Self {
        let magnitude = stripped(magnitude);
        let mut bytes = [0; 1 + MAGNITUDE];
        bytes[0] = if magnitude.is_empty() { PLUS } else { sign };
        bytes[1..=magnitude.len()].copy_from_slice(magnitude);
        let len = u8::try_from(1 + magnitude.len()).expect("at most 33");
        Self { bytes, len }
    }
}

impl AsRef<[u8]> for Delta {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, magnitude) = self.as_ref().split_first().unwrap_or((&PLUS, &[]));
        f.write_str(if *sign == MINUS { "-0x" } else { "+0x" })?;
        magnitude.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn stripped(magnitude: &[u8]) -> &[u8] {
    let zeros = magnitude.iter().take_while(|&&byte| byte == 0).count();
    &magnitude[zeros..]
}

/// One delta or several in a row: how far the sum goes down and up on its way, and where it ends. So what is applied at
/// once fails exactly where one of its parts would have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    /// At most zero.
    pub(super) lowest: Wide,
    /// At least zero.
    pub(super) highest: Wide,
    pub(super) total: Wide,
}

impl Steps {
    /// `None`: the bytes are none.
    pub(super) fn decode(delta: &[u8]) -> Option<Self> {
        let (&tag, rest) = delta.split_first()?;
        match tag {
            PLUS | MINUS if rest.len() <= MAGNITUDE => {
                let size = Wide::from_be(rest)?;
                let total = if tag == MINUS { size.negated() } else { size };
                let (lowest, highest) = (total.min(Wide::ZERO), total.max(Wide::ZERO));
                Some(Self { lowest, highest, total })
            }
            SEVERAL => {
                let (lowest, rest) = field(rest)?;
                let (highest, rest) = field(rest)?;
                let (total, rest) = field(rest)?;
                let is_order = lowest <= Wide::ZERO && Wide::ZERO <= highest;
                let is_inside = lowest <= total && total <= highest;
                let is_right = rest.is_empty() && is_order && is_inside;
                is_right.then_some(Self { lowest, highest, total })
            }
            _ => None,
        }
    }

    /// Whether these are the bytes of one delta, as callers make them: several in a row are this module's own.
    pub(super) fn is_one(delta: &[u8]) -> bool {
        delta.first() != Some(&SEVERAL) && Self::decode(delta).is_some()
    }

    pub(super) fn then(self, next: Self) -> Self {
        let reach = |step: Wide| self.total.plus(step);
        Self {
            lowest: self.lowest.min(reach(next.lowest)),
            highest: self.highest.max(reach(next.highest)),
            total: reach(next.total),
        }
    }

    pub(super) fn encode(self, out: &mut Vec<u8>) {
        out.push(SEVERAL);
        for number in [self.lowest, self.highest, self.total] {
            let size = if number.is_negative() { number.negated() } else { number }.to_be();
            let size = stripped(&size);
            out.push(if number.is_negative() { MINUS } else { PLUS });
            out.push(u8::try_from(size.len()).expect("at most 40"));
            out.extend_from_slice(size);
        }
    }
}

/// A number with its sign and length, and what comes behind it.
fn field(bytes: &[u8]) -> Option<(Wide, &[u8])> {
    let (&[sign, len], rest) = bytes.split_first_chunk()?;
    let (size, rest) = rest.split_at_checked(usize::from(len))?;
    let size = Wide::from_be(size)?;
    Some((if sign == MINUS { size.negated() } else { size }, rest))
}
