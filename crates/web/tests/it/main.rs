//! The doors, through the real router.

mod doors;
mod month;
mod posting;
