//! A store whose every access somebody is told of, and may refuse: gas metering, tracing.

use super::{KvEntries, KvStore};
use crate::Error;

/// Why an observer refuses an access.
pub type ObserverError = Box<dyn std::error::Error + Send + Sync>;

/// Is told of each access to an [`Observed`] store, and may refuse it. Every method allows the access unless it is written.
///
/// ```
/// use engine::{Error, KvStore, Observed, Observer, ObserverError, Store};
/// use std::cell::Cell;
///
/// struct Gas(Cell<usize>);
///
/// impl Gas {
///     fn charge(&self, amount: usize) -> Result<(), ObserverError> {
///         self.0.set(self.0.get().checked_sub(amount).ok_or("out of gas")?);
///         Ok(())
///     }
/// }
///
/// impl Observer for Gas {
///     fn read(&self, _key: &[u8], value: Option<&[u8]>) -> Result<(), ObserverError> {
///         self.charge(10 + value.map_or(0, <[u8]>::len))
///     }
///
///     fn write(&self, _key: &[u8], value: Option<&[u8]>) -> Result<(), ObserverError> {
///         self.charge(20 + value.map_or(0, <[u8]>::len))
///     }
/// }
///
/// let overlay = Store::in_memory().overlay();
/// let metered = Observed::new(&overlay, Gas(Cell::new(35)));
/// metered.set(b"k", b"v")?;
/// metered.get(b"k")?;
/// assert!(matches!(metered.get(b"k"), Err(Error::Observer(_))));
/// # Ok::<(), engine::Error>(())
/// ```
pub trait Observer {
    /// `key` was read, and has this value. A refusal takes the place of the value.
    ///
    /// # Errors
    /// Why it is refused.
    ///
    /// ```
    /// use engine::{Error, KvStore, Observed, Observer, ObserverError, Store};
    /// struct Guard;
    /// impl Observer for Guard {
    ///     fn read(&self, key: &[u8], _value: Option<&[u8]>) -> Result<(), ObserverError> {
    ///         if key == b"secret" { Err("not for you".into()) } else { Ok(()) }
    ///     }
    /// }
    /// let overlay = Store::in_memory().overlay();
    /// overlay.put("secret", "")?;
    /// let guarded = Observed::new(&overlay, Guard);
    /// assert!(matches!(guarded.get(b"secret"), Err(Error::Observer(_))));
    /// assert_eq!(guarded.get(b"absent")?, None);
    /// # Ok::<(), Error>(())
    /// ```
    fn read(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), ObserverError> {
        let _ = (key, value);
        Ok(())
    }

    /// `key` is to be given a value, or to be deleted. It is not, if that is refused.
    ///
    /// # Errors
    /// Why it is refused.
    ///
    /// ```
    /// use engine::{Error, KvStore, Observed, Observer, ObserverError, Store};
    /// struct Guard;
    /// impl Observer for Guard {
    ///     fn write(&self, _key: &[u8], value: Option<&[u8]>) -> Result<(), ObserverError> {
    ///         value.map(|_| ()).ok_or_else(|| "nothing is deleted here".into())
    ///     }
    /// }
    /// let overlay = Store::in_memory().overlay();
    /// overlay.put("secret", "")?;
    /// let guarded = Observed::new(&overlay, Guard);
    /// guarded.set(b"secret", b"new")?;
    /// assert!(guarded.delete(b"secret").is_err() && overlay.contains("secret")?);
    /// # Ok::<(), Error>(())
    /// ```
    fn write(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), ObserverError> {
        let _ = (key, value);
        Ok(())
    }

    /// An iterator is to be opened between these bounds. It is not, if that is refused.
    ///
    /// # Errors
    /// Why it is refused.
    ///
    /// ```
    /// use engine::{Error, KvStore, Observed, Observer, ObserverError, Store};
    /// struct Guard;
    /// impl Observer for Guard {
    ///     fn open(&self, start: Option<&[u8]>, _end: Option<&[u8]>) -> Result<(), ObserverError> {
    ///         start.map(|_| ()).ok_or_else(|| "no scan from the first key".into())
    ///     }
    /// }
    /// let overlay = Store::in_memory().overlay();
    /// overlay.put("secret", "")?;
    /// let guarded = Observed::new(&overlay, Guard);
    /// assert!(guarded.iterator(None, None).is_err());
    /// assert_eq!(guarded.iterator(Some(b"a"), None)?.count(), 1);
    /// # Ok::<(), Error>(())
    /// ```
    fn open(&self, start: Option<&[u8]>, end: Option<&[u8]>) -> Result<(), ObserverError> {
        let _ = (start, end);
        Ok(())
    }

