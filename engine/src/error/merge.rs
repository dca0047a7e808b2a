//! Why a merge was refused.

/// Why a delta could not be merged.
///
/// ```
/// use engine::MergeError;
/// assert_eq!(MergeError::Underflow.to_string(), "the sum would be negative");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A sum greater than the integer can be.
    #[error("the sum is too large for the integer")]
    Overflow,
    /// A sum less than zero.
    #[error("the sum would be negative")]
    Underflow,
    /// A value that is not of the kind that the operation works on.
    #[error("the value, of {len} bytes, is none that this can be merged into")]
    BadValue {
        /// Its length in bytes.
        len: usize,
    },
    /// Bytes that are no delta of the operation.
    #[error("these bytes are no delta of the operation")]
    BadDelta,
    /// An operation that the block was not opened with.
    #[error("the block has no such merge operation")]
    UnknownOp,
    /// What the operation of a caller says.
    #[error("refused: {0}")]
    Refused(Box<str>),
}

impl MergeError {
    /// What an operation of a caller says.
    ///
    /// ```
    /// let error = engine::MergeError::refused("not on a Sunday");
    /// assert_eq!(error.to_string(), "refused: not on a Sunday");
    /// ```
    pub fn refused(reason: impl Into<Box<str>>) -> Self {
        Self::Refused(reason.into())
    }
}
