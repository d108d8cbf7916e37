//! Days, months, periods, and the file of a year's holidays.

use domain::calendar::{Calendar, DayKind, Month, period_end};
use domain::{Date, local, local_date, midnight, parse_day};
use jiff::ToSpan;
use store::calendar::Year;

use crate::bytes::Bytes;

/// The number of a day by plain arithmetic (Julian day number, of the calendar that is used today).
fn number(day: Date) -> i64 {
    let (y, m, d) = (i64::from(day.year()), i64::from(day.month()), i64::from(day.day()));
    let a = (14 - m) / 12;
    let (y, m) = (y + 4800 - a, m + 12 * a - 3);
    d + (153 * m + 2) / 5 + 365 * y + y / 4 - y / 100 + y / 400 - 32_045
}

/// Text as a day and as a month.
pub fn day(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let day = parse_day(text);
    if let Some(day) = day {
        assert_eq!(day.to_string(), text, "a day is written in one way");
        assert_eq!(Date::new(day.year(), day.month(), day.day()).ok(), Some(day));
        assert_eq!(local_date(midnight(day)), day);
        assert_eq!(local_date(midnight(day) - 1), day.yesterday().expect("a day before"));
        assert_eq!(number(day), (midnight(day) + 8 * 3_600_000) / 86_400_000 + 2_440_588);
    }
    let is_form = text.len() == 10
        && text.bytes().enumerate().all(|(n, b)| match n {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    assert!(is_form || day.is_none(), "{text:?} is taken for a day");
    if let Some(month) = Month::parse(text) {
        assert_eq!(month.to_string(), text, "a month is written in one way");
        let (before, after) = (month.previous(), month.next());
        for month in [before, month, after] {
            assert_eq!(Month::parse(&month.to_string()), Some(month));
            assert_eq!(month.first().day(), 1);
            assert!(month.contains(month.first()) && month.contains(month.last()));
        }
        assert!(before <= month && month <= after);
        if before < month && month < after {
            assert_eq!((before.next(), after.previous()), (month, month));
            assert_eq!(number(after.first()) - number(month.last()), 1);
        }
    }
    if let Ok(moment) = text.trim().parse::<i64>() {
        let _ = (local(moment), local_date(moment));
    }
}

/// A period holds its days and no more.
pub fn period(bytes: &[u8]) {
    let mut choices = Bytes::new(bytes);
    let start = Date::constant(2026, 1, 1);
    let near =
        |choices: &mut Bytes<'_>| start.saturating_add((choices.word() % 800).cast_signed().days());
    let from = near(&mut choices);
    let days = choices.number();
    let kind = *choices.pick(&[DayKind::Calendar, DayKind::Working]);
    let mut listed = Vec::new();
    while !choices.is_empty() && listed.len() < 60 {
        let offset = i64::from(choices.byte());
        listed.push((from.saturating_add(offset.days()), choices.truth()));
    }
    let calendar = Calendar::new(listed.iter().copied());
    if kind == DayKind::Working && days > 4_000 {
        return;
    }
    let end = period_end(&calendar, from, days, kind);
    let long = number(end) - number(from);
    assert!(long >= 0);
    if kind == DayKind::Calendar {
        assert_eq!(long, days.clamp(0, 36_600));
        return;
    }
    let is_off = |day: Date| {
        let said = listed.iter().rev().find(|(known, _)| *known == day);
        // The first of January 2026 was a Thursday.
        let is_weekend = matches!((number(day) - number(start)).rem_euclid(7), 2 | 3);
        said.map_or(is_weekend, |(_, off)| *off)
    };
    let worked = (1..=long).filter(|n| !is_off(from.saturating_add((*n).days()))).count() as i64;
    assert_eq!(worked, days.max(0), "from {from} to {end}");
    assert!(long == 0 || !is_off(end), "a period ends on a day that is worked");
}

/// A file of holidays.
pub fn holidays(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Year::parse(text) {
        Ok(year) => {
            assert!((1949..=2200).contains(&year.year));
            let calendar = Calendar::new(year.days.iter().copied());
            assert!(calendar.covers(i16::try_from(year.year).expect("within its bounds")));
            for (day, _) in &year.days {
                assert!((i64::from(day.year()) - year.year).abs() <= 1);
                assert!(text.contains(&day.to_string()), "{day} is not what the file says");
            }
        }
        Err(reason) => assert!(!reason.is_empty()),
    }
}
