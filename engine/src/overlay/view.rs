//! What readers of a layer hold: it, and all below it, at one moment.

use super::entry::{NUMBER_LEN, TAG_LEN, is_tombstone, layer_key, move_to_layer};
use super::family::{Phase, State};
use super::layer::Layer;
use super::merge::OverlayRange;
use crate::{Error, Key, KeyRange, Snapshot, Value, Version};
use std::fmt;
use std::ops::{Bound, Deref};
use std::sync::Arc;

/// A snapshot of a family's map, with the state that holds the base for it.
pub struct Frozen<S> {
    pub layers: epoch_store::Snapshot,
    pub state: S,
    /// The snapshot shows the generation after the one of the state.
    pub is_ahead: bool,
}

impl<S: Deref<Target = Arc<State>>> Frozen<S> {
    /// The base that fits the snapshot.
    pub fn base(&self) -> &Arc<Snapshot> {
        match &self.state.phase {
            Phase::Stored(_, next) if self.is_ahead => next,
            _ => &self.state.base,
        }
    }

    /// To read what `layer` shows.
    pub fn reader<'s>(&'s self, layer: &'s Layer) -> Reader<'s> {
        Reader { layers: &self.layers, base: self.base(), layer }
    }
}

/// What a read needs.
#[derive(Clone, Copy)]
pub struct Reader<'s> {
    pub layers: &'s epoch_store::Snapshot,
    pub base: &'s Snapshot,
    pub layer: &'s Layer,
}

impl<'s> Reader<'s> {
    /// The first entry from the top down, or what the base has.
    pub fn get(&self, key: &[u8]) -> Result<Option<Value<'s>>, Error> {
        let mut full = None;
        for layer in self.layer.written() {
            let full = full.get_or_insert_with(|| layer_key(layer.number(), key));
            move_to_layer(full, layer.number());
            if let Some(entry) = self.layers.get(full) {
                let value = Value::of_map_after(entry, TAG_LEN);
                return Ok((!is_tombstone(&entry)).then_some(value));
            }
        }
        self.base.get(key)
    }
}

/// An entry of a layer as a merge takes it: its key, and its value or a tombstone.
pub fn entry_of<'s>(
    (key, entry): (epoch_store::Key<'s>, epoch_store::Value<'s>),
) -> (Key<'s>, Option<Value<'s>>) {
    let value = (!is_tombstone(&entry)).then(|| Value::of_map_after(entry, TAG_LEN));
    (Key::of_map_after(key, NUMBER_LEN), value)
}

/// What an [`Overlay`](super::Overlay) showed at one moment, for as long as this is held; from
/// [`Overlay::view`](super::Overlay::view).
///
/// *Guarantee.* Every read and every iterator sees exactly the writes that had been made to the layer, and to those below
/// it, when the view was opened, on the base of that moment; each commit and each flush whole or not at all. Values and keys
/// are borrowed without copying.
///
/// *Cost.* As a [`Snapshot`]: it may be held for any time and stops nobody, and keeps what it sees. It keeps its layer from
/// being discarded.
///
/// *Progress.* Reads never wait. That of one key makes one look-up in each layer that was ever written to, until one has an
/// entry, and at last one in the base; other layers cost nothing.
///
/// ```
/// let store = engine::Store::in_memory();
/// store.put("alice", "10")?;
/// let overlay = store.overlay();
/// overlay.put("bob", "3")?;
/// let view = overlay.view();
/// overlay.delete("alice")?;
/// overlay.flush()?;
/// assert_eq!(view.get("alice")?.unwrap(), "10");
/// assert_eq!(view.iter().count(), 2);
/// assert_eq!(overlay.view().iter().count(), 1);
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Clone)]
pub struct OverlayView {
    layers: epoch_store::Snapshot,
    base: Arc<Snapshot>,
    layer: Arc<Layer>,
}

impl OverlayView {
    /// What `layer` shows now.
    pub(super) fn of(layer: &Arc<Layer>) -> Self {
        let frozen = layer.family().freeze();
        let base = frozen.base().clone();
        Self { layers: frozen.layers, base, layer: layer.clone() }
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { layers: &self.layers, base: &self.base, layer: &self.layer }
    }

