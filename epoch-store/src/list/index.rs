//! The index above the leaves: an immutable tree, path-copied for every new leaf and published by one CAS.
//!
//! It is a hint (I-15): a tree that misses a leaf sends its readers to a leaf further left, and they walk. A leaf that was
//! unlinked is taken out by a copy of its path too (`prune.rs`).

use super::node::{Child, FANOUT, Node, Span};
use super::prune::{Pruned, prune, shrink};
use super::{Leaf, LeafRef};
use crate::reclaim::{Grace, Node as _, Pinned, Shared};
use crate::sync::{AtomicPtr, Ordering, mutant, ord, pause};
use crate::tally::{Event, Tally};
use smallvec::SmallVec;
use std::ptr::NonNull;

/// Lost races after which a leaf is left out: the walkers that miss it will add it.
const TRIES: usize = 3;

type Nodes = SmallVec<[NonNull<Node>; 8]>;

/// See the module header.
#[derive(Debug)]
pub(super) struct Index {
    root: AtomicPtr<Node>,
}

/// One attempt at a new tree.
#[derive(Default)]
pub(super) struct Draft {
    /// Nodes made for it: freed if the attempt fails.
    pub(super) fresh: Nodes,
    /// Nodes of the old tree that it does without: retired if it succeeds.
    pub(super) replaced: Nodes,
}

impl Draft {
    pub(super) fn keep(&mut self, node: Box<Node>) -> NonNull<Node> {
        let node = NonNull::from(Box::leak(node));
        self.fresh.push(node);
        node
    }

    /// After its tree was published.
    fn retire_replaced<P: Pinned>(self, pin: &P, tally: &Tally) {
        let bytes = |nodes: &Nodes| nodes.len() * size_of::<Node>();
        tally.bytes(Event::Linked, bytes(&self.fresh), bytes(&self.replaced));
        for node in self.replaced {
            // SAFETY: I-1: the swap unlinked the only tree that these nodes are in but the new one is without.
            unsafe { pin.retire(node, Grace::One) };
        }
    }

    /// After another tree was published.
    fn discard(self) {
        for node in self.fresh {
            // SAFETY: never linked.
            unsafe { Node::free(node) };
        }
    }
}

/// A node's replacement, and the node split off behind it.
type Grown = (NonNull<Node>, Option<Child>);

impl Index {
    /// A tree of one leaf.
    pub(super) fn new(first: NonNull<Leaf>) -> Self {
        let only = Child { leaf: first, node: None };
        let root = Node::new(0, 0, Span { low: &[], high: None }, &[only]);
        Self { root: AtomicPtr::new(Box::into_raw(root)) }
    }

    /// Bytes of a tree of one leaf.
    pub(super) const fn bytes_when_new() -> usize {
        size_of::<Node>()
    }

