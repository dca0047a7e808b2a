//! A node of the index tree. Immutable once linked; all arithmetic on it happens on private copies.

use super::Leaf;
use super::prefix::{better_skip, common, prefix8, search};
use crate::reclaim::Node as Reclaimable;
use crate::sync::{Tracked, prefetch};
use std::ptr::NonNull;

/// Children of a node.
#[cfg(not(epoch_loom))]
pub(super) const FANOUT: usize = 64;
#[cfg(epoch_loom)]
pub(super) const FANOUT: usize = 2;

/// Child `i` holds the keys from `leaves[i].low` to the next child's.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Node {
    len: Tracked<usize>,
    /// 0: the children are the leaves themselves.
    height: u32,
    skip: usize,
    prefixes: [u64; FANOUT],
    /// The leftmost leaf below each child: its low fence is the child's.
    leaves: [NonNull<Leaf>; FANOUT],
    children: [Option<NonNull<Node>>; FANOUT],
}

/// The key range of a node: fences decide how much of a key its prefixes skip (I-16).
#[derive(Debug, Clone, Copy)]
pub(super) struct Span<'a> {
    pub low: &'a [u8],
    pub high: Option<&'a [u8]>,
}

/// A child: its leftmost leaf, and the node unless the child is that leaf.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    pub leaf: NonNull<Leaf>,
    pub node: Option<NonNull<Node>>,
}

impl Child {
    /// A node as a child. It is alive.
    pub(super) fn above(node: NonNull<Node>) -> Self {
        // SAFETY: alive by contract; immutable.
        let leaf = unsafe { node.as_ref() }.child(0).leaf;
        Self { leaf, node: Some(node) }
    }

    /// The low fence of a leaf in the index.
    pub(super) fn low<'a>(self) -> &'a [u8] {
        // SAFETY: leaves in a tree that was loaded under a pin live as long as the pin (I-45); `'a` is never longer.
        unsafe { self.leaf.as_ref() }.low()
    }
}

impl Node {
    /// A node with these children, which are sorted and cover `span`.
    pub(super) fn new(height: u32, skip: usize, span: Span<'_>, children: &[Child]) -> Box<Self> {
        let skip = better_skip(skip, span.low, span.high);
        let mut node = Self {
            len: Tracked::new(children.len()),
            height,
            skip,
            prefixes: [0; FANOUT],
            leaves: [children[0].leaf; FANOUT],
            children: [None; FANOUT],
        };
        for (i, child) in children.iter().enumerate() {
            node.prefixes[i] = prefix8(child.low(), skip);
            node.leaves[i] = child.leaf;
            node.children[i] = child.node;
        }
        Box::new(node)
    }

    /// A private copy with one child replaced, and maybe one put in behind it. There must be room.
    pub(super) fn with(&self, at: usize, replaced: Child, added: Option<Child>) -> Box<Self> {
        let len = self.len();
        let mut node = Self {
            len: Tracked::new(len + usize::from(added.is_some())),
            height: self.height,
            skip: self.skip,
            prefixes: self.prefixes,
            leaves: self.leaves,
            children: self.children,
        };
        node.children[at] = replaced.node;
        if let Some(added) = added {
            node.prefixes.copy_within(at + 1..len, at + 2);
            node.leaves.copy_within(at + 1..len, at + 2);
            node.children.copy_within(at + 1..len, at + 2);
            node.prefixes[at + 1] = prefix8(added.low(), self.skip);
            node.leaves[at + 1] = added.leaf;
            node.children[at + 1] = added.node;
        }
        Box::new(node)
    }

    /// Asks for the part of a node that a search reads.
    #[inline]
    pub(super) fn prefetch(node: NonNull<Node>) {
        prefetch::read_bytes(node.as_ptr(), std::mem::offset_of!(Node, leaves));
    }

    pub(super) fn len(&self) -> usize {
        // SAFETY: written before the node was linked, never again.
        unsafe { self.len.get() }
    }

    pub(super) fn height(&self) -> u32 {
        self.height
    }

    pub(super) fn skip(&self) -> usize {
        self.skip
    }

    /// Whether its prefixes order keys in `span` (I-16).
    pub(super) fn fits(&self, span: Span<'_>) -> bool {
        self.skip == 0 || span.high.is_some_and(|high| self.skip <= common(span.low, high))
    }

    /// The node below, if there is just one.
    pub(super) fn only_child(&self) -> Option<NonNull<Node>> {
        self.children[0].filter(|_| self.len() == 1)
    }

    pub(super) fn child(&self, at: usize) -> Child {
        Child { leaf: self.leaves[at], node: self.children[at] }
    }

    pub(super) fn children(&self) -> impl Iterator<Item = Child> {
        (0..self.len()).map(|at| self.child(at))
    }

    /// The child that holds `key`. Exact within one tree: the key is in the node's span.
    pub(super) fn position(&self, key: &[u8]) -> Result<usize, usize> {
        let found = search(&self.prefixes[..self.len()], key, self.skip, |i| self.child(i).low());
        found.map_err(|gap| gap.saturating_sub(1))
    }

    /// The last child that holds keys below `bound`.
    pub(super) fn position_before(&self, bound: Option<&[u8]>) -> usize {
        match bound.map(|bound| self.position(bound)) {
            None => self.len() - 1,
            Some(Ok(equal)) => equal.saturating_sub(1),
            Some(Err(inside)) => inside,
        }
    }

    /// The span of a child, given the node's own.
    pub(super) fn span<'a>(&self, at: usize, own: Span<'a>) -> Span<'a> {
        let high = if at + 1 < self.len() { Some(self.child(at + 1).low()) } else { own.high };
        Span { low: self.child(at).low(), high }
    }
}

impl Reclaimable for Node {
    unsafe fn free(node: NonNull<Self>) {
        // SAFETY: leaked from a Box by the index; sole owner. Children have owners of their own.
        drop(unsafe { Box::from_raw(node.as_ptr()) });
    }

    unsafe fn bytes(_node: NonNull<Self>) -> usize {
        size_of::<Self>()
    }

    #[cfg(epoch_loom)]
    unsafe fn bury(node: NonNull<Self>) {
        // SAFETY: nobody refers to the node any more; loom reports it if somebody does.
        unsafe { (*node.as_ptr()).len.set(0) };
    }
}
