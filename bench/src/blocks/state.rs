//! What a transaction may ask of the state it runs on, whoever keeps that state.

/// The state that a transaction reads and writes.
///
/// The same program runs on our views, on the sequential references and on the locked baseline: none of them is asked
/// for less than another.
pub trait State {
    /// Why a transaction has to stop in the middle.
    type Stop;

    /// The value of `key`.
    ///
    /// # Errors
    /// What was read no longer stands, or is not there yet.
    fn get(&mut self, key: &[u8]) -> Result<Option<&[u8]>, Self::Stop>;

    /// Writes `value` under `key`.
    ///
    /// # Errors
    /// As [`State::get`].
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Self::Stop>;

    /// Deletes `key`.
    ///
    /// # Errors
    /// As [`State::get`].
    fn delete(&mut self, key: &[u8]) -> Result<(), Self::Stop>;

    /// Adds `amount` to the number that `key` holds, without telling what it was.
    ///
    /// # Errors
    /// As [`State::get`].
    fn add(&mut self, key: &[u8], amount: &Amount) -> Result<(), Self::Stop>;

    /// Hands the first `limit` entries from `from` on to `each`, in key order.
    ///
    /// # Errors
    /// As [`State::get`]; `each` may have been called by then.
    fn scan(
        &mut self,
        from: &[u8],
        limit: usize,
        each: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Self::Stop>;

    /// A moment in a long computation at which it may be stopped.
    ///
    /// # Errors
    /// The run is known to be in vain.
    fn pause(&mut self) -> Result<(), Self::Stop> {
        Ok(())
    }
}

/// Keys and values, in key order where they are what somebody holds.
pub type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Bytes of a number that can be added to.
pub const NUMBER_LEN: usize = 32;

/// A number, big-endian.
pub type Number = [u8; NUMBER_LEN];

/// Bytes of an account record of the traces: nonce (8), balance (32), hash of the code (32).
pub const ACCOUNT_LEN: usize = 72;

/// Where the balance of an account record begins.
const BALANCE: usize = 8;

/// Where it ends, and the hash of the code begins.
const CODE: usize = BALANCE + NUMBER_LEN;

/// The hash of no code: what an account has that came to be by being paid.
pub const EMPTY_CODE: [u8; 32] = [
    0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
    0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70,
];

/// An addition: to what, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// To a value that is one number; absent is zero.
    Number(Number),
    /// To the balance of an account record; absent is an account without anything.
    Account(Number),
}

impl Amount {
    /// So many, as one number.
    pub fn number(amount: u64) -> Amount {
        let mut number = [0; NUMBER_LEN];
        number[NUMBER_LEN - 8..].copy_from_slice(&amount.to_be_bytes());
        Amount::Number(number)
    }

    /// The bytes of the amount.
    pub fn bytes(&self) -> &Number {
        match self {
            Amount::Number(bytes) | Amount::Account(bytes) => bytes,
        }
    }

    /// Appends what `base` becomes to `out`. Modulo 2^256.
    pub fn apply(&self, base: Option<&[u8]>, out: &mut Vec<u8>) {
        let begin = out.len();
        match self {
            Amount::Number(amount) => {
                out.extend_from_slice(base.unwrap_or(&[0; NUMBER_LEN]));
                add_to(&mut out[begin..], amount);
            }
            Amount::Account(amount) => {
                match base {
                    Some(base) => out.extend_from_slice(base),
                    None => {
                        out.resize(begin + CODE, 0);
                        out.extend_from_slice(&EMPTY_CODE);
                    }
                }
                // What is no account has no balance either.
                if let Some(balance) = out[begin..].get_mut(BALANCE..CODE) {
                    add_to(balance, amount);
                }
            }
        }
    }
}

/// `number += amount`, both big-endian, from their last bytes on; what does not fit is lost.
pub fn add_to(number: &mut [u8], amount: &[u8]) {
    let mut carry = 0;
    let mut amount = amount.iter().rev();
    for digit in number.iter_mut().rev() {
        let sum = u16::from(*digit) + u16::from(*amount.next().unwrap_or(&0)) + carry;
        *digit = sum as u8;
        carry = sum >> 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_go_through() {
        let mut number = [0, 0xff, 0xff, 0xfe];
        add_to(&mut number, &[0, 0, 0, 3]);
        assert_eq!(number, [1, 0, 0, 1]);
        add_to(&mut number, &[0xff]);
        assert_eq!(number, [1, 0, 1, 0]);
    }

    #[test]
    fn who_is_paid_first_becomes_an_account() {
        let Amount::Number(amount) = Amount::number(300) else { unreachable!() };
        let mut out = vec![];
        Amount::Account(amount).apply(None, &mut out);
        assert_eq!(
            (out.len(), out[38], out[39], &out[40..]),
            (ACCOUNT_LEN, 1, 44, &EMPTY_CODE[..])
        );
        let before = std::mem::take(&mut out);
        Amount::Account(amount).apply(Some(&before), &mut out);
        assert_eq!((out[38], out[39], &out[..8]), (2, 88, &[0; 8][..]));
    }
}
