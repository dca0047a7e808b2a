//! The reclaimer of the models: frees at the earliest moment the contract allows, and tells on whoever breaks it.
//!
//! Memory is never given back within an execution (so addresses stay unique); a node whose grace has passed is
//! *buried*: every tracked field is written, which loom reports as a race with any reader that is not ordered before,
//! and its address is remembered, so that [`Pinned::protects`] reports any later use. Its bookkeeping lives in state
//! that loom does not model: it adds no interleavings but the fences a real reclaimer has too.
//!
//! Mutants: `early-free` (no grace at all), `one-grace` (treats [`Grace::Two`] as one), `no-pin` (pins protect nothing).

#![allow(clippy::disallowed_types, reason = "bookkeeping that the model checker must not see")]

use super::{Garbage, Grace, Node, Pinned, Reclaimer};
use crate::sync::{Ordering, fence, mutant};
use crate::tally::Tally;
use std::collections::BTreeSet;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Default)]
struct State {
    next_pin: u64,
    pinned: BTreeSet<u64>,
    limbo: Vec<Limbo>,
    retired: BTreeSet<usize>,
    buried: BTreeSet<usize>,
    graveyard: Vec<Garbage>,
    freed: u64,
}

struct Limbo {
    waits_for: BTreeSet<u64>,
    periods_left: u32,
    garbage: Garbage,
}

// SAFETY: only ever touched under the lock, by threads of one model.
unsafe impl Send for State {}

/// See the module header.
#[derive(Default, Clone)]
pub struct Quarantine(Arc<Mutex<State>>);

impl Quarantine {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Buries what has waited long enough; burying is a modelled access, so it happens outside the lock.
    fn drain(&self) {
        loop {
            let mut state = self.state();
            let Some(at) = state.limbo.iter().position(|limbo| limbo.waits_for.is_empty()) else {
                return;
            };
            if state.limbo[at].periods_left > 1 && !mutant!("one-grace") {
                let pinned = state.pinned.clone();
                let limbo = &mut state.limbo[at];
                limbo.periods_left -= 1;
                limbo.waits_for = pinned;
                continue;
            }
            let garbage = state.limbo.swap_remove(at).garbage;
            drop(state);
            // SAFETY: the contract's grace has passed; the memory stays allocated.
            unsafe { (garbage.bury)(garbage.node) };
            let mut state = self.state();
            state.freed += 1;
            state.buried.insert(garbage.node.addr().get());
            state.graveyard.push(garbage);
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return; // a failed execution: leave everything as it is
        }
        let limbo = std::mem::take(&mut self.limbo).into_iter().map(|limbo| limbo.garbage);
        for garbage in limbo.chain(std::mem::take(&mut self.graveyard)) {
            // SAFETY: the execution is over.
            unsafe { garbage.free() };
        }
    }
}

impl Reclaimer for Quarantine {
    type Local = ();
    type Pin<'a> = QuarantinePin;

    fn local(&self) {}

    fn pin<'a>(&'a self, _local: &'a (), _tally: &'a Tally) -> QuarantinePin {
        QuarantinePin::new(self)
    }

    fn flush(&self, _local: &()) {
        self.drain();
    }

    fn freed(&self) -> u64 {
        self.state().freed
    }

    /// None: pins of a model count nothing.
    fn freed_bytes(&self) -> u64 {
        0
    }
}

/// A pin in a model.
pub struct QuarantinePin {
    id: u64,
    home: Quarantine,
}

impl QuarantinePin {
    /// Pins.
    pub fn new(home: &Quarantine) -> Self {
        let mut state = home.state();
        state.next_pin += 1;
        let id = state.next_pin;
        if !mutant!("no-pin") {
            state.pinned.insert(id);
        }
        drop(state);
        fence(Ordering::SeqCst);
        Self { id, home: home.clone() }
    }
}

impl Pinned for QuarantinePin {
    fn protects<T>(&self, node: NonNull<T>) {
        let buried = self.home.state().buried.contains(&node.addr().get());
        assert!(!buried, "use after free of a {}", std::any::type_name::<T>());
    }

    unsafe fn retire<T: Node>(&self, node: NonNull<T>, grace: Grace) {
        // SAFETY: the caller retires a live node; a second retire is reported just below, before any use.
        let garbage = unsafe { Garbage::of(node) };
        fence(Ordering::SeqCst);
        let mut state = self.home.state();
        let fresh = state.retired.insert(node.addr().get());
        assert!(fresh, "double retire of a {}", std::any::type_name::<T>());
        let periods_left = if grace == Grace::Two { 2 } else { 1 };
        let waits_for = if mutant!("early-free") { BTreeSet::new() } else { state.pinned.clone() };
        state.limbo.push(Limbo { waits_for, periods_left, garbage });
        drop(state);
        self.home.drain();
    }
}

impl Drop for QuarantinePin {
    fn drop(&mut self) {
        fence(Ordering::SeqCst);
        let mut state = self.home.state();
        state.pinned.remove(&self.id);
        for limbo in &mut state.limbo {
            limbo.waits_for.remove(&self.id);
        }
        drop(state);
        if !std::thread::panicking() {
            self.home.drain();
        }
    }
}
