//! What is asked of memory at one version, whoever keeps that.

use crate::Error;
use epoch_store::{KeySpace, Lease, Snapshot};
use std::ops::Bound;

/// Memory at one version.
pub trait Memory {
    /// A short value of one of the engine's own spaces.
    ///
    /// # Errors
    /// A lease that was taken back.
    fn find(&self, space: &KeySpace, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Whether a key is there.
    ///
    /// # Errors
    /// As for [`Memory::find`].
    fn has(&self, space: &KeySpace, key: &[u8]) -> Result<bool, Error>;

    /// Whether any key is there between the bounds.
    ///
    /// # Errors
    /// As for [`Memory::find`].
    fn has_any(
        &self,
        space: &KeySpace,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<bool, Error>;
}

impl Memory for Snapshot {
    fn find(&self, space: &KeySpace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.space(space)?.get(key).map(Vec::from))
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
    fn find(&self, space: &KeySpace, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.space(space)?.get(key)?)
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
