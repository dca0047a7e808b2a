//! An append-only array whose elements never move: segment `k` holds `FIRST << k` elements.
//!
//! *Progress.* `get` is wait-free; `grow` is lock-free up to the allocator. Elements live until the array is dropped.
//! *Orderings.* A segment is published by a Release CAS (`segment-link`) and read with Acquire (`segment-link-load`).
//! *Checked by* `segments.rs` in `loom-tests/tests`.

use super::{AtomicPtr, Ordering, ord};
use std::ptr;

/// Segments of this many doublings hold more elements than any machine has threads or snapshots.
pub const SEGMENTS: usize = 24;

/// See the module header.
#[derive(Debug)]
pub struct Segments<T> {
    first: usize,
    links: [AtomicPtr<Box<[T]>>; SEGMENTS],
}

impl<T: Default> Segments<T> {
    /// An array whose first segment, of `first` elements (a power of two), is there at once.
    pub fn new(first: usize) -> Self {
        assert!(first.is_power_of_two(), "segment arithmetic needs a power of two");
        let links = std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()));
        let segments = Self { first, links };
        segments.grow(0);
        segments
    }

    /// Segment `k`, if it has been grown.
    #[inline]
    pub fn segment(&self, k: usize) -> Option<&[T]> {
        let link = self.links.get(k)?.load(ord!("segment-link-load", Acquire));
        // SAFETY: a non-null link was leaked from a Box by `grow` and is freed only in `drop`.
        unsafe { link.as_ref() }.map(|segment| &**segment)
    }

    /// All segments that exist, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..SEGMENTS).map_while(|k| self.segment(k))
    }

    /// The element at `index`, if its segment exists.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        let (k, offset) = self.place(index);
        self.segment(k)?.get(offset)
    }

    /// The segment of an index, and the offset in it.
    #[inline]
    pub fn place(&self, index: usize) -> (usize, usize) {
        let k = (index / self.first + 1).ilog2() as usize;
        (k, index - self.first_of(k))
    }

    /// The index of the first element of segment `k`.
    #[inline]
    pub fn first_of(&self, k: usize) -> usize {
        self.first * ((1 << k) - 1)
    }

    /// As many elements as there can ever be.
    pub fn most(&self) -> usize {
        self.first_of(SEGMENTS)
    }

    /// Makes sure that segment `k` exists, and returns it. Beyond the last possible segment: the last.
    pub fn grow(&self, k: usize) -> &[T] {
        let k = k.min(SEGMENTS - 1);
        if let Some(segment) = self.segment(k) {
            return segment;
        }
        let fresh: Box<[T]> = (0..self.first << k).map(|_| T::default()).collect();
        let fresh = Box::into_raw(Box::new(fresh));
        // Where it fails another's is there, and is loaded below.
        let (win, lose) = (ord!("segment-link", Release), Ordering::Relaxed);
        if self.links[k].compare_exchange(ptr::null_mut(), fresh, win, lose).is_err() {
            // SAFETY: nobody else has seen `fresh`.
            drop(unsafe { Box::from_raw(fresh) });
        }
        self.segment(k).expect("the segment was just linked")
    }
}

impl<T> Drop for Segments<T> {
    fn drop(&mut self) {
        for link in &self.links {
            // Whoever gave this array up to its owner has made its segments his.
            let segment = link.load(Ordering::Relaxed);
            if !segment.is_null() {
                // SAFETY: leaked by `grow`, and `&mut self` excludes every reader.
                drop(unsafe { Box::from_raw(segment) });
            }
        }
    }
}
