//! The doors, through the real router.

mod accounts;
mod audit;
mod crowd;
mod edge;
mod exports;
mod hostile;
mod listen;
mod matrix;
mod month;
mod papers;
mod posting;
mod privacy;
mod sheets;
