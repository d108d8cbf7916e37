//! The doors, through the real router.

mod audit;
mod exports;
mod matrix;
mod month;
mod posting;
mod privacy;
