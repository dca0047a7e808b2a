//! How the block is run at the moment: how far ahead, in which portions. Written by the owner of the frontier alone.

/// As one word: `window:16 | batch:8 | early:8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Indices that may be claimed, from the frontier on. 1: only who has moved the frontier may claim, and the others sleep.
    pub window: u16,
    /// Indices claimed at once.
    pub batch: u8,
    /// Whether who is idle validates ahead of the frontier.
    pub early: Early,
}

/// See [`Shape::early`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Early {
    /// The frontier alone repairs.
    Off,
    /// Whoever is idle looks for runs to repeat.
    On,
}

impl Shape {
    /// As it is kept.
    pub const fn bits(self) -> u32 {
        (self.window as u32) << 16 | (self.batch as u32) << 8 | self.early as u32
    }
}

impl From<u32> for Shape {
    fn from(bits: u32) -> Self {
        let early = if bits & 0xFF == 0 { Early::Off } else { Early::On };
        Self { window: (bits >> 16) as u16, batch: (bits >> 8) as u8, early }
    }
}
