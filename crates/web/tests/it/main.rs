//! The doors, through the real router.

mod audit;
mod doors;
mod month;
mod posting;
mod privacy;
