//! The first file of a directory: what the others are.

use crate::parent::ParentErrorKind;
use std::fmt;

/// The first line: whatever begins otherwise is not ours.
const FIRST: &str = "engine parent\n";

/// Raised when the files beside the marker are no longer what they were; each adapter may raise it.
const FORMAT: u64 = 1;

/// More than a marker of any format will ever have, in bytes.
pub(super) const MAX_BYTES: u64 = 4 << 10;

/// Who keeps a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::parent) enum Adapter {
    Redb,
    Fjall,
}

/// How far a directory has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of ours is there, nor of anybody else.
    Empty,
    /// The files of the engine are being made, or were when somebody died: nobody has committed anything yet.
    Creating,
    /// They are all there.
    Ready,
}

/// Why a marker is refused.
pub(super) type Refused = (ParentErrorKind, String);

impl Adapter {
    fn name(self) -> &'static str {
        match self {
            Self::Redb => "redb",
            Self::Fjall => "fjall",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Redb, Self::Fjall].into_iter().find(|adapter| adapter.name() == name)
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redb => f.write_str("RedbParent"),
            Self::Fjall => f.write_str("FjallParent"),
        }
    }
}

/// The text of a marker.
pub(super) fn written(adapter: Adapter, stage: Stage) -> String {
    let state = if stage == Stage::Ready { "ready" } else { "creating" };
    format!("{FIRST}adapter {}\nformat {FORMAT}\nstate {state}\n", adapter.name())
}

/// How far the directory has come that has this marker, if it is one of `adapter`.
pub(super) fn read(text: &[u8], adapter: Adapter) -> Result<Stage, Refused> {
    let text = String::from_utf8_lossy(text);
    let Some(rest) = text.strip_prefix(FIRST) else {
        return Err(unlike(&text));
    };
    let line = |name: &str| {
        let mut lines = rest.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    };
    let made_by = line("adapter").and_then(Adapter::named);
    if let Some(other) = made_by.filter(|&made_by| made_by != adapter) {
        return Err((ParentErrorKind::Foreign, format!("it was made by {other}")));
    }
    match line("format").and_then(|format| format.parse::<u64>().ok()) {
        Some(newer @ FORMAT..) if newer > FORMAT => {
            let formats = format!("its format is {newer}, and {FORMAT} is the last that is known");
            return Err((ParentErrorKind::NewerFormat, formats));
        }
        Some(FORMAT) if made_by.is_some() => {}
        _ => return Err(unreadable()),
    }
    match line("state") {
        Some("ready") => Ok(Stage::Ready),
        Some("creating") => Ok(Stage::Creating),
        _ => Err(unreadable()),
    }
}

fn unlike(text: &str) -> Refused {
    // One of ours that was cut off; an empty file could be anybody's.
    if !text.is_empty() && FIRST.starts_with(text) {
        return unreadable();
    }
    (ParentErrorKind::Foreign, "its file PARENT is not of this program".into())
}

fn unreadable() -> Refused {
    (ParentErrorKind::Damaged, "its file PARENT cannot be understood".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Result<Stage, ParentErrorKind> {
        read(text.as_bytes(), Adapter::Redb).map_err(|(kind, _)| kind)
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(kind(&written(Adapter::Redb, Stage::Creating)), Ok(Stage::Creating));
        let ready = written(Adapter::Redb, Stage::Ready);
        assert_eq!(kind(&ready), Ok(Stage::Ready));
        assert!(ready.len() as u64 <= MAX_BYTES);
    }

    #[test]
    fn others_are_refused_and_named() {
        let (kind_of, why) =
            read(written(Adapter::Fjall, Stage::Ready).as_bytes(), Adapter::Redb).unwrap_err();
        assert_eq!(
            (kind_of, why.as_str()),
            (ParentErrorKind::Foreign, "it was made by FjallParent")
        );
        assert_eq!(kind("something else"), Err(ParentErrorKind::Foreign));
        assert_eq!(kind(""), Err(ParentErrorKind::Foreign));
        let newer = written(Adapter::Redb, Stage::Ready).replace("format 1", "format 12");
        assert_eq!(kind(&newer), Err(ParentErrorKind::NewerFormat));
        let unknown = newer.replace("redb", "an adapter of later days");
        assert_eq!(kind(&unknown), Err(ParentErrorKind::NewerFormat));
    }

    #[test]
    fn one_that_was_cut_off_is_never_taken_for_whole() {
        let whole = written(Adapter::Redb, Stage::Ready);
        for length in 1..whole.len() {
            assert_eq!(kind(&whole[..length]), Err(ParentErrorKind::Damaged), "{length}");
        }
        assert_eq!(kind(&whole.replace("format 1", "format 0")), Err(ParentErrorKind::Damaged));
    }
}
