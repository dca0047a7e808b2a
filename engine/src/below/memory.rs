//! What is asked of memory at one version, whoever keeps that.

use crate::Error;
use epoch_store::{KeySpace, Lease, Snapshot};
use std::ops::Bound;

/// Memory at one version.
pub trait Memory {
    /// A value of one of the engine's own spaces that is a number, big endian.
    ///
    /// # Errors
    /// A lease that was taken back.
    fn number(&self, space: &KeySpace, key: &[u8]) -> Result<Option<u64>, Error>;

    /// Whether a key is there.
    ///
    /// # Errors
    /// As for [`Memory::number`].
    fn has(&self, space: &KeySpace, key: &[u8]) -> Result<bool, Error>;

    /// Whether any key is there between the bounds.
    ///
    /// # Errors
    /// As for [`Memory::number`].
    fn has_any(
        &self,
        space: &KeySpace,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<bool, Error>;
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

impl Memory for Snapshot {
    fn number(&self, space: &KeySpace, key: &[u8]) -> Result<Option<u64>, Error> {
        Ok(self.space(space)?.get(key).and_then(|bytes| number(&bytes)))
    }

    fn has(&self, space: &KeySpace, key: &[u8]) -> Result<bool, Error> {
        Ok(self.space(space)?.contains(key))
    }

    fn has_any(
        &self,
        space: &KeySpace,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<bool, Error> {
        Ok(self.space(space)?.range((from, to)).next().is_some())
    }
}

impl Memory for Lease {
    fn number(&self, space: &KeySpace, key: &[u8]) -> Result<Option<u64>, Error> {
        Ok(self.space(space)?.get(key)?.and_then(|bytes| number(&bytes)))
    }

    fn has(&self, space: &KeySpace, key: &[u8]) -> Result<bool, Error> {
        Ok(self.space(space)?.contains(key)?)
    }

    fn has_any(
        &self,
        space: &KeySpace,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<bool, Error> {
        Ok(self.space(space)?.range((from, to)).next().transpose()?.is_some())
    }
}
