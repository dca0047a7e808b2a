//! What writers of a layer hold.

use super::batch::OverlayBatch;
use super::entries::OverlayEntries;
use super::entry::{check, encode, layer_key, layer_range};
use super::family::{Family, is_conflict};
use super::flush::flush;
use super::layer::Layer;
use super::view::{OverlayView, successor_of_prefix};
use crate::{Error, KeyRange, Snapshot, Store, Version};
use epoch_store::{ReadSet, WriteBatch};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

/// A layer of uncommitted writes over a snapshot of a store ([`Snapshot::overlay`]), or over another layer
/// ([`Overlay::overlay`]): a block that is being executed, a call frame of a virtual machine, a draft.
///
/// It reads like an ordered map that holds what lies below it, with its own writes on top; what lies below is not
/// changed before [`flush`](Overlay::flush). A key deleted in it is absent in it, whatever lies below. What others write to a
/// layer below meanwhile shines through, where this one has no entry of its own; what they commit to the store does not,
/// before the lowest layer is flushed.
///
/// An `Overlay` is a handle: clones share one layer, and any number of threads may read, write, iterate and flush it at
/// once. When the last handle goes, and no layer is left on top, the layer is discarded: its writes are gone, as a call frame
/// that failed. Layers on top keep it readable.
///
/// *Guarantee.* Each write, each batch and each flush is one atomic step. Each read and each iterator sees one moment of all
/// layers ([`Overlay::view`] holds it), never a part of a step, and never something that was not written.
///
/// *Progress.* Reads never wait, and writes are lock-free: neither is stopped by iterators, open or forgotten, nor by a thread
/// that sleeps in the middle of a flush.
///
/// *Cost.* A nested layer that nothing is written to costs an allocation, and reads skip it, however many there are. Writes
/// cost what they cost in a map; reads one look-up in each layer that was ever written to, from the top until one has an
/// entry. Opening an iterator takes no time that depends on how much was written.
///
/// Layers hold the default key space. The longest key is 8 bytes shorter than in a store, the longest value one byte. (The
/// prefixes of [`Prefixed`](crate::Prefixed) divide one layer among several users.)
///
/// ```
/// use engine::Store;
/// let store = Store::in_memory();
/// store.put("alice", "10")?;
/// let block = store.overlay();
///
/// let call = block.overlay();
/// call.put("alice", "7")?;
/// call.put("bob", "3")?;
/// call.flush()?; // the call returned: its writes are now the block's
///
/// let failed = block.overlay();
/// failed.delete("alice")?;
/// drop(failed); // reverted
///
/// assert_eq!(block.get("alice")?.unwrap(), b"7");
/// assert_eq!(store.snapshot().get("alice")?.unwrap(), "10");
/// block.flush()?;
/// assert_eq!(store.snapshot().get("alice")?.unwrap(), "7");
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Clone)]
pub struct Overlay {
    layer: Arc<Layer>,
}

impl Overlay {
    fn over(base: Snapshot) -> Self {
        Self { layer: Layer::root(Arc::new(Family::over(base))) }
    }

