//! From the bytes of a fuzzer to the steps of a [`World`]: what the seeded test and the coverage-guided driver share.
//!
//! To add a kind of step: an arm in [`World::apply`], and in [`plain_step`] a number of its own out of the spare ones. Numbers
//! that are in use keep their meaning, or the committed corpus would lose its.

use super::model::{Change, Write};
use super::tape::Tape;
use super::world::{Step, World};

/// Steps of one input at most: an input is to be small, and many inputs are better than long ones.
const MOST_STEPS: usize = 300;

/// Kinds of steps, spare ones among them. A power of two, so that each has the same share of the bytes.
const KINDS: u8 = 64;

/// Versions that the map retains, by the two bits of the first byte that do not say a kind.
const RETAINED: [u64; 4] = [0, 1, 9, 60];

/// The steps that an input means.
pub fn steps(input: &[u8]) -> Vec<Step> {
    let mut tape = Tape::new(input);
    let mut steps = Vec::new();
    while !tape.is_over() && steps.len() < MOST_STEPS {
        steps.push(step(&mut tape));
    }
    steps
}

/// How many versions the map of an input retains.
pub fn retained(input: &[u8]) -> u64 {
    let choice = input.first().map_or(0, |first| first / KINDS);
    RETAINED[usize::from(choice)]
}

/// Runs an input. Panics if the map and the model differ anywhere.
pub fn run(input: &[u8]) {
    let mut world = World::retaining(retained(input));
    for step in steps(input) {
        world.apply(step);
    }
    // What the snapshots see is still there after a collection, and nothing else but the window after they are gone.
    world.apply(Step::Maintain);
    world.check_all();
    world.close_all();
    world.apply(Step::Maintain);
}

fn step(tape: &mut Tape<'_>) -> Step {
    let number = tape.byte();
    in_a_space(number, tape, step_with_scans)
}

/// A step in the default space, or one in the key space.
fn in_a_space(number: u8, tape: &mut Tape<'_>, step: fn(u8, &mut Tape<'_>) -> Step) -> Step {
    match number % KINDS {
        50..54 => {
            let number = tape.byte();
            Step::InSpace(Box::new(step(number, tape)))
        }
        number => step(number, tape),
    }
}

fn step_with_scans(number: u8, tape: &mut Tape<'_>) -> Step {
    match number % KINDS {
        // One iterator, and anything else between its entries; but not another such thing.
        0..3 => Step::ScanAmid(
            tape.at(),
            tape.bound(),
            tape.bound(),
            tape.turns(),
            tape.several(12, |tape| {
                let number = tape.byte();
                in_a_space(number, tape, plain_step)
            }),
        ),
        number => plain_step(number, tape),
    }
}

fn plain_step(number: u8, tape: &mut Tape<'_>) -> Step {
    match number % KINDS {
        3..24 | 45..50 => write_step(number, tape),
        24..27 => Step::Open,
        27 => Step::OpenByNumber,
        28 => Step::OpenAt(tape.byte().into()),
        29 => Step::OpenAt(u64::MAX - u64::from(tape.byte())),
        30 => Step::Clone(tape.at()),
        31..34 => Step::Close(tape.at()),
        34 => Step::Maintain,
        35..38 => Step::Get(tape.at(), tape.any_key()),
        38 | 39 => Step::GetMany(tape.at(), tape.several(70, Tape::any_key)),
        40 => Step::Ends(tape.at()),
        41 => Step::Prefix(tape.at(), tape.any_key(), tape.turns()),
        42..45 => Step::Scan(tape.at(), tape.bound(), tape.bound(), tape.turns()),
        54 => Step::Changes(tape.at(), tape.at(), tape.turns()),
        55 => Step::ChangesSince(tape.at(), tape.bound(), tape.bound(), tape.turns()),
        56 | 57 => Step::OpenOld(tape.at()),
        58 => Step::Lend,
        59 => Step::ReadLease(tape.at(), tape.any_key(), tape.bound(), tape.bound(), tape.turns()),
        60 => Step::EndLease(tape.at()),
        61 => Step::Revoke(tape.at()),
        // 62 and 63 are spare; 0 to 2 come here only from inside a scan, 50 to 53 only from inside the key space.
        _ => Step::Get(tape.at(), tape.key()),
    }
}

fn write_step(number: u8, tape: &mut Tape<'_>) -> Step {
    match number % KINDS {
        3..13 => Step::Put(tape.key(), tape.value()),
        13..18 => Step::Delete(tape.key()),
        18..21 => Step::Commit(tape.several(24, Tape::write)),
        21..24 => Step::Commit(tape.run()),
        45 => Step::Refused(refused(tape)),
        46 => {
            let (from, to) = tape.span();
            Step::DeleteRange(from, to)
        }
        47 => Step::DeleteRange(tape.bound(), tape.bound()),
        _ => Step::Change(tape.several(12, change)),
    }
}

/// Writes of which one has a key that cannot be stored.
fn refused(tape: &mut Tape<'_>) -> Vec<Write> {
    let mut writes = tape.several(4, Tape::write);
    let bad = (tape.bad_key(), tape.value_or_delete());
    let at = usize::from(tape.byte()) % (writes.len() + 1);
    writes.insert(at, bad);
    writes
}

/// A write, or less often a range to delete.
fn change(tape: &mut Tape<'_>) -> Change {
    let (from, to) = match tape.byte() % 8 {
        0 => (tape.bound(), tape.bound()),
        1 => tape.span(),
        _ => return Change::Write(tape.write()),
    };
    Change::DeleteRange(from, to)
}
