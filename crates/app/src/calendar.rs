//! Holiday years, and opening the month's round.

use domain::access::Permission;
use domain::audit::Digest;
use domain::calendar::{Calendar, Month, RoundRefusal, RoundRequest, decide_round};
use domain::{Arg, Date, Id, Refusal};
use store::Tx;
pub use store::calendar::{Opened, Round, Year};

use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

/// The State Council's notices as they stood when this program was made.
const SHIPPED: [&str; 9] = [
    include_str!("../../../data/calendar/2018.json"),
    include_str!("../../../data/calendar/2019.json"),
    include_str!("../../../data/calendar/2020.json"),
    include_str!("../../../data/calendar/2021.json"),
    include_str!("../../../data/calendar/2022.json"),
    include_str!("../../../data/calendar/2023.json"),
    include_str!("../../../data/calendar/2024.json"),
    include_str!("../../../data/calendar/2025.json"),
    include_str!("../../../data/calendar/2026.json"),
];

#[derive(Debug, PartialEq, Eq)]
pub enum YearRefusal {
    Unreadable { reason: String },
}

impl Refusal for YearRefusal {
    fn code(&self) -> &'static str {
        "calendar-unreadable"
    }
    fn args(&self) -> Vec<(&'static str, Arg)> {
        let YearRefusal::Unreadable { reason } = self;
        vec![("reason", reason.as_str().into())]
    }
}

/// Puts the shipped years into a new zone; a year that is there stays as it is.
pub fn ship(tx: &mut Tx) -> Result<(), Failure<Never>> {
    let known: Vec<i64> = store::calendar::years(tx)?.iter().map(|y| y.year).collect();
    for json in SHIPPED {
        let year = Year::parse(json).map_err(store::Broken::Data)?;
        if !known.contains(&year.year) {
            store::calendar::record_year(tx, &year)?;
        }
    }
    Ok(())
}

/// Takes in a holiday file (`siji import calendar FILE.json`, or the page). Taking in the same
/// file again changes nothing; a newer one for the same year takes its place.
pub fn import(tx: &mut Tx, json: &str) -> Result<Year, Failure<YearRefusal>> {
    let year =
        Year::parse(json).map_err(|reason| Failure::Refused(YearRefusal::Unreadable { reason }))?;
    store::calendar::record_year(tx, &year)?;
    Ok(year)
}

/// The same, asked for on the page.
pub fn import_year(
    tx: &mut Tx,
    who: &Who,
    key: Id,
    json: &str,
) -> Result<Year, Failure<YearRefusal>> {
    who.must(Permission::OpenRound)?;
    let asked = Digest::of("import_year").id(who.person).text(json);
    let repeat = audit::is_repeat(tx, key, &asked)?;
    let year = import(tx, json)?;
    if !repeat {
        let c = Command { key, verb: "import_year", subject: None, path: None, asked };
        audit::record(tx, who, c)?;
    }
    Ok(year)
}

/// Every known year as one calendar; the plain five-day week where a year is missing.
pub fn load(tx: &mut Tx) -> Result<Calendar, store::Broken> {
    store::calendar::load(tx)
}

pub struct OpenRound {
    /// Also the round's id.
    pub key: Id,
    pub month: Month,
    pub visits_from: Date,
    pub visits_to: Date,
}

/// Opens the month: freezes who is on each village's roster and who visits whom.
pub fn open_round(tx: &mut Tx, who: &Who, r: &OpenRound) -> Result<Opened, Failure<RoundRefusal>> {
    who.must(Permission::OpenRound)?;
    let asked = Digest::of("open_round")
        .id(who.person)
        .text(&r.month.to_string())
        .date(r.visits_from)
        .date(r.visits_to);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(store::calendar::opened(tx, r.key)?);
    }
    let facts = store::calendar::facts(tx, r.month)?;
    let request =
        RoundRequest { month: r.month, visits_from: r.visits_from, visits_to: r.visits_to };
    let scheme = decide_round(&facts, &request).map_err(Failure::Refused)?;
    let round = Round {
        id: r.key,
        month: r.month,
        scheme,
        visits_from: r.visits_from,
        visits_to: r.visits_to,
        person: Some(who.person),
        at: who.now,
    };
    let opened = store::calendar::record(tx, &round, who.today())?;
    let c = Command { key: r.key, verb: "open_round", subject: Some(r.key), path: None, asked };
    audit::record(tx, who, c)?;
    Ok(opened)
}

/// The page of rounds.
pub struct Rounds {
    pub rounds: Vec<Round>,
    /// The month that would be opened next, and its usual days of visits (1 to 20).
    pub next: Month,
    pub may_open: bool,
    /// Years whose holidays are known.
    pub years: Vec<i64>,
}

pub fn rounds(tx: &mut Tx, who: &Who) -> Result<Rounds, Failure<Never>> {
    if !who.may(Permission::ReadHouseholds) && !who.may(Permission::OpenRound) {
        return Err(Failure::NotAllowed);
    }
    let rounds = store::calendar::list(tx)?;
    let this = Month::of(who.today());
    let next = rounds.first().map_or(this, |newest| newest.month.next());
    let years = store::calendar::years(tx)?.iter().map(|y| y.year).collect();
    Ok(Rounds { rounds, next, may_open: who.may(Permission::OpenRound), years })
}
