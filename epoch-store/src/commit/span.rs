//! Keys that a commit deletes without naming them (I-33).

use crate::list::Within;
use std::ops::Bound;

/// The keys of a space from `from` on, and below `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The key space.
    pub space: u32,
    /// The lowest key; the empty key is below all others.
    pub from: Box<[u8]>,
    /// The first key that is spared; `None`: there is none.
    pub to: Option<Box<[u8]>>,
    /// What was written at this stamp or later is spared.
    pub first_spared: u64,
}

impl Span {
    /// All keys of a space between two bounds, whenever they were written.
    pub fn new(space: u32, from: Box<[u8]>, to: Option<Box<[u8]>>) -> Self {
        Self { space, from, to, first_spared: u64::MAX }
    }

    /// Its bounds, as a leaf is asked for them.
    pub fn within(&self) -> Within<'_> {
        let to = self.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        Within { from: Bound::Included(&self.from), to }
    }

    /// Bytes that it takes besides itself.
    pub(super) fn bytes(&self) -> usize {
        self.from.len() + self.to.as_ref().map_or(0, |to| to.len())
    }
}
