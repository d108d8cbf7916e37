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

/// The days there are: the year is written with four digits, and a day comes before and after.
pub(crate) const FIRST_DAY: Date = Date::constant(1, 1, 1);
pub(crate) const LAST_DAY: Date = Date::constant(9998, 12, 31);

/// Reads `2026-11-12`; nothing else is a day: no time behind it, no sign before it, no other order.
pub fn parse_day(text: &str) -> Option<Date> {
    let is_form = text.len() == 10
        && text.bytes().enumerate().all(|(place, b)| match place {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    let day = is_form.then(|| text.parse::<Date>().ok()).flatten()?;
    (FIRST_DAY..=LAST_DAY).contains(&day).then_some(day)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_in_one_way() {
        for day in ["2026-11-12", "0001-01-01", "9998-12-31", "2028-02-29"] {
            assert_eq!(parse_day(day).map(|d| d.to_string()).as_deref(), Some(day));
        }
        let wrong = [
            "",
            "20261112",
            "2026-11-12T23:59",
            "2026-11-12 23:59",
            "2026-11-12[Asia/Shanghai]",
            "+002026-11-12",
            "-000001-01-01",
            "0000-12-31",
            "9999-12-31",
            "2026-02-29",
            " 2026-11-12",
            "2026-1-12",
            "2026/11/12",
            "2026-11-1\u{ff12}",
        ];
        for wrong in wrong {
            assert_eq!(parse_day(wrong), None, "{wrong}");
        }
    }
}
