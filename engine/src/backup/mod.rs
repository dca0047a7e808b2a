//! Backups: one version of a store as a stream of bytes, and a store from such a stream.
//!
//! *Role.* [`Snapshot::export`](crate::Snapshot::export) writes what a snapshot shows while others go on writing to the store;
//! [`Builder::import`](crate::Builder::import) makes a new store of it, at the same version; [`verify_backup`] only looks
//! whether it is whole. All that is checked is checked in one place, [`StreamReader`](stream::StreamReader).
//!
//! ```text
//!   stream:  magic, 8 bytes │ format, 4 │ frame 0: begin │ space │ entries │ entries │ space │ entries │ .. │ end │ nothing
//!
//!   frame:   [ kind: 1 ][ number: 8 ][ length: 4 ][ length bytes, 64 KiB at most ][ checksum: 4 ]
//!
//!   begin    [ version: 8 ][ metadata: 0 = none, or 1 and the bytes ]
//!   space    [ name ]                     what follows is in this key space; before the first: in the default one
//!   entries  [ length of key: 4 ][ length of value: 4 ][ key ][ value ] ..    one may go on in the next frame
//!   end      [ entries: 8 ][ bytes of keys and values: 8 ][ key spaces: 4 ]
//! ```
//! Numbers are big endian. The default space comes first, the others in the order in which they were created; a space without
//! an entry at this version is not there, so that a version and nothing else decides which bytes are written. Keys rise
//! within a space. The engine's own space is not there; the metadata, which lie in it, are in `begin`.
//!
//! *Checksums.* That of a frame is the CRC-32 (IEEE, of the crate `crc32fast`) of the magic, the format, and heads and
//! contents of all frames up to this one; checksums themselves are left out, since a CRC of bytes that end in their own CRC
//! is always the same. So a frame of another stream does not match, wherever it is put, and the last one is a checksum of
//! everything. It finds accidents, each with a chance of all but one in four thousand million; it is no signature.
//!
//! *Invariants.*
//! - B-1 No byte of a frame is believed before its checksum matches, but for its length, which is bounded; and no memory is
//!   taken that is not for bytes that were read.
//! - B-2 A stream is whole when its end was read, its totals are what was counted, and nothing comes behind it.
//! - B-3 An import is seen by nobody before B-2 holds. The map is filled while the stream is read, by a loader that has not given
//!   it to anybody; a parent gets its first byte after that, and says what it is with its last (`durable/found.rs`).
//!
//! *Why not into a store that is open.* It would be filled by commits, of which others see the first before the last of
//! the stream was read; and what a damaged stream has left behind would have to be told from what was there. A store
//! that does not exist yet has neither trouble, takes no second copy in memory, and begins at the version of the backup.
//!
//! *Checked by* `tests/backup.rs`.

mod export;
mod exported;
mod frame;
mod import;
mod progress;
mod record;
mod stream;
mod verify;
mod writer;

pub use exported::Exported;
pub use progress::BackupProgress;
pub use verify::verify_backup;
pub use writer::StreamWriter;
