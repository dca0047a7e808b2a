//! What typed containers hold in each key case.

use std::borrow::Borrow;
use std::fmt::Debug;

use artmap::AsBytes;
use concurrent_map::Minimum;

use crate::workload::Value;

/// The types a typed container is given. They are chosen to flatter it: inline arrays wherever the
/// keys allow them.
pub trait Shape: Send + Sync + 'static {
    /// Keys as held.
    type Key: Ord + Borrow<Self::Query> + AsBytes + Minimum + Clone + Debug + Send + Sync + 'static;
    /// Keys as asked for.
    type Query: Ord + AsBytes + ?Sized;
    /// Values as held.
    type Value: AsRef<[u8]> + Clone + Send + Sync + 'static;

    /// A key to hold.
    fn key(bytes: &[u8]) -> Self::Key;

    /// The bytes of a held key.
    fn bytes(key: &Self::Key) -> &[u8];

    /// A key to ask for; allocates nothing.
    fn query(bytes: &[u8]) -> &Self::Query;

    /// A value to hold.
    fn value(value: &Value) -> Self::Value;
}

/// Keys of 16 bytes and values, both inline.
pub struct Inline;

impl Shape for Inline {
    type Key = [u8; 16];
    type Query = [u8; 16];
    type Value = Value;

    #[inline]
    fn key(bytes: &[u8]) -> [u8; 16] {
        *Self::query(bytes)
    }

    #[inline]
    fn bytes(key: &[u8; 16]) -> &[u8] {
        key
    }

    #[inline]
    fn query(bytes: &[u8]) -> &[u8; 16] {
        bytes.try_into().expect("keys of the fix case have 16 bytes")
    }

    #[inline]
    fn value(value: &Value) -> Value {
        *value
    }
}

/// Keys and values of any length, on the heap.
pub struct Bytes;

impl Shape for Bytes {
    type Key = Vec<u8>;
    type Query = [u8];
    type Value = Box<[u8]>;

    #[inline]
    fn key(bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }

    #[inline]
    fn bytes(key: &Vec<u8>) -> &[u8] {
        key
    }

    #[inline]
    fn query(bytes: &[u8]) -> &[u8] {
        bytes
    }

    #[inline]
    fn value(value: &Value) -> Box<[u8]> {
        Box::new(*value)
    }
}
