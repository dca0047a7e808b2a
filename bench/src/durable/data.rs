//! Keys and values: functions of a number and of the write that made them, so that nothing has to be remembered to know what
//! must be read.

/// Bytes of a key.
pub const KEY_LEN: usize = 32;
/// Bytes of a value.
pub const VALUE_LEN: usize = 128;

/// A key.
pub type Key = [u8; KEY_LEN];
/// A value.
pub type Value = [u8; VALUE_LEN];
/// A block: no key twice, in no order.
pub type Block = Vec<(Key, Value)>;

/// A bijection of 64-bit words that looks random (the finaliser of splitmix64, Steele et al. 2014).
fn scramble(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The key of a number: the number lies in its last bytes, and neighbours are far apart.
pub fn key(number: u64) -> Key {
    let mut key = [0; KEY_LEN];
    let head = scramble(number ^ 0x6b65_7973);
    key[..8].copy_from_slice(&head.to_be_bytes());
    key[8..16].copy_from_slice(&scramble(head).to_be_bytes());
    key[24..].copy_from_slice(&number.to_be_bytes());
    key
}

/// What the write with this sequence number gives to the key of `number`.
pub fn value(number: u64, sequence: u64) -> Value {
    let mut value = [0; VALUE_LEN];
    let mut word = scramble(number ^ sequence.rotate_left(40));
    for chunk in value.as_chunks_mut::<8>().0 {
        *chunk = word.to_be_bytes();
        word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number);
    }
    value
}

/// Whether `value` is what the write gave to this key.
pub fn belongs(key: &[u8], held: &[u8], sequence: impl Fn(u64) -> u64) -> bool {
    let Some(tail) = key.last_chunk::<8>() else { return false };
    let number = u64::from_be_bytes(*tail);
    key == self::key(number) && held == value(number, sequence(number))
}

/// A word that depends on every byte of an entry: sums of these do not depend on the order of entries.
pub fn checksum(key: &[u8], held: &[u8]) -> u64 {
    let words = key.chunks(8).chain(held.chunks(8)).map(|chunk| {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(bytes)
    });
    words.fold(0, |sum: u64, word| (sum.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// All keys below `keys`, in blocks, in an order that is not theirs.
pub fn all(keys: u64, len: usize, sequence: u64) -> impl Iterator<Item = Block> {
    (0..keys).step_by(len).map(move |begin| {
        let numbers = begin..(begin + len as u64).min(keys);
        numbers.map(|number| (key(number), value(number, sequence))).collect()
    })
}

/// A block over some of the keys below `keys`.
pub fn draw(rng: &mut fastrand::Rng, keys: u64, len: usize, sequence: u64) -> Block {
    // Drawn again where it was drawn before: a block has a quarter of the keys at most.
    let mut numbers = std::collections::HashSet::with_capacity(len);
    while numbers.len() < len.min(keys as usize) {
        numbers.insert(rng.u64(0..keys));
    }
    numbers.into_iter().map(|number| (key(number), value(number, sequence))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_belong_to_a_key_and_a_write() {
        assert!(belongs(&key(5), &value(5, 2), |_| 2));
        assert!(!belongs(&key(5), &value(5, 2), |_| 1));
        assert!(!belongs(&key(6), &value(5, 2), |_| 2));
        assert_ne!(checksum(&key(5), &value(5, 2)), checksum(&key(5), &value(5, 3)));
    }

    #[test]
    fn blocks_have_no_key_twice() {
        let mut keys: Vec<Key> = all(1_000, 300, 1).flatten().map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 1_000);
        let block = draw(&mut fastrand::Rng::with_seed(1), 1_000, 250, 1);
        let keys: std::collections::BTreeSet<Key> = block.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys.len(), 250);
    }
}
