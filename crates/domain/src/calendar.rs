//! Months, working days, and when a period of full days ends. Knows the State Council's yearly
//! notices only as a list of days; does not know where they are kept.

use std::collections::BTreeMap;
use std::fmt;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use crate::{Arg, FIRST_DAY, Id, LAST_DAY, parse_day};

/// A calendar month, written `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first: Date,
}

impl Month {
    /// The month a day lies in.
    pub fn of(date: Date) -> Month {
        Month::within(date.first_of_month())
    }

    /// What lies beyond the first or the last month is that month.
    fn within(first: Date) -> Month {
        Month { first: first.clamp(FIRST_DAY, LAST_DAY.first_of_month()) }
    }

    /// Reads `2026-11`; nothing else is a month.
    pub fn parse(text: &str) -> Option<Month> {
        parse_day(&format!("{text}-01")).map(Month::of)
    }

    pub fn year(self) -> i16 {
        self.first.year()
    }
    /// 1 to 12.
    pub fn number(self) -> i8 {
        self.first.month()
    }
    pub fn first(self) -> Date {
        self.first
    }
    pub fn last(self) -> Date {
        self.first.last_of_month()
    }
    pub fn next(self) -> Month {
        Month::within(self.first.saturating_add(1.month()))
    }
    pub fn previous(self) -> Month {
        Month::within(self.first.saturating_sub(1.month()))
    }
    pub fn contains(self, date: Date) -> bool {
        Month::of(date) == self
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

/// In which days a period is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DayKind {
    Calendar,
    Working,
}

impl DayKind {
    pub fn code(self) -> &'static str {
        match self {
            DayKind::Calendar => "calendar",
            DayKind::Working => "working",
        }
    }
    pub fn from_code(code: &str) -> Option<DayKind> {
        [DayKind::Calendar, DayKind::Working].into_iter().find(|k| k.code() == code)
    }
}

/// The days on which the weekend rule does not hold: holidays, and weekend days that are worked
/// instead. Without any it is the plain five-day week.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    off: BTreeMap<Date, bool>,
}

impl Calendar {
    /// `days`: (day, is it off?), as the yearly notices list them.
    pub fn new(days: impl IntoIterator<Item = (Date, bool)>) -> Calendar {
        Calendar { off: days.into_iter().collect() }
    }

    pub fn is_working_day(&self, date: Date) -> bool {
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        !self.off.get(&date).copied().unwrap_or(weekend)
    }

    /// Has the notice for this year been read? Every notice lists New Year's Day.
    pub fn covers(&self, year: i16) -> bool {
        Date::new(year, 1, 1).is_ok_and(|day| self.off.contains_key(&day))
    }
}

/// The last full day of a period of `days` full days that starts on the day after `from`. Nothing
/// that hangs on this period may happen before the day after.
pub fn period_end(calendar: &Calendar, from: Date, days: i64, kind: DayKind) -> Date {
    if kind == DayKind::Calendar {
        return from.saturating_add(days.clamp(0, 36_600).days());
    }
    let mut day = from;
    let mut left = days;
    while left > 0 && day < Date::MAX {
        day = day.saturating_add(1.day());
        left -= i64::from(calendar.is_working_day(day));
    }
    day
}

/// What opening a month's round depends on.
#[derive(Clone, Debug)]
pub struct RoundFacts {
    /// The round that is already open for this month.
    pub already_open: Option<Id>,
    /// The scheme version in force in this month.
    pub scheme: Option<Id>,
    /// Households on the register.
    pub households: i64,
}

#[derive(Clone, Debug)]
pub struct RoundRequest {
    pub month: Month,
    pub visits_from: Date,
    pub visits_to: Date,
}

/// Why a round is not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{self:?}")]
pub enum RoundRefusal {
    AlreadyOpen { month: Month },
    VisitsBackwards { from: Date, to: Date },
    VisitsOutsideMonth { month: Month },
    NoScheme { month: Month },
    NoHouseholds,
}

impl crate::Refusal for RoundRefusal {
    fn code(&self) -> &'static str {
        match self {
            RoundRefusal::AlreadyOpen { .. } => "round-already-open",
            RoundRefusal::VisitsBackwards { .. } => "round-visits-backwards",
            RoundRefusal::VisitsOutsideMonth { .. } => "round-visits-outside-month",
            RoundRefusal::NoScheme { .. } => "round-no-scheme",
            RoundRefusal::NoHouseholds => "round-no-households",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            RoundRefusal::AlreadyOpen { month }
            | RoundRefusal::VisitsOutsideMonth { month }
            | RoundRefusal::NoScheme { month } => vec![("month", month.to_string().into())],
            RoundRefusal::VisitsBackwards { from, to } => {
                vec![("from", (*from).into()), ("to", (*to).into())]
            }
            RoundRefusal::NoHouseholds => Vec::new(),
        }
    }
}

