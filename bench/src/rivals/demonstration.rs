//! The demonstrations by name, and what they return.

use std::time::Instant;

use clap::ValueEnum;

use super::side::Side;
use super::{
    Allocated, emptied, history, hot_key, lifetime, many_snapshots, neighbour, queue, sleeper,
    ticks,
};
use crate::contender::{Art, Bytes, Ours, Roster, Surreal};

/// One situation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Demonstration {
    /// One key overwritten under an old snapshot, and what is kept meanwhile
    History,
    /// A queue: pushed at one end, popped at the other
    Queue,
    /// A store that was filled and emptied
    Emptied,
    /// One-key commits beside a huge one
    Neighbour,
    /// Many snapshots open, and dropped
    Snapshots,
    /// An iterator that is held and asked for nothing
    Sleeper,
    /// Threads that all add to one key
    HotKey,
    /// Making a store, and taking it down
    Lifetime,
    /// What a program may rely on
    Ticks,
}

/// How large the demonstrations are.
#[derive(Clone, Copy)]
pub struct Size {
    /// Keys, of the largest; the others are in proportion.
    pub keys: u64,
    /// Bytes allocated now.
    pub allocated: Allocated,
}

impl Size {
    /// A share of the keys, but never fewer than `least`.
    pub fn part(self, divisor: u64, least: u64) -> u64 {
        (self.keys / divisor).max(least)
    }
}

/// The sides, in the order of the columns.
pub const SIDES: [Roster; 3] = [Roster::Ours, Roster::Surrealmx, Roster::Artmap];

impl Demonstration {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Demonstration::History => "history",
            Demonstration::Queue => "queue",
            Demonstration::Emptied => "emptied",
            Demonstration::Neighbour => "neighbour",
            Demonstration::Snapshots => "snapshots",
            Demonstration::Sleeper => "sleeper",
            Demonstration::HotKey => "hot-key",
            Demonstration::Lifetime => "lifetime",
            Demonstration::Ticks => "ticks",
        }
    }

    /// A title for people.
    pub fn title(self) -> &'static str {
        match self {
            Demonstration::History => "An old snapshot, and keys that are overwritten under it",
            Demonstration::Queue => "A queue of 1,000 keys: pushed at one end, popped at the other",
            Demonstration::Emptied => "A store that was filled, and emptied key by key",
            Demonstration::Neighbour => "One-key commits beside a huge commit",
            Demonstration::Snapshots => "Many open snapshots",
            Demonstration::Sleeper => "An iterator that sleeps",
            Demonstration::HotKey => "Threads that all add to one key, in transactions",
            Demonstration::Lifetime => "Making a store, and taking it down",
            Demonstration::Ticks => "What a program may rely on",
        }
    }

    /// Shows it for `side`: nothing, where the side has no such thing.
    pub fn show(self, side: Roster, size: Size) -> Vec<Line> {
        match side {
            Roster::Ours => self.show_ours(size),
            Roster::Surrealmx => self.show_surreal(size),
            Roster::Artmap => self.show_art(size),
            _ => Vec::new(),
        }
    }

    fn show_ours(self, size: Size) -> Vec<Line> {
        match self {
            Demonstration::HotKey => hot_key::ours(size),
            Demonstration::Ticks => ticks::ours(),
            other => other.show_store::<Ours>(size),
        }
    }

    fn show_surreal(self, size: Size) -> Vec<Line> {
        match self {
            Demonstration::HotKey => hot_key::surreal(size),
            Demonstration::Ticks => ticks::surreal(),
            other => other.show_store::<Surreal>(size),
        }
    }

    fn show_art(self, size: Size) -> Vec<Line> {
        match self {
            Demonstration::Queue
            | Demonstration::Emptied
            | Demonstration::Sleeper
            | Demonstration::Lifetime => self.show_store::<Art<Bytes>>(size),
            Demonstration::Ticks => ticks::art(),
            // It has neither snapshots nor atomic commits.
            _ => Vec::new(),
        }
    }

    fn show_store<S: Side>(self, size: Size) -> Vec<Line> {
        match self {
            Demonstration::History => history::history::<S>(size),
            Demonstration::Queue => queue::queue::<S>(size),
            Demonstration::Emptied => emptied::emptied::<S>(size),
            Demonstration::Neighbour => neighbour::neighbour::<S>(size),
            Demonstration::Snapshots => many_snapshots::many_snapshots::<S>(size),
            Demonstration::Sleeper => sleeper::sleeper::<S>(size),
            Demonstration::Lifetime => lifetime::lifetime::<S>(size),
            // Those are written for each side.
            Demonstration::HotKey | Demonstration::Ticks => Vec::new(),
        }
    }
}

/// One thing that was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What: the same words on every side.
    pub what: String,
    /// How much of `unit`; for a tick 1 for right and 0 for wrong.
    pub seen: f64,
    /// The unit.
    pub unit: String,
}

/// The unit of what is right or wrong.
pub const TICK: &str = "tick";

impl Line {
    /// A figure.
    pub fn of(what: impl Into<String>, seen: f64, unit: &str) -> Line {
        Line { what: what.into(), seen, unit: unit.to_owned() }
    }

    /// Something that is right or wrong.
    pub fn tick(what: &str, is_right: bool) -> Line {
        Line::of(what, f64::from(u8::from(is_right)), TICK)
    }

    /// The line between child and parent process.
    pub fn encode(&self) -> String {
        format!("seen\t{}\t{}\t{}", self.seen, self.unit, self.what)
    }

    /// Reads such a line; `None` where it is none.
    pub fn decode(text: &str) -> Option<Line> {
        let mut fields = text.splitn(4, '\t');
        if fields.next()? != "seen" {
            return None;
        }
        let seen = fields.next()?.parse().ok()?;
        let unit = fields.next()?.to_owned();
        Some(Line { what: fields.next()?.to_owned(), seen, unit })
    }
}

/// Nanoseconds that `work` takes.
pub fn nanos(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_nanos() as f64
}

/// The median of what `sample` returns.
pub fn median_of(times: usize, mut sample: impl FnMut() -> f64) -> f64 {
    let mut samples: Vec<f64> = (0..times).map(|_| sample()).collect();
    crate::measure::timing::median(&mut samples).unwrap_or(f64::NAN)
}

/// Key `number`, in numerical order.
pub fn ordered(number: u64) -> [u8; 16] {
    let mut key = *b"queue/\0\0\0\0\0\0\0\0\0\0";
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// Key `number`, in no order.
pub fn scattered(number: u64) -> [u8; 16] {
    ordered(number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_survive_the_way() {
        let line = Line::of("an overwrite, at the end", 0.1 + 0.2, "ns");
        assert_eq!(Line::decode(&line.encode()), Some(line));
        assert_eq!(Line::decode("hello"), None);
    }

    #[test]
    fn every_demonstration_shows_the_same_lines_on_both_sides() {
        for demonstration in Demonstration::value_variants() {
            let words = |side| -> Vec<String> {
                let lines = demonstration.show(side, Size { keys: 2_000, allocated: || 0 });
                lines.into_iter().map(|line| line.what).collect()
            };
            let ours = words(Roster::Ours);
            assert!(!ours.is_empty(), "{demonstration:?}");
            assert_eq!(ours, words(Roster::Surrealmx), "{demonstration:?}");
            let art = words(Roster::Artmap);
            assert!(art.iter().all(|what| ours.contains(what)), "{demonstration:?}: {art:?}");
        }
    }
}
