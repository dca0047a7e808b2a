//! The written keys in order: built when somebody asks for a range for the first time.
//!
//! *Role.* Blocks whose transactions read no ranges pay a fence and a load for each run that writes a new key. The first reader
//! of a range puts an empty index there and enters the keys of all logs; from then on, publishers enter theirs.
//!
//! *Picture.* A skip list of towers in the arena. Nothing is ever taken out, so there are no marks and nothing to reclaim.
//! ```text
//!   Index ─3─────────────────────► Tower ──► ∅
//!         ─2──────► Tower ───────► Tower ──► ∅
//!         ─1──────► Tower ───────► Tower ──► ∅
//!         ─0─► T ─► Tower ─► T ──► Tower ──► ∅      level 0 is the list, the others are short cuts
//! ```
//! *Why not the leaves of the store:* those hold records, and copy bodies, which epochs reclaim. Here nothing is reclaimed
//! before the block ends.
//!
//! *Invariants.*
//! - R-1 A key that has been logged is in the index once it is ready, or its publisher will put it there before the key's
//!   first cell can be seen: the publisher fills the line, fences and looks for the index; the builder puts the index there,
//!   fences and reads the logs. One of them sees the other.
//! - R-2 So a key with a cell that can be seen is in a ready index.
//! - R-3 Level 0 is strictly ascending; a key is there once.
//!
//! *Progress.* Entering is lock-free, reading wait-free up to keys entered meanwhile. A step back is a search: O(log n).
//!
//! *Orderings.* `tower-link` (Release CAS) pairs with `tower-load` (Acquire): the tower's key and links. `order-put`
//! (AcqRel CAS), `order-load` (Acquire): the index. `ready-set` (Release), `ready-load` (Acquire): the towers of the logs.
//!
//! *Source.* W. Pugh, "Skip lists", 1990; insertion by CAS from the lowest level as in K. Fraser, "Practical lock-freedom",
//! 2004, without removal.
//!
//! *Checked by* `block_order.rs`; unit tests below.

use super::account::Direction;
use super::key::KeyRef;
use crate::sync::{AtomicBool, AtomicPtr, Ordering, Tracked, mutant, ord};
use std::alloc::Layout;
use std::marker::PhantomData;
use std::ops::Bound;
use std::ptr::{self, NonNull};

/// Levels: enough for 4^12 keys.
#[cfg(not(epoch_loom))]
const LEVELS: usize = 12;
#[cfg(epoch_loom)]
const LEVELS: usize = 1;

/// What is known of a tower without looking at its key.
#[derive(Debug, Clone, Copy)]
struct Fixed {
    key: NonNull<super::key::BlockKey>,
    /// The first bytes of the key.
    prefix: Prefix,
}

/// A key in the index. Its links follow it, from the lowest level up.
#[derive(Debug)]
#[repr(C)]
struct Tower {
    fixed: Tracked<Fixed>,
}

type Link = AtomicPtr<Tower>;

/// Room for a tower: from the arena.
pub(super) type Room<'r> = &'r mut dyn FnMut(Layout) -> NonNull<u8>;

/// A tower that is linked, or about to be.
#[derive(Debug, Clone, Copy)]
struct TowerRef<'b> {
    tower: NonNull<Tower>,
    block: PhantomData<&'b Tower>,
}

impl<'b> TowerRef<'b> {
    /// A tower for `key`, which nobody has seen yet.
    fn raise(key: KeyRef<'b>, room: Room<'_>) -> Self {
        let height = height(key.hash());
        let links = Layout::array::<Link>(height).expect("a tower is small");
        let layout = Layout::new::<Tower>().extend(links).expect("a tower is small").0;
        let tower = room(layout).cast::<Tower>();
        let fixed = Fixed { key: key.as_ptr(), prefix: prefix(key.key()) };
        // SAFETY: fresh room for a tower and its links, in the arena of the key.
        unsafe {
            tower.write(Tower { fixed: Tracked::new(fixed) });
            for level in 0..height {
                let link = tower.as_ptr().add(1).cast::<Link>().add(level);
                link.write(AtomicPtr::new(ptr::null_mut()));
            }
        }
        Self { tower, block: PhantomData }
    }