/// May the month's round be opened? Answers with the scheme version it is scored under.
pub fn decide_round(facts: &RoundFacts, request: &RoundRequest) -> Result<Id, RoundRefusal> {
    let month = request.month;
    if facts.already_open.is_some() {
        return Err(RoundRefusal::AlreadyOpen { month });
    }
    if request.visits_to < request.visits_from {
        return Err(RoundRefusal::VisitsBackwards {
            from: request.visits_from,
            to: request.visits_to,
        });
    }
    if !month.contains(request.visits_from) || !month.contains(request.visits_to) {
        return Err(RoundRefusal::VisitsOutsideMonth { month });
    }
    let Some(scheme) = facts.scheme else {
        return Err(RoundRefusal::NoScheme { month });
    };
    if facts.households == 0 {
        return Err(RoundRefusal::NoHouseholds);
    }
    Ok(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refusal as _;
    use jiff::civil::date;

    /// The notice as shipped, read without serde: the rules know no file formats.
    fn shipped(year: i16) -> Calendar {
        let path = format!("{}/../../data/calendar/{year}.json", env!("CARGO_MANIFEST_DIR"));
        let json: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        Calendar::new(json["days"].as_array().unwrap().iter().map(|d| {
            (d["date"].as_str().unwrap().parse().unwrap(), d["isOffDay"].as_bool().unwrap())
        }))
    }

    #[test]
    fn months() {
        let month = Month::parse("2026-12").unwrap();
        assert_eq!(month.to_string(), "2026-12");
        assert_eq!((month.first(), month.last()), (date(2026, 12, 1), date(2026, 12, 31)));
        assert_eq!(month.next().to_string(), "2027-01");
        assert_eq!(month.previous().to_string(), "2026-11");
        assert_eq!(Month::parse("2028-02").unwrap().last(), date(2028, 2, 29));
        for wrong in ["", "2026", "2026-13", "2026-1", "26-01", "2026-01-01", "+026-01", "2026-00"]
        {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn there_is_a_first_and_a_last_month() {
        let month = |text: &str| Month::parse(text).unwrap();
        assert_eq!(month("0001-01").previous(), month("0001-01"));
        assert_eq!(month("9998-12").next(), month("9998-12"));
        assert_eq!(month("9998-11").next(), month("9998-12"));
        assert_eq!(Month::of(Date::MAX), month("9998-12"));
        assert_eq!(Month::of(Date::MIN), month("0001-01"));
    }

    #[test]
    fn every_shipped_year_is_covered() {
        for year in 2018..=2026 {
            assert!(shipped(year).covers(year), "{year}");
        }
        assert!(!shipped(2026).covers(2027));
        assert!(!Calendar::default().covers(2026));
    }

    #[test]
    fn periods() {
        let calendar = shipped(2026);
        let table = [
            // 5 full calendar days after the day it hung.
            ("2026-11-24", 5, DayKind::Calendar, "2026-11-29"),
            ("2026-11-24", 0, DayKind::Calendar, "2026-11-24"),
            // Friday: the next working day is Monday.
            ("2026-11-27", 1, DayKind::Working, "2026-11-30"),
            ("2026-11-23", 3, DayKind::Working, "2026-11-26"),
            // National Day: 1 to 7 October off, Saturday 10 October worked.
            ("2026-09-30", 3, DayKind::Working, "2026-10-10"),
            // Sunday 4 January worked after New Year.
            ("2025-12-31", 1, DayKind::Working, "2026-01-04"),
        ];
        for (from, days, kind, end) in table {
            let end: Date = end.parse().unwrap();
            assert_eq!(period_end(&calendar, from.parse().unwrap(), days, kind), end, "{from}");
        }
        let plain = Calendar::default();
        assert_eq!(
            period_end(&plain, date(2026, 9, 30), 3, DayKind::Working),
            date(2026, 10, 5),
            "without the notice: the plain week"
        );
    }

    proptest::proptest! {
        #[test]
        fn a_period_holds_exactly_its_working_days(start in 0i64..365, days in 0i64..40) {
            let calendar = shipped(2026);
            let from = date(2026, 1, 1).saturating_add(start.days());
            let end = period_end(&calendar, from, days, DayKind::Working);
            let mut counted = 0;
            let mut day = from;
            while day < end {
                day = day.saturating_add(1.day());
                counted += i64::from(calendar.is_working_day(day));
            }
            proptest::prop_assert_eq!(counted, days);
            proptest::prop_assert!(days == 0 || calendar.is_working_day(end));
        }
    }

    #[test]
    fn rounds() {
        let month = Month::parse("2026-11").unwrap();
        let facts = RoundFacts { already_open: None, scheme: Some(Id::nil()), households: 3 };
        let request =
            RoundRequest { month, visits_from: date(2026, 11, 1), visits_to: date(2026, 11, 20) };
        let code = |facts: &RoundFacts, request: &RoundRequest| {
            decide_round(facts, request).map_err(|r| r.code()).err()
        };
        assert_eq!(code(&facts, &request), None);
        let open = RoundFacts { already_open: Some(Id::nil()), ..facts.clone() };
        assert_eq!(code(&open, &request), Some("round-already-open"));
        let backwards = RoundRequest { visits_to: date(2026, 10, 20), ..request.clone() };
        assert_eq!(code(&facts, &backwards), Some("round-visits-backwards"));
        let outside = RoundRequest { visits_to: date(2026, 12, 1), ..request.clone() };
        assert_eq!(code(&facts, &outside), Some("round-visits-outside-month"));
        let none = RoundFacts { scheme: None, ..facts.clone() };
        assert_eq!(code(&none, &request), Some("round-no-scheme"));
        let empty = RoundFacts { households: 0, ..facts };
        assert_eq!(code(&empty, &request), Some("round-no-households"));
    }
}
