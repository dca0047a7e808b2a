//! One layer: its number, what lies below it, and whether anything was ever written to it.
//!
//! *Skipping.* A stack may be a thousand layers deep with entries in three of them, and a read should meet three. Layers
//! that had not been written to when their child was made share a *run* with it: the layers between one that was written to
//! and the next. A run knows the written layer below it, and the depth of the lowest of its own layers that was written to
//! after all. A reader in a run goes straight to the layer below it, unless the run says that one in between was
//! written to: then it takes the steps between.
//!
//! ```text
//! depth  0 w   1   2   3   4 w   5   6        w: written to before its child was made
//!        └──── run ─────────┘└── run ──       reader at 6 ─► 4 ─► 0
//! ```
//!
//! The lowest depth matters to readers above it only. Calls that return write to their parent from the top of the stack
//! down, and below that nothing was written to late: so such a stack is skipped in one step too.
//!
//! *Orderings.* Who writes to a layer first lowers the run's mark, then sets `written` (Release), then commits. Who reads opens
//! its snapshot first: if that includes the commit, publishing it made both stores visible. A second writer, who
//! finds `written` set (Acquire), may rely on the mark.
//!
//! *Dropping* a stack takes no recursion, however deep it is: see [`Layer`]'s `drop`.

use super::entry::{layer_range, marker};
use super::family::Family;
use epoch_store::WriteBatch;
use epoch_store::atomics::{AtomicBool, AtomicU64, Ordering};
use std::ops::Bound;
use std::sync::Arc;

/// See the module header.
pub struct Layer {
    number: u64,
    depth: u64,
    family: Arc<Family>,
    parent: Option<Arc<Layer>>,
    /// `None` only while the layer is dropped.
    run: Option<Arc<Run>>,
    written: AtomicBool,
    /// A flush may have put its marker.
    marked: AtomicBool,
}

/// Neighbouring layers, each of which had not been written to when the next one was made.
struct Run {
    /// The layer below them; `None`: the base.
    below: Option<Arc<Layer>>,
    /// The lowest depth at which one of them was written to.
    lowest_written: AtomicU64,
}

impl Run {
    fn above(below: Option<Arc<Layer>>) -> Arc<Self> {
        Arc::new(Self { below, lowest_written: AtomicU64::new(u64::MAX) })
    }
}

impl Layer {
    /// The lowest layer of a family.
    pub fn root(family: Arc<Family>) -> Arc<Self> {
        Self::new(family, 0, None, Run::above(None))
    }

    /// A layer on top of this one.
    pub fn child(self: &Arc<Self>) -> Arc<Self> {
        let shared = self.run.as_ref().filter(|_| !self.is_written()).cloned();
        let run = shared.unwrap_or_else(|| Run::above(Some(self.clone())));
        Self::new(self.family.clone(), self.depth + 1, Some(self.clone()), run)
    }

    fn new(family: Arc<Family>, depth: u64, parent: Option<Arc<Self>>, run: Arc<Run>) -> Arc<Self> {
        Arc::new(Self {
            number: family.next_number(),
            depth,
            family,
            parent,
            run: Some(run),
            written: AtomicBool::new(false),
            marked: AtomicBool::new(false),
        })
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// Layers below it.
    pub fn depth(&self) -> u64 {
        self.depth
    }

    pub fn family(&self) -> &Arc<Family> {
        &self.family
    }

    pub fn parent(&self) -> Option<&Arc<Self>> {
        self.parent.as_ref()
    }

    /// Whether it may have entries. Once it may, it always may.
    pub fn is_written(&self) -> bool {
        self.written.load(Ordering::Acquire)
    }

    /// Takes note that something is about to be committed to it.
    pub fn note_write(&self) {
        if !self.is_written() {
            if let Some(run) = &self.run {
                run.lowest_written.fetch_min(self.depth, Ordering::AcqRel);
            }
            self.written.store(true, Ordering::Release);
        }
    }

    /// Takes note that its marker is about to be put.
    pub fn note_marker(&self) {
        self.marked.store(true, Ordering::Release);
    }

    /// From this layer down, those that may have entries. Snapshots of the family's map that were opened before see no
    /// entries in others.
    pub fn written(&self) -> impl Iterator<Item = &Self> {
        let top = if self.is_written() { Some(self) } else { self.next_written() };
        std::iter::successors(top, |layer| layer.next_written())
    }

    /// The nearest layer below that may have entries.
    fn next_written(&self) -> Option<&Self> {
        let mut layer = self;
        loop {
            let run = layer.run.as_ref()?;
            if run.lowest_written.load(Ordering::Acquire) >= layer.depth {
                return run.below.as_deref();
            }
            layer = layer.parent.as_deref()?;
            if layer.is_written() {
                return Some(layer);
            }
        }
    }

    /// Deletes its entries, if others of the family may live on. Nobody writes to it any more: so a look tells whether there are
    /// any, and a call that returned, whose entries were moved, is spared the walk that deletes a range.
    fn discard(&self) {
        if self.depth == 0 || !self.is_written() {
            return;
        }
        let (mut batch, map) = (WriteBatch::new(), self.family.map());
        let all = layer_range(self.number, (Bound::Unbounded, Bound::Unbounded));
        if map.snapshot().range(all.clone()).next().is_some() {
            batch.delete_range(all);
        }
        if self.marked.load(Ordering::Acquire) {
            batch.delete(marker(self.number));
        }
        // Two writes to keys of a fit length: they are not refused. If they were, the entries would stay until the family goes.
        let _ = map.commit(&batch);
    }
}

impl Drop for Layer {
    /// Takes the chain of parents apart from the top, one after the other, as long as nobody else holds them. A run also
    /// holds a layer, one that the chain of its layers leads to: it goes first, so that it never holds the last.
    fn drop(&mut self) {
        self.discard();
        self.run = None;
        let mut next = self.parent.take();
        while let Some(mut layer) = next.and_then(Arc::into_inner) {
            layer.run = None;
            next = layer.parent.take();
        }
    }
}
