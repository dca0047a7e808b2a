//! What differs between the entries of two snapshots, found by walking both.

use super::{Change, Range};
use crate::below::Ahead;
use crate::{Error, Key, Value};
use std::cmp::Ordering;

type Entries<'s> = Ahead<Range<'s>, (Key<'s>, Value<'s>)>;

/// See the module header. After an error there is nothing more.
#[derive(Debug)]
pub struct Compared<'s> {
    older: Entries<'s>,
    newer: Entries<'s>,
    is_over: bool,
}

/// What one step has found.
enum Step<'s> {
    Change(Change<'s>),
    Same,
    End,
}

impl<'s> Compared<'s> {
    pub fn new(older: Range<'s>, newer: Range<'s>) -> Self {
        Self { older: Ahead::new(older), newer: Ahead::new(newer), is_over: false }
    }

    fn step(&mut self) -> Result<Step<'s>, Error> {
        let order = order(self.older.first()?, self.newer.first()?);
        Ok(self.change(order, Ahead::take_first))
    }

    fn step_back(&mut self) -> Result<Step<'s>, Error> {
        // From behind, the greater key comes first.
        let order = match (self.older.last()?, self.newer.last()?) {
            (Some((older, _)), Some((newer, _))) => Some((**newer).cmp(&**older)),
            (older, newer) => order(older, newer),
        };
        Ok(self.change(order, Ahead::take_last))
    }

    /// Takes what comes first of the two, or both if they have the same key.
    fn change(
        &mut self,
        order: Option<Ordering>,
        take: impl Fn(&mut Entries<'s>) -> Option<(Key<'s>, Value<'s>)>,
    ) -> Step<'s> {
        let Some(order) = order else { return Step::End };
        let before = order.is_le().then(|| take(&mut self.older)).flatten();
        let after = order.is_ge().then(|| take(&mut self.newer)).flatten();
        match (before, after) {
            (Some((_, before)), Some((_, after))) if before == after => Step::Same,
            (Some((key, before)), after) => Step::Change(Change {
                key,
                before: Some(before),
                after: after.map(|(_, value)| value),
            }),
            (None, Some((key, after))) => {
                Step::Change(Change { key, before: None, after: Some(after) })
            }
            (None, None) => Step::End,
        }
    }

    fn until_change(
        &mut self,
        mut step: impl FnMut(&mut Self) -> Result<Step<'s>, Error>,
    ) -> Option<Result<Change<'s>, Error>> {
        while !self.is_over {
            match step(self) {
                Ok(Step::Same) => {}
                Ok(Step::Change(change)) => return Some(Ok(change)),
                Ok(Step::End) => self.is_over = true,
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// Which of two entries comes first; that which is there, if the other is not.
fn order(
    older: Option<&(Key<'_>, Value<'_>)>,
    newer: Option<&(Key<'_>, Value<'_>)>,
) -> Option<Ordering> {
    match (older, newer) {
        (Some((older, _)), Some((newer, _))) => Some((**older).cmp(&**newer)),
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (None, None) => None,
    }
}

impl<'s> Iterator for Compared<'s> {
    type Item = Result<Change<'s>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.until_change(Self::step)
    }
}

impl DoubleEndedIterator for Compared<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.until_change(Self::step_back)
    }
}
