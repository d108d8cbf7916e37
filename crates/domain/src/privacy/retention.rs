//! How long sealed values are kept, and the day they go.

use jiff::{Span, civil::Date};

use crate::Millis;

/// Years after a household left the register, or an objection was made.
pub const YEARS: i64 = 3;
/// Days that an upload which was never applied is kept.
pub const UPLOAD_DAYS: i64 = 30;
pub const YEARS_MIN: i64 = 1;
pub const YEARS_MAX: i64 = 30;

/// What was last touched before these moments has outlived its purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoff {
    pub records: Millis,
    pub uploads: Millis,
}

impl Cutoff {
    /// `None`: fewer or more years than anybody may choose.
    pub fn of(today: Date, years: i64) -> Option<Cutoff> {
        if !(YEARS_MIN..=YEARS_MAX).contains(&years) {
            return None;
        }
        let before = |span: Span| today.checked_sub(span).ok().map(crate::midnight);
        Some(Cutoff {
            records: before(Span::new().years(years))?,
            uploads: before(Span::new().days(UPLOAD_DAYS))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_day_is_counted_in_the_zones_calendar() {
        let cut = Cutoff::of(date(2028, 2, 29), 3).unwrap();
        assert_eq!(cut.records, crate::midnight(date(2025, 2, 28)));
        assert_eq!(cut.uploads, crate::midnight(date(2028, 1, 30)));
        assert_eq!(Cutoff::of(date(2028, 2, 29), 0), None);
        assert_eq!(Cutoff::of(date(2028, 2, 29), 31), None);
    }
}
