//! What all handles of a store share: the map, whether it is closed, and what is hidden from users.
//!
//! *The hidden space.* The engine keeps some keys of its own, which have to be committed with those of users: the metadata
//! of commits, the marks of overlays. They lie in one key space, whose name begins with a NUL byte. Names that do are
//! refused wherever a user names a space, and left out wherever spaces are listed, so no handle to that space gets
//! out of this crate. It is there from the beginning, so that what a user may still open does not depend on whether
//! the engine has needed it yet.
//!
//! *Admission.* Each write asks [`Shared::admit`] for the map. It is refused if the store is closed by then. A write that was
//! admitted is committed, and reported so, even if the store is closed meanwhile: there is no state in between.

mod founding;
mod links;
mod options;
mod slow_reader;
mod turns;

pub use founding::{Filling, Founding};
pub use links::{Link, Links};
pub use options::{Options, ParentPlace};
pub use slow_reader::{Notice, SlowReader};
pub use turns::{Elder, Turns};

use crate::below::{Below, Buried, Evictor};
use crate::durable::{self, Chore, Durability, Durable, Extent, Hidden, Resuming, Writes};
use crate::observe::{self, Tally};
use crate::parent::Parent;
use crate::{Error, Value, Version};
use epoch_store::atomics::{AtomicBool, Ordering};
use epoch_store::{ReadSet, WriteBatch};
use slow_reader::Watch;
use std::sync::Arc;

/// The most key spaces that a store can have.
pub const MAX_KEY_SPACES: usize = epoch_store::MAX_KEY_SPACES - HIDDEN_SPACES;

/// What a name that no user can give to a key space begins with.
const RESERVED: char = '\0';
/// The name of the key space that the engine keeps for itself.
const HIDDEN_SPACE: &str = "\0engine";
/// The name of that for keys that were deleted, and that a parent may still have.
const GRAVES_SPACE: &str = "\0graves";
/// The engine's own, by their numbers from 1 on.
pub const OWN_SPACES: [&str; HIDDEN_SPACES] = [HIDDEN_SPACE, GRAVES_SPACE];
/// The number of the first of them, where the metadata of commits lie.
const METADATA_SPACE: u32 = 1;
const HIDDEN_SPACES: usize = 2;
/// Where the metadata of commits lie in it: of all that is there, what is durable too.
pub const METADATA: &[u8] = b"metadata";
/// Writes that the engine adds to a user's batch at most: one of metadata.
const ADDED_WRITES: usize = 1;

/// See the module header.
pub struct Shared {
    map: epoch_store::Map,
    hidden: epoch_store::KeySpace,
    max_batch_len: usize,
    max_key_spaces: usize,
    watch: Option<Watch>,
    /// Set once. Whoever is told, by whatever means, that it was set reads it as set: nothing else depends on it, so that
    /// relaxed accesses do.
    closed: AtomicBool,
    turns: Turns,
    tally: Tally,
    /// What brings commits to the parent, if there is one.
    durable: Option<Durable>,
    /// What is not in memory any more, if something may be.
    below: Option<Arc<Below>>,
}

/// What is peculiar to a commit.
#[derive(Clone, Copy, Default)]
pub struct Terms<'a> {
    /// Writes that the engine has added to those of a user.
    pub added: usize,
    /// When it returns; `None`: as all do.
    pub durability: Option<Durability>,
    /// What it depends on.
    pub reads: Option<&'a ReadSet>,
    /// What the map's refusal means to the user.
    pub explain: Option<&'a dyn Fn(epoch_store::Error) -> Error>,
}

/// What differs between stores with a parent and without.
struct Opened {
    map: epoch_store::Map,
    hidden: epoch_store::KeySpace,
    durable: Option<Durable>,
    below: Option<Arc<Below>>,
}

impl Shared {
    /// Of an empty store, or of one that has what its parent has kept.
    pub fn open(options: Options) -> Result<Self, Error> {
        let mut options = with_own(options);
        let opened = match Self::take_parent(&mut options)? {
            Some(parent) => Self::open_on(parent, &options)?,
            None => Self::alone(options.map.clone().build())?,
        };
        Ok(Self::of(options, opened))
    }

