//! All spaces of a store, and the names of those that have one.

use super::Space;
use crate::sync::{AtomicPtr, Ordering, Segments, Tracked, mutant, ord, pause};
use crate::tally::{Event, Tally};
use std::ptr;

/// Slots for names that are there from the beginning.
const FIRST_SEGMENT: usize = if cfg!(epoch_loom) { 1 } else { 8 };

/// A space with its name.
struct Named {
    /// Of the name: most names that differ are told apart by it.
    hash: Tracked<u64>,
    name: Box<str>,
    space: Space,
}

impl Named {
    fn new(name: &str, hash: u64) -> Box<Self> {
        Box::new(Self { hash: Tracked::new(hash), name: name.into(), space: Space::default() })
    }

    /// Bytes of it before anything is put into the space.
    fn bytes_when_new(name: &str) -> usize {
        size_of::<Self>() - size_of::<Space>() + name.len() + Space::bytes_when_new()
    }

    fn has_name(&self, name: &str, hash: u64) -> bool {
        // SAFETY: written before the slot was filled, never again (I-50).
        let same_hash = unsafe { self.hash.get() } == hash;
        same_hash && *self.name == *name || mutant!("space-name-unchecked")
    }
}

/// A place for a named space: empty, or filled for ever (I-50).
struct Slot {
    named: AtomicPtr<Named>,
}

impl Default for Slot {
    fn default() -> Self {
        Self { named: AtomicPtr::new(ptr::null_mut()) }
    }
}

impl Slot {
    #[inline]
    fn get(&self) -> Option<&Named> {
        let named = self.named.load(ord!("space-load", Acquire));
        // SAFETY: a filled slot keeps what was leaked into it until it is dropped (I-51).
        unsafe { named.as_ref() }
    }

    /// Fills the slot, unless somebody has.
    fn fill(&self, named: Box<Named>) -> Result<(), Box<Named>> {
        let named = Box::into_raw(named);
        let publish = ord!("space-publish", Release);
        let empty = ptr::null_mut();
        match self.named.compare_exchange(empty, named, publish, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            // SAFETY: leaked above, and seen by nobody.
            Err(_) => Err(unsafe { Box::from_raw(named) }),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let named = self.named.load(Ordering::Acquire);
        if !named.is_null() {
            // SAFETY: leaked by `fill`, and `&mut self` excludes every reader.
            drop(unsafe { Box::from_raw(named) });
        }
    }
}

/// See the module header.
pub struct Spaces {
    default: Space,
    named: Segments<Slot>,
}

impl Default for Spaces {
    fn default() -> Self {
        Self { default: Space::default(), named: Segments::new(FIRST_SEGMENT) }
    }
}

impl Spaces {
    /// The space without a name, whose id is 0.
    #[inline(always)]
    pub fn default_space(&self) -> &Space {
        &self.default
    }

    /// The space with this id, if there is one. Wait-free.
    #[inline(always)]
    pub fn get(&self, id: u32) -> Option<&Space> {
        if id == 0 { Some(&self.default) } else { self.named(id).map(|named| &named.space) }
    }

    /// The name of the space with this id. Wait-free.
    pub fn name(&self, id: u32) -> Option<&str> {
        self.named(id).map(|named| &*named.name)
    }

    fn named(&self, id: u32) -> Option<&Named> {
        let index = (id as usize).checked_sub(1)?;
        self.named.get(index)?.get()
    }

    /// The ids of all spaces that have a name, in the order in which they were created. Wait-free per id.
    pub fn named_ids(&self) -> impl Iterator<Item = u32> {
        (1..).take_while(|&id| self.named(id).is_some())
    }

    /// The id of the space with this name, if there is one. Wait-free; linear in the number of names.
    pub fn find(&self, name: &str) -> Option<u32> {
        let hash = self.default.front.hash(name.as_bytes());
        self.named_ids().find(|&id| self.named(id).is_some_and(|named| named.has_name(name, hash)))
    }

    /// The id of the space with this name, which is created if there is none. `None`: it would be more than `most`.
    ///
    /// Lock-free up to the allocator; linear in the number of names.
    pub fn find_or_create(&self, name: &str, most: u32, tally: &Tally) -> Option<u32> {
        let hash = self.default.front.hash(name.as_bytes());
        let mut fresh = None;
        for index in 0..most {
            let id = index + 1;
            let slot = self.slot(index as usize);
            if slot.get().is_none() {
                let candidate = fresh.take().unwrap_or_else(|| Named::new(name, hash));
                pause("space-made");
                match slot.fill(candidate) {
                    Ok(()) => {
                        tally.bytes(Event::Linked, Named::bytes_when_new(name), 0);
                        return Some(id);
                    }
                    // Somebody has created a space here meanwhile: perhaps this one.
                    Err(back) => fresh = Some(back),
                }
            }
            let is_it = slot.get().is_some_and(|named| named.has_name(name, hash));
            if is_it && !(fresh.is_some() && mutant!("space-loss-ignored")) {
                return Some(id);
            }
        }
        None
    }

    fn slot(&self, index: usize) -> &Slot {
        let (segment, offset) = self.named.place(index);
        &self.named.grow(segment)[offset]
    }

    /// How many spaces have a name. Linear in that number.
    pub fn named_len(&self) -> usize {
        self.iter().count() - 1
    }

    /// All spaces, the default one first.
    pub fn iter(&self) -> impl Iterator<Item = &Space> {
        let filled = self.named.iter().flatten().map_while(Slot::get);
        std::iter::once(&self.default).chain(filled.map(|named| &named.space))
    }
}
