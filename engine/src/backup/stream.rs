//! A stream on its way in: everything that can be wrong with one is found here.

use super::exported::Totals;
use super::frame::{FrameReader, Kind};
use super::record::Record;
use super::{BackupProgress, Exported};
use crate::shared::{MAX_KEY_SPACES, is_reserved};
use crate::{Error, MAX_KEY_LEN, MAX_METADATA_LEN, MAX_SPACE_NAME_LEN, Version};
use std::collections::HashSet;
use std::io::Read;

/// More versions than a store can come to.
const MAX_VERSION: u64 = epoch_store::MAX_FIRST_VERSION;

/// What a stream begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    pub version: Version,
    pub metadata: Option<Vec<u8>>,
}

/// The next thing in a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// What follows is in this key space.
    Space(&'a str),
    /// A key and its value.
    Entry(&'a [u8], &'a [u8]),
    /// The stream is whole.
    End(Exported),
}

/// Reads a stream from its beginning to its end.
pub struct StreamReader<R, P> {
    frames: FrameReader<R>,
    watch: P,
    beginning: Beginning,
    totals: Totals,
    /// The names of the spaces so far; the last one is at work.
    spaces: HashSet<String>,
    space: Option<String>,
    /// What was read of entries, and not given out before `from`.
    pending: Vec<u8>,
    from: usize,
    /// The key before this one in the space; empty: there was none.
    last_key: Vec<u8>,
}

impl<R: Read, P: FnMut(&BackupProgress<'_>)> StreamReader<R, P> {
    /// Reads what comes before the entries.
    ///
    /// # Errors
    /// [`Error::DamagedBackup`], [`Error::BackupIo`], here and below.
    pub fn begin(reader: R, watch: P) -> Result<Self, Error> {
        let mut frames = FrameReader::begin(reader)?;
        let frame = frames.read()?;
        let beginning = beginning(frame);
        let beginning = beginning.map_err(|what| frames.malformed(what))?;
        Ok(Self {
            frames,
            watch,
            beginning,
            totals: Totals::default(),
            spaces: HashSet::new(),
            space: None,
            pending: Vec::new(),
            from: 0,
            last_key: Vec::with_capacity(MAX_KEY_LEN),
        })
    }

    pub fn beginning(&self) -> &Beginning {
        &self.beginning
    }

    /// What comes next. Not to be called after the end.
    pub fn next(&mut self) -> Result<Item<'_>, Error> {
        loop {
            if let Some(record) = self.record()? {
                return self.entry(record);
            }
            let (kind, bytes) = self.frames.read()?;
            match kind {
                Kind::Entries => {
                    self.pending.drain(..self.from);
                    self.from = 0;
                    self.pending.extend_from_slice(bytes);
                    self.tell();
                }
                _ if self.from < self.pending.len() => {
                    return Err(self.frames.malformed("an entry is missing its end"));
                }
                Kind::Space => {
                    let name = str::from_utf8(bytes).map(str::to_owned);
                    return self.enter(name.ok());
                }
                Kind::End => return self.end(),
                Kind::Begin => return Err(self.frames.malformed("it begins a second time")),
            }
        }
    }

    /// An entry that is there whole.
    fn record(&self) -> Result<Option<Record>, Error> {
        let bytes = &self.pending[self.from..];
        let record = Record::read(bytes).map_err(|what| self.frames.malformed(what))?;
        Ok(record.filter(|record| record.value.end <= bytes.len()))
    }

    fn entry(&mut self, record: Record) -> Result<Item<'_>, Error> {
        let bytes = &self.pending[self.from..];
        let (key, value) = (&bytes[record.key], &bytes[record.value.clone()]);
        if self.beginning.version == Version::ZERO {
            return Err(self.frames.malformed("an entry, and nothing was committed"));
        }
        if !self.last_key.is_empty() && *key <= self.last_key[..] {
            return Err(self.frames.malformed("its keys do not rise"));
        }
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        self.totals.add(key, value);
        self.from += record.value.end;
        Ok(Item::Entry(key, value))
    }

    fn enter(&mut self, name: Option<String>) -> Result<Item<'_>, Error> {
        let malformed = |what| Err(self.frames.malformed(what));
        let Some(name) = name else {
            return malformed("the name of a key space is no text");
        };
        if name.is_empty() || name.len() > MAX_SPACE_NAME_LEN || is_reserved(&name) {
            return malformed("a name that no key space can have");
        }
        if !self.spaces.insert(name.clone()) {
            return malformed("a key space comes a second time");
        }
        if self.spaces.len() > MAX_KEY_SPACES {
            return malformed("more key spaces than a store can have");
        }
        self.totals.key_spaces += 1;
        self.last_key.clear();
        Ok(Item::Space(self.space.insert(name)))
    }

    /// B-2.
    fn end(&mut self) -> Result<Item<'_>, Error> {
        if self.frames.content() != self.totals.encode() {
            return Err(self.frames.malformed("its totals are not those of its entries"));
        }
        let checksum = self.frames.checksum();
        self.frames.check_end()?;
        self.space = None;
        self.tell();
        let (version, length) = (self.beginning.version, self.frames.offset());
        Ok(Item::End(self.totals.exported(version, length, checksum)))
    }

    fn tell(&mut self) {
        let Totals { entries, bytes, .. } = self.totals;
        let (space, stream_bytes) = (self.space.as_deref(), self.frames.offset());
        (self.watch)(&BackupProgress { space, entries, bytes, stream_bytes });
    }
}

/// Of the first frame.
fn beginning((kind, bytes): (Kind, &[u8])) -> Result<Beginning, &'static str> {
    let Some((version, rest)) = bytes.split_first_chunk().filter(|_| kind == Kind::Begin) else {
        return Err("it has no beginning");
    };
    let version = u64::from_be_bytes(*version);
    if version > MAX_VERSION {
        return Err("a version that no store comes to");
    }
    let metadata = match rest {
        [0] => None,
        [1, metadata @ ..] if metadata.len() <= MAX_METADATA_LEN && version > 0 => {
            Some(metadata.to_vec())
        }
        _ => return Err("its metadata cannot be read"),
    };
    Ok(Beginning { version: version.into(), metadata })
}
