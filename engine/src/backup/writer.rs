//! A stream on its way out.

use super::exported::Totals;
use super::frame::{FrameWriter, Kind, MAX_LEN};
use super::{BackupProgress, Exported, record};
use crate::{Error, Version};
use std::io::Write;

/// Writes one version of a store: [`begin`](Self::begin), its spaces one by one, [`end`](Self::end).
pub struct StreamWriter<W, P> {
    frames: FrameWriter<W>,
    watch: P,
    version: Version,
    totals: Totals,
    /// Entries that are not in a frame yet, less than one in all.
    pending: Vec<u8>,
}

impl<W: Write, P: FnMut(&BackupProgress<'_>)> StreamWriter<W, P> {
    /// Writes what comes before the entries.
    ///
    /// # Errors
    /// [`Error::BackupIo`], here and below.
    pub fn begin(
        writer: W,
        watch: P,
        version: Version,
        metadata: Option<&[u8]>,
    ) -> Result<Self, Error> {
        let mut frames = FrameWriter::begin(writer)?;
        let mut begin = version.get().to_be_bytes().to_vec();
        begin.push(metadata.is_some().into());
        begin.extend_from_slice(metadata.unwrap_or_default());
        frames.write(Kind::Begin, &begin)?;
        let pending = Vec::with_capacity(MAX_LEN);
        Ok(Self { frames, watch, version, totals: Totals::default(), pending })
    }

    /// Writes a key space, if it has an entry; `None`: the default one, which comes first.
    pub fn space<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        name: Option<&str>,
        entries: impl Iterator<Item = Result<(K, V), Error>>,
    ) -> Result<(), Error> {
        let mut entries = entries.peekable();
        if entries.peek().is_none() {
            return Ok(());
        }
        if let Some(name) = name {
            self.totals.key_spaces += 1;
            self.frames.write(Kind::Space, name.as_bytes())?;
        }
        for entry in entries {
            let (key, value) = entry?;
            self.entry(name, key.as_ref(), value.as_ref())?;
        }
        self.send(name)
    }

    fn entry(&mut self, space: Option<&str>, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.add(space, &record::head(key, value))?;
        self.add(space, key)?;
        self.add(space, value)?;
        self.totals.add(key, value);
        Ok(())
    }

    fn add(&mut self, space: Option<&str>, mut bytes: &[u8]) -> Result<(), Error> {
        while let Some((now, later)) = bytes.split_at_checked(MAX_LEN - self.pending.len()) {
            self.pending.extend_from_slice(now);
            self.send(space)?;
            bytes = later;
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    fn send(&mut self, space: Option<&str>) -> Result<(), Error> {
        if !self.pending.is_empty() {
            self.frames.write(Kind::Entries, &self.pending)?;
            self.pending.clear();
        }
        self.tell(space);
        Ok(())
    }

    fn tell(&mut self, space: Option<&str>) {
        let Totals { entries, bytes, .. } = self.totals;
        let stream_bytes = self.frames.offset();
        (self.watch)(&BackupProgress { space, entries, bytes, stream_bytes });
    }

    /// Writes the end.
    pub fn end(mut self) -> Result<Exported, Error> {
        self.frames.write(Kind::End, &self.totals.encode())?;
        self.frames.flush()?;
        self.tell(None);
        Ok(self.totals.exported(self.version, self.frames.offset(), self.frames.checksum()))
    }
}
