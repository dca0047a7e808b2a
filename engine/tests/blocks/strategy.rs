//! Random programs and bases that shrink.
//!
//! Generated as rows of numbers, which are then read as operations: thousands of blocks are made in a test, and a tree of
//! strategies for each operation takes ten times as long to grow as the block to run. What is left out when a case is
//! made smaller is transactions and operations; a smaller number is a simpler operation, roughly.

use super::program::{
    Bytes, EMPTY, KEYS, MANY, Manners, Op, Program, Source, Span, Steps, Sum, When, key as key_of,
};
use super::sequential::State;
use proptest::collection::vec;
use proptest::prelude::*;
use std::ops::{Bound, RangeInclusive};

/// What generated programs may do beside reading and writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// Panic, fail, dawdle, name empty keys, swallow errors.
    All,
    /// And cancel the block.
    Cancels,
}

/// A block to execute.
#[derive(Clone, Debug)]
pub struct Case {
    pub base: State,
    pub programs: Vec<Program>,
}

/// Blocks of so many transactions.
pub fn case(
    transactions: RangeInclusive<usize>,
    mischief: Mischief,
) -> impl Strategy<Value = Case> {
    let programs = vec(vec(any::<u32>(), 1..8), transactions);
    (0..4_usize, vec(any::<u32>(), 0..=KEYS.len()), programs).prop_map(
        move |(few, base, programs)| {
            // Few keys, so that transactions meet, and sometimes all.
            let reader = Reader { first: 0, keys: [1, 2, 4, 12][few], mischief };
            let base = base.into_iter().map(|word| reader.row(word)).collect();
            let programs = programs.into_iter().map(|words| reader.program(&words)).collect();
            Case { base, programs }
        },
    )
}

/// Blocks of few and long transactions, over many keys.
pub fn wide_case() -> impl Strategy<Value = Case> {
    let programs = vec(vec(any::<u32>(), 1..200), 1..=12);
    (vec(any::<u32>(), 0..100), programs).prop_map(|(base, programs)| {
        let reader = Reader { first: MANY, keys: u8::MAX - MANY, mischief: Mischief::All };
        let base = base.into_iter().map(|word| reader.row(word)).collect();
        let programs = programs.into_iter().map(|words| reader.program(&words)).collect();
        Case { base, programs }
    })
}

/// A part of the first so many keys.
pub fn span(keys: u8) -> impl Strategy<Value = Span> {
    any::<[u8; 2]>().prop_map(move |[keys_of, kinds]| to_span(keys, keys_of, kinds))
}

/// How an iterator is moved.
pub fn steps() -> impl Strategy<Value = Steps> {
    any::<u8>().prop_map(to_steps)
}

/// Reads numbers as operations over the first so many keys.
#[derive(Clone, Copy)]
struct Reader {
    first: u8,
    keys: u8,
    mischief: Mischief,
}

impl Reader {
    /// The number of a key.
    fn number(self, byte: u8) -> u8 {
        self.first + byte % self.keys
    }

    fn span(self, keys: u8, kinds: u8) -> Span {
        if self.first == 0 {
            return to_span(self.keys, keys, kinds);
        }
        let (from, to) = (self.number(keys), self.number(kinds));
        if keys.is_multiple_of(4) {
            (Bound::Unbounded, Bound::Excluded(to))
        } else {
            (Bound::Included(from), Bound::Excluded(to))
        }
    }

    fn row(self, word: u32) -> (Bytes, Bytes) {
        let [_, key, ..] = word.to_le_bytes();
        (key_of(self.number(key)).to_vec(), value(word))
    }

    fn program(self, words: &[u32]) -> Program {
        let (head, mut rest) = words.split_first().expect("at least one");
        let [manners, hints, first, second] = head.to_le_bytes();
        let manners = if manners >= 200 { Manners::Stubborn } else { Manners::HandsOn };
        let hints =
            if hints >= 220 { vec![self.number(first), self.number(second)] } else { vec![] };
        let mut ops = Vec::new();
        while let Some((word, behind)) = rest.split_first() {
            let (op, used) = self.op(*word, behind);
            ops.push(op);
            rest = &behind[used..];
        }
        Program { ops, manners, hints }
    }

    /// An operation, and how many of the numbers behind it belong to it.
    fn op(self, word: u32, behind: &[u32]) -> (Op, usize) {
        let [kind, a, b, c] = word.to_le_bytes();
        if kind % 8 != 7 {
            return (self.simple(word), 0);
        }
        let count = behind.len().min(1 + usize::from(c % 3));
        let inner = behind[..count].iter().map(|word| self.simple(*word)).collect();
        let when =
            if b.is_multiple_of(2) { When::Present(self.number(a)) } else { When::DigestOdd };
        (Op::If(when, inner), count)
    }

    fn simple(self, word: u32) -> Op {
        let [kind, a, b, c] = word.to_le_bytes();
        let key = if a == 255 { EMPTY } else { self.number(a) };
        let (sum, amount) =
            (if b.is_multiple_of(2) { Sum::Add } else { Sum::Sub }, u64::from(c % 8));
        match kind {
            0..40 => Op::Get(key),
            40..44 => Op::GetMany(vec![key, self.number(b), self.number(c)]),
            44..58 => Op::Has(key),
            58..64 => Op::Append(key, c),
            64..104 => Op::Put(key, source(word)),
            104..124 => Op::Delete(key),
            124..150 => Op::Merge(key, sum, amount),
            150..166 => {
                let (min, max) = (u64::from(b / 2 % 10), u64::from(5 + b / 16 * 2));
                Op::MergeBounded { key, sum, delta: amount, min, max }
            }
            166..206 => Op::Scan(self.span(b, c), to_steps(a)),
            206..220 => Op::DeleteRange(self.span(b, c)),
            220..224 => Op::Panic,
            224..228 => Op::Fail,
            228..250 => Op::Delay(a),
            250.. if self.mischief == Mischief::Cancels && a < 40 => Op::Cancel,
            250.. => Op::GetMany(vec![]),
        }
    }
}

fn source(word: u32) -> Source {
    let [.., b, c] = word.to_le_bytes();
    match b {
        0..140 => Source::Digest,
        140..220 => Source::Number(number(c)),
        220.. => Source::Given(value(word)),
    }
}

/// A number, an empty value, or bytes of some other length.
fn value(word: u32) -> Bytes {
    let [.., b, c] = word.to_le_bytes();
    match b % 8 {
        0..6 => number(c).to_be_bytes().to_vec(),
        6 => vec![],
        _ => vec![c; usize::from(c % 40)],
    }
}

/// Small, or so large that sums leave what a number can be.
fn number(byte: u8) -> u64 {
    if byte >= 230 { u64::MAX - u64::from(byte % 4) } else { u64::from(byte % 20) }
}

fn to_span(keys: u8, keys_of: u8, kinds: u8) -> Span {
    let bound = |key: u8, kind: u8| match kind {
        0 | 1 => Bound::Unbounded,
        2 | 3 => Bound::Included(key),
        _ => Bound::Excluded(key),
    };
    let (from, to) = (keys_of % 16 % keys, keys_of / 16 % keys);
    (bound(from, kinds % 5), bound(to, kinds / 5 % 5))
}

fn to_steps(byte: u8) -> Steps {
    let count = usize::from(byte / 5 % 8);
    let count = if count >= 5 { usize::MAX } else { count };
    match byte % 5 {
        0 | 1 => Steps::Forward(count),
        2 | 3 => Steps::Backward(count),
        _ => Steps::Alternate(count),
    }
}
