//! Random programs and bases that shrink.

use super::program::{Bytes, KEYS, Manners, Op, Program, Source, Span, Steps, Sum, When};
use super::sequential::State;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::ops::{Bound, Range, RangeInclusive};

/// What generated programs may do beside reading and writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// Panic, fail, dawdle, name empty keys.
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
    // Few keys, so that transactions meet, and sometimes all.
    prop_oneof![Just(1_u8), Just(2), Just(4), Just(12)].prop_flat_map(move |keys| {
        (base(keys), vec(program(keys, mischief), transactions.clone()))
            .prop_map(|(base, programs)| Case { base, programs })
    })
}

pub fn base(keys: u8) -> impl Strategy<Value = State> {
    let key = (0..keys).prop_map(|number| KEYS[usize::from(number)].to_vec());
    btree_map(key, value(), 0..=usize::from(keys))
}

fn value() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        3 => number().prop_map(|number| number.to_be_bytes().to_vec()),
        1 => Just(vec![]),
        1 => vec(any::<u8>(), 0..40),
    ]
}

/// Numbers small and large enough that sums leave their bounds.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0_u64..20, 1 => Just(u64::MAX - 3)]
}

fn program(keys: u8, mischief: Mischief) -> impl Strategy<Value = Program> {
    let manners = prop_oneof![4 => Just(Manners::HandsOn), 1 => Just(Manners::Stubborn)];
    let hints = prop_oneof![6 => Just(vec![]), 1 => vec(0..keys, 0..3)];
    (vec(op(keys, mischief), 0..7), manners, hints).prop_map(|(ops, manners, hints)| Program {
        ops,
        manners,
        hints,
    })
}

fn op(keys: u8, mischief: Mischief) -> impl Strategy<Value = Op> {
    let when = prop_oneof![(0..keys).prop_map(When::Present), Just(When::DigestOdd)];
    prop_oneof![
        12 => simple(keys, mischief),
        2 => (when, vec(simple(keys, mischief), 1..4)).prop_map(|(when, ops)| Op::If(when, ops)),
    ]
}

fn simple(keys: u8, mischief: Mischief) -> BoxedStrategy<Op> {
    let key = move || prop_oneof![60 => 0..keys, 1 => Just(KEYS.len() as u8)];
    let sum = || prop_oneof![Just(Sum::Add), Just(Sum::Sub)];
    let source = prop_oneof![
        4 => Just(Source::Digest),
        2 => number().prop_map(Source::Number),
        1 => value().prop_map(Source::Given),
    ];
    let cancels = if mischief == Mischief::Cancels { 1 } else { 0 };
    let bounded = (key(), sum(), 0_u64..8, 0_u64..10, 5_u64..30)
        .prop_map(|(key, sum, delta, min, max)| Op::MergeBounded { key, sum, delta, min, max });
    let common = prop_oneof![
        16 => key().prop_map(Op::Get),
        2 => vec(key(), 0..4).prop_map(Op::GetMany),
        8 => key().prop_map(Op::Has),
        16 => (key(), source).prop_map(|(key, source)| Op::Put(key, source)),
        8 => key().prop_map(Op::Delete),
        8 => (key(), sum(), 0_u64..8).prop_map(|(key, sum, delta)| Op::Merge(key, sum, delta)),
        4 => bounded,
        8 => (span(keys), steps()).prop_map(|(span, steps)| Op::Scan(span, steps)),
        3 => span(keys).prop_map(Op::DeleteRange),
        1 => Just(Op::Panic),
        1 => Just(Op::Fail),
        2 => any::<u8>().prop_map(Op::Delay),
    ];
    if cancels == 0 {
        common.boxed()
    } else {
        prop_oneof![100 => common, 1 => Just(Op::Cancel)].boxed()
    }
}

pub fn span(keys: u8) -> impl Strategy<Value = Span> {
    (bound(keys), bound(keys))
}

fn bound(keys: u8) -> impl Strategy<Value = Bound<u8>> {
    prop_oneof![
        2 => (0..keys).prop_map(Bound::Included),
        1 => (0..keys).prop_map(Bound::Excluded),
        2 => Just(Bound::Unbounded),
    ]
}

pub fn steps() -> impl Strategy<Value = Steps> {
    let count = || prop_oneof![4 => few(0..5), 2 => Just(usize::MAX)];
    prop_oneof![
        2 => count().prop_map(Steps::Forward),
        2 => count().prop_map(Steps::Backward),
        1 => count().prop_map(Steps::Alternate),
    ]
}

fn few(range: Range<usize>) -> impl Strategy<Value = usize> {
    range
}
