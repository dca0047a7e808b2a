//! The errors of fjall, as those of a parent.

use crate::parent::{ParentError, ParentErrorKind};
use fjall::{Error, LsmError};
use std::io::ErrorKind;
use std::path::Path;

/// `action` completes "cannot ..".
pub(super) fn error(cause: Error, action: &'static str, path: &Path) -> ParentError {
    let kind = match &cause {
        Error::Locked => ParentErrorKind::InUse,
        Error::Poisoned => ParentErrorKind::Io,
        Error::InvalidVersion(Some(_)) => ParentErrorKind::Mismatch,
        Error::Io(error) | Error::Storage(LsmError::Io(error)) => of_io(error),
        _ => ParentErrorKind::Damaged,
    };
    ParentError::new(kind, action).at(path).because(words(cause))
}

fn of_io(error: &std::io::Error) -> ParentErrorKind {
    match error.kind() {
        // It reads only what it has written: a file that is not there, or ends before that, was lost or cut off. Where one is too
        // short for its last part, that is sought before the beginning.
        ErrorKind::InvalidData
        | ErrorKind::UnexpectedEof
        | ErrorKind::NotFound
        | ErrorKind::InvalidInput => ParentErrorKind::Damaged,
        _ => ParentErrorKind::of_io(error),
    }
}

/// What fjall prints of its errors is their structure.
fn words(cause: Error) -> Box<dyn std::error::Error + Send + Sync> {
    match cause {
        Error::Io(error) | Error::Storage(LsmError::Io(error)) => error.into(),
        Error::Poisoned => "an earlier write has failed".into(),
        Error::Unrecoverable | Error::Storage(LsmError::Unrecoverable) => {
            "files are missing".into()
        }
        other => other.into(),
    }
}
