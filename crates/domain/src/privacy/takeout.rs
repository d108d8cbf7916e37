//! Sealed values on a list that is taken out: asked for by one person, allowed by another, good for
//! some days.

use crate::{Arg, Date, Id};

use super::reveal;

/// What can stand on such a list beside names and villages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    CitizenNumber,
    Health,
    Phone,
    BankName,
    BankAccount,
    Income,
    PovertyCause,
}

impl Column {
    pub const ALL: [Column; 7] = [
        Column::CitizenNumber,
        Column::Health,
        Column::Phone,
        Column::BankName,
        Column::BankAccount,
        Column::Income,
        Column::PovertyCause,
    ];

    /// The column of the register.
    pub fn code(self) -> &'static str {
        match self {
            Column::CitizenNumber => "citizen_number",
            Column::Health => "health",
            Column::Phone => "phone",
            Column::BankName => "bank_name",
            Column::BankAccount => "bank_account",
            Column::Income => "income_fen",
            Column::PovertyCause => "poverty_cause",
        }
    }
    pub fn from_code(code: &str) -> Option<Column> {
        Column::ALL.into_iter().find(|c| c.code() == code)
    }

    /// Does each member have one of their own, and not the household?
    pub fn is_of_member(self) -> bool {
        matches!(self, Column::CitizenNumber | Column::Health)
    }

    /// As it is kept: codes with a space between them.
    pub fn line(columns: &[Column]) -> String {
        columns.iter().map(|c| c.code()).collect::<Vec<_>>().join(" ")
    }
    pub fn read(line: &str) -> Vec<Column> {
        line.split(' ').filter_map(Column::from_code).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Asked,
    Allowed,
    Declined,
}

impl Standing {
    pub const ALL: [Standing; 3] = [Standing::Asked, Standing::Allowed, Standing::Declined];

    pub fn code(self) -> &'static str {
        match self {
            Standing::Asked => "asked",
            Standing::Allowed => "allowed",
            Standing::Declined => "declined",
        }
    }
    pub fn from_code(code: &str) -> Option<Standing> {
        Standing::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// An allowed list can be taken out on the day it is allowed and so many days after.
pub const GOOD_FOR_DAYS: i32 = 7;

/// The last day of a list allowed on `day`.
pub fn good_until(day: Date) -> Date {
    day.saturating_add(jiff::Span::new().days(GOOD_FOR_DAYS))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    ColumnsNeeded,
    Stated(reveal::Refusal),
    /// Whoever asks does not allow.
    OwnRequest,
    AlreadyDecided,
    /// No means why not.
    AnswerNeeded {
        min: usize,
    },
    NotAllowedYet,
    Declined,
    Over {
        until: Date,
    },
}

impl crate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::ColumnsNeeded => "takeout-columns-needed",
            Refusal::Stated(refusal) => refusal.code(),
            Refusal::OwnRequest => "takeout-own-request",
            Refusal::AlreadyDecided => "takeout-already-decided",
            Refusal::AnswerNeeded { .. } => "takeout-answer-needed",
            Refusal::NotAllowedYet => "takeout-not-allowed-yet",
            Refusal::Declined => "takeout-declined",
            Refusal::Over { .. } => "takeout-over",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            Refusal::Stated(refusal) => refusal.args(),
            Refusal::AnswerNeeded { min } => vec![("min", (*min).into())],
            Refusal::Over { until } => vec![("until", (*until).into())],
            _ => Vec::new(),
        }
    }
}

/// What a second person says of a request.
pub struct Answer<'a> {
    pub by: Id,
    pub asked_by: Id,
    pub standing: Standing,
    pub allow: bool,
    pub words: &'a str,
}

/// The words as they are kept.
pub fn decide(a: &Answer) -> Result<String, Refusal> {
    if a.by == a.asked_by {
        return Err(Refusal::OwnRequest);
    }
    if a.standing != Standing::Asked {
        return Err(Refusal::AlreadyDecided);
    }
    let words = a.words.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = words.chars().count();
    if !a.allow && length < reveal::WORDS_MIN {
        return Err(Refusal::AnswerNeeded { min: reveal::WORDS_MIN });
    }
    if length > reveal::WORDS_MAX {
        return Err(Refusal::Stated(reveal::Refusal::WordsTooLong { max: reveal::WORDS_MAX }));
    }
    Ok(words)
}

/// May the list be taken out today?
pub fn take(standing: Standing, decided_on: Option<Date>, today: Date) -> Result<(), Refusal> {
    match (standing, decided_on) {
        (Standing::Declined, _) => Err(Refusal::Declined),
        (Standing::Allowed, Some(day)) if today <= good_until(day) => Ok(()),
        (Standing::Allowed, Some(day)) => Err(Refusal::Over { until: good_until(day) }),
        _ => Err(Refusal::NotAllowedYet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn nobody_allows_their_own_list_and_no_list_twice() {
        let (one, other) = (Id::from_u128(1), Id::from_u128(2));
        let say = |by, standing, allow, words: &str| {
            decide(&Answer { by, asked_by: one, standing, allow, words })
        };
        assert_eq!(say(one, Standing::Asked, true, ""), Err(Refusal::OwnRequest));
        assert_eq!(say(one, Standing::Asked, false, "不批"), Err(Refusal::OwnRequest));
        assert_eq!(say(other, Standing::Asked, true, " "), Ok(String::new()));
        assert_eq!(say(other, Standing::Asked, false, "不"), Err(Refusal::AnswerNeeded { min: 2 }));
        assert_eq!(say(other, Standing::Asked, false, " 不 必要"), Ok("不 必要".to_owned()));
        let long = "长".repeat(201);
        assert!(matches!(say(other, Standing::Asked, true, &long), Err(Refusal::Stated(_))));
        for over in [Standing::Allowed, Standing::Declined] {
            assert_eq!(say(other, over, true, ""), Err(Refusal::AlreadyDecided));
        }
    }

    #[test]
    fn an_allowed_list_is_good_for_a_week() {
        let day = date(2026, 11, 1);
        let take = |standing, day, today| take(standing, day, date(2026, 11, today));
        assert_eq!(take(Standing::Allowed, Some(day), 1), Ok(()));
        assert_eq!(take(Standing::Allowed, Some(day), 8), Ok(()));
        let over = Refusal::Over { until: date(2026, 11, 8) };
        assert_eq!(take(Standing::Allowed, Some(day), 9), Err(over));
        assert_eq!(take(Standing::Asked, None, 1), Err(Refusal::NotAllowedYet));
        assert_eq!(take(Standing::Declined, Some(day), 1), Err(Refusal::Declined));
    }

    #[test]
    fn columns_are_kept_as_codes() {
        let line = Column::line(&Column::ALL);
        assert_eq!(Column::read(&line), Column::ALL);
        assert_eq!(Column::read("phone shoe_size"), [Column::Phone]);
        assert_eq!(Column::read(""), []);
        for standing in Standing::ALL {
            assert_eq!(Standing::from_code(standing.code()), Some(standing));
        }
    }
}