    /// Of a store that begins with what `fill` gives, in its parent too, which nothing was committed to before.
    pub fn found(
        options: Options,
        founding: Founding,
        fill: impl FnOnce(&mut Filling) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut options = with_own(options);
        let parent = Self::take_parent(&mut options)?;
        if let Some(parent) = &parent {
            durable::check_unused(&**parent)?;
        }
        let map = founding.map(&options, parent.as_deref(), fill)?;
        let opened = match parent {
            Some(parent) => {
                let kept = durable::found(parent, &map)?;
                Self::start(map, kept, &options)?
            }
            None => Self::alone(map)?,
        };
        Ok(Self::of(options, opened))
    }

    fn take_parent(options: &mut Options) -> Result<Option<Arc<dyn Parent>>, Error> {
        match options.parent.take() {
            Some(place) => Ok(Some(place.take()?)),
            None if options.durability == Durability::Durable || options.budget.is_some() => {
                Err(Error::NoParent)
            }
            None => Ok(None),
        }
    }

    fn open_on(parent: Arc<dyn Parent>, options: &Options) -> Result<Opened, Error> {
        let memory = options.budget.map_or(Extent::Everything, |_| Extent::Space(METADATA_SPACE));
        let resuming = Resuming { own: &OWN_SPACES, memory, watcher: options.watcher.as_ref() };
        let (map, kept) = durable::resume(parent, options.map.clone(), resuming)?;
        Self::start(map, kept, options)
    }

    /// A map without a parent. It has all of the engine's spaces too, so that they count the same in every store.
    fn alone(map: epoch_store::Map) -> Result<Opened, Error> {
        OWN_SPACES.iter().try_for_each(|own| map.key_space(own).map(drop))?;
        let hidden = map.key_space(HIDDEN_SPACE)?;
        Ok(Opened { map, hidden, durable: None, below: None })
    }

    /// A map that has what its parent has, or of which the parent is asked for the rest, and what keeps it so.
    fn start(
        map: epoch_store::Map,
        kept: durable::Kept,
        options: &Options,
    ) -> Result<Opened, Error> {
        let (hidden, graves) = (map.key_space(HIDDEN_SPACE)?, map.key_space(GRAVES_SPACE)?);
        let below = match options.budget {
            None => None,
            Some(_) => {
                let first = kept.parent.snapshot()?.into();
                Some(Arc::new(Below::new(first, hidden.clone(), graves)))
            }
        };
        let chore = below
            .clone()
            .zip(options.budget)
            .map(|(below, budget)| -> Box<dyn Chore> { Box::new(Evictor::new(below, budget)) });
        let own = Hidden { space: hidden.id(), kept: METADATA };
        let terms = (own, options.bound(), options.durability);
        let durable = Some(Durable::start(&map, kept, terms, chore)?);
        Ok(Opened { map, hidden, durable, below })
    }

    fn of(options: Options, opened: Opened) -> Self {
        let Opened { map, hidden, durable, below } = opened;
        Self {
            map,
            hidden,
            max_batch_len: options.max_batch_len,
            max_key_spaces: options.max_key_spaces,
            watch: options.notice.map(Watch::new),
            closed: AtomicBool::new(false),
            turns: Turns::default(),
            tally: Tally::default(),
            durable,
            below,
        }
    }

    /// The map, to read.
    #[inline]
    pub fn map(&self) -> &epoch_store::Map {
        &self.map
    }

    /// The map, to commit so many writes to.
    #[inline]
    pub fn admit(&self, writes: usize) -> Result<&epoch_store::Map, Error> {
        if self.is_closed() {
            return Err(Error::Closed);
        }
        let max = self.max_batch_len;
        if writes > max {
            return Err(epoch_store::Error::BatchTooLarge { len: writes, max }.into());
        }
        Ok(&self.map)
    }

