//! The register: imports, areas, the list of households, kinship.

pub mod areas;
pub mod import;
pub mod kinship;
pub mod report;

use domain::access::Permission;
use domain::registry::{Household, Member};
use domain::{Date, Id};
use store::Tx;
use store::registry::{Cadre, Filter, Listed, Officer, Order};

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

/// The whole list to take out, one household after another.
pub fn each_listed(
    tx: &mut Tx,
    who: &Who,
    filter: &Filter,
    order: Order,
    see: impl FnMut(Listed) -> Result<(), store::Broken>,
) -> Result<(), Failure<Never>> {
    let scope = who.must_take_out(Permission::ReadHouseholds)?;
    Ok(store::registry::each_listed(tx, &scope, filter, order, see)?)
}

/// A value that is there and not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The column.
    pub field: &'static str,
    /// The member it is of: (id, name).
    pub member: Option<(Id, String)>,
}

/// One household as its page shows it. Sensitive values are masked here, before they go further.
pub struct HouseholdCard {
    pub id: Id,
    pub household: Household,
    pub village: String,
    pub members: Vec<(Id, Member)>,
    pub hidden: Vec<Hidden>,
    pub cadre: Option<Cadre>,
    pub officers: Vec<Officer>,
    /// (name, relation, declared when)
    pub kin: Vec<(String, String, i64)>,
}

pub fn household(tx: &mut Tx, who: &Who, id: Id) -> Result<HouseholdCard, Failure<Never>> {
    let scope = who.must_scope(Permission::ReadHouseholds)?;
    if !store::access::covers(tx, &scope, store::access::Resource::Household, id)? {
        return Err(Failure::NotFound);
    }
    let row = store::registry::find(tx, id)?.ok_or(Failure::NotFound)?;
    let mut household = row.household;
    let mut members = store::registry::members(tx, id)?;
    let hidden = hide(&mut household, &mut members);
    let today: Date = who.today();
    Ok(HouseholdCard {
        id,
        village: store::registry::area_name(tx, household.village)?.unwrap_or_default(),
        members,
        hidden,
        cadre: store::registry::cadre_of(tx, id)?,
        officers: store::registry::officers_of(tx, household.village, today)?,
        kin: store::registry::kin(tx, id)?,
        household,
    })
}

/// Puts masks in the place of every sensitive value; what was there to hide.
pub(crate) fn hide(household: &mut Household, members: &mut [(Id, Member)]) -> Vec<Hidden> {
    use domain::registry::citizen::{HIDDEN, mask, mask_account};
    let mut hidden = Vec::new();
    let mut note = |field, member: Option<(Id, String)>| hidden.push(Hidden { field, member });
    let all = |_: &str| HIDDEN.to_owned();
    let mut cover = |field, value: &mut Option<String>, mask: &dyn Fn(&str) -> String| {
        if let Some(plain) = value {
            *plain = mask(plain);
            note(field, None);
        }
    };
    cover("phone", &mut household.phone, &mask_account);
    cover("bank_name", &mut household.bank_name, &all);
    cover("bank_account", &mut household.bank_account, &mask_account);
    cover("poverty_cause", &mut household.poverty_cause, &all);
    if household.income_fen.take().is_some() {
        note("income_fen", None);
    }
    for (id, member) in members {
        for (field, value, mask) in [
            ("citizen_number", &mut member.citizen_number, &mask as &dyn Fn(&str) -> String),
            ("health", &mut member.health, &all),
        ] {
            if let Some(plain) = value {
                *plain = mask(plain);
                note(field, Some((*id, member.name.clone())));
            }
        }
    }
    hidden
}
