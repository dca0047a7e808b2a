//! Reading everything that a parent has for nothing but its faults.

use super::Stored;
use crate::parent::layout;
use crate::parent::{ParentError, ParentErrorKind};
use crate::shared::{OWN_SPACES, is_reserved};
use crate::{BackupProgress, Error, MAX_KEY_LEN, MAX_SPACE_NAME_LEN, MAX_VALUE_LEN, Version};
use std::collections::HashSet;
use std::ops::Bound;

/// Entries between two reports.
const REPORT: u64 = 1 << 14;
const ACTION: &str = "verify a store";

/// What was read of a parent that has no fault: see [`Stored::verify`].
///
/// ```
/// use engine::{MemoryParent, Stored};
/// let verified = Stored::open(&MemoryParent::new())?.verify(|_| ())?;
/// assert_eq!((verified.entries, verified.bytes, verified.key_spaces), (0, 0, 0));
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The version of the store.
    pub version: Version,
    /// Entries in all key spaces.
    pub entries: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Key spaces, without the default one.
    pub key_spaces: u32,
}

impl Stored {
    /// Reads every entry and looks whether it lies where a store would have put it: under the number of a key space that has a
    /// name, in key order, with a length that a store allows. Whether values are those that were written is what the
    /// parent's own checksums are asked for, by reading them.
    ///
    /// Takes time proportional to the entries and their bytes, and memory for one. Blocks for as long as the disk does. `watch` is told how far
    /// it has come, now and then.
    ///
    /// # Errors
    /// [`Error::Parent`], of the kind [`Damaged`](crate::ParentErrorKind::Damaged) for what lies there and should not; or
    /// what the parent says.
    ///
    /// ```
    /// use engine::{MemoryParent, Parent, ParentBatch, Store, Stored, Version};
    /// let parent = MemoryParent::new();
    /// let store = Store::builder().parent(parent.reopened()).open()?;
    /// let version = store.put("k", "v")?;
    /// store.close()?;
    /// assert_eq!(Stored::open(&parent)?.verify(|_| ())?.entries, 1);
    ///
    /// let mut somebody_elses = ParentBatch::new(version);
    /// somebody_elses.put(b"x", b"what is this?");
    /// parent.commit(&somebody_elses)?;
    /// assert!(Stored::open(&parent)?.verify(|_| ()).is_err());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn verify(&self, mut watch: impl FnMut(&BackupProgress<'_>)) -> Result<Verified, Error> {
        self.verify_names()?;
        let mut verified = Verified {
            version: self.version(),
            entries: 0,
            bytes: 0,
            key_spaces: self.key_spaces().count() as u32,
        };
        let mut last = Vec::new();
        for entry in self.snapshot.range(Bound::Unbounded, Bound::Unbounded) {
            let (lies_at, value) = entry?;
            if !last.is_empty() && lies_at <= last {
                return Err(damaged(ACTION, "its keys do not rise"));
            }
            if let Some((space, key)) = self.verify_entry(&lies_at, &value)? {
                verified.entries += 1;
                verified.bytes += (key.len() + value.len()) as u64;
                if verified.entries.is_multiple_of(REPORT) {
                    watch(&progress(&verified, space));
                }
            }
            last = lies_at;
        }
        watch(&progress(&verified, None));
        Ok(verified)
    }

    fn verify_names(&self) -> Result<(), Error> {
        let mut seen = HashSet::new();
        for name in self.names.iter().skip(OWN_SPACES.len()) {
            let is_allowed = !name.is_empty() && name.len() <= MAX_SPACE_NAME_LEN;
            if !is_allowed || is_reserved(name) || !seen.insert(name) {
                return Err(damaged(ACTION, format!("a key space cannot have the name {name:?}")));
            }
        }
        Ok(())
    }

    /// `None`: it is the engine's own.
    fn verify_entry<'a>(
        &'a self,
        lies_at: &'a [u8],
        value: &[u8],
    ) -> Result<Option<UserEntry<'a>>, Error> {
        let fault = |what: &str| {
            damaged(
                ACTION,
                format!("{what}: the entry at {:?}", lies_at.escape_ascii().to_string()),
            )
        };
        if lies_at.starts_with(&layout::NOTES) {
            let is_known = layout::is_note(lies_at);
            return if is_known { Ok(None) } else { Err(fault("a note of an unknown kind")) };
        }
        let (number, key) = layout::split(lies_at).ok_or_else(|| fault("too short a key"))?;
        if key.is_empty() || key.len() > MAX_KEY_LEN || value.len() > MAX_VALUE_LEN {
            return Err(fault("a key or a value that no store holds"));
        }
        if self.version() == Version::ZERO {
            return Err(fault("there is no version at which it was committed"));
        }
        let Some(at) = (number as usize).checked_sub(1) else { return Ok(Some((None, key))) };
        let name = self.names.get(at).ok_or_else(|| fault("there is no such key space"))?;
        Ok((!is_reserved(name)).then_some((Some(name.as_str()), key)))
    }
}

/// The name of the space of an entry, and its key.
type UserEntry<'a> = (Option<&'a str>, &'a [u8]);

fn progress<'a>(verified: &Verified, space: Option<&'a str>) -> BackupProgress<'a> {
    let &Verified { entries, bytes, .. } = verified;
    BackupProgress { space, entries, bytes, stream_bytes: 0 }
}

pub(super) fn damaged(action: &'static str, what: impl Into<String>) -> Error {
    ParentError::new(ParentErrorKind::Damaged, action).because(what.into()).into()
}
