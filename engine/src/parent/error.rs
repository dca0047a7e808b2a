//! What can be wrong with a parent.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

/// What kind of thing a parent has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParentErrorKind {
    /// Somebody else has it open: another process, or another store of this one.
    InUse,
    /// What lies there is something else, and was left as it is.
    Foreign,
    /// It was written by a newer version of this program, or of the engine below, and was left as it is.
    NewerFormat,
    /// What lies there was a parent once, and cannot be read.
    Damaged,
    /// It was made with other choices than those that it is opened with.
    Mismatch,
    /// The operating system forbids it.
    Denied,
    /// The disk is full.
    Full,
    /// Another error of the disk.
    Io,
    /// It was closed.
    Closed,
    /// A key or a value that is longer than it can keep.
    TooLong,
}

impl ParentErrorKind {
    /// Of an error of the operating system.
    ///
    /// ```
    /// use engine::ParentErrorKind;
    /// use std::io::{Error, ErrorKind};
    /// let denied = Error::from(ErrorKind::PermissionDenied);
    /// assert_eq!(ParentErrorKind::of_io(&denied), ParentErrorKind::Denied);
    /// ```
    pub fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::Denied,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full
            }
            ErrorKind::WouldBlock | ErrorKind::ResourceBusy => Self::InUse,
            _ => Self::Io,
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::InUse => "somebody else has it open",
            Self::Foreign => "what lies there is no store",
            Self::NewerFormat => "it was written by a newer version",
            Self::Damaged => "it is damaged",
            Self::Mismatch => "it was made with other choices",
            Self::Denied => "permission denied",
            Self::Full => "the disk is full",
            Self::Io => "the disk failed",
            Self::Closed => "it is closed",
            Self::TooLong => "a key or a value is too long for it",
        }
    }
}

/// Why a parent could not do what it was asked: what was tried, where, and what came in between.
///
/// ```
/// use engine::{ParentError, ParentErrorKind};
/// let error = ParentError::new(ParentErrorKind::Full, "write a batch").at("/var/ledger").because("28 bytes short");
/// assert_eq!(error.kind(), ParentErrorKind::Full);
/// assert_eq!(error.to_string(), "cannot write a batch at /var/ledger: the disk is full: 28 bytes short");
/// ```
#[derive(Debug)]
pub struct ParentError {
    kind: ParentErrorKind,
    action: &'static str,
    path: Option<PathBuf>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl ParentError {
    /// `action` completes "cannot ..".
    ///
    /// ```
    /// # use engine::{ParentError, ParentErrorKind};
    /// let error = ParentError::new(ParentErrorKind::Closed, "write");
    /// assert_eq!(error.to_string(), "cannot write: it is closed");
    /// ```
    pub fn new(kind: ParentErrorKind, action: &'static str) -> Self {
        Self { kind, action, path: None, cause: None }
    }

    /// An error of the operating system.
    ///
    /// ```
    /// # use engine::{ParentError, ParentErrorKind};
    /// let error = ParentError::io(std::io::ErrorKind::StorageFull.into(), "write");
    /// assert_eq!(error.kind(), ParentErrorKind::Full);
    /// ```
    pub fn io(error: std::io::Error, action: &'static str) -> Self {
        Self::new(ParentErrorKind::of_io(&error), action).because(error)
    }

    /// Names the place.
    ///
    /// ```
    /// # use engine::{ParentError, ParentErrorKind};
    /// let error = ParentError::new(ParentErrorKind::Denied, "read").at("/var/ledger");
    /// assert_eq!(error.to_string(), "cannot read at /var/ledger: permission denied");
    /// ```
    #[must_use]
    pub fn at(mut self, path: impl AsRef<Path>) -> Self {
        self.path = Some(path.as_ref().to_path_buf());
        self
    }

    /// Names the cause.
    ///
    /// ```
    /// # use engine::{ParentError, ParentErrorKind};
    /// let error = ParentError::new(ParentErrorKind::Io, "read").because("no answer");
    /// assert_eq!(error.to_string(), "cannot read: the disk failed: no answer");
    /// ```
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What kind of thing it is.
    ///
    /// ```
    /// # use engine::{ParentError, ParentErrorKind};
    /// let error = ParentError::new(ParentErrorKind::InUse, "open");
    /// assert_eq!(error.kind(), ParentErrorKind::InUse);
    /// ```
    pub fn kind(&self) -> ParentErrorKind {
        self.kind
    }

    /// Where, if that is known.
    ///
    /// ```
    /// # use engine::{ParentError, ParentErrorKind};
    /// let error = ParentError::new(ParentErrorKind::InUse, "open").at("/var/ledger");
    /// assert_eq!(error.path().unwrap(), "/var/ledger");
    /// ```
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl fmt::Display for ParentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.action)?;
        if let Some(path) = &self.path {
            write!(f, " at {}", path.display())?;
        }
        write!(f, ": {}", self.kind.says())?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl Error for ParentError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Its text is in this one's: who prints a chain of sources would say it twice.
        self.cause.as_deref().and_then(Error::source)
    }
}
