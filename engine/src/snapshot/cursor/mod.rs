//! Cursors: a place among the entries of a snapshot, which moves both ways.
//!
//! *Owned.* A cursor holds a clone of its snapshot and borrows nothing, so that it can lie in a struct, be returned, and move
//! to another thread. What it yields is borrowed from the cursor.
//!
//! *Picture.* It reads ahead, a page of entries at a time: keys and short values are copied, so that most steps are
//! inside the page, and cost no search.
//!
//! ```text
//!   entries   a   b   c   d   e   f   g   h
//!                    [c   d   e   f]            page
//!                         ^                     place: On(1)
//!   next from f: search for what is above f, fill a page four times as long
//!   prev from c: search for what is below c, fill a short page (the direction has changed)
//! ```
//!
//! *Invariants.* The entries of a page are neighbours: none of the snapshot lies between two of them. `On(at)` is within
//! the page. A move that fails leaves page and place as they were: the next page is filled beside them first.

mod page;

use super::{Range, Snapshot, SpaceView};
use crate::{Error, Key, Value, Version};
use page::{Direction, Page};
use std::fmt;
use std::ops::Bound;

/// Entries read by a move that has to search: what a look at an entry and its next neighbours needs.
const FIRST_PAGE: usize = 4;
/// How much longer the next page is if the cursor goes on in the same direction.
const GROWTH: usize = 4;
/// Entries of a page at most.
const LONGEST_PAGE: usize = 64;

/// A place among the entries of a [`Snapshot`], from [`Snapshot::cursor`] or [`Snapshot::cursor_in`].
///
/// *Where it can be.* On an entry; *before the first*, where a new cursor is; or *after the last*. Moves return whether
/// the cursor is on an entry then. They are total:
///
/// | move | from before the first | from an entry | from after the last |
/// |---|---|---|---|
/// | [`next`](Cursor::next) | first entry, if any, else after the last | next entry, else after the last | stays |
/// | [`prev`](Cursor::prev) | stays | previous entry, else before the first | last entry, if any, else before the first |
/// | [`seek(k)`](Cursor::seek), [`seek_to_first`](Cursor::seek_to_first) | first entry at or above `k`, of all; else after the last | the same | the same |
/// | [`seek_for_prev(k)`](Cursor::seek_for_prev), [`seek_to_last`](Cursor::seek_to_last) | last entry at or below `k`, of all; else before the first | the same | the same |
///
/// So `next` undoes `prev` and `prev` undoes `next`, at the ends too, unless the cursor stays.
///
/// *Guarantee.* It shows its snapshot: nothing that is written later moves or changes what it sees. *Owned.* It holds a clone
/// of the snapshot, and can be kept in a struct or returned from a function. *Errors* of a move leave the cursor
/// where it was.
///
/// *Cost and progress.* No move waits. A seek takes logarithmic time; so does a step that leaves what was read ahead, up to 64
/// entries, whose keys and values of up to 256 bytes are copied. Other steps take constant time. A sleeping
/// cursor holds up nobody, and keeps what its snapshot keeps. To walk a whole range, [`Snapshot::range`] copies nothing.
///
/// ```
/// use engine::{Cursor, Error, Store};
///
/// /// A function that returns one, where an iterator would borrow the snapshot.
/// fn at_or_above(store: &Store, key: &str) -> Result<Cursor, Error> {
///     let mut cursor = store.snapshot().cursor();
///     cursor.seek(key)?;
///     Ok(cursor)
/// }
///
/// let store = Store::in_memory();
/// for (key, value) in [("a", "1"), ("c", "3"), ("e", "5")] {
///     store.put(key, value)?;
/// }
/// let mut cursor = at_or_above(&store, "b")?;
/// assert_eq!(cursor.key().unwrap(), "c");
/// assert!(cursor.next()? && cursor.value()?.unwrap() == "5");
/// assert!(!cursor.next()? && cursor.key().is_none()); // after the last
/// assert!(cursor.prev()? && cursor.key().unwrap() == "e");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Cursor {
    snapshot: Snapshot,
    /// `None`: the default one.
    space: Option<epoch_store::KeySpace>,
    place: Place,
    page: Page,
    /// The page that is filled next, whose memory is used again.
    spare: Page,
    /// To where the page was filled, and with how many entries at most.
    heading: Direction,
    count: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    BeforeFirst,
    /// An entry of the page.
    On(usize),
    AfterLast,
}

type Bounds<'k> = (Bound<&'k [u8]>, Bound<&'k [u8]>);

const EVERYTHING: Bounds<'static> = (Bound::Unbounded, Bound::Unbounded);

impl Cursor {
    /// Before the first entry of a space of the snapshot's store.
    pub(crate) fn new(snapshot: Snapshot, space: Option<epoch_store::KeySpace>) -> Self {
        Self {
            snapshot,
            space,
            place: Place::BeforeFirst,
            page: Page::default(),
            spare: Page::default(),
            heading: Direction::Forward,
            count: FIRST_PAGE,
        }
    }

