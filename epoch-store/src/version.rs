//! The number of a commit.

use std::fmt;

/// A version: the number of a commit, and the state of the map after it.
///
/// Versions of one map are consecutive: commit `n` turns version `n - 1` into version `n`. An empty map is at
/// [`Version::ZERO`]. Versions of different maps have nothing to do with each other.
///
/// ```
/// use epoch_store::{Map, Version};
/// let map = Map::new();
/// assert_eq!(map.version(), Version::ZERO);
/// let first = map.put(b"k", b"v")?;
/// assert!(first > Version::ZERO);
/// assert_eq!(first.get(), 1);
/// # Ok::<(), epoch_store::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(u64);

impl Version {
    /// The version of a map that nothing was committed to.
    pub const ZERO: Self = Self(0);

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl From<u64> for Version {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<Version> for u64 {
    fn from(version: Version) -> Self {
        version.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
