//! How far a backup has come.

/// How far writing or reading a backup has come. It is told about every 64 KiB of the stream and at the end, by the
/// thread that works.
///
/// ```
/// # let store = engine::Store::in_memory();
/// store.put("k", "v")?;
/// let mut last = 0;
/// store.snapshot().export(std::io::sink(), |so_far| last = so_far.entries)?;
/// assert_eq!(last, 1);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupProgress<'a> {
    /// The key space that is at work; `None`: the default one.
    pub space: Option<&'a str>,
    /// Entries so far.
    pub entries: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Bytes of the backup itself that went through.
    pub stream_bytes: u64,
}