    /// An iterator has come to this entry. A refusal takes the place of the entry, and is the last thing that the iterator
    /// yields.
    ///
    /// # Errors
    /// Why it is refused.
    ///
    /// ```
    /// use engine::{Error, KvStore, Observed, Observer, ObserverError, Store};
    /// struct Guard;
    /// impl Observer for Guard {
    ///     fn step(&self, key: &[u8], _value: &[u8]) -> Result<(), ObserverError> {
    ///         if key == b"secret" { Err("not for you".into()) } else { Ok(()) }
    ///     }
    /// }
    /// let overlay = Store::in_memory().overlay();
    /// overlay.put("secret", "")?;
    /// let guarded = Observed::new(&overlay, Guard);
    /// overlay.put("a", "")?;
    /// let mut entries = guarded.iterator(None, None)?;
    /// assert!(entries.next().unwrap().is_ok());
    /// assert!(entries.next().unwrap().is_err());
    /// assert!(entries.next().is_none());
    /// # Ok::<(), Error>(())
    /// ```
    fn step(&self, key: &[u8], value: &[u8]) -> Result<(), ObserverError> {
        let _ = (key, value);
        Ok(())
    }
}

impl<O: Observer + ?Sized> Observer for &O {
    fn read(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), ObserverError> {
        (**self).read(key, value)
    }

    fn write(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), ObserverError> {
        (**self).write(key, value)
    }

    fn open(&self, start: Option<&[u8]>, end: Option<&[u8]>) -> Result<(), ObserverError> {
        (**self).open(start, end)
    }

    fn step(&self, key: &[u8], value: &[u8]) -> Result<(), ObserverError> {
        (**self).step(key, value)
    }
}

/// `S`, with `O` told of each access; see [`Observer`]. What it refuses ends as [`Error::Observer`].
///
/// The observer is called on the thread of the access, after a read and before a write; what it costs is all that this adds.
#[derive(Debug, Clone)]
pub struct Observed<S, O> {
    inner: S,
    observer: O,
}

impl<S: KvStore, O: Observer> Observed<S, O> {
    /// `inner`, watched by `observer`.
    ///
    /// ```
    /// use engine::{KvStore, Observed, Observer, Store};
    /// struct Nobody;
    /// impl Observer for Nobody {}
    /// let overlay = Store::in_memory().overlay();
    /// let observed = Observed::new(&overlay, Nobody);
    /// observed.set(b"k", b"v")?; // every method allows, unless it is written
    /// assert_eq!(overlay.get("k")?.unwrap(), b"v");
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn new(inner: S, observer: O) -> Self {
        Self { inner, observer }
    }

    /// The observer.
    ///
    /// ```
    /// use engine::{KvStore, Observed, Observer, ObserverError, Store};
    /// use std::cell::Cell;
    ///
    /// #[derive(Default)]
    /// struct Reads(Cell<u32>);
    ///
    /// impl Observer for Reads {
    ///     fn read(&self, _key: &[u8], _value: Option<&[u8]>) -> Result<(), ObserverError> {
    ///         self.0.set(self.0.get() + 1);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let observed = Observed::new(Store::in_memory().snapshot(), Reads::default());
    /// observed.get(b"k")?;
    /// observed.has(b"k")?;
    /// assert_eq!(observed.observer().0.get(), 2);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn observer(&self) -> &O {
        &self.observer
    }

    fn watched<'a>(&'a self, entries: KvEntries<'a>) -> KvEntries<'a> {
        let steps = entries.map(|entry| {
            let (key, value) = entry?;
            self.observer.step(&key, &value).map_err(Error::Observer)?;
            Ok((key, value))
        });
        Box::new(UntilError { steps, is_done: false })
    }
}

/// Ends after the first error.
struct UntilError<I> {
    steps: I,
    is_done: bool,
}

impl<T, I: Iterator<Item = Result<T, Error>>> Iterator for UntilError<I> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let step = self.steps.next();
        self.is_done = !matches!(step, Some(Ok(_)));
        step
    }
}

impl<S: KvStore, O: Observer> KvStore for Observed<S, O> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let value = self.inner.get(key)?;
        self.observer.read(key, value.as_deref()).map_err(Error::Observer)?;
        Ok(value)
    }

    fn set(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.observer.write(key, Some(value)).map_err(Error::Observer)?;
        self.inner.set(key, value)
    }

    fn delete(&self, key: &[u8]) -> Result<(), Error> {
        self.observer.write(key, None).map_err(Error::Observer)?;
        self.inner.delete(key)
    }

    fn iterator<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
    ) -> Result<KvEntries<'a>, Error> {
        self.observer.open(start, end).map_err(Error::Observer)?;
        Ok(self.watched(self.inner.iterator(start, end)?))
    }

    fn reverse_iterator<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
    ) -> Result<KvEntries<'a>, Error> {
        self.observer.open(start, end).map_err(Error::Observer)?;
        Ok(self.watched(self.inner.reverse_iterator(start, end)?))
    }
}
