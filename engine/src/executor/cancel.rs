//! Stopping a block from outside.

use super::scheduler::Progress;
use crate::block::Signals;
use arc_swap::ArcSwapOption;
use epoch_store::atomics::{AtomicBool, Ordering, fence_at};
use std::fmt;
use std::sync::Arc;

/// Stops the block that an executor runs; from [`Executor::cancel_handle`](crate::Executor::cancel_handle). Cloned and sent as one
/// likes.
///
/// ```
/// use engine::{Abort, Ended, Executor, Store, View};
/// let mut executor = Executor::new(2);
/// let cancel = executor.cancel_handle();
/// let logic = |index: u32, view: &mut View<'_>| -> Result<(), Abort> {
///     if index == 1_000 {
///         cancel.cancel();
///     }
///     view.put(index.to_be_bytes(), "v")
/// };
/// let executed = executor.execute(&Store::in_memory(), 1_000_000, &logic)?;
/// assert_eq!(executed.ended, Ended::Cancelled);
/// assert_eq!(executed.changed().len(), executed.results.len()); // what was final by then
/// # Ok::<(), engine::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct CancelHandle(Arc<State>);

#[derive(Default)]
struct State {
    is_asked: AtomicBool,
    current: ArcSwapOption<Current>,
}

/// The block that runs.
pub(super) struct Current {
    pub progress: Progress,
    pub signals: Arc<Signals>,
}

impl Current {
    fn stop(&self) {
        // In this order: a run that was told to stop is one of a block that is stopped (see `Progress::is_stopped`).
        self.progress.stop();
        self.signals.stop_from(0);
    }
}

impl CancelHandle {
    /// Stops the block that runs now or, if none does, the next one. What is final stays final, and is what the block comes to;
    /// running transactions are told at their next read ([`Abort::Cancelled`](crate::Abort::Cancelled)) or when they
    /// [ask](crate::View::should_stop). Returns at once.
    ///
    /// ```
    /// # use engine::{Abort, Executor, Store, View};
    /// # let logic = |_: u32, _: &mut View<'_>| -> Result<(), Abort> { Ok(()) };
    /// let mut executor = Executor::new(2);
    /// executor.cancel_handle().cancel();
    /// assert_eq!(executor.execute(&Store::in_memory(), 10, &logic)?.results.len(), 0);
    /// assert_eq!(executor.execute(&Store::in_memory(), 10, &logic)?.results.len(), 10);
    /// # Ok::<(), engine::Error>(())
    /// ```
    pub fn cancel(&self) {
        self.0.is_asked.store(true, Ordering::Relaxed);
        fence_at("cancel-ask"); // pairs with the one of `begin`: one of the two sees what the other has stored
        if let Some(current) = &*self.0.current.load() {
            current.stop();
        }
    }

    /// Makes a block the one that runs.
    pub(super) fn begin(&self, signals: Arc<Signals>) -> Arc<Current> {
        let current = Arc::new(Current { progress: Progress::default(), signals });
        self.0.current.store(Some(Arc::clone(&current)));
        fence_at("cancel-begin"); // pairs with the one of `cancel`
        if self.0.is_asked.load(Ordering::Relaxed) {
            current.stop();
        }
        current
    }

    /// None runs any more.
    pub(super) fn end(&self) {
        self.0.current.store(None);
        self.0.is_asked.store(false, Ordering::Relaxed);
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle").finish_non_exhaustive()
    }
}
