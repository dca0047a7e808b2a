//! How far the parent has come, and who waits for it.
//!
//! The one place of this crate where threads wait for a thread: that is what they ask for. Whoever does not ask
//! ([`durable`](Progress::durable), committing within the bound) reads an atomic.

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
    /// Attempts of the parent that failed, in all.
    failures: u64,
    /// Why the last attempt failed, if it did.
    cause: Option<Arc<ParentError>>,
    /// Somebody wants it to be tried again now.
    hurry: bool,
    /// What is left is done, and then no more.
    stop: bool,
    /// No more is done.
    ended: bool,
}

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
    /// [`Error::NotDurable`], if an attempt fails meanwhile, or there are no more.
    pub fn wait(&self, version: Version) -> Result<(), Error> {
        if self.durable() >= version {
            return Ok(());
        }
        self.wait_until(|| self.durable() >= version)
            .map_err(|cause| Error::NotDurable { version, cause })
    }

    /// Waits until `is_done`, which depends on what the persister does.
    ///
    /// # Errors
    /// The cause, if an attempt fails meanwhile; none, if there will be none any more.
    pub fn wait_until(&self, is_done: impl Fn() -> bool) -> Result<(), Option<Arc<ParentError>>> {
        let mut state = self.state();
        let failures = state.failures;
        while !is_done() {
            if state.failures > failures || state.ended {
                return Err(state.cause.clone());
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
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

    /// The parent has failed.
    pub fn fail(&self, cause: ParentError) {
        let mut state = self.state();
        state.failures += 1;
        state.cause = Some(Arc::new(cause));
        self.changed.notify_all();
    }

    /// Wants a parent that has failed to be tried again now.
    pub fn hurry(&self) {
        self.state().hurry = true;
        self.changed.notify_all();
    }

    /// Waits before the next attempt: as long, or until somebody wants one. Whether there is to be one.
    pub fn wait_to_try_again(&self, pause: Duration) -> bool {
        let state = self.state();
        let is_to_wait = |state: &mut State| !state.hurry && !state.stop;
        let waited = self.changed.wait_timeout_while(state, pause, is_to_wait);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.hurry = false;
        !state.stop
    }

    /// Asks for the end.
    pub fn stop(&self) {
        self.state().stop = true;
        self.changed.notify_all();
    }

    /// Whether the end was asked for.
    pub fn is_to_stop(&self) -> bool {
        self.state().stop
    }

    /// No more is done.
    pub fn end(&self) {
        self.state().ended = true;
        self.changed.notify_all();
    }

    /// Waits for the end.
    pub fn wait_for_end(&self) {
        let state = self.state();
        let ended = self.changed.wait_while(state, |state| !state.ended);
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }

    /// Of a mutex under which nothing panics.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