    /// The snapshot that it shows.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// let cursor = store.snapshot().cursor();
    /// assert!(cursor.snapshot().is_empty()?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The version that it shows.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert_eq!(store.snapshot().cursor().version(), store.version());
    /// ```
    pub fn version(&self) -> Version {
        self.snapshot.version()
    }

    /// Whether it is on an entry.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// assert!(!store.snapshot().cursor().is_valid());
    /// ```
    pub fn is_valid(&self) -> bool {
        matches!(self.place, Place::On(_))
    }

    /// The key of the entry that it is on, if it is on one. Constant time.
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// let mut cursor = store.snapshot().cursor();
    /// assert_eq!(cursor.key(), None);
    /// cursor.next()?;
    /// assert_eq!(cursor.key().unwrap(), "k");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn key(&self) -> Option<Key<'_>> {
        match self.place {
            Place::On(at) => self.page.key(at).map(Key::of_slice),
            Place::BeforeFirst | Place::AfterLast => None,
        }
    }

    /// The value of the entry that it is on, if it is on one. Constant time up to 256 bytes; the look-up of a key for a longer one.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("k", [7; 1_000])?;
    /// let mut cursor = store.snapshot().cursor();
    /// assert_eq!(cursor.value()?, None);
    /// cursor.next()?;
    /// assert_eq!(cursor.value()?.unwrap(), [7; 1_000]);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn value(&self) -> Result<Option<Value<'_>>, Error> {
        let Place::On(at) = self.place else { return Ok(None) };
        match (self.page.value(at), self.page.key(at)) {
            (Some(value), _) => Ok(Some(Value::of_slice(value))),
            (None, Some(key)) => self.look_up(key),
            (None, None) => Ok(None),
        }
    }

    fn look_up(&self, key: &[u8]) -> Result<Option<Value<'_>>, Error> {
        view(&self.snapshot, self.space.as_ref())?.get(key)
    }

    /// Moves to the first entry at or above `key`, wherever the cursor is; after the last, if there is none.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("b", "")?;
    /// let mut cursor = store.snapshot().cursor();
    /// assert!(cursor.seek("a")? && cursor.seek("b")?);
    /// assert!(!cursor.seek("c")?);
    /// assert!(cursor.prev()?); // it was after the last
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn seek(&mut self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.search((Bound::Included(key.as_ref()), Bound::Unbounded), Direction::Forward)
    }

    /// Moves to the last entry at or below `key`, wherever the cursor is; before the first, if there is none.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("b", "")?;
    /// let mut cursor = store.snapshot().cursor();
    /// assert!(cursor.seek_for_prev("b")? && cursor.seek_for_prev("c")?);
    /// assert!(!cursor.seek_for_prev("a")?);
    /// assert!(cursor.next()?); // it was before the first
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn seek_for_prev(&mut self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.search((Bound::Unbounded, Bound::Included(key.as_ref())), Direction::Backward)
    }

    /// Moves to the first entry; after the last, if there is none.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "")?;
    /// store.put("b", "")?;
    /// let mut cursor = store.snapshot().cursor();
    /// assert!(cursor.seek_to_first()? && cursor.key().unwrap() == "a");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn seek_to_first(&mut self) -> Result<bool, Error> {
        self.search(EVERYTHING, Direction::Forward)
    }

    /// Moves to the last entry; before the first, if there is none.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "")?;
    /// store.put("b", "")?;
    /// let mut cursor = store.snapshot().cursor();
    /// assert!(cursor.seek_to_last()? && cursor.key().unwrap() == "b");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn seek_to_last(&mut self) -> Result<bool, Error> {
        self.search(EVERYTHING, Direction::Backward)
    }

    /// Moves to the next entry: from before the first to the first one, from the last to after it. After the last it stays.
    ///
    /// Not the `next` of an iterator: what it yields would be borrowed from itself.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// store.put("b", "2")?;
    /// let (mut cursor, mut sum) = (store.snapshot().cursor(), 0);
    /// while cursor.next()? {
    ///     sum += cursor.value()?.unwrap()[0] - b'0';
    /// }
    /// assert_eq!(sum, 3);
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[allow(clippy::should_implement_trait, reason = "it cannot: see above")]
    pub fn next(&mut self) -> Result<bool, Error> {
        self.skip(1)
    }

    /// Moves to the previous entry: from after the last to the last one, from the first to before it. Before the first it stays.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// store.put("a", "")?;
    /// let mut cursor = store.snapshot().cursor();
    /// assert!(!cursor.prev()?); // before the first
    /// assert!(cursor.next()? && !cursor.next()?);
    /// assert!(cursor.prev()? && cursor.key().unwrap() == "a");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn prev(&mut self) -> Result<bool, Error> {
        self.skip_back(1)
    }

    /// Moves as `entries` calls of [`Cursor::next`] would; with none, it stays. Takes time proportional to their number
    /// at most, and copies nothing of what it passes.
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// for key in ["a", "b", "c"] {
    ///     store.put(key, "")?;
    /// }
    /// let mut cursor = store.snapshot().cursor();
    /// assert!(cursor.skip(2)? && cursor.key().unwrap() == "b");
    /// assert!(!cursor.skip(2)?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn skip(&mut self, entries: usize) -> Result<bool, Error> {
        let last = self.page.len().saturating_sub(1);
        match self.place {
            Place::On(at) if entries <= last - at => self.place = Place::On(at + entries),
            Place::On(at) => {
                let passed = entries - (last - at) - 1;
                self.go_on(last, passed, Direction::Forward)?;
            }
            Place::BeforeFirst if entries > 0 => {
                self.begin(EVERYTHING, entries - 1, Direction::Forward)?;
            }
            Place::BeforeFirst | Place::AfterLast => {}
        }
        Ok(self.is_valid())
    }

    /// Moves as `entries` calls of [`Cursor::prev`] would; otherwise as [`Cursor::skip`].
    ///
    /// # Errors
    /// As for [`Snapshot::get`].
    ///
    /// ```
    /// # let store = engine::Store::in_memory();
    /// for key in ["a", "b", "c"] {
    ///     store.put(key, "")?;
    /// }
    /// let mut cursor = store.snapshot().cursor();
    /// assert!(cursor.seek_to_last()? && cursor.skip_back(2)?);
    /// assert_eq!(cursor.key().unwrap(), "a");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn skip_back(&mut self, entries: usize) -> Result<bool, Error> {
        match self.place {
            Place::On(at) if entries <= at => self.place = Place::On(at - entries),
            Place::On(at) => self.go_on(0, entries - at - 1, Direction::Backward)?,
            Place::AfterLast if entries > 0 => {
                self.begin(EVERYTHING, entries - 1, Direction::Backward)?;
            }
            Place::AfterLast | Place::BeforeFirst => {}
        }
        Ok(self.is_valid())
    }

    /// Moves to the first entry between bounds that a direction comes to.
    fn search(&mut self, bounds: Bounds<'_>, direction: Direction) -> Result<bool, Error> {
        self.begin(bounds, 0, direction)?;
        Ok(self.is_valid())
    }

    /// As [`Cursor::search`], but passes some entries.
    fn begin(&mut self, bounds: Bounds<'_>, passed: usize, to: Direction) -> Result<(), Error> {
        let entries = entries(&self.snapshot, self.space.as_ref(), bounds)?;
        self.spare.fill(entries, passed, to, FIRST_PAGE)?;
        self.land(to, FIRST_PAGE);
        Ok(())
    }

    /// Passes some entries beyond one at an end of the page, and moves to the next.
    fn go_on(&mut self, from: usize, passed: usize, to: Direction) -> Result<(), Error> {
        let from = self.page.key(from).unwrap_or_default();
        let bounds = match to {
            Direction::Forward => (Bound::Excluded(from), Bound::Unbounded),
            Direction::Backward => (Bound::Unbounded, Bound::Excluded(from)),
        };
        let goes_on = to == self.heading;
        let count = if goes_on { self.count * GROWTH } else { FIRST_PAGE }.min(LONGEST_PAGE);
        let entries = entries(&self.snapshot, self.space.as_ref(), bounds)?;
        self.spare.fill(entries, passed, to, count)?;
        self.land(to, count);
        Ok(())
    }

    /// Takes the page that was filled, on whose near side the cursor arrives.
    fn land(&mut self, to: Direction, count: usize) {
        std::mem::swap(&mut self.page, &mut self.spare);
        (self.heading, self.count) = (to, count);
        self.place = match (self.page.len().checked_sub(1), to) {
            (Some(_), Direction::Forward) => Place::On(0),
            (Some(last), Direction::Backward) => Place::On(last),
            (None, Direction::Forward) => Place::AfterLast,
            (None, Direction::Backward) => Place::BeforeFirst,
        };
    }
}

/// The entries of a space between bounds.
fn entries<'s>(
    snapshot: &'s Snapshot,
    space: Option<&epoch_store::KeySpace>,
    bounds: Bounds<'_>,
) -> Result<Range<'s>, Error> {
    Ok(view(snapshot, space)?.range(bounds))
}

/// A space of a snapshot; `None`: the default one.
fn view<'s>(
    snapshot: &'s Snapshot,
    space: Option<&epoch_store::KeySpace>,
) -> Result<SpaceView<'s>, Error> {
    let map = match space {
        None => snapshot.of_map().default_space(),
        Some(space) => snapshot.of_map().space(space)?,
    };
    Ok(SpaceView::new(map, snapshot.beneath(space.map_or(0, epoch_store::KeySpace::id))))
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor")
            .field("snapshot", &self.snapshot)
            .field("key", &self.key())
            .finish_non_exhaustive()
    }
}
