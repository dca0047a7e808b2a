//! A store whose parent fails: it says so and why, stays readable, loses nothing that it has acknowledged, and goes on when the fault
//! is gone.
//!
//! `SEED` repeats a random run, `STRESS` makes it longer.
#![cfg(feature = "fault-injection")]

mod common;
#[path = "faults/closing.rs"]
mod closing;
#[path = "faults/commits.rs"]
mod commits;
#[cfg(any(feature = "redb", feature = "fjall"))]
#[path = "faults/full_disk.rs"]
mod full_disk;
#[path = "faults/ground.rs"]
mod ground;
#[path = "durability/history.rs"]
mod history;
#[path = "faults/reads.rs"]
mod reads;
#[path = "faults/reopening.rs"]
mod reopening;
#[path = "faults/schedules.rs"]
mod schedules;
mod watchdog;

/// Each of these functions as a test, on this ground.
macro_rules! tests {
    ($ground:ty; $($file:ident: $($name:ident)*;)*) => {
        $($(
            #[test]
            fn $name() {
                $file::$name::<$ground>();
            }
        )*)*
    };
}

macro_rules! faults {
    ($module:ident: $ground:ty) => {
        mod $module {
            use super::*;

            tests! { $ground;
                commits:
                    any_commit_may_fail
                    it_goes_on_by_itself
                    a_commit_that_waits_is_told
                    beyond_the_bound_writes_are_refused
                    writers_that_wait_for_room_are_let_in
                    opening_fails_and_succeeds_later
                    a_parent_that_panics_is_the_end_of_writing
                    memory_that_was_full_is_given_back;
                closing:
                    closing_reports_and_can_be_repeated
                    a_close_that_failed_at_its_end_can_be_repeated
                    a_write_beside_a_close_that_fails_is_not_left_behind
                    dropping_keeps_what_was_acknowledged;
                reads:
                    reads_fail_and_come_back
                    a_deleted_range_needs_reads
                    without_snapshots_memory_serves
                    memory_is_back_in_its_budget_when_snapshots_are;
                reopening:
                    it_is_let_go_to_be_opened_anew
                    an_old_snapshot_never_shows_what_came_later
                    it_waits_for_who_reads_an_older_version
                    a_read_that_failed_is_enough;
                schedules: every_kind_of_write writers_beside_faults;
            }
        }
    };
}

faults!(memory: ground::Memory);
#[cfg(feature = "redb")]
faults!(redb: ground::Redb);
#[cfg(feature = "fjall")]
faults!(fjall: ground::Fjall);

/// Not made up: a disk that has no room.
#[cfg(any(feature = "redb", feature = "fjall"))]
mod a_full_disk {
    use super::*;

    #[test]
    fn stores_go_on_when_there_is_room_again() {
        full_disk::stores_go_on_when_there_is_room_again();
    }

    /// Run in a process of its own, by the test above.
    #[test]
    #[ignore = "a part of others"]
    fn child() {
        full_disk::child();
    }
}
