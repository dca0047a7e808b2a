//! The suite: one file for each thing that is asked of a parent.

pub mod bed;
pub mod contract;
#[cfg(any(feature = "redb", feature = "fjall"))]
pub mod damage;
#[cfg(any(feature = "redb", feature = "fjall"))]
pub mod disk;
#[cfg(feature = "fault-injection")]
pub mod faults;
#[cfg(any(feature = "redb", feature = "fjall"))]
pub mod full_disk;
#[cfg(any(feature = "redb", feature = "fjall"))]
pub mod killed;
pub mod model;
#[cfg(any(feature = "redb", feature = "fjall"))]
pub mod places;
pub mod ranges;
