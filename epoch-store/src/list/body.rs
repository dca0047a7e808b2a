//! The body of a leaf: sorted entries that never change, and a tail that fills in order. One allocation.

use super::prefix::{search, tied};
use super::{CAPACITY, Leaf, TAIL};
use crate::chain::{Record, RecordRef, RecordWord};
use crate::reclaim::{Node, Pinned};
use crate::sync::{AtomicPtr, AtomicU32, Ordering, Tracked, mutant, ord, pause, prefetch};
use crate::tally::{Event, Tally};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;

/// `high_len` of a body without an upper fence.
const UNBOUNDED: u32 = u32::MAX;
/// `skip` of a body that is frozen.
const FROZEN: u32 = u32::MAX;
/// Bit of the notes: the right neighbour is frozen, and waits to be unlinked. Below it: how many sealed records were noted.
const FROZEN_NEIGHBOUR: u32 = 1 << 31;
/// Sealed records pay for a copy without them when they are at least one in so many entries.
const DEAD_SHARE: usize = 8;

/// The header of a body. Behind it: the upper fence (read by everyone who arrives), `len` prefixes, `len` words of records.
#[repr(C)]
#[derive(Debug)]
pub struct Body {
    len: Tracked<u32>,
    skip: u32,
    high_len: u32,
    /// What a fold should see to: hints, made since the body was. They may miss something.
    notes: AtomicU32,
    next: Option<NonNull<Leaf>>,
    tail: [AtomicPtr<Record>; TAIL],
}

/// A sorted entry: a prefix of the key, and the record with the tag of its hash.
pub(super) type Entry = (u64, RecordWord);

/// What a new body is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contents<'a> {
    pub entries: &'a [Entry],
    pub skip: usize,
    pub high: Option<&'a [u8]>,
    pub next: Option<NonNull<Leaf>>,
}

/// Offsets of what lies behind the header.
struct Plan {
    layout: Layout,
    high: usize,
    prefixes: usize,
    records: usize,
}

impl Plan {
    fn new(len: usize, high_len: usize) -> Self {
        let header = Layout::new::<Body>();
        let fits = "a body fits a layout";
        let (layout, high) = header.extend(Layout::array::<u8>(high_len).expect(fits)).expect(fits);
        let (layout, prefixes) = layout.extend(Layout::array::<u64>(len).expect(fits)).expect(fits);
        let words = Layout::array::<RecordWord>(len).expect(fits);
        let (layout, records) = layout.extend(words).expect(fits);
        Self { layout, high, prefixes, records }
    }
}

impl Body {
    /// The body of the first leaf of an empty list.
    pub fn empty() -> NonNull<Self> {
        Self::alloc(Contents { entries: &[], skip: 0, high: None, next: None })
    }

    /// Bytes of a body without entries and fences.
    pub(super) fn bytes_when_empty() -> usize {
        Plan::new(0, 0).layout.size()
    }

    /// The last body of a leaf: without entries, and without room for any.
    pub(super) fn frozen(high: Option<&[u8]>, next: Option<NonNull<Leaf>>) -> NonNull<Self> {
        Self::alloc(Contents { entries: &[], skip: FROZEN as usize, high, next })
    }

    pub(super) fn alloc(contents: Contents<'_>) -> NonNull<Self> {
        let Contents { entries, skip, high, next } = contents;
        let plan = Plan::new(entries.len(), high.map_or(0, <[u8]>::len));
        // SAFETY: the layout holds at least the header.
        let raw = unsafe { alloc(plan.layout) };
        let Some(body) = NonNull::new(raw.cast::<Self>()) else { handle_alloc_error(plan.layout) };
        let open = skip != FROZEN as usize || mutant!("frozen-open");
        let slot = if open { RecordWord::EMPTY } else { RecordWord::frozen() };
        let narrow = |n: usize| u32::try_from(n).expect("leaf sizes and fences are small");
        let header = Self {
            len: Tracked::new(narrow(entries.len())),
            skip: narrow(skip),
            high_len: high.map_or(UNBOUNDED, |high| narrow(high.len())),
            notes: AtomicU32::new(0),
            next,
            tail: std::array::from_fn(|_| AtomicPtr::new(slot.raw())),
        };
        // SAFETY: fresh memory of `plan.layout`; every offset below is inside it and aligned by `Layout::extend`.
        unsafe {
            body.write(header);
            let prefixes = raw.add(plan.prefixes).cast::<u64>();
            let records = raw.add(plan.records).cast::<RecordWord>();
            for (i, &(prefix, word)) in entries.iter().enumerate() {
                prefixes.add(i).write(prefix);
                records.add(i).write(word);
            }
            let high = high.unwrap_or_default();
            std::ptr::copy_nonoverlapping(high.as_ptr(), raw.add(plan.high), high.len());
        }
        body
    }

