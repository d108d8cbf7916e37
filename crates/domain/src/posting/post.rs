//! Hanging a list on the wall: the first one of a reviewed batch, and the ones that amend it.

use jiff::civil::Date;

use super::MaskedName;
use super::body::{Body, Category, Header, PostedOutcome, PostedRow, Serial, Sum};
use super::merkle::Root;
use super::text::{Contact, NotPublic, PublicText};
use crate::Arg;
use crate::calendar::{Calendar, Month, period_end};
use crate::scheme::Scheme;
use crate::scoring::BatchState;

/// What a posting depends on.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub state: BatchState,
    pub zone: &'a str,
    pub village: &'a str,
    pub month: Month,
    pub scheme: &'a Scheme,
    pub calendar: &'a Calendar,
    pub today: Date,
    pub households: Vec<Household<'a>>,
}

/// One settled household, as the batch has it. What may hang on the wall is taken from it by name.
#[derive(Clone, Debug)]
pub struct Household<'a> {
    /// Place on the frozen roster, from 1.
    pub serial: i64,
    pub head_name: &'a str,
    pub hamlet: Option<&'a str>,
    /// By category code; a category nobody assessed is not in it.
    pub sums: Vec<(&'a str, i64)>,
    pub total: i64,
    pub outcome: PostedOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where it hangs.
    pub place: String,
    /// Office and telephone for objections.
    pub contact: String,
    pub from: Date,
}

/// Why a list does not hang.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{self:?}")]
pub enum Refusal {
    NotReviewed {
        state: BatchState,
    },
    NoHouseholds,
    PlaceNeeded,
    PlaceNotPublic {
        digits: usize,
    },
    ContactNeeded,
    ContactNotPublic {
        digits: usize,
    },
    TextTooLong {
        max: usize,
    },
    /// The bytes did not exist before today, so they cannot have hung.
    FromInPast {
        from: Date,
        today: Date,
    },
    FromTooLate {
        from: Date,
        latest: Date,
    },
    /// The holidays of this year are not known, and the scheme counts working days.
    CalendarMissing {
        year: i64,
    },
    /// The name of an area, a scheme or a category may not hang as it is.
    NameNotPublic {
        name: String,
    },
    NumberTooLarge {
        number: i64,
    },
}

/// A list may be made ready a week before it hangs.
const AHEAD_DAYS: i64 = 7;

impl crate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::NotReviewed { .. } => "posting-not-reviewed",
            Refusal::NoHouseholds => "posting-no-households",
            Refusal::PlaceNeeded => "posting-place-needed",
            Refusal::PlaceNotPublic { .. } => "posting-place-not-public",
            Refusal::ContactNeeded => "posting-contact-needed",
            Refusal::ContactNotPublic { .. } => "posting-contact-not-public",
            Refusal::TextTooLong { .. } => "posting-text-too-long",
            Refusal::FromInPast { .. } => "posting-from-in-past",
            Refusal::FromTooLate { .. } => "posting-from-too-late",
            Refusal::CalendarMissing { .. } => "posting-calendar-missing",
            Refusal::NameNotPublic { .. } => "posting-name-not-public",
            Refusal::NumberTooLarge { .. } => "posting-number-too-large",
        }
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        match self {
            Refusal::NotReviewed { state } => vec![("state", state.code().into())],
            Refusal::PlaceNotPublic { digits } | Refusal::ContactNotPublic { digits } => {
                vec![("digits", (*digits).into())]
            }
            Refusal::TextTooLong { max } => vec![("max", (*max).into())],
            Refusal::FromInPast { from, today } => {
                vec![("from", (*from).into()), ("today", (*today).into())]
            }
            Refusal::FromTooLate { from, latest } => {
                vec![("from", (*from).into()), ("latest", (*latest).into())]
            }
            Refusal::CalendarMissing { year } => vec![("year", (*year).into())],
            Refusal::NameNotPublic { name } => vec![("name", name.as_str().into())],
            Refusal::NumberTooLarge { number } => vec![("number", (*number).into())],
            Refusal::NoHouseholds | Refusal::PlaceNeeded | Refusal::ContactNeeded => Vec::new(),
        }
    }
}

/// The list of a reviewed batch, with its period.
pub fn decide(facts: &Facts<'_>, request: &Request) -> Result<Body, Refusal> {
    if facts.state != BatchState::Reviewed {
        return Err(Refusal::NotReviewed { state: facts.state });
    }
    if facts.households.is_empty() {
        return Err(Refusal::NoHouseholds);
    }
    let place = PublicText::new(&request.place).map_err(place_refused)?;
    let contact = Contact::new(&request.contact).map_err(contact_refused)?;
    let (from, today) = (request.from, facts.today);
    if from < today {
        return Err(Refusal::FromInPast { from, today });
    }
    let latest = today.saturating_add(jiff::Span::new().days(AHEAD_DAYS));
    if from > latest {
        return Err(Refusal::FromTooLate { from, latest });
    }
    hang(facts, place, contact, from, None)
}

