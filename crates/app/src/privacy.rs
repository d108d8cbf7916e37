//! Sealed values: seeing one, finding somebody by number, a household's whole file. Each goes into
//! the log with its reason before anything is shown.

mod file;
mod retention;
mod takeout;

use domain::Id;
use domain::access::{Permission, Scope};
use domain::audit::Digest;
use domain::privacy::{Reason, Refusal, Stated, What};
use domain::registry::CitizenNumber;
use store::Tx;
use store::access::Resource;

use crate::audit::{self, Command};
use crate::{Failure, Who};

pub use file::{File, FileOf, file};
pub use retention::{Retain, expired, retain};
pub use takeout::{
    AskTakeout, DecideTakeout, TakeoutPage, ask_takeout, decide_takeout, each_taken, takeout,
    takeout_places, takeout_to_take, takeouts,
};

/// Asks to see one sealed value of a household or of an objection.
pub struct Reveal {
    /// The household, or for what an objection holds, the objection.
    pub subject: Id,
    pub what: Option<What>,
    pub reason: Option<Reason>,
    pub words: String,
}

/// One value, in clear.
pub struct Revealed {
    pub what: What,
    /// As it is kept: a code where the field is coded, fen where it is money.
    pub value: String,
    /// Whose it is.
    pub name: String,
    pub stated: Stated,
}

/// Each look is a line of the log, also a second one at the same value.
pub fn reveal(tx: &mut Tx, who: &Who, r: &Reveal) -> Result<Revealed, Failure<Refusal>> {
    let scope = who.must_scope(Permission::Reveal)?;
    let what = r.what.ok_or(Failure::Refused(Refusal::UnknownField))?;
    let of = if what.is_of_objection() { Resource::Objection } else { Resource::Household };
    if !store::access::covers(tx, &scope, of, r.subject)? {
        return Err(Failure::NotFound);
    }
    let found = match what.is_of_objection() {
        true => of_objection(tx, who, r.subject, what)?,
        false => of_household(tx, r.subject, what)?,
    };
    let stated = Stated::new(r.reason, &r.words).map_err(Failure::Refused)?;
    let value = found.value.ok_or(Failure::Refused(Refusal::NothingThere))?;
    let subject = what.member().unwrap_or(r.subject);
    let said = (what.word(), stated.line());
    let path = Some(found.path.as_str());
    audit::revealed_of(tx, who, subject, found.household, path, (said.0, &said.1))?;
    Ok(Revealed { what, value, name: found.name, stated })
}

/// A value, and what it stands in.
struct Found {
    name: String,
    household: Option<Id>,
    path: String,
    value: Option<String>,
}

fn of_household(tx: &mut Tx, id: Id, what: What) -> Result<Found, Failure<Refusal>> {
    let household = store::registry::find(tx, id)?.ok_or(Failure::NotFound)?.household;
    let (path, mut name) = (household.path, household.head_name);
    let value = match what {
        What::Phone => household.phone,
        What::BankName => household.bank_name,
        What::BankAccount => household.bank_account,
        What::Income => household.income_fen.map(|fen| fen.to_string()),
        What::PovertyCause => household.poverty_cause,
        What::CitizenNumber(member) | What::Health(member) => {
            let members = store::registry::members(tx, id)?;
            let found = members.into_iter().find(|(id, _)| *id == member);
            let (_, member) = found.ok_or(Failure::NotFound)?;
            name = member.name;
            if matches!(what, What::Health(_)) { member.health } else { member.citizen_number }
        }
        What::ByName | What::Contact => return Err(Failure::NotFound),
    };
    Ok(Found { name, household: Some(id), path, value })
}

fn of_objection(tx: &mut Tx, who: &Who, id: Id, what: What) -> Result<Found, Failure<Refusal>> {
    let objection = store::posting::find_objection(tx, id)?.ok_or(Failure::NotFound)?;
    // Who may have been objected to need not know by whom.
    who.must_cover(Permission::AnswerObjection, &objection.path)?;
    let value = if what == What::ByName { objection.by_name } else { objection.contact };
    // The household objected about may see its lines of the log, and not who objected.
    Ok(Found { name: objection.code, household: None, path: objection.path, value })
}

/// Finds the household of a person by citizen number.
pub struct FindByNumber {
    pub key: Id,
    pub number: String,
}

/// The household. That it was looked for is in the log, by whom and when, never the number.
pub fn find_by_number(tx: &mut Tx, who: &Who, r: &FindByNumber) -> Result<Id, Failure<Refusal>> {
    let scope: Scope = who.must_scope(Permission::Reveal)?;
    let number = CitizenNumber::parse(&r.number, who.today())
        .map_err(|_| Failure::Refused(Refusal::NotANumber))?;
    let found = store::registry::find_by_citizen_number(tx, number.as_str())?;
    let nobody = || Failure::Refused(Refusal::NobodyFound);
    let household = found.ok_or_else(nobody)?;
    if !store::access::covers(tx, &scope, Resource::Household, household)? {
        return Err(nobody());
    }
    let asked = Digest::of("find_by_number").id(who.person).id(household);
    if !audit::is_repeat(tx, r.key, &asked)? {
        let path = store::audit::household_path(tx, household)?;
        let c = Command {
            key: r.key,
            verb: "find_by_number",
            subject: None,
            path: path.as_deref(),
            asked,
        };
        audit::record_on(tx, who, Some(household), c)?;
    }
    Ok(household)
}
