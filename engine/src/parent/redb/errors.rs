//! The errors of redb, as those of a parent.

use crate::parent::{ParentError, ParentErrorKind};
use redb::Error;
use std::io::ErrorKind;
use std::path::Path;

/// `action` completes "cannot ..".
pub(super) fn error(cause: impl Into<Error>, action: &'static str, path: &Path) -> ParentError {
    let cause = cause.into();
    ParentError::new(kind(&cause), action).at(path).because(cause)
}

fn kind(error: &Error) -> ParentErrorKind {
    match error {
        Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => ParentErrorKind::InUse,
        Error::ValueTooLarge(_) => ParentErrorKind::TooLong,
        Error::UpgradeRequired(_) => ParentErrorKind::Mismatch,
        Error::Io(error) => match error.kind() {
            // It reads only what it has written: a file that ends before that was cut off.
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => ParentErrorKind::Damaged,
            // The directory is ours, and is marked as whole.
            ErrorKind::NotFound => ParentErrorKind::Damaged,
            _ => ParentErrorKind::of_io(error),
        },
        // The tables are made with the file, in one step.
        Error::Corrupted(_)
        | Error::RepairAborted
        | Error::TableDoesNotExist(_)
        | Error::TableTypeMismatch { .. }
        | Error::TableIsMultimap(_)
        | Error::TypeDefinitionChanged { .. } => ParentErrorKind::Damaged,
        _ => ParentErrorKind::Io,
    }
}
