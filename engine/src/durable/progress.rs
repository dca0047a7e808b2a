//! How far the parent has come, and who waits for it.
//!
//! The one place of this crate, but for the files of a parent, where threads wait for a thread: that is what they ask for.
//! Whoever does not ask ([`durable`](Progress::durable), committing within the bound) reads an atomic.

#![expect(clippy::disallowed_types, reason = "durability is waited for: see the module header")]

use crate::parent::ParentError;
use crate::{Error, Version};
use epoch_store::atomics::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// See the module header.
#[derive(Debug)]
pub struct Progress {
    /// D-3. Relaxed: whoever sees it rise was told of nothing else by it.
    durable: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Attempts that were begun, in all.
    begun: u64,
    /// The number of the last one that failed.
    failed: u64,
    /// Why the last attempt failed, if it did.
    cause: Option<Arc<ParentError>>,
    /// Somebody wants it to be tried again now.
    hurry: bool,
    end: End,
    /// No more is done.
    ended: bool,
}

/// When the persister is to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Not as yet.
    #[default]
    Never,
    /// When all is durable and the parent is closed, however often that is to be tried.
    WhenDone,
    /// After one attempt more, whatever becomes of it.
    AtOnce,
}

/// A moment: attempts that were begun before it say nothing about what is asked then.
#[derive(Debug, Clone, Copy)]
pub struct Since(u64);

impl Progress {
    /// Of a parent that has come to this version.
    pub fn new(durable: Version) -> Self {
        let durable = AtomicU64::new(durable.get());
        Self { durable, state: Mutex::default(), changed: Condvar::new() }
    }

    /// The last version that is durable. Wait-free.
    pub fn durable(&self) -> Version {
        self.durable.load(Ordering::Relaxed).into()
    }

    /// Why the parent fails at the moment, if it does.
    pub fn cause(&self) -> Option<Arc<ParentError>> {
        self.state().cause.clone()
    }

    /// Waits until `version` is durable.
    ///
    /// # Errors
    /// [`Error::NotDurable`], if an attempt fails that is begun meanwhile, or there are no more.
    pub fn wait(&self, version: Version) -> Result<(), Error> {
        self.wait_since(self.now(), version)
    }

    /// Waits until `version` is durable.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait), as if it had begun then.
    pub fn wait_since(&self, since: Since, version: Version) -> Result<(), Error> {
        self.wait_until_since(since, || self.durable() >= version)
            .map_err(|cause| Error::NotDurable { version, cause })
    }

    /// Waits until `is_done`, which depends on what the persister does.
    ///
    /// # Errors
    /// The cause, if an attempt fails that is begun meanwhile; none, if there will be none any more.
    pub fn wait_until(&self, is_done: impl Fn() -> bool) -> Result<(), Option<Arc<ParentError>>> {
        self.wait_until_since(self.now(), is_done)
    }

    fn wait_until_since(
        &self,
        since: Since,
        is_done: impl Fn() -> bool,
    ) -> Result<(), Option<Arc<ParentError>>> {
        let mut state = self.state();
        while !is_done() {
            if state.failed > since.0 || state.ended {
                return Err(state.cause.clone());
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    fn now(&self) -> Since {
        Since(self.state().begun)
    }

    /// An attempt begins: one that somebody wanted, if so.
    pub fn begin(&self) {
        let mut state = self.state();
        state.begun += 1;
        state.hurry = false;
    }

    /// The parent has everything up to `version`.
    pub fn advance(&self, version: u64) {
        let mut state = self.state();
        state.cause = None;
        // Under the lock: who has looked and is about to wait holds it.
        self.durable.fetch_max(version, Ordering::Relaxed);
        drop(state);
        self.changed.notify_all();
    }

    /// Something that somebody may wait for has changed otherwise.
    pub fn tell(&self) {
        drop(self.state());
        self.changed.notify_all();
    }

    /// The attempt has failed.
    pub fn fail(&self, cause: ParentError) {
        let mut state = self.state();
        state.failed = state.begun;
        state.cause = Some(Arc::new(cause));
        self.changed.notify_all();
    }

    /// Wants a parent that has failed to be tried again now: an attempt that is begun later than what is returned.
    pub fn hurry(&self) -> Since {
        let mut state = self.state();
        state.hurry = true;
        self.changed.notify_all();
        Since(state.begun)
    }

    /// Waits before the next attempt: as long, or until somebody wants one.
    pub fn wait_to_try_again(&self, pause: Duration) {
        let state = self.state();
        let is_to_wait = |state: &mut State| !state.hurry && state.end != End::AtOnce;
        let waited = self.changed.wait_timeout_while(state, pause, is_to_wait);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Asks for the end; what was asked for before stands if it comes sooner.
    pub fn ask_for_end(&self, end: End) -> Since {
        let mut state = self.state();
        state.end = state.end.max(end);
        state.hurry = true;
        self.changed.notify_all();
        Since(state.begun)
    }

    /// The end that was asked for.
    pub fn wanted_end(&self) -> End {
        self.state().end
    }

    /// No more is done.
    pub fn end(&self) {
        self.state().ended = true;
        self.changed.notify_all();
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// The cause, if an attempt fails that is begun after `since`, or the last one of all has failed.
    pub fn wait_for_end(&self, since: Since) -> Result<(), Arc<ParentError>> {
        let mut state = self.state();
        while !state.ended && state.failed <= since.0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.cause.clone().map_or(Ok(()), Err)
    }

    /// Of a mutex under which nothing panics.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
