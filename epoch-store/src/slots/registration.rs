//! Registering a stamp at the newest version (I-9), for a snapshot or for a lease.
//!
//! *A snapshot* says which stamp it wants, fences, and looks whether the root still stands there. If the root moved each
//! time, it says "everything from here on" and takes what is the newest then: nothing of that can be cut.
//!
//! *A lease* does the same, and every word it stores can be taken back from the first one on (I-52): who puts, fences and
//! then looks at the slots either meets the lease, or the lease's look at the root meets what was put, and it goes on to
//! that. In the last form there is no going on: the step from "everything from `r` on" to a stamp is a CAS. If it fails
//! the lease was taken back while it was being opened, and is returned so, as one of version `r`, which was the newest
//! during the call and is older than what was asked for. So a lease that is taken back without end is opened in as many
//! steps as a snapshot.

use super::TRIES;
use super::slot::Slot;
use crate::sync::{AtomicU64, Ordering, fence_at, mutant, ord, pause};

/// The form for snapshots. Returns the registered stamp.
#[inline]
pub(super) fn register(slot: &Slot, root: &AtomicU64) -> u64 {
    if mutant!("register-naive") {
        let stamp = root.load(Ordering::Acquire);
        slot.register(stamp);
        return stamp;
    }
    // Relaxed: what is returned was loaded again.
    let mut stamp = root.load(Ordering::Relaxed);
    for _ in 0..TRIES {
        slot.register(stamp);
        fence_at("slot-fence");
        pause("snapshot-registering");
        let now = root.load(ord!("root-register", Acquire));
        if now == stamp {
            return stamp;
        }
        stamp = now;
    }
    // The root moved every time: announce "everything from here on", then take whatever is newest.
    slot.register_from(stamp);
    fence_at("slot-fence");
    pause("snapshot-acquiring");
    let stamp = root.load(ord!("root-register", Acquire));
    slot.register(stamp);
    stamp
}

/// The form for leases. Returns the stamp, which may have been taken back already.
pub(super) fn register_lease(slot: &Slot, root: &AtomicU64) -> u64 {
    if mutant!("lease-lent-late") {
        let stamp = register(slot, root);
        slot.lend(stamp);
        return stamp;
    }
    let mut stamp = root.load(Ordering::Relaxed);
    for _ in 0..TRIES {
        // If the stamp before was taken back, the lease goes on without it.
        slot.lend(stamp);
        fence_at("slot-fence");
        pause("lease-registering");
        let now = root.load(ord!("root-register", Acquire));
        if now == stamp {
            pause("lease-registered");
            return stamp;
        }
        stamp = now;
    }
    slot.lend_from(stamp);
    fence_at("slot-fence");
    pause("lease-acquiring");
    let newest = root.load(ord!("root-register", Acquire));
    if slot.settle_lease(stamp, newest) { newest } else { stamp }
}