    /// Commits these writes, which `apply` makes, if they are admitted. Every commit of a user goes through here, to be
    /// observed and made durable, but for flushes, which are observed as such; what the engine commits for itself does not.
    #[inline]
    pub fn commit<E>(
        &self,
        writes: Writes<'_>,
        apply: impl FnOnce(&epoch_store::Map) -> Result<Version, E>,
    ) -> Result<Version, Error>
    where
        Error: From<E>,
    {
        self.commit_on(Terms::default(), writes, apply)
    }

    /// As [`commit`](Shared::commit), on terms of its own.
    #[inline]
    pub fn commit_on<E>(
        &self,
        terms: Terms<'_>,
        writes: Writes<'_>,
        apply: impl FnOnce(&epoch_store::Map) -> Result<Version, E>,
    ) -> Result<Version, Error>
    where
        Error: From<E>,
    {
        let count = writes.count() - terms.added;
        let map = self.admit(count)?;
        let result = loop {
            let Some(buried) = self.bury(writes, terms.reads)? else {
                break self.carry(count, terms, writes, || apply(map).map_err(Error::from));
            };
            let apply = || buried.commit(map).map_err(|error| self.explain(error, terms));
            match self.carry(count, terms, writes, apply) {
                Err(Error::Conflict(_)) if buried.is_own() => {}
                result => break result,
            }
        };
        if let Err(Error::Conflict(conflict)) = &result {
            self.tally.conflict(conflict);
        }
        result
    }

    /// Commits by `apply`, observed, and on its way to the parent if there is one.
    #[inline]
    fn carry(
        &self,
        count: usize,
        terms: Terms<'_>,
        writes: Writes<'_>,
        apply: impl FnOnce() -> Result<Version, Error>,
    ) -> Result<Version, Error> {
        // Whoever observes is somebody else's code, which may panic: around what must be told of the outcome, not in it.
        observe::commit(count, || match &self.durable {
            None if terms.durability == Some(Durability::Durable) => Err(Error::NoParent),
            None => apply(),
            Some(durable) => durable.commit(writes, terms.durability, apply),
        })
    }

    /// Commits a batch of the engine, if what was read still stands.
    pub fn commit_if(&self, batch: &WriteBatch, reads: &ReadSet) -> Result<Version, Error> {
        let terms = Terms { reads: Some(reads), ..Terms::default() };
        self.commit_on(terms, Writes::Batch(batch), |map| map.commit_if(batch, reads))
    }

    /// Commits these writes by `apply`, for who observes and admits them himself: they become durable like all others, and
    /// nothing waits for that before [`settle`](Shared::settle).
    pub fn note(
        &self,
        writes: Writes<'_>,
        reads: &ReadSet,
        apply: impl FnOnce() -> Result<Version, Error>,
    ) -> Result<Version, Error> {
        let buried = self.bury(writes, Some(reads))?;
        let apply = || match &buried {
            None => apply(),
            Some(buried) => {
                let explain = |error| self.explain(error, Terms::default());
                buried.commit(&self.map).map_err(explain)
            }
        };
        match &self.durable {
            None => apply(),
            Some(durable) => durable.note(writes, apply),
        }
    }

    /// A commit with the graves of what it deletes, and that depends on there being no others, where something may be in the parent
    /// that is not in memory. `None`: it is one like any.
    #[inline]
    fn bury(&self, writes: Writes<'_>, reads: Option<&ReadSet>) -> Result<Option<Buried>, Error> {
        self.below().map_or(Ok(None), |below| below.bury(&self.map, writes, reads))
    }

    /// The map's refusal, as the user is told of it.
    fn explain(&self, error: epoch_store::Error, terms: Terms<'_>) -> Error {
        let error = match self.below() {
            None => error,
            Some(below) => below.exhume(&self.map, error),
        };
        match terms.explain {
            None => error.into(),
            Some(explain) => explain(error),
        }
    }

    /// What lies below memory, if something may.
    #[inline]
    pub fn below(&self) -> Option<&Below> {
        self.below.as_deref()
    }

    /// The same, to be kept.
    pub fn below_shared(&self) -> Option<&Arc<Below>> {
        self.below.as_ref()
    }

