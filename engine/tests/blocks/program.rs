//! Transactions as data.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Bound;
use std::sync::LazyLock;

/// The bytes of a key or of a value.
pub type Bytes = Vec<u8>;

/// A key and its value.
pub type Row = (Bytes, Bytes);

/// The keys that programs name by number: neighbours in order, prefixes of each other, one of a single zero.
pub const KEYS: [&[u8]; 12] = [
    b"a",
    b"aa",
    b"ab",
    b"b",
    b"b\0",
    b"ba",
    b"c",
    b"\0",
    b"c\xff",
    b"d",
    b"key of twenty bytes.",
    b"z",
];

/// The number of the empty key, which no store takes.
pub const EMPTY: u8 = KEYS.len() as u8;
/// Numbers from here on name keys of one length.
pub const MANY: u8 = EMPTY + 1;

/// A key by its number.
pub fn key(number: u8) -> &'static [u8] {
    static MANY_KEYS: LazyLock<Vec<Bytes>> = LazyLock::new(|| {
        let scattered = |number: u8| number.wrapping_mul(137);
        (0..=255).map(|number| format!("many/{:03}", scattered(number)).into_bytes()).collect()
    });
    match number {
        EMPTY => b"",
        MANY.. => &MANY_KEYS[usize::from(number)],
        _ => KEYS[usize::from(number)],
    }
}

/// A part of the keys.
pub type Span = (Bound<u8>, Bound<u8>);

/// The bounds of a span in bytes.
pub fn bounds(span: Span) -> (Bound<&'static [u8]>, Bound<&'static [u8]>) {
    (span.0.map(key), span.1.map(key))
}

/// Whether a key lies between two bounds.
pub fn is_inside((from, to): (Bound<&[u8]>, Bound<&[u8]>), key: &[u8]) -> bool {
    let above = match from {
        Bound::Included(from) => key >= from,
        Bound::Excluded(from) => key > from,
        Bound::Unbounded => true,
    };
    let below = match to {
        Bound::Included(to) => key <= to,
        Bound::Excluded(to) => key < to,
        Bound::Unbounded => true,
    };
    above && below
}

/// How an iterator is moved before it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// So many entries from the front.
    Forward(usize),
    /// So many entries from the back.
    Backward(usize),
    /// So many entries, from the front and from the back in turn.
    Alternate(usize),
}

impl Steps {
    /// Moves an iterator and collects what it yields, up to its end or its first error.
    pub fn collect<T, E>(
        self,
        mut entries: impl DoubleEndedIterator<Item = Result<T, E>>,
    ) -> Result<Vec<T>, E> {
        let (count, back): (_, fn(usize) -> bool) = match self {
            Self::Forward(count) => (count, |_| false),
            Self::Backward(count) => (count, |_| true),
            Self::Alternate(count) => (count, |step| step % 2 == 1),
        };
        let mut seen = Vec::new();
        for step in 0..count {
            match if back(step) { entries.next_back() } else { entries.next() } {
                Some(entry) => seen.push(entry?),
                None => break,
            }
        }
        Ok(seen)
    }
}

/// Where the bytes of a put come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The program says.
    Given(Bytes),
    /// A number of eight bytes, which merges can add to.
    Number(u64),
    /// What was read up to here: a wrong read becomes a wrong value for everybody after.
    Digest,
}

/// When the inner operations of a branch run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// If the key has a value.
    Present(u8),
    /// If the digest of all that was read is odd.
    DigestOdd,
}

/// Additions to eight-byte big-endian numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    Add,
    Sub,
}

/// The most bytes of a value that something was appended to: one more than those of a number, which can so become none.
pub const LONGEST: usize = 9;

/// One operation of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Get(u8),
    GetMany(Vec<u8>),
    Has(u8),
    Put(u8, Source),
    Delete(u8),
    Merge(u8, Sum, u64),
    MergeBounded {
        key: u8,
        sum: Sum,
        delta: u64,
        min: u64,
        max: u64,
    },
    /// Another merge: a byte behind the value, up to [`LONGEST`].
    Append(u8, u8),
    Scan(Span, Steps),
    DeleteRange(Span),
    If(When, Vec<Op>),
    Panic,
    Fail,
    Delay(u8),
    Cancel,
}

/// What a program does when a run turns out to be stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manners {
    /// Hands the error on, as a decent transaction does.
    HandsOn,
    /// Swallows it and goes on reading and writing.
    Stubborn,
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub ops: Vec<Op>,
    pub manners: Manners,
    /// Keys that it says it will probably touch, rightly or wrongly.
    pub hints: Vec<u8>,
}

impl Program {
    pub fn new(ops: impl Into<Vec<Op>>) -> Self {
        Self { ops: ops.into(), manners: Manners::HandsOn, hints: vec![] }
    }
}

/// Why an operation did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The same in every execution: part of the result.
    Input(Input),
    /// Of this run only; what the run does from here on cannot count.
    Run(String),
}

/// Input that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    EmptyKey,
    /// Not a number of eight bytes, or a sum that leaves them; or a value that would be too long.
    Merge,
    /// More keys in a deleted range than are allowed.
    RangeTooLarge,
}

/// What one operation told the program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    Value(Option<Bytes>),
    Values(Vec<Option<Bytes>>),
    Has(Presence),
    Bounded(Bounded),
    Rows(Vec<Row>),
    Refused(Input),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    Present,
    Absent,
}

