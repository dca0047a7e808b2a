//! One suite for all parents: in memory always, on a disk with the features `redb` and `fjall`, and with faults in between with
//! the feature `fault-injection`.
//!
//! `SEED` repeats a run, `STRESS` makes it longer.

mod common;
// A file of the same name stands beside this one, so the path must be said.
#[path = "parents/mod.rs"]
mod parents;

/// Each of these functions as a test, with this type.
macro_rules! tests {
    ($bed:ty; $($file:ident: $($name:ident)*;)*) => {
        $($(
            #[test]
            fn $name() {
                super::parents::$file::$name::<$bed>();
            }
        )*)*
    };
}

/// What every parent keeps.
macro_rules! contract {
    ($bed:ty) => {
        tests! { $bed;
            contract:
                an_empty_one_has_version_zero
                a_batch_changes_entries_and_version
                a_batch_without_writes_changes_the_version
                of_two_writes_to_a_key_the_later_counts
                a_batch_can_be_made_again
                what_was_committed_is_there_when_it_is_opened_again
                a_batch_of_many_writes_is_one_step
                keys_of_every_length_and_byte
                a_key_that_is_too_long_is_refused_before_anything_is_written
                a_snapshot_shows_one_version
                a_range_that_has_begun_goes_on_beside_commits
                snapshots_are_read_by_many_threads
                what_is_closed_refuses_everything
                a_snapshot_outlives_its_parent;
            ranges: every_kind_of_bound both_ends_meet;
            model: random_histories;
        }
        #[cfg(feature = "fault-injection")]
        tests! { $bed;
            faults:
                without_faults_it_is_the_parent_below
                a_refused_commit_leaves_everything
                an_unanswered_commit_is_made_and_can_be_made_again
                a_slow_commit_is_made
                snapshots_and_reads_fail_until_they_are_healed;
        }
    };
}

/// What those on a disk keep besides.
#[cfg(any(feature = "redb", feature = "fjall"))]
macro_rules! on_a_disk {
    ($parent:ty) => {
        contract! { super::parents::disk::Disk<$parent> }
        tests! { $parent;
            places:
                directories_are_made
                an_empty_directory_is_taken
                what_is_not_ours_is_left_untouched
                another_adapters_directory_is_named
                a_newer_format_is_left_untouched
                one_at_a_time_has_it
                two_at_once_make_one
                a_creation_that_was_cut_short_is_done_again
                files_that_are_gone_are_damage
                a_place_that_cannot_be
                what_may_not_be_written_is_denied
                errors_say_where;
            damage:
                files_that_were_cut_off
                files_that_were_cut_off_while_it_was_open
                files_that_were_written_over
                files_of_a_large_one;
            full_disk: it_goes_on_when_there_is_room_again;
            killed: nothing_is_lost_or_halved_when_the_process_is_killed;
        }
        /// Run in a process of its own, by the tests above.
        #[test]
        #[ignore = "a part of others"]
        fn child() {
            super::parents::killed::child::<$parent>();
            super::parents::full_disk::child::<$parent>();
        }
    };
}

mod memory {
    contract! { super::parents::bed::Memory }
}

#[cfg(feature = "redb")]
mod redb {
    on_a_disk! { engine::RedbParent }
}

#[cfg(feature = "fjall")]
mod fjall {
    on_a_disk! { engine::FjallParent }
}
