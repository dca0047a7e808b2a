//! The status words of transactions, in a ring as long as the window.
//!
//! ```text
//! word:  index:32 │ distance:16 │ run:8 │ state:8
//!
//!             claim            published           frontier           commit
//! (unclaimed) ─────► RUNNING ────────────► DONE ────────────► LADDER ────────► FINAL
//!                    ▲  │ ▲   early re-run  │                  ▲
//!                    │  │ └─────────────────┘                  │
//!             resume │  ▼ withdrawn                            │
//!                    PARKED ───────────────────────────────────┘ frontier
//! ```
//!
//! A slot is used by index `i` when index `i - ring` has long been final, for nobody may claim further ahead than the window. The
//! index in the word tells whose it is, so a compare-and-swap with a word that was read earlier, of whatever index and
//! run, succeeds only where nothing has happened in between: no index and run has the same state twice, but for `RUNNING`,
//! which nobody expects.
//!
//! `distance` is how far below the index lies that it waits for; zero where only the frontier helps.

use super::Line;
use epoch_store::atomics::AtomicU64;

/// What may be done with a transaction, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// One worker runs it.
    Running = 1,
    /// It has an outcome that may prove wrong.
    Done = 2,
    /// The owner of the frontier has it.
    Ladder = 3,
    /// It is final.
    Final = 4,
    /// Its run was withdrawn.
    Parked = 5,
}

/// A status word; see the module header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word(u64);

impl Word {
    /// Of no index.
    pub const NONE: Self = Self((u32::MAX as u64) << 32);

    /// The word of an index.
    pub const fn new(index: u32, run: u8, state: State) -> Self {
        Self((index as u64) << 32 | (run as u64) << 8 | state as u64)
    }

    /// A run that was withdrawn and waits for index `on`.
    pub const fn parked(index: u32, run: u8, on: u32) -> Self {
        // So far below is nothing that is not final.
        let distance = if index - on > 0xFFFF { 0xFFFF } else { index - on };
        Self(Self::new(index, run, State::Parked).0 | (distance as u64) << 16)
    }

    /// As it is kept.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The state that index `index` has reached, if the slot is its own.
    pub const fn state_of(self, index: u32) -> Option<State> {
        if (self.0 >> 32) as u32 != index {
            return None;
        }
        match self.0 as u8 {
            1 => Some(State::Running),
            2 => Some(State::Done),
            3 => Some(State::Ladder),
            4 => Some(State::Final),
            5 => Some(State::Parked),
            _ => None,
        }
    }

    /// Whether the slot of index `index` has not been used for it yet: it holds an index that came before, or none.
    pub const fn is_before(self, index: u32) -> bool {
        let held = (self.0 >> 32) as u32;
        held < index || held == u32::MAX
    }

    /// How many runs of it have begun.
    pub const fn run(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// The index that `index` waits for, if it does for one.
    pub const fn waits_for(self, index: u32) -> Option<u32> {
        match (self.0 >> 16) as u16 {
            0 => None,
            distance => Some(index - distance as u32),
        }
    }
}

/// The ring.
pub struct Ring(Box<[Line<AtomicU64>]>);

impl Ring {
    /// A ring for at least so many indices at once.
    pub fn new(window: u32) -> Self {
        let len = window.next_power_of_two();
        Self((0..len).map(|_| Line(AtomicU64::new(Word::NONE.bits()))).collect())
    }

    /// How many slots it has.
    pub fn slots(&self) -> u32 {
        self.0.len() as u32
    }

    /// The slot of an index.
    #[inline]
    pub fn of(&self, index: u32) -> &AtomicU64 {
        &self.0[index as usize & (self.0.len() - 1)].0
    }
}

impl From<u64> for Word {
    fn from(bits: u64) -> Self {
        Self(bits)
    }
}