/// The changed rows alone, from today, for the scheme's full period again. Hangs where the list hangs
/// that it amends.
pub fn correct(facts: &Facts<'_>, amended: &Header, root: Root) -> Result<Body, Refusal> {
    if facts.state != BatchState::InPublicity {
        return Err(Refusal::NotReviewed { state: facts.state });
    }
    if facts.households.is_empty() {
        return Err(Refusal::NoHouseholds);
    }
    hang(facts, amended.place.clone(), amended.contact.clone(), facts.today, Some(root))
}

fn hang(
    facts: &Facts<'_>,
    place: PublicText,
    contact: Contact,
    from: Date,
    corrects: Option<Root>,
) -> Result<Body, Refusal> {
    let scheme = facts.scheme;
    let period = scheme.publicity;
    let to = period_end(facts.calendar, from, period.days, period.kind);
    if period.kind == crate::calendar::DayKind::Working {
        for year in [from.year(), to.year()] {
            if !facts.calendar.covers(year) {
                return Err(Refusal::CalendarMissing { year: year.into() });
            }
        }
    }
    let village = name(facts.village)?;
    let rows = facts
        .households
        .iter()
        .map(|household| row(household, &village, scheme))
        .collect::<Result<_, _>>()?;
    let header = Header {
        zone: name(facts.zone)?,
        village,
        month: facts.month,
        scheme: name(&scheme.code)?,
        scheme_version: number(scheme.version)?,
        place,
        from,
        to,
        days: number(period.days)?,
        day_kind: period.kind,
        contact,
        corrects,
        categories: scheme.categories.iter().map(category).collect::<Result<_, _>>()?,
    };
    Ok(Body { header, rows })
}

/// Does this row say of the household what is settled now? Its name and hamlet may have changed on
/// the register since it hung; what it was given may not.
pub fn hangs_as(row: &PostedRow, household: &Household<'_>, scheme: &Scheme) -> bool {
    i64::from(row.serial.get()) == household.serial
        && i64::from(row.total) == household.total
        && row.outcome == household.outcome
        && sums(household, scheme).is_ok_and(|sums| sums == row.sums)
}

fn sums(household: &Household<'_>, scheme: &Scheme) -> Result<Vec<Option<Sum>>, Refusal> {
    let sum_of = |code: &str| {
        let sum = household.sums.iter().find(|(c, _)| *c == code);
        sum.map(|(_, points)| number(*points)).transpose()
    };
    scheme.categories.iter().map(|c| sum_of(&c.code)).collect()
}

fn row(
    household: &Household<'_>,
    village: &PublicText,
    scheme: &Scheme,
) -> Result<PostedRow, Refusal> {
    let serial = u32::try_from(household.serial).ok().and_then(Serial::new);
    Ok(PostedRow {
        serial: serial.ok_or(Refusal::NumberTooLarge { number: household.serial })?,
        name: MaskedName::of(household.head_name),
        village: village.clone(),
        // A hamlet that may not hang is left out: the list is complete without it.
        hamlet: household.hamlet.and_then(|hamlet| PublicText::new(hamlet).ok()),
        sums: sums(household, scheme)?,
        total: number(household.total)?,
        outcome: household.outcome,
    })
}

fn category(category: &crate::scheme::Category) -> Result<Category, Refusal> {
    Ok(Category {
        code: name(&category.code)?,
        name: name(&category.name.zh)?,
        points_max: number(category.max)?,
    })
}

fn name(text: &str) -> Result<PublicText, Refusal> {
    PublicText::new(text).map_err(|_| Refusal::NameNotPublic { name: text.to_owned() })
}

fn number(n: i64) -> Result<Sum, Refusal> {
    Sum::try_from(n).map_err(|_| Refusal::NumberTooLarge { number: n })
}

fn place_refused(why: NotPublic) -> Refusal {
    match why {
        NotPublic::Empty | NotPublic::Control => Refusal::PlaceNeeded,
        NotPublic::TooLong { max } => Refusal::TextTooLong { max },
        NotPublic::Digits { digits, .. } => Refusal::PlaceNotPublic { digits },
    }
}

fn contact_refused(why: NotPublic) -> Refusal {
    match why {
        NotPublic::Empty | NotPublic::Control => Refusal::ContactNeeded,
        NotPublic::TooLong { max } => Refusal::TextTooLong { max },
        NotPublic::Digits { digits, .. } => Refusal::ContactNotPublic { digits },
    }
}
