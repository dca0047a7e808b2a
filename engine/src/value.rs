//! Bytes borrowed from what was read.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

macro_rules! borrowed_bytes {
    ($(#[$doc:meta])* $name:ident, $of_map:ty) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name<'s>(Bytes<'s, $of_map>);

        #[allow(dead_code, reason = "not every layer makes both of them in every way")]
        impl<'s> $name<'s> {
            /// Bytes that the map holds.
            #[inline]
            pub(crate) fn of_map(bytes: $of_map) -> Self {
                Self(Bytes::OfMap { bytes, from: 0 })
            }

            /// What comes after the first `from` bytes of those that the map holds.
            #[inline]
            pub(crate) fn of_map_after(bytes: $of_map, from: usize) -> Self {
                Self(Bytes::OfMap { bytes, from })
            }

            /// Bytes that something else holds.
            #[inline]
            pub(crate) fn of_slice(bytes: &'s [u8]) -> Self {
                Self(Bytes::OfSlice(bytes))
            }

            /// Bytes that are counted, and stay as long as this does.
            #[inline]
            pub(crate) fn of_shared(bytes: Arc<[u8]>) -> Self {
                Self(Bytes::Shared(bytes))
            }

            /// What comes after the first `from` bytes of these, which nobody else has.
            #[inline]
            pub(crate) fn of_owned_after(bytes: Vec<u8>, from: usize) -> Self {
                Self(Bytes::Owned { bytes: bytes.into(), from })
            }
        }

        impl Deref for $name<'_> {
            type Target = [u8];

            #[inline]
            fn deref(&self) -> &[u8] {
                match &self.0 {
                    Bytes::OfMap { bytes, from } => bytes.get(*from..).unwrap_or_default(),
                    Bytes::OfSlice(bytes) => bytes,
                    Bytes::Shared(bytes) => bytes,
                    Bytes::Owned { bytes, from } => bytes.get(*from..).unwrap_or_default(),
                }
            }
        }

        impl AsRef<[u8]> for $name<'_> {
            #[inline]
            fn as_ref(&self) -> &[u8] {
                self
            }
        }

        impl Borrow<[u8]> for $name<'_> {
            fn borrow(&self) -> &[u8] {
                self
            }
        }

        impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for $name<'_> {
            fn eq(&self, other: &T) -> bool {
                **self == *other.as_ref()
            }
        }

        impl Eq for $name<'_> {}

        impl PartialOrd for $name<'_> {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name<'_> {
            fn cmp(&self, other: &Self) -> Ordering {
                (**self).cmp(&**other)
            }
        }

        impl Hash for $name<'_> {
            /// As the byte slice, which it can be borrowed as.
            fn hash<H: Hasher>(&self, state: &mut H) {
                (**self).hash(state);
            }
        }

        impl From<$name<'_>> for Vec<u8> {
            fn from(bytes: $name<'_>) -> Self {
                bytes.to_vec()
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "b\"{}\"", self.escape_ascii())
            }
        }
    };
}

/// Who holds them.
#[derive(Clone)]
enum Bytes<'s, M> {
    OfMap { bytes: M, from: usize },
    OfSlice(&'s [u8]),
    Shared(Arc<[u8]>),
    Owned { bytes: Box<[u8]>, from: usize },
}

borrowed_bytes! {
    /// A value, borrowed from what it was read from, without a copy. Reads like a byte slice, and compares with
    /// anything that is bytes.
    ///
    /// Opaque, and not `Copy`, on purpose: a store with a durable parent hands out bytes that it holds another way.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// store.put("k", "value")?;
    /// let snapshot = store.snapshot();
    /// let value = snapshot.get("k")?.unwrap();
    /// assert!(value == "value" && value.starts_with(b"val") && value.len() == 5);
    /// let owned: Vec<u8> = value.into();
    /// # assert_eq!(owned, b"value");
    /// # Ok::<(), engine::Error>(())
    /// ```
    ///
    /// It cannot outlive its snapshot:
    ///
    /// ```compile_fail,E0716
    /// let store = engine::Store::in_memory();
    /// let value = store.snapshot().get("k");
    /// println!("{value:?}");
    /// ```
    Value, epoch_store::Value<'s>
}

borrowed_bytes! {
    /// A key, borrowed from what it was read from; otherwise as [`Value`]. Keys are ordered byte by byte.
    ///
    /// ```
    /// let store = engine::Store::in_memory();
    /// store.put("a", "")?;
    /// store.put("b", "")?;
    /// let snapshot = store.snapshot();
    /// let (first, last) = (snapshot.first()?.unwrap().0, snapshot.last()?.unwrap().0);
    /// assert!(first == "a" && first < last);
    /// # Ok::<(), engine::Error>(())
    /// ```
    Key, epoch_store::Key<'s>
}
