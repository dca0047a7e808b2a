//! Writes that are merged into whatever is there: additions, and what callers define.

mod add;
mod delta;
mod wide;

pub use delta::Delta;

use crate::MergeError;
use add::Add;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// How deltas are merged into a value, for [`View::merge`](crate::View::merge).
///
/// Two transactions that merge into one key are not in each other's way: nothing is read before somebody asks for the value.
///
/// *What must hold*, for all values and deltas: applying `first` and then `then` does what applying their combination does,
/// and fails if and only if that fails. Both depend on their arguments alone, and do not panic.
///
/// ```
/// use engine::{Block, MergeError, MergeOp, Store};
/// /// Keeps the greatest.
/// struct Max;
/// impl MergeOp for Max {
///     fn combine(&self, first: &[u8], then: &[u8], out: &mut Vec<u8>) {
///         out.extend_from_slice(first.max(then));
///     }
///     fn apply(&self, base: Option<&[u8]>, delta: &[u8], out: &mut Vec<u8>) -> Result<(), MergeError> {
///         out.extend_from_slice(base.unwrap_or(delta).max(delta));
///         Ok(())
///     }
/// }
/// let store = Store::in_memory();
/// let mut builder = Block::builder(&store);
/// let max = builder.merge_op(Max);
/// let block = builder.open(2)?;
/// for index in 0..2 {
///     let mut view = block.view(index, 1);
///     view.merge(max, "highest bid", [[7], [3]][index as usize])?;
///     block.publish(view)?;
/// }
/// block.seal()?;
/// assert_eq!(store.snapshot().get("highest bid")?.unwrap(), [7]);
/// # Ok::<(), engine::Error>(())
/// ```
pub trait MergeOp: Send + Sync + 'static {
    /// Appends to `out` one delta for two, of which `first` comes first.
    ///
    /// ```
    /// use engine::{MergeError, MergeOp};
    /// struct Append;
    /// impl MergeOp for Append {
    ///     fn combine(&self, first: &[u8], then: &[u8], out: &mut Vec<u8>) {
    ///         out.extend([first, then].concat());
    ///     }
    ///     fn apply(&self, base: Option<&[u8]>, delta: &[u8], out: &mut Vec<u8>) -> Result<(), MergeError> {
    ///         self.combine(base.unwrap_or_default(), delta, out);
    ///         Ok(())
    ///     }
    /// }
    /// let mut both = vec![];
    /// Append.combine(b"a", b"b", &mut both);
    /// assert_eq!(both, b"ab");
    /// ```
    fn combine(&self, first: &[u8], then: &[u8], out: &mut Vec<u8>);

    /// Appends to `out` the value that `delta` makes of `base`, which is `None` where there is no value.
    ///
    /// # Errors
    /// What makes no value of it: the merge is refused then, and its transaction told so.
    ///
    /// ```
    /// use engine::{MergeError, MergeOp};
    /// struct AtMostThree;
    /// impl MergeOp for AtMostThree {
    ///     fn combine(&self, first: &[u8], then: &[u8], out: &mut Vec<u8>) {
    ///         out.extend([first, then].concat());
    ///     }
    ///     fn apply(&self, base: Option<&[u8]>, delta: &[u8], out: &mut Vec<u8>) -> Result<(), MergeError> {
    ///         out.extend([base.unwrap_or_default(), delta].concat());
    ///         if out.len() > 3 { Err(MergeError::refused("more than three")) } else { Ok(()) }
    ///     }
    /// }
    /// assert!(AtMostThree.apply(Some(b"ab"), b"cd", &mut vec![]).is_err());
    /// ```
    fn apply(&self, base: Option<&[u8]>, delta: &[u8], out: &mut Vec<u8>)
    -> Result<(), MergeError>;

    /// Whether `delta` is one, when it is given. By default everything is.
    ///
    /// # Errors
    /// What is wrong with it.
    ///
    /// ```
    /// use engine::{MergeError, MergeOp};
    /// struct Byte;
    /// impl MergeOp for Byte {
    ///     fn combine(&self, first: &[u8], then: &[u8], out: &mut Vec<u8>) {
    ///         out.push(first[0] ^ then[0]);
    ///     }
    ///     fn apply(&self, base: Option<&[u8]>, delta: &[u8], out: &mut Vec<u8>) -> Result<(), MergeError> {
    ///         out.push(base.map_or(0, |base| base[0]) ^ delta[0]);
    ///         Ok(())
    ///     }
    ///     fn check(&self, delta: &[u8]) -> Result<(), MergeError> {
    ///         if delta.len() == 1 { Ok(()) } else { Err(MergeError::BadDelta) }
    ///     }
    /// }
    /// assert_eq!(Byte.check(b"ab"), Err(MergeError::BadDelta));
    /// ```
    fn check(&self, delta: &[u8]) -> Result<(), MergeError> {
        let _ = delta;
        Ok(())
    }

    /// How values are ordered, for the bounds of [`View::merge_bounded`](crate::View::merge_bounded). By default byte by
    /// byte, as big-endian integers of one width are.
    ///
    /// ```
    /// use engine::{MergeError, MergeOp};
    /// # struct Any;
    /// # impl MergeOp for Any {
    /// #     fn combine(&self, _: &[u8], _: &[u8], _: &mut Vec<u8>) {}
    /// #     fn apply(&self, _: Option<&[u8]>, _: &[u8], _: &mut Vec<u8>) -> Result<(), MergeError> { Ok(()) }
    /// # }
    /// assert!(Any.compare(b"a", b"b").is_lt());
    /// ```
    fn compare(&self, left: &[u8], right: &[u8]) -> Ordering {
        left.cmp(right)
    }
}

/// Names a merge operation of a block: a built-in one, or one that
/// [`BlockBuilder::merge_op`](crate::BlockBuilder::merge_op) was given.
///
/// ```
/// use engine::{Block, MergeId, Store};
/// assert_ne!(MergeId::ADD_U64, MergeId::ADD_U128);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MergeId(pub(super) u16);

impl MergeId {
    /// Adds a [`Delta`] to an unsigned integer of 64 bits: a value of 8 bytes, big-endian. No value counts as zero.
    pub const ADD_U64: Self = Self(0);
    /// Adds a [`Delta`] to an unsigned integer of 128 bits: a value of 16 bytes, big-endian. No value counts as zero.
    pub const ADD_U128: Self = Self(1);
    /// Adds a [`Delta`] to an unsigned integer of 256 bits: a value of 32 bytes, big-endian. No value counts as zero.
    pub const ADD_U256: Self = Self(2);
}

/// The operations of a block, by their numbers.
#[derive(Clone)]
pub(super) struct Ops {
    ops: Vec<Arc<dyn MergeOp>>,
}

impl Default for Ops {
    fn default() -> Self {
        Self { ops: vec![Arc::new(Add::<8>), Arc::new(Add::<16>), Arc::new(Add::<32>)] }
    }
}

impl Ops {
    pub(super) fn add(&mut self, op: impl MergeOp) -> MergeId {
        let id = u16::try_from(self.ops.len()).expect("at most 65,533 merge operations a block");
        self.ops.push(Arc::new(op));
        MergeId(id)
    }

    pub(super) fn get(&self, id: u16) -> Result<&dyn MergeOp, MergeError> {
        self.ops.get(usize::from(id)).map(|op| &**op).ok_or(MergeError::UnknownOp)
    }
}

impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} operations", self.ops.len())
    }
}
