//! Stages and stories, for tests only.

pub mod month;
pub mod postgres;
mod stage;

pub use stage::{Stage, on_both};