impl From<bool> for Presence {
    fn from(present: bool) -> Self {
        if present { Self::Present } else { Self::Absent }
    }
}

/// What became of a bounded merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bounded {
    Applied,
    OutOfBounds,
}

/// Why a transaction has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The program chose to fail, after it had read this.
    Chosen(u64),
    /// The run was given up.
    Run(String),
}

/// What a transaction returns: everything that it was told.
pub type Notes = Vec<Note>;

/// What programs run on.
pub trait Target {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Refusal>;
    fn get_many(&mut self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, Refusal>;
    fn has(&mut self, key: &[u8]) -> Result<Presence, Refusal>;
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Refusal>;
    fn delete(&mut self, key: &[u8]) -> Result<(), Refusal>;
    fn merge(&mut self, key: &[u8], sum: Sum, delta: u64) -> Result<(), Refusal>;
    fn merge_bounded(
        &mut self,
        key: &[u8],
        sum: Sum,
        delta: u64,
        min: u64,
        max: u64,
    ) -> Result<Bounded, Refusal>;
    fn append(&mut self, key: &[u8], byte: u8) -> Result<(), Refusal>;
    fn scan(&mut self, span: Span, steps: Steps) -> Result<Vec<Row>, Refusal>;
    fn delete_range(&mut self, span: Span) -> Result<(), Refusal>;
    fn delay(&mut self, _length: u8) {}
    fn cancel(&mut self) {}
}

/// Runs a program; panics where it says so, with what it has read as the payload.
pub fn run(program: &Program, target: &mut impl Target) -> Result<Notes, Failure> {
    let mut notes = Vec::new();
    run_all(&program.ops, program.manners, target, &mut notes)?;
    Ok(notes)
}

fn run_all(
    ops: &[Op],
    manners: Manners,
    target: &mut impl Target,
    notes: &mut Notes,
) -> Result<(), Failure> {
    for op in ops {
        match step(op, manners, target, notes) {
            Ok(Some(note)) => notes.push(note),
            Ok(None) => {}
            Err(Stop::Refused(Refusal::Input(input))) => notes.push(Note::Refused(input)),
            Err(Stop::Refused(Refusal::Run(_))) if manners == Manners::Stubborn => {}
            Err(Stop::Refused(Refusal::Run(reason))) => return Err(Failure::Run(reason)),
            Err(Stop::Failed(failure)) => return Err(failure),
        }
    }
    Ok(())
}

enum Stop {
    Refused(Refusal),
    Failed(Failure),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn step(
    op: &Op,
    manners: Manners,
    target: &mut impl Target,
    notes: &mut Notes,
) -> Result<Option<Note>, Stop> {
    match op {
        Op::Get(number) => return Ok(Some(Note::Value(target.get(key(*number))?))),
        Op::GetMany(numbers) => {
            let keys: Vec<_> = numbers.iter().map(|number| key(*number)).collect();
            return Ok(Some(Note::Values(target.get_many(&keys)?)));
        }
        Op::Has(number) => return Ok(Some(Note::Has(target.has(key(*number))?))),
        Op::Put(number, Source::Given(value)) => target.put(key(*number), value)?,
        Op::Put(number, Source::Number(value)) => target.put(key(*number), &value.to_be_bytes())?,
        Op::Put(number, Source::Digest) => {
            target.put(key(*number), &digest(notes).to_be_bytes())?;
        }
        Op::Delete(number) => target.delete(key(*number))?,
        Op::Merge(number, sum, delta) => target.merge(key(*number), *sum, *delta)?,
        Op::MergeBounded { key: number, sum, delta, min, max } => {
            let outcome = target.merge_bounded(key(*number), *sum, *delta, *min, *max)?;
            return Ok(Some(Note::Bounded(outcome)));
        }
        Op::Append(number, byte) => target.append(key(*number), *byte)?,
        Op::Scan(span, steps) => return Ok(Some(Note::Rows(target.scan(*span, *steps)?))),
        Op::DeleteRange(span) => target.delete_range(*span)?,
        Op::If(when, inner) => {
            if is_met(*when, target, notes)? {
                run_all(inner, manners, target, notes).map_err(Stop::Failed)?;
            }
        }
        Op::Panic => panic_with(digest(notes)),
        Op::Fail => return Err(Stop::Failed(Failure::Chosen(digest(notes)))),
        Op::Delay(length) => target.delay(*length),
        Op::Cancel => target.cancel(),
    }
    Ok(None)
}

fn is_met(when: When, target: &mut impl Target, notes: &mut Notes) -> Result<bool, Refusal> {
    match when {
        When::Present(number) => {
            let presence = target.has(key(number))?;
            notes.push(Note::Has(presence));
            Ok(presence == Presence::Present)
        }
        When::DigestOdd => Ok(digest(notes) % 2 == 1),
    }
}

/// The payload of a panic of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload(pub u64);

/// Panics without the hook that prints: there are thousands of these.
fn panic_with(digest: u64) -> ! {
    std::panic::resume_unwind(Box::new(Payload(digest)))
}

/// A number that depends on all that was read.
pub fn digest(notes: &Notes) -> u64 {
    let mut hasher = DefaultHasher::new(); // the same in every run of a program
    notes.hash(&mut hasher);
    hasher.finish()
}
