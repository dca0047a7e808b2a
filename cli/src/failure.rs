//! Why the program could not do what it was asked.

use engine::{Error, ParentErrorKind};
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Each says where and why.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// What is there is not what was written.
    #[error("{0}")]
    Damaged(String),
    /// Anything else.
    #[error("{0}")]
    Refused(String),
    /// Nobody reads the output any more. No message, and no failure.
    #[error("nobody reads the output")]
    Unheard,
}

impl Failure {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unheard => ExitCode::SUCCESS,
            Self::NotFound(_) | Self::Damaged(_) => ExitCode::from(1),
            Self::Refused(_) => ExitCode::from(2),
        }
    }

    /// Of something that was done at a place.
    pub fn at(path: &Path, error: Error) -> Self {
        if is_broken_pipe(&error) {
            return Self::Unheard;
        }
        let is_damage = match &error {
            Error::DamagedBackup { .. } => true,
            Error::Parent(error) => error.kind() == ParentErrorKind::Damaged,
            _ => false,
        };
        // A parent names its place, if it knows it.
        let is_named = matches!(&error, Error::Parent(error) if error.path().is_some());
        let message = if is_named { error.to_string() } else { message(path, &error) };
        if is_damage { Self::Damaged(message) } else { Self::Refused(message) }
    }

    /// Of a file.
    pub fn of_file(path: &Path, error: &io::Error) -> Self {
        Self::Refused(message(path, error))
    }

    /// Of the output.
    pub fn of_output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unheard,
            _ => Self::Refused(format!("the output: {error}")),
        }
    }
}

fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::BackupIo { action: "write", error, .. } if error.kind() == io::ErrorKind::BrokenPipe)
}

fn message(path: &Path, error: &dyn std::error::Error) -> String {
    format!("{}: {error}", path.display())
}
