//! A one-off award outside the monthly hundred: an event that the scheme names, with its document.

use jiff::civil::Date;

use crate::audit::Digest;
use crate::points::{Amount, Cause, CauseKind, Transfer};
use crate::{Id, Millis};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BonusRequest {
    pub id: Id,
    pub household: Id,
    pub event: String,
    /// Which document shows it: issuer, number, date.
    pub document: String,
    pub person: Id,
    pub on_date: Date,
    pub at: Millis,
}

#[derive(Clone, Copy, Debug)]
pub struct BonusFacts {
    pub household_active: bool,
    /// What the scheme in force gives for the event; `None` if it does not name it.
    pub points: Option<i64>,
    /// Has the household had this event before?
    pub given: bool,
    pub today: Date,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bonus {
    pub id: Id,
    pub household: Id,
    pub event: String,
    pub points: i64,
    pub document: String,
    pub person: Id,
    pub on_date: Date,
    pub at: Millis,
}

impl Bonus {
    pub fn digest(&self) -> [u8; 32] {
        Digest::of("bonus")
            .id(self.id)
            .id(self.household)
            .text(&self.event)
            .number(self.points)
            .text(&self.document)
            .id(self.person)
            .date(self.on_date)
            .number(self.at)
            .finish()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BonusDecision {
    pub bonus: Bonus,
    pub transfer: Transfer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BonusRefusal {
    HouseholdInactive,
    EventUnknown,
    DocumentMissing,
    InTheFuture { today: Date },
    AlreadyGiven,
}

impl crate::Refusal for BonusRefusal {
    fn code(&self) -> &'static str {
        match self {
            BonusRefusal::HouseholdInactive => "bonus-household-inactive",
            BonusRefusal::EventUnknown => "bonus-event-unknown",
            BonusRefusal::DocumentMissing => "bonus-document-missing",
            BonusRefusal::InTheFuture { .. } => "bonus-in-the-future",
            BonusRefusal::AlreadyGiven => "bonus-already-given",
        }
    }
    fn args(&self) -> Vec<(&'static str, crate::Arg)> {
        match *self {
            BonusRefusal::InTheFuture { today } => vec![("today", today.into())],
            _ => Vec::new(),
        }
    }
}

pub fn decide_bonus(
    facts: BonusFacts,
    request: &BonusRequest,
) -> Result<BonusDecision, BonusRefusal> {
    if !facts.household_active {
        return Err(BonusRefusal::HouseholdInactive);
    }
    let Some(amount) = facts.points.and_then(|points| Amount::new(points).ok()) else {
        return Err(BonusRefusal::EventUnknown);
    };
    if request.document.trim().is_empty() {
        return Err(BonusRefusal::DocumentMissing);
    }
    if request.on_date > facts.today {
        return Err(BonusRefusal::InTheFuture { today: facts.today });
    }
    if facts.given {
        return Err(BonusRefusal::AlreadyGiven);
    }

    // Nothing below can fail.
    let cause = Cause { kind: CauseKind::Bonus, id: request.id };
    Ok(BonusDecision {
        transfer: Transfer::credit(cause, request.household, amount, request.on_date, request.at),
        bonus: Bonus {
            id: request.id,
            household: request.household,
            event: request.event.clone(),
            points: amount.get(),
            document: request.document.trim().to_owned(),
            person: request.person,
            on_date: request.on_date,
            at: request.at,
        },
    })
}
