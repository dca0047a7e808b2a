//! Signed integers that are wide enough for every sum of 256-bit ones.

use std::cmp::Ordering;

/// Words of 64 bits.
const WORDS: usize = 5;
const BYTES: usize = WORDS * 8;

/// A signed integer of 320 bits, in two's complement: the least word first. Sums of 2^63 256-bit integers fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wide([u64; WORDS]);

impl Wide {
    pub(super) const ZERO: Self = Self([0; WORDS]);

    /// A number that is not negative, from its big-endian bytes; `None`: too many of them.
    pub(super) fn from_be(bytes: &[u8]) -> Option<Self> {
        let mut all = [0; BYTES];
        // The first bit is the sign's.
        let room = BYTES.checked_sub(bytes.len()).filter(|&room| room > 0)?;
        all[room..].copy_from_slice(bytes);
        let mut words = [0; WORDS];
        for (word, chunk) in words.iter_mut().rev().zip(all.chunks_exact(8)) {
            *word = chunk.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
        }
        Some(Self(words))
    }

    /// All of its bytes, big-endian. Not of a negative number.
    pub(super) fn to_be(self) -> [u8; BYTES] {
        let mut all = [0; BYTES];
        for (word, chunk) in self.0.iter().rev().zip(all.chunks_exact_mut(8)) {
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        all
    }

    pub(super) fn is_negative(self) -> bool {
        self.0[WORDS - 1] >> 63 == 1
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let mut carry = false;
        let words = std::array::from_fn(|at| {
            let (sum, first) = self.0[at].overflowing_add(other.0[at]);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first | second;
            sum
        });
        Self(words)
    }

    pub(super) fn negated(self) -> Self {
        let mut one = Self::ZERO;
        one.0[0] = 1;
        Self(self.0.map(|word| !word)).plus(one)
    }
}

impl Ord for Wide {
    fn cmp(&self, other: &Self) -> Ordering {
        // Of two with the same sign, two's complement orders like unsigned words.
        let signs = other.is_negative().cmp(&self.is_negative());
        signs.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(number: i64) -> Wide {
        let size = Wide::from_be(&number.unsigned_abs().to_be_bytes()).unwrap();
        if number < 0 { size.negated() } else { size }
    }

    #[test]
    fn sums_and_orders_are_those_of_integers() {
        let numbers = [i64::MIN + 1, -257, -256, -1, 0, 1, 255, 256, i64::MAX];
        for a in numbers {
            assert_eq!(wide(a).negated(), wide(-a));
            assert_eq!(wide(a).is_negative(), a < 0);
            for b in numbers {
                assert_eq!(wide(a).cmp(&wide(b)), a.cmp(&b), "{a} {b}");
                if let Some(sum) = a.checked_add(b) {
                    assert_eq!(wide(a).plus(wide(b)), wide(sum), "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn carries_go_through_all_words_and_bytes_come_back() {
        let largest = Wide::from_be(&[u8::MAX; 32]).unwrap();
        let sum = largest.plus(wide(1));
        assert!(sum > largest && !sum.is_negative());
        assert_eq!(sum.to_be()[7], 1);
        assert_eq!(sum.plus(wide(-1)), largest);
        assert_eq!(&largest.to_be()[8..], [u8::MAX; 32]);
        assert!(Wide::from_be(&[1; BYTES]).is_none());
    }
}