    /// Asks for the header, the tail and the prefixes of a body of usual length.
    #[inline]
    pub(super) fn prefetch(body: NonNull<Self>) {
        const USUAL_LEN: usize = CAPACITY * 5 / 8;
        prefetch::read_bytes(body.as_ptr(), size_of::<Self>() + USUAL_LEN * size_of::<u64>());
    }

    /// The lengths that decide where things lie.
    ///
    /// # Safety
    /// `body` is alive.
    unsafe fn plan(body: NonNull<Self>) -> (usize, usize, Plan) {
        // SAFETY: alive; these fields never change.
        let (len, high_len) =
            unsafe { ((*body.as_ptr()).len.get() as usize, (*body.as_ptr()).high_len) };
        let high_len = if high_len == UNBOUNDED { 0 } else { high_len as usize };
        (len, high_len, Plan::new(len, high_len))
    }
}

impl Node for Body {
    unsafe fn free(body: NonNull<Self>) {
        // SAFETY: alive until here, sole owner; records belong to the list, not to a body.
        unsafe {
            let (_, _, plan) = Self::plan(body);
            std::ptr::drop_in_place(body.as_ptr());
            dealloc(body.as_ptr().cast(), plan.layout);
        }
    }

    unsafe fn bytes(body: NonNull<Self>) -> usize {
        // SAFETY: alive.
        unsafe { Self::plan(body) }.2.layout.size()
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(body: NonNull<Self>) {
        // SAFETY: nobody refers to the body any more. The length must stay what `free` needs.
        unsafe {
            let len = (*body.as_ptr()).len.get();
            (*body.as_ptr()).len.set(len);
        }
    }
}

/// What became of an append.
pub(super) enum Append<'p> {
    /// The record is in the tail now.
    Done(RecordRef<'p>),
    /// Another record with the same key was there.
    There(RecordRef<'p>),
    /// No slot left: fold first.
    Sealed,
}

/// A body that is alive for `'p`.
#[derive(Debug, Clone, Copy)]
pub struct BodyRef<'p> {
    body: NonNull<Body>,
    alive: PhantomData<&'p Body>,
}

impl<'p> BodyRef<'p> {
    /// A view of the body behind a leaf's link.
    ///
    /// # Safety
    /// The body was linked when `pin` had begun.
    pub(super) unsafe fn new<P: Pinned>(body: NonNull<Body>, pin: &'p P) -> Self {
        pin.protects(body);
        Self { body, alive: PhantomData }
    }

    pub(super) fn as_ptr(self) -> NonNull<Body> {
        self.body
    }

    fn len(self) -> usize {
        // SAFETY: alive; never changes.
        unsafe { (*self.body.as_ptr()).len.get() as usize }
    }

    pub(super) fn skip(self) -> usize {
        // SAFETY: alive; never changes.
        unsafe { (*self.body.as_ptr()).skip as usize }
    }

    /// Whether this is the last body of a leaf that is to be unlinked, or has been. It never changes, so what is to the
    /// right of it may be gone, unless the leaf was linked when this pin had begun (I-44).
    #[inline]
    pub fn is_frozen(self) -> bool {
        // SAFETY: alive; never changes.
        unsafe { (*self.body.as_ptr()).skip == FROZEN }
    }

    /// The right neighbour.
    pub fn next(self) -> Option<NonNull<Leaf>> {
        // SAFETY: alive; never changes.
        unsafe { (*self.body.as_ptr()).next }
    }