    /// The value of `key`. A key that cannot be stored has none.
    ///
    /// # Errors
    /// Those of reading the store below.
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("empty", "")?;
    /// let view = overlay.view();
    /// assert_eq!(view.get("empty")?.unwrap(), ""); // an empty value is a value
    /// assert_eq!(view.get("absent")?, None);
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Value<'_>>, Error> {
        self.reader().get(key.as_ref())
    }

    /// Whether `key` has a value. Costs what [`OverlayView::get`] does.
    ///
    /// # Errors
    /// As [`OverlayView::get`].
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("k", "")?;
    /// assert!(overlay.view().contains("k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.get(key)?.is_some())
    }

    /// The entries inside the bounds, in key order, from either end. An inverted range is empty.
    ///
    /// Nothing is read before the first entry is asked for. That looks for its place in each layer that was ever
    /// written to; from then on layers are merged as they are read, and what lies outside the bounds is never looked at. A
    /// tombstone costs a step.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// store.put("b", "2")?;
    /// let overlay = store.overlay();
    /// overlay.delete("a")?;
    /// overlay.put("c", "3")?;
    /// let view = overlay.view();
    /// let keys = view.range("a"..="c").rev().map(|entry| Ok(entry?.0.to_vec()));
    /// assert_eq!(keys.collect::<Result<Vec<_>, engine::Error>>()?, [b"c", b"b"]);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> OverlayRange<'_> {
        OverlayRange::new(self.reader(), keys.bounds())
    }

    /// All entries, in key order, from either end; see [`OverlayView::range`].
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("k", "v")?;
    /// assert_eq!(overlay.view().iter().count(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn iter(&self) -> OverlayRange<'_> {
        OverlayRange::new(self.reader(), (Bound::Unbounded, Bound::Unbounded))
    }

    /// The entries whose keys begin with `prefix`; see [`OverlayView::range`].
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("accounts/alice", "10")?;
    /// overlay.put("blocks/1", "")?;
    /// assert_eq!(overlay.view().prefix("accounts/").count(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> OverlayRange<'_> {
        let prefix = prefix.as_ref();
        let end = successor_of_prefix(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        OverlayRange::new(self.reader(), (Bound::Included(prefix), to))
    }

    /// The entry with the smallest key; costs what the first step of a [`range`](OverlayView::range) does.
    ///
    /// # Errors
    /// As [`OverlayView::get`].
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("k", "v")?;
    /// assert_eq!(overlay.view().first()?.unwrap().0, "k");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn first(&self) -> Result<Option<(Key<'_>, Value<'_>)>, Error> {
        self.iter().next().transpose()
    }

    /// The entry with the greatest key; costs what the first step of a [`range`](OverlayView::range) does.
    ///
    /// # Errors
    /// As [`OverlayView::get`].
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("k", "v")?;
    /// assert_eq!(overlay.view().last()?.unwrap().1, "v");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn last(&self) -> Result<Option<(Key<'_>, Value<'_>)>, Error> {
        self.iter().next_back().transpose()
    }

    /// The version of the store that lies below all layers.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// let version = store.put("k", "v")?;
    /// assert_eq!(store.overlay().view().base_version(), version);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn base_version(&self) -> Version {
        self.base.version()
    }

    /// The family's map as this view sees it.
    pub(super) fn layers(&self) -> &epoch_store::Snapshot {
        &self.layers
    }
}

/// The smallest key above every key with this prefix, if there is one.
pub fn successor_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// As [`OverlayView::iter`].
impl<'s> IntoIterator for &'s OverlayView {
    type Item = Result<(Key<'s>, Value<'s>), Error>;
    type IntoIter = OverlayRange<'s>;

    fn into_iter(self) -> OverlayRange<'s> {
        self.iter()
    }
}

impl fmt::Debug for OverlayView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OverlayView")
            .field("base_version", &self.base_version())
            .field("depth", &self.layer.depth())
            .finish_non_exhaustive()
    }
}