    fn behind(link: &'b Link) -> Option<Self> {
        let tower = NonNull::new(link.load(ord!("tower-load", Acquire)))?;
        Some(Self { tower, block: PhantomData })
    }

    /// Its link on a level.
    ///
    /// # Safety
    /// It reaches this level.
    unsafe fn link(self, level: usize) -> &'b Link {
        // SAFETY: towers stay; their links follow them.
        unsafe { &*self.tower.as_ptr().add(1).cast::<Link>().add(level) }
    }

    fn fixed(self) -> Fixed {
        // SAFETY: towers stay; written before the tower was linked, never afterwards.
        unsafe { (*self.tower.as_ptr()).fixed.get() }
    }

    fn key(self) -> KeyRef<'b> {
        // SAFETY: a key of the same block, published with the tower.
        unsafe { KeyRef::new(self.fixed().key) }
    }

    /// How its key stands to another, whose prefix is at hand.
    #[inline]
    fn cmp(self, key: &[u8], key_prefix: Prefix) -> std::cmp::Ordering {
        self.fixed().prefix.cmp(&key_prefix).then_with(|| self.key().key().cmp(key))
    }
}

/// Words of a prefix. Keys of a store often begin with a name that many share, and one word tells none of those apart: then each
/// comparison of a search misses the key's own lines.
const WORDS: usize = 3;

/// The first bytes of a key, as numbers that order as the keys do, but for those that they do not tell apart.
type Prefix = [u64; WORDS];

fn prefix(key: &[u8]) -> Prefix {
    let mut first = [0; 8 * WORDS];
    let len = key.len().min(first.len());
    first[..len].copy_from_slice(&key[..len]);
    let mut words = first.as_chunks::<8>().0.iter();
    std::array::from_fn(|_| words.next().map_or(0, |word| u64::from_be_bytes(*word)))
}

/// A tower is as high as its key's hash says: a quarter of those of a level reach the next.
fn height(hash: u64) -> usize {
    (hash.leading_zeros() as usize / 2 + 1).min(LEVELS)
}

