//! The rules of Siji. Pure: no I/O, no async, no clock, no randomness, no SQL, no HTTP, no serde.
//!
//! Rooms stand in order; a room may use the ones above it in this list and none below.

pub mod id;
pub mod refusal;

pub mod access;
pub mod audit;
pub mod calendar;
pub mod goods;
pub mod points;
pub mod posting;
pub mod privacy;
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

/// The business day of a moment. China keeps one time, UTC+8, all year.
pub fn local_date(now: Millis) -> Date {
    local(now).date()
}

/// The moment a business day begins.
pub fn midnight(day: Date) -> Millis {
    let utc = jiff::tz::Offset::UTC.to_timestamp(day.at(0, 0, 0, 0));
    utc.map_or(Millis::MIN, |t| t.as_millisecond() - 8 * 3_600_000)
}

/// The wall-clock time of a moment, to show and to print.
pub fn local(now: Millis) -> jiff::civil::DateTime {
    const EIGHT_HOURS: Millis = 8 * 3_600_000;
    jiff::Timestamp::from_millisecond(now.saturating_add(EIGHT_HOURS))
        .map(|t| jiff::tz::Offset::UTC.to_datetime(t))
        .unwrap_or(jiff::civil::DateTime::MIN)
}
