//! The rules of Siji. Pure: no I/O, no async, no clock, no randomness, no SQL, no HTTP, no serde.
//!
//! Rooms stand in order; a room may use the ones above it in this list and none below.

pub mod refusal;

pub mod access;
pub mod audit;
pub mod calendar;
pub mod goods;
pub mod points;
pub mod posting;
pub mod redemption;
pub mod registry;
pub mod scheme;
pub mod scoring;

/// The id of any record: a UUIDv7 made where the record was born.
pub type Id = uuid::Uuid;

/// A moment: milliseconds since 1970 in UTC, handed in from the edge.
pub type Millis = i64;

pub use jiff::civil::Date;
pub use refusal::{Arg, Refusal};
