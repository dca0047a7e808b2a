//! Iteration without a borrow: an iterator that owns its view, and hands out copies.

use super::view::OverlayView;
use crate::Error;
use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Bound;

/// Entries read by the first step of an end.
const FIRST_STEP: usize = 8;
/// Entries read by a step at most.
const LONGEST_STEP: usize = 256;

/// An entry, copied.
type Entry = (Vec<u8>, Vec<u8>);

/// An iterator over what an overlay showed when it was made; see [`Overlay::range`](super::Overlay::range).
///
/// It owns the view that it reads and yields copies, so it can be sent to other threads and outlive every handle. Entries are
/// read some at a time: 8 at first, then twice as many each time, up to 256. Any mix of `next` and `next_back` yields each
/// entry once. After an error it ends.
///
/// ```
/// let overlay = engine::Store::in_memory().overlay();
/// overlay.put("k", "v")?;
/// let entries = overlay.iter();
/// overlay.delete("k")?;
/// drop(overlay);
/// let entries: Result<Vec<_>, engine::Error> = std::thread::spawn(|| entries.collect()).join().unwrap();
/// assert_eq!(entries?, [(b"k".to_vec(), b"v".to_vec())]);
/// # Ok::<(), engine::Error>(())
/// ```
pub struct OverlayEntries {
    view: OverlayView,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    /// Nothing is left to be read: all that there is was read ahead.
    all_read: bool,
    front: End,
    back: End,
}

/// Entries read ahead at one end, in the order in which that end yields them.
#[derive(Debug)]
struct End {
    entries: VecDeque<Entry>,
    step: usize,
}

impl End {
    fn new() -> Self {
        Self { entries: VecDeque::new(), step: FIRST_STEP }
    }
}

impl OverlayEntries {
    pub(super) fn new(view: OverlayView, (from, to): (Bound<&[u8]>, Bound<&[u8]>)) -> Self {
        let (from, to) = (from.map(<[u8]>::to_vec), to.map(<[u8]>::to_vec));
        Self { view, from, to, all_read: false, front: End::new(), back: End::new() }
    }

    fn read_front(&mut self) -> Result<(), Error> {
        let step = self.front.step;
        let range = self.view.range((self.from.as_ref(), self.to.as_ref()));
        for entry in range.take(step) {
            let (key, value) = entry?;
            self.front.entries.push_back((key.into(), value.into()));
        }
        self.all_read = self.front.entries.len() < step;
        self.front.step = (step * 2).min(LONGEST_STEP);
        if let Some((last, _)) = self.front.entries.back() {
            self.from = Bound::Excluded(last.clone());
        }
        Ok(())
    }

    fn read_back(&mut self) -> Result<(), Error> {
        let step = self.back.step;
        let range = self.view.range((self.from.as_ref(), self.to.as_ref()));
        for entry in range.rev().take(step) {
            let (key, value) = entry?;
            self.back.entries.push_back((key.into(), value.into()));
        }
        self.all_read = self.back.entries.len() < step;
        self.back.step = (step * 2).min(LONGEST_STEP);
        if let Some((last, _)) = self.back.entries.back() {
            self.to = Bound::Excluded(last.clone());
        }
        Ok(())
    }

    /// Whether anything is left to be read at an end with no entries read ahead.
    fn needs(&self, end: &End) -> bool {
        end.entries.is_empty() && !self.all_read
    }

    /// Ends with an error.
    fn fail(&mut self, error: Error) -> Error {
        self.all_read = true;
        self.front.entries.clear();
        self.back.entries.clear();
        error
    }
}

impl Iterator for OverlayEntries {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.needs(&self.front)
            && let Err(error) = self.read_front()
        {
            return Some(Err(self.fail(error)));
        }
        // The far side of what the other end has read ahead comes last.
        self.front.entries.pop_front().or_else(|| self.back.entries.pop_back()).map(Ok)
    }
}

impl DoubleEndedIterator for OverlayEntries {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.needs(&self.back)
            && let Err(error) = self.read_back()
        {
            return Some(Err(self.fail(error)));
        }
        self.back.entries.pop_front().or_else(|| self.front.entries.pop_back()).map(Ok)
    }
}

impl FusedIterator for OverlayEntries {}

impl fmt::Debug for OverlayEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverlayEntries").field("view", &self.view).finish_non_exhaustive()
    }
}
