//! What a chain application expects of a store.

use crate::Error;

/// An iterator of a [`KvStore`]: entries in key order, or in its reverse. It ends after an error.
pub type KvEntries<'a> = Box<dyn Iterator<Item = Result<(Vec<u8>, Vec<u8>), Error>> + 'a>;

/// A store of the kind that chain applications are written against (the `KVStore` of the Cosmos SDK): bytes under
/// bytes, with iterators between a start and an end.
///
/// *The contract.* An empty value is a value: only absence is `None`. An empty key is refused, and so is an empty bound, with
/// [`epoch_store::Error::EmptyKey`]. The start of a range is inside it and its end is not, in both directions; `None` is before
/// the first or behind the last key; a range whose start is not below its end is empty. Deleting what is not there is
/// allowed. Nothing panics.
///
/// *More than the contract.* An iterator sees the store as it was when it was opened. Writing while it is open is
/// allowed, also by other threads, and neither waits for the other.
///
/// ```
/// use engine::{KvStore, Store};
/// let store = Store::in_memory();
/// store.put("k", "old")?;
/// let overlay = store.overlay();
/// let kv: &dyn KvStore = &overlay;
/// kv.set(b"k", b"new")?;
/// kv.set(b"l", b"")?;
/// assert!(kv.has(b"l")?);
/// let last = kv.reverse_iterator(Some(b"a"), None)?.next().unwrap()?;
/// assert_eq!(last, (b"l".to_vec(), b"".to_vec()));
/// assert!(kv.iterator(Some(b""), None).is_err());
/// # Ok::<(), engine::Error>(())
/// ```
pub trait KvStore {
    /// The value of `key`, copied.
    ///
    /// # Errors
    /// The key is empty; what reading the store below or an observer refuses.
    ///
    /// ```
    /// use engine::{KvStore, Store};
    /// let overlay = Store::in_memory().overlay();
    /// let kv: &dyn KvStore = &overlay;
    /// overlay.put("k", "")?;
    /// assert_eq!(kv.get(b"k")?, Some(vec![])); // an empty value is a value
    /// assert_eq!(kv.get(b"absent")?, None);
    /// assert!(kv.get(b"").is_err());
    /// # Ok::<(), engine::Error>(())
    /// ```
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Whether `key` has a value.
    ///
    /// # Errors
    /// As [`KvStore::get`].
    ///
    /// ```
    /// use engine::{KvStore, Store};
    /// let overlay = Store::in_memory().overlay();
    /// let kv: &dyn KvStore = &overlay;
    /// kv.set(b"k", b"")?;
    /// assert!(kv.has(b"k")? && !kv.has(b"absent")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    fn has(&self, key: &[u8]) -> Result<bool, Error> {
        Ok(self.get(key)?.is_some())
    }

    /// Stores `value` under `key`.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; the key is empty or too long, or the value too long; what an observer refuses. Nothing is stored
    /// then.
    ///
    /// ```
    /// use engine::{Error, KvStore, Store};
    /// let store = Store::in_memory();
    /// let overlay = store.overlay();
    /// KvStore::set(&overlay, b"k", b"v")?;
    /// assert_eq!(overlay.get("k")?.unwrap(), b"v");
    /// let refused = KvStore::set(&store.snapshot(), b"k", b"v").unwrap_err();
    /// assert!(matches!(refused, Error::ReadOnly));
    /// # Ok::<(), engine::Error>(())
    /// ```
    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Error>;

    /// Deletes `key`, which is allowed not to be there.
    ///
    /// # Errors
    /// As [`KvStore::set`].
    ///
    /// ```
    /// use engine::{KvStore, Store};
    /// let overlay = Store::in_memory().overlay();
    /// let kv: &dyn KvStore = &overlay;
    /// kv.set(b"k", b"v")?;
    /// kv.delete(b"k")?;
    /// kv.delete(b"absent")?;
    /// assert!(!kv.has(b"k")?);
    /// # Ok::<(), engine::Error>(())
    /// ```
    fn delete(&self, key: &[u8]) -> Result<(), Error>;

    /// The entries from `start` up to, and without, `end`, in key order.
    ///
    /// # Errors
    /// A bound is empty; what an observer refuses.
    ///
    /// ```
    /// use engine::{KvStore, Store};
    /// let overlay = Store::in_memory().overlay();
    /// let kv: &dyn KvStore = &overlay;
    /// for key in [b"a", b"b", b"c"] {
    ///     kv.set(key, b"")?;
    /// }
    /// assert_eq!(kv.iterator(Some(b"a"), Some(b"c"))?.count(), 2); // without the end
    /// assert_eq!(kv.iterator(None, None)?.count(), 3);
    /// assert!(kv.iterator(None, Some(b"")).is_err());
    /// # Ok::<(), engine::Error>(())
    /// ```
    fn iterator<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
    ) -> Result<KvEntries<'a>, Error>;

    /// The same entries, the last one first.
    ///
    /// # Errors
    /// As [`KvStore::iterator`].
    ///
    /// ```
    /// use engine::{KvStore, Store};
    /// let overlay = Store::in_memory().overlay();
    /// let kv: &dyn KvStore = &overlay;
    /// for key in [b"a", b"b", b"c"] {
    ///     kv.set(key, b"")?;
    /// }
    /// let first = kv.reverse_iterator(Some(b"a"), Some(b"c"))?.next().unwrap()?;
    /// assert_eq!(first.0, b"b"); // the end is not in it, in either direction
    /// # Ok::<(), engine::Error>(())
    /// ```
    fn reverse_iterator<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
    ) -> Result<KvEntries<'a>, Error>;
}

/// A reference, or a pointer, to a store.
macro_rules! delegate {
    ($($pointer:ty),*) => {
        $(
            impl<S: KvStore + ?Sized> KvStore for $pointer {
                fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
                    (**self).get(key)
                }

                fn has(&self, key: &[u8]) -> Result<bool, Error> {
                    (**self).has(key)
                }

                fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
                    (**self).set(key, value)
                }

                fn delete(&self, key: &[u8]) -> Result<(), Error> {
                    (**self).delete(key)
                }

                fn iterator<'a>(
                    &'a self,
                    start: Option<&[u8]>,
                    end: Option<&[u8]>,
                ) -> Result<KvEntries<'a>, Error> {
                    (**self).iterator(start, end)
                }

                fn reverse_iterator<'a>(
                    &'a self,
                    start: Option<&[u8]>,
                    end: Option<&[u8]>,
                ) -> Result<KvEntries<'a>, Error> {
                    (**self).reverse_iterator(start, end)
                }
            }
        )*
    };
}

delegate!(&S, Box<S>, std::sync::Arc<S>);
