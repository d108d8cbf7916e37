//! The register: imports, areas, the list of households, kinship.

pub mod areas;
pub mod import;
pub mod kinship;
pub mod report;

use domain::access::Permission;
use domain::audit::Digest;
use domain::registry::{Household, Member};
use domain::{Date, Id};
use store::Tx;
use store::registry::{Cadre, Filter, Listed, Officer, Order};

use crate::audit::{self, Command};
use crate::{Failure, Never, Who};

pub use import::{ImportFailure, ImportRefusal};
pub use kinship::{DeclareKinship, declare_kinship};
pub use report::Report;

/// One page of the list and the true count.
pub fn list(
    tx: &mut Tx,
    who: &Who,
    filter: &Filter,
    order: Order,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Listed>, i64), Failure<Never>> {
    let scope = who.must_scope(Permission::ReadHouseholds)?;
    Ok(store::registry::list(tx, &scope, filter, order, offset, limit)?)
}

/// (path, kind, name) of the townships and villages the list can be narrowed to.
pub fn places(tx: &mut Tx, who: &Who) -> Result<Vec<(String, String, String)>, Failure<Never>> {
    let scope = who.must_scope(Permission::ReadHouseholds)?;
    Ok(store::registry::places(tx, &scope)?)
}

pub struct Export {
    pub key: Id,
    pub filter: Filter,
    pub why: String,
}

/// Writes the export down before the first row leaves; answers with how many rows there will be.
pub fn record_export(tx: &mut Tx, who: &Who, r: &Export) -> Result<i64, Failure<Never>> {
    let scope = who.must_scope(Permission::Export)?;
    let (_, total) = store::registry::list(tx, &scope, &r.filter, Order::Village, 0, 1)?;
    let asked = Digest::of("export_households")
        .text(&r.filter.search)
        .opt_text(r.filter.area.as_deref())
        .truth(r.filter.inactive)
        .text(&r.why);
    if audit::is_repeat(tx, r.key, &asked)? {
        return Ok(total);
    }
    let note = format!("{total} {}", r.why);
    let path = r.filter.area.as_deref();
    let c = Command { key: r.key, verb: "export_households", subject: None, path, asked };
    audit::record_by(tx, Some(who.person), who.now, c, Some(note.trim()))?;
    Ok(total)
}

/// The rows of an export, one after another, within what the asker may take out.
pub fn each_exported(
    tx: &mut Tx,
    who: &Who,
    filter: &Filter,
    see: impl FnMut(Listed) -> Result<(), store::Broken>,
) -> Result<(), Failure<Never>> {
    let scope = who.must_scope(Permission::Export)?;
    Ok(store::registry::each_listed(tx, &scope, filter, see)?)
}

/// One household as its page shows it. Sensitive numbers are masked here, before they go further.
pub struct HouseholdCard {
    pub id: Id,
    pub household: Household,
    pub village: String,
    pub members: Vec<(Id, Member)>,
    pub cadre: Option<Cadre>,
    pub officers: Vec<Officer>,
    /// (name, relation, declared when)
    pub kin: Vec<(String, String, i64)>,
}

pub fn household(tx: &mut Tx, who: &Who, id: Id) -> Result<HouseholdCard, Failure<Never>> {
    use domain::registry::citizen::{mask, mask_account};
    let scope = who.must_scope(Permission::ReadHouseholds)?;
    if !store::access::covers(tx, &scope, store::access::Resource::Household, id)? {
        return Err(Failure::NotFound);
    }
    let row = store::registry::find(tx, id)?.ok_or(Failure::NotFound)?;
    let mut household = row.household;
    household.phone = household.phone.as_deref().map(mask_account);
    household.bank_account = household.bank_account.as_deref().map(mask_account);
    let mut members = store::registry::members(tx, id)?;
    for (_, member) in &mut members {
        member.citizen_number = member.citizen_number.as_deref().map(mask);
    }
    let today: Date = who.today();
    Ok(HouseholdCard {
        id,
        village: store::registry::area_name(tx, household.village)?.unwrap_or_default(),
        members,
        cadre: store::registry::cadre_of(tx, id)?,
        officers: store::registry::officers_of(tx, household.village, today)?,
        kin: store::registry::kin(tx, id)?,
        household,
    })
}
