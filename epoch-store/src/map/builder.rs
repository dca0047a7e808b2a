//! Choices made before a map exists.

use super::{Loader, Map};
use crate::Version;
use crate::error::MAX_KEY_SPACES;
use crate::store::{Options, StoreRef};
use std::time::Duration;

/// Builds a [`Map`] with choices; see [`Map::builder`].
#[derive(Debug, Clone, Default)]
pub struct Builder {
    options: Options,
}

impl Builder {
    /// The most writes that a batch may have; a larger one is refused. Default: 16,777,216.
    ///
    /// A commit that comes after a large one waits for it: this bounds how long, but for ranges: one that is
    /// [deleted](Map::delete_range) counts as one write, and what comes behind it waits for a walk over all of its keys.
    #[must_use]
    pub fn max_batch_len(mut self, writes: usize) -> Self {
        self.options.max_batch_len = writes;
        self
    }

    /// The most key spaces with a name that the map may have, at most [`MAX_KEY_SPACES`], which is the default. One that
    /// would be too many is refused with [`Error::TooManySpaces`](crate::Error::TooManySpaces).
    ///
    /// A space takes two to three KiB and is never removed: where names come from users, this bounds how many they make.
    #[must_use]
    pub fn max_key_spaces(mut self, spaces: usize) -> Self {
        self.options.max_key_spaces = spaces.min(MAX_KEY_SPACES);
        self
    }

    /// How many versions before the newest can be opened by their number: [`Map::snapshot_at`], [`Map::changes_since`].
    /// Default: none.
    ///
    /// At least so many stay; they are let go in steps of an eighth of their number. A version that is retained keeps
    /// what was overwritten since, of every key: memory grows with what is written within the window, and the
    /// chain of a key that is written all the time gets as long as the window, for readers of old versions and for the
    /// collector: a write to such a key costs a sixteenth of the window in steps. Readers of new versions do not walk it.
    ///
    /// ```
    /// use epoch_store::{Error, Map, Version};
    /// let map = Map::builder().retain_versions(2).build();
    /// for value in ["1", "2", "3", "4"] {
    ///     map.put("k", value)?;
    /// }
    /// assert_eq!(map.snapshot_at(Version::from(2))?.get("k").unwrap(), b"2");
    /// map.maintain();
    /// let (version, oldest) = (Version::from(1), Version::from(2));
    /// assert_eq!(map.snapshot_at(version).unwrap_err(), Error::VersionCollected { version, oldest });
    /// assert_eq!(map.stats().oldest_version, oldest);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn retain_versions(mut self, versions: u64) -> Self {
        self.options.policy.versions = versions;
        self
    }

    /// For how long a version can be opened by its number after it ceased to be the newest. With
    /// [`retain_versions`](Builder::retain_versions) too, what either of them keeps is kept. Default: none.
    ///
    /// The age is counted from when the version was superseded, on a monotonic clock. It is known by samples, which
    /// writes take on their way, eight of them within the age at most, and [`Map::maintain`] every time: so versions stay
    /// for the age at least, and while the map is written to for about a quarter longer at most. A map that falls quiet
    /// keeps them until it is written to again, or maintained twice with the age in between.
    #[must_use]
    pub fn retain_age(mut self, age: Duration) -> Self {
        self.options.policy.age = age;
        self
    }

    /// A [`Lease`](crate::Lease) that falls more than so many versions behind the newest is taken back by whoever collects
    /// garbage next. Default: never, only by [`Map::revoke_older_than`].
    ///
    /// Garbage comes of overwriting and deleting. A map to which only new keys are put has none, collects nothing, and takes
    /// no lease back, however far behind (it keeps nothing for it either), but by `revoke_older_than` and
    /// [`Map::maintain`].
    ///
    /// ```
    /// use epoch_store::{Error, Map};
    /// let map = Map::builder().revoke_leases_after(10).build();
    /// map.put("k", "first")?;
    /// let lease = map.lease();
    /// for _ in 0..11 {
    ///     map.put("k", "later")?;
    /// }
    /// map.maintain();
    /// assert!(lease.is_revoked());
    /// assert_eq!(lease.iter().next().unwrap(), Err(Error::SnapshotRevoked { version: lease.version() }));
    /// assert_eq!(map.stats().versions, 1);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn revoke_leases_after(mut self, versions: u64) -> Self {
        self.options.policy.lease = Some(versions);
        self
    }

    /// Bytes that the map may hold, as [`Stats::bytes`](crate::Stats::bytes) counts them. A put, or a batch with one, for which
    /// there is no room any more is refused with [`Error::MemoryLimit`](crate::Error::MemoryLimit) before anything of it
    /// is done: it is not ordered, it has no version, and it can be tried again. Default: no limit.
    ///
    /// *Making room.* Who is refused has [collected](Map::maintain) first. Deletes, of keys and of ranges, are always admitted,
    /// though what they delete takes a little more memory until it is collected; a batch that also puts something is not a
    /// delete. There is room again when enough is deleted, when no snapshot, lease or retained version keeps it, and when no
    /// thread is still at what was unlinked: then the next put finds it. Near the limit puts cost more, and one that is refused
    /// takes time proportional to what waits to be collected.
    ///
    /// *Slack.* Each operation works in a session, and sessions add up what all of them hold only now and then. So each session
    /// that puts may exceed the limit by the smaller of 64 KiB and one 64th of the limit, or by one commit if that is larger. A
    /// map has 16 sessions, and more only if more operations than that are under way at one moment; a thread keeps to one as long
    /// as no other is in its way: the slack is that of the threads that put at the same time, and at most that of all sessions.
    ///
    /// A commit is counted before it is admitted: its keys and values, and 64 bytes for each write. What it makes on top of
    /// that is not, and comes to the slack once for each session: until it is collected, some 200 bytes for each new key of the
    /// commit, for copies of leaves and of the index (at worst, if the key is the only one of its leaf, some KiB); and a larger table
    /// for the hash front when the old one is full, of 22 bytes for each key of the space.
    ///
    /// A map without a limit pays for it with a few adds to counters of the session.
    ///
    /// ```
    /// use epoch_store::{Error, Map};
    /// let map = Map::builder().memory_limit(1 << 20).build();
    /// let refused = (0..2_000_u32).find_map(|number| map.put(number.to_be_bytes(), [0; 1_000]).err());
    /// let Some(Error::MemoryLimit { held, limit }) = refused else { panic!() };
    /// assert!(held > 1_000_000 && limit == 1 << 20);
    /// map.delete_range(..)?;
    /// map.put("again", [0; 1_000])?;
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.options.memory_limit = Some(bytes);
        self
    }

    /// The map.
    pub fn build(self) -> Map {
        Map::from_store(StoreRef::new(self.options))
    }

    /// A map that begins at `version` with what a [`Loader`] puts into it: for state that was kept somewhere else.
    ///
    /// ```
    /// use epoch_store::{Map, Version};
    /// let mut loader = Map::builder().load_at(Version::from(41));
    /// loader.put("a", "1")?;
    /// let map = loader.finish()?;
    /// assert_eq!(u64::from(map.put("b", "2")?), 42);
    /// assert_eq!(map.snapshot().iter().count(), 2);
    /// # Ok::<(), epoch_store::Error>(())
    /// ```
    pub fn load_at(self, version: Version) -> Loader {
        Loader::new(self.options, version)
    }
}
