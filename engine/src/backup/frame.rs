//! Frames: pieces of the stream with a number and a checksum.

use crate::{BackupFault, Error};
use crc32fast::Hasher;
use std::io::{self, Read, Write};

/// As of an image file: a byte above ASCII, and line ends that a transfer as text would change.
pub const MAGIC: [u8; 8] = *b"\x89ENB\r\n\x1a\n";
/// What this program writes.
pub const FORMAT: u32 = 1;
/// The most bytes that a frame holds.
pub const MAX_LEN: usize = 64 << 10;
/// Before the bytes of a frame: kind, number, length.
const HEAD: usize = 13;
/// Behind them.
const CHECKSUM: usize = 4;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Begin = 1,
    Space = 2,
    Entries = 3,
    End = 4,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Begin, Self::Space, Self::Entries, Self::End]
            .into_iter()
            .find(|&kind| kind as u8 == byte)
    }
}

/// Where a stream has come to, for writers and readers alike.
#[derive(Default)]
struct Place {
    /// Of everything up to here but for checksums.
    hasher: Hasher,
    offset: u64,
    frame: u64,
}

/// Writes frames, each with one call of the writer.
pub struct FrameWriter<W> {
    to: W,
    place: Place,
    frame: Vec<u8>,
}

impl<W: Write> FrameWriter<W> {
    /// Writes what comes before the first frame.
    pub fn begin(to: W) -> Result<Self, Error> {
        let mut writer = Self { to, place: Place::default(), frame: Vec::new() };
        writer.frame.extend_from_slice(&MAGIC);
        writer.frame.extend_from_slice(&FORMAT.to_be_bytes());
        writer.place.hasher.update(&writer.frame);
        writer.send()?;
        Ok(writer)
    }

    /// Writes a frame of at most [`MAX_LEN`] bytes.
    pub fn write(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), Error> {
        debug_assert!(bytes.len() <= MAX_LEN);
        self.frame.clear();
        self.frame.push(kind as u8);
        self.frame.extend_from_slice(&self.place.frame.to_be_bytes());
        self.frame.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        self.frame.extend_from_slice(bytes);
        self.place.hasher.update(&self.frame);
        self.frame.extend_from_slice(&self.checksum().to_be_bytes());
        self.place.frame += 1;
        self.send()
    }

    fn send(&mut self) -> Result<(), Error> {
        self.to.write_all(&self.frame).map_err(|error| self.failed(error))?;
        self.place.offset += self.frame.len() as u64;
        Ok(())
    }

    /// Hands everything on that the writer still holds.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.to.flush().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::BackupIo { action: "write", offset: self.place.offset, error }
    }

    /// Bytes written.
    pub fn offset(&self) -> u64 {
        self.place.offset
    }

    /// Of everything that was written.
    pub fn checksum(&self) -> u32 {
        self.place.hasher.clone().finalize()
    }
}

/// Reads frames, and believes those whose checksum matches.
pub struct FrameReader<R> {
    from: R,
    place: Place,
    /// Where the frame begins that was read last.
    began: u64,
    bytes: Vec<u8>,
}

impl<R: Read> FrameReader<R> {
    /// Reads what comes before the first frame.
    pub fn begin(from: R) -> Result<Self, Error> {
        let mut reader = Self { from, place: Place::default(), began: 0, bytes: Vec::new() };
        let (mut magic, mut format) = ([0; MAGIC.len()], [0; 4]);
        let read = reader.read_some(&mut magic)?;
        if magic[..read] != MAGIC[..read] {
            return Err(damaged(0, BackupFault::Foreign));
        }
        if read < magic.len() {
            return Err(damaged(read as u64, BackupFault::Truncated));
        }
        reader.read_all(&mut format)?;
        reader.place.hasher.update(&magic);
        reader.place.hasher.update(&format);
        match u32::from_be_bytes(format) {
            FORMAT => Ok(reader),
            format if format > FORMAT => {
                Err(damaged(MAGIC.len() as u64, BackupFault::NewerFormat { format, known: FORMAT }))
            }
            _ => {
                Err(damaged(MAGIC.len() as u64, BackupFault::Malformed("there is no such format")))
            }
        }
    }

    /// The next frame.
    pub fn read(&mut self) -> Result<(Kind, &[u8]), Error> {
        self.began = self.place.offset;
        let mut head = [0; HEAD];
        self.read_all(&mut head)?;
        let found = u64::from_be_bytes(taken(&head, 1));
        let len = u32::from_be_bytes(taken(&head, 9)) as usize;
        if len > MAX_LEN {
            return Err(self.damaged(BackupFault::FrameTooLong { len, max: MAX_LEN }));
        }
        self.place.hasher.update(&head);
        self.read_content(len)?;
        self.check(found)?;
        // B-1: what the head says is looked at now.
        let kind = Kind::of(head[0]).ok_or_else(|| self.malformed("a frame of an unknown kind"))?;
        self.place.frame += 1;
        Ok((kind, &self.bytes))
    }

    fn read_content(&mut self, len: usize) -> Result<(), Error> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.resize(len, 0);
        self.read_all(&mut bytes)?;
        self.place.hasher.update(&bytes);
        self.bytes = bytes;
        Ok(())
    }

    /// Compares checksum and number. A frame in the place of another has a checksum that does not match, and is told of by
    /// its number, which says more.
    fn check(&mut self, found: u64) -> Result<(), Error> {
        let mut checksum = [0; CHECKSUM];
        self.read_all(&mut checksum)?;
        let expected = self.place.frame;
        if found != expected {
            return Err(self.damaged(BackupFault::OutOfOrder { expected, found }));
        }
        if u32::from_be_bytes(checksum) != self.checksum() {
            return Err(self.damaged(BackupFault::Checksum { frame: expected }));
        }
        Ok(())
    }

    /// Whether there is nothing more.
    pub fn check_end(&mut self) -> Result<(), Error> {
        let end = self.place.offset;
        match self.read_some(&mut [0])? {
            0 => Ok(()),
            _ => Err(damaged(end, BackupFault::Trailing)),
        }
    }

    fn read_all(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        if self.read_some(bytes)? < bytes.len() {
            return Err(damaged(self.place.offset, BackupFault::Truncated));
        }
        Ok(())
    }

    /// As many bytes as there are.
    fn read_some(&mut self, bytes: &mut [u8]) -> Result<usize, Error> {
        let mut read = 0;
        while read < bytes.len() {
            match self.from.read(&mut bytes[read..]) {
                Ok(0) => break,
                Ok(more) => {
                    read += more;
                    self.place.offset += more as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let offset = self.place.offset;
                    return Err(Error::BackupIo { action: "read", offset, error });
                }
            }
        }
        Ok(read)
    }

    /// What the frame holds that was read last.
    pub fn content(&self) -> &[u8] {
        &self.bytes
    }

    /// The frame that was read last does not make sense.
    pub fn malformed(&self, what: &'static str) -> Error {
        self.damaged(BackupFault::Malformed(what))
    }

    fn damaged(&self, fault: BackupFault) -> Error {
        damaged(self.began, fault)
    }

    /// Bytes read.
    pub fn offset(&self) -> u64 {
        self.place.offset
    }

    /// Of everything that was read.
    pub fn checksum(&self) -> u32 {
        self.place.hasher.clone().finalize()
    }
}

/// Some bytes of a head.
fn taken<const N: usize>(head: &[u8; HEAD], from: usize) -> [u8; N] {
    std::array::from_fn(|at| head[from + at])
}

fn damaged(offset: u64, fault: BackupFault) -> Error {
    Error::DamagedBackup { offset, fault }
}