    pub(super) fn root<'p, P: Pinned>(&self, pin: &'p P) -> Shared<'p, Node> {
        let root = NonNull::new(self.root.load(ord!("index-load", Acquire)));
        let root = root.expect("the index always has a root");
        pin.protects(root);
        // SAFETY: linked when loaded, and loaded under `pin`; the winner of a later swap retires it.
        unsafe { Shared::new(root) }
    }

    /// A leaf at or to the left of the one that holds `key`. Wait-free.
    #[inline]
    pub(super) fn locate<P: Pinned>(&self, key: &[u8], pin: &P) -> NonNull<Leaf> {
        self.descend(pin, |node| match node.position(key) {
            Ok(at) | Err(at) => at,
        })
    }

    /// A leaf at or to the left of the one that holds the greatest keys below `bound`. Wait-free.
    pub(super) fn locate_before<P: Pinned>(&self, bound: Option<&[u8]>, pin: &P) -> NonNull<Leaf> {
        self.descend(pin, |node| node.position_before(bound))
    }

    #[inline]
    fn descend<P: Pinned>(&self, pin: &P, choose: impl Fn(&Node) -> usize) -> NonNull<Leaf> {
        let mut node = self.root(pin);
        loop {
            let child = node.child(choose(node.get()));
            let Some(below) = child.node else { return child.leaf };
            Node::prefetch(below);
            pin.protects(below);
            // SAFETY: part of the tree whose root was loaded under `pin`: a node is retired by the swap that unlinks
            // the first tree without it, which came after.
            node = unsafe { Shared::new(below) };
        }
    }

    /// Adds a leaf that the caller saw live under its pin, unless it is there or others win [`TRIES`] times. Lock-free.
    pub(super) fn add<P: Pinned>(&self, leaf: LeafRef<'_>, pin: &P, tally: &Tally) {
        if mutant!("index-add-skipped") {
            return;
        }
        for _ in 0..TRIES {
            let root = self.root(pin);
            let mut draft = Draft::default();
            let whole = Span { low: &[], high: None };
            let Some((mut top, split)) = insert(root, whole, leaf, &mut draft, pin) else { return };
            if let Some(right) = split {
                let left = Child { leaf: root.child(0).leaf, node: Some(top) };
                top = draft.keep(Node::new(root.height() + 1, 0, whole, &[left, right]));
            }
            pause("index-built");
            if self.publish(root, top) {
                pause("leaf-indexed");
                // Frozen meanwhile: its owner may have looked for it before it was here (I-45).
                let frozen = leaf.body(pin).is_frozen();
                draft.retire_replaced(pin, tally);
                if frozen && !mutant!("index-add-unchecked") {
                    self.remove(leaf, pin, tally);
                }
                return;
            }
            tally.one(Event::CasFailures);
            draft.discard();
        }
    }

    /// Takes a frozen leaf out, if it is there. Whoever puts it in afterwards sees that it is frozen (I-45). Lock-free.
    pub(super) fn remove<P: Pinned>(&self, leaf: LeafRef<'_>, pin: &P, tally: &Tally) {
        loop {
            let root = self.root(pin);
            let mut draft = Draft::default();
            let whole = Span { low: &[], high: None };
            let top = match prune(root, whole, leaf, &mut draft, pin) {
                Pruned::Rest(top) => shrink(top, &mut draft),
                Pruned::Nothing => unreachable!("the first leaf is never taken out"),
                // Not there: still an RMW on the root, for those who are about to put it in.
                Pruned::Whole if mutant!("index-remove-unfenced") => return,
                Pruned::Whole => root.as_ptr(),
            };
            pause("index-pruned");
            if self.publish(root, top) {
                draft.retire_replaced(pin, tally);
                return;
            }
            tally.one(Event::CasFailures);
            draft.discard();
        }
    }

    fn publish(&self, old: Shared<'_, Node>, new: NonNull<Node>) -> bool {
        let publish = ord!("index-swap", AcqRel);
        let old = old.as_ptr().as_ptr();
        self.root.compare_exchange(old, new.as_ptr(), publish, Ordering::Relaxed).is_ok()
    }
}

/// Copies the path to where `leaf` belongs, with the leaf in it. `None`: it is there already.
fn insert<P: Pinned>(
    node: Shared<'_, Node>,
    span: Span<'_>,
    leaf: LeafRef<'_>,
    draft: &mut Draft,
    pin: &P,
) -> Option<Grown> {
    let at = match node.position(leaf.low()) {
        Ok(_) if node.height() == 0 => return None,
        Ok(at) | Err(at) => at,
    };
    let old = node.child(at);
    let (replaced, added) = match old.node {
        None => (old, Some(Child { leaf: leaf.as_ptr(), node: None })),
        Some(below) => {
            pin.protects(below);
            // SAFETY: as in `descend`.
            let grown =
                insert(unsafe { Shared::new(below) }, node.span(at, span), leaf, draft, pin)?;
            (Child { leaf: old.leaf, node: Some(grown.0) }, grown.1)
        }
    };
    draft.replaced.push(node.as_ptr());
    if added.is_none() || node.len() < FANOUT {
        return Some((draft.keep(node.with(at, replaced, added)), None));
    }
    Some(split(node.get(), span, at, replaced, added, draft))
}

/// Two nodes for a full one.
fn split(
    node: &Node,
    span: Span<'_>,
    at: usize,
    replaced: Child,
    added: Option<Child>,
    draft: &mut Draft,
) -> Grown {
    let mut children: SmallVec<[Child; FANOUT + 1]> = node.children().collect();
    children[at] = replaced;
    if let Some(added) = added {
        children.insert(at + 1, added);
    }
    // An ascending load leaves the left node full.
    let rightmost = span.high.is_none() && at + 1 == node.len();
    let middle = if rightmost { children.len() - 1 } else { children.len() / 2 };
    let (left, right) = children.split_at(middle);
    let fence = right[0].low();
    let low = Span { low: span.low, high: Some(fence) };
    let high = Span { low: fence, high: span.high };
    let left = draft.keep(Node::new(node.height(), node.skip(), low, left));
    let right_leaf = right[0].leaf;
    let right = draft.keep(Node::new(node.height(), node.skip(), high, right));
    (left, Some(Child { leaf: right_leaf, node: Some(right) }))
}

impl Drop for Index {
    fn drop(&mut self) {
        fn free(node: NonNull<Node>) {
            // SAFETY: `&mut self` in `drop`: no other thread is left; each linked node has one parent.
            unsafe {
                for child in node.as_ref().children() {
                    if let Some(below) = child.node {
                        free(below);
                    }
                }
                Node::free(node);
            }
        }
        if let Some(root) = NonNull::new(self.root.load(Ordering::Acquire)) {
            free(root);
        }
    }
}
