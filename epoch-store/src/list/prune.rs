//! Taking a leaf out of the index: the path to it is copied without it.
//!
//! A child that goes leaves its keys to the child on its left, whose fence so moves to the right: nodes along that fence
//! are copied too where their `skip` would be too long for it (I-16).

use super::LeafRef;
use super::index::Draft;
use super::node::{Child, FANOUT, Node, Span};
use crate::reclaim::{Node as _, Pinned, Shared};
use smallvec::SmallVec;
use std::ptr::NonNull;

/// What is left of a subtree.
pub(super) enum Pruned {
    /// All of it: the leaf is not there.
    Whole,
    /// Nothing.
    Nothing,
    /// This.
    Rest(NonNull<Node>),
}

/// Copies the path to `leaf`, without it.
pub(super) fn prune<P: Pinned>(
    node: Shared<'_, Node>,
    span: Span<'_>,
    leaf: LeafRef<'_>,
    draft: &mut Draft,
    pin: &P,
) -> Pruned {
    let (Ok(at) | Err(at)) = node.position(leaf.low());
    let old = node.child(at);
    let rest = match old.node {
        None if old.leaf == leaf.as_ptr() => None,
        None => return Pruned::Whole,
        Some(below) => {
            pin.protects(below);
            // SAFETY: as in `Index::descend`.
            match prune(unsafe { Shared::new(below) }, node.span(at, span), leaf, draft, pin) {
                Pruned::Whole => return Pruned::Whole,
                Pruned::Nothing => None,
                Pruned::Rest(rest) => Some(Child::above(rest)),
            }
        }
    };
    draft.replaced.push(node.as_ptr());
    let mut children: SmallVec<[Child; FANOUT]> = node.children().collect();
    match rest {
        Some(rest) => children[at] = rest,
        None => drop(children.remove(at)),
    }
    if at > 0 {
        let high = children.get(at).map(|child| child.low()).or(span.high);
        children[at - 1] = widen(children[at - 1], high, draft, pin);
    }
    if children.is_empty() {
        return Pruned::Nothing;
    }
    Pruned::Rest(draft.keep(Node::new(node.height(), node.skip(), span, &children)))
}

/// A child whose upper fence is `high` now.
fn widen<P: Pinned>(child: Child, high: Option<&[u8]>, draft: &mut Draft, pin: &P) -> Child {
    let Some(below) = child.node else { return child };
    pin.protects(below);
    // SAFETY: as in `Index::descend`.
    let node = unsafe { Shared::new(below) };
    let span = Span { low: child.low(), high };
    let mut children: SmallVec<[Child; FANOUT]> = node.children().collect();
    let last = children.len() - 1;
    let widened = widen(children[last], high, draft, pin);
    if widened.node == children[last].node && node.fits(span) {
        return child;
    }
    children[last] = widened;
    draft.replaced.push(below);
    let copy = Node::new(node.height(), node.skip(), span, &children);
    Child { leaf: child.leaf, node: Some(draft.keep(copy)) }
}

/// A root with one child gives way to that child.
pub(super) fn shrink(mut top: NonNull<Node>, draft: &mut Draft) -> NonNull<Node> {
    loop {
        // SAFETY: part of the tree under construction: fresh, or protected as in `prune`.
        let Some(below) = unsafe { top.as_ref() }.only_child() else { return top };
        if let Some(at) = draft.fresh.iter().position(|fresh| *fresh == top) {
            draft.fresh.swap_remove(at);
            // SAFETY: made for this draft and never linked.
            unsafe { Node::free(top) };
        } else {
            draft.replaced.push(top);
        }
        top = below;
    }
}