/// Where a key belongs: on each level the link that leads past it, and what is behind that.
struct Path<'b> {
    links: [&'b Link; LEVELS],
    behind: [Option<TowerRef<'b>>; LEVELS],
    /// The last tower that lies before.
    last: Option<TowerRef<'b>>,
}

/// The index of a block.
#[derive(Debug)]
pub(super) struct Index {
    heads: [Link; LEVELS],
    /// Every key that was logged before the index was there has been entered.
    ready: AtomicBool,
}

impl Index {
    pub(super) fn new() -> Self {
        Self {
            heads: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            ready: AtomicBool::new(false),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(ord!("ready-load", Acquire))
    }

    pub(super) fn set_ready(&self) {
        self.ready.store(true, ord!("ready-set", Release));
    }

    /// The path past all towers of which `before` says that they lie before: those of smaller keys.
    fn path(&self, before: impl Fn(TowerRef<'_>) -> bool) -> Path<'_> {
        let links = std::array::from_fn(|level| &self.heads[level]);
        let mut path = Path { links, behind: [None; LEVELS], last: None };
        // The tower that ended the level above: it ends this one too, if it is met again.
        let mut end: Option<NonNull<Tower>> = None;
        for level in (0..LEVELS).rev() {
            if let Some(last) = path.last {
                // SAFETY: it was met on a level above, so it reaches this one.
                path.links[level] = unsafe { last.link(level) };
            }
            loop {
                let behind = TowerRef::behind(path.links[level]);
                path.behind[level] = behind;
                let Some(tower) = behind.filter(|it| Some(it.tower) != end && before(*it)) else {
                    end = behind.map(|tower| tower.tower);
                    break;
                };
                path.last = Some(tower);
                // SAFETY: it was met on this level.
                path.links[level] = unsafe { tower.link(level) };
            }
        }
        path
    }

    fn path_to(&self, key: &[u8]) -> Path<'_> {
        let key_prefix = prefix(key);
        self.path(|tower| tower.cmp(key, key_prefix).is_lt())
    }

    fn path_past(&self, key: &[u8]) -> Path<'_> {
        let key_prefix = prefix(key);
        self.path(|tower| tower.cmp(key, key_prefix).is_le())
    }

    /// Enters a key, if it is not there. Lock-free; takes O(log n) steps on average.
    ///
    /// # Safety
    /// The key is one of this index' block, and `room` gives memory of its arena.
    pub(super) unsafe fn enter(&self, key: KeyRef<'_>, room: Room<'_>) {
        if key.is_ordered() {
            return;
        }
        let mut path = self.path_to(key.key());
        let mut raised = None;
        for level in 0..height(key.hash()) {
            loop {
                let behind = path.behind[level];
                if level == 0 && behind.is_some_and(|behind| behind.key() == key) {
                    key.set_ordered();
                    return;
                }
                let tower = *raised.get_or_insert_with(|| TowerRef::raise(key, room));
                let next = behind.map_or(ptr::null_mut(), |tower| tower.tower.as_ptr());
                // SAFETY: raised to this level.
                unsafe { tower.link(level) }.store(next, Ordering::Relaxed);
                let (win, lose) = (ord!("tower-link", Release), Ordering::Relaxed);
                let link = path.links[level];
                if mutant!("tower-linked-blind") {
                    link.store(tower.tower.as_ptr(), Ordering::Release);
                    break;
                }
                if link.compare_exchange(next, tower.tower.as_ptr(), win, lose).is_ok() {
                    break;
                }
                path = self.path_to(key.key());
            }
            if level == 0 {
                key.set_ordered();
            }
        }
    }
}

/// The written keys of a block in order. A handle, copied like one.
#[derive(Debug, Clone, Copy)]
pub struct Order<'b> {
    index: &'b Index,
}

impl<'b> Order<'b> {
    /// Of an index that is ready.
    pub(super) fn new(index: &'b Index) -> Self {
        Self { index }
    }

    /// The keys from `lo` on, ascending; those that are entered meanwhile may be left out. Finding the first takes O(log n) steps
    /// on average, each further one a step.
    pub fn forward(self, lo: Bound<&[u8]>) -> Walk<'b> {
        let next = match lo {
            Bound::Unbounded => TowerRef::behind(&self.index.heads[0]),
            Bound::Included(key) => self.index.path_to(key).behind[0],
            Bound::Excluded(key) => self.index.path_past(key).behind[0],
        };
        Walk { index: self.index, next, direction: Direction::Forward }
    }

    /// The keys from `hi` down, descending. Each takes O(log n) steps on average.
    pub fn backward(self, hi: Bound<&[u8]>) -> Walk<'b> {
        let next = match hi {
            Bound::Unbounded => self.index.path(|_| true).last,
            Bound::Excluded(key) => self.index.path_to(key).last,
            Bound::Included(key) => self.index.path_past(key).last,
        };
        Walk { index: self.index, next, direction: Direction::Backward }
    }
}

/// Written keys, one after the other: from [`Order::forward`] or [`Order::backward`].
#[derive(Debug, Clone)]
pub struct Walk<'b> {
    index: &'b Index,
    next: Option<TowerRef<'b>>,
    direction: Direction,
}

// SAFETY: a shared view of what is immutable or atomic.
unsafe impl Send for Walk<'_> {}
// SAFETY: as above.
unsafe impl Sync for Walk<'_> {}

impl<'b> Iterator for Walk<'b> {
    type Item = KeyRef<'b>;

    #[inline]
    fn next(&mut self) -> Option<KeyRef<'b>> {
        let tower = self.next?;
        self.next = match self.direction {
            // SAFETY: every tower reaches the lowest level.
            Direction::Forward => TowerRef::behind(unsafe { tower.link(0) }),
            Direction::Backward => self.index.path_to(tower.key().key()).last,
        };
        Some(tower.key())
    }
}
