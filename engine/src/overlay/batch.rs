//! Writes to a layer that are to become one step.

use super::entry::{check, encode, layer_key};
use crate::Error;
use epoch_store::WriteBatch;

/// A list of writes that [`Overlay::commit`](super::Overlay::commit) applies to a layer as one atomic step.
///
/// Writes are kept in the order given; of two to one key the later one counts. The batch is checked when it is committed, and
/// can be committed again.
///
/// ```
/// use engine::{OverlayBatch, Store};
/// let overlay = Store::in_memory().overlay();
/// let mut batch = OverlayBatch::new();
/// batch.put("alice", "7").put("bob", "3").delete("carol");
/// overlay.commit(&batch)?; // whoever reads sees all three, or none
/// assert_eq!(overlay.get("bob")?.unwrap(), b"3");
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct OverlayBatch {
    writes: Vec<Write>,
}

#[derive(Debug, Clone)]
struct Write {
    key: Vec<u8>,
    /// `None`: delete.
    value: Option<Vec<u8>>,
}

impl OverlayBatch {
    /// An empty batch.
    ///
    /// ```
    /// use engine::OverlayBatch;
    /// assert!(OverlayBatch::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a write of `value` under `key`. Copies both. An empty value is a value.
    ///
    /// ```
    /// use engine::OverlayBatch;
    /// let overlay = engine::Store::in_memory().overlay();
    /// overlay.commit(OverlayBatch::new().put("k", "1").put("k", "2"))?;
    /// assert_eq!(overlay.get("k")?.unwrap(), b"2");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut Self {
        let (key, value) = (key.as_ref().to_vec(), Some(value.as_ref().to_vec()));
        self.writes.push(Write { key, value });
        self
    }

    /// Adds a delete of `key`, which is allowed not to be there.
    ///
    /// ```
    /// use engine::OverlayBatch;
    /// let store = engine::Store::in_memory();
    /// store.put("k", "v")?;
    /// let overlay = store.overlay();
    /// overlay.commit(OverlayBatch::new().delete("k").delete("absent"))?;
    /// assert!(!overlay.contains("k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> &mut Self {
        self.writes.push(Write { key: key.as_ref().to_vec(), value: None });
        self
    }

    /// Number of writes added.
    ///
    /// ```
    /// use engine::OverlayBatch;
    /// assert_eq!(OverlayBatch::new().put("k", "1").delete("k").len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether there are none.
    ///
    /// ```
    /// use engine::OverlayBatch;
    /// assert!(!OverlayBatch::new().delete("k").is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Forgets all writes.
    ///
    /// ```
    /// use engine::OverlayBatch;
    /// let mut batch = OverlayBatch::new();
    /// batch.put("k", "v").clear();
    /// assert!(batch.is_empty());
    /// ```
    pub fn clear(&mut self) {
        self.writes.clear();
    }

    /// The writes as entries of a layer.
    pub(super) fn entries(&self, layer: u64) -> Result<WriteBatch, Error> {
        let mut batch = WriteBatch::new();
        for Write { key, value } in &self.writes {
            check(key, value.as_deref())?;
            batch.put(layer_key(layer, key), encode(value.as_deref()));
        }
        Ok(batch)
    }
}
