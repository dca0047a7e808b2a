//! What a family found.

use super::Cell;
use crate::contender::Contender;

/// Figures, and remarks on them.
#[derive(Default)]
pub struct Findings {
    /// Measured quantities.
    pub figures: Vec<(Cell, f64)>,
    /// What a reader has to know about a figure.
    pub notes: Vec<(Cell, String)>,
}

impl Findings {
    /// Records a figure.
    pub fn figure(&mut self, cell: Cell, figure: f64) {
        self.figures.push((cell, figure));
    }

    /// Records a remark on `cell`.
    pub fn note(&mut self, cell: Cell, note: impl Into<String>) {
        self.notes.push((cell, note.into()));
    }

    /// Takes in what was found elsewhere.
    pub fn append(&mut self, other: Findings) {
        self.figures.extend(other.figures);
        self.notes.extend(other.notes);
    }

    /// Records `figure` after checking that all of the `asked` reads returned what was written.
    ///
    /// # Panics
    ///
    /// Where reads went wrong and the contender is not known for that: the figure would be that of
    /// a broken map.
    pub fn checked<C: Contender>(&mut self, cell: Cell, figure: f64, good: u64, asked: u64) {
        self.expect::<C>(cell, good, asked);
        self.figure(cell, figure);
    }

    /// The check of [`Findings::checked`] alone.
    ///
    /// # Panics
    ///
    /// As that one.
    pub fn expect<C: Contender>(&mut self, cell: Cell, good: u64, asked: u64) {
        if good == asked {
            return;
        }
        let text = format!("{} of {asked} reads went wrong", asked.abs_diff(good));
        assert!(C::LOSES_KEYS, "{}: {text}", cell.name());
        self.note(cell, text);
    }
}
