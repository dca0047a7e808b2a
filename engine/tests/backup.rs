//! Backups: what is exported comes back, what is damaged does not.

#[path = "backup/damage.rs"]
mod damage;
#[path = "backup/material.rs"]
mod material;
#[path = "backup/parents.rs"]
mod parents;
#[path = "backup/round_trip.rs"]
mod round_trip;
