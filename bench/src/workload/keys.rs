//! The two key cases of the targets.

use clap::ValueEnum;

/// Numbers from here on name keys that are never loaded, for the rows that insert.
pub const FRESH: u64 = 1 << 30;

/// Numbers from here on name keys that never exist, for the row that misses.
pub const ABSENT: u64 = 1 << 31;

/// Most keys one run may load: keeps the three number spaces apart, and inside 32 bits.
pub const MAX_KEYS: usize = 1 << 25;

/// Addresses that prefix keys are spread over.
const ADDRESSES: u64 = 20_000;

/// Bytes of an address, as Cosmos accounts have them.
const ADDRESS_LEN: usize = 20;

/// Bytes of a prefix key's tail that hold its (scrambled) number, and so make it unique.
const NUMBER_LEN: usize = 4;

/// What executors put before an address.
const STORES: [&[u8]; 3] = [b"bank/balances/", b"wasm/store/", b"evm/state/"];

/// Which keys the containers hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Case {
    /// 16 random bytes; typed containers hold `[u8; 16]` and `[u8; 32]` inline, which is the best
    /// layout a rival can have.
    Fix,
    /// 36 to 64 bytes with long shared prefixes; typed containers hold `Vec<u8>` and `Box<[u8]>`.
    Prefix,
}

impl Case {
    /// The name on the command line and in the reports.
    pub fn name(self) -> &'static str {
        match self {
            Case::Fix => "fix",
            Case::Prefix => "prefix",
        }
    }

    /// Appends the key of number `number`. Distinct numbers below 2^32 give distinct keys, and
    /// neighbouring numbers give keys that are far apart.
    pub fn write_key(self, number: u64, out: &mut Vec<u8>) {
        debug_assert!(number < 1 << 32, "only 32 bits of the number go into a prefix key");
        match self {
            Case::Fix => write_random_key(number, out),
            Case::Prefix => write_prefix_key(number, out),
        }
    }

    /// The key of number `number`, for code outside of timed loops.
    pub fn key(self, number: u64) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_key(number, &mut out);
        out
    }
}

fn write_random_key(number: u64, out: &mut Vec<u8>) {
    // `scramble` is a bijection, so the first half alone already makes the key unique.
    let head = scramble(number);
    out.extend_from_slice(&head.to_be_bytes());
    out.extend_from_slice(&scramble(head ^ 0x5bd1_e995).to_be_bytes());
}

fn write_prefix_key(number: u64, out: &mut Vec<u8>) {
    let begin = out.len();
    let draw = scramble(number ^ 0x6b79_7365);
    out.extend_from_slice(STORES[(draw % 3) as usize]);
    let address = (draw >> 8) % ADDRESSES;
    push_noise(address << 32, ADDRESS_LEN, out);

    let shortest = out.len() - begin + NUMBER_LEN;
    let len = shortest.max(36 + ((draw >> 40) % 29) as usize);
    out.extend_from_slice(&scramble_u32(number as u32).to_be_bytes());
    push_noise(!number, len - shortest, out);
}

/// Appends `len` bytes that are a function of `seed`.
fn push_noise(seed: u64, len: usize, out: &mut Vec<u8>) {
    let end = out.len() + len;
    let mut word = seed;
    while out.len() < end {
        word = scramble(word.wrapping_add(0x9e37_79b9_7f4a_7c15));
        let take = (end - out.len()).min(8);
        out.extend_from_slice(&word.to_be_bytes()[..take]);
    }
}

/// A bijection of 64-bit words that looks random (the finaliser of splitmix64, Steele et al. 2014).
fn scramble(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A bijection of 32-bit words that looks random: odd multiplications and xor-shifts are both
/// invertible.
fn scramble_u32(word: u32) -> u32 {
    let word = (word ^ (word >> 15)).wrapping_mul(0x2c1b_3c6d);
    let word = (word ^ (word >> 12)).wrapping_mul(0x297a_2d39);
    word ^ (word >> 15)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn numbers_give_distinct_keys_of_the_promised_length() {
        for case in [Case::Fix, Case::Prefix] {
            let numbers = (0..20_000).chain(FRESH..FRESH + 1_000).chain(ABSENT..ABSENT + 1_000);
            let keys: BTreeSet<Vec<u8>> = numbers.map(|number| case.key(number)).collect();
            assert_eq!(keys.len(), 22_000, "{case:?}");
            let lens = match case {
                Case::Fix => 16..=16,
                Case::Prefix => 36..=64,
            };
            assert!(keys.iter().all(|key| lens.contains(&key.len())), "{case:?}");
        }
    }

    #[test]
    fn prefix_keys_share_addresses() {
        let stems: BTreeSet<Vec<u8>> =
            (0..60_000).map(|number| Case::Prefix.key(number)[..30].to_vec()).collect();
        assert!(stems.len() < 45_000, "{} stems for 60,000 keys", stems.len());
    }
}
