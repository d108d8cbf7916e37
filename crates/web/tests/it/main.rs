//! The doors, through the real router.

mod audit;
mod doors;
mod exports;
mod hostile;
mod month;
mod posting;
mod privacy;
