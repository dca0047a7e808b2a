//! What a backup holds.

use crate::Version;

/// What a backup holds, as counted by who wrote or read it: of one that is whole, both say the same.
///
/// ```
/// use engine::{Store, verify_backup};
/// let store = Store::in_memory();
/// let version = store.put("k", "value")?;
/// let mut backup = Vec::new();
/// let exported = store.snapshot().export(&mut backup, |_| ())?;
/// assert_eq!((exported.version, exported.entries, exported.bytes), (version, 1, 6));
/// assert_eq!(exported.stream_bytes, backup.len() as u64);
/// assert_eq!(verify_backup(&backup[..], |_| ())?, exported);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// The version that it shows.
    pub version: Version,
    /// Entries in all key spaces.
    pub entries: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Key spaces with an entry, without the default one.
    pub key_spaces: u32,
    /// Bytes of the backup itself.
    pub stream_bytes: u64,
    /// The checksum of all of it: backups of one version of one store have the same.
    pub checksum: u32,
}

/// What was counted so far, and what `end` says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    pub entries: u64,
    pub bytes: u64,
    pub key_spaces: u32,
}

/// Bytes of an end.
const LEN: usize = 20;

impl Totals {
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        self.entries += 1;
        self.bytes += (key.len() + value.len()) as u64;
    }

    pub fn encode(self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&self.entries.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.bytes.to_be_bytes());
        bytes[16..].copy_from_slice(&self.key_spaces.to_be_bytes());
        bytes
    }

    pub fn exported(self, version: Version, stream_bytes: u64, checksum: u32) -> Exported {
        let Self { entries, bytes, key_spaces } = self;
        Exported { version, entries, bytes, key_spaces, stream_bytes, checksum }
    }
}
