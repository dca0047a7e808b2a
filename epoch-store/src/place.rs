//! A cell that threads use one at a time: who comes while another is there is turned away, and does not wait.
//!
//! *Role.* Hands values from thread to thread where a protocol of the user's already sees to it that only one is there: what a
//! transaction's run returned, from the worker that ran it to the one that commits it. The protocol is safe code and may be
//! wrong; then a call here fails, and no memory does.
//!
//! *Invariant.* P-1: between a change of `busy` from false to true and the store of false by the same thread, only that thread
//! touches `value`.
//!
//! *Progress.* Wait-free. *Orderings.* `place-enter` (Acquire) pairs with `place-leave` (Release): what one user did to the value
//! happens before the next one sees it. *Checked by* `places.rs` in `loom-tests/tests`.

use crate::sync::{AtomicBool, Ordering, Tracked, ord};
use std::cell::UnsafeCell;
use std::fmt;

/// See the module header.
///
/// ```
/// use epoch_store::Place;
/// let place = Place::new(vec![1]);
/// let inner = place.with(|list| {
///     list.push(2);
///     place.with(|_| ()) // turned away: somebody is there
/// });
/// assert_eq!(inner, Some(None));
/// assert_eq!(place.into_inner(), [1, 2]);
/// ```
pub struct Place<T> {
    busy: AtomicBool,
    value: UnsafeCell<T>,
    /// Nothing on the machine; a model sees from it when two threads are in here.
    mark: Tracked<()>,
}

// SAFETY: P-1: one thread at a time uses the value, so sharing the place moves the value between threads and never shares it.
unsafe impl<T: Send> Sync for Place<T> {}
// SAFETY: it is its value and a flag.
unsafe impl<T: Send> Send for Place<T> {}

/// Marks the place as free, also when the user unwinds.
struct Leave<'a>(&'a AtomicBool);

impl Drop for Leave<'_> {
    #[inline]
    fn drop(&mut self) {
        // Pairs with place-enter.
        self.0.store(false, ord!("place-leave", Release));
    }
}

impl<T> Place<T> {
    /// A place with its first value.
    pub fn new(value: T) -> Self {
        Self { busy: AtomicBool::new(false), value: UnsafeCell::new(value), mark: Tracked::new(()) }
    }

    /// Uses the value, or returns `None` if somebody is doing so.
    #[inline]
    pub fn with<R>(&self, user: impl FnOnce(&mut T) -> R) -> Option<R> {
        // Pairs with place-leave. Who is turned away writes nothing.
        let (win, lose) = (ord!("place-enter", Acquire), Ordering::Relaxed);
        self.busy.compare_exchange(false, true, win, lose).ok()?;
        let leave = Leave(&self.busy);
        // SAFETY: P-1: the exchange made this thread the only one in here, until `leave` is dropped.
        let value = unsafe {
            self.mark.set(());
            &mut *self.value.get()
        };
        let result = user(value);
        drop(leave);
        Some(result)
    }

    /// The value, at the end.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: Default> Place<T> {
    /// Takes the value away and leaves a default one; `None` if somebody uses it.
    #[inline]
    pub fn take(&self) -> Option<T> {
        self.with(std::mem::take)
    }
}

impl<T: Default> Default for Place<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Place<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(epoch_loom)))]
mod tests {
    use super::Place;

    #[test]
    fn a_user_that_unwinds_leaves_the_place() {
        let place = Place::new(1);
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            place.with(|value| {
                *value = 2;
                panic!("on purpose")
            })
        }));
        assert!(unwound.is_err());
        assert_eq!(place.take(), Some(2));
        assert_eq!(place.into_inner(), 0);
    }

    #[test]
    fn threads_add_up_what_they_were_let_in_for() {
        let place = Place::new(0_u64);
        let rounds = if cfg!(miri) { 50 } else { 20_000 };
        let admitted: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        (0..rounds).filter(|_| place.with(|value| *value += 1).is_some()).count()
                            as u64
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!(admitted >= rounds);
        assert_eq!(place.into_inner(), admitted);
    }
}
