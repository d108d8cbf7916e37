//! The doors, through the real router.

mod audit;
mod doors;
mod edge;
mod exports;
mod listen;
mod month;
mod posting;
mod privacy;
