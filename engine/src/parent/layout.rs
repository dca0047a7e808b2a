//! Where things lie in a parent: one ordered map for all key spaces, and for what the store notes about itself.
//!
//! ```text
//!   [ number of the space: 4 bytes, big endian ][ key ]          ─► value
//!   [ ff ff ff ff ] "format"                                     ─► FORMAT
//!   [ ff ff ff ff ] "import"                                     ─► nothing: not all of a backup has come here yet
//!   [ ff ff ff ff ] "space" [ number: 4 bytes, big endian ]      ─► name
//! ```
//! Spaces are numbered in the order in which they were created: 0 is the default one, 1 the hidden one of the engine. Each
//! number up to the greatest that is in use has its name, so that they come out the same when the store is opened again.

use super::{Parent, ParentBatch, ParentError, ParentErrorKind, ParentSnapshot};
use std::ops::Bound;

/// What this program writes. One that it does not know, it leaves alone.
pub const FORMAT: u32 = 1;
/// Bytes before each key.
pub const PREFIX: usize = 4;
/// What the notes of the store begin with: there is no space with this number.
pub const NOTES: [u8; PREFIX] = [0xff; PREFIX];
const FORMAT_NOTE: &[u8] = b"format";
const IMPORT_NOTE: &[u8] = b"import";
const SPACE_NOTE: &[u8] = b"space";

/// The number of the space, and the key in it; `None`: it is a note.
pub fn split(key: &[u8]) -> Option<(u32, &[u8])> {
    let (space, key) = key.split_first_chunk::<PREFIX>()?;
    (*space != NOTES).then(|| (u32::from_be_bytes(*space), key))
}

/// A key as it lies in the parent.
pub fn key(space: u32, key: &[u8]) -> Vec<u8> {
    [&space.to_be_bytes(), key].concat()
}

/// The bounds of keys of a space, as they lie in the parent.
pub fn bounds(
    space: u32,
    from: Bound<&[u8]>,
    to: Bound<&[u8]>,
) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let from = match from {
        Bound::Unbounded => Bound::Included(key(space, &[])),
        from => from.map(|from| key(space, from)),
    };
    let to = match to {
        Bound::Unbounded => Bound::Excluded(key(space + 1, &[])),
        to => to.map(|to| key(space, to)),
    };
    (from, to)
}

/// A bound that borrows its key.
pub fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

/// The longest key of a space that a parent can keep.
pub fn longest_key(parent: &dyn Parent) -> usize {
    parent.max_key_len().saturating_sub(PREFIX)
}

/// Makes of `lies_at` where a key of a space lies.
pub fn join(lies_at: &mut Vec<u8>, space: u32, key: &[u8]) {
    lies_at.clear();
    lies_at.extend_from_slice(&space.to_be_bytes());
    lies_at.extend_from_slice(key);
}

fn note(parts: &[&[u8]]) -> Vec<u8> {
    let mut key = NOTES.to_vec();
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// Notes the format.
pub fn note_format(batch: &mut ParentBatch) {
    batch.put(&note(&[FORMAT_NOTE]), &FORMAT.to_be_bytes());
}

/// Notes that what lies there is a part of a backup, and no store: there is no format.
pub fn note_import(batch: &mut ParentBatch) {
    batch.delete(&note(&[FORMAT_NOTE]));
    batch.put(&note(&[IMPORT_NOTE]), &[]);
}

/// Notes that it is all there.
pub fn note_import_ended(batch: &mut ParentBatch) {
    batch.delete(&note(&[IMPORT_NOTE]));
}

/// Notes the name of a space.
pub fn note_space(batch: &mut ParentBatch, number: u32, name: &str) {
    batch.put(&note(&[SPACE_NOTE, &number.to_be_bytes()]), name.as_bytes());
}

/// Whether a note is one that this program writes into a store.
pub fn is_note(key: &[u8]) -> bool {
    let is_space = key.len() == PREFIX + SPACE_NOTE.len() + PREFIX;
    key == note(&[FORMAT_NOTE]) || is_space && key.starts_with(&note(&[SPACE_NOTE]))
}

/// Whether something was kept in the parent before, by this program or one that it can stand in for.
///
/// # Errors
/// [`ParentErrorKind::Foreign`], [`ParentErrorKind::NewerFormat`], [`ParentErrorKind::Damaged`]; whatever keeps the parent from reading.
pub fn is_in_use(snapshot: &dyn ParentSnapshot) -> Result<bool, ParentError> {
    const ACTION: &str = "open a store";
    let Some(format) = snapshot.get(&note(&[FORMAT_NOTE]))? else {
        if snapshot.get(&note(&[IMPORT_NOTE]))?.is_some() {
            return Err(ParentError::new(ParentErrorKind::Damaged, ACTION).because(
                "importing a backup into it did not come to its end; remove it, and import again",
            ));
        }
        let first = snapshot.range(Bound::Unbounded, Bound::Unbounded).next().transpose()?;
        return match first {
            None => Ok(false),
            Some(_) => Err(ParentError::new(ParentErrorKind::Foreign, ACTION)
                .because("it has entries, and no format")),
        };
    };
    match format.as_slice().try_into().map(u32::from_be_bytes) {
        Ok(FORMAT) => Ok(true),
        Ok(newer) if newer > FORMAT => Err(ParentError::new(ParentErrorKind::NewerFormat, ACTION)
            .because(format!("its format is {newer}; this program knows up to {FORMAT}"))),
        _ => {
            Err(ParentError::new(ParentErrorKind::Damaged, ACTION)
                .because("its format cannot be read"))
        }
    }
}

/// The names of spaces by their numbers, from 1 on.
///
/// # Errors
/// [`ParentErrorKind::Damaged`], if one is missing; whatever keeps the parent from reading.
pub fn spaces(snapshot: &dyn ParentSnapshot) -> Result<Vec<String>, ParentError> {
    let damaged = |what| ParentError::new(ParentErrorKind::Damaged, "open a store").because(what);
    let (from, to) = (note(&[SPACE_NOTE]), note(&[SPACE_NOTE, &[0xff; PREFIX + 1]]));
    let mut names = Vec::new();
    for entry in snapshot.range(Bound::Included(&from), Bound::Excluded(&to)) {
        let (key, name) = entry?;
        if key != note(&[SPACE_NOTE, &(names.len() as u32 + 1).to_be_bytes()]) {
            return Err(damaged("the name of a key space is missing"));
        }
        names.push(
            String::from_utf8(name).map_err(|_| damaged("the name of a key space is no text"))?,
        );
    }
    Ok(names)
}