    /// What lies below memory, of a key that this has not got in a snapshot.
    #[cold]
    pub fn look_below<'s>(
        &self,
        snapshot: &epoch_store::Snapshot,
        space: u32,
        key: &[u8],
    ) -> Result<Option<Value<'s>>, Error> {
        let Some(below) = self.below() else { return Ok(None) };
        Ok(below.get(snapshot, space, key)?.map(|value| Value::of_owned_after(value, 0)))
    }

    /// Waits until `version` is durable, if every commit is to.
    pub fn settle(&self, version: Version) -> Result<(), Error> {
        self.durable.as_ref().map_or(Ok(()), |durable| durable.settle(version))
    }

    /// What brings commits to the parent, if there is one.
    pub fn durable(&self) -> Option<&Durable> {
        self.durable.as_ref()
    }

    /// What was lost against others.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Who goes first on a hot key.
    pub fn turns(&self) -> &Turns {
        &self.turns
    }

    pub fn hidden(&self) -> &epoch_store::KeySpace {
        &self.hidden
    }

    /// Refuses all writes that are not admitted yet. Then makes all others durable, where there is a parent, and closes that.
    pub fn close(&self) -> Result<(), Error> {
        self.closed.store(true, Ordering::Relaxed);
        self.durable.as_ref().map_or(Ok(()), |durable| durable.close(self.map.version()))
    }

    /// Whether it was closed.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// A user's key space, which is created if there is none and the store is open.
    pub fn open_space(&self, name: &str) -> Result<epoch_store::KeySpace, Error> {
        if is_reserved(name) {
            return Err(Error::ReservedSpaceName);
        }
        if self.is_closed() {
            return self.map.find_key_space(name).ok_or(Error::Closed);
        }
        self.map.key_space(name).map_err(|error| match error {
            epoch_store::Error::TooManySpaces { .. } => {
                epoch_store::Error::TooManySpaces { max: self.max_key_spaces }.into()
            }
            error => error.into(),
        })
    }

    /// A user's key space, if there is one.
    pub fn find_space(&self, name: &str) -> Option<epoch_store::KeySpace> {
        if is_reserved(name) { None } else { self.map.find_key_space(name) }
    }

    /// The users' key spaces.
    pub fn spaces(&self) -> impl Iterator<Item = epoch_store::KeySpace> {
        self.map.key_spaces().filter(|space| !is_reserved(space.name()))
    }

    /// Figures of the map, without those of the hidden space where they can be told apart. Tells of a slow reader.
    pub fn stats(&self) -> epoch_store::Stats {
        let mut stats = self.map.stats();
        stats.live_keys = stats.live_keys.saturating_sub(self.hidden_keys());
        stats.key_spaces = stats.key_spaces.saturating_sub(HIDDEN_SPACES);
        self.tell_of_slow_reader(&stats);
        stats
    }

    fn hidden_keys(&self) -> u64 {
        let snapshot = self.map.snapshot();
        snapshot.space(&self.hidden).map_or(0, |view| view.iter().count() as u64)
    }

    /// Collects what nobody needs. Tells of a slow reader.
    pub fn maintain(&self) -> usize {
        let cut = observe::maintain(|| self.map.maintain());
        if self.watch.is_some() {
            self.tell_of_slow_reader(&self.map.stats());
        }
        cut
    }

    /// Last, when nothing of a call is left to be done: what is called may do anything, and may panic.
    fn tell_of_slow_reader(&self, stats: &epoch_store::Stats) {
        if let Some(watch) = &self.watch {
            watch.look(stats);
        }
    }
}

/// Choices of a map that has room for what the engine adds.
fn with_own(mut options: Options) -> Options {
    options.map = options
        .map
        .max_batch_len(match options.budget {
            // Graves and evictions are the engine's own, as many as there are.
            Some(_) => usize::MAX,
            None => options.max_batch_len.saturating_add(ADDED_WRITES),
        })
        .max_key_spaces(options.max_key_spaces.saturating_add(HIDDEN_SPACES));
    options
}

/// Whether the engine keeps this name of a key space for itself.
pub fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED)
}
