//! Memory that is given out in pieces and taken back as a whole.
//!
//! *Role.* Everything that a block remembers lies in chunks. A piece stays where it is, and is nobody else's, until the
//! block is dropped: so no address comes back while the block is open, and equal addresses mean the same thing (B-3).
//!
//! ```text
//!  Arena ──► Chunk ──► Chunk ──► ∅       all chunks of the block, pushed once each
//!              ▲          ▲
//!            Bump       Bump             one for each writer: the rest of its chunk, its own
//! ```
//!
//! *Invariants.*
//! - B-10 A chunk is in the list of one arena, or in one place of a pool, or was just taken by one thread.
//! - B-11 A piece is given out once. Its memory is not touched by the arena again before the arena is dropped.
//!
//! *Progress.* Taking a piece is wait-free, up to the allocator where a chunk is full; pushing the chunk is lock-free.
//!
//! *Orderings.* `rest-put` (Release) pairs with `rest-take` (AcqRel) as the pool's do. `chunk-push` (Release) is for whoever drops the arena, who has been handed it by other means and so may
//! read relaxed; `pool-put` (Release) pairs with `pool-take` (AcqRel): what the last block wrote into a chunk is before what
//! the next writes.

use crate::sync::{AtomicPtr, AtomicUsize, Ordering, ord};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// Bytes of a chunk.
#[cfg(not(epoch_loom))]
const CHUNK: usize = 256 << 10;
#[cfg(epoch_loom)]
const CHUNK: usize = 16 << 10;
/// Chunks that a pool keeps: 16 MiB.
const KEPT: usize = 64;
/// Rests of chunks that an arena keeps for the next writer.
#[cfg(not(epoch_loom))]
const RESTS: usize = 8;
#[cfg(epoch_loom)]
const RESTS: usize = 1;
/// Every chunk and the largest piece begin at multiples of this: of a cache line.
const ALIGN: usize = 64;

/// The beginning of a chunk. The rest is given out.
#[repr(C, align(64))]
struct Chunk {
    /// Behind it in the arena's list; written by whoever pushes it.
    next: *mut Chunk,
    bytes: usize,
}

impl Chunk {
    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, ALIGN).expect("a chunk fits the address space")
    }

    fn alloc(bytes: usize) -> NonNull<Self> {
        let layout = Self::layout(bytes);
        // SAFETY: never empty: a chunk has room for its header at least.
        let raw = unsafe { alloc(layout) }.cast::<Self>();
        let Some(chunk) = NonNull::new(raw) else { handle_alloc_error(layout) };
        // SAFETY: fresh memory for a header at least.
        unsafe { chunk.write(Self { next: ptr::null_mut(), bytes }) };
        chunk
    }

    /// # Safety
    /// It was allocated here, and nobody uses it any more.
    unsafe fn free(chunk: NonNull<Self>) {
        // SAFETY: by contract; the header says how large it is.
        unsafe { dealloc(chunk.as_ptr().cast(), Self::layout((*chunk.as_ptr()).bytes)) };
    }
}

/// Chunks that are kept between blocks, so that a block does not ask the system for memory that the last one had.
///
/// A handle: clones are the same pool. At most 16 MiB are kept.
#[derive(Debug, Clone)]
pub struct Pool(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    places: [AtomicPtr<Chunk>; KEPT],
    /// Keys that the last blocks touched, at most: the next one's table is made for as many.
    keys: AtomicUsize,
}

impl Default for Pool {
    fn default() -> Self {
        let places = std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()));
        Self(Arc::new(Kept { places, keys: AtomicUsize::new(0) }))
    }
}

impl Pool {
    /// Keys that the last blocks touched, at most.
    pub(super) fn keys(&self) -> usize {
        self.0.keys.load(Ordering::Relaxed)
    }

    /// A block has touched so many. A larger number is forgotten slowly: large blocks and small ones may come by turns.
    pub(super) fn note_keys(&self, keys: usize) {
        let before = self.keys();
        self.0.keys.store(keys.max(before - before / 8), Ordering::Relaxed);
    }

    /// A chunk, kept or new. Wait-free up to the allocator.
    fn take(&self) -> NonNull<Chunk> {
        let mut places = self.0.places.iter();
        let kept = places.find_map(|place| {
            let seen = place.load(Ordering::Relaxed);
            if seen.is_null() {
                return None;
            }
            NonNull::new(place.swap(ptr::null_mut(), ord!("pool-take", AcqRel)))
        });
        kept.unwrap_or_else(|| Chunk::alloc(CHUNK))
    }

