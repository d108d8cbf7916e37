//! Declaring that somebody is a household's relative.

use domain::Id;
use domain::access::Permission;
use domain::audit::Digest;
use domain::registry::kinship::{Facts, KinshipRefusal, Request, decide};
use store::Tx;
use store::registry::Kinship;

use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

pub struct DeclareKinship {
    pub key: Id,
    pub household: Id,
    pub person: Id,
    pub relation: String,
}

/// Declared by the village committee for anybody who could settle or answer for the household.
pub fn declare_kinship(
    tx: &mut Tx,
    who: &Who,
    r: &DeclareKinship,
) -> Result<Id, Failure<KinshipRefusal>> {
    let row = store::registry::find(tx, r.household)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::Review, &row.household.path)?;
    let asked = Digest::of("declare_kinship").id(r.household).id(r.person).text(&r.relation);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(r.key);
    }
    let facts = Facts {
        // Anybody else is as unknown as somebody who does not exist.
        person_known: store::registry::relatives_to_choose(tx, r.household, &row.household.path)?
            .iter()
            .any(|(person, ..)| *person == r.person),
        household_active: row.household.active,
        declared: store::registry::declared(tx, r.person, r.household)?,
    };
    let request =
        Request { household: r.household, person: r.person, relation: r.relation.clone() };
    let decision = decide(&facts, &request).map_err(Failure::Refused)?;
    let kinship = Kinship {
        id: r.key,
        person: r.person,
        household: r.household,
        relation: decision.relation,
        declared_at: who.now,
        declared_by: who.person,
    };
    store::registry::record_kinship(tx, &kinship)?;
    let path = Some(row.household.path.as_str());
    let c =
        Command { key: r.key, verb: "declare_kinship", subject: Some(r.household), path, asked };
    audit::record_on(tx, who, c.subject, c)?;
    Ok(r.key)
}

/// What the form for a declaration shows.
pub struct KinshipPage {
    pub head_name: String,
    pub number: String,
    /// (id, name, unit)
    pub people: Vec<(Id, String, Option<String>)>,
    /// (name, relation, declared when)
    pub kin: Vec<(String, String, i64)>,
}

pub fn kinship_page(tx: &mut Tx, who: &Who, household: Id) -> Result<KinshipPage, Failure<Never>> {
    let row = store::registry::find(tx, household)?.ok_or(Failure::NotFound)?;
    who.must_cover(Permission::Review, &row.household.path)?;
    Ok(KinshipPage {
        people: store::registry::relatives_to_choose(tx, household, &row.household.path)?,
        kin: store::registry::kin(tx, household)?,
        head_name: row.household.head_name,
        number: row.household.number,
    })
}
