//! Processes that are killed while they commit: what was acknowledged as durable is there again, whole, and nothing is halved.
//!
//! A child opens a store in a directory, commits numbered batches, and says which are durable; it is killed at some moment. Then
//! the directory is opened, and has to hold exactly what the batches up to some number make, all that were acknowledged among
//! them. The next child goes on from there.
//!
//! `CRASH_ROUNDS` is how many are killed, 300 if nothing is said; `SEED` repeats the choices of a run, if not its moments.
#![cfg(any(feature = "redb", feature = "fjall"))]

#[path = "crash/batches.rs"]
mod batches;
#[path = "crash/check.rs"]
mod check;
#[path = "crash/child.rs"]
mod child;
mod common;
#[path = "crash/liars.rs"]
mod liars;
#[path = "crash/place.rs"]
mod place;
#[path = "crash/rounds.rs"]
mod rounds;
mod watchdog;

/// The tests of one adapter; the names are those of modules, so that a child can find its own.
macro_rules! crashes {
    ($module:ident: $parent:ty) => {
        mod $module {
            use super::*;

            const CHILD: &str = concat!(stringify!($module), "::child");

            #[test]
            fn nothing_is_lost_or_halved() {
                rounds::nothing_is_lost_or_halved::<$parent>(CHILD);
            }

            #[test]
            fn a_creation_that_was_killed_is_done_again() {
                rounds::a_creation_that_was_killed_is_done_again::<$parent>(CHILD);
            }

            #[test]
            fn liars_are_caught() {
                rounds::liars_are_caught::<$parent>(CHILD);
            }

            /// Run in a process of its own, by the tests above.
            #[test]
            #[ignore = "a part of others"]
            fn child() {
                child::run::<$parent>();
            }
        }
    };
}

#[cfg(feature = "redb")]
crashes!(redb: engine::RedbParent);
#[cfg(feature = "fjall")]
crashes!(fjall: engine::FjallParent);
