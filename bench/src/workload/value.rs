//! Values that prove where they come from: 32 bytes holding a tag of their key, the sequence
//! number of the write, and a check word over both.

/// Bytes of a value, in both cases.
pub const VALUE_LEN: usize = 32;

/// A value as the harness hands it out; contenders copy it into whatever they hold.
pub type Value = [u8; VALUE_LEN];

const SALT: u64 = 0x7d1a_90c3_55e8_2b46;

/// The value that write number `sequence` gives to `key`.
#[inline]
pub fn make(key: &[u8], sequence: u64) -> Value {
    let tag = tag(key);
    let mut value = [0; VALUE_LEN];
    value[..8].copy_from_slice(&tag.to_le_bytes());
    value[8..16].copy_from_slice(&sequence.to_le_bytes());
    value[16..24].copy_from_slice(&check_word(tag, sequence).to_le_bytes());
    value[24..].copy_from_slice(&SALT.to_le_bytes());
    value
}

/// Whether `value` was written to `key`. Reads one word of each: cheap enough for timed loops.
#[inline]
pub fn belongs(key: &[u8], value: &[u8]) -> bool {
    value.len() == VALUE_LEN && word(value, 0) == tag(key)
}

/// The sequence number of the write that made `value`, or `None` where it is not a whole value of
/// `key` (another key's, or torn).
pub fn sequence(key: &[u8], value: &[u8]) -> Option<u64> {
    let whole = belongs(key, value)
        && word(value, 2) == check_word(word(value, 0), word(value, 1))
        && word(value, 3) == SALT;
    whole.then(|| word(value, 1))
}

/// The last eight bytes of the key: they differ between keys in both cases.
#[inline]
fn tag(key: &[u8]) -> u64 {
    match key.last_chunk::<8>() {
        Some(tail) => u64::from_le_bytes(*tail) ^ SALT,
        None => SALT,
    }
}

#[inline]
fn check_word(tag: u64, sequence: u64) -> u64 {
    (tag ^ sequence.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[inline]
fn word(value: &[u8], index: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&value[index * 8..index * 8 + 8]);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_names_its_key_and_its_write() {
        let value = make(b"a key of some length", 7);
        assert_eq!(sequence(b"a key of some length", &value), Some(7));
        assert!(!belongs(b"another key, as long", &value));
    }

    #[test]
    fn a_torn_value_is_refused() {
        let mut torn = make(b"a key of some length", 7);
        torn[8..16].copy_from_slice(&8_u64.to_le_bytes());
        assert_eq!(sequence(b"a key of some length", &torn), None);
        assert_eq!(sequence(b"a key of some length", &torn[..31]), None);
    }
}
