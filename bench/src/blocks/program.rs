//! Transactions as data: a few kinds of steps, interpreted over a [`State`].

use super::state::{Amount, State};
use super::work::compute;

/// Bytes of a key, and of a value.
pub const LEN: usize = 32;

/// A key of the generated blocks.
pub type Key = [u8; LEN];

/// A value of the generated blocks.
pub type Value = [u8; LEN];

/// Values that a transaction can remember at once.
pub const REGISTERS: usize = 4;

/// What can be executed: transactions by index, all of the same kind.
pub trait Job: Sync {
    /// What a transaction says when it is done. Whoever ran it on the right values says the same.
    type Out: Send + Sync + PartialEq + std::fmt::Debug;

    /// How many transactions there are.
    fn transactions(&self) -> usize;

    /// Runs transaction `index` on `state`.
    ///
    /// # Errors
    /// What stopped it.
    fn run<S: State>(&self, index: usize, state: &mut S) -> Result<Self::Out, S::Stop>;

    /// Keys that the transaction names openly, so that a scheduler may look at them: sender and recipient.
    fn hints(&self, index: usize) -> impl Iterator<Item = &[u8]>;
}

/// One step of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reads a key, and remembers the number in it.
    Read {
        /// What to read.
        key: Key,
        /// Where to remember it, below [`REGISTERS`].
        register: u8,
    },
    /// Writes a remembered number plus `delta`, and a mark of everything that was read so far.
    Write {
        /// Where to.
        key: Key,
        /// Whose number.
        register: u8,
        /// What is added to it, modulo 2^64.
        delta: i64,
    },
    /// Deletes a key.
    Delete {
        /// Which.
        key: Key,
    },
    /// Adds without reading.
    Add {
        /// To what.
        key: Key,
        /// How much.
        amount: u32,
    },
    /// Reads entries in key order.
    Scan {
        /// From here on.
        from: Key,
        /// At most so many.
        limit: u16,
    },
    /// Computes.
    Work,
}

/// The transactions of a block.
#[derive(Clone, Debug, Default)]
pub struct Block {
    steps: Vec<Step>,
    ends: Vec<u32>,
    rounds: u32,
}

impl Block {
    /// An empty block, in which `Work` is so many rounds of computation.
    pub fn new(rounds: u32) -> Block {
        Block { rounds, ..Block::default() }
    }

    /// Adds a transaction.
    pub fn push(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.steps.extend(steps);
        self.ends.push(u32::try_from(self.steps.len()).expect("fewer than 2^32 steps a block"));
    }

    /// The steps of a transaction.
    pub fn steps(&self, index: usize) -> &[Step] {
        let begin = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.steps[begin..self.ends[index] as usize]
    }
}

impl Job for Block {
    type Out = u64;

    fn transactions(&self) -> usize {
        self.ends.len()
    }

    fn run<S: State>(&self, index: usize, state: &mut S) -> Result<u64, S::Stop> {
        let mut registers = [0_u64; REGISTERS];
        // Everything that was seen goes into this word, and it into everything that is written.
        let mut seen = index as u64 ^ 0x7265_706c_6179;
        for step in self.steps(index) {
            match step {
                Step::Read { key, register } => {
                    let value = state.get(key)?;
                    registers[usize::from(*register) % REGISTERS] = number(value);
                    seen = fold(seen, value);
                }
                Step::Write { key, register, delta } => {
                    let held = registers[usize::from(*register) % REGISTERS];
                    let value = value(held.wrapping_add_signed(*delta), seen, index as u64, key);
                    state.put(key, &value)?;
                }
                Step::Delete { key } => state.delete(key)?,
                Step::Add { key, amount } => state.add(key, &Amount::number((*amount).into()))?,
                Step::Scan { from, limit } => state.scan(from, (*limit).into(), |key, value| {
                    seen = fold(fold(seen, Some(key)), Some(value));
                })?,
                Step::Work => seen = work(seen, self.rounds, state)?,
            }
        }
        Ok(seen)
    }

    fn hints(&self, index: usize) -> impl Iterator<Item = &[u8]> {
        let named = self.steps(index).iter().filter_map(|step| match step {
            Step::Write { key, .. } => Some(&key[..]),
            _ => None,
        });
        named.take(2)
    }
}

/// Rounds between two moments at which a computation may be stopped: some microseconds.
const ROUNDS_BETWEEN: u32 = 2_000;

/// Computes so many rounds, and asks now and then whether it is worth while.
///
/// # Errors
/// It is not.
pub fn work<S: State>(seed: u64, rounds: u32, state: &mut S) -> Result<u64, S::Stop> {
    let mut word = seed;
    let mut left = rounds;
    while left > ROUNDS_BETWEEN {
        word = compute(word, ROUNDS_BETWEEN);
        left -= ROUNDS_BETWEEN;
        state.pause()?;
    }
    Ok(compute(word, left))
}

/// The number in a value: its first eight bytes. None is in what is absent.
pub fn number(value: Option<&[u8]>) -> u64 {
    value.and_then(|value| value.first_chunk()).map_or(0, |head| u64::from_be_bytes(*head))
}

/// A value: a number, the mark of what its writer had seen, the writer, the tail of the key.
pub fn value(number: u64, seen: u64, writer: u64, key: &Key) -> Value {
    let mut value = [0; LEN];
    value[..8].copy_from_slice(&number.to_be_bytes());
    value[8..16].copy_from_slice(&seen.to_be_bytes());
    value[16..24].copy_from_slice(&writer.to_be_bytes());
    value[24..].copy_from_slice(&key[LEN - 8..]);
    value
}

#[inline]
fn fold(seen: u64, bytes: Option<&[u8]>) -> u64 {
    let Some(bytes) = bytes else { return mix(seen ^ 0xa5) };
    let (words, rest) = bytes.as_chunks::<8>();
    let seen = words.iter().fold(seen, |seen, word| mix(seen ^ u64::from_be_bytes(*word)));
    rest.iter().fold(seen, |seen, byte| mix(seen ^ u64::from(*byte)))
}

#[inline]
fn mix(word: u64) -> u64 {
    (word ^ (word >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}
