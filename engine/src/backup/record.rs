//! Entries as they lie in frames.

use crate::{MAX_KEY_LEN, MAX_VALUE_LEN};
use std::ops::Range;

/// Before a key and its value: the lengths of both.
pub const HEAD: usize = 8;

/// The lengths of a key and its value, as they are written. Both are of what a store holds, so that they fit.
pub fn head(key: &[u8], value: &[u8]) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&(key.len() as u32).to_be_bytes());
    head[4..].copy_from_slice(&(value.len() as u32).to_be_bytes());
    head
}

/// Where key and value lie, or would lie, from the beginning of a record on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub key: Range<usize>,
    pub value: Range<usize>,
}

impl Record {
    /// Of what begins with a head; `None`: there is not so much.
    ///
    /// # Errors
    /// Lengths that no store allows.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, &'static str> {
        let Some((key, rest)) = bytes.split_first_chunk() else { return Ok(None) };
        let Some((value, _)) = rest.split_first_chunk() else { return Ok(None) };
        let (key, value) = (u32::from_be_bytes(*key) as usize, u32::from_be_bytes(*value) as usize);
        if key == 0 || key > MAX_KEY_LEN {
            return Err("a key that is too short or too long");
        }
        if value > MAX_VALUE_LEN {
            return Err("a value that is too long");
        }
        let behind_key = HEAD + key;
        Ok(Some(Self { key: HEAD..behind_key, value: behind_key..behind_key + value }))
    }
}