    /// A layer on top of this one. An allocation; commits nothing.
    ///
    /// ```
    /// let block = engine::Store::in_memory().overlay();
    /// let call = block.overlay();
    /// call.put("k", "v")?;
    /// assert!(call.contains("k")? && !block.contains("k")?);
    /// block.put("later", "")?;
    /// assert!(call.contains("later")?); // a layer is read through
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use = "a layer whose last handle is dropped is discarded"]
    pub fn overlay(&self) -> Self {
        Self { layer: self.layer.child() }
    }

    /// How many layers lie below this one, above the store.
    ///
    /// ```
    /// let block = engine::Store::in_memory().overlay();
    /// assert_eq!((block.depth(), block.overlay().overlay().depth()), (0, 2));
    /// ```
    pub fn depth(&self) -> u64 {
        self.layer.depth()
    }

    /// What the layer shows now, to read from for as long as one likes: several reads of one moment, without copies.
    ///
    /// Opening one costs what opening two snapshots does, and never waits: it is tried again if a flush of the lowest layer
    /// ends meanwhile.
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// let view = overlay.view();
    /// overlay.put("k", "v")?;
    /// assert!(!view.contains("k")? && overlay.view().contains("k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use = "a view that is dropped at once keeps nothing"]
    pub fn view(&self) -> OverlayView {
        OverlayView::of(&self.layer)
    }

    /// The value of `key` now, copied. A key that cannot be stored has none. ([`Overlay::view`] reads without the copy.)
    ///
    /// # Errors
    /// Those of reading the store below.
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("k", "v")?;
    /// assert_eq!(overlay.get("k")?.unwrap(), b"v");
    /// assert_eq!(overlay.get("absent")?, None);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        let frozen = self.layer.family().freeze();
        let value = frozen.reader(&self.layer).get(key.as_ref())?;
        Ok(value.map(|value| value.to_vec()))
    }

    /// Whether `key` has a value now.
    ///
    /// # Errors
    /// As [`Overlay::get`].
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("k", "")?;
    /// assert!(overlay.contains("k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        let frozen = self.layer.family().freeze();
        Ok(frozen.reader(&self.layer).get(key.as_ref())?.is_some())
    }

    /// The entries inside the bounds as they are now, copied, in key order, from either end. An inverted range is empty.
    ///
    /// The iterator owns the [view](Overlay::view) that it reads. Opening it reads nothing; what it costs then:
    /// [`OverlayEntries`].
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("a", "1")?;
    /// overlay.put("b", "2")?;
    /// let mut entries = overlay.range("a"..);
    /// overlay.delete("b")?; // after it was opened
    /// assert_eq!(entries.next_back().unwrap()?, (b"b".to_vec(), b"2".to_vec()));
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn range(&self, keys: impl KeyRange) -> OverlayEntries {
        OverlayEntries::new(self.view(), keys.bounds())
    }

    /// All entries as they are now; see [`Overlay::range`].
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("k", "v")?;
    /// assert_eq!(overlay.iter().count(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn iter(&self) -> OverlayEntries {
        OverlayEntries::new(self.view(), (Bound::Unbounded, Bound::Unbounded))
    }

    /// The entries whose keys begin with `prefix`, as they are now; see [`Overlay::range`].
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("accounts/alice", "10")?;
    /// assert_eq!(overlay.prefix("accounts/").count(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> OverlayEntries {
        let prefix = prefix.as_ref();
        let end = successor_of_prefix(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        OverlayEntries::new(self.view(), (Bound::Included(prefix), to))
    }

    /// Stores `value` under `key` in this layer.
    ///
    /// # Errors
    /// The key is empty or too long, or the value is too long. Nothing is stored then.
    ///
    /// ```
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.put("k", "v")?;
    /// assert!(overlay.put("", "v").is_err());
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        self.write(key.as_ref(), Some(value.as_ref()))
    }

    /// Deletes `key` in this layer: it is absent, also if it has a value below.
    ///
    /// # Errors
    /// The key is empty or too long. Nothing is changed then.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// let overlay = store.overlay();
    /// overlay.delete("k")?;
    /// assert!(!overlay.contains("k")? && store.snapshot().contains("k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<(), Error> {
        self.write(key.as_ref(), None)
    }

    fn write(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
        check(key, value)?;
        self.layer.note_write();
        let full = layer_key(self.layer.number(), key);
        self.layer.family().map().put(full, encode(value))?;
        Ok(())
    }

    /// Applies all writes of `batch` to this layer as one step. The batch is left as it is.
    ///
    /// # Errors
    /// Those of [`put`](Overlay::put) for the first write that has one; a batch with too many writes. Nothing is applied then.
    ///
    /// ```
    /// use engine::OverlayBatch;
    /// let overlay = engine::Store::in_memory().overlay();
    /// let mut batch = OverlayBatch::new();
    /// batch.put("a", "1").put("", "refused");
    /// assert!(overlay.commit(&batch).is_err());
    /// assert_eq!(overlay.iter().count(), 0);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn commit(&self, batch: &OverlayBatch) -> Result<(), Error> {
        let entries = batch.entries(self.layer.number())?;
        if !entries.is_empty() {
            self.layer.note_write();
            self.layer.family().map().commit(&entries)?;
        }
        Ok(())
    }

    /// Deletes every key in `range` that the layer shows, as one step: its own, and those from below.
    ///
    /// A tombstone is put for each, so it takes time and memory proportional to the keys in the range. It is exact beside
    /// other writers of this layer: what they write inside the range is deleted if it comes before, and stays if it
    /// comes after. For what they write to a layer below meanwhile: a key that was there already is hidden, and one that
    /// is new shines through, as always.
    ///
    /// Lock-free: it is tried again if others have written to the range in this layer meanwhile, also again and again.
    ///
    /// # Errors
    /// More keys than a batch may have, or one that is too long for a layer; those of [`Overlay::get`]. Nothing is deleted
    /// then.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// store.put("a", "1")?;
    /// store.put("b", "2")?;
    /// let overlay = store.overlay();
    /// overlay.put("c", "3")?;
    /// overlay.delete_range("b"..)?;
    /// assert_eq!(overlay.iter().count(), 1);
    /// overlay.flush()?;
    /// assert_eq!(store.snapshot().iter().count(), 1);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete_range(&self, range: impl KeyRange) -> Result<(), Error> {
        let (bounds, number) = (range.bounds(), self.layer.number());
        loop {
            let (view, mut batch) = (self.view(), WriteBatch::new());
            for entry in view.range(bounds) {
                let (key, _) = entry?;
                check(&key, None)?;
                batch.put(layer_key(number, &key), encode(None));
            }
            if batch.is_empty() {
                return Ok(());
            }
            let mut reads = ReadSet::at(view.layers());
            reads.range(layer_range(number, bounds));
            self.layer.note_write();
            if !is_conflict(self.layer.family().map().commit_if(&batch, &reads))? {
                return Ok(());
            }
        }
    }

    /// Moves everything that was written to this layer one level down: to the layer below, or to the store as one commit.
    /// The layer is empty then, and can be used again. Returns the version of the store that lies below all layers then.
    ///
    /// What the layer shows does not change, and the one below shows all of it at once. What is written to the layer
    /// meanwhile stays in it; nothing is lost and nothing is written twice, also if several threads flush one layer at
    /// once. Writes that others made below meanwhile are replaced where both wrote to a key.
    ///
    /// Flushing the lowest layer also moves the whole family to a newer snapshot of the store: one that includes the flush,
    /// and what others committed to the store before it was taken. All layers of the family see it from then on;
    /// views and iterators that were opened before do not.
    ///
    /// Takes time proportional to the keys written to the layer; nothing, if there are none. Lock-free: a thread that sleeps in
    /// it stops nobody, and the next one to flush the layer ends its work first.
    ///
    /// # Errors
    /// [`Error::Closed`] and others of a commit to the store, [`MemoryLimit`](epoch_store::Error::MemoryLimit) among them.
    /// Nothing is lost then: the writes stay in the layer, or wait to be flushed by the next call.
    ///
    /// ```
    /// use engine::Store;
    /// let store = Store::in_memory();
    /// let overlay = store.overlay();
    /// overlay.put("k", "v")?;
    /// store.put("elsewhere", "")?;
    /// assert!(!overlay.contains("elsewhere")?);
    /// let version = overlay.flush()?;
    /// assert_eq!(version, store.version());
    /// assert!(overlay.contains("elsewhere")?);
    /// assert_eq!(overlay.flush()?, version); // nothing to do
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn flush(&self) -> Result<Version, Error> {
        flush(&self.layer)
    }
}

impl Snapshot {
    /// A layer of uncommitted writes over this snapshot. Takes about a microsecond; commits nothing. See [`Overlay`].
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// let snapshot = store.snapshot();
    /// store.put("later", "")?;
    /// let overlay = snapshot.overlay();
    /// assert!(!overlay.contains("later")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use = "a layer whose last handle is dropped is discarded"]
    pub fn overlay(&self) -> Overlay {
        Overlay::over(self.clone())
    }
}

impl Store {
    /// A layer of uncommitted writes over the store as it is now; as [`Snapshot::overlay`] of a new snapshot.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// let overlay = store.overlay();
    /// overlay.put("k", "v")?;
    /// assert_eq!(store.snapshot().get("k")?, None);
    /// # Ok::<(), engine::Error>(())
    /// ```
    #[must_use = "a layer whose last handle is dropped is discarded"]
    pub fn overlay(&self) -> Overlay {
        Overlay::over(self.snapshot())
    }
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overlay").field("depth", &self.depth()).finish_non_exhaustive()
    }
}
