//! Handles and slots: who keeps the store alive, and who frees it (I-30).

use super::{Options, Store};
use crate::slots::{Openable, Slot, Ticket};
use crate::sync::{AtomicUsize, Ordering, mutant, ord};
use std::ptr::NonNull;

/// Added to the count of open slots until the closer has told them all, so that it cannot reach zero before.
const BIAS: usize = 1 << (usize::BITS - 2);

/// What decides when the store goes.
#[derive(Debug)]
pub(super) struct Life {
    handles: AtomicUsize,
    /// Open slots that were told of the closing and have not left yet, plus [`BIAS`] before and while they are told.
    open: AtomicUsize,
    /// Read by every use and written by the free: a model sees a use that is not ordered before it.
    #[cfg(epoch_loom)]
    alive: crate::sync::Tracked<bool>,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            handles: AtomicUsize::new(1),
            open: AtomicUsize::new(BIAS),
            #[cfg(epoch_loom)]
            alive: crate::sync::Tracked::new(true),
        }
    }
}

#[cfg(epoch_loom)]
impl Life {
    fn check_alive(&self) {
        // SAFETY: written by the free only, which I-30 puts behind every use; loom reports it if it is not.
        assert!(unsafe { self.alive.get() }, "use of a store that was freed");
    }

    fn end(&self) {
        self.check_alive();
        // SAFETY: as above: this is the free.
        unsafe { self.alive.set(false) };
        FREED.set(FREED.get() + 1);
    }
}

#[cfg(epoch_loom)]
thread_local! {
    /// All threads of a model run on one thread of the machine.
    static FREED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Stores freed so far by the models of this thread.
#[cfg(epoch_loom)]
pub fn stores_freed() -> usize {
    FREED.get()
}

/// A handle: counted, cloneable.
pub struct StoreRef {
    store: NonNull<Store>,
}

// SAFETY: a store is shared by protocol; the count is atomic.
unsafe impl Send for StoreRef {}
// SAFETY: as above.
unsafe impl Sync for StoreRef {}

impl StoreRef {
    /// A new store.
    pub fn new(options: Options) -> Self {
        Self::share(Box::new(Store::new(options, 0)))
    }

    /// The first handle to a store that nobody has shared yet.
    pub(super) fn share(store: Box<Store>) -> Self {
        Self { store: NonNull::from(Box::leak(store)) }
    }

    /// Registers a snapshot at the newest version. Wait-free.
    #[inline]
    pub fn open_slot(&self) -> OpenSlot {
        let Ticket { slot, stamp } = self.slots.acquire(self.queue.root());
        OpenSlot { store: self.store, slot: NonNull::from(slot), stamp, lent: false }
    }

    /// Registers a lease at the newest version: nobody may borrow anything by it (I-35). Wait-free.
    #[inline]
    pub fn open_lease(&self) -> OpenSlot {
        let Ticket { slot, stamp } = self.slots.lend(self.queue.root());
        OpenSlot { store: self.store, slot: NonNull::from(slot), stamp, lent: true }
    }

    /// Registers a snapshot at exactly `stamp`, if that version is retained. Wait-free.
    ///
    /// # Errors
    /// What can be opened, if `stamp` cannot.
    pub fn open_slot_at(&self, stamp: u64) -> Result<OpenSlot, Openable> {
        let Ticket { slot, stamp } = self.slots.acquire_at(stamp, self.queue.root())?;
        Ok(OpenSlot { store: self.store, slot: NonNull::from(slot), stamp, lent: false })
    }
}

impl std::ops::Deref for StoreRef {
    type Target = Store;

    #[inline]
    fn deref(&self) -> &Store {
        // SAFETY: I-30: this handle keeps the store alive.
        let store = unsafe { self.store.as_ref() };
        #[cfg(epoch_loom)]
        store.life.check_alive();
        store
    }
}

impl Clone for StoreRef {
    fn clone(&self) -> Self {
        let before = self.life.handles.fetch_add(1, Ordering::Relaxed);
        if before > BIAS {
            std::process::abort(); // leaked handles without end
        }
        Self { store: self.store }
    }
}

impl Drop for StoreRef {
    fn drop(&mut self) {
        let before = self.life.handles.fetch_sub(1, ord!("handles-drop", AcqRel));
        if before != 1 && !mutant!("any-handle-closes") {
            return;
        }
        // No handle is left, so no slot will be opened any more: those that are open are all there will ever be.
        let told = self.slots.announce_closing();
        let gone = BIAS - if mutant!("closing-counts-none") { 0 } else { told };
        if self.life.open.fetch_sub(gone, ord!("open-count", AcqRel)) == gone {
            // SAFETY: I-30: no handle and no open slot is left.
            unsafe { free(self.store) };
        }
    }
}

/// A registered snapshot, which keeps the store alive through its slot.
pub struct OpenSlot {
    store: NonNull<Store>,
    slot: NonNull<Slot>,
    stamp: u64,
    /// The stamp may be taken back.
    lent: bool,
}

// SAFETY: the slot is shared by protocol (I-10, I-11), the store by I-30.
unsafe impl Send for OpenSlot {}
// SAFETY: as above.
unsafe impl Sync for OpenSlot {}

impl OpenSlot {
    /// The stamp that is registered as long as this lives, or until a lease is taken back.
    #[inline]
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// The store.
    #[inline]
    pub fn store(&self) -> &Store {
        // SAFETY: I-30: the open slot keeps the store alive.
        let store = unsafe { self.store.as_ref() };
        #[cfg(epoch_loom)]
        store.life.check_alive();
        store
    }

    /// Whether what was read at the stamp of a lease counts (I-35).
    pub fn is_still_lent(&self) -> bool {
        self.slot().is_still_lent(self.stamp)
    }

    /// Whether the lease was not taken back some time ago.
    pub fn is_lent(&self) -> bool {
        self.slot().is_lent(self.stamp)
    }

    /// Whether both belong to one store.
    pub fn is_of_same_store(&self, other: &Self) -> bool {
        self.store == other.store
    }

    fn slot(&self) -> &Slot {
        // SAFETY: slots live as long as the store.
        unsafe { self.slot.as_ref() }
    }
}

impl Clone for OpenSlot {
    /// Shares the slot (I-10). Wait-free.
    fn clone(&self) -> Self {
        self.slot().share();
        Self { store: self.store, slot: self.slot, stamp: self.stamp, lent: self.lent }
    }
}

impl Drop for OpenSlot {
    #[inline]
    fn drop(&mut self) {
        if !self.slot().release_unless_last() {
            return;
        }
        if self.lent {
            self.slot().unlend();
        } else {
            self.slot().unregister();
        }
        // Still the owner of the slot: the store is there until `leave`.
        self.store().after_release(self.stamp);
        let closing = self.slot().leave();
        if closing {
            // SAFETY: the store was told to wait for this slot, and is freed below or later.
            let life = unsafe { &self.store.as_ref().life };
            if life.open.fetch_sub(1, ord!("open-count", AcqRel)) == 1 {
                // SAFETY: I-30: this was the last.
                unsafe { free(self.store) };
            }
        }
    }
}

/// Frees the store.
///
/// # Safety
/// I-30: nobody uses it any more, and this happens once.
unsafe fn free(store: NonNull<Store>) {
    #[cfg(epoch_loom)]
    // SAFETY: not freed yet.
    unsafe { store.as_ref() }.life.end();
    // SAFETY: leaked from a Box by `StoreRef::share`.
    drop(unsafe { Box::from_raw(store.as_ptr()) });
}