    /// Keeps a chunk, or frees it if there are enough.
    ///
    /// # Safety
    /// It was allocated by [`Chunk::alloc`], and is the caller's alone.
    unsafe fn put(&self, chunk: NonNull<Chunk>) {
        // SAFETY: the caller's alone.
        let fits = unsafe { (*chunk.as_ptr()).bytes } == CHUNK;
        let (win, lose) = (ord!("pool-put", Release), Ordering::Relaxed);
        let empty = ptr::null_mut();
        let kept = fits
            && self.0.places.iter().any(|place| {
                place.load(Ordering::Relaxed).is_null()
                    && place.compare_exchange(empty, chunk.as_ptr(), win, lose).is_ok()
            });
        if !kept {
            // SAFETY: forwarded.
            unsafe { Chunk::free(chunk) };
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for place in &self.places {
            if let Some(chunk) = NonNull::new(place.load(Ordering::Acquire)) {
                // SAFETY: B-10: in this place and nowhere else, and nobody has the pool any more.
                unsafe { Chunk::free(chunk) };
            }
        }
    }
}

/// The chunks of one block.
#[derive(Debug)]
pub(super) struct Arena {
    chunks: AtomicPtr<Chunk>,
    rests: [AtomicPtr<Rest>; RESTS],
    pool: Pool,
}

/// What a writer has left of its chunk: written at the beginning of it.
#[repr(C, align(64))]
struct Rest {
    end: *mut u8,
}

impl Arena {
    pub(super) fn new(pool: Pool) -> Self {
        let rests = std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()));
        Self { chunks: AtomicPtr::new(ptr::null_mut()), rests, pool }
    }

    /// A writer's beginning: the rest that another has left, or nothing. Wait-free.
    pub(super) fn bump(&self) -> Bump {
        let rest = self.rests.iter().find_map(|rest| {
            let seen = rest.load(Ordering::Relaxed);
            if seen.is_null() {
                return None;
            }
            NonNull::new(rest.swap(ptr::null_mut(), ord!("rest-take", AcqRel)))
        });
        match rest {
            None => Bump::new(),
            Some(rest) => {
                // SAFETY: B-11: written by whoever left it, and this thread's alone since the swap.
                let end = unsafe { (*rest.as_ptr()).end };
                Bump { at: rest.as_ptr().cast(), end }
            }
        }
    }

    /// Keeps what a writer has left, if it is worth it. Wait-free.
    pub(super) fn leave(&self, bump: &mut Bump) {
        const WORTH: usize = 4 << 10;
        let Bump { at, end } = std::mem::replace(bump, Bump::new());
        let skip = at.align_offset(align_of::<Rest>());
        if at.is_null() || (end.addr() - at.addr()).saturating_sub(skip) < WORTH {
            return;
        }
        // SAFETY: the memory between the two is this writer's alone (B-11), aligned here, and there is enough of it.
        let rest = unsafe {
            let rest = at.add(skip).cast::<Rest>();
            rest.write(Rest { end });
            rest
        };
        let (win, lose) = (ord!("rest-put", Release), Ordering::Relaxed);
        for place in &self.rests {
            if place.load(Ordering::Relaxed).is_null()
                && place.compare_exchange(ptr::null_mut(), rest, win, lose).is_ok()
            {
                return;
            }
        }
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// A chunk of this arena with room for `bytes` after its header: what is left of it is the caller's.
    fn chunk(&self, bytes: usize) -> NonNull<Chunk> {
        let whole = size_of::<Chunk>() + bytes;
        let chunk = if whole <= CHUNK { self.pool.take() } else { Chunk::alloc(whole) };
        let mut head = self.chunks.load(Ordering::Relaxed);
        loop {
            // SAFETY: just taken (B-10), so this thread's alone.
            unsafe { (*chunk.as_ptr()).next = head };
            let (win, lose) = (ord!("chunk-push", Release), Ordering::Relaxed);
            match self.chunks.compare_exchange_weak(head, chunk.as_ptr(), win, lose) {
                Ok(_) => return chunk,
                Err(now) => head = now,
            }
        }
    }

    /// Bytes of all chunks.
    #[cfg(all(test, not(epoch_loom)))]
    pub(super) fn bytes(&self) -> usize {
        let mut next = NonNull::new(self.chunks.load(ord!("chunk-load", Acquire)));
        let mut bytes = 0;
        while let Some(chunk) = next {
            // SAFETY: chunks leave the list with the arena only, and their headers do not change in it.
            let Chunk { next: behind, bytes: its } = unsafe { chunk.as_ptr().read() };
            bytes += its;
            next = NonNull::new(behind);
        }
        bytes
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let mut next = NonNull::new(self.chunks.load(Ordering::Acquire));
        while let Some(chunk) = next {
            // SAFETY: B-10, and nothing borrows from the arena any more: it is `&mut`.
            unsafe {
                next = NonNull::new((*chunk.as_ptr()).next);
                self.pool.put(chunk);
            }
        }
    }
}

/// What is left of a chunk: one writer's.
#[derive(Debug)]
pub(super) struct Bump {
    at: *mut u8,
    end: *mut u8,
}

// SAFETY: the memory between the two is this value's alone (B-11), wherever it is sent.
unsafe impl Send for Bump {}

impl Bump {
    /// Of no chunk yet.
    pub(super) fn new() -> Self {
        Self { at: ptr::null_mut(), end: ptr::null_mut() }
    }

