//! Bytes borrowed from a snapshot.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

macro_rules! borrowed_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name<'s> {
            bytes: &'s [u8],
        }

        impl<'s> $name<'s> {
            #[inline]
            pub(crate) fn new(bytes: &'s [u8]) -> Self {
                Self { bytes }
            }

            /// The bytes, for as long as they are borrowed.
            #[inline]
            pub(crate) fn bytes(self) -> &'s [u8] {
                self.bytes
            }
        }

        impl Deref for $name<'_> {
            type Target = [u8];

            #[inline]
            fn deref(&self) -> &[u8] {
                self.bytes
            }
        }

        impl AsRef<[u8]> for $name<'_> {
            #[inline]
            fn as_ref(&self) -> &[u8] {
                self.bytes
            }
        }

        impl Borrow<[u8]> for $name<'_> {
            fn borrow(&self) -> &[u8] {
                self.bytes
            }
        }

        impl PartialEq<[u8]> for $name<'_> {
            fn eq(&self, other: &[u8]) -> bool {
                self.bytes == other
            }
        }

        impl PartialEq<&[u8]> for $name<'_> {
            fn eq(&self, other: &&[u8]) -> bool {
                self.bytes == *other
            }
        }

        impl<const N: usize> PartialEq<[u8; N]> for $name<'_> {
            fn eq(&self, other: &[u8; N]) -> bool {
                self.bytes == other
            }
        }

        impl<const N: usize> PartialEq<&[u8; N]> for $name<'_> {
            fn eq(&self, other: &&[u8; N]) -> bool {
                self.bytes == *other
            }
        }

        impl PartialEq<str> for $name<'_> {
            fn eq(&self, other: &str) -> bool {
                self.bytes == other.as_bytes()
            }
        }

        impl PartialEq<&str> for $name<'_> {
            fn eq(&self, other: &&str) -> bool {
                self.bytes == other.as_bytes()
            }
        }

        impl From<$name<'_>> for Vec<u8> {
            fn from(bytes: $name<'_>) -> Self {
                bytes.to_vec()
            }
        }

        impl PartialEq<Vec<u8>> for $name<'_> {
            fn eq(&self, other: &Vec<u8>) -> bool {
                self.bytes == other.as_slice()
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "b\"{}\"", self.bytes.escape_ascii())
            }
        }
    };
}

borrowed_bytes! {
    /// A value, borrowed from its snapshot: no copy, valid as long as the snapshot. Reads like a byte slice.
    ///
    /// A value cannot outlive its snapshot:
    ///
    /// ```compile_fail,E0716
    /// let map = epoch_store::Map::new();
    /// let value = map.snapshot().get("k");
    /// println!("{value:?}");
    /// ```
    ///
    /// A function that returns one returns `Value<'_>`, not `&[u8]`.
    /// The type is opaque on purpose: a store with a durable parent may hand out bytes that it holds another way.
    Value
}

borrowed_bytes! {
    /// A key, borrowed from its snapshot.
    Key
}