    /// Length of the upper fence, and where the prefixes begin: as [`Plan`] lays it out.
    #[inline]
    fn fence_and_prefixes(self) -> (Option<usize>, usize) {
        const HEADER: usize = size_of::<Body>();
        const { assert!(HEADER.is_multiple_of(align_of::<u64>()), "the fence begins aligned") };
        // SAFETY: alive; never changes.
        let high_len = unsafe { (*self.body.as_ptr()).high_len };
        if high_len == UNBOUNDED {
            return (None, HEADER);
        }
        let high_len = high_len as usize;
        (Some(high_len), HEADER + high_len.next_multiple_of(align_of::<u64>()))
    }

    #[inline]
    pub(super) fn prefixes(self) -> &'p [u64] {
        let (_, offset) = self.fence_and_prefixes();
        // SAFETY: alive; `len` prefixes were written there and never change.
        unsafe {
            let from = self.body.as_ptr().cast::<u8>().add(offset).cast();
            std::slice::from_raw_parts(from, self.len())
        }
    }

    #[inline]
    pub(super) fn words(self) -> &'p [RecordWord] {
        let len = self.len();
        let (_, prefixes) = self.fence_and_prefixes();
        let offset = prefixes + len * size_of::<u64>();
        // SAFETY: alive; `len` words were written behind the prefixes and never change.
        unsafe {
            let from = self.body.as_ptr().cast::<u8>().add(offset).cast();
            std::slice::from_raw_parts(from, len)
        }
    }

    /// The upper fence: the low fence of the right neighbour. `None`: there is none.
    #[inline]
    pub fn high(self) -> Option<&'p [u8]> {
        let (high_len, _) = self.fence_and_prefixes();
        // SAFETY: alive; the fence was written behind the header and never changes.
        high_len.map(|len| unsafe {
            let from = self.body.as_ptr().cast::<u8>().add(size_of::<Body>());
            std::slice::from_raw_parts(from, len)
        })
    }

    /// Record `i` of the sorted entries.
    #[inline]
    pub fn record(self, i: usize) -> RecordRef<'p> {
        // SAFETY: a sorted entry is made of a record. I-43: it is retired after the swap that replaced the last body it is in;
        // this pin loaded the body before that swap.
        unsafe { RecordRef::new(self.words()[i].held()) }
    }

    /// The records of a part of the sorted entries.
    #[inline]
    pub(super) fn records(
        self,
        part: Range<usize>,
    ) -> impl ExactSizeIterator<Item = NonNull<Record>> {
        // SAFETY: as in `record`.
        self.words()[part].iter().map(|word| unsafe { word.held() })
    }

    /// Number of sorted entries.
    pub fn sorted_len(self) -> usize {
        self.len()
    }

    /// Where `key` is, or would be, among the sorted entries.
    #[inline]
    pub fn position(self, key: &[u8]) -> Result<usize, usize> {
        search(self.prefixes(), key, self.skip(), |i| self.record(i).key())
    }

    /// The record of `key`, which has this hash, if it is among the sorted entries. Where prefixes tie, tags tell most other
    /// keys apart: a key that is not there is seldom compared with another.
    pub(super) fn find_sorted(self, key: &[u8], hash: u64) -> Option<RecordRef<'p>> {
        let words = &self.words()[tied(self.prefixes(), key, self.skip())];
        let mut same = words
            .iter()
            .filter(|word| word.may_match(hash))
            // SAFETY: as in `record`.
            .map(|word| unsafe { RecordRef::new(word.held()) });
        let found = same.find(|record| record.key() == key);
        debug_assert!(
            found.is_some() || self.position(key).is_err(),
            "a key has one hash in a list"
        );
        found
    }

    /// Whether this very record is in the leaf.
    pub(super) fn holds(self, record: RecordRef<'_>) -> bool {
        tied(self.prefixes(), record.key(), self.skip()).any(|i| self.record(i) == record)
            || self.tail().any(|there| there == record)
    }

    fn notes(self) -> &'p AtomicU32 {
        // SAFETY: alive.
        unsafe { &(*self.body.as_ptr()).notes }
    }

    fn dead(self) -> usize {
        (self.notes().load(Ordering::Relaxed) & !FROZEN_NEIGHBOUR) as usize
    }

    /// One more of the entries is sealed, or one that is must go now. Orders nothing: who acts on it looks at the records.
    pub(super) fn note_dead(self) {
        self.notes().fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a copy should look at every record for those that are sealed.
    pub(super) fn has_dead(self) -> bool {
        self.dead() > 0
    }

    /// The right neighbour waits to be unlinked.
    pub(super) fn note_frozen_neighbour(self) {
        self.notes().fetch_or(FROZEN_NEIGHBOUR, Ordering::Relaxed);
    }

    /// Whether a copy should look at its right neighbour for whether it is frozen.
    pub(super) fn has_frozen_neighbour(self) -> bool {
        self.notes().load(Ordering::Relaxed) & FROZEN_NEIGHBOUR != 0
    }

    /// Whether so many are sealed that the leaf should be copied without them.
    pub(super) fn is_worth_dropping(self) -> bool {
        let dead = self.dead();
        dead > 0 && dead * DEAD_SHARE >= self.sorted_len() + self.tail().count()
    }

    #[inline]
    fn slots(self) -> &'p [AtomicPtr<Record>; TAIL] {
        // SAFETY: alive.
        unsafe { &(*self.body.as_ptr()).tail }
    }

    /// The records of the tail, in the order in which they came.
    #[inline]
    pub fn tail(self) -> impl Iterator<Item = RecordRef<'p>> {
        self.tail_words().map(|(_, record)| record)
    }

    /// The same, with the words of their places.
    #[inline]
    pub(super) fn tail_words(self) -> impl Iterator<Item = (RecordWord, RecordRef<'p>)> {
        self.slots().iter().map_while(|slot| {
            let word = RecordWord::from_raw(slot.load(ord!("tail-load", Acquire)));
            // SAFETY: as in `record`.
            word.record().map(|record| (word, unsafe { RecordRef::new(record) }))
        })
    }

    /// Whether the tail holds anything.
    #[inline]
    pub fn has_tail(self) -> bool {
        let word = RecordWord::from_raw(self.slots()[0].load(ord!("tail-load", Acquire)));
        word.record().is_some()
    }

    /// Puts a record into the first free slot of the tail, unless its key is there already (I-14).
    pub(super) fn append(
        self,
        key: &[u8],
        hash: u64,
        fresh: NonNull<Record>,
        tally: &Tally,
    ) -> Append<'p> {
        let word = RecordWord::new(fresh, hash);
        for slot in self.slots() {
            let mut seen = RecordWord::from_raw(slot.load(ord!("tail-load", Acquire)));
            if seen.is_empty() {
                pause("tail-append");
                let (publish, look) = (ord!("tail-append", Release), ord!("tail-load", Acquire));
                match slot.compare_exchange(seen.raw(), word.raw(), publish, look) {
                    // SAFETY: the record is in the list now, and this thread is pinned for 'p.
                    Ok(_) => return Append::Done(unsafe { RecordRef::new(fresh) }),
                    Err(_) if mutant!("append-ignores-loss") => {
                        // SAFETY: none: this is the fault that the model must find.
                        return Append::Done(unsafe { RecordRef::new(fresh) });
                    }
                    Err(now) => seen = RecordWord::from_raw(now),
                }
                tally.one(Event::CasFailures);
            }
            let Some(there) = seen.record() else { return Append::Sealed };
            // SAFETY: as in `record`.
            let there = unsafe { RecordRef::new(there) };
            if seen.may_match(hash) && there.key() == key && !mutant!("append-blind") {
                return Append::There(there);
            }
        }
        Append::Sealed
    }

    /// After this no append to this body succeeds (I-14).
    pub(super) fn seal(self) {
        if mutant!("fold-unsealed") {
            return;
        }
        for slot in self.slots() {
            let seen = RecordWord::from_raw(slot.load(ord!("tail-load", Acquire)));
            if seen.is_frozen() {
                return;
            }
            let frozen = RecordWord::frozen().raw();
            // Release: whoever finds the tail frozen sees the notes that this thread made (`note_dead`). Acquire on failure:
            // the record that came instead is about to be read.
            let (publish, look) = (ord!("tail-freeze", Release), ord!("tail-load", Acquire));
            if seen.is_empty() && slot.compare_exchange(seen.raw(), frozen, publish, look).is_ok() {
                return;
            }
        }
    }
}