    /// A piece of `arena`, which must always be the same one. Its bytes are not initialised.
    #[inline]
    pub(super) fn piece(&mut self, arena: &Arena, layout: Layout) -> NonNull<u8> {
        debug_assert!(layout.align() <= ALIGN, "no piece is aligned to more than a line");
        let skip = self.at.align_offset(layout.align());
        let left = self.end.addr() - self.at.addr();
        if skip.saturating_add(layout.size()) > left || self.at.is_null() {
            return self.piece_of_new_chunk(arena, layout);
        }
        // SAFETY: `skip + size` bytes are left behind `at`.
        unsafe {
            let piece = self.at.add(skip);
            self.at = piece.add(layout.size());
            NonNull::new_unchecked(piece)
        }
    }

    #[cold]
    fn piece_of_new_chunk(&mut self, arena: &Arena, layout: Layout) -> NonNull<u8> {
        let chunk = arena.chunk(layout.size());
        // SAFETY: the chunk has room for its header and for the piece, which begins at a multiple of `ALIGN`.
        unsafe {
            let piece = chunk.as_ptr().cast::<u8>().add(size_of::<Chunk>());
            let (rest, end) = (
                piece.add(layout.size()),
                chunk.as_ptr().cast::<u8>().add((*chunk.as_ptr()).bytes),
            );
            // A large piece has a chunk to itself: what is left of the last one is larger.
            if end.addr() - rest.addr() >= self.end.addr() - self.at.addr() {
                (self.at, self.end) = (rest, end);
            }
            NonNull::new_unchecked(piece)
        }
    }

    /// A copy of `bytes`.
    #[inline]
    pub(super) fn bytes(&mut self, arena: &Arena, bytes: &[u8]) -> NonNull<[u8]> {
        self.copies(arena, bytes)
    }

    /// A copy of `items`.
    #[inline]
    pub(super) fn copies<T: Copy>(&mut self, arena: &Arena, items: &[T]) -> NonNull<[T]> {
        if items.is_empty() {
            return NonNull::slice_from_raw_parts(NonNull::dangling(), 0);
        }
        let piece = self.piece(arena, Layout::for_value(items)).cast::<T>();
        // SAFETY: a fresh piece of this layout (B-11), which nothing else lies in.
        unsafe { ptr::copy_nonoverlapping(items.as_ptr(), piece.as_ptr(), items.len()) };
        NonNull::slice_from_raw_parts(piece, items.len())
    }

    /// `item`, moved to where it stays.
    #[inline]
    pub(super) fn place<T>(&mut self, arena: &Arena, item: T) -> NonNull<T> {
        const { assert!(!std::mem::needs_drop::<T>() || cfg!(epoch_loom), "nothing is dropped") };
        let piece = self.piece(arena, Layout::new::<T>()).cast::<T>();
        // SAFETY: a fresh piece of this layout.
        unsafe { piece.cast::<MaybeUninit<T>>().write(MaybeUninit::new(item)) };
        piece
    }
}

#[cfg(all(test, not(epoch_loom)))]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_overlap_and_are_aligned() {
        let arena = Arena::new(Pool::default());
        let mut bump = Bump::new();
        let mut seen: Vec<(usize, usize)> = Vec::new();
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let (size, align) = (random.usize(1..200), 1 << random.u32(0..7));
            let piece = bump.piece(&arena, Layout::from_size_align(size, align).unwrap());
            assert_eq!(piece.addr().get() % align, 0, "aligned");
            seen.push((piece.addr().get(), size));
        }
        seen.sort_unstable();
        assert!(seen.windows(2).all(|two| two[0].0 + two[0].1 <= two[1].0), "apart");
    }

    #[test]
    fn a_large_piece_leaves_the_rest_of_the_chunk_in_use() {
        let arena = Arena::new(Pool::default());
        let mut bump = Bump::new();
        let small = bump.bytes(&arena, b"small").cast::<u8>();
        let large = bump.bytes(&arena, &vec![1; 2 * CHUNK]);
        assert_eq!(large.len(), 2 * CHUNK);
        let next = bump.bytes(&arena, b"next").cast::<u8>();
        assert_eq!(next.addr().get() - small.addr().get(), 5, "behind the small one");
        assert!(arena.bytes() >= 3 * CHUNK);
    }

    #[test]
    fn what_a_writer_leaves_is_used_by_the_next() {
        let arena = Arena::new(Pool::default());
        let mut first = arena.bump();
        let used = first.bytes(&arena, b"x").cast::<u8>().addr().get();
        arena.leave(&mut first);
        let next = arena.bump().bytes(&arena, b"y").cast::<u8>().addr().get();
        assert!(next > used && next - used <= 64, "behind it");
        assert_eq!(arena.bytes(), CHUNK);
    }

    #[test]
    fn chunks_come_back_to_the_pool() {
        let pool = Pool::default();
        let used = {
            let arena = Arena::new(pool.clone());
            Bump::new().bytes(&arena, b"x").cast::<u8>().addr()
        };
        let arena = Arena::new(pool);
        assert_eq!(Bump::new().bytes(&arena, b"y").cast::<u8>().addr(), used);
    }
}
