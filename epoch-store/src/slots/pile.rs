//! Bags that wait for the snapshot in a slot to go.

use super::Bag;
use crate::sync::{AtomicPtr, Ordering, ord};
use std::ptr::{self, NonNull};

/// See the module header: a stack that is taken as a whole, which whoever scans the slots does
/// when it finds another stamp there.
///
/// Bits 48 to 63 of the head are the low bits of the stamp that they wait for. A pile whose slot has changed hands between
/// two snapshots with the same bits waits for the second one too: that costs memory for a while, and nothing else.
#[derive(Debug, Default)]
pub struct Pile {
    head: AtomicPtr<Bag>,
}

/// Where a bag came to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Laid {
    /// Alone.
    First,
    /// On top of others.
    OnOthers,
}

#[cfg(target_pointer_width = "64")]
const TAG_SHIFT: u32 = 48;
/// On narrow targets there is no room: every pile seems to wait for whoever is there.
#[cfg(not(target_pointer_width = "64"))]
const TAG_SHIFT: u32 = 0;
#[cfg(target_pointer_width = "64")]
const TAG_MASK: usize = 0xFFFF << TAG_SHIFT;
#[cfg(not(target_pointer_width = "64"))]
const TAG_MASK: usize = 0;

fn tag(stamp: u64) -> usize {
    ((stamp as usize) << TAG_SHIFT) & TAG_MASK
}

impl Pile {
    /// Whether bags lie here that do not wait for `stamp`.
    #[inline]
    pub fn has_other_than(&self, stamp: u64) -> bool {
        let head = self.head.load(Ordering::Relaxed);
        !head.is_null() && head.addr() & TAG_MASK != tag(stamp)
    }

    /// Whether nothing lies here.
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// Lays a bag here, to wait for `stamp`. Lock-free.
    ///
    /// # Errors
    /// Bags that wait for another stamp lie here: the bag comes back, and they are to be taken first.
    pub fn lay(&self, bag: Bag, stamp: u64) -> Result<Laid, Bag> {
        if self.has_other_than(stamp) {
            return Err(bag);
        }
        let bag = Box::into_raw(Box::new(bag));
        assert_eq!(bag.addr() & TAG_MASK, 0, "allocated above the 48-bit address space");
        let to = bag.map_addr(|address| address | tag(stamp));
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: private until the CAS below, by which it comes to own what it finds still there.
            unsafe { (*bag).lay_on(untag(head)) };
            let (win, lose) = (ord!("pile-lay", Release), Ordering::Relaxed);
            match self.head.compare_exchange_weak(head, to, win, lose) {
                Ok(_) if head.is_null() => return Ok(Laid::First),
                Ok(_) => return Ok(Laid::OnOthers),
                Err(now) => head = now,
            }
        }
    }

    /// Takes all that lies here. Wait-free.
    pub fn take(&self) -> Option<Box<Bag>> {
        let head = self.head.swap(ptr::null_mut(), ord!("pile-take", Acquire));
        // SAFETY: laid here by `lay`; the swap made this thread the owner.
        NonNull::new(untag(head)).map(|head| unsafe { Box::from_raw(head.as_ptr()) })
    }
}

impl Drop for Pile {
    fn drop(&mut self) {
        drop(self.take());
    }
}

fn untag(head: *mut Bag) -> *mut Bag {
    head.map_addr(|address| address & !TAG_MASK)
}
